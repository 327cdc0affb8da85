"""Compare: the differences between target and reference, and how much of each the evidence supports.

A difference of two average spectra is mastering plus arrangement plus chance, and arrangement is the most of it. So
like is compared with like: frames of the two tracks are matched (`dsp/registration.py`), and the difference of matched
frames is the evidence. Its roughness tells how far it may be off: little for the same song, most of it for a stranger.
A posterior under the curves that mastering equalisers make, weighed against "nothing is wrong", gives what is wanted.

Measured on 68 free tracks (halves of 25 s; tone error in dB rms from the known right answer; 1.97 untouched):
same song, damaged 0.77; same song, nothing wrong 0.11; another song, damaged 1.90; another song, nothing wrong 0.44.
The full difference of averages gives 2.9, 2.9, 8.3 and 8.3.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refmaster.analyse import Measured
from refmaster.dsp.gaussian import equaliser_covariance, smooth_covariance
from refmaster.dsp.octaves import thirds_db
from refmaster.dsp.registration import Registration, register
from refmaster.records import Comparison, Curve, Genre, Profile
from refmaster.units import FloatArray, power_to_db

EMPTY_DB = 60.0  # a band so far under the fullest says nothing about tone
EDGE_HZ = (30.0, 18000.0)  # outside, averages are mostly rumble and codec
FEWEST_BANDS = 8  # less than 1 1/3 octaves in common is no tonal balance
EQ_SD_DB = 2.5  # how far mixes are off, a band of a mastering equaliser; practice says ±0.5–1.5, problems 2–4
SEARCH_SD_DB = 2.0  # the same while registering; with a little that no equaliser band explains
SEARCH_REST_DB, SEARCH_REST_OCT = 0.3, 0.3
SMOOTH_OCT = 1 / 6  # what is shown of a matched difference is smoothed so much
# Error of a registered difference over its roughness, measured on the 246 pairs: rms = 1.2 roughness^1.4 (correlation
# of the logarithms 0.95), alike at all frequencies, correlated over short and long distances as below.
ERROR_SCALE, ERROR_POWER, ERROR_FLOOR_DB = 1.2, 1.4, 0.15
ERROR_NEAR, ERROR_FAR, ERROR_ALONE = (0.3, 0.25), (0.4, 1.2), 0.3  # (share, octaves); share of each band alone
FAULT_PRIOR = 0.5  # every second mix that is brought has something wrong with its tone: nobody has counted
TEMPER = 0.7  # evidence counts so much, as the model is no more than a model
KIN_ROUGHNESS_DB, KIN_STEEPNESS = 1.9, 8.0  # halves of songs lie below (9 in 10 under 1.5), strangers above 2.4
NEAR_MONO_DB = -40.0  # a side so far under the mid was not meant to be heard: it is not widened
WIDTH_SD_DB = 3.0  # how far mixes are off in width
WIDTH_ERROR_SCALE, WIDTH_ERROR_FLOOR_DB = 0.8, 0.2  # error of the matched width over its spread between bands


@dataclass(frozen=True)
class _Pair:
    """Both tracks on the bands they share."""

    band_hz: FloatArray
    octaves: FloatArray
    target: Measured
    reference: Measured

    def both(self, values: str) -> tuple[FloatArray, FloatArray]:
        """A per-band field of both Profiles as arrays, None as nan."""
        n = self.band_hz.size
        t, r = (np.array(getattr(m.profile, values)[:n], dtype=float) for m in (self.target, self.reference))
        return t, r


def compare(target: Measured, reference: Measured, genre: Genre) -> Comparison:
    """Both tracks side by side; they must have been measured at the same sample rate."""
    n = min(len(target.profile.band_hz), len(reference.profile.band_hz))
    band_hz = np.array(target.profile.band_hz[:n])
    pair = _Pair(band_hz, np.log2(band_hz / 1000), target, reference)
    both, ignored = _audible(pair)
    seen = both & (pair.band_hz >= EDGE_HZ[0]) & (pair.band_hz <= EDGE_HZ[1])
    identical = _identical(target.profile, reference.profile)
    if seen.sum() < FEWEST_BANDS:
        nothing = Curve(*((0.0,) * n for _ in range(6)))
        ignored += ("tone and width: the two tracks have too little of the spectrum in common",)
        return Comparison(0.0, tuple(band_hz.tolist()), nothing, None, identical, ignored)
    found = _registered(pair, seen)
    kinship = 1 / (1 + (found.roughness_db / KIN_ROUGHNESS_DB) ** KIN_STEEPNESS)
    tone = _tone(pair, both, found)
    return Comparison(kinship, tuple(band_hz.tolist()), tone, _width(pair, both, found), identical, ignored)


def wanted(curve: Curve, amount_pct: float) -> FloatArray:
    """What an amount makes of a difference: from nothing, through what is believed, to all of it."""
    believed, full = np.array(curve.wanted_db), np.array(curve.full_db)
    if amount_pct <= 50:
        return believed * (amount_pct / 50)
    return np.asarray(believed + (full - believed) * ((amount_pct - 50) / 50))


def _identical(t: Profile, r: Profile) -> bool:
    """The same sound, in whatever file: nothing that is measured tells them apart."""
    if t.sha256 == r.sha256:
        return True
    close = np.allclose(t.ltas_db, r.ltas_db, atol=1e-3) if len(t.ltas_db) == len(r.ltas_db) else False
    return close and t.n_samples == r.n_samples and t.integrated_lufs == r.integrated_lufs


def _audible(pair: _Pair) -> tuple[npt.NDArray[np.bool_], tuple[str, ...]]:
    """Bands in which both tracks hold something (a mask), and what was left out."""
    t, r = pair.both("ltas_db")
    seen = np.asarray((t > t.max() - EMPTY_DB) & (r > r.max() - EMPTY_DB))
    tops = {role: m.profile.hf_cutoff_hz for role, m in (("reference", pair.reference), ("target", pair.target))}
    cut = {role: top for role, top in tops.items() if top is not None}
    if not cut:
        return seen, ()
    role, top = min(cut.items(), key=lambda item: item[1])
    seen &= pair.band_hz < top * 2 ** (-1 / 6)  # the last band before the cut is already bent
    return seen, (f"tone above {top / 1000:.1f} kHz: the {role} ends there",)


def _registered(pair: _Pair, seen: npt.NDArray[np.bool_]) -> Registration:
    """The target's frames laid onto the reference's."""
    target, reference = (_frames_db(m, pair.band_hz.size) for m in (pair.target, pair.reference))
    rest = smooth_covariance(pair.octaves, np.full(pair.octaves.size, SEARCH_REST_DB), SEARCH_REST_OCT)
    rate = pair.target.profile.sample_rate_hz
    return register(target, reference, seen, equaliser_covariance(pair.band_hz, rate, SEARCH_SD_DB) + rest)


def _frames_db(measured: Measured, bands: int) -> FloatArray:
    spectrum = measured.spectrum
    return power_to_db(spectrum.mid[spectrum.active][:, :bands], 1e-12)


def _tone(pair: _Pair, both: npt.NDArray[np.bool_], found: Registration) -> Curve:
    """What the matched difference says of the curve between the two, and how surely there is one at all."""
    at, n = found.at, pair.band_hz.size
    seen = np.isin(np.arange(n), at)
    prior = equaliser_covariance(pair.band_hz, pair.target.profile.sample_rate_hz, EQ_SD_DB)
    noise = _error_covariance(pair.octaves[at], found.roughness_db)
    inside = prior[np.ix_(at, at)]
    fault = _probability(_log_evidence(found.raw_db, inside + noise) - _log_evidence(found.raw_db, noise))
    gain = np.linalg.solve(inside + noise + 1e4, prior[at]).T
    mean = gain @ found.raw_db
    variance = np.maximum(np.diag(prior) - np.einsum("ij,ji->i", gain, prior[at]), 0.0)
    mean = mean - mean[at].mean()
    sd = np.sqrt(fault * (variance + mean**2) - (fault * mean) ** 2)  # of the mixture with "nothing is wrong"
    t, r = pair.both("ltas_db")
    theirs, ours = _thirds(pair.reference, pair.band_hz), _thirds(pair.target, pair.band_hz)
    full = np.where(both, theirs - ours - (theirs - ours)[at].mean(), 0.0)
    matched = np.zeros(n)
    matched[at] = found.raw_db - found.raw_db.mean()
    curves = (full, _smoothed(matched, seen, pair.octaves), fault * mean, sd)
    return Curve(*(tuple(v.tolist()) for v in (*curves, seen.astype(float), both.astype(float))))


def _thirds(measured: Measured, band_hz: FloatArray, *, side: bool = False) -> FloatArray:
    """Level in the third of an octave around each band's centre, mid or side, over the whole track, dB."""
    spectrum = measured.spectrum
    bins = spectrum.side_bins if side else spectrum.mid_bins
    if bins is None:
        raise ValueError("mono has no side")
    return thirds_db(bins, spectrum.bin_hz, band_hz)


