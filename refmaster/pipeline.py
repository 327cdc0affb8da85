"""The main job, from files to files: the sentence that DESIGN.md is drawn around.

    load → analyse → compare → plan → decide → render → verify → explain

Each step is a function of its own module; here they only meet.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from refmaster import explain, locks, verify
from refmaster.again import (
    Before,
    as_planned,
    carried_on,
    flags_of,
    goal_again,
    library_again,
    not_to_lose,
    references_again,
    replanned,
    settled,
    taken_up,
    target_again,
    with_library,
    written_on,
)
from refmaster.analyse import analyse, measure
from refmaster.atomic import together
from refmaster.cache import Cache
from refmaster.compare import wanted
from refmaster.decide import not_there, parse_decisions, refuse_second_word
from refmaster.deliver import Work, delivered
from refmaster.dsp.ahead import aside
from refmaster.dsp.limiter import ReductionMeter
from refmaster.effects import effects, stretches_for, with_tone
from refmaster.errors import BadSetting
from refmaster.genres.context import checked_genre
from refmaster.genres.posterior import NONE
from refmaster.listen import Listening, listening
from refmaster.load import BLOCK_SAMPLES, Track, track_of
from refmaster.names import OWN_ENGINE
from refmaster.outputs import files_of, goal_path, older_report, paths
from refmaster.passport import passport_of, passports_of
from refmaster.plan import Draft, Material, draft, heard_out, lightened, plan
from refmaster.prepare import Asked, Told, checked_request, files_asked, library_asked, needed, opened, prepare, silent
from refmaster.records import (
    Check,
    Delivery,
    Effect,
    Files,
    GainReduction,
    Input,
    Passport,
    Plan,
    Profile,
    Report,
    Request,
    Weights,
)
from refmaster.render import rendered
from refmaster.save import check_outputs, choose_delivery, size_bytes, write_text
from refmaster.units import FloatArray
from refmaster.version import __version__

__all__ = ["Options", "analyse", "master", "master_array", "render"]


@dataclass(frozen=True)
class Options:
    """How to work, as against what to make: nothing here changes a sample, but for the format.

    `cache` is where tracks that were measured are remembered; None measures them each time. A target that is not
    expected again, as in a batch, is heard `target_once`, and not remembered. Where the same is decided for `many`
    tracks, a lock of a move that this one does not have is noted, and not refused. What stands under the results' names
    is refused before any work; `again`, where an earlier try may have left it, only if it turns out to be another.
    `notes` come before the report's own.
    """

    container: str | None = None
    bit_depth: str | None = None
    force: bool = False
    dry_run: bool = False
    html: bool = True
    audio: bool = True
    threads: int = 2
    block_samples: int = BLOCK_SAMPLES
    cache: Cache | None = None
    target_once: bool = False
    many: bool = False
    again: bool = False
    notes: tuple[str, ...] = ()


def master(
    target: str | os.PathLike[str],
    reference: Asked | Sequence[Asked] | None = None,
    out: str | os.PathLike[str] | None = None,
    *,
    genre: str | None = None,
    library: str | os.PathLike[str] | None = None,
    amount: float = 50.0,
    loudness: float | None = None,
    ceiling: float = -1.0,
    only: str | None = None,
    detail: int | None = None,
    phase: str = "minimum",
    same_song: bool = False,
    fresh: bool = False,
    drop: Sequence[str] = (),
    set: Sequence[str] = (),
    lock: Sequence[str] = (),
    undo: Sequence[str] = (),
    keep_from: str | os.PathLike[str] | None = None,
    options: Options | None = None,
    told: Told | None = None,
) -> Report:
    """Master a file toward a reference and write the master, its session and its report beside each other.

    `reference` may be several; each is a file, or as on the command line with what it counts for,
    "a.wav:tone=1,dynamics=0.3", or a pair of a file and Weights. Without one, the middle of a `genre` stands for it.
    `genre` is a name, "none", or "auto", which hears it in the reference and is what None means; a `library` of one's
    own, or a folder of them, stands in its place.
    `amount` is 0 to 100 %: 0 leaves alone, 50 follows the evidence, 100 matches in full. `loudness`, −60 to 0 LUFS, is
    integrated, None the reference's; the true peak stays under the `ceiling`, −24 to 0 dBTP. `only` names stages, with
    commas between them: repair, tone, dynamics, colour, image, level. `detail` is how many bands the equaliser has at
    most, 1 to 30; None is 6, or above an amount of 75 what it takes. `phase`, of the tone, is "minimum" or "linear".
    `drop` and `lock` are ids of moves, `set` values of theirs: "match_loudness.gain_db=2.5".
    `keep_from` is an earlier session: what a person decided there holds here too, but for what `undo` takes back.
    `out` None means `TARGET-stem.master` beside the target. A target that is our own master toward this reference keeps
    what was settled then; `fresh` takes it as any other file.
    Raises BadAudio where an input is refused, BadSetting where a setting is, and BadOutput where the results cannot be
    written; nothing is written then.
    """
    options, told = options or Options(), told or silent
    request = checked_request(amount, loudness, ceiling, only, detail, phase)
    request = replace(request, same_song=same_song, fresh=fresh, genre=checked_genre(genre))
    request = replace(request, library=library_asked(library, genre))
    asked = files_asked(reference)
    if not asked and library is None and genre is None:
        raise BadSetting("no reference and no genre was given; name one: --ref FILE, or --genre NAME")
    if not asked and library is None and request.genre == NONE:
        raise BadSetting("--genre none tells no tone to master toward; name a reference, --ref FILE, or another genre")
    decisions, before = (
        parse_decisions(drop, set, lock, many=options.many),
        carried_on(keep_from, undo, drop, set, lock),
    )
    refuse_second_word(decisions, loudness, ceiling)
    kept = () if before is None else settled(before, undo)
    track, found = opened(target, asked, threads=options.threads)
    refs, said = needed(track, found)
    goal = goal_path(Path(target), out, options.container)
    delivery = choose_delivery(goal, container=options.container, bit_depth=options.bit_depth, source=track.source)
    files = _files(goal, options)
    if not options.dry_run:
        inputs = [Path(target), *(Path(path) for path, _ in asked), *not_to_lose(before, track)]
        need_bytes = size_bytes(delivery, track.source.channels, track.n_samples)
        check_outputs(paths(files), inputs, force=options.force or options.again, need_bytes=need_bytes)
    earlier, lost = locks.carried(kept, track.source.channels)
    material = _prepared(track, refs, request, told, options)
    material = replace(material, settled=kept)
    made = draft(material, earlier + decisions, told=lambda name: told(f"plan: {name}", -1.0))
    notes = (
        options.notes
        + said
        + not_there(decisions, made.plan.moves)
        + tuple(f"{one} of the earlier session is of another number of channels, and not kept" for one in lost)
    )
    flags = flags_of(drop=drop, set=set, lock=lock)
    material = lightened(material)
    return finish(material, made, delivery, files, options, told, notes, before=before, flags=flags)


def master_array(
    samples: FloatArray,
    sample_rate_hz: int,
    reference: FloatArray,
    reference_rate_hz: int,
    *,
    amount: float = 50.0,
    loudness: float | None = None,
    ceiling: float = -1.0,
    phase: str = "minimum",
    drop: Sequence[str] = (),
    set: Sequence[str] = (),
) -> tuple[FloatArray, Report]:
    """Master sound in memory, shape (channels, samples): float samples of the same shape, and the Report.

    Mono or stereo, full scale is ±1. `amount` is 0 to 100 %, `loudness` −60 to 0 LUFS (None: the reference's),
    `ceiling` −24 to 0 dBTP, `phase` "minimum" or "linear"; `drop` and `set` as in `master`.
    Raises BadAudio where a sound is refused (its shape, its rate, silence, NaN), and BadSetting where a setting is.
    """
    request = checked_request(amount, loudness, ceiling, phase=phase)
    decisions = parse_decisions(drop, set)
    track = track_of(samples, sample_rate_hz, name="target")
    refs = ((track_of(reference, reference_rate_hz, name="reference"), Weights()),)
    options = Options(dry_run=True, html=False)
    material = prepare(track, refs, request, threads=options.threads)
    made = plan(material, decisions)
    meter, kept = ReductionMeter(sample_rate_hz), stretches_for(made, track.n_samples, sample_rate_hz)
    heard = rendered(kept.passing(track.blocks()), made.moves, sample_rate_hz, meter)
    mastered = np.concatenate(list(heard), axis=1)
    after, reduction = measure(track_of(mastered, sample_rate_hz, name="master")).profile, meter.read()
    reduction = with_tone(reduction, made, material.target.profile, after)
    done = effects(made, after, reduction, kept, threads=options.threads)
    return mastered, _report(material, made, after, reduction, 0, Files(), done)


def render(
    session_path: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    drop: Sequence[str] = (),
    set: Sequence[str] = (),
    lock: Sequence[str] = (),
    undo: Sequence[str] = (),
    revision: int | None = None,
    target: str | os.PathLike[str] | None = None,
    reference: str | os.PathLike[str] | None = None,
    options: Options | None = None,
    told: Told | None = None,
) -> Report:
    """Render a session again: the same bytes, or what new decisions make of it.

    `revision`, from 1, goes back to one of its history first. `target` and `reference` say where files that moved are
    now. A reference that is gone is done without, and said. `drop`, `set`, `lock` and `undo` are as in `master`; `out`
    None puts the master beside the session, where `options.force` must be set to write over what is there.
    Raises BadSetting where the session or a decision is refused, BadAudio where the target is gone or another one, and
    BadOutput where the results cannot be written; nothing is written then.
    """
    options, told = options or Options(), told or silent
    decisions = parse_decisions(drop, set, lock, undo)
    before = taken_up(session_path, flags=flags_of(undo=undo, drop=drop, set=set, lock=lock), revision=revision)
    before, put_back = as_planned(before)
    track = target_again(before, target)
    refs, notes = references_again(before, reference)
    notes += put_back
    how = {"container": options.container, "bit_depth": options.bit_depth}
    goal, delivery = goal_again(before, out, track.source, **how)
    files = _files(goal, options)
    inputs = [Path(one.source.path) for one in (track, *(ref for ref, _ in refs))]
    if not options.dry_run:
        need_bytes = size_bytes(delivery, track.source.channels, track.n_samples)
        check_outputs(paths(files), inputs, force=options.force, need_bytes=need_bytes)
    asked, toward, said = library_again(before, decisions)
    material = _prepared(track, refs, asked, told, options, toward)
    material = with_library(material, before) if said else material
    notes += said
    made = replanned(before, material, decisions, lambda name: told(f"plan: {name}", -1.0))
    material = lightened(material)
    return finish(material, made, delivery, files, options, told, notes, before=before)


def _prepared(
    track: Track,
    refs: Sequence[tuple[Track, Weights]],
    request: Request,
    told: Told,
    options: Options,
    toward: tuple[str, ...] = (),
) -> Material:
    how = {"threads": options.threads, "block_samples": options.block_samples}
    return prepare(track, refs, request, told, toward, kept=options.cache, target_once=options.target_once, **how)


def finish(
    material: Material,
    made: Draft,
    delivery: Delivery,
    files: Files,
    options: Options,
    told: Told,
    notes: tuple[str, ...] = (),
    *,
    before: Before | None = None,
    flags: tuple[str, ...] = (),
) -> Report:
    """Render, verify and explain a plan, and write all that was asked for; `before` is the session it goes on from."""
    gone = before is not None and not before.anew and bool(before.session.references) and not material.examples
    if options.dry_run or files.master is None:
        report = _report(material, heard_out(material, made), None, None, 0, Files(), ())
        notes = material.notes + notes + _own_notes(report.plan, material)
        return replace(report, notes=notes, reference_gone=gone)
    with together(new=not options.force) as written:
        work = Work(told, options.threads, options.block_samples, written)
        done = delivered(material, made, delivery, Path(files.master), work)
        reduction = with_tone(done.meter.read(), done.plan, material.target.profile, done.profile)
        told_effects = effects(done.plan, done.profile, reduction, done.stretches, threads=options.threads)
        made_of = explain.lost(done.plan, done.clipped, lossy=done.profile.lossy, peak_dbtp=done.profile.true_peak_dbtp)
        report = _report(material, made_of, done.profile, reduction, done.clipped, files, told_effects)
        notes += _own_notes(done.plan, material) + explain.short_of(done.plan, told_effects)
        notes += verify.codec_peaks(done.plan, done.profile) + verify.unheld_peaks(done.plan, done.profile)
        notes += older_report(files)
        report = replace(report, notes=material.notes + notes + done.notes, reference_gone=gone)
        told("explain", -1.0)
        hidden = replace(report, master=replace(done.profile, path=str(written.now(Path(files.master)))))
        with aside(lambda: heard_in(hidden, options), threads=options.threads if files.report else 1) as sound:
            if files.session:
                path = Path(files.session)
                write_text(path, written_on(report, delivery, path.parent, before, flags), written)
            if files.report:
                write_text(Path(files.report), _page(report, sound), written)
    return report


def _own_notes(made: Plan, material: Material) -> tuple[str, ...]:
    return explain.conflicts(made) + explain.idle(made, material.target.profile)


def _inputs(material: Material) -> tuple[Input, ...]:
    """The references as a session finds them again."""
    profiles = ((one.measured.profile, one.weights) for one in material.examples)
    return tuple(Input(profile.path, profile.sha256, weights) for profile, weights in profiles)


def _report(
    material: Material,
    made: Plan,
    after: Profile | None,
    reduction: GainReduction | None,
    clipped: int,
    files: Files,
    done: tuple[tuple[str, Effect], ...],
) -> Report:
    return Report(
        status="mastered" if made.active else "unchanged",
        engine=OWN_ENGINE,
        version=__version__,
        target=material.target.profile,
        reference=material.reference.profile if material.reference else None,
        master=after,
        genre=material.genre,
        request=material.request,
        plan=made,
        comparison=material.comparison,
        passport=_passport(material),
        passports=_passports(material),
        checks=_checks(material, made, after, clipped) if after else (),
        effects=done,
        texts=explain.texts(made, reduction),
        gain_reduction=reduction if any(m.mover == "limit_peaks" for m in made.active) else None,
        files=files,
        notes=material.notes,
        references=_inputs(material),
        heard=tuple(one.measured.profile for one in material.examples),
    )


def _checks(material: Material, made: Plan, after: Profile, clipped: int) -> tuple[Check, ...]:
    reference = material.reference.profile if material.reference else None
    return verify.checks(made, material.target.profile, after, clipped, reference=reference, genre=material.genre)


def _passport(material: Material) -> Passport | None:
    if material.reference is None or material.comparison is None:
        return None
    return passport_of(material.reference.profile, material.target.profile, material.comparison)


def _passports(material: Material) -> tuple[Passport, ...]:
    if material.comparison is None or len(material.examples) < 2:
        return ()
    heard = [one.measured.profile for one in material.examples]
    return passports_of(heard, material.target.profile, material.comparison)


def heard_in(report: Report, options: Options) -> Listening | None:
    """What can be played in the report, where that is wanted and there is a master."""
    if not options.audio or report.master is None:
        return None
    beside = report.beside.master if report.beside else None
    threads = max(1, options.threads - 1)  # the caller's own writes the session meanwhile
    return listening(report.target, report.master, report.reference, beside, threads=threads)


def _page(report: Report, sound: Callable[[], Listening | None]) -> str:
    """The HTML report, with the wanted and the applied EQ curve, and what can be heard."""
    from refmaster.moves import match_eq
    from refmaster.report import page

    target = report.target
    applied = match_eq.curve_of(report.plan.active, np.array(target.band_hz), target.sample_rate_hz)
    goal = None
    if report.comparison is not None:
        goal = tuple(wanted(report.comparison.tone, report.request.amount_pct).tolist())
    return page(report, wanted_eq_db=goal, applied_eq_db=tuple(applied.tolist()), sound=sound())


def _files(goal: Path, options: Options) -> Files:
    return Files() if options.dry_run else files_of(goal, html=options.html)
