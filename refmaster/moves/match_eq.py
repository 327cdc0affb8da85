"""Match the tonal balance: a few parametric bands toward what the evidence wants of the reference.

The wanted curve is the posterior of `compare`, scaled by the amount: 0 % leaves alone, 50 % follows the evidence,
100 % the whole (smoothed) difference. It is fitted with as few bands as will do; each band is a move of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from refmaster import compare
from refmaster.bands import (
    BAND_PARTS,
    band_params,
    coefficients_of,
    frequency_of,
    heard_hz,
    named,
    shape_of,
    taken_words,
    tidy_hz,
)
from refmaster.compare.fault import let_be
from refmaster.compare.normal import tone_edges_db
from refmaster.compare.witness import NO_GAP_DB, Witness, answered
from refmaster.dsp.biquad import Shape, filtered, response_db
from refmaster.dsp.fir import convolved, ring_s, zero_phase
from refmaster.dsp.octaves import octave_around, of_level, thirds_db
from refmaster.dsp.parametric import Band, Fit, curve_db, fit_bands, fit_thirds
from refmaster.dsp.shelves import joined
from refmaster.moves import Blocks, Scene
from refmaster.names import BY_GENRE, verb
from refmaster.passport import SAME, STRANGER
from refmaster.records import (
    EVIDENCE_PCT,
    Assumption,
    Comparison,
    Effect,
    Gap,
    Move,
    NotReached,
    Phase,
    Profile,
    Proposal,
    Rejected,
    Request,
    Stage,
)
from refmaster.units import FloatArray, written
from refmaster.writing import listed

STAGE = Stage.TONE
PARTS = BAND_PARTS
EVIDENT = True
SIDES = ("target", "")
GAIN_NAME = "gain_db"
MAX_GAIN_DB, FULL_GAIN_DB = 6.0, 20.0  # practice: more than 6 dB is for the mix to change
MISSED_DB = 1.0  # what is beyond that by so much is told
LEAST_GAIN_DB, FULL_LEAST_DB = 0.4, 0.2  # under this a band is not heard, and is not worth its place in a full match
EPSILON_DB = 0.05  # a band that brings the curve no nearer than this is left out
BANDS = 6
FULL_ROUNDS, STEP_DB = 5, 6.0
MOST_TAKEN_PCT = 200.0  # of a small difference a broad band may take more than there is
# What a shelf with a corner under so many Hz is said to move; no name: all that lies beyond it.
LOW_SHELVES = ((80.0, "the sub"), (400.0, "the low end"), (np.inf, ""))
HIGH_SHELVES = ((2000.0, ""), (8000.0, "the top end"), (np.inf, "the air"))
NOMINAL_RATE_HZ = 48000  # how long a band rings in ms hardly depends on it


def propose(scene: Scene) -> Proposal:
    """The bands that bring the target's balance toward the reference's, as far as is warranted."""
    comparison = scene.comparison
    if comparison is None:
        return Proposal()
    asked = compare.wanted(comparison.tone, scene.request.amount_pct)
    wanted = asked if scene.request.in_full else np.clip(asked, -MAX_GAIN_DB, MAX_GAIN_DB)
    fit = _fit(wanted, comparison, scene)
    fit, unheard = (fit, ()) if scene.request.in_full else _heard_only(fit, comparison, scene)
    moves = _moves(fit, comparison, scene)
    missed = _out_of_reach(scene) + _too_much(asked - wanted, comparison, scene.request)
    missed += _at_their_end(fit, comparison) if scene.request.in_full else ()
    return Proposal(moves, _rejected(fit, wanted, comparison, scene) + unheard, missed, _asked_kin(scene))


def _asked_kin(scene: Scene) -> tuple[Assumption, ...]:
    """The question that a person can answer better than any measurement, where the measurement is in two minds."""
    comparison, amount_pct = scene.comparison, scene.request.amount_pct
    if comparison is None or len(comparison.seen) != 1 or not 0 < amount_pct <= EVIDENCE_PCT:
        return ()
    if not STRANGER <= comparison.kinship <= SAME or comparison.transposed_semitones is not None:
        return ()
    text = f"perhaps, {100 * comparison.kinship:.0f} %; so much is believed of its tone as such a likeness bears out."
    return (Assumption("Is the reference the same song or session? (--same-song)", text),)


def _fit(wanted: FloatArray, comparison: Comparison, scene: Scene) -> Fit:
    """The bands for a curve: the fewest, or toward a full match one each third of an octave.

    Above the target's own end there is only noise to lift, so the fit is held at 0 there; where that end is a codec's,
    at the top of hearing, a shelf that runs on is the smaller evil.
    """
    full = scene.request.in_full
    at = np.array(comparison.band_hz)
    weight = np.array(comparison.tone.full_weight if full else comparison.tone.weight)
    if compare.empty_top(scene.target):
        empty = at > (scene.target.hf_cutoff_hz or 0.0)
        wanted, weight = np.where(empty, 0.0, wanted), np.where(empty, 1.0, weight)
    rate = scene.target.sample_rate_hz
    if full and scene.request.max_bands is None:
        return _full_fit(wanted, at, weight, scene)
    most_db = FULL_GAIN_DB if full else MAX_GAIN_DB
    bands, rules = scene.request.max_bands or BANDS, {"least_gain_db": LEAST_GAIN_DB, "max_gain_db": most_db}
    fit = fit_bands(wanted, at, weight, sample_rate_hz=rate, max_bands=bands, epsilon_db=EPSILON_DB, **rules)
    return joined(fit, at, sample_rate_hz=rate, **rules)[0]  # what level they leave is no tone


def _heard_only(fit: Fit, comparison: Comparison, scene: Scene) -> tuple[Fit, tuple[Rejected, ...]]:
    """The bands less those of which neither the difference that they answer nor what they do to it is heard."""
    at, rate = np.array(comparison.band_hz), scene.target.sample_rate_hz
    kept, left = [], []
    for band in fit.bands:
        around_hz = heard_hz(band.shape, tidy_hz(band.frequency_hz))
        differs_db = _there(around_hz, np.array(comparison.tone.matched_db), comparison)
        done_db = _there(around_hz, curve_db((band,), at, rate), comparison)
        if max(abs(differs_db), abs(done_db)) >= LEAST_GAIN_DB:
            kept.append(band)
            continue
        where = written("centre_hz", tidy_hz(band.frequency_hz))
        text = (
            f"{band.shape.value.replace('_', ' ').capitalize()} {written('gain_db', band.gain_db)} at {where}: the "
            f"difference there, {written('gain_db', differs_db)}, is too small to be heard, and so is the band."
        )
        left.append(Rejected(f"match_eq at {band.frequency_hz:.0f} Hz", text))
    bands = tuple(kept)
    return replace(fit, bands=bands, curve_db=curve_db(bands, at, rate)), tuple(left)


def _full_fit(wanted: FloatArray, at: FloatArray, weight: FloatArray, scene: Scene) -> Fit:
    """Bells whose effect on each third of an octave of this very sound is what is wanted.

    A bell bends what lies in its third by different amounts, and music is lines, not noise; so what the bells make of
    the target's own spectrum is predicted, and what is missing asked for again.
    """
    spectrum, rate = scene.spectrum, scene.target.sample_rate_hz
    bins_hz = np.maximum(np.arange(spectrum.mid_bins.size) * spectrum.bin_hz, 1.0)
    before = thirds_db(spectrum.mid_bins, spectrum.bin_hz, at)
    asked, seen = wanted, weight > 0
    for _ in range(FULL_ROUNDS):
        fit = fit_thirds(asked, at, weight, sample_rate_hz=rate, least_gain_db=FULL_LEAST_DB, max_gain_db=FULL_GAIN_DB)
        bent = spectrum.mid_bins * 10 ** (curve_db(fit.bands, bins_hz, rate) / 10)
        left = np.where(seen, wanted - (thirds_db(bent, spectrum.bin_hz, at) - before), 0.0)
        level = left[seen].mean() if seen.any() else 0.0
        asked = asked + np.clip(left - np.where(seen, level, 0.0), -STEP_DB, STEP_DB)
    return fit


def apply(blocks: Blocks, move: Move, sample_rate_hz: int) -> Iterator[FloatArray]:
    """One biquad on every channel, or a filter of its magnitude that shifts no phase."""
    if move.phase is Phase.LINEAR:
        return linear_phase(blocks, (move,), sample_rate_hz)
    return filtered(blocks, _coefficients(move, sample_rate_hz))


def linear_phase(blocks: Blocks, moves: tuple[Move, ...], sample_rate_hz: int) -> Iterator[FloatArray]:
    """All bands as one symmetric filter on every channel: it costs what a single one would."""
    coefficients = np.stack([_coefficients(move, sample_rate_hz) for move in moves])
    return convolved(blocks, zero_phase(coefficients, sample_rate_hz))


def foresee(profile: Profile, move: Move) -> Profile:
    """The average spectrum, bent by the band; side over mid stays."""
    bent = np.array(profile.ltas_db) + response_at(move, np.array(profile.band_hz), profile.sample_rate_hz)
    return replace(profile, ltas_db=tuple(bent.tolist()))


def response_at(move: Move, at_hz: FloatArray, sample_rate_hz: int) -> FloatArray:
    """What one band does at some frequencies, dB."""
    return np.asarray(response_db(_coefficients(move, sample_rate_hz)[np.newaxis, :], at_hz, sample_rate_hz)[0])


def curve_of(moves: Iterable[Move], at_hz: FloatArray, sample_rate_hz: int) -> FloatArray:
    """What all bands among some moves do together, dB."""
    bands = (response_at(move, at_hz, sample_rate_hz) for move in moves if move.mover == "match_eq")
    return sum(bands, start=np.zeros(at_hz.size))


def effect(move: Move, master: Profile) -> Effect:
    """The level in the octave where the band works, against the rest of the spectrum, with the band and without it."""
    around_hz = heard_hz(shape_of(move.id), frequency_of(move).value)
    bend = response_at(move, np.array(master.band_hz), master.sample_rate_hz)
    after = _level_around(master, around_hz)
    done = _level_around(replace(master, ltas_db=tuple(bend.tolist())), around_hz)
    return Effect(_feature(around_hz), after - done, after)


def blank(move_id: str, channels: int) -> Move:
    """A band of no gain at a usual place."""
    shape = shape_of(move_id)
    frequency_hz = {Shape.LOW_SHELF: 100.0, Shape.BELL: 1000.0, Shape.HIGH_SHELF: 8000.0}[shape]
    params = band_params(
        shape, GAIN_NAME, gain_db=0.0, frequency_hz=frequency_hz, q=1.0 if shape is Shape.BELL else 0.7
    )
    return Move(move_id, STAGE, params, (), 1.0)


def explain(move: Move) -> str:
    """What the band does and which difference it answers."""
    shape, frequency = shape_of(move.id), frequency_of(move)
    verb = "Lift" if move[GAIN_NAME] > 0 else "Trim"
    name = shape.value.replace("_", " ")
    where = reached(shape, frequency.value)
    text = f"{verb} {where}: {name} {move.param(GAIN_NAME)} at {frequency}, Q {move.param('q')}."
    if move.because:
        text += _answers(move, move.because[0])
    if move.phase is Phase.LINEAR and move[GAIN_NAME]:
        ring_ms = 1000 * ring_s(_coefficients(move, NOMINAL_RATE_HZ)[np.newaxis, :], NOMINAL_RATE_HZ)
        text += f" Linear phase: it may ring {written('ring_ms', ring_ms)} ahead of a hit."
    return text


def _answers(move: Move, gap: Gap) -> str:
    """What all bands do about the difference where this one works."""
    if abs(gap.delta) < NO_GAP_DB:
        return f" There the target is as {gap.toward} already; what lies around it asks for the band."
    apart = f"{abs(gap.delta):.1f} dB {'less' if gap.delta > 0 else 'more'}"
    than = "is usual in the genre" if gap.toward == BY_GENRE else f"{gap.toward}, compared like with like"
    there = f" The target has {apart} there than {than}"
    return there + taken_words(gap, move[GAIN_NAME], "all bands")


def reached(shape: Shape, frequency_hz: float) -> str:
    """What a band moves, in the field's words: a shelf all that lies beyond its corner, not what lies around it."""
    if shape is Shape.BELL:
        return region(frequency_hz)
    below = shape is Shape.LOW_SHELF
    name = next((name for top, name in (LOW_SHELVES if below else HIGH_SHELVES) if frequency_hz < top), "the air")
    return name or f"everything {'below' if below else 'above'} {written('corner_hz', frequency_hz)}"


