"""History: what is said of a change, what is a change at all, and what a person meant by an edit."""

from dataclasses import replace

import pytest

from refmaster import history
from refmaster.errors import BadSetting
from refmaster.moves import blank_of
from refmaster.records import Delivery, Input, Phase, Request, Session, Stage, Verdict
from tests.test_session import EQ, LEVEL, LIMIT, session_of


def rendered(session: Session, before: Session | None = None, **how) -> Session:
    return replace(session, revisions=history.continued(before, session, **how))


FIRST = rendered(session_of())


def said(now: Session, **how) -> tuple[str, ...]:
    """What the second revision says."""
    return rendered(now, FIRST, **how).revisions[-1].said


def with_moves(*moves) -> Session:
    return session_of(moves)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (with_moves(EQ.at(gain_db=1.0), LEVEL, LIMIT), "match_eq/bell_1: gain_db −2.50 dB → +1.00 dB"),
        (with_moves(EQ.at(gain_db=-2.5000001), LEVEL, LIMIT), "match_eq/bell_1: gain_db −2.5 → −2.5000001"),
        (with_moves(replace(EQ, verdict=Verdict.DROP), LEVEL, LIMIT), "match_eq/bell_1: dropped by you"),
        (with_moves(replace(EQ, locked=True), LEVEL, LIMIT), "match_eq/bell_1: locked"),
        (with_moves(replace(EQ, note="too\nthin"), LEVEL, LIMIT), "match_eq/bell_1: note “too\\nthin”"),
        (with_moves(LEVEL, LIMIT), "match_eq/bell_1: no longer made"),
        (with_moves(LEVEL, EQ, LIMIT), "the order of the moves"),
        (
            with_moves(EQ, blank_of("match_width/side", 2).at(side_gain_db=2.0), LEVEL, LIMIT),
            "match_width/side: made, side_gain_db +2.00 dB",
        ),
        (session_of(request=Request(25.0)), "amount_pct: 50 % → 25 %"),
        (session_of(request=Request(loudness_lufs=-14.0)), "loudness_lufs: left open → −14 LUFS"),
        (session_of(request=Request(only=(Stage.TONE, Stage.LEVEL))), "only: all → tone, level"),
        (session_of(request=Request(phase=Phase.LINEAR)), "phase: minimum → linear"),
        (session_of(request=Request(max_bands=3)), "max_bands: left open → 3"),
        (session_of(delivery=Delivery("FLAC", "PCM_16", 16)), "format: WAV PCM_24 → FLAC PCM_16"),
        (session_of(delivery=Delivery(dither_seed=7)), "dither_seed: 0 → 7"),
        (session_of(references=()), "reference: reference.wav → none"),
        (session_of(target=Input("/music/new mix.wav", "c" * 64)), "target: target.wav → new mix.wav"),
    ],
)
def test_a_change_is_said_in_words_and_values(now, words):
    assert said(now) == (words,)


def test_a_file_that_only_moved_is_no_change():
    moved = session_of(target=Input("/elsewhere/mix.wav", "a" * 64))
    assert rendered(moved, FIRST).revisions == FIRST.revisions


def test_nothing_new_is_no_revision():
    assert rendered(session_of(), FIRST, flags=("--lock match_eq",), by_hand=True).revisions == FIRST.revisions


@pytest.mark.parametrize(
    ("how", "by"),
    [
        ({}, ("refmaster",)),
        ({"flags": ("--drop match_eq",)}, ("flags",)),
        ({"by_hand": True}, ("file",)),
        ({"flags": ("--drop match_eq",), "by_hand": True}, ("file", "flags")),
    ],
)
def test_who_changed_it_is_told(how, by):
    now = with_moves(replace(EQ, verdict=Verdict.DROP), LEVEL, LIMIT)
    assert rendered(now, FIRST, **how).revisions[-1].by == by


