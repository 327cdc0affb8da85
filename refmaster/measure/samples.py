"""What single samples tell: peaks on a 10 ms grid, DC, runs of clipping, silence at either end."""

import numpy as np

from refmaster.dsp.jit import kernel
from refmaster.units import FloatArray

CLIP_RUN = 3  # so many equal samples at the top in a row are a flat top, not a wave
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
        cells = np.arange((start * 100) // rate, ((start + count) * 100) // rate + 2)
        ends = (cells * rate + 50) // 100
        ends = ends[(ends > start) & (ends <= start + count)] - start
        self.total += block.sum(axis=1)
        self.energy += np.einsum("ci,ci->c", block, block)
        loudest = np.abs(block).max(axis=0)
        heard = np.flatnonzero(loudest > 1e-5)  # −100 dBFS
        if heard.size:
            self.first_sound = start + int(heard[0]) if self.first_sound is None else self.first_sound
            self.last_sound = start + int(heard[-1])
        peaks, self._open_peak = _cell_peaks(loudest, ends, self._open_peak)
        self._cells.append(peaks)
        for channel in range(block.shape[0]):
            self.clipped_runs += _flat_tops(block[channel], self._runs[channel], CLIP_RUN, CLIP_LEVEL)
        self.n_samples += count

    def cell_peaks(self) -> FloatArray:
        """Largest absolute sample of each full 10 ms, over all channels."""
        return np.concatenate(self._cells) if self._cells else np.zeros(0)


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
def _flat_tops(x, run, needed, level):  # type: ignore[no-untyped-def]
    """Runs of `needed` or more equal samples beyond `level`; `run` carries the last value and its count."""
    found = 0
    last, count = run[0], run[1]
    for n in range(x.size):
        if x[n] == last and abs(last) >= level:
            count += 1.0
            if count == needed:
                found += 1
        else:
            last, count = x[n], 1.0
    run[0], run[1] = last, count
    return found
