"""A track of a library: where its numbers come from, and the numbers, as they stand in the JSON.

A row keeps what the distribution of a genre and the distance between tracks need, rounded to what meters are good for;
no path, no history over time, no sound. `profile` is those numbers as a Profile, all else in it unmeasured, so that
every function for Profiles serves a library too.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

from refmaster.dsp.octaves import HIGH_HZ, LOW_HZ, centres_hz
from refmaster.library.reading import LibraryFields, called, span
from refmaster.load import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, MOST_CHANNELS
from refmaster.names import shown, storable
from refmaster.records import BandLevels, Profile
from refmaster.version import __version__

DIGITS = 3
# What no measurement of ours can leave. Samples reach +60 dBFS; between them the interpolator adds at most 8.5 dB; the
# weighting of loudness adds 4 dB and a second channel 3. What has no 400 ms over −70 LUFS is no row at all.
SILENT_DB, LOUDEST_DB = -200.0, 70.0  # the floor of all levels, and more than any of them
RATIO_DB = (-20.0, 150.0)  # of a peak above a loudness or a mean
ROUNDED_DB = 0.01  # as far as three rounded figures may be from adding up
# The loudest 400 ms are no softer than the mean of all that passes the gate; with silence in the rest of 3 s these are
# 8.8 dB under that. The rest is room for where stretches of 3 s begin.
BURST_DB = 12.0
SCALARS = {  # single numbers, each with the least and the largest that can be true
    "integrated_lufs": (-70.0, LOUDEST_DB),
    "loudness_range_lu": (0.0, 100.0),
    "max_short_term_lufs": (-100.0, LOUDEST_DB),  # 400 ms over −70 LUFS in 3 s of silence are −79
    "true_peak_dbtp": (SILENT_DB, LOUDEST_DB),
    "plr_db": RATIO_DB,
    "psr_db": RATIO_DB,
    "psr_p10_db": RATIO_DB,
    "crest_db": RATIO_DB,
    "peaks_held_pct": (0.0, 100.0),
    "correlation": (-1.0, 1.0),
    "tilt_db_per_oct": (-150.0, 150.0),  # 70 dB within the six bands that are the least give 108
    "hf_cutoff_hz": (3_000.0, 25_000.0),  # looked for above 3 kHz, in bands up to 20 kHz
    "percussive_pct": (0.0, 100.0),
    "tempo_bpm": (50.0, 210.0),
}
CURVES = {  # the same of each number in a curve
    "ltas_db": (SILENT_DB, LOUDEST_DB),
    "ltas_sd_db": (0.0, 200.0),  # two levels as far apart as levels can be have 191
    "side_to_mid_db": (-100.0, 100.0),  # bands 90 dB under the fullest are not compared
}
EDGES_HZ = (LOW_HZ, HIGH_HZ)  # of the bands of dynamics
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
        return called(self.artist, self.title, self.file)


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
    return read_row(LibraryFields(file, data))


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


def read_row(given: LibraryFields) -> Row:
    """A row from its JSON. BadSetting where a number is none, is missing, or cannot be true."""
    sha256 = given.text("sha256")
    if not SHA256.fullmatch(sha256):
        given.refuse("sha256", "is no SHA-256 in hexadecimal digits")
    title, artist, album, genre = (_word(given, name) for name in TAGS)
    profile = _profile(given, sha256)
    return Row(given.text("file"), sha256, title, artist, album, genre, given.text("refmaster"), profile)


def sound_of(row: Row) -> tuple[object, ...]:
    """What is the same in a WAV and a FLAC of one master: length, rate, channels and all that is measured of it."""
    profile = row.profile
    figures = (getattr(profile, name) for name in (*SCALARS, *CURVES, "dynamics"))
    return (profile.duration_s, profile.sample_rate_hz, profile.channels, *figures)


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


def _rank(row: Row) -> tuple[tuple[tuple[int, str], ...], list[int]]:
    """By its version's numbers, which are compared as they are written: Python reads none of thousands of digits."""
    numbers = (part.lstrip("0") for part in re.findall(r"[0-9]+", row.refmaster))
    version = tuple((len(number), number) for number in numbers)
    return version, [-ord(letter) for letter in json.dumps(row_data(row), sort_keys=True)]


