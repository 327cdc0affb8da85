"""The process that does the work, one track after another; `worker` starts it.

It is asked in lines of JSON on its standard input and answers on its standard output. What kills it, a decoder or the
system, kills the track in hand and nothing else. When whoever started it is gone, its input ends: it breaks off,
tidies as after Ctrl-C, and leaves. So a batch that is killed leaves no process behind.
"""

import _thread
import json
import os
import queue
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from refmaster import lean
from refmaster.batch.records import Job, Outcome, Settings, missed_in, outcome_data, settings_from
from refmaster.errors import BadOutput, BadSetting, RefmasterError, is_interruption
from refmaster.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from refmaster.records import Decision, Plan, Report

SCRATCH = "REFMASTER_BATCH_SCRATCH"
TIDY_S = 5.0  # taste: how long tidying may take
TICK_S = 0.1
TELL_EVERY_S = 0.1

Request = dict[str, object]
_Named = tuple[str, list[str], str]  # target, references and master, as they are called from where the child stands


def main() -> None:
    """Serve until the input ends."""
    lean.start()
    answers = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer
    requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    try:
        while (request := requests.get()) is not None:
            _say(answers, _answered(request, answers))
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    shutil.rmtree(os.environ.get(SCRATCH, ""), ignore_errors=True)
    os._exit(0)  # threads that still compute are not waited for


def _listen(requests: "queue.SimpleQueue[Request | None]") -> None:
    """Hand on what is asked; when nobody is left to ask, stop the work, at first politely."""
    with open(0, "rb", closefd=False) as lines:
        for line in lines:
            requests.put(json.loads(line))
    requests.put(None)
    _thread.interrupt_main()
    for _ in range(round(TIDY_S / TICK_S)):  # one long sleep would end at once where the machine itself stood still
        time.sleep(TICK_S)
    os._exit(1)


def _answered(request: Request, answers: int) -> Request:
    try:
        settings = settings_from(request["settings"])  # type: ignore[arg-type]
        if request["do"] == "check":
            return {"answer": _checked(settings)}
        job = Job(**request["job"])  # type: ignore[arg-type]
        cache: str | None = request["cache"]  # type: ignore[assignment]
        work = _Work(int(str(request["threads"])), cache, _Telling(answers))
        if request["do"] == "measure":
            return {"answer": outcome_data(_measured(job, work))}
        if request["do"] == "goal":
            return {"answer": _goal(_mastered(job, settings, replace(work, dry=True)).plan)}
        report = _mastered(job, settings, work)
        return {"answer": outcome_data(_outcome(job, report, html=settings.html))}
    except RefmasterError as error:
        return {"refused": " ".join(str(error).split())}
    except Exception as error:
        if is_interruption(error) or isinstance(error, BrokenPipeError):  # nobody is left to hear of it
            raise KeyboardInterrupt from error
        import traceback

        with suppress(OSError):  # stderr may be full, or nobody's any more
            os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))
        return {"refused": f"a mistake of ours, {type(error).__name__}: {error}; its traceback stands above"}


@dataclass(frozen=True)
class _Work:
    """How to work: the threads of one track, where tracks are remembered, whom to tell, and whether to write."""

    threads: int
    cache: str | None
    told: "_Telling"
    dry: bool = False


class _Telling:
    """Progress, as often as an eye can follow."""

    def __init__(self, answers: int):
        self._answers = answers
        self._last = ("", 0.0)

    def __call__(self, step: str, share: float) -> None:
        now = time.monotonic()
        if step != self._last[0] or now - self._last[1] >= TELL_EVERY_S:
            self._last = (step, now)
            _say(self._answers, {"step": step, "share": share})


def _say(answers: int, what: Request) -> None:
    line = json.dumps(what).encode() + b"\n"
    while line:
        line = line[os.write(answers, line) :]


