"""`refmaster batch --album`: tracks of one record keep their loudness relative to each other, however it is run."""

import csv
import itertools
import json
import re
import sys
import tomllib

import pytest

from refmaster.batch.overview import album_line, spread_line
from refmaster.batch.records import Outcome, Settings
from refmaster.batch.state import NAME
from tests.batch.conftest import lines, on_a_terminal, run, tree
from tests.conftest import RATE_HZ, write_wav

LEVELS_DB = {"loud.wav": 0.0, "middle.wav": -7.0, "soft.wav": -14.0}


@pytest.fixture(scope="module")
def record(sounds, tmp_path_factory):
    """Three tracks of 5 s that lie far apart in loudness, beside `record.wav` to master them toward."""
    place = tmp_path_factory.mktemp("record")
    (place / "mixes").mkdir()
    for start_s, (name, level_db) in enumerate(LEVELS_DB.items()):
        cut = sounds["dull"][:, start_s * RATE_HZ : (start_s + 5) * RATE_HZ]
        write_wav(place / "mixes" / name, cut * 10 ** (level_db / 20))
    write_wav(place / "record.wav", sounds["finished"][:, : 6 * RATE_HZ])
    return place


ASKED = ("mixes", "--ref", "record.wav", "--no-report", "--jsonl", "--quiet")


@pytest.fixture(scope="module")
def album(record):
    ran = run(record, *ASKED, "--album", "-o", "album", "--jobs", "1")
    assert ran.returncode == 0, ran.stderr
    return {one["name"]: one for one in lines(ran.stdout)}


def apart(found, of):
    """How far the other tracks lie under the loudest, LU."""
    return [found["loud.wav"][of] - found[name][of] for name in LEVELS_DB]


def test_the_tracks_lie_as_far_apart_as_they_did(record, album):
    assert apart(album, "master_lufs") == pytest.approx(apart(album, "target_lufs"), abs=0.15)
    assert max(apart(album, "target_lufs")) > 12
    (moved,) = {one["album_lu"] for one in album.values()}
    for name, one in album.items():
        request = tomllib.loads((record / "album" / name.replace(".wav", ".master.toml")).read_text())["request"]
        assert request["loudness_lufs"] == pytest.approx(one["target_lufs"] + moved, abs=0.006)
    rows = list(csv.DictReader((record / "album" / "batch.csv").read_text().splitlines()))
    assert {row["album_lu"] for row in rows} == {f"{moved:.2f}"}
    page = (record / "album" / "batch.html").read_text().replace("\N{NO-BREAK SPACE}", " ")
    assert f"<dt>Album</dt><dd>every track is moved by +{moved:.1f} LU; loud.wav, the loudest:" in page
    assert "apart in loudness" not in page


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal is made with pty")
def test_on_a_terminal_an_album_is_seen_to_be_measured_first(record, tmp_path):
    _, seen = on_a_terminal(record, "mixes", "--ref", "record.wav", "--no-report", "--album", "-o", tmp_path / "o")
    measured, mastered = seen.index("1 measured"), seen.index(": mastered in")
    assert measured < seen.index("3 measured") < mastered
    assert re.search(r"(loud|middle|soft)\.wav: analyse", seen[:mastered])


def test_the_loudest_leads_and_goes_where_it_goes_alone(record, album):
    ran = run(record, *ASKED, "-o", "alone")
    alone = {one["name"]: one for one in lines(ran.stdout)}
    assert album["loud.wav"]["master_lufs"] == pytest.approx(alone["loud.wav"]["master_lufs"], abs=0.1)
    assert max(apart(alone, "master_lufs")) < 3
    assert {one["album_lu"] for one in alone.values()} == {None}
    assert re.search(
        r"The tracks lay 1\d\.\d.LU apart in loudness, and their masters lie [012]\.\d.LU apart; if they are one"
        r" record, --album keeps",
        (record / "alone" / "batch.html").read_text(),
    )


def test_a_loudness_that_is_asked_for_is_that_of_the_loudest(record):
    ran = run(record, *ASKED, "--album", "--loudness", "-20", "-o", "asked")
    found = {one["name"]: one for one in lines(ran.stdout)}
    assert found["loud.wav"]["master_lufs"] == pytest.approx(-20, abs=0.1)
    assert apart(found, "master_lufs") == pytest.approx(apart(found, "target_lufs"), abs=0.15)


