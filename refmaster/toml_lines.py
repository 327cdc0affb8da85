"""Where in a TOML text a key stands: line numbers for what is wrong with a value that could be read.

The text is known to be TOML by then. What stands within an inline table or an array is at the line of its key.
"""

import json
import re

Where = tuple[int | str, ...]
"""A key's way down the document; the rows of an array of tables are counted from 0."""

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEYS = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_KEYS})[ \t]*\]")
_KEY = re.compile(rf"[ \t]*({_KEYS})[ \t]*=(.*)", re.DOTALL)
_ENDS = {'"""': re.compile(r'(?:\\.|[^\\])*?"""'), "'''": re.compile(r".*?'''")}
_TOKEN = re.compile(  # what opens or closes something within a value, and what only looks so
    r'''"""|\'\'\'|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#.*|[\[\]{}]'''
)


def lines_of(text: str) -> dict[Where, int]:
    """The line, counted from 1, of every header and every key that begins a line."""
    found: dict[Where, int] = {}
    rows: dict[Where, int] = {}
    table: Where = ()
    still = _Open()
    for number, line in enumerate(text.split("\n"), start=1):
        if still.open:
            still.read(line)
        elif header := _HEADER.match(line):
            table = _table(header[1] == "[[", _parts(header[2]), rows)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_parts(key[1])), number)
            still.read(key[2])
    return found


def line_of(lines: dict[Where, int], where: Where) -> int | None:
    """The line of a key, or else of the nearest thing that holds it."""
    return next((lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in lines), None)


class _Open:
    """A value that goes on over the end of its line: a long string, or brackets."""

    def __init__(self) -> None:
        self._quote = ""
        self._depth = 0

    @property
    def open(self) -> bool:
        """Whether the next line still belongs to the value."""
        return bool(self._quote) or self._depth > 0

    def read(self, line: str) -> None:
        """Follow one more line of the value."""
        at = 0
        while at <= len(line):
            if self._quote:
                end = _ENDS[self._quote].match(line, at)
                if end is None:
                    return
                self._quote, at = "", end.end()
                continue
            token = _TOKEN.search(line, at)
            if token is None:
                return
            at = token.end()
            if token[0] in ('"""', "'''"):
                self._quote = token[0]
            elif token[0] in "[]{}":
                self._depth += 1 if token[0] in "[{" else -1


def _table(is_row: bool, parts: list[str], rows: dict[Where, int]) -> Where:
    """The way to the table that a header opens; a header of an array of tables opens the next row."""
    where: Where = ()
    for number, part in enumerate(parts, start=1):
        where = (*where, part)
        if is_row and number == len(parts):
            rows[where] = rows.get(where, -1) + 1
        if where in rows:
            where = (*where, rows[where])
    return where


def _parts(keys: str) -> list[str]:
    return [_bare(part) for part in re.findall(_PART, keys)]


def _bare(part: str) -> str:
    if part.startswith("'"):
        return part[1:-1]
    if part.startswith('"'):
        try:
            return str(json.loads(part))
        except ValueError:  # an escape that JSON does not know
            return part[1:-1]
    return part
