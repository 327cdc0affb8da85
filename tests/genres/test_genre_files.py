"""The genres' files: whole, traceable, and refused in one line when they are not."""

import csv
import json
import math
import re
import tomllib

import numpy as np
import pytest

from refmaster.errors import BadSetting
from refmaster.genres import genre_names, load_genre, references_folder, spread_of
from refmaster.genres.reading import SCHEMA
from refmaster.genres.statistics import covariance_db2
from scripts import write_genres
from scripts.measure_genres import FEWEST

FOLDER = references_folder() / "genres"
every_genre = pytest.mark.parametrize("name", genre_names())


def document(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def numbers(value: object) -> list[float]:
    """Every number anywhere in a JSON value."""
    if isinstance(value, dict):
        return [n for one in value.values() for n in numbers(one)]
    if isinstance(value, list):
        return [n for one in value for n in numbers(one)]
    return [value] if isinstance(value, int | float) else []


def of_kind(kind: str) -> list[str]:
    return [name for name in genre_names() if load_genre(name).kind == kind and name != "any"]


# Whole


@every_genre
def test_a_genre_loads_and_its_sums_are_finite(name):
    genre = load_genre(name)
    assert genre.name == name
    assert genre.source
    assert math.isfinite(sum(numbers(document(name))))


@every_genre
def test_the_covariance_of_a_genre_is_positive_definite(name):
    tone = load_genre(name).tone
    if tone is None:
        assert name == "any"
        return
    covariance = covariance_db2(tone)
    assert covariance.shape == (len(tone.band_hz),) * 2
    np.linalg.cholesky(covariance)
    np.testing.assert_allclose(
        np.sqrt(np.diag(covariance))[:: len(tone.band_hz) // 20], load_genre(name).song_sd_db, atol=0.05
    )


@every_genre
def test_the_level_of_a_mean_spectrum_is_removed(name):
    tone = load_genre(name).tone
    if tone is not None:
        band_hz, mean = np.array(tone.band_hz), np.array(tone.mean_db)
        assert mean[(band_hz >= 100) & (band_hz <= 10000)].mean() == pytest.approx(0.0, abs=0.01)  # dB


def test_there_are_enough_genres_and_those_that_were_promised():
    assert len(of_kind("measured")) >= 8
    assert len(of_kind("published")) >= 6
    assert {"drill", "jazz", "pop", "orchestral_cinematic"} <= set(genre_names())


@pytest.mark.parametrize("name", of_kind("measured"))
def test_a_measured_genre_names_its_tracks(name):
    data, genre = document(name), load_genre(name)
    assert len(data["tracks"]) == genre.n_tracks >= FEWEST
    for track in data["tracks"] + data["left_out"]:
        assert track["title"]
        assert track["licence"]
        assert re.fullmatch(r"[0-9a-f]{64}", track["sha256"])
    for scalar in ("integrated_lufs", "loudness_range_lu", "plr_db", "psr_p10_db", "tilt_db_per_oct", "side_to_mid_db"):
        assert spread_of(genre, scalar).n_tracks == genre.n_tracks
    assert genre.width is not None


@pytest.mark.parametrize("name", of_kind("measured"))
def test_every_track_is_in_the_list_that_can_be_fetched(name):
    with (references_folder() / "genre_sources.csv").open(newline="", encoding="utf-8") as file:
        listed = {(row["package"], row["member"]): row for row in csv.DictReader(file)}
    for track in document(name)["tracks"]:
        row = listed[track["package"], track["member"]]
        assert row["genre"] == name
        assert row["finished_master"] != "no"
        assert (row["shared_clip"] == "yes") == track["shared_clip"]


@pytest.mark.parametrize("name", of_kind("measured"))
def test_evaluation_clips_are_left_out_where_five_other_tracks_remain(name):
    data = document(name)
    shared = [track for track in data["tracks"] if track["shared_clip"]]
    assert len(shared) == data["n_shared_clips"]
    assert not shared or (len(data["tracks"]) - len(shared) < FEWEST and "clips" in data["source"])


@pytest.mark.parametrize("name", of_kind("published"))
def test_a_published_genre_pretends_to_no_tracks_and_repeats_its_source(name):
    data, genre = document(name), load_genre(name)
    published = tomllib.loads((references_folder() / "genre_published.toml").read_text(encoding="utf-8"))
    p10, p50, p90 = published["loudness"][published["published"][name]["group"]]
    assert (genre.practice_lufs.p10, genre.practice_lufs.p50, genre.practice_lufs.p90) == (p10, p50, p90)
    assert genre.n_tracks == 0
    assert genre.width is None
    assert "arXiv 2412.03373" in data["source"]
    assert "Elowsson" in data["source"]
    assert min(np.diag(covariance_db2(genre.tone))) >= 4.0**2  # dB²: as wide as songs of any kind


def test_few_tracks_are_trusted_less_than_many_and_published_least():
    trust = {name: load_genre(name).trust for name in genre_names()}
    assert trust["rock"] < trust["game_pop"] < trust["electronic"] < 1
    assert max(trust[name] for name in of_kind("published")) < min(trust[name] for name in of_kind("measured"))
    assert trust["any"] == 0


def test_the_tables_of_the_page_are_fresh():
    text = write_genres.PAGE.read_text(encoding="utf-8")
    assert write_genres.fresh(text) == text


# Names


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("Folk", "folk_acoustic"),
        ("R&B", "rnb"),
        ("Hip-Hop", "hip_hop"),
        ("cinematic", "orchestral_cinematic"),
        ("pop", "pop"),
        ("game music", "game_pop"),  # its label
    ],
)
def test_a_genre_answers_to_its_other_names(asked, found):
    assert load_genre(asked).name == found


