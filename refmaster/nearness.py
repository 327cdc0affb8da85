"""How near two tracks are to each other, in the metric that genres are told apart by, and why.

The distance is Mahalanobis' over the features of `genres/features.py`, with the covariance that songs of one genre
share, per feature and per pair: pairs of songs by different artists of one genre lie around 0.75 (0.58 to 0.99, tenth
to ninetieth percentile, on the 236 tracks of `references/genre_tracks.json`), pairs of different genres around 0.82
(0.63 to 1.09), pairs by one artist around 0.69 (0.45 to 1.02). They overlap: it says what is alike, and not what
is the same.

Loudness and limiting are no part of it, because what is compared may be a mix beside masters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from refmaster.genres.features import feature_names
from refmaster.genres.posterior import shared_model
from refmaster.units import FloatArray

# Of pairs of songs of one genre by different artists, so many per cent lie nearer than so far: the table of 5103 pairs.
PAIRS_PCT = (0.0, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 100.0)
PAIRS_AT = (0.35, 0.48, 0.5, 0.54, 0.58, 0.65, 0.75, 0.86, 0.99, 1.07, 1.25, 1.53)
KIND_PCT = 75.0  # taste: farther apart than so many of the pairs of one genre is another kind of music
LEAST_SD = 0.5  # of the spread within genres: smaller differences are no reason
MOST_REASONS = 3


@dataclass(frozen=True)
class Aspect:
    """Features that are said together: a mean difference of at least `least` is a reason, in the words more or less."""

    name: str
    features: tuple[str, ...]
    least: float
    more: str
    less: str


def _tone(low_hz: float, high_hz: float) -> tuple[str, ...]:
    names = (name for name in feature_names() if name.startswith("tone_"))
    return tuple(name for name in names if low_hz <= float(name.split("_")[1]) < high_hz)


def _wide(kind: str) -> tuple[str, ...]:
    return tuple(name for name in feature_names() if name.startswith(f"{kind}_"))


ASPECTS = (
    Aspect("bass_db", _tone(0, 110), 0.5, "more bass by {} dB below 110 Hz", "less bass by {} dB below 110 Hz"),
    Aspect("low_mids_db", _tone(110, 500), 0.5, "fuller by {} dB around 250 Hz", "leaner by {} dB around 250 Hz"),
    Aspect("mids_db", _tone(500, 2000), 0.5, "more forward by {} dB around 1 kHz", "set back by {} dB around 1 kHz"),
    Aspect(
        "presence_db", _tone(2000, 5500), 0.5, "more present by {} dB at 2–5 kHz", "less present by {} dB at 2–5 kHz"
    ),
    Aspect("top_db", _tone(5500, 20000), 0.5, "brighter by {} dB above 5.6 kHz", "darker by {} dB above 5.6 kHz"),
    Aspect("width_db", _wide("width"), 0.5, "wider by {} dB", "narrower by {} dB"),
    Aspect("density_db", _wide("below_median"), 0.3, "sparser by {} dB", "denser by {} dB"),
    Aspect(
        "punch_db",
        _wide("above_median"),
        0.3,
        "its loud moments standing out more by {} dB",
        "its loud moments standing out less by {} dB",
    ),
    Aspect("movement_db", _wide("movement"), 0.3, "changing more by {} dB", "changing less by {} dB"),
    Aspect("range_lu", ("range_log_lu",), 0.05, "of wider loudness range", "of narrower loudness range"),
    Aspect("percussive_pct", ("percussive_pct",), 2.0, "more percussive by {} points", "less percussive by {} points"),
)


@dataclass(frozen=True)
class Reason:
    """How the other track differs in one aspect; `by` in the aspect's unit, positive where the other has more."""

    aspect: str
    by: float
    text: str


def apart(ours: FloatArray, theirs: FloatArray) -> float:
    """The distance between two rows of features, 0 for the same; nan where they have nothing in common."""
    model = shared_model()
    z = (theirs - ours) / model.scale
    seen = np.isfinite(z)
    if not seen.any():
        return math.nan
    root = np.linalg.cholesky(model.covariance[np.ix_(seen, seen)])
    return float(math.sqrt(np.square(np.linalg.solve(root, z[seen])).mean() / 2))


def nearer_pct(distance: float) -> float:
    """How many of 100 pairs of songs of one genre, by different artists, are nearer than so far."""
    return float(np.interp(distance, PAIRS_AT, PAIRS_PCT)) if math.isfinite(distance) else 100.0


def pair_at(pct: float) -> float:
    """The distance within which so many of 100 such pairs lie."""
    return float(np.interp(pct, PAIRS_PCT, PAIRS_AT))


def nearer_words(pct: float) -> str:
    """The same for a sentence that ends in "of 100 pairs"."""
    return f"{pct:.0f}" if pct >= 1 else "fewer than 1"


def reasons(ours: FloatArray, theirs: FloatArray) -> tuple[Reason, ...]:
    """In what the other track differs most, in units of the spread within genres; empty where all is alike."""
    found = []
    for aspect, at, sd in _measured_aspects():
        by = (theirs - ours)[list(at)]
        if not np.isfinite(by).any():
            continue
        mean = float(np.nanmean(by))
        if abs(mean) >= aspect.least and abs(mean) / sd >= LEAST_SD:
            words = aspect.more if mean > 0 else aspect.less
            found.append((abs(mean) / sd, Reason(aspect.name, mean, words.format(f"{abs(mean):.1f}"))))
    return tuple(reason for _, reason in sorted(found, key=lambda one: -one[0])[:MOST_REASONS])


def in_words(found: Sequence[Reason]) -> str:
    """Reasons as one phrase."""
    return ", ".join(reason.text for reason in found) or "alike in all that is measured"


@cache
def _measured_aspects() -> tuple[tuple[Aspect, tuple[int, ...], float], ...]:
    """Each aspect with the places of its features, and how far its mean spreads between two songs of one genre."""
    model, names = shared_model(), feature_names()
    found = []
    for aspect in ASPECTS:
        at = [names.index(name) for name in aspect.features]
        covariance = model.covariance[np.ix_(at, at)] * np.outer(model.scale[at], model.scale[at])
        found.append((aspect, tuple(at), math.sqrt(float(covariance.mean()))))
    return tuple(found)
