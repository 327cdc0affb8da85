"""One bad track costs itself and nothing else: whatever it does to its process, the others come out as they would.

What is bad about it is real: no audio, a named pipe, a picture of 250 MB in the tags, a process that was stopped
(a stall) or killed (a decoder's crash) by its id. Nothing in the program is made to fail.
"""

import os
import signal
import struct
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from refmaster.batch import Limits, Settings, prepared
from refmaster.batch.jobs import made
from refmaster.batch.records import Begun, Ended, Job, Step, failed
from tests.batch.conftest import NAMES, children_of, is_alive, lines, masters, on_linux, run, wait_until

KEPT = ("long.wav", "short.wav")
MEMORY_MB = 600  # more than an honest track takes, less than the picture does


def test_files_that_are_no_audio_and_one_that_eats_memory_fail_alone(done, catalogue, tmp_path, fresh):
    (tmp_path / "text.wav").write_text("this is no sound")
    os.mkfifo(tmp_path / "pipe.wav")  # who opens it waits for ever
    hog(tmp_path / "hog.wav", catalogue / "mixes" / "short.wav", picture_mb=250)
    bad = [tmp_path / f"{name}.wav" for name in ("text", "pipe", "hog")]
    ran = run(
        catalogue, "mixes", *bad, "--ref", "record.wav", "-o", fresh, "--jobs", "2", "--memory", str(MEMORY_MB),
        "--jsonl", "--quiet",
    )  # fmt: skip
    assert ran.returncode == 1
    ended = {one["name"]: one for one in lines(ran.stdout)}
    assert {name for name, one in ended.items() if one["status"] == "mastered"} == set(NAMES)
    assert "not audio" in ended["text.wav"]["error"]
    assert "a named pipe" in ended["pipe.wav"]["error"]
    assert f"took more than {MEMORY_MB} MB of memory" in ended["hog.wav"]["error"]
    assert masters(fresh) == masters(done)
    assert all(name in (fresh / "batch.html").read_text() for name in ("text.wav", "pipe.wav", "hog.wav"))


@on_linux
@pytest.mark.parametrize(
    ("number", "limits", "said"),
    [
        (signal.SIGSEGV, Limits(), "crashed or was ended from outside (SIGSEGV)"),
        (signal.SIGKILL, Limits(), "(SIGKILL, as the system does when memory runs out)"),
        (signal.SIGSTOP, Limits(timeout_s=12.0), "took longer than 12 s and was ended"),
    ],
    ids=["crash", "killed", "stall"],
)
def test_a_process_that_crashes_or_stalls_costs_only_its_track(number, limits, said, done, catalogue, tmp_path, fresh):
    settings = Settings(references=(str(catalogue / "record.wav"),))
    mixes = [str(catalogue / "mixes" / name) for name in KEPT]
    batch = prepared([*mixes, lost_track(tmp_path, catalogue)], settings, str(fresh), at_once=1, limits=limits)
    ended, pids, struck = {}, [], False
    with closing(batch.run()) as running:
        for event in running:
            if isinstance(event, Begun):
                pids.append(event.pid)
            elif isinstance(event, Step) and event.job.name == "lost.wav" and not struck:
                os.kill(pids[-1], number)  # not before it was asked: one that is gone by then costs no track
                struck = True
            elif isinstance(event, Ended):
                ended[event.job.name] = event.outcome
    assert [name for name, one in ended.items() if one.status == "failed"] == ["lost.wav"]
    assert ended["lost.wav"].error == f"lost.wav: the process {said}" or said in ended["lost.wav"].error
    assert pids[0] != pids[1] == pids[2]  # one process serves many tracks, and is replaced when it is lost
    kept = {name: data for name, data in masters(done).items() if not name.startswith("ep/")}
    assert masters(fresh) == kept  # nothing half-made, nothing hidden
    assert not any(map(is_alive, pids))


def lost_track(place: Path, catalogue: Path) -> str:
    """A track so long that it is begun first, and that nobody can be done before it is struck."""
    sound, rate_hz = soundfile.read(catalogue / "record.wav", dtype="float32")
    soundfile.write(place / "lost.wav", np.tile(sound, (10, 1)), rate_hz)
    return str(place / "lost.wav")


