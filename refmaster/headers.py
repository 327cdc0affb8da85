"""What a sound file's header promises, held against what the file holds.

libsndfile quietly shortens a file that was cut off, shows one from a crashed recorder as empty, and plays the first
of several chained Ogg streams as if it were all. So the containers are walked here, without decoding anything.

Sources: RIFF/WAVE (Multimedia Programming Interface 1.0, 1991), RF64 (EBU Tech 3306, ITU-R BS.2088), AIFF 1.3 (Apple),
Wave64 (Sonic Foundry), CAF (Apple), AU (Sun), Ogg (RFC 3533), MPEG audio (ISO/IEC 11172-3 and 13818-3), the Xing and
Info frames of MP3 files (as LAME does).
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MOST_CHUNKS = 10_000  # taste: past this a file is broken, or made to keep us busy
_WAVE64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_WAVE64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_KBIT_S = {  # by layer of MPEG-1; 4 and 5 are layer 1, and 2 and 3, of MPEG-2 and 2.5
    1: (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    4: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    5: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_XING_REACH_BYTES = 256  # of the first frame: header, checksum and side information take at most 38


@dataclass(frozen=True)
class Claim:
    """How many bytes of sound a header promises, and how many the file holds from there on.

    `claimed_bytes` is None where the header leaves it open, as a recorder does that writes into a pipe.
    """

    claimed_bytes: int | None
    held_bytes: int


@dataclass(frozen=True)
class Chunk:
    """One chunk of a container: where its content starts and how long its header says it is."""

    name: bytes
    start: int
    size: int


@dataclass(frozen=True)
class Streams:
    """How many streams follow one another in an Ogg or MP3 file, and whether the last page or frame is there and whole.

    `broken_at` is the byte at which none follows though there is more of the file; None where there is none such.
    """

    n_links: int
    ended: bool
    broken_at: int | None = None


@dataclass(frozen=True)
class _Layout:
    """How a container writes its chunks. Wave64 counts the header; AIFF and CAF put numbers before the sound."""

    start: int
    name_bytes: int
    size: struct.Struct
    align: int
    counts_header: bool
    sound: bytes
    preamble_bytes: int = 0


_LITTLE = _Layout(12, 4, struct.Struct("<I"), 2, False, b"data")
_LAYOUTS = {
    b"RIFF": _LITTLE,
    b"RF64": _LITTLE,
    b"BW64": _LITTLE,
    b"RIFX": _Layout(12, 4, struct.Struct(">I"), 2, False, b"data"),
    b"FORM": _Layout(12, 4, struct.Struct(">I"), 2, False, b"SSND", 8),
    b"caff": _Layout(8, 4, struct.Struct(">q"), 1, False, b"data", 4),
    b"riff": _Layout(40, 16, struct.Struct("<Q"), 8, True, _WAVE64_DATA),
}


def claim_of(file: BinaryIO, n_bytes: int) -> Claim | None:
    """What the header of a file of `n_bytes` promises; None for containers, and breakages, that tell nothing."""
    file.seek(0)
    head = file.read(16)
    if head[:3] == b"ID3" or head[:1] == b"\xff":
        return _mp3_claim(file, n_bytes)
    if head[:4] == b".snd":
        start, size = struct.unpack(">II", head[4:12])
        return Claim(None if _is_open(size) else size, max(0, n_bytes - start))
    for chunk in chunks_of(file, n_bytes):
        if chunk.name == (layout := _LAYOUTS[head[:4]]).sound:
            held_bytes = max(0, n_bytes - chunk.start - layout.preamble_bytes)
            left_open = _is_open(chunk.size) and not 0 <= chunk.size <= held_bytes
            return Claim(None if left_open else max(0, chunk.size - layout.preamble_bytes), held_bytes)
    return None


def chunks_of(file: BinaryIO, n_bytes: int) -> Iterator[Chunk]:
    """The chunks of a RIFF, RF64, AIFF, CAF or Wave64 file in order; nothing for any other file."""
    file.seek(0)
    head = file.read(16)
    layout = _LAYOUTS.get(head[:4])
    if layout is None or (head[:4] == b"riff" and head != _WAVE64_RIFF):
        return
    at = layout.start
    header_bytes = layout.name_bytes + layout.size.size
    size_64: int | None = None
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        header = file.read(header_bytes)
        if len(header) < header_bytes:
            return
        size = layout.size.unpack(header[layout.name_bytes :])[0] - (header_bytes if layout.counts_header else 0)
        name = header[: layout.name_bytes]
        if name == b"ds64":  # RF64: how long the sound is, where its own header cannot say
            file.seek(at + header_bytes + 8)
            size_64 = int.from_bytes(file.read(8), "little")
        elif size_64 is not None and name == layout.sound and size == 0xFFFFFFFF:
            size = size_64
        yield Chunk(name, at + header_bytes, size)
        at += header_bytes + max(0, size)
        at += -at % layout.align
        if at >= n_bytes:
            return


def ogg_streams(file: BinaryIO) -> Streams | None:
    """The streams of an Ogg file, from its page headers (RFC 3533 section 6); None if it is no Ogg file."""
    n_bytes = file.seek(0, os.SEEK_END)
    n_links, at, flags, in_sound = 0, 0, 0, True
    while True:
        file.seek(at)
        header = file.read(27)
        if len(header) < 27 or header[:4] != b"OggS":
            break
        flags = header[5]
        # Streams that play at once begin together; a beginning after other pages is a new link in the chain.
        begins = bool(flags & 2)
        n_links += begins and in_sound
        in_sound = not begins
        at += 27 + header[26] + sum(file.read(header[26]))
    closed = bool(flags & 4)
    broken_at = at if not closed and at + 27 <= n_bytes else None
    return Streams(n_links, closed and at <= n_bytes, broken_at) if n_links else None


def mp3_stream(file: BinaryIO, n_bytes: int) -> Streams | None:
    """The stream of an MP3 file, from its frame headers; None if it is none, or of a kind whose frames tell no length.

    What follows the frames that the Xing or Info frame counts is no sound, whatever it is.
    """
    claim = claim_of(file, n_bytes)
    start = _mp3_start(file)
    file.seek(start)
    head = file.read(4)
    if frame_bytes(head) is None:
        return None
    ends = n_bytes if claim is None or claim.claimed_bytes is None else min(n_bytes, start + claim.claimed_bytes)
    at, same = start, _kind(head)
    while at + 4 <= ends:
        file.seek(at)
        head = file.read(4)
        size = frame_bytes(head)
        if size is None or _kind(head) != same:
            file.seek(at)
            return Streams(1, True, None if _is_tag(file.read(n_bytes - at)) else at)
        at += size
    return Streams(1, at <= n_bytes)


def frame_bytes(head: bytes) -> int | None:
    """How long the MPEG audio frame is that begins so, its header among it; None where no such frame begins so."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)  # 3 is MPEG-1, 2 is MPEG-2, 0 is 2.5; 1 is reserved
    bits, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bits in (0, 15) or rate == 3:
        return None
    kbit_s = _KBIT_S[layer if version == 3 else 4 if layer == 1 else 5][bits - 1]
    rate_hz = (44100, 48000, 32000)[rate] // {3: 1, 2: 2, 0: 4}[version]
    if layer == 1:
        return (12_000 * kbit_s // rate_hz + padding) * 4
    slots = 72_000 if layer == 3 and version != 3 else 144_000
    return slots * kbit_s // rate_hz + padding


def _kind(head: bytes) -> tuple[int, int]:
    """What is the same in all frames of a stream: version, layer and sample rate."""
    return head[1] & 0x1E, head[2] & 0x0C


def _is_tag(rest: bytes) -> bool:
    """Whether what follows the last frame is a tag, padding, or less than a header."""
    return rest.startswith((b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3")) or not rest.strip(b"\0")


def _is_open(size: int) -> bool:
    """Whether a size stands for "not known": −1, or the largest that fits, less what was rounded or subtracted."""
    return size < 0 or 0x7FFFF000 <= size <= 0x80000000 or 0xFFFFF000 <= size <= 0xFFFFFFFF or size >= 2**62


def _mp3_start(file: BinaryIO) -> int:
    """Where the frames begin, behind an ID3v2 tag: its length is four times seven bits (id3.org, section 3.1)."""
    file.seek(0)
    tag = file.read(10)
    if tag[:3] != b"ID3" or len(tag) < 10:
        return 0
    return 10 + (tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9]) + (10 if tag[5] & 0x10 else 0)


def _mp3_claim(file: BinaryIO, n_bytes: int) -> Claim | None:
    """Bytes of the stream as the Xing or Info frame counts them, from its own frame on."""
    start = _mp3_start(file)
    file.seek(start)
    frame = file.read(_XING_REACH_BYTES)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if frame[:1] != b"\xff" or at < 0 or len(frame) < at + 16:
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    if not flags & 2:
        return None
    field = at + 8 + (4 if flags & 1 else 0)
    return Claim(int.from_bytes(frame[field : field + 4], "big"), n_bytes - start)
