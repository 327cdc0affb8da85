"""Plan: every mover is asked in turn, about the sound as the moves before it leave it.

Tone and width follow in closed form from the Profile; before the level is set, the sound so far is played once and
measured, because peaks and gated loudness do not.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from refmaster import locks
from refmaster.analyse import Measured, measure
from refmaster.compare import Example, corrected, empty_top
from refmaster.decide import decided, in_phase
from refmaster.dsp.ahead import ahead
from refmaster.dsp.limiter import CLIP_DB, LOOKAHEAD_MS, MARGIN_DB, RELEASE_MS, Limiting, limited
from refmaster.load import Track
from refmaster.measure.loudness import LoudnessMeter
from refmaster.measure.true_peak import TruePeakMeter
from refmaster.moves import Scene, blank_of, movers
from refmaster.names import whose
from refmaster.own import left_alone, staying
from refmaster.records import (
    Assumption,
    Comparison,
    Decision,
    Genre,
    Mark,
    Move,
    Plan,
    Profile,
    Proposal,
    Rejected,
    Request,
    Stage,
    Verdict,
)
from refmaster.render import rendered
from refmaster.spool import Spool
from refmaster.units import FloatArray, gain_to_db

ASPECTS = {Stage.TONE: "tone", Stage.DYNAMICS: "dynamics", Stage.IMAGE: "image", Stage.LEVEL: "level"}  # of Weights
FULL_ROUNDS = 3  # how often a match in full is heard through before it is planned for good
KEPT_IN_MEMORY_SAMPLES = (
    30_000_000  # the sound before the level, as float32: 120 MB, about 5 minutes; more goes to disk
)


@dataclass(frozen=True)
class Material:
    """What a plan is made from.

    `toward` are the SHA-256 of the references; `mark` is what the target says of itself, where it is our own master
    toward them, None for any other file. `settled` are moves that a person decided about in an earlier session: the
    rest is planned around them. `threads` may work at once.
    """

    track: Track
    target: Measured
    examples: tuple[Example, ...]  # the references as they were measured; none where the genre stands for them
    comparison: Comparison | None
    genre: Genre
    request: Request
    notes: tuple[str, ...] = ()
    toward: tuple[str, ...] = ()
    mark: Mark | None = None
    settled: tuple[Move, ...] = ()
    threads: int = 1

    @property
    def reference(self) -> Measured | None:
        """The first reference, which files and tables show; None where there is none."""
        return self.examples[0].measured if self.examples else None


def plan(
    material: Material,
    decisions: tuple[Decision, ...] = (),
    *,
    kept: tuple[Move, ...] | None = None,
    told: Callable[[str], None] | None = None,
) -> Plan:
    """The moves to make, with every decision heeded.

    `kept` are the moves of a session: then tone and image stay as they are there, and only level and ceiling, which
    answer to the sound before them, are found anew. `told` hears which mover is at work. A match in full is planned
    again with what was heard to be missing: moves bend what other moves have set.
    """
    reached: Measured | None = None
    free = kept is None and not locks.held(material.settled)  # what a held move leaves open is not to be chased
    for _ in range(FULL_ROUNDS if material.request.in_full and free else 0):
        material, reached = _heard_through(material, decisions, told, reached)
    return _planned(material, decisions, kept, told)


def _heard_through(
    material: Material,
    decisions: tuple[Decision, ...],
    told: Callable[[str], None] | None,
    before: Measured | None,
) -> tuple[Material, Measured | None]:
    """The material with what a match in full would miss added to what it asks for, and what was heard of it.

    Once it was heard `before`, and so how loud it gets is known, it is heard through the limiter too.
    """
    comparison, rate = material.comparison, material.track.source.sample_rate_hz
    if comparison is None or not material.examples or comparison.identical:
        return material, None
    moves = _planned(material, decisions, None, told, before=Stage.LEVEL).moves
    sound = rendered(material.track.blocks(), moves, rate)
    how = limiting(material.request, decisions, material.target.profile)
    if how is not None and before is not None and before.profile.integrated_lufs is not None:
        goal = material.request.loudness_lufs
        goal = comparison.loudness_full_lufs if goal is None else goal
        goal = before.profile.integrated_lufs if goal is None else goal
        sound = limited(sound, rate, how, drive_db=goal - before.profile.integrated_lufs)
    reached = measure(material.track, blocks=sound)
    return replace(material, comparison=corrected(comparison, reached, material.examples)), reached


def _planned(
    material: Material,
    decisions: tuple[Decision, ...],
    kept: tuple[Move, ...] | None,
    told: Callable[[str], None] | None,
    *,
    before: Stage | None = None,
) -> Plan:
    """Every mover asked once, in chain order; only those before a stage where one is given."""
    with closing(_Ear(material.track, material.threads)) as ear:
        return _asked(material, decisions, kept, told, ear, before)


def _asked(
    material: Material,
    decisions: tuple[Decision, ...],
    kept: tuple[Move, ...] | None,
    told: Callable[[str], None] | None,
    ear: "_Ear",
    before: Stage | None,
) -> Plan:
    profile = material.target.profile
    moves: tuple[Move, ...] = ()
    answers: list[Proposal] = []
    measured_at: tuple[Move, ...] = ()
    for name, mover in movers().items():
        if before is not None and before <= mover.STAGE:
            break
        if told:
            told(name)
        if mover.STAGE >= Stage.LEVEL and (sounding := _active(moves)) != measured_at and not _levels_known(moves):
            profile, measured_at = ear.remeasured(profile, sounding), sounding
        margin_db = next((answer.margin_db for answer in answers if answer.margin_db is not None), None)
        scene = _scene(material, profile, decisions, ear, _active(moves), margin_db)
        if kept is not None and mover.STAGE < Stage.LEVEL:
            own = tuple(move for move in kept if move.mover == name)
            answer = Proposal()
        elif why := _not_asked_for(material, mover.STAGE):
            own, answer = (), Proposal(rejected=(Rejected(name, f"{name}: {why}"),))
        elif mover.STAGE in _left_alone(material):
            own, answer = (), Proposal()
        else:
            held = tuple(move for move in locks.held(material.settled) if move.mover == name)
            answer = mover.propose(_around(scene, held))
            own = locks.beside(held, answer.moves)
            decisions += locks.dropped_again(material.settled, own)
        own = in_phase(decided(own, decisions, name, profile.channels), material.request.phase)
        own = locks.told(own, locks.held(material.settled), material.comparison, material.request)
        for move in own:
            if move.active:
                profile = mover.foresee(profile, move)
        moves += own
        answers.append(answer)
    return _gathered(material, moves, answers)


def _not_asked_for(material: Material, stage: Stage) -> str:
    """Why a stage is left out before anything is heard: by --only, or as no reference counts for it; else empty."""
    request, seen = material.request, material.comparison.seen if material.comparison else ()
    if request.only and stage not in (*request.only, Stage.CEILING):
        return "not asked for, --only leaves it out."
    aspect = ASPECTS.get(stage)
    own_goal = stage is Stage.LEVEL and request.loudness_lufs is not None
    if aspect and seen and not own_goal and not any(getattr(one.weights, aspect) for one in seen):
        return f"no reference counts for it; a weight above 0, --ref FILE:{aspect}=1, lets one."
    return ""


def limiting(request: Request, decisions: tuple[Decision, ...], target: Profile) -> Limiting | None:
    """How the limiter will work once every decision about it is heeded; None where it was dropped.

    Nothing is clipped where the top of the spectrum is empty: what a clipper makes would be heard there alone.
    """
    settings = Limiting(
        request.ceiling_dbtp, LOOKAHEAD_MS, RELEASE_MS, MARGIN_DB, 0.0 if empty_top(target) else CLIP_DB
    )
    for decision in decisions:
        if decision.move == "limit_peaks" and decision.verdict is Verdict.DROP:
            return None
        if decision.move == "limit_peaks":
            blank_of("limit_peaks", 1).at(**dict(decision.values))  # refuses what is out of range before it is heard
            known = {k: v for k, v in decision.values if hasattr(settings, k)}
            settings = replace(settings, **known)
    return settings


def _levels_known(moves: tuple[Move, ...]) -> bool:
    """Behind a level move all levels follow from its gain; measuring again would find the same."""
    return any(move.stage >= Stage.LEVEL for move in moves)


def _active(moves: tuple[Move, ...]) -> tuple[Move, ...]:
    return tuple(move for move in moves if move.active)


def _scene(
    material: Material,
    profile: Profile,
    decisions: tuple[Decision, ...],
    ear: "_Ear",
    so_far: tuple[Move, ...],
    margin_db: float | None,
) -> Scene:
    how = limiting(material.request, decisions, profile)
    if how is not None and margin_db is not None:
        how = replace(how, margin_db=margin_db)
    return Scene(
        target=profile,
        spectrum=material.target.spectrum,
        reference=material.reference.profile if material.reference else None,
        comparison=material.comparison,
        genre=material.genre,
        request=material.request,
        sound=lambda: ear.sound(so_far),
        limiting=how,
        untouched=not so_far,
        settled_lufs=material.target.profile.integrated_lufs if _level_stays(material) else None,
        threads=material.threads,
    )


def _around(scene: Scene, held: tuple[Move, ...]) -> Scene:
    """The scene as it is with what a person holds there already at work."""
    if not held or scene.comparison is None:
        return scene
    left = locks.around(scene.comparison, held, scene.request, scene.target.sample_rate_hz)
    return replace(scene, comparison=left)


def _gathered(material: Material, moves: tuple[Move, ...], answers: list[Proposal]) -> Plan:
    level = next((move for move in moves if move.id == "match_loudness"), None)
    # A gain that a person set, or held against what would be found now, makes the loudness the person's business.
    spoken = level is not None and (level.verdict is not Verdict.KEEP or bool(level.proposed))
    goal = None if spoken else next((a.goal_lufs for a in answers if a.goal_lufs is not None), None)
    assumptions = tuple(a for answer in answers for a in answer.assumptions)
    same = material.comparison is not None and material.comparison.identical
    same = same or _level_stays(material)
    if material.request.loudness_lufs is None and goal is not None and material.request.amount_pct > 0 and not same:
        short = any(missed.what == "integrated_lufs" for answer in answers for missed in answer.not_reached)
        part = material.request.amount_pct < 50 or short
        how = _whose_loudness(material.comparison, part=part)
        loud = f"{goal:.1f} LUFS, {how}.".replace("-", "−")
        assumptions += (Assumption("How loud should it be? (--loudness LUFS)", loud),)
    ceiling = next((m for m in moves if m.id == "limit_peaks"), None)
    dropped = ceiling is not None and not ceiling.active
    held = ceiling["ceiling_dbtp"] if ceiling is not None else material.request.ceiling_dbtp
    return Plan(
        moves=moves,
        rejected=left_alone(_left_alone(material)) + tuple(r for answer in answers for r in answer.rejected),
        not_reached=tuple(n for answer in answers for n in answer.not_reached),
        assumptions=assumptions,
        goal_lufs=goal,
        ceiling_dbtp=None if dropped else held,
    )


def _whose_loudness(comparison: Comparison | None, *, part: bool) -> str:
    """What a loudness that nobody asked for follows."""
    if comparison is not None and comparison.by_genre:
        return "part of the way to what is usual in the genre" if part else "the nearest that is usual in the genre"
    toward = "the reference" if comparison is None else comparison.toward
    return f"part of the way to {whose(toward)} loudness" if part else f"as {toward}"


def _left_alone(material: Material) -> tuple[Stage, ...]:
    """What our own master has behind it: stages before the level that are asked for, and in which a mover works."""
    known = {mover.STAGE for mover in movers().values() if mover.STAGE < Stage.LEVEL}
    asked = set(material.request.only) or known
    return tuple(stage for stage in staying(material.mark, material.request) if stage in known & asked)


def _level_stays(material: Material) -> bool:
    return Stage.LEVEL in staying(material.mark, material.request)


class _Ear:
    """Plays the target through moves, and keeps the last sound it measured: a short one in memory, others on disk."""

    def __init__(self, track: Track, threads: int):
        self._track, self._threads = track, threads
        self._moves: tuple[Move, ...] | None = None
        self._kept: list[np.typing.NDArray[np.float32]] = []
        self._spool: Spool | None = None

    def sound(self, moves: tuple[Move, ...]) -> Iterator[FloatArray]:
        """The target through these moves, from its start."""
        if self._moves != moves:
            return rendered(self._track.blocks(), moves, self._track.source.sample_rate_hz)
        if self._spool is not None:
            return self._spool.blocks()
        return (block.astype(np.float64) for block in self._kept)

    def remeasured(self, profile: Profile, moves: tuple[Move, ...]) -> Profile:
        """The Profile with loudness and peaks as they are after these moves."""
        loudness = LoudnessMeter(profile.sample_rate_hz, profile.channels)
        true_peak = TruePeakMeter(profile.sample_rate_hz, profile.channels)
        self.close()
        if profile.n_samples * profile.channels > KEPT_IN_MEMORY_SAMPLES:
            self._spool = Spool()
        kept = True
        sound = rendered(self._track.blocks(), moves, profile.sample_rate_hz)
        for block in ahead(sound) if self._threads > 1 else sound:
            loudness.feed(block)
            true_peak.feed(block)
            kept = kept and self._keep(block)
        self._moves = moves if kept else None
        heard = loudness.read()
        return replace(
            profile,
            integrated_lufs=heard.integrated_lufs,
            max_short_term_lufs=heard.max_short_term_lufs,
            max_momentary_lufs=heard.max_momentary_lufs,
            true_peak_dbtp=gain_to_db(max(true_peak.read())),
        )

    def close(self) -> None:
        """Keep nothing any more, in memory or on disk."""
        if self._spool is not None:
            self._spool.close()
        self._moves, self._kept, self._spool = None, [], None

    def _keep(self, block: FloatArray) -> bool:
        """Whether a block could be laid aside; where the disk is full, the sound is made anew each time."""
        if self._spool is None:
            self._kept.append(block.astype(np.float32))
            return True
        try:
            self._spool.add(block)
        except OSError:
            self.close()
            return False
        return True
