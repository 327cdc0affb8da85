"""Cutting sound to an absolute grid of blocks.

Sound may arrive in pieces of any size; whoever works in blocks of a fixed size from sample 0 on gives the same result
for all of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from refmaster.errors import BadSetting
from refmaster.units import FloatArray


def rechunked(blocks: Iterable[FloatArray], block_samples: int) -> Iterator[FloatArray]:
    """The same sound in blocks of exactly `block_samples`, the last one shorter.

    Blocks have the shape (channels, samples) and may be views of what came in; empty ones vanish.
    """
    if block_samples < 1:
        raise BadSetting(f"a block of {block_samples} samples is none; allowed: 1 or more")
    held: list[FloatArray] = []
    held_samples = 0
    for block in blocks:
        start, n_samples = 0, block.shape[1]
        while start < n_samples:
            stop = min(n_samples, start + block_samples - held_samples)
            held.append(block[:, start:stop])
            held_samples += stop - start
            start = stop
            if held_samples == block_samples:
                yield _joined(held)
                held, held_samples = [], 0
    if held:
        yield _joined(held)


Place = tuple[int, int]
"""A stretch of a sound: its first sample, and the one behind its last."""


def every_nth(n_samples: int, in_all: int) -> int:
    """Which of equal stretches to take so that about `in_all` samples of a sound are taken: each, each second, ..."""
    return max(1, round(n_samples / in_all))


class Kept:
    """Keeps stretches of a sound that comes by, in double precision or as another `kind` of number."""

    def __init__(self, places: Sequence[Place], kind: npt.DTypeLike = np.float64):
        self._places, self._kind = places, kind
        self._pieces: list[list[npt.NDArray[Any]]] = [[] for _ in places]
        self._at = 0

    def feed(self, block: FloatArray) -> None:
        """Take in the next samples, (channels, samples)."""
        end = self._at + block.shape[1]
        for (first, last), pieces in zip(self._places, self._pieces, strict=True):
            low, high = max(first, self._at), min(last, end)
            if low < high:
                pieces.append(block[:, low - self._at : high - self._at].astype(self._kind))
        self._at = end

    def read(self) -> list[npt.NDArray[Any]]:
        """The stretches, each (channels, samples); one of which nothing came by is left out."""
        return [np.concatenate(pieces, axis=1) for pieces in self._pieces if pieces]


def _joined(pieces: list[FloatArray]) -> FloatArray:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)
