"""From the rows of a library to a Genre, by the same mathematics as the genres that come with the program.

A user's library is one genre, and often a small one, so what many genres are needed to learn is taken from those: how
songs of a genre vary around its mean, how alike the songs of one artist are, how far the means of genres lie apart.
The library's own mean is its own; its covariance leans on theirs as if that had been seen on `POOL_TRACKS` tracks more.
Percentiles of fewer than `FEW_TRACKS` tracks lean on theirs, too.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from refmaster.genres import FEW_TRACKS, genre_names, load_genre, spread_of
from refmaster.genres import statistics as st
from refmaster.library.rows import Row
from refmaster.records import Genre, Spread
from refmaster.units import FloatArray

POOL_TRACKS = 320.0  # found by scripts/measure_genres.py: under it, tracks that were left out are most probable
ARTIST_CORRELATION = 0.21  # found by the same: how much the spectra of one artist's songs correlate within a genre
FILL_ROUNDS = 25
# Taste: below FEW_TRACKS percentiles are chance, so a band leans on how such numbers spread in the measured genres, as
# if that had been seen on so many tracks more.
SPREAD_TRACKS = 4
# Beyond which a number cannot be, by how its name begins.
POSSIBLE = {
    "correlation": (-1.0, 1.0),
    "percussive_pct": (0.0, 100.0),
    "loudness_range_lu": (0.0, math.inf),
    "dynamics_": (0.0, math.inf),
}


def genre_of(name: str, tracks: Sequence[Row]) -> Genre:
    """What is normal for these tracks; at least one. `n_artists` counts those that are named."""
    pool = shipped_pool()
    profiles, artists = [row.profile for row in tracks], [row.artist.casefold() for row in tracks]
    values = np.array([st.tone_row(profile) for profile in profiles])
    filled, unsure = _filled(values, pool.within)
    own = st.Pool(filled, unsure, pool.within, pool.weight, pool.artist_correlation, pool.within_db2, pool.between_db2)
    tone = st.tone_of(name, st.Rows(values, (name,) * len(tracks), tuple(artists)), own)
    sd_hz, sd_db = st.song_sd(tone)
    versions = ", ".join(sorted({row.refmaster for row in tracks}))
    return Genre(
        name=name,
        label=name,
        n_tracks=len(tracks),
        source=f"{len(tracks)} tracks of the library {name}, measured by refmaster {versions}",
        song_sd_hz=sd_hz,
        song_sd_db=sd_db,
        segment_sd_db=round(st.segment_sd_db(profiles), 2),
        limiting_db=round(st.limiting_db(st.median_plr_db(profiles)), 2),
        kind="measured",
        trust=round(st.trust_of(st.effective_tracks(artists, pool.artist_correlation), pool), 2),
        n_artists=len({artist for artist in artists if artist}),
        tone=tone,
        width=st.width_of(profiles),
        spreads=tuple(_steadied(spread) for spread in st.spreads_of(profiles)),
    )


@cache
def shipped_pool() -> st.Pool:
    """What the measured genres that come with the program teach about any genre."""
    genres = measured_genres()
    tones = [genre.tone for genre in genres if genre.tone is not None]
    counts = np.array([genre.n_tracks for genre in genres], dtype=float)
    covariances = np.array([st.covariance_db2(tone) for tone in tones])
    within = np.tensordot(counts / counts.sum(), covariances, axes=1)
    means, chance = np.array([tone.mean_db for tone in tones]), np.array([tone.mean_sd_db for tone in tones])
    grid = st.band_grid_hz()
    judged = st.judged_bands()
    apart = means.var(axis=0, ddof=1) - np.square(chance).mean(axis=0)
    return st.Pool(
        filled=means,
        unsure=np.zeros((len(tones), grid.size, grid.size)),
        within=within,
        weight=POOL_TRACKS,
        artist_correlation=ARTIST_CORRELATION,
        within_db2=float(np.diag(within)[judged].mean()),
        between_db2=float(apart[judged].mean()),
    )


def _steadied(spread: Spread) -> Spread:
    """A spread of few tracks around their median, as wide as they and the measured genres make it together."""
    n, usual = spread.n_tracks, _usual_half_width(spread.name)
    if n >= FEW_TRACKS or usual is None:
        return spread
    own = (spread.p90 - spread.p10) / 2
    half = math.sqrt((SPREAD_TRACKS * usual**2 + (n - 1) * own**2) / (SPREAD_TRACKS + n - 1) * (1 + 1 / n))
    least, most = next((ends for name, ends in POSSIBLE.items() if spread.name.startswith(name)), (-math.inf, math.inf))
    p10, p90 = max(spread.p50 - half, least), min(spread.p50 + half, most)
    return replace(spread, p10=round(p10, 2), p25=None, p75=None, p90=round(p90, 2))


@cache
def _usual_half_width(name: str) -> float | None:
    """From the median to an edge of the band of this number, in the measured genres; None where none has it."""
    pairs = [(genre, spread_of(genre, name)) for genre in measured_genres()]
    known = [(genre.n_tracks, (spread.p90 - spread.p10) / 2) for genre, spread in pairs if spread is not None]
    return float(np.average([half for _, half in known], weights=[n for n, _ in known])) if known else None


def measured_genres() -> tuple[Genre, ...]:
    """The genres of the program that stand on tracks."""
    return tuple(
        genre for genre in map(load_genre, genre_names()) if genre.kind == "measured" and genre.tone is not None
    )


def _filled(values: FloatArray, within: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Spectra without gaps and what filling left open: EM as for the genres, their covariance held as it is."""
    known = np.isfinite(values)
    n, bands = values.shape
    unsure = np.zeros((n, bands, bands))
    if known.all():
        return values, unsure
    seen = np.asarray(known.any(axis=0))
    mean = np.array([column[ok].mean() if ok.any() else 0.0 for column, ok in zip(values.T, known.T, strict=True)])
    if not seen.all():  # no track reaches so high: what genres usually hold there, given the rest
        mean[~seen], _ = st.expected(mean, seen, shipped_pool().filled.mean(axis=0), within)
    x = np.where(known, values, mean)
    for _ in range(FILL_ROUNDS):
        for i in np.flatnonzero(~known.all(axis=1)):
            gap = np.flatnonzero(~known[i])
            x[i, gap], unsure[i][np.ix_(gap, gap)] = st.expected(x[i], known[i], mean, within)
        mean = x.mean(axis=0)
    return x, unsure
