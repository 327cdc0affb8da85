"""Taken: how near a reference is, how much of it was taken, and in which genre a track was read, in words."""

from dataclasses import asdict, astuple

import numpy as np

from refmaster import passport
from refmaster.compare.goal import keeps_level
from refmaster.compare.pairing import no_music
from refmaster.genres import ANY, FEW_TRACKS, told_runner_up
from refmaster.genres.context import AUTO
from refmaster.genres.posterior import NONE
from refmaster.moves import match_eq
from refmaster.names import OWN_ENGINE
from refmaster.records import (
    EVIDENCE_PCT,
    Comparison,
    Genre,
    Plan,
    Profile,
    Report,
    Seen,
    Verdict,
)
from refmaster.units import written
from refmaster.writing import counted

MOVED_BY = {"match_eq": "tone", "match_dynamics": "dynamics", "match_width": "width", "match_loudness": "loudness"}
NO_DIFFERENCE_DB = 0.1  # rms


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
    own_level = report.comparison is not None and keeps_level(report.comparison)
    if report.request.loudness_lufs is not None or (own_level and report.request.amount_pct <= EVIDENCE_PCT):
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
    second = f", then {runner_up}" if (runner_up := told_runner_up(genre)) else ""
    listened = report.comparison is not None and not all(no_music(one, report.target) for one in report.heard)
    heard_in = report.comparison.toward if report.comparison is not None and listened else "the target"
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
        nearest = "" if genre.runner_up is None else f" (nearest: {genre.runner_up[0]})"
        far = f"{heard_in} is farther from each than their own tracks are{nearest}"
        return f"Genre: none of your libraries fits: {far}; --library FILE names one."
    tracks = counted(genre.n_tracks, "track")
    few = "; so few say little of what is normal" if genre.n_tracks < FEW_TRACKS else ""
    if genre.share is None:
        return f"Genre: your library {genre.name}, {tracks}{few}."
    heard = f"by the sound of {heard_in} ({100 * genre.share:.0f} %{second})"
    return f"Genre: your library {genre.name} {heard}, {tracks}{few}; --library FILE names another."
