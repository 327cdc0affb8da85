"""Libraries as files: where they live, how they are named, read and written.

A library is one JSON file, `NAME.json`, with a line for each track. Reading refuses, in one line, what cannot be
believed: another kind of file, a newer schema, a number that is none.
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from refmaster.atomic import held, replacing
from refmaster.errors import BadOutput, BadSetting
from refmaster.library.distribution import genre_of
from refmaster.library.reading import REMEDY, LibraryFields, library_document
from refmaster.library.rows import Row, merged, read_row, row_data
from refmaster.names import shown, storable
from refmaster.records import Genre

SCHEMA = 1
FORMAT = "refmaster library"
NAME = re.compile(r"[^\W_][\w .&+-]{0,79}")
SUGGESTIONS = 3


@dataclass(frozen=True)
class Library:
    """Tracks of one kind, as rows of numbers; `genre` is their distribution, as the planner takes it."""

    name: str
    tracks: tuple[Row, ...]

    @cached_property
    def genre(self) -> Genre:
        """The distribution of the tracks' Profiles, worked out when it is first asked for."""
        return genre_of(self.name, self.tracks)


def default_folder() -> Path:
    """Where the system wants the data of this user's programs."""
    from platformdirs import user_data_path

    return user_data_path("refmaster", appauthor=False) / "libraries"


def load_library(path: str | os.PathLike[str]) -> Library:
    """The library that a file holds, called as the file is: a copy under another name is another library.

    BadSetting where it is none, is damaged, or newer than this program.
    """
    place = Path(path)
    if os.path.isdir(place):  # unlike pathlib's, it takes a name of any length
        found = libraries_in(place)
        if len(found) == 1:
            return load_library(found[0])
        names = ", ".join(one.stem for one in found) or "none"
        raise BadSetting(f"{shown(place)} is a folder with {len(found)} libraries ({names}); name one")
    fields = LibraryFields(str(place), library_document(place))
    if fields.data.get("format") != FORMAT:
        raise BadSetting(f'{shown(place)} is no library of refmaster (no "format": "{FORMAT}"); {REMEDY}')
    schema = fields.count("schema")
    if schema < 1:
        fields.refuse("schema", f"is {schema}; allowed: {SCHEMA}")
    if schema > SCHEMA:
        raise BadSetting(
            f"{shown(place)} is made by a newer refmaster (schema {schema}, read here: {SCHEMA}); update refmaster"
        )
    tracks = merged(read_row(track) for track in fields.tracks())
    if not tracks:
        raise BadSetting(f"{shown(place)} is a library without tracks; {REMEDY}")
    fields.text("name")  # what it was called when it was made; refused where it is none
    return Library(storable(place.stem), tracks)


