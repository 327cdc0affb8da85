"""The limiter's gain in one kernel, held against its parts done one after the other with nothing left out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmaster.dsp.reduction import REST_DB, TIP_DB, UNIT, Law, Reduction

WINDOWS = {"short": 9, "look": 12, "held": 20, "recent": 30, "sustained": 50}
LAW = Law(**WINDOWS, clip_db=2.0, fast=0.98, slow=0.95, settle=0.97, steepest_db=0.05)
bursts = st.lists(st.tuples(st.integers(0, 250), st.integers(1, 90), st.floats(0.01, 9.0)), min_size=1, max_size=6)


def extreme(values: np.ndarray, window: int, how) -> np.ndarray:
    """Of the last `window` values, of a stream that was 0 before it began."""
    padded = np.concatenate([np.zeros(window - 1), values])
    return how(np.lib.stride_tricks.sliding_window_view(padded, window), axis=1)


def plainly(need: np.ndarray, law: Law) -> np.ndarray:
    """The same gain from whole arrays."""
    wanted = need
    if law.short:
        stays = extreme(extreme(need, law.short, np.min), law.short, np.max)
        need = np.concatenate([np.zeros(law.short - 1), need])[: need.size]
        long = np.where(stays > 0, np.minimum(need, stays + TIP_DB), 0.0)
        wanted = np.maximum(long, need - law.clip_db)
    held = extreme(wanted, law.held, np.max)
    sustained = extreme(extreme(need, law.recent, np.max), law.sustained, np.min)
    fast, slow, taken = 0.0, 0.0, np.zeros(need.size)
    for k, (peak, lasting) in enumerate(zip(held, sustained, strict=True)):
        slow = lasting + (slow - lasting) * (law.settle if lasting > slow else law.slow)
        toward = max(peak, slow)
        fast = max(toward, toward + (fast - toward) * law.fast, fast - law.steepest_db)
        if fast < REST_DB and lasting == 0:
            fast = slow = 0.0
        taken[k] = fast
    steps = np.floor(UNIT * 10 ** (-taken / 20))
    first = law.look // 2 + 1
    for width in (first, law.look + 2 - first):
        steps = np.convolve(np.concatenate([np.full(width - 1, float(UNIT)), steps]), np.ones(width) / width, "valid")
    return steps / UNIT


def need_of(found: list[tuple[int, int, float]]) -> np.ndarray:
    need = []
    for gap, length, level in found:
        need += [np.zeros(gap), np.full(length, level)]
    return np.concatenate([*need, np.zeros(600)])


@given(found=bursts, clips=st.booleans())
def test_it_is_what_its_parts_give(found, clips):
    law = LAW if clips else Law(**{**vars(LAW), "short": 0})
    need = need_of(found)
    assert np.allclose(Reduction(law).after(need), plainly(need, law), atol=1e-7)


@given(found=bursts, cut=st.integers(1, 200))
def test_any_cut_gives_the_same_bits(found, cut):
    need, reduction = need_of(found), Reduction(LAW)
    parts = [reduction.after(need[start : start + cut]) for start in range(0, need.size, cut)]
    assert np.array_equal(np.concatenate(parts), Reduction(LAW).after(need))


@pytest.mark.parametrize("rest", [0, 700, 5000])
def test_a_rest_is_forgotten_however_long_it_was(rest):
    """At rest nothing is computed; what comes after it must not depend on how long that was."""
    burst = np.concatenate([np.full(40, 3.0), np.zeros(900)])
    found = Reduction(LAW).after(np.concatenate([burst, np.zeros(rest), burst]))
    assert np.array_equal(found[-burst.size :], found[: burst.size])
    assert found[-1] == 1.0


@pytest.mark.parametrize(("tip_db", "taken_db"), [(0.2, 1.2), (0.9, 1.3), (2.6, 1.6)])
def test_of_a_short_tip_on_what_stays_over_little_is_limited_and_the_rest_left_to_be_clipped(tip_db, taken_db):
    """1 dB stays over; of the tip 0.3 dB are limited with it, and all that is more than the 2 dB that are clipped."""
    need = np.concatenate([np.zeros(50), np.full(60, 1.0), np.full(4, 1.0 + tip_db), np.full(60, 1.0), np.zeros(99)])
    assert -20 * np.log10(Reduction(LAW).after(need).min()) == pytest.approx(taken_db, abs=0.01)
