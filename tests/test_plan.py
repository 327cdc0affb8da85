"""The plan: every mover in turn, each about the sound as the moves before it leave it."""

from dataclasses import replace

import numpy as np
import pytest

from refmaster.analyse import measure
from refmaster.decide import parse_decisions
from refmaster.load import track_of
from refmaster.measure.loudness import measure_loudness
from refmaster.moves import movers
from refmaster.plan import lightened, limiting, plan
from refmaster.records import Decision, Request, Stage, Verdict
from refmaster.render import rendered
from tests.moves.scenes import RATE_HZ, joined, music, planned, planned_for, spoiled


def test_moves_stand_in_the_order_of_the_chain():
    for name in ("dull", "narrow", "offset"):
        stages = [move.stage for move in planned(name)[1].moves]
        assert stages == sorted(stages)


def test_every_mover_is_told():
    told = []
    plan(planned("quiet")[0], told=told.append)
    assert told == list(movers())


def test_every_mover_moves_or_says_why_not():
    for name in ("dull", "quiet", "peaky"):
        made = planned(name)[1]
        spoken = {move.mover for move in made.moves} | {one.what.split()[0] for one in made.rejected}
        assert spoken == set(movers())


def test_a_set_tone_is_heard_by_the_loudness():
    """+6 dB at 80 Hz makes it louder, so less gain is needed; the goal stays."""
    material, before = planned("quiet")
    after = plan(material, parse_decisions(sets=["match_eq/bell_9.gain_db=9", "match_eq/bell_9.centre_hz=1000"]))
    gains = [next(m["gain_db"] for m in one.moves if m.id == "match_loudness") for one in (before, after)]
    assert gains[1] < gains[0] - 1.0
    assert after.goal_lufs == before.goal_lufs
    heard = measure_loudness(rendered([spoiled("quiet")], after.moves, RATE_HZ), RATE_HZ)
    assert heard.integrated_lufs == pytest.approx(after.goal_lufs, abs=0.1)


def test_a_dropped_move_is_kept_in_the_plan_and_not_heard():
    material, before = planned("dull")
    wanted = before.moves[0].id
    after = plan(material, parse_decisions(drops=[wanted]))
    assert after.moves[0].verdict is Verdict.DROP
    assert wanted not in [move.id for move in after.active]


def test_only_leaves_the_others_out_but_holds_the_ceiling():
    _, made = planned_for(spoiled("dull"), 2 * music(), Request(only=(Stage.TONE,), loudness_lufs=-8.0))
    assert {move.stage for move in made.moves} <= {Stage.TONE, Stage.CEILING}
    left = {one.what for one in made.rejected if "--only" in one.text}
    assert left >= {"remove_dc", "match_width", "match_loudness"}


def test_a_loudness_set_by_hand_has_no_goal():
    material, _ = planned("quiet")
    made = plan(material, parse_decisions(sets=["match_loudness.gain_db=3"]))
    assert made.goal_lufs is None
    dropped = plan(material, parse_decisions(drops=["match_loudness"]))
    assert dropped.goal_lufs is None


def test_a_dropped_limiter_is_no_ceiling():
    material, _ = planned("peaky")
    assert plan(material, parse_decisions(drops=["limit_peaks"])).ceiling_dbtp is None
    assert plan(material, parse_decisions(sets=["limit_peaks.ceiling_dbtp=-3"])).ceiling_dbtp == -3.0


def test_of_a_session_tone_stays_and_level_is_found_anew():
    """A louder tone move by hand: the other tone moves stand, the gain follows."""
    material, before = planned("dull")
    first = before.moves[0]
    decision = Decision(first.id, Verdict.OVERRIDE, (("gain_db", first["gain_db"] + 4.0),))
    after = plan(material, (decision,), kept=before.moves)
    assert [move.id for move in after.moves] == [move.id for move in before.moves]
    assert after.moves[1].values == before.moves[1].values
    gains = [next(m["gain_db"] for m in one.moves if m.id == "match_loudness") for one in (before, after)]
    assert gains[0] != gains[1]
    heard = measure_loudness([joined(rendered([spoiled("dull")], after.moves, RATE_HZ))], RATE_HZ)
    assert heard.integrated_lufs == pytest.approx(after.goal_lufs, abs=0.1)


