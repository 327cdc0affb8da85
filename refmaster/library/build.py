"""From files to rows: sound files are found, measured on every core, and what cannot be read is named and left out.

A track that was measured before comes from the cache, and then no process is started for it. Processes are spawned, so
that nothing of the caller's threads is copied; they end with their parent, and one that dies on a file (a decoder that
crashes) costs that file alone.
"""

import math
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path

from refmaster.analyse import check_masterable
from refmaster.cache import Cache, known, measured
from refmaster.dsp.ahead import workers
from refmaster.errors import BadAudio, BadSetting, RefmasterError
from refmaster.library.files import libraries_in
from refmaster.library.rows import TAGS, Row, row_of, sound_of
from refmaster.names import shown
from refmaster.records import Profile
from refmaster.tags import read_texts
from refmaster.tracks import ENDINGS, sound_below, unread_below

# Taste: shorter there are not four stretches of 3 s, of which loudness range and lowest PSR are made.
SHORTEST_RECORD_S = 10.0
FEW = 2  # fewer tracks are measured here: a process takes a second to start

Told = Callable[[str, int, int], None]
"""Progress: the file that is done, how many are, and of how many."""


@dataclass(frozen=True)
class Skipped:
    """A file that could not be measured, and why, in one line."""

    file: str
    why: str


@dataclass(frozen=True)
class Twin:
    """A file that counts no second time, the file or track that it repeats, and whether its very bytes are the same."""

    file: str
    same_as: str
    same_file: bool

    @property
    def text(self) -> str:
        """That in a line."""
        same = "the same file" if self.same_file else "the same sound in another file"
        return f"{self.file} counts once: {same} as {self.same_as}"


@dataclass(frozen=True)
class Gathered:
    """The rows of files, in the files' order, what was left out, and what is in them already."""

    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...]
    twice: tuple[Twin, ...] = ()


def sound_files(given: Iterable[str | os.PathLike[str]]) -> tuple[Path, ...]:
    """The files that were named, and all sound files below the folders that were, each once; hidden ones are not.

    BadAudio where a name is of nothing, and where a folder holds no sound.
    """
    found: dict[Path, None] = {}
    for name in given:
        path = Path(name)
        if os.path.isdir(path):  # unlike pathlib's, it takes a name of any length
            inside = sorted(sound_below(path))
            if not inside:
                raise BadAudio(f"{shown(path)} holds no sound file {_but_found(path)}")
            found |= dict.fromkeys(inside)
        elif os.path.exists(path):
            found[path] = None
        else:
            raise BadAudio(f"{shown(path)} does not exist; check the name and the folder")
    if not found:
        raise BadSetting("no file was given; name sound files, or a folder of them")
    return tuple(found)


def unread_files(given: Sequence[str | os.PathLike[str]]) -> tuple[Skipped, ...]:
    """Sound below the folders that were named which cannot be read, or does not look like sound by its name."""
    named = {os.path.realpath(name) for name in given}
    folders = [Path(name) for name in given if os.path.isdir(name)]
    found = {
        shown(path): why
        for folder in folders
        for path, why in unread_below(folder)
        if os.path.realpath(path) not in named
    }
    return tuple(Skipped(file, f"it {why}") for file, why in found.items())


def _but_found(folder: Path) -> str:
    """What would be one, and what it holds instead: libraries, and how their tracks are taken in, or sound unread."""
    names = [shown(path.name) for path in libraries_in(folder)]
    if not names:
        first = next(unread_below(folder), None)
        but = "" if first is None else f"; {shown(first[0])} {first[1]}"
        return f"({', '.join(ENDINGS)}){but}"
    number, them = (f"{len(names)} libraries", "them by file") if len(names) > 1 else ("a library", "its file")
    how = f"to merge, name {them}: refmaster library add NAME {shown(folder / names[0])}"
    return f"but {number} ({', '.join(names)}); {how}"


def gathered(
    paths: Sequence[Path], kept: Cache | None, *, jobs: int | None = None, told: Told | None = None
) -> Gathered:
    """Every file as a row, `jobs` at once (as many as there are cores)."""
    told = told or _silent
    at_once = jobs or os.cpu_count() or 1
    done: dict[Path, Row | Skipped] = {}

    def take(path: Path, result: Row | Skipped) -> None:
        done[path] = result
        told(shown(path.name), len(done), len(paths))

    with workers(at_once) as readers:  # hashing lets other threads run
        for path, row in zip(paths, readers.map(partial(_known_row, kept=kept), paths), strict=True):
            if row is not None:
                take(path, row)
    rest = [path for path in paths if path not in done]
    for path, result in _measured(rest, kept, min(at_once, len(rest))):
        take(path, result)
    results = [(path, done[path]) for path in paths]
    rows, twice = _each_once((shown(path), one) for path, one in results if isinstance(one, Row))
    return Gathered(rows, tuple(one for _, one in results if isinstance(one, Skipped)), twice)


