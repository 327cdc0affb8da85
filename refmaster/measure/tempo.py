"""How fast the music goes, from the levels of 50 ms blocks.

Where levels rise in several bands at once, something begins; a beat is what such beginnings repeat at. The best of all
tempi is the one at whose first multiples the autocorrelation of the rises is largest, weighed by how common tempi are
(D. Ellis, "Beat tracking by dynamic programming", Journal of New Music Research 36, 2007, eqs. 6 and 7). Half and
double tempo are told apart by that weight alone, so they may be taken for each other.
"""

import numpy as np

from refmaster.measure.dynamics import HOP_S
from refmaster.units import FloatArray

SLOWEST_BPM, FASTEST_BPM, STEP = 50.0, 210.0, 1.003
USUAL_BPM, USUAL_OCT = 120.0, 1.0  # [eq. 7]: half the listeners tap within this of 120
MULTIPLES = 8  # beats over which a tempo must hold: places it to a hundredth, though blocks are 50 ms long
DEEPEST_DB = 50.0  # rises out of what lies further under a band's loudest block are noise
LEAST_PULSE = 0.12  # of the rises' variance that must repeat: steady noise and pads stay under 0.08, clicks reach 0.9
SHORTEST_S = 10.0


def tempo_bpm(levels_db: FloatArray) -> float | None:
    """Beats per minute, 50 to 210; None where nothing repeats, and for less than 10 s.

    `levels_db` are the levels of 50 ms blocks in each band, shape (blocks, bands).
    """
    if len(levels_db) * HOP_S < SHORTEST_S:
        return None
    rises = _rises(levels_db)
    if not rises.any():
        return None
    same = _autocorrelation(rises)
    bpm = SLOWEST_BPM * STEP ** np.arange(np.log(FASTEST_BPM / SLOWEST_BPM) / np.log(STEP))
    lags = 60 / (bpm * HOP_S) * np.arange(1, MULTIPLES + 1)[:, np.newaxis]
    pulse = np.interp(lags, np.arange(same.size), same).mean(axis=0)
    common = np.exp(-0.5 * np.square(np.log2(bpm / USUAL_BPM) / USUAL_OCT))
    best = int(np.argmax(pulse * common))
    return float(bpm[best]) if pulse[best] >= LEAST_PULSE else None


def _rises(levels_db: FloatArray) -> FloatArray:
    """By how much the bands together rise from block to block, mean removed, shape (blocks,)."""
    held = np.maximum(levels_db, levels_db.max(axis=0) - DEEPEST_DB)
    rises = np.maximum(np.diff(held, axis=0), 0.0).mean(axis=1)
    return np.asarray(rises - rises.mean())


def _autocorrelation(values: FloatArray) -> FloatArray:
    """Correlation of values with themselves at each lag, 1 at lag 0 (overlaps shrink with the lag, and are heeded)."""
    n = values.size
    spectrum = np.abs(np.fft.rfft(values, 2 * n)) ** 2
    raw = np.fft.irfft(spectrum)[: n // 2]
    return np.asarray(raw / raw[0] * n / np.arange(n, n - n // 2, -1))
