"""The session as TOML: what a person reads first stands first, comments carry the reasons, the history comes last."""

import math
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from refmaster.explain import text_of
from refmaster.names import shown
from refmaster.outputs import ending
from refmaster.records import (
    Effect,
    Gap,
    Input,
    Move,
    NotReached,
    Outcome,
    Param,
    Plan,
    Rejected,
    Request,
    Revision,
    Session,
)
from refmaster.units import unit_of

HEAD = (
    "A refmaster session: `refmaster render THIS_FILE -o NEW{ending}` makes the same master again, byte for byte.",
    "`--force` instead of `-o NEW{ending}` writes over the master that is there.",
    'To decide: set a move\'s verdict to "drop", or write other values; "keep" is what was proposed.',
    "locked = true holds a move's values whatever else changes. Your own comments stay where you write them.",
)


def written(session: Session, folder: Path) -> str:
    """The session as TOML; paths are relative to the folder it will stand in, where they can be."""
    import tomlkit

    doc = tomlkit.document()
    for line in HEAD:
        doc.add(tomlkit.comment(line.format(ending=ending(session.delivery))))
    doc.add("schema", tomlkit.item(session.schema))
    doc.add("version", tomlkit.item(session.version))
    doc.add("engine", tomlkit.item(session.engine))
    seal = tomlkit.item(session.seal)
    seal.comment("of the chain as it was rendered; where it no longer fits, loudness and ceiling are found anew")
    doc.add("seal", seal)
    doc.add("target", _table(_input(session.target, folder)))
    _add_rows(doc, "reference", [_input(one, folder) for one in session.references])
    doc.add("request", _request_table(session.request, folder))
    doc.add("delivery", _table(asdict(session.delivery)))
    doc.add("plan", _table(_goals(session.plan)).comment("what the master is checked against; ask under [request]"))
    effects = dict(session.outcome.effects) if session.outcome else {}
    if session.plan.moves:
        moves = tomlkit.aot()
        for move in session.plan.moves:
            moves.append(_move_table(move, effects.get(move.id)))
        doc.add("move", moves)
    _add_rows(doc, "left_alone", _told(session.plan.rejected))
    _add_rows(doc, "not_reached", _told(session.plan.not_reached))
    _add_rows(doc, "assumed", [asdict(one) for one in session.plan.assumptions])
    if session.outcome is not None:
        _add_rows(doc, "check", [_tidied(asdict(check)) for check in session.outcome.checks])
        doc.add("outcome", _outcome_table(session.outcome))
    if session.revisions:
        doc.add("revision", _revision_rows(session.revisions, folder))
    return tomlkit.dumps(doc)


def reason(move: Move) -> str:
    """The comment above a move: its explanation, on one line whatever a note holds."""
    return shown(" ".join(text_of(move).split()))


