"""Copying a song's tags and cover pictures from the target to the master, across formats.

Only what describes the song is copied. Gain and loudness tags (ReplayGain, R128, iTunNORM) would be lies, since the
loudness changed, and an encoder's name belongs to the other file. A master says one line of itself beside them, in a
field of its own. Tags are a courtesy: whatever is wrong with them is a note, and never stops a master.
"""

# mypy: disable-error-code="no-untyped-call"
# mutagen says that it is typed, and most of its methods are not.

import base64
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from refmaster.behind import FORM, RIFF, put_back
from refmaster.errors import BadOutput
from refmaster.names import shown
from refmaster.stream import reading

if TYPE_CHECKING:
    import mutagen
    from mutagen.flac import Picture as FlacPicture
    from mutagen.id3 import ID3
    from mutagen.mp4 import MP4Tags

LARGEST_PICTURE_BYTES = 20_000_000  # taste: covers in stores are 3000 × 3000 pixels, 1 to 15 MB
LARGEST_FLAC_PICTURE_BYTES = 2**24 - 2**16  # a FLAC block is measured in 24 bits, description included
LONGEST_TEXT = 32_768  # taste: longer comments are data, not text

# Names as in Vorbis comments (xiph.org), ID3v2.4 (id3.org, section 4) and MP4 (as iTunes writes them).
_ID3_FRAMES = {
    "title": "TIT2",
    "artist": "TPE1",
    "album": "TALB",
    "albumartist": "TPE2",
    "composer": "TCOM",
    "lyricist": "TEXT",
    "conductor": "TPE3",
    "remixer": "TPE4",
    "genre": "TCON",
    "date": "TDRC",
    "tracknumber": "TRCK",
    "discnumber": "TPOS",
    "bpm": "TBPM",
    "initialkey": "TKEY",
    "isrc": "TSRC",
    "copyright": "TCOP",
    "organization": "TPUB",
    "language": "TLAN",
}
_MP4_ATOMS = {
    "title": "\xa9nam",
    "artist": "\xa9ART",
    "album": "\xa9alb",
    "albumartist": "aART",
    "composer": "\xa9wrt",
    "genre": "\xa9gen",
    "date": "\xa9day",
    "comment": "\xa9cmt",
    "copyright": "cprt",
    "tracknumber": "trkn",
    "discnumber": "disk",
    "bpm": "tmpo",
}
_LOOPS = ("loopstart", "loopend", "looplength")  # in samples, as games read them; in ID3 a text of that description
_KNOWN = (*_ID3_FRAMES, *_LOOPS, "comment")
_WITHOUT_TAGS = (b"RF64", b"riff", b"caff")  # RF64, Wave64 and CAF: mutagen writes none there
_TAGS_BEHIND = (RIFF, FORM)  # a chunk at the end, and the length at the front
_FRONT_COVER = 3  # ID3v2.4, section 4.14
_VORBIS_PICTURE = "metadata_block_picture"
_MARK = "REFMASTER"  # the field of our own: a Vorbis comment, or in ID3 a text of this description


@dataclass(frozen=True)
class Picture:
    """A picture in a tag; `kind` is ID3's number, 3 the front cover."""

    kind: int
    mime: str
    description: str
    data: bytes


@dataclass(frozen=True)
class Tags:
    """What a file says of its song: names as in Vorbis comments with their values, and pictures.

    `cue_sheet` is FLAC's block of that name; `mark` is what a master of ours says of itself, empty in any other file.
    """

    texts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    pictures: tuple[Picture, ...] = ()
    cue_sheet: bytes = b""
    mark: str = ""


def copy_tags(source_path: str | os.PathLike[str], temp_path: Path, mark: str = "") -> tuple[str, ...]:
    """Copy what describes the song, and answer what was left out and why, one line each; `mark` is added to it.

    The written file gets all of them, or stays as it was: BadOutput where not even that. The source's own mark stays
    behind.
    """
    name = shown(Path(source_path).name)
    found = Tags()
    notes: tuple[str, ...] = ()
    try:
        found = _read(os.fspath(source_path))
    except Exception as error:  # broken tags break their reader in every way there is
        notes = (f"tags of {name} could not be read ({_said(error)})",)
    with open(temp_path, "rb") as file:
        magic = file.read(4)
    tags, left_out = _cleaned(found, name, LARGEST_FLAC_PICTURE_BYTES if magic == b"fLaC" else LARGEST_PICTURE_BYTES)
    notes += left_out
    if tags.cue_sheet and magic != b"fLaC":
        notes += (f"cue sheet of {name} was not copied: only a FLAC file holds one",)
        tags = replace(tags, cue_sheet=b"")
    of_song = bool(tags.texts or tags.pictures or tags.cue_sheet)
    if not of_song and not mark:
        return notes
    try:
        taken = magic not in _WITHOUT_TAGS and _tagged(temp_path, magic, replace(tags, mark=mark))
    except BadOutput:  # what stands there is broken
        raise
    except Exception as error:
        return (*notes, f"tags of {name} could not be copied ({_said(error)})")
    if of_song and not taken:
        notes = (*notes, f"tags of {name} were not copied: the master's format has no place for them")
    if mark and not taken:
        notes = (*notes, "the master's format has no place for our line in it: a second pass would not know it again")
    return notes