def test_how_a_state_came_about_stands_first():
    now = with_moves(EQ, LEVEL)
    assert said(now, how="back to revision 7") == ("back to revision 7", "limit_peaks: no longer made")


def test_a_revision_leads_back_to_all_that_decides_the_sound():
    now = rendered(session_of((EQ.at(gain_db=1.0),), delivery=Delivery("FLAC", "PCM_16", 16)), FIRST)
    back = history.at_revision(now, 1)
    assert (back.plan, back.delivery, back.seal) == (FIRST.plan, FIRST.delivery, FIRST.seal)
    assert back.revisions == now.revisions


def test_a_revision_finds_its_files_where_they_are_now():
    now = replace(FIRST, target=Input("/elsewhere/mix.wav", "a" * 64), references=(Input("/new/r.wav", "b" * 64),))
    back = history.at_revision(now, 1)
    assert (back.target, back.references) == (now.target, now.references)


@pytest.mark.parametrize(("session", "known"), [(FIRST, "known: 1"), (session_of(), "it has none yet")])
def test_an_unknown_revision_is_refused(session, known):
    with pytest.raises(BadSetting, match=f"no revision 9; {known}"):
        history.at_revision(session, 9)


def meant(move, then=EQ):
    """A move of the file, as it is meant, where it was last rendered as `then`."""
    session = rendered(with_moves(then, LEVEL, LIMIT))
    session, edits = history.heeded(replace(session, plan=with_moves(move, LEVEL, LIMIT).plan))
    return session.plan.moves[0], edits


def test_a_value_that_was_written_over_is_an_override():
    move, edits = meant(EQ.at(gain_db=1.0))
    assert (move.verdict, move["gain_db"]) == (Verdict.OVERRIDE, 1.0)
    assert dict(move.proposed) == EQ.values
    assert edits == ("match_eq/bell_1: set by you, gain_db −2.50 dB → +1.00 dB",)


def test_what_was_proposed_first_stays_known():
    then = replace(EQ.at(gain_db=1.0), verdict=Verdict.OVERRIDE, proposed=tuple(EQ.values.items()))
    move, _ = meant(replace(then.at(gain_db=2.0), verdict=Verdict.KEEP), then)
    assert dict(move.proposed) == EQ.values


@pytest.mark.parametrize("verdict", [Verdict.OVERRIDE, Verdict.DROP])
def test_keep_is_what_was_proposed(verdict):
    then = replace(EQ.at(gain_db=1.0), verdict=verdict, proposed=tuple(EQ.values.items()))
    move, _ = meant(replace(then, verdict=Verdict.KEEP), then)
    assert (move.values, move.proposed, move.verdict) == (EQ.values, (), Verdict.KEEP)


def test_a_dropped_value_is_no_override():
    move, edits = meant(replace(EQ.at(gain_db=1.0), verdict=Verdict.DROP))
    assert move.verdict is Verdict.DROP
    assert edits[0].startswith("match_eq/bell_1: dropped by you")


def test_an_untouched_file_has_no_edits():
    assert history.heeded(FIRST) == (FIRST, ())
    assert history.heeded(session_of()) == (session_of(), ())


def test_only_another_request_asks_anew():
    assert not history.asks_anew(FIRST)
    assert not history.asks_anew(replace(FIRST, request=Request(phase=Phase.LINEAR)))
    assert history.asks_anew(replace(FIRST, request=Request(loudness_lufs=-14.0)))


def test_a_session_without_a_history_begins_with_what_it_was():
    old = replace(session_of(), schema=1, version="0.0.9")
    past = rendered(with_moves(EQ, LEVEL), old, flags=("--drop limit_peaks",)).revisions
    assert [(one.number, one.version) for one in past] == [(1, "0.0.9"), (2, "0.1.0")]
    edited = replace(old, seal="0" * 16)  # what it was is not known
    assert len(rendered(with_moves(EQ, LEVEL), edited).revisions) == 1
