"""From the Profiles of tracks to what is normal for their genre.

**Mean and covariance of spectra.** Bands above a codec's cut are unknown and are filled by their conditional
expectation, with its uncertainty (EM for missing Gaussian data, A. Dempster, N. Laird, D. Rubin, JRSS B 39, 1977). A
few tracks cannot say how 61 bands vary together, so a genre's covariance is drawn toward the one within all genres,
as if that had been seen on `pool_weight` tracks more: (n − 1) S + pool_weight · S_all over n − 1 + pool_weight. The
weight is the one under which tracks that were left out are most probable.

**Trust.** Tracks of one artist say less than as many of several: n is divided by the design effect (L. Kish, "Survey
Sampling", 1965, 5.4), with the correlation within artists from an analysis of variance. Trust is then the reliability
of the mean, between / (between + within / n_effective): between, the variance of true genre means; within, that of the
songs of one genre.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refmaster.dsp.octaves import centres_hz
from refmaster.genres.features import leveled
from refmaster.records import Profile, Spread, ToneSpread, WidthSpread
from refmaster.units import FloatArray, Mask

IntArray = npt.NDArray[np.int64]

LEAST_LIMITING_DB, MOST_LIMITING_DB, DENSE_PLR_DB = 3.0, 4.0, 13.0
GRID_RATE_HZ = 44100  # the grid of bands that genres are kept on
EDGE_SDS = 1.2816  # P10 and P90 of a normal distribution, in standard deviations from its mean
PERCENTILES = (10, 25, 50, 75, 90)
FACTORS = 8  # of a covariance that is written down; the rest is each band's own
LEAST_REST_DB = 0.3
SD_EVERY = 3  # of the bands' standard deviations, every third is written down as song_sd_db
JUDGED_HZ = (50.0, 12500.0)  # where trust is judged: outside, most variance is rumble and codec
EM_ROUNDS = 25
WEIGHTS = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)  # tried for the pool
SCALARS = (
    "integrated_lufs",
    "loudness_range_lu",
    "plr_db",
    "psr_db",
    "psr_p10_db",
    "crest_db",
    "tilt_db_per_oct",
    "correlation",
    "percussive_pct",
)


@dataclass(frozen=True)
class Rows:
    """Spectra of tracks, level removed, shape (tracks, bands), nan where unknown; and whose they are."""

    values: FloatArray
    genres: tuple[str, ...]
    artists: tuple[str, ...]


@dataclass(frozen=True)
class Pool:
    """What all genres together teach: filled spectra, their covariance within genres, and how genres differ.

    `unsure` is the covariance that filling left open in each track, shape (tracks, bands, bands).
    """

    filled: FloatArray
    unsure: FloatArray
    within: FloatArray
    weight: float  # tracks that `within` counts for beside a genre's own
    artist_correlation: float
    within_db2: float
    between_db2: float


def band_grid_hz() -> FloatArray:
    """The bands that genres are kept on, shape (bands,)."""
    return np.array(centres_hz(GRID_RATE_HZ))


def judged_bands() -> IntArray:
    """Where on the grid trust is judged."""
    grid = band_grid_hz()
    return np.flatnonzero((grid >= JUDGED_HZ[0]) & (grid <= JUDGED_HZ[1]))


def tone_row(profile: Profile) -> FloatArray:
    """A track's spectrum on the grid, level removed; nan above its codec's cut and its sample rate."""
    grid = band_grid_hz()
    band_hz, tone_db = leveled(profile)
    row = np.full(grid.size, np.nan)
    n = min(grid.size, band_hz.size)
    row[:n] = tone_db[:n]
    return row


def pool_of(rows: Rows) -> Pool:
    """What all tracks together teach; each genre needs two."""
    filled, unsure, within = _filled(rows)
    correlation = _artist_correlation(filled, rows)
    judged = judged_bands()
    within_db2 = float(np.diag(within)[judged].mean())
    between_db2 = _between(filled, rows, within_db2, correlation)
    weight = max(WEIGHTS, key=lambda w: _left_out_score(filled, rows, within, w))
    return Pool(filled, unsure, within, weight, correlation, within_db2, between_db2)


# How often two tracks of a measured genre are by one artist, the mean over the eight genres (0.04 to 0.90).
ONE_ARTIST = 0.25


def effective_tracks(artists: Sequence[str], artist_correlation: float) -> float:
    """How many tracks by different artists would say as much.

    An empty name is an artist that nobody knows: with each other track it is one artist's as often as two tracks of a
    genre usually are.
    """
    counts, n = Counter(artists), len(artists)
    unknown = counts.pop("", 0)
    unknown_pairs = unknown * (unknown - 1) + 2 * unknown * (n - unknown)
    alike = sum(c * (c - 1) for c in counts.values()) + ONE_ARTIST * unknown_pairs
    return n / (1 + artist_correlation * alike / n)


def trust_of(n_effective: float, pool: Pool) -> float:
    """The reliability of a genre's mean spectrum, 0 to 1."""
    return pool.between_db2 / (pool.between_db2 + pool.within_db2 / n_effective)


