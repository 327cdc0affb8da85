"""The meters that judge a master. None of them is refmaster's own, so that no engine marks its own work.

numpy, scipy and pyloudnorm only. Sound is float64 of shape (channels, samples), full scale 1.0.

[1] ITU-R BS.1770-5, Annex 2: true peak.
[2] S. S. Vanka et al., "Diff-MST: differentiable mixing style transfer", ISMIR 2024: AudioFeatureLoss, which
    "ITO-Master" (ISMIR 2025) reports for mastering.
[3] H. Traunmüller, "Analytical expressions for the tonotopic sensory scale", JASA 88 (1990).
"""

import math
import warnings
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyloudnorm
from scipy import signal

FloatArray = npt.NDArray[np.float64]

LEAST_POWER = 1e-12  # −120 dB, so that silence has a level
CENTRES_HZ = 1000 * 2 ** (np.arange(-16, 13) / 3)  # third octaves, 25 Hz to 16 kHz
SPECTRUM_SAMPLES = 16384
SPLITS_HZ = (120, 500, 2000, 6000)  # the bands of the dynamics
SPLIT_ORDER = 4
LEVEL_BLOCK_S = 0.05
HEARD_DB = 50.0  # what lies so far under the fullest band, or the loudest block, is not judged
NEAR_MONO_DB = -40.0  # side over mid: below it nobody hears a width
FINE_TIMES = 16
FINE_PIECE, FINE_NEIGHBOURHOOD = 200_000, 200  # samples interpolated at a time, and to either side of them
HIGH_RATE_HZ = 80_000  # from here on 4× oversampling does what 8× does below
STFT_SAMPLES = (512, 2048, 8192)
STFT_FLOOR = 1e-4  # of the loudest bin: −80 dB
BARK_BANDS = 24
BARK_WINDOW, BARK_HOP = 32768, 8192
FEATURE_WEIGHTS = (0.1, 0.001, 1.0, 1.0, 0.1)  # of [2]: RMS, crest factor, width, imbalance, bark spectrum


@dataclass(frozen=True, eq=False)
class Heard:
    """What the meters read of one sound. Spectra are third octaves, dynamics one value a band."""

    loudness_lufs: float
    true_peak_dbtp: float
    mid_db: FloatArray
    side_db: FloatArray
    spread_db: FloatArray  # how far loud 50 ms blocks (P95) stand above the median block
    crest_db: FloatArray

    @property
    def plr_db(self) -> float:
        """True peak above integrated loudness."""
        return self.true_peak_dbtp - self.loudness_lufs


def hear(samples: FloatArray, sample_rate_hz: int) -> Heard:
    """All that `distances` needs to know of a sound."""
    both = stereo(samples)
    mid, side = both.mean(axis=0), (both[0] - both[1]) / 2
    dynamics = np.array([_spread_and_crest_db(band, sample_rate_hz) for band in _bands(mid, sample_rate_hz)])
    return Heard(
        loudness_lufs=integrated_lufs(both, sample_rate_hz),
        true_peak_dbtp=true_peak_dbtp(both, sample_rate_hz),
        mid_db=_third_octaves_db(mid, sample_rate_hz),
        side_db=_third_octaves_db(side, sample_rate_hz),
        spread_db=dynamics[:, 0],
        crest_db=dynamics[:, 1],
    )


def distances(mastered: Heard, wanted: Heard) -> dict[str, float]:
    """How far a master is from what was wanted, in dB: eq, width, dyn, crest, plr. Only plr heeds the level."""
    full = wanted.mid_db > wanted.mid_db.max() - HEARD_DB
    wide = full & (wanted.side_db > wanted.side_db.max() - HEARD_DB)
    wide &= wanted.side_db - wanted.mid_db > NEAR_MONO_DB
    tone = (mastered.mid_db - wanted.mid_db)[full]
    width = (mastered.side_db - mastered.mid_db - wanted.side_db + wanted.mid_db)[wide]
    return {
        "eq": float(tone.std()),
        "width": float(np.sqrt(np.mean(width**2))) if width.size else 0.0,
        "dyn": float(np.abs(mastered.spread_db - wanted.spread_db).mean()),
        "crest": float(np.abs(mastered.crest_db - wanted.crest_db).mean()),
        "plr": abs(mastered.plr_db - wanted.plr_db),
    }


