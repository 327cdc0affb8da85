"""Write the tables of docs/genres.md from the files in references/, so that they cannot fall behind.

python scripts/write_genres.py            write them
python scripts/write_genres.py --check    exit 1 and say what is stale; writes nothing
"""

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from refmaster.genres import genre_names, references_folder  # noqa: E402
from refmaster.genres.posterior import load_table  # noqa: E402
from scripts.measure_genres import NEUTRAL, table_text  # noqa: E402

PAGE = ROOT / "docs" / "genres.md"
BLOCK = re.compile(r"(?P<head><!-- genres:(?P<name>\w+) -->\n).*?(?P<tail><!-- end -->)", re.DOTALL)
COLUMNS = {
    "LUFS": "integrated_lufs",
    "LRA, LU": "loudness_range_lu",
    "PLR, dB": "plr_db",
    "PSR, dB": "psr_p10_db",
    "width, dB": "side_to_mid_db",
    "tilt, dB/oct": "tilt_db_per_oct",
    "hits, %": "percussive_pct",
}


def files(kind: str) -> list[dict]:
    """The genres of one kind, those with the most tracks first."""
    folder = references_folder() / "genres"
    found = [json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in genre_names()]
    return sorted(
        (one for one in found if one["kind"] == kind and one["name"] != NEUTRAL), key=lambda g: -g["n_tracks"]
    )


def measured() -> str:
    """Medians of what was measured."""
    head = ["genre", "tracks", "artists", "trust", *COLUMNS, "tracks shared with clips"]
    lines = []
    for genre in files("measured"):
        spreads = {one["name"]: one for one in genre["spreads"]}
        cells = [_spread(spreads[name]) for name in COLUMNS.values()]
        shared = str(genre["n_shared_clips"])
        lines.append(
            [_name(genre), str(genre["n_tracks"]), str(genre["n_artists"]), f"{genre['trust']:.2f}", *cells, shared]
        )
    return _table(head, lines)


def published() -> str:
    """Loudness by the survey."""
    lines = []
    for genre in files("published"):
        loudness = genre["practice_lufs"]
        lines.append(
            [_name(genre), f"{genre['trust']:.2f}", _spread(loudness), loudness["source"].split("group: ")[-1]]
        )
    return _table(["genre", "trust", "LUFS", "figure for the group"], lines)


def told() -> str:
    """How well genres are told by their sound."""
    return table_text(load_table())


def sources() -> str:
    """Packages and licences of each genre."""
    lines = []
    for genre in files("measured"):
        packages = Counter(track["package"] for track in genre["tracks"])
        licences = Counter(track["licence"] for track in genre["tracks"])
        cells = [", ".join(f"{name} ({n})" for name, n in one.most_common()) for one in (packages, licences)]
        lines.append([_name(genre), *cells])
    return _table(["genre", "packages (tracks)", "licences (tracks)"], lines)


WRITERS = {"measured": measured, "published": published, "told": told, "sources": sources}


def fresh(text: str) -> str:
    """The page with its tables as they should be."""
    return BLOCK.sub(lambda block: f"{block['head']}{WRITERS[block['name']]()}\n{block['tail']}", text)


def _name(genre: dict) -> str:
    return f"`{genre['name']}`"


def _spread(one: dict) -> str:
    return f"{one['p50']:.1f} ({one['p10']:.1f} … {one['p90']:.1f})".replace("-", "−")


def _table(head: list[str], lines: list[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |".replace("| --- ", "|---").replace("--- |", "---|") for row in rows)


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a table is stale")
    text = PAGE.read_text(encoding="utf-8")
    now = fresh(text)
    if parser.parse_args().check:
        if now != text:
            print("docs/genres.md is stale; run python scripts/write_genres.py", file=sys.stderr)
        return int(now != text)
    PAGE.write_text(now, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
