"""EBU Tech 3341 (2023), table 1, cases 1 to 6 and 9 to 23, and the alignment tone of section 2.9.

Tolerances are the text's: ±0.1 LU, +0.2 and −0.4 dB for true peaks. Files are measured, so the live cases 11 and 14
are read from the curve, one level after the other.
"""

import math

import numpy as np
import pytest

from tests.standards.cases import SURROUND, Case, Curve, Peak, at_every_rate

I, M, S = "integrated_lufs", "max_momentary_lufs", "max_short_term_lufs"  # noqa: E741

CASES = [
    *(Case(f"1, {reads}", "tone −23", reads, -23.0, 0.1) for reads in (I, M, S)),
    *(Case(f"2, {reads}", "tone −33", reads, -33.0, 0.1) for reads in (I, M, S)),
    Case("3", "relative gate", I, -23.0, 0.1),
    Case("4", "both gates", I, -23.0, 0.1),
    Case("5", "gate at −10, not −8", I, -23.0, 0.1),
    Case("6", "5.0 tone", I, -23.0, 0.1, SURROUND),
    *(Case(f"10.{i + 1}", f"3 s burst {i}", S, -23.0, 0.1) for i in range(20)),
    *(Case(f"13.{i + 1}", f"0.4 s burst {i}", M, -23.0, 0.1) for i in range(20)),
    Case("alignment tone", "tone −18", I, -18.0, 0.1),
]
CURVES = [
    Curve("9", "3 s pattern", "short_term", (-23.0,), after_s=3.0),
    Curve("11", "3 s steps", "short_term", tuple(-38.0 + i for i in range(20)), step_s=6.0),
    Curve("12", "0.4 s pattern", "momentary", (-23.0,), after_s=1.0),
    Curve("14", "0.4 s steps", "momentary", tuple(-38.0 + i for i in range(20)), step_s=0.8),
]
PEAKS = [
    Peak("15", "fs/4, 0°", -6.0),
    Peak("16", "fs/4, 45°", -6.0),
    Peak("17", "fs/6, 60°", -6.0),
    Peak("18", "fs/8, 67.5°", -6.0),
    Peak("19", "fs/4, 45°, over", 3.0),
    *(Peak(f"{20 + offset}", f"splice {offset}", 0.0) for offset in range(4)),
]


@pytest.mark.parametrize(("case", "rate_hz"), at_every_rate(CASES))
def test_loudness_is_read_within_tolerance(case, rate_hz, loudness_of):
    read = getattr(loudness_of(case.signal, rate_hz, case.weights), case.reads)
    assert read == pytest.approx(case.expected, abs=case.tolerance)  # LU


@pytest.mark.parametrize(("case", "rate_hz"), at_every_rate([c for c in CURVES if c.step_s == math.inf]))
def test_loudness_stands_still_on_a_pattern_as_long_as_its_window(case, rate_hz, loudness_of):
    end_s, lufs = loudness_of(case.signal, rate_hz).curve(case.curve)
    settled = lufs[end_s >= case.after_s]
    assert settled.size > 0
    np.testing.assert_allclose(settled, case.expected[0], atol=case.tolerance)  # LU


@pytest.mark.parametrize(("case", "rate_hz"), at_every_rate([c for c in CURVES if c.step_s < math.inf]))
def test_every_burst_reaches_its_level(case, rate_hz, loudness_of):
    end_s, lufs = loudness_of(case.signal, rate_hz).curve(case.curve)
    step = np.ceil(end_s / case.step_s - 1e-6).astype(int) - 1
    reached = [lufs[step == i].max() for i in range(len(case.expected))]
    np.testing.assert_allclose(reached, case.expected, atol=case.tolerance)  # LU


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
@pytest.mark.parametrize(("curve", "window_s"), [("momentary", 0.4), ("short_term", 3.0)])
def test_curves_step_by_10_ms_from_the_first_full_window(curve, window_s, rate_hz, loudness_of):
    end_s, lufs = loudness_of("tone −23", rate_hz).curve(curve)
    assert end_s.size == lufs.size == round((20.0 - window_s) * 100) + 1
    np.testing.assert_allclose(end_s, window_s + 0.01 * np.arange(end_s.size), atol=1e-9)


@pytest.mark.parametrize("signal", ["less than 3 s", "less than a block"])
def test_short_term_needs_three_seconds(signal, loudness_of):
    assert loudness_of(signal, 48000).max_short_term_lufs is None


@pytest.mark.parametrize(("case", "rate_hz"), at_every_rate(PEAKS))
def test_true_peak_is_read_within_tolerance(case, rate_hz, true_peak_of):
    for peak in true_peak_of(case.signal, rate_hz):
        assert case.expected - case.below <= 20.0 * math.log10(peak) <= case.expected + case.above  # dB
