"""What of a batch is done: a file of JSON lines in the output folder, so that a killed batch can be resumed.

    {"refmaster_batch": 1, "version": "…", "settings": {…}, "references": ["sha256", …], "names": ["a.wav:tone=1", …]}
    {"begun": ["song.master.wav", …]}
    {"ended": {"out": "song.master.wav", "status": "mastered", "sha256": "…", …}}

A line is appended whole and brought to the disk; a torn last line is as good as none. There is no time in it, and at
the end of a batch it is written anew in the order of the names, so the same batch leaves the same bytes.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote
from typing import get_args

from refmaster.atomic import replacing
from refmaster.batch.overview import named
from refmaster.batch.records import Ending, Job, Outcome, Settings, outcome_data, outcome_from
from refmaster.batch.remote import exists, is_url, joined, read_text, write_text
from refmaster.contents import content
from refmaster.decide import parse_reference
from refmaster.errors import BadOutput, BadSetting
from refmaster.names import shown
from refmaster.records import Weights
from refmaster.version import __version__

FORMAT = 1
NAME = "batch.state.jsonl"
LARGEST_BYTES = 2**28  # a hundred thousand tracks and more
_KEY = "refmaster_batch"
_TEXTS = ("error", "sha256", "master", "session", "report")
_NUMBERS = ("duration_s", "target_lufs", "master_lufs", "target_dbtp", "master_dbtp", "album_lu")
_LARGEST = 1e9
_OPTIONS = {"html": "--no-report", "audio": "--no-audio", "container": "--format", "bit_depth": "--bit-depth"}


@dataclass(frozen=True)
class Past:
    """What a batch before this one left: outcomes by the master's name, and the masters that it was to make."""

    ended: dict[str, Outcome]
    begun: frozenset[str]

    def left(self, out: str) -> bool:
        """Whether what stands under a master's name may be that batch's; a track that failed has left nothing there."""
        return out in self.begun and (out not in self.ended or self.ended[out].status != "failed")


NOTHING = Past({}, frozenset())


def head_of(settings: Settings, references: tuple[str, ...]) -> dict[str, object]:
    """What must be the same in a batch and in its resumption: settings, and references by content and weight."""
    wanted = {name: value for name, value in asdict(settings).items() if name != "references"}
    listed = {name: list(value) if isinstance(value, tuple) else value for name, value in wanted.items()}
    return {
        _KEY: FORMAT,
        "version": __version__,
        "settings": listed,
        "references": list(references),
        "names": named(settings),
    }


def read_past(folder: str, head: dict[str, object]) -> Past:
    """What can be taken over from the folder's state file; refused where it is of other settings.

    No file, or one that ends within its first line, is nothing.
    """
    where = joined(folder, NAME)
    text = _read(folder)
    lines = [] if text is None else text.split("\n")[:-1]  # what follows the last newline is torn
    if not lines:
        return NOTHING
    try:
        old, *rest = (json.loads(line) for line in lines)
        number = old[_KEY]
        if number == FORMAT:
            refuse_other(old, head)
            ended = {one.out: one for one in (_outcome(line["ended"]) for line in rest if "ended" in line)}
            begun = frozenset(name for line in rest for name in _texts(line.get("begun", [])))
            return Past(ended, begun | frozenset(ended))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _no_state(where) from error
    if not isinstance(number, int):
        raise _no_state(where)
    raise BadSetting(f"{shown(where)} has format {number}; this version reads {FORMAT}; start without --resume")


def _outcome(data: dict[str, object]) -> Outcome:
    """An outcome as a state has it, which is a file that anybody may have changed: ValueError where it is none."""
    found = outcome_from(data)
    if found.status not in get_args(Ending):
        raise ValueError(f"no status: {found.status!r}")
    _texts([found.name, found.out])
    _texts([one for one in (getattr(found, name) for name in _TEXTS) if one is not None])
    _texts(found.failed_checks)
    _texts(found.not_reached or [])
    numbers = [found.moves, *(one for one in (getattr(found, name) for name in _NUMBERS) if one is not None)]
    if not all(isinstance(one, int | float) and abs(one) <= _LARGEST for one in numbers):
        raise ValueError(f"not all are numbers: {numbers}")
    return found


def _texts(found: object) -> Sequence[str]:
    """A list of texts; ValueError where it is another thing, or one of them is neither text nor a name on disk."""
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise ValueError("no list of texts")
    for one in found:
        one.encode("utf-8", "surrogateescape")  # a UnicodeError is a ValueError
    return found


