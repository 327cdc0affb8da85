"""`refmaster demo`: a first master that needs no file and no network."""

from typing import Annotated

import typer

from refmaster.cli import options as o


def command(
    folder: Annotated[str, typer.Option("-o", "--out", metavar="FOLDER", help="Where the demo's files go.")] = "demo",
    force: o.Force = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Make a 40-second song in code, a dull and dynamic mix, and master it toward a finished one.

    Example: refmaster demo -o first
    """
    from pathlib import Path

    from refmaster import lean

    lean.start()
    from refmaster.atomic import together
    from refmaster.cli.running import run
    from refmaster.demo import dull_mix, finished
    from refmaster.errors import BadOutput
    from refmaster.pipeline import Options, master
    from refmaster.records import Delivery
    from refmaster.save import check_outputs, write_audio

    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOutput(f"{place} cannot be made a folder ({error.strerror}); give another with -o") from error
    mix, record, out = place / "mix.wav", place / "record.wav", place / "mix.master.wav"
    check_outputs([mix, record, out, out.with_suffix(".toml"), out.with_suffix(".html")], [], force=force)
    rate = 44100
    with together(new=not force) as written:
        for path, make in ((mix, dull_mix), (record, finished)):
            sound = [make(rate)]
            write_audio(path, sound, sample_rate_hz=rate, channels=2, delivery=Delivery(), within=written)
    run(lambda told: master(mix, record, out, options=Options(force=force), told=told), json, quiet, False)
