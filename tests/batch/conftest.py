"""A small catalogue in a folder, what one process makes of it, and the ways to run a batch."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from refmaster.cli import main
from tests.conftest import RATE_HZ, write_wav

ROOT = Path(__file__).parents[2]
LENGTHS_S = {"long": 6.0, "middle": 5.0, "short": 4.0}
NAMES = ("ep/middle.wav", "long.wav", "short.wav")  # as the overview has them


@pytest.fixture(scope="session")
def catalogue(sounds, tmp_path_factory) -> Path:
    """Three tracks of 4 to 6 s, one of them in a folder of its own, beside `record.wav` to master them toward."""
    place = tmp_path_factory.mktemp("catalogue")
    (place / "mixes" / "ep").mkdir(parents=True)
    for start_s, (name, length_s) in enumerate(LENGTHS_S.items()):
        cut = slice(start_s * RATE_HZ, round((start_s + length_s) * RATE_HZ))
        write_wav(place / "mixes" / ("ep" if name == "middle" else "") / f"{name}.wav", sounds["dull"][:, cut])
    write_wav(place / "record.wav", sounds["finished"][:, : 6 * RATE_HZ])
    return place


@pytest.fixture(scope="session")
def done(catalogue) -> Path:
    """The output folder of that catalogue, made without a break, one track at a time."""
    ran = run(catalogue, "mixes", "--ref", "record.wav", "-o", "done", "--jobs", "1", "--jsonl")
    assert ran.returncode == 0, ran.stderr
    (catalogue / "done.jsonl").write_text(ran.stdout)
    return catalogue / "done"


def words(*more: str | Path) -> list[str]:
    return [sys.executable, str(ROOT / "cli.py"), "batch", *map(str, more)]


def run(folder: Path, *more: str | Path) -> "subprocess.CompletedProcess[str]":
    """`refmaster batch` with these words, run in a folder."""
    return subprocess.run(words(*more), cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture
def run_here(monkeypatch, capsys):
    """The same in this process: for what is refused before any work, since most of a refusal is starting."""

    def ran(folder: Path, *more: str | Path) -> "subprocess.CompletedProcess[str]":
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["refmaster", "batch", *map(str, more)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(sys.argv, int(stopped.value.code or 0), said.out, said.err)

    return ran


def on_a_terminal(folder: Path, *more: str | Path) -> tuple[str, str]:
    """What it prints, and what somebody would see of its bars on stderr, a terminal, without colours and moves."""
    import pty

    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        words(*more), cwd=folder, stdout=subprocess.PIPE, stderr=theirs, env=env, text=True
    ) as running:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # how a terminal says that nobody is at its other end
            while piece := os.read(ours, 65536):
                shown += piece
        out, _ = running.communicate()
    os.close(ours)
    return out, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())


def begun(folder: Path, *more: str | Path) -> "subprocess.Popen[str]":
    """The same, started and not waited for."""
    return subprocess.Popen(
        words(*more), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, hidden ones too, with its bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def masters(folder: Path) -> dict[str, bytes]:
    """The same without what tells of the batch as a whole."""
    return {name: data for name, data in tree(folder).items() if not name.startswith("batch.")}


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()]


def wait_until(true: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds:g} s in vain until {what}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def fresh(catalogue, tmp_path) -> Path:
    """A folder beside the catalogue that is the test's own: relative names lead to the tracks as they do in `done`."""
    return catalogue / f"out-{tmp_path.name}-{os.getpid()}"


on_linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found through /proc")
