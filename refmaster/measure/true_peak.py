"""True peak: ITU-R BS.1770-5 annex 2, oversampled 8× up to 96 kHz.

A group of samples is interpolated only where it could hold a new maximum (`dsp/between.py`): the answer is the same,
the work a tenth.
"""

from collections.abc import Iterable

import numpy as np

from refmaster.dsp.between import interpolator, largest_between, rounded
from refmaster.dsp.oversample import BETA, TAPS, factor
from refmaster.units import FloatArray


class TruePeakMeter:
    """Feed it blocks, then ask for the peak of each channel. Any cutting of the stream gives the same bits."""

    def __init__(self, sample_rate_hz: int, channels: int, *, taps: int = TAPS, beta: float = BETA):
        # Single precision: a rounding of 1e-7 is 1e-6 dB, and the processor takes twice as many at a time.
        self._interpolator = interpolator(factor(sample_rate_hz), taps, beta)
        self._tail = np.zeros((channels, taps - 1), dtype=np.float32)
        self._peak = np.zeros(channels)
        self.sample_peak = np.zeros(channels)

    def feed(self, block: FloatArray) -> None:
        """Listen to a block, shape (channels, samples)."""
        kept = self._tail.shape[1]
        joined = np.empty((block.shape[0], kept + block.shape[1]), dtype=np.float32)
        joined[:, :kept] = self._tail
        for channel in range(block.shape[0]):
            largest = rounded(block[channel], joined[channel, kept:])
            self.sample_peak[channel] = max(self.sample_peak[channel], largest)
            found = max(self._peak[channel], self.sample_peak[channel])
            self._peak[channel] = largest_between(joined[channel], self._interpolator, found)
        self._tail = joined[:, joined.shape[1] - kept :].copy()

    def read(self) -> tuple[float, ...]:
        """Largest absolute value between or on samples, linear, per channel."""
        self.feed(
            np.zeros((self._tail.shape[0], self._tail.shape[1] // 2 + 1))
        )  # let the last samples pass the interpolator
        return tuple(float(p) for p in self._peak)


def measure_true_peak(blocks: Iterable[FloatArray], sample_rate_hz: int) -> tuple[float, ...]:
    """True peak of each channel, linear (1.0 is 0 dBTP); empty for an empty stream."""
    meter: TruePeakMeter | None = None
    for block in blocks:
        meter = meter or TruePeakMeter(sample_rate_hz, block.shape[0])
        meter.feed(block)
    return meter.read() if meter else ()
