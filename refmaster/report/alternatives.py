"""One sentence a plot, made of its numbers: what somebody would read off it who sees it."""

import math
from collections.abc import Callable

from refmaster.records import BandLevels, Profile
from refmaster.report.curves import (
    ALIGNED_HIGH_HZ,
    ALIGNED_LOW_HZ,
    Track,
    aligned_db,
    band_name,
    correlation_by_band,
    named,
)
from refmaster.report.figure import Role, Ys
from refmaster.writing import capital, difference, said, span

HEARD_DB = 40.0  # under the fullest band: what is fainter is no finding


def spectrum_said(tracks: tuple[Track, ...]) -> str:
    """How far target and master lie from the reference, and where the master lies furthest."""
    of = {track.role: track.profile for track in tracks}
    goal = of.get("reference")
    if goal is None:
        return _changed(of) if "master" in of else "The target's spectrum, and nothing to compare it with."
    ours = [track for track in tracks if track.role != "reference"]
    away = ", ".join(f"{track.name} {_rms(_distances(track.profile, goal)):.1f} dB" for track in ours)
    heard = next((track for track in ours if track.role == "master"), ours[0])
    furthest = _furthest(_distances(heard.profile, goal))
    ends = f"; {heard.name} is furthest from it {furthest}" if furthest else ""
    return f"Distance from the reference, 100 Hz to 10 kHz, rms: {away}{ends}."


def eq_said(band_hz: tuple[float, ...], wanted: Ys | None, applied: Ys | None) -> str:
    """How far the curves reach."""
    curves = (("wanted", wanted), ("applied", applied))
    said_of = [f"{name} {_reach(band_hz, curve)}" for name, curve in curves if curve and any(curve)]
    return f"{capital('; '.join(said_of))}."


def loudness_said(tracks: tuple[Track, ...]) -> str:
    """Integrated loudness, and where the short-term curve runs."""
    parts = []
    for track in tracks:
        known = [level for level in track.profile.short_term_lufs if level is not None]
        text = f"{track.name} {said('_lufs', track.profile.integrated_lufs)} integrated"
        curve = span("integrated_lufs", min(known), max(known)) if known else ""
        parts.append(f"{text}, short-term {curve}" if curve else text)
    return f"{capital('; '.join(parts))}."


def peaks_said(tracks: tuple[Track, ...], ceiling_dbtp: float | None) -> str:
    """True peaks and the ceiling."""
    peaks = ", ".join(f"{track.name} {said('_dbtp', track.profile.true_peak_dbtp)}" for track in tracks)
    return f"True peak: {peaks}" + ("." if ceiling_dbtp is None else f"; the ceiling is {said('_dbtp', ceiling_dbtp)}.")


def width_said(tracks: tuple[Track, ...]) -> str:
    """The mean of side over mid, where the width moves say it, too."""

    def heard(profile: Profile) -> Ys:
        bands = zip(profile.band_hz, profile.side_to_mid_db, strict=True)
        return tuple(side for hz, side in bands if ALIGNED_LOW_HZ <= hz <= ALIGNED_HIGH_HZ)

    return f"Side over mid, mean of the bands from 100 Hz to 10 kHz: {_means(tracks, heard, 'width_db')}."


def folded_said(tracks: tuple[Track, ...]) -> str:
    """What each track loses where it is folded down to mono; empty where there is no stereo."""
    known = [(track.name, track.profile.mono_loss_db) for track in tracks if track.profile.mono_loss_db is not None]
    parts = ", ".join(f"{name} {said('mono_loss_db', level)}" for name, level in known)
    return f" Level of a fold-down to mono (half of left plus right), against stereo: {parts}." if parts else ""


def correlation_said(tracks: tuple[Track, ...]) -> str:
    """Where the correlation is lowest."""
    parts = []
    for track in tracks:
        known = [
            (value, hz)
            for value, hz in zip(correlation_by_band(track.profile), track.profile.band_hz, strict=True)
            if value is not None and hz >= ALIGNED_LOW_HZ
        ]
        if known:
            value, hz = min(known)
            parts.append(f"{track.name} {_number(value, 2)} at {_hz(hz)}")
    return f"Lowest correlation from 100 Hz up: {', '.join(parts)}."


def depths_said(shares: tuple[tuple[str, float], ...]) -> str:
    """The share of each depth that occurs at all."""
    return f"Share of the time: {', '.join(f'{share:.1f} % at {name} dB' for name, share in shares if share > 0)}."


def dynamics_said(tracks: tuple[Track, ...]) -> str:
    """How far loud moments stand above the median in each band."""
    known = tuple(track for track in tracks if track.profile.dynamics)
    bands: list[tuple[BandLevels, ...]] = list(zip(*(track.profile.dynamics for track in known), strict=True))
    parts = [f"{band_name(row[0])} Hz {', '.join(f'{b.loud_over_median_db:.1f}' for b in row)}" for row in bands]
    return f"P95 over the median in dB, of {named(known)}: {'; '.join(parts)}."


def _changed(of: dict[Role, Profile]) -> str:
    change = _distances(of["master"], of["target"])
    furthest = _furthest(change)
    return f"The master differs from the target by {_rms(change):.1f} dB rms" + (
        f", most {furthest}." if furthest else "."
    )


def _distances(one: Profile, other: Profile) -> tuple[tuple[float, float], ...]:
    """Frequency and level above the other, where both hold something that counts."""
    if one.band_hz != other.band_hz:
        return ()
    ours, theirs = aligned_db(one), aligned_db(other)
    floor = max((level for level in theirs if level is not None), default=0.0) - HEARD_DB
    return tuple(
        (hz, a - b)
        for hz, a, b in zip(one.band_hz, ours, theirs, strict=True)
        if a is not None and b is not None and b > floor and ALIGNED_LOW_HZ <= hz <= ALIGNED_HIGH_HZ
    )


def _furthest(distances: tuple[tuple[float, float], ...]) -> str:
    if not distances:
        return ""
    hz, away = max(distances, key=lambda pair: abs(pair[1]))
    return f"at {_hz(hz)}, by {difference('_db', away)}"


def _rms(distances: tuple[tuple[float, float], ...]) -> float:
    return math.sqrt(sum(away**2 for _, away in distances) / len(distances)) if distances else 0.0


def _reach(band_hz: tuple[float, ...], curve: Ys) -> str:
    known = [(value, hz) for value, hz in zip(curve, band_hz, strict=True) if value is not None]
    (low, low_hz), (high, high_hz) = min(known), max(known)
    return f"from {difference('_db', low)} at {_hz(low_hz)} to {difference('_db', high)} at {_hz(high_hz)}"


def _means(tracks: tuple[Track, ...], values: Callable[[Profile], Ys], name: str) -> str:
    parts = []
    for track in tracks:
        known = [value for value in values(track.profile) if value is not None]
        if known:
            parts.append(f"{track.name} {said(name, sum(known) / len(known))}")
    return ", ".join(parts)


def _hz(hz: float) -> str:
    return f"{hz / 1000:.1f} kHz" if hz >= 1000 else f"{hz:.0f} Hz"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