@on_linux
def test_a_track_that_is_lost_between_two_of_its_files_leaves_none(catalogue, fresh):
    """The master is written, the report not yet: what cannot be whole is taken away, hidden as it still is."""
    settings = Settings(references=(str(catalogue / "record.wav"),))
    batch = prepared([str(catalogue / "mixes" / "short.wav")], settings, str(fresh), at_once=1)
    with closing(batch.run()) as running:
        for event in running:
            if isinstance(event, Begun):
                wait_until(lambda: any(fresh.glob(".short.master.part-*.toml")), "the session is being written")
                os.kill(event.pid, signal.SIGSTOP)
                assert list(fresh.glob(".short.master.part-*.wav"))
                os.kill(event.pid, signal.SIGKILL)
            elif isinstance(event, Ended):
                outcome = event.outcome
    assert outcome.status == "failed"
    assert masters(fresh) == {}


@on_linux
def test_when_the_batch_is_done_no_process_is_left(catalogue, fresh):
    before = set(children_of(os.getpid()))
    settings = Settings(references=(str(catalogue / "record.wav"),), html=False)
    batch = prepared([str(catalogue / "mixes")], settings, str(fresh), at_once=3)
    with closing(batch.run()) as running:
        for event in running:
            if isinstance(event, Ended):
                break  # walk away in the middle
    assert set(children_of(os.getpid())) <= before
    for name in NAMES:  # a track is whole or not there
        files = [(fresh / name).with_suffix(f".master.{ending}").exists() for ending in ("wav", "toml")]
        assert len(set(files)) == 1
    assert not list(fresh.rglob(".*"))


def hog(out: Path, track: Path, *, picture_mb: int) -> None:
    """The same sound in a WAV whose ID3 tag holds a picture of so many MB, all zeros (the file is sparse)."""
    n_bytes = picture_mb * 1_000_000
    body = b"\0image/png\0\3\0"
    tag = b"APIC" + _seven_bits(len(body) + n_bytes) + b"\0\0" + body
    tag = b"ID3\4\0\0" + _seven_bits(len(tag) + n_bytes) + tag
    with open(out, "wb") as file:
        file.write(track.read_bytes())
        file.write(b"id3 " + struct.pack("<I", len(tag) + n_bytes) + tag)
        file.truncate(file.tell() + n_bytes)
        total = file.seek(0, 2)
        file.seek(4)
        file.write(struct.pack("<I", total - 8))


def _seven_bits(number: int) -> bytes:
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def test_every_line_of_a_failure_begins_with_its_track_and_no_empty_folder_stays(catalogue, tmp_path):
    """What no track needs has no setting; a text is no sound; a folder of such tracks stays empty."""
    (tmp_path / "mixes" / "a" / "deep").mkdir(parents=True)
    (tmp_path / "mixes" / "b").mkdir()
    (tmp_path / "mixes" / "a" / "deep" / "text.wav").write_text("this is no sound")
    (tmp_path / "mixes" / "b" / "short.wav").write_bytes((catalogue / "mixes" / "short.wav").read_bytes())
    out = tmp_path / "out"
    ran = run(tmp_path, "mixes", "--ref", catalogue / "record.wav", "-o", out, "--set", "match_dynamics.ratio=2")
    assert ran.returncode == 1
    told = [line.strip() for line in ran.stdout.splitlines() if "·" in line]
    assert [line.split()[1] for line in told] == ["a/deep/text.wav", "b/short.wav:"]
    assert "match_dynamics" in told[1]
    assert sorted(one.name for one in out.rglob("*")) == ["batch.csv", "batch.html", "batch.state.jsonl"]


def test_a_folder_that_was_there_stays_though_it_is_empty(tmp_path):
    (tmp_path / "theirs").mkdir()
    with made([tmp_path / "theirs", tmp_path / "ours" / "deep", tmp_path / "kept"]):
        (tmp_path / "kept" / "file").write_text("")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["kept", "theirs"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("target ep/a.wav is a folder", "ep/a.wav is a folder"),
        ("ep/a.wav: it sounds like nothing", "ep/a.wav: it sounds like nothing"),
        ("the target\nis silent", "ep/a.wav: the target is silent"),
    ],
)
def test_the_line_of_a_failed_track_begins_with_it(error, line):
    assert failed(Job("/ep/a.wav", "/out", "ep/a.master.wav", "ep/a.wav"), error).error == line