def spectral_distance_db(mastered: FloatArray, wanted: FloatArray, sample_rate_hz: int) -> float:
    """Mean difference of log magnitudes at three resolutions, between the mids of two sounds in time with each other.

    Levels are aligned first, and only what is heard in the wanted sound counts. nan where that is silent.
    """
    length = min(mastered.shape[1], wanted.shape[1])
    mid, goal = (stereo(one)[:, :length].mean(axis=0) for one in (mastered, wanted))
    mid = mid * math.sqrt(np.mean(goal**2) / max(float(np.mean(mid**2)), LEAST_POWER))
    return float(np.mean([_log_difference_db(mid, goal, sample_rate_hz, size) for size in STFT_SAMPLES]))


def feature_distance(mastered: FloatArray, reference: FloatArray, sample_rate_hz: int) -> float:
    """AudioFeatureLoss of [2]: weighted squared differences of level, crest, width, balance and bark spectrum."""
    pairs = zip(_features(mastered, sample_rate_hz), _features(reference, sample_rate_hz), strict=True)
    means = [float(np.mean((mine - theirs) ** 2)) for mine, theirs in pairs]
    return float(np.dot(FEATURE_WEIGHTS, means))


def integrated_lufs(samples: FloatArray, sample_rate_hz: int) -> float:
    """Integrated loudness as pyloudnorm reads it; −inf for silence and for less than a gating block."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return float(pyloudnorm.Meter(sample_rate_hz).integrated_loudness(samples.T))
        except ValueError:
            return -math.inf


def true_peak_dbtp(samples: FloatArray, sample_rate_hz: int) -> float:
    """The highest peak after oversampling, as [1] asks, by scipy's interpolator; −240 for silence."""
    times = 8 if sample_rate_hz < HIGH_RATE_HZ else 4
    peak = max(float(np.abs(signal.resample_poly(channel, times, 1)).max()) for channel in samples)
    return 20 * math.log10(max(peak, LEAST_POWER))


def fine_true_peak_dbtp(samples: FloatArray) -> float:
    """The highest peak at 16×, with silence before and behind, as a player has it; −240 for silence.

    By scipy's polyphase interpolator, piece by piece, for the memory's sake.
    """
    peak = LEAST_POWER
    for channel in np.pad(samples, ((0, 0), (FINE_NEIGHBOURHOOD, FINE_NEIGHBOURHOOD))):
        for start in range(0, channel.size, FINE_PIECE):
            before = min(start, FINE_NEIGHBOURHOOD)
            piece = channel[start - before : start + FINE_PIECE + FINE_NEIGHBOURHOOD]
            fine = signal.resample_poly(piece, FINE_TIMES, 1)
            peak = max(peak, float(np.abs(fine[before * FINE_TIMES : (before + FINE_PIECE) * FINE_TIMES]).max()))
    return 20 * math.log10(peak)


def stereo(samples: FloatArray) -> FloatArray:
    """Shape (2, samples): mono doubled, and the first two of more channels."""
    return np.repeat(samples, 2, axis=0) if samples.shape[0] == 1 else samples[:2]


def power_to_db(power: FloatArray) -> FloatArray:
    """Decibels, not below −120."""
    return np.asarray(10 * np.log10(np.maximum(power, LEAST_POWER)))