def region(frequency_hz: float) -> str:
    """The field's word for a part of the spectrum."""
    names = ((60, "the sub"), (150, "the low end"), (400, "the low mids"), (1200, "the mids"), (3000, "the upper mids"),
             (6500, "the presence"), (11000, "the brilliance"))  # fmt: skip
    return next((name for top, name in names if frequency_hz < top), "the air")


def _moves(fit: Fit, comparison: Comparison, scene: Scene) -> tuple[Move, ...]:
    made = []
    for move_id, band in named("match_eq", fit.bands):
        gap = _gap(band, fit, comparison, scene)
        gain_db, q = round(band.gain_db, 2), round(band.q, 2)
        params = band_params(band.shape, GAIN_NAME, gain_db=gain_db, frequency_hz=tidy_hz(band.frequency_hz), q=q)
        made.append(Move(move_id, STAGE, params, (gap,), confidence=round(gap.confidence, 3)))
    return tuple(made)


def _gap(band: Band, fit: Fit, comparison: Comparison, scene: Scene) -> Gap:
    """The difference where the band works, and what of it all bands together take.

    The level is that of `effect`, with the same yardstick; the difference is averaged where bands can be trusted.
    """
    at, weight = np.array(comparison.band_hz), np.array(comparison.tone.weight)
    around_hz = heard_hz(band.shape, tidy_hz(band.frequency_hz))
    reach = octave_around(at, around_hz) * (weight + 1e-9)
    tone, full = comparison.tone, scene.request.in_full
    sd = float(np.average(tone.sd_db, weights=reach))
    made = _there(around_hz, fit.curve_db, comparison)
    told = Witness(
        comparison.toward, _there(around_hz, np.array(tone.full_db if full else tone.matched_db), comparison), sd
    )
    if tone.usual_db and scene.request.amount_pct <= EVIDENCE_PCT:
        usual_db = _there(around_hz, np.array(tone.usual_db), comparison)
        told = answered(told, usual_db, float(np.average(tone.usual_sd_db, weights=reach)), made)
    return told.gap(_feature(around_hz), _level_around(scene.target, around_hz), made, MOST_TAKEN_PCT)


