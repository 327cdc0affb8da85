"""A person's word: how it is read, and what it does to moves."""

import math
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmaster.decide import decided, decisions_of, not_there, parse_decisions, parse_stages, refuse_second_word
from refmaster.errors import BadSetting
from refmaster.moves import blank_of
from refmaster.records import Decision, Stage, Verdict

BELL = blank_of("match_eq/bell_1", 2).at(gain_db=-2.0)
SHELF = blank_of("match_eq/high_shelf", 2).at(gain_db=3.0)
LEVEL = blank_of("match_loudness", 2).at(gain_db=5.0)


def after(*decisions: Decision, moves=(BELL, SHELF), mover="match_eq"):
    return {move.id: move for move in decided(moves, decisions, mover, 2)}


def test_words_become_decisions():
    read = parse_decisions(["match_width"], ["match_loudness.gain_db=2.5"], ["match_eq/bell_1"])
    assert read == (
        Decision("match_width", Verdict.DROP),
        Decision("match_loudness", Verdict.OVERRIDE, (("gain_db", 2.5),)),
        Decision("match_eq/bell_1", Verdict.KEEP, locked=True),
    )


@pytest.mark.parametrize("text", ["−1.5", "-1.5", " -1.5 ", "-15e-1"])
def test_numbers_may_be_written_as_people_write_them(text):
    (one,) = parse_decisions(sets=[f"match_loudness.gain_db={text}"])
    assert one.values == (("gain_db", -1.5),)


@pytest.mark.parametrize("text", ["", "=", "a", "a=1", "gain_db=1", ".gain_db=1", "match_eq.=1", "match_eq.gain_db="])
def test_what_is_no_setting_is_refused_with_an_example(text):
    with pytest.raises(BadSetting, match="write --set"):
        parse_decisions(sets=[text])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("match_eq/high_shelf.gain_db=2dB", 2.0),
        ("match_eq/high_shelf.gain_db= −2 db ", -2.0),
        ("match_eq/bell_1.centre_hz=110Hz", 110.0),
        ("match_eq/bell_1.centre_hz=2.2 kHz", 2200.0),  # as our own texts write it
        ("limit_peaks.ceiling_dbtp=-2 dBTP", -2.0),
        ("limit_peaks.release_ms=5e1ms", 50.0),
        ("remove_dc.left_offset_pct=.5%", 0.5),
        ("remove_dc.offset_pct=.5%", 0.5),  # in mono
        ("match_eq.gain_db=1 dB", 1.0),
    ],
)
def test_a_value_may_carry_its_parameter_s_unit(text, value):
    (one,) = parse_decisions(sets=[text])
    assert one.values == ((text.partition("=")[0].rpartition(".")[2], value),)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        # a value: the move, its parameter, the range
        ("match_eq/high_shelf.gain_db=nan", ["match_eq/high_shelf.gain_db", "nan", "-24 to 24 dB"]),
        ("match_loudness.gain_db=1e9", ["match_loudness.gain_db", "1e+09", "-60 to 60 dB"]),
        ("match_eq.gain_db=-inf", ["match_eq.gain_db", "-inf", "-24 to 24 dB"]),
        ("match_eq/bell_1.centre_hz=5", ["match_eq/bell_1.centre_hz", "10 to 40000 Hz"]),
        ("match_eq/bell_1.centre_hz=50kHz", ["match_eq/bell_1.centre_hz", "50000", "10 to 40000 Hz"]),
        ("match_loudness.gain_db=3 LUFS", ["match_loudness.gain_db", "in dB, not in 'LUFS'", "-60 to 60 dB"]),
        ("match_loudness.gain_db=3kHz", ["match_loudness.gain_db", "in dB, not in 'kHz'", "-60 to 60 dB"]),
        ("limit_peaks.release_ms=1s", ["limit_peaks.release_ms", "in ms, not in 's'", "5 to 1000 ms"]),
        ("match_eq/bell_1.q=2dB", ["match_eq/bell_1.q", "bare number", "0.1 to 10"]),
        ("match_eq/high_shelf.gain_db=two", ["match_eq/high_shelf.gain_db", "'two'", "-24 to 24 dB"]),
        ("match_eq/high_shelf.gain_db=1.5.2", ["match_eq/high_shelf.gain_db", ".2", "-24 to 24 dB"]),
        # an id: the nearest, and what it takes there
        ("match_eq/hi_shelf.gain_db=2", ["'match_eq/high_shelf'", "gain_db: -24 to 24 dB"]),
        ("match_eqq/bell_3.gain_db=2", ["'match_eq/bell_3'", "gain_db: -24 to 24 dB"]),
        ("match_eq/bell_x.gain_db=2", ["'match_eq/bell_1'", "gain_db: -24 to 24 dB"]),
        ("match_eq/bell_0.gain_db=2", ["'match_eq/bell_1'", "gain_db: -24 to 24 dB"]),
        ("match_width/sides.polka_db=2", ["'match_width/side'", "side_gain_db: -24 to 24 dB"]),
        ("loudness.gain_db=2", ["'match_loudness'", "gain_db: -60 to 60 dB"]),
        ("limit_peaks/all.release_ms=20", ["'limit_peaks'", "release_ms: 5 to 1000 ms"]),
        # a parameter: the nearest, and all there are
        ("match_eq/high_shelf.gain=2", ["'match_eq/high_shelf.gain_db'", "gain_db (-24 to 24 dB)", "corner_hz"]),
        ("match_eq/bell_1.corner_hz=300", ["'match_eq/bell_1.centre_hz'", "centre_hz (10 to 40000 Hz)"]),
        ("match_eq.polka=2", ["match_eq/low_shelf", "gain_db (-24 to 24 dB)"]),
    ],
)
def test_nonsense_is_refused_by_the_move_the_range_and_the_nearest_name(text, names):
    with pytest.raises(BadSetting) as refused:
        parse_decisions(sets=[text])
    said = str(refused.value)
    assert all(name in said for name in names), said
    assert "\n" not in said


