"""Tracks: which files of a folder are sound, by their names alone."""

import os
from collections.abc import Iterator
from pathlib import Path

ENDINGS = (  # of all that `load` reads
    *(".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".au", ".snd"),
    *(".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp2", ".mpga"),
)


def is_sound(name: str) -> bool:
    """A name with an ending that can be read, and not hidden."""
    return not name.startswith(".") and Path(name).suffix.lower() in ENDINGS


def sound_below(folder: Path) -> Iterator[Path]:
    """All sound files of a folder and the folders in it, in order; hidden ones are left out."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if is_sound(name))