def _checked(settings: Settings) -> Request:
    """Refuse what no track could be mastered with; the SHA-256 of the references."""
    from refmaster.batch.remote import fetched, is_url
    from refmaster.decide import parse_decisions, refuse_second_word
    from refmaster.genres.context import checked_genre
    from refmaster.load import open_track
    from refmaster.outputs import goal_path
    from refmaster.prepare import checked_request
    from refmaster.records import Source
    from refmaster.save import choose_delivery

    checked_request(
        settings.amount, settings.loudness, settings.ceiling, settings.only, settings.detail, settings.phase
    )
    _refuse_aimless(settings, checked_genre(settings.genre))
    decisions = parse_decisions(settings.drop, settings.set, settings.lock)
    refuse_second_word(decisions, settings.loudness, settings.ceiling)
    _refuse_album(settings, decisions)
    goal = goal_path(Path("any.wav"), None, settings.container)
    any_source = Source("any.wav", "", 48000, 2, "WAV", "PCM_24", 24, lossy=False)  # every format takes 48 kHz
    choose_delivery(goal, container=settings.container, bit_depth=settings.bit_depth, source=any_source)
    hashes = []
    for number, reference in enumerate(settings.files):
        here = fetched(reference, _scratch() / f"reference-{number}") if is_url(reference) else reference
        hashes.append(open_track(here, role="reference").source.sha256)
    return {"references": hashes + _libraries(settings)}


def _libraries(settings: Settings) -> list[str]:
    """SHA-256 of what each library holds: another content is another batch."""
    from hashlib import sha256

    from refmaster.library.files import default_folder, find_libraries, row_lines

    if settings.library is None:
        return []
    found = find_libraries(settings.library, default_folder())
    return [sha256(json.dumps(row_lines(one.tracks), sort_keys=True).encode()).hexdigest() for one in found]


def _refuse_album(settings: Settings, decisions: "Iterable[Decision]") -> None:
    """Refuse an album whose tracks' loudness is not the album's to say."""
    from refmaster.decide import parse_stages
    from refmaster.records import Stage, Verdict

    if not settings.album:
        return
    stages = parse_stages(settings.only)
    if stages and Stage.LEVEL not in stages:
        raise BadSetting(f"--only {settings.only} leaves the level alone, and --album sets it; add level to it")
    own = [one for one in decisions if one.move == "match_loudness" and (one.values or one.verdict is Verdict.DROP)]
    if own:
        raise BadSetting("--album and a --set or --drop of match_loudness cannot both hold; say one of them")


def _refuse_aimless(settings: Settings, genre: str) -> None:
    """Refuse a batch that has nothing to go toward: no reference, and no genre that tells a tone."""
    from refmaster.genres import load_genre
    from refmaster.genres.context import AUTO
    from refmaster.genres.posterior import NONE

    if settings.library is not None and settings.genre is not None:
        raise BadSetting("--genre and --library were both given; tracks are read in one of them")
    if settings.references or settings.library is not None or (genre == AUTO and settings.genre is not None):
        return
    if settings.genre is None:
        asked = "no reference and no genre was given"
    elif genre == NONE or load_genre(genre).tone is None:
        asked = f"--genre {genre} tells no tone to master toward"
    else:
        return
    raise BadSetting(f"{asked}; name a reference, --ref FILE, or a genre, --genre NAME (auto takes each track's own)")


def _measured(job: Job, work: _Work) -> Outcome:
    """The loudness of one track, as it will be measured again when it is mastered; the cache keeps it for that."""
    from tempfile import TemporaryDirectory

    from refmaster.analyse import measure
    from refmaster.batch.remote import fetched, is_url
    from refmaster.cache import kept_in
    from refmaster.load import open_track
    from refmaster.remembered import remembered

    with TemporaryDirectory(dir=_scratch()) as place:
        here = fetched(job.target, Path(place)) if is_url(job.target) else job.target
        with _named_as_known(job, here):
            track = open_track(here)
            profile = remembered(track, kept_in(work.cache), lambda: measure(track)).profile
    return Outcome(job.name, job.out, "unchanged", target_lufs=profile.integrated_lufs)


def _goal(plan: "Plan") -> Request:
    """The loudness that a plan comes to, and why it stops short of what it was to read; "" where it does not."""
    short = next((one.text for one in plan.not_reached if one.what == "integrated_lufs"), "")
    return {"goal_lufs": plan.goal_lufs, "short": short}