def tone_of(genre: str, rows: Rows, pool: Pool) -> ToneSpread:
    """Mean and covariance of a genre's spectra."""
    own = np.array([name == genre for name in rows.genres])
    x = pool.filled[own]
    artists = [a for a, mine in zip(rows.artists, own, strict=True) if mine]
    scatter = np.cov(x, rowvar=False, bias=True) * len(x) + pool.unsure[own].sum(axis=0)
    covariance = (scatter + pool.weight * pool.within) / (len(x) - 1 + pool.weight)
    mean_sd = np.sqrt(np.diag(covariance) / effective_tracks(artists, pool.artist_correlation))
    return toned(x.mean(axis=0), mean_sd, covariance)


def toned(mean_db: FloatArray, mean_sd_db: FloatArray, covariance: FloatArray) -> ToneSpread:
    """A mean and a covariance as they are written down: the largest factors, and the rest of each band on its own."""
    values, vectors = np.linalg.eigh(covariance)
    factors = (vectors * np.sqrt(np.maximum(values, 0.0)))[:, ::-1][:, :FACTORS].T
    rest = np.sqrt(np.maximum(np.diag(covariance) - np.square(factors).sum(axis=0), LEAST_REST_DB**2))
    grid = band_grid_hz()
    return ToneSpread(
        band_hz=_rounded(grid, 2),
        mean_db=_rounded(mean_db, 2),
        mean_sd_db=_rounded(mean_sd_db, 2),
        factors_db=tuple(_rounded(row, 2) for row in factors),
        rest_sd_db=_rounded(rest, 2),
    )


def covariance_db2(tone: ToneSpread) -> FloatArray:
    """The covariance between bands that a ToneSpread stands for, shape (bands, bands), dB²."""
    factors = np.array(tone.factors_db)
    return np.asarray(factors.T @ factors + np.diag(np.square(tone.rest_sd_db)))


def width_of(profiles: Sequence[Profile]) -> WidthSpread | None:
    """Side over mid of stereo tracks in each band; None where fewer than two tell. Thin bands lean on all the rest."""
    grid = band_grid_hz()
    values = np.full((len(profiles), grid.size), np.nan)
    for row, profile in zip(values, profiles, strict=True):
        known = np.array(profile.side_to_mid_db, dtype=float)[: grid.size]
        row[: known.size] = np.where(np.isfinite(tone_row(profile)[: known.size]), known, np.nan)
    counts = np.isfinite(values).sum(axis=0)
    if (counts >= 2).sum() < 2:
        return None
    seen = counts >= 2
    mean = np.array([np.nanmean(column) if c else np.nan for column, c in zip(values.T, counts, strict=True)])
    sd = np.array([np.nanstd(column, ddof=1) if c > 1 else np.nan for column, c in zip(values.T, counts, strict=True)])
    usual = math.sqrt(float(np.nanmean(np.square(sd))))
    steadied = np.sqrt((np.nan_to_num(counts * np.square(sd)) + 5 * usual**2) / (counts * seen + 5))  # 5: taste
    mean = np.interp(np.log(grid), np.log(grid[counts > 0]), mean[counts > 0])
    return WidthSpread(_rounded(grid, 2), _rounded(mean, 2), _rounded(steadied, 2))


