"""Decide: a person's word on each move, from flags, the session file or a page, as one kind of record.

A decision outranks the engine. Later ones outrank earlier ones for the same move.
"""

from collections.abc import Iterable
from dataclasses import replace

from refmaster.errors import BadSetting
from refmaster.moves import blank_of, linear_mover_of, movers, unknown_move
from refmaster.records import Decision, Move, Phase, Stage, Verdict


def parse_decisions(
    drops: Iterable[str] = (), sets: Iterable[str] = (), locks: Iterable[str] = ()
) -> tuple[Decision, ...]:
    """Decisions of `--drop ID`, `--set ID.param=value` and `--lock ID`; BadSetting says how they are written."""
    found = [Decision(one.strip(), Verdict.DROP) for one in drops]
    for one in sets:
        where, equals, value = one.partition("=")
        move, dot, name = where.strip().rpartition(".")
        number = _number(value)
        if not (equals and dot and move and name) or number is None:
            raise BadSetting(
                f"--set {one!r} is not understood; write --set ID.param=value, like match_loudness.gain_db=2.5"
            )
        found.append(Decision(move, Verdict.OVERRIDE, ((name, number),)))
    found += [Decision(one.strip(), Verdict.KEEP, locked=True) for one in locks]
    for decision in found:
        if decision.move.partition("/")[0] not in movers():
            raise BadSetting(unknown_move(decision.move, ()))
    return tuple(found)


def parse_stages(only: str | None) -> tuple[Stage, ...]:
    """The stages of `--only tone,level`; BadSetting names those that are known."""
    if only is None:
        return ()
    known = {stage.name.lower(): stage for stage in Stage}
    names = [name.strip().lower() for name in only.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise BadSetting(f"--only knows no {', '.join(map(repr, unknown)) or repr(only)}; allowed: {', '.join(known)}")
    return tuple(known[name] for name in names)


def parse_phase(phase: str) -> Phase:
    """The phase of `--phase`; BadSetting names those that are known."""
    try:
        return Phase(phase.strip().lower())
    except ValueError as error:
        known = ", ".join(one.value for one in Phase)
        raise BadSetting(f"--phase knows no {phase!r}; allowed: {known}") from error


def in_phase(moves: Iterable[Move], phase: Phase) -> tuple[Move, ...]:
    """Moves in the phase that was asked for, where their mover can do both."""
    return tuple(move if linear_mover_of(move) is None else replace(move, phase=phase) for move in moves)


def decided(proposed: tuple[Move, ...], decisions: Iterable[Decision], mover: str, channels: int) -> tuple[Move, ...]:
    """One mover's moves after every decision about them; what a person sets is made where it was not proposed."""
    moves = {move.id: move for move in proposed}
    for decision in decisions:
        if decision.move.partition("/")[0] != mover:
            continue
        ids = [i for i in moves if i == decision.move or decision.move == mover]
        if not ids and ("/" in decision.move or not movers()[mover].PARTS):
            # Not proposed here: what a person sets is made, what a person drops is remembered; a misspelt id is told.
            moves[decision.move] = blank_of(decision.move, channels)
            ids = [decision.move]
        elif not ids and decision.verdict is Verdict.OVERRIDE:
            raise BadSetting(unknown_move(decision.move, tuple(moves)))
        for i in ids:
            moves[i] = _after(moves[i], decision)
    return tuple(moves.values())


def decisions_of(moves: Iterable[Move]) -> tuple[Decision, ...]:
    """What was decided about moves that were kept in a session; a locked move holds its values."""
    found = []
    for move in moves:
        if move.verdict is Verdict.OVERRIDE or move.locked:
            verdict = Verdict.OVERRIDE if move.verdict is not Verdict.DROP else Verdict.DROP
            found.append(Decision(move.id, verdict, tuple(move.values.items()), move.note, move.locked))
        elif move.verdict is Verdict.DROP:
            found.append(Decision(move.id, Verdict.DROP, (), move.note))
    return tuple(found)


def _after(move: Move, decision: Decision) -> Move:
    locked = move.locked or decision.locked
    note = decision.note or move.note
    if decision.verdict is Verdict.DROP:
        return replace(move, verdict=Verdict.DROP, locked=locked, note=note)
    if decision.verdict is Verdict.KEEP:
        return replace(move, locked=locked, note=note)
    try:
        changed = move.at(**dict(decision.values))
    except BadSetting as error:
        raise BadSetting(f"{move.id}: {error}" if move.id not in str(error) else str(error)) from error
    before = move.proposed or tuple(move.values.items())
    return replace(changed, verdict=Verdict.OVERRIDE, locked=locked, note=note, proposed=before)


def _number(text: str) -> float | None:
    try:
        return float(text.strip().replace("−", "-"))
    except ValueError:
        return None
