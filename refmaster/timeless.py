"""Taking the clock out of a file: the same sound and the same settings give the same bytes.

libsndfile stamps the time into the PEAK chunk of floating-point WAV and AIFF files, and draws an Ogg stream's serial
number from it.
"""

from pathlib import Path
from typing import BinaryIO

from refmaster.headers import chunks_of

_SERIAL = 0x7265666D  # "refm": any number does, RFC 3533 asks only that streams of one file differ


def make_timeless(path: Path) -> None:
    """Set a file's time stamp and serial number, where it has them, to fixed values."""
    with open(path, "r+b") as file:
        n_bytes = file.seek(0, 2)
        for chunk in list(chunks_of(file, n_bytes)):
            if chunk.name == b"PEAK":  # version, time stamp, then the peaks
                file.seek(chunk.start + 4)
                file.write(bytes(4))
        file.seek(0)
        if file.read(4) == b"OggS":
            make_ogg_timeless(file)


def make_ogg_timeless(file: BinaryIO) -> None:
    """One serial number on all pages of an Ogg stream, each with its checksum made anew."""
    from mutagen.ogg import OggPage

    n_bytes = file.seek(0, 2)
    file.seek(0)
    while file.tell() < n_bytes:
        start = file.tell()
        page = OggPage(file)  # type: ignore[no-untyped-call]
        end = file.tell()
        page.serial = _SERIAL
        file.seek(start)
        file.write(page.write())  # type: ignore[no-untyped-call]
        file.seek(end)
