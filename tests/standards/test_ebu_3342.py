"""EBU Tech 3342 (2023), table 1, cases 1 to 4: ±1 LU by its text, and the same when the signal is repeated."""

import numpy as np
import pytest

from refmaster.measure.loudness import CELLS_PER_S
from refmaster.measure.loudness import loudness_of as measured
from tests.standards.cases import Case, at_every_rate

RANGES_LU = {"1": ("range 10", 10.0), "2": ("range 5", 5.0), "3": ("range 20", 20.0), "4": ("range 15", 15.0)}
CASES = [
    *(Case(name, signal, "loudness_range_lu", lu, 1.0) for name, (signal, lu) in RANGES_LU.items()),
    *(Case(f"{n}, twice", f"{signal}, twice", "loudness_range_lu", lu, 1.0) for n, (signal, lu) in RANGES_LU.items()),
]


@pytest.mark.parametrize(("case", "rate_hz"), at_every_rate(CASES))
def test_range_is_read_within_tolerance(case, rate_hz, loudness_of):
    assert loudness_of(case.signal, rate_hz).loudness_range_lu == pytest.approx(case.expected, abs=case.tolerance)  # LU


def test_a_steady_tone_has_no_range(loudness_of):
    assert loudness_of("tone −23", 48000).loudness_range_lu == pytest.approx(0.0, abs=0.1)  # LU


def test_what_is_under_the_gates_is_not_part_of_the_range(loudness_of):
    """Section 3: the tones at −72 dBFS fall to the absolute gate, which leaves −36 to −23."""
    assert loudness_of("both gates", 48000).loudness_range_lu == pytest.approx(13.0, abs=1.0)  # LU


@pytest.mark.parametrize("signal", ["silence", "less than 3 s"])
def test_nothing_to_take_a_range_of(signal, loudness_of):
    assert loudness_of(signal, 48000).loudness_range_lu is None


@pytest.mark.parametrize(("seconds", "low_s", "high_s"), [(3, 1.7, 2.9), (4, 1.8, 3.0)])
def test_the_silence_that_is_appended_and_the_nearest_rank_are_those_of_the_text(seconds, low_s, high_s):
    """A tone of constant power, and 1.5 s of silence: so long, of their 3 s, the ranked windows still hold the tone.

    Of 3 s there are 16 windows, P10 is rank 3, P95 rank 15 (nearest to 2.5 and 15.25, from 1). Of 4 s there are 26, in
    11 of which the tone lasts; P10 lies halfway between two ranks, and the upper is taken, as MATLAB's round does.
    """
    power = np.full(seconds * CELLS_PER_S, 1e-3)
    assert measured(power).loudness_range_lu == pytest.approx(10 * np.log10(high_s / low_s), abs=1e-9)
