"""Locks: what a person settled in an earlier session stays to the last digit, and the rest is planned around it.

A band of EQ or width that is held already does a part of what new evidence asks for. That part is taken off the wanted
curve before anything is proposed, so that nothing is done twice; and where a held band goes against the evidence, the
evidence is not followed there, so that nothing works against a person's word. What the evidence says is told.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from refmaster.bands import FREQUENCY_NAME, frequency_of, heard_hz, shape_of
from refmaster.compare import wanted
from refmaster.decide import decisions_of
from refmaster.dsp.octaves import octave_around
from refmaster.moves import blank_of, match_eq, match_width
from refmaster.records import EVIDENCE_PCT, Comparison, Curve, Decision, Move, Request, Verdict
from refmaster.units import FloatArray

GAIN_NAME = {"match_eq": match_eq.GAIN_NAME, "match_width": match_width.GAIN_NAME}
NEAR_OCT = 0.5  # a bell this near to one that was dropped is the same answer to the same difference
_NUMBERED = re.compile(r"(?P<stem>.*_)[1-9][0-9]*$")


def held(moves: Iterable[Move]) -> tuple[Move, ...]:
    """The moves that a person locked or set, and that are heard."""
    return tuple(m for m in moves if m.active and (m.locked or m.verdict is Verdict.OVERRIDE))


def carried(moves: Iterable[Move], channels: int) -> tuple[tuple[Decision, ...], tuple[str, ...]]:
    """The decisions about moves of an earlier session that hold in a new one, and the ids that mean nothing there.

    A numbered band that was dropped is found again by its place, not by its number; see `dropped_again`.
    """
    found, lost = [], []
    for move in moves:
        if {p.name for p in blank_of(move.id, channels).params} != set(move.values):
            lost.append(move.id)
        elif move.active or not _NUMBERED.match(move.id):
            found.append(move)
    return decisions_of(found), tuple(lost)


def dropped_again(dropped: Iterable[Move], proposed: tuple[Move, ...]) -> tuple[Decision, ...]:
    """For numbered bands that a person dropped: the proposals that do the same at the same place are dropped, too."""
    found = []
    for old in dropped:
        name = GAIN_NAME.get(old.mover)
        if old.active or name is None or not _NUMBERED.match(old.id):
            continue
        near = [
            new
            for new in proposed
            if new.mover == old.mover
            and _NUMBERED.match(new.id)
            and new[name] * old[name] > 0
            and abs(np.log2(frequency_of(new).value / frequency_of(old).value)) <= NEAR_OCT
        ]
        found += [Decision(new.id, Verdict.DROP, (), old.note, old.locked) for new in near[:1]]
    return tuple(found)


def around(comparison: Comparison, moves: tuple[Move, ...], request: Request, sample_rate_hz: int) -> Comparison:
    """What is left to do of a comparison while these moves of one mover are held."""
    at = np.array(comparison.band_hz)
    name = next((move.mover for move in moves), "")
    if name == "match_eq":
        done = match_eq.curve_of(moves, at, sample_rate_hz)
        return replace(comparison, tone=_left_of(comparison.tone, done, request.amount_pct))
    if name == "match_width" and comparison.width is not None:
        done = np.sum([match_width.side_response(move, at, sample_rate_hz) for move in moves], axis=0)
        return replace(comparison, width=_left_of(comparison.width, done, request.amount_pct))
    return comparison


def beside(moves: tuple[Move, ...], proposed: tuple[Move, ...]) -> tuple[Move, ...]:
    """The proposals with numbers that no held move has."""
    taken = {move.id for move in moves}
    given = []
    for move in proposed:
        numbered = _NUMBERED.match(move.id)
        own, number = move.id, 1
        while numbered and own in taken:
            own, number = f"{numbered['stem']}{number}", number + 1
        taken |= {own} if numbered else set()
        given.append(replace(move, id=own))
    return tuple(given)


def told(
    made: tuple[Move, ...], moves: tuple[Move, ...], comparison: Comparison | None, request: Request
) -> tuple[Move, ...]:
    """The moves as they were made, the held ones with what the evidence of today says where they work."""
    ids = {move.id for move in moves}
    return tuple(_with_evidence(one, comparison, request) if one.id in ids else one for one in made)


def _with_evidence(move: Move, comparison: Comparison | None, request: Request) -> Move:
    name = GAIN_NAME.get(move.mover)
    curve = None if comparison is None else {"match_eq": comparison.tone}.get(move.mover, comparison.width)
    if move.mover == "limit_peaks":
        return replace(move, proposed=(("ceiling_dbtp", request.ceiling_dbtp),))
    if name is None:  # its mover has spoken; where it proposed nothing, only what rests says something
        at_rest = {p.name for p in move.params if dict(move.proposed).get(p.name) == p.neutral}
        nothing = dict(move.proposed) == blank_of(move.id, len(move.params)).values
        return replace(move, proposed=tuple(p for p in move.proposed if p[0] in at_rest)) if nothing else move
    if comparison is None or curve is None:
        return replace(move, proposed=())
    at, weights = np.array(comparison.band_hz), np.array(curve.weight) + 1e-9
    if any(param.name in FREQUENCY_NAME.values() for param in move.params):
        weights = weights * octave_around(at, heard_hz(shape_of(move.id), frequency_of(move).value))
    value = float(np.average(wanted(curve, request.amount_pct), weights=weights))
    return replace(move, proposed=((name, round(value, 2)),))


def _left_of(curve: Curve, done: FloatArray, amount_pct: float) -> Curve:
    """A curve less what is done already, so that `compare.wanted` asks for what is left at this amount."""
    full, matched, believed = (_rest(np.array(v), done) for v in (curve.full_db, curve.matched_db, curve.wanted_db))
    asked = _rest(wanted(curve, amount_pct), done)
    if 0 < amount_pct <= EVIDENCE_PCT:
        believed = asked * (EVIDENCE_PCT / amount_pct)
    elif amount_pct > EVIDENCE_PCT:
        full = believed + (asked - believed) * ((100.0 - EVIDENCE_PCT) / (amount_pct - EVIDENCE_PCT))
    return replace(
        curve,
        full_db=tuple(full.tolist()),
        matched_db=tuple(matched.tolist()),
        wanted_db=tuple(believed.tolist()),
        usual_db=tuple(_rest(np.array(curve.usual_db), done).tolist()) if curve.usual_db else (),
    )


def _rest(asked: FloatArray, done: FloatArray) -> FloatArray:
    """What is left of a wish, dB in each band: less what is done where both agree, and let be where they do not."""
    most = float(np.abs(done).max(initial=0.0))
    if most == 0:
        return asked
    agreed = np.sign(asked) * np.maximum(np.abs(asked) - np.abs(done), 0.0)
    return np.where(asked * done > 0, agreed, asked * (1 - np.abs(done) / most))
