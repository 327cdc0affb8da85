"""Files that appear whole or not at all.

A result is written to a hidden file beside its goal, brought to the disk, and only then given its name. Whatever goes
wrong on the way, Ctrl-C among it, the hidden file is removed and what stood at the goal is untouched. Results of one
run take their names together.
"""

import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import soundfile as sf

from refmaster.errors import BadOutput
from refmaster.names import fitting, shown
from refmaster.stream import objection

_TRIES = 100
_COMPARED_BYTES = 2**20
_SYSTEM_ERROR = 2  # libsndfile's number for whatever the system objected to
_HIDDEN = re.compile(r"\.(?P<stem>.+)\.part-[0-9a-f]{8}(?P<ending>\.[^.]*|)")


class Together:
    """Files that belong together: they stay hidden until all are written, and then take their names in a row.

    Where they must be `new`, and anything has one of their names by then, none of them takes its own; but what holds
    the very same may be of an earlier try, and nothing is lost by it. Only what appears between that look and the
    renames, which follow at once, is still written over. Where one cannot be given its name,
    those before it lose theirs again, and what they replaced stands there as it did.
    """

    def __init__(self, *, new: bool = False) -> None:
        self._hidden: dict[Path, Path] = {}
        self._former: dict[Path, Path] = {}  # what stood under a name, by a hidden one until all have theirs
        self._new = new

    def keep(self, temp: Path, out: Path) -> None:
        """Take in a file that is written, and is to be named `out`."""
        self._hidden[out] = temp

    def now(self, out: Path) -> Path:
        """Where a file that will be named `out` can be read until then."""
        return self._hidden.get(out, out)

    def name(self) -> None:
        """Give all of them their names; an interruption is heard behind the last, or some would stand alone."""
        if self._new:
            _refuse_taken(out for out, temp in self._hidden.items() if not is_same(temp, out))
        try:
            self._give()
        except KeyboardInterrupt:
            self._give()
            raise
        for folder in {out.parent for out in self._hidden}:
            _synced_folder(folder)

    def forget(self) -> None:
        """Remove what is still hidden."""
        for temp in (*self._hidden.values(), *self._former.values()):
            with suppress(OSError):
                temp.unlink(missing_ok=True)

    def _give(self) -> None:
        """Give those their names that have none yet; all or none of them."""
        for out, temp in self._hidden.items():
            if not os.path.lexists(temp):
                continue
            try:
                if os.path.lexists(out) and (os.path.islink(out) or not os.path.isdir(out)):
                    self._former.setdefault(out, _hidden_beside(out))
                    _also_named(out, self._former[out])
                os.replace(temp, out)
            except OSError as error:
                kept = self._take_back()
                said = f"{shown(out)} could not be given its name ({why(error)}); nothing was written"
                raise BadOutput("; ".join((said, *kept))) from error

    def _take_back(self) -> list[str]:
        """Undo what was given; what cannot be put back stays under its hidden name, which is said."""
        kept = []
        for out, temp in self._hidden.items():
            former = self._former.get(out)
            try:
                if former is not None and os.path.lexists(former):
                    os.replace(former, out)
                elif not os.path.lexists(temp):
                    out.unlink(missing_ok=True)
            except OSError:
                if former is not None:
                    del self._former[out]
                    kept.append(f"what was {shown(out)} is now {shown(former)}")
        return kept


@contextmanager
def together(*, new: bool = False) -> Iterator[Together]:
    """Files that are `replacing` others within the block do so at its end, or where it ends badly none of them does.

    Files that must be `new` replace none: see `Together`.
    """
    files = Together(new=new)
    try:
        yield files
        files.name()
    finally:
        files.forget()


@contextmanager
def replacing(out: Path, within: Together | None = None, *, new: bool = False) -> Iterator[Path]:
    """A new, empty file with the ending of `out`, which takes its place when the block ends well.

    `within` others it does so with them; alone, where it must be `new`, only if its name is still free. What the disk
    or libsndfile object to becomes a BadOutput.
    """
    temp: Path | None = None
    try:
        temp = _created_beside(out)
        yield temp
        _synced(temp)
        if within is not None:
            within.keep(temp, out)
            return
        if new:
            _refuse_taken([out])
        os.replace(temp, out)
        _synced_folder(out.parent)
    except BaseException as error:
        if temp is not None:
            with suppress(OSError):
                temp.unlink(missing_ok=True)
        if isinstance(error, (OSError, sf.SoundFileError)):
            raise BadOutput(f"{shown(out)} could not be written ({why(error)}); nothing was left behind") from error
        raise


