"""Two shelves that meet are one: a low and a high shelf at one corner are a gain and a single shelf.

A high shelf of g dB is a gain of g dB and a low shelf of −g dB with the same corner and Q; of the cookbook's prototypes
(`biquad.py`) this holds exactly. A fit by shapes alone may choose both, one lifting what the other lowers. Where level
does not count, or has a move of its own, one of them says the same.
"""

from dataclasses import replace

import numpy as np

from refmaster.dsp.biquad import Shape
from refmaster.dsp.parametric import Band, Fit, curve_db
from refmaster.units import FloatArray

SAME_DB = 0.2  # one shelf stands for both where it differs from them by no more
MIDDLE_HZ = 630.0  # of what is heard, in octaves: a shelf below it is a low shelf, so that the lesser part is moved


def joined(
    fit: Fit, at_hz: FloatArray, *, sample_rate_hz: int, least_gain_db: float, max_gain_db: float
) -> tuple[Fit, float]:
    """A fit with two shelves that meet made one, and the gain, dB, that they leave beside it.

    As it was, and 0, where none meet at `at_hz` or the one shelf would need more than `max_gain_db`; a shelf of less
    than `least_gain_db` is left out.
    """
    low, high = (next((b for b in fit.bands if b.shape is s), None) for s in (Shape.LOW_SHELF, Shape.HIGH_SHELF))
    if low is None or high is None:
        return fit, 0.0
    one, gain_db = _one_for(low, high)
    differs_db = curve_db((one,), at_hz, sample_rate_hz) + gain_db - curve_db((low, high), at_hz, sample_rate_hz)
    if abs(one.gain_db) > max_gain_db or np.abs(differs_db).max() > SAME_DB:
        return fit, 0.0
    kept = (one,) if abs(one.gain_db) >= least_gain_db else ()
    bells = tuple(band for band in fit.bands if band.shape is Shape.BELL)
    bands = kept + bells if one.shape is Shape.LOW_SHELF else bells + kept
    return replace(fit, bands=bands, curve_db=curve_db(bands, at_hz, sample_rate_hz)), gain_db


def _one_for(low: Band, high: Band) -> tuple[Band, float]:
    """The shelf between two, nearer to the larger, and the gain that goes with it."""
    share = abs(low.gain_db) / (abs(low.gain_db) + abs(high.gain_db))
    corner_hz = float(low.frequency_hz**share * high.frequency_hz ** (1 - share))
    q, step_db = float(low.q**share * high.q ** (1 - share)), low.gain_db - high.gain_db
    if corner_hz < MIDDLE_HZ:
        return Band(Shape.LOW_SHELF, corner_hz, step_db, q), high.gain_db
    return Band(Shape.HIGH_SHELF, corner_hz, -step_db, q), low.gain_db
