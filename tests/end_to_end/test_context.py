"""Context: a genre beside the reference or in its place, several references, a library of one's own."""

import hashlib
import html
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from scipy.signal import butter, sosfilt

from refmaster import session as sessions
from refmaster.errors import BadSetting
from refmaster.genres import genre_names, load_genre, spread_of
from refmaster.pipeline import Options, master, render
from refmaster.plain import as_data
from refmaster.records import Weights
from refmaster.taken import genre_line, reference_line, reference_lines, reference_words
from tests.signals import spoil

QUICK = Options(html=False)


@pytest.fixture(scope="module")
def folder(files, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("context")
    for name, kind in (("target.wav", "spoiled"), ("reference.wav", "song"), ("other.wav", "finished")):
        (folder / name).write_bytes(files[kind].read_bytes())
    return folder


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_genre_stands_for_a_reference(folder):
    report = master(folder / "target.wav", genre="rock", out=folder / "rock.wav", options=QUICK)
    assert report.reference is None
    assert report.genre.name == "rock"
    assert "as you say" in genre_line(report)
    assert "the genre stands for it" in reference_line(report)
    assert as_data(report)["kinship"] is None
    band = spread_of(load_genre("rock"), "integrated_lufs")
    assert band is not None
    assert report.master is not None
    assert band.p10 - 0.1 <= report.master.integrated_lufs <= band.p90 + 0.1


def test_a_reference_sounds_like_one_genre_whatever_the_rate_of_the_target(folder, tmp_path):
    import soxr

    samples, rate_hz = sf.read(folder / "target.wav")
    genres = []
    for other_hz in (8000, 44100, 96000):
        path = tmp_path / f"{other_hz}.wav"
        sf.write(path, soxr.resample(samples, rate_hz, other_hz), other_hz, subtype="PCM_24")
        report = master(path, folder / "other.wav", options=Options(dry_run=True))
        genres.append((report.genre.name, report.genre.share, report.genre.runner_up))
    assert genres[0] == genres[1] == genres[2]


def test_what_a_genre_made_is_rendered_again_to_the_byte(folder):
    master(folder / "target.wav", genre="metal", out=folder / "metal.wav", options=QUICK)
    render(folder / "metal.toml", folder / "again.wav", options=QUICK)
    assert digest(folder / "metal.wav") == digest(folder / "again.wav")
    assert sessions.read(folder / "again.toml").request.genre == "metal"


def test_a_second_pass_toward_the_same_genre_changes_nothing(folder):
    master(folder / "target.wav", genre="electronic", out=folder / "once.wav", options=QUICK)
    report = master(folder / "once.wav", genre="electronic", out=folder / "twice.wav", options=QUICK)
    assert report.status == "unchanged"


def test_toward_the_middle_of_a_genre_a_match_in_full_goes_further(folder):
    edge, middle = (
        master(folder / "target.wav", genre="metal", amount=amount, options=Options(dry_run=True))
        for amount in (50.0, 100.0)
    )
    centre = spread_of(load_genre("metal"), "integrated_lufs").p50
    assert abs(middle.plan.goal_lufs - centre) < 0.1 <= abs(edge.plan.goal_lufs - centre)
    assert any(move.mover == "match_eq" for move in middle.plan.moves)


@pytest.mark.parametrize("name", genre_names())
def test_every_genre_can_be_named_beside_a_reference(folder, name):
    report = master(folder / "target.wav", folder / "reference.wav", genre=name, options=Options(dry_run=True))
    assert report.genre.name == name


def test_nothing_to_go_toward_is_refused(folder):
    for genre, words in ((None, "no reference and no genre was given"), ("None", "--genre none tells no tone")):
        with pytest.raises(BadSetting, match=words):
            master(folder / "target.wav", genre=genre, options=QUICK)


def test_an_unknown_genre_is_refused_with_the_nearest(folder):
    with pytest.raises(BadSetting, match="no genre 'rokc'; nearest: rock"):
        master(folder / "target.wav", folder / "reference.wav", genre="rokc", options=QUICK)


def test_a_genre_that_tells_no_tone_cannot_stand_for_a_reference(folder):
    with pytest.raises(BadSetting, match="tells no tone"):
        master(folder / "target.wav", genre="any", options=QUICK)


def test_each_of_several_references_says_its_own_passport(folder, tmp_path):
    sound, rate_hz = sf.read(folder / "reference.wav", always_2d=True)
    sf.write(tmp_path / "mono.wav", sound[:, :1], rate_hz)
    given = [folder / "other.wav", tmp_path / "mono.wav"]
    report = master(folder / "target.wav", given, tmp_path / "out.wav", options=Options(audio=False))
    one, two = reference_lines(report)
    assert "; it can teach " in one
    assert "not width" not in one
    assert "not width (the reference is mono)" in two
    assert "can teach" not in reference_words(report)
    comparison = report.comparison
    unheard = replace(comparison, seen=(replace(comparison.seen[0], weights=Weights(0, 0, 0, 0)), comparison.seen[1]))
    assert "teach" not in reference_lines(replace(report, comparison=unheard))[0]
    passports = [reference["passport"] for reference in as_data(report)["references"]]
    assert [Path(passport["path"]).name for passport in passports] == ["other.wav", "mono.wav"]
    assert [[lesson["teaches"] for lesson in passport["lessons"]][-1] for passport in passports] == ["all", "nothing"]
    assert f"{one}. {two}." in sessions.read(tmp_path / "out.toml").outcome.taken
    page = html.unescape((tmp_path / "out.html").read_text(encoding="utf-8")).replace("\u00a0", " ")
    assert one in page
    assert two in page


def test_what_follows_a_reference_that_is_not_suitable_is_said_with_how_to_end_it(folder, tmp_path):
    sound, rate_hz = sf.read(folder / "reference.wav", always_2d=True)
    telephone = sosfilt(butter(16, 3400, fs=rate_hz, output="sos"), sound, axis=0)
    sf.write(tmp_path / "telephone.wav", telephone, rate_hz)
    report = master(folder / "target.wav", tmp_path / "telephone.wav", options=Options(dry_run=True))
    said = reference_words(report)
    assert "Not suitable as a reference: it ends at " in said
    assert re.search(r"All the same the .*loudness follows? it; .*--drop match_loudness, or another reference", said)
    alone = master(folder / "target.wav", tmp_path / "telephone.wav", loudness=-20, options=Options(dry_run=True))
    assert "loudness follow" not in reference_words(alone)
    good = master(folder / "target.wav", folder / "reference.wav", options=Options(dry_run=True))
    assert "All the same" not in reference_words(good)


def test_several_references_are_read_together_and_remembered(folder):
    given = [f"{folder / 'reference.wav'}:tone=2,level=0.5", folder / "other.wav"]
    report = master(folder / "target.wav", given, folder / "two.wav", options=QUICK)
    assert report.comparison is not None
    assert report.comparison.toward == "the references"
    assert [one.weights for one in report.references] == [Weights(tone=2.0, level=0.5), Weights()]
    assert [one["name"] for one in as_data(report)["references"]] == ["reference.wav", "other.wav"]
    read = sessions.read(folder / "two.toml")
    assert [(Path(one.path).name, one.weights) for one in read.references] == [
        ("reference.wav", Weights(tone=2.0, level=0.5)),
        ("other.wav", Weights()),
    ]
    render(folder / "two.toml", folder / "two_again.wav", options=QUICK)
    assert digest(folder / "two.wav") == digest(folder / "two_again.wav")


def test_the_same_reference_twice_says_what_it_says_once(folder):
    once = master(folder / "target.wav", folder / "reference.wav", options=Options(dry_run=True))
    twice = master(folder / "target.wav", [folder / "reference.wav"] * 2, options=Options(dry_run=True))
    assert twice.plan.goal_lufs == pytest.approx(once.plan.goal_lufs, abs=0.1)
    assert {move.mover for move in twice.plan.moves} == {move.mover for move in once.plan.moves}
    sure = np.array(twice.comparison.tone.full_weight) > 0  # above a codec's end only one alone is followed
    one, two = (np.array(report.comparison.tone.full_db)[sure] for report in (once, twice))
    np.testing.assert_allclose(two, one, atol=0.01)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("tune=1", "'tune' is no aspect; allowed: tone, dynamics, image, level"),
        ("tone=much", "'much' is no weight; allowed: 0 to 10"),
        ("tone=nan", "tone=nan is out of range; allowed: 0 to 10"),
        ("tone=-1", "tone=-1 is out of range"),
        ("tone=1,level=1e9", "level=1e.09 is out of range"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(folder, weights, said):
    with pytest.raises(BadSetting, match=said):
        master(folder / "target.wav", f"{folder / 'reference.wav'}:{weights}", options=QUICK)


@pytest.mark.parametrize("amount", [50.0, 100.0])
def test_an_aspect_that_no_reference_counts_for_is_left_alone_and_says_so(folder, amount):
    given = f"{folder / 'reference.wav'}:tone=0,dynamics=0,image=0,level=0"
    report = master(folder / "target.wav", given, amount=amount, options=Options(dry_run=True))
    assert {move.mover for move in report.plan.moves} <= {"remove_dc", "limit_peaks"}
    said = {one.what: one.text for one in report.plan.rejected}
    for mover, aspect in (("eq", "tone"), ("dynamics",) * 2, ("width", "image"), ("loudness", "level")):
        assert f"no reference counts for it; a weight above 0, --ref FILE:{aspect}=1" in said[f"match_{mover}"]
    asked = master(folder / "target.wav", given, loudness=-20.0, options=Options(dry_run=True))
    assert asked.plan.goal_lufs == pytest.approx(-20.0)


def test_a_library_of_ones_own_stands_for_the_genre(folder):
    from refmaster.library import save_library
    from refmaster.library.build import gathered
    from refmaster.library.files import Library

    rng = np.random.default_rng(1)
    made = []
    sound, rate_hz = sf.read(folder / "reference.wav", always_2d=True)
    for n in range(3):
        path = folder / f"record_{n}.wav"
        sf.write(path, spoil(0.5 * sound.T, rate_hz, high_shelf_db=float(rng.uniform(-2, 2))).T, rate_hz)
        made.append(path)
    rows = gathered(made, kept=None, jobs=1).rows
    save_library(Library(name="mine", tracks=rows), folder / "mine.json")
    report = master(
        folder / "target.wav", folder / "reference.wav", library=folder / "mine.json", options=Options(dry_run=True)
    )
    assert genre_line(report) == "Genre: your library mine, 3 tracks; so few say little of what is normal."
    assert json.loads(json.dumps(as_data(report)))["request"]["library"].endswith("mine.json")
    with pytest.raises(BadSetting, match="both given"):
        master(folder / "target.wav", genre="rock", library=folder / "mine.json", options=QUICK)


@pytest.mark.parametrize("refs", [["reference.wav"], []], ids=["beside a reference", "in its place"])
def test_a_session_finds_its_library_from_everywhere_and_renders_without_it(refs, folder, tmp_path, monkeypatch):
    from refmaster.library import save_library
    from refmaster.library.build import gathered
    from refmaster.library.files import Library

    for name in ("target.wav", *refs):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    save_library(Library("mine", gathered([folder / "reference.wav"], kept=None, jobs=1).rows), Path("libs/mine.json"))
    master("target.wav", refs, "sub/one.wav", library="libs/mine.json", options=QUICK)
    wanted, line = digest(tmp_path / "sub/one.wav"), "your library mine, 1 track"
    assert line in (tmp_path / "sub/one.toml").read_text()
    assert str(tmp_path) not in (tmp_path / "sub/one.toml").read_text()
    monkeypatch.chdir(tmp_path / "sub")
    assert line in genre_line(render("one.toml", "two.wav", options=QUICK))
    assert digest(tmp_path / "sub/two.wav") == wanted
    (tmp_path / "libs" / "mine.json").rename(tmp_path / "gone.json")
    gone = render("one.toml", "three.wav", options=QUICK)
    assert digest(tmp_path / "sub/three.wav") == wanted
    assert line in genre_line(gone)
    assert any("mine.json was not found; the session's own numbers are used" in note for note in gone.notes)
    kept = (sessions.read(tmp_path / f"sub/{name}.toml") for name in ("two", "three"))
    assert len({(one.request, one.outcome.genre, one.outcome.taken, len(one.revisions)) for one in kept}) == 1
    said = (
        r"one\.toml: the library .*mine\.json was not found, and what is decided anew needs it; put it back there, or"
    )
    with pytest.raises(BadSetting, match=said):
        render("one.toml", "four.wav", set=["match_loudness.gain_db=1"], options=QUICK)
    (tmp_path / "gone.json").rename(tmp_path / "libs" / "mine.json")
    again = render("three.toml", "four.wav", set=["match_loudness.gain_db=1"], options=QUICK)
    assert again.request.library == str(tmp_path.resolve() / "libs" / "mine.json")


def test_a_locked_move_stays_to_the_last_digit_whatever_changes(folder):
    held = "match_eq/high_shelf.gain_db=1.2345"
    master(
        folder / "target.wav",
        folder / "reference.wav",
        folder / "held.wav",
        set=[held],
        lock=["match_eq/high_shelf"],
        options=QUICK,
    )
    first = next(m for m in sessions.read(folder / "held.toml").plan.moves if m.id == "match_eq/high_shelf")
    for n, change in enumerate(
        (
            {"reference": folder / "other.wav"},
            {"reference": folder / "reference.wav", "amount": 100.0},
            {"reference": folder / "reference.wav", "genre": "metal"},
            {"genre": "rock"},
        )
    ):
        report = master(
            folder / "target.wav", out=folder / f"held_{n}.wav", keep_from=folder / "held.toml", options=QUICK, **change
        )
        move = next(m for m in report.plan.moves if m.id == first.id)
        assert move.locked
        assert move.values == first.values


def test_of_several_references_the_target_is_left_out_and_what_was_given_twice_counts_once(folder):
    given = [folder / name for name in ("reference.wav", "target.wav", "other.wav", "reference.wav")]
    report = master(folder / "target.wav", given, folder / "several.wav", options=QUICK)
    assert [Path(one.path).name for one in report.references] == ["reference.wav", "other.wav"]
    assert any("target.wav is the target itself" in note for note in report.notes)
    assert any("reference.wav was given more than once" in note for note in report.notes)
    (folder / "copy.wav").write_bytes((folder / "other.wav").read_bytes())
    given = [folder / "other.wav", folder / "copy.wav"]
    report = master(folder / "target.wav", given, options=Options(dry_run=True))
    assert any("copy.wav is the same file as other.wav, and counts" in note for note in report.notes)
    alone = master(folder / "target.wav", folder / "target.wav", options=Options(dry_run=True))
    assert alone.status == "unchanged"
    assert alone.comparison is not None
    assert alone.comparison.identical


def test_the_reference_that_counts_for_tone_is_the_one_that_is_shown(folder):
    given = [(folder / "other.wav", Weights(tone=0.0, dynamics=5.0)), (folder / "reference.wav", Weights(tone=1.0))]
    report = master(folder / "target.wav", given, options=Options(dry_run=True))
    assert Path(report.reference.path).name == "reference.wav"


def test_a_reference_that_counts_for_nothing_is_not_called_unsuitable(folder):
    given = f"{folder / 'reference.wav'}:tone=0,dynamics=0,image=0,level=0"
    report = master(folder / "target.wav", given, options=Options(dry_run=True))
    assert report.passport.suitable


def test_a_genre_that_nobody_measured_says_so(folder):
    report = master(folder / "target.wav", genre="drum_and_bass", options=Options(dry_run=True))
    said = {one.what: one.text for one in report.plan.rejected}
    assert "nobody has measured how wide" in said["match_width"]
    assert "nobody has measured how far loud passages" in said["match_dynamics"]
