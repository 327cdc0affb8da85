"""Fractional-octave bands: their centres, their edges, and how the bins of a spectrum fall into them."""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from refmaster.units import FloatArray, Mask, power_to_db

BANDS_PER_OCTAVE = 6
LOW_HZ, HIGH_HZ = 20.0, 20000.0
LEVEL_HZ = (100.0, 10000.0)


def centre_hz(band: int) -> float:
    """The centre of a band, counted from that at 1 kHz."""
    return float(1000 * 2 ** (band / BANDS_PER_OCTAVE))


@cache
def centres_hz(sample_rate_hz: int) -> tuple[float, ...]:
    """Band centres, 1000 · 2^(k/6) Hz from 20 Hz to 20 kHz, as far as the whole band lies below Nyquist."""
    first = round(BANDS_PER_OCTAVE * math.log2(LOW_HZ / 1000))
    last = round(BANDS_PER_OCTAVE * math.log2(HIGH_HZ / 1000))
    centres = (centre_hz(k) for k in range(first, last + 1))
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


def level_around_db(bin_powers: FloatArray, bin_hz: float, centres: FloatArray, half_oct: float) -> FloatArray:
    """Level within `half_oct` octaves to either side of each centre, from the power in bins: (bins,) → (centres,), dB.

    Exact to the part of a bin, so that a lone tone is counted once.
    """
    total = np.concatenate([[0.0], np.cumsum(bin_powers)])
    edges = np.stack([centres * 2**-half_oct, centres * 2**half_oct]) / bin_hz + 0.5
    low, high = np.interp(edges, np.arange(total.size), total)
    return power_to_db(high - low, 1e-14)


def thirds_db(bin_powers: FloatArray, bin_hz: float, centres: FloatArray) -> FloatArray:
    """Level in the third of an octave around each centre, dB: (bins,) → (centres,)."""
    return level_around_db(bin_powers, bin_hz, centres, 1 / 6)


def of_level(at_hz: FloatArray) -> Mask:
    """The bands whose mean is the level of a spectrum: all but the ends, which are mostly rumble and codec."""
    return np.asarray((at_hz >= LEVEL_HZ[0]) & (at_hz <= LEVEL_HZ[1]))


def less_level(spectrum_db: FloatArray, where: Mask | npt.NDArray[np.int64]) -> FloatArray:
    """A spectrum less its mean over the bands `where`, a mask or indices: how it is shaped, however loud it is."""
    return np.asarray(spectrum_db - spectrum_db[where].mean())


def octave_around(at_hz: FloatArray, centre_hz: float) -> FloatArray:
    """Weights of bands for an average over the octave around a frequency: 1 inside, 0 outside, the nearest at least."""
    apart = np.abs(np.log2(at_hz / centre_hz))
    return (apart <= max(0.5, float(apart.min()))).astype(float)


def unbent_below_hz(cut_hz: float) -> float:
    """Bands centred below this are as they were before a cut; the last one before it is bent already."""
    return cut_hz * 2 ** (-1 / BANDS_PER_OCTAVE)
