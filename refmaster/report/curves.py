"""From profiles to the curves and tables of the plots: what is drawn of each track, and the same in numbers."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from refmaster.records import BandLevels, Profile, Report
from refmaster.report.figure import Curve, Dash, Role, Table, Ys, moment_ms, rounded
from refmaster.report.writing import clock, said

ALIGNED_LOW_HZ, ALIGNED_HIGH_HZ = 100.0, 10000.0
SILENT_DBFS = -180.0  # `units.power_to_db` holds silence at −200
EMPTY_BAND_DB = -120.0  # below the mean: nothing there but the floor that stands for silence
MOST_POINTS = 2000  # more than the pixels of a plot
MOST_ROWS = 24  # of a history's table: taste


@dataclass(frozen=True)
class Track:
    """One of the three on a plot, and how it is told from the others."""

    name: str
    role: Role
    profile: Profile
    dash: Dash
    width: float


def tracks_of(report: Report) -> tuple[Track, ...]:
    """Those of target, reference and master that there are; the master last, so that it lies on top."""
    found = [Track("target", "target", report.target, "solid", 1.75)]
    if report.reference is not None:
        found.append(Track("reference", "reference", report.reference, "dash", 2.0))
    if report.master is not None:
        found.append(Track("master", "master", report.master, "solid", 2.25))
    return tuple(found)


def named(tracks: tuple[Track, ...]) -> str:
    """The tracks in a sentence: "target, reference and master"."""
    *first, last = [track.name for track in tracks]
    return f"{', '.join(first)} and {last}" if first else last


def band_curves(tracks: tuple[Track, ...], values: Callable[[Profile], Ys]) -> tuple[Curve, ...]:
    """One curve a track over its own bands; none where it has no value at all."""
    curves = (
        Curve(track.name, track.role, track.profile.band_hz, rounded(values(track.profile)), track.dash, track.width)
        for track in tracks
    )
    return tuple(curve for curve in curves if any(value is not None for value in curve.y))


def aligned_db(profile: Profile) -> Ys:
    """The spectrum relative to its own mean band power over the range where music lives; nothing for silence."""
    power = [
        10 ** (level / 10)
        for hz, level in zip(profile.band_hz, profile.ltas_db, strict=True)
        if ALIGNED_LOW_HZ <= hz <= ALIGNED_HIGH_HZ
    ]
    mean_db = 10 * math.log10(sum(power) / len(power)) if sum(power) > 0 else -math.inf
    if mean_db < SILENT_DBFS:
        return tuple(None for _ in profile.ltas_db)
    return tuple(level - mean_db if level - mean_db > EMPTY_BAND_DB else None for level in profile.ltas_db)


def full_difference_db(report: Report) -> Ys | None:
    """Reference minus target: what a match in full would apply.

    As the comparison found it, or else the plain difference of the two spectra; None where the bands differ.
    """
    target, reference, comparison = report.target, report.reference, report.comparison
    if comparison is not None and comparison.band_hz == target.band_hz:
        return comparison.tone.full_db
    if reference is None or reference.band_hz != target.band_hz:
        return None
    pairs = zip(aligned_db(target), aligned_db(reference), strict=True)
    return tuple(None if ours is None or theirs is None else theirs - ours for ours, theirs in pairs)


def short_term_curve(track: Track) -> Curve:
    """Loudness in windows of 3 s."""
    x, y = _history(track.profile, track.profile.short_term_lufs)
    return Curve(f"{track.name}, short-term", track.role, x, y, width=track.width)


def momentary_curve(track: Track) -> Curve:
    """Loudness in windows of 400 ms: thin and faint, for it is restless."""
    x, y = _history(track.profile, track.profile.momentary_lufs)
    return Curve(f"{track.name}, momentary", track.role, x, y, width=0.75, faint=True)


def integrated_curves(tracks: tuple[Track, ...], duration_s: float) -> Iterator[Curve]:
    """A horizontal line a track."""
    for track in tracks:
        level = track.profile.integrated_lufs
        if level is not None:
            dash: Dash = "dash" if track.role == "reference" else "dot"
            ends, levels = (moment_ms(0.0), moment_ms(duration_s)), rounded((level, level))
            yield Curve(f"{track.name}, integrated", track.role, ends, levels, dash=dash, width=1.75)


def deepest_curve(history_db: tuple[float, ...], hop_s: float) -> Curve:
    """Gain reduction; where there are more moments than pixels, the deepest of several."""
    step = step_of(len(history_db))
    starts = range(0, len(history_db), step)
    x = tuple(moment_ms(start * hop_s) for start in starts)
    return Curve("limiter", "master", x, rounded(max(history_db[i : i + step]) for i in starts), width=1, kind="area")


def dynamics_curves(tracks: tuple[Track, ...]) -> tuple[Curve, ...]:
    """P95 − P50 of each band, a bar a track."""
    return tuple(
        Curve(
            name=track.name,
            role=track.role,
            x=tuple(_band_name(band) for band in track.profile.dynamics),
            y=rounded(band.loud_over_median_db for band in track.profile.dynamics),
            kind="bar",
        )
        for track in tracks
        if track.profile.dynamics
    )


def table_of(first: str, unit: str, curves: tuple[Curve, ...]) -> Table:
    """Curves as columns, their x as the first; a curve that has no such x has a dash there."""
    columns = [dict(zip(map(_x_name, curve.x), curve.y, strict=True)) for curve in curves]
    names = dict.fromkeys(name for column in columns for name in column)
    return Table(
        head=(first, *(f"{curve.name} ({unit})" for curve in curves)),
        rows=tuple((name, *(_cell(column.get(name)) for column in columns)) for name in names),
    )


def history_table(tracks: tuple[Track, ...]) -> Table:
    """Short-term loudness at evenly spaced moments of the track."""
    longest = max(len(track.profile.short_term_lufs) for track in tracks)
    moments = range(0, longest, max(1, -(-longest // MOST_ROWS)))
    hop_s = tracks[0].profile.history_hop_s
    histories = [track.profile.short_term_lufs for track in tracks]
    return Table(
        head=("time", *(f"{track.name}, short-term" for track in tracks)),
        rows=tuple(
            (clock(i * hop_s), *(said("_lufs", history[i] if i < len(history) else None) for history in histories))
            for i in moments
        ),
    )


def step_of(number: int) -> int:
    """Every how manieth moment is drawn."""
    return max(1, -(-number // MOST_POINTS))


def _history(profile: Profile, values: Ys) -> tuple[tuple[float, ...], Ys]:
    step = step_of(len(values))
    x = tuple(moment_ms(i * profile.history_hop_s) for i in range(0, len(values), step))
    return x, rounded(values[::step])


def _band_name(band: BandLevels) -> str:
    return "–".join(f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}" for hz in (band.low_hz, band.high_hz))


def _x_name(x: float | str) -> str:
    return x if isinstance(x, str) else f"{x:.0f}" if x >= 100 else f"{x:.1f}"


def _cell(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}".replace("-", "−")
