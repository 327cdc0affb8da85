"""A track that may be of several genres is read in their mixture: its moments, and the percentiles of its loudness."""

import numpy as np
import pytest

from refmaster.genres import ANY, load_genre, spread_of
from refmaster.genres import context as contexts
from refmaster.genres.context import LOUDNESS, _below, _spreads, _tone, _width, context
from refmaster.genres.statistics import covariance_db2

ROCK, AMBIENT, DRILL = (load_genre(name) for name in ("rock", "ambient", "drill"))


@pytest.mark.parametrize("weights", [(0.3, 0.1), (0.75, 0.25)])
def test_the_tone_of_a_mixture_has_its_mean_and_its_variance(weights):
    mixed = _tone([ROCK, AMBIENT], np.array(weights))
    rock, ambient = (np.array(one.tone.mean_db) for one in (ROCK, AMBIENT))
    mean = 0.75 * rock + 0.25 * ambient
    assert np.array(mixed.mean_db) == pytest.approx(mean, abs=0.01)
    within = 0.75 * np.diag(covariance_db2(ROCK.tone)) + 0.25 * np.diag(covariance_db2(AMBIENT.tone))
    among = 0.75 * 0.25 * np.square(rock - ambient)
    assert np.diag(covariance_db2(mixed)) == pytest.approx(within + among, rel=0.02)


@pytest.mark.parametrize("weights", [(0.3, 0.1), (0.75, 0.25)])
def test_the_width_of_a_mixture_has_its_mean_and_its_variance(weights):
    mixed = _width([ROCK, AMBIENT], np.array(weights))
    rock, ambient = (np.array(one.width.mean_db) for one in (ROCK, AMBIENT))
    own = 0.75 * np.square(ROCK.width.sd_db) + 0.25 * np.square(AMBIENT.width.sd_db)
    assert np.array(mixed.mean_db) == pytest.approx(0.75 * rock + 0.25 * ambient)
    assert np.square(mixed.sd_db) == pytest.approx(own + 0.75 * 0.25 * np.square(rock - ambient))


def test_what_one_genre_alone_tells_is_told_as_it_tells_it():
    assert _tone([ROCK], np.array([0.2])) == ROCK.tone
    assert _width([ROCK, DRILL], np.array([0.5, 0.5])).mean_db == ROCK.width.mean_db  # nobody has measured the other's
    assert _width([DRILL], np.array([1.0])) is None


def test_the_loudness_of_a_mixture_lies_between_and_spreads_over_both():
    mixed = next(one for one in _spreads([ROCK, AMBIENT], np.array([0.1, 0.1])) if one.name == LOUDNESS)
    rock, ambient = (spread_of(one, LOUDNESS) for one in (ROCK, AMBIENT))
    low, high = sorted((rock.p50, ambient.p50))
    assert low < mixed.p50 < high
    for q in (10, 25, 50, 75, 90):
        at = np.array([getattr(mixed, f"p{q}")])
        assert 100 * np.mean([_below(one, at) for one in (rock, ambient)]) == pytest.approx(q, abs=0.5)
    assert mixed.n_tracks == rock.n_tracks + ambient.n_tracks
    others = [one for one in _spreads([ROCK, AMBIENT], np.array([0.1, 0.1])) if one.name != LOUDNESS]
    assert others == [one for one in ROCK.spreads if one.name != LOUDNESS]


@pytest.mark.parametrize(
    ("shares", "name", "share", "runner_up"),
    [
        ((("none", 0.7), ("rock", 0.2), ("ambient", 0.1)), ANY, 0.7, ("rock", 0.2)),
        ((("rock", 0.5), ("none", 0.3), ("ambient", 0.2)), "rock", 0.5, ("none", 0.3)),
        ((("rock", 0.99), ("none", 0.01)), "rock", 0.99, ("none", 0.01)),
    ],
)
def test_none_is_an_answer_and_then_the_nearest_genre_is_its_runner_up(monkeypatch, shares, name, share, runner_up):
    monkeypatch.setattr(contexts, "probable", lambda profile: shares)
    found = context("auto", object())
    assert (found.name, found.share, found.runner_up) == (name, pytest.approx(share), runner_up)
