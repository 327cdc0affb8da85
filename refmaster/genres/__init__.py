"""Genres: what is normal, and how much good records differ. Read from the data files in `references/genres`.

A genre is asked for by its name or by one of the other names in its file ("folk" finds folk_acoustic).
"""

from difflib import get_close_matches
from functools import cache
from pathlib import Path

from refmaster.errors import BadSetting
from refmaster.genres.reading import other_names, read_genre
from refmaster.records import Genre, Spread

ANY = "any"
SUGGESTIONS = 3
LEAST_TOLD = 0.005  # of a share: less would read as 0 %
FEW_TRACKS = 5  # fewer say little about what is normal


def references_folder() -> Path:
    """Where the data files are: inside an installed package, beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "references"
    return installed if installed.is_dir() else package.parent / "references"


def genre_names(folder: Path | None = None) -> tuple[str, ...]:
    """The names of all genres, sorted; `any`, the neutral one, is among them."""
    return tuple(sorted(path.stem for path in _folder(folder).glob("*.json")))


@cache
def load_genre(name: str = ANY, folder: Path | None = None) -> Genre:
    """A genre by its name, from `references/genres` or another folder of such files.

    BadSetting offers the nearest names for one that is not known, and says what is wrong with a damaged file.
    """
    known = genre_names(folder)
    wanted = _plain(name)
    if wanted not in known:
        others = {_plain(other): one for one in known for other in other_names(_folder(folder) / f"{one}.json")}
        if wanted not in others:
            raise BadSetting(_unknown(name, known, others))
        wanted = others[wanted]
    return read_genre(_folder(folder) / f"{wanted}.json")


def label_of(name: str) -> str:
    """A genre of the program by its label; any other name, a library's or a person's, as it stands."""
    return load_genre(name).label if name in genre_names() else name


def with_share(name: str, share: float) -> str:
    """A genre, or a library among them, with how probable it is: "rock 22 %"."""
    return f"{label_of(name)} {100 * share:.0f} %"


def told_runner_up(genre: Genre) -> str:
    """The next guess with its share; empty without one, or where it would read as 0 %."""
    if genre.runner_up is None or genre.runner_up[1] < LEAST_TOLD:
        return ""
    return with_share(*genre.runner_up)


def spread_of(genre: Genre, name: str) -> Spread | None:
    """How one number spreads over a genre's tracks, by its name; None where no source says."""
    return next((spread for spread in genre.spreads if spread.name == name), None)


def _folder(folder: Path | None) -> Path:
    return folder if folder is not None else references_folder() / "genres"


def _plain(name: str) -> str:
    """Names are compared without regard to case, blanks, hyphens, slashes and ampersands."""
    words = "".join(c if c.isalnum() else " " for c in name.casefold().replace("&", " and "))
    return "_".join(words.split())


def _unknown(name: str, known: tuple[str, ...], others: dict[str, str]) -> str:
    near = get_close_matches(_plain(name), [*known, *others], SUGGESTIONS, cutoff=0.5)
    nearest = dict.fromkeys(others.get(one, one) for one in near)
    hint = f"; nearest: {', '.join(nearest)}" if nearest else ""
    return f"no genre {name!r}{hint}; known: {', '.join(one for one in known if one != ANY)}"
