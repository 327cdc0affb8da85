"""Match the loudness: one gain, found in a closed loop with the limiter that follows it.

The goal is the reference's integrated loudness, or what the person asks for. What the limiter takes off is loudness
too, so the gain is corrected until the limited sound reads the goal; where the limiter would have to work too hard, or
was dropped, the gain stops short and says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refmaster.compare import is_limited
from refmaster.dsp.limiter import Limiting, ReductionMeter, limited
from refmaster.dsp.oversample import SHORT_BETA, SHORT_TAPS
from refmaster.genres import ANY
from refmaster.measure.loudness import LoudnessMeter
from refmaster.measure.true_peak import TruePeakMeter
from refmaster.moves import Blocks, Scene
from refmaster.records import Effect, Gap, Move, NotReached, Param, Profile, Proposal, Rejected, Stage
from refmaster.units import FloatArray, db_to_gain, gain_to_db, written

STAGE = Stage.LEVEL
PARTS: tuple[str, ...] = ()
TOLERANCE_LU = 0.1
CLOSE_LU = 0.02  # the loop stops here
ROUNDS = 9
LEAST_SLOPE = 0.05  # loudness gained a dB of drive: less means that the limiter has nothing left to give
MAX_GAIN_DB = 60.0
HARD_WORK_PCT = 1.0  # of the time with more than the genre's limiting: then it stops short, or says so
BEARING_ROUNDS, BEARING_DB = 4, 0.15
TOO_HARD_DB = 24.0  # no goal is worth more than this at the limiter


@dataclass(frozen=True)
class _Tried:
    """A gain, the loudness it gives behind the limiter, and what the limiter did for it.

    `peak_dbtp` is the true peak behind the limiter as a short interpolator reads it; `why` says what ended the search
    where it ended early.
    """

    gain_db: float
    lufs: float
    over_4_db_pct: float = 0.0
    max_reduction_db: float = 0.0
    hard_db: float = 0.0  # the reduction that is passed for `HARD_WORK_PCT` of the time
    peak_dbtp: float = -200.0
    limiting: Limiting | None = None
    why: str = ""
    dropped: bool = False  # the limiter was


def propose(scene: Scene) -> Proposal:
    """The gain that brings the limited sound to its goal."""
    goal = goal_lufs(scene)
    now = scene.target.integrated_lufs
    if goal is None or now is None:
        return Proposal()
    wanted = goal - now
    if abs(wanted) <= TOLERANCE_LU and (scene.nothing_to_do or not _over(scene, wanted)):
        near = f"{written('x_lufs', now)} is within {TOLERANCE_LU} LU of the goal, {written('x_lufs', goal)}"
        if scene.settled_lufs is not None:
            near = f"{written('x_lufs', now)} is what our own master was brought to; --loudness asks for another"
        text = f"Loudness left alone: {near}."
        return Proposal(rejected=(Rejected("match_loudness", text),), goal_lufs=goal)
    tried = _solve(scene, goal, wanted)
    param = Param("gain_db", round(tried.gain_db, 3), -MAX_GAIN_DB, MAX_GAIN_DB, 0.0)
    gap = Gap("integrated_lufs", now, goal, TOLERANCE_LU, 0.0, _taken(now, goal, tried.lufs))
    stated = goal if abs(tried.lufs - goal) <= TOLERANCE_LU else round(tried.lufs, 2)
    move = Move("match_loudness", STAGE, (param,), (gap,), confidence=1.0)
    margin = tried.limiting.margin_db if tried.limiting else None
    moves = (move,) if param.value else ()  # no gain is no move: written down, it would only dither the sound again
    return Proposal(moves, not_reached=_price(goal, tried), goal_lufs=stated, margin_db=margin)


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
    return now + (theirs - now) * min(1.0, amount / 50) + (full - theirs) * max(0.0, amount / 50 - 1)


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
    return (
        f"{verb} {move.param('gain_db')}. Before it the track reads {written('x_lufs', gap.target)}, the goal is "
        f"{written('x_lufs', gap.reference)}; {gap.taken_pct:.0f} % of the way is gone, limiting included."
    )


def _over(scene: Scene, gain_db: float) -> bool:
    peak = scene.target.true_peak_dbtp
    ceiling = scene.request.ceiling_dbtp if scene.limiting is None else scene.limiting.ceiling_dbtp
    return peak is not None and peak + gain_db > ceiling


def _solve(scene: Scene, goal: float, wanted: float) -> _Tried:
    """The gain whose limited sound reads the goal, under a ceiling that other meters see held too."""
    now, peak = scene.target.integrated_lufs or 0.0, scene.target.true_peak_dbtp or -200.0
    if scene.limiting is None:
        gain = min(wanted, scene.request.ceiling_dbtp - peak)
        return _Tried(
            gain, now + gain, why="the limiter was dropped, so gain ends where the peaks meet the ceiling", dropped=True
        )
    if not _over(scene, wanted):
        return _Tried(wanted, goal)
    spoken = scene.request.loudness_lufs is not None or scene.request.in_full
    if wanted > 0 and not spoken and is_limited(scene.target):
        return _untouched_peaks(scene, scene.limiting, now, peak)
    tried = _limited(scene, scene.limiting, goal, wanted, spoken=spoken)
    if (wider := _wider(scene.limiting, tried)) is not None:
        tried = _limited(scene, wider, goal, tried.gain_db, spoken=spoken)
    return tried


def _wider(limiting: Limiting, tried: _Tried) -> Limiting | None:
    """The same with a margin for what a second, shorter meter read over the ceiling; None where it read nothing."""
    over = tried.peak_dbtp - limiting.ceiling_dbtp
    return replace(limiting, margin_db=round(limiting.margin_db + over + 0.02, 3)) if over > 0 else None


def _limited(scene: Scene, limiting: Limiting, goal: float, gain_db: float, *, spoken: bool) -> _Tried:
    """The gain that reads the goal behind the limiter, or unless a person spoke the most that the music bears."""
    tried = _search(scene, limiting, goal, gain_db)
    if not spoken and tried.hard_db > scene.genre.limiting_db:
        return _bearable(scene, limiting, tried)
    return tried


def _untouched_peaks(scene: Scene, limiting: Limiting, now: float, peak: float) -> _Tried:
    """A limited track is turned up no further than its peaks allow: a second limiter would only flatten it."""
    held = scene.target.peaks_held_pct or 0.0
    room = limiting.ceiling_dbtp - limiting.margin_db - peak
    gain = round(room, 3) if room > TOLERANCE_LU else 0.0  # less is not worth a move, and would be found at every pass
    why = f"its peaks have been limited already ({held:.0f} % of them stand within 0.5 dB), and more would flatten it"
    if peak + gain <= limiting.ceiling_dbtp:
        return _Tried(gain, now + gain, why=why)
    tried = _try(scene, limiting, 0.0)
    if (wider := _wider(limiting, tried)) is not None:
        tried = _try(scene, wider, 0.0)
    return replace(tried, why=why)


def _bearable(scene: Scene, limiting: Limiting, tried: _Tried) -> _Tried:
    """The largest gain for which the limiter does no more than the genre bears, for all but 1 % of the time."""
    bears = scene.genre.limiting_db
    asked = tried.hard_db
    for _ in range(BEARING_ROUNDS):
        tried = _try(scene, limiting, tried.gain_db - (tried.hard_db - bears))
        if abs(tried.hard_db - bears) <= BEARING_DB:
            break
    worked = f"the limiter would take more than {asked:.1f} dB for {HARD_WORK_PCT:g} % of the time"
    why = f"{worked}; {bears:g} dB is what {_kind(scene)} bears"
    return replace(tried, why=why)


def _kind(scene: Scene) -> str:
    """The music that bears so much, in words."""
    return "music" if scene.genre.name == ANY else f"this genre ({scene.genre.label})"


def _search(scene: Scene, limiting: Limiting, goal: float, gain_db: float) -> _Tried:
    """Secant steps on the gain, each heard through the real limiter."""
    most = limiting.ceiling_dbtp - (scene.target.true_peak_dbtp or 0.0) + TOO_HARD_DB
    best = _try(scene, limiting, min(gain_db, most))
    slope = 1.0
    for _ in range(ROUNDS):
        miss = goal - best.lufs
        step = min(best.gain_db + miss / slope, most) - best.gain_db
        if abs(miss) <= CLOSE_LU:
            break
        if abs(step) < 1e-3:
            return replace(best, why=f"the limiter would have to take more than {TOO_HARD_DB:g} dB")
        after = _try(scene, limiting, best.gain_db + step)
        if step > 0 and after.lufs - best.lufs < LEAST_SLOPE * step / 2:
            return replace(best, why="more gain would only drive the limiter, and bring next to no loudness")
        slope = float(np.clip((after.lufs - best.lufs) / step, LEAST_SLOPE, 1.0))
        best = after
    return best


def _try(scene: Scene, limiting: Limiting, gain_db: float) -> _Tried:
    """What a gain gives, heard through the real limiter over the whole track."""
    gain_db = round(gain_db, 3)  # as the move will say it
    rate, channels = scene.target.sample_rate_hz, scene.target.channels
    reduction, loudness = ReductionMeter(rate), LoudnessMeter(rate, channels)
    peak = TruePeakMeter(rate, channels, taps=SHORT_TAPS, beta=SHORT_BETA)
    for block in limited(scene.sound(), rate, limiting, drive_db=gain_db, meter=reduction, aside=scene.threads > 1):
        loudness.feed(block)
        peak.feed(block)
    work, lufs = reduction.read(), loudness.read().integrated_lufs
    return _Tried(
        gain_db=gain_db,
        lufs=lufs if lufs is not None else -70.0,
        over_4_db_pct=work.share_over_4_db_pct,
        max_reduction_db=work.max_db,
        hard_db=float(np.percentile(work.history_db, 100 - HARD_WORK_PCT)) if work.history_db else 0.0,
        peak_dbtp=gain_to_db(max(peak.read())),
        limiting=limiting,
    )


def _taken(now: float, goal: float, reached: float) -> float:
    return float(np.clip(100 * (reached - now) / (goal - now), 0.0, 100.0)) if abs(goal - now) > 0.05 else 100.0


def _price(goal: float, tried: _Tried) -> tuple[NotReached, ...]:
    """Why the goal was not reached, and what was paid for what was."""
    found = []
    if abs(tried.lufs - goal) > TOLERANCE_LU:
        advice = (
            "Keep limit_peaks, or ask for less with --loudness."
            if tried.dropped
            else f"Tame the loudest peaks in the mix (often kick, snare or a vocal), or ask for it all the same: "
            f"--loudness {goal:.1f}."
        )
        why = tried.why or "the search for the gain did not settle"
        found.append(
            NotReached(
                "integrated_lufs",
                f"Loudness stops at {written('x_lufs', tried.lufs)}, {abs(goal - tried.lufs):.1f} LU short of "
                f"{written('x_lufs', goal)}: {why}. {advice}",
            )
        )
    if tried.over_4_db_pct > HARD_WORK_PCT:
        found.append(
            NotReached(
                "limiting",
                f"The loudness has a price: the limiter takes more than 4 dB for {tried.over_4_db_pct:.0f} % of the "
                f"time, {tried.max_reduction_db:.1f} dB at most. Tame kick, snare or vocal peaks in the mix, or ask "
                f"for less with --loudness.",
            )
        )
    return tuple(found)
