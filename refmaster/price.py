"""The price of loudness, in words: why a goal was not reached, and what was paid where the limiter works hard."""

from refmaster.measure.excerpt import Limited
from refmaster.records import NotReached
from refmaster.units import written

SHORT, HARD = "integrated_lufs", "limiting"
SUBJECTS = (SHORT, HARD)  # what is told of a gain that was found here, and of no other
TAME = "Tame the loudest peaks in the mix (often kick, snare or a vocal)"
BEFORE = "Bring the mix as it was before its limiter, whose work cannot be undone"  # of a limited target


def short_of(
    goal_lufs: float,
    reached_lufs: float,
    now_lufs: float,
    why: str,
    *,
    dropped: bool,
    spoken: bool,
    limited: bool = False,
    raised: bool = False,
    higher_ceiling: bool = False,
) -> NotReached:
    """Where the loudness stops, why, and what to do: in the mix or, unless a person `spoke`, by asking for it.

    A limiter that was `dropped` comes first. A master that ends up quieter than the target says so, and that moves
    `raised` its peaks, where they did. In a target that was `limited` before there are no peaks left to tame; a
    `higher_ceiling` may leave it louder.
    """
    first = BEFORE if limited else TAME
    advice = f"{first}, or ask for it all the same: --loudness {goal_lufs:.1f}."
    if higher_ceiling:
        advice = f"{first}, ask for a higher --ceiling, or to limit it once more: --loudness {goal_lufs:.1f}."
    if spoken:
        advice = f"{first}, or ask for less."
    if dropped:
        advice = "Keep limit_peaks, or ask for less with --loudness."
    short_lu = abs(round(goal_lufs, 1) - round(reached_lufs, 1))  # of the figures as they are printed beside it
    off = f"{short_lu:.1f} LU short of {written('x_lufs', goal_lufs)}"
    if reached_lufs < now_lufs - 0.05 < goal_lufs:
        off += f", and quieter than the target, {written('x_lufs', now_lufs)}"
        off += ", as the moves before it raise its peaks" if raised else ""
    text = f"Loudness stops at {written('x_lufs', reached_lufs)}, {off}: {why}. {advice}"
    return NotReached(SHORT, text)


def hard_work(work: Limited, *, limited: bool = False) -> NotReached:
    """What the limiter takes, where that is more than practice calls good; the target may be `limited` before."""
    first = BEFORE if limited else "Tame kick, snare or vocal peaks in the mix"
    text = (
        f"The loudness has a price: the limiter takes more than 4 dB for {work.over_4_db_pct:.0f} % of the time, "
        f"{work.max_reduction_db:.1f} dB at most. {first}, or ask for less with --loudness."
    )
    return NotReached(HARD, text)
