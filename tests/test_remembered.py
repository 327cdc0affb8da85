"""A reference that was measured once is remembered whole, and nothing that is damaged is believed."""

import os
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from refmaster import prepare as preparing
from refmaster import remembered as memory
from refmaster.analyse import measure
from refmaster.cache import Cache, kept_in
from refmaster.compare import compare
from refmaster.genres import load_genre
from refmaster.load import open_track, resampled, track_of
from refmaster.pipeline import Options, master
from refmaster.remembered import remembered
from tests.signals import pink_noise


@pytest.fixture
def kept(tmp_path):
    return Cache(tmp_path / "cache")


def forbidden():
    raise AssertionError("measured again")


def entry(kept):
    (path,) = (kept.folder / "measured").iterdir()
    return path


def heard(track, kept):
    return remembered(track, kept, lambda: measure(track))


def assert_same(one, other):
    assert one.profile == other.profile
    assert np.array_equal(one.block_levels_db, other.block_levels_db)
    for field in fields(one.spectrum):
        mine, theirs = getattr(one.spectrum, field.name), getattr(other.spectrum, field.name)
        assert (mine is None and theirs is None) or np.array_equal(mine, theirs), field.name
        assert np.asarray(mine).dtype == np.asarray(theirs).dtype


@pytest.mark.parametrize("channels", [1, 2])
def test_it_comes_back_as_it_was_to_the_last_bit(tmp_path, kept, channels):
    import soundfile as sf

    sf.write(tmp_path / "noise.wav", pink_noise(-20.0, 8.0, 44100)[:channels].T, 44100, "PCM_24")
    track = open_track(tmp_path / "noise.wav")
    first = heard(track, kept)
    assert_same(remembered(track, kept, forbidden), first)
    assert_same(first, measure(track))


