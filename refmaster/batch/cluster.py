"""The batch on a Dask cluster: each worker of it masters tracks in children of its own, as this machine would.

The workers need refmaster in the same version, and the tracks and the output folder under the same paths or URLs. A
worker that dies takes its child with it (`child`), and Dask gives its track to another one. What comes out is what
this machine would make, byte for byte, on the same kind of processor.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from refmaster.batch.child import TIDY_S
from refmaster.batch.records import Begun, Ended, Event, Job, Limits, Outcome, Settings, failed
from refmaster.batch.remote import NEEDED
from refmaster.batch.worker import LOOK_EVERY_S, Halted, Worker
from refmaster.errors import BadSetting
from refmaster.version import __version__

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_S = 15.0  # taste: a scheduler on the other side of the world answers in less
HALT_S = 3 * TIDY_S  # for a child to tidy, or to be ended and tidied up after
ANSWER_S = 5.0  # and then for the workers to say so
_CHILDREN = "_refmaster_children"  # where a Dask worker keeps ours


def connect(address: str) -> "Client":
    """A connection to a scheduler that has at least one worker, all with this version of refmaster."""
    try:
        from distributed import Client
    except ImportError as error:
        raise BadSetting(f"--cluster {NEEDED.format(what='Dask')}") from error
    _refuse_address(address)
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise BadSetting(f"no cluster answers at {address} ({why}); start a scheduler, or check the address") from error
    try:
        _refuse_workers(client, address)
    except BaseException:
        client.close()
        raise
    return client


def master_there(
    client: "Client", jobs: Sequence[Job], settings: Settings, limits: Limits, *, at_once: int | None
) -> Iterator[Event]:
    """What happens, as it happens, until all jobs have ended; at most `at_once` tracks in hand, None for all it can.

    Closing this iterator stops the work, here and there.
    """
    from distributed import as_completed

    batch = uuid4().hex
    started: dict[Future, Job] = {}
    waiting = list(reversed(jobs))

    def next_one() -> "Future":
        job = waiting.pop()
        future = client.submit(_on_worker, job, settings, limits, batch, key=f"refmaster-{batch}-{job.out}", pure=False)
        started[future] = job
        return future

    try:
        first = [next_one() for _ in range(min(at_once or len(jobs), len(jobs)))]
        yield from (Begun(job, None) for job in list(started.values()))
        coming = as_completed(first, loop=client.loop)
        for future in coming:
            job = started.pop(future)
            yield Ended(job, *_outcome(future, job))
            if waiting:
                coming.add(next_one())
                yield Begun(started[next(reversed(started))], None)
    finally:
        _stop(client, list(started), batch)


def _stop(client: "Client", futures: "list[Future]", batch: str) -> None:
    """Stop what the workers have in hand of a batch; a worker that no longer answers is not waited for for ever."""

    def ask() -> None:
        with suppress(Exception):  # a cluster that is gone needs no tidying
            client.cancel(futures)
            client.run(_halt, batch)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(HALT_S + ANSWER_S)


def _outcome(future: "Future", job: Job) -> tuple[Outcome, float]:
    """What a worker answered, and how many seconds it took; where none could, why."""
    from distributed import KilledWorker

    try:
        result: tuple[Outcome, float] = future.result()
        return result
    except KilledWorker:
        return failed(job, "every worker that took it died; see the workers' logs"), 0.0
    except Exception as error:
        return failed(job, f"the cluster could not do it ({type(error).__name__}: {error})"), 0.0


def _refuse_address(address: str) -> None:
    """Refuse an address that is none, or at which nobody listens; Dask would try on for long and say it at length."""
    asked = urlsplit(address)
    try:
        host, port = asked.hostname, asked.port
    except ValueError:
        host, port = None, None
    if asked.scheme not in ("tcp", "tls") or not host or not port:
        raise BadSetting(f"--cluster {address} is no address of a Dask scheduler; give one like tcp://192.168.1.5:8786")
    try:
        socket.create_connection((host, port), CONNECT_S).close()
    except OSError as error:
        raise BadSetting(
            f"no cluster answers at {address} ({error.strerror or error}); start a scheduler, or check the address"
        ) from error


def _refuse_workers(client: "Client", address: str) -> None:
    """Refuse a cluster without workers, or with workers that have another refmaster than we."""
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError as error:
        raise BadSetting(f"the cluster at {address} has no worker; start some with: dask worker {address}") from error
    for worker, version in client.run(_version, on_error="return").items():
        if version != __version__:
            found = f"refmaster {version}" if isinstance(version, str) else "no refmaster"
            raise BadSetting(f"worker {worker} has {found}, and {__version__} is needed; install it there")


# What runs on the workers


class Children:
    """The children of one Dask worker: as many as it has threads, lent to one track at a time."""

    def __init__(self) -> None:
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._halted: set[str] = set()
        self._at_work: list[str] = []  # the batch of each track in hand; appending and removing are single steps

    def master(self, job: Job, settings: Settings, limits: Limits, batch: str) -> Outcome:
        """Master a track with a child that is free; raises Halted where its batch was halted."""
        self._at_work.append(batch)
        try:
            if batch in self._halted:
                raise Halted
            return self._mastered(job, settings, limits, batch)
        finally:
            self._at_work.remove(batch)

    async def halt(self, batch: str) -> None:
        """Stop what a batch has in hand, wait until it has been tidied, and let all idle children go."""
        self._halted.add(batch)
        until = time.monotonic() + HALT_S
        while batch in self._at_work and time.monotonic() < until:
            await asyncio.sleep(LOOK_EVERY_S)
        with suppress(Empty):
            while True:
                self._idle.get_nowait().close()

    def _mastered(self, job: Job, settings: Settings, limits: Limits, batch: str) -> Outcome:
        try:
            worker = self._idle.get_nowait()
        except Empty:
            worker = Worker()
        try:
            return worker.master(job, settings, limits, lambda *_: None, lambda: batch in self._halted)
        finally:
            self._idle.put(worker)


def _on_worker(job: Job, settings: Settings, limits: Limits, batch: str) -> tuple[Outcome, float]:
    from distributed import get_worker

    started = time.monotonic()
    try:
        outcome = _children(get_worker()).master(job, settings, limits, batch)
    except Halted:
        outcome = failed(job, "the batch was stopped")
    return outcome, time.monotonic() - started


async def _halt(batch: str, dask_worker: Any) -> None:
    await _children(dask_worker).halt(batch)


def _children(dask_worker: Any) -> Children:
    """Ours, made when they are first asked for. `setdefault` is one step, so two threads get the same."""
    children: Children = dask_worker.__dict__.setdefault(_CHILDREN, Children())
    return children


def _version() -> str:
    return __version__
