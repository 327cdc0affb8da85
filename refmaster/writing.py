"""How names and numbers are put on the page; the digits are `units.written`'s."""

import re
from collections.abc import Sequence

from refmaster.units import UNITS, unit_of, written

LABELS = {
    "integrated_lufs": "integrated loudness",
    "true_peak_dbtp": "true peak",
    "sample_peak_dbfs": "sample peak",
    "max_short_term_lufs": "max short-term loudness",
    "max_momentary_lufs": "max momentary loudness",
    "loudness_range_lu": "loudness range (LRA)",
    "plr_db": "PLR",
    "psr_db": "PSR",
    "psr_p10_db": "PSR, P10",
    "crest_db": "crest",
    "tilt_db_per_oct": "tilt",
    "side_to_mid_db": "side − mid, mean of bands",
    "width_db": "width, total side − mid",
    "dc_offset_pct": "DC offset",
    "dc_left_offset_pct": "DC offset, left",
    "dc_right_offset_pct": "DC offset, right",
    "dc_drift_pct": "DC offset, how far it drifts",
    "mono_loss_db": "mono fold-down loss",
    "n_samples": "length",
    "clipped_samples": "clipped samples",
}
ABSOLUTE = {"loudness_range_lu", "plr_db", "psr_db", "psr_p10_db", "crest_db", "mono_loss_db"}  # a plus would mislead
YARDSTICK = "re the mean of 100 Hz to 10 kHz"  # of the level of a part of the spectrum: said once, not in each line
DIFFERENCE_UNITS = {"LUFS": "_lu", "dBTP": "_db", "dBFS": "_db"}
SUBJECTS = {  # of what was left alone or not reached; a move's id is its own
    "integrated_lufs": "loudness",
    "limiting": "the price of loudness",
    "top_end": "the top end",
    "own_master": "our own master",
    "over_full_scale": "values over full scale",
    "encoded_anew": "the file as it was",
}
MOST_MORE_DIGITS = 4  # to tell two numbers apart; nearer, they are the same
SHORT_S = 60.0  # EBU Tech 3342: a loudness range of less than a minute says little
COUNTS = {"n_samples": " samples", "clipped_samples": "", "channels": ""}  # whole numbers, and what follows them
HIGH_CONFIDENCE, FAIR_CONFIDENCE = 0.8, 0.5  # taste: where the word changes
_SIGNED_ZERO = re.compile(r"^[−+](?=0(?:\.0+)?(?![\d.]))")


def label(name: str) -> str:
    """A name in words, without its unit: `corner_hz` is "corner"."""
    if name in LABELS:
        return LABELS[name]
    endings = [ending for ending in UNITS if ending[0] == "_" and name.endswith(ending)]
    stem = name.removesuffix(max(endings, key=len, default=""))
    words = {"hz": "Hz", "khz": "kHz", "q": "Q", "lra": "LRA", "ltas": "LTAS", "rms": "RMS"}
    return " ".join(words.get(word, word) for word in stem.replace("_", " ").split())


def yardstick(feature: str) -> str:
    """Against what a level stands that is no level of its own; empty for most."""
    return YARDSTICK if feature.startswith("tone_at_") else ""


def subject(what: str) -> str:
    """What a row of things left alone or not reached is about."""
    return SUBJECTS.get(what, what)


def said(name: str, value: float | None) -> str:
    """A value with its unit; a level that is no difference has no plus, and zero has no sign."""
    if name in COUNTS and value is not None:
        return f"{value:.0f}{COUNTS[name]}"
    text = _SIGNED_ZERO.sub("", written(name, value))
    return text.removeprefix("+") if name in ABSOLUTE else text


def bare(name: str, value: float | None) -> str:
    """A value without its unit, for a column whose row names the unit."""
    unit = unit_of(name) or ""
    return said(name, value).removesuffix(unit).rstrip() if unit else said(name, value)


def says_little(name: str, duration_s: float) -> bool:
    """Whether a track of this length is too short for what is told of it under this name."""
    return name == "loudness_range_lu" and duration_s < SHORT_S


def difference(name: str, value: float | None) -> str:
    """A difference between two values of this name, signed: loudness differs in LU, peaks in dB."""
    text = _SIGNED_ZERO.sub("", written("delta" + DIFFERENCE_UNITS.get(unit_of(name) or "", f"_{name}"), value))
    return text if text[0] in "+−—" or (value is not None and value <= 0) or _is_zero(text) else f"+{text}"


def spread(name: str, value: float) -> str:
    """Half a range around a value: "±0.50 dB"."""
    text = difference(name, abs(value)).lstrip("+−")
    return text if text == "—" else f"±{text}"


def tone_words(change_db: float | None, at_hz: float | None) -> str:
    """Where the tone came out otherwise: "−1.80 dB around 12.7 kHz at equal loudness"; empty where it did not."""
    if change_db is None or at_hz is None:
        return ""
    return f"{written('gain_db', change_db)} around {written('centre_hz', at_hz)} at equal loudness"


def pair(name: str, before: float | None, after: float | None) -> str:
    """A change: "−16.4 → −10.3 LUFS"."""
    return _joined(said(name, before), said(name, after), " → ")


def told_apart(first: float, second: float, digits: int) -> tuple[str, str]:
    """Two numbers of one sentence with so many decimals, or as many more as it takes for different ones to differ."""
    for more in range(MOST_MORE_DIGITS + 1):
        texts = tuple(f"{value:z.{digits + more}f}".replace("-", "−") for value in (first, second))
        if texts[0] != texts[1]:
            return texts[0], texts[1]
    return f"{first:z.{digits}f}".replace("-", "−"), f"{second:z.{digits}f}".replace("-", "−")


def span(name: str, low: float, high: float) -> str:
    """A range: "−6.00 to +6.00 dB"."""
    return _joined(said(name, low), said(name, high), " to ")


def bounds(name: str, low: float | None, high: float | None) -> str:
    """What a check allows, in words."""
    if low is not None and low == high:
        return f"exactly {said(name, low)}"
    if low is not None and high is not None:
        return span(name, low, high)
    if low is not None:
        return f"at least {said(name, low)}"
    return "anything" if high is None else f"at most {said(name, high)}"


def confidence(value: float) -> str:
    """Confidence as a word and a number."""
    word = "high" if value >= HIGH_CONFIDENCE else "fair" if value >= FAIR_CONFIDENCE else "low"
    return f"{word} ({value:.2f})"


def counted(number: int, noun: str) -> str:
    """A number of things: "1 move", "5 moves"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: "target, reference and master"; empty for none."""
    *first, last = names or ("",)
    return f"{', '.join(first)} and {last}" if first else last


def capital(text: str) -> str:
    """The text as the beginning of a sentence; unlike `str.capitalize` this leaves all other letters as they are."""
    return text[:1].upper() + text[1:]


def lowered(text: str) -> str:
    """The text as it goes on within a sentence."""
    return text[:1].lower() + text[1:]


def clock(seconds: float) -> str:
    """A time in the track: "3:07", "1:02:40"."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _joined(first: str, second: str, between: str) -> str:
    """Two values, the unit said once where both have the same."""
    number, _, unit = first.partition(" ")
    return f"{number if unit and second.endswith(f' {unit}') else first}{between}{second}"


def _is_zero(text: str) -> bool:
    return not any(digit in text for digit in "123456789")