def test_no_two_genres_share_a_name():
    names = [other for name in genre_names() for other in (name, *document(name)["also"])]
    assert len(names) == len(set(names))


def test_a_genre_answers_to_its_label():
    """It is what a person reads in the summary."""
    assert all(load_genre(load_genre(name).label).name == name for name in genre_names())


@pytest.mark.parametrize(
    ("asked", "near"), [("metl", "metal"), ("jaz", "jazz"), ("orchestrall", "orchestral_cinematic")]
)
def test_an_unknown_genre_is_offered_the_nearest_names(asked, near):
    with pytest.raises(
        BadSetting, match=rf"^no genre '{asked}'; nearest: {near}\b.*; known: ambient, country_blues, "
    ) as caught:
        load_genre(asked)
    assert "\n" not in str(caught.value)


def test_a_name_like_no_other_is_offered_all():
    with pytest.raises(BadSetting, match=r"^no genre 'qqqq'; known: "):
        load_genre("qqqq")


# Tampered


def first_of(data: dict, *path: str | int) -> tuple[dict | list, str | int]:
    for key in path[:-1]:
        data = data[key]
    return data, path[-1]


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("tone", "mean_db", 3), math.nan, "holds NaN, which is no number"),
        (("tone", "mean_db", 3), math.inf, "holds Infinity, which is no number"),
        (("tone", "mean_db", 3), 1e9, r"`tone\.mean_db` holds a number outside"),
        (("tone", "mean_db", 3), 10**400, r"`tone\.mean_db` holds"),
        (("tone", "mean_db", 3), "3", r"`tone\.mean_db` holds what is no number"),
        (("tone", "mean_db"), [0.0] * 7, r"`tone\.mean_db` holds 7 numbers where 61 are needed"),
        (("tone", "factors_db", 2), [0.0], r"`tone\.factors_db` has a row that does not hold 61 numbers"),
        (("tone", "rest_sd_db", 0), 0.0, r"`tone\.rest_sd_db` holds a number outside"),
        (("tone", "band_hz", 5), 20000.5, r"`tone\.band_hz` does not rise"),
        (("tone",), 7, "`tone` is none"),
        (("width", "sd_db"), [], r"`width\.sd_db` holds 0 numbers where 61 are needed"),
        (("spreads", 0, "p10"), 99.0, r"`spreads\[0\]\.p10` to p90 do not rise"),
        (("spreads", 0, "p50"), None, r"`spreads\[0\]\.p50` is missing"),
        (("trust",), 1.5, "`trust` holds a number outside 0 to 1"),
        (("kind",), "guessed", "`kind` is 'guessed'; allowed: measured, published"),
        (("n_tracks",), -1, "`n_tracks` is no whole number"),
        (("schema",), SCHEMA + 1, rf"made by a newer refmaster \(schema {SCHEMA + 1}, read here: {SCHEMA}\)"),
    ],
)
def test_a_tampered_file_is_refused_in_one_line_that_names_it(tmp_path, path, value, told):
    data = document("metal")
    place, key = first_of(data, *path)
    place[key] = value
    (tmp_path / "metal.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(BadSetting, match=rf"^metal\.json: .*{told}") as caught:
        load_genre("metal", tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100000, "\x00"], ids=["empty", "cut", "list", "deep", "nul"])
def test_a_file_that_is_no_genre_is_refused(tmp_path, text):
    (tmp_path / "metal.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadSetting, match=r"^metal\.json: not (a )?JSON") as caught:
        load_genre("metal", tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_field_is_named(tmp_path):
    data = document("jazz")
    del data["limiting_db"]
    (tmp_path / "jazz.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(BadSetting, match=r"^jazz\.json: `limiting_db` is missing; restore the file$"):
        load_genre("jazz", tmp_path)
