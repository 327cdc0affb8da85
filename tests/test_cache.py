"""The cache: what was measured once is not measured again, and nothing that is damaged is believed."""

import json
import os
import time
from dataclasses import replace

import pytest

from refmaster import cache as caches
from refmaster.analyse import analyse
from refmaster.cache import Cache, known, profile_of
from refmaster.errors import BadAudio


@pytest.fixture
def kept(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def settled(files, tmp_path):
    """A copy of a song that was written a minute ago."""
    path = tmp_path / "song.wav"
    path.write_bytes(files["song"].read_bytes())
    return path


def age(monkeypatch, seconds=60):
    now = time.time_ns
    monkeypatch.setattr(caches.time, "time_ns", lambda: now() + int(seconds * 1e9))


def entry(kept, profile):
    (path,) = (kept.folder / "profiles").rglob(f"{profile.sha256}.json")
    return path


def forbidden(*_):
    raise AssertionError("measured again")


def test_a_profile_comes_back_as_it_was(files, kept, monkeypatch):
    first = profile_of(files["song"], kept)
    assert first == analyse(files["song"])
    monkeypatch.setattr(caches, "analyse", forbidden)
    assert profile_of(files["song"], kept) == first


def test_the_content_counts_and_not_the_name(files, kept, settled, monkeypatch):
    first = profile_of(files["song"], kept)
    monkeypatch.setattr(caches, "analyse", forbidden)
    assert profile_of(settled, kept) == replace(first, path=str(settled))


def test_a_file_that_did_not_change_is_not_read_again(kept, settled, monkeypatch):
    age(monkeypatch)
    first = profile_of(settled, kept)
    monkeypatch.setattr(caches.hashlib, "file_digest", forbidden)
    assert known(settled, kept) == first


def test_a_file_that_changed_is_measured_again(kept, settled, files, monkeypatch):
    age(monkeypatch)
    first = profile_of(settled, kept)
    settled.write_bytes(files["dull"].read_bytes())
    assert known(settled, kept) is None
    assert profile_of(settled, kept) == replace(analyse(files["dull"]), path=str(settled)) != first


def test_a_file_just_written_may_change_within_the_clocks_tick(kept, settled):
    profile_of(settled, kept)
    assert not (kept.folder / "contents").exists()  # its content is not remembered by its times


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("-", "", 1),
        lambda text: "null",
        lambda text: text + " ",
        lambda text: "\x00" * 100,
    ],
)
def test_a_damaged_entry_is_measured_again_and_written_over(files, kept, damage):
    first = profile_of(files["song"], kept)
    path = entry(kept, first)
    whole = path.read_text()
    path.write_text(damage(whole))
    assert known(files["song"], kept) is None
    assert profile_of(files["song"], kept) == first
    assert path.read_text() == whole


def test_what_other_code_measured_is_measured_again(files, kept, monkeypatch):
    profile_of(files["song"], kept)
    monkeypatch.setattr(caches, "measuring_code", lambda: "another")
    assert known(files["song"], kept) is None


def test_the_hash_of_the_code_heeds_every_meter():
    package = caches.Path(caches.__file__).parent
    read = {path for pattern in caches.MEASURING for path in package.glob(pattern)}
    assert {package / "measure" / "loudness.py", package / "analyse.py", package / "dsp" / "frames.py"} <= read
    assert len(caches.measuring_code()) == 16


def test_an_entry_names_no_place_of_the_file(files, kept):
    profile_of(files["song"], kept)
    for path in kept.folder.rglob("*.json"):
        assert str(files["song"].parent) not in path.read_text()


def test_a_folder_that_cannot_be_written_is_done_without(files, tmp_path):
    (tmp_path / "file").write_text("no folder")
    blocked = Cache(tmp_path / "file" / "cache")
    assert profile_of(files["song"], blocked) == analyse(files["song"])
    assert known(files["song"], blocked) is None


def test_no_cache_is_no_cache(files):
    assert known(files["song"], None) is None
    assert profile_of(files["song"], None) == analyse(files["song"])


def test_what_is_no_audio_is_told_as_ever(kept, tmp_path):
    (tmp_path / "notes.wav").write_text("no audio")
    with pytest.raises(BadAudio, match="not audio"):
        profile_of(tmp_path / "notes.wav", kept)
    with pytest.raises(BadAudio, match="does not exist"):
        profile_of(tmp_path / "nothing.wav", kept)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.wav")
    else:
        (tmp_path / "pipe.wav").mkdir()
    with pytest.raises(BadAudio):  # and nobody waits for the pipe
        profile_of(tmp_path / "pipe.wav", kept)


def test_entries_are_json_under_their_checksum(files, kept):
    profile = profile_of(files["song"], kept)
    _, _, text = entry(kept, profile).read_text().partition("\n")
    assert json.loads(text)["profile"]["integrated_lufs"] == profile.integrated_lufs
