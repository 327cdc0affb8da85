"""Libraries as files: saved and loaded, found by name, refused in one line."""

import json
import os
import threading
from dataclasses import replace

import pytest

from refmaster.atomic import held
from refmaster.errors import BadOutput, BadSetting
from refmaster.library import find_libraries, find_library, load_library, save_library
from refmaster.library.files import SCHEMA, check_new, extend_library, libraries_in, place_of, readable_in


@pytest.fixture
def path(library, tmp_path):
    path = tmp_path / "libs" / "soul.json"
    save_library(library, path)
    return path


def changed(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **values}), encoding="utf-8")


def test_a_library_comes_back_as_it_was_and_to_the_same_bytes(library, path):
    found = load_library(path)
    assert found == library
    before = path.read_bytes()
    save_library(found, path)
    assert path.read_bytes() == before


def test_a_library_is_json_with_a_line_a_track_and_no_folders(library, path, files):
    text = path.read_text(encoding="utf-8")
    data = json.loads(text)
    assert (data["format"], data["schema"], data["name"]) == ("refmaster library", SCHEMA, "soul")
    assert len(text.splitlines()) < 12
    assert str(files["song"].parent) not in text
    assert {track["sha256"] for track in data["tracks"]} == {row.sha256 for row in library.tracks}


def test_a_newer_schema_is_refused(path):
    changed(path, schema=SCHEMA + 1)
    with pytest.raises(BadSetting, match=r"soul\.json is made by a newer refmaster \(schema 2.*update refmaster"):
        load_library(path)


def with_track(path, **values):
    data = json.loads(path.read_text(encoding="utf-8"))
    data["tracks"][1].update(values)
    path.write_text(json.dumps(data), encoding="utf-8")


@pytest.mark.parametrize(
    ("names", "called"),
    [
        ({"title": "", "file": "b.wav"}, "b.wav"),
        ({"artist": "Who", "title": "What"}, "Who – What"),
        ({"title": "a\nb", "artist": ""}, r"a\nb"),
        ({"title": "x" * 500, "artist": ""}, "x" * 59 + "…"),
        ({"title": 3, "file": ""}, "2"),
    ],
)
def test_a_number_that_cannot_be_true_is_refused_with_the_file_and_the_tracks_name(path, names, called):
    with_track(path, **names, integrated_lufs=400)
    with pytest.raises(BadSetting) as error:
        load_library(path)
    said = str(error.value)
    assert said.startswith(f"{path}, track {called}: `")
    if "title" in names and names["title"] != 3:
        assert "`integrated_lufs` is 400; allowed: a number, −70 to 70 LUFS; build it again" in said


def test_what_is_damaged_is_said_for_a_person_with_its_path_and_a_remedy(path):
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(' "tracks": [', ' "tracks" [', 1), encoding="utf-8")
    with pytest.raises(BadSetting) as error:
        load_library(path)
    assert str(error.value) == f"{path} is damaged (no JSON, line 6); build it again, or take it out of the folder"
    with pytest.raises(BadSetting) as error:
        load_library(path.with_name("none.json"))
    assert str(error.value) == f"{path.with_name('none.json')} does not exist; check the name and the folder"


def test_a_damaged_library_does_not_hide_the_good_ones(path, library):
    save_library(replace(library, name="techno"), path.with_name("techno.json"))
    with_track(path, integrated_lufs=400)
    good, (error,) = readable_in(path.parent)
    assert [(place.name, one.name) for place, one in good] == [("techno.json", "techno")]
    assert str(error).startswith(f"{path}, track ")
    with pytest.raises(BadSetting, match="integrated_lufs"):
        find_libraries(None, path.parent)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(path, number, library):
    value = f'"integrated_lufs": {library.tracks[0].profile.integrated_lufs}'
    text = path.read_text(encoding="utf-8")
    assert value in text
    path.write_text(text.replace(value, f'"integrated_lufs": {number}'), encoding="utf-8")
    with pytest.raises(BadSetting, match=rf"soul\.json, track .+: `integrated_lufs` is {number}; allowed: a number, "):
        load_library(path)


