"""The door in: what is refused, what is accepted with a note, and that what plays is what the file holds."""

import hashlib
import os
import re
import struct
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf

from refmaster.errors import BadAudio
from refmaster.headers import frame_bytes
from refmaster.load import BLOCK_SAMPLES, Track, open_track, refuse_bad, resampled, track_of
from refmaster.stream import hushed

RATE_HZ = 44_100
N = 3 * BLOCK_SAMPLES // 2 + 17  # no multiple of any block


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    """Noise on the 16-bit grid, so that integer files hold it exactly; shape (channels, samples)."""
    return np.random.default_rng(7).integers(-9000, 9000, (2, N)) / 2**15


def written(path, sound, rate_hz=RATE_HZ, **format_):
    # Pieces, because one large Vorbis write crashes the process.
    with sf.SoundFile(os.fspath(path), "w", rate_hz, sound.shape[0], **format_) as file:
        for start in range(0, sound.shape[1], 4096):
            file.write(np.ascontiguousarray(sound[:, start : start + 4096].T))
    return path


def played(track: Track, block_samples: int = BLOCK_SAMPLES) -> np.ndarray:
    return np.concatenate(list(track.blocks(block_samples)), axis=1)


def one_line(found: pytest.ExceptionInfo[BadAudio]) -> bool:
    return "\n" not in str(found.value)


# What plays


@pytest.mark.parametrize(
    ("name", "subtype", "bit_depth"),
    [
        ("a.wav", "PCM_16", 16),
        ("a.wav", "PCM_24", 24),
        ("a.wav", "PCM_32", 32),
        ("a.wav", "FLOAT", None),
        ("a.wav", "DOUBLE", None),
        ("a.rf64", "PCM_24", 24),
        ("a.w64", "PCM_24", 24),
        ("a.aiff", "PCM_24", 24),
        ("a.caf", "PCM_16", 16),
        ("a.flac", "PCM_16", 16),
        ("a.flac", "PCM_24", 24),
    ],
)
def test_lossless_files_play_exactly_and_tell_their_depth(tmp_path, music, name, subtype, bit_depth):
    track = open_track(written(tmp_path / name, music, subtype=subtype))
    assert np.array_equal(played(track), music)
    assert (track.source.subtype, track.source.bit_depth, track.source.lossy) == (subtype, bit_depth, False)
    assert (track.source.channels, track.source.sample_rate_hz, track.notes) == (2, RATE_HZ, ())


@pytest.mark.parametrize(
    ("name", "rate_hz", "format_"),
    [
        ("a.ogg", 44100, {"format": "OGG", "subtype": "VORBIS"}),
        ("a.opus", 48000, {"format": "OGG", "subtype": "OPUS"}),
        ("a.mp3", 44100, {"format": "MP3"}),
    ],
)
def test_lossy_files_play_whole_and_say_that_they_are_lossy(tmp_path, music, name, rate_hz, format_):
    track = open_track(written(tmp_path / name, music, rate_hz, **format_))
    assert played(track).shape == (2, N)
    assert (track.source.lossy, track.source.bit_depth, track.notes) == (True, None, ())


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_a_track_plays_the_same_every_time_in_blocks_of_any_size(tmp_path, music, name):
    track = open_track(written(tmp_path / name, music))
    whole = played(track)
    for block_samples in (777, BLOCK_SAMPLES, 10**6):
        blocks = list(track.blocks(block_samples))
        assert {block.shape[1] for block in blocks[:-1]} <= {block_samples}
        assert np.array_equal(np.concatenate(blocks, axis=1), whole)


def test_blocks_are_float64_rows_of_channels_and_independent_of_each_other(tmp_path, music):
    blocks = list(open_track(written(tmp_path / "a.wav", music[:1])).blocks(1000))
    assert {(block.dtype.name, block.shape[0]) for block in blocks} == {("float64", 1)}
    assert not np.shares_memory(blocks[0], blocks[-1])
    assert np.array_equal(np.concatenate(blocks, axis=1), music[:1])


