"""Match the stereo width: gain on the side signal, as a whole and by region; the mid is not touched.

A mono listener hears the same mid, yet less of the whole: widening goes no further than a fold-down may lose. A side at
dither level was not meant to be heard and is never raised.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from refmaster import compare, folddown
from refmaster.bands import (
    BAND_PARTS,
    FREQUENCY_NAME,
    band_params,
    coefficients_of,
    frequency_of,
    named,
    shape_of,
    taken_words,
    tidy_hz,
)
from refmaster.compare.fault import let_be
from refmaster.compare.pairing import NO_IMAGE, is_inverted, no_image, no_music
from refmaster.compare.witness import Witness, answered
from refmaster.dsp.biquad import Shape, response_db, side_filtered
from refmaster.dsp.midside import with_side_gain
from refmaster.dsp.octaves import octave_around
from refmaster.dsp.parametric import Band, fit_bands, fit_thirds
from refmaster.dsp.shelves import joined
from refmaster.moves import Blocks, Scene
from refmaster.names import BY_GENRE, verb, whose
from refmaster.records import (
    EVIDENCE_PCT,
    Comparison,
    Curve,
    Effect,
    Gap,
    Move,
    NotReached,
    Param,
    Profile,
    Proposal,
    Rejected,
    Stage,
)
from refmaster.units import FloatArray, Mask, db_to_gain, written

STAGE = Stage.IMAGE
PARTS = ("side", *BAND_PARTS)
EVIDENT = True
SIDES = ("target", "")
GAIN_NAME = "side_gain_db"
MAX_GAIN_DB, FULL_GAIN_DB = 9.0, 15.0
MISSED_DB = 1.0  # what is beyond that by so much is told
LEAST_GAIN_DB = 0.5  # under this the image does not move
HEARD_HZ = (100.0, 10000.0)  # where an image is heard
REGIONS = 2
STEPS = 6  # of the search for how much widening a fold-down bears: to 2 % of it


def propose(scene: Scene) -> Proposal:
    """A gain on the side, and regions where the difference asks for more or less."""
    comparison = scene.comparison
    if comparison is None:
        return Proposal()
    if comparison.width is None:
        said = Rejected("match_width", f"Width left alone: {_no_side(scene, comparison)}")
        return Proposal(rejected=(said,), not_reached=_mend_first(scene))
    curve = comparison.width
    full = scene.request.in_full
    asked = compare.wanted(curve, scene.request.amount_pct)
    wanted = asked if full else np.clip(asked, -MAX_GAIN_DB, MAX_GAIN_DB)
    at, weight = np.array(comparison.band_hz), np.array(curve.full_weight if full else curve.weight)
    moves, too_far = _borne(wanted, at, weight, scene)
    left = () if moves or too_far else (_left_alone(curve, wanted, comparison, scene),)
    beyond = asked - _whole_db(wanted, weight) if full else asked
    too_far += _too_far(beyond[weight > 0], at[weight > 0], comparison.toward, full=full)
    return Proposal(moves, left, too_far)


def _borne(
    wanted: FloatArray, at: FloatArray, weight: FloatArray, scene: Scene
) -> tuple[tuple[Move, ...], tuple[NotReached, ...]]:
    """The moves toward a curve, and what is left out of them as a fold-down to mono would lose too much by it."""
    moves, least_db = _moves(wanted, at, weight, scene), folddown.least_db(scene.target, scene.reference, scene.genre)
    lost_db = _folded_db(moves, scene.target)
    if least_db is None or lost_db is None or lost_db >= least_db:
        return moves, ()
    low, high = 0.0, 1.0
    borne: tuple[Move, ...] = ()
    for _ in range(STEPS):
        share = (low + high) / 2
        fewer = _moves(np.where(wanted > 0, share * wanted, wanted), at, weight, scene)
        found_db = _folded_db(fewer, scene.target)
        if found_db is not None and found_db >= least_db:
            low, borne = share, fewer
        else:
            high = share
    whose = "target or genre" if scene.reference is None else "target, reference or genre"
    text = (
        f"Widening stops where a fold-down to mono loses {_said_db(least_db)}: with all that is asked for it would "
        f"lose {_said_db(lost_db)}, and that of {whose} loses {_said_db(least_db + folddown.PLANNED_DB)} at most."
    )
    return borne, (NotReached("width", text),)


def _said_db(loss_db: float) -> str:
    return f"{-loss_db:.1f} dB"


def _folded_db(moves: tuple[Move, ...], target: Profile) -> float | None:
    """What the target loses in mono behind some moves."""
    at = np.array(target.band_hz)
    return folddown.loss_db(target, sum((side_response(one, at, target.sample_rate_hz) for one in moves), 0.0 * at))


def _whole_db(wanted: FloatArray, weight: FloatArray) -> float:
    return float(np.clip(np.average(wanted, weights=weight), -MAX_GAIN_DB, MAX_GAIN_DB))


def _moves(wanted: FloatArray, at: FloatArray, weight: FloatArray, scene: Scene) -> tuple[Move, ...]:
    """A gain as a whole, and regions that differ from it."""
    whole, rate = _whole_db(wanted, weight), scene.target.sample_rate_hz
    if scene.request.in_full:
        fit = fit_thirds(
            wanted - whole, at, weight, sample_rate_hz=rate, least_gain_db=LEAST_GAIN_DB, max_gain_db=FULL_GAIN_DB
        )
    else:
        fit = fit_bands(
            wanted - whole,
            at,
            weight,
            sample_rate_hz=rate,
            max_bands=REGIONS,
            least_gain_db=LEAST_GAIN_DB,
            epsilon_db=0.15,
            max_gain_db=MAX_GAIN_DB,
            max_q=1.5,
        )
        rules = {"least_gain_db": LEAST_GAIN_DB, "max_gain_db": MAX_GAIN_DB}
        fit, beside_db = joined(fit, at, sample_rate_hz=rate, **rules)
        whole += beside_db
    side_db = round(whole, 2) if abs(whole) >= LEAST_GAIN_DB else 0.0
    made = side_db + fit.curve_db
    moves: tuple[Move, ...] = (_whole(side_db, scene, made),) if side_db else ()
    return moves + tuple(_regions(fit.bands, scene, made))


def _no_side(scene: Scene, comparison: Comparison) -> str:
    if scene.target.channels == 1:
        return "mono; there is no side to compare."
    why = no_image(scene.target)
    if why:
        return f"{why}, so its side is no image."
    if comparison.by_genre and scene.genre.width is None:
        return "nobody has measured how wide this genre is."
    if comparison.by_genre:
        return "the track is mono, or nearly so; there is no side to compare."
    theirs = "" if scene.reference is None else no_image(scene.reference)
    if theirs:
        return f"of the reference {theirs}, so its side is no image."
    noise = "" if scene.reference is None else no_music(scene.reference, scene.target)
    if noise:
        return f"of the reference {noise}, and that has no image."
    return "one of the two tracks is mono, or nearly so; there is no side to compare."


def _mend_first(scene: Scene) -> tuple[NotReached, ...]:
    """A fault of the target that no mastering mends, and that makes its image none."""
    why = no_image(scene.target)
    if not why or scene.target.channels == 1 or why == NO_IMAGE["dual_mono"]:
        return ()
    left, mend = "width is", "Find out where it went"
    if is_inverted(scene.target):
        left, mend = "tone, width and dynamics are", "Turn that channel's polarity round"
    return (NotReached("width", f"The target has a fault: {why}; {left} left alone. {mend}, then master it again."),)


def apply(blocks: Blocks, move: Move, sample_rate_hz: int) -> Iterator[FloatArray]:
    """Gain or a biquad on the side; mono passes."""
    if move.id.endswith("/side"):
        return _side_gain(blocks, db_to_gain(move[GAIN_NAME]))
    return side_filtered(blocks, _coefficients(move, sample_rate_hz))


def foresee(profile: Profile, move: Move) -> Profile:
    """Side over mid, moved by the gain; the mid's spectrum stays."""
    change = side_response(move, np.array(profile.band_hz), profile.sample_rate_hz)
    moved = tuple(None if s is None else s + float(c) for s, c in zip(profile.side_to_mid_db, change, strict=True))
    return replace(profile, side_to_mid_db=moved)


