"""A match in full is heard before it is planned for good: a short track whole, of a long one a minute."""

from dataclasses import replace

import numpy as np
import pytest

from refmaster import ear, rehearsal
from refmaster.analyse import measure
from refmaster.dsp.blocks import every_nth
from refmaster.load import track_of
from refmaster.moves import blank_of, match_eq
from refmaster.records import Request
from refmaster.rehearsal import rehearsal_of
from tests.moves.scenes import RATE_HZ, music, planned_for, spoiled
from tests.signals import pink_noise

LOW_RATE_HZ = 8000
LOUDER = (blank_of("match_loudness", 2).at(gain_db=3.0),)


def long_track():
    """100 s of noise: the even 5 s by 12 dB louder than the odd ones."""
    noise = pink_noise(-30.0, 100.0, LOW_RATE_HZ)
    odd = np.arange(noise.shape[1]) // (5 * LOW_RATE_HZ) % 2
    return track_of(noise * np.where(odd, 0.25, 1.0), LOW_RATE_HZ)


def test_a_short_track_is_played_whole():
    track = track_of(pink_noise(-20.0, 80.0, LOW_RATE_HZ), LOW_RATE_HZ)
    whole = measure(track)
    played = rehearsal_of(track, whole, 1)
    assert played.track is track
    assert played.untouched is whole
    assert played.lufs_of_all(whole) == whole.profile.integrated_lufs


@pytest.mark.parametrize("threads", [1, 2])
def test_of_a_long_track_every_second_stretch_is_played_and_told_for_the_whole(threads):
    track = long_track()
    whole = measure(track)
    played = rehearsal_of(track, whole, threads)
    loud = np.concatenate(list(track.parts([(n, n + 40_000) for n in range(0, 800_000, 80_000)])), axis=1)
    sound = np.concatenate(list(played.track.blocks()), axis=1)
    inside = np.arange(loud.shape[1]) % 40_000
    inside = (inside >= 160) & (inside < 40_000 - 160)  # all but the fades
    np.testing.assert_array_equal(sound[:, inside], loud[:, inside])
    assert np.abs(sound[:, 40_000:400_000:40_000]).max() < 1e-4
    heard = played.heard(played.ear.sound(LOUDER))
    assert heard.profile.integrated_lufs > whole.profile.integrated_lufs + 3.5
    assert played.lufs_of_all(heard) == pytest.approx(whole.profile.integrated_lufs + 3.0, abs=0.02)


def test_where_the_stretches_are_silent_all_is_played():
    sound = pink_noise(-20.0, 100.0, LOW_RATE_HZ)
    sound[:, np.arange(sound.shape[1]) // (5 * LOW_RATE_HZ) % 2 == 0] = 0.0
    track = track_of(sound, LOW_RATE_HZ)
    assert rehearsal_of(track, measure(track), 1).track is track


def test_what_holds_no_loudness_is_told_for_nothing():
    track = long_track()
    played = rehearsal_of(track, measure(track), 1)
    silent = replace(played.untouched, profile=replace(played.untouched.profile, integrated_lufs=None))
    assert played.lufs_of_all(silent) is None


@pytest.mark.parametrize(("length_s", "every"), [(1, 1), (89, 1), (91, 2), (149, 2), (240, 4), (3600, 60)])
def test_about_a_minute_is_played(length_s, every):
    assert every_nth(length_s * RATE_HZ, 60 * RATE_HZ) == every


def test_a_match_that_was_rehearsed_on_stretches_is_nearly_the_one_of_the_whole(monkeypatch):
    target, reference = (np.tile(one, 3) for one in (spoiled("dull"), music()))
    at_hz = 1000 * 2.0 ** (np.arange(-15, 13) / 3)
    curves, goals = [], []
    for in_all_s in (60, 12):
        for module in (rehearsal, ear):
            monkeypatch.setattr(module, "MINUTE_S", in_all_s)
            monkeypatch.setattr(module, "STRETCH_S", 2)
        made = planned_for(target, reference, Request(amount_pct=100))[1]
        curves.append(match_eq.curve_of(made.active, at_hz, RATE_HZ))
        goals.append(made.goal_lufs)
    assert np.std(curves[0]) > 2
    assert 0 < np.std(curves[1] - curves[0]) < 0.3
    assert goals[1] == pytest.approx(goals[0])
