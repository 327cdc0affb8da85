"""Building: every file once, in its order, whatever one of them does."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from refmaster import load
from refmaster.cache import Cache
from refmaster.errors import BadAudio, BadSetting
from refmaster.library import build as building
from refmaster.library.build import gathered, sound_files, unlike
from refmaster.library.rows import Row
from refmaster.tracks import ENDINGS
from tests.conftest import write_wav
from tests.signals import silence, sine


@pytest.fixture
def kept(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def broken(music):
    path = music / "aa_broken.wav"
    path.write_bytes((music / "a.wav").read_bytes()[:20000])
    return path


def test_the_sound_files_of_a_folder_are_found_below_it_too_and_hidden_ones_are_not(music):
    assert [path.relative_to(music).as_posix() for path in sound_files([music])] == ["a.wav", "deep/b.wav"]


def test_a_file_that_is_named_twice_is_taken_once(music):
    assert sound_files([music / "a.wav", music, music / "a.wav"]) == (music / "a.wav", music / "deep" / "b.wav")


def test_nothing_to_measure_is_said(tmp_path):
    with pytest.raises(BadAudio, match="holds no sound file"):
        sound_files([tmp_path])
    with pytest.raises(BadAudio, match="does not exist"):
        sound_files([tmp_path / "nothing.wav"])
    with pytest.raises(BadSetting, match="no file was given"):
        sound_files([])


def test_every_ending_that_can_be_read_is_looked_for():
    assert set(ENDINGS) == {ending for endings in load._CONTAINERS.values() for ending in endings}


def test_a_broken_file_in_the_middle_is_named_and_left_out(music, broken, kept):
    said = []
    found = gathered(sound_files([music]), kept, jobs=1, told=lambda *words: said.append(words))
    assert [row.file for row in found.rows] == ["a.wav", "b.wav"]
    (skipped,) = found.skipped
    assert skipped.file == str(broken)
    assert skipped.why.startswith("it is cut off: its header promises")
    assert [(done, total) for _, done, total in said] == [(1, 3), (2, 3), (3, 3)]


def test_why_a_file_was_left_out_is_a_sentence_about_it(music):
    (music / "text.wav").write_text("no sound at all, in no way")
    (music / "six.wav").write_bytes(b"")
    soundfile.write(music / "nan.wav", np.full((44100 * 4, 2), np.nan), 44100, subtype="FLOAT")
    write_wav(music / "new\nline.wav", silence(5, 44100))
    skipped = {Path(one.file).name: one.why for one in gathered(sound_files([music]), None, jobs=1).skipped}
    assert skipped["text.wav"].startswith("it is not audio that can be read")
    assert skipped["six.wav"].startswith("it is empty (0 bytes)")
    assert skipped["nan.wav"].startswith("sample 0 (0.000 s), channel 1 is not a number")
    assert skipped[r"new\nline.wav"].startswith("it is silent")


def test_two_processes_find_what_one_does(music, broken, kept):
    paths = sound_files([music])
    assert gathered(paths, None, jobs=2) == gathered(paths, kept, jobs=1)


def test_what_was_measured_before_starts_no_process(music, kept, monkeypatch):
    paths = sound_files([music])
    first = gathered(paths, kept, jobs=1)

    def forbidden(*_):
        raise AssertionError("measured again")

    monkeypatch.setattr(building, "measured", forbidden)
    monkeypatch.setattr(building, "_pool", forbidden)
    assert gathered(paths, kept, jobs=2) == first


def test_a_file_that_kills_its_process_costs_that_file_alone(music, monkeypatch, tmp_path):
    """A decoder that crashes takes its whole process with it."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":" if "PYTHONPATH" in building.os.environ else None)
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "opened = os.open\n"
        "def deadly(path, *args, **kwargs):\n"
        "    return os._exit(139) if 'deadly' in str(path) else opened(path, *args, **kwargs)\n"
        "os.open = deadly\n"
    )
    (music / "deadly.wav").write_bytes((music / "a.wav").read_bytes())
    found = gathered(sound_files([music]), None, jobs=2)
    assert [row.file for row in found.rows] == ["a.wav", "b.wav"]
    (skipped,) = found.skipped
    assert skipped.file.endswith("deadly.wav")
    assert "the process that read it died" in skipped.why


