"""`refmaster library …`: genre libraries of a user's own, made from records and kept as numbers."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refmaster.cli import options as o
from refmaster.cli.ready import ReadyGroup, ReadyTyper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refmaster.library.build import Gathered
    from refmaster.library.files import Library


Where = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--out",
        metavar="DIR",
        envvar="REFMASTER_LIBRARIES",
        help="The folder that libraries live in. [the system's for a user's data]",
        show_envvar=True,
    ),
]
Name = Annotated[str, typer.Argument(help="A library by its name, or its file.")]
Jobs = Annotated[
    int | None, typer.Option("-j", "--jobs", min=1, max=256, metavar="N", help="Files measured at once. [one a core]")
]
Force = Annotated[bool, typer.Option("--force", help="Write over what is there.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Html = Annotated[
    str | None, typer.Option("--html", metavar="FILE", help="Write a page with the bands, and the track in them.")
]

app = ReadyTyper(
    cls=ReadyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Libraries of your own records, kept as numbers: what is normal among them, and where a track stands.\n\n"
    "Example: refmaster library build ~/Music/soul -n soul",
)


@app.command("build", short_help="Measure records into a library.")
def build(
    files: Annotated[list[str], typer.Argument(help="Sound files, and folders of them.")],
    name: Annotated[str, typer.Option("-n", "--name", help="What the library is called.")],
    out: Where = None,
    cache: o.KeptIn = None,
    jobs: Jobs = None,
    force: Force = False,
    json: Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Measure records and write a library of them, NAME.json: numbers only, no sound.

    A file that cannot be read is named and left out, and the exit code is then 1.

    Example: refmaster library build ~/Music/soul -n soul
    """
    from refmaster.errors import BadAudio
    from refmaster.library.files import Library, check_new, place_of, save_library
    from refmaster.library.rows import merged

    path = place_of(name, folder_of(out))
    check_new(path, force=force)
    found = _gathered(files, cache, jobs, quiet)
    if not found.rows:
        _name_skipped(found)
        n = len(found.skipped)
        who = "the file could not" if n == 1 else f"none of {n} files could"
        raise BadAudio(f"{who} be measured; nothing was written")
    library = Library(path.stem, merged(found.rows))
    save_library(library, path, new=not force)
    _tell(library, path, found, (), json=json, quiet=quiet)


