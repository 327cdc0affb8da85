"""Width: the side moves, the mid does not, and nobody in mono hears it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from refmaster.dsp.midside import to_mid_side
from refmaster.load import track_of
from refmaster.moves import blank_of
from refmaster.pipeline import prepare
from refmaster.plan import plan
from refmaster.records import Request, Stage
from tests.moves.scenes import RATE_HZ, applied, music, planned_for
from tests.signals import gain_of, pink_noise, rms_dbfs, sine, spoil

REGIONS = ("match_width/low_shelf", "match_width/bell_1", "match_width/high_shelf")
EVERY_ID = ("match_width/side", *REGIONS)


def moved(move_id: str, gain_db: float):
    return blank_of(move_id, 2).at(side_gain_db=gain_db)


@pytest.mark.parametrize("move_id", EVERY_ID)
@pytest.mark.parametrize("gain_db", [-24.0, -3.0, 5.0])
def test_the_fold_down_to_mono_is_the_same(move_id, gain_db):
    out = applied(moved(move_id, gain_db), music(), 4096)
    np.testing.assert_allclose(out.sum(axis=0), music().sum(axis=0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("gain_db", [-12.0, -1.0, 6.0])
def test_the_side_moves_by_the_gain(gain_db):
    before, after = (to_mid_side(one)[1] for one in (music(), applied(moved("match_width/side", gain_db), music())))
    np.testing.assert_allclose(after, before * gain_of(gain_db), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("move_id", "inside_hz", "outside_hz"),
    [
        ("match_width/low_shelf", 30.0, 2000.0),
        ("match_width/high_shelf", 18000.0, 400.0),
        ("match_width/bell_1", 1000.0, 30.0),
    ],
)
def test_a_region_moves_the_side_where_it_works_and_nowhere_else(move_id, inside_hz, outside_hz):
    for frequency_hz, expected_db in ((inside_hz, 6.0), (outside_hz, 0.0)):
        tone = sine(frequency_hz, -12.0, 2.0, RATE_HZ, 1)
        out = applied(moved(move_id, 6.0), np.concatenate([tone, -tone]))
        late = slice(RATE_HZ, None)
        assert rms_dbfs(out[0, late]) - rms_dbfs(tone[0, late]) == pytest.approx(expected_db, abs=0.5)  # dB


@pytest.mark.parametrize("move_id", EVERY_ID)
def test_what_has_no_side_is_not_touched(move_id):
    mono = pink_noise(-20.0, 1.0, RATE_HZ, 1)
    both = np.concatenate([mono, mono])
    for sound in (mono, both):
        np.testing.assert_allclose(applied(moved(move_id, 9.0), sound, 1000), sound, rtol=0, atol=1e-15)


@pytest.mark.parametrize("width_db", [-5.0, 4.0])
def test_a_spoiled_width_is_given_back(width_db):
    _, plan = planned_for(spoil(music(), RATE_HZ, width_db=width_db), music())
    gain = sum(move["side_gain_db"] for move in plan.moves if move.id == "match_width/side")
    assert gain == pytest.approx(-width_db, abs=1.0)  # dB


def bassy(sound):
    """Under a loud bass in the middle the same image costs a fold-down next to nothing."""
    return 0.5 * (sound + sine(55.0, -9.0, sound.shape[1] / RATE_HZ, RATE_HZ, 1))


def test_widening_stops_where_the_fold_down_would_lose_more_than_target_and_reference_do():
    wide, image_only = spoil(music(), RATE_HZ, width_db=6.0), Request(only=(Stage.IMAGE,), genre="none")
    narrow = spoil(wide, RATE_HZ, width_db=-5.0)
    for request in (image_only, replace(image_only, amount_pct=100)):
        material, plan = planned_for(narrow, bassy(wide), request)
        allowed = min(one.profile.mono_loss_db for one in (material.target, material.reference))
        assert mono_loss_db(wide) < allowed - 0.4  # the whole of it would cost more than that
        assert allowed - 0.3 <= mono_loss_db(music_through(plan, narrow)) < allowed
        (missed,) = (one for one in plan.not_reached if one.what == "width")
        assert "fold-down to mono loses" in missed.text


def test_a_width_of_its_own_is_given_back_though_the_fold_down_loses_by_it():
    """The reference is the song as wide as it was: what it loses in mono, the master may."""
    wide = spoil(music(), RATE_HZ, width_db=6.0)
    narrow = spoil(wide, RATE_HZ, width_db=-5.0)
    _, plan = planned_for(narrow, wide)
    assert mono_loss_db(music_through(plan, narrow)) == pytest.approx(mono_loss_db(wide), abs=0.3)
    assert not [one for one in plan.not_reached if one.what == "width"]


def music_through(plan, sound):
    for move in plan.active:
        if move.mover == "match_width":
            sound = applied(move, sound)
    return sound


def mono_loss_db(sound):
    return 10 * np.log10((sound.mean(axis=0) ** 2).mean() / (sound**2).mean())


@pytest.mark.parametrize("genre", ["rock", "metal"])
def test_a_low_end_that_is_too_wide_is_one_move(genre):
    """Rumble in the side alone: a low shelf says it, and not two shelves and a gain that undo each other."""
    noise = pink_noise(-20.0, music().shape[1] / RATE_HZ, RATE_HZ, 1)[0]
    rumble = sosfiltfilt(butter(4, 100.0, fs=RATE_HZ, output="sos"), noise)
    track = track_of(music() + np.array([[1.0], [-1.0]]) * rumble, RATE_HZ, name="target")
    made = plan(prepare(track, (), Request(only=(Stage.IMAGE,), genre=genre), threads=1))
    (move,) = made.moves
    assert move.id == "match_width/low_shelf"
    assert move["side_gain_db"] <= -6.0
    assert move["corner_hz"] == pytest.approx(120.0, rel=0.1)


def test_mono_gives_a_reason_and_no_move():
    for target, reference in ((music()[:1], music()), (music(), music()[:1])):
        _, plan = planned_for(0.5 * target, reference)
        assert not [move for move in plan.moves if move.mover == "match_width"]
        assert "mono" in next(one.text for one in plan.rejected if one.what == "match_width")


def test_a_side_at_dither_level_is_not_raised():
    """Dual mono with 24-bit noise in the side: nobody meant that to be heard."""
    mono = 0.5 * music()[:1]
    hiss = pink_noise(-140.0, mono.shape[1] / RATE_HZ, RATE_HZ, 1)
    _, plan = planned_for(np.concatenate([mono + hiss, mono - hiss]), music())
    assert not [move for move in plan.moves if move.mover == "match_width"]


def test_a_match_in_full_says_where_the_side_would_have_to_go_too_far():
    sound = music()
    mid, side = sound.mean(axis=0), (sound[0] - sound[1]) / 2
    low = sosfiltfilt(butter(4, (200.0, 800.0), "bandpass", fs=RATE_HZ, output="sos"), side)
    narrow = side - (1 - 10 ** (-26 / 20)) * low
    _, plan = planned_for(np.stack([mid + narrow, mid - narrow]), sound, Request(amount_pct=100))
    (missed,) = (one for one in plan.not_reached if one.what == "width")
    assert "15 dB is the most" in missed.text
