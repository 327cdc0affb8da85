"""`refmaster TARGET --ref REFERENCE`: the main job."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from refmaster.cli import options as o

if TYPE_CHECKING:
    from refmaster.pipeline import Options
    from refmaster.prepare import Told
    from refmaster.records import Report


def command(
    target: Annotated[str, typer.Argument(help="The track to master.")],
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
            help="Its name, none, or auto, heard in the reference. Without --ref the track goes toward it. [auto]",
        ),
    ] = None,
    library: Annotated[
        str | None,
        typer.Option("--library", metavar="NAME", help="A library of your own, or a folder of them, for the genre."),
    ] = None,
    out: o.Out = None,
    amount: o.Amount = 50.0,
    loudness: o.Loudness = None,
    ceiling: o.Ceiling = -1.0,
    only: o.Only = None,
    detail: o.Detail = None,
    same_song: Annotated[
        bool, typer.Option("--same-song", help="The reference is this very song: believe more of the difference.")
    ] = False,
    phase: o.Phase = "minimum",
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Take TARGET as any other file, even our own master toward this reference."),
    ] = False,
    drop: o.Drop = None,
    set_: o.Set = None,
    lock: o.Lock = None,
    keep_from: Annotated[
        str | None,
        typer.Option(
            "--keep-from",
            metavar="SESSION",
            help="What you decided in this earlier session holds again: locks, values and drops.",
        ),
    ] = None,
    undo: o.Undo = None,
    engine: Annotated[
        str, typer.Option("--engine", help="refmaster, or matchering for a second opinion in the same report.")
    ] = "refmaster",
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
    """Master TARGET toward a reference: OUT.wav, with its session OUT.toml and its report OUT.html.

    Example: refmaster mix.wav --ref record.flac --amount 40 --drop match_width
    """
    from refmaster import lean

    lean.start()
    from refmaster.cache import kept_in
    from refmaster.cli.library import at_home
    from refmaster.cli.running import run
    from refmaster.errors import BadSetting
    from refmaster.pipeline import Options, master

    library = at_home(library)
    references = _references(target, ref or [], genre or library)
    opts = Options(format_, bit_depth, force, dry_run, not no_report, not no_audio, threads, cache=kept_in(cache))
    if engine == "matchering":
        given = {
            "--loudness": loudness,
            "--only": only,
            "--detail": detail,
            "--drop": drop,
            "--set": set_,
            "--lock": lock,
            "--keep-from": keep_from,
            "--undo": undo,
            "--amount": None if amount == 50.0 else amount,
            "--same-song": same_song or None,
            "--fresh": fresh or None,
            "--phase": None if phase == "minimum" else phase,
            "--genre": genre,
            "--library": library,
        }
        run(_by_matchering(target, references, out, ceiling, opts, given), json, quiet, verbose)
        return
    if engine != "refmaster":
        raise BadSetting(f"no engine {engine!r}; known: refmaster, matchering")
    run(
        lambda told: master(
            target,
            references,
            out,
            genre=genre,
            library=library,
            amount=amount,
            loudness=loudness,
            ceiling=ceiling,
            only=only,
            detail=detail,
            phase=phase,
            same_song=same_song,
            fresh=fresh,
            drop=drop or (),
            set=set_ or (),
            lock=lock or (),
            undo=undo or (),
            keep_from=keep_from,
            options=opts,
            told=told,
        ),
        json,
        quiet,
        verbose,
    )


def _by_matchering(
    target: str, references: list[str], out: str | None, ceiling: float, opts: "Options", given: Mapping[str, object]
) -> "Callable[[Told], Report]":
    """The job as matchering does it; BadSetting for what it knows nothing of."""
    from refmaster.decide import parted
    from refmaster.engines.matchering import second_opinion
    from refmaster.errors import BadSetting
    from refmaster.names import shown

    if unknown := [name for name, value in given.items() if value is not None and value != []]:
        raise BadSetting(f"matchering knows no {', '.join(unknown)}; leave it out, or use our own engine")
    if weighed := [one for one in references if parted(one)[1]]:
        raise BadSetting(
            f"matchering knows no weights (--ref {shown(weighed[0])}); name the file alone, or use our own engine"
        )
    if len(references) != 1:
        raise BadSetting(f"matchering takes one --ref, {len(references)} were given; name one")
    return lambda told: second_opinion(target, references[0], out, ceiling=ceiling, options=opts, told=told)


def _references(target: str, references: list[str], genre: str | None) -> list[str]:
    """The tracks to master toward; BadSetting where the words do not make a job."""
    from shlex import quote

    from refmaster.errors import BadSetting
    from refmaster.names import shown

    if target.lower().endswith(".toml"):
        name = shown(target)
        raise BadSetting(f"{name} is a session, not a track; it is rendered with: refmaster render {quote(name)}")
    if not references and genre is None:
        raise BadSetting(
            "no reference was given; name a track to master toward, --ref FILE, or a genre, --genre NAME (or auto)"
        )
    return references
