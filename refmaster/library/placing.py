"""Where a track sits among others: in each band of a genre, and which tracks and genres are nearest to it.

A band is the range in which four of five songs lie, P10 to P90. Single numbers have their percentiles measured; tone
and width have a mean and a spread, and the band is that of a normal distribution, the mean's own error included, so
that a few tracks make a wide band.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from refmaster.genres import load_genre
from refmaster.genres.features import features, leveled
from refmaster.genres.posterior import Table, load_table, mean_shares, probable
from refmaster.genres.statistics import EDGE_SDS, covariance_db2, song_sd_db, whole_width_db
from refmaster.library.files import Library
from refmaster.nearness import Reason, apart, nearer_pct, pair_at, reasons
from refmaster.records import Genre, Profile, Spread
from refmaster.units import FloatArray

OCTAVES_HZ = (31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)
MOST_NEAREST = 5
FAR_PCT = 95.0  # of pairs of songs of one genre; with `within`, 1.5 % of 200 records left out of libraries of 2 to 12

Where = Literal["under", "inside", "over"]


@dataclass(frozen=True)
class Standing:
    """One number of a track in a genre's band; `where` is None where the track's is not measurable.

    `feature` is a Profile's name or the centre of an octave: `tone_1000_db`, `width_1000_db`. Of an octave `p50` is the
    mean, and the edges are 1.28 standard deviations from it.
    """

    feature: str
    value: float | None
    p10: float
    p50: float
    p90: float

    @property
    def where(self) -> Where | None:
        """Under the band, inside it or over it."""
        if self.value is None:
            return None
        return "under" if self.value < self.p10 else "over" if self.value > self.p90 else "inside"


@dataclass(frozen=True)
class Ribbon:
    """A curve of a track and the band of a genre's songs around theirs, at `band_hz`, dB; None where not measurable."""

    band_hz: tuple[float, ...]
    track_db: tuple[float | None, ...]
    p10_db: tuple[float, ...]
    p50_db: tuple[float, ...]
    p90_db: tuple[float, ...]


@dataclass(frozen=True)
class Placement:
    """A track in the bands of one genre: single numbers, octaves of tone and width, and their curves."""

    genre: Genre
    numbers: tuple[Standing, ...]
    tone: tuple[Standing, ...]
    width: tuple[Standing, ...]
    tone_curve: Ribbon | None
    width_curve: Ribbon | None


@dataclass(frozen=True)
class Near:
    """A track that is near: its distance (`nearness.apart`), and how it differs from the one that was asked about."""

    source: str
    label: str
    sha256: str
    distance: float
    nearer_pct: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Reach:
    """How far a track lies from a library, as the median of its distances to the tracks (`nearness.apart`).

    `within` is the farthest that one of the library's own tracks lies from the others, in the same measure, None where
    there are no two. What is no farther than that belongs as well as they do. Few tracks reach no farther than chance
    has it, so what is no farther than most pairs of songs of one genre is not far either.
    """

    distance: float
    within: float | None

    @property
    def limit(self) -> float:
        """The distance beyond which a track is far."""
        return max(self.within or 0.0, pair_at(FAR_PCT))

    @property
    def far(self) -> bool:
        """Whether the track is unlike all that the library holds; not where nothing can be compared."""
        return self.distance > self.limit


def place(profile: Profile, genre: Genre) -> Placement:
    """Where a track sits in every band that the genre has figures for."""
    tone, width = _tone_curve(profile, genre), _width_curve(profile, genre)
    return Placement(
        genre=genre,
        numbers=tuple(_standing(profile, spread) for spread in genre.spreads),
        tone=tuple(_octaves("tone", tone, None if genre.tone is None else covariance_db2(genre.tone))),
        width=tuple(_octaves("width", width, None)),
        tone_curve=tone,
        width_curve=width,
    )


def nearest(libraries: Sequence[Library], profile: Profile, most: int = MOST_NEAREST) -> tuple[Near, ...]:
    """The tracks of libraries that are most alike, the nearest first; the very same file is not one of them."""
    others = ((one.name, row) for one in libraries for row in one.tracks if row.sha256 != profile.sha256)
    known = [(name, row.label, row.sha256, features(row.profile)) for name, row in others]
    return _nearest(known, features(profile), most)


