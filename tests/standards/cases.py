"""The test cases of the standards, synthesised, with expected values and tolerances from their text.

Signals are functions of the sample rate, by name, so that a signal that several cases share is built once. Levels
are per-channel peaks in dBFS, as the standards write them; loudness is in LUFS, ranges in LU, true peak in dBTP.
The authentic programmes ([2] 7 and 8, [3] 5 and 6, some of [4]) cannot be synthesised.

[1] Recommendation ITU-R BS.1770-5 (2023).
[2] EBU Tech 3341 (2023), table 1.
[3] EBU Tech 3342 (2023), table 1.
[4] Report ITU-R BS.2217-2: gate structures as measured in its files, tone levels derived from the filters of [1].
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from tests.signals import FloatArray, in_channel, silence, sine, tones

RATES_HZ = (44100, 48000, 96000)
SURROUND = (1.0, 1.0, 1.0, 1.41, 1.41)  # L R C Ls Rs, [1] table 3

Signal = Callable[[int], FloatArray]


@dataclass(frozen=True)
class Case:
    """One number of one signal. `reads` is a field of Loudness; expected None means gated out."""

    name: str
    signal: str
    reads: str
    expected: float | None
    tolerance: float
    weights: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Curve:
    """A loudness curve ("momentary" or "short_term") that must stand still, or reach a level in each step."""

    name: str
    signal: str
    curve: str
    expected: tuple[float, ...]
    after_s: float = 0.0
    step_s: float = math.inf
    tolerance: float = 0.1


@dataclass(frozen=True)
class Peak:
    """A true peak, with the tolerances of [2]: +0.2 and −0.4 dB."""

    name: str
    signal: str
    expected: float
    below: float = 0.4
    above: float = 0.2


def at_every_rate(cases: Sequence[Case] | Sequence[Curve] | Sequence[Peak]) -> list[object]:
    """Each case at each rate; what lasts longer than 90 s is at 96 kHz only played with --slow."""
    return [
        pytest.param(case, rate_hz, id=f"{case.name} at {rate_hz} Hz", marks=_marks(case.signal, rate_hz))
        for case in cases
        for rate_hz in RATES_HZ
    ]


def _marks(signal: str, rate_hz: int) -> list[pytest.MarkDecorator]:
    is_long = rate_hz >= 96000 and LENGTHS_S.get(signal, 0.0) > 90.0
    return [pytest.mark.slow] if is_long else []


# -- signals ---------------------------------------------------------------------------------------------------------

Parts = list[tuple[float, float | None]]

SEQUENCES: dict[str, Parts] = {
    "tone −18": [(10, -18)],
    "tone −23": [(20, -23)],
    "tone −33": [(20, -33)],
    "relative gate": [(10, -36), (60, -23), (10, -36)],
    "both gates": [(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)],
    "gate at −10, not −8": [(20, -26), (20.1, -20), (20, -26)],
    "3 s pattern": [(1.34, -20), (1.66, -30)] * 5,
    "0.4 s pattern": [(0.18, -20), (0.22, -30)] * 25,
    "3 s steps": [p for i in range(20) for p in ((0.15 * i, None), (3, -38 + i), (3 - 0.15 * i, None))],
    "0.4 s steps": [p for i in range(20) for p in ((0.02 * i, None), (0.4, -38 + i), (0.4 - 0.02 * i, None))],
    **{f"3 s burst {i}": [(0.15 * i, None), (3, -23), (1, None)] for i in range(20)},
    **{f"0.4 s burst {i}": [(0.02 * i, None), (0.4, -23), (1, None)] for i in range(20)},
    "range 10": [(20, -20), (20, -30)],
    "range 5": [(20, -20), (20, -15)],
    "range 20": [(20, -40), (20, -20)],
    "range 15": [(20, -50), (20, -35), (20, -20), (20, -35), (20, -50)],
    # The floor of the files of [4] is one step of 16 bits.
    "absolute gate": [
        (0.8, -90.31), (0.5, -69.5), (0.5, -90.31), (0.5, -69.5), (0.5, -90.31), (0.5, -69.5), (0.7, -90.31)
    ],
    "relative gate, short": [(0.5, -90.31), (0.9, -19.9), (1.3, -7.1), (0.8, -19.9), (0.5, -90.31)],
    "incomplete block": [(2.0, -23), (0.09, 0)],
    "one block": [(0.4, -23)],
    "less than a block": [(0.39, -23)],
    "less than 3 s": [(2.99, -23)],
}  # fmt: skip
for _name in ("range 10", "range 5", "range 20", "range 15"):
    SEQUENCES[f"{_name}, twice"] = SEQUENCES[_name] * 2
LENGTHS_S = {name: sum(seconds for seconds, _ in parts) for name, parts in SEQUENCES.items()}


def surround_tone(rate_hz: int) -> FloatArray:
    """[2] case 6: L and R −28, C −24, Ls and Rs −30 dBFS."""
    levels_dbfs = np.array([-28.0, -28.0, -24.0, -30.0, -30.0])
    return sine(1000.0, 0.0, 20.0, rate_hz, 5) * 10.0 ** (levels_dbfs[:, np.newaxis] / 20.0)


def anchor(channel: int, channels: int, rate_hz: int) -> FloatArray:
    """[1] annex 1: a full-scale 997 Hz sine in one channel."""
    return in_channel(sine(997.0, 0.0, 5.0, rate_hz, 1), channel, channels)


# [1] tables 1 and 2: the two stages at 48 kHz, b then a.
STAGE_1 = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
STAGE_2 = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))


def k_weight_db(frequency_hz: float) -> float:
    """Gain of the printed filters at a frequency."""
    z = np.exp(-2j * np.pi * frequency_hz / 48000.0) ** np.arange(3)
    response = math.prod(abs(np.dot(b, z) / np.dot(a, z)) for b, a in (STAGE_1, STAGE_2))
    return 20.0 * math.log10(response)


def weighted_tone(frequency_hz: float, loudness_lufs: float, rate_hz: int) -> FloatArray:
    """A stereo sine of a loudness: two channels add what a sine's RMS lacks, so only weight and offset remain."""
    return sine(frequency_hz, loudness_lufs + 0.691 - k_weight_db(frequency_hz), 20.0, rate_hz)