def side_response(move: Move, at_hz: FloatArray, sample_rate_hz: int) -> FloatArray:
    """What the move does to the side at some frequencies, dB."""
    if move.id.endswith("/side"):
        return np.full(at_hz.size, move[GAIN_NAME])
    return np.asarray(response_db(_coefficients(move, sample_rate_hz)[np.newaxis, :], at_hz, sample_rate_hz)[0])


def effect(move: Move, master: Profile) -> Effect:
    """Side over mid where the move works, with it and without it: all that is heard, or an octave of it."""
    done = side_response(move, np.array(master.band_hz), master.sample_rate_hz)
    frequency = next((p for p in move.params if p.name in FREQUENCY_NAME.values()), None)
    feature = "side_to_mid_db" if frequency is None else f"side_to_mid_at_{frequency.value:.0f}_hz_db"
    heard = _heard(master, None if frequency is None else frequency.value)
    if not heard.any():
        return Effect(feature, 0.0, 0.0)  # mono: there is no side to move
    after, change = (float(v[heard].mean()) for v in (_side_to_mid(master), done))
    return Effect(feature, after - change, after)


def _side_to_mid(profile: Profile) -> FloatArray:
    return np.array(profile.side_to_mid_db, dtype=float)


def _heard(profile: Profile, around_hz: float | None) -> Mask:
    """The bands that tell how wide it is, in the octave around a frequency or, None, as a whole."""
    at, known = np.array(profile.band_hz), np.isfinite(_side_to_mid(profile))
    if around_hz is not None:
        return np.asarray(known & (octave_around(at, around_hz) > 0))
    return np.asarray(known & (at >= HEARD_HZ[0]) & (at <= HEARD_HZ[1]))  # rumble and air are faint, and shout loudest


