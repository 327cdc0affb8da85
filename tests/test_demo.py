"""The demo songs: what their docstrings promise, measured with other people's meters."""

import hashlib
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly, welch

from refmaster import demo
from tests.signals import FloatArray, peak_dbfs, rms_dbfs

pyloudnorm = pytest.importorskip("pyloudnorm")

SONGS: dict[str, Callable[[int], FloatArray]] = {
    "song": demo.song,
    "dull_mix": demo.dull_mix,
    "finished": demo.finished,
}
LOUDNESS_LUFS = {"song": -18.0, "dull_mix": -22.0, "finished": -11.0}
CEILINGS_DBTP = {"song": -1.0, "dull_mix": -3.0, "finished": -1.0}
BAR_S = {"song": 240.0 / 108.0, "dull_mix": 240.0 / 108.0, "finished": 240.0 / 102.0}
LIFTS_LU = {"song": 2.0, "dull_mix": 2.0, "finished": 1.5}  # the finished one is dense: it lifts by sound, too

NEWER_INSTRUCTIONS = "X86_V3 X86_V4 AVX512_ICL AVX512_SPR AVX2 FMA3 AVX512F AVX512_SKX"  # numpy 2.4's names, and older

every_song = pytest.mark.parametrize("name", list(SONGS))


@pytest.fixture(scope="module")
def played() -> Callable[..., FloatArray]:
    """A song by its name, made once."""

    @cache
    def made(name: str, sample_rate_hz: int = 44100) -> FloatArray:
        return SONGS[name](sample_rate_hz)

    return made


@every_song
@pytest.mark.parametrize("sample_rate_hz", [44100, 48000])
def test_songs_last_forty_seconds_in_stereo(name, sample_rate_hz, played):
    samples = played(name, sample_rate_hz)
    assert samples.shape == (2, 40 * sample_rate_hz)
    assert samples.dtype == np.float64
    assert np.isfinite(samples).all()


@every_song
@pytest.mark.parametrize("sample_rate_hz", [44100, 48000])
def test_songs_are_as_loud_as_they_say(name, sample_rate_hz, played):
    assert lufs(played(name, sample_rate_hz), sample_rate_hz) == pytest.approx(LOUDNESS_LUFS[name], abs=0.3)  # LU


@every_song
def test_songs_keep_their_headroom(name, played):
    samples = played(name)
    true_peak = max(float(np.abs(resample_poly(channel, 8, 1)).max()) for channel in samples)
    assert 20.0 * math.log10(true_peak) <= CEILINGS_DBTP[name]


@every_song
def test_choruses_lift(name, played):
    """Verses are bars 1 to 4 and 9 to 12, choruses 5 to 8 and 13 to 16."""
    bar_samples = BAR_S[name] * 44100
    loudness = [lufs(played(name)[:, round(i * bar_samples) : round((i + 4) * bar_samples)]) for i in (0, 4, 8, 12)]
    assert loudness[1] - loudness[0] >= LIFTS_LU[name]
    assert loudness[3] - loudness[2] >= LIFTS_LU[name]


@every_song
def test_the_spectrum_falls_as_music_does(name, played):
    """Per-octave power: the bass on top, and above 500 Hz a slope between −3 and −6 dB per octave."""
    centres_hz, levels_db = octaves_db(played(name).mean(axis=0))
    assert centres_hz[np.argmax(levels_db)] in (63.0, 125.0, 250.0)
    treble = centres_hz >= 500.0
    assert -6.0 <= np.polyfit(np.log2(centres_hz[treble]), levels_db[treble], 1)[0] <= -3.0
    assert np.diff(levels_db[treble]).max() <= 0.0  # dB: each octave under the one below it


@every_song
def test_left_and_right_are_balanced(name, played):
    left, right = played(name)
    assert rms_dbfs(left) == pytest.approx(rms_dbfs(right), abs=1.0)  # dB
    assert 0.5 < np.corrcoef(left, right)[0, 1] < 0.98


@every_song
def test_songs_begin_and_end_quietly(name, played):
    samples = played(name)
    assert peak_dbfs(samples[:, -441:]) < -60.0
    assert abs(float(samples.mean())) < 1e-3  # no offset


