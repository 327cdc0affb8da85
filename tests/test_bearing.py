"""How far the loudness may go: the climax of a long song is not flattened because the rest of it is quiet."""

import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from refmaster.bearing import PRACTICE_PSR_DB, bearing_of, most_lufs
from refmaster.genres import load_genre
from refmaster.measure.excerpt import ExcerptMeter, limited_as, loudest_psr_db
from refmaster.measure.loudness import LoudnessMeter
from refmaster.plan import plan
from refmaster.records import Density, PeaksKept, Request
from refmaster.render import rendered
from tests.measure.test_excerpt import LIMITING
from tests.moves.scenes import RATE_HZ, joined, music, planned_for
from tests.signals import gain_of

ANY = load_genre()
HELD_DBTP = -1.0


def least(psr_db: float | None, own_db: float | None, loudest_lufs: float = -30.0) -> float | None:
    """The least PSR that is asked of the loudest 3 s."""
    density = Density(None, None if psr_db is None else PeaksKept(psr_db, psr_db, None))
    target = SimpleNamespace(max_short_term_lufs=loudest_lufs)
    loudest = bearing_of(ANY, density, target, own_db, HELD_DBTP).loudest_lufs
    return None if loudest is None else HELD_DBTP - loudest


def test_the_loudest_three_seconds_keep_what_the_reference_keeps():
    assert least(6.5, 12.0) == pytest.approx(6.5)


def test_no_more_is_asked_than_practice_or_than_the_target_brought():
    assert least(11.0, 12.0) == pytest.approx(PRACTICE_PSR_DB)
    assert least(7.5, 6.0) == pytest.approx(6.0)


def test_the_loudest_three_seconds_may_stay_as_loud_as_they_are():
    assert least(7.0, 12.0, loudest_lufs=-5.0) == pytest.approx(HELD_DBTP + 5.0)


def test_nothing_is_bound_where_nothing_is_known():
    assert least(None, 8.0) is None
    assert least(7.0, None) is None


@pytest.mark.parametrize(
    ("psr_db", "own_db", "words"),
    [
        (7.5, 6.0, "less than 6.0 dB over the loudness of its loudest 3 s (PSR), which is what they keep as it is"),
        (
            11.0,
            12.0,
            "less than 8.0 dB over the loudness of its loudest 3 s (PSR), which is what practice keeps in any",
        ),
        (6.5, 12.0, "less than 6.5 dB over the loudness of its loudest 3 s (PSR); the reference keeps 6.5 dB"),
    ],
)
def test_whose_figure_it_is_is_said(psr_db, own_db, words):
    density = Density(None, PeaksKept(psr_db, psr_db, None))
    assert words in bearing_of(ANY, density, SimpleNamespace(max_short_term_lufs=-30.0), own_db, HELD_DBTP).why


def test_of_several_references_the_one_that_binds_is_named():
    target = SimpleNamespace(integrated_lufs=-20.0, true_peak_dbtp=-3.0)
    for of, whose in (("", "the reference"), ("b.wav", "b.wav")):
        density = Density(PeaksKept(9.34, 10.34, None, of, cut=True), None)
        most, why = most_lufs(ANY, density, target, HELD_DBTP)
        assert most == pytest.approx(-1.0 - 9.34)
        assert f"{whose} keeps 10.3 dB up to full scale, and 1.0 dB less is as far as it goes" in why


def climax(level: float = 1.0):
    """24 s of quiet music and 8 s that are 18 dB louder, shape (2, samples)."""
    quiet = gain_of(-18.0) * music()
    return level * np.concatenate([quiet, quiet, quiet, music()], axis=1)


def excerpt(sound):
    meter, loudness = ExcerptMeter(sound.shape[1], RATE_HZ), LoudnessMeter(RATE_HZ, 2)
    meter.feed(sound)
    loudness.feed(sound)
    return meter.read(loudness.read().cell_power)


def test_the_psr_of_the_loudest_three_seconds_does_not_hear_the_rest():
    """And knows no level."""
    own = loudest_psr_db(excerpt(music()))
    assert loudest_psr_db(excerpt(climax(0.1))) == pytest.approx(own, abs=0.3)
    assert loudest_psr_db(excerpt(0.0 * music())) is None


def test_the_loudest_3_s_of_an_hour_are_read_without_a_copy_of_each():
    """All of them as loud as each other: 360,000 windows of 300 peaks would be 860 MB."""
    cells = 360_000
    short = excerpt(music())
    hour = replace(short, cell_power=np.full(cells, 0.01), cell_peak=np.full(cells, 0.5))
    tracemalloc.start()
    try:
        assert loudest_psr_db(hour) is not None
        assert tracemalloc.get_traced_memory()[1] < 50e6  # bytes
    finally:
        tracemalloc.stop()


def test_the_loudest_three_seconds_behind_the_limiter_are_told():
    found = limited_as(excerpt(climax()), LIMITING, 3.0)
    assert found.loudest_lufs == pytest.approx(limited_as(excerpt(music()), LIMITING, 3.0).loudest_lufs, abs=0.1)


@pytest.fixture(scope="module")
def asked():
    """A song with a climax, and a reference that is far louder; 7 dB of PSR are asked for."""
    material, _ = planned_for(climax(0.3), (8.0 * music()).clip(-0.9, 0.9))
    genre = replace(material.genre, limiting_db=12.0)  # so much work, for 1 % of the time, stops nobody here
    density = Density(None, PeaksKept(7.0, 7.0, None))
    return replace(material, genre=genre, comparison=replace(material.comparison, density=density))


def loudest_of(made) -> float:
    loudness = LoudnessMeter(RATE_HZ, 2)
    loudness.feed(joined(rendered([climax(0.3)], made.moves, RATE_HZ)))
    return loudness.read().max_short_term_lufs


def test_loudness_stops_where_the_climax_would_be_flattened(asked):
    made = plan(asked)
    assert HELD_DBTP - loudest_of(made) == pytest.approx(7.0, abs=0.3)
    (text,) = (one.text for one in made.not_reached if one.what == "integrated_lufs")
    assert "less than 7.0 dB over the loudness of its loudest 3 s (PSR); the reference keeps 7.0 dB" in text
    assert "--loudness" in text


def test_a_person_s_word_outranks_the_climax(asked):
    bound = plan(asked)
    goal = bound.goal_lufs + 2.0
    made = plan(replace(asked, request=Request(loudness_lufs=goal)))
    assert made.goal_lufs == pytest.approx(goal)
    assert HELD_DBTP - loudest_of(made) < 6.5
    in_full = plan(replace(asked, request=Request(amount_pct=100)))
    assert not any("PSR" in one.text for one in in_full.not_reached)
