"""Second-order equaliser bands that keep their analogue shape up to Nyquist.

The prototypes are the peaking and shelving filters of Bristow-Johnson's cookbook [1], which squeeze toward Nyquist
when they are warped to digital. Here the poles are placed by impulse invariance and the zeros chosen so that the
magnitude is right at DC, at the band's own frequency and at Nyquist, after Vicanek [2]. A band so sounds the same at
44.1 and 96 kHz.

[1] R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients".
[2] M. Vicanek, "Matched second order digital filters", 2016.
"""

from collections.abc import Iterable, Iterator
from enum import Enum

import numpy as np

from refmaster.dsp.jit import kernel
from refmaster.units import FloatArray

HIGHEST_SHARE = 0.47  # of the sample rate: a band's own frequency is held below, where matching is well posed
AT_ONCE = 4  # bands on the side in a pass: 25 in one take 1.8 times as long, as the processor sees not so far ahead


class Shape(Enum):
    """What a band looks like; the frequency of a shelf is where it has half of its gain in dB."""

    LOW_SHELF = "low_shelf"
    BELL = "bell"
    HIGH_SHELF = "high_shelf"


def design(shape: Shape, frequency_hz: float, gain_db: float, q: float, sample_rate_hz: int) -> FloatArray:
    """Coefficients b0 b1 b2 a1 a2 of one band, shape (5,)."""
    one = design_many((shape,), np.array([frequency_hz]), np.array([gain_db]), np.array([q]), sample_rate_hz)
    return np.asarray(one[0])


def design_many(
    shapes: tuple[Shape, ...], frequency_hz: FloatArray, gain_db: FloatArray, q: FloatArray, sample_rate_hz: int
) -> FloatArray:
    """Coefficients of several bands at once, shape (bands, 5)."""
    num, den = _prototype(shapes, gain_db, q)
    w0 = 2 * np.pi * np.minimum(frequency_hz, HIGHEST_SHARE * sample_rate_hz) / sample_rate_hz
    a1, a2 = _poles(den, w0)
    wanted = [_power(num, den, w / w0) for w in (np.zeros_like(w0), w0, np.full_like(w0, np.pi))]
    return _zeros(a1, a2, w0, wanted)


def response_db(coefficients: FloatArray, frequency_hz: FloatArray, sample_rate_hz: int) -> FloatArray:
    """Magnitude of each band at each frequency, dB: (bands, 5) and (n,) give (bands, n)."""
    b0, b1, b2, a1, a2 = (c[:, np.newaxis] for c in coefficients.T)
    phi1 = np.sin(np.pi * frequency_hz / sample_rate_hz)[np.newaxis, :] ** 2
    phi0 = 1 - phi1
    phi2 = 4 * phi0 * phi1
    top = (b0 + b1 + b2) ** 2 * phi0 + (b0 - b1 + b2) ** 2 * phi1 - 4 * b0 * b2 * phi2
    low = (1 + a1 + a2) ** 2 * phi0 + (1 - a1 + a2) ** 2 * phi1 - 4 * a2 * phi2
    return np.asarray(10 * np.log10(np.maximum(top, 1e-30) / np.maximum(low, 1e-30)))


def filtered(blocks: Iterable[FloatArray], coefficients: FloatArray) -> Iterator[FloatArray]:
    """A stream of (channels, samples) through one biquad; every channel, and every block size, alike.

    A biquad behind a biquad joins it: both are done in one pass over the sound, sample by sample, with the same bits.
    """
    return _joined(_Cascade, blocks, coefficients)


def side_filtered(blocks: Iterable[FloatArray], coefficients: FloatArray) -> Iterator[FloatArray]:
    """A stream of stereo with its side through one biquad, and its mid as it was; mono passes.

    A biquad behind a biquad joins it, as with `filtered`.
    """
    return _joined(_SideCascade, blocks, coefficients)


def _joined(kind: type["_Cascade"], blocks: Iterable[FloatArray], coefficients: FloatArray) -> "_Cascade":
    """A biquad of one kind behind a stream, or as one more of a cascade of its kind."""
    if type(blocks) is kind and not blocks.started:
        return kind(blocks.blocks, np.concatenate([blocks.coefficients, coefficients[np.newaxis]]))
    return kind(blocks, coefficients[np.newaxis])


class _Cascade(Iterator[FloatArray]):
    """A stream through biquads one after another, shape (bands, 5)."""

    def __init__(self, blocks: Iterable[FloatArray], coefficients: FloatArray):
        self.blocks, self.coefficients, self.started = blocks, coefficients, False
        self._sound = self._filtered()

    def __next__(self) -> FloatArray:
        self.started = True
        return next(self._sound)

    def _filtered(self) -> Iterator[FloatArray]:
        state: FloatArray | None = None
        for block in self.blocks:
            if state is None:
                state = np.zeros((block.shape[0], len(self.coefficients), 2))
            out = np.empty_like(block)
            for first in range(0, block.shape[0], 2):  # two at a time: the processor overlaps their recursions
                second = min(first + 1, block.shape[0] - 1)
                pair = (block[first], block[second], out[first], out[second])
                _run_pair(self.coefficients, state, first, second, *pair)
            yield out


