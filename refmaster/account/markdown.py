"""The account of a session as Markdown: for a letter to whoever the music belongs to."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from refmaster.account import Account, MoveAccount
from refmaster.explain import left_alone
from refmaster.names import shown
from refmaster.records import Reading, Verdict
from refmaster.report.table import ROWS as TABLE_ROWS
from refmaster.writing import label, said, says_little

ROWS = tuple(name for name in TABLE_ROWS if name != "width_db")  # of a session, its width is not kept
_MARKS = re.compile(r"([\\`*_\[\]<>|#~])")  # what Markdown, or HTML in it, would take for more than a letter
_WORDS = {Verdict.KEEP: "", Verdict.OVERRIDE: ", set by you", Verdict.DROP: ", dropped by you"}


def as_markdown(account: Account) -> str:
    """The whole account; every word of a person or of a file's name is only text in it."""
    return "\n".join(_blocks(account)) + "\n"


def _blocks(account: Account) -> Iterator[str]:
    plan = account.session.plan
    yield f"# {_text(shown(Path(account.session.target.path).name))}\n"
    yield f"**{_text(account.verdict)}** {_text(account.reference)}\n"
    if account.missing:
        yield f"{_text(account.missing)}\n"
    yield from _list("Changed in the file since it was rendered", account.edits)
    if account.columns:
        yield from _table(account.columns)
    if account.moves:
        yield "## What was done\n"
    for number, one in enumerate(account.moves, start=1):
        yield from _move(number, one)
    yield from _list("Not reached", [one.text for one in plan.not_reached])
    yield from _list("Left alone", [one.text for one in left_alone(plan, everything=False)])
    yield from _list("Assumed", [f"{one.question} {one.assumed}" for one in plan.assumptions])
    yield from _list("Ignored", account.ignored)
    yield from _list("Notes", account.notes)
    yield from _list("Checks", account.checks)
    if account.command:
        yield f"To undo or change: `{account.command}`, with the flag behind it."
    yield f"\n*refmaster {_text(account.session.version)}*"


def _table(columns: Sequence[tuple[str, Reading]]) -> Iterator[str]:
    yield f"| | {' | '.join(name for name, _ in columns)} |"
    yield f"|---|{'---:|' * len(columns)}"
    for name in ROWS:
        cells = [_cell(name, reading) for _, reading in columns]
        yield f"| {label(name)} | {' | '.join(cells)} |"
    yield ""


def _cell(name: str, reading: Reading) -> str:
    value = getattr(reading, name)
    return said(name, value) + (" (short)" if value is not None and says_little(name, reading.duration_s) else "")


def _move(number: int, one: MoveAccount) -> Iterator[str]:
    locked = ", locked" if one.move.locked else ""
    yield f"{number}. `{one.move.id}`{_WORDS[one.move.verdict]}{locked}: {_text(one.text)}"
    for name, text in one.lines:
        flagged = name in ("instead", "undo")
        yield f"   - *{name}*: {_flags(text) if flagged else _text(text)}"
    yield ""


def _list(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"## {title}\n"
        yield from (f"- {_text(line)}" for line in lines)
        yield ""


def _flags(text: str) -> str:
    """A line of flags, each with what it does in brackets behind it; a flag is code."""
    return "; ".join(_flag(part) for part in text.split("; "))


def _flag(part: str) -> str:
    flag, bracket, meaning = part.partition(" (")
    return f"`{flag}`{bracket}{_text(meaning)}"


def _text(text: str) -> str:
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
