"""The session: a text file that a person can read and edit, and that makes the same bytes again.

Comments carry the reasons. What is read back is checked as what it is, something from outside: unknown keys, wrong
types, NaN and values out of range are refused in one line.
"""

import hashlib
import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refmaster.decide import in_phase
from refmaster.errors import BadSetting
from refmaster.explain import text_of
from refmaster.moves import blank_of
from refmaster.names import shown
from refmaster.records import (
    Delivery,
    Gap,
    Input,
    Move,
    NotReached,
    Param,
    Phase,
    Plan,
    Profile,
    Rejected,
    Request,
    Session,
    Stage,
    Verdict,
)
from refmaster.units import unit_of
from refmaster.version import __version__

if TYPE_CHECKING:
    from refmaster.session_schema import MoveModel

SCHEMA = 1
LARGEST_BYTES = 16 * 2**20


def seal_of(moves: tuple[Move, ...], delivery: Delivery) -> str:
    """A hash of all that decides the sound: active moves with their values, and how it is written."""
    chain = [[move.id, sorted(move.values.items()), *_unusual(move)] for move in moves if move.active]
    how = [delivery.container, delivery.subtype, delivery.bit_depth, delivery.dither_seed, delivery.dithered]
    return hashlib.sha256(json.dumps([chain, how]).encode()).hexdigest()[:16]


def _unusual(move: Move) -> list[str]:
    """The phase of a move that is not in minimum phase; seals from before there was a choice still fit."""
    return [] if move.phase is Phase.MINIMUM else [move.phase.value]


def written(session: Session, folder: Path) -> str:
    """The session as TOML; paths are relative to the folder it will stand in, where they can be."""
    import tomlkit

    doc = tomlkit.document()
    for line in (
        "A refmaster session: `refmaster render THIS_FILE` makes the same master again, byte for byte.",
        'To decide: set a move\'s verdict to "drop", or change its values and set the verdict to "override".',
        "locked = true holds a move's values whatever else changes.",
    ):
        doc.add(tomlkit.comment(line))
    doc.add("schema", tomlkit.item(session.schema))
    doc.add("version", tomlkit.item(session.version))
    doc.add("engine", tomlkit.item(session.engine))
    seal = tomlkit.item(session.seal)
    seal.comment("of the chain as it was rendered; where it no longer fits, loudness and ceiling are found anew")
    doc.add("seal", seal)
    doc.add("target", _input_table(session.target, folder))
    if session.references:
        references = tomlkit.aot()
        for one in session.references:
            references.append(_input_table(one, folder))
        doc.add("reference", references)
    doc.add("request", _request_table(session.request))
    doc.add("delivery", _delivery_table(session.delivery))
    doc.add("plan", _plan_table(session.plan))
    moves = tomlkit.aot()
    for move in session.plan.moves:
        moves.append(_move_table(move))
    if session.plan.moves:
        doc.add("move", moves)
    for name, rows in (("left_alone", session.plan.rejected), ("not_reached", session.plan.not_reached)):
        if rows:
            array = tomlkit.aot()
            for row in rows:
                array.append(_table({"what": row.what, "text": row.text}))
            doc.add(name, array)
    return tomlkit.dumps(doc)


def read(path: Path) -> Session:
    """A session from its file. BadSetting names the file and, where it can, the line and key that are wrong."""
    from pydantic import ValidationError
    from tomlkit.exceptions import ParseError

    from refmaster.session_schema import SessionModel

    text = _text_of(path)
    try:
        import tomlkit

        data = tomlkit.parse(text).unwrap()
    except ParseError as error:
        raise BadSetting(f"{shown(path)}: not TOML that can be read ({error})") from error
    schema = data.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise BadSetting(
            f"{shown(path)}: schema {schema} is newer than this version knows ({SCHEMA}); update refmaster"
        )
    try:
        model = SessionModel.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadSetting(f"{shown(path)}{_line_of(text, first['loc'])}: {key}: {first['msg'].lower()}") from error
    folder = path.resolve().parent
    moves: list[Move] = []
    for row in model.move:
        if any(move.id == row.id for move in moves):
            raise BadSetting(f"{shown(path)}{_line_of(text, (row.id,))}: {row.id} stands there twice; keep one")
        try:
            moves.append(_move_of(row))
        except BadSetting as error:
            raise BadSetting(f"{shown(path)}{_line_of(text, (row.id,))}: {error}") from error
    return Session(
        schema=model.schema_,
        version=model.version,
        engine=model.engine,
        target=Input(str(folder / model.target.path), model.target.sha256),
        references=tuple(Input(str(folder / one.path), one.sha256) for one in model.reference),
        request=Request(
            amount_pct=model.request.amount_pct,
            loudness_lufs=model.request.loudness_lufs,
            ceiling_dbtp=model.request.ceiling_dbtp,
            only=tuple(Stage[name.upper()] for name in model.request.only),
            max_bands=model.request.max_bands,
            phase=Phase(model.request.phase),
            same_song=model.request.same_song,
            fresh=model.request.fresh,
        ),
        plan=Plan(
            moves=in_phase(moves, Phase(model.request.phase)),
            rejected=tuple(Rejected(one.what, one.text) for one in model.left_alone),
            not_reached=tuple(NotReached(one.what, one.text) for one in model.not_reached),
            goal_lufs=model.plan.goal_lufs,
            ceiling_dbtp=model.plan.ceiling_dbtp,
        ),
        delivery=Delivery(**model.delivery.model_dump()),
        seal=model.seal,
    )