def test_two_plays_at_once_do_not_disturb_each_other(tmp_path, music):
    track = open_track(written(tmp_path / "a.flac", music))
    one, two = track.blocks(500), track.blocks(500)
    next(one)
    assert np.array_equal(next(two), music[:, :500])
    assert np.array_equal(next(one), music[:, 500:1000])


def test_an_abandoned_play_leaves_no_file_open(tmp_path, music):
    track = open_track(written(tmp_path / "a.wav", music))
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    stream = track.blocks(100)
    next(stream)
    del stream
    assert (len(os.listdir("/proc/self/fd")) if before else 0) == before


def test_the_hash_is_that_of_the_files_bytes(tmp_path, music):
    path = written(tmp_path / "a.wav", music)
    assert open_track(path).source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert open_track(str(path)).source.path == str(path)


def test_float_above_full_scale_is_legal_headroom(tmp_path, music):
    path = written(tmp_path / "a.wav", music * 6, subtype="DOUBLE")
    assert np.array_equal(played(open_track(path)), music * 6)


# Names


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_no_utf8_works_and_is_shown_with_backslashes(tmp_path, music):
    path = written(tmp_path / "a.wav", music)
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.wav")
    os.rename(path, odd)
    assert played(open_track(odd)).shape == music.shape
    os.truncate(odd, 0)
    with pytest.raises(BadAudio, match=r"\\xff\\xfe\.wav is empty"):
        open_track(odd)


@pytest.mark.skipif(os.name == "nt", reason="such names are not allowed there")
@pytest.mark.parametrize(("name", "said"), [("a\nb", r"a\\nb"), ("a\u202eb", r"a\\u202eb"), ("-x", "-x")])
def test_an_odd_name_is_escaped_in_messages_and_plays(tmp_path, music, name, said):
    path = tmp_path / f"{name}.wav"
    path.touch()
    with pytest.raises(BadAudio, match=said) as found:
        open_track(path)
    assert one_line(found)
    assert played(open_track(written(path, music))).shape == music.shape


def test_content_decides_and_a_wrong_ending_is_a_note(tmp_path, music):
    path = written(tmp_path / "a.mp3", music).rename(tmp_path / "song.wav")
    track = open_track(path)
    assert (track.source.container, played(track).shape[1]) == ("MP3", N)
    assert track.notes == ("song.wav is MP3 by its content, not what its name says",)


# What is no file, or no sound


def test_what_does_not_exist_is_refused_in_its_role(tmp_path):
    with pytest.raises(BadAudio, match=r"^reference .*gone.wav does not exist"):
        open_track(tmp_path / "gone.wav", role="reference")


def test_a_link_to_nothing_and_a_link_to_itself_are_refused(tmp_path):
    (tmp_path / "a.wav").symlink_to(tmp_path / "gone.wav")
    (tmp_path / "b.wav").symlink_to(tmp_path / "b.wav")
    with pytest.raises(BadAudio, match="is a link to nothing"):
        open_track(tmp_path / "a.wav")
    with pytest.raises(BadAudio, match="cannot be opened"):
        open_track(tmp_path / "b.wav")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(BadAudio, match="is a folder"):
        open_track(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_and_a_device_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(BadAudio, match="is a named pipe"):
        open_track(tmp_path / "a.wav")
    with pytest.raises(BadAudio, match="is a device"):
        open_track("/dev/null")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path, music):
    path = written(tmp_path / "a.wav", music)
    path.chmod(0)
    with pytest.raises(BadAudio, match="may not be read"):
        open_track(path)


