"""`refmaster analyse FILE…`: everything that is measured, and nothing done."""

from typing import Annotated

import typer

from refmaster.cli import options as o


def command(files: Annotated[list[str], typer.Argument(help="Tracks to measure.")], json: o.Json = False) -> None:
    """Measure tracks: loudness, true peak, dynamics, stereo image, tonal balance, defects.

    Example: refmaster analyse *.wav --json
    """
    from refmaster import lean

    lean.start()
    from refmaster.analyse import measure
    from refmaster.cli.show import print_profiles
    from refmaster.load import open_track

    tracks = [open_track(path) for path in files]
    profiles = [measure(track).profile for track in tracks]
    notes = [track.notes for track in tracks]
    if json:
        from json import dumps

        from refmaster.cli.streams import print_json
        from refmaster.plain import profile_data

        data = [{**profile_data(one), "notes": list(told)} for one, told in zip(profiles, notes, strict=True)]
        print_json(dumps(data, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        print_profiles(profiles, notes)