def _there(around_hz: float, curve_db: FloatArray, comparison: Comparison) -> float:
    """What a curve is in an octave, against the rest, where bands can be trusted."""
    at, weight = np.array(comparison.band_hz), np.array(comparison.tone.weight)
    seen = weight > 0 if (weight[of_level(at)] > 0).any() else np.ones(at.size, dtype=bool)
    reach = octave_around(at, around_hz) * (weight + 1e-9)
    return float(np.average(curve_db, weights=reach)) - _rest(at[seen], curve_db[seen])


def _level_around(profile: Profile, around_hz: float) -> float:
    """The level in an octave, against the rest."""
    at, level = np.array(profile.band_hz), np.array(profile.ltas_db)
    return float(np.average(level, weights=octave_around(at, around_hz))) - _rest(at, level)


def _rest(at_hz: FloatArray, level_db: FloatArray) -> float:
    """The level of a whole spectrum: a yardstick that what is faint does not shift."""
    rest = level_db[of_level(at_hz)]
    return float(rest.mean()) if rest.size else 0.0


def _out_of_reach(scene: Scene) -> tuple[NotReached, ...]:
    """What no equaliser can give: a top that is not there."""
    target, reference = scene.target, scene.reference
    if reference is None or not compare.empty_top(target):
        return ()
    ends, theirs = target.hf_cutoff_hz or 0.0, reference.hf_cutoff_hz
    if theirs is not None and theirs <= ends * 1.1:
        return ()
    text = (
        f"Above {written('cutoff_hz', ends)} the target holds nothing, and the reference does: an equaliser would only "
        f"lift noise there, so it is left alone. Take the low-pass out of the mix, or bounce it anew at full bandwidth."
    )
    return (NotReached("top_end", text),)


