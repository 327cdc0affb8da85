"""Whole numbers as files hold them: interleaved, little-endian, 2 to 4 bytes each; and the sound that they are.

libsndfile turns each sample around by itself. Here a block is unpacked in one pass into the shape that everything
works on, a third of the time, with the same bits: the number over its full scale, exact in double precision.
"""

import numpy as np
import numpy.typing as npt

from refmaster.dsp.jit import kernel
from refmaster.units import FloatArray

Bytes = npt.NDArray[np.uint8]
IntArray = npt.NDArray[np.int32]


def unpacked(data: Bytes, channels: int, width: int) -> FloatArray:
    """Sound of the shape (1 or 2 channels, samples) from samples of 2, 3 or 4 bytes; full scale is 1.0."""
    out = np.empty((channels, data.size // (channels * width)))
    if width == 3:
        _unpack_24(data, out[0], out[channels - 1], channels)
    else:
        numbers = data.view(f"<i{width}").reshape(-1, channels)
        np.multiply(numbers.T, 2.0 ** (1 - 8 * width), out=out)
    return out


def packed(values: IntArray, width: int) -> Bytes:
    """Right-aligned numbers of the shape (channels, samples) as a file holds them, in 2, 3 or 4 bytes."""
    if width != 3:
        return np.ascontiguousarray(values.T, dtype=f"<i{width}").view(np.uint8).ravel()
    out = np.empty(3 * values.size, dtype=np.uint8)
    for channel, own in enumerate(values):
        _pack_24(own, 3 * channel, 3 * len(values), out)
    return out


@kernel
def _unpack_24(data: Bytes, first: FloatArray, last: FloatArray, channels: int) -> None:
    """One channel, given twice, or two; slices of a fixed length let the compiler take many at a time."""
    if channels == 1:
        for n in range(first.size):
            p = data[3 * n : 3 * n + 3]
            first[n] = np.int32(np.int32(p[0]) << 8 | np.int32(p[1]) << 16 | np.int32(p[2]) << 24) * 2.0**-31
        return
    for n in range(first.size):
        p = data[6 * n : 6 * n + 6]
        first[n] = np.int32(np.int32(p[0]) << 8 | np.int32(p[1]) << 16 | np.int32(p[2]) << 24) * 2.0**-31
        last[n] = np.int32(np.int32(p[3]) << 8 | np.int32(p[4]) << 16 | np.int32(p[5]) << 24) * 2.0**-31


@kernel
def _pack_24(values: IntArray, first: int, step: int, out: Bytes) -> None:
    for n in range(values.size):
        at, number = first + n * step, values[n]
        out[at], out[at + 1], out[at + 2] = np.uint8(number), np.uint8(number >> 8), np.uint8(number >> 16)