def _third_octaves_db(mono: FloatArray, sample_rate_hz: int) -> FloatArray:
    at_hz, density = signal.welch(mono, sample_rate_hz, nperseg=min(SPECTRUM_SAMPLES, mono.size))
    half = 2 ** (1 / 6)
    starts, ends = (np.searchsorted(at_hz, CENTRES_HZ * k) for k in (1 / half, half))
    power = np.array([density[start:end].sum() for start, end in zip(starts, ends, strict=True)])
    # A band narrower than a bin, or above half the sampling rate, has none of its own.
    return power_to_db(np.where(power > 0, power, np.interp(CENTRES_HZ, at_hz, density)))


def _bands(mono: FloatArray, sample_rate_hz: int) -> list[FloatArray]:
    """Low, three between, high."""
    between = [(pair, "bandpass") for pair in pairwise(SPLITS_HZ)]
    shapes = [(SPLITS_HZ[0], "lowpass"), *between, (SPLITS_HZ[-1], "highpass")]
    sections = [signal.butter(SPLIT_ORDER, edges, kind, fs=sample_rate_hz, output="sos") for edges, kind in shapes]
    return [signal.sosfilt(sos, mono) for sos in sections]


def _spread_and_crest_db(band: FloatArray, sample_rate_hz: int) -> tuple[float, float]:
    size = max(1, int(LEVEL_BLOCK_S * sample_rate_hz))
    blocks = band[: band.size // size * size].reshape(-1, size)
    level_db = power_to_db(np.square(blocks).mean(axis=1))
    median, loud = np.percentile(level_db[level_db > level_db.max() - HEARD_DB], (50, 95))
    peak_db = 20 * math.log10(max(float(np.abs(band).max()), LEAST_POWER))
    return float(loud - median), float(peak_db - power_to_db(np.square(band).mean()))


def _log_difference_db(mono: FloatArray, wanted: FloatArray, sample_rate_hz: int, size: int) -> float:
    mine, theirs = (np.abs(signal.stft(one, sample_rate_hz, nperseg=size)[2]) for one in (mono, wanted))
    floor = STFT_FLOOR * float(theirs.max())
    heard = theirs > floor
    if not heard.any():
        return math.nan
    return float(np.abs(20 * np.log10(np.maximum(mine[heard], floor) / theirs[heard])).mean())


def _features(samples: FloatArray, sample_rate_hz: int) -> tuple[FloatArray, ...]:
    """The five features of [2], as arrays."""
    both = stereo(samples)
    power = np.square(both).mean(axis=1)
    peak, rms = np.abs(both).max(axis=1), np.sqrt(power)
    crest_db = 20 * np.log10(np.maximum(peak, 1e-8) / np.maximum(rms, 1e-8))
    total, difference = both[0] + both[1], both[0] - both[1]
    width = np.mean(difference**2) / max(float(np.mean(total**2)), LEAST_POWER)
    imbalance = (power[1] - power[0]) / max(float(power.sum()), LEAST_POWER)
    bark = np.concatenate([_bark_spectrum(one, sample_rate_hz) for one in (total, difference)])
    return rms, crest_db, np.array([width]), np.array([imbalance]), bark


def _bark_spectrum(mono: FloatArray, sample_rate_hz: int) -> FloatArray:
    """Log of the mean magnitude under 24 triangles, evenly spaced in bark from 20 Hz to 20 kHz."""
    at_hz, _, frames = signal.stft(mono, sample_rate_hz, nperseg=BARK_WINDOW, noverlap=BARK_WINDOW - BARK_HOP)
    low, high = _bark(np.array([20.0, 20_000.0]))
    at, corners = _bark(at_hz), np.linspace(low, high, BARK_BANDS + 2)
    place = (at[np.newaxis] - corners[:, np.newaxis]) / (corners[1] - corners[0])  # in widths of a triangle's side
    triangles = np.maximum(0, 1 - np.abs(place[1:-1]))
    return np.asarray(np.log(triangles @ np.abs(frames).mean(axis=1) + 1e-8))


def _bark(frequency_hz: FloatArray) -> FloatArray:
    """Eq. 6 of [3]."""
    return np.asarray(26.81 * frequency_hz / (1960 + frequency_hz) - 0.53)
