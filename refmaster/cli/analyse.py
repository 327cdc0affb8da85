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
    from refmaster.analyse import analyse
    from refmaster.cli.show import print_profiles

    profiles = [analyse(path) for path in files]
    if json:
        from json import dumps

        from refmaster.cli.streams import print_json
        from refmaster.plain import profile_data

        print_json(dumps([profile_data(one) for one in profiles], ensure_ascii=False, indent=1, allow_nan=False))
    else:
        print_profiles(profiles)
