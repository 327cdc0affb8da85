"""Goal: what a match in full leads to: the one reference, the centre of several, or the middle of a genre."""

from dataclasses import dataclass

import numpy as np

from refmaster.analyse import Measured
from refmaster.compare.normal import band_of, tone_edges_db, width_normal_db
from refmaster.compare.pairing import Example, audible, middle_thirds_db, width_thirds_db
from refmaster.dsp.octaves import less_level, of_level, unbent_below_hz
from refmaster.names import whose
from refmaster.records import EVIDENCE_PCT, Comparison, Genre
from refmaster.units import FloatArray
from refmaster.writing import span


@dataclass(frozen=True)
class Goal:
    """Spectrum and width in thirds around each band, dB, nan where unknown; spread of levels in each dynamics band.

    `loudness_lufs` is what the default leads to and `loudness_full_lufs` a match in full.
    """

    thirds_db: FloatArray
    width_db: FloatArray | None
    loud_over_median_db: tuple[float, ...]
    loudness_lufs: float | None
    loudness_full_lufs: float | None


def goal_of(examples: tuple[Example, ...], band_hz: FloatArray) -> Goal:
    """The weighted centre of references; what one cannot tell, the others do."""
    single = len(examples) == 1
    tone = [middle_thirds_db(one.measured, band_hz) if single else _tone_row(one.measured, band_hz) for one in examples]
    wide = [(one, width_thirds_db(one.measured, band_hz)) for one in examples if one.measured.profile.channels > 1]
    levels = [(one.weights.level, one.measured.profile.integrated_lufs) for one in examples]
    known = [(weight, lufs) for weight, lufs in levels if lufs is not None and weight > 0]
    loudness = _median([w for w, _ in known], [v for _, v in known]) if known else None
    heard = [one for one in examples if one.weights.dynamics > 0]
    spreads = np.array([[band.loud_over_median_db for band in one.measured.profile.dynamics] for one in heard])
    depths = _centre(spreads, np.array([one.weights.dynamics for one in heard])).tolist() if heard else []
    width = _centre(np.array([w for _, w in wide]), np.array([one.weights.image for one, _ in wide])) if wide else None
    return Goal(
        thirds_db=_centre(np.array(tone), np.array([one.weights.tone for one in examples])),
        width_db=width,
        loud_over_median_db=tuple(depths),
        loudness_lufs=loudness,
        loudness_full_lufs=loudness,
    )


def goal_of_genre(genre: Genre, target: Measured, band_hz: FloatArray) -> Goal:
    """The middle of a genre; as loud as the nearer edge of what is usual in it, in full as its middle."""
    middle, _ = tone_edges_db(genre, target.profile)
    width = width_normal_db(genre, band_hz)
    band, now = band_of(genre, "integrated_lufs"), target.profile.integrated_lufs
    return Goal(
        thirds_db=middle_thirds_db(target, band_hz) + middle[: band_hz.size],
        width_db=None if width is None else width[0],
        loud_over_median_db=tuple(one.loud_over_median_db for one in target.profile.dynamics),
        loudness_lufs=None if band is None or now is None else band.nearest(now),
        loudness_full_lufs=None if band is None else band.middle,
    )


def keeps_level(comparison: Comparison) -> bool:
    """Whether the references are no music, and the track stays as loud as it is unless it is matched in full."""
    return not comparison.by_genre and comparison.loudness_lufs != comparison.loudness_full_lufs


def whose_loudness(comparison: Comparison | None, genre: Genre, now_lufs: float | None, amount_pct: float) -> str:
    """What a loudness that nobody asked for follows, in words, at an amount over 0: the references, or the genre."""
    part = amount_pct < EVIDENCE_PCT
    if comparison is None or not comparison.by_genre:
        toward = "the reference" if comparison is None else comparison.toward
        if comparison is not None and keeps_level(comparison):
            further = f"between the track's own level and {whose(toward)}"
            return further if amount_pct > EVIDENCE_PCT else f"the track's own level, as {toward} is no music"
        return f"part of the way to {whose(toward)} loudness" if part else f"as {toward}"
    band = band_of(genre, "integrated_lufs")
    if band is None or now_lufs is None:
        return "part of the way to what is usual in the genre" if part else "as is usual in the genre"
    usual = f"what is usual in the genre (P10 to P90: {span('x_lufs', band.low, band.high)})"
    middle = f"the middle of {usual}, {band.middle:.1f} LUFS"
    if amount_pct >= 100:
        return middle
    inside = band.low <= now_lufs <= band.high
    edge = "the quiet edge" if now_lufs < band.low else "the loud edge"
    if amount_pct > EVIDENCE_PCT:
        return f"between {'its own level' if inside else edge} and {middle}"
    if inside:
        return f"as the track itself, which lies inside {usual}"
    return f"part of the way to {edge} of {usual}" if part else f"{edge} of {usual}"


def _tone_row(measured: Measured, band_hz: FloatArray) -> FloatArray:
    """Thirds of a reference, level removed, nan where it holds nothing or a codec cut it."""
    row = middle_thirds_db(measured, band_hz)
    heard = audible(row)
    top = measured.profile.hf_cutoff_hz
    if top is not None:
        heard &= band_hz < unbent_below_hz(top)
    used = heard & of_level(band_hz)
    return np.where(heard, less_level(row, used if used.any() else np.ones_like(used)), np.nan)


def _centre(rows: FloatArray, weights: FloatArray) -> FloatArray:
    """The weighted mean of what is known in each band; nan where nothing is."""
    weight = np.where(np.isfinite(rows), weights[:, np.newaxis], 0.0)
    total = weight.sum(axis=0)
    mean = (np.nan_to_num(rows) * weight).sum(axis=0) / np.maximum(total, 1e-9)
    return np.asarray(np.where(total > 0, mean, np.nan))


def _median(weights: list[float], values: list[float]) -> float:
    """The weighted median; between two that share the middle, their mean."""
    order = np.argsort(values)
    v, w = np.array(values)[order], np.array(weights)[order]
    below = np.cumsum(w) / w.sum()
    first = int(np.searchsorted(below, 0.5 - 1e-9))
    if abs(below[first] - 0.5) < 1e-9 and first + 1 < v.size:
        return float((v[first] + v[first + 1]) / 2)
    return float(v[first])
