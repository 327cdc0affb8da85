"""Explain: a Report in words, made from the numbers that did the work."""

import math
from dataclasses import replace
from pathlib import PurePath

from refmaster import price
from refmaster.bands import FREQUENCY_NAME
from refmaster.compare.pairing import no_side
from refmaster.dsp.biquad import HIGHEST_SHARE
from refmaster.moves import match_dynamics, mover_of
from refmaster.names import OWN_ENGINE, shown
from refmaster.records import (
    Check,
    Effect,
    GainReduction,
    Move,
    NotReached,
    Plan,
    Profile,
    Rejected,
    Report,
    Request,
    Stage,
    Status,
    Verdict,
)
from refmaster.units import unit_of, written
from refmaster.writing import bounds, counted, label, said, subject, tone_words

OVER_FULL_SCALE, ENCODED_ANEW = "over_full_scale", "encoded_anew"  # what an untouched target lost all the same
CONFLICT = {"dB": 0.5, "dBTP": 0.05, ":1": 0.25}  # a lock that is no further from the evidence contradicts nothing


def texts(plan: Plan, work: GainReduction | None = None) -> tuple[tuple[str, str], ...]:
    """The explanation of every move, by id, with the person's own part in it, and how hard the limiter worked."""
    return tuple((move.id, text_of(move, work)) for move in plan.moves)


def _work_of(move: Move, work: GainReduction | None) -> str:
    if work is None or move.mover != "limit_peaks" or not move.active:
        return ""
    if work.max_db <= 0:
        return " It had nothing to do."
    most = written("margin_db", work.max_db)
    text = f" It takes up to {most}, and works for {work.share_working_pct:.1f} % of the time."
    tone = tone_words(work.tone_db, work.tone_hz)
    return f"{text} It changes the tone by up to {tone}." if tone else text


def text_of(move: Move, work: GainReduction | None = None) -> str:
    """What the mover says of the move, what a person did to it, and where it is the limiter how hard it worked."""
    apart = [p for p in move.params if dict(move.proposed).get(p.name, p.value) != p.value]
    held = move.locked and bool(apart)
    own = move.verdict is Verdict.OVERRIDE or held
    reasons = () if own else move.because  # a person's value answers no gap of ours
    mover = mover_of(move)
    text = mover.explain(replace(move, because=reasons))
    before = ", ".join(f"{p.name} {dict(move.proposed)[p.name]:g}" for p in apart).replace("-", "−")
    if move.verdict is Verdict.DROP:
        proposed = move.because and move.mover != "limit_peaks"
        text = f"Dropped by you. It would have been: {text}" if proposed else "Dropped by you."
    elif held:
        text = f"Locked by you; the evidence says {before}. {text}"
    elif move.verdict is Verdict.OVERRIDE:
        asked = f"; the evidence says {before}" if mover.EVIDENT else f" ({before} was proposed)"
        text = f"Set by you{asked if before and move.because else ''}. {text}"
    text += _work_of(move, work)
    return f"{text} Note: {move.note}" if move.note else text


def conflicts(plan: Plan) -> tuple[str, ...]:
    """What a person locked and the evidence would have otherwise: told, not overruled."""
    found = []
    for move in plan.active:
        for param in move.params if move.locked else ():
            now = dict(move.proposed).get(param.name, param.value)
            if abs(now - param.value) > CONFLICT.get(unit_of(param.name) or "", math.inf):
                says = "asked for is" if move.mover == "limit_peaks" else "the evidence says"
                found.append(f"{move.id} is locked by you at {param}; {says} {written(param.name, now)}")
    return tuple(found)


def idle(plan: Plan, target: Profile) -> tuple[str, ...]:
    """What a person set and this target has no place for: a side in mono, or a frequency above its end."""
    ends_hz, found = target.sample_rate_hz / 2, []
    ends = written("cutoff_hz", ends_hz)
    for move in plan.active:
        if move.verdict is not Verdict.OVERRIDE and not move.locked:
            continue
        place = next((param for param in move.params if param.name in FREQUENCY_NAME.values()), None)
        if move.mover == "match_width" and (why := no_side(target)):
            found.append(f"{move.id} does nothing: {why}, so there is no side, and nothing can be widened or narrowed")
        elif place is not None and place.value > (most_hz := HIGHEST_SHARE * target.sample_rate_hz):
            works = written("centre_hz", most_hz)
            found.append(f"{move.id} works at {works} and not at {place}: at its sample rate the target ends at {ends}")
        elif move.mover == "match_dynamics" and (from_hz := match_dynamics.begins_hz(move)) >= ends_hz:
            begins = written("cutoff_hz", from_hz)
            found.append(f"{move.id} does nothing: it begins at {begins}, and the target ends at {ends}")
    return tuple(found)


