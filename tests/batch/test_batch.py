"""`refmaster batch` from end to end: the same bytes however it is run, its overview, its lines, its refusals."""

import csv
import io
import json
import re
import socket
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

import pytest

import refmaster
from refmaster.batch import Settings, prepared
from refmaster.batch.records import Begun, Ended
from refmaster.library import Library, save_library
from refmaster.library.build import gathered
from refmaster.library.rows import Row
from tests.batch.conftest import NAMES, ROOT, lines, masters, on_a_terminal, run, tree

THREE = ("mixes", "--ref", "record.wav")


def test_every_track_gets_its_three_files_in_the_shape_of_the_folder(done):
    made = {f"{name.removesuffix('.wav')}.master.{ending}" for name in NAMES for ending in ("wav", "toml", "html")}
    assert set(tree(done)) == made | {"batch.csv", "batch.html", "batch.state.jsonl"}


def test_a_master_is_the_one_that_the_main_job_makes(done, catalogue, tmp_path):
    report = refmaster.master(catalogue / "mixes" / "short.wav", catalogue / "record.wav", tmp_path / "one.wav")
    assert (tmp_path / "one.wav").read_bytes() == (done / "short.master.wav").read_bytes()
    row = next(
        row for row in csv.DictReader((done / "batch.csv").read_text().splitlines()) if row["file"] == "short.wav"
    )
    assert float(row["master_lufs"]) == pytest.approx(report.master.integrated_lufs, abs=0.006)
    assert int(row["moves"]) == len(report.plan.active)


def test_two_at_a_time_make_the_same_bytes_as_one(done, catalogue, fresh):
    ran = run(catalogue, *THREE, "-o", fresh, "--jobs", "2", "--quiet")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert tree(fresh) == tree(done)


def test_a_session_of_a_batch_renders_its_bytes_again(done, tmp_path):
    refmaster.render(done / "ep" / "middle.master.toml", tmp_path / "again.wav")
    assert (tmp_path / "again.wav").read_bytes() == (done / "ep" / "middle.master.wav").read_bytes()


def test_stdout_holds_one_line_of_json_a_track(done, catalogue):
    said = lines((catalogue / "done.jsonl").read_text())
    assert sorted(one["name"] for one in said) == sorted(NAMES)
    for one in said:
        assert {"file", "status", "error", "sha256", "files", "seconds", "failed_checks", "earlier"} <= set(one)
        assert one["status"] == "mastered"
        assert Path(one["file"]).is_file()
        assert all(Path(path).is_file() for path in one["files"].values())
        assert one["seconds"] > 0


def test_a_broken_track_is_named_as_it_was_given_and_every_table_says_what_was_not_reached(catalogue, fresh, tmp_path):
    (tmp_path / "mixes").mkdir()
    (tmp_path / "mixes" / "03 broken.wav").write_text("this is no sound")
    (tmp_path / "mixes" / "short.wav").write_bytes((catalogue / "mixes" / "short.wav").read_bytes())
    ran = run(catalogue, tmp_path / "mixes", "--ref", "record.wav", "-o", fresh, "--loudness", "-1", "--no-report")
    assert ran.returncode == 1
    told = " ".join(ran.stdout.split())
    assert "· 03 broken.wav is not audio that can be read" in told
    assert "../" not in told
    (good,) = (row for row in csv.DictReader((fresh / "batch.csv").read_text().splitlines()) if not row["error"])
    assert good["not_reached"] == "loudness"
    assert ">loudness<" in (fresh / "batch.html").read_text()


def test_the_longest_track_comes_first(done, catalogue):
    order = [one["name"] for one in lines((catalogue / "done.jsonl").read_text())]
    assert order == ["long.wav", "ep/middle.wav", "short.wav"]


def test_the_summary_names_every_track_and_the_overview(catalogue, fresh):
    ran = run(catalogue, "mixes/short.wav", "--ref", "record.wav", "-o", fresh, "--no-report")
    assert ran.returncode == 0
    assert ran.stdout.startswith("1 track: 1 mastered\n")
    assert "short.wav" in ran.stdout
    assert str(fresh / "batch.html") in ran.stdout
    assert re.fullmatch(r"1/1 short\.wav: mastered in [\d.]+ s\n", ran.stderr)
    assert set(masters(fresh)) == {"short.master.wav", "short.master.toml"}
    assert "short.master.toml" in (fresh / "batch.html").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal is made with pty")
