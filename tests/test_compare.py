"""Comparing: the same is the same, relatives are nearer than strangers, and level is no difference in tone."""

import numpy as np
import pytest

from refmaster.analyse import Measured, measure
from refmaster.compare import compare
from refmaster.demo import finished, song
from refmaster.genres import load_genre
from refmaster.load import track_of
from refmaster.records import Comparison
from tests.signals import FloatArray, pink_noise, spoil

RATE_HZ = 44100


@pytest.fixture(scope="module")
def heard() -> dict[str, Measured]:
    """Both halves of one song, half of another, one half spoiled, louder, dull as a codec, and in mono."""
    whole, other = song(RATE_HZ), finished(RATE_HZ)
    half = whole.shape[1] // 2
    first, second = whole[:, :half], whole[:, half:]
    sounds = {
        "first": first,
        "second": second,
        "other": other[:, :half],
        "spoiled": spoil(first, RATE_HZ, high_shelf_db=-5.0, width_db=-3.0),
        "louder": 1.5 * first,
        "codec": low_passed(first, 10000.0),
        "mono": first[:1],
    }
    return {name: measured(samples, name) for name, samples in sounds.items()}


def measured(samples: FloatArray, name: str) -> Measured:
    return measure(track_of(samples, RATE_HZ, name=name))


def low_passed(samples: FloatArray, cut_hz: float) -> FloatArray:
    bins = np.fft.rfft(samples)
    bins[:, np.fft.rfftfreq(samples.shape[1], 1 / RATE_HZ) > cut_hz] = 0.0
    return np.fft.irfft(bins, samples.shape[1])


def compared(heard, target: str, reference: str) -> Comparison:
    return compare(heard[target], heard[reference], load_genre())


@pytest.mark.parametrize("name", ["first", "other", "mono", "codec"])
def test_a_track_differs_from_itself_by_nothing(heard, name):
    found = compared(heard, name, name)
    assert found.identical
    assert np.abs(found.tone.full_db).max() <= 1e-9
    assert np.abs(found.tone.wanted_db).max() <= 1e-9
    if found.width:
        assert np.abs(found.width.wanted_db).max() <= 1e-9


def test_another_track_is_not_identical(heard):
    assert not compared(heard, "first", "second").identical
    assert not compared(heard, "first", "spoiled").identical
    assert not compared(heard, "first", "louder").identical


def test_halves_of_one_song_are_nearer_than_songs(heard):
    """Whole halves of 20 s, in both directions."""
    kin = [compared(heard, *pair).kinship for pair in (("first", "second"), ("second", "first"))]
    strangers = [compared(heard, *pair).kinship for pair in (("first", "other"), ("other", "first"))]
    assert min(kin) > max(strangers)
    assert all(0.0 <= one <= 1.0 for one in (*kin, *strangers))


def test_level_is_no_difference_in_tone(heard):
    found = compared(heard, "first", "louder")
    assert np.abs(found.tone.full_db).max() <= 1e-4
    assert np.abs(found.tone.wanted_db).max() <= 1e-6


def test_damage_is_seen_in_full_and_most_of_it_believed(heard):
    found = compared(heard, "spoiled", "first")
    at = np.array(found.band_hz)
    for curve, least in ((found.tone.full_db, 3.5), (found.tone.wanted_db, 3.0)):
        lift = np.mean(np.array(curve)[(at > 9000) & (at < 16000)]) - np.mean(np.array(curve)[(at > 100) & (at < 1500)])
        assert lift >= least  # dB, of 5
    assert found.width is not None
    assert np.average(found.width.full_db, weights=found.width.weight) == pytest.approx(3.0, abs=0.3)


def test_the_belief_is_smaller_than_the_difference(heard):
    for pair in (("first", "second"), ("first", "other")):
        tone = compared(heard, *pair).tone
        seen = np.array(tone.weight) > 0
        assert np.std(np.array(tone.wanted_db)[seen]) < np.std(np.array(tone.full_db)[seen])
        assert (np.array(tone.sd_db) >= 0).all()


def test_what_a_codec_cut_off_is_not_matched(heard):
    found = compared(heard, "first", "codec")
    assert found.ignored
    assert "kHz" in found.ignored[0]
    top = np.array(found.band_hz) > 10500
    assert not np.array(found.tone.weight)[top].any()
    assert np.abs(np.array(found.tone.wanted_db)[~top]).max() < 0.5  # dB: below the cut nothing changed


@pytest.mark.parametrize("pair", [("mono", "first"), ("first", "mono"), ("mono", "mono")])
def test_mono_has_no_width_to_compare(heard, pair):
    assert compared(heard, *pair).width is None


def test_curves_are_as_long_as_their_bands(heard):
    found = compared(heard, "first", "other")
    for curve in (found.tone, found.width):
        assert {len(getattr(curve, name)) for name in ("full_db", "wanted_db", "sd_db", "weight", "full_weight")} == {
            len(found.band_hz)
        }


def test_comparing_is_the_same_on_every_run(heard):
    assert compared(heard, "first", "other") == compared(heard, "first", "other")


def test_noise_toward_music_is_a_number():
    noise = measured(pink_noise(-20.0, 6.0, RATE_HZ), "noise")
    tone = compare(noise, measured(song(RATE_HZ)[:, : 6 * RATE_HZ], "song"), load_genre()).tone
    assert np.isfinite([tone.full_db, tone.wanted_db, tone.sd_db]).all()
