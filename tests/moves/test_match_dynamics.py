"""Dynamics: left alone as a rule, followed where it is asked for, and never invented."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from refmaster.analyse import measure
from refmaster.decide import parse_decisions
from refmaster.demo import dull_mix, finished
from refmaster.load import track_of
from refmaster.moves import blank_of, match_dynamics
from refmaster.plan import Material, plan
from refmaster.records import Move, Plan, Profile, Request, Stage
from refmaster.render import rendered
from tests.moves.scenes import RATE_HZ, applied, joined, music, planned_for
from tests.signals import FloatArray

FULL = Request(amount_pct=100.0, only=(Stage.DYNAMICS,))
PAIRS = (("song", "finished"), ("dull", "finished"), ("finished", "dull"), ("song", "clipped"))


@cache
def sound(name: str) -> FloatArray:
    """8 s each: two mixes of one song, another song that is finished, and the first with its peaks clipped off."""
    stretch = slice(6 * RATE_HZ, 14 * RATE_HZ)
    return {
        "song": music,
        "dull": lambda: dull_mix(RATE_HZ)[:, stretch],
        "finished": lambda: finished(RATE_HZ)[:, stretch],
        "clipped": lambda: np.clip(6.0 * music(), -0.8, 0.8),
    }[name]()


@cache
def planned(target: str, reference: str, request: Request | None = None) -> tuple[Material, Plan]:
    return planned_for(sound(target), sound(reference), request)


def own(made: Plan) -> tuple[Move, ...]:
    return tuple(move for move in made.moves if move.mover == "match_dynamics")


def spreads_db(profile: Profile) -> FloatArray:
    return np.array([band.p95_dbfs - band.p50_dbfs for band in profile.dynamics])


def heard(samples: FloatArray) -> Profile:
    return measure(track_of(samples, RATE_HZ, name="heard")).profile


@pytest.mark.parametrize("pair", [*PAIRS, ("clipped", "song")])
def test_as_a_rule_dynamics_are_left_alone_with_a_reason(pair):
    _, made = planned(*pair)
    assert own(made) == ()
    text = next(one.text for one in made.rejected if one.what == "match_dynamics")
    assert "left alone" in text
    assert ("stand out less" in text) or ("stand out more" in text)
    assert " dB" in text


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_asked_for_in_full_every_band_comes_nearer(pair):
    """As other blocks than the mover's measure it; a band that was near enough stays within 0.3 dB."""
    material, made = planned(*pair, FULL)
    assert own(made)
    out = joined(rendered([sound(pair[0])], own(made), RATE_HZ))
    goal = spreads_db(material.reference.profile)
    before, after = (np.abs(np.log(spreads_db(p) / goal)) for p in (material.target.profile, heard(out)))
    bands = [match_dynamics.PARTS.index(move.id.split("/")[1]) for move in own(made)]
    assert (after[bands] < before[bands]).all()
    untouched = np.setdiff1d(np.arange(before.size), bands)
    np.testing.assert_allclose(after[untouched], before[untouched], rtol=0, atol=0.05)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_compressor_holds_down_where_the_reference_is_denser_and_lets_go_where_livelier(pair):
    for move in own(planned(*pair, FULL)[1]):
        gap = move.because[0]
        assert (move["ratio"] > 1) == (gap.reference < gap.target)
        low, high = match_dynamics.RATIO_RANGE
        assert low <= move["ratio"] <= high


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_make_up_keeps_the_tone(pair):
    """No sixth of an octave's mean level moves by more than 2 dB against the rest, no band's by more than 1."""
    material, made = planned(*pair, FULL)
    out = heard(joined(rendered([sound(pair[0])], own(made), RATE_HZ)))
    moved = np.array(out.ltas_db) - np.array(material.target.profile.ltas_db)
    at_hz = np.array(out.band_hz)
    edges = (40.0, 120.0, 500.0, 2000.0, 6000.0, 15000.0)
    for low, high in pairwise(edges):
        inside = (at_hz > low * 1.2) & (at_hz < high / 1.2)
        assert np.abs(moved[inside]).max() <= 2.0
        assert abs(moved[inside].mean()) <= 1.0


def test_what_was_limited_is_not_expanded_and_that_is_said():
    _, made = planned("clipped", "song", FULL)
    assert own(made) == ()
    text = next(one.text for one in made.not_reached if one.what == "dynamics")
    assert "limited already" in text
    assert "the low end" in text


def test_a_limited_track_may_be_compressed_further():
    """Only what was taken is not given back: where the reference is denser still, that can be had."""
    _, made = planned_for(sound("clipped"), np.clip(30.0 * music(), -0.8, 0.8), FULL)
    assert own(made)
    assert all(move["ratio"] > 1 for move in own(made))


def test_part_of_the_way_is_less_than_all_of_it():
    part, whole = (own(planned("dull", "finished", Request(amount_pct=a, only=FULL.only))[1]) for a in (74.0, 100.0))
    ratios = [{move.id: move["ratio"] for move in moves} for moves in (part, whole)]
    assert ratios[0].keys() < ratios[1].keys()
    assert 1.1 < ratios[0]["match_dynamics/presence"] < ratios[1]["match_dynamics/presence"]


def test_a_person_s_decision_outranks_the_solved_one():
    material, _ = planned("dull", "finished", FULL)
    made = plan(material, parse_decisions(drops=["match_dynamics/low"], sets=["match_dynamics/presence.ratio=1.2"]))
    by_id = {move.id: move for move in own(made)}
    assert not by_id["match_dynamics/low"].active
    assert by_id["match_dynamics/presence"]["ratio"] == 1.2


@pytest.mark.parametrize("part", match_dynamics.PARTS)
def test_a_compressor_moves_its_own_band_only(part):
    """What it takes away lies in its band, but for what slow gain makes of the slopes of it."""
    move = blank_of(f"match_dynamics/{part}", 2).at(ratio=4.0, threshold_dbfs=-60.0, range_db=20.0)
    taken = applied(move, music()) - music()
    power = (np.abs(np.fft.rfft(taken)) ** 2).sum(axis=0)
    at_hz = np.fft.rfftfreq(taken.shape[1], 1 / RATE_HZ)
    edges = (0.0, 120.0, 500.0, 2000.0, 6000.0, RATE_HZ / 2)
    k = match_dynamics.PARTS.index(part)
    inside = (at_hz >= edges[k] / 2**0.5) & (at_hz <= edges[k + 1] * 2**0.5)
    assert power[inside].sum() >= 0.999 * power.sum()


def test_texts_say_what_is_held_and_why():
    for move in own(planned("dull", "finished", FULL)[1]):
        text = match_dynamics.explain(move)
        verb = "Compress" if move["ratio"] > 1 else "Expand"
        assert text.startswith(f"{verb} {match_dynamics.WORDS[match_dynamics.PARTS.index(move.id.split('/')[1])]}")
        assert "above the median" in text
