"""Tracks and folders that are named by a URL: whatever fsspec can open (extra `refmaster[cluster]`).

The work itself is always done on local files. A track that comes or goes by URL is worked on in a folder of its own,
under its own name, so its session names it as if both stood beside each other.
"""

import os
import posixpath
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from refmaster.atomic import replacing, same_content, together
from refmaster.batch.records import Job, Settings
from refmaster.errors import BadAudio, BadOutput, BadSetting, RefmasterError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

NEEDED = "needs {what}, which is not installed; in refmaster's folder: pip install '.[cluster]'"


@dataclass(frozen=True)
class Found:
    """A file that a URL leads to, and its size where the storage tells."""

    url: str
    name: str  # relative to what was asked for
    size_bytes: int


def is_url(text: str) -> bool:
    """Whether a name is a URL and no path."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and scheme.replace("+", "").replace(":", "").isalnum()


def base_name(text: str) -> str:
    """The file's own name at the end of a path or URL."""
    return unquote(posixpath.basename(urlsplit(text).path)) if is_url(text) else Path(text).name


def joined(folder: str, name: str) -> str:
    """A file of a folder, both with "/" between their parts."""
    return f"{folder.rstrip('/')}/{name}"


def listed(url: str) -> tuple[Found, ...] | None:
    """All files under a folder, in order; None where the URL is a file."""
    system, path = _system(url)
    try:
        if not system.isdir(path):
            if not system.exists(path):
                raise BadAudio(f"{url} does not exist; check the name")
            return None
        root = path.rstrip("/") + "/"
        found = system.find(path, detail=True)
        return tuple(
            Found(system.unstrip_protocol(name), name.removeprefix(root), int(info.get("size") or 0))
            for name, info in sorted(found.items())
        )
    except RefmasterError:
        raise
    except Exception as error:
        raise BadAudio(f"{url} cannot be looked into ({_why(error)})") from error


def size_bytes(url: str) -> int:
    """How large a file is; 0 where the storage does not tell."""
    system, path = _system(url)
    try:
        return int(system.info(path).get("size") or 0)
    except Exception:
        return 0


def exists(url: str) -> bool:
    """Whether something stands there already."""
    system, path = _system(url)
    try:
        return bool(system.exists(path))
    except Exception as error:
        raise BadOutput(f"{url} cannot be reached ({_why(error)})") from error


def read_text(url: str) -> str | None:
    """The text of a small file; None where there is none."""
    if not exists(url):
        return None
    with _opened(url, "rb", BadOutput) as file:
        return file.read().decode("utf-8")


def write_text(url: str, text: str) -> None:
    """Put a small file there, whole."""
    with _opened(url, "wb", BadOutput) as file:
        file.write(text.encode("utf-8"))


def fetched(source: str, folder: Path) -> str:
    """A copy of a file, by path or URL, in a local folder; kept where it is there already."""
    goal = folder / base_name(source)
    if not goal.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(goal) as temp, open(temp, "wb") as file, _opened(source, "rb", BadAudio) as remote:
            shutil.copyfileobj(remote, file, 2**20)
    return str(goal)


@contextmanager
def staged(job: Job, settings: Settings, scratch: Path) -> Iterator[tuple[str, list[str], str]]:
    """Target, references and the master's name, all local, with the results brought to their folder at the end.

    While it lasts, this process stands in a folder made for it. References are fetched once and kept.
    """
    with TemporaryDirectory(dir=scratch) as place:
        work = Path(place)
        target = fetched(job.target, work)
        references = []
        for number, one in enumerate(settings.files):
            kept = Path(fetched(one, scratch / f"reference-{number}"))
            here = work / f"reference-{number + 1}" / kept.name  # two may have one name
            here.parent.mkdir()
            shutil.copyfile(kept, here)
            references.append(str(here.relative_to(work)))
        os.chdir(work)
        try:
            out = posixpath.basename(job.out)
            yield os.path.basename(target), references, out
            made = [(work / posixpath.basename(name), joined(job.folder, name)) for name in job.outputs]
            _brought([(one, goal) for one, goal in made if one.exists()], force=job.replaces)
        finally:
            os.chdir(scratch)


def _brought(files: Sequence[tuple[Path, str]], *, force: bool) -> None:
    """Bring results to their folder, all or none; at a URL, what they replaced is gone either way.

    What stands there and is the very same is as good as brought: a worker that died may have done so.
    """
    goals = [goal for _, goal in files]
    if not any(map(is_url, goals)):
        with together(new=not force) as written:
            for made, goal in files:
                with replacing(Path(goal), written) as temp:
                    shutil.copyfile(made, temp)
        return
    files = [(made, goal) for made, goal in files if force or not _holds(goal, made)]
    if not force and (taken := next((goal for _, goal in files if exists(goal)), None)):
        raise BadOutput(f"{taken} appeared while this ran, and nothing was written; --force overwrites it")
    begun: list[str] = []
    try:
        for made, goal in files:
            with open(made, "rb") as file, _opened(goal, "wb", BadOutput) as remote:
                begun.append(goal)
                shutil.copyfileobj(file, remote, 2**20)
    except BaseException:
        for goal in begun:
            _removed(goal)
        raise


def _holds(url: str, made: Path) -> bool:
    """Whether a file stands at a URL that is, byte for byte, one of ours; what cannot be read is none."""
    if exists(url):
        with suppress(BadOutput), open(made, "rb") as ours, _opened(url, "rb", BadOutput) as theirs:
            return same_content(ours, theirs)
    return False


def _removed(url: str) -> None:
    """Take a file away again, where the storage still answers."""
    with suppress(Exception):
        system, path = _system(url)
        system.rm_file(path)


@contextmanager
def _opened(name: str, mode: str, error_kind: type[RefmasterError]) -> Iterator[IO[bytes]]:
    """A file by path or URL; what the storage objects to becomes one line."""
    try:
        if not is_url(name):
            with open(name, mode) as file:
                yield file
            return
        system, path = _system(name)
        if "w" in mode:
            system.makedirs(posixpath.dirname(path), exist_ok=True)
        with system.open(path, mode) as file:
            yield file
    except RefmasterError:
        raise
    except Exception as error:
        raise error_kind(f"{name} could not be {'written' if 'w' in mode else 'fetched'} ({_why(error)})") from error


def _system(url: str) -> "tuple[AbstractFileSystem, str]":
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise BadSetting(f"{url} {NEEDED.format(what='fsspec')}, or give a path") from error
    try:
        system, path = url_to_fs(url)
    except ImportError as error:  # fsspec says which package opens this kind of URL
        raise BadSetting(f"{url} cannot be opened ({_why(error)})") from error
    except Exception as error:
        raise BadSetting(f"{url} is no URL that can be opened ({_why(error)})") from error
    return system, path


def _why(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