@pytest.mark.parametrize("name", ["a\0b.wav", "x" * 300])
def test_an_impossible_name_is_refused(name):
    with pytest.raises(BadAudio, match="cannot be opened") as found:
        open_track(name)
    assert one_line(found)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.wav", b"", "is empty"),
        ("a.wav", b"R", "is not audio"),
        ("a.wav", b"dear diary\n" * 500, "is not audio"),
        ("a.mp3", b"dear diary\n" * 500, "is not audio"),
        ("a.wav", b"RIFF\x24\0\0\0WAVE", "is not audio"),
        ("a.wav", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "is not audio"),
        ("a.aiff", b"FORM", "is not audio"),
        ("a.caf", b"caff\0\1\0\0", "is not audio"),
        ("a.ogg", b"OggS" + bytes(200), "is not audio"),
        ("a.flac", b"fLaC" + bytes(200), "is not audio"),
        ("a.mp3", b"ID3\4\0\0\x7f\x7f\x7f\x7f" + bytes(2000), "is not audio"),
        ("a.flac", b"\xff\xd8\xff\xe0" + bytes(2000), "is a JPEG picture"),
        ("a.m4a", b"\0\0\0\x20ftypM4A " + bytes(2000), "is an MP4 or M4A file"),
    ],
)
def test_what_is_no_audio_is_refused_in_one_line_whatever_its_name(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadAudio, match=said) as found:
        open_track(path)
    assert one_line(found)
    assert name in str(found.value)


def test_random_bytes_are_refused_or_play_but_nothing_else_happens(tmp_path):
    heads = [b"RIFF\0\0\0\0WAVE", b"FORM\0\0\0\0AIFF", b"caff\0\1\0\0", b"OggS\0\2", b"fLaC\0", b"\xff\xfb\x90", b"ID3"]
    rng = np.random.default_rng(5)
    for number in range(140):
        path = tmp_path / "a.wav"
        path.write_bytes(heads[number % len(heads)] + rng.bytes(int(rng.integers(1, 4000))))
        with suppress(BadAudio):
            played(open_track(path))


def test_a_header_without_samples_is_refused(tmp_path):
    for name in ("a.wav", "a.aiff", "a.caf", "a.w64"):
        path = written(tmp_path / name, np.zeros((2, 0)))
        with pytest.raises(BadAudio, match="holds no sound"):
            open_track(path)


@pytest.mark.parametrize(("channels", "said"), [(3, "3 channels;"), (6, r"6 channels, 5\.1;"), (1024, "1024 channels")])
def test_more_than_two_channels_are_refused(tmp_path, channels, said):
    path = written(tmp_path / "a.wav", np.zeros((channels, 50)))
    with pytest.raises(BadAudio, match=f"{said}.*masters mono and stereo; export a stereo mixdown"):
        open_track(path)


@pytest.mark.parametrize("rate_hz", [1, 7999, 384_001, 768_000, 2**31 - 1])
def test_rates_that_no_music_has_are_refused(tmp_path, music, rate_hz):
    path = written(tmp_path / "a.wav", music, rate_hz)
    with pytest.raises(BadAudio, match=f"{rate_hz} Hz; allowed: 8000 to 384000 Hz"):
        open_track(path)


@pytest.mark.parametrize("rate_hz", [8000, 44_056, 192_000, 384_000])
def test_odd_but_possible_rates_are_taken(tmp_path, music, rate_hz):
    assert open_track(written(tmp_path / "a.wav", music, rate_hz)).source.sample_rate_hz == rate_hz


@pytest.mark.parametrize(
    ("name", "subtype"), [("a.wav", "IMA_ADPCM"), ("a.wav", "MS_ADPCM"), ("a.wav", "G721_32"), ("a.aiff", "IMA_ADPCM")]
)
def test_adpcm_is_refused(tmp_path, music, name, subtype):
    channels = 1 if subtype == "G721_32" else 2
    path = written(tmp_path / name, music[:channels], subtype=subtype)
    with pytest.raises(BadAudio, match=f"holds {subtype} sound"):
        open_track(path)


