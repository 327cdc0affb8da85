"""How dense loudness may make a master: as its reference for kin, as its genre for strangers."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from refmaster.compare.density import LEEWAY_DB, density_of
from refmaster.decide import parse_decisions
from refmaster.genres import load_genre
from refmaster.measure.loudness import measure_loudness
from refmaster.plan import plan
from refmaster.records import Density, PeaksKept, Request, Spread, Weights
from refmaster.render import rendered
from tests.moves.scenes import RATE_HZ, joined, music, planned_for
from tests.signals import gain_of

USUAL_DB = 10.0


def genre(plr_p10_db: float | None):
    spreads = (
        () if plr_p10_db is None else (Spread("plr_db", plr_p10_db, None, plr_p10_db + 3, None, plr_p10_db + 6, 20),)
    )
    return replace(load_genre(), spreads=spreads)


def seen(plr_db: float | None, level: float = 1.0, *, peak_dbtp: float = 0.0, psr_db: float | None = None):
    """A reference that keeps so much of its peaks, the highest at a level; `psr_db` of the loudest 3 s."""
    lufs, loudest = (None if kept is None else peak_dbtp - kept for kept in (plr_db, psr_db))
    profile = SimpleNamespace(
        plr_db=plr_db, psr_db=psr_db, integrated_lufs=lufs, max_short_term_lufs=loudest, path=f"{plr_db}.wav"
    )
    pair = SimpleNamespace(reference=SimpleNamespace(profile=profile))
    return SimpleNamespace(pair=pair, weights=Weights(level=level))


def least(references, usual_db: float | None, kinship: float) -> float:
    return density_of(tuple(references), genre(usual_db), kinship).plr.least_db


def test_kin_may_be_as_dense_as_the_reference():
    assert least([seen(8.0)], USUAL_DB, 1.0) == pytest.approx(8.0 - LEEWAY_DB)


def test_a_stranger_is_bound_by_its_genre():
    assert least([seen(8.0)], USUAL_DB, 0.0) == pytest.approx(USUAL_DB)


def test_a_livelier_reference_than_the_genre_binds_strangers_too():
    assert least([seen(14.0)], USUAL_DB, 0.0) == pytest.approx(14.0 - LEEWAY_DB)


def test_half_kin_is_bound_half_way():
    assert least([seen(8.0)], USUAL_DB, 0.5) == pytest.approx((8.0 - LEEWAY_DB + USUAL_DB) / 2)


def test_a_genre_that_was_heard_binds_by_its_probability():
    heard = replace(genre(USUAL_DB), share=0.4)
    bound = density_of((seen(8.0),), heard, 0.0)
    assert bound.plr.least_db == pytest.approx(7.0 + 0.8 * (USUAL_DB - 7.0))


def test_where_no_genre_was_measured_the_reference_tells():
    assert least([seen(8.0)], None, 0.0) == pytest.approx(8.0 - LEEWAY_DB)


def test_of_several_the_densest_that_counts_tells():
    assert least([seen(12.0), seen(9.0), seen(6.0, level=0.0)], None, 0.0) == pytest.approx(9.0 - LEEWAY_DB)


def test_peaks_over_full_scale_are_not_kept_by_any_player():
    """A float file that reaches +4.8 dBTP keeps of its peaks what stands under full scale."""
    bound = density_of((seen(11.4, peak_dbtp=4.8, psr_db=8.1),), genre(None), 1.0)
    assert bound.plr.least_db == pytest.approx(11.4 - 4.8 - LEEWAY_DB)
    assert bound.psr.least_db == pytest.approx(8.1 - 4.8 - LEEWAY_DB)
    assert bound.plr.cut


def test_of_several_the_densest_is_named():
    both = density_of((seen(12.0), seen(9.0)), genre(None), 0.0)
    assert both.plr.of == "9.0.wav"
    assert density_of((seen(9.0),), genre(None), 0.0).plr.of == ""


def test_a_genre_alone_tells():
    assert least([], USUAL_DB, 0.0) == pytest.approx(USUAL_DB)


def test_nobody_knows_where_nothing_was_measured():
    assert density_of((), genre(None), 0.0) is None
    assert density_of((seen(None),), genre(None), 1.0) is None


@pytest.fixture(scope="module")
def quiet_target():
    return 0.2 * music()


@pytest.fixture(scope="module")
def crushed():
    """The music with its peaks cut off 5 dB lower, and tops over full scale: louder than it can bear to be made."""
    top = abs(music()).max() * gain_of(-5.0)
    return music().clip(-top, top) / top * gain_of(3.0)


def stops(made) -> str:
    return next((one.text for one in made.not_reached if one.what == "integrated_lufs"), "")


def bound_to(material, plr_db: float | None, psr_db: float | None = None):
    """The material with a reference that keeps so much of its peaks."""
    plr, psr = (None if kept is None else PeaksKept(kept, kept, None) for kept in (plr_db, psr_db))
    return replace(material, comparison=replace(material.comparison, density=Density(plr, psr)))


def test_loudness_stops_where_the_master_would_be_denser_than_what_binds_it(quiet_target, crushed):
    material, _ = planned_for(quiet_target, crushed)
    least_db = material.target.profile.plr_db - 1.0
    made = plan(bound_to(material, least_db))
    assert f"less than {least_db:.1f} dB over its loudness (PLR); the reference keeps {least_db:.1f} dB" in stops(made)
    assert "--loudness" in stops(made)
    assert made.goal_lufs == pytest.approx(-1.0 - least_db, abs=0.1)


def test_a_reference_with_peaks_over_full_scale_does_not_stop_its_own_loudness():
    """No engineer stops 5 LU short of a float file that reaches +4.8 dBTP, with a limiter that has nothing to do."""
    hot = music() / abs(music()).max() * gain_of(4.8)
    _, made = planned_for(0.1 * hot, hot)
    assert "PLR" not in stops(made)
    assert made.goal_lufs > -1.0 - 4.8 + hot_lufs(hot) + 2.0


def hot_lufs(sound) -> float:
    return measure_loudness([sound], RATE_HZ).integrated_lufs


def test_a_person_s_word_outranks_it(quiet_target, crushed):
    loudness = planned_for(quiet_target, crushed)[0].reference.profile.integrated_lufs - 1.0
    _, made = planned_for(quiet_target, crushed, Request(loudness_lufs=loudness))
    assert "PLR" not in stops(made)


def test_a_match_in_full_asks_for_all_of_it(quiet_target, crushed):
    _, made = planned_for(quiet_target, crushed, Request(amount_pct=100))
    assert "PLR" not in stops(made)


def test_it_never_turns_down_what_is_dense_already(crushed):
    louder = planned_for(gain_of(-6.0) * crushed, crushed)[1]
    gains = [move["gain_db"] for move in louder.moves if move.id == "match_loudness"]
    assert all(gain >= 0 for gain in gains)


def test_what_is_as_dense_as_it_may_be_and_far_over_full_scale_reads_what_is_said(crushed):
    """Turned up no further it still has to be limited, and loses loudness by that."""
    hot = music() / abs(music()).max() * gain_of(8.0)
    _, made = planned_for(hot, gain_of(8.0) * crushed)
    heard = measure_loudness(rendered([hot], made.moves, RATE_HZ), RATE_HZ).integrated_lufs
    assert "PLR" in stops(made) or "limiter" in stops(made)
    assert made.goal_lufs == pytest.approx(heard, abs=0.1)


@pytest.mark.parametrize("peak_db", [0.0, 6.0])
def test_without_a_limiter_its_peaks_meet_the_ceiling(crushed, peak_db):
    """Also where the true peak is 0.0 dBTP to the last bit."""
    hot = music() / abs(music()).max() * gain_of(peak_db)
    material, _ = planned_for(hot, gain_of(8.0) * crushed)
    made = plan(material, parse_decisions(["limit_peaks"], ()))
    heard = joined(rendered([hot], made.moves, RATE_HZ))
    assert abs(heard).max() <= gain_of(-1.0) * 1.001


def test_a_ceiling_set_by_hand_is_the_one_that_binds(quiet_target, crushed):
    material, _ = planned_for(quiet_target, crushed)
    free, low = (plan(material, parse_decisions((), words)) for words in ([], ["limit_peaks.ceiling_dbtp=-4"]))
    assert low.goal_lufs == pytest.approx(free.goal_lufs - 3.0, abs=0.2)
