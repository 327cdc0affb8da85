"""Tone: the curve between target and goal, and how much of it the evidence supports."""

import numpy as np

from refmaster.analyse import Measured
from refmaster.belief import Matched, believed, chance_db, error_sd_db, usual
from refmaster.compare.fault import heeded, probability
from refmaster.compare.goal import Goal
from refmaster.compare.normal import no_further, normal_of, strays_db, tone_edges_db
from refmaster.compare.pairing import EDGE_HZ, FEWEST_BANDS, Sight, audible, is_inverted, middle_thirds_db
from refmaster.dsp.gaussian import equaliser_covariance
from refmaster.dsp.octaves import less_level, unbent_below_hz
from refmaster.records import Curve, Genre
from refmaster.units import FloatArray, Mask

EQ_SD_DB = 2.5  # how far mixes are off, a band of a mastering equaliser; practice says ±0.5–1.5, problems 2–4
# What strangers say of the top is followed on luck: on 164 tracks a third fewer are harmed for 0.006 dB of tone.
TOP_HZ = (5000.0, 12000.0)  # where that begins, and from where on it is whole: the root of the kinship is left
# Of a reference none of whose passages is like one of the target's, what is said of tone is the genre's word alone.
# Five of the seven curves that came of it on the recovery benchmark's 36 clips, two kinds of damage each, did harm; on
# free tracks of the library's own genres they helped a little (`belief.py`).
LEAST_KINSHIP = 0.005
SMOOTH_OCT = 1 / 6  # what is shown of a matched difference is smoothed so much


def tone_curve(target: Measured, sights: tuple[Sight, ...], goal: Goal, genre: Genre, band_hz: FloatArray) -> Curve:
    """What references and genre say of the target's tone; all zeros where they say nothing."""
    n, octaves = band_hz.size, np.log2(band_hz / 1000)
    heard = [one for one in sights if one.found is not None and one.weights.tone > 0]
    trusted = np.zeros(n, dtype=bool) if sights else _own(target, band_hz)
    for one in heard:
        trusted |= _seen(one, n)
    if trusted.sum() < FEWEST_BANDS or is_inverted(target.profile):
        return Curve(*((0.0,) * n for _ in range(6)))
    at = np.flatnonzero(trusted)
    normal = normal_of(genre, target.profile, trusted)
    matched = tuple(_matched(one, genre) for one in heard)
    prior = equaliser_covariance(band_hz, target.profile.sample_rate_hz, EQ_SD_DB)
    kinship = max((one.kinship for one in heard), default=0.0)
    found = believed(prior, octaves, matched, normal)
    fault = probability(found.log_evidence, target.profile)
    mean = less_level(found.mean_db, at)
    both = trusted if not sights else np.any([one.pair.both for one in heard], axis=0)
    both = both & np.isfinite(goal.thirds_db)
    apart = np.nan_to_num(goal.thirds_db - middle_thirds_db(target, band_hz))
    full = np.where(both, less_level(apart, at), 0.0)
    wanted = heeded(fault) * mean
    if sights and kinship < LEAST_KINSHIP:
        wanted = np.zeros(n)
    elif sights:
        wanted = wanted * np.interp(octaves, np.log2(np.array(TOP_HZ) / 1000), (1.0, np.sqrt(kinship)))
    else:
        wanted = no_further(wanted, tone_edges_db(genre, target.profile)[1][:n])
    shown = _shown(heard, trusted, octaves) if heard else full
    known = () if normal is None else usual(n, normal)
    curves = (full, shown, wanted, chance_db(octaves, matched, normal), trusted.astype(float), both.astype(float))
    return Curve(*(tuple(v.tolist()) for v in (*curves, *known)), fault=fault)


def _own(target: Measured, band_hz: FloatArray) -> Mask:
    """Where the target can be held against a genre: where it holds something and no codec cut it."""
    levels, top = np.array(target.profile.ltas_db[: band_hz.size]), target.profile.hf_cutoff_hz
    seen = audible(levels) & (band_hz >= EDGE_HZ[0]) & (band_hz <= EDGE_HZ[1])
    return np.asarray(seen if top is None else seen & (band_hz < unbent_below_hz(top)))


def _seen(one: Sight, n: int) -> Mask:
    if one.found is None:
        return np.zeros(n, dtype=bool)
    return np.isin(np.arange(n), one.found.at)


def _matched(one: Sight, genre: Genre) -> Matched:
    if one.found is None:
        raise ValueError("nothing was matched")
    found = one.found
    strays = strays_db(genre, one.pair.reference.profile, found.at)
    return Matched(found.at, found.raw_db, found.roughness_db, strays, one.weights.tone)


def _shown(heard: list[Sight], seen: Mask, octaves: FloatArray) -> FloatArray:
    """The difference of matched passages as it is shown: over all references, each by how sure it is, smoothed."""
    total, mass = np.zeros(seen.size), np.zeros(seen.size)
    for one in heard:
        if one.found is not None:
            sure = one.weights.tone / error_sd_db(one.found.roughness_db) ** 2
            total[one.found.at] += sure * (one.found.raw_db - one.found.raw_db.mean())
            mass[one.found.at] += sure
    values = total / np.maximum(mass, 1e-9)
    apart = (octaves[:, np.newaxis] - octaves[np.newaxis, :]) / SMOOTH_OCT
    near = np.exp(-0.5 * apart**2) * seen.astype(float)[np.newaxis, :]
    return np.asarray(near @ values / np.maximum(near.sum(axis=1), 1e-9))
