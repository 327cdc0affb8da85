"""What is asked for, as it is read before anything is opened: references, their weights, and numbers."""

import math
from pathlib import Path

import pytest

from refmaster.decide import parse_reference, parted
from refmaster.errors import BadSetting
from refmaster.prepare import checked_request, files_asked
from refmaster.records import Weights

TONE = Weights(dynamics=0.0, image=0.0, level=0.0)


def test_a_tuple_of_files_is_several_and_a_tuple_of_a_file_and_weights_is_one():
    several = (("a.wav", Weights()), (Path("b.wav"), Weights()))
    assert files_asked(("a.wav", Path("b.wav"))) == files_asked(["a.wav", Path("b.wav")]) == several
    assert files_asked(("a.wav", TONE)) == files_asked([("a.wav", TONE)]) == (("a.wav", TONE),)
    assert files_asked((("a.wav", TONE), "b.wav")) == (("a.wav", TONE), ("b.wav", Weights()))
    assert files_asked("a.wav") == files_asked(("a.wav",)) == (("a.wav", Weights()),)
    assert files_asked(None) == ()


@pytest.mark.parametrize("value", [-1.0, 10.5, math.nan, math.inf])
def test_weights_have_one_range_however_they_are_given(value):
    said = rf"^--ref a\.wav.*: tone={value:g} is out of range; allowed: 0 to 10$"
    with pytest.raises(BadSetting, match=said):
        files_asked(("a.wav", Weights(tone=value)))
    with pytest.raises(BadSetting, match=said):
        files_asked(f"a.wav:tone={value}")


@pytest.mark.parametrize(
    ("text", "file", "weights"),
    [
        ("a.wav:tone=1,level=0.5", "a.wav", "tone=1,level=0.5"),
        ("a:b=1/ref.wav", "a:b=1/ref.wav", ""),
        ("a:b=1/ref.wav:tone=2", "a:b=1/ref.wav", "tone=2"),
        ("s3://records/a.wav", "s3://records/a.wav", ""),
        ("file:///b=1/a.wav", "file:///b=1/a.wav", ""),
        (":tone=1", ":tone=1", ""),
        ("take 3: best.wav", "take 3: best.wav", ""),
    ],
)
def test_a_colon_parts_a_file_from_what_it_counts_for_and_nothing_else(text, file, weights):
    assert parted(text) == (file, weights)
    assert parse_reference(text)[0] == file


@pytest.mark.parametrize("value", [2.5, 1e-9, math.nan, 31])
def test_a_detail_is_a_whole_number_in_its_range(value):
    with pytest.raises(BadSetting, match=r"^--detail .*; allowed: 1 to 30 bands$"):
        checked_request(50.0, None, -1.0, detail=value)


def test_a_whole_detail_is_kept_as_one():
    assert repr(checked_request(50.0, None, -1.0, detail=4.0).max_bands) == "4"


def test_a_loudness_where_the_level_is_left_alone_is_refused():
    with pytest.raises(BadSetting, match="--only tone leaves the level alone, and --loudness -14 asks for one"):
        checked_request(50.0, -14.0, -1.0, only="tone")
    assert checked_request(50.0, -14.0, -1.0, only="tone,level").loudness_lufs == -14.0
