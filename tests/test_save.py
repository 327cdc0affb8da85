"""The door out: the format, where it may go, and that a file appears whole or not at all."""

import errno
import os
import re
import stat
import struct
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from refmaster.atomic import why
from refmaster.errors import BadAudio, BadOutput, BadSetting
from refmaster.load import open_track, track_of
from refmaster.names import as_bytes, fitting, shown, storable
from refmaster.outputs import files_of, goal_path
from refmaster.records import Delivery
from refmaster.save import EXTENSIONS, WriteResult, check_outputs, choose_delivery, size_bytes, write_audio, write_text

RATE_HZ = 44_100
N = 100_003


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    return np.random.default_rng(11).uniform(-0.4, 0.4, (2, N))


def source_at(rate_hz=RATE_HZ):
    return track_of(np.zeros((2, 10)), rate_hz).source


def delivery_for(name, bit_depth=None, container=None, rate_hz=RATE_HZ):
    return choose_delivery(Path(name), container=container, bit_depth=bit_depth, source=source_at(rate_hz))


def write(out, blocks, delivery=None, rate_hz=RATE_HZ, channels=2, **more):
    delivery = delivery or delivery_for(out.name, rate_hz=rate_hz)
    return write_audio(out, blocks, sample_rate_hz=rate_hz, channels=channels, delivery=delivery, **more)


def read_back(path):
    return np.concatenate(list(open_track(path).blocks()), axis=1)


# Which format


@pytest.mark.parametrize(
    ("name", "container", "bit_depth", "expected"),
    [
        ("m", None, None, ("WAV", "PCM_24", 24, True)),
        ("m.wav", None, None, ("WAV", "PCM_24", 24, True)),
        ("m.WAV", None, "16", ("WAV", "PCM_16", 16, True)),
        ("m.wav", None, "32", ("WAV", "PCM_32", 32, True)),
        ("m.wav", None, "32f", ("WAV", "FLOAT", None, False)),
        ("m.aif", None, "64F", ("AIFF", "DOUBLE", None, False)),
        ("m.caf", None, None, ("CAF", "PCM_24", 24, True)),
        ("m.w64", None, "32f", ("W64", "FLOAT", None, False)),
        ("m.wav", "rf64", None, ("RF64", "PCM_24", 24, True)),
        ("m.flac", None, "16", ("FLAC", "PCM_16", 16, True)),
        ("m.ogg", None, None, ("OGG", "VORBIS", None, False)),
        ("m.ogg", "opus", None, ("OGG", "OPUS", None, False)),
        ("m.opus", None, None, ("OGG", "OPUS", None, False)),
        ("m.mp3", None, None, ("MP3", "MPEG_LAYER_III", None, False)),
        ("m.master", "FLAC", None, ("FLAC", "PCM_24", 24, True)),
    ],
)
def test_the_ending_decides_unless_a_format_is_given(name, container, bit_depth, expected):
    chosen = delivery_for(name, bit_depth, container, rate_hz=48_000)
    assert (chosen.container, chosen.subtype, chosen.bit_depth, chosen.dithered) == expected


