"""From what a person names to a list of jobs: files, folders with all that is in them, URLs; longest first.

A folder keeps its shape: `mixes/ep/one.wav` of `mixes` becomes `ep/one.master.wav`. Refused before any work: what is
not there, folders with no audio, results that two tracks would share, and what stands where a result should go.
"""

import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from refmaster.atomic import orphans
from refmaster.batch.length import guessed_s, length_s
from refmaster.batch.records import Ended, Job, Settings, failed
from refmaster.batch.remote import base_name, exists, is_url, joined, listed, size_bytes
from refmaster.errors import BadAudio, BadOutput, BadSetting
from refmaster.names import LONGEST_NAME_BYTES, shown
from refmaster.outputs import goal_path, refuse_place
from refmaster.save import check_outputs
from refmaster.tracks import ENDINGS, is_sound, sound_below, unread, unread_below
from refmaster.writing import counted


@dataclass(frozen=True)
class Found:
    """A track, its name within the folder that it was found in, and its length as far as is known."""

    target: str
    name: str
    length_s: float


def jobs_of(sources: Sequence[str], folder: str, settings: Settings) -> tuple[Job, ...]:
    """One job a track, longest first; equally long ones by name."""
    references = {_key(one) for one in settings.files}
    found: dict[str, Found] = {}
    for source in sources:
        for one in _tracks(source, references):
            found.setdefault(_key(one.target), one)
    jobs = [_job(one, folder, settings) for one in found.values()]
    _refuse_shared(jobs)
    if not is_url(folder):
        _refuse_long(jobs)
    return tuple(sorted(jobs, key=lambda job: (-job.length_s, job.out)))


def unread_of(sources: Sequence[str], folder: str, jobs: Iterable[Job]) -> tuple[Ended, ...]:
    """Sound in these folders that is none of the jobs because it cannot be read, as tracks that have failed.

    Behind a URL it is told by its ending alone: looking into a file there costs a request.
    """
    taken, names = {_key(job.target) for job in jobs}, set[str]()
    found = []
    for source in sources:
        for one, why in _unread(source):
            if _key(one.target) not in taken:
                taken.add(_key(one.target))
                own = one.target if one.name in names else one.name  # two folders may hold the same name
                names.add(own)
                job = Job(one.target, folder, own, one.name)
                found.append(Ended(job, failed(job, f"target {shown(one.name)} {why}")))
    return tuple(found)


def refuse_outputs(jobs: Iterable[Job], settings: Settings, *, force: bool, ours: frozenset[str] = frozenset()) -> None:
    """Refuse results that cannot or must not be written. `ours` are masters of the batch that is resumed."""
    jobs = list(jobs)
    inputs = {_key(job.target): job for job in jobs} | dict.fromkeys(map(_key, settings.files))
    for job in jobs:
        wanted = [joined(job.folder, name) for name in job.outputs[: 3 if settings.html else 2]]
        if taken := [one for one in wanted if _key(one) in inputs]:
            raise BadOutput(f"{shown(taken[0])} is an input as well; choose another folder with -o")
        if is_url(job.folder):
            _refuse_far(wanted, force or job.out in ours)
        elif os.path.isdir(os.path.dirname(wanted[0]) or "."):
            check_outputs([Path(one) for one in wanted], [], force=force or job.out in ours)


def refuse_folder(folder: str) -> None:
    """Refuse a local output folder that cannot be made or written to."""
    if not is_url(folder):
        refuse_place(Path(folder))


@contextmanager
def made(folders: Iterable[Path], ours: Iterable[Path] = ()) -> Iterator[None]:
    """Have these folders; at the end, those that were made for it, and `ours`, go again where they stayed empty."""
    passing = set(ours)
    try:
        for folder in dict.fromkeys(folders):
            passing.update(one for one in (folder, *folder.parents) if not os.path.exists(one))
            _make(folder)
        yield
    finally:
        for folder in sorted(passing, key=lambda one: len(one.parts), reverse=True):
            with suppress(OSError):  # it is not empty, then
                folder.rmdir()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = error.strerror or str(error)
        raise BadOutput(f"the folder {shown(folder)} cannot be made ({said}); choose another with -o") from error


def folder_of(job: Job) -> Path:
    """The folder, on this machine, that a track's results go into."""
    return Path(job.folder, job.out).parent


def sweep(jobs: Iterable[Job]) -> None:
    """Remove the hidden files that whoever was killed with all its children left for these tracks."""
    for orphan in orphans(Path(job.folder, out) for job in jobs if not is_url(job.folder) for out in job.outputs):
        orphan.unlink(missing_ok=True)


