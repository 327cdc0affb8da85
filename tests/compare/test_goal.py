"""What a loudness that nobody asked for is said to follow: the references, the track itself, or the genre."""

from dataclasses import replace

import pytest

from refmaster.compare.goal import _median, whose_loudness
from refmaster.genres import load_genre, spread_of
from refmaster.names import BY_GENRE
from refmaster.records import Comparison
from tests.moves.scenes import planned

ROCK = load_genre("rock")
LOUD = spread_of(ROCK, "integrated_lufs")


@pytest.fixture(scope="module")
def by_genre() -> Comparison:
    comparison = replace(planned("dull")[0].comparison, toward=BY_GENRE, seen=())
    assert comparison.by_genre
    return comparison


@pytest.mark.parametrize(
    ("now_lufs", "amount_pct", "words"),
    [
        (LOUD.p50, 50, "as the track itself, which lies inside what is usual in the genre"),
        (LOUD.p10 - 3, 50, "the quiet edge of what is usual"),
        (LOUD.p90 + 3, 50, "the loud edge of what is usual"),
        (LOUD.p10 - 3, 20, "part of the way to the quiet edge of what is usual"),
        (LOUD.p10 - 3, 75, "between the quiet edge and the middle of what is usual"),
        (LOUD.p50, 75, "between its own level and the middle of what is usual"),
        (LOUD.p10 - 3, 100, "the middle of what is usual"),
    ],
)
def test_of_a_genre_it_is_said_which_place_in_its_band(by_genre, now_lufs, amount_pct, words):
    text = whose_loudness(by_genre, ROCK, now_lufs, amount_pct)
    assert text.startswith(words)
    assert f"{LOUD.p10:.1f}".replace("-", "−") in text


def test_of_a_reference_it_is_said_how_far():
    comparison = planned("dull")[0].comparison
    assert whose_loudness(comparison, ROCK, -14.0, 50) == "as the reference"
    assert whose_loudness(comparison, ROCK, -14.0, 30) == "part of the way to the reference's loudness"


@pytest.mark.parametrize(
    ("weights", "values", "middle"),
    [
        ([1.0], [-9.0], -9.0),
        ([1.0, 1.0], [-14.0, -10.0], -12.0),
        ([1.0, 1.0, 1.0], [-8.0, -20.0, -10.0], -10.0),
        ([1.0, 3.0], [-14.0, -10.0], -10.0),
        ([1.0, 1.0, 2.0], [-14.0, -10.0, -6.0], -8.0),
        ([1.0, 1.0, 2.5], [-14.0, -10.0, -6.0], -6.0),
    ],
)
def test_the_middle_of_several_is_weighted_and_two_that_share_it_meet_half_way(weights, values, middle):
    assert _median(weights, values) == middle
