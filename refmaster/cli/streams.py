"""What is printed, and onto what: a terminal that lacks our signs costs no run its end.

A character that stdout or stderr cannot hold is written as JSON would write it, so JSON stays JSON.
"""

import codecs
import io
import sys

PLAIN = {"−": "-", "→": "->", "…": "...", "·": "*", "≤": "<=", "≥": ">="}  # for signs of ours in a text
_IN_TEXT, _IN_JSON = "refmaster.text", "refmaster.json"


def prepare() -> None:
    """Make stdout and stderr take any text, from now on."""
    codecs.register_error(_IN_TEXT, _plain)
    codecs.register_error(_IN_JSON, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_IN_TEXT)


def print_json(text: str) -> None:
    """A JSON document on stdout, the same to whoever reads it whatever stdout can hold."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, _IN_JSON).decode(encoding))


def _plain(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that an encoding does not know, in a text for a person."""
    return _replaced(error, PLAIN)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    r"""The same in JSON, to the letter: `\u2212`, and two of them beyond the first 65536 characters."""
    return _replaced(error, {})


def _replaced(error: UnicodeError, known: dict[str, str]) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unknown = error.object[error.start : error.end]
    return "".join(known.get(one) or _units(one) for one in unknown), error.end


def _units(character: str) -> str:
    raw = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{raw[at : at + 2].hex()}" for at in range(0, len(raw), 2))
