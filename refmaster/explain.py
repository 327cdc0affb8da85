"""Explain: a Report in words, made from the numbers that did the work."""

import math
from dataclasses import asdict, astuple, replace
from pathlib import PurePath

import numpy as np

from refmaster import passport, price
from refmaster.bands import FREQUENCY_NAME
from refmaster.compare.pairing import no_side
from refmaster.dsp.biquad import HIGHEST_SHARE
from refmaster.genres import ANY, FEW_TRACKS, with_share
from refmaster.genres.context import AUTO
from refmaster.genres.posterior import NONE
from refmaster.moves import match_dynamics, match_eq, mover_of
from refmaster.names import shown
from refmaster.records import (
    EVIDENCE_PCT,
    Check,
    Comparison,
    Effect,
    GainReduction,
    Genre,
    Move,
    NotReached,
    Plan,
    Profile,
    Rejected,
    Report,
    Request,
    Seen,
    Stage,
    Status,
    Verdict,
)
from refmaster.units import unit_of, written
from refmaster.writing import bounds, counted, label, said, subject, tone_words

OWN_ENGINE = "refmaster"
OVER_FULL_SCALE, ENCODED_ANEW = "over_full_scale", "encoded_anew"  # what an untouched target lost all the same
MOVED_BY = {"match_eq": "tone", "match_dynamics": "dynamics", "match_width": "width", "match_loudness": "loudness"}
NO_DIFFERENCE_DB = 0.1  # rms
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


def reference_line(report: Report) -> str:
    """How the reference was taken: by kinship, or in full where another engine took it."""
    if report.engine != OWN_ENGINE:
        return f"A second opinion by {report.engine} {report.version}: the reference is matched in full, as it does."
    if report.request.amount_pct == 0:
        return "At --amount 0 the reference is not followed."
    if any(one.what == "own_master" for one in report.plan.rejected):
        return "The target is our own master toward this reference: what was settled then stays."
    asked = report.request
    line = kinship_line(
        report.comparison, gone=report.reference_gone, told=asked.same_song, amount_pct=asked.amount_pct
    )
    if report.comparison is None or report.comparison.identical or report.comparison.by_genre:
        return line
    if not any(report.comparison.tone.weight):
        return line
    taken = taken_pct(report.comparison, report.plan, report.target.sample_rate_hz)
    if taken is None:
        return f"{line} There is no tonal difference to take."
    bands = any(move.mover == "match_eq" for move in report.plan.active)
    share = f"{taken:.0f} %" if taken >= 0.5 else "Hardly anything" if bands else "Nothing"
    several = len(report.comparison.seen) > 1
    of = "the difference between like passages" if several else "the tonal difference, arrangement included,"
    return f"{line} {share} of {of} is taken."


def reference_words(report: Report) -> str:
    """How the reference was taken, and by its passport what it can teach at all."""
    line, followed = reference_line(report), report.engine == OWN_ENGINE and report.request.amount_pct > 0
    return " ".join((line, *passport_words(report))) if followed else line


def passport_words(report: Report) -> tuple[str, ...]:
    """The passport of a lone reference, and what follows it though it is not suitable; several say theirs in lines."""
    own = report.passport
    if own is None or own.relation == "same file" or len(report.passports) > 1:
        return ()
    proposed = {move.mover for move in report.plan.active if move.verdict is Verdict.KEEP and move.because}
    if report.request.loudness_lufs is not None:
        proposed.discard("match_loudness")
    movers = [mover for mover in MOVED_BY if mover in proposed]
    if own.suitable or not movers or report.engine != OWN_ENGINE:
        return (passport.in_short(own),)
    *others, last = (MOVED_BY[mover] for mover in movers)
    named = f"{', '.join(others)} and {last} follow" if others else f"{last} follows"
    ends = " ".join(f"--drop {mover}" for mover in movers)
    return passport.in_short(own), f"All the same the {named} it; {ends}, or another reference, ends that."


def taken_pct(comparison: Comparison, plan: Plan, sample_rate_hz: int) -> float | None:
    """How far the equaliser's bands go along the full tonal difference, over trusted bands, percent: 0 to 100.

    Of several references along that of matched passages, in which the surer ones count for more: their average is
    nobody's tone. None where there is no difference.
    """
    at, seen = np.array(comparison.band_hz), np.array(comparison.tone.weight) > 0
    made = match_eq.curve_of(plan.active, at, sample_rate_hz)[seen]
    several = len(comparison.seen) > 1
    full = np.array(comparison.tone.matched_db if several else comparison.tone.full_db)[seen]
    size = float((full**2).mean()) if full.size else 0.0
    if size <= NO_DIFFERENCE_DB**2:
        return None
    along = float(((made - made.mean()) * (full - full.mean())).mean())
    return float(np.clip(100 * along / size, 0.0, 100.0))


