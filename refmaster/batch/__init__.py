"""Many tracks toward one reference: here, or on a cluster; what one of them does to its process harms no other.

    jobs ─▶ pool, or cluster ─▶ worker ─asks▶ child: pipeline.master
                   └─▶ state (what is done)   overview (the whole on a page)

`Batch` is made first, and refuses what can be refused before any work; then `run` tells what happens.
"""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from refmaster.atomic import held
from refmaster.batch.album import levelled
from refmaster.batch.current import as_rendered
from refmaster.batch.jobs import folder_of, jobs_of, made, refuse_folder, refuse_outputs, sweep, unread_of
from refmaster.batch.overview import CSV, HTML, write_overview
from refmaster.batch.pool import master_here
from refmaster.batch.records import Ended, Event, Job, Limits, Outcome, Settings
from refmaster.batch.remote import exists, is_url, joined
from refmaster.batch.state import NAME, NOTHING, Past, State, head_of, read_past, still_good
from refmaster.batch.worker import Worker
from refmaster.cache import OFF
from refmaster.decide import parted, weights_of
from refmaster.errors import BadOutput, BadSetting
from refmaster.names import shown

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Batch", "Ended", "Event", "Limits", "Outcome", "Settings", "prepared"]


@dataclass(frozen=True)
class Batch:
    """A batch that may begin: all that could be refused beforehand is in order. `close` it if it is not run.

    `unread` is sound in its folders that is no job, as it cannot be read: it ends with the batch's beginning.
    """

    jobs: tuple[Job, ...]
    folder: str
    settings: Settings
    limits: Limits
    at_once: int | None
    past: Past
    head: dict[str, object]
    worker: Worker
    client: "Client | None" = None
    unread: tuple[Ended, ...] = ()

    @property
    def n_tracks(self) -> int:
        """How many tracks will end."""
        return len(self.jobs) + len(self.unread)

    def close(self) -> None:
        """Let go of the processes and the connection."""
        self.worker.close()
        if self.client is not None:
            self.client.close()

    def run(self) -> Iterator[Event]:
        """Do it: what happens, as it happens. Every job ends exactly once; the overview is written at the end.

        Closing the iterator stops the work and leaves nothing half-made; what is done is remembered.
        """
        with ExitStack() as stack:
            stack.callback(self.close)
            if is_url(self.folder):
                return (yield from self._worked())
            stack.enter_context(made([Path(self.folder)]))
            busy = f"another batch is at work in {shown(self.folder)}; wait for it, or choose -o"
            stack.enter_context(held(Path(self.folder), busy=busy))
            stack.enter_context(made(map(folder_of, self.jobs), self._left_behind()))
            yield from self._worked()

    def _left_behind(self) -> set[Path]:
        """Folders within the output folder that a batch which was killed may have made, and left empty."""
        begun = [folder_of(job) for job in self.jobs if job.out in self.past.begun]
        return {one for place in begun for one in (place, *place.parents) if Path(self.folder) in one.parents}

    def _worked(self) -> Iterator[Event]:
        outcomes: dict[str, Outcome] = {}
        for job in self.jobs:
            if kept := still_good(job, self.past, html=self.settings.html):
                outcomes[job.out] = as_rendered(kept, self.folder)
        begun = self.past.begun | {job.out for job in self.jobs}
        state = State(self.folder, self.head, begun, outcomes.values())
        yield from self.unread
        yield from (Ended(job, outcomes[job.out], earlier=True) for job in self.jobs if job.out in outcomes)
        left = [job for job in self.jobs if job.out not in outcomes]
        sweep(job for job in left if job.out in self.past.begun)
        if left and self.settings.album:
            left = yield from self._in_album(left, outcomes, state)
        if left:
            with closing(self._events(left)) as events:  # type: ignore[type-var]
                for event in events:
                    if isinstance(event, Ended):
                        outcomes[event.job.out] = event.outcome
                        state.end(event.outcome)
                    yield event
            sweep(left)  # a machine of the cluster may have gone down, and its children with it
        unread = [one.outcome for one in self.unread]
        write_overview(self.folder, [*outcomes.values(), *unread], self.settings)
        state.close(outcomes.values())

    def _in_album(
        self, jobs: Sequence[Job], outcomes: dict[str, Outcome], state: State
    ) -> Generator[Event, None, list[Job]]:
        """The jobs with the loudness that the album gives them; a track that could not be measured has failed."""
        at_once = self.at_once or processors()
        done, first = outcomes.values(), self.worker
        found = yield from levelled(jobs, done, self.settings, self.limits, at_once=at_once, first=first)
        for event in found.failed:
            outcomes[event.job.out] = event.outcome
            state.end(event.outcome)
            yield event
        return list(found.jobs)

    def _events(self, jobs: Sequence[Job]) -> Iterator[Event]:
        if self.client is None:
            at_once = self.at_once or processors()
            return master_here(jobs, self.settings, self.limits, at_once=at_once, first=self.worker)
        from refmaster.batch.cluster import master_there

        return master_there(self.client, jobs, self.settings, self.limits, at_once=self.at_once)


