"""Markers, loops and broadcast data travel with the sound, and never stop a master."""

import struct

import numpy as np
import pytest
import soundfile as sf
from mutagen.id3 import TIT2
from mutagen.wave import WAVE

from refmaster import behind
from refmaster import markers as markers_module
from refmaster.analyse import measure
from refmaster.headers import chunks_of
from refmaster.load import track_of
from refmaster.markers import copy_markers, state_loudness
from refmaster.pipeline import Options, master
from refmaster.save import choose_delivery, write_audio
from refmaster.tags import copy_tags
from refmaster.version import __version__

RATE_HZ = 48_000
CUE = struct.pack("<IIIIIIIIIIIII", 2, 1, 0, *struct.unpack("<I", b"data"), 0, 0, 100, 2, 700, 1635017060, 0, 0, 700)
LABELS = b"adtl" + b"labl" + struct.pack("<II", 12, 1) + b"Chorus!\0"
LOOP = struct.pack("<9I", 0, 0, 20833, 60, 0, 0, 0, 1, 0) + struct.pack("<6I", 0, 0, 100, 700, 0, 0)
PLACES = [(b"cue ", CUE), (b"LIST", LABELS), (b"smpl", LOOP)]
HISTORY = b"A=ANALOGUE,M=stereo,T=Studer A820\r\n"
MARK = struct.pack(">HHIB", 1, 7, 300, 5) + b"Verse"
UNKNOWN = (0x7FFF,) * 5


def broadcast(version=1, history=HISTORY, loudness=(0, 0, 0, 0, 0)):
    return b"".join(
        (
            b"A description".ljust(256, b"\0"),
            b"Someone".ljust(32, b"\0"),
            b"DE-123".ljust(32, b"\0"),
            b"2026-11-2912:00:00",
            struct.pack("<Q", 48_000 * 3600),
            struct.pack("<H", version),
            b"\xab" * 64,
            struct.pack("<5h", *loudness),
            bytes(180),
            history,
        )
    )


def sound_at(path, container=None, n_samples=9601, bit_depth="24", seed=1):
    noise = np.random.default_rng(seed).uniform(-0.1, 0.1, (1, n_samples))
    track = track_of(noise, RATE_HZ)
    delivery = choose_delivery(path, container=container, bit_depth=bit_depth, source=track.source)
    write_audio(path, track.blocks(), sample_rate_hz=RATE_HZ, channels=1, delivery=delivery)
    return path


def with_chunks(path, chunks, **how):
    """A file with chunks behind its sound, written without our own code for it."""
    order = ">" if sound_at(path, **how).suffix == ".aiff" else "<"
    data = path.read_bytes() + b"\0" * (path.stat().st_size % 2)
    for name, content in chunks:
        data += name + struct.pack(f"{order}I", len(content)) + content + b"\0" * (len(content) % 2)
    path.write_bytes(data[:4] + struct.pack(f"{order}I", len(data) - 8) + data[8:])
    return path


def found_in(path):
    data = path.read_bytes()
    with open(path, "rb") as file:
        return [(one.name, data[one.start : one.start + one.size]) for one in chunks_of(file, len(data))]


def named(path, name):
    return next(content for one, content in found_in(path) if one == name)


def samples_of(path):
    return sf.read(path, dtype="int32")[0]


@pytest.mark.parametrize("container", ["WAV", "RF64"])
def test_markers_and_loops_travel_from_wav_to_wav(tmp_path, container):
    source = with_chunks(tmp_path / "t.wav", PLACES)
    made = sound_at(tmp_path / "m.wav", container, seed=2)
    before, n_chunks = samples_of(made), len(found_in(made))
    assert copy_markers(source, made) == ()
    assert found_in(made)[n_chunks:] == PLACES
    assert np.array_equal(samples_of(made), before)
    kind, at = ("<Q", 20) if container == "RF64" else ("<I", 4)
    assert struct.unpack_from(kind, made.read_bytes(), at) == (made.stat().st_size - 8,)


