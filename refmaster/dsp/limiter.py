"""A look-ahead true-peak limiter, streamed.

1. The peak around each sample is read from the same interpolator as the true-peak meter, over all channels at once
   (the image does not move).
2. What must come off, in dB, is held from `lookahead` before a peak until just after it, and let go quickly: a lone
   hit costs as little loudness as it can.
3. What must come off is also held for half a period of 40 Hz, and followed slowly. Where peaks keep coming, as under
   a bass note, this slow reduction settles at what they need and the gain stands still instead of tracing the wave.
4. Where that is allowed, the last few dB of what is short are clipped (`dsp/clipper.py`) and not limited; what keeps
   coming is limited in full, so a steady tone is never clipped. A second, plain limiter catches what is left.
5. Two moving averages as long as the look-ahead round the gain off. They are summed in integers: exact, so the result
   does not depend on how the stream is cut, and where nothing is over the ceiling the gain is 1 to the last bit.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from refmaster.dsp.clipper import clipped
from refmaster.dsp.jit import kernel
from refmaster.dsp.oversample import LEAD, TAPS, factor, gain_bound, phases
from refmaster.records import GainReduction
from refmaster.units import FloatArray, db_to_gain

LOOKAHEAD_MS = 1.5  # taste: long enough that the gain bends, short enough that a hit is not ducked before it sounds
RELEASE_MS = 15.0  # taste: a lone hit is over before the ear follows; the slow reduction keeps bass clean
MARGIN_DB = 0.05  # other meters read up to 0.04 dB more than ours
CLIP_DB = 2.0  # taste: of a short peak so much is clipped; on dense masters more brings nothing
HOLD_MS = 0.5
RECUR_MS = 13.0  # peaks that come again within this are one sound: half a period of 40 Hz
SETTLE_MS = 80.0  # how long they must keep coming for the slow reduction to take over
SLOW_MS = 20.0  # and how soon it lets go: dense music, whose peaks vary, is not held down
REST_DB = 1e-5  # under this the gain is 1
UNIT = 2**30  # fixed-point one
GROUP = 64


@dataclass(frozen=True)
class Limiting:
    """How to limit. Peaks are held at `ceiling_dbtp` minus `margin_db`, which makes room for other people's meters.

    Up to `clip_db` of what is short is clipped instead; what keeps coming is limited all the same.
    """

    ceiling_dbtp: float
    lookahead_ms: float
    release_ms: float
    margin_db: float
    clip_db: float = 0.0


class ReductionMeter:
    """Listens to the limiter's gain: the deepest reduction in each 10 ms."""

    HOP_S = 0.010

    def __init__(self, sample_rate_hz: int):
        self._hop = round(self.HOP_S * sample_rate_hz)
        self._waiting = np.zeros(0)
        self._lowest: list[FloatArray] = []

    def feed(self, gain: FloatArray) -> None:
        """Take in the gain of the next samples."""
        joined = np.concatenate([self._waiting, gain])
        whole = joined.size // self._hop * self._hop
        self._lowest.append(joined[:whole].reshape(-1, self._hop).min(axis=1))
        self._waiting = joined[whole:]

    def read(self) -> GainReduction:
        """What was taken, over time and in sum; dB, 0 where the limiter rested."""
        lowest = np.concatenate(
            [*self._lowest, self._waiting.min(keepdims=True) if self._waiting.size else np.zeros(0)]
        )
        taken = np.maximum(-20 * np.log10(lowest), 0.0)  # no −0
        return GainReduction(
            hop_s=self.HOP_S,
            history_db=tuple(taken.tolist()),
            max_db=float(taken.max(initial=0.0)),
            share_working_pct=float(100 * (taken > 0.1).mean()) if taken.size else 0.0,
            share_over_4_db_pct=float(100 * (taken > 4.0).mean()) if taken.size else 0.0,
        )


