"""Two shelves that meet are one, and what they leave beside it is a gain; what does not meet stays."""

import numpy as np
import pytest

from refmaster.dsp.biquad import Shape
from refmaster.dsp.octaves import centres_hz
from refmaster.dsp.parametric import Band, Fit, curve_db
from refmaster.dsp.shelves import SAME_DB, joined

RULES = {"least_gain_db": 0.4, "max_gain_db": 9.0}


def fit_of(*bands, rate_hz=44100):
    at_hz = np.array(centres_hz(rate_hz))
    return Fit(bands, (), curve_db(bands, at_hz, rate_hz)), at_hz


@pytest.mark.parametrize("rate_hz", [22050, 44100, 96000])
@pytest.mark.parametrize(
    ("corner_hz", "kept", "gain_db", "beside_db"),
    [(118.0, Shape.LOW_SHELF, -4.65, 1.24), (6000.0, Shape.HIGH_SHELF, 4.65, -3.41)],
)
def test_two_shelves_at_one_corner_are_one_and_a_gain(rate_hz, corner_hz, kept, gain_db, beside_db):
    bell = Band(Shape.BELL, 900.0, 2.0, 1.0)
    low, high = Band(Shape.LOW_SHELF, corner_hz, -3.41, 0.9), Band(Shape.HIGH_SHELF, 1.01 * corner_hz, 1.24, 0.9)
    before, at_hz = fit_of(low, bell, high, rate_hz=rate_hz)
    after, left_db = joined(before, at_hz, sample_rate_hz=rate_hz, **RULES)
    one = next(band for band in after.bands if band is not bell)
    assert bell in after.bands
    assert len(after.bands) == 2
    assert one.shape is kept
    assert one.gain_db == pytest.approx(gain_db)
    assert left_db == pytest.approx(beside_db)
    np.testing.assert_allclose(after.curve_db + left_db, before.curve_db, atol=SAME_DB)
    np.testing.assert_allclose(after.curve_db, curve_db(after.bands, at_hz, rate_hz))


def test_two_shelves_that_do_the_same_are_a_gain_alone():
    both = (Band(Shape.LOW_SHELF, 500.0, 2.0, 0.7), Band(Shape.HIGH_SHELF, 500.0, 2.0, 0.7))
    before, at_hz = fit_of(*both)
    after, left_db = joined(before, at_hz, sample_rate_hz=44100, **RULES)
    assert after.bands == ()
    assert left_db == pytest.approx(2.0)
    assert not after.curve_db.any()


@pytest.mark.parametrize(
    "bands",
    [
        (Band(Shape.LOW_SHELF, 100.0, -3.0, 0.7), Band(Shape.HIGH_SHELF, 8000.0, 3.0, 0.7)),
        (Band(Shape.LOW_SHELF, 100.0, -3.0, 0.7), Band(Shape.HIGH_SHELF, 200.0, 3.0, 0.7)),
        (Band(Shape.LOW_SHELF, 100.0, -6.0, 0.7), Band(Shape.HIGH_SHELF, 100.0, 6.0, 0.7)),
        (Band(Shape.LOW_SHELF, 100.0, -3.0, 0.7), Band(Shape.BELL, 100.0, 3.0, 0.7)),
        (Band(Shape.HIGH_SHELF, 100.0, -3.0, 0.7),),
        (),
    ],
    ids=["far apart", "an octave apart", "too much for one", "a bell", "one", "none"],
)
def test_what_does_not_meet_stays(bands):
    before, at_hz = fit_of(*bands)
    after, left_db = joined(before, at_hz, sample_rate_hz=44100, **RULES)
    assert after is before
    assert left_db == 0.0
