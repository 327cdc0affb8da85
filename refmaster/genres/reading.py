"""Reading a genre's file, and refusing one that cannot be believed: one line that names the file and what is wrong."""

import json
import math
from pathlib import Path
from typing import NoReturn

from refmaster.contents import content
from refmaster.errors import BadSetting
from refmaster.names import shown
from refmaster.records import Genre, Spread, ToneSpread, WidthSpread

SCHEMA = 1
KINDS = ("measured", "published")
PERCENTILES = ("p10", "p25", "p50", "p75", "p90")
LARGEST_BYTES = 16_000_000  # a file of numbers; nobody writes one so long
LARGEST = 1e6  # no level, frequency or count of a genre is larger


def read_genre(path: Path) -> Genre:
    """The genre that a file describes. BadSetting where it is damaged, or newer than this program."""
    fields = Fields(path.name, document(path))
    schema = fields.count("schema")
    if schema > SCHEMA:
        raise BadSetting(
            f"{shown(path.name)}: made by a newer refmaster (schema {schema}, read here: {SCHEMA}); update refmaster"
        )
    if fields.text("kind") not in KINDS:
        fields.refuse("kind", f"is {fields.text('kind')!r}; allowed: {', '.join(KINDS)}")
    sd_hz = fields.numbers("song_sd_hz", low=0.0)
    return Genre(
        name=fields.text("name"),
        label=fields.text("label"),
        n_tracks=fields.count("n_tracks"),
        source=fields.text("source"),
        song_sd_hz=sd_hz,
        song_sd_db=fields.numbers("song_sd_db", length=len(sd_hz), low=0.0),
        segment_sd_db=fields.number("segment_sd_db", low=0.0),
        limiting_db=fields.number("limiting_db", low=0.0),
        kind=fields.text("kind"),
        trust=fields.number("trust", low=0.0, high=1.0),
        n_artists=fields.count("n_artists"),
        tone=_tone(fields.part("tone")),
        width=_width(fields.part("width")),
        spreads=tuple(_spread(part) for part in fields.parts("spreads")),
        practice_lufs=_practice(fields.part("practice_lufs")),
    )


def other_names(path: Path) -> tuple[str, ...]:
    """The other names that a file's genre goes by, its label, which is what a person reads, among them."""
    fields = Fields(path.name, document(path))
    return (fields.text("label"), *(str(name) for name in fields.sequence("also")))


