"""Match the loudness: one gain, found in a closed loop with the limiter that follows it.

The goal is the reference's integrated loudness, or what the person asks for. What the limiter takes off is loudness
too, so the gain is corrected until the limited sound reads the goal; where the limiter would have to work too hard, or
was dropped, the gain stops short and says so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from refmaster import price
from refmaster.bearing import Bearing, bearing_of, limited_bears, limited_words, most_lufs
from refmaster.compare import at_amount, is_limited
from refmaster.dsp.limiter import Limiting
from refmaster.measure.excerpt import HARD_WORK_PCT, Limited, likely_lufs, limited_as, loudest_psr_db
from refmaster.moves import Blocks, Scene
from refmaster.records import Effect, Gap, Move, NotReached, Param, Profile, Proposal, Rejected, Stage
from refmaster.units import FloatArray, db_to_gain, written
from refmaster.writing import told_apart

STAGE = Stage.LEVEL
PARTS: tuple[str, ...] = ()
EVIDENT = True
SIDES = ("before it", "goal")
TOLERANCE_LU = 0.1
CLOSE_LU = 0.02  # the loop stops here
HEARD_CLOSE_LU = 0.08  # under what is promised; what was heard of the whole is not rendered again for less
ROUNDS = 9
LEAST_SLOPE = 0.05  # loudness gained a dB of drive: less means that the limiter has nothing left to give
MAX_GAIN_DB = 60.0
BEARING_ROUNDS, BEARING_DB = 6, 0.15
HEARD_BEARING_DB = 0.25  # as above, of what was heard of the whole
LEAST_BORNE_SLOPE = 0.4
GUESSES, MOST_GUESSED_DB = 3, 2.0
SLOPE_DB = 0.05
# A smaller step is told from the slope, not tried again, and heard with the whole: off by 0.01 LU on average.
TOLD_DB = 0.15
MOST_STEP_DB = 3.0  # further, a slope tells nothing
NO_PEAK_DBTP = -200.0
PEAK = "true_peak_dbtp"
SURE_DB = 1.5  # a peak that is foretold is off by 1 dB at most
TOO_HARD_DB = 24.0  # no goal is worth more than this at the limiter


Trial = Callable[[Limiting, float], Limited]
"""What a gain gives behind a limiter."""


@dataclass(frozen=True)
class _Tried:
    """A gain, the loudness it gives, and what the limiter did for it; `why` says what ended the search too early."""

    gain_db: float
    lufs: float
    limited: Limited | None = None
    why: str = ""
    dropped: bool = False  # the limiter was
    borne: bool = False  # the limiter takes what the genre bears, and no more
    told: bool = False  # its last step was not heard
    lowered: bool = False  # under the ceiling, as its peaks are not limited twice


def propose(scene: Scene) -> Proposal:
    """The gain that brings the limited sound to its goal."""
    goal = goal_lufs(scene)
    now = scene.target.integrated_lufs
    if goal is None or now is None:
        return Proposal()
    aim, bound = _bearing(scene, goal, now)
    wanted = aim - now
    if not bound and abs(wanted) <= TOLERANCE_LU and (scene.nothing_to_do or not _over(scene, wanted)):
        near = f"{written('x_lufs', now)} is within {TOLERANCE_LU} LU of the goal, {written('x_lufs', goal)}"
        if scene.settled_lufs is not None:
            near = f"{written('x_lufs', now)} is what our own master was brought to; --loudness asks for another"
        text = f"Loudness left alone: {near}."
        return Proposal(rejected=(Rejected("match_loudness", text),), goal_lufs=goal)
    rests = bound and abs(wanted) <= TOLERANCE_LU and not _over(scene, wanted)
    tried = _Tried(0.0, now) if rests else _solve(scene, aim, wanted)
    tried = replace(tried, why=tried.why or bound)
    param = Param.nearest("gain_db", round(tried.gain_db, 3), -MAX_GAIN_DB, MAX_GAIN_DB, 0.0)
    taken_pct = 0.0 if tried.lowered else _taken(now, goal, tried.lufs)
    gaps = [Gap("integrated_lufs", now, goal, TOLERANCE_LU, 0.0, taken_pct, "the goal")]
    if tried.lowered:
        gaps.append(Gap(PEAK, _own_peak_dbtp(scene), _ceiling_dbtp(scene), 0.0, 0.0, 100.0, "the ceiling"))
    # Finer than any display, so that what is said of it anywhere is rounded alike; coarser than its last bits.
    stated = goal if abs(tried.lufs - goal) <= TOLERANCE_LU else round(tried.lufs, 3)
    move = Move("match_loudness", STAGE, (param,), tuple(gaps), confidence=1.0)
    margin = tried.limited.limiting.margin_db if tried.limited else None
    moves = (move,) if param.value else ()  # no gain is no move: written down, it would only dither the sound again
    paid = _price(scene, goal, now, tried)
    near = f"{written('x_lufs', tried.lufs)} is within {TOLERANCE_LU} LU of the goal, {written('x_lufs', goal)}"
    left = () if moves or paid else (Rejected("match_loudness", f"Loudness left alone: {near}."),)
    return Proposal(
        moves,
        left,
        paid,
        goal_lufs=stated,
        asked_lufs=goal,
        margin_db=margin,
        estimated=_estimated(scene, tried),
    )


def goal_lufs(scene: Scene) -> float | None:
    """What the master should read: as asked, or as the reference does, as far as the amount goes; our own as it is."""
    now, amount, comparison = scene.target.integrated_lufs, scene.request.amount_pct, scene.comparison
    if scene.settled_lufs is not None:
        return scene.settled_lufs
    if scene.request.loudness_lufs is not None:
        return scene.request.loudness_lufs
    if now is None or comparison is None or comparison.loudness_lufs is None:
        return None
    theirs = comparison.loudness_lufs
    full = theirs if comparison.loudness_full_lufs is None else comparison.loudness_full_lufs
    return now + at_amount(amount, theirs - now, full - now)


def surely_limited(scene: Scene) -> bool:
    """Whether the limiter will have to work, though the peak of the target may be `SURE_DB` less until it was heard.

    False where more than that depends on the peak: then it has to be known.
    """
    goal, now = goal_lufs(scene), scene.target.integrated_lufs
    if goal is None or now is None or scene.limiting is None or scene.limiting.clip_db == 0.0:
        return False
    if is_limited(scene.target) and not scene.spoken:
        return False
    wanted = _bearing(scene, goal, now)[0] - now
    return _over(scene, wanted if scene.heard is not None else wanted - SURE_DB)


def _bearing(scene: Scene, goal: float, now: float) -> tuple[float, str]:
    """The goal, or how far toward it the music may be driven before it is too dense, and then why; never quieter."""
    known = None
    if not (
        scene.spoken or scene.settled_lufs is not None or is_limited(scene.target)
    ):  # of a limited one peaks decide
        density = scene.comparison.density if scene.comparison else None
        known = most_lufs(scene.genre, density, scene.target, _ceiling_dbtp(scene))
    if known is None or goal - known[0] <= TOLERANCE_LU:
        return goal, ""
    return known


def apply(blocks: Blocks, move: Move, sample_rate_hz: int) -> Iterator[FloatArray]:
    """Gain."""
    gain = db_to_gain(move["gain_db"])
    for block in blocks:
        yield block * gain


def foresee(profile: Profile, move: Move) -> Profile:
    """All levels, moved by the gain."""
    gain = move["gain_db"]
    names = ("integrated_lufs", "max_short_term_lufs", "max_momentary_lufs", "true_peak_dbtp", "sample_peak_dbfs")
    levels = {name: getattr(profile, name) for name in names}
    moved: dict[str, Any] = {name: None if level is None else level + gain for name, level in levels.items()}
    return replace(profile, ltas_db=tuple(level + gain for level in profile.ltas_db), **moved)


def effect(move: Move, master: Profile) -> Effect:
    """Integrated loudness before the gain, and of the master."""
    after = master.integrated_lufs if master.integrated_lufs is not None else -70.0
    return Effect("integrated_lufs", move.because[0].target if move.because else after - move["gain_db"], after)


def blank(move_id: str, channels: int) -> Move:
    """No gain."""
    return Move(move_id, STAGE, (Param("gain_db", 0.0, -MAX_GAIN_DB, MAX_GAIN_DB, 0.0),), (), 1.0)


def explain(move: Move) -> str:
    """The gain, and where it leads."""
    verb = "Turn up:" if move["gain_db"] > 0 else "Turn down:"
    if not move.because:
        return f"{verb} {move.param('gain_db')}."
    gap = move.because[0]
    if any(one.feature == PEAK for one in move.because):
        return (
            f"{verb} {move.param('gain_db')}, by as much as its own peaks stand over the ceiling. They have been "
            "limited already, and a second limiter would only flatten them."
        )
    if abs(gap.target - gap.reference) <= CLOSE_LU:  # what follows takes some off
        level = written("x_lufs", gap.reference)
        return f"{verb} {move.param('gain_db')}, so that behind the limiter it reads {level} as before."
    now, goal = told_apart(gap.target, gap.reference, 1)
    return (
        f"{verb} {move.param('gain_db')}. Before it the track reads {now} LUFS, the goal is {goal} LUFS; "
        f"that covers {gap.taken_pct:.0f} % of the way."
    )


def _over(scene: Scene, gain_db: float) -> bool:
    return _peak_dbtp(scene) + gain_db > _ceiling_dbtp(scene)


def _ceiling_dbtp(scene: Scene) -> float:
    return scene.request.ceiling_dbtp if scene.limiting is None else scene.limiting.ceiling_dbtp


def _peak_dbtp(scene: Scene) -> float:
    peak = scene.target.true_peak_dbtp
    return NO_PEAK_DBTP if peak is None else peak


def _own_peak_dbtp(scene: Scene) -> float:
    return _peak_dbtp(scene) if scene.own_peak_dbtp is None else scene.own_peak_dbtp


def _solve(scene: Scene, goal: float, wanted: float) -> _Tried:
    """The gain whose limited sound reads the goal, under a ceiling that other meters see held too."""
    now, peak = scene.target.integrated_lufs or 0.0, _peak_dbtp(scene)
    if scene.limiting is None:
        gain = min(wanted, scene.request.ceiling_dbtp - peak)
        return _Tried(
            gain, now + gain, why="the limiter was dropped, so gain ends where the peaks meet the ceiling", dropped=True
        )
    if not _over(scene, wanted):
        return _Tried(wanted, goal)
    limiting, trial = scene.limiting if scene.heard is None else scene.heard.limiting, _trial(scene)
    if is_limited(scene.target) and not scene.spoken and scene.settled_lufs is None:
        most = limited_bears(peak, _own_peak_dbtp(scene), limiting.ceiling_dbtp, limiting.margin_db)
        if wanted > most:
            return _untouched_peaks(scene, limiting, trial, most)
    if abs(wanted) <= TOLERANCE_LU and (near := _without_gain(limiting, trial, goal)) is not None:
        return near
    first_db = wanted if scene.heard is None else scene.heard.gain_db
    tried = _limited(scene, limiting, trial, goal, first_db)
    if (wider := _wider(tried)) is not None:
        tried = _limited(scene, wider, trial, goal, tried.gain_db)
    return tried


def _without_gain(limiting: Limiting, trial: Trial, goal: float) -> _Tried | None:
    """What the limiter alone gives, where that is as near to the goal as anybody asks."""
    tried = _held(limiting, trial, 0.0)
    return tried if abs(tried.lufs - goal) <= TOLERANCE_LU else None


def _held(limiting: Limiting, trial: Trial, gain_db: float, why: str = "") -> _Tried:
    """A gain into the limiter, with a margin for other meters where it needs one."""
    tried = _tried(trial(limiting, gain_db), why)
    wider = _wider(tried)
    return tried if wider is None else _tried(trial(wider, gain_db), why)


def _trial(scene: Scene) -> Trial:
    """What gains give: as the excerpt tells, and once the whole was heard less what the excerpt was wrong by there."""
    heard = scene.heard

    @cache
    def estimated(limiting: Limiting, gain_db: float) -> Limited:
        return limited_as(scene.excerpt(), limiting, gain_db, threads=scene.threads)

    def trial(limiting: Limiting, gain_db: float) -> Limited:
        gain_db = round(gain_db, 3)  # as the move will say it
        if heard is None or not _over(scene, gain_db):  # where nothing is limited, nothing is estimated
            return estimated(limiting, gain_db)
        if (heard.limiting, heard.gain_db) == (limiting, gain_db):
            return heard
        now, then = estimated(limiting, gain_db), estimated(heard.limiting, heard.gain_db)
        hard_db = max(0.0, now.hard_db + heard.hard_db - then.hard_db)
        loudest = (now.loudest_lufs, heard.loudest_lufs, then.loudest_lufs)
        return replace(now, lufs=now.lufs + heard.lufs - then.lufs, hard_db=hard_db, loudest_lufs=_corrected(*loudest))

    return trial


def _corrected(now: float | None, heard: float | None, then: float | None) -> float | None:
    return None if now is None or heard is None or then is None else now + heard - then


def _estimated(scene: Scene, tried: _Tried) -> bool:
    """Whether the whole may be another matter."""
    return tried.limited is not None and tried.limited is not scene.heard and (tried.told or not scene.excerpt().whole)


def _wider(tried: _Tried) -> Limiting | None:
    """The same limiter with a margin for what a second, shorter meter read over the ceiling; None where it is under."""
    if tried.limited is None:
        return None
    limiting = tried.limited.limiting
    over = tried.limited.peak_dbtp - limiting.ceiling_dbtp
    return replace(limiting, margin_db=round(limiting.margin_db + over + 0.02, 3)) if over > 0 else None


def _limited(scene: Scene, limiting: Limiting, trial: Trial, goal: float, gain_db: float) -> _Tried:
    """The gain that reads the goal behind the limiter, or unless a person spoke the most that the music bears."""
    tried = _search(scene, limiting, trial, goal, gain_db)
    if scene.spoken or tried.limited is None:
        return tried
    density, held_dbtp = (
        scene.comparison.density if scene.comparison else None,
        limiting.ceiling_dbtp - limiting.margin_db,
    )
    bearing = bearing_of(scene.genre, density, scene.target, loudest_psr_db(scene.excerpt()), held_dbtp)
    most_db = HEARD_BEARING_DB if tried.limited is scene.heard else 0.0
    return _bearable(scene, trial, tried.limited, bearing) if bearing.excess_db(tried.limited) > most_db else tried


def _untouched_peaks(scene: Scene, limiting: Limiting, trial: Trial, gain: float) -> _Tried:
    """A limited track at the gain that its own peaks allow, and why; what moves raised, the limiter takes."""
    now, why = scene.target.integrated_lufs or 0.0, limited_words(scene.target, _own_peak_dbtp(scene), gain)
    quiet = _peak_dbtp(scene) + gain <= limiting.ceiling_dbtp
    tried = _Tried(gain, now + gain, why=why) if quiet else _held(limiting, trial, gain, why)
    return replace(tried, lowered=gain < 0)


def _bearable(scene: Scene, trial: Trial, asked: Limited, bearing: Bearing) -> _Tried:
    """The largest gain that the music bears."""
    found, before, slope = asked, None, 1.0
    if scene.heard is not None and scene.heard.limiting == asked.limiting:
        found = scene.heard
    for _ in range(BEARING_ROUNDS):
        close = HEARD_BEARING_DB if found is scene.heard else BEARING_DB
        excess = bearing.excess_db(found)
        if abs(excess) <= close and found is not asked:
            break
        if before is not None and abs(found.gain_db - before.gain_db) > SLOPE_DB:
            rise = (excess - bearing.excess_db(before)) / (found.gain_db - before.gain_db)
            slope = float(np.clip(rise, LEAST_BORNE_SLOPE, 1.0))  # the loudest 3 s rise by less than the gain
        before, found = found, trial(found.limiting, found.gain_db - excess / slope)
    return replace(_tried(found, bearing.words(found, asked)), borne=True)


def _search(scene: Scene, limiting: Limiting, trial: Trial, goal: float, gain_db: float) -> _Tried:
    """Secant steps on the gain, each heard through the real limiter; a last small one is heard with the whole."""
    most = limiting.ceiling_dbtp - _peak_dbtp(scene) + TOO_HARD_DB
    best = trial(limiting, min(_likely(scene, limiting, goal, gain_db), most))
    slope = _likely_slope(scene, limiting, best.gain_db)
    for _ in range(ROUNDS):
        miss = goal - best.lufs
        step = min(best.gain_db + float(np.clip(miss / slope, -MOST_STEP_DB, MOST_STEP_DB)), most) - best.gain_db
        if abs(miss) <= (HEARD_CLOSE_LU if best is scene.heard else CLOSE_LU):
            break
        if abs(step) < 1e-3:
            return _tried(best, f"the limiter would have to take more than {TOO_HARD_DB:g} dB")
        if abs(step) <= TOLD_DB and best.gain_db + step < most:
            return replace(_tried(_moved(best, step, goal)), told=True)
        after = trial(limiting, best.gain_db + step)
        if step > 0 and after.lufs - best.lufs < LEAST_SLOPE * step / 2:
            return _tried(best, "more gain would only drive the limiter, and bring next to no loudness")
        slope = float(np.clip((after.lufs - best.lufs) / step, LEAST_SLOPE, 1.0))
        best = after
    return _tried(best)


def _likely(scene: Scene, limiting: Limiting, goal: float, gain_db: float) -> float:
    """A gain nearer to the answer, because trying costs more than guessing."""
    if scene.heard is not None:
        return gain_db
    guess_db = gain_db
    for _ in range(GUESSES):
        lufs = likely_lufs(scene.excerpt(), limiting, guess_db)
        guess_db += 0.0 if lufs is None else goal - lufs
    return min(guess_db, gain_db + MOST_GUESSED_DB)


def _likely_slope(scene: Scene, limiting: Limiting, gain_db: float) -> float:
    """How much loudness a dB of gain brings there, by the same guess."""
    below, above = (likely_lufs(scene.excerpt(), limiting, gain_db + off) for off in (-SLOPE_DB, SLOPE_DB))
    return 1.0 if below is None or above is None else float(np.clip((above - below) / (2 * SLOPE_DB), LEAST_SLOPE, 1.0))


def _moved(limited: Limited, step_db: float, lufs: float) -> Limited:
    """What a little more gain, or less, gives: a limiter that works takes all of it."""
    hard, most = (max(0.0, taken + step_db) for taken in (limited.hard_db, limited.max_reduction_db))
    loudest = None if limited.loudest_lufs is None else limited.loudest_lufs + lufs - limited.lufs
    moved = replace(limited, gain_db=round(limited.gain_db + step_db, 3), lufs=lufs, loudest_lufs=loudest)
    return replace(moved, hard_db=hard, max_reduction_db=most)


def _tried(limited: Limited, why: str = "") -> _Tried:
    return _Tried(limited.gain_db, limited.lufs, limited, why)


def _taken(now: float, goal: float, reached: float) -> float:
    """To a tenth: what is heard of a master that is not written differs from one that is by its last bits."""
    if abs(goal - now) <= 0.05:
        return 100.0
    return round(float(np.clip(100 * (reached - now) / (goal - now), 0.0, 100.0)), 1)


def _price(scene: Scene, goal: float, now: float, tried: _Tried) -> tuple[NotReached, ...]:
    """Why the goal was not reached, and what was paid for what was."""
    found, limited = [], is_limited(scene.target)
    if abs(tried.lufs - goal) > TOLERANCE_LU:
        why = tried.why or "the search for the gain did not settle"
        how = {"dropped": tried.dropped, "spoken": scene.spoken, "limited": limited}
        how["raised"] = _peak_dbtp(scene) > _own_peak_dbtp(scene) + 0.005  # as two digits show it
        how["higher_ceiling"] = tried.lowered and _ceiling_dbtp(scene) < 0
        found.append(price.short_of(goal, round(tried.lufs, 3), now, why, **how))
    work = tried.limited
    if work is not None and work.over_4_db_pct > HARD_WORK_PCT and not tried.borne:
        found.append(price.hard_work(work, limited=limited))
    return tuple(found)