def _error_covariance(octaves: FloatArray, roughness_db: float) -> FloatArray:
    """How far a registered difference of this roughness may be off."""
    sd = np.full(octaves.size, ERROR_SCALE * roughness_db**ERROR_POWER + ERROR_FLOOR_DB)
    alone = ERROR_ALONE * np.diag(sd**2)
    parts = (share * smooth_covariance(octaves, sd, length) for share, length in (ERROR_NEAR, ERROR_FAR))
    return np.asarray(sum(parts, start=alone))


def _log_evidence(values: FloatArray, covariance: FloatArray) -> float:
    """Log density of a curve of unknown level under a Gaussian, but for a constant (Rasmussen & Williams, eq. 2.30)."""
    root = np.linalg.cholesky(covariance + 1e4 + 1e-6 * np.eye(values.size))
    white = np.linalg.solve(root, values)
    return -0.5 * float(white @ white) - float(np.log(np.diag(root)).sum())


def _probability(log_ratio: float) -> float:
    """Probability that there is a fault, from the log of the evidence ratio."""
    logit = TEMPER * log_ratio + np.log(FAULT_PRIOR / (1 - FAULT_PRIOR))
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))


def _smoothed(values: FloatArray, seen: npt.NDArray[np.bool_], octaves: FloatArray) -> FloatArray:
    apart = (octaves[:, np.newaxis] - octaves[np.newaxis, :]) / SMOOTH_OCT
    mass = np.exp(-0.5 * apart**2) * seen.astype(float)[np.newaxis, :]
    return np.asarray(mass @ values / np.maximum(mass.sum(axis=1), 1e-9))


