"""Plan: every mover is asked in turn, about the sound as the moves before it leave it.

Tone and width follow in closed form from the Profile; before the level is set, the sound so far is played once and
measured, because peaks and gated loudness do not.
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass, replace

from refmaster import locks, price
from refmaster.analyse import Measured
from refmaster.compare import Example, corrected, empty_top
from refmaster.compare.goal import whose_loudness
from refmaster.decide import decided, in_phase
from refmaster.dsp.ahead import ahead
from refmaster.dsp.limiter import CLIP_DB, Limiting, limited
from refmaster.ear import Ear
from refmaster.load import Track
from refmaster.measure.excerpt import Limited, LimitedMeter
from refmaster.moves import Scene, limit_peaks, match_loudness, movers
from refmaster.own import left_alone, staying
from refmaster.passport import STRANGER
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
from refmaster.rehearsal import rehearsal_of
from refmaster.render import rendered

ASPECTS = {Stage.TONE: "tone", Stage.DYNAMICS: "dynamics", Stage.IMAGE: "image", Stage.LEVEL: "level"}  # of Weights
FULL_ROUNDS = 3  # how often a match in full is heard through before it is planned for good

HEARINGS = 3  # how often a master is rendered before its level is taken as it came


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
        """The one that tables and plots show: the nearest relative, of strangers that which counts most for tone.

        None where there is no reference.
        """
        if not self.examples:
            return None
        seen = self.comparison.seen if self.comparison is not None else ()
        weights = ((one.weights.tone, sum(astuple(one.weights))) for one in seen)
        kin = (one.nearness if one.nearness >= STRANGER else 0.0 for one in seen)
        related = list(zip(kin, weights, strict=True))
        return self.examples[related.index(max(related)) if len(related) == len(self.examples) else 0].measured


@dataclass(frozen=True)
class Draft:
    """A plan, and whether its level is an estimate; `again` makes a better one of what was heard of its master."""

    plan: Plan
    estimated: bool = False
    again: Callable[[Limited], "Draft"] | None = None


@dataclass(frozen=True)
class _Chain:
    """How far the movers were asked: the moves so far, the Profile behind them, and what was answered."""

    profile: Profile
    decisions: tuple[Decision, ...]
    moves: tuple[Move, ...] = ()
    answers: tuple[Proposal, ...] = ()
    measured_at: tuple[Move, ...] = ()  # behind these moves the levels of the Profile were measured


def plan(
    material: Material,
    decisions: tuple[Decision, ...] = (),
    *,
    kept: tuple[Move, ...] | None = None,
    told: Callable[[str], None] | None = None,
) -> Plan:
    """The moves to make, heard to their end; see `draft`."""
    return heard_out(material, draft(material, decisions, kept=kept, told=told))


def draft(
    material: Material,
    decisions: tuple[Decision, ...] = (),
    *,
    kept: tuple[Move, ...] | None = None,
    told: Callable[[str], None] | None = None,
) -> Draft:
    """The moves to make, with every decision heeded, and a level that is still to be heard.

    `kept` are the moves of a session: then tone and image stay as they are there, and only level and ceiling, which
    answer to the sound before them, are found anew. `told` hears which mover is at work. A match in full is planned
    again with what was heard to be missing: moves bend what other moves have set.
    """
    free = kept is None and not locks.held(material.settled)  # what a held move leaves open is not to be chased
    if material.request.in_full and free:
        material = _rehearsed(material, decisions, told)
    ear = Ear(material.track, material.target, material.threads)
    return _levelled(lightened(material), _toned(material, decisions, kept, told, ear), told, ear)


def lightened(material: Material) -> Material:
    """The material once tone and image are planned: level and ceiling ask nothing more of the references' frames."""
    bare = (replace(one, measured=one.measured.without_frames()) for one in material.examples)
    return replace(material, examples=tuple(bare))


def heard_out(material: Material, made: Draft) -> Plan:
    """The plan of a draft whose master was listened to, as often as it takes."""
    for _ in range(HEARINGS):
        if not made.estimated or made.again is None:
            break
        rate, channels = material.track.source.sample_rate_hz, material.track.source.channels
        meter = LimitedMeter(rate, channels)
        sound = rendered(material.track.blocks(), made.plan.moves, rate, meter.reduction, threads=material.threads)
        for block in ahead(sound, threads=material.threads):
            meter.feed(block)
        made = made.again(heard_as(made.plan, meter))
    return made.plan


def heard_as(made: Plan, meter: LimitedMeter) -> Limited:
    """What a meter heard of a plan's master, as the answer to its gain and its limiter."""
    level, limiter = _of_id(made.active, "match_loudness"), _of_id(made.active, "limit_peaks")
    if limiter is None:
        raise ValueError("a master without a limiter is not heard for its level")
    return meter.read(level["gain_db"] if level else 0.0, limit_peaks.limiting_of(limiter))


