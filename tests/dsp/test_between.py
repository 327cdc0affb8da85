"""Reading between samples: what is left out changes no answer."""

import numpy as np
import pytest

from refmaster.dsp.between import bend, interpolator, largest, largest_between, raise_to_peaks
from refmaster.dsp.oversample import SHORT_BETA, SHORT_TAPS, TAPS, phases
from tests.signals import kick_loop, pink_noise

RATE_HZ = 44100
KINDS = [(8, TAPS, 8.0), (8, SHORT_TAPS, SHORT_BETA), (4, TAPS, 8.0), (2, TAPS, 8.0)]


@pytest.fixture(scope="module")
def music():
    noise, kicks = pink_noise(-6.0, 1.0, RATE_HZ, 1, 1), 2.0 * kick_loop(-3.0, 1.0, RATE_HZ, channels=1)
    return np.concatenate([noise, kicks], axis=1)[0].astype(np.float32)


def everything_between(x: np.ndarray, times: int, taps: int, beta: float) -> np.ndarray:
    """All values, shape (phases, gaps), in double precision and with nothing left out."""
    return np.stack([np.correlate(x.astype(np.float64), row) for row in phases(times, taps, beta)])


@pytest.mark.parametrize(("times", "taps", "beta"), KINDS)
def test_the_largest_value_is_found(music, times, taps, beta):
    truth = np.abs(everything_between(music, times, taps, beta)).max()
    assert largest_between(music, interpolator(times, taps, beta), 0.0) == pytest.approx(truth, rel=1e-6)


@pytest.mark.parametrize(("times", "taps", "beta"), KINDS)
def test_a_peak_that_is_known_leaves_only_larger_ones_to_be_found(music, times, taps, beta):
    how = interpolator(times, taps, beta)
    largest = largest_between(music, how, 0.0)
    assert largest_between(music, how, 0.999 * largest) == largest
    assert largest_between(music, how, 1.001 * largest) == 1.001 * largest


@pytest.mark.parametrize(("times", "taps", "beta"), KINDS)
@pytest.mark.parametrize("ceiling", [0.2, 0.9, 1.3])
def test_every_peak_over_a_ceiling_is_found_where_it_is(music, times, taps, beta, ceiling):
    values = np.abs(everything_between(music, times, taps, beta)).max(axis=0)
    truth = np.maximum(values, np.abs(music[taps // 2 - 1 :][: values.size]))
    peaks = np.zeros(values.size)
    raise_to_peaks(music, interpolator(times, taps, beta), ceiling, peaks)
    over = truth > ceiling + 1e-5
    assert np.allclose(peaks[over], truth[over], rtol=1e-5)
    assert not (peaks[truth < ceiling - 1e-5] > ceiling).any()


def test_nothing_comes_off_what_stays_under_the_threshold():
    quiet = 0.1 * pink_noise(-10.0, 0.2, RATE_HZ, 1, 1)[0]
    owed = np.zeros(quiet.size)
    bend(quiet, interpolator(4, single=False), np.ones((4, TAPS)), 0.9, owed)
    assert not owed.any()


def test_the_largest_magnitude_of_a_block_is_found_and_no_number_is_told():
    block = np.random.default_rng(3).normal(size=(2, 501))
    assert largest(block) == np.abs(block).max()
    assert largest(block[:, 3:400:2]) == np.abs(block[:, 3:400:2]).max()
    assert largest(np.zeros((2, 0))) == largest(np.zeros((0, 5))) == 0.0
    for bad in (np.inf, -np.inf):
        assert largest(np.where(np.arange(501) == 7, bad, block)) == np.inf
    assert np.isnan(largest(np.where(np.arange(501) == 7, np.nan, block)))
