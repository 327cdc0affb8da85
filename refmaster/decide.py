"""Decide: a person's word on each move, from flags or the session file, as one kind of record.

A decision outranks the engine. Later ones outrank earlier ones for the same move.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import asdict, replace

from refmaster.errors import BadSetting
from refmaster.moves import blank_of, is_known, linear_mover_of, movers, unknown_move
from refmaster.names import shown
from refmaster.records import Decision, Move, Param, Phase, Request, Stage, Verdict, Weights
from refmaster.units import unit_of

_HOW = "write --set ID.param=value, like match_loudness.gain_db=2.5"
_VALUE = re.compile(  # 2.5, -15e-1, +3 dB, nan (which is refused by the range, so that it is told like 1e9)
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?(?:nan|inf(?:inity)?))\s*(?P<unit>.*)",
    re.IGNORECASE,
)


def parse_decisions(
    drops: Iterable[str] = (),
    sets: Iterable[str] = (),
    locks: Iterable[str] = (),
    undos: Iterable[str] = (),
    *,
    many: bool = False,
) -> tuple[Decision, ...]:
    """Decisions of `--undo ID`, `--drop ID`, `--set ID.param=value` and `--lock ID`, in this order.

    BadSetting says how they are written. Whatever can be told without hearing a track is refused here: an id or a
    parameter that no mover knows, another unit than the parameter's, a value out of its range. Decided for `many`
    tracks, a lock or a drop asks nothing of one that has no such move.
    """
    found = [Decision(one.strip(), Verdict.KEEP) for one in undos]
    found += [Decision(one.strip(), Verdict.DROP, if_there=many) for one in drops]
    found += [_setting(one) for one in sets]
    found += [Decision(one.strip(), Verdict.KEEP, locked=True, if_there=many) for one in locks]
    for decision in found:
        if decision.move not in movers() and not is_known(decision.move):
            raise BadSetting(unknown_move(decision.move, ()))
    _refuse_contradiction(found)
    _refuse_twice(found)
    return tuple(found)


def refuse_second_word(decisions: Iterable[Decision], loudness_lufs: float | None, ceiling_dbtp: float) -> None:
    """Refuse a goal beside a decision about the very number that would reach it: one of the two would be lost."""
    for one in decisions:
        values, dropped = dict(one.values), one.verdict is Verdict.DROP
        said = f"--drop {one.move}" if dropped else f"--set {', '.join(f'{one.move}.{name}' for name in values)}"
        if one.move == "match_loudness" and loudness_lufs is not None and (dropped or values):
            raise BadSetting(f"--loudness {loudness_lufs:g} and {said} cannot both hold; say one of them")
        own = values.get("ceiling_dbtp", ceiling_dbtp)
        if one.move == "limit_peaks" and own != ceiling_dbtp != Request.ceiling_dbtp:
            raise BadSetting(f"--ceiling {ceiling_dbtp:g} and {said} cannot both hold; say one of them")


def _refuse_contradiction(decisions: Iterable[Decision]) -> None:
    """Refuse what cannot hold at once: a move that is dropped, and set or held, by its own name or with its kind.

    To drop a kind and set one move of it is no contradiction: that one is the person's own.
    """
    dropped = {one.move for one in decisions if one.verdict is Verdict.DROP}
    for one in decisions:
        gone = {one.move} if one.values else {one.move, one.move.partition("/")[0]}
        if one.verdict is not Verdict.DROP and (one.values or one.locked) and (found := sorted(gone & dropped)):
            what = "--set" if one.values else "--lock"
            raise BadSetting(f"--drop {found[0]} and {what} {one.move} cannot both hold; say one of them")


def _refuse_twice(decisions: Iterable[Decision]) -> None:
    """Refuse two values for one parameter: one of them would be lost."""
    said: dict[str, float] = {}
    for name, value in ((f"{one.move}.{name}", value) for one in decisions for name, value in one.values):
        if said.setdefault(name, value) != value:
            raise BadSetting(
                f"--set {name}={said[name]:g} and --set {name}={value:g} cannot both hold; say one of them"
            )


def not_there(decisions: Iterable[Decision], moves: Iterable[Move]) -> tuple[str, ...]:
    """A line for each lock, or drop of a numbered band, of which this track has no move: of a kind, or for many."""
    ids = {name for move in moves for name in (move.id, move.mover)}
    told = (one for one in decisions if one.if_there or "/" not in one.move)  # all others were refused
    missing = (one for one in told if one.move not in ids and _needs_one(one))
    return tuple(f"{one.move} was not proposed here, so there was nothing to {_what(one)}" for one in missing)


def parse_reference(text: str) -> tuple[str, Weights]:
    """A reference as it is written on the command line: a file, and what it counts for: "a.wav:tone=1,dynamics=0.3".

    BadSetting names an aspect that is not known, or a weight that is no number from 0 to 10.
    """
    file, weights = parted(text)
    return file, weights_of(weights, text)


def parted(text: str) -> tuple[str, str]:
    """A reference's file, and what it counts for as it was written: "a.wav:tone=1" is "a.wav" and "tone=1".

    A colon within a folder's name, or within a URL, parts nothing.
    """
    file, _, weights = text.rpartition(":")
    if not file or "=" not in weights or "/" in weights or os.sep in weights:
        return text, ""
    return file, weights


def weights_of(behind: str, text: str) -> Weights:
    """What stands behind a reference's colon, "tone=1,dynamics=0.3", or nothing; BadSetting names the whole `text`."""
    known, values = tuple(Weights.__dataclass_fields__), {}
    for part in behind.split(",") if behind else ():
        name, _, number = (word.strip() for word in part.partition("="))
        if name not in known:
            raise BadSetting(f"--ref {shown(text)}: {name!r} is no aspect; allowed: {', '.join(known)}")
        if name in values:
            raise BadSetting(f"--ref {shown(text)}: {name} was given twice; say one weight for it")
        try:
            values[name] = float(number)
        except ValueError:
            raise BadSetting(f"--ref {shown(text)}: {number!r} is no weight; allowed: 0 to 10") from None
    return checked_weights(Weights(**values), text)


