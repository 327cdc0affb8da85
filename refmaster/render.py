"""Render: sound through the moves. The chain is nested generators; nothing holds the whole track."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, takewhile

import numpy as np

from refmaster.dsp.ahead import ahead
from refmaster.dsp.blocks import rechunked
from refmaster.dsp.limiter import ReductionMeter
from refmaster.load import BLOCK_SAMPLES
from refmaster.moves import Blocks, LinearMover, linear_mover_of, mover_of
from refmaster.records import Move, Phase, Stage
from refmaster.units import FloatArray

LINEAR = (Stage.TONE, Stage.IMAGE, Stage.LEVEL)  # filters and gains: one after another, in whatever order


@dataclass(frozen=True)
class HalfWay:
    """A chain `without` one of its moves, or with all (None): the sound so far, and the moves that are still to come.

    `sound` has the shape (channels, samples).
    """

    without: Move | None
    sound: FloatArray
    moves: tuple[Move, ...]


def rendered(
    blocks: Blocks,
    moves: Iterable[Move],
    sample_rate_hz: int,
    meter: ReductionMeter | None = None,
    *,
    threads: int = 1,
) -> Iterator[FloatArray]:
    """The sound after every active move, in chain order. `meter` hears what a mover that reduces gain takes off.

    With more than one of `threads` all that comes before such a mover is done in one of its own, and the first half of
    the compressors, each of which takes as long as twenty filters, in another.
    """
    sound, active = iter(blocks), [move for move in moves if move.active]
    compressors = [move for move in active if move.stage is Stage.DYNAMICS]
    second_half = compressors[len(compressors) // 2 :]
    for mover, neighbours in groupby(active, key=_linear):
        if mover is not None:  # a product of filters is one filter
            sound = mover.linear_phase(sound, tuple(neighbours), sample_rate_hz)
            continue
        for move in neighbours:
            metered = getattr(mover_of(move), "metered", None)
            if meter is not None and metered is not None:
                sound = metered(ahead(sound, threads=threads), move, sample_rate_hz, meter)
                continue
            if second_half and move is second_half[0]:
                sound = ahead(sound, threads=threads)
            sound = mover_of(move).apply(sound, move, sample_rate_hz)
    return sound


def half_way(
    sound: FloatArray, moves: tuple[Move, ...], leaving_out: tuple[Move | None, ...], sample_rate_hz: int
) -> Iterator[HalfWay]:
    """A chain without each of some of its moves, as far as others share it: what they have in common is done once.

    Filters in a row may change places. Of n that are left out in turn the others are so played in log n steps, each
    for half as many chains as the one before, and what stands behind them is left to whoever asks.
    """
    out = leaving_out
    while len(out) > 1:
        row = tuple(takewhile(lambda move: move.stage in LINEAR, moves)) or moves[:1]
        mine, later = [move for move in row if move in out], tuple(one for one in out if one not in row)
        sound = _played(sound, [move for move in row if move not in out], sample_rate_hz)
        half = len(mine) if later else len(mine) // 2
        first, second, rest = tuple(mine[:half]), tuple(mine[half:]), moves[len(row) :]
        if first:
            yield from half_way(_played(sound, second, sample_rate_hz), first + rest, first, sample_rate_hz)
        sound, moves, out = _played(sound, first, sample_rate_hz), second + rest, second or later
    yield HalfWay(out[0], sound, tuple(move for move in moves if move is not out[0]))


def _played(sound: FloatArray, moves: Iterable[Move], sample_rate_hz: int) -> FloatArray:
    """A whole sound through some moves; itself where there are none."""
    chain = tuple(moves)
    blocks = rechunked([sound], BLOCK_SAMPLES)
    return np.concatenate(list(rendered(blocks, chain, sample_rate_hz)), axis=1) if chain else sound


def _linear(move: Move) -> LinearMover | None:
    """The mover of a move in linear phase; None for every other."""
    return linear_mover_of(move) if move.phase is Phase.LINEAR else None
