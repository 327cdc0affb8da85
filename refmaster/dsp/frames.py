"""Short-time spectra on an absolute grid of samples, summed into bands as they are made.

Frames start at whole hops from the first sample of the track and are transformed in batches of a fixed number, so the
bits do not depend on how the stream was cut.
"""

import numpy as np
import numpy.typing as npt

from refmaster.dsp.jit import kernel
from refmaster.dsp.octaves import bin_shares
from refmaster.units import FloatArray

BATCH = 8  # frames a transform


class BandFrames:
    """Power in bands for each frame of a signal: feed it (samples,) arrays, then read (frames, bands).

    Power is the mean square of what falls into the band (a full-scale sine is 0.5), Hann window corrected.
    """

    def __init__(self, sample_rate_hz: int, *, n_fft: int, hop_samples: int, edges: FloatArray):
        self._n_fft, self._hop = n_fft, hop_samples
        self._window = np.hanning(n_fft + 1)[:-1].astype(np.float32)
        self._scale = 2.0 / (n_fft * float((self._window.astype(np.float64) ** 2).sum()))
        self._bins, self._shares = bin_shares(edges, n_fft, sample_rate_hz)
        self._waiting = np.zeros(0, dtype=np.float32)
        self._frames: list[FloatArray] = []
        self._bin_powers = np.zeros(n_fft // 2 + 1)
        self._heard = 0

    def feed(self, samples: FloatArray) -> None:
        """Take in the next samples of the signal."""
        self._waiting = np.concatenate([self._waiting, samples.astype(np.float32)])
        span = self._n_fft + (BATCH - 1) * self._hop
        while self._waiting.size >= span:
            self._transform(BATCH)
            self._waiting = self._waiting[BATCH * self._hop :]

    def read(self) -> FloatArray:
        """All frames that were filled; a signal shorter than one frame is padded with silence to one."""
        if not self._frames and self._waiting.size < self._n_fft:
            self._waiting = np.pad(self._waiting, (0, self._n_fft - self._waiting.size))
        left = (self._waiting.size - self._n_fft) // self._hop + 1
        for _ in range(max(0, left)):  # one by one: a batch of another size could round in another way
            self._transform(1)
            self._waiting = self._waiting[self._hop :]
        self._waiting = np.zeros(0, dtype=np.float32)
        return np.concatenate(self._frames) if self._frames else np.zeros((0, len(self._bins)))

    def _transform(self, count: int) -> None:
        from scipy import fft  # single precision, and several frames at once: five times numpy's speed

        frames = np.lib.stride_tricks.sliding_window_view(self._waiting, self._n_fft)[:: self._hop][:count]
        spectrum = fft.rfft(frames * self._window, axis=1)
        self._frames.append(_band_powers(spectrum, self._bins, self._shares) * self._scale)
        _add_powers(spectrum, self._bin_powers)
        self._heard += count

    def bin_powers(self) -> FloatArray:
        """Mean power in each bin of the transform over all frames so far, shape (n_fft // 2 + 1,)."""
        return self._bin_powers * (self._scale / max(self._heard, 1))


def power_of_two(samples: float) -> int:
    """The power of two nearest to a number of samples, on the logarithmic scale."""
    return int(2 ** round(np.log2(samples)))


@kernel
def _add_powers(spectrum: npt.NDArray[np.complex64], total: FloatArray) -> None:
    for frame in range(spectrum.shape[0]):
        row = spectrum[frame]
        for k in range(row.size):
            value = row[k]
            total[k] += np.float64(value.real) * value.real + np.float64(value.imag) * value.imag


@kernel
def _band_powers(spectrum: npt.NDArray[np.complex64], bins: npt.NDArray[np.int64], shares: FloatArray) -> FloatArray:
    out = np.zeros((spectrum.shape[0], bins.shape[0]))
    for frame in range(spectrum.shape[0]):
        row = spectrum[frame]
        for band in range(bins.shape[0]):
            first, count = bins[band]
            total = 0.0
            for k in range(count):
                value = row[first + k]
                power = np.float64(value.real) * value.real + np.float64(value.imag) * value.imag
                if k == 0:
                    power *= shares[band, 0]
                elif k == count - 1:
                    power *= shares[band, 1]
                total += power
            out[frame, band] = total
    return out
