"""What a person settled before, and new evidence beside it: the rest is planned around it, and nothing twice."""

from dataclasses import replace

import numpy as np
import pytest

from refmaster import locks
from refmaster.compare import wanted
from refmaster.moves import blank_of, match_eq
from refmaster.records import Comparison, Curve, Request, Verdict

AT_HZ = tuple(1000 * 2 ** (k / 6) for k in range(-30, 26))
RATE_HZ = 44100
BELL = replace(blank_of("match_eq/bell_1", 2).at(gain_db=3.0, centre_hz=1000.0, q=1.0), locked=True)
SIDE = replace(blank_of("match_width/side", 2).at(side_gain_db=2.0), locked=True)


def curve_of(level_db: float) -> Curve:
    """The same difference in every band, all of it believed in half."""
    flat, ones = np.full(len(AT_HZ), level_db), tuple(np.ones(len(AT_HZ)))
    return Curve(tuple(flat), tuple(flat), tuple(flat / 2), ones, ones, ones)


def comparison_of(tone_db: float = 0.0, width_db: float = 0.0) -> Comparison:
    return Comparison(0.1, AT_HZ, curve_of(tone_db), curve_of(width_db))


def left_db(tone_db: float, amount_pct: float, *moves) -> np.ndarray:
    """What is still asked for in each band while these moves are held."""
    request = Request(amount_pct)
    left = locks.around(comparison_of(tone_db), moves or (BELL,), request, RATE_HZ)
    return wanted(left.tone, amount_pct)


def response(move=BELL) -> np.ndarray:
    return match_eq.response_at(move, np.array(AT_HZ), RATE_HZ)


@pytest.mark.parametrize("amount_pct", [10.0, 25.0, 50.0, 60.0, 75.0, 100.0])
@pytest.mark.parametrize("tone_db", [8.0, 20.0])
def test_what_is_held_is_taken_off_what_is_asked_for(amount_pct, tone_db):
    asked = wanted(curve_of(tone_db), amount_pct)
    np.testing.assert_allclose(left_db(tone_db, amount_pct), np.maximum(asked - response(), 0.0), atol=1e-9)


@pytest.mark.parametrize("amount_pct", [25.0, 50.0, 100.0])
def test_nothing_works_against_what_is_held(amount_pct):
    """The evidence wants a cut where a lift is held: at its centre nothing is done, far from it all."""
    left = left_db(-8.0, amount_pct)
    asked = wanted(curve_of(-8.0), amount_pct)
    assert (left <= 1e-9).all()
    at = np.array(AT_HZ)
    assert left[np.argmin(np.abs(at - 1000))] == pytest.approx(0.0, abs=0.02)
    assert left[0] == pytest.approx(asked[0], rel=0.02)


def test_more_than_is_wanted_is_not_taken_back():
    assert np.abs(left_db(2.0, 50.0)[np.argmin(np.abs(np.array(AT_HZ) - 1000))]) < 1e-9


def test_amount_0_asks_for_nothing_with_or_without():
    assert (left_db(8.0, 0.0) == 0).all()


def test_a_side_gain_is_taken_off_the_width_and_leaves_the_tone():
    before = comparison_of(4.0, 6.0)
    left = locks.around(before, (SIDE,), Request(), RATE_HZ)
    assert left.tone == before.tone
    np.testing.assert_allclose(wanted(left.width, 50.0), 1.0)  # half of 6 dB, less 2 dB


@pytest.mark.parametrize("move", [blank_of("match_loudness", 2), blank_of("limit_peaks", 2)])
def test_other_moves_leave_the_comparison_alone(move):
    before = comparison_of(4.0, 6.0)
    assert locks.around(before, (move,), Request(), RATE_HZ) is before


def test_a_mono_comparison_has_no_width_to_plan_around():
    before = replace(comparison_of(4.0), width=None)
    assert locks.around(before, (SIDE,), Request(), RATE_HZ) is before


def named(*parts: str) -> list[str]:
    return [f"match_eq/{part}" for part in parts]


def test_a_number_that_is_taken_is_passed_over():
    new = tuple(blank_of(i, 2) for i in named("low_shelf", "bell_1", "bell_2", "bell_3"))
    two = replace(BELL, id="match_eq/bell_2")
    assert [m.id for m in locks.beside((two,), new)] == named("low_shelf", "bell_1", "bell_3", "bell_4")
    assert [m.id for m in locks.beside((BELL,), new)] == named("low_shelf", "bell_2", "bell_3", "bell_4")
    assert locks.beside((), new) == new


@pytest.mark.parametrize(
    ("centre_hz", "gain_db", "found"),
    [(1000.0, 2.0, True), (1300.0, 2.0, True), (1500.0, 2.0, False), (1000.0, -2.0, False)],
)
def test_a_dropped_bell_is_known_by_its_place_not_by_its_number(centre_hz, gain_db, found):
    old = replace(BELL, verdict=Verdict.DROP, note="leave it")
    new = blank_of("match_eq/bell_4", 2).at(centre_hz=centre_hz, gain_db=gain_db)
    decisions = locks.dropped_again((old,), (blank_of("match_eq/high_shelf", 2).at(gain_db=1.0), new))
    assert [d.move for d in decisions] == (["match_eq/bell_4"] if found else [])
    assert all((d.verdict, d.note) == (Verdict.DROP, "leave it") for d in decisions)


def test_what_is_of_another_number_of_channels_is_not_carried():
    moves = (replace(blank_of("remove_dc", 2), locked=True), BELL)
    decisions, lost = locks.carried(moves, 1)
    assert [d.move for d in decisions] == [BELL.id]
    assert lost == ("remove_dc",)


def test_a_dropped_bell_is_not_carried_by_its_number():
    moves = (replace(BELL, verdict=Verdict.DROP), replace(SIDE, verdict=Verdict.DROP))
    decisions, lost = locks.carried(moves, 2)
    assert ([d.move for d in decisions], lost) == (["match_width/side"], ())


def test_only_what_is_heard_is_held():
    free = replace(BELL, locked=False)
    moves = (BELL, free, replace(free, verdict=Verdict.OVERRIDE), replace(BELL, verdict=Verdict.DROP))
    assert locks.held(moves) == (moves[0], moves[2])


@pytest.mark.parametrize(
    ("move", "says"),
    [
        (BELL, {"gain_db": 4.0}),
        (SIDE, {"side_gain_db": 3.0}),
        (replace(blank_of("limit_peaks", 2).at(ceiling_dbtp=-3.0), locked=True), {"ceiling_dbtp": -1.0}),
    ],
    ids=lambda value: getattr(value, "id", ""),
)
def test_a_held_move_says_what_the_evidence_says_there(move, says):
    (told,) = locks.told((move,), (move,), comparison_of(8.0, 6.0), Request())
    assert dict(told.proposed) == pytest.approx(says)
    assert told.values == move.values


def test_where_nothing_is_proposed_any_more_the_evidence_says_rest():
    gain = replace(blank_of("match_loudness", 2).at(gain_db=3.0), locked=True, proposed=(("gain_db", 0.0),))
    (told,) = locks.told((gain,), (gain,), None, Request())
    assert told.proposed == (("gain_db", 0.0),)
    squeeze = blank_of("match_dynamics/low", 2)
    held = replace(squeeze.at(ratio=2.0), locked=True, proposed=tuple(squeeze.values.items()))
    (told,) = locks.told((held,), (held,), None, Request())
    assert dict(told.proposed)["ratio"] == 1.0
    assert "threshold_dbfs" not in dict(told.proposed)
