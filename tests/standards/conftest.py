"""Each signal is built and measured once per rate, however many cases read it."""

from collections.abc import Callable
from functools import cache

import pytest

from refmaster.measure.loudness import Loudness, measure_loudness
from refmaster.measure.true_peak import measure_true_peak
from tests.standards.cases import SIGNALS


@pytest.fixture(scope="session")
def loudness_of() -> Callable[..., Loudness]:
    """Loudness of a signal by its name, sample rate and weights."""

    @cache
    def measured(signal: str, rate_hz: int, weights: tuple[float, ...] | None = None) -> Loudness:
        return measure_loudness([SIGNALS[signal](rate_hz)], rate_hz, weights)

    return measured


@pytest.fixture(scope="session")
def true_peak_of() -> Callable[[str, int], tuple[float, ...]]:
    """True peak of each channel of a signal, linear, by its name and sample rate."""

    @cache
    def measured(signal: str, rate_hz: int) -> tuple[float, ...]:
        return measure_true_peak([SIGNALS[signal](rate_hz)], rate_hz)

    return measured