def _table(values: dict[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.table()
    for key, value in values.items():
        if value is not None:
            table.add(key, value)
    return table


def _add_rows(doc: Any, name: str, rows: list[dict[str, Any]]) -> None:
    import tomlkit

    if rows:
        array = tomlkit.aot()
        for row in rows:
            array.append(_table(row))
        doc.add(name, array)


def _input(one: Input, folder: Path) -> dict[str, Any]:
    try:
        path = os.path.relpath(Path(one.path).resolve(), folder.resolve())
    except ValueError:  # another drive
        path = one.path
    counted = {name: value for name, value in asdict(one.weights).items() if value != 1.0}
    return {"path": path, "sha256": one.sha256, **counted}


def _library(library: str, folder: Path) -> str:
    """A library's name, or its path from the session; there is a separator in that, so it is told from a name."""
    if not os.path.isabs(library):
        return library
    try:
        return os.path.join(os.curdir, os.path.relpath(library, folder.resolve()))
    except ValueError:  # another drive
        return library


def _request(request: Request, folder: Path) -> dict[str, Any]:
    return {
        "amount_pct": request.amount_pct,
        "loudness_lufs": request.loudness_lufs,
        "ceiling_dbtp": request.ceiling_dbtp,
        "only": [stage.name.lower() for stage in request.only],
        "max_bands": request.max_bands,
        "phase": request.phase.value,
        "same_song": request.same_song,
        "fresh": request.fresh or None,
        "genre": request.genre,
        "library": _library(request.library, folder) or None,
    }


def _request_table(request: Request, folder: Path) -> Any:
    table = _table(_request(request, folder))
    table["amount_pct"].comment("as asked for; another one needs a new plan: --amount N --keep-from THIS_FILE")
    table["genre"].comment('a genre\'s name; "auto" hears it in the reference, "none" knows nothing of it')
    table["phase"].comment('"linear" turns no phase, and rings ahead of hits; "minimum" is the usual')
    return table


def _goals(plan: Plan) -> dict[str, Any]:
    goal, asked = (None if value is None else round(value, 4) for value in (plan.goal_lufs, plan.asked_lufs))
    return {"goal_lufs": goal, "asked_lufs": asked, "ceiling_dbtp": plan.ceiling_dbtp}


def _told(rows: Iterable[Rejected | NotReached]) -> list[dict[str, Any]]:
    return [{"what": row.what, "text": row.text} for row in rows]


def _move_table(move: Move, effect: Effect | None) -> Any:
    import tomlkit

    table = tomlkit.table()
    table.add(tomlkit.comment(reason(move)))
    table.add("id", move.id)
    verdict = tomlkit.item(move.verdict.value)
    verdict.comment("keep, override or drop")
    table.add("verdict", verdict)
    table.add("locked", move.locked)
    if move.note:
        table.add("note", move.note)
    table.add("confidence", move.confidence)
    values = tomlkit.table()
    for param in move.params:
        value = tomlkit.item(float(param.value))
        value.comment(_range(param))
        values.add(param.name, value)
    table.add("values", values)
    if move.proposed:
        table.add("proposed", _table(dict(move.proposed)))
    if move.because:
        gaps = tomlkit.aot()
        for gap in move.because:
            gaps.append(_table(_gap(gap)))
        table.add("because", gaps)
    if effect is not None:
        table.add("effect", _table(_tidied(asdict(effect))))
    return table


def _gap(gap: Gap) -> dict[str, Any]:
    return _tidied({name: getattr(gap, name) for name in Gap.__dataclass_fields__})


def _tidied(values: dict[str, Any]) -> dict[str, Any]:
    """Four decimals are more than any meter is good for."""
    return {k: round(v, 4) if isinstance(v, float) and math.isfinite(v) else v for k, v in values.items()}


def _range(param: Param) -> str:
    unit = unit_of(param.name) or ""
    rest = "" if param.neutral is None else f"; {param.neutral:g} does nothing"
    return f"{param.low:g} to {param.high:g} {unit}".rstrip() + rest


def _outcome_table(outcome: Outcome) -> Any:
    import tomlkit

    table = tomlkit.table()
    table.add(tomlkit.comment("What was measured when this was last rendered; written anew each time."))
    table.add("status", outcome.status)
    table.add("taken", outcome.taken)
    if outcome.kinship is not None:
        table.add("kinship", round(outcome.kinship, 4))
    table.add("ignored", _lines(outcome.ignored))
    table.add("notes", _lines(outcome.notes))
    for name, reading in (("target", outcome.target), ("reference", outcome.reference), ("master", outcome.master)):
        if reading is not None:
            table.add(name, _table(_tidied(asdict(reading))))
    genre = {"name": outcome.genre, "n_tracks": outcome.genre_tracks, "share": outcome.genre_share}
    table.add("genre", _table(_tidied(genre)))
    if outcome.limiter is not None:
        table.add("limiter", _table(_tidied(asdict(outcome.limiter))))
    return table


# History: only what a revision changed, on few lines; it is looked up, not read through


def _revision_rows(revisions: tuple[Revision, ...], folder: Path) -> Any:
    import tomlkit

    rows = tomlkit.aot()
    before: dict[str, Any] = {}
    moves_before: dict[str, Any] = {}
    for revision in revisions:
        state = _state(revision, folder)
        moves = {move.id: _decided(move) for move in revision.plan.moves}
        row = tomlkit.table()
        if revision.number == 1:
            row.add(tomlkit.comment("How it came to be: one entry for each render that changed something."))
        row.add("number", revision.number)
        row.add("version", revision.version)
        row.add("by", list(revision.by))
        row.add("flags", list(revision.flags))
        row.add("said", _lines(revision.said))
        for name in ("integrated_lufs", "true_peak_dbtp"):
            if (value := getattr(revision, name)) is not None:
                row.add(name, round(value, 4))
        row.add("chain", list(moves))
        for name, value in state.items():
            if before.get(name) != value:
                row.add(name, _lines(value) if isinstance(value, list) else _inline(value))
        changed = {i: one for i, one in moves.items() if moves_before.get(i) != one}
        if changed:
            row.add("moves", _table({i: _inline(one) for i, one in changed.items()}))
        rows.append(row)
        before, moves_before = state, moves
    return rows


def _state(revision: Revision, folder: Path) -> dict[str, Any]:
    plan = revision.plan
    return {
        "target": _input(revision.target, folder),
        "reference": [_input(one, folder) for one in revision.references],
        "request": _request(revision.request, folder),
        "delivery": asdict(revision.delivery),
        "plan": _goals(plan),
        "left_alone": _told(plan.rejected),
        "not_reached": _told(plan.not_reached),
        "assumed": [asdict(one) for one in plan.assumptions],
    }


def _decided(move: Move) -> dict[str, Any]:
    return {
        "verdict": move.verdict.value,
        "locked": move.locked or None,
        "note": move.note or None,
        "confidence": move.confidence,
        "values": {p.name: float(p.value) for p in move.params},
        "proposed": dict(move.proposed) or None,
        "because": [_gap(gap) for gap in move.because] or None,
    }


def _inline(values: dict[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.inline_table()
    for key, value in values.items():
        if isinstance(value, dict):
            table.append(key, _inline(value))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            rows = tomlkit.array()
            rows.extend(_inline(row) for row in value)
            table.append(key, rows)
        elif value is not None:
            table.append(key, value)
    return table


def _lines(values: Iterable[Any]) -> Any:
    """An array with a row on each line."""
    import tomlkit

    array = tomlkit.array()
    for value in values:
        array.append(_inline(value) if isinstance(value, dict) else value)
    return array.multiline(len(array) > 0)