def _profile(given: LibraryFields, sha256: str) -> Profile:
    rate = given.count("sample_rate_hz")
    if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
        given.refuse("sample_rate_hz", f"is {rate}; allowed: {span(LOWEST_RATE_HZ, HIGHEST_RATE_HZ)} Hz")
    channels = given.count("channels")
    if not 1 <= channels <= MOST_CHANNELS:
        given.refuse("channels", f"is {channels}; allowed: {span(1, MOST_CHANNELS)}")
    band_hz = centres_hz(rate)
    duration_s = given.number("duration_s", low=0.0)
    scalars = {name: _optional(given, name, *bounds) for name, bounds in SCALARS.items()}
    if scalars["integrated_lufs"] is None:
        given.refuse("integrated_lufs", "is null; a silent track is no reference")
    _check_together(given, scalars["integrated_lufs"], scalars)
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
        ltas_db=_curve(given, "ltas_db", len(band_hz)),
        ltas_sd_db=_curve(given, "ltas_sd_db", len(band_hz)),
        side_to_mid_db=_gappy_curve(given, "side_to_mid_db", len(band_hz)),
        dynamics=_dynamics(given),
        dc_offset_pct=(),
        history_hop_s=0.5,
        short_term_lufs=(),
        momentary_lufs=(),
        **scalars,  # type: ignore[arg-type]
    )


def _check_together(given: LibraryFields, lufs: float, scalars: dict[str, float | None]) -> None:
    """Refuse figures of which each can be true, but not all of them."""
    peak, plr, loudest = (scalars[name] for name in ("true_peak_dbtp", "plr_db", "max_short_term_lufs"))
    if peak is not None and plr is not None and abs(plr - (peak - lufs)) > ROUNDED_DB:
        given.refuse("plr_db", f"is {plr:g}; true peak less integrated loudness is {peak - lufs:.2f}")
    if loudest is not None and loudest < lufs - BURST_DB:
        given.refuse(
            "max_short_term_lufs", f"is {loudest:g}; at an integrated loudness of {lufs:g} at least {lufs - BURST_DB:g}"
        )


def _curve(given: LibraryFields, name: str, length: int) -> tuple[float, ...]:
    return tuple(given.within(name, value, *CURVES[name]) for value in _values(given, name, length))


def _gappy_curve(given: LibraryFields, name: str, length: int) -> tuple[float | None, ...]:
    """A curve that is null in bands where it cannot be measured."""
    values = _values(given, name, length)
    return tuple(None if value is None else given.within(name, value, *CURVES[name]) for value in values)


def _values(given: LibraryFields, name: str, length: int) -> list[object]:
    values = given.sequence(name)
    if len(values) != length:
        given.refuse(name, f"holds {len(values)} numbers where {length} are needed")
    return values


def _dynamics(given: LibraryFields) -> tuple[BandLevels, ...]:
    bands = given.sequence("dynamics")
    if not 1 <= len(bands) <= MOST_BANDS_OF_DYNAMICS:
        given.refuse("dynamics", f"holds {len(bands)} bands; 1 to {MOST_BANDS_OF_DYNAMICS} are possible")
    return tuple(_band(given, band) for band in bands)


def _band(given: LibraryFields, values: object) -> BandLevels:
    """Two edges and the levels between them, each no smaller than the one before."""
    if not isinstance(values, list) or len(values) != len(LEVELS):
        given.refuse("dynamics", f"has a row that does not hold {len(LEVELS)} numbers")
    edges = [given.within("dynamics", value, *EDGES_HZ) for value in values[:2]]
    levels = [given.within("dynamics", value, SILENT_DB, LOUDEST_DB) for value in values[2:]]
    if levels != sorted(levels) or edges[0] >= edges[1]:
        given.refuse("dynamics", "holds numbers that do not rise")
    return BandLevels(*edges, *levels)


def _optional(given: LibraryFields, name: str, low: float, high: float) -> float | None:
    return None if name in given.data and given.data[name] is None else given.number(name, low=low, high=high)


def _flag(given: LibraryFields, name: str) -> bool:
    value = given.data.get(name)
    return value if isinstance(value, bool) else given.refuse(name, "is neither true nor false")


def _word(given: LibraryFields, name: str) -> str:
    """A tag, which may be empty; on one line whatever it holds."""
    value = given.data.get(name)
    return shown(value).strip() if isinstance(value, str) else given.refuse(name, "is no text")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), DIGITS) + 0.0
