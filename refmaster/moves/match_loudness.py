"""Match the loudness: one gain, found in a closed loop with the limiter that follows it (`drive`).

The goal is the reference's integrated loudness, or what the person asks for. Where the limiter would have to work too
hard, or was dropped, the gain stops short and says so.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from refmaster import price
from refmaster.bearing import Bearing, bearing_of, limited_bears, limited_words, most_lufs
from refmaster.compare import at_amount, is_limited
from refmaster.drive import CLOSE_LU, TOLERANCE_LU, Drive, Tried
from refmaster.dsp.limiter import Limiting
from refmaster.measure.excerpt import HARD_WORK_PCT, loudest_psr_db
from refmaster.moves import Blocks, Scene
from refmaster.records import Density, Effect, Gap, Move, NotReached, Param, Profile, Proposal, Rejected, Stage
from refmaster.units import FloatArray, db_to_gain, written
from refmaster.writing import told_apart

STAGE = Stage.LEVEL
PARTS: tuple[str, ...] = ()
EVIDENT = True
SIDES = ("before it", "goal")
MAX_GAIN_DB = 60.0
NO_PEAK_DBTP = -200.0
PEAK = "true_peak_dbtp"
SURE_DB = 1.5  # a peak that is foretold is off by 1 dB at most


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
    tried = Tried(0.0, now) if rests else _solve(scene, aim, wanted)
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
    if _own_peaks_decide(scene):
        return False
    wanted = _bearing(scene, goal, now)[0] - now
    return _over(scene, wanted if scene.heard is not None else wanted - SURE_DB)


def _bearing(scene: Scene, goal: float, now: float) -> tuple[float, str]:
    """The goal, or how far toward it the music may be driven before it is too dense, and then why; never quieter."""
    if scene.spoken or scene.settled_lufs is not None or _own_peaks_decide(scene):
        return goal, ""
    known = most_lufs(scene.genre, _density(scene), scene.target, _ceiling_dbtp(scene))
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


def _solve(scene: Scene, goal: float, wanted: float) -> Tried:
    """The gain whose limited sound reads the goal, under a ceiling that other meters see held too."""
    now, peak = scene.target.integrated_lufs or 0.0, _peak_dbtp(scene)
    if scene.limiting is None:
        gain = min(wanted, scene.request.ceiling_dbtp - peak)
        return Tried(
            gain, now + gain, why="the limiter was dropped, so gain ends where the peaks meet the ceiling", dropped=True
        )
    if not _over(scene, wanted):
        return Tried(wanted, goal)
    drive = Drive(scene.excerpt, scene.limiting, peak, heard=scene.heard, threads=scene.threads)
    if _own_peaks_decide(scene):
        held = drive.limiting
        most = limited_bears(peak, _own_peak_dbtp(scene), held.ceiling_dbtp, held.margin_db)
        if wanted > most:
            return _untouched_peaks(scene, drive, most)
    return drive.toward(goal, wanted, None if scene.spoken else lambda limiting: _bears(scene, limiting))


def _own_peaks_decide(scene: Scene) -> bool:
    """Whether the track has been limited, and nobody spoke for more and it is no master of ours: its peaks bound it."""
    return is_limited(scene.target) and not scene.spoken and scene.settled_lufs is None


def _untouched_peaks(scene: Scene, drive: Drive, gain: float) -> Tried:
    """A limited track at the gain that its own peaks allow, and why; what moves raised, the limiter takes."""
    now, why = scene.target.integrated_lufs or 0.0, limited_words(scene.target, _own_peak_dbtp(scene), gain)
    quiet = _peak_dbtp(scene) + gain <= drive.limiting.ceiling_dbtp
    tried = Tried(gain, now + gain, why=why) if quiet else drive.at(gain, why)
    return replace(tried, lowered=gain < 0)


def _bears(scene: Scene, limiting: Limiting) -> Bearing:
    """What the music bears of a limiter."""
    held_dbtp, own_psr_db = limiting.ceiling_dbtp - limiting.margin_db, loudest_psr_db(scene.excerpt())
    return bearing_of(scene.genre, _density(scene), scene.target, own_psr_db, held_dbtp)


def _density(scene: Scene) -> Density | None:
    return scene.comparison.density if scene.comparison else None


def _estimated(scene: Scene, tried: Tried) -> bool:
    """Whether the whole may be another matter."""
    return tried.limited is not None and tried.limited is not scene.heard and (tried.told or not scene.excerpt().whole)


def _taken(now: float, goal: float, reached: float) -> float:
    """To a tenth: what is heard of a master that is not written differs from one that is by its last bits."""
    if abs(goal - now) <= 0.05:
        return 100.0
    return round(float(np.clip(100 * (reached - now) / (goal - now), 0.0, 100.0)), 1)


def _price(scene: Scene, goal: float, now: float, tried: Tried) -> tuple[NotReached, ...]:
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
