"""A band as a move: what its id says, and the filter that its numbers make."""

import numpy as np
import pytest

from refmaster.bands import BAND_PARTS, FREQUENCY_NAME, coefficients_of, frequency_of, shape_of
from refmaster.dsp.biquad import Shape, design
from refmaster.moves import blank_of

IDS = [f"{mover}/{part.replace('*', '3')}" for mover in ("match_eq", "match_width") for part in BAND_PARTS]


def test_an_id_names_its_shape():
    assert [shape_of(i) for i in IDS] == 2 * [Shape.LOW_SHELF, Shape.BELL, Shape.HIGH_SHELF]


@pytest.mark.parametrize("move_id", IDS)
def test_a_band_makes_the_filter_of_its_numbers(move_id):
    shape = shape_of(move_id)
    gain = "gain_db" if move_id.startswith("match_eq") else "side_gain_db"
    move = blank_of(move_id, 2).at(**{gain: -3.0, FREQUENCY_NAME[shape]: 440.0, "q": 0.9})
    assert frequency_of(move).value == 440.0
    assert np.array_equal(coefficients_of(move, gain, 48000), design(shape, 440.0, -3.0, 0.9, 48000))
