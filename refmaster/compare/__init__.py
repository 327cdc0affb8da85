"""Compare: the differences between target and reference, and how much of each the evidence supports.

A difference of two average spectra is mastering plus arrangement plus chance, and arrangement is the most of it. So
like is compared with like: frames of the two tracks are matched (`dsp/registration.py`), and the difference of matched
frames is the evidence. Its roughness tells how far it may be off: little for the same song, most of it for a stranger.
A genre adds what is normal. A posterior under the curves that mastering equalisers make, weighed against "nothing is
wrong", gives what is wanted (`belief.py`).

    pairing    one reference laid beside the target              normal    what a genre says of the target
    goal       what a match in full leads to                     fault     whether anything is wrong at all
    tone, width, dynamics    the difference in each, and what of it is believed
    density    how dense loudness may make the master
    several    references beside each other: which of them does not belong
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from refmaster.analyse import Measured
from refmaster.compare.density import density_of
from refmaster.compare.dynamics import LEAST_SPREAD_DB, MOST_STEP, dynamics_gaps
from refmaster.compare.fault import is_limited
from refmaster.compare.goal import goal_of, goal_of_genre
from refmaster.compare.pairing import Example, middle_thirds_db, sight, width_thirds_db
from refmaster.compare.several import belonging
from refmaster.compare.tone import LEAST_KINSHIP, tone_curve
from refmaster.compare.width import width_curve
from refmaster.dsp.octaves import less_level
from refmaster.names import BY_GENRE, shown
from refmaster.records import EVIDENCE_PCT, Comparison, Curve, Genre, Profile, Seen
from refmaster.units import FloatArray

T = TypeVar("T", float, FloatArray)

__all__ = [
    "Example",
    "at_amount",
    "compare",
    "corrected",
    "empty_top",
    "examples_of",
    "is_limited",
    "teaches_no_tone",
    "wanted",
]


CODEC_HZ = 12000.0  # what is cut lower was not cut by a codec


def compare(
    target: Measured,
    references: Measured | tuple[Example, ...],
    genre: Genre,
    *,
    same_song: bool = False,
    threads: int = 1,
) -> Comparison:
    """The target beside its references, or beside its genre where there are none.

    All must have been measured at the same sample rate. `same_song` is a person's word that target and reference are
    one song, whatever the numbers say.
    """
    given = examples_of(references)
    examples, odd = belonging(given)
    n = min(len(one.profile.band_hz) for one in (target, *(e.measured for e in examples)))
    band_hz = np.array(target.profile.band_hz[:n])
    sights = tuple(sight(target, one, same_song=same_song, threads=threads) for one in examples)
    goal = goal_of(examples, band_hz) if examples else goal_of_genre(genre, target, band_hz)
    found = [one for one in sights if one.found is not None]
    kinship = max((one.kinship for one in found), default=0.0)
    several = len(sights) > 1
    noise = bool(sights) and all(one.noise for one in sights)
    ignored = tuple(
        f"{name}: {text}" if several else text
        for one, name in zip(sights, _names(examples), strict=True)
        for text in one.ignored
    )
    return Comparison(
        kinship=kinship,
        band_hz=tuple(band_hz.tolist()),
        tone=tone_curve(target, sights, goal, genre, band_hz),
        width=width_curve(target, sights, goal, genre, band_hz) if found or not sights else None,
        dynamics=dynamics_gaps(target.profile, goal, genre, kinship, alone=not sights) if found or not sights else (),
        identical=bool(sights) and all(one.identical for one in sights),
        ignored=ignored + odd,
        transposed_semitones=next((s.transposed_semitones for s in sights if s.transposed_semitones is not None), None),
        toward="the references" if several else "the reference" if sights else BY_GENRE,
        loudness_lufs=target.profile.integrated_lufs if noise else goal.loudness_lufs,
        loudness_full_lufs=goal.loudness_full_lufs,
        seen=tuple(
            Seen(name, one.kinship, one.weights, one.transposed_semitones)
            for one, name in zip(sights, _names(examples), strict=True)
        ),
        density=density_of(sights, genre, kinship),
    )


def examples_of(references: Measured | tuple[Example, ...]) -> tuple[Example, ...]:
    """One measured reference as it is mostly given, as a row of one."""
    return (Example(references),) if isinstance(references, Measured) else references


def empty_top(profile: Profile) -> bool:
    """Whether the track ends so low that no codec did it: there is nothing above to be equalised."""
    return profile.hf_cutoff_hz is not None and profile.hf_cutoff_hz < CODEC_HZ


def teaches_no_tone(comparison: Comparison) -> bool:
    """Whether no passage of a reference is like one of the target's; what it says of tone is not believed then."""
    compared = not comparison.by_genre and any(comparison.tone.weight)
    return compared and comparison.kinship < LEAST_KINSHIP


