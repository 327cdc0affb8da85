"""Frames on a grid: whatever way the sound is cut, the same bits, and an array that grows holds what was put in."""

import numpy as np
import pytest

from refmaster.dsp.frames import FIRST_ROWS, BandFrames, Grown
from tests.signals import FloatArray, pink_noise

EDGES = np.array([100.0, 1000.0, 10000.0])


def frames(pieces: list[FloatArray]) -> FloatArray:
    meter = BandFrames(44100, n_fft=1024, hop_samples=512, edges=EDGES)
    for piece in pieces:
        meter.feed(piece)
    return meter.read()


@pytest.mark.parametrize("cut", [1, 511, 4096, 100_000])
def test_cutting_changes_no_bit(cut):
    sound = pink_noise(-20.0, 0.5, 44100, 1)[0]
    whole = frames([sound])
    assert np.array_equal(frames([sound[at : at + cut] for at in range(0, sound.size, cut)]), whole)
    assert len(whole) == (sound.size - 1024) // 512 + 1


def test_less_than_a_frame_is_one():
    assert frames([np.ones(10)]).shape == (1, 2)
    assert frames([]).shape == (1, 2)


@pytest.mark.parametrize("at_once", [1, 8, 1000])
@pytest.mark.parametrize("count", [0, 1, FIRST_ROWS, FIRST_ROWS + 1, 5000])
def test_rows_come_out_as_they_went_in(count, at_once):
    rows = np.random.default_rng(1).standard_normal((count, 3))
    grown = Grown(3)
    for at in range(0, count, at_once):
        grown.add(rows[at : at + at_once])
    assert np.array_equal(grown.read(), rows)
    assert np.array_equal(grown.read(), rows)  # reading twice is no harm
