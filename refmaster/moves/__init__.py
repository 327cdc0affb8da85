"""The movers: one file, one kind of move; found by their presence here, ordered by `STAGE`.

A mover is a module that has what `Mover` lists. It may import what stands above `moves` in tests/test_architecture.py,
and never another mover: each is asked about the sound as the moves before it leave it, and that is all it knows.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Protocol, cast

from refmaster.dsp.limiter import Limiting
from refmaster.errors import BadSetting
from refmaster.measure.excerpt import Excerpt, Limited
from refmaster.measure.spectrum import Spectrum
from refmaster.records import Comparison, Effect, Genre, Move, Profile, Proposal, Request, Stage
from refmaster.units import FloatArray

Blocks = Iterable[FloatArray]
"""Sound: arrays of shape (channels, samples), in order."""


@dataclass(frozen=True)
class Scene:
    """What a mover is shown.

    `target` is the Profile of the sound as the moves before leave it, `spectrum` that of the target itself; `stretches`
    plays the sound so far, of a long track a minute of it, and `excerpt` gives what loudness is found in. `comparison`
    is None without a reference; `limiting` is how the limiter at the end will work, None where a person has dropped
    it, and `heard` what it made of the whole sound, where that was rendered once; `untouched` is True while no move
    has changed the sound; `settled_lufs` is the loudness of our own master, where an earlier run settled it;
    `own_peak_dbtp` is the target's own true peak, None where it has none; `threads` is how many may work at once,
    which changes no bit.
    """

    target: Profile
    spectrum: Spectrum
    reference: Profile | None
    comparison: Comparison | None
    genre: Genre
    request: Request
    stretches: Callable[[], Blocks]
    excerpt: Callable[[], Excerpt]
    limiting: Limiting | None
    heard: Limited | None = None
    untouched: bool = False
    settled_lufs: float | None = None
    own_peak_dbtp: float | None = None
    threads: int = 1

    @property
    def nothing_to_do(self) -> bool:
        """The target is the reference, and nobody asked for anything else."""
        same = self.comparison is not None and self.comparison.identical
        return same and self.untouched and self.request.loudness_lufs is None

    @property
    def spoken(self) -> bool:
        """A person said how loud it shall be, or asked for all of the reference: then no price is too high."""
        return self.request.loudness_lufs is not None or self.request.in_full


class Mover(Protocol):
    """What every file in this folder provides."""

    STAGE: Stage
    PARTS: tuple[str, ...]  # what may stand behind the slash of an id, `*` for a number; empty where one move is all
    EVIDENT: bool  # whether its values are what the evidence says, and not only what was proposed
    SIDES: tuple[str, str]  # what its gaps hold against what, in words; an empty second is what is gone toward
    __name__: str
    __doc__: str | None

    def propose(self, scene: Scene) -> Proposal:
        """The moves this mover would make, and those it considered and would not."""
        ...

    def apply(self, blocks: Blocks, move: Move, sample_rate_hz: int) -> Iterator[FloatArray]:
        """The sound after the move: the same total length, aligned, input untouched, any block size the same."""
        ...

    def foresee(self, profile: Profile, move: Move) -> Profile:
        """The Profile as the move will leave it, as far as that follows in closed form; the rest unchanged."""
        ...

    def effect(self, move: Move, master: Profile) -> Effect:
        """What the move did to the feature it claims: read from the master, and from the master less this move."""
        ...

    def blank(self, move_id: str, channels: int) -> Move:
        """The move of this id at rest, for a person to set who wants what was not proposed."""
        ...

    def explain(self, move: Move) -> str:
        """What, why and how much, in one or two sentences that contain every parameter's value."""
        ...


class LinearMover(Mover, Protocol):
    """A mover whose moves can be had in linear phase."""

    def linear_phase(self, blocks: Blocks, moves: tuple[Move, ...], sample_rate_hz: int) -> Iterator[FloatArray]:
        """The sound after several of its moves at once, in linear phase; else as `apply`."""
        ...


def linear_mover_of(move: Move) -> LinearMover | None:
    """The mover of a move, if it can do its moves in linear phase; another engine's move has none."""
    mover = movers().get(move.mover)
    return cast(LinearMover, mover) if hasattr(mover, "linear_phase") else None


def blank_of(move_id: str, channels: int) -> Move:
    """The move of an id at rest; BadSetting, with the nearest names, for an id that no mover knows."""
    if not is_known(move_id):
        raise BadSetting(unknown_move(move_id, ()))
    return movers()[move_id.partition("/")[0]].blank(move_id, channels)


def is_known(move_id: str) -> bool:
    """Whether an id names one move that some mover could make."""
    name, slash, part = move_id.partition("/")
    mover = movers().get(name)
    if mover is None:
        return False
    known = (re.escape(one).replace(r"\*", "[1-9][0-9]{0,2}") for one in mover.PARTS)
    return any(re.fullmatch(one, part) for one in known) if mover.PARTS else not slash


def unknown_move(move_id: str, present: tuple[str, ...], param: str = "") -> str:
    """One line that says an id is unknown and offers the nearest; `present` are the ids of a plan.

    `param` is the parameter that was to be set: then the line says what it may be there.
    """
    mover = movers().get(move_id)
    if mover is not None and mover.PARTS:
        one = _ids_of(move_id, "1")[0]
        return f"{move_id!r} is a kind of move; name one, such as {one}{_allowed(one, param)}"
    near = nearest_move(move_id, present, kinds=not param)
    return f"no move {move_id!r}; did you mean {near!r}{_allowed(near, param)}? Moves: {', '.join(present or movers())}"


def nearest_move(move_id: str, present: tuple[str, ...] = (), *, kinds: bool = True) -> str:
    """The known id that looks most like another; of the same kind where that is known. `kinds` of moves count, too."""
    kind = move_id.partition("/")[0]
    number = re.search(r"[1-9][0-9]{0,2}$", move_id)
    own = [one for name in movers() for one in _ids_of(name, number[0] if number else "1")]
    known = [*present, *own, *(name for name, mover in movers().items() if kinds or not mover.PARTS)]
    if kind in movers() and "/" in move_id:
        known = [one for one in known if one.startswith(f"{kind}/")] or [kind]
    return get_close_matches(move_id, known, n=1, cutoff=0.0)[0]


def _ids_of(name: str, number: str) -> list[str]:
    """All ids of one kind, numbered ones with this number."""
    return [f"{name}/{part.replace('*', number)}" for part in movers()[name].PARTS]


def _allowed(move_id: str, param: str) -> str:
    """What a parameter may be, in brackets, or all of them where it is not known there; empty without a name."""
    if not param:
        return ""
    params = blank_of(move_id, 2).params
    found = [one for one in params if one.name == param] or params
    return f" ({', '.join(f'{one.name}: {one.range}' for one in found)})"


@cache
def movers() -> dict[str, Mover]:
    """Every mover by its name, in chain order."""
    names = [found.name for found in pkgutil.iter_modules(__path__)]
    modules = {name: cast(Mover, importlib.import_module(f"{__name__}.{name}")) for name in names}
    return dict(sorted(modules.items(), key=lambda item: (item[1].STAGE, item[0])))


def mover_of(move: Move) -> Mover:
    """The mover that made a move."""
    return movers()[move.mover]
