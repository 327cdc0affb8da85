"""Match the dynamics: a compressor or a gentle expander for each band in which loud passages stand out differently.

How far the loud 50 ms (P95) of a band stand above its median tells how dense it is. Between the halves of one finished
song that already differs by a factor of 1.25 (68 free tracks, common to all bands; 1.4 in one band), which is more than
mastering mends: so of what is measured little is believed, and as a rule nothing is done. Toward `--amount 100` the
reference is followed as asked. What a limiter took from a track is not expanded back: it is said, not invented.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from refmaster import compare
from refmaster.dsp.ahead import side_by_side
from refmaster.dsp.compression import Compression, compressed, gains_db, hop_powers
from refmaster.dsp.crossover import EDGES_HZ, HALF_FALL, band_taps
from refmaster.measure.dynamics import ACTIVE_DB
from refmaster.moves import Blocks, Scene
from refmaster.names import BY_GENRE, whose
from refmaster.records import (
    DynamicsGap,
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
from refmaster.units import FloatArray, power_to_db
from refmaster.writing import told_apart

STAGE = Stage.DYNAMICS
PARTS = ("low", "low_mid", "mid", "presence", "high")
EVIDENT = True
SIDES = ("target", "")
WORDS = ("the low end", "the low mids", "the mids", "the presence", "the highs")
ATTACK_MS = (30.0, 20.0, 10.0, 5.0, 3.0)
RELEASE_MS = (200.0, 150.0, 120.0, 80.0, 60.0)  # long enough that the gain does not follow the notes
THRESHOLD_DBFS = (-20.0, -20.0, -22.0, -26.0, -26.0)  # where music is loud; for a band that a person sets by hand
BROUGHT_BACK = "other moves take it further than that, and the band brings it back"
LEAST_RATIO = 1.1  # under this nobody hears a compressor
RATIO_RANGE = (0.5, 6.0)
RANGE_DB, FULL_RANGE_DB = 4.0, 12.0  # practice: 1–3 dB; more than 4 is a matter for the mix
ROUNDS = 5
BLOCK_HOPS = 50  # hops of 1 ms in the blocks whose levels are compared


def propose(scene: Scene) -> Proposal:
    """A compressor or expander where the evidence, or the amount asked for, warrants one."""
    comparison = scene.comparison
    if comparison is None:
        return Proposal()
    wanted = [(k, gap, _wanted(gap, scene)) for k, gap in enumerate(comparison.dynamics)]
    limited = compare.is_limited(scene.target)
    worth = [(k, gap, factor) for k, gap, factor in wanted if _is_worth_it(factor)]
    possible = [one for one in worth if one[2] < 1 or not limited]
    excerpt = list(scene.stretches()) if possible else []
    solved = tuple(side_by_side(lambda one: _solved(*one, scene, excerpt), possible, threads=scene.threads))
    moves = tuple(move for move in solved if move is not None)
    withdrawn = tuple(_withdrawn(k) for (k, _, _), move in zip(possible, solved, strict=True) if move is None)
    lost = [PARTS[k] for k, _, factor in worth if factor > 1 and limited]
    missed = (NotReached("dynamics", _cannot_expand(lost, comparison.toward)),) if lost else ()
    left = () if moves or withdrawn or lost else (_left_alone(wanted, scene, comparison.toward),)
    return Proposal(moves, withdrawn or left, missed)


def apply(blocks: Blocks, move: Move, sample_rate_hz: int) -> Iterator[FloatArray]:
    """The band compressed, all else as it was."""
    return compressed(blocks, band_taps(_band(move), sample_rate_hz), _how(move), sample_rate_hz)


def foresee(profile: Profile, move: Move) -> Profile:
    """The same Profile: make-up keeps the band's mean power; how levels spread does not follow in closed form."""
    return profile


def effect(move: Move, master: Profile) -> Effect:
    """How far loud passages of the band stand above its median, before the move and in the master."""
    k = _band(move)
    after = _stands_out(master, k)
    before = move.because[0].target if move.because else after
    return Effect(_feature(k), before, after)


def blank(move_id: str, channels: int) -> Move:
    """A compressor at rest."""
    k = PARTS.index(move_id.split("/")[1])
    return Move(
        move_id,
        STAGE,
        _params(Compression(THRESHOLD_DBFS[k], 1.0, ATTACK_MS[k], RELEASE_MS[k], FULL_RANGE_DB, 0.0)),
        (),
        1.0,
    )


def explain(move: Move) -> str:
    """How the band is held or let go, and which difference it answers."""
    verb = "Compress" if move["ratio"] >= 1 else "Expand"
    text = (
        f"{verb} {WORDS[_band(move)]} {move.param('ratio')} over {move.param('threshold_dbfs')}, "
        f"{move.param('range_db')} at most, attack {move.param('attack_ms')}, release {move.param('release_ms')}, "
        f"make-up {move.param('makeup_db')}."
    )
    if move.because:
        gap = move.because[0]
        text += (
            f" Its loud passages stand {gap.target:.1f} dB above the median, "
            f"{whose(gap.toward)} {gap.reference:.1f} dB; "
            f"{f'{gap.taken_pct:.0f} % of that is aimed at' if gap.taken_pct > 0 else BROUGHT_BACK}."
        )
    return text


def _wanted(gap: DynamicsGap, scene: Scene) -> float:
    """The factor by which the band's spread is to change: 1 leaves it alone."""
    full = float(np.log(gap.reference_db / gap.target_db))
    share = compare.at_amount(scene.request.amount_pct, full * gap.believed, full)
    more = gap.correction if scene.request.in_full else 1.0
    return float(np.exp(share) * more)


def _is_worth_it(factor: float) -> bool:
    return max(factor, 1 / factor) >= LEAST_RATIO