def prepared(
    sources: Sequence[str],
    settings: Settings,
    folder: str,
    *,
    at_once: int | None = None,
    cluster: str | None = None,
    limits: Limits | None = None,
    resume: bool = False,
    force: bool = False,
) -> Batch:
    """A batch of these files and folders, checked; raises a RefmasterError, and has then written nothing.

    `at_once` None means as many tracks at a time as there are processors, or as the cluster takes.
    """
    limits = _from_here(limits or Limits())
    _refuse_numbers(at_once, limits)
    folder = folder if is_url(folder) else os.path.abspath(folder)
    library = settings.library
    library = os.path.abspath(library) if library and os.path.exists(library) else library
    settings = replace(settings, references=tuple(map(_absolute, settings.references)), library=library)
    jobs = jobs_of(sources, folder, settings)
    unread = unread_of(sources, folder, jobs)
    refuse_folder(folder)
    if not force:
        _refuse_earlier(folder, resume=resume)
    with ExitStack() as stack:
        worker = Worker()
        stack.callback(worker.close)
        head = head_of(settings, worker.check(settings))
        past = read_past(folder, head) if resume else NOTHING
        refuse_outputs(jobs, settings, force=force, ours=past.begun)
        again = cluster is not None
        jobs = tuple(replace(job, replaces=force or past.left(job.out), again=again) for job in jobs)
        client = None
        if cluster is not None:
            from refmaster.batch.cluster import connect

            client = connect(cluster)
        stack.pop_all()
    return Batch(jobs, folder, settings, limits, at_once, past, head, worker, client, unread)


def _from_here(limits: Limits) -> Limits:
    """The same with a cache that is found from everywhere: a child stands in the output folder when it looks for it."""
    if not limits.cache or limits.cache.lower() == OFF:
        return limits
    return replace(limits, cache=os.path.abspath(limits.cache))


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _absolute(reference: str) -> str:
    """A reference that is found from everywhere; what it counts for, which is looked at, stays behind it."""
    file, weights = parted(reference)
    weights_of(weights, reference)
    return ":".join(filter(None, (file if is_url(file) else os.path.abspath(file), weights)))


def _refuse_earlier(folder: str, *, resume: bool) -> None:
    """Refuse to write over what a batch before this one says of itself, unless it is the one to go on with."""
    stands = exists if is_url(folder) else os.path.lexists
    found = next((where for name in (HTML, CSV, NAME) if stands(where := joined(folder, name))), None)
    if found is None or (resume and stands(joined(folder, NAME))):
        return
    if resume:
        raise BadOutput(
            f"{shown(found)} exists, and no {NAME} beside it to go on from;"
            " choose another folder with -o, or overwrite it with --force"
        )
    raise BadOutput(
        f"{shown(found)} exists, of an earlier batch;"
        " choose another folder with -o, go on with it by --resume, or overwrite it with --force"
    )


def _refuse_numbers(at_once: int | None, limits: Limits) -> None:
    if at_once is not None and at_once < 1:
        raise BadSetting(f"--jobs {at_once} would master nothing; give 1 or more, or leave it out")
    if limits.timeout_s is not None and not limits.timeout_s > 0:
        raise BadSetting(f"--timeout {limits.timeout_s:g} leaves no time; give seconds above 0")
    if not limits.memory_mb >= 1:
        raise BadSetting(f"--memory {limits.memory_mb:g} leaves no room; give MB, 1 or more")
