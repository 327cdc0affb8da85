"""How probable a fault is, and what is said where it is not likely enough."""

from dataclasses import replace

import numpy as np
import pytest

from refmaster.compare.fault import FINISHED_PRIOR, LEAST_FAULT, LIMITED_PCT, heeded, let_be, probability
from refmaster.moves import match_eq, match_width
from refmaster.records import Request
from tests.compare.test_witness import scene
from tests.moves.scenes import planned, planned_for, spoiled


def test_without_evidence_a_mix_is_even_and_a_master_is_not():
    profile = planned("dull")[0].target.profile
    mix, master = (replace(profile, peaks_held_pct=pct) for pct in (0.0, LIMITED_PCT))
    assert probability(0.0, mix) == pytest.approx(0.5)
    assert probability(0.0, master) == pytest.approx(FINISHED_PRIOR)
    assert heeded(LEAST_FAULT) == LEAST_FAULT
    assert heeded(LEAST_FAULT - 0.01) == 0.0


def test_what_is_let_be_says_why():
    profile = planned("dull")[0].target.profile
    mix, master = (replace(profile, peaks_held_pct=pct) for pct in (0.0, LIMITED_PCT))
    assert let_be(0.31, mix) == "that something is wrong is 31 % likely, and under 45 % it is let be"
    assert let_be(LEAST_FAULT - 0.001, mix) == "that something is wrong is 44.9 % likely, and under 45.0 % it is let be"
    assert "(its peaks have been limited already: somebody thought it finished)" in let_be(0.31, master)
    assert let_be(LEAST_FAULT, mix) == let_be(None, mix) == ""


def test_tone_and_width_left_alone_say_how_likely_a_fault_is():
    material, _ = planned("dull")
    comparison, n = material.comparison, len(material.comparison.band_hz)
    still = {"wanted_db": (0.0,) * n, "fault": 0.2}
    comparison = replace(
        comparison, tone=replace(comparison.tone, **still), width=replace(comparison.width, full_db=(3.0,) * n, **still)
    )
    comparison = replace(comparison, width=replace(comparison.width, matched_db=(3.0,) * n))
    where = scene(material, comparison)
    told = match_eq._told(np.zeros(n), comparison, material.target.profile)
    assert told == "that something is wrong is 20 % likely, and under 45 % it is let be"
    left = match_width._left_alone(comparison.width, np.zeros(n), comparison, where)
    assert left.text == f"Width left alone: the reference is 3.0 dB wider; {told}."
    assert "told from arrangement" in match_width._left_alone(comparison.width, np.ones(n), comparison, where).text


def test_a_comparison_knows_how_likely_a_fault_is():
    damaged, _ = planned("dull")
    sound, _ = planned_for(spoiled("quiet"), spoiled("quiet") * 2.0, Request())
    assert damaged.comparison.tone.fault > 0.9
    assert sound.comparison.tone.fault < LEAST_FAULT
