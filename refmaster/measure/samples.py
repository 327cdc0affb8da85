"""What single samples tell: peaks on a 10 ms grid, DC, runs of clipping, silence at either end."""

import numpy as np

from refmaster.dsp.jit import kernel
from refmaster.units import FloatArray

CLIP_RUN = 3  # so many equal samples at the top in a row are a flat top, not a wave
AUDIBLE = 1e-5  # −100 dBFS
HELD_DB = 0.5
CLIP_LEVEL = 0.7  # nobody's clipper is set lower than −3 dBFS and left there


class SampleMeter:
    """Feed it blocks, then look at the fields."""

    def __init__(self, sample_rate_hz: int, channels: int):
        self._sample_rate_hz = sample_rate_hz
        self._cells: list[FloatArray] = []
        self._open_peak = 0.0
        self.n_samples = 0
        self.total = np.zeros(channels)
        self.energy = np.zeros(channels)
        self.clipped_runs = 0
        self._runs = np.zeros((channels, 2))  # last value, how often in a row
        self.first_sound: int | None = None
        self.last_sound = 0

    def feed(self, block: FloatArray) -> None:
        """Listen to a block, shape (channels, samples), always cut on the same grid."""
        rate, start, count = self._sample_rate_hz, self.n_samples, block.shape[1]
        ends = _ends(start, count, rate)
        loudest = np.empty(count)
        for channel in range(block.shape[0]):
            sums = _channel(block[channel], self._runs[channel], loudest, channel == 0, CLIP_RUN, CLIP_LEVEL)
            self.total[channel] += sums[0]
            self.energy[channel] += sums[1]
            self.clipped_runs += int(sums[2])
        peaks, self._open_peak = _cell_peaks(loudest, ends, self._open_peak)
        self._cells.append(peaks)
        first, last = _sounding(loudest, AUDIBLE)
        if last >= 0:
            self.first_sound = start + int(first) if self.first_sound is None else self.first_sound
            self.last_sound = start + int(last)
        self.n_samples += count

    def cell_peaks(self) -> FloatArray:
        """Largest absolute sample of each full 10 ms, over all channels."""
        return np.concatenate(self._cells) if self._cells else np.zeros(0)

    def peaks_held_pct(self) -> float | None:
        """How many of these stand within `HELD_DB` of the highest, in percent; None where nothing sounds."""
        peaks = self.cell_peaks()
        if peaks.size == 0 or peaks.max() <= 0.0:
            return None
        return float(100 * (peaks >= peaks.max() * 10 ** (-HELD_DB / 20)).mean())


class CellPeaks:
    """Feed it blocks, then read the largest absolute sample of each full 10 ms, over all channels."""

    def __init__(self, sample_rate_hz: int):
        self._sample_rate_hz, self._seen, self._open = sample_rate_hz, 0, 0.0
        self._cells: list[FloatArray] = []

    def feed(self, block: FloatArray) -> None:
        """Listen to a block, shape (channels, samples), cut anywhere."""
        loudest = np.abs(block).max(axis=0)
        peaks, self._open = _cell_peaks(loudest, _ends(self._seen, loudest.size, self._sample_rate_hz), self._open)
        self._cells.append(peaks)
        self._seen += loudest.size

    def read(self) -> FloatArray:
        """One value a cell, linear."""
        return np.concatenate(self._cells) if self._cells else np.zeros(0)


def _ends(start: int, count: int, rate: int) -> "np.typing.NDArray[np.int64]":
    """Where cells end within a block, counted from its start."""
    cells = np.arange((start * 100) // rate, ((start + count) * 100) // rate + 2)
    ends = (cells * rate + 50) // 100
    return ends[(ends > start) & (ends <= start + count)] - start


@kernel
def _cell_peaks(loudest, ends, peak):  # type: ignore[no-untyped-def]
    out = np.empty(ends.size)
    i = 0
    for cell in range(ends.size):
        for n in range(i, ends[cell]):
            peak = max(peak, loudest[n])
        out[cell], peak, i = peak, 0.0, ends[cell]
    for n in range(i, loudest.size):
        peak = max(peak, loudest[n])
    return out, peak


@kernel
def _channel(x, run, loudest, first, needed, level):  # type: ignore[no-untyped-def]
    """Sum, energy and flat tops of a channel; raises `loudest` to its magnitude. `run` carries last value and count.

    A flat top is a run of `needed` or more equal samples at or beyond `level`.
    """
    total, energy, found = 0.0, 0.0, 0.0
    last, count = run[0], run[1]
    for n in range(x.size):
        value = x[n]
        total += value
        energy += value * value
        size = abs(value)
        loudest[n] = size if first else max(loudest[n], size)
        if value == last and size >= level:
            count += 1.0
            if count == needed:
                found += 1.0
        else:
            last, count = value, 1.0
    run[0], run[1] = last, count
    return total, energy, found


@kernel
def _sounding(loudest, audible):  # type: ignore[no-untyped-def]
    """First and last sample above `audible`; −1 where there is none."""
    first, last = -1, -1
    for n in range(loudest.size):
        if loudest[n] > audible:
            first = n
            break
    for n in range(loudest.size - 1, -1, -1):
        if loudest[n] > audible:
            last = n
            break
    return first, last
