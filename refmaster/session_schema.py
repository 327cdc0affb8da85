"""What a session file may hold: types, required keys, refusals. Ranges of values are the movers' business."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Number = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class InputModel(_Strict):
    """A file the session was made from."""

    path: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


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

        bits = {"PCM_16": 16, "PCM_24": 24, "PCM_32": 32}.get(self.subtype)
        if bits != self.bit_depth or not sf.check_format(self.container, self.subtype):
            raise ValueError(f"{self.container} with {self.subtype} and bit_depth {self.bit_depth} is no format")
        return self


class PlanModel(_Strict):
    """The goals of level and ceiling."""

    goal_lufs: Number | None = None
    ceiling_dbtp: Number | None = None


class GapModel(_Strict):
    """A difference that a move answers."""

    feature: str
    target: Number
    reference: Number
    tolerance: Number
    uncertainty: Number
    taken_pct: Number


class MoveModel(_Strict):
    """One move."""

    id: str
    verdict: Literal["keep", "override", "drop"]
    locked: bool = False
    note: str = ""
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0
    values: dict[str, Number]
    proposed: dict[str, Number] = {}
    because: list[GapModel] = []


class TextModel(_Strict):
    """Something that was left alone, or not reached."""

    what: str
    text: str


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
