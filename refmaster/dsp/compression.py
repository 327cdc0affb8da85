"""Compression and expansion of one band: a static curve on its level, followed with attack and release.

The level is the mean power of both channels over `DETECT_MS` around each millisecond, looked at from both sides, so
that the gain is there when the hit is. Above the threshold the level rises 1/ratio dB a dB: a ratio over 1 holds loud
passages down, one under 1 lifts them. Gains are decided each millisecond in order, so any cut of the stream gives the
same bytes. (D. Giannoulis, M. Massberg, J. D. Reiss, "Digital dynamic range compressor design", JAES 60, 2012.)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from refmaster.dsp.fir import convolved
from refmaster.dsp.jit import kernel
from refmaster.units import FloatArray

HOP_MS = 1.0
DETECT_MS = 30.0  # over a period of the lowest notes, so that a sustained bass does not make its own gain flutter
KNEE_DB = 6.0


@dataclass(frozen=True)
class Compression:
    """How to compress. `range_db` bounds the gain to either side, before `makeup_db`, which holds always."""

    threshold_dbfs: float
    ratio: float
    attack_ms: float
    release_ms: float
    range_db: float
    makeup_db: float


def compressed(
    blocks: Iterable[FloatArray], taps: FloatArray, how: Compression, sample_rate_hz: int
) -> Iterator[FloatArray]:
    """A stream of (channels, samples) in which the band that `taps` passes is compressed; aligned, same length."""
    whole: list[FloatArray] = []
    band: list[FloatArray] = []
    follower = _Follower(how, sample_rate_hz)

    def heard() -> Iterator[FloatArray]:
        for block in blocks:
            whole.append(block)
            yield block

    for part in convolved(heard(), taps):
        band.append(part)
        knots = follower.after(part)
        if knots.size:
            decided = (knots.size - 1) * follower.hop_samples
            yield _bent(_taken(whole, decided), _taken(band, decided), knots, follower.hop_samples)
    left = sum(part.shape[1] for part in band)
    if left:
        yield _bent(_taken(whole, left), _taken(band, left), follower.rest(left), follower.hop_samples)


def hop_powers(blocks: Iterable[FloatArray], taps: FloatArray, sample_rate_hz: int) -> FloatArray:
    """Mean power of a band in each whole hop, shape (hops,): what the detector hears."""
    hops = _Hops(sample_rate_hz)
    return np.concatenate([np.zeros(0), *(hops.powers(part) for part in convolved(blocks, taps))])


def gains_db(powers: FloatArray, how: Compression) -> FloatArray:
    """The gain in each hop that `compressed` would give to a band of these `hop_powers`, shape (hops,), dB."""
    ahead = _ahead()
    state, ring = np.zeros(1), np.zeros(_window())
    padded = np.concatenate([powers, np.zeros(ahead)])
    return np.asarray(_follow(padded, _law(how), state, ring, np.zeros(1, dtype=np.int64))[ahead:])


def _window() -> int:
    return round(DETECT_MS / HOP_MS)


def _ahead() -> int:
    return _window() // 2


def _law(how: Compression) -> FloatArray:
    attack, release = (float(np.exp(-HOP_MS / max(ms, 1e-3))) for ms in (how.attack_ms, how.release_ms))
    return np.array([how.threshold_dbfs, 1 / how.ratio - 1, attack, release, how.range_db, how.makeup_db])


def _taken(parts: list[FloatArray], count: int) -> FloatArray:
    """The first `count` samples of a queue, taken out of it."""
    found = []
    while count > 0:
        first = parts[0]
        if first.shape[1] <= count:
            found.append(parts.pop(0))
        else:
            found.append(first[:, :count])
            parts[0] = first[:, count:]
        count -= found[-1].shape[1]
    return np.concatenate(found, axis=1)


class _Hops:
    """Takes in a band, and gives out its mean power hop by hop."""

    def __init__(self, sample_rate_hz: int):
        self.samples = max(1, round(HOP_MS * 1e-3 * sample_rate_hz))
        self._waiting = np.zeros(0)

    def powers(self, band: FloatArray) -> FloatArray:
        """Mean power over all channels in each hop that is now whole."""
        joined = np.concatenate([self._waiting, _mean_square(band)])
        whole = joined.size // self.samples * self.samples
        self._waiting = joined[whole:]
        return np.asarray(joined[:whole].reshape(-1, self.samples).mean(axis=1))

    def rest(self) -> float:
        """Mean power of a last hop that silence fills up."""
        return float(self._waiting.sum()) / self.samples


class _Follower:
    """Takes in a band, and gives out the gain where it is far enough back to be decided.

    As knots, hops apart, between which the linear gain runs straight; none where nothing is decided yet.
    """

    def __init__(self, how: Compression, sample_rate_hz: int):
        self._hops = _Hops(sample_rate_hz)
        self._law = _law(how)
        self._state, self._ring, self._at = np.zeros(1), np.zeros(_window()), np.zeros(1, dtype=np.int64)
        self._early = _ahead()
        self._last: float | None = None  # gain at the end of the last hop that was given out, dB

    @property
    def hop_samples(self) -> int:
        """How far knots are apart."""
        return self._hops.samples

    def after(self, band: FloatArray) -> FloatArray:
        """The knots that this stretch of the band decides, from the last one before it on."""
        return self._knots(self._hops.powers(band))

    def rest(self, samples: int) -> FloatArray:
        """The knots of at least the last samples, with silence behind them."""
        powers = np.zeros(-(-samples // self._hops.samples) + self._early)  # of a short sound some lie before its start
        powers[0] = self._hops.rest()
        return self._knots(powers)

    def _knots(self, powers: FloatArray) -> FloatArray:
        """The first hops decided belong to the time before the first sample."""
        decided_db = _follow(powers, self._law, self._state, self._ring, self._at)
        skip = min(self._early, decided_db.size)
        self._early -= skip
        decided_db = decided_db[skip:]
        if decided_db.size == 0:
            return np.zeros(0)
        if self._last is None:
            self._last = float(decided_db[0])
        knots = 10 ** (np.concatenate([[self._last], decided_db]) / 20)
        self._last = float(decided_db[-1])
        return knots


@kernel
def _mean_square(band):  # type: ignore[no-untyped-def]
    """Mean over the channels of what each sample of (channels, samples) is squared."""
    out = np.zeros(band.shape[1])
    for channel in range(band.shape[0]):
        row = band[channel]
        for i in range(row.size):
            out[i] += row[i] * row[i]
    return out / band.shape[0]


@kernel
def _bent(whole, band, knots, hop):  # type: ignore[no-untyped-def]
    """The whole with its band, both (channels, samples), at gains that run straight from knot to knot."""
    out = np.empty_like(whole)
    way = np.arange(1, hop + 1) / hop
    for channel in range(whole.shape[0]):
        row, part, bent = whole[channel], band[channel], out[channel]
        for start in range(0, row.size, hop):
            first = knots[start // hop]
            rise = knots[start // hop + 1] - first
            for k in range(min(hop, row.size - start)):
                bent[start + k] = row[start + k] + part[start + k] * (first + rise * way[k] - 1.0)
    return out


@kernel
def _follow(powers, law, state, ring, at):  # type: ignore[no-untyped-def]
    """Gain in dB, makeup included, after each hop; it belongs to the hop half a window earlier."""
    threshold, slope, attack, release, most, makeup = law[0], law[1], law[2], law[3], law[4], law[5]
    out = np.empty(powers.size)
    knee = KNEE_DB
    for n in range(powers.size):
        ring[at[0] % ring.size] = powers[n]
        at[0] += 1
        total = 0.0
        for k in range(ring.size):  # summed anew: nothing of a loud past is left over
            total += ring[k]
        over = 10.0 * np.log10(total / ring.size + 1e-14) - threshold
        if over <= -knee / 2:
            wanted = 0.0
        elif over < knee / 2:
            wanted = slope * (over + knee / 2) ** 2 / (2 * knee)
        else:
            wanted = slope * over
        wanted = min(max(wanted, -most), most)
        pace = attack if abs(wanted) > abs(state[0]) else release
        state[0] = wanted + (state[0] - wanted) * pace
        out[n] = state[0] + makeup
    return out