@pytest.mark.parametrize("name", ["match_eq/hgh_shelf", "match_eq/bell_x", "match_width/foo", "limit_peaks/all", "eq"])
def test_an_id_that_nobody_knows_is_refused_whatever_is_decided_of_it(name):
    for words in ({"drops": [name]}, {"locks": [name]}):
        with pytest.raises(BadSetting, match="did you mean"):
            parse_decisions(**words)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    for words in ({"drops": [text]}, {"sets": [text]}, {"locks": [text]}):
        with suppress(BadSetting):
            parse_decisions(**words)


@pytest.mark.parametrize("name", ["match_eg", "matcheq", "loudness"])
def test_a_misspelt_mover_gets_the_nearest_name(name):
    with pytest.raises(BadSetting, match=r"did you mean 'match_|did you mean 'limit"):
        parse_decisions(drops=[name])


@given(st.text(max_size=12), st.sampled_from(["match_eq/bell_2.centre_hz", "match_eq.q", "match_loudness.gain_db"]))
def test_any_value_is_read_or_refused_by_its_name_and_range(text, where):
    try:
        (one,) = parse_decisions(sets=[f"{where}={text}"])
    except BadSetting:
        with pytest.raises(BadSetting, match=rf"^{where}.*allowed: .* to "):
            parse_decisions(sets=[f"{where}={text}"])
    else:
        assert math.isfinite(one.values[0][1])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"drops": ["match_eq"], "locks": ["match_eq"]}, "--drop match_eq and --lock match_eq cannot both hold"),
        ({"drops": ["match_eq"], "locks": ["match_eq/bell_1"]}, "--drop match_eq and --lock match_eq/bell_1 cannot"),
        ({"drops": ["match_loudness"], "sets": ["match_loudness.gain_db=3"]}, "and --set match_loudness cannot both"),
        (
            {"sets": ["match_loudness.gain_db=1", "match_loudness.gain_db=2"]},
            "--set match_loudness.gain_db=1 and --set match_loudness.gain_db=2 cannot both hold",
        ),
    ],
)
def test_what_cannot_hold_at_once_is_refused(words, said):
    with pytest.raises(BadSetting, match=said):
        parse_decisions(**words)


def test_a_kind_may_be_dropped_and_one_of_it_set():
    assert len(parse_decisions(drops=["match_eq"], sets=["match_eq/bell_1.gain_db=2"])) == 2


