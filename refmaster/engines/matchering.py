"""A second opinion: matchering 2 [1] masters the target, and is measured and reported like our own engine.

It is heard as it is. Nothing is limited, turned down or equalised behind it; what it needs (files at 44.1 kHz, stereo,
15 minutes at most) is made for it in a temporary folder and undone after it, and every such conversion is a note.

[1] S. Grishakov, github.com/sergree/matchering, GPL-3.0: whole-file match of level and mid/side spectrum by a
linear-phase FIR of 4096 taps, then a sample-peak limiter.
"""

import importlib
import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from itertools import dropwhile
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import numpy as np

from refmaster import session as sessions
from refmaster import verify
from refmaster.analyse import Measured, measure
from refmaster.atomic import Together, together, why
from refmaster.compare import wanted
from refmaster.engines.beside import our_own
from refmaster.engines.closed import Tone, closed, text_of, tone_of
from refmaster.errors import BadAudio, BadOutput, BadSetting
from refmaster.load import Track, open_track, resampled, track_of
from refmaster.markers import copy_markers, state_loudness
from refmaster.names import shown
from refmaster.outputs import files_of, goal_path, older_report, paths
from refmaster.pipeline import Options, heard_in
from refmaster.plan import Material
from refmaster.prepare import Told, checked_request, prepare
from refmaster.records import (
    EVIDENCE_PCT,
    Comparison,
    Delivery,
    Effect,
    Files,
    Move,
    Plan,
    Profile,
    Report,
    Stage,
    Weights,
)
from refmaster.report import page
from refmaster.save import check_outputs, choose_delivery, size_bytes, write_audio, write_text
from refmaster.tags import copy_tags
from refmaster.units import FloatArray
from refmaster.writing import counted

ID = "matchering/match"
RATE_HZ = 44_100  # all it works at
LONGEST_S = 15 * 60.0  # all it takes: Config.max_length
FULL_PCT = 100.0  # it knows no half measures
FLOAT_WAV = Delivery("WAV", "FLOAT", bit_depth=None, dithered=False)  # 32 bits: any headroom, no dither
EXCERPT_SAMPLES = 2**20  # 24 s, enough to see a delay by
MOST_DELAY_SAMPLES = 64


def second_opinion(
    target: str | os.PathLike[str],
    reference: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    ceiling: float,
    options: Options,
    told: Told,
) -> Report:
    """Master a file with matchering, and write master, session and report as `pipeline.master` does.

    `ceiling` is only checked: matchering knows none. Raises a RefmasterError, and has then written nothing, where an
    input or a setting is refused, or where matchering fails.
    """
    if options.dry_run:
        raise BadSetting("--engine matchering cannot be run dry: it plans nothing, it only renders; drop --dry-run")
    engine = _imported()
    request = checked_request(FULL_PCT, None, ceiling, None, None)
    track, ref = open_track(target), open_track(reference, role="reference")
    goal = goal_path(Path(target), out, options.container)
    delivery = choose_delivery(goal, container=options.container, bit_depth=options.bit_depth, source=track.source)
    files = files_of(goal, html=options.html)
    need_bytes = size_bytes(delivery, track.source.channels, track.n_samples)
    check_outputs(paths(files), [Path(target), Path(reference)], force=options.force, need_bytes=need_bytes)
    material = prepare(track, ((ref, Weights()),), request, told, threads=options.threads, kept=options.cache)
    heard, comparison = material.reference, material.comparison
    if heard is None or comparison is None:
        raise ValueError("a reference was given, and nothing was measured of it")
    _refuse_long(material.target.profile, heard.profile)
    told("match by matchering", -1.0)
    mastered, notes = _mastered(engine, track, ref, material.target.profile)
    job = _Job(engine.__version__, material, heard, comparison, mastered, notes, delivery, files)
    with _workshop() as folder:  # where our own master lies until the page has it
        return _finished(job, our_own(material, request, delivery, folder, options, told), options, told)


@dataclass(frozen=True)
class _Job:
    """What matchering made of the material, at the target's rate, channels and length, and where it goes."""

    version: str
    material: Material
    reference: Measured
    comparison: Comparison
    mastered: Track
    notes: tuple[str, ...]
    delivery: Delivery
    files: Files


def _imported() -> ModuleType:
    """The package, which is an extra; its import warns of what scipy and others will drop."""
    try:
        with _silenced():
            return importlib.import_module("matchering")
    except ModuleNotFoundError as error:
        if error.name != "matchering":
            raise BadSetting(f"matchering is installed but lacks {error.name}; reinstall it") from error
        raise BadSetting("matchering is not installed; in refmaster's folder: pip install '.[matchering]'") from error
    except Exception as error:
        raise BadSetting(f"matchering is installed but cannot be loaded ({_said(error)}); reinstall it") from error


