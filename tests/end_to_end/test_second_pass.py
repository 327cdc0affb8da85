"""Our own master, brought back with the same reference: known by its tags in every format that has some, left alone."""

from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile as sf
from mutagen.id3 import COMM, TXXX

from refmaster.pipeline import Options, master, render
from refmaster.records import Report
from refmaster.tags import read_mark
from tests.conftest import RATE_HZ
from tests.signals import FloatArray

QUICK = Options(html=False)
PAIRS = {"same song": ("spoiled", "song"), "another song": ("dull", "finished")}
SETTLED = {"match_eq", "match_dynamics", "match_width", "match_loudness"}
LEFT_ALONE = "left alone: this is our own master toward this reference; --amount 100 or --fresh matches it again."


def sound(report: Report) -> FloatArray:
    return sf.read(report.files.master, always_2d=True)[0].T


def again(report: Report, reference: Path, **asked) -> Report:
    """The master as a target; its own master stands beside it, called after it."""
    return master(report.files.master, reference, options=QUICK, **asked)


def said(report: Report, what: str) -> str:
    return next((one.text for one in report.plan.rejected if one.what == what), "")


def exported(samples: FloatArray, mark: str, path: Path) -> Path:
    """As a converter or an editor writes it: the tags as they were."""
    sf.write(path, samples.T, RATE_HZ, subtype="PCM_24")
    tags = mutagen.File(path)
    tags["refmaster"] = [mark]
    tags.save()
    return path


def movers(report: Report) -> set[str]:
    return {move.mover for move in report.plan.active}


@pytest.fixture(scope="module")
def eased(files, tmp_path_factory) -> Report:
    """Half of the way: a second pass in full would have something to do."""
    out = tmp_path_factory.mktemp("eased") / "half.wav"
    return master(files["spoiled"], files["song"], out, amount=25.0, options=QUICK)


@pytest.mark.parametrize("ending", [".wav", ".flac", ".aiff"])
@pytest.mark.parametrize("pair", PAIRS)
def test_a_second_and_a_third_pass_change_no_sample(pair, ending, files, tmp_path):
    target, reference = (files[name] for name in PAIRS[pair])
    first = master(target, reference, tmp_path / f"a{ending}", options=QUICK)
    second = master(first.files.master, reference, tmp_path / f"b{ending}", options=QUICK)
    third = master(second.files.master, reference, tmp_path / f"c{ending}", options=QUICK)
    assert first.plan.active
    assert (second.status, third.status) == ("unchanged", "unchanged")
    assert np.array_equal(sound(first), sound(second))
    assert Path(second.files.master).read_bytes() == Path(third.files.master).read_bytes()
    assert said(second, "own_master").endswith(LEFT_ALONE)
    assert "own master" in said(second, "match_loudness")
    assert second.plan.assumptions == ()


@pytest.mark.parametrize("ending", [".ogg", ".mp3"])
def test_a_lossy_master_is_known_as_well(ending, files, tmp_path):
    first = master(files["spoiled"], files["song"], tmp_path / f"a{ending}", options=QUICK)
    second = again(first, files["song"])
    assert movers(first) & SETTLED
    assert not movers(second) & SETTLED
    assert said(second, "own_master").endswith(LEFT_ALONE)
    assert second.master.integrated_lufs == pytest.approx(first.master.integrated_lufs, abs=0.1)


def test_a_master_in_another_lossless_file_is_known_by_its_sound(files, tmp_path):
    first = master(files["spoiled"], files["song"], tmp_path / "a.wav", options=QUICK)
    converted = exported(sound(first), read_mark(first.files.master), tmp_path / "b.flac")
    second = master(converted, files["song"], tmp_path / "c.wav", options=QUICK)
    assert second.status == "unchanged"
    assert np.array_equal(sound(first), sound(second))


def test_what_was_changed_since_is_mastered_as_any_other(files, eased, tmp_path):
    edited = exported(0.9 * sound(eased), read_mark(eased.files.master), tmp_path / "edited.flac")
    second = master(edited, files["song"], tmp_path / "b.wav", options=QUICK)
    assert "match_eq" in movers(second)
    assert said(second, "own_master") == ""
    assert any("changed since" in note for note in second.notes)


def test_fresh_takes_it_as_any_other_file(files, eased, tmp_path):
    known = again(eased, files["song"])
    fresh = master(eased.files.master, files["song"], tmp_path / "fresh.wav", fresh=True, options=QUICK)
    assert said(known, "own_master").endswith(LEFT_ALONE)
    assert not movers(known) & {"match_eq", "match_width"}
    assert "match_eq" in movers(fresh)
    assert said(fresh, "own_master") == ""
    assert "--loudness" in fresh.plan.assumptions[0].question


def test_another_reference_is_a_run_like_any_other(files, eased, tmp_path):
    other = master(eased.files.master, files["finished"], tmp_path / "other.wav", options=QUICK)
    assert said(other, "own_master") == ""
    assert "match_loudness" in movers(other)
    assert read_mark(other.files.master) != read_mark(eased.files.master)
    back = master(other.files.master, files["song"], tmp_path / "back.wav", options=QUICK)
    assert said(back, "own_master") == ""


def test_a_match_in_full_is_made_as_asked(files, eased, tmp_path):
    report = master(eased.files.master, files["song"], tmp_path / "o.wav", amount=100.0, options=QUICK)
    assert said(report, "own_master") == ""
    assert "match_eq" in movers(report)


