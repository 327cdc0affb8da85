"""The five bands: they add up to the sound, and each passes its own part of the spectrum and nothing else."""

import numpy as np
import pytest

from refmaster.dsp.crossover import EDGES_HZ, band_taps
from refmaster.dsp.fir import convolved
from tests.signals import FloatArray, in_blocks, sine, white_noise

RATES_HZ = (8000, 22050, 44100, 48000, 96000)  # at 22.05 kHz the top band is nearly empty, at 8 kHz quite
BANDS = range(len(EDGES_HZ) + 1)
FLAT_OCT = 0.6  # so far from its edges a band is flat: the slope is half an octave to each side, the rest is ringing

at_every_rate = pytest.mark.parametrize("rate_hz", RATES_HZ)


def split(sound: FloatArray, band: int, rate_hz: int) -> FloatArray:
    return np.concatenate(list(convolved(in_blocks(sound, 5000), band_taps(band, rate_hz))), axis=1)


def response_db(taps: FloatArray, rate_hz: int) -> tuple[FloatArray, FloatArray]:
    """Where, and how much, from the impulse response: 0.4 Hz apart or finer at 96 kHz."""
    size = 2**18
    return np.fft.rfftfreq(size, 1 / rate_hz), 20 * np.log10(np.abs(np.fft.rfft(taps, size)) + 1e-15)


def span_hz(band: int, inside_oct: float, rate_hz: int) -> tuple[float, float]:
    """From where to where a band reaches, less (or, below 0, more) than so many octaves at each edge."""
    low = EDGES_HZ[band - 1] * 2**inside_oct if band > 0 else 0.0
    high = EDGES_HZ[band] * 2**-inside_oct if band < len(EDGES_HZ) else rate_hz / 2
    return low, high


@at_every_rate
def test_the_bands_sum_to_the_sound(rate_hz):
    sound = white_noise(-12.0, 0.3, rate_hz, seed=4)
    total = sum(split(sound, band, rate_hz) for band in BANDS)
    np.testing.assert_allclose(total, sound, rtol=0, atol=1e-12)


@at_every_rate
def test_the_sum_is_flat(rate_hz):
    _, level_db = response_db(sum(band_taps(band, rate_hz) for band in BANDS), rate_hz)
    assert np.abs(level_db).max() <= 0.1


@pytest.mark.parametrize("rate_hz", RATES_HZ[1:])
@pytest.mark.parametrize("band", BANDS)
def test_a_band_is_flat_in_its_middle(band, rate_hz):
    at_hz, level_db = response_db(band_taps(band, rate_hz), rate_hz)
    low, high = span_hz(band, FLAT_OCT, rate_hz)
    middle = level_db[(at_hz >= low) & (at_hz <= high)]
    assert middle.size > 10
    assert np.abs(middle).max() <= 0.1


@at_every_rate
@pytest.mark.parametrize("band", BANDS)
def test_a_band_lets_nothing_of_its_neighbours_through(band, rate_hz):
    """An octave beyond its edges 60 dB and more are gone."""
    at_hz, level_db = response_db(band_taps(band, rate_hz), rate_hz)
    low, high = span_hz(band, -1.0, rate_hz)
    outside = level_db[(at_hz < low) | (at_hz > high)]
    assert outside.max(initial=-200.0) <= -60.0


@pytest.mark.parametrize("rate_hz", RATES_HZ[1:])
@pytest.mark.parametrize("edge", range(len(EDGES_HZ)))
def test_neighbours_meet_at_half(edge, rate_hz):
    for band in (edge, edge + 1):
        at_hz, level_db = response_db(band_taps(band, rate_hz), rate_hz)
        assert np.interp(EDGES_HZ[edge], at_hz, level_db) == pytest.approx(-6.02, abs=0.2)


@at_every_rate
@pytest.mark.parametrize("band", BANDS)
def test_taps_are_symmetric(band, rate_hz):
    taps = band_taps(band, rate_hz)
    assert taps.size % 2 == 1
    np.testing.assert_allclose(taps, taps[::-1], rtol=0, atol=1e-15)


def test_a_tone_stays_in_its_band():
    """1 kHz: the third band has it, in place and whole; in the others it is not heard."""
    tone = sine(1000.0, -6.0, 0.5, 44100)
    inside = slice(4000, -4000)  # away from where the tone is switched on and off
    np.testing.assert_allclose(split(tone, 2, 44100)[:, inside], tone[:, inside], rtol=0, atol=1e-5)
    for band in (0, 1, 3, 4):
        assert np.abs(split(tone, band, 44100)[:, inside]).max() <= 1e-5
