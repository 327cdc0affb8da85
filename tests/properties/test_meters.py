"""What is true of loudness and true peak at any setting: gain, silence, cutting, swapping, turning upside down."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refmaster.measure.loudness import measure_loudness
from refmaster.measure.true_peak import measure_true_peak
from tests.signals import FloatArray, gain_of, in_blocks, kick_loop, pink_noise, silence, sine

RATES_HZ = st.sampled_from([44100, 48000, 96000])
SEEDS = st.integers(0, 2**32 - 1)
BLOCK_SAMPLES = (4096, 99991, 131072)

several = settings(max_examples=20, deadline=None)  # seconds of sound an example


def music(rate_hz: int, seed: int, duration_s: float = 2.0) -> FloatArray:
    """A kick and noise that differs from left to right, −20 LUFS or so: no gate is near."""
    return kick_loop(-9.0, duration_s, rate_hz) + pink_noise(-26.0, duration_s, rate_hz, seed=seed)


def integrated_lufs(samples: FloatArray, rate_hz: int) -> float:
    read = measure_loudness([samples], rate_hz).integrated_lufs
    assert read is not None
    return read


@several
@given(seed=SEEDS, rate_hz=RATES_HZ, gain_db=st.floats(-30.0, 20.0))
def test_gain_moves_loudness_and_true_peak_by_as_much(seed, rate_hz, gain_db):
    before = music(rate_hz, seed)
    after = before * gain_of(gain_db)
    assert integrated_lufs(after, rate_hz) - integrated_lufs(before, rate_hz) == pytest.approx(gain_db, abs=1e-6)  # LU
    peaks = zip(measure_true_peak([before], rate_hz), measure_true_peak([after], rate_hz), strict=True)
    for quiet, loud in peaks:
        assert 20.0 * math.log10(loud / quiet) == pytest.approx(
            gain_db, abs=1e-5
        )  # dB: the peak is sought in single precision


@several
@given(gain_db=st.floats(-30.0, 20.0))
def test_gain_leaves_the_range_alone(gain_db):
    before = np.concatenate([music(44100, 1, 5.0), 0.3 * music(44100, 2, 5.0)], axis=1)
    read = [measure_loudness([samples], 44100).loudness_range_lu for samples in (before, before * gain_of(gain_db))]
    assert read[1] == pytest.approx(read[0], abs=1e-6)  # LU


@several
@given(seed=SEEDS, rate_hz=RATES_HZ, seconds=st.floats(0.0, 8.0))
def test_silence_after_the_end_changes_nothing(seed, rate_hz, seconds):
    """Where the track ends in a block of silence already: half-filled blocks would count, as they should."""
    played = np.concatenate([music(rate_hz, seed), silence(0.5, rate_hz)], axis=1)
    longer = np.concatenate([played, silence(seconds, rate_hz)], axis=1)
    assert integrated_lufs(longer, rate_hz) == integrated_lufs(played, rate_hz)
    assert measure_true_peak([longer], rate_hz) == measure_true_peak([played], rate_hz)


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
@pytest.mark.parametrize("block_samples", BLOCK_SAMPLES)
def test_cutting_changes_not_one_bit(block_samples, rate_hz):
    samples = music(rate_hz, 5, 6.0)
    assert_same_readings(samples, list(in_blocks(samples, block_samples)), rate_hz)


@several
@given(cuts=st.lists(st.integers(0, 3 * 44100), max_size=12), channels=st.integers(1, 3))
def test_cutting_anywhere_changes_not_one_bit(cuts, channels):
    """Empty blocks among them."""
    samples = pink_noise(-20.0, 3.0, 44100, channels, seed=4)
    assert_same_readings(samples, np.split(samples, sorted(cuts), axis=1), 44100)


@several
@given(seed=SEEDS, rate_hz=RATES_HZ)
def test_left_and_right_may_change_places(seed, rate_hz):
    samples = music(rate_hz, seed)
    assert integrated_lufs(samples[::-1], rate_hz) == pytest.approx(integrated_lufs(samples, rate_hz), abs=1e-9)
    assert measure_true_peak([samples[::-1]], rate_hz) == measure_true_peak([samples], rate_hz)[::-1]


@several
@given(seed=SEEDS, rate_hz=RATES_HZ, signs=st.sampled_from([(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0)]))
def test_polarity_is_not_heard(seed, rate_hz, signs):
    samples = music(rate_hz, seed)
    turned = samples * np.array(signs)[:, np.newaxis]
    assert integrated_lufs(turned, rate_hz) == integrated_lufs(samples, rate_hz)
    assert measure_true_peak([turned], rate_hz) == measure_true_peak([samples], rate_hz)


@several
@given(seed=SEEDS, rate_hz=RATES_HZ)
def test_mono_is_half_of_the_same_in_both_channels(seed, rate_hz):
    mono = music(rate_hz, seed)[:1]
    both = np.concatenate([mono, mono])
    more_lu = integrated_lufs(both, rate_hz) - integrated_lufs(mono, rate_hz)
    assert more_lu == pytest.approx(10.0 * math.log10(2.0), abs=1e-9)
    assert measure_true_peak([both], rate_hz) == measure_true_peak([mono], rate_hz) * 2


@several
@given(frequency_hz=st.floats(20.0, 17_000.0), phase_deg=st.floats(0.0, 360.0), rate_hz=RATES_HZ)
def test_true_peak_of_a_tone_is_its_amplitude(frequency_hz, phase_deg, rate_hz):
    """At 17 kHz an eightfold grid reads at most 0.14 dB low (annex 2 of BS.1770); ends ring, so they are faded."""
    tone = sine(frequency_hz, -6.0, 0.5, rate_hz, 1, phase_deg)
    ramp = np.minimum(1.0, np.arange(tone.shape[1]) / (0.1 * rate_hz))
    (peak,) = measure_true_peak([tone * ramp * ramp[::-1]], rate_hz)
    assert -6.0 - 0.2 <= 20.0 * math.log10(peak) <= -6.0 + 0.05  # dB


def assert_same_readings(whole: FloatArray, blocks: list[FloatArray], rate_hz: int) -> None:
    expected, actual = measure_loudness([whole], rate_hz), measure_loudness(blocks, rate_hz)
    for name in ("integrated_lufs", "loudness_range_lu", "max_momentary_lufs", "max_short_term_lufs"):
        assert getattr(expected, name) == getattr(actual, name)
    for name in ("momentary", "short_term"):
        assert np.array_equal(np.stack(expected.curve(name)), np.stack(actual.curve(name)))
    assert measure_true_peak([whole], rate_hz) == measure_true_peak(blocks, rate_hz)
