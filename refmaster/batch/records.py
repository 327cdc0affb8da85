"""What a batch is made of: what to make, how far a track may go, one track's job, and what came of it."""

from dataclasses import asdict, dataclass
from typing import Literal

from refmaster.decide import parted
from refmaster.names import shown

Ending = Literal["mastered", "unchanged", "sent_back", "failed"]
SHORTEST_LIMIT_S = 600.0  # taste: a minute of audio takes seconds; ten minutes is a stall, even on a busy machine
LOUDNESS = "loudness"  # as it stands among what was not reached
LIMIT_RATIO = 10.0  # taste: so many times its own length is a stall for a long track


@dataclass(frozen=True)
class Settings:
    """What is made of every track: the options of the main job. A change of any of them changes files."""

    references: tuple[str, ...]  # absolute paths or URLs, with what they count for behind a colon: "/a.wav:tone=1"
    amount: float = 50.0
    loudness: float | None = None
    ceiling: float = -1.0
    only: str | None = None
    detail: int | None = None
    phase: str = "minimum"
    fresh: bool = False
    drop: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    lock: tuple[str, ...] = ()
    container: str | None = None
    bit_depth: str | None = None
    html: bool = True
    audio: bool = True  # in the report
    genre: str | None = None
    library: str | None = None  # a name, or an absolute path
    album: bool = False  # the tracks keep their loudness relative to each other

    @property
    def files(self) -> tuple[str, ...]:
        """The references without what they count for."""
        return tuple(parted(one)[0] for one in self.references)


@dataclass(frozen=True)
class Limits:
    """How far one track may go before it is given up, and how it is worked on; nothing here changes a file.

    `timeout_s` None means by its length; `cache` is a folder, None for the system's, or "off".
    """

    timeout_s: float | None = None
    memory_mb: float = 4096.0
    threads: int = 1
    cache: str | None = None


@dataclass(frozen=True)
class Job:
    """One track: where it comes from (absolute path or URL) and what its master is called within the folder.

    `name` is the track as the overview shows it; `length_s` is as its header has it, for the order and the limit. What
    stands under the results' names is written over only where the job `replaces` it, or where it is what is made: on a
    cluster a job may be tried `again` after a worker died that had named its files, and had not told.
    """

    target: str
    folder: str  # absolute path or URL of the batch's output folder
    out: str  # the master's name within it, "/" between its parts
    name: str
    length_s: float = 0.0
    replaces: bool = False
    again: bool = False
    loudness: float | None = None  # LUFS to reach in an album; None means as the settings have it
    album_lu: float | None = None  # how far all its tracks are moved
    short: str = ""  # why the track that leads an album stopped short of what it was to read

    @property
    def outputs(self) -> tuple[str, str, str]:
        """Master, session and report, as names within the folder."""
        stem = self.out[: self.out.rindex(".")]
        return self.out, f"{stem}.toml", f"{stem}.html"


@dataclass(frozen=True)
class Outcome:
    """What came of a track; nothing here depends on the clock, on the machine or on who did the work.

    `master`, `session` and `report` are names within the folder. None is what is not known or not measurable.
    """

    name: str
    out: str
    status: Ending
    error: str | None = None
    sha256: str | None = None  # of the target
    duration_s: float | None = None
    target_lufs: float | None = None
    master_lufs: float | None = None
    target_dbtp: float | None = None
    master_dbtp: float | None = None
    moves: int = 0
    failed_checks: tuple[str, ...] = ()
    genre: str | None = None  # what it was read in, with its share where it was heard
    not_reached: tuple[str, ...] | None = None  # in a word or two each; the report says why
    album_lu: float | None = None  # how far the album that it is of was moved; it was asked for target_lufs + this
    led_short: bool = False  # it led that album, and stopped short of its own goal
    master: str | None = None
    session: str | None = None
    report: str | None = None

    @property
    def good(self) -> bool:
        """Whether a person need not look at it."""
        return self.status != "failed" and not self.failed_checks


@dataclass(frozen=True)
class Begun:
    """A track is in hand; `pid` is the process that masters it, None where that is another machine's."""

    job: Job
    pid: int | None


@dataclass(frozen=True)
class Step:
    """How far a track is: the name of the step, and its share from 0 to 1; below 0 where nobody can tell."""

    job: Job
    step: str
    share: float


@dataclass(frozen=True)
class Measured:
    """A track of an album has been measured, or cannot be; when all have been, they are mastered."""

    job: Job


@dataclass(frozen=True)
class Ended:
    """A track is through. `earlier` says that a batch before this one, now resumed, did it."""

    job: Job
    outcome: Outcome
    seconds: float = 0.0
    earlier: bool = False


Event = Begun | Step | Measured | Ended


def failed(job: Job, error: str) -> Outcome:
    """The outcome of a track that could not be mastered; the error is one line that begins with the track."""
    name, line = (" ".join(text.split()) for text in (shown(job.name), error))
    if line.startswith(f"target {name}"):
        line = line.removeprefix("target ")
    elif not line.startswith(f"{name}:"):
        line = f"{name}: {line}"
    return Outcome(job.name, job.out, "failed", line)


def missed_in(missed: tuple[str, ...], *, led_short: bool) -> tuple[str, ...]:
    """What was not reached, the loudness among it where the track led its album less far than was asked."""
    return tuple(dict.fromkeys((*missed, LOUDNESS))) if led_short else missed


def outcome_from(data: dict[str, object]) -> Outcome:
    """An outcome as JSON brought it."""
    return Outcome(**_with_tuples(data))  # type: ignore[arg-type]


def settings_from(data: dict[str, object]) -> Settings:
    """Settings as JSON brought them."""
    return Settings(**_with_tuples(data))  # type: ignore[arg-type]


def _with_tuples(data: dict[str, object]) -> dict[str, object]:
    """What JSON holds in lists, records hold in tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}


def outcome_data(outcome: Outcome) -> dict[str, object]:
    """An outcome as plain data."""
    return asdict(outcome)


def time_limit_s(job: Job, limits: Limits) -> float:
    """How long a track may take."""
    return limits.timeout_s if limits.timeout_s is not None else max(SHORTEST_LIMIT_S, LIMIT_RATIO * job.length_s)
