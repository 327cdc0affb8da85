"""Linear phase: the biquads' magnitude, no phase at all, and the same sound however it is cut."""

import numpy as np
import pytest
from scipy.signal import fftconvolve, sosfreqz

from refmaster.dsp.biquad import Shape, design
from refmaster.dsp.fir import LONGEST_S, convolved, ring_s, zero_phase
from tests.signals import in_blocks, silence, sine, white_noise

RATES_HZ = (44100, 48000, 96000)
FEW_BANDS = (
    (Shape.LOW_SHELF, 40.0, 6.0, 0.7),
    (Shape.BELL, 180.0, -3.0, 1.0),
    (Shape.BELL, 900.0, 2.0, 0.8),
    (Shape.BELL, 3000.0, -1.5, 1.4),
    (Shape.BELL, 6000.0, 2.5, 2.0),
    (Shape.HIGH_SHELF, 12000.0, 4.0, 0.7),
)
every_rate = pytest.mark.parametrize("rate_hz", RATES_HZ)


def biquads(bands=FEW_BANDS, rate_hz: int = 44100):
    return np.stack([design(*band, rate_hz) for band in bands])


def biquads_db(coefficients, at_hz, rate_hz):
    """Their magnitude by scipy, from the difference equation and not from our own formula."""
    sections = np.insert(coefficients, 3, 1.0, axis=1)
    return 20 * np.log10(np.abs(sosfreqz(sections, at_hz, fs=rate_hz)[1]))


