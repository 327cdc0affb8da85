import pytest

from refmaster.writing import bare, bounds, clock, confidence, difference, label, pair, said, span, spread, told_apart


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("corner_hz", "corner"),
        ("level_at_55_hz_db", "level at 55 Hz"),
        ("q", "Q"),
        ("integrated_lufs", "integrated loudness"),
    ],
)
def test_a_name_is_read_as_words(name, words):
    assert label(name) == words


@pytest.mark.parametrize(
    ("first", "second", "digits", "texts"),
    [
        (31.2, 45.0, 0, ("31", "45")),
        (44.97, 45.0, 0, ("44.97", "45.00")),
        (1.0996, 1.1, 2, ("1.0996", "1.1000")),
        (-11.56, -11.64, 1, ("−11.56", "−11.64")),
        (-11.5, -11.5, 1, ("−11.5", "−11.5")),
    ],
)
def test_different_numbers_of_a_sentence_differ_in_it(first, second, digits, texts):
    assert told_apart(first, second, digits) == texts


def test_a_level_that_is_no_difference_has_no_plus():
    assert said("plr_db", 9.28) == "9.28 dB"
    assert said("gain_db", 9.28) == "+9.28 dB"


@pytest.mark.parametrize("value", [0.0, -0.0, 0.001, -0.001])
def test_zero_has_no_sign(value):
    assert said("gain_db", value) == "0.00 dB"
    assert difference("gain_db", value) == "0.00 dB"


def test_a_difference_has_the_unit_of_differences_and_a_sign():
    assert difference("integrated_lufs", 7.1) == "+7.1 LU"
    assert difference("true_peak_dbtp", -0.5) == "−0.50 dB"
    assert difference("correlation", 0.12) == "+0.12"
    assert difference("gain_db", None) == "—"


def test_a_unit_is_said_once():
    assert pair("integrated_lufs", -17.4, -10.3) == "−17.4 → −10.3 LUFS"
    assert span("corner_hz", 20.0, 1000.0) == "20 Hz to 1 kHz"
    assert spread("gain_db", 0.5) == "±0.50 dB"


def test_a_bare_value_has_no_unit():
    assert bare("true_peak_dbtp", -1.0) == "−1.00"
    assert bare("correlation", None) == "—"
    assert bare("ratio", 1.5) == "1.50"


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (None, -1.0, "at most −1.00 dBTP"),
        (-3.0, None, "at least −3.00 dBTP"),
        (-3.0, -1.0, "−3.00 to −1.00 dBTP"),
        (-1.0, -1.0, "exactly −1.00 dBTP"),
        (None, None, "anything"),
    ],
)
def test_bounds_are_said_in_words(low, high, words):
    assert bounds("true_peak_dbtp", low, high) == words


def test_confidence_is_a_word_and_a_number():
    assert [confidence(value) for value in (0.92, 0.5, 0.1)] == ["high (0.92)", "fair (0.50)", "low (0.10)"]


def test_counts_are_whole_numbers():
    assert said("n_samples", 9437400.0) == "9437400 samples"
    assert said("channels", 2.0) == "2"


def test_a_clock_counts_hours_only_where_there_are_some():
    assert [clock(seconds) for seconds in (7.4, 187.0, 3760.0)] == ["0:07", "3:07", "1:02:40"]
