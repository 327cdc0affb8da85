"""Units: how values are written, and how text keeps a number and its unit on one line."""

import pytest

from refmaster.units import NO_BREAK, unbroken, written


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("gain_db", -1.8, "−1.80 dB"),
        ("corner_hz", 5030.0, "5.03 kHz"),
        ("centre_hz", 240.0, "240 Hz"),
        ("offset_pct", 2.0, "2.00 %"),
        ("release_ms", 15.0, "15.0 ms"),
        ("q", 0.7, "0.70"),
        ("gain_db", None, "—"),
    ],
)
def test_a_value_is_written_with_its_unit(name, value, text):
    assert written(name, value) == text


@pytest.mark.parametrize(
    "text",
    ["15 %", "−2.5 dB", "5.03 kHz", "240 Hz", "−14.0 LUFS", "0.3 LU", "−1.00 dBTP", "28.0 ms", "−4.0 dB/oct", "Q 0.70"],
)
def test_a_number_keeps_its_unit(text):
    assert unbroken(f"from {text}, to {text}.").split(" ") == [
        "from", f"{text},".replace(" ", NO_BREAK), "to", f"{text}.".replace(" ", NO_BREAK),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["6 bands", "3 songs", "bell 1 stands", "1 dBu", "5 smooth", "a % of", "2 moves; 3 more"]
)
def test_other_spaces_stay_as_they_are(text):
    assert unbroken(text) == text
