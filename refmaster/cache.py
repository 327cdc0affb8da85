"""Profiles of files that were measured before, so that nobody waits twice for the same numbers.

    FOLDER/profiles/AB/SHA256.json     a Profile by the content of its file, at the file's own rate
    FOLDER/contents/AB/HASH.json       the SHA-256 of a file by its place, size, times and inode: what did not change
                                       on disk is not read again

An entry is JSON with its own checksum and with the hash of the code that measured it. One that is damaged, or that
other code made, is as good as none: the file is measured again and the entry written over. A cache is a courtesy: a
folder that cannot be read or written is done without, and nothing is said.
"""

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

import soundfile

from refmaster.analyse import analyse
from refmaster.errors import RefmasterError
from refmaster.records import BandLevels, Defect, Profile, Section
from refmaster.version import __version__

SETTLED_S = 2.0  # a file younger than this may change again without its times showing it (FAT keeps 2 s)
MEASURING = (
    *("analyse.py", "headers.py", "load.py", "stored.py", "stream.py", "units.py", "records/measured.py"),
    *("measure/*.py", "dsp/*.py"),
)
OFF = "off"
NESTED = {"dynamics": BandLevels, "sections": Section, "defects": Defect}


@dataclass(frozen=True)
class Cache:
    """A folder of Profiles; it need not exist."""

    folder: Path


def kept_in(given: str | None) -> Cache | None:
    """The cache that an option names: a folder, the system's for None, or none at all for "off"."""
    if given is not None and given.lower() == OFF:
        return None
    return Cache(Path(given) if given else default_folder())


def default_folder() -> Path:
    """Where the system wants caches of this user's programs."""
    from platformdirs import user_cache_path

    return user_cache_path("refmaster", appauthor=False)


def profile_of(path: str | os.PathLike[str], kept: Cache | None) -> Profile:
    """A file's Profile, measured only if it is not in the cache. Raises BadAudio as `analyse` does."""
    return known(path, kept) or measured(path, kept)


def measured(path: str | os.PathLike[str], kept: Cache | None) -> Profile:
    """A file's Profile, measured whatever the cache holds, and kept there."""
    profile = analyse(path)
    if kept is not None:
        put(kept, profile)
    return profile


def known(path: str | os.PathLike[str], kept: Cache | None) -> Profile | None:
    """A file's Profile if it is in the cache; nothing is measured, and nothing read of a file that did not change."""
    if kept is None:
        return None
    sha256 = _content(kept, path)
    found = None if sha256 is None else get(kept, sha256)
    return None if found is None else replace(found, path=os.fspath(path))


def get(kept: Cache, sha256: str) -> Profile | None:
    """The Profile of a content; None where there is none to trust."""
    data = _read(_place(kept, sha256))
    if data is None or data.get("measured_with") != measuring_code():
        return None
    profile = profile_from(data.get("profile"))
    return profile if profile is not None and profile.sha256 == sha256 else None


def put(kept: Cache, profile: Profile) -> None:
    """Keep a Profile, without its path."""
    data: dict[str, object] = {"measured_with": measuring_code(), "profile": asdict(replace(profile, path=""))}
    _write(_place(kept, profile.sha256), data)


@cache
def measuring_code() -> str:
    """A hash of the code that a Profile depends on (where it can be read) and of the versions of other people's."""
    package = Path(__file__).parent
    theirs = (soundfile.__libsndfile_version__, *map(version, ("soundfile", "soxr", "numpy", "scipy", "numba")))
    digest = hashlib.sha256(" ".join((__version__, *theirs)).encode())
    with suppress(OSError):
        for pattern in MEASURING:
            for path in sorted(package.glob(pattern)):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _content(kept: Cache, path: str | os.PathLike[str]) -> str | None:
    """The SHA-256 of a regular file, remembered as long as nothing about the file changes; None where it is none."""
    try:
        place = os.path.realpath(path)
        if not os.path.isfile(place):
            return None
        state = _state(place)
        entry = kept.folder / "contents" / _shelf(hashlib.sha256(os.fsencode(place)).hexdigest())
        data = _read(entry)
        if data is not None and data.get("state") == state and isinstance(data.get("sha256"), str):
            return str(data["sha256"])
        with open(place, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        settled = time.time_ns() - max(state[1], state[2]) > SETTLED_S * 1e9
        if settled and _state(place) == state:
            _write(entry, {"state": state, "sha256": sha256})
    except (OSError, ValueError):
        return None
    return sha256


def _state(place: str) -> list[int]:
    """What changes with a file: size, both times, inode."""
    status = os.stat(place)
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _place(kept: Cache, sha256: str) -> Path:
    return kept.folder / "profiles" / _shelf(sha256)


def _shelf(name: str) -> Path:
    """Folders of a 256th each: no file system likes a hundred thousand files in one."""
    return Path(name[:2]) / f"{name}.json"


def _read(path: Path) -> dict[str, object] | None:
    """An entry whose checksum is right."""
    try:
        checksum, _, text = path.read_text(encoding="utf-8").partition("\n")
        if hashlib.sha256(text.encode()).hexdigest() != checksum:
            return None
        data = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _write(path: Path, data: dict[str, object]) -> None:
    """An entry that appears whole or not at all; where it cannot be written, there is none."""
    from refmaster.atomic import replacing

    with suppress(OSError, RefmasterError, ValueError):
        text = json.dumps(data, allow_nan=False, separators=(",", ":"))
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temp:
            temp.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}", encoding="utf-8")


def profile_from(data: object) -> Profile | None:
    """A Profile from its JSON, all of whose fields are there."""
    if not isinstance(data, dict) or set(data) != {field.name for field in fields(Profile)}:
        return None
    try:
        parts = {name: tuple(record(**one) for one in data[name]) for name, record in NESTED.items()}
    except TypeError:
        return None
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k not in NESTED}
    return Profile(**plain, **parts)  # type: ignore[arg-type]
