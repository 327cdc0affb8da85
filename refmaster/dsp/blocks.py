"""Cutting sound to an absolute grid of blocks.

Sound may arrive in pieces of any size; whoever works in blocks of a fixed size from sample 0 on gives the same result
for all of them.
"""

from collections.abc import Iterable, Iterator

import numpy as np

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


def _joined(pieces: list[FloatArray]) -> FloatArray:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)
