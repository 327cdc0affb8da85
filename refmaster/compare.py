"""Compare: the differences between target and reference, and how much of each the evidence supports.

A difference of two average spectra is mastering plus arrangement plus chance, and arrangement is the most of it. So
like is compared with like: frames of the two tracks are matched (`dsp/registration.py`), and the difference of matched
frames is the evidence. Its roughness tells how far it may be off: little for the same song, most of it for a stranger.
A posterior under the curves that mastering equalisers make, weighed against "nothing is wrong", gives what is wanted.

Measured on 68 free tracks (halves of 25 s; tone error in dB rms from the known right answer; 1.97 untouched):
same song, damaged 0.77; same song, nothing wrong 0.08; another song, damaged 1.90; another song, nothing wrong 0.43.
The full difference of averages gives 2.9, 2.9, 8.3 and 8.3.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from refmaster.analyse import Measured
from refmaster.dsp.gaussian import equaliser_covariance, smooth_covariance
from refmaster.dsp.octaves import BANDS_PER_OCTAVE, thirds_db, unbent_below_hz
from refmaster.dsp.pitch import likeness, notes
from refmaster.dsp.registration import Registration, register
from refmaster.records import Comparison, Curve, DynamicsGap, Genre, Profile
from refmaster.units import FloatArray, power_to_db

EMPTY_DB = 60.0  # a band so far under the fullest says nothing about tone
EDGE_HZ = (30.0, 18000.0)  # outside, averages are mostly rumble and codec
FEWEST_BANDS = 8  # less than 1 1/3 octaves in common is no tonal balance
CODEC_HZ = 12000.0  # what is cut lower was not cut by a codec
EQ_SD_DB = 2.5  # how far mixes are off, a band of a mastering equaliser; practice says ±0.5–1.5, problems 2–4
SEARCH_SD_DB = 2.0  # the same while registering; with a little that no equaliser band explains
SEARCH_REST_DB, SEARCH_REST_OCT = 0.3, 0.3
SMOOTH_OCT = 1 / 6  # what is shown of a matched difference is smoothed so much
# Error of a registered difference over its roughness, measured on the 246 pairs: rms = 1.1 roughness^1.4 (correlation
# of the logarithms 0.95), alike at all frequencies, correlated over short and long distances as below.
ERROR_SCALE, ERROR_POWER, ERROR_FLOOR_DB = 1.1, 1.4, 0.15
ERROR_NEAR, ERROR_FAR, ERROR_ALONE = (0.3, 0.25), (0.4, 1.2), 0.3  # (share, octaves); share of each band alone
FAULT_PRIOR = 0.5  # every second mix that is brought has something wrong with its tone: nobody has counted
FINISHED_PRIOR = 0.1  # what has been limited already was thought finished by somebody
LIMITED_PCT = 1.5  # of `peaks_held_pct`: masters reach 40, mixes with all their peaks stay under 0.6, steady ones 1
LEAST_FAULT = 0.45  # what is more likely right than wrong is left alone
TEMPER = 0.7  # evidence counts so much, as the model is no more than a model
# The same music in another key lays notes onto other notes: what is left looks smooth and is not mastering. Copies
# moved by 2 to 6 semitones have a likeness of 0.83–0.98 there, different songs stay under 0.78.
TRANSPOSED_LIKENESS, TRANSPOSED_GAIN, TRANSPOSED_SEMITONES = 0.75, 0.25, 0.9
# Read in the target's key, bands moved back, they are kin; but never so near that a shift of pitch passes for tone.
TRANSPOSED_ROUGHNESS_DB = 1.5
SAME_ROUGHNESS_DB = 1.0  # a person says that it is the same song: then it is taken for as near as songs mostly are
KIN_ROUGHNESS_DB, KIN_STEEPNESS = 1.9, 8.0  # halves of songs lie below (9 in 10 under 1.5), strangers above 2.4
NEAR_MONO_DB = -40.0  # a side so far under the mid was not meant to be heard: it is not widened
# Spread of levels in a band, as logarithms: halves of one song, other songs of its genre, and what mixes are off by.
SPREAD_KIN_SD, SPREAD_STRANGER_SD, SPREAD_FAULT_SD = 0.35, 0.6, 0.1
LEAST_SPREAD_DB, MOST_STEP = 0.5, 1.4
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


def compare(target: Measured, reference: Measured, genre: Genre, *, same_song: bool = False) -> Comparison:
    """Both tracks side by side; they must have been measured at the same sample rate.

    `same_song` is a person's word that they are one song, whatever the numbers say.
    """
    n = min(len(target.profile.band_hz), len(reference.profile.band_hz))
    band_hz = np.array(target.profile.band_hz[:n])
    pair = _Pair(band_hz, np.log2(band_hz / 1000), target, reference)
    both, trusted, ignored = _audible(pair)
    seen = trusted & (pair.band_hz >= EDGE_HZ[0]) & (pair.band_hz <= EDGE_HZ[1])
    identical = _identical(target.profile, reference.profile)
    if seen.sum() < FEWEST_BANDS:
        nothing = Curve(*((0.0,) * n for _ in range(6)))
        ignored += ("tone and width: the two tracks have too little of the spectrum in common",)
        return Comparison(0.0, tuple(band_hz.tolist()), nothing, None, (), identical, ignored)
    shift = None if same_song else _transposed(target, reference)
    found = _registered(pair, seen, shift or 0.0)
    if same_song:
        found = replace(found, roughness_db=min(found.roughness_db, SAME_ROUGHNESS_DB))
    elif shift is not None:
        found = replace(found, roughness_db=max(found.roughness_db, TRANSPOSED_ROUGHNESS_DB))
        said = f"{abs(shift):.0f} semitone{'s' if abs(shift) >= 1.5 else ''} {'up' if shift > 0 else 'down'}"
        ignored += (f"its notes: they are this music's {said}, so its tone was read in the target's key",)
    kinship = 1.0 if same_song else 1 / (1 + (found.roughness_db / KIN_ROUGHNESS_DB) ** KIN_STEEPNESS)
    tone, width = _tone(pair, both, found), _width(pair, both, found)
    dynamics = _dynamics(target.profile, reference.profile, kinship)
    return Comparison(kinship, tuple(band_hz.tolist()), tone, width, dynamics, identical, ignored, shift)


def empty_top(profile: Profile) -> bool:
    """Whether the track ends so low that no codec did it: there is nothing above to be equalised."""
    return profile.hf_cutoff_hz is not None and profile.hf_cutoff_hz < CODEC_HZ


def corrected(comparison: Comparison, reached: Measured, reference: Measured) -> Comparison:
    """The comparison with its full differences moved by what was still missing of them in `reached`.

    For a match in full: what moves do to each other (a compressor to the balance, a limiter to the dynamics) is not
    foreseen, but heard and asked for in advance.
    """
    band_hz = np.array(comparison.band_hz)

    def moved(curve: Curve, missing: FloatArray) -> Curve:
        seen = np.array(curve.full_weight) > 0
        return replace(curve, full_db=tuple((np.array(curve.full_db) + np.where(seen, missing, 0.0)).tolist()))

    seen = np.array(comparison.tone.full_weight) > 0
    missing = _thirds(reference, band_hz) - _thirds(reached, band_hz)
    tone = moved(comparison.tone, missing - missing[seen].mean())
    width = comparison.width
    if width is not None:
        width = moved(width, _width_thirds(reference, band_hz) - _width_thirds(reached, band_hz))
    pairs = zip(comparison.dynamics, reached.profile.dynamics, strict=False)
    dynamics = tuple(
        replace(gap, correction=gap.correction * _towards(gap.reference_db, got.loud_over_median_db))
        for gap, got in pairs
    )
    return replace(comparison, tone=tone, width=width, dynamics=dynamics)


def _towards(goal_db: float, got_db: float) -> float:
    """The factor from what was got to the goal, no more than a step at a time."""
    return float(np.clip(goal_db / max(got_db, LEAST_SPREAD_DB), 1 / MOST_STEP, MOST_STEP))


def is_limited(profile: Profile) -> bool:
    """Whether a limiter has held the peaks of this track already."""
    return profile.peaks_held_pct is not None and profile.peaks_held_pct >= LIMITED_PCT


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


def _transposed(target: Measured, reference: Measured) -> float | None:
    """By how many semitones the reference is the target in another key; None where it is not."""
    spectra = [m.spectrum for m in (target, reference)]
    alike = likeness(*(notes(s.mid_bins, s.bin_hz) for s in spectra))
    if abs(alike.semitones) < TRANSPOSED_SEMITONES or alike.best < TRANSPOSED_LIKENESS:
        return None
    return alike.semitones if alike.best - alike.as_is > TRANSPOSED_GAIN else None


def _dynamics(target: Profile, reference: Profile, kinship: float) -> tuple[DynamicsGap, ...]:
    """How much livelier or denser each band is, and what of it to believe: little, songs vary more than mixes err."""
    found = []
    noise = SPREAD_KIN_SD * kinship + SPREAD_STRANGER_SD * (1 - kinship)
    believed = SPREAD_FAULT_SD**2 / (SPREAD_FAULT_SD**2 + noise**2)
    for ours, theirs in zip(target.dynamics, reference.dynamics, strict=False):
        stands, goal = (max(b.loud_over_median_db, LEAST_SPREAD_DB) for b in (ours, theirs))
        found.append(DynamicsGap(ours.low_hz, ours.high_hz, stands, goal, believed, noise * stands))
    return tuple(found)


def _audible(pair: _Pair) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], tuple[str, ...]]:
    """Bands in which both tracks hold something, those of them that tell of tone (masks), and what was left out."""
    t, r = pair.both("ltas_db")
    seen = np.asarray((t > t.max() - EMPTY_DB) & (r > r.max() - EMPTY_DB))
    tops = {role: m.profile.hf_cutoff_hz for role, m in (("reference", pair.reference), ("target", pair.target))}
    cut = {role: top for role, top in tops.items() if top is not None}
    if not cut:
        return seen, seen, ()
    role, top = min(cut.items(), key=lambda item: item[1])
    trusted = seen & (pair.band_hz < unbent_below_hz(top))
    alike = len(cut) == 2 and max(cut.values()) < top * 2 ** (1 / 6)  # then it is bent in both
    return seen if alike else trusted, trusted, (f"tone above {top / 1000:.1f} kHz: the {role} ends there",)


def _registered(pair: _Pair, seen: npt.NDArray[np.bool_], semitones: float) -> Registration:
    """The target's frames laid onto the reference's, which are moved back by `semitones` to the target's key."""
    target, reference = (_frames_db(m, pair.band_hz.size) for m in (pair.target, pair.reference))
    if semitones:
        place = np.arange(seen.size) + semitones * BANDS_PER_OCTAVE / 12
        below = np.clip(np.floor(place).astype(int), 0, seen.size - 2)
        share = np.clip(place - below, 0.0, 1.0)
        reference = reference[:, below] * (1 - share) + reference[:, below + 1] * share
        ends = np.flatnonzero(seen)[[0, -1]]
        seen = seen & (place >= ends[0]) & (place <= ends[1])
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
    evidence = _log_evidence(found.raw_db, inside + noise) - _log_evidence(found.raw_db, noise)
    fault = _probability(evidence, pair.target.profile)
    gain = np.linalg.solve(inside + noise + 1e4, prior[at]).T
    mean = gain @ found.raw_db
    variance = np.maximum(np.diag(prior) - np.einsum("ij,ji->i", gain, prior[at]), 0.0)
    mean = mean - mean[at].mean()
    sd = np.sqrt(fault * (variance + mean**2) - (fault * mean) ** 2)  # of the mixture with "nothing is wrong"
    theirs, ours = _thirds(pair.reference, pair.band_hz), _thirds(pair.target, pair.band_hz)
    full = np.where(both, theirs - ours - (theirs - ours)[at].mean(), 0.0)
    matched = np.zeros(n)
    matched[at] = found.raw_db - found.raw_db.mean()
    curves = (full, _smoothed(matched, seen, pair.octaves), _heeded(fault) * mean, sd)
    return Curve(*(tuple(v.tolist()) for v in (*curves, seen.astype(float), both.astype(float))))