@app.command("add", short_help="Add records, or other libraries.")
def add(
    library: Name,
    given: Annotated[list[str], typer.Argument(help="Sound files, folders of them, other libraries (.json).")],
    out: Where = None,
    cache: o.KeptIn = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Add records to a library, or all tracks of other libraries; the same content is in it once.

    Example: refmaster library add soul new_record.flac friend/soul.json
    """
    from refmaster.library.build import Gathered, unlike
    from refmaster.library.files import extend_library, find_library, load_library

    path = find_library(library, folder_of(out))
    held = load_library(path)  # a damaged one is refused before any work
    others = [load_library(one) for one in given if one.lower().endswith(".json")]
    sounds = [one for one in given if not one.lower().endswith(".json")]
    found = _gathered(sounds, cache, jobs, quiet) if sounds else Gathered((), ())
    found = unlike(found, held.tracks)
    old, whole = extend_library(path, found.rows, others)
    _tell(whole, path, found, (old,), json=json, quiet=quiet)


@app.command("list", short_help="List the libraries of a folder.")
def list_(out: Where = None, json: Json = False) -> None:
    """List the libraries of a folder. One that cannot be read is named and left out, and the exit code is then 1.

    Example: refmaster library list
    """
    from refmaster.cli.placed import print_libraries
    from refmaster.library.files import readable_in

    folder = folder_of(out)
    found, bad = readable_in(folder)
    for error in bad:
        print(f"refmaster: {error}", file=sys.stderr)
    if json:
        _print_json(
            [
                {"name": one.name, "path": str(path), "n_tracks": len(one.tracks), "trust": one.genre.trust}
                for path, one in found
            ]
        )
    elif found or not bad:
        print_libraries(folder, found)
    if bad:
        raise typer.Exit(1)


@app.command("show", short_help="What is normal in a library.")
def show(library: Name, out: Where = None, json: Json = False) -> None:
    """Show what is normal among the tracks of a library, and which they are.

    Example: refmaster library show soul
    """
    from refmaster.cli.placed import print_library
    from refmaster.library.answers import genre_data
    from refmaster.library.files import find_library, load_library, row_lines

    path = find_library(library, folder_of(out))
    found = load_library(path)
    if json:
        data = genre_data(found.genre)
        _print_json({"name": found.name, "path": str(path), "genre": data, "tracks": row_lines(found.tracks)})
    else:
        print_library(found)


@app.command("compare", short_help="The nearest records to a track.")
def compare(
    file: Annotated[str, typer.Argument(help="The track to compare.")],
    library: Annotated[
        str | None, typer.Option("-n", "--name", metavar="NAME", help="Only this library, by its name or its file.")
    ] = None,
    out: Where = None,
    cache: o.KeptIn = None,
    html: Html = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Compare a track with your libraries: the nearest records with reasons, and where it sits in their bands.

    Example: refmaster library compare mix.wav -n soul --html mix.html
    """
    from refmaster import lean

    lean.start()
    from refmaster.cache import kept_in
    from refmaster.cli.placed import show_among
    from refmaster.library.answers import among
    from refmaster.library.files import library_files, load_library

    paths = library_files(library, folder_of(out))
    libraries = tuple(map(load_library, paths))
    show_among(lambda: among(file, libraries, kept_in(cache)), (file, *paths), html=html, force=force, json=json)


def folder_of(out: str | None) -> Path:
    """The folder that libraries live in."""
    import os

    from refmaster.errors import BadSetting
    from refmaster.library.files import default_folder
    from refmaster.names import shown

    if out and os.path.lexists(out) and not os.path.isdir(out):
        raise BadSetting(f"{shown(out)} is no folder; choose another with -o")
    return Path(out) if out else default_folder()


def at_home(library: str | None) -> str | None:
    """A library as `--library` gives it, by its file where `REFMASTER_LIBRARIES` says which folder it lives in.

    The file is named from the root, so that no other library of its name is meant wherever it is looked for.
    """
    import os

    folder = os.environ.get("REFMASTER_LIBRARIES")
    if library is None or not folder or os.path.isdir(library):
        return library
    from refmaster.library.files import find_library

    return os.path.abspath(find_library(library, Path(folder)))


def _gathered(files: "Sequence[str]", cache: str | None, jobs: int | None, quiet: bool) -> "Gathered":
    """All files as rows, with progress on stderr: a bar where somebody looks at it, a line a file in a log."""
    from refmaster import lean

    lean.start()
    from refmaster.cache import kept_in
    from refmaster.cli.running import progress
    from refmaster.library.build import gathered, sound_files, unread_files

    paths, unread = sound_files(files), unread_files(files)
    looked_at = sys.stderr.isatty()
    with progress(quiet) as told:

        def tell(file: str, done: int, total: int) -> None:
            if looked_at:
                told(f"{done} of {total}", done / total)
            elif not quiet:
                print(f"{done} of {total}: {file}", file=sys.stderr, flush=True)

        found = gathered(paths, kept_in(cache), jobs=jobs, told=tell)
    return replace(found, skipped=(*found.skipped, *unread))


def _tell(
    library: "Library", path: Path, found: "Gathered", before: "Sequence[Library]", *, json: bool, quiet: bool
) -> None:
    """What came of building or adding; exit 1 where a file was left out."""
    from refmaster.cli.streams import telling

    with telling(1 if found.skipped else 0):
        _tell_all(library, path, found, before, json=json, quiet=quiet)
    if found.skipped:
        raise typer.Exit(1)


def _tell_all(
    library: "Library", path: Path, found: "Gathered", before: "Sequence[Library]", *, json: bool, quiet: bool
) -> None:
    from refmaster.names import shown
    from refmaster.writing import counted

    held = {row.sha256 for one in before for row in one.tracks}
    new = sum(row.sha256 not in held for row in library.tracks)
    _name_skipped(found)
    if json:
        skipped = [{"file": one.file, "why": one.why} for one in found.skipped]
        data = {"name": library.name, "path": str(path), "n_tracks": len(library.tracks), "n_new": new}
        twice = [{"file": one.file, "same_as": one.same_as, "same_file": one.same_file} for one in found.twice]
        _print_json({**data, "skipped": skipped, "twice": twice})
    elif not quiet:
        more = f", {new} of them new" if before else ""
        out = f"; {len(found.skipped)} left out" if found.skipped else ""
        print(f"{library.name}: {counted(len(library.tracks), 'track')}{more}{out}")
        for one in found.twice:
            print(f"  {one.text}")
        print(f"library  {shown(path)}")


def _name_skipped(found: "Gathered") -> None:
    for one in found.skipped:
        print(f"refmaster: {one.file} left out: {one.why}", file=sys.stderr)


def _print_json(data: object) -> None:
    from json import dumps

    from refmaster.cli.streams import print_json

    print_json(dumps(data, ensure_ascii=False, indent=1, allow_nan=False))
