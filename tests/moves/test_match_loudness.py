"""The loudness goal: reached through the limiter, or stopped short with a reason."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pyloudnorm
import pytest

from refmaster import drive
from refmaster.analyse import measure
from refmaster.bearing import limited_bears
from refmaster.compare import is_limited
from refmaster.decide import parse_decisions
from refmaster.dsp.limiter import ReductionMeter
from refmaster.load import track_of
from refmaster.moves import blank_of, match_loudness
from refmaster.plan import Material, draft, plan
from refmaster.records import GainReduction, Gap, Plan, Request, Stage
from refmaster.render import rendered
from tests.moves.scenes import RATE_HZ, applied, joined, music, planned_for
from tests.signals import FloatArray, clicks, gain_of, pink_noise


def lufs(samples: FloatArray) -> float:
    """By another meter, whose K-weighting reads 0.04 LU low."""
    return float(pyloudnorm.Meter(RATE_HZ).integrated_loudness(samples.T))


@pytest.mark.parametrize("gain_db", [-60.0, -6.02, 3.5, 60.0])
def test_gain_is_exact(gain_db):
    move = blank_of("match_loudness", 2).at(gain_db=gain_db)
    assert np.array_equal(applied(move, music(), 4096), music() * gain_of(gain_db))


@pytest.mark.parametrize("goal_lufs", [-30.0, -18.0, -12.0, -9.0])
def test_the_goal_is_reached_behind_the_limiter(goal_lufs):
    _, made = planned_for(music(), music(), Request(loudness_lufs=goal_lufs))
    assert made.goal_lufs == goal_lufs
    out = joined(rendered([music()], made.moves, RATE_HZ))
    assert lufs(out) == pytest.approx(goal_lufs, abs=0.1 + 0.05)  # LU; the second term is the other meter's
    assert np.abs(out).max() <= gain_of(-1.0)


def test_a_last_small_step_is_told_and_not_tried(monkeypatch):
    heard, tried = drive.limited_as, []
    monkeypatch.setattr(drive, "limited_as", lambda *of, **how: tried.append(of) or heard(*of, **how))
    bursts = np.random.default_rng(1).standard_normal(music().shape) * (np.arange(music().shape[1]) % 22050 < 400)
    hits = 0.5 * music() + 0.24 * bursts
    for goal_lufs in (-14.0, -13.0, -12.0):  # the limiter takes so much of it that a first guess misses by 0.7 to 1 LU
        tried.clear()
        prepared, made = planned_for(hits, hits, Request(loudness_lufs=goal_lufs))
        assert len(tried) == 2
        assert draft(prepared).estimated  # so the whole will be heard before it is delivered
        out = measure(track_of(joined(rendered([hits], made.moves, RATE_HZ)), RATE_HZ)).profile
        assert out.integrated_lufs == pytest.approx(goal_lufs, abs=0.02)


def test_the_goal_is_the_reference_s_loudness():
    material, made = planned_for(0.25 * music(), music())
    assert made.goal_lufs == pytest.approx(material.reference.profile.integrated_lufs, abs=0.1)
    assert any("--loudness" in one.question for one in made.assumptions)


def test_what_is_loud_enough_is_left_alone():
    quiet = 0.3 * music()
    _, made = planned_for(quiet, quiet[:, ::-1].copy())
    assert not [move for move in made.moves if move.id == "match_loudness"]
    assert "within 0.1 LU" in next(one.text for one in made.rejected if one.what == "match_loudness")


@pytest.mark.parametrize(("amount_pct", "share"), [(0.0, 0.0), (25.0, 0.5), (50.0, 1.0), (100.0, 1.0)])
def test_the_amount_scales_the_way_to_the_goal(amount_pct, share):
    material, made = planned_for(0.25 * music(), 0.5 * music(), Request(amount_pct=amount_pct))
    now = material.target.profile.integrated_lufs
    goal = now + share * (material.reference.profile.integrated_lufs - now)
    assert made.goal_lufs == pytest.approx(goal, abs=0.01)


def test_an_unreachable_goal_stops_short_and_says_so():
    """Clicks 50 dB over their surroundings cannot be −6 LUFS."""
    sparse = clicks(0.0, 0.5, 6.0, RATE_HZ) + pink_noise(-60.0, 6.0, RATE_HZ)
    _, made = planned_for(0.9 * sparse, 0.9 * sparse, Request(loudness_lufs=-6.0))
    assert made.goal_lufs is not None
    assert made.goal_lufs < -7.0
    text = next(one.text for one in made.not_reached if one.what == "integrated_lufs")
    assert "short" in text


def test_who_asks_for_more_gets_no_less():
    reached = []
    for goal_lufs in (-8.0, -7.0, -6.0, -5.0, -3.0):
        _, made = planned_for(music(), music(), Request(loudness_lufs=goal_lufs))
        reached.append(lufs(joined(rendered([music()], made.moves, RATE_HZ))))
    assert all(more > less - 0.1 for less, more in pairwise(reached)), reached


def test_a_hard_goal_names_its_price():
    _, made = planned_for(music(), music(), Request(loudness_lufs=-7.0))
    assert any(one.what == "limiting" and "price" in one.text for one in made.not_reached)


def test_what_was_stopped_short_is_not_turned_up_again():
    """A limited sound under its ceiling, without any tag: neither a gain nor a limiter, however loud the reference."""
    _, first = planned_for(music(), music(), Request(loudness_lufs=-9.0))
    once = joined(rendered([music()], first.moves, RATE_HZ))
    material, again = planned_for(once, 2.0 * once)
    assert is_limited(material.target.profile)
    assert again.moves == ()
    assert any("limited already" in one.text for one in again.not_reached)
    assert again.goal_lufs == pytest.approx(material.target.profile.integrated_lufs, abs=0.01)


def test_a_limited_track_is_turned_up_as_far_as_its_peaks_allow():
    _, first = planned_for(music(), music(), Request(loudness_lufs=-9.0))
    once = joined(rendered([music()], first.moves, RATE_HZ))
    material, again = planned_for(0.5 * once, 2.0 * once)
    (move,) = again.moves
    assert material.target.profile.true_peak_dbtp + move["gain_db"] == pytest.approx(-1.05, abs=0.01)


def test_without_a_limiter_gain_ends_where_the_peaks_meet_the_ceiling():
    material, _ = planned_for(0.25 * music(), music(), Request(loudness_lufs=-8.0))
    made = plan(material, parse_decisions(drops=["limit_peaks"]))
    out = joined(rendered([0.25 * music()], made.moves, RATE_HZ))
    assert np.abs(out).max() <= gain_of(-1.0) + 1e-3
    assert any("limiter was dropped" in one.text for one in made.not_reached)


def test_a_ceiling_set_by_hand_is_the_one_that_the_loop_hears():
    material, _ = planned_for(music(), music(), Request(loudness_lufs=-13.0))
    made = plan(material, parse_decisions(sets=["limit_peaks.ceiling_dbtp=-4"]))
    out = joined(rendered([music()], made.moves, RATE_HZ))
    assert lufs(out) == pytest.approx(-13.0, abs=0.15)
    assert np.abs(out).max() <= gain_of(-4.0)


def clipped(level: float) -> FloatArray:
    """Music whose peaks have been flattened at a level already."""
    return np.clip(8.0 * music(), -level, level)


@cache
def too_loud() -> tuple[Material, Plan]:
    """Music with a reference that is louder than it can be brought."""
    return planned_for(music(), 2.0 * clipped(0.9), Request(only=(Stage.LEVEL,)))


def reduction(samples: FloatArray, made: Plan) -> GainReduction:
    meter = ReductionMeter(RATE_HZ)
    joined(rendered([samples], made.moves, RATE_HZ, meter))
    return meter.read()


@pytest.mark.parametrize("level", [0.1, 0.5])
def test_a_limited_track_is_turned_up_no_further_than_its_peaks_allow(level):
    material, made = planned_for(clipped(level), 2.0 * clipped(0.9), Request(only=(Stage.LEVEL,)))
    gain_db = next(move["gain_db"] for move in made.moves if move.id == "match_loudness")
    peak = material.target.profile.true_peak_dbtp
    assert gain_db == pytest.approx(-1.0 - 0.05 - peak, abs=0.01)  # the ceiling, less what other meters read more
    assert not [move for move in made.moves if move.id == "limit_peaks"]
    text = next(one.text for one in made.not_reached if one.what == "integrated_lufs")
    assert "limited already" in text
    assert "before its limiter" in text
    assert "Tame" not in text
    assert made.goal_lufs == pytest.approx(material.target.profile.integrated_lufs + gain_db, abs=0.01)


@pytest.mark.parametrize("louder", [2.0, 1.0])
def test_a_limited_track_whose_peaks_are_too_high_changes_by_gain_only(louder):
    """Its peaks come under the ceiling, and that is all: a limiter would flatten them once more."""
    limited = clipped(0.99)
    material, made = planned_for(limited, louder * clipped(0.99)[:, ::-1].copy(), Request(only=(Stage.LEVEL,)))
    (move,) = made.moves
    peak_dbtp = material.target.profile.true_peak_dbtp
    assert move["gain_db"] == pytest.approx(-1.05 - peak_dbtp, abs=0.001)
    assert np.array_equal(joined(rendered([limited], made.moves, RATE_HZ)), limited * gain_of(move["gain_db"]))
    (text,) = [one.text for one in made.not_reached]
    assert "limited already" in text
    assert "and quieter than the target" in text
    assert "raise its peaks" not in text
    assert "higher --ceiling" in text
    assert "a second limiter" in match_loudness.explain(move)
    assert move.because[0].taken_pct == 0.0
    assert [(gap.feature, gap.target) for gap in move.because[1:]] == [("true_peak_dbtp", peak_dbtp)]


def test_what_moves_raise_over_a_limited_track_s_own_peaks_the_limiter_takes():
    assert limited_bears(0.5, 0.5, -1.0, 0.05) == pytest.approx(-1.55)
    assert limited_bears(3.0, 0.5, -1.0, 0.05) == pytest.approx(-1.55)  # 2.5 dB were raised since
    assert limited_bears(-0.2, 0.5, -1.0, 0.05) == pytest.approx(-0.85)  # and here they were lowered
    assert limited_bears(0.5, -3.0, -1.0, 0.05) == 0.0
    assert limited_bears(-3.0, -3.0, -1.0, 0.05) == pytest.approx(1.95)
    assert limited_bears(-1.02, -1.02, -1.0, 0.05) == 0.0  # nobody's business
    assert limited_bears(2.0, -1.0, -1.0, 0.05) == 0.0  # at the ceiling, not over it


def test_a_limited_track_whose_peaks_a_move_raised_goes_down_by_its_own():
    target, reference = clipped(0.99), 2.0 * clipped(0.99)[:, ::-1].copy()
    material, _ = planned_for(target, reference, Request(only=(Stage.TONE, Stage.LEVEL)))
    made = plan(material, parse_decisions(sets=["match_eq/low_shelf.gain_db=4"]))
    level = next(move for move in made.moves if move.id == "match_loudness")
    assert level["gain_db"] == pytest.approx(-1.05 - material.target.profile.true_peak_dbtp, abs=0.001)
    assert "limit_peaks" in [move.id for move in made.moves]
    assert "as the moves before it raise its peaks" in next(one.text for one in made.not_reached)


def test_a_limited_track_is_turned_down_like_any_other():
    _, made = planned_for(clipped(0.5), 0.1 * music())
    assert next(move["gain_db"] for move in made.moves if move.id == "match_loudness") < -10.0
    assert not any(one.what == "integrated_lufs" for one in made.not_reached)


def test_a_limited_track_is_limited_again_where_a_person_asks_for_the_loudness():
    limited = clipped(0.2)
    _, made = planned_for(limited, music(), Request(loudness_lufs=lufs(limited) + 12.0))
    assert "limit_peaks" in [move.id for move in made.moves]
    assert not any("limited already" in one.text for one in made.not_reached)


def test_a_goal_that_is_too_loud_is_followed_as_far_as_the_genre_bears():
    """The reference's loudness would take over 10 dB; the limiter's 99th percentile stays at the genre's figure."""
    material, made = too_loud()
    hard_db = float(np.percentile(reduction(music(), made).history_db, 99))
    assert hard_db == pytest.approx(material.genre.limiting_db, abs=drive.BEARING_DB + 0.05)
    assert made.goal_lufs < material.reference.profile.integrated_lufs - 3.0
    text = next(one.text for one in made.not_reached if one.what == "integrated_lufs")
    assert f"{material.genre.limiting_db:.1f} dB is what " in text
    assert "--loudness" in text
    out = joined(rendered([music()], made.moves, RATE_HZ))
    assert lufs(out) == pytest.approx(made.goal_lufs, abs=0.15)