def read_mark(path: str | os.PathLike[str]) -> str:
    """What a master of ours says of itself in its tags; empty where there is none, or none that can be read."""
    import mutagen
    from mutagen.id3 import ID3

    try:
        file: mutagen.FileType | None = mutagen.File(os.fspath(path))
        tags = None if file is None else file.tags
        if isinstance(tags, ID3):
            found = [str(line) for one in tags.getall(f"TXXX:{_MARK}") for line in one.text]
        else:
            found = _words(tags.get(_MARK, ())) if tags is not None else ()
    except Exception:  # broken tags break their reader in every way there is; without a mark it is any other file
        return ""
    return found[0] if found else ""


def read_texts(path: str | os.PathLike[str]) -> dict[str, tuple[str, ...]]:
    """What a file says of its song in words, without control characters; empty where it has no tags to be read."""
    try:
        tags, _ = _cleaned(_read(os.fspath(path)), "", 0)
    except Exception:  # broken tags break their reader in every way there is
        return {}
    return dict(tags.texts)


def _said(error: Exception) -> str:
    return shown(f"{type(error).__name__}: {error}".rstrip(": "))[:200]


def _read(path: str) -> Tags:
    """Tags of any file that mutagen reads, and else what libsndfile finds (a WAV's INFO list)."""
    import mutagen
    from mutagen.id3 import ID3
    from mutagen.mp4 import MP4Tags

    file: mutagen.FileType | None = mutagen.File(path)
    if file is not None and isinstance(file.tags, ID3):
        tags = _from_id3(file.tags)
    elif file is not None and isinstance(file.tags, MP4Tags):
        tags = _from_mp4(file.tags)
    elif file is not None:
        tags = _from_vorbis(file)
    else:
        tags = Tags()
    return tags if tags.texts else replace(tags, texts=_from_libsndfile(path))


def _from_id3(tags: "ID3") -> Tags:
    frames = ((name, tags.getall(frame)) for name, frame in _ID3_FRAMES.items())
    texts = [(name, _words(line for one in found for line in one.text)) for name, found in frames]
    texts += [(name, _words(_loop(tags, name))) for name in _LOOPS]
    # Comments with a description are programs talking to themselves (iTunNORM, ID3v1 copies).
    texts.append(("comment", _words(line for one in tags.getall("COMM") if not one.desc for line in one.text)))
    pictures = (Picture(int(one.type), one.mime, one.desc, one.data) for one in tags.getall("APIC"))
    return Tags(_filled(texts), tuple(pictures))


def _loop(tags: "ID3", name: str) -> list[str]:
    return [str(line) for one in tags.getall("TXXX") if one.desc.lower() == name for line in one.text]


def _from_mp4(tags: "MP4Tags") -> Tags:
    texts = []
    for name, atom in _MP4_ATOMS.items():
        values = tags.get(atom) or ()
        if atom in ("trkn", "disk"):  # pairs: number, total
            values = [f"{number}/{total}" if total else f"{number}" for number, total in values]
        texts.append((name, _words(values)))
    mimes = {13: "image/jpeg", 14: "image/png"}  # MP4Cover's formats
    covers = (one for one in tags.get("covr") or () if getattr(one, "imageformat", 13) in mimes)
    return Tags(
        _filled(texts),
        tuple(Picture(_FRONT_COVER, mimes[getattr(one, "imageformat", 13)], "", bytes(one)) for one in covers),
    )


def _from_vorbis(file: "mutagen.FileType") -> Tags:
    from mutagen.flac import FLAC
    from mutagen.flac import Picture as FlacPicture

    comments: dict[str, list[str]] = dict(file.tags or {})
    comments = {key.lower(): values for key, values in comments.items()}
    texts = [(name, _words(comments.get(name, ()))) for name in _KNOWN]
    blocks: list[FlacPicture] = list(file.pictures) if isinstance(file, FLAC) else []
    blocks += [FlacPicture(base64.b64decode(one)) for one in comments.get(_VORBIS_PICTURE, ())]
    pictures = tuple(Picture(int(one.type), one.mime, one.desc, one.data) for one in blocks)
    cue_sheet = file.cuesheet.write() if isinstance(file, FLAC) and file.cuesheet else b""
    return Tags(_filled(texts), pictures, cue_sheet)


