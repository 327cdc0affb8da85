"""What a session file may hold: types, required keys, refusals. Ranges of values are the movers' business."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from refmaster.stored import BITS

Number = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class InputModel(_Strict):
    """A file the session was made from."""

    path: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    tone: Annotated[float, Field(ge=0, le=10)] = 1.0
    dynamics: Annotated[float, Field(ge=0, le=10)] = 1.0
    image: Annotated[float, Field(ge=0, le=10)] = 1.0
    level: Annotated[float, Field(ge=0, le=10)] = 1.0


class RequestModel(_Strict):
    """What was asked for."""

    amount_pct: Annotated[float, Field(ge=0, le=100)] = 50.0
    loudness_lufs: Annotated[float, Field(ge=-60, le=0)] | None = None
    ceiling_dbtp: Annotated[float, Field(ge=-24, le=0)] = -1.0
    only: list[Literal["repair", "tone", "dynamics", "colour", "image", "level", "ceiling"]] = []
    max_bands: Annotated[int, Field(ge=1, le=30)] | None = None
    phase: Literal["minimum", "linear"] = "minimum"
    same_song: bool = False
    fresh: bool = False
    genre: Annotated[str, Field(min_length=1)] = "auto"
    library: str = ""


class DeliveryModel(_Strict):
    """How the master is written."""

    container: Literal["WAV", "RF64", "W64", "AIFF", "CAF", "FLAC", "OGG", "MP3"]
    subtype: Literal["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "VORBIS", "OPUS", "MPEG_LAYER_III"]
    bit_depth: Literal[16, 24, 32] | None = None
    dither_seed: int = 0
    dithered: bool

    @model_validator(mode="after")
    def _fits(self) -> "DeliveryModel":
        import soundfile as sf

        if BITS.get(self.subtype) != self.bit_depth or not sf.check_format(self.container, self.subtype):
            raise ValueError(f"{self.container} with {self.subtype} and bit_depth {self.bit_depth} is no format")
        return self


class PlanModel(_Strict):
    """The goals of level and ceiling."""

    goal_lufs: Number | None = None
    asked_lufs: Number | None = None
    ceiling_dbtp: Number | None = None


class GapModel(_Strict):
    """A difference that a move answers."""

    feature: str
    target: Number
    reference: Number
    tolerance: Number
    uncertainty: Number
    taken_pct: Number
    toward: str = "the reference"


class EffectModel(_Strict):
    """What a move did to the feature it claims."""

    feature: str
    before: Number
    after: Number


class DecidedModel(_Strict):
    """A move without its name: what it is set to, and what led there."""

    verdict: Literal["keep", "override", "drop"]
    locked: bool = False
    note: str = ""
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0
    values: dict[str, Number]
    proposed: dict[str, Number] = {}
    because: list[GapModel] = []


class MoveModel(DecidedModel):
    """One move."""

    id: str
    effect: EffectModel | None = None


class TextModel(_Strict):
    """Something that was left alone, or not reached."""

    what: str
    text: str


class AssumedModel(_Strict):
    """Something taken for granted."""

    question: str
    assumed: str


class CheckModel(_Strict):
    """A promise about the master."""

    name: str
    value: Number | None = None
    low: Number | None = None
    high: Number | None = None


class ReadingModel(_Strict):
    """The figures of a track."""

    duration_s: Number
    integrated_lufs: Number | None = None
    true_peak_dbtp: Number | None = None
    max_short_term_lufs: Number | None = None
    loudness_range_lu: Number | None = None
    plr_db: Number | None = None
    psr_db: Number | None = None
    crest_db: Number | None = None
    correlation: Number | None = None
    tilt_db_per_oct: Number | None = None
    mono_loss_db: Number | None = None


class WorkModel(_Strict):
    """What the limiter did."""

    max_db: Number
    share_working_pct: Number
    share_over_4_db_pct: Number
    tone_db: Number | None = None
    tone_hz: Number | None = None


class GenreModel(_Strict):
    """What was taken as normal."""

    name: str
    n_tracks: int
    share: Number | None = None


class OutcomeModel(_Strict):
    """What was measured when the session was last rendered."""

    status: Literal["mastered", "unchanged", "sent_back"]
    taken: str
    kinship: Annotated[float, Field(ge=0, le=1)] | None = None
    ignored: list[str] = []
    notes: list[str] = []
    target: ReadingModel
    reference: ReadingModel | None = None
    master: ReadingModel
    genre: GenreModel
    limiter: WorkModel | None = None


class RevisionModel(_Strict):
    """What one render changed; what is left out is as in the revision before."""

    number: Annotated[int, Field(ge=1)]
    version: str
    by: list[Literal["refmaster", "flags", "file"]]
    flags: list[str] = []
    said: list[str]
    integrated_lufs: Number | None = None
    true_peak_dbtp: Number | None = None
    chain: list[str]
    target: InputModel | None = None
    reference: list[InputModel] | None = None
    request: RequestModel | None = None
    delivery: DeliveryModel | None = None
    plan: PlanModel | None = None
    left_alone: list[TextModel] | None = None
    not_reached: list[TextModel] | None = None
    assumed: list[AssumedModel] | None = None
    moves: dict[str, DecidedModel] = {}


class SessionModel(_Strict):
    """The whole file."""

    schema_: Annotated[int, Field(alias="schema", ge=1)]
    version: str
    engine: Literal["refmaster", "matchering"]
    seal: str
    target: InputModel
    reference: list[InputModel] = []
    request: RequestModel
    delivery: DeliveryModel
    plan: PlanModel
    move: list[MoveModel] = []
    left_alone: list[TextModel] = []
    not_reached: list[TextModel] = []
    assumed: list[AssumedModel] = []
    check: list[CheckModel] = []
    outcome: OutcomeModel | None = None
    revision: list[RevisionModel] = []


def keys_at(where: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys that may stand in a table of the file; none where any may, or where it is no table."""
    model: type[BaseModel] = SessionModel
    for part in where:
        if isinstance(part, int):
            continue
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        inner = [] if field is None else _models_in(field.annotation)
        if field is None and part not in model.model_fields:
            continue  # a name within a dict of moves
        if not inner:
            return ()
        model = inner[0]
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _models_in(annotation: object) -> list[type[BaseModel]]:
    """The models of an annotation such as `list[MoveModel]` or `InputModel | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
