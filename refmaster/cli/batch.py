"""`refmaster batch FILES --ref REF`: many tracks toward one reference."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from refmaster.cli import options as o

if TYPE_CHECKING:
    from refmaster.batch import Batch
    from refmaster.batch.records import Ended

FOLDER = "masters"


def command(
    files: Annotated[list[str], typer.Argument(help="Tracks, and folders with all tracks in them.")],
    ref: Annotated[
        list[str] | None,
        typer.Option(
            "--ref",
            metavar="FILE",
            help="The track to master toward; several may be given, with what each counts for: a.wav:tone=1,level=0.3.",
        ),
    ] = None,
    genre: Annotated[
        str | None,
        typer.Option(
            "--genre",
            metavar="NAME",
            help="Its name, none, or auto, heard in the reference. [auto] Without --ref it stands for the reference and"
            " has no default: give a name, or auto for each track's own.",
        ),
    ] = None,
    library: Annotated[
        str | None,
        typer.Option(
            "--library",
            metavar="NAME",
            help="A library of your own, or a folder of them, for the genre; on a cluster, where all can read it.",
        ),
    ] = None,
    out: Annotated[str, typer.Option("-o", "--out", metavar="FOLDER", help="Where all results go.")] = FOLDER,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", help="So many tracks at a time. [one a processor]")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="ADDRESS", help="Work on this Dask cluster: tcp://HOST:PORT."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an earlier batch into this folder stopped.")
    ] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON line a track, as soon as it ends.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout", metavar="SECONDS", help="Give a track up after this. [600, or 10 times its length if longer]"
        ),
    ] = None,
    memory: Annotated[
        float, typer.Option("--memory", metavar="MB", help="Give a track up whose process takes more.")
    ] = 4096,
    album: Annotated[
        bool,
        typer.Option(
            "--album",
            help="The tracks are one record and keep their loudness relative to each other: all are moved by the same.",
        ),
    ] = False,
    amount: o.Amount = 50.0,
    loudness: o.Loudness = None,
    ceiling: o.Ceiling = -1.0,
    only: o.Only = None,
    detail: o.Detail = None,
    phase: o.Phase = "minimum",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Take tracks as any other, even our own masters toward this reference.")
    ] = False,
    drop: o.Drop = None,
    set_: o.Set = None,
    lock: o.Lock = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="wav, flac, aiff, caf, w64, rf64, ogg, opus or mp3. [wav]")
    ] = None,
    bit_depth: o.BitDepth = None,
    no_report: o.NoReport = False,
    no_audio: o.NoAudio = False,
    threads: Annotated[
        int, typer.Option("--threads", min=1, max=64, help="How many threads a track may use; --jobs fills the rest.")
    ] = 1,
    cache: o.KeptIn = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing masters, sessions and reports.")] = False,
    quiet: o.Quiet = False,
) -> None:
    """Master many tracks toward a reference or a genre. A track that crashes, hangs or eats memory costs only itself.

    Example: refmaster batch album/ bonus.wav --ref record.flac -o masters --resume
    """
    from refmaster.batch import Limits, Settings, prepared
    from refmaster.cli.library import at_home
    from refmaster.errors import BadSetting

    if not ref and genre is None and library is None:
        raise BadSetting(
            "no reference was given; name a track to master toward, --ref FILE, or a genre, --genre NAME"
            " (auto takes each track's own)"
        )
    settings = Settings(
        references=tuple(ref or ()),
        genre=genre,
        library=at_home(library),
        amount=amount,
        loudness=loudness,
        ceiling=ceiling,
        only=only,
        detail=detail,
        phase=phase,
        fresh=fresh,
        drop=tuple(drop or ()),
        set=tuple(set_ or ()),
        lock=tuple(lock or ()),
        container=format_,
        bit_depth=bit_depth,
        html=not no_report,
        audio=not no_audio,
        album=album,
    )
    batch = prepared(
        files,
        settings,
        out,
        at_once=jobs,
        cluster=cluster,
        limits=Limits(timeout, memory, threads, cache),
        resume=resume,
        force=force,
    )
    if failed := _done(batch, jsonl=jsonl, quiet=quiet):
        raise typer.Exit(failed)


def _done(batch: "Batch", *, jsonl: bool, quiet: bool) -> int:
    """Run the batch, show how it goes, and sum it up; the exit code."""
    from contextlib import closing

    from refmaster.batch import Ended
    from refmaster.cli.batch_show import print_summary, watching
    from refmaster.cli.streams import Unprinted, telling

    outcomes = []
    try:
        with watching(batch, quiet=quiet) as watch, closing(batch.run()) as events:  # type: ignore[type-var]
            for event in events:
                watch(event)
                if isinstance(event, Ended):
                    outcomes.append(event.outcome)
                    if jsonl:
                        print(_line(batch, event), flush=True)
    except (KeyboardInterrupt, Unprinted):
        print(f"{len(outcomes)} of {batch.n_tracks} tracks are done; --resume goes on from there", file=sys.stderr)
        raise
    code = 0 if all(one.good for one in outcomes) else 1
    with telling(code):
        if not quiet:
            print_summary(batch, outcomes, on_stderr=jsonl)
    return code


def _line(batch: "Batch", ended: "Ended") -> str:
    """What came of one track, as one line of JSON; the only place where the clock is let in."""
    import json

    from refmaster.batch.records import outcome_data
    from refmaster.batch.remote import joined

    data = outcome_data(ended.outcome)
    made = {name: data.pop(name) for name in ("master", "session", "report")}
    for ours in ("out", "led_short"):
        data.pop(ours)
    places = {name: joined(batch.folder, str(one)) if one else None for name, one in made.items()}
    return json.dumps(
        {
            "file": ended.job.target,
            **data,
            "files": places,
            "seconds": round(ended.seconds, 2),
            "earlier": ended.earlier,
        }
    )
