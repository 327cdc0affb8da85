"""Reading a library's JSON, and refusing what cannot be believed: one line that names the file, the track, the field.

A library is a user's own file and may be anybody's, so what is said names it by its path, and a track by its name.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from refmaster.contents import content
from refmaster.errors import BadSetting
from refmaster.genres.reading import LARGEST, LARGEST_BYTES, Fields
from refmaster.names import shown, storable
from refmaster.units import unit_of

REMEDY = "build it again, or take it out of the folder"
NAMED_BY = ("artist", "title", "file")
MOST_LETTERS = 60  # of a name or a value that is quoted: who reads the line has to find its end


def library_document(path: Path) -> dict[str, object]:
    """The JSON object of a library's file. BadSetting where the file is missing, too large or damaged.

    NaN, which JSON does not have, is let in: who asks for the number refuses it by its track and field.
    """
    name = shown(path)
    try:
        text = content(path, LARGEST_BYTES)
        if text is None:
            most_mb = LARGEST_BYTES // 1_000_000
            raise BadSetting(
                f"{name} is larger than {most_mb} MB, the most that is read; build several libraries of it"
            )
        data = json.loads(text.decode("utf-8"))
    except FileNotFoundError as error:
        raise BadSetting(f"{name} does not exist; check the name and the folder") from error
    except OSError as error:
        raise BadSetting(f"{name} cannot be read ({error.strerror}); check it and its permissions") from error
    except json.JSONDecodeError as error:
        raise BadSetting(f"{name} is damaged (no JSON, line {error.lineno}); {REMEDY}") from error
    except (ValueError, RecursionError) as error:  # no text, a number of thousands of digits, lists without an end
        raise BadSetting(f"{name} is damaged (no JSON); {REMEDY}") from error
    if not isinstance(data, dict):
        raise BadSetting(f"{name} is no library (its JSON is no object); {REMEDY}")
    return data


def called(artist: str, title: str, file: str) -> str:
    """How a track is called: by its tags, or by its file."""
    return " – ".join(part for part in (artist, title) if part) if title else file


class LibraryFields(Fields):
    """The fields of a library, or of one of its tracks, checked as they are asked for; `at` names the track."""

    def refuse(self, key: str, why: str) -> NoReturn:
        """One line that names the file, the track, the field, and what is wrong with it."""
        raise BadSetting(f"{shown(self.name)}{self.at}: `{key}` {why}; {REMEDY}")

    def text(self, key: str) -> str:
        r"""Text that is not empty, and that UTF-8 can hold: JSON may name half a character, `\ud800`."""
        return storable(super().text(key))

    def tracks(self) -> Iterator["LibraryFields"]:
        """The tracks one by one, each under its name, or its place where it has none."""
        for number, data in enumerate(self.sequence("tracks"), 1):
            if not isinstance(data, dict):
                self.refuse("tracks", f"holds {brief(data)} in place {number}; allowed: an object for each track")
            yield LibraryFields(self.name, data, f", track {_name(data) or number}")

    def number(self, key: str, *, low: float = -LARGEST, high: float = LARGEST) -> float:
        """A number within bounds."""
        return self.within(key, self._value(key), low, high)

    def within(self, key: str, value: object, low: float, high: float) -> float:
        """The value, which a field is or holds, as a number within bounds."""
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        verb = "holds" if isinstance(self.data.get(key), list) else "is"
        unit = f" {unit_of(key) or ''}".rstrip()
        return self.refuse(key, f"{verb} {brief(value)}; allowed: a number, {span(low, high)}{unit}")


def span(low: float, high: float) -> str:
    """Bounds as a person reads them."""
    return f"{low:.10g} to {high:.10g}".replace("-", "−")


def brief(value: object) -> str:
    """A value as the file has it, on one line and not long."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return _cut(shown(json.dumps(value, ensure_ascii=False)))


def _name(data: dict[str, object]) -> str:
    artist, title, file = (shown(v).strip() if isinstance(v := data.get(k), str) else "" for k in NAMED_BY)
    return _cut(called(artist, title, file))


def _cut(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"
