"""Records: what travels from step to step.

All are frozen, hold tuples instead of lists, and compute no sound. To change one, make the next one
(`dataclasses.replace`, `Move.at`). What could not be measured is None.
"""

import math
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from typing import Literal

from refmaster.errors import BadSetting
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


@dataclass(frozen=True)
class Source:
    """A file, or an array, that sound comes from. Sample counts are not here: headers lie, so they are counted."""

    path: str
    sha256: str
    sample_rate_hz: int
    channels: int
    container: str  # libsndfile's name, "WAV"; "array" for sound that is in memory already
    subtype: str  # "PCM_24", "VORBIS", …
    bit_depth: int | None  # None for lossy files and where the format does not say
    lossy: bool


@dataclass(frozen=True)
class BandLevels:
    """Distribution of the level of 50 ms blocks in one frequency band of the mid, over active blocks."""

    low_hz: float
    high_hz: float
    p10_dbfs: float
    p50_dbfs: float
    p95_dbfs: float
    p99_dbfs: float


@dataclass(frozen=True)
class Defect:
    """Something about a file that a person should know: a name, one number, and a sentence."""

    name: str
    value: float
    text: str


@dataclass(frozen=True)
class Section:
    """A stretch of the track that hangs together, and how loud it is."""

    start_s: float
    end_s: float
    integrated_lufs: float | None


@dataclass(frozen=True)
class Profile:
    """All that is measured of one track. Numbers only; is JSON.

    Bands are 1/6 octave, centres in `band_hz`. `ltas_db` is the level of the mid in each band, dBFS, averaged in
    power over active frames; `ltas_sd_db` how far ~5 s segments stand from it; `side_to_mid_db` the side's level
    above the mid's (None in mono and where either holds nothing). Histories are one value each `history_hop_s`.
    """

    path: str
    sha256: str
    sample_rate_hz: int
    channels: int
    n_samples: int
    duration_s: float
    container: str
    subtype: str
    lossy: bool
    integrated_lufs: float | None
    loudness_range_lu: float | None
    max_short_term_lufs: float | None
    max_momentary_lufs: float | None
    true_peak_dbtp: float | None
    sample_peak_dbfs: float | None
    plr_db: float | None
    psr_db: float | None
    psr_p10_db: float | None
    crest_db: float | None
    correlation: float | None
    balance_db: float | None
    tilt_db_per_oct: float | None
    hf_cutoff_hz: float | None
    mono_loss_db: float | None
    band_hz: tuple[float, ...]
    ltas_db: tuple[float, ...]
    ltas_sd_db: tuple[float, ...]
    side_to_mid_db: tuple[float | None, ...]
    dynamics: tuple[BandLevels, ...]
    dc_offset_pct: tuple[float, ...]
    history_hop_s: float
    short_term_lufs: tuple[float | None, ...]
    momentary_lufs: tuple[float | None, ...]
    sections: tuple[Section, ...] = ()
    defects: tuple[Defect, ...] = ()


@dataclass(frozen=True)
class Genre:
    """What is normal for a kind of music, and how much good records of it differ (1/6-octave bands)."""

    name: str
    label: str
    n_tracks: int
    source: str
    song_sd_hz: tuple[float, ...]
    song_sd_db: tuple[float, ...]  # between songs, level removed, at song_sd_hz
    segment_sd_db: float  # between parts of one song
    limiting_db: float  # more than this at the limiter for over 1 % of the time is too high a price
    share: float | None = None


@dataclass(frozen=True)
class Gap:
    """How far a feature of the target is from the reference's.

    `tolerance` is how far it may be without anybody minding; `uncertainty` the standard deviation of the
    difference that arrangement alone would cause; `taken_pct` how much of the difference the move closes.
    """

    feature: str
    target: float
    reference: float
    tolerance: float
    uncertainty: float
    taken_pct: float = 0.0

    @property
    def delta(self) -> float:
        """Reference minus target: positive means the target has too little."""
        return self.reference - self.target

    @property
    def confidence(self) -> float:
        """How surely the difference is more than chance, 0 to 1: the share of its square that is not noise."""
        noise, signal = self.uncertainty**2, self.delta**2
        return signal / (signal + noise) if signal + noise > 0 else 0.0


