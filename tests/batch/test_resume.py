"""A batch that was broken off, by Ctrl-C or by kill −9, goes on and ends with the files of one that was not."""

import csv
import json
import os
import signal

import pytest

import refmaster
from refmaster.batch import child
from refmaster.batch.records import Settings
from refmaster.batch.state import NAME, head_of, read_past, refuse_other
from refmaster.errors import BadSetting
from refmaster.pipeline import Options
from tests.batch.conftest import NAMES, begun, children_of, is_alive, lines, masters, on_linux, run, tree, wait_until

THREE = ("mixes", "--ref", "record.wav", "--jobs", "1", "--jsonl", "--quiet")


@on_linux
def test_kill_9_and_resume_ends_with_the_same_files_byte_for_byte(done, catalogue, fresh):
    running = begun(catalogue, *THREE, "-o", fresh)
    first = json.loads(running.stdout.readline())
    at_work = children_of(running.pid)
    running.kill()
    running.communicate()
    assert at_work
    wait_until(lambda: not any(map(is_alive, at_work)), "the children of a batch that was killed have left")
    assert not list(fresh.rglob(".*")), "a child whose batch is gone tidies"
    assert not (fresh / "batch.csv").exists()

    again = run(catalogue, *THREE, "-o", fresh, "--resume")
    assert again.returncode == 0, again.stderr
    said = lines(again.stdout)
    assert sorted(one["name"] for one in said) == sorted(NAMES)
    assert next(one for one in said if one["name"] == first["name"])["earlier"]
    assert not all(one["earlier"] for one in said)
    assert tree(fresh) == tree(done)


@on_linux
def test_ctrl_c_leaves_nothing_half_made_and_resume_goes_on(done, catalogue, fresh):
    running = begun(catalogue, *THREE, "-o", fresh)
    running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err.splitlines()[-1] == "refmaster: interrupted; nothing half-made was left"
    assert "--resume goes on from there" in err
    whole = masters(done)
    for name, data in masters(fresh).items():
        assert data == whole[name]
    assert len(masters(fresh)) % 3 == 0
    assert not (fresh / "batch.csv").exists()
    assert run(catalogue, *THREE, "-o", fresh, "--resume").returncode == 0
    assert tree(fresh) == tree(done)


@pytest.mark.parametrize("how", ["in a compiled function", "when nobody was left to be told"])
def test_an_interruption_of_a_child_is_no_mistake_of_ours(how, monkeypatch, capfd):
    def struck(settings: Settings) -> None:
        if how == "in a compiled function":
            raise SystemError("CPUDispatcher(...) returned a result with an exception set") from KeyboardInterrupt()
        raise BrokenPipeError

    monkeypatch.setattr(child, "_checked", struck)
    with pytest.raises(KeyboardInterrupt):
        child._answered({"do": "check", "settings": {"references": []}}, 1)
    assert capfd.readouterr().err == ""


def test_resume_begins_where_there_is_nothing_to_resume(catalogue, fresh):
    ran = run(catalogue, "mixes/short.wav", *THREE[1:], "-o", fresh, "--resume", "--no-report")
    assert ran.returncode == 0
    assert set(masters(fresh)) == {"short.master.wav", "short.master.toml"}


def test_a_torn_last_line_and_hidden_files_of_the_dead_are_cleared(done, catalogue, copied):
    state = copied / NAME
    head, *ended = state.read_text().splitlines(keepends=True)
    begun_line = json.dumps({"begun": [json.loads(line)["ended"]["out"] for line in ended]}) + "\n"
    state.write_text(head + begun_line + ended[0] + ended[1][:40])
    unfinished = json.loads(ended[1])["ended"]["out"].removesuffix(".wav")
    hidden = copied / f"{unfinished}.part-0123abcd.wav"
    hidden.with_name(f".{hidden.name}").write_bytes(b"half a master")
    ran = run(catalogue, *THREE, "-o", copied, "--resume")
    assert [one["earlier"] for one in lines(ran.stdout)].count(True) == 1
    assert tree(copied) == tree(done)


def test_a_master_that_is_gone_is_made_again_and_what_a_person_edited_stays(done, catalogue, copied):
    (copied / "long.master.wav").unlink()
    (copied / "short.master.toml").write_text("# edited\n")
    ran = run(catalogue, *THREE, "-o", copied, "--resume")
    assert {one["name"]: one["earlier"] for one in lines(ran.stdout)} == {
        "long.wav": False, "ep/middle.wav": True, "short.wav": True,
    }  # fmt: skip
    assert (copied / "long.master.wav").read_bytes() == (done / "long.master.wav").read_bytes()
    assert (copied / "short.master.toml").read_text() == "# edited\n"


