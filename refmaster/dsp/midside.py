"""Mid and side: mid = (L + R)/2, side = (L − R)/2, so L = mid + side and R = mid − side exactly."""

import numpy as np

from refmaster.units import FloatArray


def to_mid_side(samples: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    """Mid and side of a block, each (samples,); the side of mono is None."""
    if samples.shape[0] == 1:
        return samples[0], None
    return (samples[0] + samples[1]) / 2, (samples[0] - samples[1]) / 2


def from_mid_side(mid: FloatArray, side: FloatArray) -> FloatArray:
    """Left and right again, shape (2, samples)."""
    return np.stack([mid + side, mid - side])
