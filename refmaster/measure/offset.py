"""DC offset: its mean, and how far it strays from that.

An offset is local: the mean through a Hann window of 1 s, every half of one, in which no tone of a bass is left. Where
a stretch of 10 ms gets not as high as the mean offset, as silence does, there is no such offset in it either; nor is
there in a file whose first or last millisecond stays under it.
"""

import numpy as np

from refmaster.units import FloatArray

WINDOW_S = 1.0
END_S = 0.001


class OffsetMeter:
    """Feed it blocks, then read."""

    def __init__(self, sample_rate_hz: int, channels: int):
        self._step = max(1, round(WINDOW_S * sample_rate_hz / 2))
        self._rise = (1 - np.cos(np.pi * (np.arange(self._step) + 0.5) / self._step)) / 2
        self._n_samples = 0
        self._open = np.zeros((2, channels))  # sums over the step so far, by the rising weights and by the falling
        self._steps: list[FloatArray] = []
        self._end_samples = max(1, round(END_S * sample_rate_hz))
        self._head, self._tail = np.zeros((2, channels, 0))

    def feed(self, block: FloatArray) -> None:
        """Listen to a block, shape (channels, samples), cut anywhere."""
        missing = self._end_samples - self._head.shape[1]
        self._head = np.concatenate([self._head, block[:, :missing]], axis=1) if missing else self._head
        self._tail = np.concatenate([self._tail, block[:, -self._end_samples :]], axis=1)[:, -self._end_samples :]
        at = 0
        while at < block.shape[1]:
            place = self._n_samples % self._step
            part = block[:, at : at + self._step - place]
            rising = part @ self._rise[place : place + part.shape[1]]
            self._open += (rising, part.sum(axis=1) - rising)
            at += part.shape[1]
            self._n_samples += part.shape[1]
            if self._n_samples % self._step == 0:
                self._steps.append(self._open)
                self._open = np.zeros_like(self._open)

    def drift_pct(self, mean: FloatArray, cell_peaks: FloatArray) -> tuple[float, ...]:
        """How far each channel's offset is from its `mean` at most, in percent of full scale.

        `cell_peaks` are the largest samples of each 10 ms, over all channels.
        """
        strays = np.zeros(mean.size)
        if len(self._steps) > 1:
            rising, falling = np.stack(self._steps).transpose(1, 0, 2)
            local = (rising[:-1] + falling[1:]) / self._step
            strays = np.abs(local - mean).max(axis=0)
        lowest = float(cell_peaks.min()) if cell_peaks.size else np.inf
        ends = (np.abs(end).max(axis=1) for end in (self._head, self._tail) if end.shape[1])
        for height in (lowest, *ends):
            strays = np.maximum(strays, np.abs(mean) - height)
        return tuple((100 * strays).tolist())
