"""A Report as plain data, and as the JSON that others build on: its names are a promise."""

import json
from dataclasses import asdict

from refmaster import passport
from refmaster.explain import undo
from refmaster.moves import linear_mover_of
from refmaster.records import Check, Gap, Genre, Move, Plan, Profile, Report, Request


def as_json(report: Report) -> str:
    """The report as one JSON document (the shape is the interface's promise); what could not be measured is null."""
    return json.dumps(as_data(report), ensure_ascii=False, indent=1, allow_nan=False)


def as_data(report: Report) -> dict[str, object]:
    """The report as plain data."""
    plan = report.plan
    return {
        "status": report.status,
        "engine": report.engine,
        "version": report.version,
        "files": asdict(report.files),
        "target": profile_data(report.target),
        "reference": None if report.reference is None else profile_data(report.reference),
        "master": None if report.master is None else profile_data(report.master),
        "references": _seen_data(report),
        "genre": {
            "name": report.genre.name,
            "share": report.genre.share,
            "n_tracks": report.genre.n_tracks,
            "runner_up": _runner_up(report.genre),
        },
        "kinship": report.kinship,
        "passport": None if report.passport is None else passport.as_data(report.passport),
        "request": request_data(report.request),
        **plan_data(plan, [_move_data(report, move) for move in plan.moves], report.checks),
        "gain_reduction": _reduction_data(report),
        "notes": list(report.notes),
        "beside": None if report.beside is None else _beside_data(report.beside),
    }


def plan_data(plan: Plan, moves: list[dict[str, object]], checks: tuple[Check, ...]) -> dict[str, object]:
    """What was decided, with its moves as data, and what was checked of it."""
    return {
        "goal_lufs": plan.goal_lufs,
        "asked_lufs": plan.asked_lufs,
        "moves": moves,
        "left_alone": [asdict(one) for one in plan.rejected],
        "not_reached": [asdict(one) for one in plan.not_reached],
        "assumptions": [asdict(one) for one in plan.assumptions],
        "checks": [{**asdict(check), "passed": check.passed} for check in checks],
    }


def request_data(request: Request) -> dict[str, object]:
    """What was asked for, as plain data."""
    return {
        "amount_pct": request.amount_pct,
        "loudness_lufs": request.loudness_lufs,
        "ceiling_dbtp": request.ceiling_dbtp,
        "only": [stage.name.lower() for stage in request.only],
        "phase": request.phase.value,
        "same_song": request.same_song,
        "fresh": request.fresh,
        "genre": request.genre,
        "library": request.library or None,
    }


def _seen_data(report: Report) -> list[dict[str, object]]:
    """Each reference as it was taken, with its passport."""
    seen = () if report.comparison is None else report.comparison.seen
    passports = report.passports or ((report.passport,) if report.passport else ())
    data = [passport.as_data(one) for one in passports] if len(passports) == len(seen) else [None] * len(seen)
    return [
        {"name": one.name, "kinship": one.kinship, "weights": asdict(one.weights), "passport": own}
        for one, own in zip(seen, data, strict=True)
    ]


def _runner_up(genre: Genre) -> dict[str, object] | None:
    return None if genre.runner_up is None else {"name": genre.runner_up[0], "share": genre.runner_up[1]}


def _beside_data(report: Report) -> dict[str, object]:
    """What our own engine makes of the same."""
    data = as_data(report)
    return {name: data[name] for name in ("engine", "version", "status", "master", "moves", "not_reached", "checks")}


def profile_data(profile: Profile) -> dict[str, object]:
    """A Profile as plain data."""
    return asdict(profile)


def _move_data(report: Report, move: Move) -> dict[str, object]:
    effect = report.effect_of(move.id)
    return {
        "id": move.id,
        "stage": move.stage.name.lower(),
        "verdict": move.verdict.value,
        "locked": move.locked,
        "phase": phase_data(move),
        "params": move.values,
        "ranges": {p.name: [p.low, p.high] for p in move.params},
        "because": [gap_data(gap) for gap in move.because],
        "confidence": move.confidence,
        "effect": None if effect is None else asdict(effect),
        "text": report.text_of(move.id),
        "undo": undo(report, move),
    }


def phase_data(move: Move) -> str | None:
    """The phase of a move whose mover can do both."""
    return None if linear_mover_of(move) is None else move.phase.value


def gap_data(gap: Gap) -> dict[str, object]:
    """A difference that a move answers, as plain data."""
    return {**asdict(gap), "taken_pct": round(gap.taken_pct, 1)}


def _reduction_data(report: Report) -> dict[str, float | None] | None:
    work = report.gain_reduction
    if work is None:
        return None
    return {
        "max_db": work.max_db,
        "share_working_pct": work.share_working_pct,
        "share_over_4_db_pct": work.share_over_4_db_pct,
        "tone_db": work.tone_db,
        "tone_hz": work.tone_hz,
    }