def _rehearsed(material: Material, decisions: tuple[Decision, ...], told: Callable[[str], None] | None) -> Material:
    """The material with what a match in full would miss added to what it asks for.

    Once it was heard, and so how loud it gets is known, it is heard through the limiter too.
    """
    if material.comparison is None or not material.examples or material.comparison.identical:
        return material
    played = rehearsal_of(material.track, material.target, material.threads)
    how = limiting(material.request, decisions, material.target.profile)
    now_lufs: float | None = None
    for _ in range(FULL_ROUNDS):
        comparison, ear = material.comparison, played.ear
        sound = ear.sound(_toned(material, decisions, None, told, ear).moves)
        if how is not None and now_lufs is not None:
            asked = material.request.loudness_lufs, comparison.loudness_full_lufs, now_lufs
            goal = next(one for one in asked if one is not None)
            sound = limited(ahead(sound, threads=played.threads), ear.rate_hz, how, drive_db=goal - now_lufs)
        reached = played.heard(sound)
        now_lufs = played.lufs_of_all(reached)
        moved = corrected(comparison, reached, material.examples, (played.untouched, played.whole))
        material = replace(material, comparison=moved)
    return material


def _toned(
    material: Material,
    decisions: tuple[Decision, ...],
    kept: tuple[Move, ...] | None,
    told: Callable[[str], None] | None,
    ear: Ear,
) -> _Chain:
    """Every mover before the level asked once, in chain order; of those that a session kept, none."""
    chain = _Chain(material.target.profile, decisions)
    for name, mover in movers().items():
        if mover.STAGE >= Stage.LEVEL:
            break
        if told:
            told(name)
        own = None if kept is None else tuple(move for move in kept if move.mover == name)
        chain = _asked(material, chain, name, ear, None, own)
        if mover.STAGE is Stage.REPAIR and (repairs := _active(chain.moves)):
            chain = replace(chain, profile=ear.repaired(chain.profile, repairs))
    return chain


def _levelled(
    material: Material,
    chain: _Chain,
    told: Callable[[str], None] | None,
    ear: Ear,
    heard: Limited | None = None,
) -> Draft:
    """Level and ceiling found behind the other moves; `heard` is what was heard of the master when they last were."""
    start = chain
    for name, mover in movers().items():
        if mover.STAGE < Stage.LEVEL:
            continue
        if told:
            told(name)
        if (sounding := _active(chain.moves)) != chain.measured_at and not _levels_known(chain.moves):
            chain = replace(chain, profile=_behind(material, chain, ear, heard), measured_at=sounding)
        chain = _asked(material, chain, name, ear, heard)
    level = _of_id(chain.moves, "match_loudness")
    free = level is None or (level.verdict is Verdict.KEEP and not level.locked)
    limited_too = _of_id(_active(chain.moves), "limit_peaks") is not None
    return Draft(
        _gathered(material, chain.moves, chain.answers),
        estimated=free and limited_too and any(answer.estimated for answer in chain.answers),
        again=lambda heard: _levelled(material, start, None, ear, heard),
    )


def _behind(material: Material, chain: _Chain, ear: Ear, heard: Limited | None) -> Profile:
    """The Profile behind the moves so far, foretold where the limiter is sure to work: then the whole is heard anyway.

    How high the peaks come is known exactly once it was `heard`.
    """
    sounding = _active(chain.moves)
    if _level_is_ours(material, chain) and (profile := ear.foretold(chain.profile, sounding)) is not None:
        if heard is not None and heard.driven_dbtp is not None:
            profile = replace(profile, true_peak_dbtp=heard.driven_dbtp - heard.gain_db)
        if match_loudness.surely_limited(_scene(material, replace(chain, profile=profile), ear, heard)):
            return profile
    return ear.remeasured(chain.profile, sounding)


def _level_is_ours(material: Material, chain: _Chain) -> bool:
    """Whether the gain will be found here: nobody has decided about it, and it is asked for."""
    decided = {decision.move for decision in chain.decisions} | {move.id for move in locks.held(material.settled)}
    return "match_loudness" not in decided and not _not_asked_for(material, Stage.LEVEL)