def _thirds(measured: Measured, band_hz: FloatArray) -> FloatArray:
    """Level of the mid in the third of an octave around each band's centre, over the whole track, dB."""
    return thirds_db(measured.spectrum.mid_bins, measured.spectrum.bin_hz, band_hz)


def _width_thirds(measured: Measured, band_hz: FloatArray) -> FloatArray:
    """Side over mid in the same thirds, dB."""
    bins = measured.spectrum.side_bins
    if bins is None:
        raise ValueError("mono has no side")
    return thirds_db(bins, measured.spectrum.bin_hz, band_hz) - _thirds(measured, band_hz)


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


def _probability(log_ratio: float, target: Profile) -> float:
    """Probability that there is a fault, from the log of the evidence ratio and how finished the target is."""
    prior = FINISHED_PRIOR if is_limited(target) else FAULT_PRIOR
    logit = TEMPER * log_ratio + np.log(prior / (1 - prior))
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))


def _heeded(fault: float) -> float:
    """What of a probability is acted on: none of it where the target is more likely right than wrong."""
    return fault if fault >= LEAST_FAULT else 0.0


def _smoothed(values: FloatArray, seen: npt.NDArray[np.bool_], octaves: FloatArray) -> FloatArray:
    apart = (octaves[:, np.newaxis] - octaves[np.newaxis, :]) / SMOOTH_OCT
    mass = np.exp(-0.5 * apart**2) * seen.astype(float)[np.newaxis, :]
    return np.asarray(mass @ values / np.maximum(mass.sum(axis=1), 1e-9))


