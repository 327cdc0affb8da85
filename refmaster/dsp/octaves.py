"""Fractional-octave bands: their centres, their edges, and how the bins of a spectrum fall into them."""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from refmaster.units import FloatArray, power_to_db

BANDS_PER_OCTAVE = 6
LOW_HZ, HIGH_HZ = 20.0, 20000.0


@cache
def centres_hz(sample_rate_hz: int) -> tuple[float, ...]:
    """Band centres, 1000 · 2^(k/6) Hz from 20 Hz to 20 kHz, as far as the whole band lies below Nyquist."""
    first = round(BANDS_PER_OCTAVE * math.log2(LOW_HZ / 1000))
    last = round(BANDS_PER_OCTAVE * math.log2(HIGH_HZ / 1000))
    centres = (1000 * 2 ** (k / BANDS_PER_OCTAVE) for k in range(first, last + 1))
    half = 2 ** (0.5 / BANDS_PER_OCTAVE)
    return tuple(c for c in centres if c * half < sample_rate_hz / 2)


def edges_hz(centres: FloatArray) -> FloatArray:
    """Lower edge of each band and, last, the upper edge of the highest: shape (bands + 1,)."""
    half = 2 ** (0.5 / BANDS_PER_OCTAVE)
    return np.append(centres / half, centres[-1] * half)


def bin_shares(edges: FloatArray, n_fft: int, sample_rate_hz: int) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Which bins make each band: first bin and bin count, shape (bands, 2), and the shares of the first and last bin.

    A bin is taken to be as wide as the distance to its neighbours, so narrow low bands share a bin by its parts and
    no power is counted twice or lost.
    """
    position = edges * n_fft / sample_rate_hz + 0.5  # bin k covers k … k + 1 on this scale
    position = np.clip(position, 0, n_fft // 2 + 1 - 1e-9)
    low, high = position[:-1], position[1:]
    first = np.floor(low).astype(np.int64)
    last = np.floor(high).astype(np.int64)
    head = np.where(first == last, high - low, first + 1 - low)
    tail = np.where(first == last, 0.0, high - last)
    return np.stack([first, last - first + 1], axis=1), np.stack([head, tail], axis=1)


def thirds_db(bin_powers: FloatArray, bin_hz: float, centres: FloatArray) -> FloatArray:
    """Level in the third of an octave around each centre, from the power in bins `bin_hz` apart: (bins,) → (centres,).

    Exact to the part of a bin, so that a lone tone is counted once, where a sum of 1/6-octave bands would halve it.
    """
    total = np.concatenate([[0.0], np.cumsum(bin_powers)])
    half = 2 ** (1 / 6)
    low, high = (np.interp(edge / bin_hz + 0.5, np.arange(total.size), total) for edge in (centres / half, centres * half))
    return np.asarray(power_to_db(high - low))
