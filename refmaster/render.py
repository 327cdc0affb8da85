"""Render: sound through the moves. The chain is nested generators; nothing holds the whole track."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from refmaster.dsp.ahead import ahead
from refmaster.dsp.limiter import ReductionMeter
from refmaster.moves import Blocks, LinearMover, linear_mover_of, mover_of
from refmaster.records import Move, Phase
from refmaster.units import FloatArray


def rendered(
    blocks: Blocks,
    moves: Iterable[Move],
    sample_rate_hz: int,
    meter: ReductionMeter | None = None,
    *,
    threads: int = 1,
) -> Iterator[FloatArray]:
    """The sound after every active move, in chain order. `meter` hears what a mover that reduces gain takes off.

    With more than one of `threads` all that comes before such a mover is done in one of its own.
    """
    sound = iter(blocks)
    for mover, neighbours in groupby((move for move in moves if move.active), key=_linear):
        if mover is not None:  # a product of filters is one filter
            sound = mover.linear_phase(sound, tuple(neighbours), sample_rate_hz)
            continue
        for move in neighbours:
            metered = getattr(mover_of(move), "metered", None)
            if meter is not None and metered is not None:
                sound = metered(ahead(sound, threads=threads), move, sample_rate_hz, meter)
            else:
                sound = mover_of(move).apply(sound, move, sample_rate_hz)
    return sound


def _linear(move: Move) -> LinearMover | None:
    """The mover of a move in linear phase; None for every other."""
    return linear_mover_of(move) if move.phase is Phase.LINEAR else None
