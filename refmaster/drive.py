"""How hard the limiter is driven: the gain whose limited sound reads a goal, found in a closed loop.

What the limiter takes off is loudness too, so the gain is corrected until the limited sound reads what was asked. It
is tried on an excerpt; once the whole was heard, what the excerpt was wrong by there is taken into account.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from refmaster.bearing import Bearing
from refmaster.dsp.limiter import Limiting
from refmaster.measure.excerpt import Excerpt, Limited, likely_lufs, limited_as

TOLERANCE_LU = 0.1
CLOSE_LU = 0.02  # the loop stops here
HEARD_CLOSE_LU = 0.08  # under what is promised; what was heard of the whole is not rendered again for less
ROUNDS = 9
LEAST_SLOPE = 0.05  # loudness gained a dB of drive: less means that the limiter has nothing left to give
BEARING_ROUNDS, BEARING_DB = 6, 0.15
HEARD_BEARING_DB = 0.25  # as above, of what was heard of the whole
LEAST_BORNE_SLOPE = 0.4
GUESSES, MOST_GUESSED_DB = 3, 2.0
SLOPE_DB = 0.05
# A smaller step is told from the slope, not tried again, and heard with the whole: off by 0.01 LU on average.
TOLD_DB = 0.15
MOST_STEP_DB = 3.0  # further, a slope tells nothing
TOO_HARD_DB = 24.0  # no goal is worth more than this at the limiter

Bears = Callable[[Limiting], Bearing]
"""What the music bears of a limiter."""


@dataclass(frozen=True)
class Tried:
    """A gain, the loudness it gives, and what the limiter did for it; `why` says what ended the search too early."""

    gain_db: float
    lufs: float
    limited: Limited | None = None
    why: str = ""
    dropped: bool = False  # the limiter was
    borne: bool = False  # the limiter takes what the genre bears, and no more
    told: bool = False  # its last step was not heard
    lowered: bool = False  # under the ceiling, as its peaks are not limited twice


class Drive:
    """Sound of one `peak_dbtp` before a limiter that works so, unless another, or what was `heard`, tells better."""

    def __init__(
        self,
        excerpt: Callable[[], Excerpt],
        limiting: Limiting,
        peak_dbtp: float,
        *,
        heard: Limited | None = None,
        threads: int = 1,
    ):
        self.limiting = limiting if heard is None else heard.limiting
        self._excerpt = excerpt
        self._peak_dbtp = peak_dbtp
        self._heard = heard
        self._estimated = cache(lambda limiting, gain_db: limited_as(excerpt(), limiting, gain_db, threads=threads))

    def toward(self, goal_lufs: float, gain_db: float, bears: Bears | None) -> Tried:
        """The gain that reads a goal, or the most that the music bears, under a ceiling that other meters see held too.

        `gain_db` is what it would take without a limiter. Where nothing tells what it bears, no price is too high.
        """
        if abs(gain_db) <= TOLERANCE_LU:
            alone = self.at(0.0)
            if abs(alone.lufs - goal_lufs) <= TOLERANCE_LU:  # as near to the goal as anybody asks
                return alone
        first_db = gain_db if self._heard is None else self._heard.gain_db
        tried = self._limited(self.limiting, goal_lufs, first_db, bears)
        wider = None if tried.limited is None else _wider(tried.limited)
        return tried if wider is None else self._limited(wider, goal_lufs, tried.gain_db, bears)

    def at(self, gain_db: float, why: str = "") -> Tried:
        """A gain into the limiter, with a margin for other meters where it needs one."""
        limited = self._trial(self.limiting, gain_db)
        wider = _wider(limited)
        return _tried(limited if wider is None else self._trial(wider, gain_db), why)

    def _over(self, gain_db: float) -> bool:
        return self._peak_dbtp + gain_db > self.limiting.ceiling_dbtp

    def _trial(self, limiting: Limiting, gain_db: float) -> Limited:
        """What a gain gives, by the excerpt, and once the whole was heard less what the excerpt was wrong by there."""
        gain_db, heard = round(gain_db, 3), self._heard  # as the move will say it
        if heard is None or not self._over(gain_db):  # where nothing is limited, nothing is estimated
            return self._estimated(limiting, gain_db)
        if (heard.limiting, heard.gain_db) == (limiting, gain_db):
            return heard
        now, then = self._estimated(limiting, gain_db), self._estimated(heard.limiting, heard.gain_db)
        hard_db = max(0.0, now.hard_db + heard.hard_db - then.hard_db)
        loudest = (now.loudest_lufs, heard.loudest_lufs, then.loudest_lufs)
        return replace(now, lufs=now.lufs + heard.lufs - then.lufs, hard_db=hard_db, loudest_lufs=_corrected(*loudest))

    def _limited(self, limiting: Limiting, goal_lufs: float, gain_db: float, bears: Bears | None) -> Tried:
        """The gain that reads the goal behind this limiter, or the most that the music bears."""
        tried = self._search(limiting, goal_lufs, gain_db)
        if bears is None or tried.limited is None:
            return tried
        bearing, most_db = bears(limiting), HEARD_BEARING_DB if tried.limited is self._heard else 0.0
        return self._bearable(tried.limited, bearing) if bearing.excess_db(tried.limited) > most_db else tried

    def _search(self, limiting: Limiting, goal_lufs: float, gain_db: float) -> Tried:
        """Secant steps on the gain, each heard through the real limiter; a last small one is heard with the whole."""
        most = limiting.ceiling_dbtp - self._peak_dbtp + TOO_HARD_DB
        best = self._trial(limiting, min(self._likely(limiting, goal_lufs, gain_db), most))
        slope = self._likely_slope(limiting, best.gain_db)
        for _ in range(ROUNDS):
            miss = goal_lufs - best.lufs
            step = min(best.gain_db + float(np.clip(miss / slope, -MOST_STEP_DB, MOST_STEP_DB)), most) - best.gain_db
            if abs(miss) <= (HEARD_CLOSE_LU if best is self._heard else CLOSE_LU):
                break
            if abs(step) < 1e-3:
                return _tried(best, f"the limiter would have to take more than {TOO_HARD_DB:g} dB")
            if abs(step) <= TOLD_DB and best.gain_db + step < most:
                return replace(_tried(_moved(best, step, goal_lufs)), told=True)
            after = self._trial(limiting, best.gain_db + step)
            if step > 0 and after.lufs - best.lufs < LEAST_SLOPE * step / 2:
                return _tried(best, "more gain would only drive the limiter, and bring next to no loudness")
            slope = float(np.clip((after.lufs - best.lufs) / step, LEAST_SLOPE, 1.0))
            best = after
        return _tried(best)

    def _bearable(self, asked: Limited, bearing: Bearing) -> Tried:
        """The largest gain that the music bears."""
        found, before, slope = asked, None, 1.0
        if self._heard is not None and self._heard.limiting == asked.limiting:
            found = self._heard
        for _ in range(BEARING_ROUNDS):
            close = HEARD_BEARING_DB if found is self._heard else BEARING_DB
            excess = bearing.excess_db(found)
            if abs(excess) <= close and found is not asked:
                break
            if before is not None and abs(found.gain_db - before.gain_db) > SLOPE_DB:
                rise = (excess - bearing.excess_db(before)) / (found.gain_db - before.gain_db)
                slope = float(np.clip(rise, LEAST_BORNE_SLOPE, 1.0))  # the loudest 3 s rise by less than the gain
            before, found = found, self._trial(found.limiting, found.gain_db - excess / slope)
        return replace(_tried(found, bearing.words(found, asked)), borne=True)

    def _likely(self, limiting: Limiting, goal_lufs: float, gain_db: float) -> float:
        """A gain nearer to the answer, because trying costs more than guessing."""
        if self._heard is not None:
            return gain_db
        guess_db = gain_db
        for _ in range(GUESSES):
            lufs = likely_lufs(self._excerpt(), limiting, guess_db)
            guess_db += 0.0 if lufs is None else goal_lufs - lufs
        return min(guess_db, gain_db + MOST_GUESSED_DB)

    def _likely_slope(self, limiting: Limiting, gain_db: float) -> float:
        """How much loudness a dB of gain brings there, by the same guess."""
        below, above = (likely_lufs(self._excerpt(), limiting, gain_db + off) for off in (-SLOPE_DB, SLOPE_DB))
        slope = 1.0 if below is None or above is None else (above - below) / (2 * SLOPE_DB)
        return float(np.clip(slope, LEAST_SLOPE, 1.0))


def _tried(limited: Limited, why: str = "") -> Tried:
    return Tried(limited.gain_db, limited.lufs, limited, why)


def _wider(limited: Limited) -> Limiting | None:
    """The same limiter with a margin for what a second, shorter meter read over the ceiling; None where it is under."""
    limiting = limited.limiting
    over = limited.peak_dbtp - limiting.ceiling_dbtp
    return replace(limiting, margin_db=round(limiting.margin_db + over + 0.02, 3)) if over > 0 else None


def _moved(limited: Limited, step_db: float, lufs: float) -> Limited:
    """What a little more gain, or less, gives: a limiter that works takes all of it."""
    hard, most = (max(0.0, taken + step_db) for taken in (limited.hard_db, limited.max_reduction_db))
    loudest = None if limited.loudest_lufs is None else limited.loudest_lufs + lufs - limited.lufs
    moved = replace(limited, gain_db=round(limited.gain_db + step_db, 3), lufs=lufs, loudest_lufs=loudest)
    return replace(moved, hard_db=hard, max_reduction_db=most)


def _corrected(now: float | None, heard: float | None, then: float | None) -> float | None:
    return None if now is None or heard is None or then is None else now + heard - then
