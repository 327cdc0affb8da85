"""A track among others on a terminal: libraries, bands, nearest tracks, genres, passports."""

from collections.abc import Callable, Sequence
from json import dumps
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from refmaster.cli.show import print_list, print_text, print_tracks
from refmaster.cli.streams import print_json
from refmaster.genres import FEW_TRACKS
from refmaster.library.answers import Among, Beside, among_data, beside, beside_data
from refmaster.library.files import Library
from refmaster.library.placing import Standing
from refmaster.library.words import centre_line, near_line, number_words, place_words, share_words, title_of, unit_words
from refmaster.names import shown
from refmaster.passport import in_short
from refmaster.records import Genre, Profile, Spread
from refmaster.units import written
from refmaster.writing import bare

MEDIANS = ("integrated_lufs", "loudness_range_lu", "plr_db", "side_to_mid_db")
MOST_TRACKS = 40


def show_among(
    ask: Callable[[], Among], inputs: Sequence[str | Path], *, html: str | None, force: bool, json: bool
) -> None:
    """Ask where a track sits, print the answer, and write its page where one is wanted.

    `inputs` are the files that the answer is read from: the track and the libraries.
    """
    _check_page(html, inputs, force=force)
    answer = ask()
    if html:
        from refmaster.library.page import among_page
        from refmaster.save import write_text

        write_text(Path(html), among_page(answer), new=not force)
    if json:
        print_json(dumps(among_data(answer), ensure_ascii=False, indent=1, allow_nan=False))
    else:
        _print_among(answer, html)


def show_beside(target: str, references: Sequence[str], *, html: str | None, force: bool, json: bool) -> None:
    """The same for a track beside references."""
    _check_page(html, [target, *references], force=force)
    profile, found = beside(target, references)
    if html:
        from refmaster.library.page import beside_page
        from refmaster.save import write_text

        write_text(Path(html), beside_page(profile, found), new=not force)
    if json:
        print_json(dumps(beside_data(profile, found), ensure_ascii=False, indent=1, allow_nan=False))
    else:
        _print_beside(profile, found, html)


def print_libraries(folder: Path, found: Sequence[tuple[Path, Library]]) -> None:
    """One line a library."""
    console = Console(highlight=False)
    if not found:
        print_text(console, f"No library in {shown(folder)}.", indent=0)
        return
    table = _table("library", "tracks", "artists", "trust", "LUFS", "LRA", "PLR", "width")
    for _, library in found:
        genre = library.genre
        medians = [_median(genre, name) for name in MEDIANS]
        table.add_row(
            escape(library.name), f"{genre.n_tracks}", f"{genre.n_artists or '—'}", f"{genre.trust:.2f}", *medians
        )
    console.print(table)
    console.print(f"in {escape(shown(folder))}", soft_wrap=True)


def print_library(library: Library) -> None:
    """What is normal among its tracks, and which they are."""
    console, genre = Console(highlight=False), library.genre
    print_text(console, title_of(genre), style="bold", indent=0)
    table = _table("", "P10", "P50", "P90", "tracks")
    for spread in genre.spreads:
        table.add_row(unit_words(spread.name), *_percentiles(spread), f"{spread.n_tracks}")
    console.print(table)
    if genre.n_tracks < FEW_TRACKS:
        print_text(console, "So few tracks do not say what is normal.", indent=0)
    tracks = [f"{row.label} ({written('x_lufs', row.profile.integrated_lufs)})" for row in library.tracks]
    print_list(console, "Tracks", tracks[:MOST_TRACKS])
    if len(tracks) > MOST_TRACKS:
        print_text(console, f"… and {len(tracks) - MOST_TRACKS} more; --json names all")


def _print_among(answer: Among, html: str | None) -> None:
    console, placement = Console(highlight=False), answer.placement
    print_text(console, centre_line(placement), style="bold", indent=0)
    print_text(console, f"Genres by its sound: {share_words(answer.shares)}.", indent=0)
    for title, standings in (("", placement.numbers), ("tone", placement.tone), ("width", placement.width)):
        if standings:
            console.print(_standings(title, standings))
    print_list(console, "Nearest", [near_line(one) for one in answer.nearest])
    print_list(console, "Notes", list(answer.notes))
    _print_page(console, html)


def _print_beside(target: Profile, found: Sequence[Beside], html: str | None) -> None:
    console = Console(highlight=False)
    names = [shown(one.reference.path).rpartition("/")[2] for one in found]
    print_tracks(console, [("target", target), *zip(names, (one.reference for one in found), strict=True)])
    for name, one in zip(names, found, strict=True):
        print_text(console, f"Passport of {name}", style="bold", indent=0)
        print_text(console, in_short(one.passport))
        for fact in one.passport.facts:
            print_text(console, f"· {fact}")
        print_list(console, "Ignored", list(one.comparison.ignored) if one.comparison else [])
    _print_page(console, html)


def _standings(title: str, standings: Sequence[Standing]) -> Table:
    middle = "mean" if title else "P50"  # of octaves, whose edges are those of a normal distribution
    table = _table(title, "track", "P10", middle, "P90", "P10 to P90")
    for one in standings:
        own = number_words(one.feature, one.value)
        band = (number_words(one.feature, value) for value in (one.p10, one.p50, one.p90))
        table.add_row(unit_words(one.feature), own, *band, place_words(one))
    return table


def _table(first: str, *columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for name in columns:
        table.add_column(name, justify="right" if name else "left")
    return table


def _percentiles(spread: Spread) -> tuple[str, str, str]:
    return (
        number_words(spread.name, spread.p10),
        number_words(spread.name, spread.p50),
        number_words(spread.name, spread.p90),
    )


def _median(genre: Genre, name: str) -> str:
    return next((bare(name, spread.p50) for spread in genre.spreads if spread.name == name), "—")


def _check_page(html: str | None, inputs: Sequence[str | Path], *, force: bool) -> None:
    if html:
        from refmaster.save import check_outputs

        check_outputs([Path(html)], [Path(one) for one in inputs], force=force, option="--html")


def _print_page(console: Console, html: str | None) -> None:
    if html:
        console.print(f"page     {escape(shown(html))}", soft_wrap=True)
