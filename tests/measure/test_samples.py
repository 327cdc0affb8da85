"""What single samples tell."""

import numpy as np
import pytest

from refmaster.measure.samples import SampleMeter
from tests.signals import FloatArray, clicks, gain_of, in_blocks, silence, sine, white_noise


def read(samples: FloatArray, rate_hz: int = 44100, block_samples: int = 65536) -> SampleMeter:
    meter = SampleMeter(rate_hz, samples.shape[0])
    for block in in_blocks(samples, block_samples):
        meter.feed(block)
    return meter


def test_sums_are_sums():
    sound = white_noise(-20.0, 1.0, 44100) + np.array([[0.1], [-0.2]])
    meter = read(sound)
    assert meter.n_samples == 44100
    np.testing.assert_allclose(meter.total, sound.sum(axis=1))
    np.testing.assert_allclose(meter.energy, (sound**2).sum(axis=1))


@pytest.mark.parametrize("rate_hz", [44100, 48000, 22050])
def test_every_full_10_ms_has_its_peak(rate_hz):
    train = clicks(-6.0, 0.1, 1.0, rate_hz)
    peaks = read(train, rate_hz).cell_peaks()
    assert peaks.size == 100
    assert np.count_nonzero(peaks) == 10
    assert peaks.max() == pytest.approx(gain_of(-6.0))


def test_a_peak_is_the_larger_of_both_channels():
    sound = np.stack([np.full(441, 0.25), np.full(441, -0.5)])
    assert read(sound).cell_peaks() == pytest.approx([0.5])


def test_a_clipped_sine_has_two_flat_tops_a_period():
    clipped = np.clip(sine(100.0, 3.0, 1.0, 44100, 1), -0.98, 0.98)
    assert read(clipped).clipped_runs == 200


@pytest.mark.parametrize("make", [lambda: sine(100.0, 0.0, 1.0, 44100), lambda: white_noise(-3.0, 1.0, 44100)])
def test_what_was_not_clipped_has_no_flat_tops(make):
    assert read(make()).clipped_runs == 0


def test_a_quiet_plateau_is_no_clipping():
    assert read(np.full((1, 44100), 0.3)).clipped_runs == 0


def test_where_sound_begins_and_ends():
    sound = np.concatenate([silence(1.0, 44100), sine(440.0, -20.0, 2.0, 44100), silence(0.5, 44100)], axis=1)
    meter = read(sound)
    assert meter.first_sound == pytest.approx(44100, abs=3)
    assert meter.last_sound == pytest.approx(3 * 44100, abs=3)
    assert read(silence(1.0, 44100)).first_sound is None


@pytest.mark.parametrize("block_samples", [100, 4096])
def test_cutting_changes_no_peak_and_no_count(block_samples):
    clipped = np.clip(sine(100.0, 3.0, 1.0, 44100), -0.98, 0.98)
    one, other = read(clipped), read(clipped, block_samples=block_samples)
    assert np.array_equal(one.cell_peaks(), other.cell_peaks())
    assert one.clipped_runs == other.clipped_runs
    assert (one.first_sound, one.last_sound) == (other.first_sound, other.last_sound)
