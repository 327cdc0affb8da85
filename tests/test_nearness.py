"""Nearness: a distance is one, and reasons name what was changed, in the right direction."""

import math
from dataclasses import replace

import numpy as np
import pytest

from refmaster.analyse import analyse
from refmaster.genres.features import feature_names, features
from refmaster.genres.posterior import load_table
from refmaster.nearness import ASPECTS, PAIRS_AT, PAIRS_PCT, apart, in_words, nearer_pct, reasons


@pytest.fixture(scope="module")
def profile(files):
    return analyse(files["finished"])


def changed(profile, gain_db, low_hz):
    levels = [v + (gain_db if hz >= low_hz else 0) for hz, v in zip(profile.band_hz, profile.ltas_db, strict=True)]
    return replace(profile, ltas_db=tuple(levels))


def test_a_track_is_at_no_distance_from_itself_and_alike(profile):
    row = features(profile)
    assert apart(row, row) == 0
    assert reasons(row, row) == ()
    assert in_words(()) == "alike in all that is measured"


def test_the_distance_is_the_same_both_ways(files, profile):
    ours, theirs = features(profile), features(analyse(files["dull"]))
    assert apart(ours, theirs) > 0
    assert apart(ours, theirs) == pytest.approx(apart(theirs, ours))


def test_more_of_a_change_is_farther(profile):
    row = features(profile)
    distances = [apart(row, features(changed(profile, gain, 5500))) for gain in (0, 1, 3, 9)]
    assert distances == sorted(distances)
    assert distances[0] < distances[-1]


def test_loudness_is_no_part_of_it(profile):
    louder = changed(profile, 6.0, 0.0)
    assert apart(features(profile), features(louder)) == pytest.approx(0, abs=1e-9)


def test_a_brighter_track_is_called_brighter_and_the_other_way_darker(profile):
    ours, theirs = features(profile), features(changed(profile, 6.0, 5500))
    (reason, *_) = reasons(ours, theirs)
    assert reason.aspect == "top_db"
    assert reason.by > 4.0
    assert reason.text.startswith("brighter by")
    assert reasons(theirs, ours)[0].text.startswith("darker by")


def test_a_wider_track_is_called_wider(profile):
    wider = replace(profile, side_to_mid_db=tuple(None if v is None else v + 5 for v in profile.side_to_mid_db))
    (reason,) = reasons(features(profile), features(wider))
    assert (reason.aspect, reason.text) == ("width_db", "wider by 5.0 dB")


def test_what_is_unknown_is_no_reason_and_no_distance(profile):
    row = features(profile)
    assert math.isnan(apart(row, np.full(row.size, np.nan)))
    assert reasons(row, np.full(row.size, np.nan)) == ()
    assert nearer_pct(math.nan) == 100.0


def test_every_aspect_stands_on_features_that_exist():
    for aspect in ASPECTS:
        assert aspect.features
        assert set(aspect.features) <= set(feature_names())


def test_the_shares_of_pairs_are_those_of_the_table():
    table = load_table()
    artist = np.array(table.artists)
    rng = np.random.default_rng(0)
    i, j = rng.integers(len(table.rows), size=(2, 1500))
    pairs = (table.genre_of[i] == table.genre_of[j]) & (artist[i] != artist[j])
    found = [apart(table.rows[a], table.rows[b]) for a, b in zip(i[pairs], j[pairs], strict=True)]
    told = np.interp(np.percentile(found, (10, 50, 90)), PAIRS_AT, PAIRS_PCT)
    assert told == pytest.approx([10, 50, 90], abs=8)  # a sample of some 350 pairs


@pytest.mark.parametrize(
    ("by", "text"), [(34.5, "more percussive by 34.5 points"), (-20.0, "less percussive by 20.0 points")]
)
def test_hits_which_are_a_share_differ_by_points(by, text):
    ours = np.zeros(len(feature_names()))
    theirs = np.where(np.array(feature_names()) == "percussive_pct", by, 0.0)
    assert [one.text for one in reasons(ours, theirs)] == [text]