def test_on_a_terminal_bars_tell_of_the_batch_and_of_each_track(catalogue, fresh):
    out, plain = on_a_terminal(catalogue, "mixes", "--ref", "record.wav", "-o", fresh, "--jsonl", "--no-report")
    assert {one["name"] for one in lines(out)} == set(NAMES)
    assert "batch  " in plain
    assert re.search(r"[1-3]/3", plain)
    assert "long.wav: render" in plain
    assert re.search(r"short\.wav: mastered in [\d.]+ s", plain)


def test_the_page_needs_nothing_else_and_leads_to_every_report(done):
    page = (done / "batch.html").read_text(encoding="utf-8")
    links = re.findall(r'href="([^"]+)"', page)
    assert len(links) == len(NAMES) + 1
    assert all((done / unquote(link)).is_file() for link in links)
    assert not re.search(r"https?:|src=|@import|url\(", page)
    assert "prefers-color-scheme: dark" in page
    assert "<h1>3 tracks: 3 mastered</h1>" in page
    assert "<dt>Genre</dt><dd>heard in the reference</dd>" in page
    assert '<th scope="col">Genre it was read in</th>' in page


def test_without_sound_the_reports_are_small_and_the_masters_the_same(done, catalogue, fresh):
    assert run(catalogue, "mixes/short.wav", "--ref", "record.wav", "-o", fresh, "-q", "--no-audio").returncode == 0
    assert (fresh / "short.master.wav").read_bytes() == (done / "short.master.wav").read_bytes()
    silent, heard = ((folder / "short.master.html").read_bytes() for folder in (fresh, done))
    assert b'class="player"' in heard
    assert b'class="player"' not in silent
    assert len(silent) < len(heard) - 1_000_000
    ran = run(catalogue, "mixes/short.wav", "--ref", "record.wav", "-o", fresh, "-q", "--resume")
    refused(ran, "begun with --no-audio, and now it is without")


def test_the_table_is_read_by_a_program(done):
    rows = list(csv.DictReader(io.StringIO((done / "batch.csv").read_text(encoding="utf-8"))))
    assert [row["file"] for row in rows] == list(NAMES)
    assert all((done / row["master"]).is_file() and (done / row["session"]).is_file() for row in rows)


def test_a_reference_may_say_what_it_counts_for_as_in_the_main_job(catalogue, fresh, tmp_path):
    asked = ("mixes/short.wav", "-o", fresh, "--no-report", "--quiet", "--ref")
    assert run(catalogue, *asked, "record.wav:tone=1,level=0").returncode == 0
    report = refmaster.master(
        catalogue / "mixes" / "short.wav", f"{catalogue / 'record.wav'}:tone=1,level=0", tmp_path / "one.wav"
    )
    assert (tmp_path / "one.wav").read_bytes() == (fresh / "short.master.wav").read_bytes()
    assert "match_loudness" not in [move.id for move in report.plan.active]
    assert "<dd>record.wav:tone=1,level=0</dd>" in (fresh / "batch.html").read_text()
    refused(
        run(catalogue, *asked, "record.wav:tone=1,level=0.5", "--resume"),
        "begun with --ref record.wav:tone=1,level=0, and now it is --ref record.wav:tone=1,level=0.5; give the same",
    )
    assert run(catalogue, *asked, "record.wav:tone=1.0,level=0", "--resume").returncode == 0


def test_a_batch_toward_a_genre_says_so(catalogue, fresh):
    assert run(catalogue, "mixes/short.wav", "--genre", "rock", "-o", fresh, "--no-report", "--quiet").returncode == 0
    page = (fresh / "batch.html").read_text()
    assert "<dt>Reference</dt><dd>none: the genre stands for it</dd>" in page
    assert "<dt>Loudness</dt><dd>toward what is usual in the genre</dd>" in page
    assert "<dt>Genre</dt><dd>rock</dd>" in page


def row_of_song(path: Path) -> Row:
    """A file as a track of a library."""
    (row,) = gathered([path], kept=None, jobs=1).rows
    return row


