"""Which files of a folder are sound: by ending; and what is sound all the same is named, and nothing else is."""

import io

import numpy as np
import pytest
import soundfile as sf

from refmaster.tracks import ENDINGS, FOREIGN_ENDINGS, sound_below, unread_below

SECOND = 0.1 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)


def written(container, subtype):
    file = io.BytesIO()
    sf.write(file, SECOND, 44100, format=container, subtype=subtype)
    return file.getvalue()


def named(folder):
    return {path.relative_to(folder).as_posix(): why for path, why in unread_below(folder)}


def test_no_ending_is_both_read_and_foreign():
    assert not set(ENDINGS) & set(FOREIGN_ENDINGS)


def test_sound_of_a_foreign_kind_is_named_by_its_ending(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a.m4a", "b.AAC", "c.wma", "deep/d.ape", "e.wv"):
        (tmp_path / name).write_bytes(b"whatever it is")
    found = named(tmp_path)
    assert set(found) == {"a.m4a", "b.AAC", "c.wma", "deep/d.ape", "e.wv"}
    assert found["a.m4a"] == ("is sound of a kind that refmaster does not read (.m4a); convert it to WAV or FLAC")


@pytest.mark.parametrize(
    ("container", "subtype", "kind"),
    [
        ("WAV", "PCM_16", "WAV"),
        ("RF64", "PCM_24", "WAV"),
        ("W64", "PCM_16", "W64"),
        ("AIFF", "PCM_16", "AIFF"),
        ("CAF", "PCM_16", "CAF"),
        ("AU", "PCM_16", "AU"),
        ("FLAC", "PCM_16", "FLAC"),
        ("OGG", "VORBIS", "Ogg Vorbis"),
        ("OGG", "OPUS", "Opus"),
        ("MP3", "MPEG_LAYER_III", "MP3"),
    ],
)
def test_sound_with_another_ending_or_none_is_known_by_its_content(container, subtype, kind, tmp_path):
    if subtype == "OPUS":
        file = io.BytesIO()
        sf.write(file, SECOND, 48000, format=container, subtype=subtype)
        data = file.getvalue()
    else:
        data = written(container, subtype)
    for name in ("mix.bak", "mix", "mix.m4a"):
        (tmp_path / name).write_bytes(data)
    found = named(tmp_path)
    assert found["mix.bak"] == f"is {kind} by its content, but its ending is .bak; rename it, or name the file itself"
    assert found["mix"] == f"is {kind} by its content, but it has no ending; rename it, or name the file itself"
    assert found["mix.m4a"].startswith(f"is {kind} by its content, but its ending is .m4a")


def test_what_is_no_sound_is_not_named_nor_what_is_hidden_or_taken(tmp_path):
    wav = written("WAV", "PCM_16")
    (tmp_path / "song.wav").write_bytes(wav)
    (tmp_path / "broken.wav").write_text("no sound, but taken, and refused when it is opened")
    (tmp_path / ".hidden.m4a").write_bytes(wav)
    (tmp_path / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 30)
    (tmp_path / "notes.txt").write_text("RIFFs of the song", encoding="utf-16")  # its mark is that of an MPEG frame
    (tmp_path / "clip.webp").write_bytes(b"RIFF\x24\0\0\0WEBPVP8 " + bytes(40))
    for name in ("song.cue", "song.log", "song.nfo", "list.m3u", "empty", "film.mp4"):
        (tmp_path / name).write_bytes(b"")
    assert named(tmp_path) == {}
    assert [path.name for path in sound_below(tmp_path)] == ["broken.wav", "song.wav"]
