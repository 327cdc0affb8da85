"""Tracks: which files of a folder are sound, by their names; and which are sound all the same, and cannot be taken.

What is taken from a folder is told by its ending alone. Sound that no ending of ours tells, because it is of another
kind or called otherwise, is told by its ending or its first bytes, so that it can be named and is not lost in silence.
"""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from refmaster.headers import frame_bytes

ENDINGS = (  # of all that `load` reads
    *(".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".au", ".snd"),
    *(".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp2", ".mpga"),
)
FOREIGN_ENDINGS = (  # of sound that it does not read; what may be film as well (.mp4, .webm) is not among them
    *(".m4a", ".m4b", ".m4p", ".m4r", ".aac", ".adts", ".alac", ".wma", ".ac3", ".eac3", ".dts", ".mka", ".weba"),
    *(".ape", ".wv", ".tta", ".tak", ".shn", ".mpc", ".dsf", ".dff", ".sd2", ".ra", ".amr", ".3ga", ".spx", ".aax"),
)
_HEAD_BYTES = 64
_MOST_FRAME_BYTES = 4096  # of MPEG audio; the longest frame is of 2881 bytes
_KINDS = {b"fLaC": "FLAC", b"caff": "CAF", b".snd": "AU", b"ID3": "MP3"}  # by how they begin
_FORMS = {b"WAVE": "WAV", b"AIFF": "AIFF", b"AIFC": "AIFF"}  # what a RIFF or IFF file is of, at its byte 8
_OGG = {b"\x01vorbis": "Ogg Vorbis", b"OpusHead": "Opus"}  # in the first page (RFC 7845, Vorbis I section 4.2.1)


def is_sound(name: str) -> bool:
    """A name with an ending that can be read, and not hidden."""
    return not name.startswith(".") and Path(name).suffix.lower() in ENDINGS


def sound_below(folder: Path) -> Iterator[Path]:
    """All sound files of a folder and the folders in it, in order; hidden ones are left out."""
    return (path for path in _below(folder) if is_sound(path.name))


def unread_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """All other files there that are sound, by their ending or by what they hold, each with why it is not taken."""
    for path in _below(folder):
        if not is_sound(path.name) and (why := unread(path.name, _kind_of(path))):
            yield path, why


def unread(name: str, kind: str = "") -> str:
    """Why a file that is sound is not taken from a folder, without a subject; "" for what is no sound.

    `kind` is what it is by its first bytes, where they were looked at and tell.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if kind:
        called = f"its ending is {suffix}" if suffix else "it has no ending"
        return f"is {kind} by its content, but {called}; rename it, or name the file itself"
    if suffix in FOREIGN_ENDINGS and not name.startswith("."):
        return f"is sound of a kind that refmaster does not read ({suffix}); convert it to WAV or FLAC"
    return ""


def _below(folder: Path) -> Iterator[Path]:
    """All files of a folder and the folders in it, in order, but for hidden ones."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))


def _kind_of(path: Path) -> str:
    """What kind of sound that can be read a file holds by its first bytes; "" for none."""
    try:
        if not path.is_file():  # opening a named pipe would wait for ever
            return ""
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if head[:1] == b"\xff":
                return "MP3" if _is_mpeg(head + file.read(_MOST_FRAME_BYTES)) else ""
    except OSError:
        return ""
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM"):
        return _FORMS.get(head[8:12], "")
    if head[:4] == b"riff" and head[24:28] == b"wave":
        return "W64"
    if head[:4] == b"OggS":
        return next((kind for mark, kind in _OGG.items() if mark in head), "")
    return next((kind for start, kind in _KINDS.items() if head.startswith(start)), "")


def _is_mpeg(data: bytes) -> bool:
    """Whether two frames of one kind follow each other: one alone may be anything."""
    size = frame_bytes(data[:4])
    if size is None or frame_bytes(data[size : size + 4]) is None:
        return False
    return data[1] & 0x1E == data[size + 1] & 0x1E and data[2] & 0x0C == data[size + 2] & 0x0C