class _SideCascade(_Cascade):
    """The same for the side alone."""

    def _filtered(self) -> Iterator[FloatArray]:
        state = np.zeros((len(self.coefficients), 2))
        for block in self.blocks:
            if len(block) == 1:
                yield block
                continue
            out = np.empty((2, block.shape[1]))
            left, right = block
            for first in range(0, len(state), AT_ONCE):
                some = slice(first, first + AT_ONCE)
                _run_side(self.coefficients[some], state[some], left, right, out[0], out[1])
                left, right = out
            yield out


def _prototype(shapes: tuple[Shape, ...], gain_db: FloatArray, q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Analogue numerator and denominator in s/w0, shape (bands, 3), highest power first ([1])."""
    A = 10 ** (gain_db / 40)
    root = np.sqrt(A) / q
    bell, low = (np.array([shape is kind for shape in shapes]) for kind in (Shape.BELL, Shape.LOW_SHELF))

    def each(of_bell: FloatArray | float, of_low: FloatArray | float, of_high: FloatArray | float) -> FloatArray:
        return np.where(bell, of_bell, np.where(low, of_low, of_high))

    square, steep = A * A, A * root
    num = np.stack([each(1.0, A, square), each(A / q, steep, steep), each(1.0, square, A)], 1)
    den = np.stack([each(1.0, A, 1.0), each(1 / (A * q), root, root), each(1.0, 1.0, A)], 1)
    return num, den


def _poles(den: FloatArray, w0: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Impulse-invariant denominator, a1 and a2."""
    w = np.minimum(w0 * np.sqrt(den[:, 2] / den[:, 0]), 0.98 * np.pi)
    damping = den[:, 1] / (2 * np.sqrt(den[:, 0] * den[:, 2]))
    turn = w * np.sqrt(np.abs(1 - damping**2))
    around = np.where(damping < 1, np.cos(turn), np.cosh(np.minimum(turn, 50.0)))
    decay = np.exp(-damping * w)
    return -2 * decay * around, decay**2


def _power(num: FloatArray, den: FloatArray, w: FloatArray) -> FloatArray:
    """|H|² of the prototype at w (in units of w0)."""

    def square(p: FloatArray) -> FloatArray:
        return np.asarray((p[:, 2] - p[:, 0] * w**2) ** 2 + (p[:, 1] * w) ** 2)

    return square(num) / square(den)


def _zeros(a1: FloatArray, a2: FloatArray, w0: FloatArray, wanted: list[FloatArray]) -> FloatArray:
    """The numerator that has the wanted powers at DC, w0 and Nyquist ([2], section 4)."""
    A0, A1, A2 = (1 + a1 + a2) ** 2, (1 - a1 + a2) ** 2, -4 * a2
    phi1 = np.sin(w0 / 2) ** 2
    phi0 = 1 - phi1
    phi2 = 4 * phi0 * phi1
    B0, B1 = A0 * wanted[0], A1 * wanted[2]
    B2 = ((A0 * phi0 + A1 * phi1 + A2 * phi2) * wanted[1] - B0 * phi0 - B1 * phi1) / phi2
    W = (np.sqrt(B0) + np.sqrt(B1)) / 2
    b0 = (W + np.sqrt(np.maximum(W**2 + B2, 0.0))) / 2
    b1 = (np.sqrt(B0) - np.sqrt(B1)) / 2
    return np.stack([b0, b1, -B2 / (4 * b0), a1, a2], axis=1)


@kernel
def _run_pair(c, state, first, second, left, right, left_out, right_out):  # type: ignore[no-untyped-def]
    """Two channels, or one given twice, through every band; of bands too the processor overlaps the recursions."""
    for n in range(left.size):
        v, w = left[n], right[n]
        for k in range(c.shape[0]):
            y, z = c[k, 0] * v + state[first, k, 0], c[k, 0] * w + state[second, k, 0]
            p = c[k, 1] * v - c[k, 3] * y + state[first, k, 1]
            q = c[k, 1] * w - c[k, 3] * z + state[second, k, 1]
            state[first, k, 1], state[second, k, 1] = c[k, 2] * v - c[k, 4] * y, c[k, 2] * w - c[k, 4] * z
            state[first, k, 0], state[second, k, 0] = p, q
            v, w = y, z
        left_out[n], right_out[n] = v, w


@kernel
def _run_side(c, state, left, right, left_out, right_out):  # type: ignore[no-untyped-def]
    """Two channels through every band on their side; between bands they are two channels again, as one by one."""
    for n in range(left.size):
        v, w = left[n], right[n]
        for k in range(c.shape[0]):
            mid, side = (v + w) / 2, (v - w) / 2
            y = c[k, 0] * side + state[k, 0]
            state[k, 0] = c[k, 1] * side - c[k, 3] * y + state[k, 1]
            state[k, 1] = c[k, 2] * side - c[k, 4] * y
            v, w = mid + y, mid - y
        left_out[n], right_out[n] = v, w
