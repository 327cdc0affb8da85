"""Numbers that curves and tables of the report are made of."""

import math
from dataclasses import replace

import numpy as np
import pytest

from refmaster.genres import load_genre
from refmaster.genres.statistics import EDGE_SDS, song_sd_db
from refmaster.report.curves import DEPTHS_DB, MOST_POINTS, depth_shares, tone_band
from refmaster.report.figure import figures_json
from refmaster.report.plots import plots_of
from tests.report import sample


def test_a_genre_s_band_is_as_wide_as_where_a_track_is_placed_in_it():
    """With the mean's own error: of few tracks nobody knows the middle."""
    genre = load_genre("metal")
    assert genre.tone is not None
    unsure = replace(genre, tone=replace(genre.tone, mean_sd_db=tuple(3.0 for _ in genre.tone.mean_db)))
    for one in (genre, unsure):
        (band,) = tone_band(one)
        half = (np.array(band.y) - np.array(band.low)) / 2
        assert half == pytest.approx(EDGE_SDS * song_sd_db(one.tone), abs=0.02)


def test_the_band_of_a_genre_that_was_heard_names_the_likely_ones():
    genre = replace(load_genre("metal"), share=0.7, runner_up=("rock", 0.2))
    assert [one.name for one in tone_band(genre)] == ["usual by the likely genres (metal 70 %, rock 20 %, …), P10–P90"]
    sure = replace(genre, share=0.998, runner_up=("rock", 0.002))
    assert [one.name for one in tone_band(sure)] == ["usual by the likely genres (metal 100 %, …), P10–P90"]


def test_shares_of_depth_are_of_all_the_time_and_open_below():
    taken_db = (0.0, DEPTHS_DB[0], DEPTHS_DB[1], (DEPTHS_DB[0] + DEPTHS_DB[1]) / 2, 50.0)
    found = depth_shares(taken_db)
    assert found[0][1] == 100 * 2 / 5
    assert math.isclose(found[-1][1], 100 * 1 / 5)
    assert all(share == 0.0 for _, share in depth_shares(()))


def test_what_the_plots_hold_stays_small_however_long_the_song():
    """A line has no more points than a screen has pixels."""
    report = sample.full_report()
    work = report.gain_reduction

    def longer(profile, times):
        histories = {name: times * getattr(profile, name) for name in ("short_term_lufs", "momentary_lufs")}
        return replace(profile, duration_s=times * profile.duration_s, **histories)

    for times in (1, 4, 40):
        tracks = {name: longer(getattr(report, name), times) for name in ("target", "reference", "master")}
        long = replace(report, **tracks, gain_reduction=replace(work, history_db=times * work.history_db))
        plots = plots_of(long, sample.wanted_eq_db(), sample.applied_eq_db())
        assert len(figures_json(plots)) < 200_000
        assert all(len(curve.x) <= MOST_POINTS for plot in plots for curve in plot.curves)