def test_markers_travel_from_aiff_to_aiff(tmp_path):
    source, made = with_chunks(tmp_path / "t.aiff", [(b"MARK", MARK)]), sound_at(tmp_path / "m.aiff", seed=2)
    before = samples_of(made)
    assert copy_markers(source, made) == ()
    assert found_in(made)[-1] == (b"MARK", MARK)
    assert np.array_equal(samples_of(made), before)
    assert struct.unpack_from(">I", made.read_bytes(), 4) == (made.stat().st_size - 8,)


def test_tags_and_markers_stand_beside_each_other(tmp_path):
    source, made = with_chunks(tmp_path / "t.wav", PLACES), sound_at(tmp_path / "m.wav", n_samples=9600)
    tags = WAVE(source)
    tags.add_tags()
    tags["TIT2"] = TIT2(encoding=3, text="Ein Lied")
    tags.save()
    assert copy_tags(source, made, "mastered") + copy_markers(source, made) == ()
    assert [chunk for chunk in found_in(made) if chunk[0] in (b"cue ", b"LIST", b"smpl")] == PLACES
    assert str(WAVE(made)["TIT2"]) == "Ein Lied"


def test_broadcast_data_keep_what_is_true_of_the_master(tmp_path):
    said = broadcast(version=2, loudness=(-2300, 500, -100, -1800, -2000))
    source, made = with_chunks(tmp_path / "t.wav", [(b"bext", said)]), sound_at(tmp_path / "m.wav", bit_depth="16")
    assert copy_markers(source, made) == ()
    kept = named(made, b"bext")
    assert kept[:346] == said[:346]  # description, originator, date, and when it began
    assert struct.unpack_from("<H64s5h", kept, 346) == (2, bytes(64), *UNKNOWN)
    assert kept[602:] == HISTORY + f"A=PCM,F=48000,W=16,M=mono,T=refmaster {__version__}\r\n".encode()


@pytest.mark.parametrize("history", [b"", b"\0\0\0"])
def test_an_empty_coding_history_begins_with_the_master(tmp_path, history):
    source = with_chunks(tmp_path / "t.wav", [(b"bext", broadcast(0, history))])
    made = sound_at(tmp_path / "m.wav")
    assert copy_markers(source, made) == ()
    assert named(made, b"bext")[602:].startswith(b"A=PCM,F=48000,W=24,")
    assert struct.unpack_from("<H", named(made, b"bext"), 346) == (2,)


def test_a_master_s_broadcast_data_state_its_own_loudness(tmp_path):
    source = with_chunks(tmp_path / "t.wav", [(b"bext", broadcast()), *PLACES], n_samples=5 * RATE_HZ)
    out = tmp_path / "m.wav"
    report = master(source, None, out, genre="pop", loudness=-20.0, options=Options(html=False, force=True))
    profile = report.master
    figures = (profile.integrated_lufs, profile.loudness_range_lu, profile.true_peak_dbtp)
    figures += (profile.max_momentary_lufs, profile.max_short_term_lufs)
    assert struct.unpack_from("<5h", named(out, b"bext"), 412) == tuple(round(100 * one) for one in figures)
    assert named(out, b"cue ") == CUE
    assert not any("marker" in note for note in report.notes)


def test_silence_has_no_loudness_to_state(tmp_path):
    made = with_chunks(tmp_path / "m.wav", [(b"bext", broadcast(2))])
    state_loudness(made, measure(track_of(np.zeros((1, RATE_HZ)), RATE_HZ)).profile)
    assert struct.unpack_from("<5h", named(made, b"bext"), 412) == UNKNOWN


def test_markers_whose_format_the_master_does_not_have_are_told(tmp_path):
    source = with_chunks(tmp_path / "t.wav", [(b"bext", broadcast()), *PLACES])
    made = sound_at(tmp_path / "m.flac")
    before = made.read_bytes()
    said = "broadcast data, markers and loops of t.wav were not copied: they go from WAV to WAV and from AIFF to AIFF"
    assert copy_markers(source, made) == (said,)
    assert made.read_bytes() == before


