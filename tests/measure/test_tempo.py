"""Tempo: clicks at a known rate, what has no beat, and what is too short to have one."""

import numpy as np
import pytest

from refmaster.analyse import analyse, measure
from refmaster.demo import dull_mix
from refmaster.load import track_of
from refmaster.measure.tempo import tempo_bpm

RATE_HZ = 22050
WITHIN_PCT = 0.5  # a hop is 50 ms; eight beats place a tempo to a hundredth and better


def clicks(bpm: float, duration_s: float = 24.0) -> np.ndarray:
    rng = np.random.default_rng(1)
    sound = rng.normal(0, 1e-3, (2, round(duration_s * RATE_HZ)))
    for start in np.arange(0, duration_s - 0.1, 60 / bpm):
        at = round(start * RATE_HZ)
        sound[:, at : at + 400] += rng.normal(0, 0.3, (2, 400))
    return sound


@pytest.mark.parametrize("bpm", [72, 90, 97, 120, 128, 140])
def test_clicks_are_as_fast_as_they_are(bpm):
    found = measure(track_of(clicks(bpm), RATE_HZ)).profile.tempo_bpm
    assert found == pytest.approx(bpm, rel=WITHIN_PCT / 100)


def test_half_or_double_is_the_worst_mistake():
    found = measure(track_of(clicks(174), RATE_HZ)).profile.tempo_bpm
    assert any(found == pytest.approx(bpm, rel=WITHIN_PCT / 100) for bpm in (87, 174))


def test_a_song_is_as_fast_as_its_score():
    assert measure(track_of(dull_mix(RATE_HZ), RATE_HZ)).profile.tempo_bpm == pytest.approx(108, rel=0.005)


def test_noise_has_no_tempo(rng):
    assert measure(track_of(rng.normal(0, 0.1, (2, 20 * RATE_HZ)), RATE_HZ)).profile.tempo_bpm is None


def test_what_lasts_has_no_tempo():
    assert tempo_bpm(np.full((400, 5), -20.0)) is None


def test_what_is_short_has_no_tempo(files, tmp_path):
    assert tempo_bpm(np.random.default_rng(0).normal(-20, 5, (150, 5))) is None
    assert analyse(files["song"]).tempo_bpm is not None  # 12 s are enough
