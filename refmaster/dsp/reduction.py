"""The limiter's gain, from how far each sample is over the ceiling: steps 2 to 5 of `dsp/limiter.py` in one kernel.

Running maxima and minima are monotonic queues (D. Lemire, "Streaming maximum-minimum filter", 2006): only comparisons,
so the answer does not depend on how the stream is cut. Where every window holds zeros and the gain has come back to 1
nothing is computed; it would be 1 again.
"""

from dataclasses import dataclass

import numpy as np

from refmaster.dsp.jit import kernel
from refmaster.units import FloatArray

TIP_DB = 0.3  # so much on top of what stays over is limited with it: the tip of a crest is over for less time
REST_DB = 1e-5  # under this the gain is 1
UNIT = 2**30  # fixed-point one
CLIPPED, OPENED, HELD, RECENT, SUSTAINED = range(5)  # the queues


@dataclass(frozen=True)
class Law:
    """All that the gain follows. Windows and delays in samples; fast, slow and settle are what is left of a step."""

    short: int  # what stays over longer is not clipped; 0: nothing is
    clip_db: float
    look: int
    held: int
    recent: int
    sustained: int
    fast: float
    slow: float
    settle: float
    steepest_db: float  # how much gain may come back in a sample

    @property
    def delay(self) -> int:
        """How many samples after its own a gain is decided."""
        return self.look + max(0, self.short - 1)


class Reduction:
    """Takes in dB over the ceiling, sample by sample, and gives out the gain of the sample `law.delay` before each."""

    def __init__(self, law: Law):
        windows = (max(1, law.short), max(1, law.short), law.held, law.recent, law.sustained)
        size = 1 << max(windows).bit_length()  # more than any window, and a power of two: places wrap by a mask
        self._windows = np.array(windows)
        self._queues = np.zeros((len(windows), 2, size))  # when, and how much; largest first
        self._queues[:, 0, 0] = -1.0  # the zeros before the beginning
        self._ends = np.tile(np.array([0, 1, 0]), (len(windows), 1))  # of each queue: head, tail; and the time
        self._late = np.zeros(max(1, law.short - 1))
        self._law = np.array([law.clip_db if law.short else -1.0, law.fast, law.slow, law.settle, law.steepest_db])
        self._level = np.zeros(2)  # fast and slow reduction, dB
        first = law.look // 2 + 1
        second = law.look + 2 - first  # both averages together span the look-ahead, and one
        self._boxes = (np.full(first, UNIT, dtype=np.int64), np.full(second, UNIT * first, dtype=np.int64))
        self._sums = np.array([UNIT * first, UNIT * first * second], dtype=np.int64)
        self._places = np.zeros(3, dtype=np.int64)  # in the boxes and in the late ones
        memory = sum(windows) + law.look  # of all windows
        self._quiet = np.array([memory + 1, memory])  # samples since something was over, and how many it takes to rest

    def after(self, need_db: FloatArray) -> FloatArray:
        """One linear gain for each sample."""
        gain = np.empty(need_db.size)
        _follow(
            need_db, self._windows, self._queues, self._ends, self._late, self._law, self._level, self._boxes[0],
            self._boxes[1], self._sums, self._places, self._quiet, gain,
        )  # fmt: skip
        return gain


@kernel
def _largest(value, queue, ends, window):  # type: ignore[no-untyped-def]
    """Put a value into a queue; the largest of the window that ends with it."""
    mask = queue.shape[1] - 1
    head, tail, now = ends[0], ends[1], ends[2]
    while tail > head and queue[1, (tail - 1) & mask] <= value:
        tail -= 1
    queue[0, tail & mask], queue[1, tail & mask] = float(now), value
    while queue[0, head & mask] <= now - window:
        head += 1
    ends[0], ends[1], ends[2] = head, tail + 1, now + 1
    return queue[1, head & mask]


@kernel
def _follow(need, windows, queues, ends, late, law, level, box, box2, sums, places, quiet, gain):  # type: ignore[no-untyped-def]
    clip_db, fast, slow, settle, steepest = law[0], law[1], law[2], law[3], law[4]
    f, s, sum_1, sum_2 = level[0], level[1], sums[0], sums[1]
    place_1, place_2, place_late = places[0], places[1], places[2]
    rest_1 = np.int64(UNIT) * box.size
    rest_2 = rest_1 * box2.size
    unit = float(UNIT) * box.size * box2.size
    still, memory = quiet[0], quiet[1]
    calm = windows[CLIPPED] + windows[OPENED] + windows[HELD] + windows[RECENT] + 1  # the minimum needs a single zero
    for k in range(need.size):
        over = need[k]
        still = 0 if over > 0.0 else still + 1
        if still > memory and f == 0.0 and s == 0.0 and sum_1 == rest_1 and sum_2 == rest_2:
            gain[k] = 1.0
            continue
        wanted = over
        if clip_db >= 0.0:  # an opening: what stays over must be limited, of the rest what clipping leaves
            lowest = -_largest(-over, queues[CLIPPED], ends[CLIPPED], windows[CLIPPED])
            stays = _largest(lowest, queues[OPENED], ends[OPENED], windows[OPENED])
            over, late[place_late] = late[place_late], over
            place_late = place_late + 1 if place_late + 1 < late.size else 0
            wanted = max(min(over, stays + TIP_DB) if stays > 0.0 else 0.0, over - clip_db)
        held = recent = sustained = 0.0
        if still <= calm:  # later they hold zeros only, and would give zeros
            held = _largest(wanted, queues[HELD], ends[HELD], windows[HELD])
            recent = _largest(over, queues[RECENT], ends[RECENT], windows[RECENT])
            sustained = -_largest(-recent, queues[SUSTAINED], ends[SUSTAINED], windows[SUSTAINED])
        now = np.int64(UNIT)
        if f > 0.0 or held > 0.0 or sustained > 0.0:
            s = sustained + (s - sustained) * (settle if sustained > s else slow)
            toward = max(held, s)
            f = max(toward, toward + (f - toward) * fast, f - steepest)
            if f < REST_DB and sustained == 0.0:
                f, s = 0.0, 0.0
            now = np.int64(UNIT * np.exp(f * -0.11512925464970229))
        sum_1 += now - box[place_1]
        box[place_1] = now
        place_1 = place_1 + 1 if place_1 + 1 < box.size else 0
        sum_2 += sum_1 - box2[place_2]
        box2[place_2] = sum_1
        place_2 = place_2 + 1 if place_2 + 1 < box2.size else 0
        gain[k] = float(sum_2) / unit
    level[0], level[1] = f, s
    sums[0], sums[1] = sum_1, sum_2
    places[0], places[1], places[2] = place_1, place_2, place_late
    quiet[0] = still