def still_good(job: Job, past: Past, *, html: bool) -> Outcome | None:
    """The outcome of a track that need not be done again: all its files stand, and its target is what it was."""
    outcome = past.ended.get(job.out)
    if outcome is None or outcome.status == "failed":
        return None

    for name in job.outputs[: 3 if html else 2]:
        where = joined(job.folder, name)
        if not (exists(where) if is_url(where) else os.path.isfile(where)):
            return None
    if is_url(job.target):
        return outcome  # fetching it would cost as much as mastering it
    try:
        with open(job.target, "rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == outcome.sha256
    except OSError:
        return None
    return outcome if same else None


class State:
    """The state file of the batch that runs."""

    def __init__(self, folder: str, head: dict[str, object], begun: Iterable[str], kept: Iterable[Outcome]):
        """Begins with the masters that are to be made, whose names are ours from now on, and with what is done."""
        self._folder = folder
        self._lines = [_line(head), _line({"begun": sorted(begun)})]
        self._lines += [_line({"ended": outcome_data(one)}) for one in sorted(kept, key=lambda one: one.out)]
        self._rewrite()

    def end(self, outcome: Outcome) -> None:
        """Say what came of a track."""
        self._append({"ended": outcome_data(outcome)})

    def close(self, outcomes: Iterable[Outcome]) -> None:
        """Leave what any run of this batch would leave."""
        self._lines = self._lines[:1]
        self._lines += [_line({"ended": outcome_data(one)}) for one in sorted(outcomes, key=lambda one: one.out)]
        self._rewrite()

    def _append(self, what: dict[str, object]) -> None:
        self._lines.append(_line(what))
        if is_url(self._folder):
            return self._rewrite()  # such storage has no appending
        try:
            descriptor = os.open(Path(self._folder, NAME), os.O_WRONLY | os.O_APPEND)
            try:
                os.write(descriptor, self._lines[-1].encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise BadOutput(f"{NAME} could not be written ({error.strerror or error}); the batch stops") from error

    def _rewrite(self) -> None:
        text = "".join(self._lines)
        if is_url(self._folder):
            write_text(joined(self._folder, NAME), text)
            return
        with replacing(Path(self._folder, NAME)) as temp:
            temp.write_text(text, encoding="utf-8", newline="\n")


def _line(what: dict[str, object]) -> str:
    return json.dumps(what) + "\n"


def _read(folder: str) -> str | None:
    if is_url(folder):
        return read_text(joined(folder, NAME))
    try:
        data = content(Path(folder, NAME), LARGEST_BYTES)
        if data is None:
            raise _no_state(joined(folder, NAME))
        return data.decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise _no_state(joined(folder, NAME)) from error
    except OSError as error:
        raise BadSetting(f"{shown(joined(folder, NAME))} cannot be read ({error.strerror or error})") from error


def _no_state(where: str) -> BadSetting:
    return BadSetting(f"{shown(where)} is no state of a batch; remove it, and start without --resume")


def refuse_other(old: dict[str, object], head: dict[str, object]) -> None:
    """One line that names the first thing in which a batch and its resumption differ, as it is asked for."""
    if old["version"] != head["version"]:
        raise _other(f"with refmaster {shown(str(old['version']))}", f"refmaster {head['version']}")
    before, now = (dict(one["settings"]) for one in (old, head))  # type: ignore[call-overload]
    for name, value in now.items():
        before.setdefault(name, getattr(Settings(()), name))  # an older state lacks what there was no choice of then
        if before[name] != value:
            option, was, is_ = _OPTIONS.get(name, f"--{name}"), _asked(name, before[name]), _asked(name, value)
            raise _other(f"with {was}" if was else f"without {option}", is_ or "without")
    if old["references"] != head["references"] or _weights(old) != _weights(head):
        was, is_ = _references(old), _references(head)
        if was == is_:  # by name; then it is the content that tells them apart
            was, is_ = (f"{was} of SHA-256 {_short(one)}" for one in (old, head))
        raise _other(f"with {was}" if was else "without --ref", is_ or "without")


def _other(was: str, is_: str) -> BadSetting:
    return BadSetting(
        f"--resume: this batch was begun {was}, and now it is {is_};"
        " give the same, choose another folder with -o, or start anew with --force instead of --resume"
    )


def _asked(name: str, value: object) -> str:
    """A setting as it is written on the command line; nothing where it is not given."""
    option = _OPTIONS.get(name, f"--{name}")
    if name in ("html", "audio"):
        value = value is False
    if isinstance(value, list):
        return " ".join(f"{option} {quote(shown(str(one)))}" for one in value)
    if value is None or isinstance(value, bool):
        return option if value else ""
    return f"{option} {value:g}" if isinstance(value, float) else f"{option} {quote(shown(str(value)))}"


def _references(head: dict[str, object]) -> str:
    """The references as they are written on the command line; an older state knows no names, but only contents."""
    if head.get("references") and not head.get("names"):
        return f"references of SHA-256 {_short(head)}"
    return _asked("ref", head.get("names", []))


def _short(head: dict[str, object]) -> str:
    return ", ".join(f"{one[:8]}…" for one in head["references"])  # type: ignore[attr-defined]


def _weights(head: dict[str, object]) -> list[Weights]:
    """What each reference counts for; an older state knows no weights, and had none."""
    names: list[str] = head.get("names") or head["references"]  # type: ignore[assignment]
    return [parse_reference(one)[1] for one in names]