def faded_tone(periods_per_sample: float, full_scale: float, phase_deg: float, rate_hz: int) -> FloatArray:
    """[2] cases 15 to 19: one second at a fraction of the sample rate, fades of 10 ms."""
    tone = sine(periods_per_sample * rate_hz, 0.0, 1.0, rate_hz, 2, phase_deg) * full_scale
    return tone * _fades(tone.shape[1], rate_hz // 100)


def spliced_tone(offset: int, rate_hz: int) -> FloatArray:
    """[2] cases 20 to 23: fs/6 at 0.5 with one period of fs/4 at 1.0 in its midst, made at 4 fs, low-passed, decimated.

    The low-pass (the text leaves it open) falls to nothing around fs/2 as half a cosine.
    """
    half = 2 * rate_hz // 24 * 24  # whole periods, so that the splice is at an upward zero crossing
    slow = 0.5 * np.sin(2 * np.pi * np.arange(half) / 24)
    fast = np.sin(2 * np.pi * np.arange(16) / 16)
    tone = np.concatenate([slow, fast, slow])
    spectrum = np.fft.rfft(tone * _fades(tone.size, rate_hz // 5))
    share = np.fft.rfftfreq(tone.size, 0.25)  # of the sample rate
    spectrum *= 0.5 + 0.5 * np.cos(np.pi * np.clip((share - 0.49) / 0.02, 0.0, 1.0))
    return np.tile(np.fft.irfft(spectrum, tone.size)[offset::4], (2, 1))


def _fades(size: int, fade_samples: int) -> FloatArray:
    ramp = np.arange(size) / fade_samples
    return np.minimum(1.0, np.minimum(ramp, ramp[::-1]))


SIGNALS: dict[str, Signal] = {
    **{name: partial(tones, parts) for name, parts in SEQUENCES.items()},
    "5.0 tone": surround_tone,
    "997 Hz left": partial(anchor, 0, 2),
    "997 Hz right": partial(anchor, 1, 2),
    "997 Hz centre": partial(anchor, 2, 5),
    "997 Hz left surround": partial(anchor, 3, 5),
    "997 Hz right surround": partial(anchor, 4, 5),
    "997 Hz mono": partial(anchor, 0, 1),
    "mono −23": partial(tones, [(10.0, -23.0)], channels=1),
    "silence": partial(silence, 5.0),
    "fs/4, 0°": partial(faded_tone, 1 / 4, 0.5, 0.0),
    "fs/4, 45°": partial(faded_tone, 1 / 4, 0.5, 45.0),
    "fs/6, 60°": partial(faded_tone, 1 / 6, 0.5, 60.0),
    "fs/8, 67.5°": partial(faded_tone, 1 / 8, 0.5, 67.5),
    "fs/4, 45°, over": partial(faded_tone, 1 / 4, 1.41, 45.0),
    "0.45 fs": partial(faded_tone, 0.45, 1.0, 13.0),
    **{f"splice {offset}": partial(spliced_tone, offset) for offset in range(4)},
    **{
        f"{hz} Hz at {lufs} LUFS": partial(weighted_tone, hz, lufs)
        for hz in (25, 100, 500, 1000, 2000, 10000)
        for lufs in (-23, -24)
    },
}