def test_a_library_of_ones_own_reaches_every_track_and_the_table_says_what_each_was_read_in(
    catalogue, files, fresh, tmp_path
):
    path = tmp_path / "mine.json"
    save_library(Library("mine", (row_of_song(files["finished"]),)), path)
    asked = ("mixes/short.wav", "--library", path, "-o", fresh, "-q", "--no-report")
    assert run(catalogue, *asked).returncode == 0
    (row,) = csv.DictReader(io.StringIO((fresh / "batch.csv").read_text(encoding="utf-8")))
    assert row["genre"] == "mine"
    session = tomllib.loads((fresh / "short.master.toml").read_text(encoding="utf-8"))
    assert (fresh / session["request"]["library"]).samefile(path)
    assert not Path(session["request"]["library"]).is_absolute()  # the files do not tell where they stand
    assert ">mine</td>" in (fresh / "batch.html").read_text(encoding="utf-8")
    refused = run(catalogue, *asked, "--resume", "--genre", "rock")
    assert (refused.returncode, "both given" in refused.stderr) == (2, True)
    save_library(Library("mine", (row_of_song(files["song"]),)), path)
    assert run(catalogue, *asked, "--resume").returncode == 2  # of another library it is another batch


def test_a_library_is_found_by_its_name_where_the_variable_says(catalogue, files, fresh, tmp_path, monkeypatch):
    save_library(Library("mine", (row_of_song(files["finished"]),)), tmp_path / "libs" / "mine.json")
    asked = [catalogue / "mixes/short.wav", "--library", "mine", "-o", fresh, "-q", "--no-report"]
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "none"))
    for folder in (str(tmp_path / "libs"), "libs", "."):  # the last two as seen from where one stands
        monkeypatch.setenv("REFMASTER_LIBRARIES", folder)
        ran = run(tmp_path / "libs" if folder == "." else tmp_path, *asked, "--force")
        assert (ran.returncode, ran.stderr) == (0, "")
        session = tomllib.loads((fresh / "short.master.toml").read_text(encoding="utf-8"))
        assert (fresh / session["request"]["library"]).samefile(tmp_path / "libs" / "mine.json")
    monkeypatch.setenv("REFMASTER_LIBRARIES", str(tmp_path / "empty"))
    refused(run(tmp_path, *asked, "--force"), "no library 'mine': .*empty holds none")


