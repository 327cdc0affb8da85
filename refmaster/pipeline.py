"""The main job, from files to files: the sentence that DESIGN.md is drawn around.

    load → analyse → compare → plan → decide → render → verify → explain

Each step is a function of its own module; here they only meet.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from refmaster import explain, locks, verify
from refmaster.again import (
    Before,
    carried_on,
    flags_of,
    other_delivery,
    reference_again,
    replanned,
    settled,
    taken_up,
    target_again,
    written_on,
)
from refmaster.analyse import analyse, check_masterable, measure
from refmaster.compare import compare, wanted
from refmaster.decide import parse_decisions, parse_phase, parse_stages
from refmaster.dsp.limiter import ReductionMeter
from refmaster.errors import BadSetting
from refmaster.genres import load_genre
from refmaster.listen import Listening, listening
from refmaster.load import BLOCK_SAMPLES, Track, open_track, resampled, track_of
from refmaster.outputs import ending, files_of, goal_path, paths
from refmaster.own import line_of, next_mark, recognised, sound_of
from refmaster.plan import Material, plan
from refmaster.records import Delivery, Files, Plan, Profile, Report, Request
from refmaster.render import rendered
from refmaster.save import check_outputs, choose_delivery, is_lossy, write_audio, write_text
from refmaster.tags import copy_tags
from refmaster.units import FloatArray
from refmaster.version import __version__

__all__ = ["Options", "analyse", "master", "master_array", "render"]

Told = Callable[[str, float], None]
"""Progress: the name of the step, and how far it is, 0 to 1; below 0 where nobody can tell."""


@dataclass(frozen=True)
class Options:
    """How to work, as against what to make: nothing here changes a sample, but for the format."""

    container: str | None = None
    bit_depth: str | None = None
    force: bool = False
    dry_run: bool = False
    html: bool = True
    audio: bool = True
    threads: int = 2
    block_samples: int = BLOCK_SAMPLES


def master(
    target: str | os.PathLike[str],
    reference: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
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

    `keep_from` is an earlier session: what a person decided there holds here too, but for what `undo` takes back.
    `out` None means `TARGET-stem.master` beside the target. A target that is our own master toward this reference keeps
    what was settled then; `fresh` takes it as any other file. Raises a RefmasterError, and has then written nothing,
    where an input or a setting is refused.
    """
    options, told = options or Options(), told or _silent
    request = checked_request(amount, loudness, ceiling, only, detail, phase)
    request = replace(request, same_song=same_song, fresh=fresh)
    decisions, before = parse_decisions(drop, set, lock), carried_on(keep_from, undo, drop, set, lock)
    kept = () if before is None else settled(before, undo)
    track, ref = open_track(target), open_track(reference, role="reference")
    goal = goal_path(Path(target), out, options.container)
    delivery = choose_delivery(goal, container=options.container, bit_depth=options.bit_depth, source=track.source)
    files = _files(goal, options)
    if not options.dry_run:
        check_outputs(paths(files), [Path(target), Path(reference)], force=options.force)
    earlier, lost = locks.carried(kept, track.source.channels)
    material = replace(prepare(track, ref, request, options, told), settled=kept)
    made = plan(material, earlier + decisions, told=lambda name: told(f"plan: {name}", -1.0))
    notes = tuple(f"{one} of the earlier session is of another number of channels, and not kept" for one in lost)
    flags = flags_of(drop=drop, set=set, lock=lock)
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
    """Master sound in memory, shape (channels, samples): float samples of the same shape, and the Report."""
    request = checked_request(amount, loudness, ceiling, phase=phase)
    decisions = parse_decisions(drop, set)
    track = track_of(samples, sample_rate_hz, name="target")
    ref = track_of(reference, reference_rate_hz, name="reference")
    options = Options(dry_run=True, html=False)
    material = prepare(track, ref, request, options, _silent)
    made = plan(material, decisions)
    meter = ReductionMeter(sample_rate_hz)
    mastered = np.concatenate(list(rendered(track.blocks(), made.moves, sample_rate_hz, meter)), axis=1)
    after = measure(track_of(mastered, sample_rate_hz, name="master")).profile
    return mastered, _report(material, made, after, meter, 0, Files())


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

    `revision` goes back to one of its history first. `target` and `reference` say where files that moved are now. A
    reference that is gone is done without, and said.
    """
    options, told = options or Options(), told or _silent
    decisions = parse_decisions(drop, set, lock, undo)
    before = taken_up(session_path, flags=flags_of(undo=undo, drop=drop, set=set, lock=lock), revision=revision)
    session = before.session
    track = target_again(before, target)
    ref, notes = reference_again(before, reference)
    goal = Path(out) if out is not None else before.path.with_suffix(ending(session.delivery))
    delivery = session.delivery
    if out is not None and (Path(out).suffix or options.container or options.bit_depth):
        delivery = other_delivery(
            Path(out), session.delivery, track.source, container=options.container, bit_depth=options.bit_depth
        )
    files = _files(goal, options)
    inputs = [Path(t.source.path) for t in (track, ref) if t is not None]
    if not options.dry_run:
        check_outputs(paths(files), inputs, force=options.force)
    toward = tuple(one.sha256 for one in session.references)
    material = prepare(track, ref, session.request, options, told, toward)
    made = replanned(before, material, decisions, lambda name: told(f"plan: {name}", -1.0))
    return finish(material, made, delivery, files, options, told, notes, before=before)


def prepare(
    track: Track, ref: Track | None, request: Request, options: Options, told: Told, toward: tuple[str, ...] = ()
) -> Material:
    """Both tracks measured, at the target's rate, and compared.

    `toward` are the SHA-256 of the references, where they are known without the files.
    """
    told("analyse", -1.0)
    rate = track.source.sample_rate_hz
    with _workers(options.threads) as pool:
        heard = resampled(ref, rate) if ref else None
        waiting = pool.submit(measure, heard, blocks=heard.blocks(options.block_samples)) if heard else None
        target = measure(track, blocks=track.blocks(options.block_samples), progress=lambda _: told("analyse", -1.0))
        reference = waiting.result() if waiting else None
    check_masterable(target.profile, "the target")
    if reference is not None:
        check_masterable(reference.profile, "the reference")
    told("compare", -1.0)
    genre = load_genre()
    same = request.same_song
    comparison = compare(target, reference, genre, same_song=same) if reference is not None else None
    toward = toward or ((ref.source.sha256,) if ref else ())
    mark, marked = recognised(track, toward, request)
    notes = track.notes + (ref.notes if ref else ()) + marked
    return Material(track, target, reference, comparison, genre, request, notes, toward, mark)


@contextmanager
def _workers(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that are not waited for when the work is broken off.

    An interruption may strike while the compiler's lock is held; who then waits for a thread waits for ever.
    """
    pool = ThreadPoolExecutor(max_workers=max(1, threads))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def finish(
    material: Material,
    made: Plan,
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
    notes += explain.conflicts(made)
    if options.dry_run or files.master is None:
        return replace(_report(material, made, None, None, 0, Files()), notes=material.notes + notes)
    meter = ReductionMeter(material.track.source.sample_rate_hz)
    as_written = _without_needless_dither(delivery, made)
    after, clipped, tag_notes = _written(material, made, as_written, Path(files.master), meter, options, told)
    report = _report(material, made, after, meter, clipped, files)
    if clipped and not made.active:
        over = f"{clipped} values of the target lie above full scale and are cut off there; --bit-depth 32f keeps them"
        notes += (over,)
    report = replace(report, notes=material.notes + notes + tag_notes)
    told("explain", -1.0)
    if files.session:
        path = Path(files.session)
        write_text(path, written_on(report, delivery, path.parent, before, flags))
    if files.report:
        write_text(Path(files.report), _page(report, options))
    return report


def checked_request(
    amount: float,
    loudness: float | None,
    ceiling: float,
    only: str | None = None,
    detail: int | None = None,
    phase: str = "minimum",
) -> Request:
    """What was asked for, once it is known to be possible."""
    for name, value, low, high, unit in (
        ("--amount", amount, 0.0, 100.0, "%"),
        ("--loudness", loudness, -60.0, 0.0, "LUFS"),
        ("--ceiling", ceiling, -24.0, 0.0, "dBTP"),
        ("--detail", detail, 1, 30, "bands"),
    ):
        if value is not None and not low <= value <= high:  # false for NaN too
            raise BadSetting(f"{name} {value:g} is out of range; allowed: {low:g} to {high:g} {unit}")
    return Request(amount, loudness, ceiling, parse_stages(only), detail, parse_phase(phase))


def _silent(step: str, share: float) -> None:
    """Tell nobody."""


def _share(total: int, step: str, told: Told) -> Callable[[int], None]:
    """Turn samples heard into a share of the track."""
    heard = 0

    def tell(samples: int) -> None:
        nonlocal heard
        heard += samples
        told(step, min(1.0, heard / total))

    return tell


def _written(
    material: Material, made: Plan, delivery: Delivery, out: Path, meter: ReductionMeter, options: Options, told: Told
) -> tuple[Profile, int, tuple[str, ...]]:
    """Write the master; measure it while it is still hidden, so that what is checked is what will stand there."""
    track = material.track
    measured: list[Profile] = []
    notes: list[str] = []
    total = material.target.profile.n_samples
    tell = _share(total, "render", told)

    def heard() -> Iterator[FloatArray]:
        for block in rendered(track.blocks(options.block_samples), made.moves, track.source.sample_rate_hz, meter):
            tell(block.shape[1])
            yield block

    def check(temp: Path) -> None:
        notes.extend(copy_tags(track.source.path, temp, _mark_line(material, made, delivery, temp)))
        written = open_track(temp, role="master")
        measured.append(replace(measure(written, progress=_share(total, "verify", told)).profile, path=str(out)))

    result = write_audio(
        out,
        heard(),
        sample_rate_hz=track.source.sample_rate_hz,
        channels=track.source.channels,
        delivery=delivery,
        expected_samples=material.target.profile.n_samples,
        finish=check,
    )
    return measured[0], result.clipped_samples, tuple(notes)


def _mark_line(material: Material, made: Plan, delivery: Delivery, temp: Path) -> str:
    """What a master says of itself in its tags; empty where there is nothing to say."""
    mark = next_mark(material.mark, material.toward, material.request, made)
    if mark is None:
        return ""
    return line_of(mark if is_lossy(delivery) else replace(mark, sound=sound_of(open_track(temp, role="master"))))


def _report(
    material: Material, made: Plan, after: Profile | None, meter: ReductionMeter | None, clipped: int, files: Files
) -> Report:
    return Report(
        status="mastered" if made.active else "unchanged",
        engine="refmaster",
        version=__version__,
        target=material.target.profile,
        reference=material.reference.profile if material.reference else None,
        master=after,
        genre=material.genre,
        request=material.request,
        plan=made,
        comparison=material.comparison,
        checks=verify.checks(made, material.target.profile, after, clipped) if after else (),
        effects=verify.effects(made, after) if after else (),
        texts=explain.texts(made),
        gain_reduction=meter.read() if meter and any(m.mover == "limit_peaks" for m in made.active) else None,
        files=files,
        notes=material.notes,
    )


def heard_in(report: Report, options: Options) -> Listening | None:
    """What can be played in the report, where that is wanted and there is a master."""
    if not options.audio or report.master is None:
        return None
    beside = report.beside.master if report.beside else None
    return listening(report.target, report.master, report.reference, beside, threads=options.threads)


def _page(report: Report, options: Options) -> str:
    """The HTML report, with the wanted and the applied EQ curve, and what can be heard."""
    from refmaster.moves import match_eq
    from refmaster.report import page

    at = np.array(report.target.band_hz)
    applied = np.zeros(at.size)
    for move in report.plan.active:
        if move.mover == "match_eq":
            applied += match_eq.response_at(move, at, report.target.sample_rate_hz)
    goal = None
    if report.comparison is not None:
        goal = tuple(wanted(report.comparison.tone, report.request.amount_pct).tolist())
    sound = heard_in(report, options)
    return page(report, wanted_eq_db=goal, applied_eq_db=tuple(applied.tolist()), sound=sound)


def _without_needless_dither(delivery: Delivery, made: Plan) -> Delivery:
    """Samples that nothing touched stay as they are, to half a step: dither would only add noise."""
    return delivery if made.active else replace(delivery, dithered=False)


def _files(goal: Path, options: Options) -> Files:
    return Files() if options.dry_run else files_of(goal, html=options.html)