def test_containers_of_other_trades_are_refused(tmp_path, music):
    path = written(tmp_path / "a.mat", music, format="MAT5", subtype="PCM_16")
    with pytest.raises(BadAudio, match="is a MAT5 file; refmaster reads WAV"):
        open_track(path)


# Headers that lie


def cut(path, share):
    os.truncate(path, round(path.stat().st_size * share))
    return path


@pytest.mark.parametrize("name", ["a.wav", "a.rf64", "a.aiff", "a.w64", "a.caf", "a.mp3"])
@pytest.mark.parametrize("share", [0.2, 0.98])
def test_a_file_that_was_cut_off_is_refused(tmp_path, music, name, share):
    path = cut(written(tmp_path / name, music), share)
    with pytest.raises(BadAudio, match="is cut off: its header promises") as found:
        open_track(path)
    assert one_line(found)


@pytest.mark.parametrize("name", ["a.wav", "a.aiff"])
def test_a_short_tail_is_a_note(tmp_path, music, name):
    path = cut(written(tmp_path / name, music, subtype="PCM_16"), 0.995)
    track = open_track(path)
    there = played(track)
    assert track.notes == (f"{name}: header claims {N} samples, {there.shape[1]} could be read",)
    assert np.array_equal(there, music[:, : there.shape[1]])


def mp3_frames(path):
    """The frames of an MP3 file, the one that counts them left out."""
    data, at, frames = path.read_bytes(), 0, []
    while at + 4 <= len(data):
        size = frame_bytes(data[at : at + 4])
        frames.append(data[at : at + size])
        at += size
    return frames[1:]


def test_an_mp3_that_is_damaged_within_or_at_its_end_is_noted_and_its_decoder_is_not_heard(tmp_path, music, capfd):
    whole = mp3_frames(written(tmp_path / "whole.mp3", np.tile(music, 8)))
    assert len(whole) > 8
    at = len(b"".join(whole[:4]))
    noise = np.random.default_rng(0).integers(0, 254, 700, dtype=np.uint8).tobytes()  # without a byte that syncs
    cases = {
        "sound.mp3": (b"".join(whole), ()),
        "tagged.mp3": (b"".join(whole) + b"TAG" + bytes(125), ()),
        "within.mp3": (
            b"".join([*whole[:4], noise, *whole[4:]]),
            (f"within.mp3 is damaged {at} bytes in: some of its sound may be missing",),
        ),
        "end.mp3": (b"".join(whole)[:-100], ("end.mp3 ends within a frame: it may have been cut off",)),
    }
    for name, (data, notes) in cases.items():
        (tmp_path / name).write_bytes(data)
        track = open_track(tmp_path / name)
        assert track.notes == notes
        assert played(track).shape[1] > 0
    assert capfd.readouterr() == ("", "")


def test_what_others_write_on_stderr_while_a_decoder_is_hushed_comes_out(capfd):
    with hushed():
        os.write(2, b"Note: Trying to resync...\n")
        with hushed():
            os.write(2, b"[src/libmpg123/parse.c:wetwork():1349] error: Giving up resync\nsomebody else's line\n")
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == "somebody else's line\n"
    os.write(2, b"and after it\n")
    assert capfd.readouterr().err == "and after it\n"


def patched(path, at, content):
    data = bytearray(path.read_bytes())
    data[at : at + len(content)] = content
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0xFFFFFFFC, 0x7FFFFFFF, 0x80000000, 0x7FFFF000])
def test_a_size_left_open_by_a_pipe_is_a_note(tmp_path, music, size):
    path = written(tmp_path / "a.wav", music)
    at = path.read_bytes().index(b"data") + 4
    track = open_track(patched(path, at, struct.pack("<I", size)))
    assert np.array_equal(played(track), music)
    assert track.notes == (f"a.wav does not say how long it is; all {N} samples that are there were taken",)