def _at_their_end(fit: Fit, comparison: Comparison) -> tuple[NotReached, ...]:
    """Where a match in full asks more of a band than is done to it."""
    places = [written("centre_hz", tidy_hz(one.frequency_hz)) for one in fit.bands if abs(one.gain_db) >= FULL_GAIN_DB]
    if not places:
        return ()
    toward = comparison.toward
    text = f"Around {listed(places)} {toward} {verb(toward)} further off in tone; {FULL_GAIN_DB:g} dB is the most."
    return (NotReached("tone", text),)


def _too_much(beyond_db: FloatArray, comparison: Comparison, request: Request) -> tuple[NotReached, ...]:
    """What the evidence asks for beyond what an equaliser on a whole mix should do: where, and what to do instead."""
    beyond_db = np.where(np.array(comparison.tone.weight) > 0, beyond_db, 0.0)
    worst = int(np.abs(beyond_db).argmax())
    if abs(beyond_db[worst]) < MISSED_DB:
        return ()
    short = beyond_db[worst] > 0
    frequency_hz = tidy_hz(comparison.band_hz[worst])
    asked_db = abs(beyond_db[worst]) + MAX_GAIN_DB
    who = f"--amount {request.amount_pct:g}" if request.amount_pct > EVIDENCE_PCT else "the evidence"
    text = (
        f"Around {written('centre_hz', frequency_hz)} {who} asks for {asked_db:.1f} dB "
        f"{'more' if short else 'less'}; {MAX_GAIN_DB:g} dB is the most that is done to a whole mix. "
        f"{'Raise' if short else 'Lower'} in the mix what plays in {region(frequency_hz)}."
    )
    return (NotReached("tone", text),)


