"""Limit the peaks: the ceiling's promise. A look-ahead true-peak limiter, and nothing at all below the ceiling."""

import math
from collections.abc import Iterator
from dataclasses import replace

from refmaster.dsp.limiter import CLIP_DB, LOOKAHEAD_MS, MARGIN_DB, RELEASE_MS, Limiting, ReductionMeter, limited
from refmaster.moves import Blocks, Scene
from refmaster.records import Effect, Gap, Move, Param, Profile, Proposal, Rejected, Stage
from refmaster.units import FloatArray, written

STAGE = Stage.CEILING
PARTS: tuple[str, ...] = ()
EVIDENT = False
SIDES = ("without it", "ceiling")
SETTINGS = ("ceiling_dbtp", "clip_db", "lookahead_ms", "release_ms", "margin_db")
NEVER_DBTP = 24.0  # a ceiling that no sound reaches: the neutral value


def propose(scene: Scene) -> Proposal:
    """One move where the sound, as it comes here, would pass the ceiling."""
    peak = scene.target.true_peak_dbtp
    ceiling = scene.request.ceiling_dbtp
    if peak is None or peak <= ceiling:
        said = written("peak_dbtp", peak if peak is not None else math.nan)
        text = f"No limiting: the true peak, {said}, is not over the ceiling of {written('ceiling_dbtp', ceiling)}."
        return Proposal(rejected=(Rejected("limit_peaks", text),))
    if scene.nothing_to_do:
        said, sample_peak = written("peak_dbtp", peak), scene.target.sample_peak_dbfs
        text = f"Nothing was changed, so the true peak stays where the reference has it, at {said}."
        if sample_peak is not None and sample_peak > 0:  # which format it will be written in is not known here
            text = (
                f"Nothing was changed, so nothing is limited: the true peak, {said}, is the reference's own. It stays "
            )
            text += "only in a format that has room over full scale (--bit-depth 32f); any other cuts off what is over."
        return Proposal(rejected=(Rejected("limit_peaks", text),))
    margin = MARGIN_DB if scene.limiting is None else scene.limiting.margin_db
    gap = Gap("true_peak_dbtp", peak, ceiling, 0.0, 0.0, 100.0, "the ceiling")
    clip_db = CLIP_DB if scene.limiting is None else scene.limiting.clip_db
    return Proposal((replace(working(ceiling, margin, clip_db), because=(gap,)),))


def working(ceiling_dbtp: float, margin_db: float = MARGIN_DB, clip_db: float = CLIP_DB) -> Move:
    """The limiter at a ceiling, before anybody decided about it."""
    return Move("limit_peaks", STAGE, _params(ceiling_dbtp, margin_db, clip_db), (), confidence=1.0)


def limiting_of(move: Move) -> Limiting:
    """The limiter's settings as the move has them."""
    return Limiting(**{name: move[name] for name in SETTINGS})


def apply(blocks: Blocks, move: Move, sample_rate_hz: int) -> Iterator[FloatArray]:
    """Hold the true peak under the ceiling."""
    return limited(blocks, sample_rate_hz, limiting_of(move))


def metered(blocks: Blocks, move: Move, sample_rate_hz: int, meter: ReductionMeter) -> Iterator[FloatArray]:
    """As `apply`, with a meter that hears the gain reduction."""
    return limited(blocks, sample_rate_hz, limiting_of(move), meter=meter)


def foresee(profile: Profile, move: Move) -> Profile:
    """The peak, at the ceiling; how much loudness it costs does not follow in closed form."""
    peak = profile.true_peak_dbtp
    return replace(profile, true_peak_dbtp=None if peak is None else min(peak, move["ceiling_dbtp"]))


def effect(move: Move, master: Profile) -> Effect:
    """True peak before the limiter, and of the master."""
    after = master.true_peak_dbtp if master.true_peak_dbtp is not None else -200.0
    return Effect("true_peak_dbtp", move.because[0].target if move.because else after, after)


def blank(move_id: str, channels: int) -> Move:
    """A ceiling so high that nothing reaches it."""
    return working(NEVER_DBTP)


def explain(move: Move) -> str:
    """How far over the peaks would be, and how they are held."""
    how = f"up to {move.param('clip_db')} of short peaks is clipped, the rest limited"
    how = how if move["clip_db"] > 0 else "what is over is limited, nothing clipped"
    text = (
        f"Hold true peaks at {move.param('ceiling_dbtp')}, margin {move.param('margin_db')}: {how} "
        f"(look-ahead {move.param('lookahead_ms')}, release {move.param('release_ms')})."
    )
    if move.because and move.because[0].target > move["ceiling_dbtp"] + 0.005:  # as two digits show it
        text += f" Without it they would reach {written('peak_dbtp', move.because[0].target)}."
    return text


def _params(ceiling_dbtp: float, margin_db: float, clip_db: float) -> tuple[Param, ...]:
    return (
        Param("ceiling_dbtp", ceiling_dbtp, -24.0, NEVER_DBTP, NEVER_DBTP),
        Param("clip_db", clip_db, 0.0, 6.0),
        Param("lookahead_ms", LOOKAHEAD_MS, 0.5, 20.0),
        Param("release_ms", RELEASE_MS, 5.0, 1000.0),
        Param("margin_db", margin_db, 0.0, 3.0),
    )