def test_the_low_end_of_the_finished_song_is_in_the_middle(played):
    left, right = played("finished")
    _, middle_db = octaves_db((left + right) / 2)
    _, side_db = octaves_db((left - right) / 2)
    assert np.all(side_db[:3] < middle_db[:3] - 20.0)  # dB, below 180 Hz


def test_the_dull_mix_is_duller_narrower_and_less_dense_than_the_reference(played):
    dull, finished = played("dull_mix"), played("finished")
    _, dull_db = octaves_db(dull.mean(axis=0))
    _, finished_db = octaves_db(finished.mean(axis=0))
    brightness_db = [levels[-2] - levels[5] for levels in (dull_db, finished_db)]  # 8 kHz against 1 kHz
    assert brightness_db[1] - brightness_db[0] > 2.0
    assert side_to_mid_db(finished) - side_to_mid_db(dull) > 2.0
    assert (peak_dbfs(dull) - lufs(dull)) - (peak_dbfs(finished) - lufs(finished)) > 4.0  # dB of peak to loudness


def test_the_dull_mix_is_the_song_with_known_damage(played):
    """Top −4.5 dB, 250 Hz +2.5 dB, side −3 dB; the louder drums blur what octaves can show of it."""
    song, dull = demo.song(44100), played("dull_mix")
    assert side_to_mid_db(dull) - side_to_mid_db(song) == pytest.approx(-3.0, abs=1.0)
    _, song_db = octaves_db(song.mean(axis=0))
    _, dull_db = octaves_db(dull.mean(axis=0))
    changed_db = dull_db - song_db
    assert changed_db[-1] - changed_db[5] < -3.0
    assert changed_db[3] - changed_db[5] > 0.5


def test_another_seed_is_another_take_of_the_same_song(played):
    other = demo.song(44100, seed=2)
    assert not np.array_equal(other, played("song"))
    assert lufs(other) == pytest.approx(lufs(played("song")), abs=0.5)  # LU
    np.testing.assert_allclose(octaves_db(other.mean(axis=0))[1], octaves_db(played("song").mean(axis=0))[1], atol=1.5)


@every_song
def test_songs_are_24_bit_numbers(name, played):
    steps = played(name) * 2.0**23
    assert np.array_equal(steps, np.round(steps))


def test_another_process_with_other_instructions_makes_the_same_bytes(played):
    """Without AVX numpy's sines differ in their last bit; rounding to 24 bits hides it."""
    code = """
import hashlib
from refmaster import demo
print(hashlib.sha256(demo.finished(44100).tobytes()).hexdigest())
"""
    older = {**os.environ, "NPY_DISABLE_CPU_FEATURES": NEWER_INSTRUCTIONS}
    checkout = Path(__file__).parents[1]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=checkout, env=older)
    if "NPY_DISABLE_CPU_FEATURES" in ran.stderr:
        pytest.skip("this build of numpy names its instructions otherwise")
    assert ran.stdout.strip() == hashlib.sha256(played("finished").tobytes()).hexdigest()


def test_songs_are_made_quickly():
    """A second of processor time is the promise; three leave room for a slow or busy machine."""
    started_s = time.process_time()
    demo.dull_mix(44100)
    assert time.process_time() - started_s < 3.0


def lufs(samples: FloatArray, sample_rate_hz: int = 44100) -> float:
    return float(pyloudnorm.Meter(sample_rate_hz).integrated_loudness(samples.T))


def side_to_mid_db(samples: FloatArray) -> float:
    return rms_dbfs(samples[0] - samples[1]) - rms_dbfs(samples[0] + samples[1])


def octaves_db(mono: FloatArray, sample_rate_hz: int = 44100) -> tuple[FloatArray, FloatArray]:
    """Octave centres from 31.5 Hz to 16 kHz, and the level of each octave."""
    frequency_hz, density = welch(mono, sample_rate_hz, nperseg=16384)
    centres_hz = np.array([31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0])
    inside = [(frequency_hz >= c / math.sqrt(2)) & (frequency_hz < c * math.sqrt(2)) for c in centres_hz]
    return centres_hz, 10.0 * np.log10([density[one].sum() * frequency_hz[1] for one in inside])
