"""Rows: nothing is lost on the way through JSON, and libraries merge in any order."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refmaster.errors import BadSetting
from refmaster.genres.features import features
from refmaster.genres.reading import Fields
from refmaster.library.rows import Row, merged, read_row, row_data

some_rows = st.lists(
    st.tuples(
        st.sampled_from("0123"),  # few contents, so that they meet
        st.sampled_from(["0.1.0", "0.2.0", "0.10.0"]),
        st.text(max_size=8),
        st.floats(-30, -5),
    ),
    max_size=8,
)
fixtures_stay = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def made(rows, drawn) -> list[Row]:
    base = rows["song"]
    return [
        replace(
            base,
            sha256=letter * 64,
            refmaster=version,
            file=f"{letter}.wav",
            title=title,
            profile=replace(base.profile, sha256=letter * 64, path=f"{letter}.wav", integrated_lufs=round(lufs, 3)),
        )
        for letter, version, title, lufs in drawn
    ]


def again(row: Row) -> Row:
    return read_row(Fields("x.json", json.loads(json.dumps(row_data(row)))))


def test_a_row_comes_back_from_json_as_it_was(rows):
    for row in rows.values():
        assert again(row) == row


def test_a_row_holds_no_folder_and_no_history(rows):
    row = rows["song"]
    assert row.file == row.profile.path == "song.wav"
    assert row.profile.short_term_lufs == ()
    assert row.label == "Nobody – A “song”"
    assert rows["dull"].label == "dull.wav"


def test_a_rows_profile_tells_what_the_whole_one_tells(rows, files):
    from refmaster.analyse import analyse

    whole, kept = features(analyse(files["dull"])), features(rows["dull"].profile)
    assert kept == pytest.approx(whole, abs=0.002, nan_ok=True)  # three decimals are kept


@fixtures_stay
@given(drawn=some_rows)
def test_merging_again_changes_nothing(rows, drawn):
    once = merged(made(rows, drawn))
    assert merged(once) == once
    assert merged((*once, *once)) == once


@fixtures_stay
@given(drawn=some_rows, data=st.data())
def test_merging_knows_no_order(rows, drawn, data):
    some = made(rows, drawn)
    shuffled = data.draw(st.permutations(some))
    cut = data.draw(st.integers(0, len(some)))
    assert merged(shuffled) == merged(some)
    assert merged((*merged(some[:cut]), *merged(some[cut:]))) == merged(some)


@fixtures_stay
@given(drawn=some_rows)
def test_each_content_is_there_once_and_the_newest_engine_measured_it(rows, drawn):
    some = made(rows, drawn)
    found = merged(some)
    assert sorted(row.sha256 for row in found) == sorted({row.sha256 for row in some})
    for row in found:
        versions = [tuple(map(int, one.refmaster.split("."))) for one in some if one.sha256 == row.sha256]
        assert tuple(map(int, row.refmaster.split("."))) == max(versions)


TAMPERED = {
    "integrated_lufs": (None, "loud", True, [], 1e9),
    "loudness_range_lu": (-1.0, "wide"),
    "correlation": (2.0,),
    "ltas_db": ([], [0.0] * 10, "flat", None),
    "ltas_sd_db": ([None] * 61,),
    "side_to_mid_db": ([1.0] * 60 + ["x"], [1.0] * 62),
    "dynamics": ([], [[1.0, 2.0]], [[20.0, 120.0, -10.0, -20.0, -30.0, -40.0]], 3),
    "sample_rate_hz": (0, 44100.5, "44100", 10**9),
    "channels": (0, 6),
    "lossy": (1, "no"),
    "sha256": ("", "z" * 64, 12),
    "title": (None, 4),
    "file": ("", None),
    "duration_s": (-1.0, None),
    "refmaster": ("",),
}


@pytest.mark.parametrize(("key", "value"), [(k, v) for k, values in TAMPERED.items() for v in values])
def test_a_tampered_value_is_named(rows, key, value):
    data = {**row_data(rows["song"]), key: value}
    with pytest.raises(BadSetting, match=key) as error:
        read_row(Fields("soul.json", data, "tracks[3]."))
    assert str(error.value).startswith("soul.json: `tracks[3].")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", list(TAMPERED))
def test_a_missing_value_is_named(rows, key):
    data = row_data(rows["song"])
    del data[key]
    with pytest.raises(BadSetting, match=key):
        read_row(Fields("soul.json", data))


def test_a_tag_stays_on_its_line(rows):
    data = {**row_data(rows["song"]), "title": "one\ntwo\u202e"}
    assert read_row(Fields("soul.json", data)).title == r"one\ntwo\u202e"
