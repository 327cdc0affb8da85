"""Recommendation ITU-R BS.1770-5, and tests in the manner of Report BS.2217.

The sentence "0 dBFS 997 Hz in one front channel reads −3.01 LKFS" is held to ±0.005: BS.2217's ±0.1 would let a
wrong weighting filter pass.
"""

import math

import numpy as np
import pytest

from refmaster.measure.loudness import measure_loudness
from refmaster.measure.true_peak import measure_true_peak
from tests.signals import pink_noise, sine
from tests.standards.cases import RATES_HZ, SURROUND, Case, at_every_rate, k_weight_db

I = "integrated_lufs"  # noqa: E741
SURROUND_DB = 10.0 * math.log10(1.41)  # annex 1, table 3

CASES = [
    Case("997 Hz left", "997 Hz left", I, -3.01, 0.005),
    Case("997 Hz right", "997 Hz right", I, -3.01, 0.005),
    Case("997 Hz mono", "997 Hz mono", I, -3.01, 0.005),
    Case("997 Hz centre", "997 Hz centre", I, -3.01, 0.005, SURROUND),
    Case("997 Hz left surround", "997 Hz left surround", I, -3.01 + SURROUND_DB, 0.005, SURROUND),
    Case("997 Hz right surround", "997 Hz right surround", I, -3.01 + SURROUND_DB, 0.005, SURROUND),
    *(
        Case(f"{hz} Hz at {lufs}", f"{hz} Hz at {lufs} LUFS", I, float(lufs), 0.1)
        for hz in (25, 100, 500, 1000, 2000, 10000)
        for lufs in (-23, -24)
    ),
    Case("absolute gate", "absolute gate", I, -69.5, 0.1),
    Case("relative gate", "relative gate, short", I, -10.0, 0.1),
    Case("incomplete last block", "incomplete block", I, -23.0, 0.1),
    Case("silence", "silence", I, None, 0.0),
    Case("one block is enough", "one block", I, -23.0, 0.1),
    Case("less than a block is not", "less than a block", I, None, 0.0),
    Case("mono is one channel", "mono −23", I, -26.01, 0.1),
]


@pytest.mark.parametrize(("case", "rate_hz"), at_every_rate(CASES))
def test_loudness_is_read_within_tolerance(case, rate_hz, loudness_of):
    read = getattr(loudness_of(case.signal, rate_hz, case.weights), case.reads)
    assert read == (None if case.expected is None else pytest.approx(case.expected, abs=case.tolerance))  # LU


@pytest.mark.parametrize(("rate_hz", "tolerance_lu"), [(48000, 0.005), (44100, 0.01), (96000, 0.01)])
@pytest.mark.parametrize("frequency_hz", [30, 60, 200, 997, 1500, 3000, 6000, 12000, 16000])
def test_weighting_follows_the_printed_filters(frequency_hz, rate_hz, tolerance_lu):
    """Annex 1 prints coefficients for 48 kHz and asks for "the same frequency response" elsewhere."""
    read = measure_loudness([sine(frequency_hz, 0.0, 3.0, rate_hz, 1)], rate_hz).integrated_lufs
    expected_lufs = -0.691 + k_weight_db(frequency_hz) - 10.0 * math.log10(2.0)
    assert read == pytest.approx(expected_lufs, abs=tolerance_lu)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_true_peak_close_to_nyquist(rate_hz, true_peak_of):
    """A full-scale sine at 0.45 fs: annex 2 shows by how much an interpolator may read low there, 0.554 dB at 4×."""
    for peak in true_peak_of("0.45 fs", rate_hz):
        assert -0.4 <= 20.0 * math.log10(peak) <= 0.2  # dB, the tolerance of Tech 3341


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_true_peak_of_silence_is_nothing(rate_hz, true_peak_of):
    assert true_peak_of("silence", rate_hz) == (0.0, 0.0)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_true_peak_is_never_below_the_largest_sample(rate_hz):
    noise = pink_noise(-20.0, 2.0, rate_hz, seed=3)
    assert np.all(np.array(measure_true_peak([noise], rate_hz)) >= np.abs(noise).max(axis=1))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_channels_are_peaks_of_their_own(rate_hz):
    tone = sine(997.0, 0.0, 1.0, rate_hz) * np.array([[1.0], [0.5]])
    left, right = measure_true_peak([tone], rate_hz)
    assert left == pytest.approx(1.0, abs=0.02)
    assert right == pytest.approx(left / 2.0, abs=1e-9)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_pyloudnorm_agrees_within_its_own_error(rate_hz):
    """Its filters read about 0.04 dB low, so ±0.1 LU is what another program can confirm here."""
    pyloudnorm = pytest.importorskip("pyloudnorm")
    noise = pink_noise(-23.0, 10.0, rate_hz, seed=7)
    theirs = pyloudnorm.Meter(rate_hz).integrated_loudness(noise.T)
    assert measure_loudness([noise], rate_hz).integrated_lufs == pytest.approx(theirs, abs=0.1)
