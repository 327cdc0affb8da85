"""The same batch on a real Dask cluster of two worker processes on this machine."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from refmaster.batch import Limits, Settings, prepared
from refmaster.batch.records import Ended, Job, Outcome
from refmaster.batch.worker import Worker
from refmaster.errors import BadSetting
from tests.batch.conftest import (
    NAMES,
    ROOT,
    begun,
    children_of,
    is_alive,
    lines,
    masters,
    on_linux,
    run,
    tree,
    wait_until,
)  # fmt: skip

pytest.importorskip("distributed")

# In a process of its own, as a real cluster is: Dask's threads and warnings are none of the tests'.
CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[tuple[str, int]]:
    """Its address, and the process that started all others of it."""
    yield from started(2, tmp_path_factory.mktemp("cluster"))


def started(n_workers: int, folder: Path) -> Iterator[tuple[str, int]]:
    script = folder / "cluster.py"
    script.write_text(CLUSTER)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(script), str(n_workers)],
            cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        yield process.stdout.readline().strip(), process.pid
        process.communicate("", timeout=60)


def test_two_workers_make_the_bytes_that_this_machine_makes(cluster, done, catalogue, fresh):
    ran = run(catalogue, "mixes", "--ref", "record.wav", "-o", fresh, "--cluster", cluster[0], "--jsonl", "--quiet")
    assert ran.returncode == 0, ran.stderr
    assert sorted(one["name"] for one in lines(ran.stdout)) == sorted(NAMES)
    assert tree(fresh) == tree(done)


def test_an_album_is_the_same_there(cluster, catalogue, fresh):
    asked = ("mixes", "--ref", "record.wav", "--album", "--no-report", "--quiet")
    assert run(catalogue, *asked, "-o", fresh / "here").returncode == 0
    ran = run(catalogue, *asked, "-o", fresh / "there", "--cluster", cluster[0])
    assert ran.returncode == 0, ran.stderr
    assert tree(fresh / "there") == tree(fresh / "here")
    assert b"one of an album" in tree(fresh / "here")["short.master.toml"]


def test_a_bad_track_costs_only_itself_there_too(cluster, done, catalogue, fresh, tmp_path):
    (tmp_path / "text.wav").write_text("this is no sound")
    ran = run(
        catalogue, "mixes", tmp_path / "text.wav", "--ref", "record.wav", "-o", fresh, "--cluster", cluster[0],
        "--jobs", "1", "--quiet",
    )  # fmt: skip
    assert ran.returncode == 1
    assert masters(fresh) == masters(done)
    assert "text.wav,failed" in (fresh / "batch.csv").read_text()


@on_linux
def test_a_worker_that_is_killed_in_the_middle_of_a_track_is_survived(cluster, done, catalogue, fresh):
    address, _ = cluster
    running = begun(catalogue, "mixes", "--ref", "record.wav", "-o", fresh, "--cluster", address, "--jsonl", "--quiet")
    wait_until(lambda: any(fresh.rglob(".*.part-*.wav")), "a master is being rendered")
    (half_made,) = list(fresh.rglob(".*.part-*.wav"))[:1]
    child = owner_of(half_made)
    worker = parent_of(child)
    os.kill(worker, signal.SIGKILL)
    out, err = running.communicate(timeout=240)
    assert running.returncode == 0, err
    assert [one["status"] for one in lines(out)] == ["mastered"] * 3
    assert tree(fresh) == tree(done)
    wait_until(lambda: not is_alive(child), "the child of the dead worker has left")


@on_linux
def test_what_a_worker_had_named_and_not_told_when_it_was_killed_is_known_for_ours(cluster, done, catalogue, fresh):
    words = (catalogue, "mixes/long.wav", "--ref", "record.wav", "-o", fresh, "--cluster", cluster[0], "--jsonl")
    running = begun(*words, "--quiet")
    wait_until(lambda: any(fresh.rglob(".*.part-*.wav")), "a master is being rendered")
    (half_made,) = fresh.rglob(".*.part-*.wav")
    worker = parent_of(owner_of(half_made))
    os.kill(worker, signal.SIGSTOP)  # it hears no answer; its child goes on
    names = ["long.master.html", "long.master.toml", "long.master.wav"]
    wait_until(lambda: all((fresh / name).exists() for name in names), "the files have their names")
    os.kill(worker, signal.SIGKILL)
    out, err = running.communicate(timeout=240)
    assert running.returncode == 0, err
    assert [one["status"] for one in lines(out)] == ["mastered"]
    assert masters(fresh) == {name: (done / name).read_bytes() for name in names}


@pytest.mark.parametrize("url", [False, True], ids=["by path", "by URL"])
@pytest.mark.parametrize("left", [("wav", "toml", "html"), ("wav",)], ids=["all", "one"])
def test_a_track_that_is_tried_again_is_told_from_files_of_somebody_elses(url, left, catalogue, fresh):
    settings = Settings(references=(str(catalogue / "record.wav"),))
    folder = fresh.as_uri() if url else str(fresh)
    job = Job(str(catalogue / "mixes" / "short.wav"), folder, "short.master.wav", "short.wav", again=True)
    fresh.mkdir()
    with closing(Worker()) as worker:

        def tried() -> Outcome:
            return worker.master(job, settings, Limits(), lambda *_: None, lambda: False)

        assert tried().status == "mastered"
        made = tree(fresh)
        for one in fresh.iterdir():
            if one.suffix.removeprefix(".") not in left:
                one.unlink()
        assert tried().status == "mastered"
        assert tree(fresh) == made
        (fresh / "short.master.toml").write_text("mine")
        stands = tree(fresh)
        outcome = tried()
        assert outcome.status == "failed"
        assert re.search(r"short\.master\.toml appeared while this ran, and nothing was written", outcome.error)
        assert tree(fresh) == stands


@on_linux
def test_ctrl_c_stops_the_cluster_and_leaves_nothing_half_made(cluster, done, catalogue, fresh):
    running = begun(catalogue, "mixes", "--ref", "record.wav", "-o", fresh, "--cluster", cluster[0], "--jsonl")
    wait_until(lambda: any(fresh.rglob(".*.part-*.wav")), "a master is being rendered")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err.splitlines()[-1] == "refmaster: interrupted; nothing half-made was left"
    whole = masters(done)
    assert all(whole.get(name) == data for name, data in masters(fresh).items())
    assert len(masters(fresh)) % 3 == 0
    ran = run(catalogue, "mixes", "--ref", "record.wav", "-o", fresh, "--resume", "--quiet")  # on this machine
    assert ran.returncode == 0
    assert tree(fresh) == tree(done)


@on_linux
def test_children_of_the_workers_leave_when_the_batch_is_done(cluster, catalogue, fresh):
    settings = Settings(references=(str(catalogue / "record.wav"),), html=False)
    batch = prepared([str(catalogue / "mixes")], settings, str(fresh), cluster=cluster[0], limits=Limits())
    seen, ended = set(), []
    with closing(batch.run()) as running:
        for event in running:
            seen.update(ours_below(cluster[1]))
            ended += [event] if isinstance(event, Ended) else []
    assert seen
    assert all(one.outcome.good and one.seconds > 0 for one in ended)

    wait_until(lambda: not list(ours_below(cluster[1])), "no child is left")


def test_a_cluster_without_workers_is_refused(catalogue, fresh, tmp_path, monkeypatch):
    monkeypatch.setattr("refmaster.batch.cluster.CONNECT_S", 2.0)
    settings = Settings(references=(str(catalogue / "record.wav"),))
    for address, _ in started(0, tmp_path):
        with pytest.raises(BadSetting, match=re.escape(f"the cluster at {address} has no worker")):
            prepared([str(catalogue / "mixes")], settings, str(fresh), cluster=address)
    assert not fresh.exists()


def owner_of(path: Path) -> int:
    """The process that has a file open."""
    goal = path.resolve()
    for place in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if Path(os.readlink(place)) == goal:
                return int(place.parts[2])
        except OSError:
            continue
    raise AssertionError(f"nobody has {path.name} open")


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def ours_below(pid: int) -> Iterator[int]:
    """The processes among a process's descendants that master tracks."""
    with suppress(OSError):
        for child in children_of(pid):
            if b"refmaster.batch.child" in Path(f"/proc/{child}/cmdline").read_bytes():
                yield child
            yield from ours_below(child)