def test_a_wav_and_a_flac_of_one_master_count_once_and_both_are_named(music, kept):
    samples, rate = soundfile.read(music / "a.wav", dtype="int32", always_2d=True)
    soundfile.write(music / "other.flac", samples, rate, subtype="PCM_24")
    (music / "z.wav").write_bytes((music / "a.wav").read_bytes())
    found = gathered(sound_files([music]), kept, jobs=1)
    assert [row.file for row in found.rows] == ["a.wav", "b.wav"]
    assert [(Path(one.file).name, Path(one.same_as).name, one.same_file) for one in found.twice] == [
        ("other.flac", "a.wav", False),
        ("z.wav", "a.wav", True),
    ]
    assert found.twice[0].text.endswith(f"counts once: the same sound in another file as {music / 'a.wav'}")


def test_what_is_held_in_another_file_is_not_added(music, kept):
    held = gathered([music / "a.wav"], kept, jobs=1).rows
    samples, rate = soundfile.read(music / "a.wav", dtype="int32", always_2d=True)
    soundfile.write(music / "other.flac", samples, rate, subtype="PCM_24")
    found = unlike(gathered([music / "other.flac", music / "a.wav", music / "deep" / "b.wav"], kept, jobs=1), held)
    assert [row.file for row in found.rows] == ["b.wav"]
    assert ("other.flac", "a.wav of the library") in [(one.file, one.same_as) for one in found.twice]


def test_what_is_too_short_to_be_a_record_is_left_out_by_name(music, kept):
    write_wav(music / "jingle.wav", soundfile.read(music / "a.wav", frames=int(9.9 * 44100))[0].T)
    found = gathered(sound_files([music]), kept, jobs=1)
    assert [row.file for row in found.rows] == ["a.wav", "b.wav"]
    (skipped,) = found.skipped
    assert skipped.file.endswith("jingle.wav")
    assert skipped.why.startswith("it is 9.9 s long; under 10 s is a jingle and no record")


@pytest.mark.parametrize(
    ("samples", "words"), [(silence(15, 44100), "it is silent"), (sine(440, -20, 1, 44100), "it is 1.00 s long")]
)
def test_what_teaches_nothing_is_left_out(samples, words, tmp_path, kept):
    path = write_wav(tmp_path / "x.wav", samples)
    for _ in range(2):  # measured, then known
        found = gathered([path], kept, jobs=1)
        assert found.rows == ()
        assert found.skipped[0].why.startswith(words)


def test_tags_come_with_the_row(files, tmp_path):
    from mutagen.wave import WAVE

    path = tmp_path / "song.wav"
    path.write_bytes(files["song"].read_bytes())
    tagged = WAVE(path)
    tagged.add_tags()
    from mutagen.id3 import TALB, TCON, TIT2, TPE1

    for frame, text in ((TIT2, "Title"), (TPE1, "Artist"), (TALB, "Album"), (TCON, "Soul")):
        tagged.tags.add(frame(encoding=3, text=[text]))
    tagged.save()
    (row,) = gathered([path], None, jobs=1).rows
    assert isinstance(row, Row)
    assert (row.title, row.artist, row.album, row.genre) == ("Title", "Artist", "Album", "Soul")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_an_interrupted_build_leaves_no_file_and_no_process(music, tmp_path):
    """Nothing but the one line is said, and not even the system's names of locks are left over."""
    for k in range(12):
        (music / f"more_{k}.wav").write_bytes((music / "a.wav").read_bytes())
    words = ["library", "build", str(music), "-n", "soul", "-o", str(tmp_path / "libs"), "--cache", "off", "-j", "2"]
    root = Path(__file__).parents[2]
    building_it = subprocess.Popen([sys.executable, str(root / "cli.py"), *words], stderr=subprocess.PIPE, text=True)
    assert building_it.stderr is not None
    first = building_it.stderr.readline()  # processes are at work
    building_it.send_signal(signal.SIGTERM)
    _, rest = building_it.communicate(timeout=60)
    assert building_it.returncode == 130
    assert first.startswith("1 of 14")
    assert [line for line in rest.splitlines() if " of 14: " not in line] == [
        "refmaster: interrupted; nothing half-made was left"
    ]
    assert not (tmp_path / "libs").exists()
