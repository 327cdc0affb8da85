"""`refmaster library …` and `refmaster compare`: what stands on stdout and stderr, JSON, exits, pages."""

import json
import re
import sys

import pytest
import typer

from refmaster.cli import library as commands
from refmaster.cli.app import app, main
from refmaster.library import build
from refmaster.version import __version__


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """The program with these words, libraries and cache in folders of its own: exit code, stdout, stderr."""
    monkeypatch.setenv("REFMASTER_LIBRARIES", str(tmp_path / "libs"))
    monkeypatch.setenv("REFMASTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")

    def ran(*words):
        monkeypatch.setattr(sys, "argv", ["refmaster", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return stopped.value.code or 0, said.out, said.err

    return ran


@pytest.fixture
def soul(run, music):
    assert run("library", "build", music, "-n", "soul", "-q", "-j", "1") == (0, "", "")
    return "soul"


def document(text):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def refused(answer, words):
    code, out, err = answer
    assert (code, out) == (2, "")
    assert err.startswith("refmaster: ")
    assert err.count("\n") == 1
    assert re.search(words, err), err


NAMES = [command.name for command in commands.app.registered_commands]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_with_an_example_and_for_every_option(name, run):
    code, out, err = run("library", name, "--help")
    assert (code, err) == (0, "")
    assert "Example: refmaster library" in " ".join(out.split())
    group = typer.main.get_command(app).commands["library"]
    assert all(getattr(param, "help", None) for param in group.commands[name].params)


def test_building_says_what_came_of_it_and_progress_goes_to_stderr(run, music, tmp_path):
    code, out, err = run("library", "build", music, "-n", "soul", "-j", "1")
    assert code == 0
    assert out.splitlines() == ["soul: 2 tracks", f"library  {tmp_path / 'libs' / 'soul.json'}"]
    assert err.splitlines() == ["1 of 2: a.wav", "2 of 2: b.wav"]


def test_many_references_are_a_row_each_that_fits(run, files, tmp_path, monkeypatch):
    """Eight columns of 80 would be a letter or two wide."""
    monkeypatch.setenv("COLUMNS", "80")
    names = [f"{one} of many songs.wav" for one in ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")]
    for name in names:
        (tmp_path / name).write_bytes(files["song"].read_bytes())
    words = [word for name in names for word in ("--ref", tmp_path / name)]
    code, out, _ = run("compare", files["spoiled"], *words)
    table = out[: out.index("Passport of")].splitlines()
    assert code == 0
    assert max(map(len, table)) <= 80
    rows = [line for line in table if line.startswith(tuple(name[:4] for name in names))]
    assert len(rows) == 7
    assert {len(re.findall(r"−?\d+\.\d+", row)) for row in rows} == {10}  # figures, none of them cut in two
    two = run("compare", files["spoiled"], *words[:4])[1]
    assert "integrated loudness" in two  # which fit beside each other


def test_the_same_file_under_two_names_is_told_with_both(run, music):
    (music / "copy.wav").write_bytes((music / "a.wav").read_bytes())
    code, out, _ = run("library", "build", music, "-n", "soul", "-j", "1", "-q", "--json")
    (twin,) = document(out)["twice"]
    assert (code, twin["file"].endswith("copy.wav"), twin["same_as"].endswith("a.wav")) == (0, True, True)
    out = run("library", "build", music, "-n", "soul", "-j", "1", "--force")[1]
    assert "copy.wav counts once: the same file as " in out


def test_a_broken_file_is_named_and_the_exit_is_1(run, music):
    (music / "broken.flac").write_bytes(b"fLaC" + bytes(1000))
    code, out, err = run("library", "build", music, "-n", "soul", "-j", "1", "--json")
    assert code == 1
    data = document(out)
    assert (data["n_tracks"], data["n_new"]) == (2, 2)
    assert data["skipped"][0]["file"].endswith("broken.flac")
    assert "broken.flac left out: it is not audio" in err


def test_where_nothing_can_be_measured_nothing_is_written(run, music, tmp_path):
    for path in music.rglob("*.wav"):
        path.write_bytes(b"RIFF")
    code, out, err = run("library", "build", music, "-n", "soul", "-j", "1", "-q")
    assert (code, out) == (2, "")
    first, second, last = err.splitlines()
    assert first.startswith(f"refmaster: {music / 'a.wav'} left out: it ")
    assert second.startswith(f"refmaster: {music / 'deep' / 'b.wav'} left out: it ")
    assert last == "refmaster: none of 2 files could be measured; nothing was written"
    _, _, err = run("library", "build", music / "a.wav", "-n", "soul", "-j", "1", "-q")
    assert err.splitlines() == [first, "refmaster: the file could not be measured; nothing was written"]
    assert not (tmp_path / "libs").exists()


def test_a_library_is_not_written_over_unasked(run, music, soul):
    refused(run("library", "build", music, "-n", "soul"), "soul.json exists; add to it")
    code, _, _ = run("library", "build", music / "a.wav", "-n", "soul", "--force")
    assert code == 0
    assert len(document(run("library", "show", "soul", "--json")[1])["tracks"]) == 1


def test_a_folder_that_cannot_be_is_refused_before_any_work(run, files, tmp_path, monkeypatch):
    def worked(*given, **how):
        raise AssertionError("measured")

    monkeypatch.setattr(build, "gathered", worked)
    (tmp_path / "mix.wav").write_bytes(b"sound")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    words = ("library", "build", files["song"], "-n", "a", "-o")
    for name in ("mix.wav", "mix.wav/below", "gone"):
        refused(run(*words, tmp_path / name), "is no folder; choose another with -o")
    refused(run(*words, tmp_path / ("a" * 300)), "is too long a name; at most 255 bytes: choose another with -o")
    (tmp_path / "a.json").mkdir()
    refused(run(*words, tmp_path, "--force"), "a.json is a folder")
    if sys.platform == "linux":
        refused(run(*words, "/proc/zz"), "the folder /proc cannot be written to")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.json", "gone", "mix.wav"]


def test_adding_takes_files_and_libraries_and_each_content_once(run, soul, files, music, tmp_path):
    code, out, _ = run("library", "add", "soul", files["song"], music / "a.wav", "-q", "--json")
    assert code == 0
    assert (document(out)["n_tracks"], document(out)["n_new"]) == (3, 1)
    run("library", "build", files["spoiled"], "-n", "friend", "-o", tmp_path / "elsewhere", "-q")
    before = (tmp_path / "libs" / "soul.json").read_bytes()
    code, out, _ = run("library", "add", "soul", tmp_path / "elsewhere" / "friend.json")
    assert "soul: 4 tracks, 1 of them new" in out
    after = (tmp_path / "libs" / "soul.json").read_bytes()
    assert after != before
    run("library", "add", "soul", tmp_path / "elsewhere" / "friend.json", files["song"], "-q")
    assert (tmp_path / "libs" / "soul.json").read_bytes() == after


def test_two_who_add_at_once_lose_nothing_of_each_others(run, soul, files, monkeypatch):
    """The second adds while the first still measures."""
    measured = build.gathered

    def meanwhile(paths, *given, **how):
        monkeypatch.setattr(build, "gathered", measured)
        assert run("library", "add", "soul", files["spoiled"], "-q")[0] == 0
        return measured(paths, *given, **how)

    monkeypatch.setattr(build, "gathered", meanwhile)
    code, out, _ = run("library", "add", "soul", files["song"], "--json")
    assert (code, document(out)["n_tracks"], document(out)["n_new"]) == (0, 4, 1)
    assert len(document(run("library", "show", "soul", "--json")[1])["tracks"]) == 4


def test_libraries_are_listed_and_shown(run, soul):
    code, out, err = run("library", "list")
    assert (code, err) == (0, "")
    assert re.search(r"soul +2 +— ", out)
    assert document(run("library", "list", "--json")[1])[0]["name"] == "soul"
    code, out, _ = run("library", "show", "soul")
    assert code == 0
    assert "integrated loudness, LUFS" in out
    assert "a.wav" in out
    data = document(run("library", "show", "soul", "--json")[1])
    assert data["genre"]["n_tracks"] == len(data["tracks"]) == 2


def test_an_empty_folder_lists_nothing(run):
    code, out, _ = run("library", "list")
    assert code == 0
    assert "No library in" in out
    assert document(run("library", "list", "--json")[1]) == []


def test_a_damaged_library_is_named_and_the_others_are_listed(run, soul, files, tmp_path):
    good = tmp_path / "libs" / "soul.json"
    bad = good.with_name("bad.json")
    bad.write_text(good.read_text(encoding="utf-8").replace(' "tracks": [', ' "tracks" [', 1), encoding="utf-8")
    why = f"refmaster: {bad} is damaged (no JSON, line 6); build it again, or take it out of the folder\n"
    code, out, err = run("library", "list")
    assert (code, err) == (1, why)
    assert re.search(r"soul +2 +— ", out)
    code, out, err = run("library", "list", "--json")
    assert (code, err) == (1, why)
    assert [one["name"] for one in document(out)] == ["soul"]
    for words in (("library", "compare", files["dull"]), ("compare", files["dull"], "--library", good.parent)):
        assert run(*words) == (2, "", why)
    good.unlink()
    assert run("library", "list") == (1, "", why)


AMONG = {"version", "target", "genre", "bands", "nearest", "genres", "notes"}


@pytest.mark.parametrize(
    "words", [["library", "compare"], ["compare", "--library", "soul"], ["compare", "--genre", "auto"]]
)
def test_a_track_is_placed_among_others(run, soul, files, words):
    code, out, err = run(*words, files["spoiled"], "--json")
    assert (code, err) == (0, "")
    data = document(out)
    assert set(data) == AMONG
    assert data["version"] == __version__
    assert {one["where"] for one in data["bands"]["numbers"]} <= {"under", "inside", "over", None}
    assert data["nearest"][0]["distance"] > 0
    assert sum(one["share"] for one in data["genres"]) == pytest.approx(1.0, abs=0.01)
    code, out, _ = run(*words, files["spoiled"])
    assert code == 0
    assert "figures lie in the P10–P90 band of" in out
    assert "Nearest" in out


def test_a_library_by_its_folder_or_its_file(run, soul, files, tmp_path):
    for given in (tmp_path / "libs", tmp_path / "libs" / "soul.json"):
        code, out, _ = run("compare", files["spoiled"], "--library", given, "--json")
        assert code == 0
        assert document(out)["genre"]["name"] == "soul"


def test_the_main_job_finds_a_library_where_the_others_do(run, soul, files, tmp_path):
    code, out, err = run(files["spoiled"], "--library", "soul", "-o", tmp_path / "m.wav", "--no-report")
    assert (code, err) == (0, "")
    assert "your library soul" in out


def test_of_a_folder_of_libraries_the_main_job_says_which_and_how_surely(run, soul, files, tmp_path):
    """One track each: by its sound the song is none of theirs for sure, or the line says how sure."""
    library = tmp_path / "libs" / "soul.json"
    (tmp_path / "libs" / "copy.json").write_bytes(library.read_bytes())
    words = (
        files["spoiled"],
        "--ref",
        files["song"],
        "--library",
        tmp_path / "libs",
        "-o",
        tmp_path / "m.wav",
        "--force",
    )
    out = " ".join(run(*words, "--no-report")[1].split())
    genre = document(run(*words, "--dry-run", "--json")[1])["genre"]
    assert f"{100 * genre['share']:.0f} %" in out
    assert ("none of your libraries fits" in out) == (genre["name"] == "any")
    assert "--library FILE names" in out


def test_a_hyphen_in_a_name_stays_one(run, files, tmp_path):
    named = tmp_path / "K-Pone - v-1.wav"
    named.write_bytes(files["song"].read_bytes())
    assert run("library", "build", named, "-n", "h", "-q", "-j", "1")[0] == 0
    out = run("library", "show", "h")[1]
    assert "K-Pone - v-1.wav (−" in out


def test_sound_that_cannot_be_read_is_named_and_the_exit_is_1(run, music):
    (music / "deep" / "c.m4a").write_bytes(b"\0\0\0 ftypM4A ")
    (music / "d.bak").write_bytes((music / "a.wav").read_bytes())
    (music / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    for words in (("build", music, "-n", "soul"), ("add", "soul", music)):
        code, out, err = run("library", *words, "-q", "-j", "1", "--json")
        assert code == 1
        assert {one["file"]: one["why"] for one in document(out)["skipped"]} == {
            str(
                music / "d.bak"
            ): "it is WAV by its content, but its ending is .bak; rename it, or name the file itself",
            str(music / "deep" / "c.m4a"): "it is sound of a kind that refmaster does not read (.m4a);"
            " convert it to WAV or FLAC",
        }
        assert f"refmaster: {music / 'd.bak'} left out: it is WAV by its content" in err
    assert run("library", "add", "soul", music, music / "d.bak", "-q", "-j", "1")[2].count("left out") == 1


def test_a_track_of_the_library_is_left_out_of_it(run, soul, files):
    data = document(run("library", "compare", files["dull"], "--json")[1])
    assert data["genre"]["n_tracks"] == 1
    assert any("the track itself is in the library soul" in note for note in data["notes"])


def test_references_come_with_their_passports(run, files):
    code, out, err = run("compare", files["spoiled"], "--ref", files["song"], "--ref", files["finished"], "--json")
    assert (code, err) == (0, "")
    first, second = document(out)["references"]
    assert first["passport"]["relation"] == "same song"
    assert first["kinship"] > second["kinship"]
    assert len(first["difference"]["tone_full_db"]) == len(first["difference"]["band_hz"])
    code, out, _ = run("compare", files["spoiled"], "--ref", files["song"])
    assert code == 0
    assert "Passport of song.wav" in out
    assert "The reference can teach" in out


def test_an_unsuitable_reference_is_named_as_such(run, files, tmp_path):
    from tests.conftest import write_wav
    from tests.signals import silence

    quiet = write_wav(tmp_path / "quiet.wav", silence(5, 44100))
    code, out, _ = run("compare", files["spoiled"], "--ref", quiet)
    assert code == 0
    assert "Not suitable as a reference: it is silent" in " ".join(out.split())


def test_the_main_job_says_what_its_reference_can_teach(run, files, tmp_path):
    words = (files["spoiled"], "--ref", files["song"], "-o", tmp_path / "o.wav", "--no-report")
    code, out, _ = run(*words, "--json")
    assert code == 0
    passport = document(out)["passport"]
    assert passport["relation"] == "same song"
    assert passport["text"] in " ".join(run(*words, "--force")[1].split())
    assert passport["text"] in (tmp_path / "o.toml").read_text(encoding="utf-8")


def test_a_folder_of_libraries_is_told_from_one_without_sound(run, soul, tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "notes.json").write_text("{}", encoding="utf-8")
    refused(run("library", "add", soul, theirs), r"holds no sound file \(.*\.wav")
    made = (tmp_path / "libs" / "soul.json").read_bytes()
    (theirs / "funk.json").write_bytes(made)
    one = run("library", "add", soul, theirs)
    refused(one, r"holds no sound file but a library \(funk\.json\); to merge, name its file: ")
    assert one[2].rstrip().endswith(f"refmaster library add NAME {theirs / 'funk.json'}")
    assert run("library", "add", soul, theirs / "funk.json", "-q")[0] == 0  # what was advised
    (theirs / "disco.json").write_bytes(made)
    refused(run("library", "add", soul, theirs), r"but 2 libraries \(disco\.json, funk\.json\); to merge, name them by")


def test_what_cannot_be_asked_is_refused_in_one_line(run, soul, files, tmp_path):
    target = files["spoiled"]
    refused(run("compare", target), "nothing to compare with was given; give one of --ref, --library and --genre")
    refused(run("compare", target, "--ref", files["song"], "--genre", "rock"), "--ref and --genre are 2 questions")
    refused(run("compare", target, "--genre", "rok"), "no genre 'rok'; nearest: rock")
    (tmp_path / "empty").mkdir()
    refused(run("compare", target, "--library", tmp_path / "empty"), "holds no library")
    refused(run("library", "compare", target, "-n", "sole"), "no library 'sole'; nearest: soul")
    refused(run("library", "show", "sole"), "nearest: soul")
    refused(run("library", "build", tmp_path / "empty", "-n", "x"), "holds no sound file")
    refused(run("library", "build", files["song"], "-n", "../x"), "cannot be called")
    refused(run("library", "compare", tmp_path / "nothing.wav"), "does not exist")
    refused(run("library", "build", files["song"]), "Missing option")
    library = tmp_path / "libs" / "soul.json"
    library.write_text(library.read_text(encoding="utf-8").replace('"schema": 1', '"schema": 9'), encoding="utf-8")
    for words in (
        ("library", "show", "soul"),
        ("library", "compare", target),
        ("compare", target, "--library", "soul"),
    ):
        refused(run(*words), "made by a newer refmaster")


def test_a_file_in_the_place_of_the_folder_and_a_name_that_differs_by_its_case_are_refused(run, soul, files, tmp_path):
    for words in (("list",), ("show", "soul"), ("compare", files["song"])):
        refused(run("library", *words, "-o", files["song"]), "is no folder; choose another with -o")
    for force in ((), ("--force",)):
        again = run("library", "build", files["song"], "-n", "Soul", *force)
        if (tmp_path / "libs" / "Soul.json").exists():  # a system that ignores case
            continue
        refused(again, r"soul\.json has the same name but for its case, .*; choose another with -n")


def test_a_damaged_library_is_named_by_all_that_would_read_it_and_costs_the_others_nothing(run, soul, files, tmp_path):
    """What is heard depends on all of a folder, so it is refused whole; by its name the good one is there as ever."""
    (tmp_path / "libs" / "bad.json").write_text('{"format": "refmaster library", "schema": 1', encoding="utf-8")
    said = r"bad\.json is damaged \(no JSON, line 1\); build it again, or take it out of the folder"
    folder, target, out = tmp_path / "libs", files["spoiled"], tmp_path / "out.wav"
    refused(run("library", "compare", target), said)
    refused(run("compare", target, "--library", folder), said)
    refused(run(target, "--library", folder, "-o", out), said)
    refused(run("batch", target, "--library", folder, "-o", tmp_path / "many"), said)
    refused(run("library", "add", "bad", target), said)
    assert not out.exists()
    assert not (tmp_path / "many").exists()
    code, listed, error = run("library", "list")
    assert (code, bool(re.search(said, error)), "soul" in listed) == (1, True, True)
    assert run("library", "compare", target, "-n", "soul")[0] == 0


def test_a_page_is_not_written_over_unasked_nor_over_an_input(run, soul, files, tmp_path):
    page = tmp_path / "page.html"
    assert run("library", "compare", files["spoiled"], "--html", page)[0] == 0
    before = page.stat().st_mtime_ns
    refused(run("library", "compare", files["spoiled"], "--html", page), "exists; --force overwrites it")
    refused(run("compare", files["song"], "--genre", "rock", "--html", files["song"]), "is an input as well")
    away = run("compare", files["song"], "--genre", "rock", "--html", tmp_path / "nodir" / "x.html")
    refused(away, "nodir does not exist; make it, or choose another with --html")
    long = run("library", "compare", files["song"], "--html", tmp_path / ("a" * 300))
    refused(long, "at most 255 bytes: give a shorter one with --html")
    library = tmp_path / "libs" / "soul.json"
    held = library.read_bytes()
    for words in (
        ("library", "compare", "-n", "soul"),
        ("library", "compare", "-n", library),
        ("library", "compare"),
        ("compare", "--library", library),
        ("compare", "--library", library.parent),
    ):
        over = run(*words, files["spoiled"], "--html", library, "--force")
        refused(over, r"soul\.json is an input as well")
    assert library.read_bytes() == held
    assert page.stat().st_mtime_ns == before
    assert run("library", "compare", files["spoiled"], "--html", page, "--force")[0] == 0


def test_the_cache_can_stand_elsewhere_or_be_off(run, music, tmp_path, monkeypatch):
    run("library", "build", music, "-n", "a", "-q", "--cache", tmp_path / "other")
    assert list((tmp_path / "other").rglob("*.json"))
    monkeypatch.setenv("REFMASTER_CACHE", "off")
    run("library", "build", music, "-n", "b", "-q")
    assert not (tmp_path / "cache").exists()


HALF = "x\ud800y"


def test_half_a_character_in_a_library_costs_nobody_an_answer(run, soul, files, tmp_path):
    libs = tmp_path / "libs"
    data = json.loads((libs / "soul.json").read_text(encoding="utf-8"))
    texts = ("file", "title", "artist", "album", "genre", "refmaster", "container", "subtype")
    data["name"], data["tracks"][0] = HALF, {**data["tracks"][0], **dict.fromkeys(texts, HALF)}
    (libs / "half.json").write_text(json.dumps(data))
    for words in (["list"], ["list", "--json"], ["show", "half"], ["show", "half", "--json"]):
        code, out, err = run("library", *words)
        assert (code, err) == (0, "")
        out.encode("utf-8")
        assert "half" in out
        assert "list" not in words or "soul" in out
    assert run("library", "compare", files["dull"], "-n", "half", "--html", tmp_path / "p.html")[0] == 0
    assert run("library", "add", "half", files["song"], "-q")[0] == 0
    assert "song.wav" in run("library", "show", "half")[1]


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names are text there")
def test_a_library_whose_name_is_no_utf_8_is_mastered_toward(run, soul, files, tmp_path):
    place = tmp_path / "libs" / "n\udcff.json"
    place.write_bytes((tmp_path / "libs" / "soul.json").read_bytes())
    code, _, err = run(files["spoiled"], "--library", place, "-o", tmp_path / "o.wav", "--no-report", "-q")
    assert (code, err) == (0, "")
    assert "n\ufffd" in run("library", "list")[1]
