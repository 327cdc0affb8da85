"""A look-ahead true-peak limiter, streamed.

1. The peak around each sample is read from two interpolators over all channels at once (the image does not move): the
   meter's, and a shorter one as common tools have, which reads more near Nyquist. The ceiling holds for both.
2. What must come off, in dB, is held from `lookahead` before a peak until just after it, and let go quickly, by less
   than 1 dB a millisecond: a lone hit costs as little loudness as it can.
3. Where peaks keep coming, as under a bass note, a slow reduction settles at what all of them need, and the gain stands
   still instead of tracing the wave. What only some of them need is left to 2, so dense music is not held down.
4. Where that is allowed, the last few dB of what is short are clipped (`dsp/clipper.py`) and not limited. What stays
   over, as the crest of a bass wave does, and what keeps coming is limited in full. A second, plain limiter catches
   what is left.
5. Two moving averages as long as the look-ahead round the gain off. They are summed in integers: exact, so the result
   does not depend on how the stream is cut, and where nothing is over the ceiling the gain is 1 to the last bit.
"""

import math
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from refmaster.dsp.ahead import ahead
from refmaster.dsp.between import interpolator, raise_to_peaks
from refmaster.dsp.clipper import clipped
from refmaster.dsp.jit import kernel
from refmaster.dsp.oversample import BETA, LEAD, SHORT_BETA, SHORT_TAPS, TAPS, factor
from refmaster.dsp.reduction import Law, Reduction
from refmaster.records import GainReduction
from refmaster.units import FloatArray, db_to_gain

LOOKAHEAD_MS = 1.5  # taste: long enough that the gain bends, short enough that a hit is not ducked before it sounds
RELEASE_MS = 10.0  # measured with the next five on music driven 3 and 6 dB: the least harm at the same loudness
CLIP_DB = 3.0  # of a short peak so much is clipped
CLIPPINGS = 2  # what the first leaves over between the samples is less after the second
SHORT_MS = 0.8  # what stays over longer is not clipped: then bass and kicks keep their shape
HOLD_MS = 1.0
SUSTAIN_MS = 80.0  # what is needed all of this time is sustained: the slow reduction takes it over
MARGIN_DB = 0.05  # other meters read up to 0.04 dB more than ours
RECUR_MS = 13.0  # peaks that come again within this are one sound: half a period of 40 Hz
SETTLE_MS = 40.0  # how soon the slow reduction takes over what is sustained
SLOW_MS = 20.0  # and how soon it lets go
STEEPEST_DB_PER_MS = 0.95  # the gain comes back no faster, or the ear takes its return for a sound of its own
CATCH_DB_PER_MS = 0.2  # of which so much is left to the second limiter
HARD_DB = 4.0  # practice flags a limiter that takes more: there it begins to be heard


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
    """Listens to the gain of all stages, clipping included: the deepest reduction in each 10 ms, to the nearest sample.

    `driven_peak` is the true peak, linear, of what came in, once all of it has; 0 where nothing was over the ceiling.
    """

    HOP_S = 0.010

    def __init__(self, sample_rate_hz: int):
        self._hop, self._rate_hz = round(self.HOP_S * sample_rate_hz), sample_rate_hz
        self._waiting = np.zeros(0)
        self._lowest: list[FloatArray] = []
        self.driven_peak = 0.0

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
            hop_s=self._hop / self._rate_hz,  # 9.977 ms at 22,050 Hz: over an hour a grid of 10 ms is 8 s off
            history_db=tuple(taken.tolist()),
            max_db=float(taken.max(initial=0.0)),
            share_working_pct=float(100 * (taken > 0.1).mean()) if taken.size else 0.0,
            share_over_4_db_pct=float(100 * (taken > HARD_DB).mean()) if taken.size else 0.0,
        )