def spreads_of(profiles: Sequence[Profile]) -> tuple[Spread, ...]:
    """Percentiles of all single numbers; one that no track has is left out."""
    columns: dict[str, list[float | None]] = {name: [getattr(p, name) for p in profiles] for name in SCALARS}
    columns["side_to_mid_db"] = [whole_width_db(p) for p in profiles]
    for k in range(max(len(p.dynamics) for p in profiles)):
        bands = [p.dynamics[k] if k < len(p.dynamics) else None for p in profiles]
        widest = max(b.high_hz for b in bands if b)
        name = f"dynamics_{next(b.low_hz for b in bands if b):.0f}_{widest:.0f}_db"
        columns[name] = [b.loud_over_median_db if b else None for b in bands]
    known = {name: [v for v in values if v is not None] for name, values in columns.items()}
    return tuple(_spread(name, values) for name, values in known.items() if values)


def median_plr_db(profiles: Sequence[Profile]) -> float | None:
    """Of all whose peaks stand over some loudness."""
    known = [profile.plr_db for profile in profiles if profile.plr_db is not None]
    return float(np.median(known)) if known else None


def limiting_db(plr_db: float | None) -> float:
    """What the limiter may take for 1 % of the time, dB, in a genre of this median PLR; None where nobody measured it.

    Practice calls 1–3 dB transparent and flags more than 4. A genre whose records keep more of their peaks than 13 dB
    over their loudness bears less: half a decibel for each, down to 3.
    """
    if plr_db is None:
        return MOST_LIMITING_DB
    return float(np.clip(MOST_LIMITING_DB - (plr_db - DENSE_PLR_DB) / 2, LEAST_LIMITING_DB, MOST_LIMITING_DB))


def whole_width_db(profile: Profile) -> float | None:
    """The side's power above the mid's, all bands together; None in mono."""
    pairs = [(m, s) for m, s in zip(profile.ltas_db, profile.side_to_mid_db, strict=True) if s is not None]
    if not pairs:
        return None
    mid, side = sum(10 ** (m / 10) for m, _ in pairs), sum(10 ** ((m + s) / 10) for m, s in pairs)
    return 10 * math.log10(side / mid)


def song_sd_db(tone: ToneSpread) -> FloatArray:
    """How far songs stray from the mean in each band; with the mean's own error, as far as it is known."""
    return np.asarray(np.sqrt(np.diag(covariance_db2(tone)) + np.square(tone.mean_sd_db)))


def song_sd(tone: ToneSpread) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Frequencies, and how far songs differ there, dB: every third band of a tone's standard deviations."""
    sd = np.sqrt(np.diag(covariance_db2(tone)))
    return tone.band_hz[::SD_EVERY], _rounded(sd[::SD_EVERY], 2)


def segment_sd_db(profiles: Iterable[Profile]) -> float:
    """How far 5 s of a song stand from all of it: root mean square over songs, and over bands from 100 Hz to 10 kHz."""
    values = []
    for profile in profiles:
        band_hz = np.array(profile.band_hz)
        values.append(np.square(np.array(profile.ltas_sd_db)[(band_hz >= 100) & (band_hz <= 10000)]).mean())
    return float(np.sqrt(np.mean(values)))


def _spread(name: str, values: Sequence[float]) -> Spread:
    p10, p25, p50, p75, p90 = _rounded(np.percentile(values, PERCENTILES), 2)
    return Spread(name, p10, p25, p50, p75, p90, len(values))


def _rounded(values: FloatArray, digits: int) -> tuple[float, ...]:
    return tuple(round(float(v), digits) for v in values)


def _index(names: Sequence[str]) -> IntArray:
    """Names as numbers, in the order of their first appearance."""
    places = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([places[name] for name in names])


def _means(values: FloatArray, at: IntArray) -> FloatArray:
    """The mean of each group, in the place of each of its members."""
    return np.asarray(np.array([values[at == k].mean(axis=0) for k in range(int(at.max()) + 1)])[at])