def test_the_level_still_holds_its_goal(files, eased, tmp_path):
    """Another loudness is asked for: it comes, and nothing else does."""
    report = master(eased.files.master, files["song"], tmp_path / "o.wav", loudness=-20.0, options=QUICK)
    assert movers(report) == {"match_loudness"}
    assert report.master.integrated_lufs == pytest.approx(-20.0, abs=0.1)
    whole = master(eased.files.master, files["song"], tmp_path / "p.wav", options=QUICK)
    assert movers(whole) == {"match_loudness"}
    assert whole.master.integrated_lufs == pytest.approx(whole.reference.integrated_lufs, abs=0.1)
    half = master(eased.files.master, files["song"], tmp_path / "q.wav", amount=25.0, options=QUICK)
    assert half.status == "unchanged"


def test_a_lower_ceiling_is_held_and_the_loudness_too(files, tmp_path):
    first = master(files["dull"], files["finished"], tmp_path / "a.wav", options=QUICK)
    second = master(first.files.master, files["finished"], tmp_path / "b.wav", ceiling=-2.0, options=QUICK)
    assert movers(second) <= {"match_loudness", "limit_peaks"}
    assert second.master.true_peak_dbtp <= -2.0
    assert second.master.integrated_lufs == pytest.approx(first.master.integrated_lufs, abs=0.1)
    assert all(check.passed for check in second.checks)


def test_a_stage_that_was_left_out_is_done_when_it_is_asked_for(files, tmp_path):
    level = master(files["spoiled"], files["song"], tmp_path / "a.wav", only="level", options=QUICK)
    both = master(level.files.master, files["song"], tmp_path / "b.wav", options=QUICK)
    assert "match_eq" in movers(both)
    assert "match_width" in movers(both)
    assert both.master.integrated_lufs == pytest.approx(level.master.integrated_lufs, abs=0.1)
    third = master(both.files.master, files["song"], tmp_path / "c.wav", options=QUICK)
    assert third.status == "unchanged"


def test_a_person_s_own_move_is_made_on_our_own_master(files, eased, tmp_path):
    report = master(
        eased.files.master,
        files["song"],
        tmp_path / "o.wav",
        amount=25.0,
        set=["match_eq/bell_1.gain_db=3"],
        options=QUICK,
    )
    assert movers(report) == {"match_eq", "match_loudness"}
    assert report.master.integrated_lufs == pytest.approx(eased.master.integrated_lufs, abs=0.1)


@pytest.mark.parametrize("fresh", [False, True])
def test_its_session_renders_the_same_bytes_with_and_without_the_reference(fresh, files, eased, tmp_path, sounds):
    reference = tmp_path / "r.wav"
    reference.write_bytes(files["song"].read_bytes())
    report = master(eased.files.master, reference, tmp_path / "o.wav", fresh=fresh, options=QUICK)
    before = Path(report.files.master).read_bytes()
    assert render(report.files.session, tmp_path / "p.wav", options=QUICK).request.fresh is fresh
    assert (tmp_path / "p.wav").read_bytes() == before
    reference.unlink()
    render(report.files.session, tmp_path / "q.wav", options=QUICK)
    assert (tmp_path / "q.wav").read_bytes() == before


def test_another_decision_finds_the_level_anew_and_keeps_the_rest(files, eased, tmp_path):
    report = master(eased.files.master, files["song"], tmp_path / "o.wav", amount=25.0, options=QUICK)
    changed = render(report.files.session, tmp_path / "p.wav", set=["match_eq/bell_1.gain_db=3"], options=QUICK)
    assert movers(changed) == {"match_eq", "match_loudness"}
    assert changed.master.integrated_lufs == pytest.approx(eased.master.integrated_lufs, abs=0.1)


# The tags


@pytest.mark.parametrize("ending", [".wav", ".flac", ".mp3"])
def test_a_person_s_own_tags_stay_beside_ours(ending, files, tmp_path, sounds):
    target = tmp_path / "t.wav"
    target.write_bytes(files["spoiled"].read_bytes())
    tags = mutagen.File(target)
    tags.add_tags()
    tags.tags.add(COMM(encoding=3, lang="eng", desc="", text=["made at home"]))
    tags.tags.add(TXXX(encoding=3, desc="REFMASTER", text=["not one of ours"]))
    tags.save()
    first = master(target, files["song"], tmp_path / f"a{ending}", options=QUICK)
    second = again(first, files["song"])
    for report in (first, second):
        found = mutagen.File(report.files.master)
        comments = found["comment"] if report.files.master.endswith(".flac") else found.tags.getall("COMM")[0].text
        assert list(comments) == ["made at home"]
        assert read_mark(report.files.master).startswith("mastered with refmaster")


def test_a_format_without_tags_holds_no_line_of_ours(files, tmp_path):
    report = master(files["spoiled"], files["song"], tmp_path / "o.w64", options=QUICK)
    assert read_mark(report.files.master) == ""
    assert [note for note in report.notes if "would not know it again" in note] == list(report.notes)


def test_an_unchanged_file_is_not_called_our_master(files, tmp_path):
    report = master(files["song"], files["song"], tmp_path / "o.wav", options=QUICK)
    assert report.status == "unchanged"
    assert read_mark(report.files.master) == ""
