"""Reading between the samples, and not reading where nothing can be found.

The meter asks for the largest value, the limiter and the clipper for those over a threshold. So a stretch is read in
three steps, each for what the one before could not rule out:

1. the largest sample times the sum of a phase's weights bounds every value of that phase;
2. the `NEAR` weights in the middle are applied; the rest adds at most the largest sample times the sum of theirs. Each
   phase has a mirror image, so both are bounded at once: of the samples' sums and differences about the middle, an even
   part e and an odd part o make e + o of one and e − o of the other, and neither is more than |e| + |o|;
3. all weights are applied, in the order of the taps, from the first place that step 2 leaves open to the last.

This leaves out more than nine tenths of the work and never a value that is asked for: the answers are the same to the
last bit. Kernels that call each other stand in one file: what is compiled is kept by the file's date.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from refmaster.dsp.jit import kernel
from refmaster.dsp.oversample import BETA, TAPS, phases
from refmaster.units import FloatArray

GROUP = 128
NEAR = 12
HALF = NEAR // 2
LONG_MASK = np.int64(0x7FFFFFFFFFFFFFFF)  # all but the sign
ROUNDING = 1e-4  # single precision loses 1e-5 of the largest sample at most

AnyFloats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Interpolator:
    """Weights, shape (phases, taps), and what bounds them: of all of a phase, and of all but its middle.

    `even` and `odd`, shape (pairs, HALF), are the parts of the middle of each phase that has a mirror image behind it.
    """

    rows: AnyFloats
    whole: AnyFloats
    far: AnyFloats
    even: npt.NDArray[np.float32]
    odd: npt.NDArray[np.float32]


@cache
def interpolator(times: int, taps: int = TAPS, beta: float = BETA, *, single: bool = True) -> Interpolator:
    """The weights that read `times` − 1 values between two samples, in single or double precision."""
    rows = phases(times, taps, beta)
    kind: type[np.floating[Any]] = np.float32 if single else np.float64
    first = (taps - NEAR) // 2
    before = rows[: (len(rows) + 1) // 2, first : first + HALF]
    behind = rows[: (len(rows) + 1) // 2, first + HALF : first + NEAR][:, ::-1]
    even, odd = (((before + sign * behind) / 2).astype(np.float32) for sign in (1, -1))
    weight = np.abs(rows)
    whole = weight.sum(axis=1)
    far = whole - weight[:, first : first + NEAR].sum(axis=1)
    whole, far = (whole + ROUNDING).astype(kind), (far + ROUNDING).astype(kind)
    return Interpolator(rows.astype(kind), whole, far, even, odd)


def largest_between(x: npt.NDArray[np.float32], how: Interpolator, peak: float) -> float:
    """The larger of `peak` and all values read between samples of x whose full set of taps lies within it."""
    return float(_scan(x, how.rows, how.whole, how.far, how.even, how.odd, peak))


def largest(samples: FloatArray) -> float:
    """The largest magnitude in (channels, samples), found in one pass; NaN where any value is, 0 where none is."""
    if not samples.size:
        return 0.0
    bits = max(int(_top(np.ascontiguousarray(row, dtype=np.float64).view(np.int64), LONG_MASK)) for row in samples)
    return float(np.int64(bits).view(np.float64))


def rounded(samples: FloatArray, out: npt.NDArray[np.float32]) -> float:
    """Put samples into single precision; the largest magnitude among them as they were, 0 for none."""
    return float(_rounded(np.ascontiguousarray(samples, dtype=np.float64), out))


def raise_to_peaks(x: npt.NDArray[np.float32], how: Interpolator, ceiling: float, peaks: FloatArray) -> None:
    """Raise peaks[k] to the largest value at sample k + taps/2 − 1 of x and up to the next, where over the ceiling."""
    _raise(x, how.rows, how.whole, how.far, how.even, how.odd, ceiling, peaks)


def bend(x: FloatArray, how: Interpolator, weights: FloatArray, threshold: float, owed: FloatArray) -> bool:
    """Add to `owed`, shape of x, what comes off for all that is over the threshold; False where nothing is."""
    short = x.astype(np.float32)  # for the bounds alone: half as long to read
    return bool(_bend(x, short, how.rows, how.whole, how.far, how.even, how.odd, weights, threshold, owed))


@kernel
def _top(bits, mask):  # type: ignore[no-untyped-def]
    """The largest magnitude, as bits: of floats without their sign these have the same order, and are quick to sort."""
    top = bits[0] & mask
    for i in range(bits.size):
        top = max(top, bits[i] & mask)
    return top


@kernel
def _rounded(x, out):  # type: ignore[no-untyped-def]
    word = np.zeros(1, dtype=np.int64)
    bits, top = x.view(np.int64), np.int64(0)
    for i in range(x.size):
        out[i] = np.float32(x[i])
        top = max(top, bits[i] & LONG_MASK)
    word[0] = top
    return word.view(np.float64)[0]


@kernel
def _weighted(x, row, width, out):  # type: ignore[no-untyped-def]
    """out[i] = sum of row[t] · x[i + t], in the order of t; eight taps a round, so that sums stay in registers."""
    taps = row.size
    out[:width] = 0.0
    t = 0
    while t + 8 <= taps:
        w0, w1, w2, w3 = row[t], row[t + 1], row[t + 2], row[t + 3]
        w4, w5, w6, w7 = row[t + 4], row[t + 5], row[t + 6], row[t + 7]
        p0, p1, p2, p3 = x[t : t + width], x[t + 1 : t + 1 + width], x[t + 2 : t + 2 + width], x[t + 3 : t + 3 + width]
        p4, p5 = x[t + 4 : t + 4 + width], x[t + 5 : t + 5 + width]
        p6, p7 = x[t + 6 : t + 6 + width], x[t + 7 : t + 7 + width]
        for i in range(p0.size):
            near = (((out[i] + w0 * p0[i]) + w1 * p1[i]) + w2 * p2[i]) + w3 * p3[i]
            out[i] = (((near + w4 * p4[i]) + w5 * p5[i]) + w6 * p6[i]) + w7 * p7[i]
        t += 8
    while t < taps:
        weight = row[t]
        piece = x[t : t + width]
        for i in range(piece.size):
            out[i] += weight * piece[i]
        t += 1


@kernel
def _folded(x, width, plus, minus):  # type: ignore[no-untyped-def]
    """Sums and differences of samples that lie alike before and behind the middle of NEAR, (HALF, width) each."""
    for t in range(HALF):
        before, behind = x[t : t + width], x[NEAR - 1 - t : NEAR - 1 - t + width]
        sums, differences = plus[t], minus[t]
        for i in range(before.size):
            sums[i] = before[i] + behind[i]
            differences[i] = before[i] - behind[i]


@kernel
def _bounded(plus, minus, even, odd, width, out):  # type: ignore[no-untyped-def]
    """The larger magnitude of a phase and its mirror image at each place, of their middles alone."""
    e0, e1, e2, e3, e4, e5 = even[0], even[1], even[2], even[3], even[4], even[5]
    o0, o1, o2, o3, o4, o5 = odd[0], odd[1], odd[2], odd[3], odd[4], odd[5]
    p0, p1, p2 = plus[0, :width], plus[1, :width], plus[2, :width]
    p3, p4, p5 = plus[3, :width], plus[4, :width], plus[5, :width]
    m0, m1, m2 = minus[0, :width], minus[1, :width], minus[2, :width]
    m3, m4, m5 = minus[3, :width], minus[4, :width], minus[5, :width]
    for i in range(p0.size):
        alike = ((((e0 * p0[i] + e1 * p1[i]) + e2 * p2[i]) + e3 * p3[i]) + e4 * p4[i]) + e5 * p5[i]
        apart = ((((o0 * m0[i] + o1 * m1[i]) + o2 * m2[i]) + o3 * m3[i]) + o4 * m4[i]) + o5 * m5[i]
        out[i] = abs(alike) + abs(apart)


@kernel
def _open(bounds, width, rest, limit):  # type: ignore[no-untyped-def]
    """From which place to which a bound and the rest may be over a limit; in eights, as processors add."""
    first, end = 0, width
    while first < end and bounds[first] + rest <= limit:
        first += 1
    while end > first and bounds[end - 1] + rest <= limit:
        end -= 1
    return first, min(width, first + (end - first + 7) // 8 * 8)


@kernel
def _scan(x, rows, whole, far, even, odd, peak):  # type: ignore[no-untyped-def]
    taps, last = rows.shape[1], rows.shape[0] - 1
    count = x.size - taps + 1
    near = (taps - NEAR) // 2
    mask = np.int32(0x7FFFFFFF)
    plus, minus = np.empty((HALF, GROUP), dtype=np.float32), np.empty((HALF, GROUP), dtype=np.float32)
    buffer, word = np.empty(GROUP, dtype=np.float32), np.empty(1, dtype=np.int32)
    bits, found_bits, level = x.view(np.int32), buffer.view(np.int32), word.view(np.float32)
    widest = whole.max()
    for start in range(0, count, GROUP):
        width = min(GROUP, count - start)
        word[0] = _top(bits[start : start + width + taps - 1], mask)
        largest = level[0]
        if largest * widest <= peak:
            continue
        reach = x[start : start + width + taps - 1]
        _folded(reach[near:], width, plus, minus)
        for p in range(even.shape[0]):
            if largest * whole[p] <= peak:
                continue
            _bounded(plus, minus, even[p], odd[p], width, buffer)
            word[0] = _top(found_bits[:width], mask)
            if level[0] + largest * far[p] <= peak:
                continue
            first, end = _open(buffer, width, largest * far[p], peak)
            for phase in (p, last - p):
                _weighted(reach[first:], rows[phase], end - first, buffer)
                word[0] = _top(found_bits[: end - first], mask)
                peak = max(peak, np.float64(level[0]))
                if p == last - p:  # the middle phase is its own mirror image
                    break
    return peak


@kernel
def _raise(x, rows, whole, far, even, odd, ceiling, peaks):  # type: ignore[no-untyped-def]
    taps, last = rows.shape[1], rows.shape[0] - 1
    lead = taps // 2
    near = (taps - NEAR) // 2
    mask = np.int32(0x7FFFFFFF)
    plus, minus = np.empty((HALF, GROUP), dtype=np.float32), np.empty((HALF, GROUP), dtype=np.float32)
    buffer, word = np.empty(GROUP, dtype=np.float32), np.empty(1, dtype=np.int32)
    bits, found_bits, level = x.view(np.int32), buffer.view(np.int32), word.view(np.float32)
    widest = whole.max()
    for start in range(0, peaks.size, GROUP):
        width = min(GROUP, peaks.size - start)
        word[0] = _top(bits[start : start + width + taps - 1], mask)
        largest = level[0]
        if largest * widest <= ceiling:
            continue
        reach = x[start : start + width + taps - 1]
        here = peaks[start : start + width]
        centre = reach[lead - 1 : lead - 1 + width]
        for i in range(centre.size):
            here[i] = max(here[i], abs(centre[i]))
        _folded(reach[near:], width, plus, minus)
        for p in range(even.shape[0]):
            if largest * whole[p] <= ceiling:
                continue
            _bounded(plus, minus, even[p], odd[p], width, buffer)
            word[0] = _top(found_bits[:width], mask)
            if level[0] + largest * far[p] <= ceiling:
                continue
            first, end = _open(buffer, width, largest * far[p], ceiling)
            there = here[first:end]
            for phase in (p, last - p):
                _weighted(reach[first:], rows[phase], there.size, buffer)
                for i in range(there.size):
                    there[i] = max(there[i], abs(buffer[i]))
                if p == last - p:
                    break


@kernel
def _owe(between, weights, threshold, width, owed):  # type: ignore[no-untyped-def]
    """Add what comes off for what is over, in `between` a row a phase."""
    for i in range(width):  # in the order of time, so that sums come out alike however the stream is cut
        for p in range(between.shape[0]):
            over = abs(between[p, i]) - threshold
            if over > 0.0:
                part = over if between[p, i] > 0.0 else -over
                place = owed[i : i + weights.shape[1]]
                for t in range(place.size):
                    place[t] += weights[p, t] * part


@kernel
def _bend(x, short, rows, whole, far, even, odd, weights, threshold, owed):  # type: ignore[no-untyped-def]
    taps, last = rows.shape[1], rows.shape[0] - 1
    near = (taps - NEAR) // 2
    middle = taps // 2 - 1
    count = x.size - taps + 1
    mask = np.int32(0x7FFFFFFF)
    plus, minus = np.empty((HALF, GROUP), dtype=np.float32), np.empty((HALF, GROUP), dtype=np.float32)
    buffer, word = np.empty(GROUP, dtype=np.float32), np.empty(1, dtype=np.int32)
    bits, found_bits, level = short.view(np.int32), buffer.view(np.int32), word.view(np.float32)
    between, long_word = np.empty((rows.shape[0] + 1, GROUP)), np.empty(1, dtype=np.int64)
    long_level = long_word.view(np.float64)
    widest, bent = whole.max(), False
    for start in range(0, count, GROUP):
        width = min(GROUP, count - start)
        word[0] = _top(bits[start : start + width + taps - 1], mask)
        largest = level[0]
        if largest * widest <= threshold:
            continue
        reach = x[start : start + width + taps - 1]
        between[0, :width] = reach[middle : middle + width]
        long_word[0] = _top(between[0].view(np.int64)[:width], LONG_MASK)
        over_anywhere = long_level[0] > threshold
        _folded(short[start + near : start + width + taps - 1], width, plus, minus)
        for p in range(even.shape[0]):
            _bounded(plus, minus, even[p], odd[p], width, buffer)
            word[0] = _top(found_bits[:width], mask)
            between[p + 1, :width] = 0.0
            between[last - p + 1, :width] = 0.0
            if level[0] + largest * far[p] <= threshold:
                continue
            first, end = _open(buffer, width, largest * far[p], threshold)
            for phase in (p, last - p):
                row = between[phase + 1, first:end]
                _weighted(reach[first:], rows[phase], row.size, row)
                long_word[0] = _top(row.view(np.int64), LONG_MASK)
                over_anywhere = over_anywhere or long_level[0] > threshold
                if p == last - p:
                    break
        if not over_anywhere:
            continue
        _owe(between, weights, threshold, width, owed[start:])
        bent = True
    return bent
