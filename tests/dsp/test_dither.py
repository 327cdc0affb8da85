"""Rounding to integers: exact where nothing needs rounding, and triangular noise where it does.

Expected moments are those of theory: a triangular number of ±1 step has a variance of 1/6, and with the rounding's
1/12 the whole error has 1/4, whatever the signal (Lipshitz, Wannamaker and Vanderkooy, 1992).
"""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmaster.dsp.dither import quantise

N = 400_000


def quantised(samples, *, bit_depth=16, seed=1, start_sample=0, dithered=True):
    return quantise(samples, bit_depth=bit_depth, seed=seed, start_sample=start_sample, dithered=dithered)


def error_steps(samples, bit_depth=16, seed=1):
    values, clipped = quantised(samples, bit_depth=bit_depth, seed=seed)
    assert clipped == 0
    return values - samples * 2.0 ** (bit_depth - 1)


@pytest.mark.parametrize("bit_depth", [8, 16, 24, 32])
def test_without_dither_samples_of_that_depth_pass_bit_exactly(bit_depth):
    full = 2 ** (bit_depth - 1)
    integers = np.random.default_rng(3).integers(-full, full, (2, 5000))
    integers[:, :4] = [-full, full - 1, 0, -1]

    values, clipped = quantised(integers / full, bit_depth=bit_depth, dithered=False)

    assert values.dtype == np.int32
    assert np.array_equal(values, integers)
    assert clipped == 0


def test_halves_are_rounded_to_even():
    steps = np.array([[0.5, 1.5, 2.5, -0.5, -1.5, -2.5]])
    values, _ = quantised(steps / 2**15, dithered=False)
    assert values.tolist() == [[0, 2, 2, 0, -2, -2]]


def test_what_is_past_full_scale_is_held_there_and_counted():
    values, clipped = quantised(np.array([[2.0, 1.0, 0.5, -1.0, -1.5, -1e6]]), dithered=False)
    assert values.tolist() == [[32767, 32767, 16384, -32768, -32768, -32768]]
    assert clipped == 4


def test_dither_is_triangular_between_minus_one_and_one_step():
    base = quantised(np.zeros((1, N)), bit_depth=2, seed=9)[0]
    assert set(np.unique(base)) <= {-1, 0, 1}
    # The share of rounded noise at ±1 is P(|t| > 1/2) / 2 = 1/8 for a triangle, 1/4 for a uniform number.
    assert np.mean(base == 1) == pytest.approx(1 / 8, abs=5 * np.sqrt(7 / 64 / N))
    assert np.mean(base == -1) == pytest.approx(1 / 8, abs=5 * np.sqrt(7 / 64 / N))


@pytest.mark.parametrize("offset_steps", [0.0, 0.25, 0.5, 0.8])
def test_the_error_has_mean_zero_and_a_power_of_a_quarter_step_squared_for_every_level(offset_steps):
    error = error_steps(np.full((1, N), offset_steps / 2**15))
    assert error.mean() == pytest.approx(0.0, abs=5 * 0.5 / np.sqrt(N))
    # Variance of a squared error below 1 is at most 1/4, so five deviations of its mean are 2.5/√N.
    assert np.square(error).mean() == pytest.approx(1 / 4, abs=2.5 / np.sqrt(N))
    assert np.abs(error).max() <= 1.5


def test_the_error_is_uncorrelated_with_the_signal_the_channels_and_itself():
    signal = 0.5 * np.sin(2 * np.pi * 997 / 44100 * np.arange(N))
    error = error_steps(np.stack([signal, signal]))
    five_deviations = 5 / np.sqrt(N)
    assert abs(np.corrcoef(error[0], signal)[0, 1]) < five_deviations
    assert abs(np.corrcoef(error[0], error[1])[0, 1]) < five_deviations
    for lag in (1, 2, 3, 64, 65536):
        assert abs(np.corrcoef(error[0, lag:], error[0, :-lag])[0, 1]) < five_deviations


def test_a_tone_below_one_step_survives():
    tone = 0.3 / 2**15 * np.sin(2 * np.pi * 0.01 * np.arange(N))[np.newaxis]
    silent, _ = quantised(tone, dithered=False)
    values, _ = quantised(tone)
    assert not silent.any()
    found = 2 * np.mean(values * np.sin(2 * np.pi * 0.01 * np.arange(N)))
    assert found == pytest.approx(0.3, abs=5 * 0.5 * np.sqrt(2 / N))


def test_seeds_and_channels_differ_and_a_seed_repeats():
    silence = np.zeros((2, 2000))
    first, again, other = (quantised(silence, seed=seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1])


@given(st.lists(st.integers(1, 60), min_size=1, max_size=8), st.integers(-(2**63), 2**64))
def test_any_cut_gives_the_same_bits(sizes, seed):
    sound = np.random.default_rng(0).uniform(-1, 1, (2, sum(sizes)))
    whole, clipped = quantised(sound, seed=seed)
    starts = np.cumsum([0, *sizes])
    parts = [quantised(sound[:, a:b], seed=seed, start_sample=int(a)) for a, b in pairwise(starts)]
    assert np.array_equal(np.concatenate([values for values, _ in parts], axis=1), whole)
    assert sum(count for _, count in parts) == clipped


def test_the_input_is_left_alone_and_may_be_a_read_only_view():
    sound = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    before = sound.copy()
    view = sound.T
    view.flags.writeable = False
    quantised(view)
    assert np.array_equal(sound, before)


def test_a_long_track_keeps_its_noise_fresh():
    late, _ = quantised(np.zeros((1, 1000)), start_sample=2**40)
    early, _ = quantised(np.zeros((1, 1000)), start_sample=0)
    assert not np.array_equal(late, early)