def nearest_shipped(genre: Genre, profile: Profile, most: int = MOST_NEAREST) -> tuple[Near, ...]:
    """The same among the tracks that a genre of the program was measured from; none for a published one."""
    table = load_table()
    if genre.name not in table.genres:
        return ()
    own = np.flatnonzero(table.genre_of == table.genres.index(genre.name))
    known = [
        (genre.name, f"{table.titles[i]} ({table.packages[i]})", table.hashes[i], table.rows[i])
        for i in own
        if table.hashes[i] != profile.sha256
    ]
    return _nearest(known, features(profile), most)


def home_of(libraries: Sequence[Library], profile: Profile) -> Library:
    """The library that a track most probably belongs to, without the track itself; at least one is given."""
    return without(_likeliest(libraries, dict(own_shares(profile, libraries))), profile)


def heard_among(libraries: Sequence[Library], profiles: Sequence[Profile]) -> Genre:
    """What is normal: the only library, or of several the one that tracks sound like; none where they are far from all.

    Its `share` is that among these libraries: the genres that come with the program have no say here. It is None where
    nobody had to guess, and 0 where all are far.
    """
    if len(libraries) == 1:
        return without(libraries[0], profiles[0]).genre
    ranked = mean_shares([own_shares(profile, libraries) for profile in profiles])
    close = [one for one in libraries if not all(reach_of(one, profile).far for profile in profiles)]
    best = _likeliest(close or libraries, dict(ranked))
    if not close:
        return replace(load_genre(), share=0.0, runner_up=(named(best), 0.0))
    second = next((one for one in ranked if one[0] != named(best)), None)
    return replace(without(best, profiles[0]).genre, share=dict(ranked).get(named(best), 0.0), runner_up=second)


def reach_of(library: Library, profile: Profile) -> Reach:
    """How far a track lies from a library's others, and how far its own tracks do: one that is in it is never far."""
    rows = [(row.sha256, features(row.profile)) for row in library.tracks]
    own = (_middle(row, [*_others(rows, sha256)]) for sha256, row in rows)
    within = max((value for value in own if math.isfinite(value)), default=None)
    return Reach(_middle(features(profile), [*_others(rows, profile.sha256)]), within)


def _others(rows: Sequence[tuple[str, FloatArray]], sha256: str) -> Iterator[FloatArray]:
    return (row for of, row in rows if of != sha256)


def _middle(ours: FloatArray, others: Sequence[FloatArray]) -> float:
    """The median distance to others; nan where there are none, or nothing in common."""
    found = [value for value in (apart(ours, one) for one in others) if math.isfinite(value)]
    return float(np.median(found)) if found else math.nan


def own_shares(profile: Profile, libraries: Sequence[Library]) -> tuple[tuple[str, float], ...]:
    """A user's libraries with their shares of probability among themselves, the most probable first."""
    theirs = {named(one) for one in libraries}
    return probable(profile, _with(load_table(), profile, libraries), among=theirs)


def _likeliest(libraries: Sequence[Library], of: dict[str, float]) -> Library:
    return max(libraries, key=lambda one: (of.get(named(one), 0.0), one.name))


def named(library: Library) -> str:
    """A library as it stands among genres."""
    return f"library {library.name}"


def shares(profile: Profile, libraries: Sequence[Library] = ()) -> tuple[tuple[str, float], ...]:
    """Genres with their shares of probability, a user's libraries among them under "library NAME", and "none"."""
    return probable(profile, _with(load_table(), profile, libraries) if libraries else None)


def without(library: Library, profile: Profile) -> Library:
    """The library without the track itself, unless it holds nothing else: nobody is compared with himself."""
    others = tuple(row for row in library.tracks if row.sha256 != profile.sha256)
    return Library(library.name, others) if others else library


def _with(table: Table, profile: Profile, libraries: Sequence[Library]) -> Table:
    """The table with the tracks of libraries as genres of their own."""
    names, rows, whose = list(table.genres), [table.rows], [table.genre_of]
    labels, artists, hashes = [], [], []
    for library in libraries:
        tracks = without(library, profile).tracks
        whose.append(np.full(len(tracks), len(names)))
        names.append(named(library))
        rows.append(np.array([features(row.profile) for row in tracks]))
        labels += [row.label for row in tracks]
        artists += [row.artist or library.name for row in tracks]
        hashes += [row.sha256 for row in tracks]
    return Table(
        genres=tuple(names),
        genre_of=np.concatenate(whose),
        rows=np.concatenate(rows),
        artists=(*table.artists, *artists),
        packages=(*table.packages, *("" for _ in labels)),
        titles=(*table.titles, *labels),
        hashes=(*table.hashes, *hashes),
        settings=table.settings,
    )