def limited(
    blocks: Iterable[FloatArray],
    sample_rate_hz: int,
    limiting: Limiting,
    *,
    drive_db: float = 0.0,
    meter: ReductionMeter | None = None,
    aside: bool = False,
) -> Iterator[FloatArray]:
    """A stream of (channels, samples) held under the ceiling, aligned with what came in, after `drive_db` of gain.

    `aside` reads peaks in a thread of their own; the bits are the same.
    """
    if limiting.clip_db > 0:
        ceiling = db_to_gain(limiting.ceiling_dbtp - limiting.margin_db)
        told = _Product(meter) if meter else None
        steepest = STEEPEST_DB_PER_MS - CATCH_DB_PER_MS
        gains = _Gains(sample_rate_hz, limiting, steepest)
        held = _held(blocks, gains, drive_db, told.first if told else None, aside, clipped_over=ceiling)
        for _ in range(CLIPPINGS):
            held = clipped(held, ceiling)
        last = _Gains(sample_rate_hz, replace(limiting, clip_db=0.0), CATCH_DB_PER_MS)
        yield from _held(held, last, 0.0, told.second if told else None, aside)
    else:
        gains = _Gains(sample_rate_hz, limiting, STEEPEST_DB_PER_MS)
        yield from _held(blocks, gains, drive_db, meter.feed if meter else None, aside)
    if meter:
        meter.driven_peak = gains.highest


def _held(
    blocks: Iterable[FloatArray],
    gains: "_Gains",
    drive_db: float,
    tell: Callable[[FloatArray], None] | None,
    aside: bool,
    clipped_over: float = math.inf,
) -> Iterator[FloatArray]:
    """The driven sound times the gains; what is over `clipped_over` then is told as taken, too."""
    late: FloatArray | None = None
    driven = _driven(blocks, gains, db_to_gain(drive_db))
    for block, need_db in ahead(driven) if aside else driven:
        late = block[:, :0] if late is None else late
        gain = gains.after(need_db)
        held, late = _times(late, block, gain)
        if gain.size:
            if tell:
                tell(_with_clipping(gain, held, clipped_over))
            yield held
    if late is not None and late.shape[1]:
        gain = gains.rest(*late.shape)
        held = late * gain
        if tell:
            tell(_with_clipping(gain, held, clipped_over))
        yield held


