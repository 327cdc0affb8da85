"""The account of a session as one JSON document: the names of the main job's, with what only an account says beside."""

import json
from dataclasses import asdict

from refmaster.account import Account, MoveAccount
from refmaster.names import OWN_ENGINE
from refmaster.plain import gap_data, phase_data, plan_data, request_data
from refmaster.records import Input, Reading


def as_json(account: Account) -> str:
    """The document; what is not known is null."""
    return json.dumps(as_data(account), ensure_ascii=False, indent=1, allow_nan=False)


def as_data(account: Account) -> dict[str, object]:
    """The account as plain data."""
    session, outcome = account.session, account.session.outcome
    plan, references = session.plan, session.references
    return {
        "status": None if outcome is None else outcome.status,
        "engine": session.engine,
        "version": session.version,
        "session": account.path,
        "text": account.verdict,
        "target": _track(session.target, None if outcome is None else outcome.target),
        "reference": _track(references[0], None if outcome is None else outcome.reference) if references else None,
        "master": None if outcome is None else asdict(outcome.master),
        "genre": None
        if outcome is None
        else {"name": outcome.genre, "share": outcome.genre_share, "n_tracks": outcome.genre_tracks},
        "kinship": None if outcome is None else outcome.kinship,
        "request": request_data(session.request),
        **plan_data(plan, [_move(account, one) for one in account.moves], () if outcome is None else outcome.checks),
        "gain_reduction": None if outcome is None or outcome.limiter is None else asdict(outcome.limiter),
        "notes": list(account.notes),
        "edits": list(account.edits),
        "revisions": len(session.revisions),
    }


def _track(one: Input, reading: Reading | None) -> dict[str, object]:
    return {"path": one.path, "sha256": one.sha256, **({} if reading is None else asdict(reading))}


def _move(account: Account, one: MoveAccount) -> dict[str, object]:
    move = one.move
    return {
        "id": move.id,
        "stage": move.stage.name.lower(),
        "verdict": move.verdict.value,
        "locked": move.locked,
        "phase": phase_data(move),
        "note": move.note,
        "params": move.values,
        "ranges": {p.name: [p.low, p.high] for p in move.params},
        "proposed": dict(move.proposed),
        "because": [gap_data(gap) for gap in move.because],
        "confidence": move.confidence,
        "effect": None if one.effect is None else asdict(one.effect),
        "text": one.text,
        "why": list(one.why),
        "taken": one.taken,
        "measured": one.measured,
        "cost": one.cost,
        "instead": [{"flag": flag, "text": text} for flag, text in one.instead],
        "undo": one.undo if account.session.engine == OWN_ENGINE else None,
        "undo_command": f"{account.command} {one.undo}",
    }
