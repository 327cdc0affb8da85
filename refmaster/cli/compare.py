"""`refmaster compare TARGET`: beside references, among the tracks of libraries, or in a genre; nothing is written."""

from typing import Annotated

import typer

from refmaster.cli import options as o
from refmaster.cli.library import Force, Html, Where


def command(
    target: Annotated[str, typer.Argument(help="The track to compare.")],
    ref: Annotated[
        list[str] | None, typer.Option("--ref", metavar="FILE", help="A reference; may be given several times.")
    ] = None,
    library: Annotated[
        str | None, typer.Option("--library", metavar="DIR", help="Libraries: a folder of them, a file, or a name.")
    ] = None,
    genre: Annotated[
        str | None,
        typer.Option("--genre", metavar="NAME", help="A genre by its name, none, or auto for the most probable."),
    ] = None,
    out: Where = None,
    cache: o.KeptIn = None,
    html: Html = None,
    force: Force = False,
    json: o.Json = False,
) -> None:
    """Compare a track with references (each with its passport), with your libraries, or with a genre.

    Example: refmaster compare mix.wav --ref record.flac
    """
    from functools import partial

    from refmaster import lean

    lean.start()
    from refmaster.cache import kept_in
    from refmaster.cli.placed import show_among, show_beside
    from refmaster.errors import BadSetting

    given = [name for name, value in (("--ref", ref), ("--library", library), ("--genre", genre)) if value]
    if len(given) != 1:
        said = f"{' and '.join(given)} are {len(given)} questions" if given else "nothing to compare with was given"
        raise BadSetting(f"{said}; give one of --ref, --library and --genre")
    if ref:
        show_beside(target, ref, html=html, force=force, json=json)
        return
    from refmaster.library.answers import among, in_genre

    if library:
        from refmaster.cli.library import folder_of
        from refmaster.library.files import library_files, load_library

        paths = library_files(library, folder_of(out))
        libraries = tuple(map(load_library, paths))
        ask = partial(among, target, libraries, kept_in(cache))
        show_among(ask, (target, *paths), html=html, force=force, json=json)
    else:
        show_among(lambda: in_genre(target, genre or "", kept_in(cache)), [target], html=html, force=force, json=json)
