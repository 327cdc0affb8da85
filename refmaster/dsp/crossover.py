"""Five bands that add up to the sound they came from.

Each band is a symmetric FIR: the difference of two low-passes, whose edges fall over an octave. So nothing is shifted
in time or phase, the bands sum to the sound exactly, and a gain on one of them moves nothing but that band.
"""

import numpy as np

from refmaster.units import FloatArray

EDGES_HZ = (120.0, 500.0, 2000.0, 6000.0)
HALF_FALL = 2**0.5  # so far to each side of an edge its octave reaches
HALF_S = 0.040  # to each side: long enough for an octave around the lowest edge


def band_taps(band: int, sample_rate_hz: int) -> FloatArray:
    """Taps of a band, 0 to `len(EDGES_HZ)`, shape (2 · half + 1,), centred."""
    upper = _low_pass(EDGES_HZ[band], sample_rate_hz) if band < len(EDGES_HZ) else _all(sample_rate_hz)
    return upper - _low_pass(EDGES_HZ[band - 1], sample_rate_hz) if band > 0 else upper


def _half(sample_rate_hz: int) -> int:
    return round(HALF_S * sample_rate_hz)


def _all(sample_rate_hz: int) -> FloatArray:
    taps = np.zeros(2 * _half(sample_rate_hz) + 1)
    taps[_half(sample_rate_hz)] = 1.0
    return taps


def _low_pass(edge_hz: float, sample_rate_hz: int) -> FloatArray:
    """A low-pass that is half at its edge and falls as a cosine over the octave around it."""
    half = _half(sample_rate_hz)
    size = 1 << int(np.ceil(np.log2(8 * half)))
    at = np.fft.rfftfreq(size, 1 / sample_rate_hz)
    octaves = np.log2(np.maximum(at, 1e-3) / edge_hz)
    gain = 0.5 - 0.5 * np.sin(np.pi * np.clip(octaves, -0.5, 0.5))
    whole = np.fft.irfft(gain, size)
    taps = np.concatenate([whole[-half:], whole[: half + 1]]) * np.hanning(2 * half + 3)[1:-1]
    return np.asarray(taps / taps.sum())
