"""Running maximum and minimum of a stream: the monotonic queue of D. Lemire, "Streaming maximum-minimum filter" (2006).

Only comparisons are made, so the answer does not depend on how the stream is cut.
"""

import numpy as np

from refmaster.dsp.jit import kernel
from refmaster.units import FloatArray


class Extreme:
    """The largest (sign 1) or smallest (sign −1) of the last `window` values of a stream that was 0 before it began."""

    def __init__(self, window: int, sign: int):
        self._window, self._sign = window, float(sign)
        size = 1 << window.bit_length()  # more than the window, and a power of two: places wrap by a mask
        self._queue = np.zeros((2, size))  # when, and what times the sign; falling
        self._queue[0, 0] = -1.0  # the zeros before the beginning
        self._ends = np.array([0, 1, 0])  # of the queue: head, tail; and the time

    def after(self, values: FloatArray) -> FloatArray:
        """One answer for each value."""
        found = np.empty(values.size)
        _slide(values, self._sign, self._window, self._queue, self._ends, found)
        return found


@kernel
def _slide(values, sign, window, queue, ends, found):  # type: ignore[no-untyped-def]
    mask = queue.shape[1] - 1
    head, tail, now = ends[0], ends[1], ends[2]
    for k in range(values.size):
        value = sign * values[k]
        while tail > head and queue[1, (tail - 1) & mask] <= value:
            tail -= 1
        queue[0, tail & mask], queue[1, tail & mask] = float(now), value
        tail += 1
        while queue[0, head & mask] <= now - window:
            head += 1
        found[k] = sign * queue[1, head & mask]
        now += 1
    ends[0], ends[1], ends[2] = head, tail, now
