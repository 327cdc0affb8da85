"""Render: sound through the moves. The chain is nested generators; nothing holds the whole track."""

from collections.abc import Iterable, Iterator

from refmaster.dsp.limiter import ReductionMeter
from refmaster.moves import Blocks, mover_of
from refmaster.records import Move
from refmaster.units import FloatArray


def rendered(
    blocks: Blocks, moves: Iterable[Move], sample_rate_hz: int, meter: ReductionMeter | None = None
) -> Iterator[FloatArray]:
    """The sound after every active move, in chain order. `meter` hears what a mover that reduces gain takes off."""
    sound = iter(blocks)
    for move in moves:
        mover = mover_of(move)
        metered = getattr(mover, "metered", None)
        if not move.active:
            continue
        if meter is not None and metered is not None:
            sound = metered(sound, move, sample_rate_hz, meter)
        else:
            sound = mover.apply(sound, move, sample_rate_hz)
    return sound
