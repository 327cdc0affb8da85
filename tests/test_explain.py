"""Words and JSON are made from the numbers that did the work."""

import json
import re
from dataclasses import replace

import pytest

from refmaster import explain, plain, price, taken
from refmaster.compare import compare
from refmaster.decide import decided, parse_decisions
from refmaster.genres import load_genre
from refmaster.moves import blank_of
from refmaster.records import (
    Assumption,
    Check,
    Comparison,
    Defect,
    Effect,
    Files,
    GainReduction,
    Gap,
    NotReached,
    Plan,
    Report,
    Request,
    Seen,
    Verdict,
    Weights,
)
from refmaster.units import written
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
    asked = replace(BELL, because=(Gap("tone_at_1000_hz_db", 0.0, -3.0, 0.5, 2.0, 40.0),))
    text = explain.text_of(replace(asked, verdict=Verdict.DROP))
    assert text.startswith("Dropped by you. It would have been: ")
    assert str(BELL.param("gain_db")) in text
    assert explain.text_of(replace(BELL, verdict=Verdict.DROP)) == "Dropped by you."


def test_an_override_says_what_was_proposed():
    asked = replace(BELL, because=(Gap("tone_at_1000_hz_db", 0.0, -3.0, 0.5, 2.0, 40.0),))
    set_by_hand = replace(asked.at(gain_db=1.0), verdict=Verdict.OVERRIDE, proposed=tuple(BELL.values.items()))
    text = explain.text_of(set_by_hand)
    assert text.startswith("Set by you; the evidence says gain_db −2.5. ")
    assert "q 1 was" not in text  # it was not changed


def test_what_no_evidence_gave_is_not_called_evidence():
    limiter = replace(blank_of("limit_peaks", 2), because=(Gap("true_peak_dbtp", 2.0, -1.0, 0.0, 0.0, 100.0),))
    slower = replace(limiter.at(release_ms=50.0), verdict=Verdict.OVERRIDE, proposed=tuple(limiter.values.items()))
    assert explain.text_of(slower).startswith("Set by you (release_ms 10 was proposed). ")
    own = replace(BELL.at(gain_db=1.0), verdict=Verdict.OVERRIDE, proposed=tuple(BELL.values.items()))
    assert explain.text_of(own).startswith("Set by you. ")  # nobody proposed that band


def test_a_note_stands_behind_the_limiters_work():
    limiter = replace(blank_of("limit_peaks", 2).at(ceiling_dbtp=-1.0), note="keep the kick")
    work = GainReduction(0.01, (2.0,), 2.0, 1.0, 0.0)
    told = dict(explain.texts(Plan((limiter,)), work))["limit_peaks"]
    assert told.endswith("It takes up to 2.00 dB, and works for 1.0 % of the time. Note: keep the kick")


def test_nothing_done_because_nothing_could_be_is_said():
    plan = Plan((), not_reached=(NotReached("integrated_lufs", "Loudness stops."),))
    line = explain.verdict_line(report_of(status="unchanged", plan=plan))
    assert line == "Unchanged: nothing could be done; not reached: loudness."


def test_no_share_is_told_of_a_tone_that_nothing_was_learnt_of():
    report = report_of()
    tone = replace(report.comparison.tone, weight=tuple(0.0 for _ in report.comparison.tone.weight))
    line = taken.reference_line(replace(report, comparison=replace(report.comparison, tone=tone)))
    assert "tonal difference" not in line
    assert "tonal difference" in taken.reference_line(report)


def test_a_note_is_quoted():
    assert explain.text_of(replace(BELL, note="softer, please")).endswith("Note: softer, please")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "unchanged", "plan": Plan(())}, "Unchanged"),
        ({}, "every check passed"),
        ({"master": None}, "Dry run"),
        ({"checks": (Check("true_peak_dbtp", -0.5, None, -1.0),)}, "a check failed: true peak −0.50 dBTP"),
        ({"plan": Plan((BELL,))}, "1 move;"),
        (
            {"status": "unchanged", "plan": Plan(()), "checks": (Check("n_samples", 10.0, 11.0, 11.0),)},
            "Unchanged, but a check failed: length 10 samples",
        ),
    ],
    ids=["unchanged", "done", "dry", "failed", "one", "unchanged and failed"],
)
def test_the_verdict_is_one_line(changes, words):
    line = explain.verdict_line(report_of(**changes))
    assert words in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (Check("true_peak_dbtp", -0.7, None, -1.0), "true peak −0.70 dBTP (allowed: at most −1.00 dBTP)"),
        (Check("plr_db", 14.0, 13.1, 15.9), "PLR 14.00 dB (allowed: 13.10 to 15.90 dB)"),
        (Check("channels", 2.0, 2.0, 2.0), "channels 2 (allowed: exactly 2)"),
        (Check("plr_db", None, None, None), "PLR not measured (allowed: anything)"),
    ],
)
def test_checks_are_said_in_words(check, text):
    assert explain.check_text(check) == text