def new_session(
    target: Profile, references: tuple[Profile, ...], request: Request, plan: Plan, delivery: Delivery, engine: str
) -> Session:
    """The session of a master that was just made."""
    return Session(
        schema=SCHEMA,
        version=__version__,
        engine=engine,
        target=Input(target.path, target.sha256),
        references=tuple(Input(one.path, one.sha256) for one in references),
        request=request,
        plan=plan,
        delivery=delivery,
        seal=seal_of(plan.moves, delivery),
    )


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise BadSetting(f"{shown(path)}: larger than {LARGEST_BYTES // 2**20} MiB; that is no session")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BadSetting(f"session {shown(path)} does not exist; check the name and the folder") from error
    except IsADirectoryError as error:
        raise BadSetting(f"session {shown(path)} is a folder; give the .toml that stands beside a master") from error
    except UnicodeDecodeError as error:
        raise BadSetting(f"session {shown(path)} is no text; give the .toml that stands beside a master") from error
    except OSError as error:
        raise BadSetting(f"session {shown(path)} cannot be read ({type(error).__name__})") from error


def _line_of(text: str, where: tuple[int | str, ...]) -> str:
    """The words “, line N” of the key or value named last that stands in the text; empty where none does."""
    named = [part for part in where if isinstance(part, str)]
    for part in reversed(named):
        for number, line in enumerate(text.splitlines(), start=1):
            bare = line.strip()
            if bare.startswith((f"{part} ", f"{part}=")) or (bare.startswith("id") and f'"{part}"' in bare):
                return f", line {number}"
    return ""


def _move_of(row: "MoveModel") -> Move:
    """A move as a session has it; ranges come from its mover, not from the file."""
    stereo = row.id != "remove_dc" or "offset_pct" not in row.values
    blank = blank_of(row.id, 2 if stereo else 1)
    missing = [p.name for p in blank.params if p.name not in row.values]
    if missing:
        raise BadSetting(f"{row.id} lacks {', '.join(missing)}")
    move = blank.at(**row.values)
    return Move(
        id=row.id,
        stage=move.stage,
        params=move.params,
        because=tuple(Gap(**gap.model_dump()) for gap in row.because),
        confidence=row.confidence,
        verdict=Verdict(row.verdict),
        locked=row.locked,
        note=row.note,
        proposed=tuple(row.proposed.items()),
    )


def _table(values: dict[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.table()
    for key, value in values.items():
        if value is not None:
            table.add(key, value)
    return table


def _input_table(one: Input, folder: Path) -> Any:
    try:
        path = os.path.relpath(Path(one.path).resolve(), folder.resolve())
    except ValueError:  # another drive
        path = one.path
    return _table({"path": path, "sha256": one.sha256})


def _request_table(request: Request) -> Any:
    table = _table(
        {
            "amount_pct": request.amount_pct,
            "loudness_lufs": request.loudness_lufs,
            "ceiling_dbtp": request.ceiling_dbtp,
            "only": [stage.name.lower() for stage in request.only],
            "max_bands": request.max_bands,
            "phase": request.phase.value,
            "same_song": request.same_song,
            "fresh": request.fresh or None,
        }
    )
    table["amount_pct"].comment("0 leaves alone, 50 follows the evidence, 100 matches in full")
    table["phase"].comment('"linear" turns no phase, and rings ahead of hits; "minimum" is the usual')
    return table


def _delivery_table(delivery: Delivery) -> Any:
    names = ("container", "subtype", "bit_depth", "dither_seed", "dithered")
    return _table({name: getattr(delivery, name) for name in names})


def _plan_table(plan: Plan) -> Any:
    goal = None if plan.goal_lufs is None else round(plan.goal_lufs, 3)
    return _table({"goal_lufs": goal, "ceiling_dbtp": plan.ceiling_dbtp})


def _move_table(move: Move) -> Any:
    import tomlkit

    table = tomlkit.table()
    table.add(tomlkit.comment(text_of(move)))
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
            gaps.append(_table({name: _tidy(getattr(gap, name)) for name in Gap.__dataclass_fields__}))
        table.add("because", gaps)
    return table


def _tidy(value: float | str) -> float | str:
    return round(value, 4) if isinstance(value, float) and math.isfinite(value) else value


def _range(param: Param) -> str:
    unit = unit_of(param.name) or ""
    rest = "" if param.neutral is None else f"; {param.neutral:g} does nothing"
    return f"{param.low:g} to {param.high:g} {unit}".rstrip() + rest
