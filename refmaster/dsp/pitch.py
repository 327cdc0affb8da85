"""Notes in a long-term spectrum: how alike two tracks are in what notes they hold, and in which key.

The fine structure of an average spectrum, its lines less their smooth surroundings, shows the notes that were played;
equalising does not move it. Two parts of one song share it (correlation 0.6–0.97 on free tracks), different songs do
not (below 0.42), and a transposed copy shares it at another place (0.83–0.98 at its shift).
"""

from dataclasses import dataclass

import numpy as np

from refmaster.dsp.octaves import level_around_db
from refmaster.units import FloatArray

STEPS_PER_SEMITONE = 3
LOW_HZ, HIGH_HZ = 150.0, 5000.0  # under it lines are too narrow for the transform, above it notes are overtones
SURROUNDINGS_OCT = 0.25  # standard deviation of the smoothing that is taken out
MOST_SEMITONES = 8


@dataclass(frozen=True)
class Likeness:
    """How alike the notes are as they stand, and at the shift (semitones, reference over target) where most alike."""

    as_is: float
    best: float
    semitones: float


def notes(bin_powers: FloatArray, bin_hz: float) -> FloatArray:
    """The fine structure of a spectrum, dB, on a grid of `STEPS_PER_SEMITONE`: (bins,) → (steps,)."""
    per_octave = 12 * STEPS_PER_SEMITONE
    at = LOW_HZ * 2 ** (np.arange(int(np.log2(HIGH_HZ / LOW_HZ) * per_octave)) / per_octave)
    level = level_around_db(bin_powers, bin_hz, at, 0.5 / per_octave)
    reach = np.arange(-per_octave, per_octave + 1) / (per_octave * SURROUNDINGS_OCT)
    bell = np.exp(-0.5 * reach**2)
    around = np.convolve(level, bell, "same") / np.convolve(np.ones(level.size), bell, "same")
    return np.asarray(level - around)


def likeness(target: FloatArray, reference: FloatArray) -> Likeness:
    """Correlation of two tracks' `notes`, at every shift up to `MOST_SEMITONES`."""
    most = MOST_SEMITONES * STEPS_PER_SEMITONE
    shifts = np.arange(-most, most + 1)
    found = np.array([_correlation(target, reference, int(k)) for k in shifts])
    best = int(np.argmax(found))
    return Likeness(float(found[most]), float(found[best]), float(shifts[best]) / STEPS_PER_SEMITONE)


def _correlation(a: FloatArray, b: FloatArray, shift: int) -> float:
    """Of a with b moved down by `shift` steps, over what overlaps; 0 where either is flat."""
    n = a.size - abs(shift)
    a, b = a[max(0, -shift) :][:n], b[max(0, shift) :][:n]
    spread = a.std() * b.std()
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 1e-9 else 0.0
