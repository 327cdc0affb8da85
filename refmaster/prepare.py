"""Prepare: what a plan is made from: all tracks measured, the genre known, and the target compared with them."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import TypeGuard, cast

from refmaster.analyse import Measured, check_masterable, measure
from refmaster.cache import Cache, get, put
from refmaster.compare import Example, compare
from refmaster.compare.pairing import no_music
from refmaster.decide import checked_weights, parse_phase, parse_reference, parse_stages
from refmaster.dsp.ahead import workers
from refmaster.errors import BadSetting
from refmaster.genres import with_share
from refmaster.genres.context import AUTO, context
from refmaster.genres.posterior import NONE
from refmaster.load import BLOCK_SAMPLES, Track, open_track, resampled
from refmaster.names import shown
from refmaster.own import by_genre, recognised
from refmaster.plan import Material
from refmaster.records import Genre, Profile, Request, Stage, Weights
from refmaster.remembered import is_remembered, remembered

Asked = str | os.PathLike[str] | tuple[str | os.PathLike[str], Weights]
"""A reference as it is asked for: a file, with what it counts for behind a colon, or beside it."""

Told = Callable[[str, float], None]
"""Progress: the name of the step, and how far it is, 0 to 1; below 0 where nobody can tell."""


def silent(step: str, share: float) -> None:
    """Tell nobody."""


def checked_request(
    amount: float,
    loudness: float | None,
    ceiling: float,
    only: str | None = None,
    detail: int | None = None,
    phase: str = "minimum",
) -> Request:
    """What was asked for, once it is known to be possible."""
    for name, value, low, high, unit in (
        ("--amount", amount, 0.0, 100.0, "%"),
        ("--loudness", loudness, -60.0, 0.0, "LUFS"),
        ("--ceiling", ceiling, -24.0, 0.0, "dBTP"),
        ("--detail", detail, 1, 30, "bands"),
    ):
        if value is not None and not low <= value <= high:  # false for NaN too
            raise BadSetting(f"{name} {value:g} is out of range; allowed: {low:g} to {high:g} {unit}")
    if detail is not None and detail != int(detail):
        raise BadSetting(f"--detail {detail:g} is no whole number; allowed: 1 to 30 bands")
    detail, stages = None if detail is None else int(detail), parse_stages(only)
    if stages and Stage.LEVEL not in stages and loudness is not None:
        raise BadSetting(
            f"--only {only} leaves the level alone, and --loudness {loudness:g} asks for one; add level to it"
        )
    return Request(amount, loudness, ceiling, stages, detail, parse_phase(phase))


def prepare(
    track: Track,
    refs: Sequence[tuple[Track, Weights]],
    request: Request,
    told: Told = silent,
    toward: tuple[str, ...] = (),
    *,
    threads: int = 2,
    block_samples: int = BLOCK_SAMPLES,
    kept: Cache | None = None,
    target_once: bool = False,
) -> Material:
    """All tracks measured, at the target's rate, and compared; without references, with the genre.

    `toward` are the SHA-256 of the references, where they are known without the files. In `kept` all are remembered,
    but for a target that is heard this `target_once`.
    """
    told("analyse", -1.0)
    rate = track.source.sample_rate_hz
    keeping = None if target_once else kept
    with workers(threads) as pool:
        heard = [resampled(ref, rate) for ref, _ in refs]
        unknown = [one for one in heard if not is_remembered(one, kept)]
        unknown += [] if is_remembered(track, keeping) else [track]
        helped = unknown[0] if threads > 1 and len(unknown) == 1 else None  # a core has nothing else to do
        waiting = [pool.submit(_heard, one, kept, block_samples, pool if one is helped else None) for one in heard]
        by_ear = bool(request.library) or request.genre == AUTO
        apart = [ref if by_ear and one is not ref else None for one, (ref, _) in zip(heard, refs, strict=True)]
        whole = [None if ref is None else pool.submit(_whole, ref, kept, block_samples) for ref in apart]
        aside = pool if track is helped else None
        target = _heard(track, keeping, block_samples, aside, lambda _: told("analyse", -1.0))
        references = [one.result() for one in waiting]
        by_ears = [here.profile if own is None else own.result() for here, own in zip(references, whole, strict=True)]
    check_masterable(target.profile, "the target")
    for one in references:
        check_masterable(one.profile, "the reference")
    told("compare", -1.0)
    genre = _genre(request, target.profile, by_ears)
    examples = tuple(Example(one, weights) for one, (_, weights) in zip(references, refs, strict=True))
    alone = not refs and not toward and request.genre != NONE
    if alone and genre.tone is None:
        raise BadSetting(_no_genre(track, genre, request.library))
    known = bool(examples) or alone
    same = request.same_song
    comparison = compare(target, examples, genre, same_song=same, threads=threads) if known else None
    toward = toward or tuple(ref.source.sha256 for ref, _ in refs) or by_genre(request)
    mark, marked = recognised(track, toward, request)
    notes = track.notes + tuple(note for ref, _ in refs for note in ref.notes) + marked
    return Material(track, target, examples, comparison, genre, request, notes, toward, mark, threads=threads)


def opened(
    target: str | os.PathLike[str], asked: Sequence[tuple[str | os.PathLike[str], Weights]], *, threads: int = 2
) -> tuple[Track, tuple[tuple[Track, Weights], ...]]:
    """A target and its references, read at the same time; where several are refused, the first is told."""
    with workers(threads) as pool:
        waiting = [pool.submit(open_track, path, role="reference") for path, _ in asked]
        track = open_track(target)
        return track, tuple((one.result(), weights) for one, (_, weights) in zip(waiting, asked, strict=True))


def needed(
    track: Track, refs: Sequence[tuple[Track, Weights]]
) -> tuple[tuple[tuple[Track, Weights], ...], tuple[str, ...]]:
    """Of several references those that say something, each once and not the target itself; and what was left out."""
    kept: dict[str, tuple[Track, Weights]] = {}
    said = []
    for ref, weights in refs:
        name, content = shown(os.path.basename(ref.source.path)), ref.source.sha256
        if len(refs) > 1 and content == track.source.sha256:
            said.append(f"{name} is the target itself: as one of several references it is left out")
        elif content in kept:
            first = os.path.basename(kept[content][0].source.path)
            same = "was given more than once" if shown(first) == name else f"is the same file as {shown(first)}"
            said.append(f"{name} {same}, and counts as it was given first")
        else:
            kept[content] = (ref, weights)
    return (tuple(kept.values()), tuple(said)) if kept else (tuple(refs[:1]), ())


def _heard(
    track: Track,
    kept: Cache | None,
    block_samples: int,
    aside: Executor | None,
    progress: Callable[[int], None] | None = None,
) -> Measured:
    """A track measured, or remembered."""
    return remembered(
        track, kept, lambda: measure(track, blocks=track.blocks(block_samples), progress=progress, aside=aside)
    )


def _whole(reference: Track, kept: Cache | None, block_samples: int) -> Profile:
    """A reference's Profile at its own rate: in what it sounds like no track that it is compared with has a say."""
    known = None if kept is None else get(kept, reference.source.sha256)
    if known is not None:
        return replace(known, path=reference.source.path)
    found = measure(reference, blocks=reference.blocks(block_samples)).profile
    if kept is not None and reference.source.container != "array":
        put(kept, found)
    return found


