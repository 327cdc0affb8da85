"""Carrying what a file says of places in its sound: markers, regions, loops, and a broadcast's data.

A master has the target's samples, one for one, so each place stays true. What was said of the other file's loudness
and identity does not: it is measured anew, or taken out.

Sources: RIFF (Multimedia Programming Interface 1.0, 1991: cue, plst, adtl; Multimedia Data Standards Update, 1994:
smpl, inst), AIFF 1.3 (MARK, INST), bext (EBU Tech 3285 version 2, 2011), its coding history (EBU R 98, 1999).
"""

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from refmaster.behind import FORM, RF64, RIFF, append_chunks
from refmaster.headers import chunks_of
from refmaster.names import shown
from refmaster.records import Profile
from refmaster.version import __version__
from refmaster.writing import listed

MOST_BYTES = 1_000_000  # taste: some ten thousand markers with their names
_BROADCAST, _LIST = b"bext", b"LIST"
_LABELS = b"adtl"  # what a LIST of markers' names begins with; others hold tags
_WORDS = {  # by container: its chunks that speak of places, and what a person calls them
    RIFF: {
        b"cue ": "markers",
        _LIST: "markers",
        b"plst": "markers",
        b"smpl": "loops",
        b"inst": "loops",
        b"acid": "loops",
        _BROADCAST: "broadcast data",
    },
    FORM: {b"MARK": "markers", b"INST": "loops"},
    b"caff": {b"mark": "markers", b"regn": "markers", b"inst": "loops"},
}
_OF_THE_FILE = {b"iXML": "iXML data", b"axml": "ADM data", b"chna": "ADM data", b"cart": "cart data"}

# Where bext keeps its fields (EBU Tech 3285, section 2.3).
_VERSION_AT, _UMID_AT, _LOUDNESS_AT, _HISTORY_AT = 346, 348, 412, 602
_UMID_BYTES = 64
_WITH_LOUDNESS = 2  # from this version on
_LOUDNESS = struct.Struct("<5h")  # hundredths
_UNKNOWN = 0x7FFF

_Chunks = list[tuple[bytes, bytes]]  # name and content


def copy_markers(source_path: str | os.PathLike[str], temp_path: Path) -> tuple[str, ...]:
    """Copy what a file says of places in its sound to its master; what was left out and why, one line each.

    From WAV to WAV and from AIFF to AIFF. The written file gets all of them, or stays as it was: BadOutput where not
    even that.
    """
    name = shown(Path(source_path).name)
    try:
        with open(source_path, "rb") as file:
            family = _family(file)
            found, notes = _found(file, family, name)
    except OSError as error:
        return (f"markers of {name} could not be read ({shown(str(error))})",)
    if not found:
        return notes
    words = listed(tuple(dict.fromkeys(_WORDS[family][chunk] for chunk, _ in found)))
    with open(temp_path, "rb") as file:
        taken = family in (RIFF, FORM) and _family(file) == family
        coding = _coding(file) if family == RIFF and taken else b""
    if not taken:
        return (*notes, f"{words} of {name} were not copied: they go from WAV to WAV and from AIFF to AIFF")
    try:
        append_chunks(temp_path, [(chunk, _kept(chunk, content, coding)) for chunk, content in found])
    except (OSError, struct.error) as error:
        return (*notes, f"{words} of {name} could not be copied ({shown(str(error))})")
    return notes


def state_loudness(path: Path, master: Profile) -> None:
    """Write what was measured of a master into its broadcast data, where it has any."""
    with open(path, "r+b") as file:
        for chunk in chunks_of(file, file.seek(0, os.SEEK_END)):
            if chunk.name == _BROADCAST:
                file.seek(chunk.start + _LOUDNESS_AT)
                file.write(_loudness(master))
                return


def _family(file: BinaryIO) -> bytes:
    file.seek(0)
    magic = file.read(4)
    return RIFF if magic in (RF64, b"BW64") else magic


def _found(file: BinaryIO, family: bytes, name: str) -> tuple[_Chunks, tuple[str, ...]]:
    """The chunks that speak of places, of each kind the first, and of names all; a note for what stays behind."""
    found: _Chunks = []
    cut, behind = False, []
    n_bytes = file.seek(0, os.SEEK_END)
    words = _WORDS.get(family, {})
    for chunk in chunks_of(file, n_bytes):
        if family == RIFF and chunk.name in _OF_THE_FILE:
            behind.append(_OF_THE_FILE[chunk.name])
        if chunk.name not in words or (chunk.name != _LIST and any(chunk.name == one for one, _ in found)):
            continue
        file.seek(chunk.start)
        if chunk.name == _LIST and file.read(4) != _LABELS:
            continue
        least_bytes = _HISTORY_AT if chunk.name == _BROADCAST else 0
        if not least_bytes <= chunk.size <= n_bytes - chunk.start:
            cut = True
            continue
        file.seek(chunk.start)
        found.append((chunk.name, file.read(min(chunk.size, MOST_BYTES + 1))))
    notes = tuple(f"{one} of {name} stay behind: they describe that file" for one in dict.fromkeys(behind))
    if cut:
        notes = (f"markers of {name} are cut short, and what is cut is left out", *notes)
    if sum(len(content) for _, content in found) > MOST_BYTES:
        return [], (f"markers of {name} left out: more than {MOST_BYTES / 1e6:.0f} MB of them", *notes)
    return found, notes


def _kept(chunk: bytes, content: bytes, coding: bytes) -> bytes:
    """What a chunk says, but for what of a broadcast's data was true of the other file alone."""
    if chunk != _BROADCAST:
        return content
    version = max(_WITH_LOUDNESS, struct.unpack_from("<H", content, _VERSION_AT)[0])
    history = content[_HISTORY_AT:].rstrip(b"\0\r\n")
    return b"".join(
        (
            content[:_VERSION_AT],
            struct.pack("<H", version),
            bytes(_UMID_BYTES),
            _LOUDNESS.pack(*(_UNKNOWN,) * 5),
            content[_LOUDNESS_AT + _LOUDNESS.size : _HISTORY_AT],
            history + (b"\r\n" if history else b"") + coding,
        )
    )


def _coding(file: BinaryIO) -> bytes:
    """The master's line in a coding history: how it is stored, and who made it."""
    for chunk in chunks_of(file, file.seek(0, os.SEEK_END)):
        if chunk.name == b"fmt ":
            file.seek(chunk.start)
            _, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", file.read(16))
            mode = {1: "mono", 2: "stereo"}.get(channels, "multitrack")
            return f"A=PCM,F={rate_hz},W={bits},M={mode},T=refmaster {__version__}\r\n".encode("ascii")
    return b""


def _loudness(master: Profile) -> bytes:
    figures: Sequence[float | None] = (
        master.integrated_lufs,
        master.loudness_range_lu,
        master.true_peak_dbtp,
        master.max_momentary_lufs,
        master.max_short_term_lufs,
    )
    return _LOUDNESS.pack(*(_UNKNOWN if one is None or abs(one) > 99.99 else round(100 * one) for one in figures))
