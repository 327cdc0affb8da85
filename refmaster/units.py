"""Units: what a name's ending means, how a value is written, and how levels convert.

A name says its unit at its end (`gain_db`, `corner_hz`); the longest ending that fits wins. Levels convert in
one place, so 10 and 20 are never mixed up: amplitudes by `db_to_gain` and `gain_to_db`, powers by `power_to_db`.
"""

import math
import re

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

UNITS = {
    "_db_per_oct": "dB/oct",
    "_lufs": "LUFS",
    "_lu": "LU",
    "_dbtp": "dBTP",
    "_dbfs": "dBFS",
    "_db": "dB",
    "_hz": "Hz",
    "_oct": "octaves",
    "_ms": "ms",
    "_s": "s",
    "_samples": "samples",
    "_pct": "%",
    "ratio": ":1",
    "correlation": "",
    "q": "",
}
_SIGNED = ("dB", "LU", "dB/oct")  # differences: the sign is half of the message
_UNSIGNED = (
    "margin_db",
    "clip_db",
    "range_db",
    "plr_db",
    "psr_db",
    "psr_p10_db",
    "crest_db",
    "mono_loss_db",
    "loudness_range_lu",
)  # sizes
NO_BREAK = "\u00a0"
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:%|dBTP|dBFS|dB|LUFS|LU|k?Hz|ms|s|bits?|octaves?)(?!\w))|(?<=\bQ) (?=\d)")
_DIGITS = {"dB": 2, "dBTP": 2, "dBFS": 2, "LUFS": 1, "LU": 1, "Hz": 0, "ms": 1, "%": 2, "s": 1, "samples": 0}


def unit_of(name: str) -> str | None:
    """The unit that a name ends in, "" for a bare number such as `q`, or None where the name tells none."""
    fits = [ending for ending in UNITS if name == ending or name.endswith(ending if ending[0] == "_" else f"_{ending}")]
    return UNITS[max(fits, key=len)] if fits else None


def written(name: str, value: float | None) -> str:
    """A value as a person reads it, with its unit: `written("gain_db", -1.8)` is "−1.80 dB"."""
    if value is None or not math.isfinite(value):
        return "—"
    unit = unit_of(name) or ""
    if unit == "Hz" and value >= 1000:
        return f"{value / 1000:.2f}".rstrip("0").rstrip(".") + " kHz"
    sign = "+" if unit in _SIGNED and name not in _UNSIGNED else ""
    text = f"{value:{sign}z.{_DIGITS.get(unit, 2)}f}".replace("-", "−")  # z: no zero is negative
    return f"{text}{'' if unit in ('', ':1') else ' '}{unit}"


def unbroken(text: str) -> str:
    """The same text with spaces at which no line may end between a number and its unit: "15 %", "2 dB"."""
    return _BEFORE_UNIT.sub(NO_BREAK, text)


def db_to_gain(level_db: float) -> float:
    """Amplitude factor of a level difference: 6.02 dB is 2."""
    return float(10.0 ** (level_db / 20.0))


def gain_to_db(gain: float) -> float:
    """Level difference of an amplitude factor; 0 is −inf, without a warning."""
    return 20.0 * math.log10(gain) if gain > 0 else -math.inf


def power_to_db(power: FloatArray, floor: float = 1e-20) -> FloatArray:
    """Levels of powers (mean squares), held at `floor` (−200 dB) so that silence is a number."""
    return np.asarray(10.0 * np.log10(np.maximum(power, floor)), dtype=np.float64)
