"""What of a Profile tells genres apart, whatever its loudness: one row of numbers a track.

Nothing here depends on gain, and little on the limiter: what comes in to be mastered is a mix, and the tracks that it
is compared with are masters. Loudness, PLR, PSR and crest are left out for that reason.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from refmaster.dsp.crossover import EDGES_HZ
from refmaster.dsp.octaves import less_level, of_level, unbent_below_hz
from refmaster.records import Profile
from refmaster.units import FloatArray

THIRDS_HZ = tuple(35.0 * 2 ** (k / 3) for k in range(26))  # to 11.3 kHz: above, codecs differ more than genres
WIDE_HZ = (30.0, *EDGES_HZ, 13000.0)

EMPTY_DB = 60.0  # a band further than this under the fullest counts as so far under
NARROWEST_DB, WIDEST_DB = -40.0, 6.0


def feature_names() -> tuple[str, ...]:
    """What the numbers of `features` are, in their order."""
    thirds = (f"tone_{low:.0f}_db" for low in THIRDS_HZ[:-1])
    wide = [f"{low:.0f}" for low in WIDE_HZ[:-1]]
    kinds = ("width_{}_db", "above_median_{}_db", "below_median_{}_db", "movement_{}_db")
    return (*thirds, *(kind.format(at) for kind in kinds for at in wide), "range_log_lu", "percussive_pct")


def features(profile: Profile) -> FloatArray:
    """The row of a track, shape (features,); nan where something could not be measured."""
    band_hz, tone_db = leveled(profile)
    return np.array(
        [
            *_means(band_hz, tone_db, THIRDS_HZ),
            *_means(band_hz, _width_db(profile), WIDE_HZ),
            *_dynamics(profile),
            *_means(band_hz, np.array(profile.ltas_sd_db), WIDE_HZ),
            math.nan if profile.loudness_range_lu is None else math.log1p(profile.loudness_range_lu),
            math.nan if profile.percussive_pct is None else profile.percussive_pct,
        ]
    )


def leveled(profile: Profile) -> tuple[FloatArray, FloatArray]:
    """Band centres and the spectrum of the mid with its level taken off; nan from where a codec cut it."""
    band_hz, level_db = np.array(profile.band_hz), np.array(profile.ltas_db)
    level_db = np.maximum(level_db, level_db.max() - EMPTY_DB)
    tone_db = less_level(level_db, of_level(band_hz))
    if profile.hf_cutoff_hz is not None:
        tone_db[band_hz >= unbent_below_hz(profile.hf_cutoff_hz)] = math.nan
    return band_hz, tone_db


def _width_db(profile: Profile) -> FloatArray:
    """Side over mid; where the side is empty it is as narrow as can be heard, and in mono it is no question."""
    if profile.channels == 1:
        return np.full(len(profile.band_hz), math.nan)
    given = np.array(profile.side_to_mid_db, dtype=float)
    return np.asarray(np.clip(np.nan_to_num(given, nan=NARROWEST_DB), NARROWEST_DB, WIDEST_DB))


def _dynamics(profile: Profile) -> list[float]:
    """How far the levels of each band stand above and below their median."""
    missing = [math.nan] * (len(WIDE_HZ) - 1 - len(profile.dynamics))
    above = [band.loud_over_median_db for band in profile.dynamics]
    below = [band.p50_dbfs - band.p10_dbfs for band in profile.dynamics]
    return [*above, *missing, *below, *missing]


def _means(band_hz: FloatArray, values: FloatArray, edges_hz: tuple[float, ...]) -> Iterator[float]:
    """The mean of the values between each pair of edges; nan where none is known."""
    for low, high in pairwise(edges_hz):
        inside = values[(band_hz >= low) & (band_hz < high)]
        inside = inside[np.isfinite(inside)]
        yield float(inside.mean()) if inside.size else math.nan
