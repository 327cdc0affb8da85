"""Correlation, balance and mono loss of signals whose answer is known."""

import numpy as np
import pytest

from refmaster.measure.stereo import Image, StereoMeter
from tests.signals import FloatArray, gain_of, in_blocks, silence, sine, white_noise


def image(samples: FloatArray, block_samples: int = 65536) -> Image:
    meter = StereoMeter()
    for block in in_blocks(samples, block_samples):
        meter.feed(block)
    return meter.read((samples**2).sum(axis=1))


@pytest.mark.parametrize("phase_deg", [0.0, 60.0, 90.0, 120.0, 180.0])
def test_two_sines_correlate_by_the_cosine_of_their_phase(phase_deg):
    left, right = sine(1000.0, -6.0, 1.0, 48000, 1), sine(1000.0, -6.0, 1.0, 48000, 1, phase_deg)
    read = image(np.concatenate([left, right]))
    assert read.correlation == pytest.approx(np.cos(np.radians(phase_deg)), abs=1e-6)
    assert read.balance_db == pytest.approx(0.0, abs=1e-6)


def test_unrelated_noise_does_not_correlate_and_loses_three_db_in_mono():
    read = image(white_noise(-20.0, 5.0, 44100))
    assert read.correlation == pytest.approx(0.0, abs=0.01)
    assert read.mono_loss_db == pytest.approx(-3.01, abs=0.05)


def test_equal_channels_lose_nothing_in_mono():
    mono = white_noise(-20.0, 1.0, 44100, 1)
    assert image(np.concatenate([mono, mono])) == Image(1.0, 0.0, 0.0)


def test_opposite_channels_lose_nearly_all():
    mono = white_noise(-20.0, 1.0, 44100, 1)
    read = image(np.concatenate([mono, -mono]))
    assert read.correlation == -1.0
    assert read.mono_loss_db < -100.0


@pytest.mark.parametrize("right_db", [-6.0, 3.0])
def test_balance_is_right_over_left(right_db):
    mono = white_noise(-20.0, 1.0, 44100, 1)
    assert image(np.concatenate([mono, mono * gain_of(right_db)])).balance_db == pytest.approx(right_db, abs=1e-6)


@pytest.mark.parametrize("silent", [0, 1])
def test_one_silent_channel_has_no_answer(silent):
    sound = white_noise(-20.0, 1.0, 44100)
    sound[silent] = 0.0
    assert image(sound) == Image()
    assert image(silence(1.0, 44100)) == Image()
