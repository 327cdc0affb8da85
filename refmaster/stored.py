"""Sound as a file holds it: whole numbers or floats of a depth, the same in every lossless container.

`numbers` are what is written, `sound` what whoever opens the file will hear of them, and `bytes_of` their bytes one
after another, interleaved and little-endian: what a WAV holds, and what digests are taken of.
"""

from typing import Any

import numpy as np

from refmaster.dsp.dither import quantise
from refmaster.dsp.pcm import packed
from refmaster.records import Delivery
from refmaster.units import FloatArray

Values = np.ndarray[Any, np.dtype[Any]]
BITS = {"PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
FLOATS = {"FLOAT": "<f4", "DOUBLE": "<f8"}
SAMPLE_BYTES = {name: bits // 8 for name, bits in BITS.items()} | {
    name: np.dtype(form).itemsize for name, form in FLOATS.items()
}


def numbers(block: FloatArray, delivery: Delivery, start_sample: int) -> tuple[Values, int]:
    """Samples as they will stand in the file: whole numbers, right-aligned, or floats; and how many were held."""
    if delivery.bit_depth is None:
        return (block.astype(np.float32) if delivery.subtype == "FLOAT" else block), 0
    return quantise(
        block,
        bit_depth=delivery.bit_depth,
        seed=delivery.dither_seed,
        start_sample=start_sample,
        dithered=delivery.dithered,
    )


def sound(values: Values, delivery: Delivery) -> FloatArray:
    """What comes back when such values are read as floating point: exact for all these formats."""
    if delivery.bit_depth is None:
        return np.asarray(values, dtype=np.float64)
    return np.asarray(np.multiply(values, 2.0 ** (1 - delivery.bit_depth), dtype=np.float64))


def bytes_of(values: Values, subtype: str) -> Values:
    """Values, (channels, samples), as bytes."""
    if subtype in BITS:
        return packed(values, SAMPLE_BYTES[subtype])
    return np.ascontiguousarray(values.T, dtype=FLOATS[subtype]).ravel()


def bytes_as(block: FloatArray, subtype: str) -> Values | None:
    """The same of sound that has this form exactly; None where it has not."""
    if subtype not in BITS:
        values = block.astype(FLOATS[subtype])
        return bytes_of(values, subtype) if np.array_equal(values, block) else None
    full = 2.0 ** (BITS[subtype] - 1)
    scaled = block * full
    whole = np.clip(np.rint(scaled), -full, full - 1).astype(np.int32)
    return bytes_of(whole, subtype) if np.array_equal(whole, scaled) else None