def test_a_caf_that_leaves_its_size_open_is_refused_because_libsndfile_cannot_read_it(tmp_path, music):
    path = written(tmp_path / "a.caf", music)
    at = path.read_bytes().index(b"data\0") + 4
    with pytest.raises(BadAudio, match=r"is not audio that can be read .*malformed"):
        open_track(patched(path, at, struct.pack(">q", -1)))


def test_a_recorder_that_crashed_is_diagnosed(tmp_path, music):
    path = written(tmp_path / "a.wav", music)
    at = path.read_bytes().index(b"data") + 4
    with pytest.raises(BadAudio, match="as after a recorder that crashed; repair the header"):
        open_track(patched(path, at, bytes(4)))


def test_half_a_sample_at_the_end_is_a_note(tmp_path, music):
    path = written(tmp_path / "a.wav", music, subtype="PCM_16")
    content = path.read_bytes()
    at = content.index(b"data") + 4
    path.write_bytes(content[:at] + struct.pack("<I", 4 * N - 2) + content[at + 4 : -2])
    track = open_track(path)
    assert np.array_equal(played(track), music[:, :-1])
    assert track.notes == ("a.wav ends within a sample; the broken one was left out",)


def test_chunks_after_and_before_the_sound_are_not_taken_for_it(tmp_path, music):
    path = written(tmp_path / "a.wav", music)
    content = path.read_bytes()
    junk = b"JUNK" + struct.pack("<I", 5) + b"abcde\0"
    at = content.index(b"data")
    path.write_bytes(content[:at] + junk + content[at:] + junk * 50)
    track = open_track(path)
    assert (track.notes, np.array_equal(played(track), music)) == ((), True)