def _solved(k: int, gap: DynamicsGap, factor: float, scene: Scene, excerpt: list[FloatArray]) -> Move | None:
    """The ratio that changes the band's spread by a factor, found by trying it on the band's own levels.

    None where what it does to them has the wrong sign.
    """
    powers = hop_powers(excerpt, band_taps(k, scene.target.sample_rate_hz), scene.target.sample_rate_hz)
    before = _block_levels_db(powers)
    goal = factor * _spread_db(before)
    range_db = FULL_RANGE_DB if scene.request.in_full else RANGE_DB
    how = Compression(round(float(np.median(before)), 1), 1 / factor, ATTACK_MS[k], RELEASE_MS[k], range_db, 0.0)
    slope = factor
    for _ in range(ROUNDS):
        how = replace(how, ratio=round(float(np.clip(1 / max(slope, 0.05), *RATIO_RANGE)), 3))
        reached = _spread_db(_block_levels_db(powers * 10 ** (gains_db(powers, how) / 10)))
        slope = max(0.05, slope + (goal - reached) / max(_spread_db(before), 0.5))
    if abs(reached - goal) >= abs(_spread_db(before) - goal):
        return None
    made = float(power_to_db((powers * 10 ** (gains_db(powers, how) / 10)).sum() + 1e-20))
    how = replace(how, makeup_db=round(float(power_to_db(powers.sum() + 1e-20)) - made, 2))
    taken = (
        100 * np.log(factor) / np.log(gap.reference_db / gap.target_db) if gap.reference_db != gap.target_db else 0.0
    )
    toward = scene.comparison.toward if scene.comparison else "the reference"
    taken = float(np.clip(taken, 0.0, 100.0))
    because = Gap(_feature(k), gap.target_db, gap.reference_db, 1.0, gap.sd_db, taken, toward)
    return Move(f"match_dynamics/{PARTS[k]}", STAGE, _params(how), (because,), round(because.confidence, 3))


def _block_levels_db(powers: FloatArray) -> FloatArray:
    """Levels of blocks of 50 ms that hold sound."""
    blocks = powers[: powers.size // BLOCK_HOPS * BLOCK_HOPS].reshape(-1, BLOCK_HOPS).mean(axis=1)
    levels = power_to_db(blocks, 1e-14)
    return np.asarray(levels[levels > levels.max() - ACTIVE_DB])


def _spread_db(levels: FloatArray) -> float:
    return float(np.percentile(levels, 95) - np.median(levels))


def _stands_out(profile: Profile, k: int) -> float:
    return profile.dynamics[k].loud_over_median_db if k < len(profile.dynamics) else 0.0


def _params(how: Compression) -> tuple[Param, ...]:
    return (
        Param.nearest("threshold_dbfs", how.threshold_dbfs, -120.0, 24.0),
        Param("ratio", how.ratio, 0.25, 20.0, 1.0),
        Param("attack_ms", how.attack_ms, 0.5, 200.0),
        Param("release_ms", how.release_ms, 5.0, 2000.0),
        Param("range_db", how.range_db, 0.0, 24.0),
        Param.nearest("makeup_db", how.makeup_db, -12.0, 12.0, 0.0),
    )


def _how(move: Move) -> Compression:
    return Compression(**move.values)


def begins_hz(move: Move) -> float:
    """Where the move's band begins to hear something."""
    band = _band(move)
    return EDGES_HZ[band - 1] / HALF_FALL if band > 0 else 0.0


def _band(move: Move) -> int:
    return PARTS.index(move.id.split("/")[1])


def _feature(k: int) -> str:
    return f"dynamics_{PARTS[k]}_p95_over_p50_db"


def _withdrawn(k: int) -> Rejected:
    text = f"Withdrawn: no compressor or expander on {WORDS[k]} was measured to bring it nearer to what is gone toward."
    return Rejected(f"match_dynamics/{PARTS[k]}", text)


def _left_alone(wanted: list[tuple[int, DynamicsGap, float]], scene: Scene, toward: str) -> Rejected:
    request, genre = scene.request, scene.genre
    if request.amount_pct == 0:
        return Rejected("match_dynamics", f"Dynamics left alone: --amount 0 takes nothing of {toward}.")
    gaps = [gap for _, gap, _ in wanted]
    if not gaps:
        return Rejected("match_dynamics", "Dynamics left alone: there is too little sound to compare.")
    if all(gap.reference_db == gap.target_db for gap in gaps):
        usual = f"in each band they are as {toward} has them"
        unknown = not any(one.name.startswith("dynamics_") for one in genre.spreads)
        if toward == BY_GENRE and unknown:
            usual = "nobody has measured how far loud passages of this genre stand out"
        return Rejected("match_dynamics", f"Dynamics left alone: {usual}.")
    k, widest, factor = max(wanted, key=lambda one: abs(np.log(one[1].reference_db / one[1].target_db)))
    steadier = widest.reference_db < widest.target_db
    ratio, least = told_apart(max(factor, 1 / factor), LEAST_RATIO, 2)
    return Rejected(
        "match_dynamics",
        f"Dynamics left alone: {whose(toward)} loud passages stand out {'less' if steadier else 'more'}, by up to "
        f"{abs(widest.reference_db - widest.target_db):.1f} dB, in {WORDS[k]}; songs differ more in that than mixes "
        f"are off, so what is left of it is a ratio of {ratio}:1, and under {least}:1 "
        "nobody hears it.",
    )


def _cannot_expand(parts: list[str], toward: str) -> str:
    names = " and ".join(WORDS[PARTS.index(part)] for part in parts)
    return (
        f"{whose(toward).capitalize()} loud passages stand out more in {names}, but the target has been limited "
        f"already, and what that took cannot be given back. Bounce the mix without the limiter on its master bus."
    )
