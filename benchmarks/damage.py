"""Known damage: from a finished master, a mix whose right answer is that master.

What mastering does is undone, or overdone: tone by five bands, width by the side's level, dynamics by one broadband
expander (or, one time in four, compressor). Damage is a record drawn from a seed; the same seed always spoils alike.

[1] R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients": the analogue prototypes.
"""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy import signal

from benchmarks.judge import FloatArray, integrated_lufs, power_to_db, stereo

SHELF_Q = math.sqrt(0.5)  # [1]: S = 1, the steepest shelf without a bump
SMOOTHING_S = 0.015  # of the level that drives the dynamics
GAIN_SMOOTHING_S = 0.005
MOST_GAIN_DB = 9.0
EXPANDED_SHARE = 0.75  # a mix is mostly less dense than its master
HIGHEST_PEAK = 0.98  # of full scale, so that a file of integers holds it


class Shape(Enum):
    """What a band of tone looks like."""

    LOW_SHELF = "low shelf"
    BELL = "bell"
    HIGH_SHELF = "high shelf"


@dataclass(frozen=True)
class Band:
    """One band of tone; for a shelf, `at_hz` is where half of its gain is reached."""

    shape: Shape
    at_hz: float
    gain_db: float
    q: float = SHELF_Q


@dataclass(frozen=True)
class Damage:
    """All that is done to a master, in this order."""

    tone: tuple[Band, ...]
    side_gain_db: float
    threshold_pct: float  # of the time the level is under the threshold of the dynamics
    slope: float  # dB of gain for a dB over the threshold: above 0 expands, below 0 compresses
    loudness_lufs: float


def drawn(seed: int) -> Damage:
    """Damage of the size that mastering undoes: some dB of tone and width, and ±1 to 9 dB of dynamics."""
    rng = np.random.default_rng(seed)
    evenly = rng.uniform

    def frequency_hz(low: float, high: float) -> float:
        return float(np.exp(evenly(np.log(low), np.log(high))))

    def bell(low: float, high: float) -> Band:
        return Band(Shape.BELL, frequency_hz(low, high), evenly(-5, 5), evenly(0.5, 1.4))

    return Damage(
        tone=(
            Band(Shape.LOW_SHELF, frequency_hz(60, 180), evenly(-6, 6)),
            bell(150, 500),
            bell(500, 2000),
            bell(2000, 6000),
            Band(Shape.HIGH_SHELF, frequency_hz(5000, 11000), evenly(-7, 4)),
        ),
        side_gain_db=evenly(-6, 4),
        threshold_pct=evenly(40, 70),
        slope=evenly(0.15, 0.5) if rng.random() < EXPANDED_SHARE else -evenly(0.15, 0.35),
        loudness_lufs=evenly(-24, -16),
    )


def damaged(samples: FloatArray, sample_rate_hz: int, damage: Damage) -> FloatArray:
    """A master, spoiled: shape (2, samples), under full scale, as loud as drawn or as its peaks allow."""
    sections = np.stack([_section(band, sample_rate_hz) for band in damage.tone])
    mix = _with_side(signal.sosfilt(sections, stereo(samples)), damage.side_gain_db)
    mix = mix * _dynamics_gain(mix, sample_rate_hz, damage)
    gain = 10 ** ((damage.loudness_lufs - integrated_lufs(mix, sample_rate_hz)) / 20)
    return mix * min(gain, HIGHEST_PEAK / float(np.abs(mix).max()))


def _section(band: Band, sample_rate_hz: int) -> FloatArray:
    """A band of [1] as one second-order section: its analogue prototype, warped to its frequency, then bilinear."""
    A = 10 ** (band.gain_db / 40)
    root = math.sqrt(A) / band.q
    if band.shape is Shape.BELL:
        b, a = [1, A / band.q, 1], [1, 1 / (A * band.q), 1]
    elif band.shape is Shape.LOW_SHELF:
        b, a = [A, A * root, A * A], [A, root, 1]
    else:
        b, a = [A * A, A * root, A], [1, root, A]
    warped = 2 * sample_rate_hz * math.tan(math.pi * band.at_hz / sample_rate_hz)
    b, a = signal.bilinear(*signal.lp2lp(b, a, warped), fs=sample_rate_hz)
    return np.concatenate([b, a])


def _with_side(samples: FloatArray, gain_db: float) -> FloatArray:
    mid = samples.mean(axis=0)
    side = (samples[0] - samples[1]) / 2 * 10 ** (gain_db / 20)
    return np.stack([mid + side, mid - side])


def _dynamics_gain(samples: FloatArray, sample_rate_hz: int, damage: Damage) -> FloatArray:
    """The gain over time, shape (samples,): `slope` dB for every dB over the threshold."""
    pole = math.exp(-1 / (SMOOTHING_S * sample_rate_hz))
    level_db = power_to_db(signal.lfilter([1 - pole], [1, -pole], np.square(samples).mean(axis=0)))
    over_db = np.maximum(level_db - np.percentile(level_db, damage.threshold_pct), 0)
    taps = int(GAIN_SMOOTHING_S * sample_rate_hz)
    gain_db = signal.lfilter(np.full(taps, 1 / taps), 1, damage.slope * over_db)
    return np.asarray(10 ** (np.minimum(gain_db, MOST_GAIN_DB) / 20))