@contextmanager
def held(folder: Path, *, busy: str = "") -> Iterator[None]:
    """Hold a folder, so that no other who holds it writes into it meanwhile; where the system has such locks.

    While another has it, `busy` is what a BadOutput says; without such words it is waited for.
    """
    descriptor = None
    try:
        with suppress(ImportError, OSError):
            import fcntl

            descriptor = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
            except BlockingIOError as error:
                raise BadOutput(busy) from error
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def is_same(one: Path, other: Path) -> bool:
    """Whether two names are of plain files of the same content; not where one of them is none, or cannot be read."""
    try:
        if not all(stat.S_ISREG(os.lstat(path).st_mode) for path in (one, other)):
            return False
        with open(one, "rb") as ours, open(other, "rb") as theirs:
            return same_content(ours, theirs)
    except OSError:
        return False


def same_content(one: IO[bytes], other: IO[bytes]) -> bool:
    """Whether two open files hold the same from here on."""
    while True:
        ours, theirs = (_filled(file) for file in (one, other))
        if ours != theirs:
            return False
        if not ours:
            return True


def _filled(file: IO[bytes]) -> bytes:
    """The next of a file, as much as is compared at once: storage may hand out less at a time."""
    parts, left = [], _COMPARED_BYTES
    while left and (part := file.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def orphans(goals: Iterable[Path]) -> list[Path]:
    """The hidden files that processes which were killed left beside these goals."""
    wanted: dict[Path, set[str]] = {}
    for goal in goals:
        wanted.setdefault(goal.parent, set()).add(goal.name)
    found = []
    for folder, names in wanted.items():
        with suppress(OSError):
            hidden = (_HIDDEN.fullmatch(name) for name in os.listdir(folder))
            found += [folder / one[0] for one in hidden if one and one["stem"] + one["ending"] in names]
    return found


def why(error: Exception) -> str:
    """What the system or libsndfile said, on one line."""
    if isinstance(error, sf.LibsndfileError) and (number := objection()):
        text = os.strerror(number)
    elif isinstance(error, sf.LibsndfileError) and error.code == _SYSTEM_ERROR:
        text = "the disk may be full"
    elif isinstance(error, sf.LibsndfileError):
        text = error.error_string.strip().removeprefix("Error : ")
    else:
        text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return shown(text.strip().rstrip("."))


def _refuse_taken(names: Iterable[Path]) -> None:
    """Refuse names that were free when the work began, and no longer are."""
    for out in names:
        if os.path.lexists(out):
            raise BadOutput(
                f"{shown(out)} appeared while this ran, and nothing was written;"
                " --force overwrites it, or choose another name"
            )


def _also_named(out: Path, former: Path) -> None:
    """Give a file a second, hidden name; where a folder knows no second names, that one instead of its own."""
    if os.path.lexists(former):
        return
    try:
        os.link(out, former, follow_symlinks=False)
    except (OSError, NotImplementedError):
        os.replace(out, former)


def _created_beside(out: Path) -> Path:
    """An empty hidden file that did not exist before."""
    for _ in range(_TRIES):
        temp = _hidden_beside(out)
        try:
            os.close(os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            return temp
        except FileExistsError:
            pass
        except KeyboardInterrupt:  # it may have struck when the file was there and nobody knew of it yet
            temp.unlink(missing_ok=True)
            raise
    raise FileExistsError(f"no free name beside {shown(out)}")


def _hidden_beside(out: Path) -> Path:
    """A name `.stem.part-XXXXXXXX.ending`, most likely free; tag writers go by the ending."""
    return fitting(out.parent, f".{out.stem}", f".part-{secrets.token_hex(4)}{out.suffix}")


def _synced(path: Path) -> None:
    """Wait until a file's content is on the disk: a rename alone may overtake it."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _synced_folder(folder: Path) -> None:
    """Wait until a folder knows the new name, where the system can say so (Windows and some networks cannot)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