def _genre(request: Request, target: Profile, references: list[Profile]) -> Genre:
    """What the target is read in: a user's own library, or a genre; noise for a reference sounds like none."""
    references = [one for one in references if not no_music(one, target)]
    if not request.library:
        return context(request.genre, target, references)
    from refmaster.library import find_libraries, heard_among
    from refmaster.library.files import default_folder

    return heard_among(find_libraries(request.library, default_folder()), references or [target])


def files_asked(reference: Asked | Sequence[Asked] | None) -> tuple[tuple[str | os.PathLike[str], Weights], ...]:
    """References as files and what they count for."""
    if reference is None:
        return ()
    if isinstance(reference, str | os.PathLike) or _is_pair(reference):
        return (_one_asked(reference),)
    return tuple(_one_asked(one) for one in cast("Sequence[Asked]", reference))


def _is_pair(asked: object) -> TypeGuard[tuple[str | os.PathLike[str], Weights]]:
    """Whether it is one reference with what it counts for; any other tuple is of several."""
    return isinstance(asked, tuple) and len(asked) == 2 and isinstance(asked[1], Weights)


def _one_asked(one: Asked) -> tuple[str | os.PathLike[str], Weights]:
    if isinstance(one, tuple):
        path, weights = one
        return path, checked_weights(weights, os.fspath(path))
    return parse_reference(one) if isinstance(one, str) else (one, Weights())


def _no_genre(track: Track, genre: Genre, library: str) -> str:
    """Why there is nothing to master toward."""
    if genre.share is None:
        return f"--genre {genre.name} tells no tone to master toward; name a reference, --ref FILE, or another genre"
    if library:
        nearest = "" if genre.runner_up is None else f"; nearest: {genre.runner_up[0]}"
        said = f"it is farther from each of the libraries in {shown(library)} than their own tracks are{nearest}"
        other = "or one library, --library FILE"
    else:
        nearest = "" if genre.runner_up is None else f"; nearest: {with_share(*genre.runner_up)}"
        said = f"it sounds like no genre that was measured ({100 * genre.share:.0f} %{nearest})"
        other = "or a genre, --genre NAME"
    return f"{shown(track.source.path)}: {said}; name a reference, --ref FILE, {other}"


def library_asked(library: str | os.PathLike[str] | None, genre: str | None) -> str:
    """A library as it is asked for: by its name, or as a whole path; "" for none."""
    from refmaster.library.files import default_folder, find_library

    if library is None:
        return ""
    if genre is not None:
        raise BadSetting("--genre and --library were both given; a track is read in one of them")
    name = os.fspath(library)
    if not name:
        raise BadSetting("--library '' names none; give a library's name, or a folder of them")
    if os.path.isdir(name) or Path(name) == find_library(name, default_folder()):
        return os.path.realpath(name)  # so it is found from everywhere
    return name
