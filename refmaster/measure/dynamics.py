"""How levels are spread: 50 ms blocks of the mid in five bands, and the peak above its surroundings.

Bands are read from short spectra (about 93 ms, Hann, one each 50 ms) and not from filters: nothing rings, and the five
bands add up to the whole.
"""

import numpy as np

from refmaster.dsp.crossover import EDGES_HZ
from refmaster.dsp.frames import BandFrames, power_of_two
from refmaster.dsp.octaves import HIGH_HZ, LOW_HZ
from refmaster.measure.loudness import CELLS_PER_S
from refmaster.records import BandLevels
from refmaster.units import FloatArray, power_to_db

BAND_EDGES_HZ = (LOW_HZ, *EDGES_HZ, HIGH_HZ)
HOP_S = 0.050
FRAME_S = 0.093
ACTIVE_DB = 50.0  # blocks further than this under the loudest are pauses
HIT_BLOCKS = 15  # 0.75 s: what stands above the median of so long is a hit, what fills it a tone
MEDIANS_AT_ONCE = 4096  # blocks a step, so that hours need no more memory than minutes


class DynamicsMeter:
    """Feed it the mid, shape (samples,), then read the levels of its bands."""

    def __init__(self, sample_rate_hz: int):
        top = [edge for edge in BAND_EDGES_HZ if edge < sample_rate_hz * 0.49]
        self._edges = np.array([*top, BAND_EDGES_HZ[len(top)]]) if len(top) < len(BAND_EDGES_HZ) else np.array(top)
        self._edges[-1] = min(self._edges[-1], sample_rate_hz * 0.499)
        self._frames = BandFrames(
            sample_rate_hz,
            n_fft=power_of_two(FRAME_S * sample_rate_hz),
            hop_samples=round(HOP_S * sample_rate_hz),
            edges=self._edges,
        )

    def feed(self, mid: FloatArray) -> None:
        """Listen to a stretch of the mid."""
        self._frames.feed(mid)

    def read_levels(self) -> FloatArray:
        """Level of each block in each band, dBFS, shape (blocks, bands)."""
        return power_to_db(self._frames.read())

    def bands(self, levels: FloatArray) -> tuple[BandLevels, ...]:
        """The distribution of levels per band; a band without sound is left out of none, but reads −200."""
        found = []
        for k, level in enumerate(levels.T):
            active = level[level > level.max() - ACTIVE_DB]
            p10, p50, p95, p99 = np.percentile(active, (10, 50, 95, 99))
            low, high = float(self._edges[k]), float(self._edges[k + 1])
            found.append(BandLevels(low, high, float(p10), float(p50), float(p95), float(p99)))
        return tuple(found)


def percussive_pct(levels_db: FloatArray) -> float | None:
    """How much of the power is in hits and not in what lasts: 0 for a steady tone, near 100 for clicks.

    `levels_db` has the shape (blocks, bands). In each band the power above its running median over 0.75 s is a hit's
    (median filtering along time, D. Fitzgerald, "Harmonic/percussive separation using median filtering", DAFx 2010,
    on bands instead of bins); the share is averaged over the bands, so that the bass does not speak for all of them.
    None for silence, and for less than 0.75 s.
    """
    if len(levels_db) < HIT_BLOCKS:
        return None
    power = 10.0 ** (levels_db / 10)
    heard = levels_db.max(axis=0) > max(levels_db.max() - 2 * ACTIVE_DB, -190.0)
    if not heard.any():
        return None
    around = np.lib.stride_tricks.sliding_window_view(power[:, heard], HIT_BLOCKS, axis=0)
    steps = range(0, len(around), MEDIANS_AT_ONCE)
    lasting = np.concatenate([np.median(around[i : i + MEDIANS_AT_ONCE], axis=2) for i in steps])
    inside = power[HIT_BLOCKS // 2 : HIT_BLOCKS // 2 + len(around), heard]
    return float(100 * (np.maximum(inside - lasting, 0).sum(axis=0) / inside.sum(axis=0)).mean())


def psr_db(cell_peak: FloatArray, short_term_lufs: FloatArray) -> FloatArray:
    """Peak-to-short-term ratio each second: the sample peak of 3 s above their short-term loudness, dB.

    `cell_peak` holds the largest sample of each 10 ms, linear; `short_term_lufs` the curve on the same grid. Seconds
    under −50 LUFS are left out: the ratio of a fade says nothing.
    """
    if short_term_lufs.size == 0:
        return np.zeros(0)
    windows = np.lib.stride_tricks.sliding_window_view(cell_peak, cell_peak.size - short_term_lufs.size + 1)
    peaks = windows[::CELLS_PER_S].max(axis=1)
    levels = short_term_lufs[::CELLS_PER_S]
    used = (levels > -50.0) & (peaks > 0)
    return np.asarray(20 * np.log10(peaks[used]) - levels[used])
