"""Pairing: one reference laid beside the target, band by band and passage by passage."""

from dataclasses import dataclass, field, replace

import numpy as np

from refmaster.analyse import Measured
from refmaster.dsp.gaussian import equaliser_covariance, smooth_covariance
from refmaster.dsp.octaves import BANDS_PER_OCTAVE, thirds_db, unbent_below_hz
from refmaster.dsp.pitch import Likeness, likeness, notes
from refmaster.dsp.registration import Registration, register
from refmaster.genres.features import features
from refmaster.nearness import apart
from refmaster.records import Profile, Weights
from refmaster.units import FloatArray, Mask, power_to_db

EMPTY_DB = 60.0  # a band so far under the fullest says nothing about tone
EDGE_HZ = (30.0, 18000.0)  # outside, averages are mostly rumble and codec
FEWEST_BANDS = 8  # less than 1 1/3 octaves in common is no tonal balance
SEARCH_SD_DB = 2.0  # of the equaliser's bands while registering; with a little that no equaliser band explains
SEARCH_REST_DB, SEARCH_REST_OCT = 0.3, 0.3
# The same music in another key lays notes onto other notes: what is left looks smooth and is not mastering. Copies
# moved by 1 to 6 semitones have a likeness of 0.80 to 1.00 there (89 copies of 38 clips). So have, up to 0.90, pairs of
# slow music of few notes: 406 of 27,351 pairs of clips by different artists have 0.75 and more. But with the bands
# moved back those stay rough, all but one of 405 by 1.69 dB and more, and the copies that are less like than 0.92 do
# not, by 1.11 dB at most.
TRANSPOSED_LIKENESS, TRANSPOSED_GAIN, TRANSPOSED_SEMITONES = 0.75, 0.25, 0.9
TRANSPOSED_SURE, TRANSPOSED_SMOOTH_DB = 0.92, 1.5
# Read in the target's key, bands moved back, they are kin; but never so near that a shift of pitch passes for tone.
TRANSPOSED_ROUGHNESS_DB = 1.5
SAME_ROUGHNESS_DB = 1.0  # a person says that it is the same song: then it is taken for as near as songs mostly are
# What roughness tells was measured on stretches of 25 s. The longer two songs are, the more of their passages look
# alike by chance, and the smoother is what is left: of 30 pairs of strangers 0.87 to 0.62 of it is, from 25 s beside
# 90 s to 180 s beside 180 s; it goes with the geometric mean of the lengths to the power below. Of kin, too.
USUAL_S, LONGER_POWER = 25.0, 0.19
# Long songs may be smooth beside each other by chance even so: some metal is much alike at every moment. Their notes
# tell. Of 99 songs, three have halves with a likeness under the first, all of them smoother than the second; of 99
# pairs of strangers 85 have one. What these count for at least goes by how near they are in all else
# (`nearness.apart`): songs of one album stand 0.35 to 0.5 apart where they are so smooth, and are as far off as the law
# says; strangers 0.48 and more, and are off by 3.4 to 5.5 dB where it says 2. Not so in 25 s, of which all else was
# measured: there it spares nobody harm, and costs what songs of one album tell of each other.
OTHER_NOTES, OTHER_AT, OTHER_LEAST_DB = 0.45, (0.3, 0.5), (1.2, 2.0)
KIN_ROUGHNESS_DB, KIN_STEEPNESS = 1.9, 8.0  # halves of songs lie below (9 in 10 under 1.5), strangers above 2.4

# What a track must not have for its side to be an image, by the names of defects, and what to call it.
INVERTED = "polarity"
NO_IMAGE = {
    "silent_channel": "one of its channels is silent",
    "dual_mono": "both its channels hold the same",
    INVERTED: "one of its channels seems inverted",
}


STILL = "its loudness stands still, as of noise or a test signal"
STILL_LU = 0.5  # momentary loudness, P90 − P10: noise and test signals 0.2 at most, 280 pieces of music 1.2 and more

# Noise may come and go, but its colour stays: in 10 s the shape of its spectrum moves by 0.71 dB at most, in 20 s by
# 0.66 (drifting noise and made applause too); 280 pieces of music by 1.7 dB and more, any 10 s of them by 0.82.
ONE_COLOUR, COLOUR_DB = "its colour never changes, as of noise", 0.76


@dataclass(frozen=True)
class Example:
    """A reference, and how much a person lets it count."""

    measured: Measured
    weights: Weights = field(default_factory=Weights)


@dataclass(frozen=True)
class Pair:
    """Target and one reference on the bands they share: `both` hold something there, `trusted` bands tell of tone."""

    band_hz: FloatArray
    octaves: FloatArray
    target: Measured
    reference: Measured
    both: Mask
    trusted: Mask


