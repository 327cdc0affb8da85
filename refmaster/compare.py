"""Compare: the differences between target and reference, and how much of each the evidence supports.

A difference of two average spectra is mastering plus arrangement plus chance. Two explanations are weighed against
each other: that the reference is the same song or session (then little of the difference is arrangement), or a stranger
(then most of it is). Each gives a posterior for the curve that an equaliser should make; their mean, weighted by how
well each explains the difference, is what is wanted, and the weight of the first is the kinship that is shown.
"""

from dataclasses import dataclass

import numpy as np

from refmaster.analyse import Measured
from refmaster.dsp.gaussian import Posterior, equaliser_covariance, posterior, smooth_covariance
from refmaster.records import Comparison, Curve, Genre, Profile
from refmaster.units import FloatArray

EMPTY_DB = 60.0  # a band so far under the fullest says nothing about tone
EDGE_HZ = (30.0, 18000.0)  # outside, averages are mostly rumble and codec
KIN_PRIOR = 0.3  # most references that people bring are other songs
MAX_KIN_LOGIT = 6.0
EQ_SD_DB = 2.5  # how far mixes are off, a band of a mastering equaliser; practice says ±0.5–1.5, problems 2–4
NEAR_OCT, FAR_OCT = 0.35, 1.5  # arrangement differs note by note, and by instruments over octaves
SMOOTH_OCT = 1 / 6  # the full difference is smoothed so much before it may be matched
SEGMENT_SHARE = 0.5  # variance of a half's average in units of its 5 s segments': they are far from independent
WIDTH_SD_DB, WIDTH_SLOPE_SD_DB = 3.0, 1.0  # how far mixes are off in width: as a whole, and over frequency
NEAR_MONO_DB = -40.0  # a side so far under the mid was not meant to be heard: it is not widened


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
    seen, ignored = _trusted(pair)
    kin, strangers, difference = _tone_posteriors(pair, genre, seen)
    kinship = _kinship(kin, strangers)
    tone = _curve(difference, seen, _mixed(kin, strangers, kinship), pair.octaves)
    width = _width(pair, kinship, seen)
    return Comparison(
        kinship, tuple(band_hz.tolist()), tone, width, _identical(target.profile, reference.profile), ignored
    )


def _identical(t: Profile, r: Profile) -> bool:
    """The same sound, in whatever file: nothing that is measured tells them apart."""
    if t.sha256 == r.sha256:
        return True
    close = np.allclose(t.ltas_db, r.ltas_db, atol=1e-3) if len(t.ltas_db) == len(r.ltas_db) else False
    return close and t.n_samples == r.n_samples and t.integrated_lufs == r.integrated_lufs


def _trusted(pair: _Pair) -> tuple[FloatArray, tuple[str, ...]]:
    """Bands in which both tracks hold something that tells of tone (a mask), and what was left out."""
    t, r = pair.both("ltas_db")
    seen = (t > t.max() - EMPTY_DB) & (r > r.max() - EMPTY_DB)
    seen &= (pair.band_hz >= EDGE_HZ[0]) & (pair.band_hz <= EDGE_HZ[1])
    ignored = []
    for role, measured in (("reference", pair.reference), ("target", pair.target)):
        cutoff = measured.profile.hf_cutoff_hz
        if cutoff is not None:
            seen &= pair.band_hz < cutoff * 2 ** (-1 / 6)  # the last band before the cut is already bent
            ignored.append(
                f"tone above {cutoff / 1000:.1f} kHz: the {role} holds nothing there (a lossy codec or a low rate)"
            )
    return seen, tuple(ignored)


def _tone_posteriors(pair: _Pair, genre: Genre, seen: FloatArray) -> tuple[Posterior, Posterior, FloatArray]:
    t, r = pair.both("ltas_db")
    difference = r - t
    rate = pair.target.profile.sample_rate_hz
    prior = equaliser_covariance(pair.band_hz, rate, EQ_SD_DB)
    sd_t, sd_r = pair.both("ltas_sd_db")
    within = np.sqrt(SEGMENT_SHARE * (sd_t**2 + sd_r**2) / 2 + 0.5**2)
    song_sd = np.interp(pair.octaves, np.log2(np.array(genre.song_sd_hz) / 1000), genre.song_sd_db)
    kin = posterior(difference, prior, _arrangement(pair.octaves, within), seen)
    strangers = posterior(difference, prior, _arrangement(pair.octaves, np.sqrt(2) * song_sd), seen)
    return kin, strangers, difference


