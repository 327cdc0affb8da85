"""An album: its tracks are one record, and keep their loudness relative to each other: all are moved by the same.

The loudest track, by its integrated loudness, goes where it would go alone: toward the reference or the genre as far as
the music bears it, or to `--loudness`. Every other track is asked for its own loudness plus what that one gains.

It is the loudest that leads, not the album's mean or its gated whole: it is the one that meets the limiter first, so
what it bears the quieter ones mostly do; no track comes to stand above the reference; and how many interludes there are
moves nothing. AES TD1008 recommends the same to services that level albums as a whole.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from refmaster.batch.pool import master_here
from refmaster.batch.records import Ended, Event, Job, Limits, Measured, Outcome, Settings
from refmaster.batch.worker import Lost, Worker
from refmaster.errors import RefmasterError

QUIETEST_LUFS = -60.0  # the least that can be asked for


@dataclass(frozen=True)
class Levelled:
    """Jobs with the loudness that the album gives them, and the tracks that could not be measured."""

    jobs: tuple[Job, ...]
    failed: tuple[Ended, ...]


def levelled(
    jobs: Sequence[Job], done: Iterable[Outcome], settings: Settings, limits: Limits, *, at_once: int, first: Worker
) -> Generator[Event, None, Levelled]:
    """The jobs that are left, measured on this machine and each asked for its place in the album; tells what happens.

    What is `done` already settles how far the album is moved, also where a louder track has come since: it keeps its
    distance to them.
    """
    measured: dict[str, Ended] = {}
    with closing(master_here(jobs, settings, limits, at_once=at_once, first=first, ask=Worker.measure)) as events:  # type: ignore[type-var]
        for event in events:
            if isinstance(event, Ended):
                measured[event.job.out] = event
                yield Measured(event.job)
            else:
                yield event
    failed = tuple(measured[job.out] for job in jobs if measured[job.out].outcome.status == "failed")
    left = [job for job in jobs if measured[job.out].outcome.status != "failed"]
    lufs = {job.out: measured[job.out].outcome.target_lufs for job in left}
    known = next((one.album_lu for one in sorted(done, key=lambda one: one.out) if one.album_lu is not None), None)
    leading = _Lead(known) if known is not None else _lead(left, lufs, settings, limits)
    return Levelled(tuple(_asked(job, lufs[job.out], leading) for job in left), failed)


@dataclass(frozen=True)
class _Lead:
    """How far the track that leads is moved, LU, None for nowhere; its master's name, and why it stopped short."""

    moved_lu: float | None
    out: str = ""
    short: str = ""


def _asked(job: Job, lufs: float | None, lead: _Lead) -> Job:
    """A job with its loudness, to hundredths, so that it can be asked for by hand."""
    if lufs is None or lead.moved_lu is None:
        return job
    asked_lufs = min(0.0, max(QUIETEST_LUFS, round(lufs + lead.moved_lu, 2)))
    return replace(job, album_lu=lead.moved_lu, loudness=asked_lufs, short=lead.short if job.out == lead.out else "")


def _lead(jobs: Iterable[Job], lufs: dict[str, float | None], settings: Settings, limits: Limits) -> _Lead:
    """How far the loudest track would go alone. One that cannot be mastered leads nobody: the next one does."""
    heard = [(found, job) for job in jobs if (found := lufs[job.out]) is not None]
    for own, job in sorted(heard, key=lambda one: (-one[0], one[1].out)):
        if settings.loudness is not None:
            return _Lead(settings.loudness - own, job.out)
        worker = Worker()
        try:
            goal, short = worker.goal(job, settings, limits)
            return _Lead(None) if goal is None else _Lead(goal - own, job.out, short)
        except (RefmasterError, Lost):
            continue
        finally:
            worker.close()
    return _Lead(None)
