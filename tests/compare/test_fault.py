"""How probable a fault is, and what is said where it is not likely enough."""

from dataclasses import replace

import numpy as np
import pytest

from refmaster.analyse import measure
from refmaster.compare.fault import FINISHED_PRIOR, LEAST_FAULT, LIMITED_PCT, heeded, is_limited, let_be, probability
from refmaster.load import track_of
from refmaster.moves import blank_of, match_eq, match_width
from refmaster.records import Request
from refmaster.render import rendered
from tests.compare.test_witness import scene
from tests.moves.scenes import RATE_HZ, joined, music, planned, planned_for, spoiled
from tests.signals import gain_of


def test_without_evidence_a_mix_is_even_and_a_master_is_not():
    profile = planned("dull")[0].target.profile
    mix, master = (replace(profile, peaks_held_pct=pct) for pct in (0.0, LIMITED_PCT))
    assert probability(0.0, mix) == pytest.approx(0.5)
    assert probability(0.0, master) == pytest.approx(FINISHED_PRIOR)
    assert heeded(LEAST_FAULT) == LEAST_FAULT
    assert heeded(LEAST_FAULT - 0.01) == 0.0


@pytest.mark.parametrize(
    ("held_pct", "psr_db", "limited"),
    [(LIMITED_PCT, 8.0, True), (8.1, 10.8, True), (1.0, 8.0, False), (2.5, 12.57, False), (LIMITED_PCT, None, True)],
)
def test_limited_is_what_has_many_peaks_at_the_top_and_these_near_to_its_loudness(held_pct, psr_db, limited):
    profile = replace(planned("dull")[0].target.profile, peaks_held_pct=held_pct, psr_db=psr_db)
    assert is_limited(profile) is limited


@pytest.mark.parametrize("drive_db", [3.0, 6.0, 9.0])
def test_a_song_that_was_driven_into_a_limiter_is_limited(drive_db):
    """The demo song with its highest peak at the ceiling before the drive; without any it is not."""
    sound = music() * gain_of(-1.0) / np.abs(music()).max()
    moves = (blank_of("match_loudness", 2).at(gain_db=drive_db), blank_of("limit_peaks", 2).at(ceiling_dbtp=-1.0))
    driven = joined(rendered([sound], moves, RATE_HZ))
    before, after = (measure(track_of(one, RATE_HZ, name="song")).profile for one in (sound, driven))
    assert (is_limited(before), is_limited(after)) == (False, True)


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
