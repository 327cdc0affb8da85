"""Moves to test with: what the engine proposes for spoiled music, and every kind of move set by hand."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np

from refmaster.demo import song
from refmaster.load import track_of
from refmaster.moves import blank_of, linear_mover_of, movers
from refmaster.pipeline import prepare
from refmaster.plan import Material, plan
from refmaster.records import Move, Param, Phase, Plan, Request, Weights
from tests.signals import FloatArray, in_blocks, spoil

RATE_HZ = 44100
BLOCK_SAMPLES = (4096, 99991, 131072)


@cache
def music() -> FloatArray:
    """8 s of the demo song, shape (2, samples)."""
    return song(RATE_HZ)[:, 6 * RATE_HZ : 14 * RATE_HZ]


def spoiled(name: str) -> FloatArray:
    """The music with damage that each mover must find something of."""
    damage = {
        "dull": {"high_shelf_db": -6.0, "bell_db": 4.0, "bell_hz": 300.0},
        "narrow": {"width_db": -6.0},
        "quiet": {"level_db": -9.0},
        "peaky": {"level_db": 6.0},
        "offset": {},
    }[name]
    made = spoil(music(), RATE_HZ, **damage)
    return made + np.array([[0.02], [-0.01]]) if name == "offset" else made


SPOILED = ("dull", "narrow", "quiet", "peaky", "offset")


@cache
def planned(name: str, channels: int = 2) -> tuple[Material, Plan]:
    """What is planned for a spoiled target with the finished song, 6 dB louder, as the reference."""
    target, reference = spoiled(name)[:channels], 2.0 * music()[:channels]
    return planned_for(target, reference)


def planned_for(target: FloatArray, reference: FloatArray, request: Request | None = None) -> tuple[Material, Plan]:
    track, ref = track_of(target, RATE_HZ, name="target"), track_of(reference, RATE_HZ, name="reference")
    material = prepare(track, ((ref, Weights()),), request or Request(), threads=1)
    return material, plan(material)


@cache
def proposed() -> tuple[Move, ...]:
    """Every move of every spoiled target, and those of a match in full."""
    in_full = planned_for(spoiled("dull"), expanded(2.0 * music()), Request(amount_pct=100))[1]
    return (*(move for name in SPOILED for move in planned(name)[1].moves), *in_full.moves)


def expanded(sound: FloatArray) -> FloatArray:
    """Livelier: what is loud in 20 ms is louder by half as much again."""
    power = np.convolve((sound**2).mean(axis=0), np.full(RATE_HZ // 50, 50 / RATE_HZ), "same")
    return np.asarray(sound * np.sqrt(np.sqrt((power + 1e-6) / (power.mean() + 1e-6))))


def move_ids() -> list[str]:
    """One id for every part of every mover."""
    return [
        f"{name}/{part.replace('*', '1')}" if part else name
        for name, mover in movers().items()
        for part in (mover.PARTS or ("",))
    ]


def ways() -> list[tuple[str, Phase]]:
    """Every id of `move_ids`, and again in linear phase where its mover can do that."""
    both = [(move_id, phase) for move_id in move_ids() for phase in Phase]
    return [(i, phase) for i, phase in both if phase is Phase.MINIMUM or linear_mover_of(blank_of(i, 2))]


def off_neutral(param: Param) -> float:
    """A value at which the parameter does something: three quarters of the way down from its neutral."""
    assert param.neutral is not None
    end = param.low if param.low < param.neutral else param.high
    return param.neutral + 0.75 * (end - param.neutral)


def at_work(move_id: str, channels: int = 2, phase: Phase = Phase.MINIMUM) -> Move:
    """The move of an id with every parameter that can rest away from its rest."""
    blank = replace(blank_of(move_id, channels), phase=phase)
    return blank.at(**{p.name: off_neutral(p) for p in blank.params if p.neutral is not None})


def applied(move: Move, samples: FloatArray, block_samples: int | None = None, rate_hz: int = RATE_HZ) -> FloatArray:
    blocks: Iterable[FloatArray] = [samples] if block_samples is None else in_blocks(samples, block_samples)
    return joined(movers()[move.mover].apply(blocks, move, rate_hz))


def joined(blocks: Iterator[FloatArray]) -> FloatArray:
    return np.concatenate(list(blocks), axis=1)