@pytest.mark.parametrize(
    ("words", "loudness_lufs", "ceiling_dbtp", "said"),
    [
        ({"drops": ["match_loudness"]}, -14.0, -1.0, "--loudness -14 and --drop match_loudness cannot both hold"),
        ({"sets": ["match_loudness.gain_db=3"]}, -14.0, -1.0, "--loudness -14 and --set match_loudness.gain_db cannot"),
        (
            {"sets": ["limit_peaks.ceiling_dbtp=0"]},
            None,
            -3.0,
            "--ceiling -3 and --set limit_peaks.ceiling_dbtp",
        ),
    ],
)
def test_two_words_about_one_number_are_refused(words, loudness_lufs, ceiling_dbtp, said):
    with pytest.raises(BadSetting, match=said):
        refuse_second_word(parse_decisions(**words), loudness_lufs, ceiling_dbtp)


def test_two_words_that_agree_or_are_about_different_things_are_heeded():
    for words, loudness_lufs, ceiling_dbtp in (
        ({"sets": ["limit_peaks.ceiling_dbtp=0"]}, -14.0, -1.0),
        ({"sets": ["limit_peaks.ceiling_dbtp=-3"]}, None, -3.0),
        ({"drops": ["match_eq"], "locks": ["match_loudness"]}, -14.0, -2.0),
    ):
        refuse_second_word(parse_decisions(**words), loudness_lufs, ceiling_dbtp)


def test_a_lock_of_a_kind_that_has_no_move_here_is_told():
    locks = parse_decisions(locks=["match_dynamics"])
    assert not_there(locks, (BELL,)) == ("match_dynamics was not proposed here, so there was nothing to lock",)


def test_stages_are_read():
    assert parse_stages("tone, LEVEL") == (Stage.TONE, Stage.LEVEL)
    assert parse_stages(None) == ()
    for bad in ("", "polka", "tone,polka", ","):
        with pytest.raises(BadSetting, match="allowed: repair"):
            parse_stages(bad)


def test_without_a_word_moves_stay():
    assert decided((BELL, SHELF), (), "match_eq", 2) == (BELL, SHELF)


def test_words_about_others_change_nothing():
    assert decided((BELL,), (Decision("match_loudness", Verdict.DROP),), "match_eq", 2) == (BELL,)


def test_one_part_or_all_of_a_kind_is_dropped():
    one = after(Decision("match_eq/bell_1", Verdict.DROP))
    assert [one[i].active for i in (BELL.id, SHELF.id)] == [False, True]
    assert not any(move.active for move in after(Decision("match_eq", Verdict.DROP)).values())


def test_what_is_set_is_set_and_the_proposal_remembered():
    move = after(Decision(BELL.id, Verdict.OVERRIDE, (("gain_db", 4.0),)))[BELL.id]
    assert move["gain_db"] == 4.0
    assert move["q"] == BELL["q"]
    assert move.verdict is Verdict.OVERRIDE
    assert dict(move.proposed) == BELL.values


def test_a_later_word_outranks_an_earlier_one():
    first = Decision(BELL.id, Verdict.OVERRIDE, (("gain_db", 4.0),))
    second = Decision(BELL.id, Verdict.OVERRIDE, (("gain_db", 1.0), ("q", 2.0)))
    move = after(first, second)[BELL.id]
    assert (move["gain_db"], move["q"]) == (1.0, 2.0)
    assert dict(move.proposed) == BELL.values  # the engine's, not the person's first
    assert not after(first, Decision(BELL.id, Verdict.DROP))[BELL.id].active


def test_settings_of_one_move_add_up():
    first = Decision(BELL.id, Verdict.OVERRIDE, (("gain_db", 4.0),))
    second = Decision(BELL.id, Verdict.OVERRIDE, (("q", 2.0),))
    move = after(first, second)[BELL.id]
    assert (move["gain_db"], move["q"]) == (4.0, 2.0)


def test_what_was_not_proposed_is_made():
    move = after(Decision("match_eq/bell_7", Verdict.OVERRIDE, (("gain_db", 2.0),)))["match_eq/bell_7"]
    assert (move["gain_db"], move.verdict) == (2.0, Verdict.OVERRIDE)
    assert after(moves=(), mover="match_loudness") == {}
    made = after(Decision("match_loudness", Verdict.OVERRIDE, (("gain_db", 2.0),)), moves=(), mover="match_loudness")
    assert made["match_loudness"]["gain_db"] == 2.0