def test_a_check_is_held_as_it_is_displayed():
    assert Check("true_peak_dbtp", -0.996, None, -1.0).passed
    assert not Check("true_peak_dbtp", -0.99, None, -1.0).passed
    assert not Check("n_samples", 10.0, 11.0, 11.0).passed


def test_what_was_not_reached_stands_in_the_first_line():
    missed = (
        NotReached("integrated_lufs", "Loudness stops."),
        NotReached("limiting", "A price."),
        NotReached("tone", "Top."),
    )
    plan = Plan((BELL,), not_reached=missed)
    assert explain.missed_words(plan) == ("loudness", "tone")
    assert explain.verdict_line(report_of(plan=plan)).endswith("every check passed; not reached: loudness, tone.")


def test_the_limiter_says_how_hard_it_worked():
    limiter = blank_of("limit_peaks", 2).at(ceiling_dbtp=-1.0)
    work = GainReduction(0.01, (0.0, 3.5), 3.5, 12.25, 0.0)
    told = dict(explain.texts(Plan((limiter,)), work))["limit_peaks"]
    assert told.endswith("It takes up to 3.50 dB, and works for 12.2 % of the time.")
    dropped = replace(limiter, verdict=Verdict.DROP)
    assert "It takes" not in dict(explain.texts(Plan((dropped,)), work))["limit_peaks"]


def test_the_limiter_says_what_it_did_to_the_tone():
    limiter = blank_of("limit_peaks", 2).at(ceiling_dbtp=-1.0)
    work = GainReduction(0.01, (0.0, 3.5), 3.5, 12.25, 0.0, tone_db=-1.8, tone_hz=12700.0)
    told = dict(explain.texts(Plan((limiter,)), work))["limit_peaks"]
    assert told.endswith("It changes the tone by up to −1.80 dB around 12.7 kHz at equal loudness.")
    assert plain.as_data(report_of(gain_reduction=work))["gain_reduction"]["tone_db"] == -1.8


def test_what_is_short_of_a_goal_adds_up_as_it_is_printed():
    """5.04 LU are missing, and 5.1 of the figures beside it."""
    missed = price.short_of(-6.92, -11.96, -21.9, "why", dropped=False, spoken=False)
    assert "stops at −12.0 LUFS, 5.1 LU short of −6.9 LUFS" in missed.text


def test_of_an_untouched_target_that_was_cut_off_the_peak_is_the_delivered_one():
    (missed,) = explain.lost(Plan(()), 10018, peak_dbtp=0.51).not_reached
    assert missed.text.endswith("--bit-depth 32f keeps them. Without them the true peak is 0.51 dBTP.")


def test_the_share_taken_is_that_of_the_bands_as_they_are():
    material, made = planned("dull")
    rate_hz = material.target.profile.sample_rate_hz
    share = taken.taken_pct(material.comparison, made, rate_hz)
    assert 20.0 < share <= 100.0
    none = tuple(replace(move, verdict=Verdict.DROP) if move.mover == "match_eq" else move for move in made.moves)
    assert taken.taken_pct(material.comparison, Plan(none), rate_hz) == 0.0
    away = tuple(move.at(gain_db=-move["gain_db"]) if move.mover == "match_eq" else move for move in made.moves)
    assert taken.taken_pct(material.comparison, Plan(away), rate_hz) == 0.0


def test_of_several_references_the_share_is_that_of_what_was_matched():
    """Their average, a stranger's tone in it, is nobody's."""
    material, made = planned("dull")
    tone, rate_hz = material.comparison.tone, material.target.profile.sample_rate_hz
    mixed = replace(material.comparison, tone=replace(tone, full_db=tuple(-v for v in tone.matched_db)))
    assert taken.taken_pct(mixed, made, rate_hz) == 0.0
    several = replace(mixed, seen=mixed.seen * 2)
    assert taken.taken_pct(several, made, rate_hz) > 20.0


def test_dynamics_that_came_out_otherwise_are_noted():
    band = replace(blank_of("match_dynamics/low", 2), because=(Gap("x_db", 8.0, 4.0, 1.0, 2.0, 100.0),))
    plan = Plan((band,))
    assert explain.short_of(plan, (("match_dynamics/low", Effect("x_db", 8.0, 4.9)),)) == ()
    (note,) = explain.short_of(plan, (("match_dynamics/low", Effect("x_db", 8.0, 6.0)),))
    assert "was to leave 4.0 dB" in note
    assert "6.0 dB is left" in note
    own = Plan((replace(band, verdict=Verdict.OVERRIDE),))
    assert explain.short_of(own, (("match_dynamics/low", Effect("x_db", 8.0, 6.0)),)) == ()