def test_what_the_genre_bears_is_the_genre_s():
    material, _ = too_loud()
    gentle = replace(material, genre=replace(material.genre, limiting_db=2.0))
    made = plan(gentle)
    assert float(np.percentile(reduction(music(), made).history_db, 99)) == pytest.approx(
        2.0, abs=drive.BEARING_DB + 0.05
    )


def test_a_loudness_that_is_asked_for_overrides_what_the_genre_bears():
    material, borne = too_loud()
    asked_lufs = borne.goal_lufs + 0.9
    made = plan(replace(material, request=Request(loudness_lufs=asked_lufs, only=(Stage.LEVEL,))))
    assert made.goal_lufs == asked_lufs
    out = joined(rendered([music()], made.moves, RATE_HZ))
    assert lufs(out) == pytest.approx(asked_lufs, abs=0.15)
    assert np.percentile(reduction(music(), made).history_db, 99) > material.genre.limiting_db + 0.5
    assert [one.what for one in made.not_reached] == ["limiting"]  # the price, and nothing else


def test_a_small_gain_says_from_where_to_where():
    gap = Gap("integrated_lufs", -11.54, -11.46, 0.05, 0.0, 100.0, "the goal")
    move = replace(match_loudness.blank("match_loudness", 2).at(gain_db=0.08), because=(gap,))
    assert "reads −11.54 LUFS, the goal is −11.46 LUFS" in match_loudness.explain(move)
