"""Music that holds the same notes in another key is not for that the same music."""

import numpy as np
import pytest
from scipy.signal import resample_poly

from refmaster.analyse import Measured, measure
from refmaster.compare import pairing
from refmaster.compare.pairing import Example, sight
from refmaster.demo import song
from refmaster.dsp.pitch import Likeness
from refmaster.load import track_of
from tests.signals import FloatArray, pink_noise

RATE_HZ, LENGTH_S = 44100, 12
CHORD = (0, 3, 7, 10, 12)


def pad(semitones: int, *, falling: float, seed: int, hits_db: float, beats_per_s: float) -> FloatArray:
    """A chord whose notes swell each in its time, overtones k by k^−falling, and noise: in hits, or all the time."""
    t, chance = np.arange(LENGTH_S * RATE_HZ) / RATE_HZ, np.random.default_rng(seed)
    chord = np.zeros(t.size)
    for note in CHORD:
        hz = 220.0 * 2 ** ((note + semitones) / 12)
        swell = 0.6 + 0.4 * np.sin(2 * np.pi * (t / chance.uniform(1, 5) + chance.random()))
        for k in range(1, int(9000 / hz)):
            chord += 0.03 * swell**k * np.sin(2 * np.pi * hz * k * t + 6 * chance.random()) * k**-falling
    noise = pink_noise(hits_db, LENGTH_S, RATE_HZ, 1, seed)[0] * np.exp(-6 * (t * beats_per_s % 1))
    return np.stack([chord + noise, 0.9 * (chord + noise)])


def heard(sound: FloatArray) -> Measured:
    return measure(track_of(sound, RATE_HZ, name="music"))


def still_pad() -> FloatArray:
    return pad(0, falling=1.0, seed=1, hits_db=-50.0, beats_per_s=0.0)


def test_a_stranger_with_the_same_notes_in_another_key_is_a_stranger():
    """Another instrument with drums to it: its notes are as like as a copy's may be, its sound is not."""
    other = heard(pad(-3, falling=1.6, seed=2, hits_db=-24.0, beats_per_s=2.0))
    found = sight(heard(still_pad()), Example(other))
    assert found.transposed_semitones is None
    assert not any("semitone" in text for text in found.ignored)
    assert found.kinship < 0.01


@pytest.mark.parametrize("best", [0.76, 0.99])
def test_what_is_smooth_beside_the_target_in_its_key_is_this_music(best, monkeypatch):
    monkeypatch.setattr(pairing, "likeness", lambda *_: Likeness(0.3, best, 2.0))
    music = song(RATE_HZ)[:, : LENGTH_S * RATE_HZ]
    copy = resample_poly(music, 1000, round(1000 * 2 ** (2 / 12)), axis=1)
    assert sight(heard(music), Example(heard(copy))).transposed_semitones == 2.0