def test_what_describes_the_other_file_stays_behind(tmp_path):
    source = with_chunks(tmp_path / "t.wav", [(b"iXML", b"<BWFXML/>"), (b"cart", bytes(2048)), (b"cue ", CUE)])
    made = sound_at(tmp_path / "m.wav")
    assert copy_markers(source, made) == (
        "iXML data of t.wav stay behind: they describe that file",
        "cart data of t.wav stay behind: they describe that file",
    )
    assert {name for name, _ in found_in(made)} == {b"fmt ", b"data", b"cue "}


def test_no_markers_leave_a_file_as_it_is(tmp_path):
    source = with_chunks(tmp_path / "t.wav", [(b"LIST", b"INFO"), (b"junk", b"1")])
    made = sound_at(tmp_path / "m.wav")
    before = made.read_bytes()
    assert copy_markers(source, made) == ()
    assert made.read_bytes() == before


def test_of_two_lists_of_points_the_first_counts(tmp_path):
    source, made = with_chunks(tmp_path / "t.wav", [(b"cue ", CUE), (b"cue ", bytes(4))]), sound_at(tmp_path / "m.wav")
    assert copy_markers(source, made) == ()
    assert [content for name, content in found_in(made) if name == b"cue "] == [CUE]


@pytest.mark.parametrize("chunks", [[(b"cue ", CUE), (b"bext", broadcast()[:600])], [(b"cue ", CUE), (b"smpl", LOOP)]])
def test_what_is_cut_short_is_left_out(tmp_path, chunks):
    source, made = with_chunks(tmp_path / "t.wav", chunks), sound_at(tmp_path / "m.wav")
    if chunks[1][0] == b"smpl":
        source.write_bytes(source.read_bytes()[:-8])
    assert copy_markers(source, made) == ("markers of t.wav are cut short, and what is cut is left out",)
    assert [name for name, _ in found_in(made)][-1] == b"cue "


def test_more_than_a_megabyte_is_no_list_of_markers(tmp_path, monkeypatch):
    source, made = with_chunks(tmp_path / "t.wav", [(b"cue ", bytes(1_000_001))]), sound_at(tmp_path / "m.wav")
    before = made.read_bytes()
    assert copy_markers(source, made) == ("markers of t.wav left out: more than 1 MB of them",)
    assert made.read_bytes() == before
    monkeypatch.setattr(markers_module, "MOST_BYTES", 1_000_001)
    assert copy_markers(source, made) == ()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_disk_that_fills_up_leaves_the_master_without_markers(tmp_path, monkeypatch, error):
    source, made = with_chunks(tmp_path / "t.wav", PLACES), sound_at(tmp_path / "m.wav")
    before = made.read_bytes()

    def broken(kind, value):
        if value == len(LABELS):
            raise error
        return struct.pack(kind, value)

    monkeypatch.setattr(behind, "struct", type("Struct", (), {"pack": staticmethod(broken), "error": struct.error}))
    if isinstance(error, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            copy_markers(source, made)
    else:
        (note,) = copy_markers(source, made)
        assert note == "markers and loops of t.wav could not be copied ([Errno 28] No space left on device)"
    assert made.read_bytes() == before


def test_damaged_markers_never_stop_a_master_nor_touch_its_sound(tmp_path):
    source = with_chunks(tmp_path / "t.wav", [(b"bext", broadcast()), *PLACES], n_samples=400)
    whole, rng = source.read_bytes(), np.random.default_rng(2)
    made = sound_at(tmp_path / "m.wav", n_samples=500)
    before, expected = made.read_bytes(), samples_of(made)
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 40):
            damaged[place] = rng.integers(256)
        source.write_bytes(damaged)
        made.write_bytes(before)
        assert all("\n" not in note for note in copy_markers(source, made))
        assert np.array_equal(samples_of(made), expected)


def test_a_file_of_no_chunks_takes_none(tmp_path):
    flac = sound_at(tmp_path / "m.flac")
    before = flac.read_bytes()
    with pytest.raises(ValueError, match="no container of chunks"):
        behind.append_chunks(flac, PLACES)
    assert flac.read_bytes() == before