@contextmanager
def _silenced() -> Iterator[None]:
    """No warnings and nothing on stdout, which is ours for the summary or the JSON."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _refuse_long(target: Profile, reference: Profile) -> None:
    for role, profile in (("target", target), ("reference", reference)):
        if profile.duration_s > LONGEST_S:
            raise BadAudio(
                f"{role} {shown(profile.path)} is {profile.duration_s / 60:.1f} minutes long, and matchering takes"
                f" {LONGEST_S / 60:g} at most; leave --engine out"
            )


def _mastered(engine: ModuleType, track: Track, ref: Track, target: Profile) -> tuple[Track, tuple[str, ...]]:
    """The target as matchering masters it, brought back to what the target is, and notes on what that took."""
    with _workshop() as folder:
        given, theirs, made = (folder / f"{name}.wav" for name in ("target", "reference", "result"))
        _hand_over(track, given)
        _hand_over(ref, theirs)
        try:
            with _silenced():
                engine.process(str(given), str(theirs), [engine.Result(str(made), "FLOAT")])
            result = _samples(open_track(made, role="matchering's result"))
        except Exception as error:
            raise BadAudio(
                f"matchering failed on {shown(target.path)} ({_said(error)}); nothing was written"
            ) from error
        before = _samples(open_track(given))
    if not np.isfinite(result).all():
        raise BadAudio(f"matchering failed on {shown(target.path)}: its result holds NaN; nothing was written")
    return _brought_back(result, before, target)


@contextmanager
def _workshop() -> Iterator[Path]:
    """A temporary folder, gone afterwards."""
    try:
        folder = TemporaryDirectory(prefix="refmaster-", ignore_cleanup_errors=True)
    except OSError as error:
        raise BadOutput(f"no temporary folder can be made for matchering ({why(error)}); set TMPDIR") from error
    with folder as path:
        yield Path(path)


def _hand_over(track: Track, path: Path) -> None:
    """A file that matchering can read: from our own decoder, at its rate, in floating point."""
    sound = resampled(track, RATE_HZ)
    channels = sound.source.channels
    write_audio(path, sound.blocks(), sample_rate_hz=RATE_HZ, channels=channels, delivery=FLOAT_WAV)


def _samples(track: Track) -> FloatArray:
    return np.concatenate(list(track.blocks()), axis=1)


def _said(error: Exception) -> str:
    """An exception of somebody else's on one line; matchering begins its own with a code and ends them with a dot."""
    text = shown(" ".join(str(error).split())).rstrip(".")
    return text or type(error).__name__


def _brought_back(result: FloatArray, given: FloatArray, target: Profile) -> tuple[Track, tuple[str, ...]]:
    """The result in time with the target, at its rate, with its channels and its length."""
    notes = []
    delay = _delay_samples(result.mean(axis=0), given.mean(axis=0))
    aligned = _shifted(result, delay)
    if delay:
        late = "late" if delay > 0 else "early"
        notes.append(
            f"matchering's result came {counted(abs(delay), 'sample')} {late}"
            f" ({1e3 * abs(delay) / RATE_HZ:.3f} ms, by cross-correlation) and was moved into time"
        )
    if target.channels == 1:
        aligned = aligned.mean(axis=0, keepdims=True)
        notes.append(
            "matchering masters stereo only: it doubled the mono target, and the result was folded back to mono"
        )
    if target.sample_rate_hz != RATE_HZ:
        aligned = _samples(resampled(track_of(aligned, RATE_HZ, name="matchering"), target.sample_rate_hz))
        notes.append(
            f"matchering works at 44.1 kHz only: the target was converted from {target.sample_rate_hz / 1000:g} kHz"
            f" and the result back{'; above 22.05 kHz nothing is left' if target.sample_rate_hz > RATE_HZ else ''}"
        )
    missing = target.n_samples - aligned.shape[1]
    if missing:
        done = f"{abs(missing)} samples were {'added as silence to' if missing > 0 else 'cut from'} its end"
        notes.append(f"matchering's result was not as long as the target: {done}")
    fitted = np.pad(aligned, ((0, 0), (0, max(missing, 0))))[:, : target.n_samples]
    return track_of(fitted, target.sample_rate_hz, name="matchering's result"), tuple(notes)


