"""What a genre says of a target: what is normal in each band, how far songs stray from it, and where its edges are."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refmaster.belief import Normal
from refmaster.genres import spread_of
from refmaster.genres.features import leveled
from refmaster.genres.statistics import EDGE_SDS, covariance_db2, song_sd_db
from refmaster.records import Genre, Profile, ToneSpread
from refmaster.units import FloatArray, Mask


@dataclass(frozen=True)
class Band:
    """A genre's usual range of one number: P10, P50, P90."""

    low: float
    middle: float
    high: float

    def nearest(self, value: float) -> float:
        """The value itself inside the band, its nearer edge outside."""
        return min(max(value, self.low), self.high)


def normal_of(genre: Genre, target: Profile, used: Mask) -> Normal | None:
    """What the target lacks of its genre's mean where `used` (a mask over its bands) is true; None without a mean."""
    if genre.tone is None:
        return None
    at = np.flatnonzero(used[: len(genre.tone.band_hz)])
    lacks = np.array(genre.tone.mean_db)[at] - np.array(target.ltas_db)[at]
    return Normal(at, lacks - lacks.mean(), song_covariance_db2(genre.tone)[np.ix_(at, at)])


def song_covariance_db2(tone: ToneSpread) -> FloatArray:
    """How songs stray from the genre's mean as it is known: the mean's own error is part of it."""
    covariance = covariance_db2(tone)
    variance = np.diag(covariance)
    wider = np.sqrt(1 + np.array(tone.mean_sd_db) ** 2 / variance)
    return np.asarray(covariance * np.outer(wider, wider))


def strays_db(genre: Genre, reference: Profile, at: npt.NDArray[np.int64]) -> FloatArray | None:
    """How far a reference is from its genre's mean in the bands `at`, level removed; None without a mean."""
    if genre.tone is None or at.size == 0 or at[-1] >= len(genre.tone.band_hz):
        return None
    apart = np.array(reference.ltas_db)[at] - np.array(genre.tone.mean_db)[at]
    return np.asarray(apart - apart.mean())


def tone_edges_db(genre: Genre, target: Profile) -> tuple[FloatArray, FloatArray]:
    """How far the target is from the genre's middle and from the nearer edge of its band, each 0 where unknown."""
    n = len(target.band_hz)
    middle, edge = np.zeros(n), np.zeros(n)
    if genre.tone is None:
        return middle, edge
    _, ours = leveled(target)
    m = min(n, len(genre.tone.band_hz))
    apart = np.nan_to_num(np.array(genre.tone.mean_db)[:m] - ours[:m], nan=0.0)
    middle[:m] = apart
    edge[:m] = to_edge_db(apart, song_sd_db(genre.tone)[:m])
    return middle, edge


def to_edge_db(to_middle_db: FloatArray, sd_db: FloatArray) -> FloatArray:
    """How far it is to the nearer edge of a genre's band, from how far it is to its middle; 0 inside."""
    return np.asarray(np.sign(to_middle_db) * np.maximum(np.abs(to_middle_db) - EDGE_SDS * sd_db, 0.0))


def no_further(wanted_db: FloatArray, edge_db: FloatArray) -> FloatArray:
    """What is wanted, no further than to the edge of a genre's band, and nothing inside it."""
    nearer = np.sign(wanted_db) * np.minimum(np.abs(wanted_db), np.abs(edge_db))
    return np.asarray(np.where(wanted_db * edge_db > 0, nearer, 0.0))


def band_of(genre: Genre, name: str) -> Band | None:
    """The genre's usual range of a number by its name in `Genre.spreads`; None where nobody measured it."""
    spread = spread_of(genre, name)
    return None if spread is None else Band(spread.p10, spread.p50, spread.p90)


def dynamics_band(genre: Genre, low_hz: float) -> Band | None:
    """How far loud passages usually stand above the median in the dynamics band that begins there."""
    starts = f"dynamics_{low_hz:.0f}_"
    found = next((s for s in genre.spreads if s.name.startswith(starts)), None)
    return None if found is None else Band(found.p10, found.p50, found.p90)


def width_normal_db(genre: Genre, band_hz: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Side over mid that is usual in each band and how far songs stray from it; None where nobody measured it."""
    if genre.width is None:
        return None
    at = np.log(np.array(genre.width.band_hz))
    values = (np.interp(np.log(band_hz), at, np.array(column)) for column in (genre.width.mean_db, genre.width.sd_db))
    mean, sd = values
    return mean, sd
