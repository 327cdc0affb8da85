"""What is done: moves with their parameters, what a person decided, and the plan that comes of both."""

import math
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import Enum, IntEnum

from refmaster.errors import BadSetting
from refmaster.records.measured import Gap
from refmaster.units import unit_of, written


class Stage(IntEnum):
    """Where in the chain a mover works; movers are asked, and sound flows, in this order."""

    REPAIR = 1
    TONE = 2
    DYNAMICS = 3
    COLOUR = 4
    IMAGE = 5
    LEVEL = 6
    CEILING = 7


class Verdict(Enum):
    """What a person says of a move. A move nobody spoke of is kept."""

    KEEP = "keep"
    OVERRIDE = "override"
    DROP = "drop"


class Phase(Enum):
    """What an equaliser does beside its gain: it shifts phase around each band, or it rings ahead of hits."""

    MINIMUM = "minimum"
    LINEAR = "linear"


@dataclass(frozen=True)
class Param:
    """A number with a name that ends in its unit, the range it may take, and the value at which it does nothing.

    `neutral` is None for a parameter that does nothing or something by another's leave: a bell's Q while its gain is 0.
    """

    name: str
    value: float
    low: float
    high: float
    neutral: float | None = None

    def __str__(self) -> str:
        return written(self.name, self.value)

    @classmethod
    def nearest(cls, name: str, value: float, low: float, high: float, neutral: float | None = None) -> "Param":
        """The parameter at a value that was found, or at the nearer end of its range: a session holds no other."""
        return cls(name, min(max(value, low), high), low, high, neutral)

    def at(self, value: float) -> "Param":
        """The same parameter at another value; refuses what is out of range."""
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise BadSetting(f"{self.name}={value:g} is out of range; allowed: {self.range}")
        return replace(self, value=float(value))

    @property
    def range(self) -> str:
        """The values it may take, in words: "-24 to 24 dB"."""
        return f"{self.low:g} to {self.high:g} {unit_of(self.name) or ''}".rstrip()


@dataclass(frozen=True)
class Effect:
    """What a move did to the feature it claims, measured."""

    feature: str
    before: float
    after: float


@dataclass(frozen=True)
class Move:
    """One thing done to the sound. The id is `file/part`, or the file alone where it makes one move only."""

    id: str
    stage: Stage
    params: tuple[Param, ...]
    because: tuple[Gap, ...]
    confidence: float
    verdict: Verdict = Verdict.KEEP
    locked: bool = False
    note: str = ""
    proposed: tuple[tuple[str, float], ...] = ()  # what the engine had proposed, where a person chose otherwise
    phase: Phase = Phase.MINIMUM  # as the request has it, where the mover can do both

    def __getitem__(self, name: str) -> float:
        return self.param(name).value

    def param(self, name: str) -> Param:
        """The parameter of this name; the error names the nearest, and all that exist with their ranges."""
        for one in self.params:
            if one.name == name:
                return one
        near = get_close_matches(name, [one.name for one in self.params], n=1, cutoff=0.0)
        known = ", ".join(f"{one.name} ({one.range})" for one in self.params)
        raise BadSetting(f"{self.id} has no parameter {name!r}; did you mean '{self.id}.{near[0]}'? It has: {known}")

    def at(self, **values: float) -> "Move":
        """The same move with other values; refuses unknown names and values out of range."""
        for name in values:
            self.param(name)
        try:
            params = tuple(p.at(values[p.name]) if p.name in values else p for p in self.params)
        except BadSetting as error:
            raise BadSetting(f"{self.id}.{error}") from error
        return replace(self, params=params)

    def at_rest(self) -> "Move":
        """The same move at its neutral values: it does nothing."""
        return self.at(**{p.name: p.neutral for p in self.params if p.neutral is not None})

    @property
    def values(self) -> dict[str, float]:
        """Parameter values by name."""
        return {p.name: p.value for p in self.params}

    @property
    def mover(self) -> str:
        """The file in `moves/` that made it."""
        return self.id.split("/")[0]

    @property
    def active(self) -> bool:
        """Whether it is heard: everything but what a person dropped."""
        return self.verdict is not Verdict.DROP


