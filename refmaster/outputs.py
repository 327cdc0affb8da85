"""Where the results go: a master, its session and its report, beside each other under one name."""

import os
from pathlib import Path

from refmaster.errors import BadOutput
from refmaster.names import LONGEST_NAME_BYTES, shown
from refmaster.records import Delivery, Files
from refmaster.save import EXTENSIONS, check_outputs, refuse_device

OUR_PAGE = b'name="generator" content="refmaster '  # so a report says in its head whose it is
PAGE_HEAD_BYTES = 4096


def goal_path(target: Path, out: str | os.PathLike[str] | None, container: str | None) -> Path:
    """The master's file: as named, with the format's ending where it has none; else TARGET.master beside the target.

    What stands behind the last dot of "song v1.5" is no ending once a format is given; until then it may be a slip.
    """
    if out is not None:
        path = Path(out)
        if os.path.isdir(path):  # which takes any name; pathlib raises where one is too long
            raise BadOutput(f"{shown(path)} is a folder; give a file name in it, like {shown(path / 'master.wav')}")
        refuse_device(path)  # or the ending would make a file beside it
        whole = _has_ending(path) or (path.suffix and container is None)
        return path if whole else path.with_name(path.name + ending_of(container))
    return target.with_name(f"{target.stem}.master{ending_of(container)}")


def refuse_place(folder: Path) -> None:
    """Refuse a folder that cannot be made, with those above it, or that nothing can be written into."""
    place = folder
    while not os.path.lexists(place) and place != place.parent:
        if len(os.fsencode(place.name)) > LONGEST_NAME_BYTES:
            raise BadOutput(
                f"{shown(place)} is too long a name; at most {LONGEST_NAME_BYTES} bytes: choose another with -o"
            )
        place = place.parent
    if not os.path.isdir(place):
        raise BadOutput(f"{shown(place)} is no folder; choose another with -o")
    # A name that nothing has: asked about only to learn whether a file could be made there.
    check_outputs([place / ".refmaster-probe"], [], force=True)


def ending(delivery: Delivery) -> str:
    """What the name of a file of this format ends in: ".wav"."""
    return ending_of("OPUS" if delivery.subtype == "OPUS" else delivery.container)


def files_of(goal: Path, *, html: bool) -> Files:
    """The master's file with its session and, if wanted, its report, called like it but for a format's ending."""
    stem = goal.stem if _has_ending(goal) else goal.name
    page = str(goal.with_name(f"{stem}.html")) if html else None
    return Files(str(goal), str(goal.with_name(f"{stem}.toml")), page)


def paths(files: Files) -> list[Path]:
    """Those that will be written."""
    return [Path(name) for name in (files.master, files.session, files.report) if name]


def older_report(files: Files) -> tuple[str, ...]:
    """A note that a report of an earlier master stays beside the one that is written without; none where there is none.

    A page of anybody else's is not ours to speak of.
    """
    if files.master is None or files.report is not None:
        return ()
    page = Path(str(files_of(Path(files.master), html=True).report))
    try:
        with open(page, "rb") as file:
            ours = OUR_PAGE in file.read(PAGE_HEAD_BYTES)
    except OSError:
        return ()
    said = "is the report of an earlier master; --force without --no-report makes it anew"
    return (f"{shown(page.name)} {said}",) if ours else ()


def _has_ending(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS


def ending_of(container: str | None) -> str:
    """The same by the format's name as it is asked for; ".wav" for None."""
    name = (container or "WAV").upper()
    return next((one for one, known in EXTENSIONS.items() if known == name), ".wav")
