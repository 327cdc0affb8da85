"""Width: mastering moves it as a whole, which matched passages tell from where instruments stand.

A genre adds how wide its songs are, and how narrow their low end.
"""

from dataclasses import dataclass

import numpy as np

from refmaster.analyse import Measured
from refmaster.belief import weighed
from refmaster.compare.fault import heeded, probability
from refmaster.compare.goal import Goal
from refmaster.compare.normal import no_further, to_edge_db, width_normal_db
from refmaster.compare.pairing import FEWEST_BANDS, Sight, at_usual_length, audible, no_image, width_thirds_db
from refmaster.genres.statistics import EDGE_SDS
from refmaster.records import Curve, Genre
from refmaster.units import FloatArray, Mask, power_to_db

NEAR_MONO_DB = -40.0  # a side so far under the mid was not meant to be heard: it is not widened
WIDTH_SD_DB = 3.0  # how far mixes are off in width
# Error of the matched width over its spread between bands, measured on 326 pairs of free tracks: small where the bands
# agree, growing faster than their disagreement.
WIDTH_ERROR_SCALE, WIDTH_ERROR_POWER, WIDTH_ERROR_FLOOR_DB = 0.3, 1.8, 0.15
WIDE_BANDS_HZ = (150.0, 10000.0)  # where a genre's width is read as a whole
GENRE_WIDTH_SHARE = 1.1  # what a genre says of one song's width as a whole is off by so much of a band's deviation
LEAST_SONG_DB = 1.5  # songs stray by so much at least, however alike those are that a library was made of
LOW_END_HZ = 120.0
LOW_END_NARROW_DB = -12.0  # a genre whose low end is so narrow on average means it to be


def width_curve(
    target: Measured, sights: tuple[Sight, ...], goal: Goal, genre: Genre, band_hz: FloatArray
) -> Curve | None:
    """What references and genre say of the target's width; None in mono, and where either side is next to nothing."""
    if nearly_mono(target) or goal.width_db is None or no_image(target.profile):
        return None
    told = [one for one in sights if one.found is not None and one.weights.image > 0 and not one.noise]
    told = [one for one in told if not nearly_mono(one.pair.reference) and not no_image(one.pair.reference.profile)]
    if sights and not told:
        return None
    n = band_hz.size
    ours = np.array(target.profile.side_to_mid_db[:n], dtype=float)
    here = np.isfinite(ours) & (np.nan_to_num(ours, nan=-99.0) > NEAR_MONO_DB)
    here &= audible(np.array(target.profile.ltas_db[:n]))
    found = [one for one in (_matched(one, here) for one in told) if one is not None]
    if told and not found:
        return None
    whole, error = [one.whole_db for one in found], [one.error_db for one in found]
    usual = _usual(genre, ours, here, band_hz)
    if usual is not None:
        whole, error = [*whole, usual[0]], [*error, usual[1]]
    if not whole:
        return None
    believed, ratio = weighed(np.array(whole), np.array(error), WIDTH_SD_DB)
    fault = probability(ratio, target.profile)
    chance = 1 / np.sqrt((1 / np.array([one.error_db for one in found] or error) ** 2).sum())
    heard, wide = here, here
    matched = np.full(n, whole[0])
    if found:
        heard = np.any([one.heard for one in found], axis=0)
        wide = np.any([one.wide for one in found], axis=0)
        matched = _together(found, n)
    wide = wide & np.isfinite(goal.width_db)
    full = np.where(wide, np.nan_to_num(goal.width_db - width_thirds_db(target, band_hz)), 0.0)
    wanted = np.full(n, heeded(fault) * believed)
    if usual is not None and not sights:
        wanted = no_further(wanted, to_edge_db(np.full(n, usual[0]), np.full(n, usual[1])))
    wanted = wanted + _low_end(genre, ours, wanted, full, band_hz, here)
    curves = (full, matched, wanted, np.full(n, chance), heard.astype(float), wide.astype(float))
    known = () if usual is None else (np.full(n, usual[0]), np.full(n, usual[1]))
    return Curve(*(tuple(v.tolist()) for v in (*curves, *known)), fault=fault)