def _from_libsndfile(path: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    with reading(path) as stream:
        found: dict[str, str] = stream.copy_metadata()
    return _filled((name, (found[name],)) for name in _KNOWN if name in found)


def _words(values: Iterable[object]) -> tuple[str, ...]:
    """Values as text; a bare string is one value."""
    return (values,) if isinstance(values, str) else tuple(str(value) for value in values)


def _filled(texts: Iterable[tuple[str, tuple[str, ...]]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, values) for name, values in texts if values)


def _cleaned(tags: Tags, name: str, largest_bytes: int) -> tuple[Tags, tuple[str, ...]]:
    """Tags without control characters, and without what is too large, which is noted."""
    notes, texts, pictures = [], [], []
    for key, values in tags.texts:
        plain = tuple(text for text in map(_plain, values) if text)
        if any(len(text) > LONGEST_TEXT for text in plain):
            notes.append(f"tag {key} of {name} left out: longer than {LONGEST_TEXT} characters")
        elif plain:
            texts.append((key, plain))
    for picture in tags.pictures:
        if len(picture.data) > largest_bytes:
            size_mb, most_mb = len(picture.data) / 1e6, largest_bytes / 1e6
            notes.append(f"picture of {size_mb:.1f} MB in {name} left out: the most is {most_mb:.1f} MB")
        elif picture.data:
            pictures.append(Picture(picture.kind, _plain(picture.mime), _plain(picture.description), picture.data))
    return replace(tags, texts=tuple(texts), pictures=tuple(pictures)), tuple(notes)


def _plain(text: str) -> str:
    """The text without control characters and half surrogates; breaks and tabs become spaces."""
    spaced = (" " if c.isspace() else c for c in text)
    return "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cs")).strip()


def _tagged(path: Path, magic: bytes, tags: Tags) -> bool:
    """Put tags into a file, or leave it as it was; False where the format takes none."""
    if magic in _TAGS_BEHIND:
        with put_back(path):
            return _write(os.fspath(path), tags)
    return _write_to_copy(path, tags)


def _write_to_copy(path: Path, tags: Tags) -> bool:
    """Tag a copy and put it in the file's place; False where the format takes none.

    Where tags stand before the sound their writers move it: one that fails half-way would leave it broken.
    """
    descriptor, copy = tempfile.mkstemp(prefix=".refmaster-", suffix=f".part{path.suffix}", dir=path.parent)
    os.close(descriptor)
    try:
        shutil.copy(path, copy)
        taken = _write(copy, tags)
        if taken:
            os.replace(copy, path)
        return taken
    finally:
        Path(copy).unlink(missing_ok=True)


def _write(path: str, tags: Tags) -> bool:
    import mutagen
    from mutagen.aiff import AIFF
    from mutagen.flac import FLAC, CueSheet
    from mutagen.id3 import ID3
    from mutagen.mp3 import MP3
    from mutagen.oggopus import OggOpus
    from mutagen.oggvorbis import OggVorbis
    from mutagen.wave import WAVE

    file: mutagen.FileType | None = mutagen.File(path, [MP3, WAVE, AIFF, FLAC, OggVorbis, OggOpus])
    if file is None:
        return False
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, ID3):
        _fill_id3(file.tags, tags)
    else:
        for name, values in tags.texts:
            file[name] = list(values)
        if tags.mark:
            file[_MARK] = [tags.mark]
        blocks = [_flac_picture(picture) for picture in tags.pictures]
        if isinstance(file, FLAC):
            for block in blocks:
                file.add_picture(block)
            if tags.cue_sheet:
                file.metadata_blocks.append(CueSheet(tags.cue_sheet))
        elif blocks:
            file[_VORBIS_PICTURE] = [base64.b64encode(block.write()).decode("ascii") for block in blocks]
    file.save()
    return True


def _fill_id3(id3: "ID3", tags: Tags) -> None:
    from mutagen.id3 import APIC, COMM, TXXX, Encoding, Frames

    for name, values in tags.texts:
        if name == "comment":
            id3.add(COMM(encoding=Encoding.UTF8, lang="XXX", desc="", text=list(values)))
        elif name in _LOOPS:
            id3.add(TXXX(encoding=Encoding.UTF8, desc=name.upper(), text=list(values)))
        else:
            id3.add(Frames[_ID3_FRAMES[name]](encoding=Encoding.UTF8, text=list(values)))
    if tags.mark:
        id3.add(TXXX(encoding=Encoding.LATIN1, desc=_MARK, text=[tags.mark]))
    for number, picture in enumerate(tags.pictures):
        # ID3 tells pictures apart by their description alone.
        description = picture.description or (f"{number + 1}" if number else "")
        id3.add(APIC(encoding=Encoding.UTF8, mime=picture.mime, type=picture.kind, desc=description, data=picture.data))


def _flac_picture(picture: Picture) -> "FlacPicture":
    from mutagen.flac import Picture as FlacPicture

    block = FlacPicture()
    block.type, block.mime, block.desc, block.data = picture.kind, picture.mime, picture.description, picture.data
    return block