def corrected(
    comparison: Comparison,
    reached: Measured,
    references: Measured | tuple[Example, ...],
    played: tuple[Measured, Measured] | None = None,
) -> Comparison:
    """The comparison with its full differences moved by what was still missing of them in `reached`.

    For a match in full: what moves do to each other (a compressor to the balance, a limiter to the dynamics) is not
    foreseen, but heard and asked for in advance. Where only a part was `played`, it and the whole are given, untouched:
    by as much as they differ `reached` is taken to differ from what the whole would have read.
    """
    band_hz = np.array(comparison.band_hz)
    goal = goal_of(belonging(examples_of(references))[0], band_hz)
    part, whole = played or (reached, reached)

    def of_all(read: Callable[[Measured, FloatArray], FloatArray]) -> FloatArray:
        apart = np.nan_to_num(read(whole, band_hz) - read(part, band_hz))
        return read(reached, band_hz) + apart

    def moved(curve: Curve, missing: FloatArray) -> Curve:
        seen = np.array(curve.full_weight) > 0
        return replace(curve, full_db=tuple((np.array(curve.full_db) + np.where(seen, missing, 0.0)).tolist()))

    seen = np.array(comparison.tone.full_weight) > 0
    missing = np.nan_to_num(goal.thirds_db - of_all(middle_thirds_db))
    tone = moved(comparison.tone, less_level(missing, seen)) if seen.any() else comparison.tone
    width = comparison.width
    if width is not None and goal.width_db is not None:
        width = moved(width, np.nan_to_num(goal.width_db - of_all(width_thirds_db)))
    heard = (reached.profile.dynamics, part.profile.dynamics, whole.profile.dynamics)
    spreads = ([max(band.loud_over_median_db, LEAST_SPREAD_DB) for band in one] for one in heard)
    dynamics = tuple(
        replace(gap, correction=gap.correction * _towards(gap.reference_db, got * (of_whole / of_part)))
        for gap, got, of_part, of_whole in zip(comparison.dynamics, *spreads, strict=False)
    )
    return replace(comparison, tone=tone, width=width, dynamics=dynamics)


def wanted(curve: Curve, amount_pct: float) -> FloatArray:
    """What an amount makes of a difference: from nothing, through what is believed, to all of it."""
    return np.asarray(at_amount(amount_pct, np.array(curve.wanted_db), np.array(curve.full_db)))


def at_amount(amount_pct: float, believed: T, full: T) -> T:
    """From nothing at 0, through what is believed at 50, to all of it at 100."""
    if amount_pct <= EVIDENCE_PCT:
        return believed * (amount_pct / EVIDENCE_PCT)
    return believed + (full - believed) * ((amount_pct - EVIDENCE_PCT) / (100.0 - EVIDENCE_PCT))


def _towards(goal_db: float, got_db: float) -> float:
    """The factor from what was got to the goal, no more than a step at a time."""
    return float(np.clip(goal_db / got_db, 1 / MOST_STEP, MOST_STEP))


def _names(examples: tuple[Example, ...]) -> tuple[str, ...]:
    return tuple(shown(Path(one.measured.profile.path).name) for one in examples)