def test_very_many_chunks_do_not_take_for_ever(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVE" + (b"LIST" + bytes(4)) * 200_000)
    with pytest.raises(BadAudio, match="is not audio"):
        open_track(path)


@pytest.mark.parametrize("total", [0, 2**36 - 1])
def test_a_flac_that_does_not_say_its_length_plays_whole(tmp_path, music, total):
    path = written(tmp_path / "a.flac", music)
    # STREAMINFO: the total is the last 36 bits before the MD5 (RFC 9639, section 8.2).
    top = path.read_bytes()[21] & 0xF0
    track = open_track(patched(path, 21, bytes([top | total >> 32]) + struct.pack(">I", total & 0xFFFFFFFF)))
    assert track.n_samples == 0
    assert np.array_equal(played(track), music)


@pytest.mark.parametrize(("name", "told"), [("a.wav", True), ("a.flac", True), ("a.ogg", False)])
def test_a_length_is_told_before_a_track_is_played_only_where_it_must_be_true(tmp_path, music, name, told):
    track = open_track(written(tmp_path / name, music))
    assert track.n_samples == (played(track).shape[1] if told else 0)
    assert resampled(track, 48_000).n_samples == 0


def test_a_flac_that_was_cut_off_plays_to_an_error_with_its_place(tmp_path, music):
    path = cut(written(tmp_path / "a.flac", music), 0.8)
    with pytest.raises(BadAudio, match=r"a\.flac (is damaged after \d\.\d s|ends after \d+ of)") as found:
        played(open_track(path))
    assert one_line(found)


@pytest.mark.parametrize("flipped_bytes", [1, 30])
def test_bit_flips_in_a_flac_are_an_error_with_its_place(tmp_path, music, flipped_bytes):
    path = written(tmp_path / "a.flac", music)
    middle = path.stat().st_size * 3 // 4
    content = bytes(byte ^ 0x55 for byte in path.read_bytes()[middle : middle + flipped_bytes])
    with pytest.raises(BadAudio, match=r"a\.flac is damaged after \d\.\d s"):
        played(open_track(patched(path, middle, content)))


def test_a_flac_whose_last_frames_are_missing_does_not_pass_as_whole(tmp_path, music):
    path = written(tmp_path / "a.flac", music)
    top = path.read_bytes()[21] & 0xF0
    # The same sound under a header that promises half as much again is a file cut between two frames.
    patched(path, 21, bytes([top]) + struct.pack(">I", N * 3 // 2))
    with pytest.raises(BadAudio, match=rf"ends after {N} of {N * 3 // 2} samples"):
        played(open_track(path))


@pytest.mark.parametrize("second_rate_hz", [44_100, 48_000])
def test_chained_ogg_streams_are_refused(tmp_path, music, second_rate_hz):
    one = written(tmp_path / "a.ogg", music)
    two = written(tmp_path / "b.ogg", music, second_rate_hz)
    one.write_bytes(one.read_bytes() + two.read_bytes())
    with pytest.raises(BadAudio, match="chains 2 Ogg streams"):
        open_track(one)


def test_an_ogg_that_was_cut_off_is_a_note(tmp_path, music):
    track = open_track(cut(written(tmp_path / "a.ogg", music), 0.6))
    assert track.notes == ("a.ogg has no last page: it may have been cut off",)
    assert 0 < played(track).shape[1] < N


def test_an_ogg_whose_last_page_is_not_whole_is_a_note(tmp_path, music):
    path = written(tmp_path / "a.ogg", music)
    os.truncate(path, path.stat().st_size - 20)
    assert open_track(path).notes == ("a.ogg has no last page: it may have been cut off",)


def test_a_gap_in_an_ogg_is_a_note_with_its_place(tmp_path, music):
    path = written(tmp_path / "a.ogg", music)
    middle = path.stat().st_size // 2
    (said,) = open_track(patched(path, middle, bytes(5000))).notes
    place = re.fullmatch(r"a\.ogg is damaged (\d+) bytes in: some of its sound may be missing", said)
    assert place is not None
    assert middle <= int(place[1]) <= path.stat().st_size


def test_an_au_that_was_cut_off_is_refused(tmp_path, music):
    path = written(tmp_path / "a.au", music)
    assert open_track(path).n_samples == N
    with pytest.raises(BadAudio, match=r"is cut off: its header promises .* \(50 %\) are there") as found:
        open_track(cut(path, 0.5))
    assert one_line(found)


def test_a_file_exchanged_while_in_use_is_refused(tmp_path, music):
    path = written(tmp_path / "a.wav", music)
    track = open_track(path)
    written(path, music, 48_000)
    with pytest.raises(BadAudio, match="changed while it was in use"):
        played(track)
    path.unlink()
    with pytest.raises(BadAudio, match=r"is damaged after 0\.0 s"):
        played(track)


# Numbers that are no sound


@pytest.mark.parametrize(
    ("value", "said"), [(np.nan, r"is not a number \(NaN\)"), (np.inf, "is inf"), (-1e30, "is -1e\\+30")]
)
@pytest.mark.parametrize("block_samples", [64, BLOCK_SAMPLES])
def test_the_first_impossible_sample_is_named(tmp_path, music, value, said, block_samples):
    broken = music.copy()
    broken[1, 44_100] = broken[0, 50_000] = value
    track = open_track(written(tmp_path / "a.wav", broken, subtype="DOUBLE"))
    good = 44_100 // block_samples
    blocks = list(track.blocks(block_samples))
    for k, block in enumerate(blocks[:good]):
        refuse_bad(block, k * block_samples, "a.wav", RATE_HZ)
    with pytest.raises(BadAudio, match=rf"sample 44100 \(1\.000 s\), channel 2 {said}"):
        refuse_bad(blocks[good], good * block_samples, "a.wav", RATE_HZ)


def test_headroom_denormals_and_silence_pass():
    for block in (np.full((2, 8), 4.0), np.full((2, 8), 5e-324), np.zeros((2, 8)), np.zeros((2, 0))):
        refuse_bad(block, 0, "a.wav", RATE_HZ)


# Sound in memory


def test_an_array_plays_as_it_is_and_cannot_be_written_to(music):
    track = track_of(music, RATE_HZ, name="take 3")
    assert np.array_equal(played(track, 1000), music)
    assert (track.source.path, track.source.container, track.source.lossy) == ("take 3", "array", False)
    assert track.source.sha256 == hashlib.sha256(music.astype("<f8").tobytes()).hexdigest()
    block = next(track.blocks())
    with pytest.raises(ValueError, match="read-only"):
        block[0, 0] = 1.0
    assert music.flags.writeable


@pytest.mark.parametrize("shape", [(8,), (3, 100), (0, 100), (2, 0), (100, 2), (1, 2, 3)])
def test_arrays_of_other_shapes_are_refused(shape):
    with pytest.raises(BadAudio, match=r"has the shape .*needed: \(channels, samples\)"):
        track_of(np.zeros(shape), RATE_HZ)


def test_an_array_at_an_impossible_rate_is_refused(music):
    with pytest.raises(BadAudio, match="sample rate of 100 Hz"):
        track_of(music, 100)


# Another rate


def test_at_its_own_rate_a_track_is_itself(music):
    track = track_of(music, RATE_HZ)
    assert resampled(track, RATE_HZ) is track


@pytest.mark.parametrize(("from_hz", "to_hz"), [(48_000, 44_100), (44_100, 96_000), (96_000, 44_100), (44_056, 48_000)])
def test_resampling_keeps_a_tone_and_does_not_depend_on_blocks(from_hz, to_hz):
    tone = 0.5 * np.sin(2 * np.pi * 997 / from_hz * np.arange(3 * from_hz))[np.newaxis]
    track = resampled(track_of(tone, from_hz), to_hz)
    whole = played(track)

    assert track.source.sample_rate_hz == to_hz
    assert whole.shape == (1, pytest.approx(3 * to_hz, abs=1))
    middle = slice(to_hz // 2, 5 * to_hz // 2)
    expected = 0.5 * np.sin(2 * np.pi * 997 / to_hz * np.arange(whole.shape[1]))
    assert np.abs(whole[0, middle] - expected[middle]).max() < 1e-6  # −120 dBFS
    for block_samples in (999, 10**6):
        assert np.array_equal(played(track, block_samples), whole)

    grainy = track_of(tone, from_hz)
    grainy = resampled(replace(grainy, play=lambda n: iter(np.array_split(tone, 977, axis=1))), to_hz)
    assert np.array_equal(played(grainy), whole)


def test_a_single_sample_survives_resampling():
    assert played(resampled(track_of(np.ones((2, 1)), 44_100), 88_200)).shape[0] == 2


# Stretches


@pytest.mark.parametrize(
    ("name", "subtype", "jumps"), [("a.wav", "PCM_16", True), ("a.wav", "PCM_24", True), ("a.flac", "PCM_24", False)]
)
def test_stretches_are_those_of_the_whole(tmp_path, music, name, subtype, jumps):
    track = open_track(written(tmp_path / name, music, subtype=subtype))
    whole, places = played(track), ((0, 10), (BLOCK_SAMPLES - 5, BLOCK_SAMPLES + 5), (700, 700 + N // 2), (N - 1, N))
    assert (track.jump is not None) == jumps
    for found in (list(track.parts(places)), list(track_of(whole, RATE_HZ).parts(places))):
        assert all(np.array_equal(one, whole[:, a:b]) for one, (a, b) in zip(found, places, strict=True))
    assert next(iter(resampled(track, 48_000).parts(((0, 100),)))).shape == (2, 100)


def test_a_file_that_got_shorter_between_two_looks_is_refused(tmp_path, music):
    track = open_track(written(tmp_path / "a.wav", music, subtype="PCM_16"))
    written(tmp_path / "a.wav", music[:, : N // 2], subtype="PCM_16")
    for place in ((N - 100, N), (N // 2 - 50, N // 2 + 50)):
        with pytest.raises(BadAudio, match="changed while it was in use") as found:
            list(track.parts([place]))
        assert one_line(found)