def checked_weights(weights: Weights, text: str) -> Weights:
    """The same; BadSetting where one is no number from 0 to 10, with the reference as it was written."""
    for name, value in asdict(weights).items():
        if not 0 <= value <= 10:  # false for NaN too
            raise BadSetting(f"--ref {shown(text)}: {name}={value:g} is out of range; allowed: 0 to 10")
    return weights


def parse_stages(only: str | None) -> tuple[Stage, ...]:
    """The stages of `--only tone,level`; BadSetting names those that are known."""
    if only is None:
        return ()
    known = {stage.name.lower(): stage for stage in Stage if stage is not Stage.CEILING}  # which is always held
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
        if not ids and _needs_one(decision):
            if "/" not in decision.move or decision.if_there:  # of a whole kind, or one that this track need not have
                continue
            raise BadSetting(_nothing_to(decision, tuple(moves)))
        if not ids and ("/" in decision.move or not movers()[mover].PARTS):
            # Not proposed here: what a person sets is made, what a person drops is remembered; a misspelt id is told.
            moves[decision.move] = blank_of(decision.move, channels)
            ids = [decision.move]
        elif not ids and decision.verdict is Verdict.OVERRIDE:
            raise BadSetting(unknown_move(decision.move, tuple(moves), decision.values[0][0]))
        for i in ids:
            moves[i] = _after(moves[i], decision)
            if _takes_back(decision) and not moves[i].because and moves[i] == moves[i].at_rest():
                del moves[i]  # it was only ever a person's
    return tuple(moves.values())