def short_of(plan: Plan, effects: tuple[tuple[str, Effect], ...]) -> tuple[str, ...]:
    """Bands whose dynamics came out otherwise than was aimed at: other moves bend them, and a ratio has its end."""
    told, found = dict(effects), []
    for move in plan.active:
        if (
            move.stage is not Stage.DYNAMICS
            or not move.because
            or move.id not in told
            or move.verdict is not Verdict.KEEP
        ):
            continue
        gap, after = move.because[0], told[move.id].after
        share = gap.taken_pct / 100 if gap.taken_pct > 0 else 1.0  # else it brings back what others bent
        aim = gap.target * (gap.reference / gap.target) ** share
        if abs(after - aim) > gap.tolerance:
            found.append(
                f"{move.id} was to leave {aim:.1f} dB between loud passages and the median; {after:.1f} dB is left"
            )
    return tuple(found)


def verdict_line(report: Report) -> str:
    """The result in one line."""
    rendered = report.master is not None
    return verdict_words(report.status, report.request, report.plan, report.checks, rendered=rendered)


def verdict_words(status: Status, request: Request, plan: Plan, checks: tuple[Check, ...], *, rendered: bool) -> str:
    """The result in one line, of a report or of a session."""
    missed, count = missed_clause(plan), counted(len(plan.active), "move")
    failed = "; ".join(check_text(check) for check in checks if not check.passed)
    if status == "unchanged":
        return _unchanged_words(request, plan, failed)
    if not rendered:
        return f"Dry run: {count} planned, nothing written{missed}."
    if failed:
        return f"Mastered with {count}, but a check failed: {failed}{missed}."
    return f"Mastered with {count}; every check passed{missed}."


def _unchanged_words(request: Request, plan: Plan, failed: str) -> str:
    """Why nothing was changed, or what of the target was lost all the same."""
    missed = missed_clause(plan)
    if failed:
        return f"Unchanged, but a check failed: {failed}{missed}."
    if cut := cut_off(plan):
        return f"Unchanged, but {cut}."
    if request.amount_pct == 0 or not all(move.active for move in plan.moves):
        return f"Unchanged, as you asked{missed}."
    return f"Unchanged: {'nothing could be done' if missed else 'nothing needed doing'}{missed}."


def cut_off(plan: Plan) -> str:
    """What of a target that nothing was done to was lost all the same; empty for nothing."""
    losses = (OVER_FULL_SCALE, ENCODED_ANEW)
    said = next((one.text for one in plan.not_reached if one.what in losses), "")
    return said.partition(";")[0]


def lost(plan: Plan, clipped: int, *, lossy: bool = False, peak_dbtp: float | None = None) -> Plan:
    """The plan of a master that nothing was done to, with what its format had no room for, or its encoder changed.

    `peak_dbtp` is the master's, where it is not the target's any more.
    """
    if plan.active:
        return plan
    if lossy:
        text = "it was encoded anew, which no lossy file survives as it was; take the target itself."
        plan = replace(plan, not_reached=(*plan.not_reached, NotReached(ENCODED_ANEW, text)))
    if not clipped:
        return plan
    them = "them" if clipped != 1 else "it"
    left = "" if peak_dbtp is None else f" Without {them} the true peak is {written('peak_dbtp', peak_dbtp)}."
    cut = f"{counted(clipped, 'value')} of the target above full scale {'are' if clipped != 1 else 'is'} cut off"
    text = f"{cut}; --bit-depth 32f keeps {them}.{left}"
    return replace(plan, not_reached=(*plan.not_reached, NotReached(OVER_FULL_SCALE, text)))


def missed_clause(plan: Plan) -> str:
    """What was not reached, to end a sentence with; empty where nothing is missing."""
    short = missed_words(plan)
    return f"; not reached: {', '.join(short)}" if short else ""


def missed_words(plan: Plan) -> tuple[str, ...]:
    """What was not reached, in a word or two each."""
    return tuple(dict.fromkeys(subject(one.what) for one in plan.not_reached if one.what != price.HARD))


def left_alone(plan: Plan, *, everything: bool) -> tuple[Rejected, ...]:
    """What was considered and not done; single bands of an equaliser only where everything is asked for."""
    return tuple(one for one in plan.rejected if everything or " at " not in one.what)


def undo(report: Report, move: Move) -> str | None:
    """The flag that takes a move back, or brings back one that was dropped; None where another engine made it."""
    if report.engine != OWN_ENGINE:
        return None
    return f"--{'undo' if move.verdict is Verdict.DROP else 'drop'} {move.id}"


def faults(report: Report) -> tuple[str, ...]:
    """What was found about the files."""
    several = len(report.compared) > 1
    names = ((shown(PurePath(one.path).name) if several else "reference", one) for one in report.compared)
    files = (("target", report.target), *names)
    return tuple(f"{name}: {defect.text}" for name, profile in files for defect in profile.defects)


def check_text(check: Check) -> str:
    """A check in words: "true peak −0.70 dBTP (allowed: at most −1.00 dBTP)"."""
    value = "not measured" if check.value is None else said(check.name, check.value)
    return f"{label(check.name)} {value} (allowed: {bounds(check.name, check.low, check.high)})"
