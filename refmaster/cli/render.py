"""`refmaster render SESSION.toml`: the same bytes again, or what new decisions make of them."""

from typing import Annotated

import typer

from refmaster.cli import options as o


def command(
    session: Annotated[str, typer.Argument(help="The .toml that stands beside a master.")],
    out: o.Out = None,
    drop: o.Drop = None,
    set_: o.Set = None,
    lock: o.Lock = None,
    undo: o.Undo = None,
    revision: Annotated[
        int | None,
        typer.Option("--revision", metavar="N", help="Go back to this revision first; refmaster history lists them."),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="FILE", help="Where the target is now, if it moved.")
    ] = None,
    ref: Annotated[
        str | None, typer.Option("--ref", metavar="FILE", help="Where the reference is now, if it moved.")
    ] = None,
    format_: o.Format = None,
    bit_depth: o.BitDepth = None,
    dry_run: o.DryRun = False,
    force: o.Force = False,
    json: o.Json = False,
    no_report: o.NoReport = False,
    no_audio: o.NoAudio = False,
    threads: o.Threads = 2,
    cache: o.KeptIn = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Render a session again. With no new decisions the same file comes out, byte for byte.

    Example: refmaster render song.master.toml -o softer.wav --set match_loudness.gain_db=3
    """
    from refmaster import lean

    lean.start()
    from refmaster.cache import kept_in
    from refmaster.cli.running import run
    from refmaster.pipeline import Options, render

    opts = Options(format_, bit_depth, force, dry_run, not no_report, not no_audio, threads, cache=kept_in(cache))
    run(
        lambda told: render(
            session,
            out,
            drop=drop or (),
            set=set_ or (),
            lock=lock or (),
            undo=undo or (),
            revision=revision,
            target=target,
            reference=ref,
            options=opts,
            told=told,
        ),
        json,
        quiet,
        verbose,
    )