def document(path: Path) -> dict[str, object]:
    """The file's JSON object; NaN and infinity, which JSON does not have, are refused here."""
    name = shown(path.name)

    def refuse(word: str) -> NoReturn:
        raise BadSetting(f"{name}: holds {word}, which is no number; restore the file")

    try:
        text = content(path, LARGEST_BYTES)
        if text is None:
            raise BadSetting(f"{name}: larger than {LARGEST_BYTES // 1_000_000} MB; not a genre's file")
        data = json.loads(text.decode("utf-8"), parse_constant=refuse)
    except OSError as error:
        raise BadSetting(f"{name}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise BadSetting(f"{name}: not JSON ({error})") from error
    if not isinstance(data, dict):
        raise BadSetting(f"{name}: not a JSON object; restore the file")
    return data


def _tone(fields: "Fields | None") -> ToneSpread | None:
    if fields is None:
        return None
    band_hz = fields.bands()
    n = len(band_hz)
    return ToneSpread(
        band_hz=band_hz,
        mean_db=fields.numbers("mean_db", length=n),
        mean_sd_db=fields.numbers("mean_sd_db", length=n, low=0.0),
        factors_db=fields.rows("factors_db", length=n),
        rest_sd_db=fields.numbers("rest_sd_db", length=n, low=1e-3),
    )


def _width(fields: "Fields | None") -> WidthSpread | None:
    if fields is None:
        return None
    band_hz = fields.bands()
    return WidthSpread(
        band_hz=band_hz,
        mean_db=fields.numbers("mean_db", length=len(band_hz)),
        sd_db=fields.numbers("sd_db", length=len(band_hz), low=1e-3),
    )


def _spread(fields: "Fields") -> Spread:
    known = {name: fields.number(name) for name in PERCENTILES if fields.data.get(name) is not None}
    for needed in ("p10", "p50", "p90"):
        if needed not in known:
            fields.refuse(needed, "is missing")
    if list(known.values()) != sorted(known.values()):
        fields.refuse("p10", "to p90 do not rise")
    return Spread(
        name=fields.text("name"),
        p10=known["p10"],
        p25=known.get("p25"),
        p50=known["p50"],
        p75=known.get("p75"),
        p90=known["p90"],
        n_tracks=fields.count("n_tracks"),
    )


def _practice(fields: "Fields | None") -> Spread | None:
    return None if fields is None else _spread(fields)


class Fields:
    """A JSON object whose fields are checked as they are asked for."""

    def __init__(self, name: str, data: dict[str, object], at: str = ""):
        self.name, self.data, self.at = name, data, at

    def refuse(self, key: str, why: str) -> NoReturn:
        """One line that names the file, the field, and what is wrong with it."""
        raise BadSetting(f"{shown(self.name)}: `{self.at}{key}` {why}; restore the file")

    def text(self, key: str) -> str:
        """Text that is not empty."""
        value = self._value(key)
        return value if isinstance(value, str) and value else self.refuse(key, "is no text")

    def count(self, key: str) -> int:
        """A whole number from 0 on."""
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
            self.refuse(key, "is no whole number from 0 on")
        return value

    def number(self, key: str, *, low: float = -LARGEST, high: float = LARGEST) -> float:
        """A number within bounds."""
        return self._checked(key, self._value(key), low, high)

    def numbers(
        self, key: str, *, length: int | None = None, low: float = -LARGEST, high: float = LARGEST
    ) -> tuple[float, ...]:
        """Numbers within bounds, so many where a length is given."""
        values = self.sequence(key)
        if not values or (length is not None and len(values) != length):
            self.refuse(key, f"holds {len(values)} numbers where {length or 'some'} are needed")
        return tuple(self._checked(key, value, low, high) for value in values)

    def bands(self) -> tuple[float, ...]:
        """Frequencies that rise."""
        band_hz = self.numbers("band_hz", low=1.0)
        if list(band_hz) != sorted(set(band_hz)):
            self.refuse("band_hz", "does not rise")
        return band_hz

    def rows(self, key: str, *, length: int) -> tuple[tuple[float, ...], ...]:
        """A matrix, row by row."""
        rows = self.sequence(key)
        if any(not isinstance(row, list) or len(row) != length for row in rows):
            self.refuse(key, f"has a row that does not hold {length} numbers")
        return tuple(Fields(self.name, {key: row}, self.at).numbers(key, length=length) for row in rows)

    def part(self, key: str) -> "Fields | None":
        """An object within, or None."""
        value = self._value(key)
        if value is None:
            return None
        return Fields(self.name, value, f"{self.at}{key}.") if isinstance(value, dict) else self.refuse(key, "is none")

    def parts(self, key: str) -> list["Fields"]:
        """A list of objects."""
        values = self.sequence(key)
        return [
            Fields(self.name, value, f"{self.at}{key}[{i}].") if isinstance(value, dict) else self.refuse(key, "is off")
            for i, value in enumerate(values)
        ]

    def sequence(self, key: str) -> list[object]:
        """A list of anything."""
        value = self._value(key)
        return value if isinstance(value, list) else self.refuse(key, "is no list")

    def _value(self, key: str) -> object:
        return self.data[key] if key in self.data else self.refuse(key, "is missing")

    def _checked(self, key: str, value: object, low: float, high: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
            self.refuse(key, "holds what is no number")
        if not low <= value <= high:
            self.refuse(key, f"holds a number outside {low:g} to {high:g}")
        return float(value)
