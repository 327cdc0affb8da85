"""A child process at work, from the side of whoever asks: it is watched, and what is wrong with it ends it alone."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from refmaster.atomic import orphans
from refmaster.batch.child import SCRATCH, TIDY_S, Request
from refmaster.batch.records import Job, Limits, Outcome, Settings, failed, outcome_from, time_limit_s
from refmaster.batch.remote import is_url
from refmaster.errors import BadSetting, RefmasterError

CHILD = "from refmaster.batch.child import main; main()"
LOOK_EVERY_S = 0.1
CHECK_LIMIT_S = 120.0  # taste: for a first start on a busy machine, and a reference that comes from afar
LONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

Told = Callable[[str, float], None]
Stopped = Callable[[], bool]


class Lost(Exception):
    """The child ended, or was ended, before it answered; says why."""


class Halted(Exception):
    """The whole batch stops."""


class Worker:
    """A child process, started when it is first asked and again after it was lost. For one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._scratch = ""

    @property
    def pid(self) -> int:
        """The child's process id; starts it where it does not run."""
        return self._running().pid

    def check(self, settings: Settings) -> tuple[str, ...]:
        """Refuse, as a RefmasterError, what no track could be mastered with; the SHA-256 of the references."""
        request: Request = {"do": "check", "settings": asdict(settings)}
        try:
            answer = self._asked(request, CHECK_LIMIT_S, Limits().memory_mb, lambda *_: None, lambda: False)
        except Lost as error:
            raise BadSetting(f"the reference could not be opened: the process that tried {error}") from error
        return tuple(answer["references"])  # type: ignore[arg-type]

    def master(self, job: Job, settings: Settings, limits: Limits, told: Told, stopped: Stopped) -> Outcome:
        """Master one track. A track that fails, by itself or with its process, leaves nothing half-made."""
        before = _standing(job)
        try:
            return outcome_from(self._of_track("master", job, settings, limits, told, stopped))
        except RefmasterError as error:
            return failed(job, str(error))
        except Lost as error:
            _tidy(job, before)
            return failed(job, f"the process {error}")
        except Halted:
            _tidy(job, before)
            raise

    def measure(self, job: Job, settings: Settings, limits: Limits, told: Told, stopped: Stopped) -> Outcome:
        """Measure one track, and write nothing: an outcome that holds its loudness, or why there is none."""
        try:
            return outcome_from(self._of_track("measure", job, settings, limits, told, stopped))
        except RefmasterError as error:
            return failed(job, str(error))
        except Lost as error:
            return failed(job, f"the process {error}")

    def goal(self, job: Job, settings: Settings, limits: Limits) -> tuple[float | None, str]:
        """The loudness that a track would come to alone, LUFS, and why that is short of its goal; writes nothing.

        None where nothing says how loud it should be; no reason where it is not short.

        Raises a RefmasterError where it cannot be mastered, and Lost.
        """
        answer = self._of_track("goal", job, settings, limits, lambda *_: None, lambda: False)
        found = answer["goal_lufs"]
        return found if isinstance(found, float) else None, str(answer["short"])

    def close(self) -> None:
        """Ask the child to leave, and see that it does."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(TIDY_S + 1.0)
        except subprocess.TimeoutExpired:
            _kill(process)
        self._forget(process)

    def _of_track(
        self, what: str, job: Job, settings: Settings, limits: Limits, told: Told, stopped: Stopped
    ) -> dict[str, object]:
        """What a child answers about a track."""
        asked = {"do": what, "job": asdict(job), "settings": asdict(settings)}
        request: Request = {**asked, "threads": limits.threads, "cache": limits.cache}
        return self._asked(request, time_limit_s(job, limits), limits.memory_mb, told, stopped)

    def _asked(
        self, request: Request, limit_s: float, memory_mb: float, told: Told, stopped: Stopped
    ) -> dict[str, object]:
        process = self._running()
        deadline = time.monotonic() + limit_s
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        except OSError:
            raise Lost(self._ended("left before it was asked")) from None
        while True:
            with suppress(queue.Empty):
                line = self._lines.get(timeout=LOOK_EVERY_S)
                if line is None:
                    raise Lost(self._ended())
                said = json.loads(line)
                if "answer" in said:
                    return dict(said["answer"])
                if "refused" in said:
                    raise RefmasterError(said["refused"])
                told(said["step"], said["share"])
            if stopped():
                self.close()
                raise Halted
            if time.monotonic() > deadline:
                raise Lost(self._ended(f"took longer than {limit_s:g} s and was ended"))
            if resident_mb(process.pid) > memory_mb:
                raise Lost(self._ended(f"took more than {memory_mb:g} MB of memory and was ended"))

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            if self._process is not None:
                self._forget(self._process)
            self._process = self._started()
        return self._process

    def _started(self) -> "subprocess.Popen[bytes]":
        """A fresh interpreter with this package, in a session of its own, so that Ctrl-C comes only to us."""
        self._scratch = tempfile.mkdtemp(prefix="refmaster-batch-")
        root = str(Path(__file__).resolve().parents[2])
        known = os.environ.get("PYTHONPATH", "")
        env = {**os.environ, SCRATCH: self._scratch, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self._scratch)}
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (root, known)))
        env |= dict.fromkeys(LONE_THREAD, "1")  # jobs fill the cores, and sums come out in the same order everywhere
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            start_new_session=os.name == "posix",
        )
        self._lines = queue.SimpleQueue()
        threading.Thread(target=_read, args=(process, self._lines), daemon=True).start()
        return process

    def _ended(self, why: str | None = None) -> str:
        """End the child if it still runs, and say why it is gone."""
        process, self._process = self._process, None
        if process is None:
            return why or "is gone"
        if why is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(TIDY_S)
        alone = process.poll()
        _kill(process)
        self._forget(process)
        return why or _said(alone)

    def _forget(self, process: "subprocess.Popen[bytes]") -> None:
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        shutil.rmtree(self._scratch, ignore_errors=True)


def resident_mb(pid: int) -> float:
    """How much memory a process holds, MB; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError, ValueError, AttributeError):
        pass
    if sys.platform != "darwin":
        return 0.0
    asked = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return float(asked.stdout.strip() or 0) * 1024 / 1e6


def _read(process: "subprocess.Popen[bytes]", lines: "queue.SimpleQueue[bytes | None]") -> None:
    with suppress(OSError, ValueError):  # the pipe may be closed under us
        for line in process.stdout:  # type: ignore[union-attr]
            lines.put(line)
    lines.put(None)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(OSError):
        process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(TIDY_S)


def _said(code: int | None) -> str:
    """How a process ended by itself, in words."""
    if code is None:
        return "closed its output and was ended"
    if code >= 0:
        return f"left with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    starved = ", as the system does when memory runs out" if -code == getattr(signal, "SIGKILL", 9) else ""
    return f"crashed or was ended from outside ({name}{starved})"


def _standing(job: Job) -> dict[Path, tuple[int, int] | None]:
    """Which files stand where the results go; none are looked for behind a URL."""
    if is_url(job.folder):
        return {}
    return {path: _identity(path) for path in (Path(job.folder, name) for name in job.outputs)}


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _tidy(job: Job, before: dict[Path, tuple[int, int] | None]) -> None:
    """Remove hidden files, and results of which not all are there: what was new before the end does not stand alone."""
    for orphan in orphans(before):
        orphan.unlink(missing_ok=True)
    for path, identity in before.items():
        if _identity(path) != identity:
            path.unlink(missing_ok=True)
