"""The questions that comparing answers, whole: a track among libraries, in a genre, beside references."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from refmaster import passport
from refmaster.analyse import SHORTEST_S, Measured, check_masterable, is_inaudible, measure
from refmaster.cache import Cache, profile_of
from refmaster.compare import compare
from refmaster.dsp.ahead import workers
from refmaster.genres import ANY, FEW_TRACKS, load_genre
from refmaster.genres.context import AUTO, checked_genre, context
from refmaster.genres.posterior import hashes_of
from refmaster.library.files import Library
from refmaster.library.placing import (
    FAR_PCT,
    Near,
    Placement,
    Standing,
    home_of,
    nearest,
    nearest_shipped,
    place,
    reach_of,
    shares,
    without,
)
from refmaster.load import open_track, resampled
from refmaster.nearness import pair_at
from refmaster.records import Comparison, Genre, Passport, Profile
from refmaster.version import __version__
from refmaster.writing import counted


@dataclass(frozen=True)
class Among:
    """A track among others: where it sits, what is nearest, which genre it may be of."""

    target: Profile
    placement: Placement
    nearest: tuple[Near, ...]
    shares: tuple[tuple[str, float], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Beside:
    """A track beside one reference; `comparison` is None where the two could not be compared."""

    reference: Profile
    comparison: Comparison | None
    passport: Passport


def among(path: str | os.PathLike[str], libraries: Sequence[Library], kept: Cache | None) -> Among:
    """A track among the tracks of libraries; it is placed in the most probable one."""
    target = _target(path, kept)
    found = nearest(libraries, target)
    own = [one for one in libraries if any(row.sha256 == target.sha256 for row in one.tracks)]
    apart_from = [without(one, target) for one in libraries]
    notes = [f"the track itself is in the library {one.name}, and was left out there" for one in own]
    notes += [
        f"the library {one.name} holds {counted(len(one.tracks), 'track')}: too few to say what is normal"
        for one in apart_from
        if len(one.tracks) < FEW_TRACKS
    ]
    notes += _far_notes(libraries, target)
    home, shared = home_of(libraries, target), shares(target, libraries)
    return Among(target, place(target, home.genre), found, shared, tuple(notes))


def _far_notes(libraries: Sequence[Library], target: Profile) -> list[str]:
    """What is said of a track that is far from every library."""
    reaches = [(one.name, reach_of(one, target)) for one in libraries]
    if not all(reach.far for _, reach in reaches):
        return []
    name, reach = min(reaches, key=lambda one: one[1].distance - one[1].limit)
    whose = f"the library {name}" if len(libraries) == 1 else f"any of the libraries, {name} the nearest"
    own = "" if reach.within is None else f"; its own tracks are at most {reach.within:.2f} from each other"
    return [
        f"by its sound it is hardly music of {whose}: the median distance to its tracks is {reach.distance:.2f}{own}, "
        f"{FAR_PCT:.0f} of 100 pairs of songs of one genre at most {pair_at(FAR_PCT):.2f}"
    ]


def in_genre(path: str | os.PathLike[str], name: str, kept: Cache | None) -> Among:
    """A track in a genre by name, or in the most probable one for "auto"; in none where none fits."""
    asked = checked_genre(name)
    target = _target(path, kept)
    genre, shared = load_genre(context(asked, target).name), shares(target)
    placed = replace(genre, share=dict(shared).get(genre.name))
    notes = tuple(_genre_notes(asked, genre, target))
    return Among(target, place(target, placed), nearest_shipped(genre, target), shared, notes)


def _genre_notes(asked: str, genre: Genre, target: Profile) -> Iterator[str]:
    if genre.name == ANY:
        why = "no genre that was measured fits this track" if asked == AUTO else "no genre was named"
        yield f"{why}, so nothing is held against a band; --genre NAME names one"
    elif genre.kind == "published":
        yield f"{genre.label} is known from published figures only: wide bands, and no track to compare with"
    if target.sha256 in hashes_of(genre.name):
        yield (
            f"the track itself is one of the {genre.n_tracks} that {genre.label} was measured on: it is left out of "
            "the nearest and of the genres by sound, not of the bands"
        )


def beside(
    path: str | os.PathLike[str], references: Sequence[str | os.PathLike[str]]
) -> tuple[Profile, tuple[Beside, ...]]:
    """A track beside references, each with its passport; a reference that cannot be compared says why."""
    track = open_track(path)
    others = [open_track(one, role="reference") for one in references]
    rate = track.source.sample_rate_hz
    with workers(2) as pool:
        waiting = [pool.submit(measure, resampled(one, rate)) for one in others]
        target = measure(track)
        check_masterable(target.profile, "the target")
        found = [future.result() for future in waiting]
    return target.profile, tuple(_beside(target, one) for one in found)


def among_data(answer: Among) -> dict[str, object]:
    """A track among others as plain data."""
    placement = answer.placement
    return {
        "version": __version__,
        "target": asdict(answer.target),
        "genre": genre_data(placement.genre),
        "bands": {
            "numbers": [_standing_data(one) for one in placement.numbers],
            "tone": [_standing_data(one) for one in placement.tone],
            "width": [_standing_data(one) for one in placement.width],
        },
        "nearest": [asdict(one) for one in answer.nearest],
        "genres": [{"name": name, "share": share} for name, share in answer.shares],
        "notes": list(answer.notes),
    }


def beside_data(target: Profile, found: Sequence[Beside]) -> dict[str, object]:
    """A track beside references as plain data."""
    return {
        "version": __version__,
        "target": asdict(target),
        "references": [
            {
                "profile": asdict(one.reference),
                "kinship": None if one.comparison is None else one.comparison.kinship,
                "difference": None if one.comparison is None else _difference(one.comparison),
                "passport": passport.as_data(one.passport),
            }
            for one in found
        ],
    }


def genre_data(genre: Genre) -> dict[str, object]:
    """A genre as plain data, without its curves."""
    return {
        "name": genre.name,
        "label": genre.label,
        "kind": genre.kind,
        "n_tracks": genre.n_tracks,
        "n_artists": genre.n_artists,
        "trust": genre.trust,
        "share": genre.share,
        "source": genre.source,
        "spreads": [asdict(spread) for spread in genre.spreads],
    }


def _target(path: str | os.PathLike[str], kept: Cache | None) -> Profile:
    profile = profile_of(path, kept)
    check_masterable(profile, "the target")
    return profile


def _beside(target: Measured, reference: Measured) -> Beside:
    theirs = reference.profile
    possible = not is_inaudible(theirs) and theirs.duration_s >= SHORTEST_S
    found = compare(target, reference, load_genre()) if possible else None
    return Beside(theirs, found, passport.passport_of(theirs, target.profile, found))


def _standing_data(one: Standing) -> dict[str, object]:
    return {**asdict(one), "where": one.where}


def _difference(comparison: Comparison) -> dict[str, object]:
    """Reference minus target in each band: all of it, that of matched passages, and what of it is believed."""
    tone, width = comparison.tone, comparison.width
    return {
        "band_hz": list(comparison.band_hz),
        "tone_full_db": list(tone.full_db),
        "tone_matched_db": list(tone.matched_db),
        "tone_believed_db": list(tone.wanted_db),
        "width_full_db": None if width is None else list(width.full_db),
    }