def _delay_samples(result: FloatArray, given: FloatArray) -> int:
    """How many samples later the result is than what was given, within ±64.

    A linear-phase filter of positive gains only adds a delay to the phase of the cross-spectrum, so its peak is at that
    delay. The square root of its magnitude keeps the bass from making that peak a broad hill.
    """
    size = min(EXCERPT_SAMPLES, result.size, given.size)
    start = int(np.clip(np.abs(given).argmax() - size // 2, 0, min(result.size, given.size) - size))
    spectra = [np.fft.rfft(one[start : start + size], 2 * size) for one in (result, given)]
    cross = spectra[0] * np.conj(spectra[1])
    correlation = np.fft.irfft(cross / np.sqrt(np.abs(cross) + 1e-30))
    lags = sorted(range(-MOST_DELAY_SAMPLES, MOST_DELAY_SAMPLES + 1), key=abs)  # where nothing is told: none
    return lags[int(correlation[lags].argmax())]


def _shifted(samples: FloatArray, delay: int) -> FloatArray:
    """The same length, `delay` samples earlier; silence where nothing is left."""
    before, after = max(-delay, 0), max(delay, 0)
    padded = np.pad(samples, ((0, 0), (before, after)))
    return padded[:, after : after + samples.shape[1]]


def _finished(job: _Job, ours: Report, options: Options, told: Told) -> Report:
    """Write the master, measure what was written, say what was done, and write session and report."""
    with together(new=not options.force) as files:
        after, clipped, tag_notes = _written(job, told, files)
        told("explain", -1.0)
        tone = tone_of(job.material.target.profile, after.profile)
        report = _report(job, ours, tone, after, clipped, tag_notes)
        if job.files.session:
            write_text(Path(job.files.session), _session(report, job.delivery), files)
        if job.files.report:
            goal = wanted(job.comparison.tone, EVIDENCE_PCT)
            curves = [tuple(curve.tolist()) for curve in (goal, tone.gain_db)]
            hidden = replace(after.profile, path=str(files.now(Path(job.files.master or ""))))
            sound = heard_in(replace(report, master=hidden), options)
            html = page(report, wanted_eq_db=curves[0], applied_eq_db=curves[1], sound=sound)
            write_text(Path(job.files.report), html, files)
    return replace(report, beside=replace(ours, files=Files()))


def _report(job: _Job, ours: Report, tone: Tone, after: Measured, clipped: int, tag_notes: tuple[str, ...]) -> Report:
    material = job.material
    target, reference, comparison = material.target, job.reference, job.comparison
    gaps = closed(material, reference, comparison, after)
    move = Move(ID, Stage.TONE, (), tuple(one.gap for one in gaps), round(gaps[0].gap.confidence, 3))
    plan = Plan((move,), goal_lufs=reference.profile.integrated_lufs, ceiling_dbtp=material.request.ceiling_dbtp)
    return Report(
        status="mastered",
        engine="matchering",
        version=job.version,
        target=target.profile,
        reference=reference.profile,
        master=after.profile,
        genre=material.genre,
        request=material.request,
        plan=plan,
        comparison=replace(comparison, ignored=()),  # matchering ignores nothing
        checks=verify.checks(
            plan, target.profile, after.profile, clipped, reference=reference.profile, genre=material.genre
        ),
        effects=((ID, Effect("integrated_lufs", gaps[-1].gap.target, gaps[-1].master)),),
        texts=((ID, text_of(job.version, tone, gaps)),),
        files=job.files,
        notes=material.notes + job.notes + tag_notes + older_report(job.files),
        beside=ours,
    )


def _written(job: _Job, told: Told, files: Together) -> tuple[Measured, int, tuple[str, ...]]:
    """Write the master; measure it while it is still hidden, so that what is checked is what will stand there."""
    source, out = job.material.track.source, Path(job.files.master or "")
    measured: list[Measured] = []
    notes: list[str] = []

    def check(temp: Path, _: str) -> None:
        notes.extend(copy_tags(source.path, temp) + copy_markers(source.path, temp))
        told("verify", -1.0)
        measured.append(measure(open_track(temp, role="master")))
        state_loudness(temp, measured[-1].profile)

    told("render", -1.0)
    result = write_audio(
        out,
        job.mastered.blocks(),
        sample_rate_hz=source.sample_rate_hz,
        channels=source.channels,
        delivery=job.delivery,
        expected_samples=job.material.target.profile.n_samples,
        finish=check,
        within=files,
    )
    profile = replace(measured[0].profile, path=str(out))
    return replace(measured[0], profile=profile), result.clipped_samples, tuple(notes)


def _session(report: Report, delivery: Delivery) -> str:
    """The session, with its one move as a comment: no mover of ours can render it, so no table may ask for that."""
    references = (report.reference,) if report.reference else ()
    plan = replace(report.plan, moves=())
    outcome = sessions.outcome_of(report)
    if outcome is not None:  # its one move is no table, so what is to be said of it is a note
        outcome = replace(outcome, effects=(), notes=(report.text_of(ID), *outcome.notes))
    session = sessions.new_session(report.target, references, report.request, plan, delivery, report.engine, outcome)
    text = sessions.written(session, Path(report.files.session or "").parent)
    body = dropwhile(lambda line: line.startswith("#"), text.splitlines(keepends=True))
    head = (
        f"A second opinion by matchering {report.version}: a record of what was done; `refmaster render` refuses it.",
        f"{ID} ({report.plan.moves[0].stage.name.lower()}): {report.text_of(ID)}",
    )
    return "".join(f"# {line}\n" for line in head) + "".join(body)