def _asked(
    material: Material,
    chain: _Chain,
    name: str,
    ear: Ear,
    heard: Limited | None,
    kept: tuple[Move, ...] | None = None,
) -> _Chain:
    """The chain with one mover's moves: what it proposes, or what was kept of it, after every decision."""
    mover, profile, decisions = movers()[name], chain.profile, chain.decisions
    scene = _scene(material, chain, ear, heard)
    if kept is not None:
        own, answer = kept, Proposal()
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
    return _Chain(profile, decisions, chain.moves + own, (*chain.answers, answer), chain.measured_at)


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
    proposed = limit_peaks.working(request.ceiling_dbtp, clip_db=0.0 if empty_top(target) else CLIP_DB)
    (move,) = decided((proposed,), decisions, "limit_peaks", target.channels)
    return limit_peaks.limiting_of(move) if move.active else None


def _levels_known(moves: tuple[Move, ...]) -> bool:
    """Behind a level move all levels follow from its gain; measuring again would find the same."""
    return any(move.stage >= Stage.LEVEL for move in moves)


def _of_id(moves: tuple[Move, ...], move_id: str) -> Move | None:
    return next((move for move in moves if move.id == move_id), None)


def _active(moves: tuple[Move, ...]) -> tuple[Move, ...]:
    return tuple(move for move in moves if move.active)


def _scene(material: Material, chain: _Chain, ear: Ear, heard: Limited | None) -> Scene:
    profile, so_far = chain.profile, _active(chain.moves)
    margin_db = next((answer.margin_db for answer in chain.answers if answer.margin_db is not None), None)
    how = limiting(material.request, chain.decisions, profile)
    if how is not None and margin_db is not None:
        how = replace(how, margin_db=margin_db)
    return Scene(
        target=profile,
        spectrum=material.target.spectrum,
        reference=material.reference.profile if material.reference else None,
        comparison=material.comparison,
        genre=material.genre,
        request=material.request,
        stretches=lambda: ear.stretches(so_far),
        excerpt=lambda: ear.excerpt(so_far),
        limiting=how,
        heard=heard,
        untouched=not so_far,
        settled_lufs=material.target.profile.integrated_lufs if _level_stays(material) else None,
        own_peak_dbtp=material.target.profile.true_peak_dbtp,
        threads=material.threads,
    )


def _around(scene: Scene, held: tuple[Move, ...]) -> Scene:
    """The scene as it is with what a person holds there already at work."""
    if not held or scene.comparison is None:
        return scene
    left = locks.around(scene.comparison, held, scene.request, scene.target.sample_rate_hz)
    return replace(scene, comparison=left)


def _gathered(material: Material, moves: tuple[Move, ...], answers: tuple[Proposal, ...]) -> Plan:
    level, ceiling = _of_id(moves, "match_loudness"), _of_id(moves, "limit_peaks")
    # A gain that a person set, or held against what would be found now, makes the loudness the person's business.
    spoken = level is not None and (level.verdict is not Verdict.KEEP or bool(level.proposed))
    goal = None if spoken else next((a.goal_lufs for a in answers if a.goal_lufs is not None), None)
    short = any(missed.what == price.SHORT for answer in answers for missed in answer.not_reached)
    asked = next((a.asked_lufs for a in answers if a.asked_lufs is not None), None) if short and not spoken else None
    assumptions = tuple(a for answer in answers for a in answer.assumptions)
    same = material.comparison is not None and material.comparison.identical
    same = same or _level_stays(material)
    if material.request.loudness_lufs is None and goal is not None and material.request.amount_pct > 0 and not same:
        now = material.target.profile.integrated_lufs
        how = whose_loudness(material.comparison, material.genre, now, material.request.amount_pct)
        if asked is not None:
            how += f"; {goal:.1f} LUFS is where it stops"
        loud = f"{goal if asked is None else asked:.1f} LUFS, {how}.".replace("-", "−")
        assumptions += (Assumption("How loud should it be? (--loudness LUFS)", loud),)
    dropped = ceiling is not None and not ceiling.active
    held = ceiling["ceiling_dbtp"] if ceiling is not None else material.request.ceiling_dbtp
    return Plan(
        moves=moves,
        rejected=left_alone(_left_alone(material)) + tuple(r for answer in answers for r in answer.rejected),
        not_reached=tuple(
            n for answer in answers for n in answer.not_reached if not (spoken and n.what in price.SUBJECTS)
        ),
        assumptions=assumptions,
        goal_lufs=goal,
        asked_lufs=asked,
        ceiling_dbtp=None if dropped else held,
    )


def _left_alone(material: Material) -> tuple[Stage, ...]:
    """What our own master has behind it: stages before the level that are asked for, and in which a mover works."""
    known = {mover.STAGE for mover in movers().values() if mover.STAGE < Stage.LEVEL}
    asked = set(material.request.only) or known
    return tuple(stage for stage in staying(material.mark, material.request) if stage in known & asked)


def _level_stays(material: Material) -> bool:
    return Stage.LEVEL in staying(material.mark, material.request)