def test_two_at_a_time_and_a_broken_off_batch_leave_the_same_bytes(record, album, tmp_path):
    wanted = tree(record / "album")
    two = record / "two"
    assert run(record, *ASKED, "--album", "-o", two, "--jobs", "2").returncode == 0
    assert tree(two) == wanted
    head, *ended = (two / NAME).read_text().splitlines(keepends=True)
    for kept in (0, 1):
        for name in LEVELS_DB:
            (two / name.replace(".wav", ".master.wav")).unlink(missing_ok=kept == 0)
        begun = json.dumps({"begun": [json.loads(one)["ended"]["out"] for one in ended]}) + "\n"
        (two / NAME).write_text(head + begun + "".join(ended[:kept]))
        again = run(record, *ASKED, "--album", "-o", two, "--resume")
        assert again.returncode == 0, again.stderr
        assert tree(two) == wanted


def test_a_track_that_comes_later_is_moved_as_the_others_were_and_a_broken_one_costs_only_itself(
    record, sounds, tmp_path
):
    mixes = tmp_path / "mixes"
    mixes.mkdir()
    for name in ("middle.wav", "soft.wav"):
        (mixes / name).write_bytes((record / "mixes" / name).read_bytes())
    (mixes / "broken.wav").write_text("no sound")
    asked = (
        mixes,
        "--ref",
        record / "record.wav",
        "--no-report",
        "--jsonl",
        "--quiet",
        "--album",
        "-o",
        tmp_path / "out",
    )
    ran = run(tmp_path, *asked)
    assert ran.returncode == 1
    first = {one["name"]: one for one in lines(ran.stdout)}
    assert first["broken.wav"]["error"].startswith("broken.wav is not audio that can be read")
    (moved,) = {one["album_lu"] for one in first.values() if one["status"] == "mastered"}
    write_wav(mixes / "broken.wav", sounds["dull"][:, : 5 * RATE_HZ] * 10 ** (-4 / 20))  # the loudest of them
    ran = run(tmp_path, *asked, "--resume")
    second = {one["name"]: one for one in lines(ran.stdout)}
    assert second["broken.wav"]["album_lu"] == pytest.approx(moved)
    assert [second[name]["earlier"] for name in ("broken.wav", "middle.wav", "soft.wav")] == [False, True, True]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--only", "tone"), "--only tone leaves the level alone, and --album sets it"),
        (("--set", "match_loudness.gain_db=3"), "--album and a --set or --drop of match_loudness cannot both hold"),
        (("--drop", "match_loudness"), "--album and a --set or --drop of match_loudness cannot both hold"),
    ],
)
def test_what_an_album_contradicts_is_refused(more, said, record, run_here):
    ran = run_here(record, *ASKED, "--album", *more, "-o", "refused")
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert said in ran.stderr
    assert not (record / "refused").exists()


def test_an_album_is_another_batch_and_a_state_from_before_albums_still_serves(record, album, tmp_path):
    asked = [record / "mixes", *ASKED[1:2], record / "record.wav", *ASKED[3:], "-o", tmp_path / "out"]
    assert run(tmp_path, *asked).returncode == 0
    ran = run(tmp_path, *asked, "--resume", "--album")
    assert "begun without --album, and now it is --album;" in ran.stderr
    state = tmp_path / "out" / NAME
    head, *ended = map(json.loads, state.read_text().splitlines())
    for name in ("album", "audio"):
        del head["settings"][name]
    for one, name in itertools.product(ended, ("album_lu", "led_short")):
        del one["ended"][name]
    state.write_text("".join(json.dumps(one) + "\n" for one in (head, *ended)))
    assert run(tmp_path, *asked, "--resume").returncode == 0


def outcome(name, before, after, **more):
    return Outcome(name, name, "mastered", target_lufs=before, master_lufs=after, master=name, **more)


def test_a_spread_that_shrinks_by_no_more_than_3_lu_is_not_worth_a_line():
    settings = Settings(("a.wav",))
    near = [outcome("a", -20.0, -12.0), outcome("b", -23.0, -12.0)]
    assert spread_line(near, settings) == ""
    far = [outcome("a", -20.0, -12.0), outcome("b", -23.1, -12.0), Outcome("c", "c", "failed", "c: why")]
    assert spread_line(far, settings) == (
        "The tracks lay 3.1 LU apart in loudness, and their masters lie 0.0 LU apart; if they are one record, --album"
        " keeps them as far apart as they were."
    )
    assert "not every track could be brought to its place" in spread_line(far, Settings(("a.wav",), album=True))
    assert spread_line(far[:1], settings) == spread_line(far[2:], settings) == spread_line([], settings) == ""


def test_the_line_of_an_album_names_the_loudest():
    moved = [outcome("soft.wav", -30.0, -32.0, album_lu=-2.0), outcome("loud.wav", -8.0, -10.0, album_lu=-2.0)]
    assert (
        album_line(moved)
        == "every track is moved by \u22122.0 LU; loud.wav, the loudest: \u22128.0 \u2192 \u221210.0 LUFS"
    )
    assert album_line([outcome("a", -20.0, -12.0)]) == ""