@dataclass(frozen=True)
class Curve:
    """A difference in each band, reference minus target, and what is believed of it; all dB at `Comparison.band_hz`.

    `full_db` is the difference of averages, smoothed; `matched_db` that of matched passages, like with like;
    `wanted_db` what of it the evidence supports (the posterior mean); `sd_db` how uncertain that is; `weight` 0…1 is
    how much a band can be trusted, 0 where either track has nothing.
    """

    full_db: tuple[float, ...]
    matched_db: tuple[float, ...]
    wanted_db: tuple[float, ...]
    sd_db: tuple[float, ...]
    weight: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """Target and reference side by side: how close relatives they are, and their differences in tone and width.

    `kinship`, 0 to 1, is how much like parts of one song the two behave; `width` is None in mono.
    """

    kinship: float
    band_hz: tuple[float, ...]
    tone: Curve
    width: Curve | None
    identical: bool = False  # both hold the same sound
    ignored: tuple[str, ...] = ()  # what the reference could not teach, and why


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

    def at(self, value: float) -> "Param":
        """The same parameter at another value; refuses what is out of range."""
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise BadSetting(
                f"{self.name}={value:g} is out of range; allowed: {self.low:g} to {self.high:g}"
                f" {unit_of(self.name) or ''}".rstrip()
            )
        return replace(self, value=float(value))


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

    def __getitem__(self, name: str) -> float:
        return self.param(name).value

    def param(self, name: str) -> Param:
        """The parameter of this name; the error names those that exist."""
        for one in self.params:
            if one.name == name:
                return one
        raise BadSetting(f"{self.id} has no parameter {name!r}; it has: {', '.join(p.name for p in self.params)}")

    def at(self, **values: float) -> "Move":
        """The same move with other values; refuses unknown names and values out of range."""
        for name in values:
            self.param(name)
        return replace(self, params=tuple(p.at(values[p.name]) if p.name in values else p for p in self.params))

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


@dataclass(frozen=True)
class Decision:
    """What a person decided about one move: by flag, by session file, or on the review page."""

    move: str
    verdict: Verdict
    values: tuple[tuple[str, float], ...] = ()
    note: str = ""
    locked: bool = False


@dataclass(frozen=True)
class Request:
    """What a person asked for, before any evidence.

    `loudness_lufs` None means the reference's own; `max_bands` None lets the amount decide; `only` empty means all.
    """

    amount_pct: float = 50.0
    loudness_lufs: float | None = None
    ceiling_dbtp: float = -1.0
    only: tuple[Stage, ...] = ()
    max_bands: int | None = None


@dataclass(frozen=True)
class Plan:
    """All moves in chain order, dropped ones among them, and what was not done and why."""

    moves: tuple[Move, ...]
    rejected: tuple[Rejected, ...] = ()
    not_reached: tuple[NotReached, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    goal_lufs: float | None = None
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


@dataclass(frozen=True)
class Check:
    """A promise about the master. None for a bound means there is none on that side."""

    name: str
    value: float | None
    low: float | None
    high: float | None

    @property
    def passed(self) -> bool:
        """Whether the value lies between the bounds; a value that could not be measured fails."""
        if self.value is None:
            return self.low is None and self.high is None
        return (self.low is None or self.value >= self.low) and (self.high is None or self.value <= self.high)


@dataclass(frozen=True)
class GainReduction:
    """What the limiter did over time: the deepest reduction in each `hop_s`, and its summary. dB, ≥ 0."""

    hop_s: float
    history_db: tuple[float, ...]
    max_db: float
    share_working_pct: float  # of the time with more than 0.1 dB
    share_over_4_db_pct: float


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
    checks: tuple[Check, ...] = ()
    effects: tuple[tuple[str, Effect], ...] = ()
    texts: tuple[tuple[str, str], ...] = ()  # move id → its explanation
    gain_reduction: GainReduction | None = None
    files: Files = field(default_factory=Files)
    notes: tuple[str, ...] = ()  # one-line things to know: a file read as another format, a reference resampled

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


@dataclass(frozen=True)
class Session:
    """Enough to make the same bytes again. `seal` is the hash of the chain as it was last solved and rendered."""

    schema: int
    version: str
    engine: str
    target: Input
    references: tuple[Input, ...]
    request: Request
    plan: Plan
    delivery: Delivery
    seal: str
