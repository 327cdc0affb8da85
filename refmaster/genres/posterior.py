"""Which genre a track probably is: shares that add up to 1, and "none" among them.

Linear discriminant analysis (R. A. Fisher, 1936) on the tracks that the genres were measured from: each genre is a
cloud around its own mean with the covariance that all share, which is drawn toward a round one (J. H. Friedman,
"Regularized discriminant analysis", JASA 84, 1989), because there are few tracks for so many numbers. Clouds have the
tails of Student's t (K. Lange, R. Little, J. Taylor, JASA 84, 1989), as songs are not Gaussian. Evidence is tempered
(C. Guo et al., "On calibration of modern neural networks", ICML 2017), so that a share of 70 % is right in 7 of 10.
What lies far from all genres falls to "none", whose evidence is the same everywhere.

The settings stand in `references/genre_tracks.json`, beside the tracks; `scripts/measure_genres.py` finds them and
prints how often the answer is right for tracks, artists and packages that were left out.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from refmaster.errors import BadSetting
from refmaster.genres import references_folder
from refmaster.genres.features import feature_names, features
from refmaster.names import shown
from refmaster.records import Profile
from refmaster.units import FloatArray

NONE = "none"
SCHEMA = 1
TAIL = 10.0  # degrees of freedom; of 10, 30 and none the best for tracks and artists that were left out
MEAN_WEIGHT = 2.0  # a genre's mean is drawn to the mean of all as if by so many tracks: taste
LEAST_SHARE = 1e-4  # shares below are left out of an answer

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """How the posterior is read.

    `roundness` 0…1 draws the shared covariance toward a round one; `temperature` divides the evidence; a genre's prior
    is its number of tracks to the power of `prior_power`. "None" has the share `none_prior` before anything is heard,
    and is as probable as a genre whose mean lies at the squared distance `far`, in units of the spread within genres.
    """

    roundness: float
    temperature: float
    prior_power: float
    far: float
    none_prior: float


@dataclass(frozen=True)
class Table:
    """The tracks that are known: `rows` of shape (tracks, features), nan where unmeasurable, and whose they are."""

    genres: tuple[str, ...]  # of the columns of every answer, without "none"
    genre_of: IntArray  # of each track, an index into `genres`
    rows: FloatArray
    artists: tuple[str, ...]
    packages: tuple[str, ...]
    titles: tuple[str, ...]
    hashes: tuple[str, ...]  # SHA-256 of the files
    settings: Settings


@dataclass(frozen=True)
class Model:
    """Clouds in standardised features: means of shape (genres, features), one covariance, counts of tracks."""

    center: FloatArray
    scale: FloatArray
    means: FloatArray
    covariance: FloatArray
    counts: IntArray


def probable(
    profile: Profile, table: Table | None = None, among: Collection[str] | None = None
) -> tuple[tuple[str, float], ...]:
    """Genres with their shares, the most probable first; "none" stands for music unlike all that was measured.

    Only genres that were measured on tracks can be told by their sound; a track that is one of them is not asked about
    itself. Where the answer is known to be `among` some of them, these alone share, and "none" has no part.
    """
    known = without(table if table is not None else load_table(), profile.sha256)
    model, settings = _model_of(known), known.settings
    if among is not None:
        counts = np.where([name in among for name in known.genres], model.counts, 0)
        model, settings = replace(model, counts=counts), replace(settings, none_prior=0.0)
    share = shares(model, features(profile), settings)
    named = sorted(zip((*known.genres, NONE), share.tolist(), strict=True), key=lambda item: -item[1])
    return tuple((name, value) for name, value in named if value >= LEAST_SHARE)


@cache
def load_table(path: Path | None = None) -> Table:
    """The table that comes with the program, or another; BadSetting where it is damaged."""
    at = path if path is not None else references_folder() / "genre_tracks.json"
    try:
        data = json.loads(at.read_text(encoding="utf-8"), parse_constant=_refuse)
        if data["schema"] > SCHEMA:
            raise BadSetting(f"{shown(at.name)}: made by a newer refmaster (schema {data['schema']}); update refmaster")
        genres, tracks = tuple(data["genres"]), data["tracks"]
        rows = np.array([[np.nan if v is None else v for v in track["features"]] for track in tracks], dtype=float)
        table = Table(
            genres=genres,
            genre_of=np.array([genres.index(track["genre"]) for track in tracks]),
            rows=rows,
            artists=tuple(track["group"] for track in tracks),
            packages=tuple(track["package"] for track in tracks),
            titles=tuple(track["title"] for track in tracks),
            hashes=tuple(track["sha256"] for track in tracks),
            settings=Settings(**data["settings"]),
        )
    except OSError as error:
        raise BadSetting(f"{shown(at.name)}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadSetting(f"{shown(at.name)}: damaged ({error}); restore the file") from error
    if rows.shape != (len(tracks), len(feature_names())) or np.isinf(rows).any() or np.isnan(rows).all(axis=0).any():
        raise BadSetting(f"{shown(at.name)}: rows that do not hold {len(feature_names())} numbers; restore the file")
    return table


def mean_shares(found: Sequence[Sequence[tuple[str, float]]]) -> list[tuple[str, float]]:
    """The mean of what several tracks sound like, the most probable first."""
    total: dict[str, float] = {}
    for name, share in (one for shares_of_one in found for one in shares_of_one):
        total[name] = total.get(name, 0.0) + share / len(found)
    return sorted(total.items(), key=lambda item: -item[1])


def hashes_of(genre: str) -> tuple[str, ...]:
    """SHA-256 of the files that a genre was measured on; none for a published one."""
    table = load_table()
    at = table.genres.index(genre) if genre in table.genres else -1
    return tuple(one for one, of in zip(table.hashes, table.genre_of, strict=True) if of == at)


def without(table: Table, sha256: str) -> Table:
    """The table without the tracks of that file, if it holds any."""
    if sha256 not in table.hashes:
        return table
    kept = [i for i, one in enumerate(table.hashes) if one != sha256]
    lists = (table.artists, table.packages, table.titles, table.hashes)
    artists, packages, titles, hashes = (tuple(one[i] for i in kept) for one in lists)
    return replace(
        table,
        genre_of=table.genre_of[kept],
        rows=table.rows[kept],
        artists=artists,
        packages=packages,
        titles=titles,
        hashes=hashes,
    )


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"holds {word}, which is no number")


@cache
def shared_model() -> Model:
    """The clouds of the shipped tracks, and the spread that songs share within their genres."""
    known = load_table()
    return fit(known.rows, known.genre_of, len(known.genres), known.settings.roundness)


def _model_of(table: Table) -> Model:
    if table is load_table():
        return shared_model()
    return fit(table.rows, table.genre_of, len(table.genres), table.settings.roundness)


def fit(rows: FloatArray, genre_of: IntArray, n_genres: int, roundness: float) -> Model:
    """The clouds of the tracks; what is missing in a row says nothing about its genre."""
    center, scale = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0) + 1e-6
    z = np.nan_to_num((rows - center) / scale, nan=0.0)
    counts = np.bincount(genre_of, minlength=n_genres)
    sums = np.zeros((n_genres, z.shape[1]))
    np.add.at(sums, genre_of, z)
    apart = z - (sums / np.maximum(counts, 1)[:, np.newaxis])[genre_of]
    shared = apart.T @ apart / max(len(z) - int((counts > 0).sum()), 1)
    level = np.trace(shared) / len(shared)
    rounded = (1 - roundness) * shared + roundness * level * np.eye(len(shared))
    means = sums / (counts + MEAN_WEIGHT)[:, np.newaxis]
    return Model(center, scale, means, rounded, counts)


def shares(model: Model, row: FloatArray, settings: Settings) -> FloatArray:
    """The posterior of one row, shape (genres + 1,): the last is "none"."""
    return tempered(log_evidence(model, row, settings.far), model.counts, settings)


def log_evidence(model: Model, row: FloatArray, far: float) -> FloatArray:
    """Log density of a row under each genre and, last, of "none", but for a constant that all share."""
    n_known = int(np.isfinite(row).sum())
    distance = np.append(distances(model, row), far * n_known / row.size)
    return np.asarray(-0.5 * (TAIL + n_known) * np.log1p(distance / TAIL))


def distances(model: Model, row: FloatArray) -> FloatArray:
    """Squared distance of a row to the mean of each genre, in units of the spread within genres, shape (genres,)."""
    z = (row - model.center) / model.scale
    known = np.isfinite(z)
    root = np.linalg.cholesky(model.covariance[np.ix_(known, known)])
    return np.asarray(np.square(np.linalg.solve(root, (z - model.means)[:, known].T)).sum(axis=0))


def nearest(table: Table, groups: Iterable[str], roundness: float) -> FloatArray:
    """The squared distance of each track to the nearest genre, its group never heard, shape (tracks,)."""
    names, found = np.array(list(groups)), np.zeros(len(table.rows))
    for name in dict.fromkeys(names.tolist()):
        out = names == name
        model = fit(table.rows[~out], table.genre_of[~out], len(table.genres), roundness)
        found[out] = [distances(model, row)[model.counts > 0].min() for row in table.rows[out]]
    return found


def tempered(evidence: FloatArray, counts: IntArray, settings: Settings) -> FloatArray:
    """Shares from log evidence, shape (genres + 1,); a genre that no track was heard of gets none."""
    weight = np.where(counts > 0, counts.astype(float) ** settings.prior_power, 0.0)
    prior = np.append(weight / weight.sum() * (1 - settings.none_prior), settings.none_prior)
    logits = evidence / settings.temperature + np.where(prior > 0, np.log(np.maximum(prior, 1e-300)), -np.inf)
    share = np.exp(logits - logits.max())
    return np.asarray(share / share.sum())


def left_out(table: Table, groups: Iterable[str], settings: Settings | None = None) -> FloatArray:
    """Shares of every track, each by a model that never heard its group, shape (tracks, genres + 1)."""
    chosen = settings if settings is not None else table.settings
    evidence, counts = left_out_evidence(table, groups, chosen)
    return np.array([tempered(e, c, chosen) for e, c in zip(evidence, counts, strict=True)])


def left_out_evidence(table: Table, groups: Iterable[str], settings: Settings) -> tuple[FloatArray, IntArray]:
    """Log evidence of every track by a model that never heard its group, and how many tracks that heard of each genre.

    Shapes (tracks, genres + 1) and (tracks, genres). It does not depend on the temperature.
    """
    names = np.array(list(groups))
    evidence = np.zeros((len(names), len(table.genres) + 1))
    counts = np.zeros((len(names), len(table.genres)), dtype=np.int64)
    for name in dict.fromkeys(names.tolist()):
        out = names == name
        model = fit(table.rows[~out], table.genre_of[~out], len(table.genres), settings.roundness)
        counts[out] = model.counts
        evidence[out] = [log_evidence(model, row, settings.far) for row in table.rows[out]]
    return evidence, counts


def top_two_share(found: FloatArray, genre_of: IntArray, *, fewest: int) -> float:
    """How often the right genre is among the two most probable, over the genres with at least `fewest` tracks."""
    best = np.argsort(-found[:, :-1], axis=1, kind="stable")[:, :2]
    right = (best == genre_of[:, np.newaxis]).any(axis=1)
    return float(right[np.bincount(genre_of)[genre_of] >= fewest].mean())


def calibration_error(found: FloatArray, truth: IntArray, *, bins: int = 10) -> float:
    """Expected calibration error: how far the stated share of the first answer is from how often it is right.

    `truth` may name "none", the last column. Ten bins of equal width (Guo et al., eq. 3).
    """
    stated, right = found.max(axis=1), found.argmax(axis=1) == truth
    at = np.minimum((stated * bins).astype(int), bins - 1)
    errors = [
        (at == k).mean() * abs(stated[at == k].mean() - right[at == k].mean()) for k in range(bins) if (at == k).any()
    ]
    return float(sum(errors))