@dataclass(frozen=True)
class Sight:
    """What one reference shows: the pair, its registration, how near a relative it is, what it cannot teach.

    `found` is None where the two have too little of the spectrum in common. `noise` says why it is no music, and is
    empty for music; there is no kinship with that.
    """

    pair: Pair
    weights: Weights
    found: Registration | None
    kinship: float
    identical: bool
    ignored: tuple[str, ...]
    transposed_semitones: float | None = None
    noise: str = ""


def sight(target: Measured, example: Example, *, same_song: bool = False, threads: int = 1) -> Sight:
    """One reference beside the target; they must have been measured at the same sample rate."""
    reference = example.measured
    pair, ignored = _paired(target, reference)
    noise = "" if same_song else no_music(reference.profile, target.profile)
    if noise:
        ignored += (f"tone, width, dynamics and loudness at an --amount up to 50: {noise}",)
    inverted = [role for role, m in (("target", target), ("reference", reference)) if is_inverted(m.profile)]
    if inverted:
        ignored += (f"tone, width and dynamics: one channel of the {inverted[0]} seems inverted, so its mid is no mid",)
        same = _identical(target.profile, reference.profile)
        return Sight(pair, example.weights, None, 0.0, same, ignored, noise=noise)
    seen = pair.trusted & (pair.band_hz >= EDGE_HZ[0]) & (pair.band_hz <= EDGE_HZ[1])
    identical = _identical(target.profile, reference.profile)
    if seen.sum() < FEWEST_BANDS:
        ignored += ("tone and width: the two tracks have too little of the spectrum in common",)
        return Sight(pair, example.weights, None, 0.0, identical, ignored, noise=noise)
    spectra = [m.spectrum for m in (target, reference)]
    alike = None if same_song else likeness(*(notes(s.mid_bins, s.bin_hz) for s in spectra))
    shift, found = _keyed(pair, seen, alike, threads)
    least_db = _least_db(pair, alike) if alike is not None and shift is None else 0.0
    found = replace(found, roughness_db=_counted_db(found.roughness_db * at_usual_length(pair), least_db, alike, shift))
    if shift is not None:
        said = f"{abs(shift):.0f} semitone{'s' if abs(shift) >= 1.5 else ''} {'up' if shift > 0 else 'down'}"
        ignored += (f"its key: it seems to be this music {said}; its spectrum was moved to the target's key first",)
    kinship = 1.0 if same_song else 0.0 if noise else 1 / (1 + (found.roughness_db / KIN_ROUGHNESS_DB) ** KIN_STEEPNESS)
    return Sight(pair, example.weights, found, kinship, identical, ignored, shift, noise)


def _counted_db(roughness_db: float, least_db: float, alike: Likeness | None, shift: float | None) -> float:
    """Roughness as it counts, with what notes say; without those a person calls the two one song."""
    if alike is None:
        return min(roughness_db, SAME_ROUGHNESS_DB)
    if shift is not None:
        return max(roughness_db, TRANSPOSED_ROUGHNESS_DB)
    return max(roughness_db, least_db) if roughness_db > OTHER_LEAST_DB[0] else roughness_db


def _least_db(pair: Pair, alike: Likeness) -> float:
    """What long songs without common notes count for at least; 0 where nothing speaks against their roughness."""
    if alike.as_is >= OTHER_NOTES or at_usual_length(pair) <= 1.0:
        return 0.0
    ours, theirs = (features(m.profile) for m in (pair.target, pair.reference))
    distance = apart(ours, theirs)
    return float(np.interp(distance, OTHER_AT, OTHER_LEAST_DB)) if np.isfinite(distance) else OTHER_LEAST_DB[1]


def at_usual_length(pair: Pair) -> float:
    """By how much what is rough in these two would be rougher in 25 s of each; 1 for what is no longer."""
    length_s = (pair.target.profile.duration_s * pair.reference.profile.duration_s) ** 0.5
    return float(max(1.0, (length_s / USUAL_S) ** LONGER_POWER))


def no_image(profile: Profile) -> str:
    """Why a track's side is no image; empty where nothing speaks against it."""
    return next((why for name, why in NO_IMAGE.items() if any(one.name == name for one in profile.defects)), "")


def stands_still(reference: Profile, target: Profile) -> bool:
    """Whether the loudness of a reference never moves beside a target whose does: it is noise, or a test signal."""
    return _range_lu(reference) < STILL_LU <= _range_lu(target)


def no_music(reference: Profile, target: Profile) -> str:
    """Why a reference is no music beside a target that is; empty where nothing speaks against it."""
    if stands_still(reference, target):
        return STILL
    return ONE_COLOUR if _of_one_colour(reference) and not _of_one_colour(target) else ""


