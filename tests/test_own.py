"""The line that our masters carry: written and read alike, and what it says stays."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf

from refmaster.load import open_track, track_of
from refmaster.moves import blank_of
from refmaster.own import left_alone, line_of, mark_of, next_mark, recognised, sound_digits, sound_of, staying
from refmaster.records import Delivery, Mark, Plan, Request, Stage, Verdict
from refmaster.save import write_audio
from refmaster.tags import copy_tags
from refmaster.version import __version__
from tests.conftest import RATE_HZ, write_wav

TOWARD = ("0123456789abcdef" * 4,)
OTHER = ("fedcba9876543210" * 4,)
FOLLOWED = (Stage.TONE, Stage.DYNAMICS, Stage.COLOUR, Stage.IMAGE, Stage.LEVEL)
MARK = Mark("0.1.0", ("0123456789abcdef",), "a" * 16, FOLLOWED, 50.0, stored="PCM_24")
EQ, GAIN = blank_of("match_eq/bell_1", 2), blank_of("match_loudness", 2)


def made(*moves, verdict=Verdict.KEEP):
    return Plan(tuple(replace(move, verdict=verdict) for move in moves))


@pytest.fixture
def noise():
    return 0.1 * np.random.default_rng(3).standard_normal((2, 9600))


def marked(path, samples, mark, subtype="PCM_24", rate_hz=RATE_HZ):
    """A file with that mark in its tags."""
    sf.write(path, samples.T, rate_hz, subtype=subtype)
    assert copy_tags(path, path, line_of(mark)) == ()
    return path


# The line


@pytest.mark.parametrize(
    "mark",
    [
        MARK,
        replace(MARK, sound="", stored=""),
        replace(MARK, stored="DOUBLE"),
        replace(MARK, settled=(Stage.LEVEL,), loudness_lufs=-14.5, amount_pct=0.0),
        replace(MARK, amount_pct=100 / 3, loudness_lufs=-60.0, version="1.12.0rc1+local.7"),
        replace(MARK, references=("0123456789abcdef", "fedcba9876543210")),
    ],
)
def test_a_line_says_what_its_mark_says(mark):
    line = line_of(mark)
    assert mark_of(line) == mark
    assert line.isascii()
    assert line.isprintable()


def test_the_line_is_a_sentence():
    assert line_of(replace(MARK, loudness_lufs=-14.0)) == (
        "mastered with refmaster 0.1.0 toward sha256 0123456789abcdef; settled tone, dynamics, colour, image, level; "
        "amount 50 %; loudness -14 LUFS; sound as PCM_24 sha256 aaaaaaaaaaaaaaaa"
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "mastered at home",
        line_of(MARK)[:-1],
        line_of(MARK) + "\nand more",
        line_of(MARK).replace("50 %", "fifty %"),
        line_of(MARK).replace("0123456789abcdef", "0123456789ABCDEF"),
        line_of(MARK).replace("refmaster 0.1.0", "refmaster " + "9" * 41),
    ],
)
def test_any_other_line_is_no_mark(line):
    assert mark_of(line) is None


def test_stages_of_a_later_version_are_passed_over():
    assert mark_of(line_of(MARK).replace("colour", "sparkle")).settled == (
        Stage.TONE,
        Stage.DYNAMICS,
        Stage.IMAGE,
        Stage.LEVEL,
    )


# The sound


FORMS = ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]


@pytest.mark.parametrize("ending", [".flac", ".aiff", ".w64", ".caf", ".wav"])
def test_the_sound_is_the_same_in_every_lossless_file(noise, tmp_path, ending):
    one, other = tmp_path / "one.wav", tmp_path / f"other{ending}"
    sf.write(one, noise.T, RATE_HZ, subtype="PCM_24")
    sf.write(other, sf.read(one)[0], RATE_HZ, subtype="PCM_24")
    assert sound_of(open_track(one), "PCM_24")
    assert sound_of(open_track(one), "PCM_24") == sound_of(open_track(other), "PCM_24")


@pytest.mark.parametrize("stored", FORMS)
def test_what_is_said_of_a_written_file_is_what_is_read_in_it(noise, tmp_path, stored):
    delivery = Delivery("WAV", stored, bit_depth={"PCM_16": 16, "PCM_24": 24, "PCM_32": 32}.get(stored))
    written = write_audio(tmp_path / "m.wav", [noise], sample_rate_hz=RATE_HZ, channels=2, delivery=delivery)
    assert sound_of(open_track(tmp_path / "m.wav"), stored) == sound_digits(written.digest, RATE_HZ)


def test_deeper_files_may_hold_the_sound_and_shallower_ones_cannot(noise, tmp_path):
    sf.write(tmp_path / "one.wav", noise.T, RATE_HZ, subtype="PCM_24")
    sf.write(tmp_path / "deep.wav", sf.read(tmp_path / "one.wav")[0], RATE_HZ, subtype="DOUBLE")
    one, deep = open_track(tmp_path / "one.wav"), open_track(tmp_path / "deep.wav")
    assert sound_of(one, "PCM_24") == sound_of(deep, "PCM_24")
    assert sound_of(one, "PCM_16") == ""
    assert sound_of(track_of(noise, RATE_HZ), "PCM_32") == ""
    assert sound_of(track_of(noise, RATE_HZ), "FLOAT") == ""
    assert sound_of(track_of(3.0 * np.sign(noise), RATE_HZ), "PCM_24") == ""  # over full scale no whole number is it


@pytest.mark.parametrize("stored", ["PCM_24", "DOUBLE"])
def test_one_step_of_one_sample_is_another_sound(noise, stored):
    noise = np.rint(noise * 2.0**23) / 2.0**23
    changed = noise.copy()
    changed[1, 5000] += 2.0**-23
    same = sound_of(track_of(noise, RATE_HZ), stored)
    assert same
    others = (track_of(changed, RATE_HZ), track_of(noise, 48000), track_of(noise[::-1], RATE_HZ))
    assert all(sound_of(other, stored) != same for other in others)


def test_minus_zero_is_silence_too():
    silences = (track_of(np.full((1, 9), zero), RATE_HZ) for zero in (0.0, -0.0))
    assert len({sound_of(silence, "PCM_24") for silence in silences}) == 1


# Recognised


def test_a_master_is_known_by_reference_and_sound(noise, tmp_path):
    bare = open_track(write_wav(tmp_path / "bare.wav", noise))
    mark = replace(MARK, sound=sound_of(bare, "PCM_24"))
    own = open_track(marked(tmp_path / "own.wav", noise, mark))
    assert recognised(own, TOWARD, Request()) == (mark, ())
    assert recognised(own, OTHER, Request()) == (None, ())
    assert recognised(own, TOWARD + OTHER, Request()) == (None, ())
    assert recognised(own, (), Request()) == (None, ())
    assert recognised(own, TOWARD, Request(fresh=True)) == (None, ())
    assert recognised(bare, TOWARD, Request()) == (None, ())
    assert recognised(track_of(noise, RATE_HZ), TOWARD, Request()) == (None, ())


def test_a_master_that_was_changed_since_is_any_other_file_and_that_is_said(noise, tmp_path):
    bare = open_track(write_wav(tmp_path / "bare.wav", noise))
    changed = marked(tmp_path / "changed.wav", 0.5 * noise, replace(MARK, sound=sound_of(bare, "PCM_24")))
    mark, notes = recognised(open_track(changed), TOWARD, Request())
    assert mark is None
    assert len(notes) == 1
    assert "changed.wav" in notes[0]
    assert "changed since" in notes[0]


def test_a_master_of_an_earlier_build_is_any_other_file_and_that_is_said(noise, tmp_path):
    sf.write(tmp_path / "old.wav", noise.T, RATE_HZ, subtype="PCM_24")
    line = line_of(MARK).replace("sound as PCM_24 sha256", "sound sha256")
    assert copy_tags(tmp_path / "old.wav", tmp_path / "old.wav", line) == ()
    mark, notes = recognised(open_track(tmp_path / "old.wav"), TOWARD, Request())
    assert mark is None
    assert "an earlier build made it" in notes[0]


def test_a_lossy_master_is_known_by_its_word_and_a_lossless_one_is_not(noise, tmp_path):
    mark = replace(MARK, sound="", stored="")
    track = track_of(noise, RATE_HZ)
    lossy, lossless = tmp_path / "own.ogg", tmp_path / "own.flac"
    delivery = Delivery("OGG", "VORBIS", bit_depth=None, dithered=False)
    write_audio(lossy, track.blocks(), sample_rate_hz=RATE_HZ, channels=2, delivery=delivery)
    copy_tags(lossy, lossy, line_of(mark))
    marked(lossless, noise, mark)
    assert recognised(open_track(lossy), TOWARD, Request()) == (mark, ())
    assert recognised(open_track(lossless), TOWARD, Request())[0] is None


# What the next master says


def test_a_master_says_what_was_asked_for():
    mark = next_mark(None, TOWARD, Request(amount_pct=40.0, loudness_lufs=-14.0), made(EQ))
    assert mark == Mark(__version__, ("0123456789abcdef",), "", FOLLOWED, 40.0, -14.0)
    only = next_mark(None, TOWARD, Request(only=(Stage.REPAIR, Stage.TONE)), made(EQ))
    assert only.settled == (Stage.TONE,)


def test_nothing_settled_is_nothing_said():
    assert next_mark(None, (), Request(), made(EQ)) is None
    assert next_mark(None, TOWARD, Request(), made()) is None
    assert next_mark(None, TOWARD, Request(), made(EQ, verdict=Verdict.DROP)) is None
    assert next_mark(None, TOWARD, Request(only=(Stage.REPAIR,)), made(EQ)) is None
    assert next_mark(None, TOWARD, Request(amount_pct=0.0), made(EQ)) is None


def test_a_loudness_asked_for_is_settled_even_where_the_reference_is_not_followed():
    assert next_mark(None, TOWARD, Request(amount_pct=0.0, loudness_lufs=-14.0), made(GAIN)).settled == (Stage.LEVEL,)


@pytest.mark.parametrize("verdict", [Verdict.DROP, Verdict.OVERRIDE])
def test_a_person_s_own_gain_settles_no_loudness(verdict):
    plan = Plan((EQ, replace(GAIN, verdict=verdict)))
    assert next_mark(None, TOWARD, Request(), plan).settled == FOLLOWED[:-1]
    assert next_mark(MARK, TOWARD, Request(), plan).settled == FOLLOWED[:-1]


def test_what_was_settled_is_handed_on_by_a_pass_that_does_less():
    before = replace(MARK, version=__version__, loudness_lufs=-14.0)
    again = next_mark(before, TOWARD, Request(loudness_lufs=-14.0), made())
    assert again == replace(before, sound="", stored="")
    assert next_mark(before, TOWARD, Request(only=(Stage.TONE,)), made()) == again
    louder = next_mark(before, TOWARD, Request(only=(Stage.LEVEL,), loudness_lufs=-9.0), made(GAIN))
    assert louder == replace(again, loudness_lufs=-9.0)


# What stays


@pytest.mark.parametrize(
    ("mark", "request_", "stays"),
    [
        (None, Request(), ()),
        (MARK, Request(), FOLLOWED),
        (MARK, Request(amount_pct=25.0), FOLLOWED),
        (MARK, Request(amount_pct=75.0), FOLLOWED),
        (MARK, Request(amount_pct=76.0), ()),
        (MARK, Request(loudness_lufs=-9.0), FOLLOWED[:-1]),
        (replace(MARK, amount_pct=25.0), Request(amount_pct=25.0), FOLLOWED),
        (replace(MARK, amount_pct=25.0), Request(), FOLLOWED[:-1]),
        (replace(MARK, loudness_lufs=-9.0), Request(), FOLLOWED[:-1]),
        (replace(MARK, loudness_lufs=-9.0), Request(loudness_lufs=-9.0), FOLLOWED),
        (replace(MARK, settled=(Stage.TONE,)), Request(), (Stage.TONE,)),
    ],
)
def test_what_was_settled_stays_unless_more_is_asked_for(mark, request_, stays):
    assert staying(mark, request_) == stays


def test_what_is_left_alone_is_said_in_one_line():
    (one,) = left_alone((Stage.TONE, Stage.DYNAMICS, Stage.IMAGE))
    assert one.text == (
        "Tone, dynamics and image left alone: this is our own master toward this reference; "
        "--amount 100 or --fresh matches it again."
    )
    assert left_alone((Stage.TONE,))[0].text.startswith("Tone left alone: ")
    assert left_alone(()) == ()
