"""Remove a DC offset: a constant that is heard only as lost headroom, and as a click at either end.

The mean of each channel is subtracted. Unlike a high-pass this turns no phase and takes no bass.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from refmaster.measure.defects import DC_PCT
from refmaster.moves import Blocks, Scene
from refmaster.records import Effect, Gap, Move, Param, Profile, Proposal, Rejected, Stage
from refmaster.units import FloatArray

STAGE = Stage.REPAIR
PARTS: tuple[str, ...] = ()
EVIDENT = False
SIDES = ("target", "without it")
MOST_PCT = 100.0
NAMES = {1: ("offset_pct",), 2: ("left_offset_pct", "right_offset_pct")}


def propose(scene: Scene) -> Proposal:
    """One move where any channel's mean is 0.1 % of full scale or more away from zero."""
    offset = scene.target.dc_offset_pct
    if scene.nothing_to_do:
        return Proposal(rejected=(Rejected("remove_dc", "The target is the reference: nothing to repair toward it."),))
    if max(abs(o) for o in offset) < DC_PCT:
        return Proposal(
            rejected=(
                Rejected("remove_dc", "No DC offset to remove: the mean of each channel is within 0.1 % of zero."),
            )
        )
    named = zip(NAMES[len(offset)], offset, strict=True)
    params = tuple(Param.nearest(name, o, -MOST_PCT, MOST_PCT, 0.0) for name, o in named)
    gaps = tuple(
        Gap(f"dc_{p.name}", p.value, 0.0, DC_PCT, 0.0, 100.0, "no offset") for p in params if abs(p.value) >= DC_PCT
    )
    return Proposal((Move("remove_dc", STAGE, params, gaps, confidence=1.0),))


def apply(blocks: Blocks, move: Move, sample_rate_hz: int) -> Iterator[FloatArray]:
    """Subtract the offset of each channel."""
    offset = np.array([[p.value / 100] for p in move.params])
    for block in blocks:
        yield block - offset


def foresee(profile: Profile, move: Move) -> Profile:
    """The means, less what is subtracted."""
    left = tuple(o - p.value for o, p in zip(profile.dc_offset_pct, move.params, strict=True))
    return replace(profile, dc_offset_pct=left)


def effect(move: Move, master: Profile) -> Effect:
    """The largest offset, before and after; before, as the target has it."""
    worst = max(range(len(move.params)), key=lambda k: abs(move.params[k].value))
    feature, left = f"dc_{move.params[worst].name}", master.dc_offset_pct[worst]
    known = (gap.target for gap in move.because if gap.feature == feature)
    stands = next(known, left if move.at_rest() == move else 0.0)  # else: none was found that is worth a move
    return Effect(feature, stands, left)


def blank(move_id: str, channels: int) -> Move:
    """No offset subtracted."""
    params = tuple(Param(name, 0.0, -MOST_PCT, MOST_PCT, 0.0) for name in NAMES[channels])
    return Move("remove_dc", STAGE, params, (), 1.0)


def explain(move: Move) -> str:
    """Why a constant is worth removing."""
    values = " and ".join(f"{p} ({p.name.split('_')[0]})" if len(move.params) > 1 else str(p) for p in move.params)
    return (
        f"DC offset of {values} of full scale is subtracted: it costs headroom, clicks at the ends, carries no sound."
    )