def unlike(found: Gathered, held: Sequence[Row]) -> Gathered:
    """What was gathered without what sounds the same as a row that is held, in another file."""
    by_sound = {sound_of(row): row for row in held}
    rows, twice = [], []
    for row in found.rows:
        same = by_sound.get(sound_of(row), row)
        if same.sha256 == row.sha256:
            rows.append(row)
        else:
            twice.append(Twin(row.file, f"{same.file} of the library", same_file=False))
    return replace(found, rows=tuple(rows), twice=(*found.twice, *twice))


def _each_once(named: Iterable[tuple[str, Row]]) -> tuple[tuple[Row, ...], tuple[Twin, ...]]:
    """Rows, each sound once, and the names of files that repeat one before them."""
    first: dict[tuple[object, ...], tuple[str, Row]] = {}
    twice = []
    for name, row in named:
        of, known = first.setdefault(sound_of(row), (name, row))
        if known is not row:
            twice.append(Twin(name, of, same_file=known.sha256 == row.sha256))
    return tuple(row for _, row in first.values()), tuple(twice)


def _measured(paths: Sequence[Path], kept: Cache | None, at_once: int) -> Iterator[tuple[Path, Row | Skipped]]:
    if at_once < 2 or len(paths) < FEW:
        yield from ((path, measured_row(path, kept)) for path in paths)
        return
    left = list(paths)
    try:
        for path, result in _in_processes(left, kept, at_once):
            left.remove(path)
            yield path, result
    except BrokenProcessPool:
        for path in left:  # one of these kills who reads it: each has a process of its own
            yield path, _alone(path, kept)


def _in_processes(paths: Sequence[Path], kept: Cache | None, at_once: int) -> Iterator[tuple[Path, Row | Skipped]]:
    others = set(active_children())
    pool = _pool(at_once)
    try:
        waiting = {pool.submit(measured_row, path, kept): path for path in paths}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    except BaseException:  # Ctrl-C among it: nobody waits for a track to be measured to its end
        for process in set(active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _alone(path: Path, kept: Cache | None) -> Row | Skipped:
    with _pool(1) as pool:
        try:
            return pool.submit(measured_row, path, kept).result()
        except BrokenProcessPool:
            return Skipped(shown(path), "the process that read it died; the file is damaged, or memory ran out")


def _pool(at_once: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(at_once, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """In a new process: Ctrl-C is the parent's business, and without a parent there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def measured_row(path: Path, kept: Cache | None) -> Row | Skipped:
    """The row of a file that is not in the cache, or why there is none."""
    try:
        return _row(path, measured(path, kept))
    except RefmasterError as error:
        return _skipped(path, error)


def _known_row(path: Path, kept: Cache | None) -> Row | Skipped | None:
    try:
        profile = known(path, kept)
        return None if profile is None else _row(path, profile)
    except RefmasterError as error:
        return _skipped(path, error)


def _skipped(path: Path, error: RefmasterError) -> Skipped:
    """The file, and the error about it: where that begins with the file's name, "it" stands for the name."""
    text = str(error).removeprefix("target ")
    rest = text.removeprefix(shown(path)).removeprefix(str(path))
    return Skipped(shown(path), f"it{rest}" if rest != text and rest.startswith(" ") else rest.removeprefix(": "))


def _row(path: Path, profile: Profile) -> Row:
    check_masterable(profile, "it")
    if profile.duration_s < SHORTEST_RECORD_S:
        length_s = math.floor(10 * profile.duration_s) / 10
        raise BadAudio(
            f"{profile.path}: it is {length_s:.1f} s long; under {SHORTEST_RECORD_S:g} s is a jingle and no record, "
            "and would move what is normal"
        )
    tags = read_texts(path)
    return row_of(profile, path.name, {name: "; ".join(tags.get(name, ())) for name in TAGS})


def _silent(file: str, done: int, total: int) -> None:
    """Tell nobody."""