def kinship_line(
    comparison: Comparison | None, *, gone: bool = False, told: bool = False, amount_pct: float = EVIDENCE_PCT
) -> str:
    """How close a relative the reference is, and what follows from that.

    `gone` says that there was one; `told`, that a person calls it the same song. A genre is gone further toward where
    more than the evidence is asked for.
    """
    if comparison is None:
        return "The reference was not found; the session's own numbers are used." if gone else "No reference was given."
    if comparison.by_genre:
        how = (
            "only what lies outside its usual range is moved"
            if amount_pct <= EVIDENCE_PCT
            else "its middle is gone toward"
        )
        return f"No reference was given; the genre stands for it, and {how}."
    if len(comparison.seen) > 1:
        return _several_line(comparison, told=told)
    if comparison.identical:
        return "The reference is the target itself."
    if comparison.transposed_semitones is not None:
        key = f"{comparison.transposed_semitones:+.0f} semitones".replace("-", "−")
        return f"The reference looks like this music in another key ({key})."
    if told:
        return "The reference is the same song or session, as you say."
    pct = 100 * comparison.kinship
    if comparison.kinship > passport.SAME:
        return f"The reference looks like the same song or session ({pct:.0f} %)."
    if comparison.kinship < passport.STRANGER:
        return f"The reference is another song (same song: {pct:.0f} %): a hint, not an order."
    return f"The reference may be a relative ({pct:.0f} %)."


def _several_line(comparison: Comparison, *, told: bool) -> str:
    """How near each of several references is."""
    nearest = max(comparison.seen, key=lambda one: one.nearness)
    text = f"{len(comparison.seen)} references are read together: "
    if told:
        return text + "all of them are the same song or session, as you say."
    if nearest.kinship < passport.STRANGER:
        return text + "all of them are other songs, hints and not orders."
    kind = "the same song or session" if nearest.kinship > passport.SAME else "a relative"
    most = max(comparison.seen, key=lambda one: (one.weights.tone, one.nearness))
    counts = " and counts most" if nearest is most else ""
    return text + f"{nearest.name} looks like {kind} ({100 * nearest.kinship:.0f} %){counts}."


def reference_lines(report: Report) -> tuple[str, ...]:
    """Of several references a line each: how near it is, what it reads, what it counts for where that is not all."""
    seen = report.comparison.seen if report.comparison else ()
    if len(seen) < 2 or len(seen) != len(report.heard):
        return ()
    able = (
        [passport.taught(one) for one in report.passports] if len(report.passports) == len(seen) else [""] * len(seen)
    )
    return tuple(_reference_words(*one) for one in zip(seen, report.heard, able, strict=True))


def _reference_words(seen: Seen, profile: Profile, able: str) -> str:
    weights = ", ".join(f"{name} {value:g}" for name, value in asdict(seen.weights).items() if value != 1)
    said = f"{seen.name}: same song {100 * seen.kinship:.0f} %, {written('x_lufs', profile.integrated_lufs)}, "
    said += f"PLR {written('plr_db', profile.plr_db)}, tilt {written('tilt_db_per_oct', profile.tilt_db_per_oct)}"
    said += f"; counts {weights}, else 1" if weights else ""
    return f"{said}; it {able}" if able and any(astuple(seen.weights)) else said


def genre_line(report: Report) -> str:
    """The genre that the target is read in, how sure that is, and what would be the next guess; empty for none."""
    genre, asked = report.genre, report.request.genre
    if report.engine != OWN_ENGINE or asked == NONE:
        return ""
    second = "" if genre.runner_up is None else f", then {with_share(*genre.runner_up)}"
    heard_in = "the target" if report.comparison is None or report.comparison.by_genre else report.comparison.toward
    if report.request.library:
        return _library_line(genre, second, heard_in)
    if asked != AUTO:
        known = f"measured on {genre.n_tracks} tracks" if genre.n_tracks else "from published figures, which are few"
        return f"Genre: {genre.label}, as you say; {known}."
    if genre.share is None:
        return ""
    if genre.name == ANY:
        return f"Genre: none that was measured fits ({100 * genre.share:.0f} %{second}); --genre NAME says it."
    sure = f"{100 * genre.share:.0f} %{second}"
    return f"Genre: {genre.label} by the sound of {heard_in} ({sure}); --genre NAME says otherwise."


def genre_words(genre: Genre) -> str:
    """What a track was read in, in a word or two, with its share where it was heard; empty where nothing was."""
    share = "" if genre.share is None else f" {100 * genre.share:.0f} %"
    if genre.name == ANY:
        return "none fits" if share else ""
    return f"{genre.label}{share}"


def _library_line(genre: Genre, second: str, heard_in: str) -> str:
    """The same for a library of one's own, or one of several that was heard."""
    if genre.name == ANY:
        nearest = "" if genre.runner_up is None else f" (nearest: {with_share(*genre.runner_up)})"
        return f"Genre: none of your libraries fits{nearest}; --library FILE names one."
    tracks = counted(genre.n_tracks, "track")
    few = "; so few say little of what is normal" if genre.n_tracks < FEW_TRACKS else ""
    if genre.share is None:
        return f"Genre: your library {genre.name}, {tracks}{few}."
    heard = f"by the sound of {heard_in} ({100 * genre.share:.0f} %{second})"
    return f"Genre: your library {genre.name} {heard}, {tracks}{few}; --library FILE names another."


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
