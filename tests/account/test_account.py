"""The account of a session: every answer that a move owes, from the numbers that the session holds."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from refmaster.account import Account, MoveAccount, account_of
from refmaster.account.advice import _COSTS, cost_of, instead_of
from refmaster.account.data import as_data, as_json
from refmaster.account.markdown import as_markdown
from refmaster.decide import parse_decisions
from refmaster.history import continued
from refmaster.moves import blank_of, movers
from refmaster.records import Effect, Gap, Input, Move, NotReached, Phase, Rejected, Request, Session, Verdict
from tests.moves.scenes import at_work, move_ids, proposed
from tests.test_session import EQ, LEVEL, LIMIT, OUTCOME, session_of

PATH = Path("my mix.toml")
TONE = Gap("tone_at_315_hz_db", 6.5, 4.0, 0.5, 1.25, 40.0)
BELL = replace(EQ, because=(TONE,))
MOVES = (BELL, LEVEL, LIMIT)


def session(*moves: Move, request: Request | None = None, kinship: float | None = 0.05, **changes) -> Session:
    """A session that was rendered as it stands."""
    made = session_of(moves or MOVES, request=request or Request(), outcome=replace(OUTCOME, kinship=kinship))
    made = replace(made, plan=replace(made.plan, **changes)) if changes else made
    return replace(made, revisions=continued(None, made))


def told(*moves: Move, **changes) -> MoveAccount:
    """The account of the first move."""
    return account_of(session(*(moves or MOVES), **changes), PATH).moves[0]


# Every move's answers


@pytest.mark.parametrize("move", proposed(), ids=lambda move: move.id)
def test_every_move_that_is_proposed_answers_every_question(move):
    one = told(move)
    names = [name for name, _ in one.lines]
    assert {"why", "taken", "cost", "undo"} <= set(names)
    assert all(text[0].isupper() or text[0] in "-0123456789" for name, text in one.lines if name != "measured")
    resting = move.mover == "remove_dc"  # a constant that is not followed does not say how it would be
    assert all(str(param) in one.text for param in move.params if not (resting and param.value == param.neutral))
    assert one.undo == f"--drop {move.id}"


@pytest.mark.parametrize("mover", list(movers()))
def test_every_mover_has_its_costs(mover):
    assert mover in _COSTS


@pytest.mark.parametrize("move_id", move_ids())
@pytest.mark.parametrize("outcome", [None, OUTCOME], ids=["unknown", "known"])
def test_costs_are_sentences_and_choices_are_flags_that_can_be_given(move_id, outcome):
    move = at_work(move_id)
    assert re.fullmatch(r"[A-Z].*\.", cost_of(move, outcome))
    for flag, meaning in instead_of(move):
        assert meaning
        if flag.startswith("--set "):
            (decision,) = parse_decisions(sets=[flag.removeprefix("--set ")])
            assert decision.move == move_id
            assert dict(decision.values).items() <= move.at(**dict(decision.values)).values.items()


def test_why_is_both_measurements_tolerance_chance_and_confidence():
    (why,) = told().why
    for part in ("+6.50 dB", "+4.00 dB", "−2.50 dB", "±0.50 dB", "±1.25 dB", "fair (0.75)"):
        assert part in why


@pytest.mark.parametrize(
    ("move", "changes", "words"),
    [
        (BELL, {}, "40 % of it; arrangement alone makes ±1.25 dB there, so only a part of the 2.50 dB is believed"),
        (BELL, {}, "the reference is another song (same song: 5 %)"),
        (BELL, {"request": Request(25.0)}, "--amount 25 asks for 50 % of what the evidence supports"),
        (BELL, {"request": Request(75.0)}, "--amount 75 goes from the evidence toward the whole"),
        (replace(BELL, because=(replace(TONE, uncertainty=3.0),)), {}, "arrangement alone could make as much"),
        (replace(BELL, because=(replace(TONE, taken_pct=100.0),)), {}, "All of it."),
        (replace(BELL, verdict=Verdict.DROP), {}, "None: you dropped it."),
        (replace(BELL, verdict=Verdict.OVERRIDE), {}, "As you set it"),
        (
            replace(LEVEL, because=(Gap("integrated_lufs", -18.0, -11.0, 0.1, 0.0, 60.0),)),
            {"not_reached": (NotReached("integrated_lufs", "Loudness stops at −14 LUFS: the peaks."),)},
            "60 % of it; loudness stops at −14 LUFS: the peaks.",
        ),
    ],
)
def test_how_much_is_taken_and_why_not_all(move, changes, words):
    assert words in told(move, **changes).taken


def test_a_relative_is_no_stranger():
    assert "another song" not in told(BELL, kinship=0.9).taken


def test_the_effect_is_measured_with_the_move_and_without():
    assert told().measured.startswith("tone at 315 Hz +1.50 → −1.00 dB (−2.50 dB)")


def test_what_a_tone_stands_against_is_said_once():
    second = replace(BELL, id="match_eq/bell_2")
    effects = tuple((move.id, Effect("tone_at_315_hz_db", 4.94, 4.39)) for move in (BELL, second))
    made = session(BELL, second)
    lines = account_of(replace(made, outcome=replace(made.outcome, effects=effects)), PATH).moves
    assert lines[0].measured == "tone at 315 Hz +4.94 → +4.39 dB (−0.55 dB), re the mean of 100 Hz to 10 kHz"
    assert lines[1].measured == "tone at 315 Hz +4.94 → +4.39 dB (−0.55 dB)"


@pytest.mark.parametrize(("after_db", "told_so"), [(-1.73, False), (-1.95, False), (-2.05, True)])
def test_a_fold_down_that_loses_by_widening_is_its_price(after_db, told_so):
    target, master = (replace(OUTCOME.target, mono_loss_db=level) for level in (-1.73, after_db))
    cost = cost_of(at_work("match_width/side").at(side_gain_db=2.0), replace(OUTCOME, target=target, master=master))
    assert ("Mono fold-down loss: −1.73 → −2.05 dB" in cost) is told_so


@pytest.mark.parametrize(
    ("move", "undo"),
    [
        (BELL, "--drop match_eq/bell_1"),
        (replace(BELL, verdict=Verdict.DROP), "--undo match_eq/bell_1"),
        (replace(BELL, verdict=Verdict.OVERRIDE), "--undo match_eq/bell_1"),
        (replace(BELL, locked=True), "--undo match_eq/bell_1"),
    ],
)
def test_undo_is_the_flag_that_takes_it_back(move, undo):
    assert told(move).undo == undo


def test_a_dropped_move_has_no_effect_no_cost_and_no_choice():
    one = told(replace(BELL, verdict=Verdict.DROP))
    assert (one.effect, one.measured, one.cost, one.instead) == (None, "", "", ())


@pytest.mark.parametrize(("gain_db", "words"), [(2.0, "Peaks may rise by up to +2.00 dB"), (-2.0, "gets softer")])
def test_a_lift_and_a_cut_cost_different_things(gain_db, words):
    assert words in told(BELL.at(gain_db=gain_db)).cost


def test_limiting_costs_what_fell_and_tone():
    reading = OUTCOME.target
    fell, rose = (
        replace(OUTCOME, target=replace(reading, psr_db=8.77, plr_db=12.0), master=replace(OUTCOME.master, **after))
        for after in ({"psr_db": 7.1, "plr_db": 10.0}, {"psr_db": 8.97, "plr_db": 12.5})
    )
    assert "lowest PSR 8.77 → 7.10 dB" in cost_of(LIMIT, fell)
    assert "PSR" not in cost_of(LIMIT, rose)
    louder = LEVEL.at(gain_db=3.0)
    assert "PLR 12.00 → 10.00 dB" in cost_of(louder, fell)
    assert "PLR" not in cost_of(louder, rose)
    toned = replace(fell, limiter=replace(fell.limiter, tone_db=1.1, tone_hz=12700.0))
    assert "changes the tone by up to +1.10 dB around 12.7 kHz" in cost_of(LIMIT, toned)


def test_linear_phase_costs_something_else():
    assert "turns the phase around 315 Hz" in told().cost
    assert "rings ahead of hits" in told(replace(BELL, phase=Phase.LINEAR), request=Request(phase=Phase.LINEAR)).cost


def test_a_softer_goal_is_softer_than_what_was_reached():
    """Not than what was asked for, which may be louder than the master is."""
    gap = Gap("integrated_lufs", -20.0, -8.0, 0.1, 0.0, 50.0, "the goal")
    (_, (flag, meaning)) = instead_of(replace(LEVEL, because=(gap,)))
    assert flag == "loudness_lufs = -15.0"  # -14 was reached
    assert "1 LU softer than it is now" in meaning


def test_the_choices_are_half_and_the_whole():
    flags = dict(told().instead)
    assert flags == {
        "--set match_eq/bell_1.gain_db=-1.25": "half as much",
        "--set match_eq/bell_1.gain_db=-4": "about all of the difference",
    }


@pytest.mark.parametrize("taken_pct", [1.0, 99.0])
def test_the_whole_is_no_choice_where_next_to_nothing_or_all_is_taken(taken_pct):
    move = replace(BELL, because=(replace(TONE, taken_pct=taken_pct),))
    assert len(told(move).instead) == 1


# The whole


def test_a_session_of_schema_1_says_what_it_cannot_tell():
    account = account_of(replace(session_of(MOVES), schema=1), PATH)
    assert "render it once" in account.missing
    assert (account.columns, account.checks, account.notes) == ((), (), ())
    for text in (as_markdown(account), as_json(account)):
        assert "match_eq/bell_1" in text
    assert as_data(account)["status"] is None


def test_what_was_changed_since_is_told_and_its_effect_is_not():
    rendered = session()
    moves = (BELL.at(gain_db=1.0), LEVEL, LIMIT)
    account = account_of(replace(rendered, plan=replace(rendered.plan, moves=moves)), PATH)
    assert account.edits == ("match_eq/bell_1: set by you, gain_db −2.50 dB → +1.00 dB",)
    one = account.moves[0]
    assert one.effect is None
    assert "since the master was rendered" in one.measured
    assert one.text.startswith("Set by you; the evidence says gain_db −2.5. ")
    assert account.edits[0] in as_markdown(account).replace("\\", "")


def test_the_command_is_one_that_a_shell_takes_as_it_stands():
    assert account_of(session(), PATH).command == "refmaster render 'my mix.toml' --force"


def test_a_failed_check_is_told_first():
    failed = replace(OUTCOME, checks=(replace(OUTCOME.checks[0], value=-0.5),))
    account = account_of(replace(session(), outcome=failed), PATH)
    assert "a check failed: true peak −0.50 dBTP" in account.verdict
    assert account.checks == ("true peak −0.50 dBTP (allowed: at most −1.00 dBTP), FAILED",)


# Markdown


def markdown(account: Account | None = None) -> str:
    return as_markdown(account or account_of(session(), PATH))


def test_markdown_has_a_table_and_a_numbered_point_a_move():
    text = markdown()
    assert text.startswith("# target.wav\n")
    assert "| integrated loudness | −14.0 LUFS | −14.0 LUFS | −14.0 LUFS |" in text
    assert [line[:2] for line in text.splitlines() if re.match(r"\d\. `", line)] == ["1.", "2.", "3."]
    assert "   - *undo*: `--drop match_eq/bell_1`\n" in text
    assert "`--set match_eq/bell_1.gain_db=-1.25` (half as much)" in text
    assert text.endswith("*\n")


@pytest.mark.parametrize(
    "sly", ["<script>alert(1)</script>", "[x](http://x)", "*a*_b_`c`", "# head", "a\n# b", "|a|b|"]
)
def test_a_persons_words_are_only_words_in_it(sly):
    made = session(replace(BELL, note=sly))
    made = replace(made, target=Input(f"/music/{sly.replace('/', '')}.wav", "a" * 64))
    made = replace(made, plan=replace(made.plan, rejected=(Rejected("x", sly),)))
    text = markdown(account_of(made, PATH))
    code = re.sub(r"`[^`\n]*`", "", text)
    assert "<script>" not in code
    assert not re.search(r"(?<!\\)\]\(http", code)
    assert len([line for line in text.splitlines() if line.startswith("# ")]) == 1
    plain = " ".join(sly.split())
    assert plain in text.replace("\\", "")


# JSON


def test_json_has_the_names_of_the_main_job_and_more(tmp_path):
    data = json.loads(as_json(account_of(session(), PATH)))
    for name in ("status", "engine", "version", "target", "reference", "master", "genre", "kinship", "request",
                 "goal_lufs", "moves", "left_alone", "not_reached", "assumptions", "checks", "notes"):  # fmt: skip
        assert name in data
    (move, *_) = data["moves"]
    for name in ("id", "stage", "verdict", "locked", "params", "because", "confidence", "effect", "text", "undo"):
        assert name in move
    assert move["because"][0]["taken_pct"] == 40.0
    assert move["undo_command"] == "refmaster render 'my mix.toml' --force --drop match_eq/bell_1"
    assert move["effect"] == {"feature": "tone_at_315_hz_db", "before": 1.5, "after": -1.0}
    assert data["checks"][0]["passed"] is True
    assert (data["request"]["genre"], data["request"]["library"]) == ("auto", None)
    assert move["phase"] == "minimum"
    assert data["revisions"] == 1
    assert data["target"]["integrated_lufs"] == -14.0


def test_without_a_reference_it_is_null():
    made = replace(session_of(MOVES, references=()), outcome=replace(OUTCOME, reference=None, kinship=None))
    data = as_data(account_of(made, PATH))
    assert (data["reference"], data["kinship"]) == (None, None)


def test_a_move_that_nobody_knows_the_cost_of_is_told_all_the_same():
    assert cost_of(replace(blank_of("match_loudness", 2), id="polka"), OUTCOME) == ""
    assert instead_of(replace(blank_of("match_loudness", 2), id="polka")) == ()