def _needs_one(decision: Decision) -> bool:
    """Whether it says nothing without a proposed move: a lock holds it; of a numbered band nobody drops a next one."""
    if decision.values:
        return False
    if decision.verdict is Verdict.KEEP:
        return decision.locked
    return decision.verdict is Verdict.DROP and decision.move.rpartition("_")[2].isdigit()


def _what(decision: Decision) -> str:
    return "lock" if decision.locked else "drop"


def _nothing_to(decision: Decision, present: tuple[str, ...]) -> str:
    known = f"proposed are: {', '.join(present)}" if present else "nothing of its kind is proposed"
    more = "; --set makes it yours" if decision.locked else ""
    return f"{decision.move} was not proposed, so there is nothing to {_what(decision)}; {known}{more}"


def decisions_of(moves: Iterable[Move]) -> tuple[Decision, ...]:
    """What was decided about moves that were kept in a session; a locked move holds its values."""
    return tuple(
        Decision(move.id, move.verdict, tuple(move.values.items()), move.note, move.locked)
        for move in moves
        if move.locked or move.verdict is not Verdict.KEEP
    )


def _takes_back(decision: Decision) -> bool:
    """Whether it undoes what was decided before: it wants the move kept, and neither holds it nor sets a value."""
    return decision.verdict is Verdict.KEEP and not decision.locked and not decision.values


def _after(move: Move, decision: Decision) -> Move:
    locked = move.locked or decision.locked
    note = decision.note or move.note
    if _takes_back(decision):
        return replace(move.at(**dict(move.proposed)), verdict=Verdict.KEEP, locked=False, note=note, proposed=())
    if decision.verdict is Verdict.DROP:
        return replace(move, verdict=Verdict.DROP, locked=locked, note=note)
    changed = move.at(**dict(decision.values))
    before = move.proposed or tuple(move.values.items())
    if decision.verdict is Verdict.KEEP:  # held as it is; where the engine would now have it otherwise, that is told
        before = move.proposed if changed.values == move.values else before
        return replace(changed, locked=locked, note=note, proposed=before)
    return replace(changed, verdict=Verdict.OVERRIDE, locked=locked, note=note, proposed=before)


def _setting(text: str) -> Decision:
    """What one `--set ID.param=value` decides."""
    where, equals, value = text.partition("=")
    move, dot, name = where.strip().rpartition(".")
    if not (equals and dot and move and name):
        raise BadSetting(f"--set {text!r} is not understood; {_HOW}")
    if move not in movers() and not is_known(move):
        raise BadSetting(unknown_move(move, (), name))
    param = _param_of(move, name)
    try:
        number = _number(value, param)
        param.at(number)
    except BadSetting as error:
        raise BadSetting(f"{move}.{error}") from error
    return Decision(move, Verdict.OVERRIDE, ((name, number),))


def _number(text: str, param: Param) -> float:
    """A parameter's value as a person writes it, bare or with the parameter's own unit."""
    read = _VALUE.fullmatch(text.replace("−", "-").strip())
    if read is None:
        raise BadSetting(f"{param.name}={text.strip()!r} is no number; allowed: {param.range}; {_HOW}")
    number, unit, own = float(read["number"]), read["unit"], unit_of(param.name) or ""
    if unit.casefold() == "khz" and own == "Hz":
        return round(number * 1000.0, 6)
    if unit and unit.casefold() != own.casefold():
        takes = f"is in {own}" if own else "is a bare number"
        raise BadSetting(f"{param.name} {takes}, not in {unit!r}; allowed: {param.range}")
    return number


def _param_of(move_id: str, name: str) -> Param:
    """A parameter as a mover's blank has it: of one move, or of any of a kind; in stereo or in mono."""
    parts = movers()[move_id.partition("/")[0]].PARTS
    ids = [f"{move_id}/{part.replace('*', '1')}" for part in parts] if parts and "/" not in move_id else [move_id]
    blanks = [blank_of(one, channels) for one in ids for channels in (2, 1)]
    return next((p for blank in blanks for p in blank.params if p.name == name), None) or blanks[0].param(name)
