"""Several references: the odd one is named and counts for less, their centre is what a match in full goes to."""

import numpy as np
import pytest

from refmaster.analyse import Measured, measure
from refmaster.compare import Example, compare
from refmaster.compare.goal import goal_of
from refmaster.compare.several import belonging
from refmaster.compare.width import _together, _Told
from refmaster.genres import load_genre
from refmaster.load import track_of
from refmaster.records import Weights
from tests.signals import pink_noise, spoil

RATE_HZ = 44100
SECONDS = 6.0


def heard(name: str, *, shelf_db: float = 0.0, gain: float = 1.0, seed: int = 1) -> Measured:
    noise = pink_noise(-20.0, SECONDS, RATE_HZ, seed=seed)
    sound = spoil(noise, RATE_HZ, high_shelf_db=shelf_db)
    return measure(track_of(gain * sound, RATE_HZ, name=name))


@pytest.fixture(scope="module")
def alike() -> tuple[Measured, ...]:
    return tuple(heard(f"{n}.wav", shelf_db=0.5 * n, seed=n) for n in range(3))


def test_references_that_belong_together_keep_their_weights(alike):
    given = tuple(Example(one) for one in alike)
    assert belonging(given) == (given, ())


def test_an_odd_tone_is_named_and_counts_for_less(alike):
    given = tuple(Example(one) for one in (*alike, heard("odd.wav", shelf_db=-24.0, seed=9)))
    kept, said = belonging(given)
    assert [one.weights.tone for one in kept] == [1.0, 1.0, 1.0, 0.25]  # of a fourth nobody hears the three others
    assert len(said) == 1
    assert said[0].startswith("odd.wav: most of its tone")


def test_an_odd_loudness_is_named_and_counts_for_less(alike):
    given = tuple(Example(one) for one in (*alike, heard("loud.wav", gain=0.1, seed=9)))
    kept, said = belonging(given)
    assert kept[-1].weights == Weights(level=0.25)
    assert "loud.wav: most of its loudness" in said[0]


def test_of_two_nobody_is_odd(alike):
    given = (Example(alike[0]), Example(heard("odd.wav", shelf_db=-24.0, seed=9)))
    assert belonging(given) == (given, ())


def test_the_goal_lies_between_two_references_by_their_weights(alike):
    dull, bright = heard("dull.wav", shelf_db=-8.0), heard("bright.wav")
    hz = np.array(dull.profile.band_hz)
    top = (hz > 8000) & (hz < 14000)

    def level(weight: float) -> float:
        goal = goal_of((Example(dull, Weights(tone=weight)), Example(bright)), hz)
        return float(np.nanmean(goal.thirds_db[top]))

    assert level(0.0) > level(1.0) > level(10.0)
    assert level(1.0) == pytest.approx((level(0.0) + level(1e9)) / 2, abs=0.1)


def test_the_loudness_goal_is_the_weighted_median(alike):
    quiet, middle, loud = (heard(f"{g}.wav", gain=g, seed=1) for g in (0.2, 0.5, 0.9))
    hz = np.array(quiet.profile.band_hz)
    examples = tuple(Example(one) for one in (quiet, middle, loud))
    assert goal_of(examples, hz).loudness_lufs == middle.profile.integrated_lufs
    heavy = (Example(quiet, Weights(level=5.0)), *examples[1:])
    assert goal_of(heavy, hz).loudness_lufs == quiet.profile.integrated_lufs


def test_an_aspect_that_counts_nowhere_is_left_alone(alike):
    target = heard("target.wav", shelf_db=-6.0)
    both = compare(target, (Example(alike[0], Weights(tone=0.0)),), load_genre())
    assert set(both.tone.wanted_db) == {0.0}
    assert both.loudness_lufs == alike[0].profile.integrated_lufs


def test_every_reference_is_remembered_as_it_was_taken(alike):
    found = compare(alike[0], tuple(Example(one) for one in alike[1:]), load_genre())
    assert [one.name for one in found.seen] == ["1.wav", "2.wav"]
    assert found.toward == "the references"


def test_the_surer_of_two_is_what_is_shown(alike):
    """What bands are held against is no average with a stranger."""
    dull, kin = heard("dull.wav", shelf_db=-6.0, seed=1), heard("kin.wav", seed=2)
    time = np.arange(int(SECONDS * RATE_HZ)) / RATE_HZ
    hum = sum(np.sin(2 * np.pi * 110 * k * time) / k for k in range(1, 60))
    stranger = measure(track_of(0.05 * np.stack([hum, hum]) * (np.sin(2 * np.pi * 2 * time) > 0), RATE_HZ, name="s"))
    alone = compare(dull, kin, load_genre())
    both = compare(dull, (Example(kin), Example(stranger)), load_genre())
    seen = np.array(both.tone.weight) * np.array(alone.tone.weight)
    apart = np.abs(np.subtract(both.tone.matched_db, alone.tone.matched_db))
    assert both.seen[0].kinship > 0.8 > 0.2 > both.seen[1].kinship
    assert np.average(apart, weights=seen) < 0.5


def test_the_width_that_several_tell_is_weighed_by_how_sure_each_is_and_where_none_is_heard_holds_as_a_whole():
    def told(heard, difference_db, error_db):
        at = np.array(heard, dtype=bool)
        return _Told(at, at, float(np.median(difference_db)), error_db, np.array(difference_db))

    sure, unsure = told([1, 1, 0, 0], [2.0, 4.0], 1.0), told([0, 1, 1, 0], [-2.0, -2.0], 2.0)
    together = _together([sure, unsure], 4)
    whole = (3.0 / 1 - 2.0 / 4) / (1 + 1 / 4)
    assert together == pytest.approx([2.0, (4.0 / 1 - 2.0 / 4) / (1 + 1 / 4), -2.0, whole])