def blank(move_id: str, channels: int) -> Move:
    """No gain on the side."""
    if move_id.endswith("/side"):
        return Move(move_id, STAGE, (Param(GAIN_NAME, 0.0, -24.0, 24.0, 0.0),), (), 1.0)
    shape = shape_of(move_id)
    frequency_hz = {Shape.LOW_SHELF: 150.0, Shape.BELL: 1000.0, Shape.HIGH_SHELF: 5000.0}[shape]
    return Move(move_id, STAGE, band_params(shape, GAIN_NAME, gain_db=0.0, frequency_hz=frequency_hz, q=0.7), (), 1.0)


def explain(move: Move) -> str:
    """How much wider or narrower, where, and which difference it answers."""
    verb = "Widen" if move[GAIN_NAME] > 0 else "Narrow"
    if move.id.endswith("/side"):
        text = f"{verb} the image: side {move.param(GAIN_NAME)} across the spectrum."
    else:
        shape = shape_of(move.id)
        text = (
            f"{verb} the image by region: {shape.value.replace('_', ' ')} on the side, {move.param(GAIN_NAME)} at "
            f"{frequency_of(move)}, Q {move.param('q')}."
        )
    if move.because:
        gap = move.because[0]
        theirs = (
            "usual in the genre is" if gap.toward == BY_GENRE else f"{whose(gap.toward)}, compared like with like, at"
        )
        text += f" The side stands at {gap.target:z.1f} dB re mid, {theirs} {gap.reference:z.1f} dB"
        text += taken_words(gap, move[GAIN_NAME], "all width moves")
    return text.replace("-", "−")


def _whole(gain_db: float, scene: Scene, made: FloatArray) -> Move:
    at = np.array(scene.target.band_hz[: made.size])
    reach = ((at >= HEARD_HZ[0]) & (at <= HEARD_HZ[1])).astype(float)
    gap = _gap("side_to_mid_db", None, reach, scene, made)
    param = Param(GAIN_NAME, gain_db, -24.0, 24.0, 0.0)
    return Move("match_width/side", STAGE, (param,), (gap,), round(gap.confidence, 3))