def _nearest(known: Sequence[tuple[str, str, str, FloatArray]], ours: FloatArray, most: int) -> tuple[Near, ...]:
    found = [(apart(ours, row), source, label, sha256, row) for source, label, sha256, row in known]
    chosen: dict[str, tuple[float, str, str, str, FloatArray]] = {}
    for one in sorted((one for one in found if math.isfinite(one[0])), key=lambda one: one[:3]):
        chosen.setdefault(one[3], one)  # each content once, in the library where it comes first
    return tuple(
        Near(source, label, sha256, distance, nearer_pct(distance), reasons(ours, row))
        for distance, source, label, sha256, row in list(chosen.values())[:most]
    )


def _standing(profile: Profile, spread: Spread) -> Standing:
    return Standing(spread.name, _value(profile, spread.name), spread.p10, spread.p50, spread.p90)


def _value(profile: Profile, name: str) -> float | None:
    """The number of a track that a genre's spread of this name is about."""
    if name == "side_to_mid_db":
        return whole_width_db(profile)
    if name.startswith("dynamics_"):
        low_hz = float(name.split("_")[1])
        return next((b.loud_over_median_db for b in profile.dynamics if abs(b.low_hz - low_hz) < 1), None)
    value = getattr(profile, name, None)
    return value if isinstance(value, float) else None


def _tone_curve(profile: Profile, genre: Genre) -> Ribbon | None:
    if genre.tone is None:
        return None
    band_hz, level_db = leveled(profile)
    return _ribbon(genre.tone.band_hz, np.array(genre.tone.mean_db), song_sd_db(genre.tone), band_hz, level_db)


def _width_curve(profile: Profile, genre: Genre) -> Ribbon | None:
    if genre.width is None:
        return None
    known = np.array(profile.side_to_mid_db, dtype=float)
    mean, sd = np.array(genre.width.mean_db), np.array(genre.width.sd_db)
    return _ribbon(genre.width.band_hz, mean, sd, np.array(profile.band_hz), known)


def _ribbon(at_hz: tuple[float, ...], mean: FloatArray, sd: FloatArray, band_hz: FloatArray, own: FloatArray) -> Ribbon:
    """Bands of a grid, which a track at a low rate fills in part: centres are the same as far as both go."""
    n = min(len(at_hz), band_hz.size)
    track = [float(v) if math.isfinite(v) else None for v in own[:n]] + [None] * (len(at_hz) - n)
    low, high = mean - EDGE_SDS * sd, mean + EDGE_SDS * sd
    return Ribbon(at_hz, tuple(track), *(tuple(curve.tolist()) for curve in (low, mean, high)))


def _octaves(kind: str, curve: Ribbon | None, covariance: FloatArray | None) -> Iterator[Standing]:
    """Octaves of a curve. Bands vary together as the covariance has it; without one, as if they were one band."""
    if curve is None:
        return
    at_hz, p50 = np.array(curve.band_hz), np.array(curve.p50_db)
    sd = (np.array(curve.p90_db) - p50) / EDGE_SDS
    for centre_hz in OCTAVES_HZ:
        inside = np.flatnonzero(np.abs(np.log2(at_hz / centre_hz)) < 0.5)
        own = [curve.track_db[i] for i in inside]
        values = [value for value in own if value is not None]
        middle, spread = float(p50[inside].mean()), float(sd[inside].mean())
        if covariance is not None:
            among = float(covariance[np.ix_(inside, inside)].mean())
            error = float((np.square(sd[inside]) - np.diag(covariance)[inside]).mean())
            spread = math.sqrt(among + max(error, 0.0))
        value = float(np.mean(values)) if len(values) == len(own) else None
        name = f"{kind}_{centre_hz:g}_db"
        yield Standing(name, value, middle - EDGE_SDS * spread, middle, middle + EDGE_SDS * spread)
