"""The account of a session: every move's what, why, how much, effect, cost, choice and way back, with no audio at hand.

    account_of(session, path) ─┬ cli          on a terminal
                               ├ markdown     for a letter to whoever the music belongs to
                               └ data         for a program

All is made from the numbers that the session holds; an older one that holds fewer says what it cannot tell.
"""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from refmaster import explain
from refmaster.account.advice import cost_of, instead_of
from refmaster.account.evidence import taken_of, why_of
from refmaster.history import heeded
from refmaster.names import OWN_ENGINE, shown
from refmaster.records import Effect, Move, Reading, Session, Verdict
from refmaster.report.table import check_rows
from refmaster.writing import difference, label, pair, yardstick

__all__ = ["Account", "MoveAccount", "account_of"]

NOT_YET = "not yet, it was changed in the file since the master was rendered"
TOO_OLD = "An older refmaster wrote this session, without effects, checks and assumptions; render it once to have them."


@dataclass(frozen=True)
class MoveAccount:
    """What is to be said of one move; what does not apply is empty.

    `instead` are flags and what each would do; `undo` the flag that takes the move, or a decision about it, back.
    """

    move: Move
    text: str
    why: tuple[str, ...]
    taken: str
    effect: Effect | None
    measured: str
    cost: str
    instead: tuple[tuple[str, str], ...]
    undo: str

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """All but the first sentence, each under its name; what does not apply is left out."""
        instead = "; ".join(f"{flag} ({meaning})" for flag, meaning in self.instead)
        told = (
            *(("why", text) for text in self.why),
            ("taken", self.taken),
            ("measured", self.measured),
            ("cost", self.cost),
            ("instead", instead),
            ("undo", self.undo),
        )
        return tuple((name, text) for name, text in told if text)


@dataclass(frozen=True)
class Account:
    """What is to be said of a session.

    `edits` were made in the file since it was rendered; `missing` is what is not known; `command` renders it again,
    and is empty where another engine made it.
    """

    path: str
    session: Session
    verdict: str
    reference: str
    columns: tuple[tuple[str, Reading], ...]
    moves: tuple[MoveAccount, ...]
    edits: tuple[str, ...]
    missing: str
    command: str

    @property
    def notes(self) -> tuple[str, ...]:
        """One-line things to know about the files and the run."""
        return () if self.session.outcome is None else self.session.outcome.notes

    @property
    def ignored(self) -> tuple[str, ...]:
        """What the reference could not teach, and why."""
        return () if self.session.outcome is None else self.session.outcome.ignored

    @property
    def checks(self) -> tuple[str, ...]:
        """The promises about the master, each with whether it was kept."""
        found = () if self.session.outcome is None else check_rows(self.session.outcome.checks)
        return tuple(
            f"{row.label} {row.value} (allowed: {row.allowed}), {'passed' if row.passed else 'FAILED'}" for row in found
        )


def account_of(session: Session, path: Path) -> Account:
    """All that a session tells; `path` is where it stands, for the command that renders it."""
    meant, edits = heeded(session)
    outcome = session.outcome
    columns: tuple[tuple[str, Reading], ...] = ()
    if outcome is not None:
        found = (("target", outcome.target), ("reference", outcome.reference), ("master", outcome.master))
        columns = tuple((name, reading) for name, reading in found if reading is not None)
    return Account(
        path=str(path),
        session=meant,
        verdict=_verdict(meant),
        reference=_reference(meant),
        columns=columns,
        moves=_against(tuple(_of(meant, move) for move in meant.plan.moves)),
        edits=edits,
        missing="" if outcome is not None else TOO_OLD,
        command=f"refmaster render {shlex.quote(shown(path))} --force" if session.engine == OWN_ENGINE else "",
    )


def _verdict(session: Session) -> str:
    outcome = session.outcome
    if outcome is None:
        return explain.verdict_words("mastered", session.request, session.plan, (), rendered=True)
    if session.engine != OWN_ENGINE:
        failed = [explain.check_text(check) for check in outcome.checks if not check.passed]
        return f"Mastered, but a check failed: {'; '.join(failed)}." if failed else "Mastered; every check passed."
    return explain.verdict_words(outcome.status, session.request, session.plan, outcome.checks, rendered=True)


def _reference(session: Session) -> str:
    if session.outcome is not None:
        return session.outcome.taken
    if session.engine != OWN_ENGINE:
        return f"A second opinion by {session.engine}: the reference is matched in full, as it does."
    if not session.references:
        return "No reference was given."
    return f"The reference is {shown(Path(session.references[0].path).name)}."


def _of(session: Session, move: Move) -> MoveAccount:
    outcome = session.outcome
    stale = _changed_since(session, move)
    effect = dict(outcome.effects).get(move.id) if outcome is not None and move.active and not stale else None
    decided = move.locked or move.verdict is not Verdict.KEEP
    return MoveAccount(
        move=move,
        text=explain.text_of(move),
        why=why_of(move) if move.verdict is not Verdict.OVERRIDE else (),
        taken=taken_of(session, move),
        effect=effect,
        measured=NOT_YET if stale else "" if effect is None else _measured(effect),
        cost=cost_of(move, outcome) if move.active else "",
        instead=instead_of(move) if move.active else (),
        undo=f"--undo {move.id}" if decided else f"--drop {move.id}",
    )


def _against(moves: tuple[MoveAccount, ...]) -> tuple[MoveAccount, ...]:
    """The same, and behind the first level of a part of the spectrum, what it stands against."""
    first = next((one for one in moves if one.effect is not None and yardstick(one.effect.feature)), None)
    if first is None or first.effect is None:
        return moves
    told = replace(first, measured=f"{first.measured}, {yardstick(first.effect.feature)}")
    return tuple(told if one is first else one for one in moves)


def _changed_since(session: Session, move: Move) -> bool:
    """Whether a person set the move otherwise since the master was rendered."""
    if not session.revisions:
        return False
    then = next((one for one in session.revisions[-1].plan.moves if one.id == move.id), None)
    return move.active and (then is None or not then.active or then.values != move.values)


def _measured(effect: Effect) -> str:
    """An effect in words, with this move and without it."""
    change = difference(effect.feature, effect.after - effect.before)
    return f"{label(effect.feature)} {pair(effect.feature, effect.before, effect.after)} ({change})"