@pytest.mark.parametrize(
    ("set_", "changed", "said"),
    [
        (
            "match_width/side.side_gain_db=3",
            {"channels": 1},
            "does nothing: the target is mono, .* nothing can be widened",
        ),
        (
            "match_width/bell_1.side_gain_db=3",
            {"defects": (Defect("dual_mono", 1.0, "both channels hold the same"),)},
            "match_width/bell_1 does nothing: both channels of the target hold the same, so there is no side",
        ),
        (
            "match_eq/bell_1.centre_hz=15kHz",
            {"sample_rate_hz": 8000},
            "match_eq/bell_1 works at 3.76 kHz and not at 15 kHz: at its sample rate the target ends at 4 kHz",
        ),
        (
            "match_dynamics/high.ratio=2",
            {"sample_rate_hz": 8000},
            "match_dynamics/high does nothing: it begins at 4.24 kHz, and the target ends at 4 kHz",
        ),
    ],
)
def test_what_a_person_set_and_the_target_has_no_place_for_is_said(set_, changed, said):
    (decision,) = parse_decisions(sets=[set_])
    target = report_of().target
    made = Plan(decided((), (decision,), decision.move.partition("/")[0], target.channels))
    assert explain.idle(made, target) == ()
    (line,) = explain.idle(made, replace(target, **changed))
    assert re.search(said, line)
    ours = Plan(tuple(replace(move, verdict=Verdict.KEEP) for move in made.moves))
    assert explain.idle(ours, replace(target, **changed)) == ()


def test_several_references_have_a_line_each():
    report = report_of()
    assert taken.reference_lines(report) == ()
    seen = (Seen("a.wav", 0.02), Seen("b.wav", 0.7, Weights(tone=0.5)))
    comparison = replace(report.comparison, seen=seen)
    told = taken.reference_lines(replace(report, comparison=comparison, heard=(report.target, report.reference)))
    assert told[0].startswith("a.wav: same song 2 %, ")
    assert told[1].endswith("; counts tone 0.5, else 1")


@pytest.mark.parametrize(("kinship", "word"), [(0.99, "same song"), (0.5, "relative"), (0.01, "another song")])
def test_kinship_is_said_in_words(kinship, word):
    comparison = replace(planned("dull")[0].comparison, kinship=kinship)
    assert word in taken.kinship_line(comparison)


def test_no_reference_and_the_same_file_are_said():
    material, _ = planned("dull")
    assert "No reference" in taken.kinship_line(None)
    same = compare(material.target, material.target, load_genre())
    assert isinstance(same, Comparison)
    assert "itself" in taken.kinship_line(same)


def test_json_holds_what_the_report_holds():
    report = report_of()
    data = json.loads(plain.as_json(report))
    assert data["target"]["integrated_lufs"] == report.target.integrated_lufs
    assert [move["id"] for move in data["moves"]] == [move.id for move in report.plan.moves]
    for move, one in zip(data["moves"], report.plan.moves, strict=True):
        assert move["params"] == one.values
        assert move["text"] == report.text_of(one.id)
        assert all(low <= one.values[name] <= high for name, (low, high) in move["ranges"].items())
    assert data["request"]["amount_pct"] == Request().amount_pct


def test_json_has_no_nan_and_no_infinity():
    text = plain.as_json(report_of())
    assert "NaN" not in text
    assert "Infinity" not in text


def test_what_could_not_be_measured_is_null():
    report = report_of(target=replace(report_of().target, psr_db=None), reference=None, master=None, comparison=None)
    data = json.loads(plain.as_json(report))
    assert data["target"]["psr_db"] is None
    assert (data["reference"], data["master"], data["kinship"]) == (None, None, None)


def test_assumptions_are_questions_with_answers():
    _, made = planned("quiet")
    assert all(isinstance(one, Assumption) and "?" in one.question for one in made.assumptions)


def test_a_persons_word_is_not_told_as_a_finding():
    report = report_of()
    said = replace(report, request=replace(report.request, same_song=True))
    assert taken.reference_line(said).startswith("The reference is the same song or session, as you say.")
    assert "as you say" not in taken.reference_line(report)


def test_a_zero_has_no_sign():
    assert written("peak_dbtp", -0.001) == "0.00 dBTP"
    assert written("gain_db", -0.001) == "+0.00 dB"
    assert written("gain_db", -0.01) == "−0.01 dB"


def test_a_genre_is_told_with_how_sure_it_is_and_who_said_it():
    rock, none = load_genre("rock"), load_genre()

    def line(genre, asked="auto"):
        report = report_of(comparison=None, reference=None, genre=genre)
        return taken.genre_line(replace(report, request=replace(report.request, genre=asked)))

    heard = line(replace(rock, share=0.41, runner_up=("electronic", 0.22)))
    assert heard == "Genre: rock by the sound of the target (41 %, then electronic 22 %); --genre NAME says otherwise."
    sure = line(replace(rock, share=0.996, runner_up=("electronic", 0.004)))
    assert sure == "Genre: rock by the sound of the target (100 %); --genre NAME says otherwise."
    assert line(replace(none, share=0.6)) == "Genre: none that was measured fits (60 %); --genre NAME says it."
    assert line(rock, "rock") == f"Genre: rock, as you say; measured on {rock.n_tracks} tracks."
    assert line(load_genre("drill"), "drill").endswith("as you say; from published figures, which are few.")
    assert line(rock) == line(none, "none") == ""
