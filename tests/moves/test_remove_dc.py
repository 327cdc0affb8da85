"""A constant is taken out, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from refmaster.moves import blank_of, movers, remove_dc
from tests.moves.scenes import applied, music, planned, planned_for


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
    assert list(move.values) == ["offset_pct"]


def test_a_small_offset_is_left_alone():
    centred = music() - music().mean(axis=1, keepdims=True)
    _, plan = planned_for(centred + 0.0009, 2 * centred)
    assert not [move for move in plan.moves if move.id == "remove_dc"]
    assert "0.1 %" in next(one.text for one in plan.rejected if one.what == "remove_dc")


def test_it_is_the_first_of_all():
    assert next(iter(movers())) == "remove_dc"


def test_what_a_person_subtracts_from_a_track_without_offset_begins_at_none():
    move = blank_of("remove_dc", 2).at(left_offset_pct=2.0)
    profile = planned("dull")[0].target.profile
    found = remove_dc.effect(move, replace(profile, dc_offset_pct=(-6.0, 0.0)))
    assert (found.before, found.after) == (0.0, -6.0)
