"""A sound file that is read or written straight through, from front to back.

python-soundfile seeks after every block of a file that can seek. That is slow in compressed formats, fails in FLAC
streams whose header leaves the length open, and is of no use to us; a stream says that it cannot.
"""

import errno
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import soundfile as sf

from refmaster.stored import BITS, SAMPLE_BYTES

PIECE_SAMPLES = 4096  # Vorbis puts a block on the C stack and crashes with large ones (python-soundfile #233, #396)
OPEN_LENGTH_SAMPLES = 2**36 - 1  # the largest that FLAC can claim: from here on a header says "unknown"
LITTLE_ENDIAN = ("WAV", "WAVEX", "RF64", "W64")

RAW_KNOWN = all(hasattr(getattr(sf, "_snd", None), name) for name in ("sf_read_raw", "sf_write_raw"))  # not promised

_REMARK = re.compile(rb"(Note|Warning|Error): |\[[^]]*libmpg123|\[[\w./]+\.[ch]:")  # of libmpg123

OBJECTIONS = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)  # to a file that could be opened


class SoundStream(sf.SoundFile):  # type: ignore[misc]  # soundfile ships no types
    """A sound file that never seeks."""

    def seekable(self) -> bool:
        """Never: see the module."""
        return False

    def read(self, *asked: Any, **named: Any) -> Any:
        """The next samples, as soundfile gives them; what the decoder of MP3 remarks is kept from stderr."""
        if self.format != "MP3":
            return super().read(*asked, **named)
        with hushed():
            return super().read(*asked, **named)

    def flush(self) -> None:
        """Leave it to libsndfile, which hands all over as it closes; soundfile would wait for the disk as well.

        Who needs it on the disk waits once, for the finished file.
        """

    @property
    def raw_width(self) -> int | None:
        """Bytes of a sample that can be taken from the file, or given to it, as they lie there; else None."""
        plain = self.format in LITTLE_ENDIAN and self.endian in ("FILE", "LITTLE") and self.channels <= 2
        return SAMPLE_BYTES[self.subtype] if plain and RAW_KNOWN and self.subtype in BITS else None

    def read_raw(self, n_samples: int) -> npt.NDArray[np.uint8]:
        """The next samples of all channels as they lie in the file, fewer at its end; `raw_width` must be known."""
        frame_bytes = self.channels * (self.raw_width or 0)
        data = np.empty(n_samples * frame_bytes, dtype=np.uint8)
        found = sf._snd.sf_read_raw(self._file, sf._ffi.from_buffer(data), data.size)
        return data[: max(0, found) // frame_bytes * frame_bytes]

    def write_raw(self, data: npt.NDArray[np.uint8]) -> None:
        """Write samples as the file is to hold them. Raises OSError where there is no room for all."""
        if sf._snd.sf_write_raw(self._file, sf._ffi.from_buffer(data), data.size) != data.size:
            raise no_room()


def objection() -> int | None:
    """The number of what the system held against a write of libsndfile's, which itself says "System error", or worse.

    None where nobody can tell.
    """
    number = getattr(getattr(sf, "_ffi", None), "errno", None)  # not promised
    return number if number in OBJECTIONS else None


def forget_objection() -> None:
    """Begin anew: what was held against an earlier file says nothing of the next."""
    if hasattr(sf, "_ffi"):
        sf._ffi.errno = 0


def no_room() -> OSError:
    """What it means that libsndfile wrote less than it was given."""
    number = objection() or errno.ENOSPC
    return OSError(number, os.strerror(number))


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[SoundStream]:
    """The sound of a file, opened by its descriptor: a name that is no UTF-8 works, and its ending decides nothing."""
    if sys.platform == "win32":  # its C runtimes do not share descriptors, and its names are text
        with hushed():
            opened = SoundStream(os.fspath(path))
        with opened as stream:
            yield stream
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with hushed():
            opened = SoundStream(descriptor, closefd=False)
        with opened as stream:
            yield stream
    finally:
        os.close(descriptor)


@contextmanager
def hushed() -> Iterator[None]:
    """Keep from stderr what libmpg123 remarks on an odd file: it is no word of ours, and `load` tells what is wrong.

    It writes to the descriptor of the whole process. What anybody else writes there meanwhile comes out at the end.
    """
    me = object()
    try:
        _HUSH.begin(me)
        yield
    finally:
        _HUSH.end(me)


class _Hush:
    """The descriptor of stderr, led into a file for as long as anybody wants it so."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._users: set[object] = set()
        self._saved: int | None = None
        self._caught: IO[bytes] | None = None

    def begin(self, user: object) -> None:
        """Lead it away, unless it is already; where that cannot be, it stays."""
        with self._turn, suppress(OSError):
            self._users.add(user)
            if self._saved is None:
                self._caught = TemporaryFile()  # noqa: SIM115  # it is closed where this ends
                self._saved = os.dup(2)
                os.dup2(self._caught.fileno(), 2)

    def end(self, user: object) -> None:
        """Lead it back when nobody wants it otherwise, and let out what is not the decoder's."""
        with self._turn, suppress(OSError):
            self._users.discard(user)
            if self._users or self._saved is None or self._caught is None:
                return
            os.dup2(self._saved, 2)
            os.close(self._saved)
            self._saved = None
            self._caught.seek(0)
            with self._caught as caught:
                rest = b"".join(line for line in caught if line.strip() and not _REMARK.match(line))
            if rest:
                os.write(2, rest)


_HUSH = _Hush()  # of the process, as its stderr is
