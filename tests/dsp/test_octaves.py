"""Bands of a part of an octave: power is counted once, and where it is."""

import numpy as np
import pytest

from refmaster.dsp.octaves import bin_shares, centres_hz, edges_hz, level_around_db, octave_around, thirds_db
from tests.signals import FloatArray, sine, white_noise

RATE_HZ, N_FFT = 44100, 32768
BIN_HZ = RATE_HZ / N_FFT
THIRDS_HZ = 1000.0 * 2.0 ** (np.arange(-15, 13) / 3)  # their thirds touch, so each power lies in one of them


def powers(sound: FloatArray) -> FloatArray:
    """Mean power in each bin of a Hann spectrum, scaled so that all bins add up to the mean square."""
    window = np.hanning(N_FFT + 1)[:-1]
    frames = sound[0][: sound.shape[1] // N_FFT * N_FFT].reshape(-1, N_FFT) * window
    power = (np.abs(np.fft.rfft(frames)) ** 2).mean(axis=0) * 2 / (N_FFT * (window**2).sum())
    power[[0, -1]] /= 2
    return np.asarray(power)


@pytest.mark.parametrize("rate_hz", [22050, 44100, 96000])
def test_the_shares_of_bands_that_touch_count_each_bin_once(rate_hz):
    edges = edges_hz(np.array(centres_hz(rate_hz)))
    spans, shares = bin_shares(edges, 16384, rate_hz)
    counted = np.zeros(16384 // 2 + 1)
    for (first, count), (head, tail) in zip(spans, shares, strict=True):
        counted[first] += head
        if count > 1:
            counted[first + 1 : first + count - 1] += 1
            counted[first + count - 1] += tail
    inside = np.arange(spans[0, 0] + 1, spans[-1].sum() - 1)
    np.testing.assert_allclose(counted[inside], 1.0, rtol=0, atol=1e-9)
    assert counted.sum() == pytest.approx((edges[-1] - edges[0]) * 16384 / rate_hz, rel=1e-9)


@pytest.mark.parametrize("tone_hz", [40.0, 111.0, 1000.0, 4321.0, 15000.0])
@pytest.mark.parametrize("half_oct", [1 / 6, 1 / 2])
def test_a_tone_is_heard_around_itself_and_nowhere_else(tone_hz, half_oct):
    """−9 dBFS peak are −12.01 dB of power; three octaves off nothing of it is left."""
    found = powers(sine(tone_hz, -9.0, 3.0, RATE_HZ))
    near, below, above = level_around_db(found, BIN_HZ, tone_hz * np.array([1.0, 0.125, 8.0]), half_oct)
    assert near == pytest.approx(-9.0 - 3.01, abs=0.1)
    assert max(below, above) <= near - 60.0


@pytest.mark.parametrize("tone_hz", [90.0, 777.0, 5000.0])
def test_thirds_that_touch_count_a_tone_once(tone_hz):
    """Wherever it lies, between two centres too."""
    levels = thirds_db(powers(sine(tone_hz, -9.0, 3.0, RATE_HZ)), BIN_HZ, THIRDS_HZ)
    assert 10 * np.log10((10 ** (levels / 10)).sum()) == pytest.approx(-12.01, abs=0.05)
    assert abs(np.log2(THIRDS_HZ[np.argmax(levels)] / tone_hz)) <= 1 / 6


def test_white_noise_rises_3_db_an_octave():
    """−10 dB over all of 22.05 kHz: each third holds its own width's part of it."""
    levels = thirds_db(powers(white_noise(-10.0, 20.0, RATE_HZ, 1)), BIN_HZ, THIRDS_HZ[6:])
    width_hz = THIRDS_HZ[6:] * (2 ** (1 / 6) - 2 ** (-1 / 6))
    expected = -10.0 + 10 * np.log10(width_hz / (RATE_HZ / 2))
    assert np.abs(levels - expected).max() <= 0.6  # dB: 26 frames of chance at 130 Hz
    assert np.abs(levels - expected)[12:].max() <= 0.15


def test_flat_bins_are_exact_to_the_part_of_a_bin():
    for centre_hz in (25.0, 26.0, 333.3):
        level = thirds_db(np.full(4000, 0.01), 1.5, np.array([centre_hz]))
        bins = centre_hz * (2 ** (1 / 6) - 2 ** (-1 / 6)) / 1.5
        assert level[0] == pytest.approx(10 * np.log10(0.01 * bins), abs=1e-9)


def test_what_is_empty_or_out_of_range_is_a_number():
    assert np.isfinite(level_around_db(np.zeros(1025), 20.0, THIRDS_HZ, 1 / 6)).all()
    beyond = level_around_db(np.ones(1025), 20.0, np.array([1.0, 50000.0]), 1 / 6)
    assert np.isfinite(beyond).all()
    assert beyond[1] <= -100.0


def test_the_octave_around_a_frequency():
    at_hz = np.array(centres_hz(RATE_HZ))
    weights = octave_around(at_hz, 1050.0)
    assert set(weights) == {0.0, 1.0}
    assert at_hz[weights == 1.0] == pytest.approx(1000 * 2 ** (np.arange(-2, 4) / 6))  # 742 to 1485 Hz


def test_the_octave_around_holds_the_nearest_band_at_least():
    at_hz = np.array([100.0, 200.0, 400.0])
    assert octave_around(at_hz, 4000.0).tolist() == [0.0, 0.0, 1.0]
    assert octave_around(at_hz, 20.0).tolist() == [1.0, 0.0, 0.0]