def spectrum_of(taps, rate_hz):
    """Frequencies, and the complex response of taps around their middle."""
    size = 2 ** int(np.ceil(np.log2(2 * taps.size + 2**16)))
    around = np.roll(np.pad(taps, (0, size - taps.size)), -(taps.size // 2))
    return np.fft.rfftfreq(size, 1 / rate_hz), np.fft.rfft(around)


def through(sound, taps, block_samples: int | None = None):
    blocks = [sound] if block_samples is None else in_blocks(sound, block_samples)
    return np.concatenate(list(convolved(blocks, taps)), axis=1)


# Magnitude


@every_rate
@pytest.mark.parametrize("shape", list(Shape), ids=lambda shape: shape.value)
@pytest.mark.parametrize("frequency_hz", [20.0, 30.0, 40.0, 250.0, 4000.0, 16000.0, 40000.0])
def test_a_band_has_the_biquad_s_magnitude(rate_hz, shape, frequency_hz):
    """0.05 dB from 30 Hz to 18 kHz are promised; 0.002 are kept there, and from DC to Nyquist 0.05."""
    for q in (0.1, 0.7, 4.32):  # a third of an octave is the narrowest that is proposed
        for gain_db in (-24.0, -3.0, 1.0, 12.0):
            coefficients = biquads([(shape, frequency_hz, gain_db, q)], rate_hz)
            at_hz, response = spectrum_of(zero_phase(coefficients, rate_hz), rate_hz)
            apart_db = np.abs(20 * np.log10(np.abs(response)) - biquads_db(coefficients, at_hz, rate_hz))
            assert apart_db[(at_hz >= 30) & (at_hz <= 18000)].max() <= 0.002, (q, gain_db)
            assert apart_db.max() <= 0.05, (q, gain_db)


@every_rate
def test_the_narrowest_and_lowest_band_that_can_be_set_keeps_the_promise(rate_hz):
    for frequency_hz in (10.0, 30.0):
        coefficients = biquads([(Shape.BELL, frequency_hz, 24.0, 10.0)], rate_hz)
        taps = zero_phase(coefficients, rate_hz)
        at_hz, response = spectrum_of(taps, rate_hz)
        apart_db = np.abs(20 * np.log10(np.abs(response)) - biquads_db(coefficients, at_hz, rate_hz))
        assert apart_db[(at_hz >= 30) & (at_hz <= 18000)].max() <= 0.05
        assert taps.size <= 2 * LONGEST_S * rate_hz + 1


@every_rate
def test_bands_together_have_the_product_of_their_magnitudes(rate_hz):
    coefficients = biquads(rate_hz=rate_hz)
    at_hz, response = spectrum_of(zero_phase(coefficients, rate_hz), rate_hz)
    np.testing.assert_allclose(
        20 * np.log10(np.abs(response)), biquads_db(coefficients, at_hz, rate_hz), rtol=0, atol=0.002
    )


@pytest.mark.parametrize("frequency_hz", [50.0, 1000.0, 15000.0])
def test_a_sine_comes_out_with_that_gain_and_in_phase(frequency_hz):
    """Heard, not computed: a second from the middle of three."""
    rate_hz, coefficients = 44100, biquads()
    tone = sine(frequency_hz, -12.0, 3.0, rate_hz)
    out = through(tone, zero_phase(coefficients, rate_hz), 4096)
    gain = 10 ** (biquads_db(coefficients, np.array([frequency_hz]), rate_hz)[0] / 20)
    middle = slice(rate_hz, 2 * rate_hz)
    np.testing.assert_allclose(out[:, middle], gain * tone[:, middle], rtol=0, atol=1e-4 * gain)


# Phase


def test_taps_are_the_same_to_both_sides():
    taps = zero_phase(biquads(), 44100)
    assert taps.size % 2 == 1
    assert np.array_equal(taps, taps[::-1])
    assert np.abs(spectrum_of(taps, 44100)[1].imag).max() <= 1e-12


def test_a_click_stays_where_it_was_and_rings_alike_before_and_after():
    click = np.zeros((1, 20001))
    click[0, 10000] = 1.0
    out = through(click, zero_phase(biquads(), 44100), 777)[0]
    assert np.argmax(np.abs(out)) == 10000
    np.testing.assert_allclose(out, out[::-1], rtol=0, atol=1e-13)


# At rest


def test_bands_at_rest_are_nothing():
    resting = biquads([(shape, 100.0, 0.0, 0.7) for shape in Shape])
    np.testing.assert_allclose(zero_phase(resting, 44100), [1.0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(zero_phase(np.zeros((0, 5)), 44100), [1.0], rtol=0, atol=1e-12)


def test_a_band_at_rest_beside_others_is_as_good_as_dropped():
    with_it = biquads([*FEW_BANDS, (Shape.BELL, 25.0, 0.0, 4.0)])
    assert np.array_equal(zero_phase(with_it, 44100), zero_phase(biquads(), 44100))


# Convolution


@pytest.mark.parametrize("n_samples", [1, 2, 500, 32768, 100000])
def test_it_is_a_convolution(n_samples):
    sound, taps = white_noise(-6.0, 3.0, 44100, 2)[:, :n_samples], zero_phase(biquads(), 44100)
    half = taps.size // 2
    expected = fftconvolve(sound, taps[np.newaxis], axes=1)[:, half : half + n_samples]
    np.testing.assert_allclose(through(sound, taps), expected, rtol=0, atol=1e-12)


def test_a_filter_longer_than_the_sound_and_longer_than_a_frame():
    sound = white_noise(-6.0, 1.0, 44100, 2)
    taps = zero_phase(biquads([(Shape.BELL, 20.0, 12.0, 8.0)]), 44100)
    half = taps.size // 2
    assert half > 2 * sound.shape[1]
    expected = fftconvolve(sound, taps[np.newaxis], axes=1)[:, half : half + sound.shape[1]]
    np.testing.assert_allclose(through(sound, taps, 10000), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("block_samples", [1, 999, 4096, 30000, 99991, 131072])
def test_any_cut_gives_the_same_bytes(block_samples):
    n_samples = 3000 if block_samples == 1 else 200000
    sound, taps = white_noise(-6.0, 5.0, 44100, 2)[:, :n_samples], zero_phase(biquads(), 44100)
    assert through(sound, taps, block_samples).tobytes() == through(sound, taps).tobytes()


def test_a_channel_sounds_the_same_alone():
    sound, taps = white_noise(-6.0, 2.0, 44100, 2), zero_phase(biquads(), 44100)
    both = through(sound, taps)
    for channel in (0, 1):
        assert np.array_equal(through(sound[channel : channel + 1], taps)[0], both[channel])


def test_nothing_stays_nothing_and_silence_silent():
    taps = zero_phase(biquads(), 44100)
    assert list(convolved([], taps)) == []
    assert not through(silence(1.5, 44100, 2), taps, 4096).any()


def test_what_went_in_is_not_written_to():
    sound = white_noise(-6.0, 2.0, 44100, 2)
    before = sound.copy()
    sound.setflags(write=False)
    through(sound, zero_phase(biquads(), 44100), 32768)
    assert np.array_equal(sound, before)


# How long it rings


@pytest.mark.parametrize(("frequency_hz", "gain_db", "q"), [(30.0, 6.0, 4.0), (100.0, 3.0, 2.0), (1000.0, 12.0, 1.0)])
@every_rate
def test_a_bell_rings_as_its_prototype_does(frequency_hz, gain_db, q, rate_hz):
    """The cookbook's poles: s² + s/(A q) + 1 fades by exp(−π f t/(A q)); 40 dB are a factor of 100."""
    a = 10 ** (gain_db / 40)
    expected_s = np.log(100) * a * q / (np.pi * frequency_hz)
    assert ring_s(biquads([(Shape.BELL, frequency_hz, gain_db, q)], rate_hz), rate_hz) == pytest.approx(
        expected_s, rel=0.02
    )


def test_narrower_and_lower_rings_longer():
    def ring(frequency_hz, q):
        return ring_s(biquads([(Shape.BELL, frequency_hz, 3.0, q)]), 44100)

    assert ring(50.0, 1.0) < ring(50.0, 2.0) < ring(25.0, 2.0)
    assert ring_s(biquads([(Shape.HIGH_SHELF, 8000.0, 3.0, 0.7)]), 44100) < 0.001