def _width(pair: _Pair, both: npt.NDArray[np.bool_], found: Registration) -> Curve | None:
    """Side over mid: mastering moves it as a whole, which matched passages tell from where instruments stand."""
    t, r = pair.both("side_to_mid_db")
    wide = both & np.isfinite(t) & np.isfinite(r) & (np.nan_to_num(t, nan=-99.0) > NEAR_MONO_DB)
    heard = wide & np.isin(np.arange(pair.band_hz.size), found.at)
    if heard.sum() < FEWEST_BANDS or any(_nearly_mono(m) for m in (pair.target, pair.reference)):
        return None
    difference = found.pairs.difference(_width_frames(pair.target, heard), _width_frames(pair.reference, heard))
    whole, spread = float(np.median(difference)), float(difference.std())
    error = WIDTH_ERROR_SCALE * spread + WIDTH_ERROR_FLOOR_DB
    variance = WIDTH_SD_DB**2 + error**2
    believed = whole * WIDTH_SD_DB**2 / variance
    log_ratio = 0.5 * (whole**2 / error**2 - whole**2 / variance + np.log(error**2 / variance))
    fault = _probability(log_ratio, pair.target.profile)
    sd = np.sqrt(fault * (WIDTH_SD_DB * error) ** 2 / variance + fault * (1 - fault) * believed**2)
    n = pair.band_hz.size
    matched = np.full(n, whole)
    matched[heard] = difference
    full = np.where(wide, _width_thirds(pair.reference, pair.band_hz) - _width_thirds(pair.target, pair.band_hz), 0.0)
    curves = (
        full,
        matched,
        np.full(n, _heeded(fault) * believed),
        np.full(n, sd),
        heard.astype(float),
        wide.astype(float),
    )
    return Curve(*(tuple(v.tolist()) for v in curves))


def _nearly_mono(measured: Measured) -> bool:
    """No side, or one so faint as a whole that no band of it was meant to be heard."""
    mid, side = measured.spectrum.mid_bins, measured.spectrum.side_bins
    return side is None or float(side.sum()) < float(mid.sum()) * 10 ** (NEAR_MONO_DB / 10)


def _width_frames(measured: Measured, heard: npt.NDArray[np.bool_]) -> FloatArray:
    """Side over mid of each active frame in the bands that are heard, dB."""
    spectrum = measured.spectrum
    if spectrum.side is None:
        raise ValueError("mono has no width")
    at = np.flatnonzero(heard)
    mid, side = (power_to_db(v[spectrum.active][:, at], 1e-12) for v in (spectrum.mid, spectrum.side))
    return side - mid