def _regions(bands: tuple[Band, ...], scene: Scene, made: FloatArray) -> Iterator[Move]:
    at = np.array(scene.target.band_hz[: made.size])
    for move_id, band in named("match_width", bands):
        frequency_hz, q = tidy_hz(band.frequency_hz), round(band.q, 2)
        feature = f"side_to_mid_at_{frequency_hz:.0f}_hz_db"
        gap = _gap(feature, frequency_hz, octave_around(at, frequency_hz), scene, made)
        params = band_params(band.shape, GAIN_NAME, gain_db=round(band.gain_db, 2), frequency_hz=frequency_hz, q=q)
        yield Move(move_id, STAGE, params, (gap,), round(gap.confidence, 3))


def _gap(feature: str, around_hz: float | None, reach: FloatArray, scene: Scene, made: FloatArray) -> Gap:
    """Side over mid where the move works, and what of the difference all moves together take."""
    curve = scene.comparison.width if scene.comparison else None
    if curve is None:
        raise ValueError("a width move without a width comparison")
    weights = reach * (np.array(curve.weight) + 1e-9)
    evidence = curve.full_db if scene.request.in_full else curve.matched_db
    heard = _heard(scene.target, around_hz)
    here = float(_side_to_mid(scene.target)[heard].mean()) if heard.any() else 0.0
    full, taking, sd = (float(np.average(v, weights=weights)) for v in (evidence, made, curve.sd_db))
    told = Witness(scene.comparison.toward if scene.comparison else "the reference", full, sd)
    if curve.usual_db and scene.request.amount_pct <= EVIDENCE_PCT:
        usual_db, usual_sd_db = (float(np.average(v, weights=weights)) for v in (curve.usual_db, curve.usual_sd_db))
        told = answered(told, usual_db, usual_sd_db, taking)
    return told.gap(feature, here, taking, 100.0)


def _too_far(asked_db: FloatArray, at_hz: FloatArray, toward: str, *, full: bool) -> tuple[NotReached, ...]:
    """That more is asked of the side than is done to it, and where most; in full it is asked of a region."""
    most_db = FULL_GAIN_DB if full else MAX_GAIN_DB
    if not asked_db.size:
        return ()
    worst = int(np.abs(asked_db).argmax())
    if abs(asked_db[worst]) < most_db + MISSED_DB:
        return ()
    place = written("centre_hz", tidy_hz(float(at_hz[worst])))
    text = (
        f"Around {place} {toward} {verb(toward)} further off in width: {abs(asked_db[worst]):.1f} dB is asked for"
        f"{' beside the gain as a whole' if full else ''}, and {most_db:g} dB is the most."
    )
    return (NotReached("width", text),)


def _left_alone(curve: Curve, wanted: FloatArray, comparison: Comparison, scene: Scene) -> Rejected:
    if scene.request.amount_pct == 0:
        return Rejected("match_width", f"Width left alone: --amount 0 takes nothing of {comparison.toward}.")
    full, believed = (float(np.average(v, weights=curve.weight)) for v in (curve.matched_db, wanted))
    believed = float(np.clip(believed, min(full, 0.0), max(full, 0.0)))  # of that difference, and of no other
    toward = comparison.toward
    by_genre = comparison.by_genre
    told = "what is more likely wrong than the song's own" if by_genre else "what of that can be told from arrangement"
    if abs(full) < 0.05:
        return Rejected("match_width", f"Width left alone: the target is as wide as {toward}.")
    why = "" if wanted.any() else let_be(curve.fault, scene.target)
    why = f"; {why}" if why else f", and {told} is {abs(believed):.1f} dB"
    how = f"{abs(full):.1f} dB {'wider' if full > 0 else 'narrower'}"
    return Rejected("match_width", f"Width left alone: {toward} {verb(toward)} {how}{why}.")


def _coefficients(move: Move, sample_rate_hz: int) -> FloatArray:
    return coefficients_of(move, GAIN_NAME, sample_rate_hz)


def _side_gain(blocks: Blocks, gain: float) -> Iterator[FloatArray]:
    for block in blocks:
        yield block if len(block) == 1 or gain == 1.0 else with_side_gain(block, gain)
