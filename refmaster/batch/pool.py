"""The batch on this machine: so many children at work at a time, each asked by a thread of ours."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from refmaster.batch.records import Begun, Ended, Event, Job, Limits, Outcome, Settings, Step, failed
from refmaster.batch.worker import Halted, Stopped, Told, Worker

Events = queue.SimpleQueue[Event | None]
Ask = Callable[[Worker, Job, Settings, Limits, Told, Stopped], Outcome]


def master_here(
    jobs: Sequence[Job],
    settings: Settings,
    limits: Limits,
    *,
    at_once: int,
    first: Worker | None = None,
    ask: Ask = Worker.master,
) -> Iterator[Event]:
    """What happens, as it happens, until all jobs have ended. The jobs are taken in their order.

    `ask` is what each worker is asked for. `first` is a worker that runs already; it is used and closed. Closing this
    iterator stops the work and leaves nothing half-made.
    """
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    events: Events = queue.SimpleQueue()
    halt = threading.Event()
    workers = [first or Worker(), *(Worker() for _ in range(min(at_once, len(jobs)) - 1))]
    threads = [
        threading.Thread(target=_serve, args=(worker, waiting, settings, limits, ask, events, halt), daemon=True)
        for worker in workers
    ]
    try:
        for thread in threads:
            thread.start()
        at_work = len(threads)
        while at_work:
            event = events.get()
            if event is None:
                at_work -= 1
            else:
                yield event
    finally:
        halt.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


def _serve(
    worker: Worker,
    waiting: "queue.SimpleQueue[Job]",
    settings: Settings,
    limits: Limits,
    ask: Ask,
    events: Events,
    halt: threading.Event,
) -> None:
    """Do jobs with one worker until none is left, or all is to stop."""
    try:
        while not halt.is_set():
            job = waiting.get_nowait()
            try:
                _one(worker, job, settings, limits, ask, events, halt)
            except Halted:
                raise
            except Exception as error:  # what goes wrong on our side of the child costs this track, too, and no more
                events.put(Ended(job, failed(job, f"{type(error).__name__}: {error}")))
    except (queue.Empty, Halted):
        pass
    finally:
        worker.close()
        events.put(None)


def _one(
    worker: Worker, job: Job, settings: Settings, limits: Limits, ask: Ask, events: Events, halt: threading.Event
) -> None:
    started = time.monotonic()
    events.put(Begun(job, worker.pid))
    outcome = ask(worker, job, settings, limits, lambda step, share: events.put(Step(job, step, share)), halt.is_set)
    events.put(Ended(job, outcome, time.monotonic() - started))