def test_of_a_session_with_nothing_new_comes_the_same_chain():
    material, before = planned("dull")
    after = plan(material, (), kept=before.moves)
    assert [(move.id, move.values) for move in after.moves] == [(move.id, move.values) for move in before.moves]


def test_the_limiter_is_as_a_person_set_it():
    request, target = Request(ceiling_dbtp=-2.0), planned("dull")[0].target.profile
    assert limiting(request, (), target).ceiling_dbtp == -2.0
    assert limiting(request, parse_decisions(drops=["limit_peaks"]), target) is None
    set_by_hand = limiting(request, parse_decisions(sets=["limit_peaks.release_ms=50"]), target)
    assert (set_by_hand.ceiling_dbtp, set_by_hand.release_ms) == (-2.0, 50.0)


def test_the_last_word_about_the_limiter_holds():
    """As a session has it, whose decisions come one after the other."""
    request, target = Request(), planned("dull")[0].target.profile
    dropped, lower = parse_decisions(drops=["limit_peaks"]), parse_decisions(sets=["limit_peaks.ceiling_dbtp=-6"])
    taken_back, locked = parse_decisions(undos=["limit_peaks"]), parse_decisions(locks=["limit_peaks"])
    assert limiting(request, dropped + taken_back, target) == limiting(request, (), target)
    assert limiting(request, lower + taken_back, target) == limiting(request, (), target)
    assert limiting(request, dropped + lower, target).ceiling_dbtp == -6.0
    assert limiting(request, lower + dropped, target) is None
    assert limiting(request, lower + locked, target).ceiling_dbtp == -6.0


def test_a_plan_needs_no_reference():
    material, _ = planned("peaky")
    alone = replace(material, examples=(), comparison=None, request=Request(loudness_lufs=-16.0))
    made = plan(alone)
    assert {move.mover for move in made.moves} <= {"remove_dc", "match_loudness", "limit_peaks"}
    heard = measure_loudness(rendered([spoiled("peaky")], made.moves, RATE_HZ), RATE_HZ)
    assert heard.integrated_lufs == pytest.approx(-16.0, abs=0.1)
    assert np.isfinite(made.goal_lufs)


def test_a_loudness_that_stops_short_without_a_gain_names_both_figures():
    """Limited already, peaks at the ceiling: nothing can be done, and nothing is called reached."""
    loud = music() / np.abs(music()).max()
    target, reference = np.clip(3.0 * loud, -1.0, 1.0), 0.98 * np.clip(12.0 * loud, -1.0, 1.0)
    target *= 10 ** ((-1.02 - measure(track_of(target, RATE_HZ)).profile.true_peak_dbtp) / 20)
    material, made = planned_for(target, reference)
    assert not [move for move in made.active if move.id == "match_loudness"]
    assert [one for one in made.not_reached if one.what == "integrated_lufs"]
    theirs, ours = material.reference.profile.integrated_lufs, material.target.profile.integrated_lufs
    assert theirs > ours + 1.0
    assert made.asked_lufs == pytest.approx(theirs, abs=1e-6)
    told = next(one.assumed for one in made.assumptions if "loud" in one.question)
    assert f"{theirs:.1f} LUFS, as the reference; {made.goal_lufs:.1f} LUFS is where it stops" in told.replace("−", "-")


def test_level_and_ceiling_are_planned_alike_without_the_frames_of_the_references():
    material, made = planned("dull")
    bare = lightened(material)
    assert [one.measured.profile for one in bare.examples] == [one.measured.profile for one in material.examples]
    spectrum = bare.examples[0].measured.spectrum
    assert spectrum.mid.base is None  # a view would keep what is to go
    assert (spectrum.mid.size, spectrum.active.size, bare.examples[0].measured.cells.power.size) == (0, 0, 0)
    assert plan(bare, kept=made.moves) == plan(material, kept=made.moves)