def test_options_of_the_main_job_reach_every_track(catalogue, fresh):
    ran = run(
        catalogue, "mixes/short.wav", "mixes/long.wav", "--ref", "record.wav", "-o", fresh, "--jsonl",
        "--loudness", "-16", "--only", "level", "--ceiling", "-2", "--format", "flac", "--no-report", "--quiet",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    for one in lines(ran.stdout):
        assert one["files"]["master"].endswith(".master.flac")
        assert one["files"]["report"] is None
        assert one["master_lufs"] == pytest.approx(-16.0, abs=0.1)
        session = Path(one["files"]["session"]).read_text()
        assert "match_eq" not in re.findall(r'^id = "(\w+)', session, re.MULTILINE)


@pytest.mark.parametrize("how", ["--cache", "REFMASTER_CACHE"])
def test_a_relative_cache_is_that_of_the_folder_one_stands_in(how, catalogue, tmp_path, monkeypatch):
    more = ["--cache", "kept"] if how == "--cache" else []
    if not more:
        monkeypatch.setenv(how, "kept")
    asked = [catalogue / "mixes" / "short.wav", "--ref", catalogue / "record.wav", "--no-report", "-q", *more]
    assert run(tmp_path, *asked, "-o", "out").returncode == 0
    assert (tmp_path / "kept" / "measured").is_dir()
    assert not (tmp_path / "out" / "kept").exists()


def test_a_lock_fails_no_track_that_has_no_such_move(catalogue, fresh):
    ran = run(
        catalogue, "mixes/short.wav", "--ref", "record.wav", "-o", fresh, "--jsonl", "--lock", "match_eq/bell_9",
        "--no-report", "--quiet",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    session = Path(lines(ran.stdout)[0]["files"]["session"]).read_text()
    assert "match_eq/bell_9 was not proposed here, so there was nothing to lock" in session


def test_a_failed_check_is_a_line_of_its_own_and_exit_code_1(catalogue, fresh):
    ran = run(
        catalogue, "mixes/short.wav", "--ref", "record.wav", "-o", fresh, "--set", "match_loudness.gain_db=30",
        "--drop", "limit_peaks", "--no-report",
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stdout.startswith("1 track: 1 check failed\n")
    assert "short.wav: clipped samples" in ran.stdout
    assert "check failed" in (fresh / "batch.html").read_text()


def test_a_url_is_as_good_as_a_path(done, catalogue, fresh):
    pytest.importorskip("fsspec")
    ran = run(
        catalogue, (catalogue / "mixes").as_uri(), "--ref", (catalogue / "record.wav").as_uri(),
        "-o", fresh.as_uri(), "--jsonl", "--quiet",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    made, wanted = tree(fresh), tree(done)
    assert set(made) == set(wanted)
    for name in NAMES:
        name = name.replace(".wav", ".master.wav")
        assert made[name] == wanted[name]
    assert b'path = "short.wav"' in made["short.master.toml"]  # as if they stood beside each other
    again = run(
        catalogue, (catalogue / "mixes").as_uri(), "--ref", (catalogue / "record.wav").as_uri(),
        "-o", fresh.as_uri(), "--jsonl", "--quiet", "--resume",
    )  # fmt: skip
    assert [one["earlier"] for one in lines(again.stdout)] == [True] * 3
    assert tree(fresh) == made


def test_two_references_of_one_name_are_two_by_url_as_they_are_by_path(catalogue, fresh):
    pytest.importorskip("fsspec")
    twins = fresh.with_name(f"{fresh.name}-references")
    named = [twins / "a" / "same.wav", twins / "b" / "same.wav"]
    for path, source in zip(named, ("record.wav", "mixes/long.wav"), strict=True):
        path.parent.mkdir(parents=True)
        path.write_bytes((catalogue / source).read_bytes())
    made = {}
    for how, refs in (("path", named), ("url", [path.as_uri() for path in named])):
        goal = fresh / how
        asked = [word for one in refs for word in ("--ref", one)]
        ran = run(catalogue, "mixes/short.wav", *asked, "-o", goal, "--no-report", "--quiet")
        assert ran.returncode == 0, ran.stderr
        made[how] = (goal / "short.master.wav").read_bytes()
        held = tomllib.loads((goal / "short.master.toml").read_text())["reference"]
        assert len({one["sha256"] for one in held}) == 2
    assert made["url"] == made["path"]


def test_the_library_tells_what_happens(catalogue, fresh):
    settings = Settings(references=(str(catalogue / "record.wav"),), html=False)
    batch = prepared([str(catalogue / "mixes" / "short.wav")], settings, str(fresh), at_once=4)
    with closing(batch.run()) as running:
        events = list(running)
    assert isinstance(events[0], Begun)
    assert events[0].pid
    assert {event.step for event in events[1:-1]} >= {"analyse", "render", "explain"}
    assert isinstance(events[-1], Ended)
    assert events[-1].outcome.good


# Refused: one line, exit code 2, nothing written


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((*THREE, "--jobs", "0"), "--jobs 0 would master nothing; give 1 or more"),
        ((*THREE, "--timeout", "0"), "--timeout 0 leaves no time"),
        ((*THREE, "--memory", "0"), "--memory 0 leaves no room"),
        (("mixes",), "no reference was given; .*auto takes each track's own"),
        (("mixes", "--genre", "none"), "--genre none tells no tone to master toward; .*--ref FILE"),
        (("mixes", "--genre", "any"), "--genre any tells no tone to master toward; .*--ref FILE"),
        (("mixes", "--ref", "record.wav:tune=1"), "--ref record.wav:tune=1: 'tune' is no aspect"),
        (("mixes", "--ref", "gone.wav:tone=1"), "reference .*gone.wav does not exist"),
        (("mixes", "--genre", "rokc"), "no genre 'rokc'; nearest: rock"),
        (("mixes", "--ref", "record.wav", "--ref", "gone.wav"), "reference .*gone.wav does not exist"),
        (("mixes", "--ref", "gone.wav"), "reference .*gone.wav does not exist"),
        (("mixes", "--ref", "mixes"), "reference .*mixes is a folder"),
        (("gone", "--ref", "record.wav"), "target gone does not exist"),
        (("empty", "--ref", "record.wav"), "the folder empty holds no audio"),
        (("ours", "--ref", "record.wav"), "nothing is left to master: its audio is 1 master of ours"),
        (("ours", "--ref", "ours/two.wav"), "its audio is 1 master of ours .* and the reference itself; name a file"),
        (("session.toml", "--ref", "record.wav"), "session.toml is a session, not a track"),
        (("mixes/short.wav", "mixes/sub/short.wav", *THREE[1:]), "would both become short.master.wav"),
        (("mixes/short.wav", "mixes/sub/SHORT.wav", *THREE[1:]), "would both become"),
        (("mixes/" + "l" * 244 + ".wav", *THREE[1:]), "l.master.toml is too long a name; .* rename l+.wav"),
        ((*THREE, "--amount", "101"), "--amount 101 is out of range"),
        (
            (*THREE, "--loudness", "-14", "--set", "match_loudness.gain_db=2"),
            "--loudness -14 and --set match_loudness.gain_db cannot both hold",
        ),
        ((*THREE, "--only", "colours"), "--only knows no 'colours'"),
        ((*THREE, "--format", "m4a"), "no format 'm4a'"),
        ((*THREE, "--drop", "match_ep"), "match_ep"),
        ((*THREE, "-o", "record.wav"), "record.wav is no folder"),
        ((*THREE, "--cluster", "somewhere"), "--cluster somewhere is no address"),
        (("s3://bucket/mixes", "--ref", "record.wav"), "s3://bucket/mixes cannot be opened"),
        (("nonsense://x", "--ref", "record.wav"), "nonsense://x .*"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line_before_any_work(asked, said, catalogue, tmp_path, run_here):
    for name in ("record.wav", "mixes"):
        (tmp_path / name).symlink_to(catalogue / name)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no sound")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "one.master.wav").write_bytes(b"never opened")
    if "ours/two.wav" in asked:
        (tmp_path / "ours" / "two.wav").write_bytes(b"never opened")
    (tmp_path / "session.toml").write_text("schema = 2\n")
    if "mixes/sub/short.wav" in asked or "mixes/sub/SHORT.wav" in asked:
        (tmp_path / "mixes").unlink()
        (tmp_path / "mixes" / "sub").mkdir(parents=True)
        for name in ("short.wav", "sub/short.wav", "sub/SHORT.wav"):
            (tmp_path / "mixes" / name).write_bytes(b"never opened")
    if "l" * 244 in asked[0]:
        (tmp_path / "mixes").unlink()
        (tmp_path / "mixes").mkdir()
        (tmp_path / asked[0]).write_bytes(b"never opened")
    before = sorted(tmp_path.rglob("*"))
    refused(run_here(tmp_path, *asked), said)
    assert sorted(tmp_path.rglob("*")) == before


def test_existing_results_are_refused_without_force_and_written_over_with_it(done, catalogue, fresh):
    fresh.mkdir()
    (fresh / "long.master.toml").write_text("mine")
    refused(run(catalogue, *THREE, "-o", fresh), r"long.master.toml exists; --force overwrites it")
    assert (fresh / "long.master.toml").read_text() == "mine"
    assert run(catalogue, *THREE, "-o", fresh, "--force").returncode == 0
    assert tree(fresh) == tree(done)


@pytest.mark.parametrize("local", [True, False], ids=["by path", "by URL"])
def test_what_appears_under_a_result_s_name_while_a_batch_runs_is_not_written_over(local, done, catalogue, fresh):
    if not local:
        pytest.importorskip("fsspec")
    settings = Settings(references=(str(catalogue / "record.wav"),))
    goal = str(fresh) if local else fresh.as_uri()
    mine = fresh / "long.master.toml"

    def ended(*, resume: bool, force: bool = False) -> dict[str, Ended]:
        batch = prepared([str(catalogue / "mixes")], settings, goal, at_once=1, resume=resume, force=force)
        with closing(batch.run()) as running:
            found = {}
            for event in running:
                if not resume and isinstance(event, Begun) and event.job.name == "long.wav":
                    mine.write_text("mine")
                if isinstance(event, Ended):
                    found[event.job.name] = event
            return found

    for resume in (False, True):
        outcome = ended(resume=resume)["long.wav"].outcome
        assert outcome.status == "failed"
        assert re.fullmatch(
            r"long\.wav: \S*long\.master\.toml (appeared while this ran, and nothing was written|exists);"
            r" --force overwrites it(, or choose another name)?",
            outcome.error,
        )
        assert mine.read_text() == "mine"
        assert not (fresh / "long.master.wav").exists()
        assert (fresh / "short.master.wav").read_bytes() == (done / "short.master.wav").read_bytes()
    assert ended(resume=True, force=True)["long.wav"].outcome.good
    assert (fresh / "long.master.wav").read_bytes() == (done / "long.master.wav").read_bytes()


def test_of_results_that_go_to_a_url_none_stands_where_one_cannot(catalogue, fresh):
    pytest.importorskip("fsspec")
    settings = Settings(references=(str(catalogue / "record.wav"),))
    batch = prepared([str(catalogue / "mixes" / "short.wav")], settings, fresh.as_uri(), at_once=1, force=True)
    with closing(batch.run()) as running:
        for event in running:
            if isinstance(event, Begun):
                (fresh / "short.master.html").mkdir()
    assert isinstance(event, Ended)
    assert event.outcome.status == "failed"
    assert re.search(r"short\.master\.html could not be written", event.outcome.error)
    assert sorted(one.name for one in fresh.iterdir() if one.name.startswith("short")) == ["short.master.html"]


@pytest.mark.parametrize("name", ["batch.html", "batch.csv", "batch.state.jsonl"])
def test_what_an_earlier_batch_says_of_itself_is_not_written_over(name, catalogue, fresh, run_here):
    fresh.mkdir()
    (fresh / name).write_text("of another batch")
    refused(
        run_here(catalogue, *THREE, "-o", fresh),
        rf"{name} exists, of an earlier batch; choose another folder with -o, go on with it by --resume, .* --force",
    )
    assert {one.name: one.read_text() for one in fresh.iterdir()} == {name: "of another batch"}
    settings = Settings(references=(str(catalogue / "record.wav"),))
    prepared([str(catalogue / "mixes")], settings, str(fresh), force=True).close()


def test_an_input_is_never_an_output(catalogue, fresh, run_here):
    fresh.mkdir()
    for name in ("song.wav", "song.master.wav"):
        (fresh / name).write_bytes((catalogue / "mixes" / "short.wav").read_bytes())
    asked = ("song.wav", "song.master.wav", "--ref", catalogue / "record.wav", "-o", ".", "--force")
    refused(run_here(fresh, *asked), r"song.master.wav is an input as well")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that even root cannot write to")
def test_a_folder_that_cannot_be_written_to_is_refused(catalogue, run_here):
    refused(run_here(catalogue, *THREE, "-o", "/proc/self"), r"/proc/self cannot be written to")
    refused(run_here(catalogue, *THREE, "-o", "/proc/self/masters"), r"/proc/self cannot be written to")


def test_a_cluster_that_does_not_answer_is_refused(catalogue, fresh):
    with socket.socket() as taken:  # a port that nobody listens at
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        refused(run(catalogue, *THREE, "-o", fresh, "--cluster", address), rf"no cluster answers at {address}")
    assert not fresh.exists()


def test_without_the_extra_a_cluster_is_refused_by_its_name(catalogue, fresh):
    hidden = "import sys; sys.modules['distributed'] = sys.modules['fsspec'] = sys.modules['fsspec.core'] = None"
    code = f"{hidden}; from refmaster.cli import main; main()"
    for more in (("mixes", "--cluster", "tcp://127.0.0.1:1"), ("file:///mixes",)):
        asked = [sys.executable, "-c", code, "batch", "--ref", "record.wav", "-o", str(fresh), *more]
        env = {"PYTHONPATH": str(ROOT), "PATH": ""}
        ran = subprocess.run(asked, cwd=catalogue, env=env, capture_output=True, text=True, timeout=120)
        refused(ran, r"which is not installed; in refmaster's folder: pip install '\.\[cluster\]'")


def refused(ran: "subprocess.CompletedProcess[str]", said: str) -> None:
    assert ran.returncode == 2, ran.stderr
    assert ran.stdout == ""
    assert ran.stderr.count("\n") == 1, ran.stderr
    assert re.search(said, ran.stderr), ran.stderr
    assert ran.stderr.startswith("refmaster: ")


# What is found in a folder


def test_a_folder_gives_its_tracks_but_no_masters_no_hidden_files_and_not_the_reference(catalogue, tmp_path):
    short = (catalogue / "mixes" / "short.wav").read_bytes()
    for name in ("b.wav", "a.FLAC", "b.master.wav", ".hidden.wav", "notes.txt", "record.wav"):
        (tmp_path / name).write_bytes(short)
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "c.wav").write_bytes(short)
    settings = Settings(references=(str(tmp_path / "record.wav"),))
    batch = prepared([str(tmp_path)], settings, str(tmp_path / "out"))
    batch.close()
    assert [job.out for job in batch.jobs] == ["a.master.wav", "b.master.wav"]
    assert not (tmp_path / "out").exists()


def test_a_name_with_marks_in_it_is_text_on_the_page(catalogue, tmp_path):
    odd = "<b>a & b</b> #1?.wav".replace("/", "")
    (tmp_path / odd).write_bytes((catalogue / "mixes" / "short.wav").read_bytes())
    ran = run(tmp_path, odd, "--ref", catalogue / "record.wav", "-o", "out", "--no-report", "--jsonl", "--quiet")
    assert ran.returncode == 0
    page = (tmp_path / "out" / "batch.html").read_text(encoding="utf-8")
    assert "<b>" not in page
    assert (tmp_path / "out" / unquote(re.findall(r'href="([^"]+toml)"', page)[0])).is_file()
    assert json.loads(ran.stdout)["name"] == odd


def test_sound_in_a_folder_that_cannot_be_read_is_a_track_that_failed(catalogue, tmp_path):
    short = (catalogue / "mixes" / "short.wav").read_bytes()
    mixes = tmp_path / "mixes"
    mixes.mkdir()
    for name in ("song.wav", "song.m4a", "lost.bak", "other.m4a"):
        (mixes / name).write_bytes(short if name in ("song.wav", "lost.bak") else b"\0\0\0 ftypM4A ")
    for name in ("cover.jpg", "song.cue", "notes.txt"):
        (mixes / name).write_bytes(b"no sound")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "song.m4a").write_bytes(b"\0\0\0 ftypM4A ")
    more = ("--ref", catalogue / "record.wav", "-o", "out", "--no-report")
    ran = run(tmp_path, "mixes", "more", "mixes/other.m4a", *more)
    assert ran.returncode == 2  # a folder with no other sound
    assert "the folder more holds nothing that can be mastered: song.m4a is sound of a kind that" in ran.stderr
    (tmp_path / "more" / "two.wav").write_bytes(short)
    for resume in ((), ("--resume",)):
        ran = run(tmp_path, "mixes", "more", "mixes/other.m4a", *more, *resume)
        assert ran.returncode == 1
        assert ran.stdout.startswith("6 tracks: 2 mastered, 4 failed\n")
        assert ran.stdout.count("  · song.m4a is sound of a kind that refmaster does not read (.m4a); convert") == 2
        assert "  · lost.bak is WAV by its content, but its ending is .bak; rename it" in ran.stdout
        assert ran.stdout.count("· other.m4a ") == 1  # tried as a file that was named, and not told of twice
        assert not any(name in ran.stdout for name in ("cover", "cue", "notes"))
        rows = list(csv.DictReader((tmp_path / "out" / "batch.csv").read_text().splitlines()))
        assert sorted(row["file"] for row in rows if row["status"] == "failed") == [
            "lost.bak", "other.m4a", "song.m4a", "song.m4a",
        ]  # fmt: skip
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "a.wma").write_bytes(b"x")
    (tmp_path / "only" / "b.wma").write_bytes(b"x")
    refused(
        run(tmp_path, "only", *more[:2], "-o", "none"), r"nothing that can be mastered: a.wma \(one of 2 such files\)"
    )
