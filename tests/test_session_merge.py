"""A session written over its own text: values are the new ones, a person's words and order stay."""

import random
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from refmaster import session as sessions
from refmaster.records import NotReached, Outcome, Plan, Reading, Request, Verdict
from refmaster.session_merge import merged
from refmaster.session_text import reason, written
from tests.test_session import EQ, LEVEL, LIMIT, session_of

FOLDER = Path("/music")
READING = Reading(40.0, -14.0, -1.0, -12.0, 3.0, 13.0, 9.0, 12.0, 0.9, -4.0)
OUTCOME = Outcome("mastered", READING, None, READING, "any", 500, None, None, "No reference.", (), (), (), None, ())
SESSION = session_of()
TEXT = written(SESSION, FOLDER)


def again(mine: str, now=SESSION, before=SESSION) -> str:
    """The text over which a session is written, whose comments are those of another."""
    same = {move.id for move in before.plan.moves}
    return merged(mine, written(before, FOLDER), written(now, FOLDER), same)


def changed(*moves, **changes):
    return session_of(moves or SESSION.plan.moves, **changes)


MINE = (
    ("# A refmaster session", "# For Anna\n# A refmaster session"),
    ("gain_db = -2.5 # -24 to 24 dB; 0 does nothing", "# darker, the singer said\ngain_db = -2.5 # was -4"),
    ("[request]", "# what we asked for\n[request] # on Monday"),
    ("[[move]]\n# Turn up", "# the level\n[[move]]\n# Turn up"),
    ("[plan]", "\n[plan]"),
)


@pytest.fixture
def mine() -> str:
    """The session's text with a person's comments in many places, and one at the end."""
    text = TEXT
    for old, new in MINE:
        assert old in text
        text = text.replace(old, new, 1)
    return text + "# the last word\n"


def own_words(text: str) -> list[str]:
    return [line for line in text.splitlines() if "#" in line and line not in TEXT.splitlines()]


def test_nothing_new_changes_no_byte(mine):
    assert again(TEXT) == TEXT
    assert again(mine) == mine


@pytest.mark.parametrize(
    "now",
    [
        changed(EQ.at(gain_db=-1.0), LEVEL, LIMIT),
        changed(replace(EQ, verdict=Verdict.DROP, locked=True, note="no"), LEVEL),
        changed(EQ, replace(EQ, id="match_eq/bell_2"), LEVEL, LIMIT),
        changed(LEVEL, EQ, LIMIT),
        changed(replace(EQ, because=(), proposed=(("gain_db", -4.0),)), LEVEL, LIMIT),
        changed(request=Request(25.0, -14.0, max_bands=3)),
        changed(references=()),
        replace(SESSION, outcome=OUTCOME),
        replace(SESSION, plan=Plan(SESSION.plan.moves, not_reached=(NotReached("x", "1 LU short"),))),
    ],
    ids=["value", "verdict", "one more", "order", "table", "request", "reference", "outcome", "row"],
)
def test_the_values_are_the_new_ones_and_the_words_stay(now, mine):
    text = again(mine, now)
    assert tomllib.loads(text) == tomllib.loads(written(now, FOLDER))
    for line in own_words(mine):
        assert line.rpartition("#")[2] in text


def test_the_order_of_keys_and_tables_is_the_persons():
    lines = TEXT.splitlines(keepends=True)
    request = lines.index("[request]\n")
    plan = next(n for n, line in enumerate(lines) if line.startswith("[plan]"))
    turned = [*lines[:request], *lines[plan : plan + 4], *lines[request:plan], *lines[plan + 4 :]]
    mine = "".join(turned).replace("locked = false\nconfidence = 0.75", "confidence = 0.75\nlocked = false")
    assert tomllib.loads(mine) == tomllib.loads(TEXT)
    now = changed(EQ.at(gain_db=-1.0), LEVEL, LIMIT)
    text = again(mine, now)
    assert text.index("[plan]") < text.index("[request]")
    assert text.index("confidence = 0.75") < text.index("locked = false")
    assert tomllib.loads(text) == tomllib.loads(written(now, FOLDER))


def test_the_programs_own_words_say_what_is_true_now(mine):
    now = changed(EQ.at(gain_db=-1.0), LEVEL, LIMIT)
    text = again(mine, now)
    assert f"# {reason(EQ.at(gain_db=-1.0))}\n" in text
    assert reason(EQ) not in text


def test_words_of_an_older_version_are_known_by_their_likeness():
    older = TEXT.replace("compared like with like", "like compared with like").replace(
        reason(EQ), reason(EQ)[:-1] + "!"
    )
    text = again(older, changed(EQ.at(gain_db=-1.0), LEVEL, LIMIT))
    place = text.index("[[move]]")
    assert text[place : place + 400].count("\n# ") == 1


def test_a_reason_that_was_taken_out_stays_out():
    mine = TEXT.replace(f"# {reason(EQ)}\n", "")
    assert reason(EQ) not in again(mine)


def test_what_stood_at_a_place_that_is_gone_moves_to_the_end(mine):
    text = again(mine, changed(LEVEL, LIMIT))
    assert text.endswith("# the last word\n\n# darker, the singer said\n# was -4\n# the level\n")
    assert "match_eq" not in tomllib.loads(text)["move"][0]["id"]


def test_a_layout_that_cannot_be_followed_loses_no_word():
    """A move's table written as one line in braces, with a remark."""
    values = "[move.values]\ngain_db = 6.75 # -60 to 60 dB; 0 does nothing\n"
    assert values in TEXT
    mine = TEXT.replace(values, "").replace(
        'id = "match_loudness"', 'id = "match_loudness"\nvalues = {gain_db = 6.75} # loud'
    )
    assert tomllib.loads(mine) == tomllib.loads(TEXT)
    now = changed(EQ, LEVEL.at(gain_db=2.0), LIMIT)
    text = again(mine, now)
    assert tomllib.loads(text) == tomllib.loads(written(now, FOLDER))
    assert "# loud" in text


def regrouped(text: str, rng: random.Random) -> str:
    """The same session with its groups of tables, and the keys of each, in another order, and a remark in each."""
    head, *tables = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    groups: list[list[str]] = []
    for number, table in enumerate(tables):
        title, *lines = table.splitlines(keepends=True)
        rng.shuffle(lines)
        if "." in title.partition("]")[0]:
            groups[-1].append(f"{title}# remark {number}\n{''.join(lines)}")
        else:
            groups.append([f"{title}# remark {number}\n{''.join(lines)}"])
    rng.shuffle(groups)
    return head + "".join(table for group in groups for table in group)


@pytest.mark.parametrize("seed", range(12))
def test_any_order_of_tables_and_keys_can_be_written_over(seed):
    mine = regrouped(TEXT, random.Random(seed))
    whole = replace(SESSION, outcome=OUTCOME, request=Request(25.0, -14.0))
    for now in (changed(EQ.at(gain_db=-1.0), LIMIT), whole):
        text = again(mine, now)
        assert tomllib.loads(text) == tomllib.loads(written(now, FOLDER))
        assert set(re.findall(r"# remark \d+", text)) == set(re.findall(r"# remark \d+", mine))


def test_empty_lines_do_not_grow():
    low, high = changed(EQ, LEVEL), changed(EQ, LEVEL, LIMIT)
    text = TEXT
    for _ in range(4):
        text = again(again(text, low, high), high, low)
    assert len(text.splitlines()) <= len(TEXT.splitlines()) + 2
    assert "\n\n\n" not in text


def test_a_session_is_read_the_same_after_it(mine, tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(again(mine), encoding="utf-8")
    assert sessions.read(path).plan == SESSION.plan