def _filled(rows: Rows) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Spectra without gaps, what that left open, and the covariance within genres."""
    genre, known = _index(rows.genres), np.isfinite(rows.values)
    middle = np.nanmean(rows.values, axis=0)
    x = np.where(known, rows.values, middle)
    n, bands = x.shape
    unsure, within = np.zeros((n, bands, bands)), np.diag(np.nanvar(rows.values, axis=0))
    for _ in range(EM_ROUNDS):
        mean = _means(x, genre)
        for i in np.flatnonzero(~known.all(axis=1)):
            gap = np.flatnonzero(~known[i])
            x[i, gap], unsure[i][np.ix_(gap, gap)] = expected(x[i], known[i], mean[i], within)
        apart = x - _means(x, genre)
        within = (apart.T @ apart + unsure.sum(axis=0)) / (n - len(set(rows.genres)))
        within += LEAST_REST_DB**2 * np.eye(bands)
    return x, unsure, within


def expected(row: FloatArray, known: Mask, mean: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What the unknown bands of a row probably hold, given its known ones, and the covariance that leaves open."""
    seen, gap = np.flatnonzero(known), np.flatnonzero(~known)
    gain = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[np.ix_(seen, gap)]).T
    open_db2 = covariance[np.ix_(gap, gap)] - gain @ covariance[np.ix_(seen, gap)]
    return mean[gap] + gain @ (row[seen] - mean[seen]), open_db2


def _artist_correlation(x: FloatArray, rows: Rows) -> float:
    """Intraclass correlation of artists within genres, over the judged bands together (one-way ANOVA)."""
    pairs = [f"{g}\n{a}" for g, a in zip(rows.genres, rows.artists, strict=True)]
    artist, genre, judged = _index(pairs), _index(rows.genres), judged_bands()
    of_artist, of_genre = _means(x, artist)[:, judged], _means(x, genre)[:, judged]
    n, n_artists, n_genres = len(x), len(set(pairs)), len(set(rows.genres))
    counts = np.bincount(artist)
    squares = sum(
        np.square(counts[list({int(a) for a in artist[genre == g]})]).sum() / (genre == g).sum()
        for g in range(n_genres)
    )
    usual = (n - squares) / max(n_artists - n_genres, 1)
    between = np.square(of_artist - of_genre).sum() / max(n_artists - n_genres, 1)
    inside = np.square(x[:, judged] - of_artist).sum() / max(n - n_artists, 1)
    return float(np.clip((between - inside) / (between + (usual - 1) * inside), 0.0, 0.95))


def _between(x: FloatArray, rows: Rows, within_db2: float, correlation: float) -> float:
    """Variance of true genre means: that of the measured ones, less what chance makes of it."""
    names, judged = list(dict.fromkeys(rows.genres)), judged_bands()
    at = [np.array([g == name for g in rows.genres]) for name in names]
    means = np.array([x[own].mean(axis=0)[judged] for own in at])
    artists = [[a for a, mine in zip(rows.artists, own, strict=True) if mine] for own in at]
    chance = np.mean([within_db2 / effective_tracks(one, correlation) for one in artists])
    return float(max(means.var(axis=0, ddof=1).mean() - chance, 0.1 * within_db2))


def _left_out_score(x: FloatArray, rows: Rows, within: FloatArray, weight: float) -> float:
    """Log density of every track under its genre as all others tell it, but for a constant."""
    genre, total = _index(rows.genres), 0.0
    freedom = len(x) - len(set(rows.genres))
    for i in range(len(x)):
        others = x[(genre == genre[i]) & (np.arange(len(x)) != i)]
        n = len(others)
        if n < 2:
            continue
        apart = x[i] - others.mean(axis=0)
        pooled = (freedom * within - np.outer(apart, apart) * n / (n + 1)) / (freedom - 1)  # without this track
        scatter = np.cov(others, rowvar=False, bias=True) * n
        covariance = (scatter + weight * pooled) / (n - 1 + weight) * (1 + 1 / n)
        root = np.linalg.cholesky(covariance + LEAST_REST_DB**2 * np.eye(len(covariance)))
        white = np.linalg.solve(root, apart)
        total -= 0.5 * float(white @ white) + float(np.log(np.diag(root)).sum())
    return total
