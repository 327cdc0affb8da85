"""Short-time spectra on an absolute grid of samples, summed into bands as they are made.

Frames start at whole hops from the first sample of the track and are transformed in batches of a fixed number, so the
bits do not depend on how the stream was cut.
"""

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from refmaster.dsp.jit import kernel
from refmaster.dsp.octaves import bin_shares
from refmaster.dsp.transform import rfft
from refmaster.units import FloatArray

BATCH = 8  # frames a transform
FIRST_ROWS, GROWTH = 256, 1.25  # of an array that is to hold nobody knows how many


class BandFrames:
    """Power in bands for each frame of a signal: feed it (samples,) arrays, then read (frames, bands).

    Power is the mean square of what falls into the band (a full-scale sine is 0.5), Hann window corrected.
    """

    def __init__(self, sample_rate_hz: int, *, n_fft: int, hop_samples: int, edges: FloatArray):
        self._n_fft, self._hop = n_fft, hop_samples
        self._window = np.hanning(n_fft + 1)[:-1].astype(np.float32)
        self._scale = 2.0 / (n_fft * float((self._window.astype(np.float64) ** 2).sum()))
        self._bins, self._shares = bin_shares(edges, n_fft, sample_rate_hz)
        self._span = n_fft + (BATCH - 1) * hop_samples
        self._waiting = np.zeros(0, dtype=np.float32)
        self._windowed = np.empty((BATCH, n_fft), dtype=np.float32)
        self._frames = Grown(len(self._bins))
        self._bin_powers = np.zeros(n_fft // 2 + 1)
        self._heard = 0

    def feed(self, samples: FloatArray) -> None:
        """Take in the next samples of the signal."""
        joined = np.empty(self._waiting.size + samples.size, dtype=np.float32)
        joined[: self._waiting.size] = self._waiting
        joined[self._waiting.size :] = samples
        start = 0
        while joined.size - start >= self._span:
            self._transform(joined[start : start + self._span], BATCH)
            start += BATCH * self._hop
        self._waiting = joined[start:].copy()

    def read(self) -> FloatArray:
        """All frames that were filled; a signal shorter than one frame is padded with silence to one."""
        if not self._heard and self._waiting.size < self._n_fft:
            self._waiting = np.pad(self._waiting, (0, self._n_fft - self._waiting.size))
        left = (self._waiting.size - self._n_fft) // self._hop + 1
        for number in range(max(0, left)):  # one by one: a batch of another size could round in another way
            self._transform(self._waiting[number * self._hop :], 1)
        self._waiting = np.zeros(0, dtype=np.float32)
        return self._frames.read()

    def _transform(self, samples: npt.NDArray[np.float32], count: int) -> None:
        frames = self._windowed[:count]
        overlapping = as_strided(samples, frames.shape, (self._hop * samples.itemsize, samples.itemsize))
        np.multiply(overlapping, self._window, out=frames)
        powers = _powers(rfft(frames), self._bins, self._shares, self._bin_powers)
        powers *= self._scale
        self._frames.add(powers)
        self._heard += count

    def bin_powers(self) -> FloatArray:
        """Mean power in each bin of the transform over all frames so far, shape (n_fft // 2 + 1,)."""
        return self._bin_powers * (self._scale / max(self._heard, 1))


class Grown:
    """Rows one after another in one array, which grows in place: of hours, pieces would take as much memory again."""

    def __init__(self, width: int):
        self._rows, self._count = np.empty((FIRST_ROWS, width)), 0

    def add(self, rows: FloatArray) -> None:
        """Put rows, (rows, width), behind the others."""
        end, room = self._count + len(rows), len(self._rows)
        if end > room:
            self._rows.resize((max(end, int(GROWTH * room)), self._rows.shape[1]), refcheck=False)
        self._rows[self._count : end] = rows
        self._count = end

    def read(self) -> FloatArray:
        """All rows, (rows, width). They are handed over: nothing may be added behind."""
        self._rows.resize((self._count, self._rows.shape[1]), refcheck=False)
        return self._rows


def power_of_two(samples: float) -> int:
    """The power of two nearest to a number of samples, on the logarithmic scale."""
    return int(2 ** round(np.log2(samples)))


@kernel
def _powers(
    spectrum: npt.NDArray[np.complex64], bins: npt.NDArray[np.int64], shares: FloatArray, total: FloatArray
) -> FloatArray:
    """The power in each band of each frame; that of each bin is added to `total`."""
    out = np.zeros((spectrum.shape[0], bins.shape[0]))
    power = np.empty(spectrum.shape[1])
    for frame in range(spectrum.shape[0]):
        row = spectrum[frame].view(np.float32)
        for k in range(power.size):
            real, imaginary = np.float64(row[2 * k]), np.float64(row[2 * k + 1])
            power[k] = real * real + imaginary * imaginary
        for k in range(power.size):
            total[k] += power[k]
        for band in range(bins.shape[0]):
            first, count = bins[band]
            part, last = power[first : first + count], count - 1
            a = b = c = d = 0.0  # four sums that do not wait for each other
            k = 1
            while k + 4 <= last:
                a, b, c, d = a + part[k], b + part[k + 1], c + part[k + 2], d + part[k + 3]
                k += 4
            while k < last:
                a += part[k]
                k += 1
            ends = part[0] * shares[band, 0] + (part[last] * shares[band, 1] if count > 1 else 0.0)
            out[frame, band] = ends + ((a + b) + (c + d))
    return out
