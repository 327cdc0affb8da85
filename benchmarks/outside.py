"""What the benchmarks measure and make with: numpy, scipy, pyloudnorm and libsndfile, none of it the engine's own.

Sound is float64 of shape (channels, samples). Spectra are third octaves of the mid, dB, from Welch's method.
"""

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf
from scipy import ndimage, signal

from benchmarks.judge import CENTRES_HZ, HEARD_DB, FloatArray, integrated_lufs, stereo


def read(path: Path | str) -> tuple[FloatArray, int]:
    samples, rate_hz = sf.read(path, always_2d=True)
    return samples.T, rate_hz


def write(path: Path, samples: FloatArray, rate_hz: int, subtype: str = "PCM_24") -> Path:
    sf.write(path, samples.T, rate_hz, subtype=subtype)
    return path


# What is measured


def mid_side(samples: FloatArray) -> tuple[FloatArray, FloatArray]:
    left, right = stereo(samples)
    return (left + right) / 2, (left - right) / 2


def thirds_db(mono: FloatArray, rate_hz: int) -> FloatArray:
    """Level of each third octave, dBFS (a full-scale sine is −3)."""
    at, density = signal.welch(mono, rate_hz, nperseg=min(16384, mono.size))
    edge = 2 ** (1 / 6)
    power = [density[(at >= c / edge) & (at < c * edge)].sum() * at[1] for c in CENTRES_HZ]
    return 10.0 * np.log10(np.maximum(power, 1e-20))


def live(level_db: FloatArray, below_db: float = HEARD_DB) -> npt.NDArray[np.bool_]:
    return np.asarray(level_db > level_db.max() - below_db)


def bent_db(master: FloatArray, target: FloatArray, rate_hz: int) -> FloatArray:
    """What a master did to the balance: third octaves of the mid, less the target's, level removed; nan where faint."""
    before, after = (thirds_db(mid_side(one)[0], rate_hz) for one in (target, master))
    heard = live(before)
    change = after - before
    return np.where(heard, change - change[heard].mean(), np.nan)


def rms_db(samples: FloatArray) -> float:
    return float(10 * np.log10(max(1e-20, float(np.mean(np.square(samples))))))


def mono_loss_db(samples: FloatArray, rate_hz: int) -> FloatArray:
    """Level of (L+R)/2 against the mean of the channels: of everything, then of five bands. ≤ 0; nan where faint."""
    edges = (None, 120.0, 500.0, 2000.0, 6000.0, None)
    parts = [samples]
    for low, high in pairwise(edges):
        kind, cut = ("low", high) if low is None else ("high", low) if high is None else ("band", (low, high))
        parts.append(signal.sosfilt(signal.butter(4, cut, kind, fs=rate_hz, output="sos"), samples))
    whole = float(np.mean(samples**2))
    return np.array(
        [
            rms_db(one.mean(axis=0)) - rms_db(one) if np.mean(one**2) > whole * 10 ** (-HEARD_DB / 10) else np.nan
            for one in parts
        ]
    )


# What is made


def low_passed(samples: FloatArray, rate_hz: int, cut_hz: float) -> FloatArray:
    """Everything above is gone (−100 dB within 4 % of the cut), linear phase."""
    n_taps, beta = signal.kaiserord(100.0, 0.04 * cut_hz / (rate_hz / 2))
    taps = signal.firwin(n_taps | 1, cut_hz * 0.98, fs=rate_hz, window=("kaiser", beta))
    return np.stack([signal.oaconvolve(one, taps, mode="same") for one in samples])


def high_shelved(samples: FloatArray, rate_hz: int, corner_hz: float, gain_db: float) -> FloatArray:
    """A first-order shelf."""
    b, a = signal.butter(1, corner_hz, "high", fs=rate_hz)
    return np.asarray(samples + (10 ** (gain_db / 20) - 1) * signal.lfilter(b, a, samples))


def widened(samples: FloatArray, side_db: float) -> FloatArray:
    mid, side = mid_side(samples)
    side = side * 10 ** (side_db / 20)
    return np.stack([mid + side, mid - side])


def as_mp3(samples: FloatArray, rate_hz: int, kbit_s: float) -> bytes:
    """The sound through a real MP3 encoder at a constant rate, as near to the wanted one as it has."""
    levels = np.arange(0.3, 0.9, 0.04)  # libsndfile takes a level of compression, and no rate
    first = samples[:, :rate_hz]
    missed = [abs(len(_encoded(first, rate_hz, level)) * 8 / 1000 - kbit_s) for level in levels]
    return _encoded(samples, rate_hz, levels[int(np.argmin(missed))])


def _encoded(samples: FloatArray, rate_hz: int, level: float) -> bytes:
    file, how = io.BytesIO(), {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT"}
    sf.write(file, samples.T, rate_hz, compression_level=float(level), **how)
    return file.getvalue()


def driven(samples: FloatArray, rate_hz: int, loud_lufs: float) -> FloatArray:
    """The sound as a loud record: gain until it reads the loudness, and a plain limiter at −0.3 dBFS."""
    gain_db = loud_lufs - integrated_lufs(samples, rate_hz)
    out = samples
    for _ in range(12):
        out = _limited(samples * 10 ** (gain_db / 20), rate_hz, 10 ** (-0.3 / 20))
        miss = loud_lufs - integrated_lufs(out, rate_hz)
        if abs(miss) < 0.02:
            break
        gain_db += 1.5 * miss
    return out


def _limited(samples: FloatArray, rate_hz: int, ceiling: float) -> FloatArray:
    wanted = np.minimum(1.0, ceiling / np.maximum(np.abs(samples).max(axis=0), 1e-9))
    hold = round(0.010 * rate_hz) | 1
    gain = ndimage.minimum_filter1d(wanted, hold)
    window = signal.windows.hann(hold)
    gain = signal.oaconvolve(np.pad(gain, hold // 2, mode="edge"), window / window.sum(), mode="valid")
    return samples * gain