def _arrangement(octaves: FloatArray, sd_db: FloatArray) -> FloatArray:
    """Covariance of what arrangement does to an average: half of it note by note, half over octaves."""
    half = sd_db / np.sqrt(2)
    near, far = (smooth_covariance(octaves, half, length) for length in (NEAR_OCT, FAR_OCT))
    return near + far + 0.3**2 * np.eye(octaves.size)


def _kinship(kin: Posterior, strangers: Posterior) -> float:
    """Probability that the difference is that of one song's parts, from the evidence of both explanations."""
    logit = kin.log_evidence - strangers.log_evidence + np.log(KIN_PRIOR / (1 - KIN_PRIOR))
    return float(1 / (1 + np.exp(-np.clip(logit, -MAX_KIN_LOGIT, MAX_KIN_LOGIT))))


def _mixed(kin: Posterior, strangers: Posterior, kinship: float) -> tuple[FloatArray, FloatArray]:
    mean = kinship * kin.mean + (1 - kinship) * strangers.mean
    square = kinship * (kin.sd**2 + kin.mean**2) + (1 - kinship) * (strangers.sd**2 + strangers.mean**2)
    return mean, np.sqrt(np.maximum(square - mean**2, 0.0))


def _curve(
    difference: FloatArray, seen: FloatArray, believed: tuple[FloatArray, FloatArray], octaves: FloatArray
) -> Curve:
    """Level removed, and the full difference smoothed; where nothing was seen it stays flat."""
    weight = seen.astype(float)
    mean, sd = believed
    full = _smoothed(np.where(seen, difference - np.average(difference, weights=weight + 1e-9), 0.0), seen, octaves)
    wanted = mean - np.average(mean, weights=weight + 1e-9)
    return Curve(*(tuple(v.tolist()) for v in (full, wanted, sd, weight)))


def _smoothed(values: FloatArray, seen: FloatArray, octaves: FloatArray) -> FloatArray:
    apart = (octaves[:, np.newaxis] - octaves[np.newaxis, :]) / SMOOTH_OCT
    mass = np.exp(-0.5 * apart**2) * seen.astype(float)[np.newaxis, :]
    return np.asarray(mass @ values / np.maximum(mass.sum(axis=1), 1e-9))


def _width(pair: _Pair, kinship: float, seen: FloatArray) -> Curve | None:
    """Side over mid, band by band: mastering widens as a whole; arrangement places instruments."""
    t, r = pair.both("side_to_mid_db")
    heard = seen & np.isfinite(t) & np.isfinite(r) & (np.nan_to_num(t, nan=-99.0) > NEAR_MONO_DB)
    if heard.sum() < 6:
        return None
    difference = np.where(heard, r - t, 0.0)
    one = np.ones_like(pair.octaves)
    prior = WIDTH_SD_DB**2 + smooth_covariance(pair.octaves, WIDTH_SLOPE_SD_DB * one, 2.0)
    found = [
        _offset_posterior(difference, prior, level_sd**2 + _arrangement(pair.octaves, band_sd * one), heard)
        for level_sd, band_sd in ((0.7, 2.0), (4.0, 5.0))  # within a song, between songs
    ]
    mean, sd = _mixed(found[0], found[1], kinship)
    weight = heard.astype(float)
    full = _smoothed(difference, heard, pair.octaves)
    return Curve(*(tuple(v.tolist()) for v in (full, mean, sd, weight)))


def _offset_posterior(difference: FloatArray, prior: FloatArray, noise: FloatArray, seen: FloatArray) -> Posterior:
    """As `posterior`, but the offset is no free constant: it is what is asked for."""
    at = np.flatnonzero(seen)
    gain = np.linalg.solve((prior + noise)[np.ix_(at, at)], prior[at, :]).T
    variance = np.diag(prior) - np.einsum("ij,ji->i", gain, prior[at, :])
    return Posterior(gain @ difference[at], np.sqrt(np.maximum(variance, 0.0)), 0.0)
