"""Genres: what is normal, and how much good records differ. Read from the data files in `references/`."""

import json
from functools import cache
from pathlib import Path

from refmaster.errors import BadSetting
from refmaster.records import Genre

ANY = "any"


def references_folder() -> Path:
    """Where the data files are: inside an installed package, beside the package in a checkout."""
    here = Path(__file__).resolve().parent
    installed = here / "references"
    return installed if installed.is_dir() else here.parent / "references"


@cache
def load_genre(name: str = ANY) -> Genre:
    """A genre by its name; BadSetting names those that are known."""
    folder = references_folder() / "genres"
    known = sorted(path.stem for path in folder.glob("*.json"))
    if name not in known:
        raise BadSetting(f"no genre {name!r}; known: {', '.join(known)}")
    data = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return Genre(
        name=data["name"],
        label=data["label"],
        n_tracks=data["n_tracks"],
        source=data["source"],
        song_sd_hz=tuple(data["song_sd_hz"]),
        song_sd_db=tuple(data["song_sd_db"]),
        segment_sd_db=data["segment_sd_db"],
        limiting_db=data["limiting_db"],
    )