def _rejected(fit: Fit, wanted: FloatArray, comparison: Comparison, scene: Scene) -> tuple[Rejected, ...]:
    if scene.request.amount_pct == 0:
        return (Rejected("match_eq", f"Tonal balance left alone: --amount 0 takes nothing of {comparison.toward}."),)
    out = [
        Rejected(
            f"match_eq at {b.frequency_hz:.0f} Hz",
            f"{b.shape.value.replace('_', ' ').capitalize()} {written('gain_db', b.gain_db)} at "
            f"{written('centre_hz', b.frequency_hz)}: it would bring the balance less than {EPSILON_DB} dB nearer.",
        )
        for b in fit.pruned
    ]
    if not fit.bands:
        full = np.array(comparison.tone.full_db)[np.array(comparison.tone.weight) > 0]
        rms = float(np.sqrt((full**2).mean())) if full.size else 0.0
        outside = _outside(scene, comparison) if comparison.by_genre else ""
        told = _told(wanted, comparison, scene.target)
        differs = f"it differs from {comparison.toward} by {rms:.1f} dB rms{outside}; {told}."
        if not full.size:
            differs = f"it cannot be compared with {comparison.toward}."
        out.append(Rejected("match_eq", f"Tonal balance left alone: {differs}"))
    return tuple(out)


def _told(wanted: FloatArray, comparison: Comparison, target: Profile) -> str:
    """What of a difference was believed, where no band came of it."""
    if compare.teaches_no_tone(comparison) and not wanted.any():
        return f"no passage of {comparison.toward} is like one of the target's, so arrangement could be all of it"
    if not wanted.any() and (why := let_be(comparison.tone.fault, target)):
        return why
    told = "what is more likely wrong than its own" if comparison.by_genre else "what can be told from arrangement"
    return f"{told} is {np.abs(wanted).max():.1f} dB at most"


def _outside(scene: Scene, comparison: Comparison) -> str:
    """How far a track leaves its genre's usual range, where the genre alone is gone toward."""
    edge = tone_edges_db(scene.genre, scene.target)[1][: len(comparison.band_hz)]
    edge = np.where(np.array(comparison.tone.weight) > 0, edge, 0.0)
    worst = int(np.abs(edge).argmax())
    if abs(edge[worst]) < NO_GAP_DB:
        return "; nowhere does it leave the usual range"
    where = written("centre_hz", tidy_hz(comparison.band_hz[worst]))
    return f"; it leaves the usual range by up to {abs(edge[worst]):.1f} dB, at {where}"


def _feature(frequency_hz: float) -> str:
    """The name of the level around a frequency, the same in a gap and in an effect."""
    return f"tone_at_{frequency_hz:.0f}_hz_db"


def _coefficients(move: Move, sample_rate_hz: int) -> FloatArray:
    return coefficients_of(move, GAIN_NAME, sample_rate_hz)
