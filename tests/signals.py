"""Signals made in code, so that no audio is shipped: shape (channels, samples), float64, full scale 1.0.

Levels of tones are peaks in dBFS, levels of noise are RMS in dBFS (a full-scale square wave is 0). Every chance has a
seed. Filters are the cookbook's [1] and are run by scipy, so that no test checks the engine with the engine.

[1] R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients".
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def gain_of(level_db: float) -> float:
    return 10.0 ** (level_db / 20.0)


def rms_dbfs(samples: FloatArray) -> float:
    power = float(np.mean(np.square(samples)))
    return 10.0 * math.log10(power) if power > 0 else -math.inf


def peak_dbfs(samples: FloatArray) -> float:
    peak = float(np.abs(samples).max(initial=0.0))
    return 20.0 * math.log10(peak) if peak > 0 else -math.inf


def silence(duration_s: float, sample_rate_hz: int, channels: int = 2) -> FloatArray:
    return np.zeros((channels, round(duration_s * sample_rate_hz)))


def sine(
    frequency_hz: float,
    level_dbfs: float,
    duration_s: float,
    sample_rate_hz: int,
    channels: int = 2,
    phase_deg: float = 0.0,
) -> FloatArray:
    """The same sine in every channel; the level is its peak."""
    cycles = frequency_hz * np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz
    return np.tile(gain_of(level_dbfs) * np.sin(2 * np.pi * cycles + math.radians(phase_deg)), (channels, 1))


def tones(
    parts: Sequence[tuple[float, float | None]],
    sample_rate_hz: int,
    *,
    frequency_hz: float = 1000.0,
    channels: int = 2,
) -> FloatArray:
    """One sine whose level changes: parts of (seconds, peak dBFS), None for silence. Edges at the nearest sample."""
    ends = np.round(np.cumsum([seconds for seconds, _ in parts]) * sample_rate_hz).astype(int)
    lengths = np.diff(ends, prepend=0)
    gain = np.repeat([0.0 if level is None else gain_of(level) for _, level in parts], lengths)
    return np.tile(gain * np.sin(2 * np.pi * frequency_hz * np.arange(gain.size) / sample_rate_hz), (channels, 1))


def in_channel(mono: FloatArray, channel: int, channels: int) -> FloatArray:
    """A one-channel signal in one of several channels, the others silent."""
    placed = np.zeros((channels, mono.shape[1]))
    placed[channel] = mono[0]
    return placed


def white_noise(
    level_dbfs: float, duration_s: float, sample_rate_hz: int, channels: int = 2, seed: int = 0
) -> FloatArray:
    """Gaussian, another in every channel; the level is its RMS."""
    noise = np.random.default_rng(seed).standard_normal((channels, round(duration_s * sample_rate_hz)))
    return gain_of(level_dbfs) * noise


def pink_noise(
    level_dbfs: float, duration_s: float, sample_rate_hz: int, channels: int = 2, seed: int = 0
) -> FloatArray:
    """Equal power per octave down to 10 Hz, another in every channel; the level is its RMS, exactly."""
    noise = white_noise(0.0, duration_s, sample_rate_hz, channels, seed)
    frequency_hz = np.fft.rfftfreq(noise.shape[1], 1.0 / sample_rate_hz)
    shape = np.where(frequency_hz >= 10.0, 1.0 / np.sqrt(np.maximum(frequency_hz, 10.0)), 0.0)
    pink = np.fft.irfft(np.fft.rfft(noise) * shape, noise.shape[1])
    return pink * gain_of(level_dbfs - rms_dbfs(pink))


def clicks(level_dbfs: float, every_s: float, duration_s: float, sample_rate_hz: int, channels: int = 2) -> FloatArray:
    """Single samples at a regular distance, the first half a distance in."""
    train = silence(duration_s, sample_rate_hz, channels)
    times_s = np.arange(every_s / 2.0, duration_s, every_s)
    train[:, np.round(times_s * sample_rate_hz).astype(int)] = gain_of(level_dbfs)
    return train


def kick_loop(
    level_dbfs: float, duration_s: float, sample_rate_hz: int, *, tempo_bpm: float = 120.0, channels: int = 2
) -> FloatArray:
    """A kick on every beat: a sine that falls from 150 to 50 Hz and dies away; the level is its peak."""
    loop = silence(duration_s, sample_rate_hz, channels)
    t = np.arange(round(0.3 * sample_rate_hz)) / sample_rate_hz
    hit = np.sin(2 * np.pi * (50.0 * t + 3.0 * (1.0 - np.exp(-t / 0.03)))) * np.exp(-t / 0.1)
    hit *= gain_of(level_dbfs) / np.abs(hit).max()
    for start_s in np.arange(0.0, duration_s, 60.0 / tempo_bpm):
        start = round(start_s * sample_rate_hz)
        loop[:, start : start + hit.size] += hit[: loop.shape[1] - start]
    return loop


def sweep(
    low_hz: float, high_hz: float, level_dbfs: float, duration_s: float, sample_rate_hz: int, channels: int = 2
) -> FloatArray:
    """A sine that rises exponentially: every octave takes the same time."""
    t = np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz
    rate = math.log(high_hz / low_hz) / duration_s
    phase = 2 * np.pi * low_hz * np.expm1(rate * t) / rate
    return np.tile(gain_of(level_dbfs) * np.sin(phase), (channels, 1))


def step(
    before_dbfs: float, after_dbfs: float, at_s: float, duration_s: float, sample_rate_hz: int, channels: int = 2
) -> FloatArray:
    """A constant that jumps once: what attack and release times are measured with."""
    levels = np.full((channels, round(duration_s * sample_rate_hz)), gain_of(before_dbfs))
    levels[:, round(at_s * sample_rate_hz) :] = gain_of(after_dbfs)
    return levels


def in_blocks(samples: FloatArray, block_samples: int) -> Iterator[FloatArray]:
    """The same sound, cut."""
    for start in range(0, samples.shape[1], block_samples):
        yield samples[:, start : start + block_samples]


def spoil(
    samples: FloatArray,
    sample_rate_hz: int,
    *,
    low_shelf_db: float = 0.0,
    low_shelf_hz: float = 120.0,
    bell_db: float = 0.0,
    bell_hz: float = 1000.0,
    bell_q: float = 0.9,
    high_shelf_db: float = 0.0,
    high_shelf_hz: float = 6000.0,
    width_db: float = 0.0,
    level_db: float = 0.0,
) -> FloatArray:
    """Known damage: two shelves (q 0.71) and a bell, the side's level against the mid's, the level of all.

    Shelf frequencies are where half of the gain is reached. What is 0 dB is not touched.
    """
    from scipy.signal import sosfilt

    curve = [
        low_shelf(low_shelf_hz, low_shelf_db, 0.71, sample_rate_hz),
        bell(bell_hz, bell_db, bell_q, sample_rate_hz),
        high_shelf(high_shelf_hz, high_shelf_db, 0.71, sample_rate_hz),
    ]
    wanted = [one for one, gain_db in zip(curve, (low_shelf_db, bell_db, high_shelf_db), strict=True) if gain_db]
    spoiled = sosfilt(np.stack(wanted), samples) if wanted else samples.copy()
    if width_db:
        mid, side = (spoiled[0] + spoiled[1]) / 2, (spoiled[0] - spoiled[1]) / 2 * gain_of(width_db)
        spoiled = np.stack([mid + side, mid - side])
    return np.asarray(spoiled * gain_of(level_db))


def bell(centre_hz: float, gain_db: float, q: float, sample_rate_hz: int) -> FloatArray:
    """Peaking EQ of [1] as one second-order section: b0 b1 b2 1 a1 a2."""
    A, c, alpha = _shared(centre_hz, gain_db, q, sample_rate_hz)
    return _section([1 + alpha * A, -2 * c, 1 - alpha * A], [1 + alpha / A, -2 * c, 1 - alpha / A])


def low_shelf(corner_hz: float, gain_db: float, q: float, sample_rate_hz: int) -> FloatArray:
    """Low shelf of [1] as one second-order section."""
    A, c, alpha = _shared(corner_hz, gain_db, q, sample_rate_hz)
    root = 2 * math.sqrt(A) * alpha
    b = [A * (A + 1 - (A - 1) * c + root), 2 * A * (A - 1 - (A + 1) * c), A * (A + 1 - (A - 1) * c - root)]
    return _section(b, [A + 1 + (A - 1) * c + root, -2 * (A - 1 + (A + 1) * c), A + 1 + (A - 1) * c - root])


def high_shelf(corner_hz: float, gain_db: float, q: float, sample_rate_hz: int) -> FloatArray:
    """High shelf of [1] as one second-order section."""
    A, c, alpha = _shared(corner_hz, gain_db, q, sample_rate_hz)
    root = 2 * math.sqrt(A) * alpha
    b = [A * (A + 1 + (A - 1) * c + root), -2 * A * (A - 1 + (A + 1) * c), A * (A + 1 + (A - 1) * c - root)]
    return _section(b, [A + 1 - (A - 1) * c + root, 2 * (A - 1 - (A + 1) * c), A + 1 - (A - 1) * c - root])


def _shared(frequency_hz: float, gain_db: float, q: float, sample_rate_hz: int) -> tuple[float, float, float]:
    """A, cos w0 and alpha of [1]."""
    w0 = 2 * math.pi * frequency_hz / sample_rate_hz
    return 10.0 ** (gain_db / 40.0), math.cos(w0), math.sin(w0) / (2 * q)


def _section(b: Sequence[float], a: Sequence[float]) -> FloatArray:
    return np.array([*b, *a]) / a[0]
