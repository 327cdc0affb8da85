"""A constant is taken out, or what drifts below any sound, and nothing else."""

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refmaster.analyse import measure
from refmaster.compare.fault import LIMITED_PCT
from refmaster.ear import Ear
from refmaster.load import open_track, track_of
from refmaster.moves import blank_of, movers, remove_dc
from refmaster.pipeline import prepare
from refmaster.plan import plan
from refmaster.records import Request, Stage, Weights
from refmaster.units import FloatArray
from tests.moves.scenes import RATE_HZ, applied, joined, music, planned, planned_for

CLIPS = os.environ.get("REFMASTER_CLIPS", "")  # a folder of real music, where there is one
CLIP = "electronic__naev_data__nikola_whallon_6_saturn_6_gmail_com_collective1.ogg"


@pytest.mark.parametrize("offset_pct", [(2.0, -1.0), (0.3, 0.3), (-30.0, 0.0)])
def test_the_offset_is_gone(offset_pct):
    """Under 0.001 % of full scale is left; the largest that is left alone is 0.1 %."""
    offset = np.array([[o / 100] for o in offset_pct])
    sound = 0.3 * music() + offset
    _, plan = planned_for(sound, 0.6 * music())
    (move,) = (move for move in plan.moves if move.id == "remove_dc")
    out = applied(move, sound, 4096)
    assert np.abs(out.mean(axis=1)).max() * 100 < 0.001  # %
    np.testing.assert_allclose(np.diff(out), np.diff(sound), rtol=0, atol=1e-12)


def test_each_channel_has_its_own_offset():
    _, plan = planned_for(music() + np.array([[0.02], [-0.01]]), 2 * music())
    (move,) = (move for move in plan.moves if move.id == "remove_dc")
    assert move["left_offset_pct"] == pytest.approx(2.0, abs=0.05)
    assert move["right_offset_pct"] == pytest.approx(-1.0, abs=0.05)


def test_mono_has_one_offset():
    _, plan = planned_for(music()[:1] + 0.02, 2 * music()[:1])
    (move,) = (move for move in plan.moves if move.id == "remove_dc")
    assert list(move.values) == ["offset_pct", "below_hz"]


def test_a_small_offset_is_left_alone():
    centred = music() - music().mean(axis=1, keepdims=True)
    _, plan = planned_for(centred + 0.0009, centred)
    assert not [move for move in plan.moves if move.id == "remove_dc"]
    assert "0.1 %" in next(one.text for one in plan.rejected if one.what == "remove_dc")


def test_it_is_the_first_of_all():
    assert next(iter(movers())) == "remove_dc"


def test_what_a_person_subtracts_from_a_track_without_offset_begins_at_none():
    move = blank_of("remove_dc", 2).at(left_offset_pct=2.0)
    profile = planned("dull")[0].target.profile
    found = remove_dc.effect(move, replace(profile, dc_offset_pct=(-6.0, 0.0)))
    assert (found.before, found.after) == (0.0, -6.0)


def test_an_offset_that_would_grow_with_the_gain_is_not_small():
    """0.064 % and 15 dB of gain left the master with −0.36 %."""
    centred = music() - music().mean(axis=1, keepdims=True)
    quiet = 0.1 * centred + 0.0006
    loud = next(m for m in planned_for(quiet, 0.6 * centred)[1].moves if m.id == "remove_dc")
    assert loud["left_offset_pct"] == pytest.approx(0.06, abs=0.005)
    same = planned_for(quiet, 0.6 * centred, Request(loudness_lufs=measured(quiet).integrated_lufs))[1]
    assert not [m for m in same.moves if m.id == "remove_dc"]
    assert not [m for m in planned_for(quiet, 0.6 * centred, Request(amount_pct=0))[1].moves if m.id == "remove_dc"]


# An offset that drifts


