"""The session: a text file that a person can read and edit, and that makes the same bytes again.

Comments carry the reasons. What is read back is checked as what it is, something from outside: unknown keys, wrong
types, NaN and values out of range are refused in one line, with the number of the line.

Schema 2 added what came of it (`outcome`, effects, `check`, `assumed`) and its history (`revision`); a session of
schema 1 is read as it is, and gains them when it is rendered.
"""

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from refmaster.contents import content
from refmaster.decide import in_phase
from refmaster.errors import BadSetting
from refmaster.explain import faults
from refmaster.moves import blank_of, movers
from refmaster.names import shown
from refmaster.records import (
    Assumption,
    Check,
    Delivery,
    Effect,
    GainReduction,
    Gap,
    Input,
    Move,
    NotReached,
    Outcome,
    Phase,
    Plan,
    Profile,
    Reading,
    Rejected,
    Report,
    Request,
    Revision,
    Session,
    Stage,
    Verdict,
    Weights,
    Work,
)
from refmaster.session_errors import refused, refused_model
from refmaster.session_text import written
from refmaster.taken import genre_line, reference_lines, reference_words
from refmaster.version import __version__

if TYPE_CHECKING:
    from refmaster.session_schema import (
        AssumedModel,
        DecidedModel,
        InputModel,
        OutcomeModel,
        PlanModel,
        RequestModel,
        RevisionModel,
        SessionModel,
        TextModel,
    )
    from refmaster.toml_lines import Where

__all__ = ["SCHEMA", "new_session", "outcome_of", "read", "seal_of", "text_at", "written"]

SCHEMA = 2
LARGEST_BYTES = 16 * 2**20


def seal_of(moves: tuple[Move, ...], delivery: Delivery) -> str:
    """A hash of all that decides the sound: active moves with their values, and how it is written."""
    chain = [[move.id, _sealed(move), *_unusual(move)] for move in moves if move.active]
    how = [delivery.container, delivery.subtype, delivery.bit_depth, delivery.dither_seed, delivery.dithered]
    return hashlib.sha256(json.dumps([chain, how]).encode()).hexdigest()[:16]


def _sealed(move: Move) -> list[tuple[str, float]]:
    """The values of a move; what its mover learnt later and does not use here is left out, so that old seals fit."""
    later = _later(move.mover)
    return sorted((p.name, p.value) for p in move.params if p.name not in later or p.value != p.neutral)


def _later(mover: str) -> tuple[str, ...]:
    """Parameters that sessions of earlier builds lack: there they are at rest."""
    return tuple(getattr(movers().get(mover), "LATER", ()))


def _unusual(move: Move) -> list[str]:
    """The phase of a move that is not in minimum phase; seals from before there was a choice still fit."""
    return [] if move.phase is Phase.MINIMUM else [move.phase.value]


def new_session(
    target: Profile,
    references: Iterable[Profile | Input],
    request: Request,
    plan: Plan,
    delivery: Delivery,
    engine: str,
    outcome: Outcome | None = None,
) -> Session:
    """The session of a master that was just made; its history is `history.continued`'s."""
    return Session(
        schema=SCHEMA,
        version=__version__,
        engine=engine,
        target=Input(target.path, target.sha256),
        references=tuple(one if isinstance(one, Input) else Input(one.path, one.sha256) for one in references),
        request=request,
        plan=plan,
        delivery=delivery,
        seal=seal_of(plan.moves, delivery),
        outcome=outcome,
    )


def outcome_of(report: Report) -> Outcome | None:
    """What a session remembers of a report; None where nothing was rendered."""
    if report.master is None:
        return None
    kin, work = report.comparison, report.gain_reduction
    return Outcome(
        status=report.status,
        target=_reading(report.target),
        reference=None if report.reference is None else _reading(report.reference),
        master=_reading(report.master),
        genre=report.genre.name,
        genre_tracks=report.genre.n_tracks,
        genre_share=report.genre.share,
        kinship=report.kinship,
        taken=" ".join(filter(None, (reference_words(report), *_each_reference(report), genre_line(report)))),
        ignored=() if kin is None else kin.ignored,
        effects=report.effects,
        checks=report.checks,
        limiter=None if work is None else _work(work),
        notes=(*report.notes, *faults(report)),
    )


def _each_reference(report: Report) -> tuple[str, ...]:
    return tuple(f"{line}." for line in reference_lines(report))


def _work(reduction: GainReduction) -> Work:
    return Work(**{one.name: getattr(reduction, one.name) for one in fields(Work)})


