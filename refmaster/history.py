"""History: who changed what from one render to the next, and the way back.

A session keeps every state that was rendered and differed from the one before. Nothing new, nothing kept; and no date,
so that the same steps give the same file.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from refmaster.errors import BadSetting
from refmaster.names import shown
from refmaster.records import Author, Delivery, Input, Move, Param, Plan, Request, Revision, Session, Verdict
from refmaster.session import seal_of
from refmaster.units import unit_of, written
from refmaster.writing import counted


def continued(
    before: Session | None,
    now: Session,
    *,
    flags: tuple[str, ...] = (),
    by_hand: bool = False,
    how: str = "",
) -> tuple[Revision, ...]:
    """The history of a session that was just rendered: what it was before, and what is new now, if anything is.

    `flags` are the decisions on the command line as they are written, `by_hand` says that the file itself was edited,
    `how` how the new state came about, where that is more than what changed.
    """
    past = () if before is None else _past(before)
    entry = _entry(now, number=len(past) + 1, flags=flags)
    if not past:
        by: tuple[Author, ...] = ("refmaster", "flags") if flags else ("refmaster",)
        return (replace(entry, by=by, said=(_first(now.plan), *_decisions(now.plan))),)
    said = changes(past[-1], entry)
    if not said:
        return past
    authors: tuple[Author, ...] = (*(("file",) if by_hand else ()), *(("flags",) if flags else ()))
    return (*past, replace(entry, by=authors or ("refmaster",), said=(*((how,) if how else ()), *said)))


def at_revision(session: Session, number: int) -> Session:
    """The session as it was at a revision; its history stays whole. BadSetting names those that exist."""
    known = len(session.revisions)
    if not 1 <= number <= known:
        has = "it has none yet: render it once" if not known else f"known: 1{f' to {known}' if known > 1 else ''}"
        raise BadSetting(f"no revision {number}; {has}")
    then = session.revisions[number - 1]
    return replace(
        session,
        target=_where_now(then.target, (session.target,)),
        references=tuple(_where_now(one, session.references) for one in then.references),
        request=then.request,
        plan=then.plan,
        delivery=then.delivery,
        seal=seal_of(then.plan.moves, then.delivery),
    )


def heeded(session: Session) -> tuple[Session, tuple[str, ...]]:
    """The session with what a person wrote into the file taken at its word, and that in words.

    A value that differs from the one that was rendered is an override, whatever verdict still stands beside it.
    """
    if not session.revisions:
        return session, ()
    last = session.revisions[-1]
    then = {move.id: move for move in last.plan.moves}
    moves = tuple(_meant(move, then.get(move.id)) for move in session.plan.moves)
    session = replace(session, plan=replace(session.plan, moves=moves))
    return session, tuple(changes(last, _entry(session, number=last.number + 1)))


def asks_anew(session: Session) -> bool:
    """Whether a person changed in the file what was asked for: then loudness and ceiling are found anew."""
    if not session.revisions:
        return False
    then, now = session.revisions[-1].request, session.request
    return replace(then, phase=now.phase) != now


def as_json(session: Session, edits: tuple[str, ...]) -> str:
    """The history as one JSON document; `edits` are not rendered yet."""
    revisions = [
        {
            "number": one.number,
            "version": one.version,
            "by": list(one.by),
            "flags": list(one.flags),
            "said": list(one.said),
            "integrated_lufs": one.integrated_lufs,
            "true_peak_dbtp": one.true_peak_dbtp,
            "goal_lufs": one.plan.goal_lufs,
            "moves": [
                {"id": move.id, "verdict": move.verdict.value, "locked": move.locked, "params": move.values}
                for move in one.plan.moves
            ],
        }
        for one in session.revisions
    ]
    return json.dumps({"revisions": revisions, "edits": list(edits)}, ensure_ascii=False, indent=1, allow_nan=False)


def changes(before: Revision, after: Revision) -> tuple[str, ...]:
    """What differs between two states, in words; empty where both make the same bytes and say the same."""
    return (
        *_inputs(before, after),
        *_requests(before.request, after.request),
        *_moves(before.plan.moves, after.plan.moves),
        *_goals(before.plan, after.plan),
        *_deliveries(before.delivery, after.delivery),
    )


def _past(before: Session) -> tuple[Revision, ...]:
    """The history so far; where an older version kept none, the state that it rendered is the first."""
    if before.revisions or seal_of(before.plan.moves, before.delivery) != before.seal:
        return before.revisions
    entry = replace(_entry(before, number=1), version=before.version)
    return (replace(entry, by=("refmaster",), said=(_first(before.plan), *_decisions(before.plan))),)


def _entry(session: Session, *, number: int, flags: tuple[str, ...] = ()) -> Revision:
    master = None if session.outcome is None else session.outcome.master
    return Revision(
        number=number,
        version=session.version,
        by=(),
        flags=flags,
        said=(),
        target=session.target,
        references=session.references,
        request=session.request,
        plan=session.plan,
        delivery=session.delivery,
        integrated_lufs=None if master is None else master.integrated_lufs,
        true_peak_dbtp=None if master is None else master.true_peak_dbtp,
    )


def _where_now(then: Input, now: Iterable[Input]) -> Input:
    """The same file where it was last found: it may have moved since."""
    return next((one for one in now if one.sha256 == then.sha256), then)


def _meant(move: Move, then: Move | None) -> Move:
    """A move as a person meant it: who writes another value sets it, who writes "keep" wants what was proposed."""
    if then is None or move.verdict is not Verdict.KEEP:
        return move
    if move.values != then.values:
        return replace(move, verdict=Verdict.OVERRIDE, proposed=then.proposed or tuple(then.values.items()))
    if then.verdict is not Verdict.KEEP and move.proposed:
        return replace(move.at(**dict(move.proposed)), proposed=())
    return move


# In words


def _first(plan: Plan) -> str:
    return f"first master: {counted(len(plan.active), 'move')}"


def _decisions(plan: Plan) -> tuple[str, ...]:
    """What a person had decided already when a session began."""
    return tuple(f"{move.id}: {', '.join(words)}" for move in plan.moves if (words := list(_standing(move))))


def _standing(move: Move) -> Iterator[str]:
    if move.verdict is Verdict.OVERRIDE:
        before = dict(move.proposed)
        yield "set by you" + "".join(f", {p.name} {p}" for p in move.params if before.get(p.name) != p.value)
    if move.verdict is Verdict.DROP:
        yield "dropped by you"
    if move.locked:
        yield "locked"


def _inputs(before: Revision, after: Revision) -> Iterator[str]:
    for role, then, now in (
        ("target", (before.target,), (after.target,)),
        ("reference", before.references, after.references),
    ):
        if [one.sha256 for one in then] != [one.sha256 for one in now]:
            yield f"{role}: {_names(then)} → {_names(now)}"


def _names(inputs: Iterable[Input]) -> str:
    return ", ".join(shown(one.path.replace("\\", "/").rpartition("/")[2]) for one in inputs) or "none"


def _requests(before: Request, after: Request) -> Iterator[str]:
    for name in Request.__dataclass_fields__:
        then, now = getattr(before, name), getattr(after, name)
        if then != now:
            yield f"{name}: {_asked(name, then)} → {_asked(name, now)}"


def _asked(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(stage.name.lower() for stage in value) or "all"
    if value is None:
        return "left open"
    if isinstance(value, float):
        return f"{value:g} {unit_of(name) or ''}".rstrip().replace("-", "−")
    return str(getattr(value, "value", value))


def _moves(before: tuple[Move, ...], after: tuple[Move, ...]) -> Iterator[str]:
    then, now = ({move.id: move for move in moves} for moves in (before, after))
    for i, move in now.items():
        words = list(_changed(then[i], move)) if i in then else [_made(move), *_standing(move)]
        if words:
            yield f"{i}: {', '.join(words)}"
    yield from (f"{i}: no longer made" for i in then if i not in now)
    if [i for i in then if i in now] != [i for i in now if i in then]:
        yield "the order of the moves"


def _made(move: Move) -> str:
    return "made, " + ", ".join(f"{p.name} {p}" for p in move.params)


def _changed(then: Move, now: Move) -> Iterator[str]:
    if then.verdict is not now.verdict:
        yield {
            Verdict.KEEP: "as proposed again",
            Verdict.OVERRIDE: "set by you",
            Verdict.DROP: "dropped by you",
        }[now.verdict]
    for param in now.params:
        old = then.values.get(param.name)
        if old is None or old != param.value:
            yield f"{param.name} {_apart(param, old)}"
    if then.locked != now.locked:
        yield "locked" if now.locked else "unlocked"
    if then.note != now.note:
        yield f"note “{shown(now.note)}”" if now.note else "note taken out"


def _apart(param: Param, old: float | None) -> str:
    """Two values, with all their digits where they would read the same."""
    then, now = written(param.name, old), str(param)
    return f"{then} → {now}" if then != now else f"{old!r} → {param.value!r}".replace("-", "−")


def _goals(before: Plan, after: Plan) -> Iterator[str]:
    """The goal, where it is not the same to a tenth of what a loudness is checked to."""
    then, now = before.goal_lufs, after.goal_lufs
    if (then is None) != (now is None) or (then is not None and now is not None and abs(then - now) >= 0.01):
        yield f"goal: {_goal(then)} → {_goal(now)}"


def _goal(value: float | None) -> str:
    return "none, the gain is yours" if value is None else written("goal_lufs", value)


def _deliveries(before: Delivery, after: Delivery) -> Iterator[str]:
    if before != after:
        then, now = ((f"{one.container} {one.subtype}", one) for one in (before, after))
        if then[0] != now[0]:
            yield f"format: {then[0]} → {now[0]}"
        for name in ("dither_seed", "dithered"):
            if getattr(before, name) != getattr(after, name):
                yield f"{name}: {getattr(before, name)} → {getattr(after, name)}".lower()