@cache
def breathing() -> FloatArray:
    """Music on an offset that comes and goes, with silence at both ends and in the middle."""
    n_samples = music().shape[1]
    drift = 0.15 * (1 - np.cos(2 * np.pi * np.arange(n_samples) / n_samples))
    made = 0.3 * music() + np.array([[1.0], [-0.5]]) * drift
    heard = np.ones(n_samples)
    heard[: RATE_HZ // 4] = heard[-RATE_HZ // 4 :] = heard[4 * RATE_HZ : 5 * RATE_HZ] = 0.0
    fade = np.hanning(RATE_HZ)
    faded = np.convolve(heard, fade / fade.sum(), "same")
    made *= np.where(heard > 0, np.maximum(0.0, 2 * faded - 1), 0.0)  # over half a second
    made.flags.writeable = False
    return made


def test_an_offset_that_drifts_is_followed_and_silence_stays():
    sound = breathing()
    move = found(sound)
    assert (move["below_hz"], move["left_offset_pct"], move["right_offset_pct"]) == (remove_dc.BELOW_HZ, 0.0, 0.0)
    out = applied(move, sound, 4096)
    for quiet in (slice(0, RATE_HZ // 4), slice(-RATE_HZ // 4, None), slice(4 * RATE_HZ, 5 * RATE_HZ)):
        assert not out[:, quiet].any()
    half_s = out[:, : out.shape[1] // (RATE_HZ // 2) * (RATE_HZ // 2)].reshape(2, -1, RATE_HZ // 2)
    assert np.abs(half_s.mean(axis=2)).max() * 100 < 0.5  # %, of 30


def test_a_constant_on_music_with_silent_ends_is_followed_too():
    """What silence lacks is not subtracted from it; before, both ends of the master were a click."""
    sound = 0.3 * music() + 0.0065
    sound[:, : RATE_HZ // 20] = sound[:, -RATE_HZ // 20 :] = 0.0
    out = applied(found(sound), sound)
    assert np.abs(out[:, [0, -1]]).max() < 1e-5
    assert np.abs(out.mean(axis=1)).max() * 100 < 0.01


def test_no_sound_is_touched():
    """Zero phase: from 20 Hz on nothing is missing and nothing turned, −60 dB."""
    seconds = np.arange(8 * RATE_HZ) / RATE_HZ
    for at_hz in (20.0, 30.0, 200.0, 1000.0):
        tone = 0.5 * np.sin(2 * np.pi * at_hz * seconds)[np.newaxis]
        out = applied(blank_of("remove_dc", 1).at(below_hz=remove_dc.BELOW_HZ), tone)
        inner = slice(RATE_HZ, -RATE_HZ)
        assert np.abs(out - tone)[:, inner].max() < 0.5e-3, at_hz


def test_half_is_left_at_the_frequency_that_is_named():
    seconds = np.arange(8 * RATE_HZ) / RATE_HZ
    slow = 0.5 * np.sin(2 * np.pi * 4.0 * seconds)[np.newaxis]
    out = applied(blank_of("remove_dc", 1).at(below_hz=4.0), slow)
    assert np.abs(out[:, RATE_HZ:-RATE_HZ]).max() == pytest.approx(0.25, abs=0.01)


def test_an_offset_from_the_first_sample_on_is_gone_from_the_first_sample_on():
    """No click is left where a file begins on its offset, nor a swing behind it."""
    sound = np.full((1, 4 * RATE_HZ), 0.3)
    out = applied(blank_of("remove_dc", 1).at(below_hz=4.0), sound)
    assert np.abs(out).max() < 1e-12


def test_what_was_followed_is_nothing_to_follow_again():
    once = applied(found(breathing()), breathing())
    _, plan = planned_for(once, music()[:, : 6 * RATE_HZ] * 0.3)
    assert not [move for move in plan.moves if move.id == "remove_dc"]


def test_what_it_claims_is_measured():
    sound = breathing()
    move = found(sound)
    claim = remove_dc.effect(move, measured(applied(move, sound)))
    assert claim.feature == "dc_drift_pct"
    assert claim.before == pytest.approx(max(measured(sound).dc_drift_pct))
    assert 0.0 <= claim.after < 0.05 * claim.before


@settings(max_examples=25, deadline=None)
@given(
    head=st.integers(0, RATE_HZ),
    tail=st.integers(0, RATE_HZ),
    offset=st.floats(-0.4, 0.4),
    below_hz=st.floats(0.1, 10.0),
)
def test_silent_ends_are_never_moved(head, tail, offset, below_hz):
    """No sample at an end rises by more than it was high, and long silence stays to the last bit."""
    sound = 0.3 * music()[:1, : 3 * RATE_HZ] + offset
    sound[:, :head] = 0.0
    sound[:, sound.shape[1] - tail :] = 0.0
    out = applied(blank_of("remove_dc", 1).at(below_hz=below_hz), sound)
    for end in (0, -1):
        assert abs(out[0, end] - sound[0, end]) <= abs(sound[0, end]) + 2e-4
    assert not out[:, :head].any()
    assert not out[:, sound.shape[1] - tail :].any()


def test_peaks_are_judged_without_the_offset():
    """Small waves on a high offset look as if a limiter held them, one and all."""
    sound = 0.05 * music() + 0.9
    sound[:, :RATE_HZ] = 0.0
    track = track_of(sound, RATE_HZ)
    target = measure(track)
    before = target.profile
    after = Ear(track, target, 1).repaired(before, (found(sound),))
    assert before.peaks_held_pct is not None
    assert after.peaks_held_pct is not None
    assert before.peaks_held_pct >= LIMITED_PCT > after.peaks_held_pct


def test_a_clip_with_an_offset_that_drifts():
    clip = Path(CLIPS) / CLIP
    if not CLIPS or not clip.exists():
        pytest.skip(f"REFMASTER_CLIPS names no folder with {CLIP}")
    track = open_track(clip)
    move = found(joined(track.blocks()), track.source.sample_rate_hz)
    assert move["below_hz"] == remove_dc.BELOW_HZ
    sound = joined(track.blocks())
    out = applied(move, sound, 65536, track.source.sample_rate_hz)
    profile = measured(out, track.source.sample_rate_hz)
    assert max(abs(o) for o in profile.dc_offset_pct) < 0.05  # of 3.5 %
    assert max(profile.dc_drift_pct) < 0.5  # of 8.8 %
    assert (np.abs(out[:, [0, -1]]) <= 2 * np.abs(sound[:, [0, -1]]) + 1e-4).all()


def found(sound: FloatArray, rate_hz: int = RATE_HZ):
    """The move that is proposed for a sound."""
    track = track_of(sound, rate_hz, name="target")
    reference = track_of(music(), RATE_HZ, name="reference")
    material = prepare(track, ((reference, Weights()),), Request(only=(Stage.REPAIR,)), threads=1)
    (move,) = (move for move in plan(material).moves if move.id == "remove_dc")
    return move


def measured(sound: FloatArray, rate_hz: int = RATE_HZ):
    return measure(track_of(sound, rate_hz)).profile
