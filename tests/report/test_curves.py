"""Numbers that curves and tables of the report are made of."""

import math
from dataclasses import replace

import numpy as np
import pytest

from refmaster.genres import load_genre
from refmaster.genres.statistics import EDGE_SDS, song_sd_db
from refmaster.report.curves import DEPTHS_DB, depth_shares, tone_band


def test_a_genre_s_band_is_as_wide_as_where_a_track_is_placed_in_it():
    """With the mean's own error: of few tracks nobody knows the middle."""
    genre = load_genre("metal")
    assert genre.tone is not None
    unsure = replace(genre, tone=replace(genre.tone, mean_sd_db=tuple(3.0 for _ in genre.tone.mean_db)))
    for one in (genre, unsure):
        (band,) = tone_band(one)
        half = (np.array(band.y) - np.array(band.low)) / 2
        assert half == pytest.approx(EDGE_SDS * song_sd_db(one.tone), abs=0.02)


def test_shares_of_depth_are_of_all_the_time_and_open_below():
    taken_db = (0.0, DEPTHS_DB[0], DEPTHS_DB[1], (DEPTHS_DB[0] + DEPTHS_DB[1]) / 2, 50.0)
    found = depth_shares(taken_db)
    assert found[0][1] == 100 * 2 / 5
    assert math.isclose(found[-1][1], 100 * 1 / 5)
    assert all(share == 0.0 for _, share in depth_shares(()))
