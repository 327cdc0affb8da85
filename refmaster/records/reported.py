"""What came of it: checks, the report of a master, and the session that makes it again."""

from dataclasses import dataclass, field
from typing import Literal

from refmaster.records.decided import Delivery, Effect, Plan, Request
from refmaster.records.measured import Comparison, Genre, Passport, Profile, Weights

ROUNDING = 5e-3  # of a display: two decimals of a dB


@dataclass(frozen=True)
class Check:
    """A promise about the master, held as it is displayed. None for a bound means there is none on that side."""

    name: str
    value: float | None
    low: float | None
    high: float | None

    @property
    def passed(self) -> bool:
        """Whether the value lies between the bounds; a value that could not be measured fails."""
        if self.value is None:
            return self.low is None and self.high is None
        low, high = (
            None if bound is None else bound + sign * ROUNDING for bound, sign in ((self.low, -1), (self.high, 1))
        )
        return (low is None or self.value >= low) and (high is None or self.value <= high)


@dataclass(frozen=True)
class GainReduction:
    """What the limiter did over time: the deepest reduction in each `hop_s`, and its summary. dB, ≥ 0.

    `tone_db` is the largest change of a third of an octave at equal loudness, around `tone_hz`; None where it is not
    known, or too small to say.
    """

    hop_s: float
    history_db: tuple[float, ...]
    max_db: float
    share_working_pct: float  # of the time with more than 0.1 dB
    share_over_4_db_pct: float
    tone_db: float | None = None
    tone_hz: float | None = None


@dataclass(frozen=True)
class Files:
    """Where the results are; None for one that was not asked for, or in a dry run."""

    master: str | None = None
    session: str | None = None
    report: str | None = None


Status = Literal["mastered", "unchanged", "sent_back"]


@dataclass(frozen=True)
class Report:
    """Everything about one master: before, reference, after, the plan, the checks, and each move's effect."""

    status: Status
    engine: str
    version: str
    target: Profile
    reference: Profile | None
    master: Profile | None  # None in a dry run
    genre: Genre
    request: Request
    plan: Plan
    comparison: Comparison | None = None
    passport: Passport | None = None
    passports: tuple[Passport, ...] = ()  # of several references each one's, in order; `passport` is the nearest's
    checks: tuple[Check, ...] = ()
    effects: tuple[tuple[str, Effect], ...] = ()
    texts: tuple[tuple[str, str], ...] = ()  # move id → its explanation
    gain_reduction: GainReduction | None = None
    files: Files = field(default_factory=Files)
    references: tuple["Input", ...] = ()  # all, in order; `reference` is the nearest relative
    heard: tuple[Profile, ...] = ()  # the same, as they were measured
    reference_gone: bool = False  # the session's was not found as it was
    notes: tuple[str, ...] = ()  # one-line things to know: a file that is not what its name says
    beside: "Report | None" = None  # what our own engine makes of the same, where another one did this

    @property
    def kinship(self) -> float | None:
        """How near a relative the reference is; None without one."""
        return None if self.comparison is None or self.comparison.by_genre else self.comparison.kinship

    @property
    def compared(self) -> tuple[Profile, ...]:
        """All references in order; of a report that knows of one only, that."""
        return self.heard or ((self.reference,) if self.reference else ())

    def effect_of(self, move_id: str) -> Effect | None:
        """The measured effect of a move, if it was measured."""
        return dict(self.effects).get(move_id)

    def text_of(self, move_id: str) -> str:
        """The explanation of a move."""
        return dict(self.texts).get(move_id, "")


@dataclass(frozen=True)
class Input:
    """A file that a session was made from, found again by its hash."""

    path: str
    sha256: str
    weights: Weights = field(default_factory=Weights)  # of a reference: what it counts for beside others


@dataclass(frozen=True)
class Reading:
    """The figures of a Profile that people ask for first, as a session remembers them; None: not measurable."""

    duration_s: float
    integrated_lufs: float | None
    true_peak_dbtp: float | None
    max_short_term_lufs: float | None
    loudness_range_lu: float | None
    plr_db: float | None
    psr_db: float | None
    crest_db: float | None
    correlation: float | None
    tilt_db_per_oct: float | None
    mono_loss_db: float | None = None  # older sessions do not hold it


@dataclass(frozen=True)
class Work:
    """What the limiter did, summed up: the deepest reduction, shares of the time, what it did to the tone."""

    max_db: float
    share_working_pct: float
    share_over_4_db_pct: float
    tone_db: float | None = None
    tone_hz: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a session when it was last rendered, as far as words need it.

    `taken` says how the reference was taken; `kinship` is None without one.
    """

    status: Status
    target: Reading
    reference: Reading | None
    master: Reading
    genre: str
    genre_tracks: int
    genre_share: float | None
    kinship: float | None
    taken: str
    ignored: tuple[str, ...]
    effects: tuple[tuple[str, Effect], ...]
    checks: tuple[Check, ...]
    limiter: Work | None
    notes: tuple[str, ...]


Author = Literal["refmaster", "flags", "file"]


@dataclass(frozen=True)
class Revision:
    """A session as it was rendered once: by whom it was changed, how, and all that makes those bytes again.

    `flags` are those that were given, as they are written; `said` is what changed since the revision before.
    """

    number: int
    version: str
    by: tuple[Author, ...]
    flags: tuple[str, ...]
    said: tuple[str, ...]
    target: Input
    references: tuple[Input, ...]
    request: Request
    plan: Plan
    delivery: Delivery
    integrated_lufs: float | None
    true_peak_dbtp: float | None


@dataclass(frozen=True)
class Session:
    """Enough to make the same bytes again. `seal` is the hash of the chain as it was last solved and rendered.

    `outcome` and `revisions` are of schema 2; a session of schema 1 has none.
    """

    schema: int
    version: str
    engine: str
    target: Input
    references: tuple[Input, ...]
    request: Request
    plan: Plan
    delivery: Delivery
    seal: str
    outcome: Outcome | None = None
    revisions: tuple[Revision, ...] = ()
