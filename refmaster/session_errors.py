"""What is wrong with a session file, in one line: the file, the line, the key, what was found and what is allowed."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from refmaster.errors import BadSetting
from refmaster.names import shown
from refmaster.toml_lines import Where, line_of, lines_of
from refmaster.version import __version__
from refmaster.writing import lowered

if TYPE_CHECKING:
    from pydantic import ValidationError

LONGEST_VALUE = 40


def refused(path: Path, text: str, where: Where, what: str) -> BadSetting:
    """The error for a key of the file, with its line."""
    line = line_of(lines_of(text), where)
    return BadSetting(f"{shown(path)}{'' if line is None else f', line {line}'}: {what}")


def refused_model(path: Path, text: str, error: "ValidationError", data: Mapping[str, object]) -> BadSetting:
    """The first thing that the schema objects to, in a person's words."""
    from refmaster.session_schema import keys_at

    found = error.errors(include_url=False)
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])  # a misspelt key is missing, too
    where = tuple(first["loc"])
    key = _written(where)
    version = data.get("version")
    other = f"; it was written by refmaster {shown(str(version))}, this is {__version__}"
    newer = other if isinstance(version, str) and version != __version__ else ""
    if first["type"] == "extra_forbidden":
        known = keys_at(where[:-1])
        near = get_close_matches(str(where[-1]), known, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
        return refused(path, text, where, f"{key}: no such key{hint}{newer}")
    if first["type"] == "missing":
        return refused(path, text, where, f"{key} is missing")
    return refused(path, text, where, f"{key}: {_within(first['msg'])}{_found(first.get('input'))}")


def _written(where: Where) -> str:
    """A key as a person would name it: rows are counted from 1."""
    parts = [f"[{part + 1}]" if isinstance(part, int) else f".{shown(part)}" for part in where]
    return "".join(parts).lstrip(".")


def _within(message: str) -> str:
    """A message of pydantic's after the key that it is about; our own are written for that place."""
    own = message.removeprefix("Value error, ")
    return own if own != message else lowered(message)


def _found(value: object) -> str:
    """What stands there, where that is short enough to help."""
    if not isinstance(value, str | int | float | bool):
        return ""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return f", found {shown(text)}" if len(text) <= LONGEST_VALUE else ""
