"""Words and JSON are made from the numbers that did the work."""

import json
from dataclasses import replace

import pytest

from refmaster import explain
from refmaster.compare import compare
from refmaster.genres import load_genre
from refmaster.moves import blank_of
from refmaster.records import Assumption, Check, Comparison, Files, Plan, Report, Request, Verdict
from tests.moves.scenes import planned

BELL = blank_of("match_eq/bell_1", 2).at(gain_db=-2.5)


def report_of(**changes) -> Report:
    material, made = planned("dull")
    report = Report(
        status="mastered",
        engine="refmaster",
        version="0",
        target=material.target.profile,
        reference=material.reference.profile,
        master=material.target.profile,
        genre=material.genre,
        request=material.request,
        plan=made,
        comparison=material.comparison,
        checks=(Check("true_peak_dbtp", -1.02, None, -1.0),),
        texts=explain.texts(made),
        files=Files("a.wav", "a.toml", "a.html"),
    )
    return replace(report, **changes)


def test_every_move_has_its_text():
    _, made = planned("dull")
    assert [i for i, _ in explain.texts(made)] == [move.id for move in made.moves]


def test_a_dropped_move_says_so_and_what_it_would_have_been():
    text = explain.text_of(replace(BELL, verdict=Verdict.DROP))
    assert text.startswith("Dropped by you. It would have been: ")
    assert str(BELL.param("gain_db")) in text


def test_an_override_says_what_was_proposed():
    set_by_hand = replace(BELL.at(gain_db=1.0), verdict=Verdict.OVERRIDE, proposed=tuple(BELL.values.items()))
    text = explain.text_of(set_by_hand)
    assert text.startswith("Set by you; the evidence says gain_db −2.5. ")
    assert "q 1 was" not in text  # it was not changed


def test_a_note_is_quoted():
    assert explain.text_of(replace(BELL, note="softer, please")).endswith("Note: softer, please")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "unchanged", "plan": Plan(())}, "Unchanged"),
        ({}, "every check passed"),
        ({"master": None}, "Dry run"),
        ({"checks": (Check("true_peak_dbtp", -0.5, None, -1.0),)}, "a check failed: true_peak_dbtp −0.50"),
        ({"plan": Plan((BELL,))}, "1 move;"),
    ],
    ids=["unchanged", "done", "dry", "failed", "one"],
)
def test_the_verdict_is_one_line(changes, words):
    line = explain.verdict_line(report_of(**changes))
    assert words in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (Check("true_peak_dbtp", -0.7, None, -1.0), "true_peak_dbtp −0.70 (allowed: up to −1.00)"),
        (Check("integrated_lufs", -14.0, -14.1, -13.9), "integrated_lufs −14.00 (allowed: −14.10 to −13.90)"),
        (Check("channels", 2.0, 2.0, 2.0), "channels 2.00 (allowed: 2)"),
        (Check("plr_db", None, None, None), "plr_db — (allowed: anything)"),
    ],
)
def test_checks_are_said_in_words(check, text):
    assert explain.check_text(check) == text


@pytest.mark.parametrize(("kinship", "word"), [(0.99, "same song"), (0.5, "relative"), (0.01, "another song")])
def test_kinship_is_said_in_words(kinship, word):
    comparison = replace(planned("dull")[0].comparison, kinship=kinship)
    assert word in explain.kinship_line(comparison)


def test_no_reference_and_the_same_file_are_said():
    material, _ = planned("dull")
    assert "No reference" in explain.kinship_line(None)
    same = compare(material.target, material.target, load_genre())
    assert isinstance(same, Comparison)
    assert "itself" in explain.kinship_line(same)


def test_json_holds_what_the_report_holds():
    report = report_of()
    data = json.loads(explain.as_json(report))
    assert data["target"]["integrated_lufs"] == report.target.integrated_lufs
    assert [move["id"] for move in data["moves"]] == [move.id for move in report.plan.moves]
    for move, one in zip(data["moves"], report.plan.moves, strict=True):
        assert move["params"] == one.values
        assert move["text"] == report.text_of(one.id)
        assert all(low <= one.values[name] <= high for name, (low, high) in move["ranges"].items())
    assert data["request"]["amount_pct"] == Request().amount_pct


def test_json_has_no_nan_and_no_infinity():
    text = explain.as_json(report_of())
    assert "NaN" not in text
    assert "Infinity" not in text


def test_what_could_not_be_measured_is_null():
    report = report_of(target=replace(report_of().target, psr_db=None), reference=None, master=None, comparison=None)
    data = json.loads(explain.as_json(report))
    assert data["target"]["psr_db"] is None
    assert (data["reference"], data["master"], data["kinship"]) == (None, None, None)


def test_assumptions_are_questions_with_answers():
    _, made = planned("quiet")
    assert all(isinstance(one, Assumption) and "?" in one.question for one in made.assumptions)
