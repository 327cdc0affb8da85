"""One pass gives the bits of the definition."""

import numpy as np
import pytest

from refmaster.dsp.between import rounded
from refmaster.dsp.midside import to_mid_side, with_side_gain

SOUND = np.random.default_rng(7).normal(0, 0.3, (2, 4099))
MID, SIDE = (SOUND[0] + SOUND[1]) / 2, (SOUND[0] - SOUND[1]) / 2


def test_mid_and_side():
    mid, side = to_mid_side(SOUND)
    assert np.array_equal(mid, MID)
    assert np.array_equal(side, SIDE)


def test_mono_has_no_side():
    mid, side = to_mid_side(SOUND[:1])
    assert np.array_equal(mid, SOUND[0])
    assert side is None


@pytest.mark.parametrize("gain", [0.0, 0.7, 1.9])
def test_a_side_gain_is_split_multiply_and_join(gain):
    moved = SIDE * gain
    assert np.array_equal(with_side_gain(SOUND, gain), np.stack([MID + moved, MID - moved]))


def test_a_view_of_a_part_is_as_good():
    assert np.array_equal(with_side_gain(SOUND[:, ::3], 1.5), with_side_gain(SOUND[:, ::3].copy(), 1.5))


def test_rounding_tells_the_largest_magnitude():
    out = np.empty(SOUND.shape[1], dtype=np.float32)
    assert rounded(SOUND[0], out) == np.abs(SOUND[0]).max()
    assert np.array_equal(out, SOUND[0].astype(np.float32))
    assert rounded(np.zeros(0), out[:0]) == 0.0
    assert np.isnan(rounded(np.array([1.0, np.nan]), out[:2]))