def limited(
    blocks: Iterable[FloatArray],
    sample_rate_hz: int,
    limiting: Limiting,
    *,
    drive_db: float = 0.0,
    meter: ReductionMeter | None = None,
) -> Iterator[FloatArray]:
    """A stream of (channels, samples) held under the ceiling, aligned with what came in, after `drive_db` of gain."""
    if limiting.clip_db > 0:
        ceiling = db_to_gain(limiting.ceiling_dbtp - limiting.margin_db)
        softened = clipped(_held(blocks, sample_rate_hz, limiting, drive_db, meter), ceiling)
        yield from _held(softened, sample_rate_hz, replace(limiting, clip_db=0.0), 0.0, None)
    else:
        yield from _held(blocks, sample_rate_hz, limiting, drive_db, meter)


def _held(
    blocks: Iterable[FloatArray],
    sample_rate_hz: int,
    limiting: Limiting,
    drive_db: float,
    meter: ReductionMeter | None,
) -> Iterator[FloatArray]:
    """The sound times the limiter's gain, which lets up to `clip_db` of what is short pass over the ceiling."""
    drive = db_to_gain(drive_db)
    gains = _Gains(sample_rate_hz, limiting)
    delayed: FloatArray | None = None
    for block in blocks:
        block = block * drive if drive != 1.0 else block
        delayed = block if delayed is None else np.concatenate([delayed, block], axis=1)
        gain = gains.after(block)
        if gain.size:
            if meter:
                meter.feed(gain)
            yield delayed[:, : gain.size] * gain
            delayed = delayed[:, gain.size :]
    if delayed is not None and delayed.shape[1]:
        gain = gains.rest(*delayed.shape)
        if meter:
            meter.feed(gain)
        yield delayed * gain


class _Gains:
    """Steps 1 to 5: takes in sound, gives out the gain of the samples that are far enough back to be decided."""

    def __init__(self, sample_rate_hz: int, limiting: Limiting):
        def samples(ms: float) -> int:
            return max(2, round(ms * 1e-3 * sample_rate_hz))

        times = factor(sample_rate_hz)
        self._rows, self._bound = phases(times).astype(np.float32), gain_bound(times) * 1.0001
        self._ceiling = db_to_gain(limiting.ceiling_dbtp - limiting.margin_db)
        self._look = samples(limiting.lookahead_ms)
        window = self._look + samples(HOLD_MS) + 1
        recur = self._look + samples(RECUR_MS) + 1
        first = self._look // 2 + 1
        second = self._look + 2 - first  # both averages together span the look-ahead, and one
        fast, slow, settle = (np.exp(-1.0 / samples(ms)) for ms in (limiting.release_ms, SLOW_MS, SETTLE_MS))
        self._law = np.array([fast, slow, settle, float(window), float(recur), limiting.clip_db])
        self._follow = np.zeros(2)  # fast and slow reduction, dB
        self._queue = np.zeros((2, recur + 1))
        self._ends = np.zeros(3, dtype=np.int64)  # of the queue: head, tail; and the time
        self._boxes = (np.full(first, UNIT, dtype=np.int64), np.full(second, UNIT * first, dtype=np.int64))
        self._sums = np.array([UNIT * first, UNIT * first * second], dtype=np.int64)
        self._places = np.zeros(2, dtype=np.int64)
        self._tail: npt.NDArray[np.float32] | None = None
        self._skip = self._lead = LEAD + self._look  # a gain is decided so many samples after its own

    def after(self, block: FloatArray) -> FloatArray:
        """The gains that this block decides."""
        if self._tail is None:
            self._tail = np.zeros((block.shape[0], TAPS - 1), dtype=np.float32)
        # Single precision: it decides how much to take off, to 1e-6 dB; the sound itself stays in double.
        joined = np.concatenate([self._tail, block.astype(np.float32)], axis=1)
        count = block.shape[1]
        peaks = np.zeros(count)
        for channel in joined:
            _raise_to_peaks(channel, self._rows, self._bound, self._ceiling, peaks)
        self._tail = joined[:, count:].copy()
        gain = np.empty(count)
        _follow(
            peaks, self._ceiling, self._law, self._follow, self._queue, self._ends,
            self._boxes[0], self._boxes[1], self._sums, self._places, gain,
        )  # fmt: skip
        early = min(self._skip, count)
        self._skip -= early
        return gain[early:]

    def rest(self, channels: int, samples: int) -> FloatArray:
        """The gains of the last samples, with silence behind them."""
        return self.after(np.zeros((channels, self._lead)))[:samples]


