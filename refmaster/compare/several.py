"""Several references: which of them does not belong with the others, and counts for less."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from refmaster.compare.pairing import EMPTY_DB, Example
from refmaster.dsp.octaves import less_level
from refmaster.genres.statistics import JUDGED_HZ
from refmaster.names import shown
from refmaster.units import FloatArray

FEWEST = 3  # of two, nobody can tell which is the odd one
ODD_TIMES, ODD_DB, ODD_LU = 2.0, 4.0, 4.0  # so much further from the others than they are from each other; and at least
ODD_SHARE = 0.25  # what its word counts then


def belonging(examples: tuple[Example, ...]) -> tuple[tuple[Example, ...], tuple[str, ...]]:
    """The references with the odd ones' weights lowered, and a line for each of those."""
    if len(examples) < FEWEST:
        return examples, ()
    tones = np.array([_tone(one) for one in examples])
    loud = np.array([one.measured.profile.integrated_lufs or -70.0 for one in examples])
    apart = np.array([_apart(tones, k) for k in range(len(examples))])
    louder = np.array([abs(loud[k] - np.median(np.delete(loud, k))) for k in range(len(examples))])
    kept, said = [], []
    for k, one in enumerate(examples):
        others = np.delete(apart, k)
        name = shown(Path(one.measured.profile.path).name)
        weights = one.weights
        if apart[k] > max(ODD_TIMES * float(np.median(others)), ODD_DB):
            weights = replace(weights, tone=weights.tone * ODD_SHARE, image=weights.image * ODD_SHARE)
            said.append(
                f"{name}: most of its tone; it is {apart[k]:.1f} dB rms from the middle of the others, "
                f"they are {np.median(others):.1f} dB from theirs"
            )
        if louder[k] > max(ODD_TIMES * float(np.median(np.delete(louder, k))), ODD_LU):
            weights = replace(weights, level=weights.level * ODD_SHARE)
            said.append(f"{name}: most of its loudness; it is {louder[k]:.1f} LU from the middle of the others")
        kept.append(replace(one, weights=weights))
    return tuple(kept), tuple(said)


def _tone(one: Example) -> FloatArray:
    profile = one.measured.profile
    hz, levels = np.array(profile.band_hz), np.array(profile.ltas_db)
    judged = (hz >= JUDGED_HZ[0]) & (hz <= JUDGED_HZ[1])
    return less_level(np.maximum(levels, levels.max() - EMPTY_DB), judged)[judged]


def _apart(tones: FloatArray, k: int) -> float:
    """How far one spectrum is from the middle of the others, dB rms."""
    return float(np.sqrt(np.square(tones[k] - np.median(np.delete(tones, k, axis=0), axis=0)).mean()))