def test_a_session_that_was_rendered_anew_since_is_told_of_as_it_is_now(done, catalogue, copied):
    """Its figures, not those of the batch; an edit that nobody rendered changes nothing that is heard."""
    short, long = copied / "short.master.toml", copied / "long.master.toml"
    gain = {"set": ["match_loudness.gain_db=1"], "drop": ["match_eq"]}
    report = refmaster.render(short, **gain, options=Options(force=True))
    long.write_text(long.read_text().replace('verdict = "keep"', 'verdict = "drop"', 1))
    before = {row["file"]: row for row in table(done)}
    for _ in range(2):
        ran = run(catalogue, *THREE, "-o", copied, "--resume")
        said = {one["name"]: one for one in lines(ran.stdout)}
        assert all(one["earlier"] for one in said.values())
        assert said["short.wav"]["master_lufs"] == pytest.approx(report.master.integrated_lufs, abs=1e-3)
        rows = {row["file"]: row for row in table(copied)}
        assert float(rows["short.wav"]["master_lufs"]) == pytest.approx(report.master.integrated_lufs, abs=0.006)
        assert float(rows["short.wav"]["master_dbtp"]) == pytest.approx(report.master.true_peak_dbtp, abs=0.006)
        assert int(rows["short.wav"]["moves"]) == len(report.plan.active)
        assert rows["short.wav"]["master_lufs"] != before["short.wav"]["master_lufs"]
        assert {name: rows[name] for name in NAMES[:2]} == {name: before[name] for name in NAMES[:2]}
    assert f"{report.master.integrated_lufs:.1f}".replace("-", "\u2212") in (copied / "batch.html").read_text()


def table(folder):
    return list(csv.DictReader((folder / "batch.csv").read_text().splitlines()))


def test_a_target_that_changed_is_mastered_again(catalogue, tmp_path):
    target = tmp_path / "song.wav"
    target.write_bytes((catalogue / "mixes" / "short.wav").read_bytes())
    asked = ("song.wav", "--ref", catalogue / "record.wav", "-o", "out", "--jsonl", "--quiet", "--no-report")
    first = lines(run(tmp_path, *asked).stdout)[0]
    target.write_bytes((catalogue / "mixes" / "long.wav").read_bytes())
    (second,) = lines(run(tmp_path, *asked, "--resume").stdout)
    assert not second["earlier"]
    assert second["sha256"] != first["sha256"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--amount", "40"), "begun with --amount 50, and now it is --amount 40"),
        (("--loudness", "-14"), "begun without --loudness, and now it is --loudness -14"),
        (("--drop", "match_width"), "begun without --drop, and now it is --drop match_width"),
        (("--no-report",), "begun without --no-report, and now it is --no-report"),
        (("--ref", "mixes/long.wav"), "begun with --ref record.wav, and now it is --ref long.wav"),
        (("--ref", "mixes/long.wav", "--ref", "record.wav"), "and now it is --ref long.wav --ref record.wav"),
        (("--ref", "record.wav:tone=2"), "begun with --ref record.wav, and now it is --ref record.wav:tone=2"),
        (("--genre", "rock"), "begun without --genre, and now it is --genre rock"),
    ],
)
def test_other_settings_are_refused_in_one_line(more, said, catalogue, copied):
    before = tree(copied)
    asked = [word for word in THREE if more[0] != "--ref" or word not in ("--ref", "record.wav")]
    ran = run(catalogue, *asked, "-o", copied, "--resume", *more)
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert ran.stderr.startswith("refmaster: --resume: this batch was ")
    assert said in ran.stderr
    assert "; give the same, choose another folder with -o, or start anew with --force" in ran.stderr
    assert tree(copied) == before


def test_a_reference_of_other_content_is_told_by_it_and_a_state_without_names_still_serves(catalogue, copied, tmp_path):
    (tmp_path / "record.wav").write_bytes((catalogue / "mixes" / "long.wav").read_bytes())
    other = ("mixes", "--ref", tmp_path / "record.wav", "--jsonl", "--quiet", "-o", copied, "--resume")
    assert "begun with --ref record.wav of SHA-256 " in run(catalogue, *other).stderr
    before = tree(copied)
    head, *rest = (copied / NAME).read_text().splitlines()
    nameless = {name: value for name, value in json.loads(head).items() if name != "names"}
    (copied / NAME).write_text("\n".join([json.dumps(nameless), *rest, ""]))
    assert "begun with references of SHA-256 " in run(catalogue, *other).stderr
    ran = run(catalogue, *THREE, "-o", copied, "--resume")
    assert [one["earlier"] for one in lines(ran.stdout)] == [True] * 3
    assert tree(copied) == before


