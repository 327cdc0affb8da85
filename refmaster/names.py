"""File names as a person can read them, and as a folder can hold them.

A name on disk is bytes: it may be no UTF-8, hold a newline, or turn the reading direction around. Everything that is
shown goes through `shown`; everything that is opened keeps the name as it came.
"""

import os
from pathlib import Path

LONGEST_NAME_BYTES = 255  # ext4, APFS, NTFS: the longest name a folder takes


def shown(path: str | os.PathLike[str]) -> str:
    r"""A path on one line: bytes that are no UTF-8 as `\xff`, a newline as `\n`, direction marks as `\u202e`."""
    # A lone surrogate that stands for no byte (a name made by hand) cannot be encoded as a file name.
    raw = os.fspath(path).encode("utf-8", "surrogatepass")
    text = _with_plain_bytes(raw)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def storable(text: str) -> str:
    """The text as UTF-8 can hold it: what a non-UTF-8 name left in it becomes U+FFFD."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def as_bytes(text: str) -> bytes:
    """The same as bytes; a text of millions of characters is gone through once, where nothing in it is in the way."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return storable(text).encode("utf-8")


def fitting(folder: Path, stem: str, ending: str) -> Path:
    """`folder/stem+ending`, the stem cut at its end until the name is at most 255 bytes long."""
    while stem and len(os.fsencode(stem + ending)) > LONGEST_NAME_BYTES:
        stem = stem[:-1]
    return folder / (stem + ending)


def _with_plain_bytes(raw: bytes) -> str:
    """Text of UTF-8 in which surrogates may be encoded; those that stand for a byte are shown as that byte."""
    text = raw.decode("utf-8", "surrogatepass")
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in text)


OWN_ENGINE = "refmaster"
BY_GENRE = "the genre"  # what is gone toward where no reference was given


def whose(name: str) -> str:
    """The genitive of what is gone toward: "the reference's", "the references'"."""
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def verb(name: str) -> str:
    """The verb that goes with it: is, or of several references are."""
    return "are" if name.endswith("s") else "is"