def no_side(profile: Profile) -> str:
    """Why a target has no side at all; empty where it has one."""
    if profile.channels == 1:
        return "the target is mono"
    same = any(one.name == "dual_mono" for one in profile.defects)
    return "both channels of the target hold the same" if same else ""


def is_inverted(profile: Profile) -> bool:
    """Whether one channel seems upside down: then most of what is mid stands in the side."""
    return any(one.name == INVERTED for one in profile.defects)


def audible(levels_db: FloatArray) -> Mask:
    """Bands in which a track holds something."""
    return np.asarray(levels_db > levels_db.max() - EMPTY_DB)


def middle_thirds_db(measured: Measured, band_hz: FloatArray) -> FloatArray:
    """Level of the mid in the third of an octave around each band's centre, over the whole track, dB."""
    return thirds_db(measured.spectrum.mid_bins, measured.spectrum.bin_hz, band_hz)


def width_thirds_db(measured: Measured, band_hz: FloatArray) -> FloatArray:
    """Side over mid in the same thirds, dB."""
    bins = measured.spectrum.side_bins
    if bins is None:
        raise ValueError("mono has no side")
    return thirds_db(bins, measured.spectrum.bin_hz, band_hz) - middle_thirds_db(measured, band_hz)


def _paired(target: Measured, reference: Measured) -> tuple[Pair, tuple[str, ...]]:
    """The bands the two share, and what is left out of them."""
    n = min(len(target.profile.band_hz), len(reference.profile.band_hz))
    band_hz = np.array(target.profile.band_hz[:n])
    levels = (np.array(m.profile.ltas_db[:n]) for m in (target, reference))
    seen = np.logical_and(*(audible(one) for one in levels))
    both, trusted = seen, seen
    ignored: tuple[str, ...] = ()
    tops = {role: m.profile.hf_cutoff_hz for role, m in (("reference", reference), ("target", target))}
    cut = {role: top for role, top in tops.items() if top is not None}
    if cut:
        role, top = min(cut.items(), key=lambda item: item[1])
        trusted = seen & (band_hz < unbent_below_hz(top))
        alike = len(cut) == 2 and max(cut.values()) < top * 2 ** (1 / 6)  # then it is bent in both
        both = seen if alike else trusted
        khz = unbent_below_hz(top) / 1000
        ignored = (f"tone above {khz:.1f} kHz: the {role} ends at {top / 1000:.1f} kHz, which bends the band before",)
    return Pair(band_hz, np.log2(band_hz / 1000), target, reference, both, trusted), ignored


def _of_one_colour(profile: Profile) -> bool:
    return profile.shape_sd_db is not None and profile.shape_sd_db < COLOUR_DB


def _range_lu(profile: Profile) -> float:
    """How far momentary loudness ranges, P90 above P10; infinite where there is none."""
    heard = [level for level in profile.momentary_lufs if level is not None]
    low, high = np.percentile(heard, (10, 90)) if heard else (-np.inf, 0.0)
    return float(high - low)


def _identical(t: Profile, r: Profile) -> bool:
    """The same sound, in whatever file: nothing that is measured tells them apart."""
    if t.sha256 == r.sha256:
        return True
    close = np.allclose(t.ltas_db, r.ltas_db, atol=1e-3) if len(t.ltas_db) == len(r.ltas_db) else False
    return close and t.n_samples == r.n_samples and t.integrated_lufs == r.integrated_lufs


def _transposed(alike: Likeness) -> float | None:
    """By how many semitones the reference may be the target in another key, by its notes; None where it is not."""
    if abs(alike.semitones) < TRANSPOSED_SEMITONES or alike.best < TRANSPOSED_LIKENESS:
        return None
    return alike.semitones if alike.best - alike.as_is > TRANSPOSED_GAIN else None


def _keyed(pair: Pair, seen: Mask, alike: Likeness | None, threads: int) -> tuple[float | None, Registration]:
    """By how many semitones the reference is the target in another key, or None, and the two registered so."""
    shift = None if alike is None else _transposed(alike)
    if alike is not None and shift is not None:
        found = _registered(pair, seen, shift, threads)
        near = found.roughness_db * at_usual_length(pair) < TRANSPOSED_SMOOTH_DB
        if near or alike.best >= TRANSPOSED_SURE:
            return shift, found
    return None, _registered(pair, seen, 0.0, threads)


def _registered(pair: Pair, seen: Mask, semitones: float, threads: int) -> Registration:
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
    prior = equaliser_covariance(pair.band_hz, rate, SEARCH_SD_DB) + rest
    return register(target, reference, seen, prior, threads=threads)


def _frames_db(measured: Measured, bands: int) -> FloatArray:
    mid, _ = measured.spectrum.passages()
    return power_to_db(mid[:, :bands], 1e-12)