@kernel
def _raise_to_peaks(x, rows, bound, ceiling, peaks):  # type: ignore[no-untyped-def]
    """Raise peaks[k] to the largest value at sample k + LEAD − 1 of x and up to the next, where over the ceiling."""
    taps = rows.shape[1]
    lead = taps // 2
    buffer = np.empty(GROUP, dtype=np.float32)
    for start in range(0, peaks.size, GROUP):
        width = min(GROUP, peaks.size - start)
        reach = x[start : start + width + taps - 1]
        largest = np.float32(0.0)
        for i in range(reach.size):
            largest = max(largest, abs(reach[i]))
        if largest * bound <= ceiling:
            continue
        centre = reach[lead - 1 : lead - 1 + width]
        for i in range(centre.size):
            peaks[start + i] = max(peaks[start + i], abs(centre[i]))
        for p in range(rows.shape[0]):
            buffer[:] = np.float32(0.0)
            for t in range(taps):
                weight = rows[p, t]
                piece = reach[t : t + width]
                for i in range(piece.size):
                    buffer[i] += weight * piece[i]
            for i in range(width):
                peaks[start + i] = max(peaks[start + i], abs(buffer[i]))


@kernel
def _follow(peaks, ceiling, law, level, queue, ends, box, box2, sums, places, gain):  # type: ignore[no-untyped-def]
    """Hold, release and smooth; gain[k] is the gain of the sample `look` before peak k."""
    fast, slow, settle, window, recur = law[0], law[1], law[2], int(law[3]), int(law[4])
    size = queue.shape[1]
    head, tail, now = ends[0], ends[1], ends[2]
    f, s = level[0], level[1]
    for k in range(peaks.size):
        need = 20.0 * np.log10(peaks[k] / ceiling) if peaks[k] > ceiling else 0.0
        # Running maximum: the queue holds falling candidates, oldest first.
        while tail > head and queue[1, (tail - 1) % size] <= need:
            tail -= 1
        if need > 0.0:
            queue[0, tail % size], queue[1, tail % size] = float(now), need
            tail += 1
        while tail > head and queue[0, head % size] <= now - recur:
            head += 1
        recent = queue[1, head % size] if tail > head else 0.0  # of the longer window
        held = 0.0
        for place in range(head, tail):  # the first candidate young enough is the maximum of the shorter window
            if queue[0, place % size] > now - window:
                held = max(queue[1, place % size] - law[5], 0.0)
                break
        if f > 0.0 or recent > 0.0:
            s = recent + (s - recent) * (settle if recent > s else slow)
            toward = max(held, s)
            f = max(held, toward + (f - toward) * fast)
            if f < REST_DB:
                f, s = 0.0, 0.0
            wanted = np.int64(UNIT * np.exp(f * -0.11512925464970229))
        else:
            wanted = np.int64(UNIT)
        sums[0] += wanted - box[places[0]]
        box[places[0]] = wanted
        places[0] = (places[0] + 1) % box.size
        sums[1] += sums[0] - box2[places[1]]
        box2[places[1]] = sums[0]
        places[1] = (places[1] + 1) % box2.size
        gain[k] = float(sums[1]) / (float(UNIT) * box.size * box2.size)
        now += 1
    ends[0], ends[1], ends[2] = head, tail, now
    level[0], level[1] = f, s
