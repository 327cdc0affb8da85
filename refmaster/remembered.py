"""Tracks as they were measured before, frames and all, so that nobody waits twice for the same record, or mix.

    FOLDER/measured/SHA256-RATE     its checksum; JSON: which code measured it, the Profile, shapes; then the numbers

A Profile alone is not enough to compare with: registration lays frames onto frames. The numbers are the very ones, in
double precision and little-endian, so a master is the same byte for byte whether its tracks were remembered or
measured. What holds for the cache of Profiles holds here: an entry that is damaged or that other code made is none, and
where nothing can be read or written the track is measured. The oldest entries go when all are over `MOST_BYTES`.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np

from refmaster.analyse import Measured
from refmaster.atomic import replacing
from refmaster.cache import Cache, measuring_code, profile_from
from refmaster.errors import RefmasterError
from refmaster.load import Track
from refmaster.measure.foretell import cells_of
from refmaster.measure.spectrum import Spectrum
from refmaster.units import FloatArray

MOST_BYTES = 2**29  # taste: some 300 records of four minutes
DIGEST_BYTES = 32
ENTRY = re.compile(r"[0-9a-f]{64}-[0-9]+")  # names of ours; a user may have a folder of that name
NUMBERS = ("frame_hop_s", "bin_hz")  # of a Spectrum; the rest are arrays
ARRAYS = tuple(one.name for one in fields(Spectrum) if one.name not in NUMBERS)
MORE = ("levels", "cell_power", "cell_peak")  # what is measured besides


def remembered(track: Track, kept: Cache | None, hear: Callable[[], Measured]) -> Measured:
    """What `hear` measures of a track, or what it measured of the same content at the same rate before."""
    if kept is None or track.source.container == "array":
        return hear()
    place = _place(track, kept)
    found = _read(place)
    if found is None:
        found = hear()
        _write(place, found)
    return replace(found, profile=replace(found.profile, path=track.source.path))


def is_remembered(track: Track, kept: Cache | None) -> bool:
    """Whether there is an entry of the track by today's code; it may still turn out to be damaged."""
    if kept is None or track.source.container == "array":
        return False
    try:
        with open(_place(track, kept), "rb") as file:
            file.seek(DIGEST_BYTES)
            return file.read(len(_told_by())) == _told_by()
    except OSError:
        return False


def _told_by() -> bytes:
    """How an entry begins, behind its checksum."""
    return f'{{"measured_with": "{measuring_code()}"'.encode()


def _place(track: Track, kept: Cache) -> Path:
    return kept.folder / "measured" / f"{track.source.sha256}-{track.source.sample_rate_hz}"


def _read(place: Path) -> Measured | None:
    try:
        data = place.read_bytes()
        if hashlib.sha256(data[DIGEST_BYTES:]).digest() != data[:DIGEST_BYTES]:
            return None
        line, _, numbers = data[DIGEST_BYTES:].partition(b"\n")
        found = _measured(json.loads(line), numbers)
        with suppress(OSError):
            os.utime(place)  # what is used stays longest
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return found


def _measured(told: dict[str, object], numbers: bytes) -> Measured | None:
    profile = profile_from(told["profile"])
    if profile is None or told["measured_with"] != measuring_code():
        return None
    shapes: dict[str, list[int] | None] = told["shapes"]  # type: ignore[assignment]
    arrays: dict[str, FloatArray | None] = {}
    at = 0
    for name in (*ARRAYS, *MORE):
        shape = shapes[name]
        count = 0 if shape is None else int(np.prod(shape))
        arrays[name] = None if shape is None else np.frombuffer(numbers, "<f8", count, at).reshape(shape)
        at += 8 * count
    active, levels, power, peak = arrays["active"], *(arrays.pop(name) for name in MORE)
    if at != len(numbers) or active is None or levels is None or power is None or peak is None:
        return None
    scalars: dict[str, float] = told["spectrum"]  # type: ignore[assignment]
    spectrum = Spectrum(**{**arrays, "active": active > 0}, **scalars)  # type: ignore[arg-type]
    return Measured(profile, spectrum, levels, cells_of(power, peak))


def _write(place: Path, measured: Measured) -> None:
    """An entry that appears whole or not at all; where it cannot be written, there is none."""
    more = (measured.block_levels_db, measured.cells.power, measured.cells.peak)
    arrays = {name: getattr(measured.spectrum, name) for name in ARRAYS} | dict(zip(MORE, more, strict=True))
    told = {
        "measured_with": measuring_code(),
        "profile": asdict(replace(measured.profile, path="")),
        "spectrum": {name: getattr(measured.spectrum, name) for name in NUMBERS},
        "shapes": {name: None if array is None else array.shape for name, array in arrays.items()},
    }
    with suppress(OSError, RefmasterError, ValueError):
        numbers = (np.ascontiguousarray(array, "<f8").tobytes() for array in arrays.values() if array is not None)
        data = b"".join((json.dumps(told, allow_nan=False).encode(), b"\n", *numbers))
        place.parent.mkdir(parents=True, exist_ok=True)
        _make_room(place.parent, MOST_BYTES - len(data))
        with replacing(place) as temp:
            temp.write_bytes(hashlib.sha256(data).digest() + data)


def _make_room(folder: Path, most_bytes: int) -> None:
    """Let the entries go that were not used for longest, until what is left is small enough; nobody else's files."""
    entries = (entry for entry in os.scandir(folder) if ENTRY.fullmatch(entry.name) and entry.is_file())
    found = sorted(((entry.stat(), entry.path) for entry in entries), key=lambda one: -one[0].st_mtime_ns)
    total = 0
    for status, path in found:
        total += status.st_size
        if total > most_bytes:
            os.unlink(path)
