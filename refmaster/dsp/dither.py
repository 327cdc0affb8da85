"""Rounding to whole numbers, with triangular dither.

Dither of two uniform numbers, one step wide each, makes mean and power of the rounding error independent of the
signal [1]: distortion turns into a steady hiss of 3/4 steps² in sum (dither 2/12, rounding 1/12; section 4 of [1]).

The noise of a sample is a hash of (seed, sample index, channel): SplitMix64 [2], one sequence for each channel, read
at the sample's index. No state travels from block to block, so any cut of the sound gives the same bits.

[1] Lipshitz, Wannamaker, Vanderkooy, "Quantization and dither: a theoretical survey", JAES 40 (5), 1992.
[2] Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, figures 16 and 17.
"""

import numpy as np
import numpy.typing as npt

from refmaster.dsp.jit import kernel
from refmaster.units import FloatArray

IntArray = npt.NDArray[np.int32]

_GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)  # figure 16 of [2]: odd fraction of the golden ratio
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)  # "Mix13", figure 17 of [2]
_MIX_2 = np.uint64(0x94D049BB133111EB)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_SEED_MASK = 2**64 - 1


def quantise(
    samples: FloatArray, *, bit_depth: int, seed: int, start_sample: int, dithered: bool
) -> tuple[IntArray, int]:
    """Whole numbers of `bit_depth` bits, and how many had to be held at the range's ends.

    Sound of shape (channels, samples), finite, becomes right-aligned values of the same shape (24 bit: −8388608 to
    8388607), rounded half to even; `bit_depth` is 2 to 32. The dither follows `start_sample`, the index in the track
    of the first sample, and does not stop in silence. Without dither, sound that has `bit_depth` bits already comes
    back exactly.
    """
    samples = np.ascontiguousarray(samples)  # one layout, one compilation
    values = np.empty(samples.shape, dtype=np.int32)
    clipped = _quantise(samples, values, bit_depth, np.uint64(seed & _SEED_MASK), np.uint64(start_sample), dithered)
    return values, int(clipped)


@kernel
def _mixed(z: np.uint64) -> np.uint64:
    """SplitMix64's finaliser: every bit of the answer hangs on every bit of the question."""
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


@kernel
def _triangular(key: np.uint64, index: np.uint64) -> float:
    """Noise between −1 and 1 step, two uniform numbers from the two halves of one hash."""
    bits = _mixed(key + (index + np.uint64(1)) * _GOLDEN_GAMMA)
    first, second = np.float64(bits >> np.uint64(32)), np.float64(bits & _LOW_HALF)
    return (first - second) * 2.0**-32


@kernel
def _quantise(
    samples: FloatArray, values: IntArray, bit_depth: int, seed: np.uint64, start: np.uint64, dithered: bool
) -> int:
    full_scale = 2.0 ** (bit_depth - 1)
    clipped = 0
    for channel in range(samples.shape[0]):
        # Keys of the channels are hashed, so that their sequences do not overlap for any song's length.
        key = _mixed(_mixed(seed) + np.uint64(channel + 1) * _GOLDEN_GAMMA)
        for i in range(samples.shape[1]):
            value = samples[channel, i] * full_scale
            if dithered:
                value += _triangular(key, start + np.uint64(i))
            value = np.rint(value)
            if value > full_scale - 1.0:
                value, clipped = full_scale - 1.0, clipped + 1
            elif value < -full_scale:
                value, clipped = -full_scale, clipped + 1
            values[channel, i] = np.int32(value)
    return clipped
