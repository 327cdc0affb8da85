"""A song made of arithmetic: the demo's target and its reference, so that no audio is shipped or fetched.

One small band plays two scores. `song` is the first as a balanced mix, `dull_mix` the same song the way a bedroom
sends it, `finished` the second score the way a mastering room sends it back. Filters, compressor and clipper are
not the engine's own: the demo is a patient, and should not be made by the doctor.

The result is rounded to 24 bits: the last bit of a sine differs from processor to processor, the demo should not.

[1] R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients".
"""

import math

import numpy as np

from refmaster.demo.band import play
from refmaster.demo.score import FIRST, SECOND
from refmaster.units import FloatArray, db_to_gain

SONG_GAIN_DB, DULL_GAIN_DB, DRIVE_DB = -8.2, -13.4, 2.5  # measured: they bring out the loudness promised below
CLIP_AT = 0.86  # leaves the peaks between samples room below −1 dBTP
STEP = 2.0**-23  # 24 bits


def song(sample_rate_hz: int = 44100, *, seed: int = 1) -> FloatArray:
    """The first song as a balanced mix with nothing done to it, shape (2, samples).

    40 s, about −18 LUFS, peaks under −1 dBFS; the same song at every rate from 32 kHz up, the same bytes each
    time. Another `seed` is another take: other noises, other distances from the grid.
    """
    return _rounded(play(FIRST, sample_rate_hz, seed=seed, drums_db=0.0) * db_to_gain(SONG_GAIN_DB))


def dull_mix(sample_rate_hz: int = 44100) -> FloatArray:
    """The demo's target: the first song, dull, muddy, narrow and undisciplined, shape (2, samples).

    Against `song`: drums +3 dB, a shelf of −4.5 dB from 5 kHz, +2.5 dB at 250 Hz, side −3 dB. 40 s, about
    −22 LUFS, peaks under −3 dBFS.
    """
    mixed = play(FIRST, sample_rate_hz, seed=1, drums_db=3.0)
    dulled = _filtered(mixed, _high_shelf(5000.0, -4.5, sample_rate_hz), _bell(250.0, 2.5, sample_rate_hz))
    return _rounded(_widened(dulled, -3.0) * db_to_gain(DULL_GAIN_DB))


def finished(sample_rate_hz: int = 44100) -> FloatArray:
    """The bundled reference: the second song by the same band, mastered, shape (2, samples).

    Bright, firm below, wide, dense. 40 s, about −11 LUFS, at most −1 dBTP.
    """
    mixed = play(SECOND, sample_rate_hz, seed=2, drums_db=0.0)
    firm, clear = _bell(60.0, 1.0, sample_rate_hz), _bell(300.0, -1.5, sample_rate_hz)
    toned = _widened(_filtered(mixed, firm, clear, _high_shelf(6000.0, 2.0, sample_rate_hz)), 3.0)
    dense = _compressed(toned * db_to_gain(DRIVE_DB), sample_rate_hz, threshold_db=-16.0, ratio=1.5)
    return _rounded(CLIP_AT * np.tanh(dense / CLIP_AT))


def _rounded(samples: FloatArray) -> FloatArray:
    return np.round(samples / STEP) * STEP


def _widened(samples: FloatArray, side_db: float) -> FloatArray:
    """The side louder or softer, the mid as it was."""
    mid, side = (samples[0] + samples[1]) / 2, (samples[0] - samples[1]) / 2 * db_to_gain(side_db)
    return np.stack([mid + side, mid - side])


def _compressed(samples: FloatArray, sample_rate_hz: int, *, threshold_db: float, ratio: float) -> FloatArray:
    """Gentle bus compression of both channels together, detected every 5 ms; attack 15 ms, release 200 ms."""
    hop = round(0.005 * sample_rate_hz)
    n_hops = samples.shape[1] // hop
    power = np.mean(samples[:, : n_hops * hop].reshape(2, n_hops, hop) ** 2, axis=(0, 2))
    over_db = np.maximum(10.0 * np.log10(power + 1e-10) - threshold_db, 0.0)
    reduction_db, now_db = np.zeros(n_hops), 0.0
    for k, wanted_db in enumerate(over_db * (1.0 - 1.0 / ratio)):
        now_db += (wanted_db - now_db) * (1.0 - math.exp(-0.005 / (0.015 if wanted_db > now_db else 0.2)))
        reduction_db[k] = now_db
    gain = 10.0 ** (-reduction_db / 20.0)
    return np.asarray(samples * np.interp(np.arange(samples.shape[1]) / hop, np.arange(n_hops) + 0.5, gain))


def _filtered(samples: FloatArray, *biquads: FloatArray) -> FloatArray:
    """Through all biquads, as one response applied by overlap-save."""
    size, tail = 16384, 4096
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)[:, np.newaxis] ** np.arange(3)
    response = np.prod([(z @ b) / (z @ a) for b, a in biquads], axis=0)
    n_samples, hop = samples.shape[1], size - tail
    padded = np.pad(samples, ((0, 0), (tail, -n_samples % hop)))
    blocks = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::hop]
    filtered = np.fft.irfft(np.fft.rfft(blocks) * response)[..., tail:]
    return np.asarray(filtered.reshape(2, -1)[:, :n_samples])


def _bell(centre_hz: float, gain_db: float, sample_rate_hz: int) -> FloatArray:
    """Peaking EQ of [1] with q 0.9: b and a, shape (2, 3)."""
    A, cos_w0, alpha = _shared(centre_hz, gain_db, 0.9, sample_rate_hz)
    return np.array([[1 + alpha * A, -2 * cos_w0, 1 - alpha * A], [1 + alpha / A, -2 * cos_w0, 1 - alpha / A]])


def _high_shelf(corner_hz: float, gain_db: float, sample_rate_hz: int) -> FloatArray:
    """High shelf of [1] with q 0.71: b and a, shape (2, 3)."""
    A, c, alpha = _shared(corner_hz, gain_db, 0.71, sample_rate_hz)
    root = 2 * math.sqrt(A) * alpha
    b = [A * (A + 1 + (A - 1) * c + root), -2 * A * (A - 1 + (A + 1) * c), A * (A + 1 + (A - 1) * c - root)]
    a = [A + 1 - (A - 1) * c + root, 2 * (A - 1 - (A + 1) * c), A + 1 - (A - 1) * c - root]
    return np.array([b, a])


def _shared(frequency_hz: float, gain_db: float, q: float, sample_rate_hz: int) -> tuple[float, float, float]:
    """A, cos w0 and alpha of [1]."""
    w0 = 2 * math.pi * frequency_hz / sample_rate_hz
    return 10.0 ** (gain_db / 40.0), math.cos(w0), math.sin(w0) / (2 * q)