def _width(pair: _Pair, both: npt.NDArray[np.bool_], found: Registration) -> Curve | None:
    """Side over mid: mastering moves it as a whole, which matched passages tell from where instruments stand."""
    t, r = pair.both("side_to_mid_db")
    wide = both & np.isfinite(t) & np.isfinite(r) & (np.nan_to_num(t, nan=-99.0) > NEAR_MONO_DB)
    heard = wide & np.isin(np.arange(pair.band_hz.size), found.at)
    if heard.sum() < FEWEST_BANDS or pair.target.spectrum.side is None or pair.reference.spectrum.side is None:
        return None
    difference = found.pairs.difference(_width_frames(pair.target, heard), _width_frames(pair.reference, heard))
    whole, spread = float(np.median(difference)), float(difference.std())
    error = WIDTH_ERROR_SCALE * spread + WIDTH_ERROR_FLOOR_DB
    variance = WIDTH_SD_DB**2 + error**2
    believed = whole * WIDTH_SD_DB**2 / variance
    log_ratio = 0.5 * (whole**2 / error**2 - whole**2 / variance + np.log(error**2 / variance))
    fault = _probability(log_ratio)
    sd = np.sqrt(fault * (WIDTH_SD_DB * error) ** 2 / variance + fault * (1 - fault) * believed**2)
    n = pair.band_hz.size
    matched = np.full(n, whole)
    matched[heard] = difference
    theirs, ours = (_thirds(m, pair.band_hz, side=True) - _thirds(m, pair.band_hz) for m in (pair.reference, pair.target))
    full = np.where(wide, theirs - ours, 0.0)
    curves = (full, matched, np.full(n, fault * believed), np.full(n, sd), heard.astype(float), wide.astype(float))
    return Curve(*(tuple(v.tolist()) for v in curves))


def _width_frames(measured: Measured, heard: npt.NDArray[np.bool_]) -> FloatArray:
    """Side over mid of each active frame in the bands that are heard, dB."""
    spectrum = measured.spectrum
    if spectrum.side is None:
        raise ValueError("mono has no width")
    at = np.flatnonzero(heard)
    mid, side = (power_to_db(v[spectrum.active][:, at], 1e-12) for v in (spectrum.mid, spectrum.side))
    return side - mid
