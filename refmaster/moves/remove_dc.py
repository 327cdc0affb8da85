"""Remove a DC offset: it is heard only as lost headroom, and as a click where it begins and ends.

Where it is one constant, the mean of each channel is subtracted. Where it drifts, or parts of the file are silent, that
would put an offset where there was none: then what moves slower than any sound is taken out, without turning a phase.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from refmaster import compare
from refmaster.dsp.offset import without_offset
from refmaster.measure.defects import DC_PCT
from refmaster.moves import Blocks, Scene
from refmaster.records import EVIDENCE_PCT, Effect, Gap, Move, Param, Profile, Proposal, Rejected, Stage
from refmaster.units import FloatArray, db_to_gain, written

STAGE = Stage.REPAIR
PARTS: tuple[str, ...] = ()
EVIDENT = False
SIDES = ("target", "without it")
LATER = ("below_hz",)  # what sessions of earlier builds lack
MOST_PCT, MOST_HZ = 100.0, 10.0
NAMES = {1: ("offset_pct",), 2: ("left_offset_pct", "right_offset_pct")}
BELOW_HZ = 4.0  # at 8 Hz nothing is taken out any more, and the lowest notes of an organ begin at 16
STEADY = 0.1  # of the offset: what strays by less is the music's own
DRIFT_PCT = 2.0  # about a mean of zero: 0.2 dB of headroom; of 60 free tracks one strays further than 1 % so
MOST_LOUDER_DB = 24.0  # of gain that is reckoned with


def propose(scene: Scene) -> Proposal:
    """One move where any channel's mean would be 0.1 % of full scale or more away from zero at the master's level."""
    offset, drift = scene.target.dc_offset_pct, _drift_pct(scene.target)
    if scene.nothing_to_do:
        return Proposal(rejected=(Rejected("remove_dc", "The target is the reference: nothing to repair toward it."),))
    if scene.settled_lufs is not None:
        why = "No DC offset to remove: it was looked for when this master of ours was made; --fresh looks again."
        return Proposal(rejected=(Rejected("remove_dc", why),))
    louder_db = _louder_db(scene)
    least, worst = DC_PCT / db_to_gain(louder_db), max(abs(o) for o in offset)
    if worst < least and drift < DRIFT_PCT:
        behind = f", at the goal's level too ({written('gain_db', louder_db)})" if louder_db >= 0.005 else ""
        why = f"No DC offset to remove: the mean of each channel is within 0.1 % of zero{behind}."
        return Proposal(rejected=(Rejected("remove_dc", why),))
    gaps = tuple(
        Gap(f"dc_{name}", o, 0.0, least, 0.0, 100.0, "no offset")
        for name, o in zip(NAMES[len(offset)], offset, strict=True)
        if abs(o) >= least
    )
    move = blank("remove_dc", len(offset))
    if drift > max(STEADY * worst, min(DC_PCT, worst / 2)):
        move, gaps = move.at(below_hz=BELOW_HZ), (Gap("dc_drift_pct", drift, 0.0, least, 0.0, 100.0, "none"), *gaps)
    else:
        named = zip(NAMES[len(offset)], offset, strict=True)
        move = move.at(**{name: min(max(o, -MOST_PCT), MOST_PCT) for name, o in named})
    return Proposal((replace(move, because=gaps),))


def apply(blocks: Blocks, move: Move, sample_rate_hz: int) -> Iterator[FloatArray]:
    """Take out what drifts below `below_hz`, where that is set; then subtract the offset of each channel."""
    offset = np.array([[p.value / 100] for p in _offsets(move)])
    if move["below_hz"] > 0:
        blocks = without_offset(blocks, move["below_hz"], sample_rate_hz)
    for block in blocks:
        yield block - offset


def foresee(profile: Profile, move: Move) -> Profile:
    """The means, less what is subtracted; none, and no drift, where the offset is followed."""
    followed = move["below_hz"] > 0
    means = zip(profile.dc_offset_pct, _offsets(move), strict=True)
    drift = (0.0,) * len(profile.dc_drift_pct) if followed else profile.dc_drift_pct
    left = tuple((0.0 if followed else o) - p.value for o, p in means)
    return replace(profile, dc_offset_pct=left, dc_drift_pct=drift)


def effect(move: Move, master: Profile) -> Effect:
    """The largest offset, or how far it drifts, before and after; before, as the target has it."""
    offsets = _offsets(move)
    worst = max(range(len(offsets)), key=lambda k: abs(offsets[k].value))
    feature, left = f"dc_{offsets[worst].name}", master.dc_offset_pct[worst]
    nothing = left if move.at_rest() == move else 0.0  # else: none was found that is worth a move
    if move["below_hz"] > 0:
        feature, left = "dc_drift_pct", _drift_pct(master)
        nothing = left
    known = (gap.target for gap in move.because if gap.feature == feature)
    return Effect(feature, next(known, nothing), left)


def blank(move_id: str, channels: int) -> Move:
    """No offset subtracted, and none followed."""
    constant = (Param(name, 0.0, -MOST_PCT, MOST_PCT, 0.0) for name in NAMES[channels])
    return Move("remove_dc", STAGE, (*constant, Param("below_hz", 0.0, 0.0, MOST_HZ, 0.0)), (), 1.0)


def explain(move: Move) -> str:
    """Why an offset is worth removing, and how."""
    shown = [p for p in _offsets(move) if p.value or not move["below_hz"]]
    values = " and ".join(f"{p} ({p.name.split('_')[0]})" if len(move.params) > 2 else str(p) for p in shown)
    if not move["below_hz"]:
        return (
            f"DC offset of {values} of full scale is subtracted: it costs headroom, clicks at the ends, carries no "
            "sound."
        )
    found = {gap.feature: gap.target for gap in move.because}
    strays = f" by {written('drift_pct', found['dc_drift_pct'])} of full scale" if "dc_drift_pct" in found else ""
    then = f" Then {values} is subtracted." if values else ""
    return (
        f"A DC offset that drifts{strays} is followed: what is slower than {move.param('below_hz')} is taken "
        f"out, which costs headroom and carries no sound; silence stays.{then}"
    )


def _offsets(move: Move) -> tuple[Param, ...]:
    return tuple(p for p in move.params if p.name != "below_hz")


def _drift_pct(profile: Profile) -> float:
    return max(profile.dc_drift_pct, default=0.0)


def _louder_db(scene: Scene) -> float:
    """By how much the master is to be louder, as far as it is known before any other move: with it the offset rises."""
    request, comparison, now = scene.request, scene.comparison, scene.target.integrated_lufs
    theirs = comparison.loudness_lufs if comparison is not None else None
    if now is None or (request.only and Stage.LEVEL not in request.only):
        return 0.0
    if request.loudness_lufs is not None:
        wanted_db = request.loudness_lufs - now
    elif theirs is None or compare.is_limited(scene.target):  # a master is not turned up far, if at all
        wanted_db = 0.0
    else:
        wanted_db = (theirs - now) * min(1.0, request.amount_pct / EVIDENCE_PCT)
    return min(max(wanted_db, 0.0), MOST_LOUDER_DB)