def nearly_mono(measured: Measured) -> bool:
    """No side, or one so faint as a whole that no band of it was meant to be heard."""
    mid, side = measured.spectrum.mid_bins, measured.spectrum.side_bins
    return side is None or float(side.sum()) < float(mid.sum()) * 10 ** (NEAR_MONO_DB / 10)


@dataclass(frozen=True)
class _Told:
    """What matched passages of one reference tell: as a whole, how far that is off, and in each band heard."""

    heard: Mask
    wide: Mask
    whole_db: float
    error_db: float
    difference_db: FloatArray


def _matched(one: Sight, here: Mask) -> _Told | None:
    theirs = np.array(one.pair.reference.profile.side_to_mid_db[: here.size], dtype=float)
    wide = one.pair.both & here & np.isfinite(theirs)
    if one.found is None:
        return None
    heard = wide & np.isin(np.arange(here.size), one.found.at)
    if heard.sum() < FEWEST_BANDS:
        return None
    target, reference = (_width_frames(m, heard) for m in (one.pair.target, one.pair.reference))
    difference = one.found.pairs.difference(target, reference)
    spread_db = float(difference.std()) * at_usual_length(one.pair)
    error = WIDTH_ERROR_SCALE * spread_db**WIDTH_ERROR_POWER + WIDTH_ERROR_FLOOR_DB
    error /= np.sqrt(one.weights.image)
    return _Told(heard, wide, float(np.median(difference)), float(error), difference)


def _together(found: list[_Told], n: int) -> FloatArray:
    """The difference in each band over all references, each by how sure it is; where none is heard, as a whole."""
    total, mass = np.zeros(n), np.zeros(n)
    for one in found:
        total[one.heard] += one.difference_db / one.error_db**2
        mass[one.heard] += 1 / one.error_db**2
    sure = np.array([1 / one.error_db**2 for one in found])
    whole = float(sure @ [one.whole_db for one in found] / sure.sum())
    return np.asarray(np.where(mass > 0, total / np.maximum(mass, 1e-12), whole))


def _width_frames(measured: Measured, heard: Mask) -> FloatArray:
    """Side over mid of each active frame in the bands that are heard, dB."""
    mid, side = measured.spectrum.passages()
    if side is None:
        raise ValueError("mono has no width")
    at = np.flatnonzero(heard)
    return np.asarray(power_to_db(side[:, at], 1e-12) - power_to_db(mid[:, at], 1e-12))


def _usual(genre: Genre, ours: FloatArray, here: Mask, band_hz: FloatArray) -> tuple[float, float] | None:
    """How much wider the genre usually is as a whole, and how far songs stray; None where nobody measured it."""
    normal = width_normal_db(genre, band_hz)
    at = here & (band_hz >= WIDE_BANDS_HZ[0]) & (band_hz <= WIDE_BANDS_HZ[1])
    if normal is None or at.sum() < FEWEST_BANDS:
        return None
    mean, sd = normal
    return float(np.median((mean - ours)[at])), max(float(GENRE_WIDTH_SHARE * sd[at].mean()), LEAST_SONG_DB)


def _low_end(
    genre: Genre, ours: FloatArray, wanted: FloatArray, full: FloatArray, band_hz: FloatArray, here: Mask
) -> FloatArray:
    """Beside what is wanted as a whole: a low end wider than 9 in 10 of a genre that keeps it narrow goes to the edge.

    Only as far as the reference is narrower there, too: both must say so.
    """
    normal = width_normal_db(genre, band_hz)
    low = here & (band_hz <= LOW_END_HZ)
    if normal is None or not low.any() or normal[0][low].mean() > LOW_END_NARROW_DB:
        return np.zeros_like(wanted)
    mean, sd = normal
    over = (ours + wanted - (mean + EDGE_SDS * sd))[low].mean()
    agreed = (wanted - full)[low].mean()
    change = -min(max(float(over), 0.0), max(float(agreed), 0.0))
    return np.where(band_hz <= LOW_END_HZ, change, 0.0)