def save_library(library: Library, path: Path, *, new: bool = False) -> None:
    """Write a library, whole or not at all, its folder made if need be; one that must be `new` over no other."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOutput(f"{shown(path.parent)} cannot be made a folder ({error.strerror})") from error
    with held(path.parent):
        _write(library, path, new=new)


def extend_library(path: Path, rows: Sequence[Row], others: Sequence[Library] = ()) -> tuple[Library, Library]:
    """Add rows, and the tracks of other libraries, to a library as it stands now: what it was, and what it is.

    Its folder is held from the reading to the writing, so two who add at once lose nothing of each other's. A row is
    taken in the place of what is there of the same content.
    """
    with held(path.parent):
        old = load_library(path)
        new = {row.sha256 for row in rows}
        kept = (row for one in (old, *others) for row in one.tracks if row.sha256 not in new)
        whole = Library(old.name, merged((*kept, *rows)))
        if whole != old:
            _write(whole, path)
    return old, whole


def _write(library: Library, path: Path, *, new: bool = False) -> None:
    from refmaster.version import __version__

    head = {"format": FORMAT, "schema": SCHEMA, "name": library.name, "refmaster": __version__}
    lines = [f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}," for key, value in head.items()]
    rows = [json.dumps(row_data(row), ensure_ascii=False, allow_nan=False) for row in library.tracks]
    text = "\n".join(["{", *lines, ' "tracks": [', ",\n".join(f"  {row}" for row in rows), " ]", "}", ""])
    with replacing(path, new=new) as temp:
        temp.write_text(text, encoding="utf-8")


def libraries_in(folder: Path) -> tuple[Path, ...]:
    """The libraries of a folder, by name; a JSON file of another kind is none."""
    try:
        found = sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))
    except OSError:
        return ()
    return tuple(path for path in found if _is_library(path))


def readable_in(folder: Path) -> tuple[list[tuple[Path, Library]], list[BadSetting]]:
    """The libraries of a folder that can be read, and why the others cannot: a bad one does not hide the good ones."""
    good: list[tuple[Path, Library]] = []
    bad: list[BadSetting] = []
    for path in libraries_in(folder):
        try:
            good.append((path, load_library(path)))
        except BadSetting as error:
            bad.append(error)
    return good, bad


def find_library(name: str, folder: Path) -> Path:
    """The file of a library by its name in the folder, or by its own path. BadSetting offers the nearest names."""
    given = Path(name)
    known = {path.stem: path for path in libraries_in(folder)}
    by_case = {stem.casefold(): path for stem, path in known.items()}
    found = known.get(name) or by_case.get(name.casefold().removesuffix(".json"))
    if found is not None and given.name == name:
        return found
    if os.path.isfile(given):
        return given
    if not known:
        raise BadSetting(
            f"no library {shown(name)!r}: {shown(folder)} holds none; make one with: refmaster library build"
        )
    near = get_close_matches(name.casefold(), list(by_case), SUGGESTIONS, cutoff=0.5)
    hint = f"; nearest: {', '.join(by_case[one].stem for one in near)}" if near else ""
    raise BadSetting(f"no library {shown(name)!r}{hint}; in {shown(folder)}: {', '.join(known)}")


def library_files(name: str | None, folder: Path) -> tuple[Path, ...]:
    """The files of all libraries of a folder, or of the one that is named; a folder may be named as well."""
    if name is not None and not os.path.isdir(name):
        return (find_library(name, folder),)
    place = folder if name is None else Path(name)
    found = libraries_in(place)
    if not found:
        raise BadSetting(f"{shown(place)} holds no library; make one with: refmaster library build")
    return found


def find_libraries(name: str | None, folder: Path) -> tuple[Library, ...]:
    """The libraries in those files."""
    return tuple(load_library(path) for path in library_files(name, folder))


def place_of(name: str, folder: Path) -> Path:
    """Where a library of this name belongs. BadSetting where a file cannot be called so."""
    if not NAME.fullmatch(name) or name.endswith((".", " ")):
        raise BadSetting(
            f"a library cannot be called {shown(name)!r}; use letters, digits, blanks and .&+-, at most 80"
        )
    return folder / f"{name.removesuffix('.json')}.json"


def check_new(path: Path, *, force: bool) -> None:
    """Refuse to write over a library that nobody said may go, and where none can be written."""
    from refmaster.outputs import refuse_place
    from refmaster.save import check_outputs

    if os.path.lexists(path) and not force:
        raise BadOutput(f"{shown(path)} exists; add to it with: refmaster library add, or replace it with --force")
    alike = (one for one in libraries_in(path.parent) if one.stem.casefold() == path.stem.casefold())
    if other := next((one for one in alike if one.name != path.name), None):
        raise BadOutput(
            f"{shown(other)} has the same name but for its case, and is found by both; choose another with -n"
        )
    refuse_place(path.parent)
    if os.path.isdir(path.parent):
        check_outputs([path], [], force=True)


def row_lines(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Rows as JSON holds them."""
    return [row_data(row) for row in rows]


def _is_library(path: Path) -> bool:
    """Whether the head of a file says so: a damaged library is still one, and is refused by its name."""
    try:
        if not path.is_file():  # opening a named pipe would wait for ever
            return False
        with path.open(encoding="utf-8", errors="replace") as file:
            return FORMAT in file.read(400)
    except OSError:
        return False
