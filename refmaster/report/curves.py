"""From profiles to the curves and tables of the plots: what is drawn of each track, and the same in numbers."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from refmaster.dsp.octaves import BANDS_PER_OCTAVE, LEVEL_HZ, centre_hz
from refmaster.genres import genre_names, told_runner_up, with_share
from refmaster.genres.statistics import EDGE_SDS, song_sd_db
from refmaster.records import BandLevels, Genre, Profile, Report
from refmaster.report.figure import Curve, Dash, Role, Table, Ys, moment_ms, rounded
from refmaster.writing import clock, listed, said

ALIGNED_LOW_HZ, ALIGNED_HIGH_HZ = LEVEL_HZ
SILENT_DBFS = -180.0  # `units.power_to_db` holds silence at −200
EMPTY_BAND_DB = -120.0  # below the mean: nothing there but the floor that stands for silence
FAINTEST_DB = 60.0  # below the fullest band: what is fainter counts as so much in the mean, or it would rule it
DEPTHS_DB = (0.1, 0.5, 1.0, 2.0, 3.0, 4.0, math.inf)  # taste: where the bars of the limiter's histogram part
MOST_POINTS = 2000  # more than the pixels of a plot
MOST_ROWS = 24  # of a history's table: taste


@dataclass(frozen=True)
class Track:
    """One of those on a plot, and how it is told from the others."""

    name: str
    role: Role
    profile: Profile
    dash: Dash
    width: float


def tracks_of(report: Report) -> tuple[Track, ...]:
    """Those of target, reference and masters that there are, in the order of the legend."""
    found = [Track("target", "target", report.target, "dot", 3.5)]
    if report.reference is not None:
        found.append(Track("reference", "reference", report.reference, "dash", 2.0))
    if report.master is not None:
        found.append(Track(report.engine if report.beside else "master", "master", report.master, "solid", 2.0))
    if report.beside is not None and report.beside.master is not None:
        found.append(Track(report.beside.engine, "beside", report.beside.master, "dashdot", 2.0))
    return tuple(found)


def named(tracks: tuple[Track, ...]) -> str:
    """The tracks in a sentence: "target, reference and master"."""
    return listed([track.name for track in tracks])


def band_curves(tracks: tuple[Track, ...], values: Callable[[Profile], Ys]) -> tuple[Curve, ...]:
    """One curve a track over its own bands; none where it has no value at all."""
    curves = (
        Curve(track.name, track.role, track.profile.band_hz, rounded(values(track.profile)), track.dash, track.width)
        for track in tracks
    )
    return tuple(curve for curve in curves if any(value is not None for value in curve.y))


def aligned_db(profile: Profile) -> Ys:
    """The spectrum around its own mean level over the range where music lives, as genres keep it; none for silence."""
    inside = [
        level
        for hz, level in zip(profile.band_hz, profile.ltas_db, strict=True)
        if ALIGNED_LOW_HZ <= hz <= ALIGNED_HIGH_HZ
    ]
    if max(inside, default=-math.inf) < SILENT_DBFS:
        return tuple(None for _ in profile.ltas_db)
    floor_db = max(inside) - FAINTEST_DB
    mean_db = sum(max(level, floor_db) for level in inside) / len(inside)
    return tuple(level - mean_db if level - mean_db > EMPTY_BAND_DB else None for level in profile.ltas_db)


def correlation_by_band(profile: Profile) -> Ys:
    """Correlation in each band, of channels that are equally loud in it: (1 − r) / (1 + r), r side over mid in power.

    Left is mid plus side and right mid minus side; where one channel is louder the true value is nearer 0 on average.
    """
    ratios = (None if level is None else 10 ** (level / 10) for level in profile.side_to_mid_db)
    return tuple(None if ratio is None else (1 - ratio) / (1 + ratio) for ratio in ratios)


def tone_band(genre: Genre) -> tuple[Curve, ...]:
    """Where eight of ten songs of a genre lie in the aligned spectrum; nothing where nothing was measured."""
    tone = genre.tone
    if tone is None or not genre.n_tracks:
        return ()
    return (_band_of(genre, tone.band_hz, tone.mean_db, tuple(song_sd_db(tone).tolist())),)


def width_band(genre: Genre) -> tuple[Curve, ...]:
    """Where eight of ten songs of a genre lie in side over mid."""
    width = genre.width
    return () if width is None or not genre.n_tracks else (_band_of(genre, width.band_hz, width.mean_db, width.sd_db),)


def _band_of(genre: Genre, band_hz: tuple[float, ...], mean_db: Ys, sd_db: Ys) -> Curve:
    pairs = [(mean or 0.0, EDGE_SDS * (sd or 0.0)) for mean, sd in zip(mean_db, sd_db, strict=True)]
    high, low = (rounded(mean + sign * half for mean, half in pairs) for sign in (1, -1))
    name = f"{genre.label or genre.name}, P10–P90 of {genre.n_tracks} tracks"
    mixed = genre.name in genre_names()  # a library that was heard stands for itself
    if mixed and genre.share is not None and genre.runner_up is not None:
        likely = filter(None, (with_share(genre.name, genre.share), told_runner_up(genre), "…"))
        name = f"usual by the likely genres ({', '.join(likely)}), P10–P90"
    centres = tuple(centre_hz(round(BANDS_PER_OCTAVE * math.log2(at / 1000))) for at in band_hz)  # files round them
    return Curve(name, "genre", centres, high, kind="band", low=low)


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
    """Loudness in windows of 3 s, each track from its own start."""
    x, y = _history(track.profile, track.profile.short_term_lufs)
    return Curve(f"{track.name}, short-term", track.role, x, y, dash=track.dash, width=track.width)


def momentary_curve(track: Track) -> Curve:
    """Loudness in windows of 400 ms: thin and faint, for it is restless, and shown when it is asked for."""
    x, y = _history(track.profile, track.profile.momentary_lufs)
    return Curve(f"{track.name}, momentary", track.role, x, y, width=0.75, faint=True, shown=False)


def integrated_curves(tracks: tuple[Track, ...], duration_s: float) -> Iterator[Curve]:
    """A thin horizontal line a track."""
    for track in tracks:
        level = track.profile.integrated_lufs
        if level is not None:
            ends, levels = (moment_ms(0.0), moment_ms(duration_s)), rounded((level, level))
            yield Curve(f"{track.name}, integrated", track.role, ends, levels, dash=track.dash, width=1.0, faint=True)


def deepest_curve(history_db: tuple[float, ...], hop_s: float) -> Curve:
    """Gain reduction; where there are more moments than pixels, the deepest of several."""
    step = step_of(len(history_db))
    starts = range(0, len(history_db), step)
    x = tuple(moment_ms(start * hop_s) for start in starts)
    return Curve("limiter", "master", x, rounded(max(history_db[i : i + step]) for i in starts), width=1, kind="area")


def depth_shares(history_db: tuple[float, ...]) -> tuple[tuple[str, float], ...]:
    """How much of the time the limiter takes how much: depths in words, and percent."""
    found, taken_db = [], np.array(history_db)
    for low, high in pairwise(DEPTHS_DB):
        name = f"{low:g}–{high:g}" if math.isfinite(high) else f"over {low:g}"
        share = np.count_nonzero((low < taken_db) & (taken_db <= high)) / max(1, len(history_db))
        found.append((name, float(100 * share)))
    return tuple(found)


def dynamics_curves(tracks: tuple[Track, ...]) -> tuple[Curve, ...]:
    """A bar a track in each band, from P10 to P95 of its levels around their median."""
    return tuple(
        Curve(
            name=track.name,
            role=track.role,
            x=tuple(band_name(band) for band in track.profile.dynamics),
            y=rounded(band.loud_over_median_db for band in track.profile.dynamics),
            kind="bar",
            low=rounded(band.p10_dbfs - band.p50_dbfs for band in track.profile.dynamics),
            said=tuple(_spread_said(band) for band in track.profile.dynamics),
        )
        for track in tracks
        if track.profile.dynamics
    )


def dynamics_table(tracks: tuple[Track, ...]) -> Table:
    """The percentiles themselves, dBFS."""
    names = ("P10", "P50", "P95")
    tracks = tuple(track for track in tracks if track.profile.dynamics)
    columns = [track.profile.dynamics for track in tracks]
    return Table(
        head=("Hz", *(f"{track.name} {name} (dBFS)" for track in tracks for name in names)),
        rows=tuple(
            (
                band_name(bands[0]),
                *(cell(level) for band in bands for level in (band.p10_dbfs, band.p50_dbfs, band.p95_dbfs)),
            )
            for bands in zip(*columns, strict=True)
        ),
    )


def table_of(first: str, unit: str, curves: tuple[Curve, ...], *, digits: int = 1) -> Table:
    """Curves as columns, their x as the first; a curve that has no such x has a dash there."""
    columns = [
        dict(zip(map(_x_name, curve.x), values, strict=True))
        for curve in curves
        for values in ((curve.low, curve.y) if curve.kind == "band" else (curve.y,))
    ]
    names = dict.fromkeys(name for column in columns for name in column)
    heads = (
        head
        for curve in curves
        for head in ((f"{curve.name}, low", f"{curve.name}, high") if curve.kind == "band" else (curve.name,))
    )
    return Table(
        head=(first, *(f"{head} ({unit})" if unit else head for head in heads)),
        rows=tuple((name, *(cell(column.get(name), digits) for column in columns)) for name in names),
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


def band_name(band: BandLevels) -> str:
    """A band by its edges: "120–500"."""
    return "–".join(f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}" for hz in (band.low_hz, band.high_hz))


def _spread_said(band: BandLevels) -> str:
    below, above = band.p10_dbfs - band.p50_dbfs, band.loud_over_median_db
    return f"P10 {below:+.1f}, P95 {above:+.1f} dB".replace("-", "−")


def _x_name(x: float | str) -> str:
    return x if isinstance(x, str) else f"{x:.0f}" if x >= 100 else f"{x:.1f}"


def cell(value: float | None, digits: int = 1) -> str:
    """A number in a table; a dash where there is none."""
    return "—" if value is None else f"{value:.{digits}f}".replace("-", "−")