def text_at(path: Path) -> str:
    """The file's text; BadSetting where it cannot be a session."""
    try:
        data = content(path, LARGEST_BYTES)
        if data is None:
            raise BadSetting(f"{shown(path)}: larger than {LARGEST_BYTES // 2**20} MiB; that is no session")
        return data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
    except FileNotFoundError as error:
        raise BadSetting(f"session {shown(path)} does not exist; check the name and the folder") from error
    except IsADirectoryError as error:
        raise BadSetting(f"session {shown(path)} is a folder; give the .toml that stands beside a master") from error
    except UnicodeDecodeError as error:
        raise BadSetting(f"session {shown(path)} is no text; give the .toml that stands beside a master") from error
    except OSError as error:
        said = error.strerror or type(error).__name__
        raise BadSetting(
            f"session {shown(path)} cannot be read ({said}); give the .toml that stands beside a master"
        ) from error


def read(path: Path) -> Session:
    """A session from its file. BadSetting names the file, the line and the key that are wrong."""
    text = text_at(path)
    return _session(_model(path, text), path, text)


def _model(path: Path, text: str) -> "SessionModel":
    """The file's content, checked for what may stand where."""
    from pydantic import ValidationError

    from refmaster.session_schema import SessionModel

    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: TOMLDecodeError, and a number of 5000 digits
        said = str(error) if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
        line = said.partition("(at line ")[2].partition(",")[0]
        where = f", line {line}" if line.isdigit() else ""
        raise BadSetting(f"{shown(path)}{where}: not TOML that can be read ({shown(said)})") from error
    schema = data.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        what = f"schema {schema} is newer than this version of refmaster knows ({SCHEMA}); update refmaster"
        raise refused(path, text, ("schema",), what)
    try:
        return SessionModel.model_validate(data)
    except ValidationError as error:
        raise refused_model(path, text, error, data) from error


def _session(model: "SessionModel", path: Path, text: str) -> Session:
    folder = path.resolve().parent
    request = _request(model.request, folder)
    moves: list[Move] = []
    for number, row in enumerate(model.move):
        here: Where = ("move", number, "id")
        if any(move.id == row.id for move in moves):
            raise refused(path, text, here, f"{row.id} stands there twice; keep one")
        moves.append(_at(path, text, ("move", number), row.id, row))
    return Session(
        schema=model.schema_,
        version=model.version,
        engine=model.engine,
        target=_input(model.target, folder),
        references=tuple(_input(one, folder) for one in model.reference),
        request=request,
        plan=_plan(moves, request, model.plan, model.left_alone, model.not_reached, model.assumed),
        delivery=Delivery(**model.delivery.model_dump()),
        seal=model.seal,
        outcome=None if model.outcome is None else _outcome(model.outcome, model),
        revisions=_revisions(model.revision, path, text),
    )


def _at(path: Path, text: str, where: "Where", move_id: str, row: "DecidedModel") -> Move:
    """The move of a row; what is out of its mover's range is told with the line of the value."""
    try:
        return _move_of(move_id, row)
    except BadSetting as error:
        said = str(error)
        wrong = next((name for name in row.values if f".{name}=" in said or repr(name) in said), None)
        key = ("values", wrong) if wrong is not None else ("id",)
        raise refused(path, text, (*where, *key), said) from error


def _move_of(move_id: str, row: "DecidedModel") -> Move:
    """A move as a session has it; ranges come from its mover, not from the file."""
    stereo = move_id != "remove_dc" or "offset_pct" not in row.values
    blank = blank_of(move_id, 2 if stereo else 1)
    move = blank.at(**row.values)
    later = _later(blank.mover)
    missing = [p.name for p in blank.params if p.name not in row.values and p.name not in later]
    if missing:
        raise BadSetting(f"{move_id} lacks {', '.join(missing)}")
    return Move(
        id=move_id,
        stage=move.stage,
        params=move.params,
        because=tuple(Gap(**gap.model_dump()) for gap in row.because),
        confidence=row.confidence,
        verdict=Verdict(row.verdict),
        locked=row.locked,
        note=row.note,
        proposed=tuple(row.proposed.items()),
    )


def _input(one: "InputModel", folder: Path) -> Input:
    return Input(str(folder / one.path), one.sha256, Weights(one.tone, one.dynamics, one.image, one.level))


def _library(written: str, folder: Path) -> str:
    """A library as a session has it: by its name, or by its path from the session.

    Earlier builds wrote it as somebody typed it where they stood; it is looked for there as well.
    """
    if not written or os.path.basename(written) == written:
        return written
    here, typed = (os.path.realpath(one) for one in (folder / written, written))
    return typed if os.path.exists(typed) and not os.path.exists(here) else here