def _mastered(job: Job, settings: Settings, work: _Work) -> "Report":
    """Master one track. All names are relative to the output folder, so the files do not tell where it stands."""
    from refmaster.batch.remote import is_url, staged

    if any(map(is_url, (job.target, job.folder, *settings.files))):
        with staged(job, settings, _scratch()) as (target, references, out), _named_as_known(job, target):
            return _run(job, (target, references, out), settings, work)
    try:
        os.chdir(job.folder)
    except OSError as error:
        raise BadOutput(f"the folder {job.folder} cannot be reached from here ({error.strerror})") from error
    target, *references = (_relative(one) for one in (job.target, *settings.files))
    if settings.library and os.path.isabs(settings.library):
        settings = replace(settings, library=_relative(settings.library))
    with _named_as_known(job, target):
        return _run(job, (target, references, job.out), settings, work)


@contextmanager
def _named_as_known(job: Job, here: str) -> Iterator[None]:
    """An error names the track as the person knows it, and not as it is called `here`, where it is worked on."""
    try:
        yield
    except RefmasterError as error:
        raise type(error)(str(error).replace(shown(here), shown(job.name))) from error


def _run(job: Job, files: _Named, settings: Settings, work: _Work) -> "Report":
    from refmaster.cache import kept_in
    from refmaster.decide import parse_reference
    from refmaster.pipeline import Options, master

    target, references, out = files
    weights = [parse_reference(one)[1] for one in settings.references]
    return master(
        target,
        list(zip(references, weights, strict=True)),
        out,
        genre=settings.genre,
        library=settings.library,
        amount=settings.amount,
        loudness=settings.loudness if job.loudness is None else job.loudness,
        ceiling=settings.ceiling,
        only=settings.only,
        detail=settings.detail,
        phase=settings.phase,
        fresh=settings.fresh,
        drop=settings.drop,
        set=settings.set,
        lock=settings.lock,
        options=Options(
            settings.container,
            settings.bit_depth,
            force=job.replaces,
            dry_run=work.dry,
            html=settings.html,
            audio=settings.audio,
            threads=work.threads,
            cache=kept_in(work.cache),
            target_once=not settings.album,
            many=True,
            again=job.again,
            notes=_album_note(job),
        ),
        told=work.told,
    )


def _album_note(job: Job) -> tuple[str, ...]:
    """That the loudness which a track is asked for is its place in an album."""
    from refmaster.units import written

    if job.album_lu is None or job.loudness is None:
        return ()
    moved, asked = written("album_lu", job.album_lu), written("asked_lufs", job.loudness)
    told = f"one of an album: each of its tracks is moved by {moved}, and this one is asked for {asked}"
    return (told, f"it leads the album, which goes as far as it goes alone: {job.short}") if job.short else (told,)


def _outcome(job: Job, report: "Report", *, html: bool) -> Outcome:
    from refmaster.explain import check_text, missed_words
    from refmaster.taken import genre_words

    master, session, page = job.outputs
    after = report.master or report.target
    return Outcome(
        name=job.name,
        out=job.out,
        status=report.status,
        sha256=report.target.sha256,
        duration_s=report.target.duration_s,
        target_lufs=report.target.integrated_lufs,
        master_lufs=after.integrated_lufs,
        target_dbtp=report.target.true_peak_dbtp,
        master_dbtp=after.true_peak_dbtp,
        moves=len(report.plan.active),
        failed_checks=tuple(check_text(check) for check in report.checks if not check.passed),
        genre=genre_words(report.genre) or None,
        not_reached=missed_in(missed_words(report.plan), led_short=bool(job.short)),
        album_lu=job.album_lu,
        led_short=bool(job.short),
        master=master,
        session=session,
        report=page if html else None,
    )


def _relative(path: str) -> str:
    """A path as seen from the folder we stand in; absolute where no relative one leads there (another drive)."""
    whole = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    try:
        return os.path.relpath(whole, os.path.realpath(os.curdir))
    except ValueError:
        return whole


def _scratch() -> Path:
    return Path(os.environ[SCRATCH])