@dataclass(frozen=True)
class Rejected:
    """A move considered and not made, with the reason."""

    what: str
    text: str


@dataclass(frozen=True)
class NotReached:
    """Something that was asked for, or wished, and could not be had; says what the mix would have to change."""

    what: str
    text: str


@dataclass(frozen=True)
class Assumption:
    """What the engine took for granted, and the question that an answer would replace it by."""

    question: str
    assumed: str


@dataclass(frozen=True)
class Proposal:
    """What one mover answers when it is asked."""

    moves: tuple[Move, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    not_reached: tuple[NotReached, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    goal_lufs: float | None = None  # what the master will read, if this mover decides that
    asked_lufs: float | None = None  # what it was to read
    margin_db: float | None = None  # what the limiter must keep under its ceiling, if this mover found that out
    estimated: bool = False  # from an excerpt: the whole is still to be heard


@dataclass(frozen=True)
class Decision:
    """What a person decided about one move: by flag, or in the session file.

    `if_there` asks nothing of a track that has no such move, because it was decided for many.
    """

    move: str
    verdict: Verdict
    values: tuple[tuple[str, float], ...] = ()
    note: str = ""
    locked: bool = False
    if_there: bool = False


EVIDENCE_PCT = 50.0  # of amount: there the evidence decides; 100 is all of the difference
FULL_PCT = 75.0  # of amount: above it a match in full is asked for


@dataclass(frozen=True)
class Request:
    """What a person asked for, before any evidence.

    `loudness_lufs` None means the reference's own; `max_bands` None lets the amount decide; `only` empty means all;
    `fresh` takes a target that is our own master as any other file.
    """

    amount_pct: float = EVIDENCE_PCT
    loudness_lufs: float | None = None
    ceiling_dbtp: float = -1.0
    only: tuple[Stage, ...] = ()
    max_bands: int | None = None
    phase: Phase = Phase.MINIMUM  # of the tone moves
    same_song: bool = False  # a person's word that target and reference are one song
    fresh: bool = False
    genre: str = "auto"  # by its name; "auto" hears it, "none" knows nothing of it
    library: str = ""  # a user's own library, or a folder of them, that stands for the genre

    @property
    def in_full(self) -> bool:
        """Whether a match in full is asked for: then the reference is followed past what the evidence supports."""
        return self.amount_pct > FULL_PCT


@dataclass(frozen=True)
class Mark:
    """What the tags of a master of ours say of how it came to be.

    `references` and `sound` are the first 16 hexadecimal digits of SHA-256, of the references' files and of the
    samples in the form in which they were `stored`, as libsndfile names it; both are empty where the file is lossy, as
    its decoders differ in their last bits. `settled` are the stages that were asked for, the level among them unless a
    person decided about it; amount and loudness are as asked.
    """

    version: str
    references: tuple[str, ...]
    sound: str
    settled: tuple[Stage, ...]
    amount_pct: float
    loudness_lufs: float | None = None
    stored: str = ""


@dataclass(frozen=True)
class Plan:
    """All moves in chain order, dropped ones among them, and what was not done and why."""

    moves: tuple[Move, ...]
    rejected: tuple[Rejected, ...] = ()
    not_reached: tuple[NotReached, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    goal_lufs: float | None = None  # what the master is checked against
    asked_lufs: float | None = None  # what it was to read, where it stopped short of that
    ceiling_dbtp: float | None = None

    @property
    def active(self) -> tuple[Move, ...]:
        """The moves that are heard."""
        return tuple(move for move in self.moves if move.active)


@dataclass(frozen=True)
class Delivery:
    """How the master is written."""

    container: str = "WAV"
    subtype: str = "PCM_24"
    bit_depth: int | None = 24  # None: floating point or lossy, no rounding by us
    dither_seed: int = 0
    dithered: bool = True
