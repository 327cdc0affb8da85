"""Notes in a spectrum: a melody is found again in another key, another melody is not, and tone is no note."""

from functools import cache

import numpy as np
import pytest

from refmaster.dsp.pitch import MOST_SEMITONES, likeness, notes
from tests.signals import FloatArray, pink_noise, spoil

RATE_HZ, N_FFT = 44100, 16384
BIN_HZ = RATE_HZ / N_FFT
NOTE_S = 0.4
SCALE = (0, 2, 4, 5, 7, 9, 11, 12)


@cache
def melody(semitones: float = 0.0, seed: int = 1) -> FloatArray:
    """16 notes with overtones over a little noise, drawn from a scale, moved by some semitones; shape (1, samples)."""
    chance = np.random.default_rng(seed)
    mode, root = chance.permutation(len(SCALE))[:5], chance.integers(0, 5)  # five notes each, somewhere in the scale
    t = np.arange(round(NOTE_S * RATE_HZ)) / RATE_HZ
    played = []
    for degree in chance.choice(mode, 16):
        f = 220.0 * 2 ** ((SCALE[degree] + root + semitones) / 12)
        played.append(sum(np.sin(2 * np.pi * f * k * t) / k for k in range(1, 9)) * np.hanning(t.size))
    tune = np.concatenate(played)[np.newaxis] * 0.1
    return tune + pink_noise(-70.0, tune.shape[1] / RATE_HZ, RATE_HZ, 1, seed)


def heard(sound: FloatArray) -> FloatArray:
    frames = np.lib.stride_tricks.sliding_window_view(sound[0], N_FFT)[:: N_FFT // 2] * np.hanning(N_FFT)
    return notes((np.abs(np.fft.rfft(frames)) ** 2).mean(axis=0), BIN_HZ)


@pytest.mark.parametrize("semitones", [-6, -3, -2, -1, 1, 2, 5, 6, MOST_SEMITONES])
def test_a_melody_in_another_key_is_found_at_its_shift(semitones):
    found = likeness(heard(melody()), heard(melody(semitones)))
    assert found.semitones == pytest.approx(semitones, abs=0.34)  # a step of the grid
    assert found.best >= 0.9
    assert found.as_is < found.best - 0.25


def test_a_melody_is_most_like_itself_as_it_stands():
    found = likeness(heard(melody()), heard(melody()))
    assert (found.as_is, found.best, found.semitones) == pytest.approx((1.0, 1.0, 0.0))


def test_up_from_one_side_is_down_from_the_other():
    up, down = likeness(heard(melody()), heard(melody(3))), likeness(heard(melody(3)), heard(melody()))
    assert up.semitones == -down.semitones
    assert up.best == pytest.approx(down.best)


@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_another_melody_is_not_alike(seed):
    """At no shift as much as a copy is, and as it stands not at all."""
    same = likeness(heard(melody()), heard(melody(2)))
    other = likeness(heard(melody()), heard(melody(seed=seed)))
    assert other.best < same.best - 0.1
    assert other.best < 0.9


def test_equalising_hardly_moves_it():
    """12 dB of tilt and a bell: it is the same music, and in another key it is still found there."""
    bent = spoil(melody(), RATE_HZ, low_shelf_db=6.0, high_shelf_db=-6.0, high_shelf_hz=2000.0, bell_db=4.0)
    found = likeness(heard(melody()), heard(bent))
    assert found.as_is >= 0.97
    assert found.semitones == 0.0
    moved = spoil(melody(4), RATE_HZ, low_shelf_db=6.0, high_shelf_db=-6.0, high_shelf_hz=2000.0, bell_db=4.0)
    assert likeness(heard(melody()), heard(moved)).semitones == pytest.approx(4.0, abs=0.34)


def test_level_is_no_note():
    np.testing.assert_allclose(heard(0.1 * melody()), heard(melody()), rtol=0, atol=1e-6)


def test_noise_has_no_notes():
    """Neither like a melody nor like other noise, and what is flat or silent is a number."""
    noises = [heard(pink_noise(-20.0, 6.0, RATE_HZ, 1, seed)) for seed in (1, 2)]
    assert likeness(*noises).as_is < 0.4
    assert likeness(heard(melody()), noises[0]).best < 0.5
    nothing = notes(np.zeros(N_FFT // 2 + 1), BIN_HZ)
    for pair in ((nothing, nothing), (nothing, noises[0])):
        found = likeness(*pair)
        assert (found.as_is, found.best) == (0.0, 0.0)