@pytest.mark.parametrize(
    ("name", "container", "bit_depth", "rate_hz", "said"),
    [
        ("m.xyz", None, None, 44_100, r"no format goes by the ending '\.xyz'; known: \.aif"),
        ("m.wav", "aac", None, 44_100, "no format 'aac'; known: wav, rf64"),
        ("m.flac", "wav", None, 44_100, r"m\.flac and --format wav disagree; name it \.wav"),
        ("m.flac", None, "32f", 44_100, "FLAC has no bit depth '32f'; allowed: 16, 24"),
        ("m.wav", None, "20", 44_100, "WAV has no bit depth '20'; allowed: 16, 24, 32, 32f, 64f"),
        ("m.mp3", None, "16", 44_100, "MP3 has no bit depth; leave --bit-depth out"),
        ("m.opus", None, None, 44_100, "OPUS cannot hold 44100 Hz; allowed: 8000, .*48000 Hz; choose WAV or FLAC"),
        ("m.mp3", None, None, 96_000, "MP3 cannot hold 96000 Hz; allowed: .*44100, 48000 Hz"),
        ("m.ogg", None, None, 384_000, "OGG cannot hold 384000 Hz; allowed: up to 192000 Hz"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(name, container, bit_depth, rate_hz, said):
    with pytest.raises(BadSetting, match=said) as found:
        delivery_for(name, bit_depth, container, rate_hz)
    assert "\n" not in str(found.value)


def test_every_ending_leads_to_a_format_that_has_it():
    for ending in EXTENSIONS:
        delivery_for(f"m{ending}", rate_hz=48_000)
    assert (EXTENSIONS[".wav"], EXTENSIONS[".ogg"], EXTENSIONS[".opus"]) == ("WAV", "OGG", "OPUS")


# Where to


def test_a_free_name_in_a_folder_that_can_be_written_passes_and_leaves_no_trace(tmp_path):
    check_outputs([tmp_path / "m.wav", tmp_path / "m.toml"], [tmp_path / "t.wav"], force=False, need_bytes=1000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("how", ["same", "spelled", "symbolic", "hard", "through a folder"])
def test_an_output_that_is_an_input_is_refused_even_by_force(tmp_path, monkeypatch, force, how):
    target, out = tmp_path / "t.wav", tmp_path / "m.wav"
    target.write_bytes(b"sound")
    if how == "same":
        out = target
    elif how == "spelled":
        monkeypatch.chdir(tmp_path)
        out = Path("./x/../t.wav")
        (tmp_path / "x").mkdir()
    elif how == "symbolic":
        out.symlink_to(target)
    elif how == "hard":
        out.hardlink_to(target)
    else:
        (tmp_path / "link").symlink_to(tmp_path)
        out = tmp_path / "link" / "t.wav"
    with pytest.raises(BadOutput, match="is an input as well"):
        check_outputs([tmp_path / "other.wav", out], [target], force=force)
    assert target.read_bytes() == b"sound"


def test_an_output_that_stands_needs_force(tmp_path):
    out = tmp_path / "m.wav"
    out.write_bytes(b"old")
    with pytest.raises(BadOutput, match=r"m\.wav exists; --force overwrites it"):
        check_outputs([out], [], force=False)
    check_outputs([out], [], force=True)
    assert out.read_bytes() == b"old"


def test_a_link_to_nothing_stands_as_well(tmp_path):
    (tmp_path / "m.wav").symlink_to(tmp_path / "gone")
    with pytest.raises(BadOutput, match="exists; --force"):
        check_outputs([tmp_path / "m.wav"], [], force=False)


def test_a_folder_a_device_and_an_endless_name_are_no_outputs(tmp_path):
    with pytest.raises(BadOutput, match="is a folder; give a file name"):
        check_outputs([tmp_path], [], force=True)
    with pytest.raises(BadOutput, match="too long a name; at most 255 bytes: give a shorter one with -o"):
        check_outputs([tmp_path / ("ü" * 126 + ".wav")], [], force=False)
    with pytest.raises(BadOutput, match="is no name"):
        check_outputs([Path()], [], force=False)
    if os.name != "nt":
        with pytest.raises(BadOutput, match="is a device or a pipe"):
            check_outputs([Path("/dev/null")], [], force=True)
        with pytest.raises(BadOutput, match="/dev/null is a device or a pipe"):
            goal_path(Path("t.wav"), "/dev/null", None)


@pytest.mark.skipif(os.name == "nt", reason="devices have no such names")
def test_a_link_to_a_device_is_one_and_a_link_to_a_file_is_not(tmp_path):
    for name in ("null", "null.wav"):
        link = tmp_path / name
        link.symlink_to("/dev/null")
        with pytest.raises(BadOutput, match=rf"{name} is a device or a pipe; give a file name"):
            goal_path(Path("t.wav"), link, None)
        with pytest.raises(BadOutput, match="is a device or a pipe"):
            check_outputs([link], [], force=True)
        assert link.is_symlink()
    (tmp_path / "old.wav").touch()
    (tmp_path / "link.wav").symlink_to(tmp_path / "old.wav")
    check_outputs([tmp_path / "link.wav"], [], force=True)


@pytest.mark.parametrize(
    ("out", "container", "master", "stem"),
    [
        ("song v1.5", "flac", "song v1.5.flac", "song v1.5"),
        ("song v1.6", "mp3", "song v1.6.mp3", "song v1.6"),
        ("song v1.5", None, "song v1.5", "song v1.5"),  # refused: see `choose_delivery`
        ("song", None, "song.wav", "song"),
        ("song", "opus", "song.opus", "song"),
        ("song v1.5.wav", None, "song v1.5.wav", "song v1.5"),
        ("song.AIF", "aiff", "song.AIF", "song"),
        ("song.ogg", "opus", "song.ogg", "song"),
    ],
)
def test_only_a_format_s_ending_is_one(tmp_path, out, container, master, stem):
    goal = goal_path(Path("t.wav"), tmp_path / out, container)
    assert goal == tmp_path / master
    files = files_of(goal, html=True)
    assert (files.session, files.report) == (str(tmp_path / f"{stem}.toml"), str(tmp_path / f"{stem}.html"))


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(BadOutput, match=r"the folder .*gone does not exist"):
        check_outputs([tmp_path / "gone" / "m.wav"], [], force=False)
    (tmp_path / "file").touch()
    with pytest.raises(BadOutput, match=r"m\.wav cannot be written|is not a folder"):
        check_outputs([tmp_path / "file" / "m.wav"], [], force=False)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused(tmp_path):
    folder = tmp_path / "f"
    folder.mkdir(mode=0o555)
    with pytest.raises(BadOutput, match="cannot be written to"):
        check_outputs([folder / "m.wav"], [], force=False)


def test_a_folder_that_takes_no_new_file_is_refused_whoever_asks(tmp_path, monkeypatch):
    def read_only(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.mkstemp", read_only)
    with pytest.raises(BadOutput, match=r"cannot be written to \(Read-only file system"):
        check_outputs([tmp_path / "m.wav"], [], force=False)


def test_two_results_of_one_name_are_refused(tmp_path):
    with pytest.raises(BadOutput, match="is asked for twice"):
        check_outputs([tmp_path / "m.wav", tmp_path / "." / "m.wav"], [], force=False)


def test_a_disk_with_too_little_space_is_refused(tmp_path, monkeypatch):
    with pytest.raises(BadOutput, match=f"^the disk of {re.escape(str(tmp_path))} has .* MB are needed$"):
        check_outputs([tmp_path / "m.wav"], [], force=False, need_bytes=2**62)
    (tmp_path / "masters").mkdir()
    monkeypatch.chdir(tmp_path / "masters")
    with pytest.raises(BadOutput, match="the disk of masters has"):
        check_outputs([Path("m.wav")], [], force=False, need_bytes=2**62)


@pytest.mark.parametrize(
    ("name", "bit_depth", "n_bytes"),
    [("a.wav", "24", 6000), ("a.wav", "64f", 16000), ("a.aiff", "16", 4000), ("a.flac", "24", 0), ("a.mp3", None, 0)],
)
def test_how_much_room_sound_takes_is_told_where_no_encoder_decides(name, bit_depth, n_bytes):
    assert size_bytes(delivery_for(name, bit_depth), 2, 1000) == n_bytes


# What is written


@pytest.mark.parametrize("name", ["m.wav", "m.rf64", "m.w64", "m.aiff", "m.caf", "m.flac"])
@pytest.mark.parametrize("bit_depth", ["16", "24"])
def test_integer_formats_hold_what_was_rounded_and_no_more(tmp_path, music, name, bit_depth):
    delivery = delivery_for(name, bit_depth)
    result = write(tmp_path / name, [music], delivery, expected_samples=N)
    back = read_back(tmp_path / name)
    step = 2.0 ** (1 - int(bit_depth))
    assert result == WriteResult(N, 0)
    assert np.abs(back - music).max() <= 1.5 * step  # dither 1 step, rounding 1/2
    assert np.square((back - music) / step).mean() == pytest.approx(1 / 4, rel=0.02)
    assert open_track(tmp_path / name).source.subtype == f"PCM_{bit_depth}"


@pytest.mark.parametrize("bit_depth", ["16", "24", "32"])
def test_without_dither_a_file_of_that_depth_is_copied_exactly(tmp_path, bit_depth):
    full = 2 ** (int(bit_depth) - 1)
    exact = np.random.default_rng(0).integers(-full, full, (2, N)) / full
    delivery = Delivery("WAV", f"PCM_{bit_depth}", bit_depth=int(bit_depth), dithered=False)
    write(tmp_path / "m.wav", [exact], delivery)
    assert np.array_equal(read_back(tmp_path / "m.wav"), exact)


@pytest.mark.parametrize("name", ["m.wav", "m.rf64", "m.w64", "m.aiff", "m.caf"])
def test_floating_point_keeps_headroom(tmp_path, music, name):
    loud = music * 10
    write(tmp_path / name, [loud], delivery_for(name, "64f"))
    assert np.array_equal(read_back(tmp_path / name), loud)
    (tmp_path / name).unlink()
    write(tmp_path / name, [loud], delivery_for(name, "32f"))
    assert np.array_equal(read_back(tmp_path / name), loud.astype(np.float32))


@pytest.mark.parametrize(("name", "rate_hz"), [("m.ogg", 44_100), ("m.opus", 48_000), ("m.mp3", 44_100)])
def test_lossy_formats_hold_the_whole_tone(tmp_path, name, rate_hz):
    tone = 0.5 * np.sin(2 * np.pi * 997 / rate_hz * np.arange(N))
    result = write(tmp_path / name, [np.stack([tone, tone])], rate_hz=rate_hz)
    back = read_back(tmp_path / name)
    assert (result.n_samples, back.shape) == (N, (2, N))
    assert np.abs(back - tone)[:, 5000:-5000].max() < 0.01


def test_samples_past_full_scale_are_held_and_counted(tmp_path):
    loud = np.full((1, 1000), 1.5)
    result = write(tmp_path / "m.wav", [loud], channels=1)
    assert result.clipped_samples == 1000
    assert (read_back(tmp_path / "m.wav") == 1 - 2.0**-23).all()


@pytest.mark.parametrize("name", ["m.wav", "m.flac", "m.aiff", "m.ogg", "m.opus", "m.mp3"])
def test_the_bytes_do_not_depend_on_blocks(tmp_path, music, name):
    found = set()
    for n_blocks in (1, 2, 313):
        write(tmp_path / name, np.array_split(music, n_blocks, axis=1), rate_hz=48_000)
        found.add((tmp_path / name).read_bytes())
    assert len(found) == 1


@pytest.mark.parametrize(
    ("name", "bit_depth"), [("m.wav", "32f"), ("m.aiff", "32f"), ("m.ogg", None), ("m.opus", None)]
)
def test_the_bytes_do_not_depend_on_the_time(tmp_path, music, monkeypatch, name, bit_depth):
    out, delivery = tmp_path / name, delivery_for(name, bit_depth, rate_hz=48_000)
    write(out, [music], delivery, rate_hz=48_000)
    first = out.read_bytes()
    time.sleep(1.01)  # the stamps count seconds
    write(out, [music], delivery, rate_hz=48_000)
    assert out.read_bytes() == first


def test_the_dither_follows_its_seed(tmp_path, music):
    found = []
    for number, seed in enumerate((1, 1, 2)):
        delivery = Delivery(dither_seed=seed)
        write(tmp_path / f"{number}.wav", [music], delivery)
        found.append((tmp_path / f"{number}.wav").read_bytes())
    assert found[0] == found[1] != found[2]


def test_a_long_vorbis_in_one_block_does_not_crash(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (2, 60 * 8000))
    assert write(tmp_path / "m.ogg", [noise], rate_hz=8000).n_samples == 480_000


def test_a_wav_past_four_gigabytes_becomes_rf64(tmp_path, monkeypatch, music):
    monkeypatch.setattr("refmaster.save.LARGEST_RIFF_BYTES", 300_000)
    write(tmp_path / "m.wav", [music], expected_samples=N)
    assert open_track(tmp_path / "m.wav").source.container == "RF64"
    assert read_back(tmp_path / "m.wav").shape == (2, N)
    with pytest.raises(BadOutput, match="would pass the 4 GiB that AIFF can hold"):
        write(tmp_path / "m.aiff", [music], expected_samples=N)
    with pytest.raises(BadOutput, match="WAV ends at 4 GiB; choose RF64"):
        write(tmp_path / "n.wav", [music])
    assert [path.name for path in tmp_path.iterdir()] == ["m.wav"]


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_no_utf8_or_very_long_work(tmp_path, music):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wav"))
    long = tmp_path / ("ü" * 125 + ".wav")
    for out in (odd, long):
        write(out, [music])
        assert read_back(out).shape == (2, N)
    assert len(list(tmp_path.iterdir())) == 2


def test_the_file_gets_the_permissions_that_files_get(tmp_path, music):
    write(tmp_path / "m.wav", [music])
    (tmp_path / "plain").touch()
    assert stat.S_IMODE((tmp_path / "m.wav").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


# Whole or not at all


def broken_after(music, error):
    yield music[:, : N // 2]
    raise error


@pytest.mark.parametrize("standing", [False, True])
@pytest.mark.parametrize("name", ["m.wav", "m.flac", "m.ogg", "m.mp3"])
@pytest.mark.parametrize("error", [BadAudio("decoder"), ValueError("bug"), KeyboardInterrupt()])
def test_what_breaks_in_the_middle_leaves_nothing_and_keeps_its_name(tmp_path, music, name, error, standing):
    if standing:
        (tmp_path / name).write_bytes(b"old")
    with pytest.raises(type(error)):
        write(tmp_path / name, broken_after(music, error))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([b"old"] if standing else [])


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
@pytest.mark.parametrize("name", ["m.wav", "m.flac", "m.ogg", "m.mp3"])
@pytest.mark.parametrize("limit_bytes", [10_000, 0])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, music, name, limit_bytes):
    import resource

    (tmp_path / name).write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        with pytest.raises(BadOutput, match="nothing was left behind") as found:
            write(tmp_path / name, [music])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(found.value)
    assert f"({os.strerror(errno.EFBIG)})" in str(found.value)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_where_the_system_says_nothing_of_it_the_disk_may_be_full(monkeypatch):
    monkeypatch.setattr("refmaster.atomic.objection", lambda: None)
    assert why(sf.LibsndfileError(2)) == "the disk may be full"
    assert why(sf.LibsndfileError(1)) == "Format not recognised"


def test_a_file_that_comes_out_short_is_not_delivered(tmp_path, music):
    def shorten(temp, _):
        os.truncate(temp, temp.stat().st_size // 2)

    with pytest.raises(BadOutput, match=rf"came out with \d+ of {N} samples"):
        write(tmp_path / "m.wav", [music], finish=shorten)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("expected", [N - 1, N + 1])
def test_sound_of_another_length_than_expected_is_not_delivered(tmp_path, music, expected):
    with pytest.raises(BadOutput, match=f"would have {N} samples instead of {expected}"):
        write(tmp_path / "m.wav", [music], expected_samples=expected)
    assert list(tmp_path.iterdir()) == []


def test_no_sound_is_not_delivered(tmp_path):
    with pytest.raises(BadOutput, match="no sound to write"):
        write(tmp_path / "m.wav", [np.zeros((2, 0))])
    assert list(tmp_path.iterdir()) == []


def test_a_block_of_other_channels_is_our_bug(tmp_path, music):
    with pytest.raises(ValueError, match="block of 2 channels in a file of 1"):
        write(tmp_path / "m.wav", [music], channels=1)
    assert list(tmp_path.iterdir()) == []


def test_finish_sees_a_whole_hidden_file_with_the_right_ending(tmp_path, music):
    seen = []

    def look(temp, _):
        seen.append((temp.parent, temp.name.startswith(".m.part-"), temp.suffix, sf.info(str(temp)).frames))
        assert not (tmp_path / "m.flac").exists()

    write(tmp_path / "m.flac", [music], finish=look)
    assert seen == [(tmp_path, True, ".flac", N)]
    assert [path.name for path in tmp_path.iterdir()] == ["m.flac"]


@pytest.mark.parametrize("step", ["finish", "look"])
def test_what_the_last_steps_raise_leaves_nothing(tmp_path, music, step):
    def fail(*_):
        raise OSError(28, "No space left on device")

    with pytest.raises(BadOutput, match="No space left on device"):
        write(tmp_path / "m.wav", [music], **{step: fail})
    assert list(tmp_path.iterdir()) == []


def test_a_look_sees_the_file_as_finish_left_it(tmp_path, music):
    seen = []
    write(
        tmp_path / "m.wav",
        [music],
        finish=lambda temp, _: temp.write_bytes(temp.read_bytes() + b"tag"),
        look=lambda temp: seen.append(temp.read_bytes()),
    )
    assert seen == [(tmp_path / "m.wav").read_bytes()]
    assert seen[0].endswith(b"tag")


def test_a_folder_that_went_away_is_one_line(tmp_path, music):
    with pytest.raises(BadOutput, match="could not be written"):
        write(tmp_path / "gone" / "m.wav", [music])


def test_two_writers_of_one_name_leave_one_whole_file(tmp_path, music):
    def other_first():
        yield music[:, :1000]
        write(tmp_path / "m.wav", [music])
        yield music[:, 1000:]

    write(tmp_path / "m.wav", other_first())
    assert [path.name for path in tmp_path.iterdir()] == ["m.wav"]
    assert read_back(tmp_path / "m.wav").shape == (2, N)


def test_the_peak_chunk_keeps_its_peaks(tmp_path, music):
    write(tmp_path / "m.wav", [music], delivery_for("m.wav", "32f"))
    content = (tmp_path / "m.wav").read_bytes()
    at = content.index(b"PEAK") + 8
    version, stamp, peak, position = struct.unpack("<IIfI", content[at : at + 16])
    assert (version, stamp, position) == (1, 0, np.abs(music[0]).argmax())
    assert peak == pytest.approx(np.abs(music[0]).max(), rel=1e-6)


# Text


def test_text_is_utf8_with_its_newlines_and_replaces_what_stood(tmp_path):
    out = tmp_path / "m.toml"
    out.write_text("old")
    write_text(out, "−1 dB\nü\r\n")
    assert out.read_bytes() == "−1 dB\nü\r\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["m.toml"]


def test_half_characters_from_odd_names_do_not_stop_a_text(tmp_path):
    write_text(tmp_path / "m.html", "name \udcff and \ud800")
    assert (tmp_path / "m.html").read_text(encoding="utf-8").startswith("name \ufffd")


def test_text_that_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BadOutput, match=r"m\.toml could not be written \(No space left on device\)"):
        write_text(tmp_path / "m.toml", "text")
    assert list(tmp_path.iterdir()) == []


# Names


def test_names_are_shown_on_one_line():
    assert shown("a\nb\tc\x1b.wav") == r"a\nb\tc\x1b.wav"
    assert shown(os.fsdecode(b"\xff.wav")) == r"\xff.wav"
    assert shown("Ärger – 曲.wav") == "Ärger – 曲.wav"
    assert shown(shown("a\nb")) == shown("a\nb")
    assert shown("\ud800") == r"\ud800"
    assert storable("Ärger – 曲") == "Ärger – 曲"


@pytest.mark.parametrize("text", ["plain", "−14.0 LUFS × 2", "caf\udce9.wav", "\ud83d alone", ""])
def test_bytes_are_those_of_the_storable_text(text):
    assert as_bytes(text) == storable(text).encode("utf-8")


def test_names_are_cut_to_what_a_folder_takes(tmp_path):
    assert fitting(tmp_path, "song", ".master.wav") == tmp_path / "song.master.wav"
    cut = fitting(tmp_path, "ü" * 200, ".master.wav").name
    assert cut.endswith("ü.master.wav")
    assert 254 <= len(os.fsencode(cut)) <= 255


@pytest.mark.parametrize("bit_depth", ["16", "24", "32", "32f", "64f"])
def test_what_is_stored_is_heard_as_the_file_will_be_read(tmp_path, music, bit_depth):
    out, heard = tmp_path / "out.wav", []
    write(out, [music], delivery_for("out.wav", bit_depth), stored=heard.append)
    assert np.array_equal(np.concatenate(heard, axis=1), np.concatenate(list(open_track(out).blocks()), axis=1))


def test_a_disk_that_loses_a_sample_is_noticed(tmp_path, music):
    def flip(temp: Path, _: str) -> None:
        with open(temp, "r+b") as file:
            file.seek(-100, 2)
            file.write(b"\x55" * 3)

    with pytest.raises(BadOutput, match="does not hold what was written"):
        write(tmp_path / "out.wav", [music], finish=flip)
    assert not (tmp_path / "out.wav").exists()