def test_dropping_what_was_not_proposed_is_no_error():
    assert all(not move.active for move in after(Decision("match_eq/low_shelf", Verdict.DROP), moves=()).values())
    assert after(Decision("match_eq", Verdict.DROP), moves=()) == {}


def test_a_numbered_band_that_was_not_proposed_cannot_be_dropped():
    """A slip of the finger would look as if it had been done."""
    with pytest.raises(BadSetting, match=r"bell_9 was not proposed, so there is nothing to drop; .*bell_1"):
        after(Decision("match_eq/bell_9", Verdict.DROP))
    dropped = replace(BELL, verdict=Verdict.DROP)
    assert not after(*decisions_of((dropped,)), moves=(SHELF,))[BELL.id].active  # of a session it holds all the same
    many = parse_decisions(drops=["match_eq/bell_9", "match_width/side"], many=True)
    assert decided((BELL,), many, "match_eq", 2) == (BELL,)
    assert not_there(many, (BELL,)) == ("match_eq/bell_9 was not proposed here, so there was nothing to drop",)


@pytest.mark.parametrize("values", [(("gain_db", 99.0),), (("polka", 1.0),), (("gain_db", float("nan")),)])
def test_what_cannot_be_set_is_refused_by_the_move_s_name(values):
    with pytest.raises(BadSetting, match="match_eq/bell_1"):
        after(Decision(BELL.id, Verdict.OVERRIDE, values))


@pytest.mark.parametrize("proposed", [(), (blank_of("match_eq/bell_1", 2).at(gain_db=1.0),)])
def test_a_band_that_was_not_proposed_cannot_be_locked(proposed):
    lock = Decision("match_eq/bell_4", Verdict.KEEP, locked=True)
    with pytest.raises(BadSetting, match=r"match_eq/bell_4 was not proposed, so there is nothing to lock") as found:
        decided(proposed, (lock,), "match_eq", 2)
    assert ("match_eq/bell_1" in str(found.value)) == bool(proposed)


def test_a_lock_that_was_decided_for_many_tracks_asks_nothing_of_one_without_the_move():
    locks = parse_decisions(locks=["match_eq/bell_1", "match_eq/bell_4", "match_eq"], many=True)
    (kept,) = decided((BELL,), locks, "match_eq", 2)
    assert kept.locked
    assert not_there(locks, (kept,)) == ("match_eq/bell_4 was not proposed here, so there was nothing to lock",)
    assert not_there(parse_decisions(locks=["match_eq/bell_1"]), ()) == ()


@pytest.mark.parametrize(("mover", "move_id"), [("match_eq", "match_eq"), ("limit_peaks", "limit_peaks")])
def test_a_lock_of_a_whole_kind_that_was_not_proposed_holds_nothing(mover, move_id):
    assert decided((), (Decision(move_id, Verdict.KEEP, locked=True),), mover, 2) == ()


def test_a_lock_and_a_note_stay():
    move = after(Decision(BELL.id, Verdict.KEEP, (), "as it is", locked=True))[BELL.id]
    assert (move.locked, move.note, move["gain_db"]) == (True, "as it is", -2.0)
    later = after(Decision(BELL.id, Verdict.OVERRIDE, (("q", 2.0),)), moves=(move,))[BELL.id]
    assert (later.locked, later.note) == (True, "as it is")


def test_decisions_of_a_session_do_the_same_again():
    moves = (
        replace(BELL.at(gain_db=1.0), verdict=Verdict.OVERRIDE, proposed=tuple(BELL.values.items()), note="mine"),
        replace(SHELF, verdict=Verdict.DROP),
    )
    again = {move.id: move for move in decided((BELL, SHELF), decisions_of(moves), "match_eq", 2)}
    assert again[BELL.id].values == moves[0].values
    assert again[BELL.id].note == "mine"
    assert not again[SHELF.id].active


def test_a_locked_move_holds_its_values_against_a_new_proposal():
    locked = replace(LEVEL, locked=True)
    (move,) = decided((LEVEL.at(gain_db=-9.0),), decisions_of((locked,)), "match_loudness", 2)
    assert (move["gain_db"], move.locked) == (5.0, True)


def test_nothing_said_is_nothing_decided():
    assert decisions_of((BELL, SHELF)) == ()
