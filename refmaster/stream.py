"""A sound file that is read or written straight through, from front to back.

python-soundfile seeks after every block of a file that can seek. That is slow in compressed formats, fails in FLAC
streams whose header leaves the length open, and is of no use to us; a stream says that it cannot.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import soundfile as sf

PIECE_SAMPLES = 4096  # Vorbis puts a block on the C stack and crashes with large ones (python-soundfile #233, #396)
OPEN_LENGTH_SAMPLES = 2**36 - 1  # the largest that FLAC can claim: from here on a header says "unknown"


class SoundStream(sf.SoundFile):  # type: ignore[misc]  # soundfile ships no types
    """A sound file that never seeks."""

    def seekable(self) -> bool:
        """Never: see the module."""
        return False


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[SoundStream]:
    """The sound of a file, opened by its descriptor: a name that is no UTF-8 works, and its ending decides nothing."""
    if sys.platform == "win32":  # its C runtimes do not share descriptors, and its names are text
        with SoundStream(os.fspath(path)) as stream:
            yield stream
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with SoundStream(descriptor, closefd=False) as stream:
            yield stream
    finally:
        os.close(descriptor)
