"""The posterior over genres: what is held by the stored rows of features, with no audio."""

import json
from dataclasses import replace

import numpy as np
import pytest

from refmaster.analyse import analyse
from refmaster.errors import BadSetting
from refmaster.genres import context, genre_names, load_genre, references_folder, spread_of
from refmaster.genres.features import feature_names, features
from refmaster.genres.posterior import (
    NONE,
    calibration_error,
    fit,
    left_out,
    load_table,
    probable,
    shares,
    top_two_share,
    without,
)
from tests.conftest import write_wav
from tests.signals import clicks, sine


@pytest.fixture(scope="module")
def each_left_out():
    table = load_table()
    return left_out(table, [str(i) for i in range(len(table.rows))])


@pytest.fixture(scope="module")
def artists_left_out():
    table = load_table()
    return left_out(table, table.artists)


def test_the_right_genre_is_among_the_two_most_probable_for_three_in_four_tracks(each_left_out):
    table = load_table()
    assert top_two_share(each_left_out, table.genre_of, fewest=10) >= 0.75


def test_shares_of_tracks_that_were_left_out_are_calibrated(each_left_out):
    assert calibration_error(each_left_out, load_table().genre_of) <= 0.10


def test_shares_of_artists_that_were_left_out_are_calibrated_and_the_right_genre_is_found_less_often(
    each_left_out, artists_left_out
):
    table = load_table()
    assert calibration_error(artists_left_out, table.genre_of) <= 0.10
    unheard = top_two_share(artists_left_out, table.genre_of, fewest=10)
    chance = 2 / len(table.genres)
    assert 2 * chance <= unheard < top_two_share(each_left_out, table.genre_of, fewest=10)


def test_shares_are_shares(each_left_out):
    assert each_left_out.min() >= 0
    np.testing.assert_allclose(each_left_out.sum(axis=1), 1.0, atol=1e-12)


def test_the_table_holds_the_tracks_of_the_measured_genres():
    table = load_table()
    assert table.genres == tuple(name for name in genre_names() if load_genre(name).kind == "measured")
    stored = json.loads((references_folder() / "genre_tracks.json").read_text(encoding="utf-8"))
    assert tuple(stored["names"]) == feature_names()
    told = {track["sha256"] for track in stored["tracks"]}
    for name in table.genres:
        data = json.loads((references_folder() / "genres" / f"{name}.json").read_text(encoding="utf-8"))
        assert {track["sha256"] for track in data["tracks"]} <= told


def test_no_evaluation_clip_is_in_the_table_but_where_its_genre_says_so():
    stored = json.loads((references_folder() / "genre_tracks.json").read_text(encoding="utf-8"))
    assert {track["genre"] for track in stored["tracks"] if track["shared_clip"]} == {"rock"}


def test_a_file_gets_genres_and_shares_the_most_probable_first(files):
    found = probable(analyse(files["finished"]))
    names, values = zip(*found, strict=True)
    assert set(names) <= {*load_table().genres, NONE}
    assert list(values) == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    "sound", [sine(440.0, -12.0, 12.0, 44100, 2), clicks(-6.0, 0.5, 12.0, 44100)], ids=["tone", "clicks"]
)
def test_what_is_no_music_is_none(tmp_path, sound):
    (name, share), *_ = probable(analyse(write_wav(tmp_path / "sound.wav", sound)))
    assert name == NONE
    assert share > 0.9


def test_features_do_not_depend_on_level(files, tmp_path, sounds):
    quieter = analyse(write_wav(tmp_path / "quieter.wav", sounds["song"] * 0.25))
    np.testing.assert_allclose(features(quieter), features(analyse(files["song"])), atol=0.05)


def test_mono_is_told_by_what_can_be_measured(tmp_path, sounds):
    mono = analyse(write_wav(tmp_path / "mono.wav", sounds["song"].mean(axis=0, keepdims=True)))
    row = features(mono)
    assert np.isnan(row[[name.startswith("width") for name in feature_names()]]).all()
    assert sum(share for _, share in probable(mono)) == pytest.approx(1.0, abs=1e-3)


def test_a_genre_that_nobody_heard_gets_no_share():
    table = load_table()
    others = table.genre_of != 0
    model = fit(table.rows[others], table.genre_of[others], len(table.genres), table.settings.roundness)
    assert shares(model, table.rows[0], table.settings)[0] == 0


def test_a_higher_temperature_is_less_sure(each_left_out):
    table = load_table()
    warmer = replace(table.settings, temperature=2 * table.settings.temperature)
    softer = left_out(table, table.titles, warmer)
    assert softer.max(axis=1).mean() < each_left_out.max(axis=1).mean()


def test_the_calibration_error_is_that_of_the_paper():
    # Nine of ten right at a stated 90 % is no error; all right is 0.1 (Guo et al. 2017, eq. 3).
    stated = np.tile([0.9, 0.1], (10, 1))
    assert calibration_error(stated, np.array([0] * 9 + [1])) == pytest.approx(0.0, abs=1e-12)
    assert calibration_error(stated, np.zeros(10, dtype=int)) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": 99}, "made by a newer refmaster"),
        ({"tracks": [{"genre": "metal"}]}, "damaged"),
        ({"settings": {}}, "damaged"),
        ({"genres": ["metal"]}, "damaged"),
    ],
)
def test_a_damaged_table_is_refused_in_one_line(tmp_path, change, told):
    data = json.loads((references_folder() / "genre_tracks.json").read_text(encoding="utf-8"))
    (tmp_path / "tracks.json").write_text(json.dumps({**data, **change}), encoding="utf-8")
    with pytest.raises(BadSetting, match=rf"^tracks\.json: .*{told}") as caught:
        load_table(tmp_path / "tracks.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1.0]])
def test_a_tampered_row_is_refused(tmp_path, value):
    data = json.loads((references_folder() / "genre_tracks.json").read_text(encoding="utf-8"))
    data["tracks"][0]["features"] = [value, *data["tracks"][0]["features"][1:]]
    (tmp_path / "tracks.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(BadSetting, match=r"^tracks\.json: "):
        load_table(tmp_path / "tracks.json")


def test_a_track_that_the_genres_were_measured_on_is_not_asked_about_itself():
    table = load_table()
    sha256 = table.hashes[0]
    known = without(table, sha256)
    assert len(known.rows) == len(known.hashes) == len(table.rows) - 1
    assert sha256 not in known.hashes
    assert without(table, "f" * 64) is table


def test_loudness_of_a_guess_is_usual_where_any_likely_genre_has_it(monkeypatch):
    """At 41 % ambient a track is not turned down to what is usual there: the next likely genres are louder."""
    guess = (("ambient", 0.41), ("electronic", 0.32), ("orchestral_cinematic", 0.2), (NONE, 0.07))
    monkeypatch.setattr(context, "probable", lambda profile: guess)
    heard = context.context("auto", None)
    mixed, alone = (spread_of(genre, "integrated_lufs") for genre in (heard, load_genre("ambient")))
    assert mixed.p90 > alone.p90 + 2
    assert mixed.p10 == pytest.approx(alone.p10, abs=0.8)
    assert alone.p50 < mixed.p50 < spread_of(load_genre("electronic"), "integrated_lufs").p50
    others = [
        {one for one in genre.spreads if one.name != "integrated_lufs"} for genre in (heard, load_genre("ambient"))
    ]
    assert others[0] == others[1]
    monkeypatch.setattr(context, "probable", lambda profile: (("ambient", 0.99), (NONE, 0.01)))
    assert context.context("auto", None).spreads == load_genre("ambient").spreads
