"""The batch on one page and in one table: `batch.html` and `batch.csv`.

Both hold what is true of the files and nothing of the run: no clock, no machine. So they are the same whoever made
them, however often the batch was broken off. Rows are in the order of the names.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from refmaster.atomic import replacing
from refmaster.batch.records import Outcome, Settings
from refmaster.batch.remote import base_name, is_url, joined, write_text
from refmaster.decide import parted
from refmaster.genres.context import AUTO
from refmaster.names import shown, storable
from refmaster.report.templates import environment
from refmaster.units import unbroken
from refmaster.version import __version__
from refmaster.writing import clock, counted, pair, said

CSV, HTML = "batch.csv", "batch.html"
SHRUNK_LU = 3.0  # taste: less between the loudest and the softest track is what levelling is for
COLUMNS = (
    "file",
    "status",
    "duration_s",
    "target_lufs",
    "master_lufs",
    "target_dbtp",
    "master_dbtp",
    "moves",
    "genre",
    "failed_checks",
    "not_reached",
    "album_lu",
    "error",
    "master",
    "session",
    "report",
    "target_sha256",
)
_HERE = Path(__file__).parent


def write_overview(folder: str, outcomes: Iterable[Outcome], settings: Settings) -> None:
    """Write both, each whole."""
    ordered = sorted(outcomes, key=lambda one: one.out)
    for name, text in ((CSV, table(ordered)), (HTML, page(ordered, settings))):
        if is_url(folder):
            write_text(joined(folder, name), text)
        else:
            with replacing(Path(folder, name)) as temp:
                temp.write_text(text, encoding="utf-8", newline="\n")


def table(outcomes: Sequence[Outcome]) -> str:
    """A row a track, in the order given; RFC 4180 but for its line ends."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in outcomes:
        figures = (one.duration_s, one.target_lufs, one.master_lufs, one.target_dbtp, one.master_dbtp)
        files = (storable(name) if name else "" for name in (one.master, one.session, one.report))
        rows.writerow(
            [
                storable(one.name),
                status_of(one),
                *("" if value is None else f"{value:.2f}" for value in figures),
                one.moves,
                one.genre or "",
                "; ".join(one.failed_checks),
                "; ".join(one.not_reached or ()),
                "" if one.album_lu is None else f"{one.album_lu:.2f}",
                one.error or "",
                *files,
                one.sha256 or "",
            ]
        )
    return text.getvalue()


def page(outcomes: Sequence[Outcome], settings: Settings) -> str:
    """One HTML page that needs nothing else; its links lead to the reports beside it."""
    from markupsafe import Markup

    return (
        environment(_HERE)
        .get_template("overview.html.j2")
        .render(
            verdict=verdict(outcomes),
            good=all(one.good for one in outcomes),
            facts=(*_facts(settings), *_album(outcomes, settings)),
            spread=unbroken(spread_line(outcomes, settings)),
            rows=[_row(one) for one in outcomes],
            version=__version__,
            style=Markup((_HERE / "overview.css").read_text(encoding="utf-8")),
        )
    )


def verdict(outcomes: Sequence[Outcome]) -> str:
    """The batch in one line: "12 tracks: 10 mastered, 1 unchanged, 1 failed"."""
    found = [status_of(one) for one in outcomes]
    parts = [f"{found.count(kind)} {kind}" for kind in dict.fromkeys(sorted(found, key=_ORDER.index))]
    return f"{counted(len(outcomes), 'track')}: {', '.join(parts)}"


def album_line(outcomes: Sequence[Outcome]) -> str:
    """How far an album was moved, and which track led it; empty where none was."""
    found = [(one.target_lufs, one.album_lu, one) for one in outcomes if one.target_lufs is not None]
    moved = [(lufs, lu, one) for lufs, lu, one in found if lu is not None]
    if not moved:
        return ""
    lufs, lu, loudest = max(moved, key=lambda one: one[0])
    by = said("album_lu", lu)
    return f"every track is moved by {by}; {shown(loudest.name)}, the loudest: {pair('_lufs', lufs, lufs + lu)}"


def spread_line(outcomes: Sequence[Outcome], settings: Settings) -> str:
    """That the tracks have come much closer in loudness than they were, and what to do; empty where they have not."""
    pairs = [(one.target_lufs, one.master_lufs) for one in outcomes if one.master is not None]
    before, after = (
        ([lufs for lufs in column if lufs is not None] for column in zip(*pairs, strict=True)) if pairs else ([], [])
    )
    if len(before) < 2 or len(after) < 2:
        return ""
    was, now = (max(column) - min(column) for column in (before, after))
    if was - now <= SHRUNK_LU:
        return ""
    told = f"The tracks lay {_lu(was)} apart in loudness, and their masters lie {_lu(now)} apart"
    if settings.album:
        return f"{told}: not every track could be brought to its place in the album."
    return f"{told}; if they are one record, --album keeps them as far apart as they were."


def _lu(value: float) -> str:
    """A distance, which has no sign."""
    return f"{value:.1f} LU"


def status_of(outcome: Outcome) -> str:
    """What came of a track, in a word or two."""
    return "check failed" if outcome.failed_checks else outcome.status.replace("_", " ")


_ORDER = ["mastered", "unchanged", "sent back", "check failed", "failed"]


def _facts(settings: Settings) -> tuple[tuple[str, str], ...]:
    toward = "as the reference" if settings.references else "toward what is usual in the genre"
    loudness = toward if settings.loudness is None else said("_lufs", settings.loudness)
    return (
        ("Reference", ", ".join(map(shown, named(settings))) or "none: the genre stands for it"),
        ("Genre", _genre(settings)) if settings.library is None else ("Library", shown(settings.library)),
        ("Amount", f"{settings.amount:g} of 100"),
        ("Loudness", loudness),
        ("Ceiling", said("_dbtp", settings.ceiling)),
    )


def _album(outcomes: Sequence[Outcome], settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.album:
        yield "Album", unbroken(album_line(outcomes)) or "its loudness is left alone: nothing says where it should go"


def _genre(settings: Settings) -> str:
    """Where the genre that each track was read in comes from."""
    if settings.genre is not None and settings.genre.strip().casefold() != AUTO:
        return settings.genre
    n_references = len(settings.references)
    return f"heard in {('each track', 'the reference')[n_references] if n_references < 2 else 'the references'}"


def named(settings: Settings) -> list[str]:
    """The references by their own names, with what they count for, wherever they stand."""
    return [":".join(filter(None, (base_name(file), weights))) for file, weights in map(parted, settings.references)]


def _row(one: Outcome) -> dict[str, object]:
    link = one.report or one.session
    return {
        "name": shown(one.name),
        "link": quote(storable(link), safe="/") if link else "",
        "status": status_of(one),
        "good": one.good,
        "length": "—" if one.duration_s is None else clock(one.duration_s),
        "loudness": unbroken(pair("_lufs", one.target_lufs, one.master_lufs)) if one.master else "—",
        "peak": unbroken(pair("_dbtp", one.target_dbtp, one.master_dbtp)) if one.master else "—",
        "moves": one.moves if one.master else "—",
        "genre": unbroken(one.genre or "—"),
        "missed": "—" if one.not_reached is None else ", ".join(one.not_reached) or "none",
        "remark": unbroken(one.error or "; ".join(one.failed_checks)),
    }