def _request(model: "RequestModel", folder: Path) -> Request:
    return Request(
        amount_pct=model.amount_pct,
        loudness_lufs=model.loudness_lufs,
        ceiling_dbtp=model.ceiling_dbtp,
        only=tuple(Stage[name.upper()] for name in model.only),
        max_bands=model.max_bands,
        phase=Phase(model.phase),
        same_song=model.same_song,
        fresh=model.fresh,
        genre=model.genre,
        library=_library(model.library, folder),
    )


def _plan(
    moves: list[Move],
    request: Request,
    goals: "PlanModel",
    left_alone: list["TextModel"],
    not_reached: list["TextModel"],
    assumed: list["AssumedModel"],
) -> Plan:
    return Plan(
        moves=in_phase(moves, request.phase),
        rejected=tuple(Rejected(one.what, one.text) for one in left_alone),
        not_reached=tuple(NotReached(one.what, one.text) for one in not_reached),
        assumptions=tuple(Assumption(one.question, one.assumed) for one in assumed),
        goal_lufs=goals.goal_lufs,
        asked_lufs=goals.asked_lufs,
        ceiling_dbtp=goals.ceiling_dbtp,
    )


def _outcome(model: "OutcomeModel", whole: "SessionModel") -> Outcome:
    genre = model.genre
    return Outcome(
        status=model.status,
        target=Reading(**model.target.model_dump()),
        reference=None if model.reference is None else Reading(**model.reference.model_dump()),
        master=Reading(**model.master.model_dump()),
        genre=genre.name,
        genre_tracks=genre.n_tracks,
        genre_share=genre.share,
        kinship=model.kinship,
        taken=model.taken,
        ignored=tuple(model.ignored),
        effects=tuple((row.id, Effect(**row.effect.model_dump())) for row in whole.move if row.effect is not None),
        checks=tuple(Check(**row.model_dump()) for row in whole.check),
        limiter=None if model.limiter is None else Work(**model.limiter.model_dump()),
        notes=tuple(model.notes),
    )


def _revisions(rows: list["RevisionModel"], path: Path, text: str) -> tuple[Revision, ...]:
    """The history, each revision whole: in the file it holds only what it changed."""
    found: list[Revision] = []
    before: RevisionModel | None = None
    for number, row in enumerate(rows):
        where: Where = ("revision", number)
        if row.number != number + 1:
            raise refused(path, text, (*where, "number"), f"revisions count 1, 2, 3; found {row.number}")
        moves = {i: _at(path, text, (*where, "moves", i), i, one) for i, one in row.moves.items()}
        whole = row if before is None else _filled(row, before)
        known = {move.id: move for move in found[-1].plan.moves} if found else {}
        if unknown := [i for i in row.chain if i not in known | moves]:
            raise refused(path, text, (*where, "chain"), f"revision {row.number} lacks the move {unknown[0]}")
        found.append(_revision(whole, [(known | moves)[i] for i in row.chain], path, text))
        before = whole
    return tuple(found)


def _filled(row: "RevisionModel", before: "RevisionModel") -> "RevisionModel":
    """A revision with all that it did not change."""
    parts = ("target", "reference", "request", "delivery", "plan", "left_alone", "not_reached", "assumed")
    return row.model_copy(update={name: getattr(before, name) for name in parts if getattr(row, name) is None})


def _revision(row: "RevisionModel", moves: list[Move], path: Path, text: str) -> Revision:
    if row.target is None or row.request is None or row.delivery is None or row.plan is None:
        what = "the first revision must hold target, request, delivery and plan"
        raise refused(path, text, ("revision", row.number - 1), what)
    folder = path.resolve().parent
    request = _request(row.request, folder)
    return Revision(
        number=row.number,
        version=row.version,
        by=tuple(row.by),
        flags=tuple(row.flags),
        said=tuple(row.said),
        target=_input(row.target, folder),
        references=tuple(_input(one, folder) for one in row.reference or ()),
        request=request,
        plan=_plan(moves, request, row.plan, row.left_alone or [], row.not_reached or [], row.assumed or []),
        delivery=Delivery(**row.delivery.model_dump()),
        integrated_lufs=row.integrated_lufs,
        true_peak_dbtp=row.true_peak_dbtp,
    )


def _reading(profile: Profile) -> Reading:
    return Reading(**{field.name: getattr(profile, field.name) for field in fields(Reading)})
