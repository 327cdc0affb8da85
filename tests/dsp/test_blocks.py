"""Sound re-cut to a grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmaster.dsp.blocks import rechunked
from refmaster.errors import BadSetting


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 30), st.integers(1, 3))
def test_any_pieces_become_blocks_of_one_size_with_the_same_sound(sizes, block_samples, channels):
    sound = np.arange(channels * sum(sizes), dtype=np.float64).reshape(channels, -1)
    pieces = np.split(sound, np.cumsum(sizes)[:-1], axis=1) if sizes else []

    blocks = list(rechunked(pieces, block_samples))

    assert all(block.shape == (channels, block_samples) for block in blocks[:-1])
    assert all(0 < block.shape[1] <= block_samples for block in blocks)
    joined = np.concatenate(blocks, axis=1) if blocks else np.zeros((channels, 0))
    assert np.array_equal(joined, sound)


def test_a_stream_is_cut_as_it_comes_and_not_collected_first():
    def endless():
        while True:
            yield np.ones((1, 7))

    assert next(rechunked(endless(), 100)).shape == (1, 100)


def test_a_block_of_the_right_size_passes_without_a_copy():
    block = np.ones((2, 64))
    (passed,) = rechunked([block], 64)
    assert np.shares_memory(passed, block)


@pytest.mark.parametrize("block_samples", [0, -1])
def test_blocks_of_no_samples_are_refused(block_samples):
    with pytest.raises(BadSetting, match="allowed: 1 or more"):
        next(rechunked([np.ones((1, 4))], block_samples))
