"""Bands by their numbers: flat at rest, the cookbook's shape where it is right, stable everywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import freqz, lfilter

from refmaster.dsp.biquad import Shape, design, design_many, filtered, response_db, side_filtered
from tests.signals import bell, high_shelf, in_blocks, low_shelf, white_noise

RATES_HZ = st.sampled_from([44100, 48000, 88200, 96000, 192000])
COOKBOOK = {Shape.BELL: bell, Shape.LOW_SHELF: low_shelf, Shape.HIGH_SHELF: high_shelf}
every_shape = pytest.mark.parametrize("shape", list(Shape), ids=lambda shape: shape.value)


@given(
    shape=st.sampled_from(Shape),
    frequency_hz=st.floats(10.0, 40000.0),
    gain_db=st.floats(-24.0, 24.0),
    q=st.floats(0.1, 10.0),
    rate_hz=RATES_HZ,
)
def test_every_setting_gives_a_stable_filter(shape, frequency_hz, gain_db, q, rate_hz):
    coefficients = design(shape, frequency_hz, gain_db, q, rate_hz)
    assert np.isfinite(coefficients).all()
    assert np.abs(np.roots([1.0, *coefficients[3:]])).max() < 1.0
    assert np.abs(response_db(coefficients[np.newaxis], np.geomspace(5, rate_hz / 2, 200), rate_hz)).max() < 60.0


@every_shape
@pytest.mark.parametrize("frequency_hz", [20.0, 1000.0, 20000.0])
def test_no_gain_is_no_change(shape, frequency_hz):
    sound = white_noise(-6.0, 0.2, 44100)
    (out,) = filtered([sound], design(shape, frequency_hz, 0.0, 0.9, 44100))
    np.testing.assert_allclose(out, sound, rtol=0, atol=1e-11)


@every_shape
@pytest.mark.parametrize("gain_db", [-9.0, 4.0])
def test_well_below_nyquist_it_is_the_cookbook_s_shape(shape, gain_db):
    """At 192 kHz, where the cookbook's warping does not show."""
    at_hz = np.geomspace(20, 8000, 100)
    section = COOKBOOK[shape](700.0, gain_db, 0.9, 192000)
    book_db = 20 * np.log10(np.abs(freqz(section[:3], section[3:], at_hz, fs=192000)[1]))
    ours_db = response_db(design(shape, 700.0, gain_db, 0.9, 192000)[np.newaxis], at_hz, 192000)[0]
    np.testing.assert_allclose(ours_db, book_db, atol=0.1)


@every_shape
def test_near_nyquist_it_keeps_the_analogue_shape(shape):
    """14 kHz at 44.1 kHz against the same band at 192 kHz, up to 20 kHz: the cookbook is off by 2 dB and more."""
    at_hz = np.geomspace(2000, 20000, 100)
    coarse, fine = (response_db(design(shape, 14000.0, 6.0, 1.0, r)[np.newaxis], at_hz, r)[0] for r in (44100, 192000))
    assert np.abs(coarse - fine).max() < 1.0  # dB


@every_shape
@pytest.mark.parametrize("sample_rate_hz", [44100, 96000])
def test_the_formula_of_the_response_is_the_filter_s_response(shape, sample_rate_hz):
    coefficients = design(shape, 2500.0, 5.0, 1.4, sample_rate_hz)
    at_hz = np.geomspace(10, 0.49 * sample_rate_hz, 150)
    expected = freqz(coefficients[:3], [1.0, *coefficients[3:]], at_hz, fs=sample_rate_hz)[1]
    np.testing.assert_allclose(
        response_db(coefficients[np.newaxis], at_hz, sample_rate_hz)[0], 20 * np.log10(np.abs(expected)), atol=1e-6
    )


@pytest.mark.parametrize("block_samples", [1, 100, 4096, 10**6])
def test_running_it_is_what_scipy_runs(block_samples):
    sound = white_noise(-6.0, 0.1, 44100, 2)
    coefficients = design(Shape.BELL, 300.0, 6.0, 2.0, 44100)
    out = np.concatenate(list(filtered(in_blocks(sound, block_samples), coefficients)), axis=1)
    np.testing.assert_allclose(out, lfilter(coefficients[:3], [1.0, *coefficients[3:]], sound), atol=1e-12)


@pytest.mark.parametrize("block_samples", [1, 997, 44100])
def test_on_the_side_it_is_what_scipy_runs_there_and_the_mid_stays(block_samples):
    sound = white_noise(-6.0, 0.1, 44100, 2)
    bands = [design(Shape.BELL, hz, 6.0, 2.0, 44100) for hz in (300.0, 2000.0)]
    out = in_blocks(sound, block_samples)
    for band in bands:
        out = side_filtered(out, band)
    left, right = np.concatenate(list(out), axis=1)
    side = (sound[0] - sound[1]) / 2
    for band in bands:
        side = lfilter(band[:3], [1.0, *band[3:]], side)
    np.testing.assert_allclose((left - right) / 2, side, atol=1e-12)
    np.testing.assert_allclose((left + right) / 2, sound.mean(axis=0), atol=1e-15)


def test_on_the_side_bands_that_join_give_the_bits_of_each_on_its_own():
    sound = white_noise(-6.0, 0.1, 44100, 2)
    bands = [design(Shape.BELL, 80.0 * 1.26**k, 6.0 * (-1) ** k, 4.3, 44100) for k in range(23)]
    joined, alone = iter([sound]), sound
    for band in bands:
        joined = side_filtered(joined, band)
        (alone,) = side_filtered([alone], band)
    np.testing.assert_array_equal(next(joined), alone)


def test_a_filter_on_both_channels_and_one_on_the_side_stay_apart():
    sound, band = white_noise(-6.0, 0.1, 44100, 2), design(Shape.BELL, 300.0, 6.0, 2.0, 44100)
    (first,) = filtered([sound], band)
    (apart,) = side_filtered([first], band)
    np.testing.assert_array_equal(next(side_filtered(filtered([sound], band), band)), apart)
    (first,) = side_filtered([sound], band)
    (apart,) = filtered([first], band)
    np.testing.assert_array_equal(next(filtered(side_filtered([sound], band), band)), apart)


def test_mono_has_no_side_to_filter():
    sound = white_noise(-6.0, 0.1, 44100, 1)
    np.testing.assert_array_equal(next(side_filtered([sound], design(Shape.BELL, 300.0, 6.0, 2.0, 44100))), sound)


def test_many_at_once_are_the_same_as_one_by_one():
    shapes = (Shape.BELL, Shape.LOW_SHELF, Shape.HIGH_SHELF)
    f, g, q = np.array([100.0, 200.0, 5000.0]), np.array([3.0, -2.0, 6.0]), np.array([1.0, 0.7, 0.7])
    together = design_many(shapes, f, g, q, 48000)
    for row, shape, one_f, one_g, one_q in zip(together, shapes, f, g, q, strict=True):
        np.testing.assert_allclose(row, design(shape, one_f, one_g, one_q, 48000), rtol=1e-14)


@pytest.mark.parametrize("frequency_hz", [22050.0, 30000.0])
def test_a_band_beyond_nyquist_is_held_below_it(frequency_hz):
    assert np.isfinite(design(Shape.BELL, frequency_hz, 6.0, 1.0, 44100)).all()
