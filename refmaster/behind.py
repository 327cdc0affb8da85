"""Chunks behind the sound of a WAV or AIFF file: put there whole, or the file is what it was.

Readers look for them in any order, and in front they would move all of the sound.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from refmaster.errors import BadOutput
from refmaster.names import shown

RIFF, RF64, FORM = b"RIFF", b"RF64", b"FORM"
_HEAD_BYTES = 28  # the length of the whole: at 4, and in RF64 at 20, in its first chunk (EBU Tech 3306)


@contextmanager
def put_back(path: Path) -> Iterator[None]:
    """A file that gets something behind its sound is what it was when that fails; BadOutput where not even that."""
    with open(path, "rb") as file:
        head, length = file.read(_HEAD_BYTES), os.fstat(file.fileno()).st_size
    try:
        yield
    except BaseException:
        try:
            with open(path, "r+b") as file:
                file.truncate(length)
                file.write(head)
        except OSError as error:
            raise BadOutput(f"{shown(path.name)}: its tags failed, and so did taking them off again") from error
        raise


def append_chunks(path: Path, chunks: Iterable[tuple[bytes, bytes]]) -> None:
    """Put chunks (name of four bytes, content) at the end of a WAV, RF64 or AIFF file, and its length right.

    Raises ValueError for any other file, and struct.error where the whole would pass what its header can hold.
    """
    with put_back(path), open(path, "r+b") as file:
        magic = file.read(4)
        if magic not in (RIFF, RF64, FORM):
            raise ValueError(f"{magic!r} is no container of chunks")
        order = ">" if magic == FORM else "<"
        length = file.seek(0, os.SEEK_END)
        for name, content in chunks:
            piece = bytes(length % 2) + name + struct.pack(f"{order}I", len(content)) + content
            file.write(piece)
            length += len(piece)
        length += file.write(bytes(length % 2))
        file.seek(20 if magic == RF64 else 4)
        file.write(struct.pack("<Q" if magic == RF64 else f"{order}I", length - 8))
