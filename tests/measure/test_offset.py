"""An offset strays by what its local mean does, and where there is silence by all of it."""

import numpy as np
import pytest

from refmaster.analyse import measure
from refmaster.load import track_of
from tests.signals import pink_noise, sine

RATE_HZ = 44100


def drift_pct(sound):
    return measure(track_of(sound, RATE_HZ)).profile.dc_drift_pct


def test_a_constant_does_not_stray():
    """Bass is no drift: 30 Hz at −6 dBFS."""
    sound = sine(30.0, -6.0, 8.0, RATE_HZ, 2) + np.array([[0.02], [-0.3]])
    assert max(drift_pct(sound)) < 0.01


def test_what_comes_and_goes_strays_by_its_height():
    seconds = np.arange(16 * RATE_HZ) / RATE_HZ
    sound = pink_noise(-20.0, 16.0, RATE_HZ, 2) + 0.1 * np.sin(2 * np.pi * seconds / 16)
    assert drift_pct(sound) == pytest.approx((10.0, 10.0), abs=0.5)


@pytest.mark.parametrize("silent", [slice(0, 500), slice(-500, None), slice(4 * RATE_HZ, 4 * RATE_HZ + 1000)])
def test_a_moment_of_silence_has_no_offset(silent):
    sound = pink_noise(-20.0, 8.0, RATE_HZ, 1) + 0.01
    assert max(drift_pct(sound)) < 0.5
    sound[:, silent] = 0.0
    assert drift_pct(sound) == pytest.approx((1.0,), abs=0.05)


def test_blocks_may_be_cut_anywhere():
    from refmaster.measure.offset import OffsetMeter

    sound = pink_noise(-20.0, 3.0, RATE_HZ, 2) + 0.01
    read = []
    for cuts in ([], [1, 7, 20000, 22050, 22051, 90000]):
        meter = OffsetMeter(RATE_HZ, 2)
        for block in np.split(sound, cuts, axis=1):
            meter.feed(block)
        read.append(meter.drift_pct(sound.mean(axis=1), np.ones(1)))
    assert read[0] == pytest.approx(read[1], abs=1e-9)