def _times(late: FloatArray, block: FloatArray, gain: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The first samples of two stretches times the gain, as far as that goes, and the rest."""
    held = np.empty((block.shape[0], gain.size))
    first = min(late.shape[1], gain.size)
    np.multiply(late[:, :first], gain[:first], out=held[:, :first])
    np.multiply(block[:, : gain.size - first], gain[first:], out=held[:, first:])
    return held, np.concatenate([late[:, first:], block[:, gain.size - first :]], axis=1)


def _with_clipping(gain: FloatArray, held: FloatArray, ceiling: float) -> FloatArray:
    """The gain, times what a clipper at the ceiling leaves of each sample of the held sound."""
    if ceiling == math.inf:
        return gain
    clipped_too = np.empty(gain.size)
    return clipped_too if _clip_gain(gain, held, ceiling, clipped_too) else gain


@kernel
def _clip_gain(gain, held, ceiling, out):  # type: ignore[no-untyped-def]
    over = False
    for n in range(gain.size):
        top = abs(held[0, n])
        for channel in range(1, held.shape[0]):
            top = max(top, abs(held[channel, n]))
        out[n] = gain[n] * (ceiling / top) if top > ceiling else gain[n]
        over = over or top > ceiling
    return over


def _driven(blocks: Iterable[FloatArray], gains: "_Gains", drive: float) -> Iterator[tuple[FloatArray, FloatArray]]:
    """The driven sound, and how far each of its samples is over."""
    for block in blocks:
        block = block * drive if drive != 1.0 else block
        yield block, gains.need_db(block)


class _Product:
    """Tells a meter the product of two gains of the same samples, of which the first comes earlier."""

    def __init__(self, meter: ReductionMeter):
        self._meter = meter
        self._waiting = np.zeros(0)
        self._turn = threading.Lock()  # the two gains may come from two threads

    def first(self, gain: FloatArray) -> None:
        with self._turn:
            self._waiting = np.concatenate([self._waiting, gain])

    def second(self, gain: FloatArray) -> None:
        with self._turn:
            earlier, self._waiting = self._waiting[: gain.size], self._waiting[gain.size :]
        self._meter.feed(earlier * gain)


class _Gains:
    """Steps 1 to 5: takes in sound, gives out the gain of the samples that are far enough back to be decided."""

    def __init__(self, sample_rate_hz: int, limiting: Limiting, steepest_db_per_ms: float):
        law = _law(sample_rate_hz, limiting, steepest_db_per_ms)
        self._peaks = _Peaks(sample_rate_hz, limiting, both=limiting.clip_db == 0)
        self._ceiling = db_to_gain(limiting.ceiling_dbtp - limiting.margin_db)
        self._reduction = Reduction(law)
        self.highest = 0.0  # of the peaks over the ceiling so far
        self._skip = self._lead = LEAD + law.delay  # a gain is decided so many samples after its own

    def need_db(self, block: FloatArray) -> FloatArray:
        """How far each sample of a block, late by the interpolator's lead, is over the ceiling."""
        peaks = self._peaks.after(block)
        over = np.flatnonzero(peaks > self._ceiling)
        self.highest = max(self.highest, float(peaks[over].max(initial=0.0)))
        need = np.zeros(peaks.size)
        need[over] = 20.0 * np.log10(peaks[over] / self._ceiling)
        return need

    def after(self, need_db: FloatArray) -> FloatArray:
        """The gains that this decides."""
        gain = self._reduction.after(need_db)
        early = min(self._skip, gain.size)
        self._skip -= early
        return gain[early:]

    def rest(self, channels: int, samples: int) -> FloatArray:
        """The gains of the last samples, with silence behind them."""
        return self.after(self.need_db(np.zeros((channels, self._lead))))[:samples]


def _law(sample_rate_hz: int, limiting: Limiting, steepest_db_per_ms: float) -> Law:
    def samples(ms: float) -> int:
        return max(2, round(ms * 1e-3 * sample_rate_hz))

    look = samples(limiting.lookahead_ms)
    fast, slow, settle = (float(np.exp(-1.0 / samples(ms))) for ms in (limiting.release_ms, SLOW_MS, SETTLE_MS))
    return Law(
        short=samples(SHORT_MS) if limiting.clip_db > 0 else 0,
        clip_db=limiting.clip_db,
        look=look,
        held=look + samples(HOLD_MS) + 1,
        recent=look + samples(RECUR_MS) + 1,
        sustained=samples(SUSTAIN_MS),
        fast=fast,
        slow=slow,
        settle=settle,
        steepest_db=steepest_db_per_ms * 1e3 / sample_rate_hz,
    )


class _Peaks:
    """Step 1: the largest value around each sample where it is over the ceiling, `LEAD` samples late."""

    def __init__(self, sample_rate_hz: int, limiting: Limiting, *, both: bool):
        times = factor(sample_rate_hz)
        kinds = [(TAPS, BETA), (SHORT_TAPS, SHORT_BETA)][: 2 if both else 1]
        self._readers = [interpolator(times, *kind) for kind in kinds]
        self._ceiling = db_to_gain(limiting.ceiling_dbtp - limiting.margin_db)
        self._tail: npt.NDArray[np.float32] | None = None

    def after(self, block: FloatArray) -> FloatArray:
        """One value for each sample of the block, linear; 0 where nothing is over."""
        if self._tail is None:
            self._tail = np.zeros((block.shape[0], TAPS - 1), dtype=np.float32)
        # Single precision: it decides how much to take off, to 1e-6 dB; the sound itself stays in double.
        joined = np.concatenate([self._tail, block.astype(np.float32)], axis=1)
        count = block.shape[1]
        peaks = np.zeros(count)
        for reader in self._readers:
            taps = reader.rows.shape[1]
            start = LEAD - taps // 2  # a shorter interpolator starts later, to look at the same place
            for channel in joined:
                raise_to_peaks(channel[start : start + count + taps - 1], reader, self._ceiling, peaks)
        self._tail = joined[:, count:].copy()
        return peaks
