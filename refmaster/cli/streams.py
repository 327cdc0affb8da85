"""What is printed, and onto what: no terminal, pipe or full disk costs a job its end, or its exit code the truth.

A character that stdout or stderr cannot hold is written as JSON would write it, so JSON stays JSON. Where stdout takes
no more, what is printed ends and `Unprinted` says so; where stderr does not, nobody misses what was said there.
"""

import codecs
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PLAIN = {"−": "-", "→": "->", "…": "...", "·": "*", "≤": "<=", "≥": ">="}  # for signs of ours in a text
CLOSED = 141  # as a shell has it of a program whose reader went away: 128 and the number of SIGPIPE
NOT_ALL, REFUSED = 1, 2
_IN_TEXT, _IN_JSON = "refmaster.text", "refmaster.json"


class Unprinted(Exception):
    """Stdout takes no more. `code` is the exit code of the job that was told of; None where it is not known to be done.

    No OSError, or Typer would make an exit code of its own of it.
    """

    def __init__(self, why: OSError):
        super().__init__(why.strerror or str(why))
        self.closed = why.errno == errno.EPIPE
        self.code: int | None = None


class _Guarded(io.RawIOBase):
    """A stream that says once that it takes no more, and then takes all."""

    def __init__(self, under: io.RawIOBase, full: Callable[[OSError], None]):
        self._under, self._full, self._over = under, full, False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._under.fileno()

    def isatty(self) -> bool:
        return self._under.isatty()

    def write(self, data: "ReadableBuffer", /) -> int | None:
        if not self._over:
            try:
                return self._under.write(data)
            except OSError as error:
                self._over = True
                self._full(error)
        return memoryview(data).nbytes


def prepare() -> None:
    """Make stdout and stderr take any text, from now on, and know what it is when they take no more."""
    codecs.register_error(_IN_TEXT, _plain)
    codecs.register_error(_IN_JSON, _escaped)
    _open_what_is_closed()
    if os.environ.get("COLUMNS", "").strip("0 ") == "":
        os.environ.pop("COLUMNS", None)  # whoever says 0 does not know; rich would believe it, and print nothing
    sys.stdout = _prepared(sys.stdout, sys.__stdout__, _raise)
    sys.stderr = _prepared(sys.stderr, sys.__stderr__, lambda error: None)


@contextmanager
def telling(code: int) -> Iterator[None]:
    """What is printed within tells of a job that is done and ends with this exit code, whoever hears it."""
    try:
        yield
        sys.stdout.flush()
    except Unprinted as unheard:
        unheard.code = code
        raise


def code_of(unheard: Unprinted) -> int:
    """The exit code where stdout took no more; said in a line, unless a reader simply had enough."""
    done = unheard.code is not None
    if unheard.closed:
        return CLOSED if unheard.code is None else unheard.code
    end = "; the job itself is done" if done else ""
    print(f"refmaster: stdout could not be written ({unheard}), so not all is printed{end}", file=sys.stderr)
    return REFUSED if unheard.code is None else max(NOT_ALL, unheard.code)


def print_json(text: str) -> None:
    """A JSON document on stdout, the same to whoever reads it whatever stdout can hold."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, _IN_JSON).decode(encoding))


def _open_what_is_closed() -> None:
    """Have descriptors 0 to 2 lead nowhere: else a file of ours gets one, and libraries write their warnings there."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free: this one


def _prepared(stream: TextIO | None, original: TextIO | None, full: Callable[[OSError], None]) -> TextIO:
    """A stream that takes any text; that of the process itself is guarded, one that stands for it is left in place."""
    if stream is None:  # it was closed before we began
        return open(os.devnull, "w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    if stream is not original:
        stream.reconfigure(errors=_IN_TEXT)
        return stream
    under = cast(io.RawIOBase, getattr(stream.buffer, "raw", stream.buffer))  # with python -u there is no buffer
    return io.TextIOWrapper(
        io.BufferedWriter(_Guarded(under, full)),
        encoding=stream.encoding,
        errors=_IN_TEXT,
        line_buffering=stream.line_buffering or stream.write_through,
    )


def _raise(error: OSError) -> None:
    raise Unprinted(error) from error


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
