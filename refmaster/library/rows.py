"""A track of a library: where its numbers come from, and the numbers, as they stand in the JSON.

A row keeps what the distribution of a genre and the distance between tracks need, rounded to what meters are good for;
no path, no history over time, no sound. `profile` is those numbers as a Profile, all else in it unmeasured, so that
every function for Profiles serves a library too.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

from refmaster.dsp.octaves import centres_hz
from refmaster.genres.reading import Fields
from refmaster.load import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, MOST_CHANNELS
from refmaster.names import shown, storable
from refmaster.records import BandLevels, Profile
from refmaster.version import __version__

DIGITS = 3
LOUDEST_DB = 1000.0  # no level that is measured lies further from 0
SCALARS = {  # single numbers, each with the least and the largest that can be true
    "integrated_lufs": (-LOUDEST_DB, LOUDEST_DB),
    "loudness_range_lu": (0.0, LOUDEST_DB),
    "max_short_term_lufs": (-LOUDEST_DB, LOUDEST_DB),
    "true_peak_dbtp": (-LOUDEST_DB, LOUDEST_DB),
    "plr_db": (-LOUDEST_DB, LOUDEST_DB),
    "psr_db": (-LOUDEST_DB, LOUDEST_DB),
    "psr_p10_db": (-LOUDEST_DB, LOUDEST_DB),
    "crest_db": (-LOUDEST_DB, LOUDEST_DB),
    "peaks_held_pct": (0.0, 100.0),
    "correlation": (-1.001, 1.001),
    "tilt_db_per_oct": (-LOUDEST_DB, LOUDEST_DB),
    "hf_cutoff_hz": (0.0, HIGHEST_RATE_HZ),
    "percussive_pct": (0.0, 100.0),
    "tempo_bpm": (1.0, 1000.0),
}
CURVES = ("ltas_db", "ltas_sd_db", "side_to_mid_db")
TAGS = ("title", "artist", "album", "genre")
LEVELS = tuple(field.name for field in fields(BandLevels))
MOST_BANDS_OF_DYNAMICS = 16
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Row:
    """One track. Tags are empty where the file has none; `refmaster` is the version that measured it."""

    file: str
    sha256: str
    title: str
    artist: str
    album: str
    genre: str
    refmaster: str
    profile: Profile

    @property
    def label(self) -> str:
        """How the track is called: by its tags, or by its file."""
        return " – ".join(part for part in (self.artist, self.title) if part) if self.title else self.file


def row_of(profile: Profile, file: str, tags: dict[str, str]) -> Row:
    """The row of a measured file; `tags` holds what is known of `TAGS`."""
    data: dict[str, object] = {
        "file": storable(file) or "?",
        "sha256": profile.sha256,
        "duration_s": round(profile.duration_s, DIGITS),
        **{name: storable(tags.get(name, "")) for name in TAGS},
        "refmaster": __version__,
        "container": profile.container,
        "subtype": profile.subtype,
        "lossy": profile.lossy,
        "sample_rate_hz": profile.sample_rate_hz,
        "channels": profile.channels,
        **{name: _rounded(getattr(profile, name)) for name in SCALARS},
        **{name: [_rounded(value) for value in getattr(profile, name)] for name in CURVES},
        "dynamics": [[_rounded(getattr(band, name)) for name in LEVELS] for band in profile.dynamics],
    }
    return read_row(Fields(file, data))


def row_data(row: Row) -> dict[str, object]:
    """A row as JSON holds it."""
    profile = row.profile
    return {
        "file": row.file,
        "sha256": row.sha256,
        "duration_s": profile.duration_s,
        **{name: getattr(row, name) for name in TAGS},
        "refmaster": row.refmaster,
        "container": profile.container,
        "subtype": profile.subtype,
        "lossy": profile.lossy,
        "sample_rate_hz": profile.sample_rate_hz,
        "channels": profile.channels,
        **{name: getattr(profile, name) for name in SCALARS},
        **{name: list(getattr(profile, name)) for name in CURVES},
        "dynamics": [[getattr(band, name) for name in LEVELS] for band in profile.dynamics],
    }


def read_row(given: Fields) -> Row:
    """A row from its JSON. BadSetting where a number is none, is missing, or cannot be true."""
    sha256 = given.text("sha256")
    if not SHA256.fullmatch(sha256):
        given.refuse("sha256", "is no SHA-256 in hexadecimal digits")
    title, artist, album, genre = (_word(given, name) for name in TAGS)
    profile = _profile(given, sha256)
    return Row(given.text("file"), sha256, title, artist, album, genre, given.text("refmaster"), profile)


def merged(rows: Iterable[Row]) -> tuple[Row, ...]:
    """All rows, each content once, in an order that does not depend on theirs.

    Of two rows of one content the newer engine's stays, and else the one that comes first in the alphabet.
    """
    best: dict[str, Row] = {}
    for row in rows:
        held = best.get(row.sha256)
        if held is None or _rank(row) > _rank(held):
            best[row.sha256] = row
    return tuple(sorted(best.values(), key=lambda row: (row.file.casefold(), row.file, row.sha256)))


def _rank(row: Row) -> tuple[tuple[int, ...], list[int]]:
    version = tuple(int(part) for part in re.findall(r"\d+", row.refmaster))
    return version, [-ord(letter) for letter in json.dumps(row_data(row), sort_keys=True)]


def _profile(given: Fields, sha256: str) -> Profile:
    rate = given.count("sample_rate_hz")
    if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
        given.refuse("sample_rate_hz", f"is not from {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}")
    channels = given.count("channels")
    if not 1 <= channels <= MOST_CHANNELS:
        given.refuse("channels", f"is not from 1 to {MOST_CHANNELS}")
    band_hz = centres_hz(rate)
    duration_s = given.number("duration_s", low=0.0)
    levels, spread, width = (_curve(given, name, len(band_hz)) for name in CURVES)
    if None in levels or None in spread:
        given.refuse("ltas_db" if None in levels else "ltas_sd_db", "holds what is no number")
    scalars = {name: _optional(given, name, *bounds) for name, bounds in SCALARS.items()}
    if scalars["integrated_lufs"] is None:
        given.refuse("integrated_lufs", "is missing: a silent track is no reference")
    return Profile(
        path=given.text("file"),
        sha256=sha256,
        sample_rate_hz=rate,
        channels=channels,
        n_samples=round(duration_s * rate),
        duration_s=duration_s,
        container=given.text("container"),
        subtype=given.text("subtype"),
        lossy=_flag(given, "lossy"),
        max_momentary_lufs=None,
        sample_peak_dbfs=None,
        balance_db=None,
        mono_loss_db=None,
        band_hz=band_hz,
        ltas_db=tuple(value for value in levels if value is not None),
        ltas_sd_db=tuple(value for value in spread if value is not None),
        side_to_mid_db=width,
        dynamics=_dynamics(given),
        dc_offset_pct=(),
        history_hop_s=0.5,
        short_term_lufs=(),
        momentary_lufs=(),
        **scalars,  # type: ignore[arg-type]
    )


def _curve(given: Fields, name: str, length: int) -> tuple[float | None, ...]:
    values = given.sequence(name)
    if len(values) != length:
        given.refuse(name, f"holds {len(values)} numbers where {length} are needed")
    return tuple(_number(given, name, value) for value in values)


def _number(given: Fields, name: str, value: object) -> float | None:
    if value is None:
        return None
    return Fields(given.name, {name: value}, given.at).number(name, low=-LOUDEST_DB, high=LOUDEST_DB)


def _dynamics(given: Fields) -> tuple[BandLevels, ...]:
    rows = given.rows("dynamics", length=len(LEVELS))
    if not 1 <= len(rows) <= MOST_BANDS_OF_DYNAMICS:
        given.refuse("dynamics", f"holds {len(rows)} bands; 1 to {MOST_BANDS_OF_DYNAMICS} are possible")
    for row in rows:
        if list(row[2:]) != sorted(row[2:]) or row[0] >= row[1]:
            given.refuse("dynamics", "holds numbers that do not rise")
    return tuple(BandLevels(*row) for row in rows)


def _optional(given: Fields, name: str, low: float, high: float) -> float | None:
    return None if name in given.data and given.data[name] is None else given.number(name, low=low, high=high)


def _flag(given: Fields, name: str) -> bool:
    value = given.data.get(name)
    return value if isinstance(value, bool) else given.refuse(name, "is neither true nor false")


def _word(given: Fields, name: str) -> str:
    """A tag, which may be empty; on one line whatever it holds."""
    value = given.data.get(name)
    return shown(value).strip() if isinstance(value, str) else given.refuse(name, "is no text")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), DIGITS) + 0.0