def _tracks(source: str, references: set[str]) -> list[Found]:
    """The tracks that one word stands for."""
    if is_url(source):
        files = listed(source)
        if files is None:
            return [Found(source, base_name(source), guessed_s(source, size_bytes(source)))]
        found = [Found(one.url, one.name, guessed_s(one.name, one.size_bytes)) for one in files]
    elif os.path.isdir(source):
        found = [Found(str(path), path.relative_to(source).as_posix(), 0.0) for path in sound_below(Path(source))]
    elif not os.path.lexists(source):
        raise BadAudio(f"target {shown(source)} does not exist; check the name and the folder")
    elif source.lower().endswith(".toml"):
        raise BadSetting(f"{shown(source)} is a session, not a track; it is rendered with: refmaster render")
    else:
        path = os.path.abspath(source)
        return [Found(path, os.path.basename(path), length_s(path))]
    tracks = [one for one in found if _is_track(one.name) and _key(one.target) not in references]
    if not tracks:
        raise BadAudio(_nothing_in(source, [one for one in found if _is_audio(one.name)], references))
    return [one if is_url(one.target) else _measured(one) for one in tracks]


def _unread(source: str) -> Iterator[tuple[Found, str]]:
    """The sound in a folder that cannot be read, and why; nothing for a file, which is tried as it is."""
    if is_url(source):
        for one in listed(source) or ():
            if not _is_hidden(one.name) and not _is_audio(one.name) and (why := unread(one.name)):
                yield Found(one.url, one.name, 0.0), why
    elif os.path.isdir(source):
        for path, why in unread_below(Path(source)):
            yield Found(os.path.abspath(path), path.relative_to(source).as_posix(), 0.0), why


def _nothing_in(source: str, audio: Sequence[Found], references: set[str]) -> str:
    """Why there is nothing to master in a folder: it holds no audio, or only what is not taken from a folder."""
    if strange := list(_unread(source)):
        (first, why), more = strange[0], len(strange) - 1
        others = f" (one of {more + 1} such files)" if more else ""
        return f"the folder {shown(source)} holds nothing that can be mastered: {shown(first.name)}{others} {why}"
    if not audio:
        return f"the folder {shown(source)} holds no audio; refmaster reads {', '.join(ENDINGS)}"
    n_references = sum(_key(one.target) in references for one in audio)
    n_masters = len(audio) - n_references
    masters = f"{counted(n_masters, 'master')} of ours (….master.…)" if n_masters else ""
    kinds = ("the reference itself", f"{n_references} references")[n_references > 1] if n_references else ""
    held = " and ".join(filter(None, (masters, kinds)))
    return (
        f"in the folder {shown(source)} nothing is left to master: its audio is {held};"
        " name a file itself to master it all the same"
    )


def _is_track(name: str) -> bool:
    """Audio that is not, by its name, a master of ours."""
    return _is_audio(name) and not PurePosixPath(name).stem.lower().endswith(".master")


def _is_audio(name: str) -> bool:
    """Audio by its ending, and not hidden."""
    return is_sound(PurePosixPath(name).name) and not _is_hidden(name)


def _is_hidden(name: str) -> bool:
    """Whether a file or a folder that it lies in is hidden."""
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def _measured(one: Found) -> Found:
    path = os.path.abspath(one.target)
    return Found(path, one.name, length_s(path))


def _job(one: Found, folder: str, settings: Settings) -> Job:
    master = goal_path(Path(PurePosixPath(one.name).name), None, settings.container).name
    out = str(PurePosixPath(one.name).with_name(master))
    return Job(one.target, folder, out, one.name, one.length_s)


def _refuse_shared(jobs: Iterable[Job]) -> None:
    """Refuse two tracks whose results would have one name, on systems that ignore case, too."""
    seen: dict[str, Job] = {}
    for job in jobs:
        other = seen.setdefault(unicodedata.normalize("NFC", job.out).casefold(), job)
        if other is not job:
            raise BadOutput(
                f"{shown(other.target)} and {shown(job.target)} would both become {shown(job.out)};"
                " rename one, or master them into two folders"
            )


def _refuse_long(jobs: Iterable[Job]) -> None:
    """Refuse a track whose results no folder can hold by their names: `-o` names the folder, not them."""
    for job in jobs:
        longest = max((PurePosixPath(one).name for one in job.outputs), key=lambda name: len(os.fsencode(name)))
        if len(os.fsencode(longest)) > LONGEST_NAME_BYTES:
            raise BadOutput(
                f"{shown(longest)} is too long a name; at most {LONGEST_NAME_BYTES} bytes: rename {shown(job.name)}"
            )


def _refuse_far(wanted: Iterable[str], force: bool) -> None:
    for one in wanted:
        if not force and exists(one):
            raise BadOutput(f"{one} exists; --force overwrites it")


def _key(name: str) -> str:
    """What is the same for two names of one file."""
    return name if is_url(name) else os.path.normcase(os.path.realpath(name))