def test_what_a_setting_was_and_is_not_now_is_told_by_its_option():
    old, new = (head_of(Settings((), **more), ()) for more in ({"drop": ("a", "b"), "fresh": True}, {}))
    with pytest.raises(BadSetting, match="begun with --fresh, and now it is without;"):
        refuse_other(old, new)
    old, new = (head_of(Settings((), drop=drop), ()) for drop in (("a", "b"), ()))
    with pytest.raises(BadSetting, match="begun with --drop a --drop b, and now it is without;"):
        refuse_other(old, new)
    with pytest.raises(BadSetting, match=r"begun with refmaster 0\.0\.1, and now it is refmaster "):
        refuse_other({**old, "version": "0.0.1"}, old)


def test_a_track_that_came_to_the_folder_is_mastered_too(catalogue, tmp_path):
    (tmp_path / "mixes").mkdir()
    asked = ("mixes", "--ref", catalogue / "record.wav", "-o", "out", "--jsonl", "--quiet", "--no-report")
    for name in ("short", "long"):
        (tmp_path / "mixes" / f"{name}.wav").write_bytes((catalogue / "mixes" / f"{name}.wav").read_bytes())
        ran = run(tmp_path, *asked, *(["--resume"] if name == "long" else []))
        assert ran.returncode == 0, ran.stderr
    assert {one["name"]: one["earlier"] for one in lines(ran.stdout)} == {"long.wav": False, "short.wav": True}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json\n", "is no state of a batch"),
        ("[]\n", "is no state of a batch"),
        ('{"refmaster_batch": 2}\n', "has format 2; this version reads 1"),
    ],
)
def test_a_state_that_cannot_be_read_is_refused(text, said, catalogue, copied):
    (copied / NAME).write_text(text)
    ran = run(catalogue, *THREE, "-o", copied, "--resume")
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert said in ran.stderr


DAMAGED = {
    "a text for a number": {"ended": {"target_lufs": "abc"}},
    "a number that is none": {"ended": {"master_dbtp": float("nan")}},
    "a number that is too large": {"ended": {"duration_s": 10**400}},
    "a number for a list": {"ended": {"failed_checks": 5}},
    "a text for a list": {"ended": {"failed_checks": "abc"}},
    "numbers in a list": {"ended": {"not_reached": [1, 2]}},
    "a number for a name": {"ended": {"name": 5}},
    "a list for a name": {"ended": {"out": ["a"]}},
    "another status": {"ended": {"status": "foo"}},
    "half a character": {"ended": {"name": "\ud800"}},
    "half a character in an error": {"ended": {"status": "failed", "error": "\ud800"}},
    "no names": {"begun": [1, 2, None]},
    "a text for names": {"begun": "abc"},
    "a number in a line": 5,
}


@pytest.mark.parametrize("line", DAMAGED.values(), ids=DAMAGED)
def test_a_line_that_somebody_changed_is_refused(line, done, tmp_path):
    first, *ended = (done / NAME).read_text().splitlines()
    whole = json.loads(ended[0])
    if isinstance(line, dict) and "ended" in line:
        line = {"ended": {**whole["ended"], **line["ended"]}}
    (tmp_path / NAME).write_text(f"{first}\n{json.dumps(whole)}\n{json.dumps(line)}\n")
    with pytest.raises(BadSetting, match="is no state of a batch; remove it"):
        read_past(str(tmp_path), json.loads(first))


def test_lists_without_an_end_and_what_is_no_text_are_refused_too(done, tmp_path):
    first = (done / NAME).read_bytes().splitlines()[0]
    for more in (b"[" * 100_000, b"\xff", b"9" * 5000):
        (tmp_path / NAME).write_bytes(first + b"\n" + more + b"\n")
        with pytest.raises(BadSetting, match="is no state of a batch; remove it"):
            read_past(str(tmp_path), json.loads(first))


def test_a_file_of_somebody_elses_is_not_taken_for_ours(catalogue, copied):
    (copied / NAME).unlink()
    ran = run(catalogue, *THREE, "-o", copied, "--resume")
    assert ran.returncode == 2
    assert f"exists, and no {NAME} beside it to go on from; choose another folder with -o" in ran.stderr
    for name in ("batch.csv", "batch.html"):
        (copied / name).unlink()
    ran = run(catalogue, *THREE, "-o", copied, "--resume")
    assert ran.returncode == 2
    assert "exists; --force overwrites it" in ran.stderr


@on_linux
def test_two_batches_do_not_write_into_one_folder(catalogue, fresh):
    running = begun(catalogue, *THREE, "-o", fresh, "--no-report")
    running.stdout.readline()
    other = run(catalogue, "record.wav", "--ref", "mixes/long.wav", "-o", fresh, "--force")
    still_running = running.poll() is None
    running.communicate(timeout=120)
    if still_running:
        assert other.returncode == 2
        assert "another batch is at work" in other.stderr
    assert os.path.exists(fresh / "batch.csv")


@pytest.fixture
def copied(done, fresh):
    """The finished batch once more, in a folder that may be spoiled."""
    for name, data in tree(done).items():
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        (fresh / name).write_bytes(data)
    return fresh