def test_another_rate_is_another_entry(files, kept):
    track = open_track(files["song"])
    heard(track, kept)
    assert heard(resampled(track, 48000), kept).profile.sample_rate_hz == 48000
    assert len(list((kept.folder / "measured").iterdir())) == 2


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty", "text", "other code"])
def test_what_is_damaged_is_measured_again_and_mended(files, kept, harm, monkeypatch):
    track = open_track(files["song"])
    first = heard(track, kept)
    path = entry(kept)
    data = path.read_bytes()
    if harm == "other code":
        monkeypatch.setattr(memory, "measuring_code", lambda: "another")
    broken = {
        "cut": data[: len(data) // 2],
        "flipped": data[:-1] + bytes([data[-1] ^ 1]),
        "empty": b"",
        "text": b"no measurement at all\n" * 9,
        "other code": data,
    }
    path.write_bytes(broken[harm])
    with pytest.raises(AssertionError, match="again"):
        remembered(track, kept, forbidden)
    assert_same(heard(track, kept), first)
    assert_same(remembered(track, kept, forbidden), first)


def test_where_nothing_can_be_kept_it_is_done_without(files, tmp_path):
    (tmp_path / "file").write_text("in the way")
    track = open_track(files["song"])
    assert heard(track, Cache(tmp_path / "file")).profile == measure(track).profile
    assert heard(track, None).profile == measure(track).profile


def test_what_is_in_memory_only_is_not_kept(kept):
    heard(track_of(pink_noise(-20.0, 5.0, 44100), 44100), kept)
    assert not kept.folder.exists()


def test_the_oldest_entries_go_when_there_are_too_many(files, kept, monkeypatch):
    folder = kept.folder / "measured"
    folder.mkdir(parents=True)
    newest, older, oldest = (f"{age:064x}-44100" for age in range(3))
    for age, name in enumerate((newest, older, oldest, "mix.wav")):
        (folder / name).write_bytes(bytes(1_000_000))
        os.utime(folder / name, (10**9 - age, 10**9 - age))
    track = open_track(files["song"])
    size = len(heard(track, kept) and (folder / f"{track.source.sha256}-44100").read_bytes())
    (folder / f"{track.source.sha256}-44100").unlink()
    monkeypatch.setattr(memory, "MOST_BYTES", size + 2_000_000)
    heard(track, kept)
    own = f"{track.source.sha256}-44100"
    assert {path.name for path in folder.iterdir()} == {newest, older, own, "mix.wav"}  # a user's own file stays


def test_a_master_is_the_same_whether_its_tracks_were_remembered_or_not(files, tmp_path, kept, monkeypatch):
    found = []
    for name, cache in (("without", None), ("cold", kept), ("warm", kept)):
        options = Options(html=False, cache=cache)
        if name == "warm":
            monkeypatch.setattr(preparing, "measure", lambda *_, **__: forbidden())
        folder = tmp_path / name
        folder.mkdir()
        master(files["spoiled"], files["song"], folder / "o.wav", options=options)
        found.append([(folder / f"o.{ending}").read_bytes() for ending in ("wav", "toml")])
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(("known", "helped"), [((), 0), (("song",), 1), (("spoiled",), 1), (("song", "spoiled"), 0)])
def test_who_alone_must_be_measured_is_helped(files, tmp_path, kept, monkeypatch, known, helped):
    for name in known:
        heard(open_track(files[name]), kept)
    found = []

    def watched(track, **how):
        found.append(how["aside"] is not None)
        return measure(track, **how)

    monkeypatch.setattr(preparing, "measure", watched)
    master(files["spoiled"], files["song"], tmp_path / "o.wav", options=Options(html=False, cache=kept))
    assert len(found) == 2 - len(known)
    assert sum(found) == helped


def test_a_target_that_is_not_expected_again_is_not_remembered(files, tmp_path, kept):
    master(
        files["spoiled"], files["song"], tmp_path / "o.wav", options=Options(html=False, cache=kept, target_once=True)
    )
    assert entry(kept).name.startswith(open_track(files["song"]).source.sha256)


def test_the_option_names_a_folder_or_none(tmp_path):
    assert kept_in("OFF") is None
    assert kept_in(str(tmp_path)) == Cache(tmp_path)
    assert kept_in(None) is not None


def test_half_of_the_meters_aside_hear_the_same(files):
    track = open_track(files["song"])
    with ThreadPoolExecutor(1) as pool:
        assert_same(measure(track, aside=pool), measure(track))


def test_what_is_remembered_is_known_before_it_is_read(files, kept):
    track = open_track(files["song"])
    assert not memory.is_remembered(track, kept)
    assert not memory.is_remembered(track, None)
    heard(track, kept)
    assert memory.is_remembered(track, kept)
    assert not memory.is_remembered(resampled(track, 48000), kept)


def test_an_entry_of_other_code_or_one_that_cannot_be_opened_is_none(files, tmp_path, kept, monkeypatch):
    track = open_track(files["song"])
    heard(track, kept)
    with monkeypatch.context() as patched:
        patched.setattr(memory, "measuring_code", lambda: "0123456789abcdef")
        assert not memory.is_remembered(track, kept)

    def refused(path, *_, **__):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(memory, "open", refused, raising=False)  # a folder that may not be searched
    monkeypatch.setattr(Path, "read_bytes", refused)
    assert not memory.is_remembered(track, kept)
    assert_same(heard(track, kept), measure(track))


def test_both_ways_of_the_matching_in_two_threads_find_the_same(files):
    target, reference = (measure(open_track(files[name])) for name in ("spoiled", "song"))
    one, two = (compare(target, reference, load_genre(), threads=n) for n in (1, 2))
    assert one == two


def test_one_thread_is_one_while_a_master_is_written(files, tmp_path, monkeypatch):
    at_work = []
    told = threading.Thread.start

    def start(self):
        at_work.append("".join(traceback.format_stack()))
        told(self)

    monkeypatch.setattr(threading.Thread, "start", start)
    master(files["spoiled"], files["song"], tmp_path / "o.wav", options=Options(html=False, threads=1))
    assert not [stack for stack in at_work if "write_audio" in stack or "register" in stack]