@pytest.mark.parametrize("number", ["NaN", "1e999"])
def test_so_it_is_within_a_curve(path, number, library):
    value = f'"ltas_db": [{library.tracks[0].profile.ltas_db[0]}'
    text = path.read_text(encoding="utf-8")
    assert value in text
    path.write_text(text.replace(value, f'"ltas_db": [{number}'), encoding="utf-8")
    with pytest.raises(BadSetting, match=r"soul\.json, track .+: `ltas_db` holds (NaN|Infinity); allowed: a number, "):
        load_library(path)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"tracks": []}, "without tracks"),
        ({"tracks": 3}, "tracks"),
        ({"tracks": [3]}, "tracks"),
        ({"format": "another"}, "is no library of refmaster"),
        ({"schema": "1"}, "schema"),
        ({"schema": 0}, r"soul\.json: `schema` is 0; allowed: 1; build it again"),
        ({"schema": -1}, "schema"),
        ({"schema": True}, "schema"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_no_library_is_refused(path, values, words):
    changed(path, **values)
    with pytest.raises(BadSetting, match=words) as error:
        load_library(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b'{"a":' * 5000])
def test_what_is_no_json_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(BadSetting, match=r"soul\.json"):
        load_library(path)


def test_a_library_is_found_by_its_name_in_any_case_and_by_its_path(path, tmp_path):
    folder = path.parent
    assert find_library("soul", folder) == path
    assert find_library("SOUL.json", folder) == path
    assert find_library(str(path), tmp_path) == path


def test_the_nearest_names_are_offered(path, library):
    save_library(replace(library, name="techno"), path.with_name("techno.json"))
    with pytest.raises(BadSetting, match=r"no library 'sool'; nearest: soul; in .*: soul, techno"):
        find_library("sool", path.parent)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(BadSetting, match="holds no library; make one with: refmaster library build"):
        find_libraries(None, tmp_path)
    with pytest.raises(BadSetting, match="holds none"):
        find_library("soul", tmp_path / "nowhere")


def test_a_folder_of_libraries_is_read_whole_and_other_json_left_out(path, library):
    save_library(replace(library, name="techno"), path.with_name("techno.json"))
    path.with_name("settings.json").write_text('{"schema": 1}')
    assert [one.name for one in find_libraries(str(path.parent), path.parent)] == ["soul", "techno"]
    assert [one.stem for one in libraries_in(path.parent)] == ["soul", "techno"]
    with pytest.raises(BadSetting, match=r"2 libraries \(soul, techno\); name one"):
        load_library(path.parent)


def test_a_folder_with_one_library_is_that_library(path, library):
    assert load_library(path.parent) == library


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "-x", "x" * 90, "a\nb", "soul "])
def test_what_no_file_can_be_called_is_refused(name, tmp_path):
    with pytest.raises(BadSetting, match="cannot be called"):
        place_of(name, tmp_path)


def test_adding_takes_what_another_added_meanwhile_and_waits_for_it(library, path, rows):
    pytest.importorskip("fcntl")
    theirs = path.parent.with_name("theirs") / path.name
    save_library(library, theirs)
    save_library(replace(library, tracks=library.tracks[:1]), path)
    with held(path.parent):
        adding = threading.Thread(target=extend_library, args=(path, [rows["spoiled"]]))
        adding.start()
        adding.join(0.2)
        assert adding.is_alive()
        theirs.replace(path)
    adding.join()
    assert set(load_library(path).tracks) == {*library.tracks, rows["spoiled"]}


def test_a_library_that_stands_is_not_written_over(path):
    with pytest.raises(BadOutput, match="exists; add to it with: refmaster library add, or replace it with --force"):
        check_new(path, force=False)
    check_new(path, force=True)
    check_new(path.with_name("new.json"), force=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_among_libraries_is_neither_opened_nor_waited_for(path):
    os.mkfifo(path.parent / "pipe.json")
    assert libraries_in(path.parent) == (path,)
    with pytest.raises(BadSetting, match=r"pipe\.json cannot be read \(it is a named pipe, not a file\)"):
        load_library(path.parent / "pipe.json")
