"""How long a track is, as its header has it, told without decoding and without trust.

It orders the work and sets its limit, no more, so a rough answer will do; libsndfile is not asked, because a file that
crashes it must not crash the batch before it has begun.
"""

import os
import stat
import struct
from typing import BinaryIO

from refmaster.headers import chunks_of

PCM_BYTES_S = 44100 * 2 * 3  # stereo, 24 bits: for whatever the header does not tell
LOSSY_BYTES_S = 24_000  # 192 kbit/s
LONGEST_S = 86400.0  # a day: beyond it a header lies
_LOSSY = (".mp3", ".ogg", ".oga", ".opus")


def length_s(path: str) -> float:
    """Seconds of sound; a guess by the size where the header does not tell, 0 for what is no file."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # opening a named pipe would wait for ever
            return 0.0
        with open(path, "rb") as file:
            told = _of_header(file, status.st_size)
    except (OSError, ValueError, struct.error):
        return 0.0
    return min(LONGEST_S, told) if told else guessed_s(path, status.st_size)


def guessed_s(name: str, n_bytes: int) -> float:
    """Seconds of sound that so many bytes usually hold, by the ending of the name."""
    return n_bytes / (LOSSY_BYTES_S if name.lower().endswith(_LOSSY) else PCM_BYTES_S)


def _of_header(file: BinaryIO, n_bytes: int) -> float | None:
    head = file.read(26)
    if head[:4] == b"fLaC":  # STREAMINFO (RFC 9639 section 8.2): 20 bits of rate, 8 of format, 36 of length
        packed = int.from_bytes(head[18:26], "big")
        rate_hz, n_samples = packed >> 44, packed & (2**36 - 1)
        return n_samples / rate_hz if rate_hz and n_samples < 2**36 - 1 else None
    bytes_s = 0
    for chunk in chunks_of(file, n_bytes):
        name = chunk.name[:4]
        if name == b"fmt " and head[:4] != b"RIFX":  # average bytes a second stand at 8 (Microsoft, 1991)
            file.seek(chunk.start + 8)
            (bytes_s,) = struct.unpack("<I", file.read(4))
        elif name == b"data" and bytes_s:
            held_bytes = n_bytes - chunk.start
            return (chunk.size if 0 < chunk.size <= held_bytes else held_bytes) / bytes_s
    return None
