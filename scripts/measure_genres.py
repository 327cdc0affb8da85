#!/usr/bin/env python3
"""Measure genres on free tracks, and write what the engine knows of them: numbers only, never audio.

    python scripts/fetch_library.py --sources references/genre_sources.csv --work /tmp/library
    python scripts/measure_genres.py --work /tmp/library        measure, write references/, print the table
    python scripts/measure_genres.py --table                    print the table of what is stored; needs no audio

Written are `references/genres/NAME.json` for each genre (but `any.json`, which is written by hand), measured or, by
`references/genre_published.toml`, published; and `references/genre_tracks.json`, a row of features for each track,
which is what `refmaster.genres.posterior` tells genres by.

Which tracks count: a track that the evaluation clips were cut from (`shared_clip` in the list) is left out, unless its
genre would then have fewer than five; its genre's file then says so. A track that is no finished master (by the list)
is left out of what is normal for masters, and kept for telling genres apart: what comes in to be mastered is one too.

Measurements are kept in WORK/measured by the content of each file, so a second run takes seconds.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import sys
import tomllib
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from refmaster.analyse import analyse  # noqa: E402
from refmaster.dsp.octaves import less_level, of_level  # noqa: E402
from refmaster.genres import posterior, statistics  # noqa: E402
from refmaster.genres.features import feature_names, features  # noqa: E402
from refmaster.genres.reading import SCHEMA  # noqa: E402
from refmaster.records import BandLevels, Profile, Spread, ToneSpread  # noqa: E402
from refmaster.units import FloatArray  # noqa: E402

REFERENCES = ROOT / "references"
MEASURED_WITH = 1  # raise when a meter changes: cached measurements are then made again
FEWEST = 5  # tracks that a genre is measured from
JUDGED_FROM = 10  # tracks a genre needs for its share of right answers to mean something
NEUTRAL = "any"
SEGMENT_SD_DB = 3.5  # FACTS: within a song 3-4 dB; for genres that were not measured
ROUNDNESS = (0.3, 0.4, 0.5, 0.6, 0.7)
TEMPERATURES = (2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0, 4.5)
FAR_PCT = 95  # taste: one track in twenty is unlike all that was heard before
START = posterior.Settings(
    roundness=0.5,
    temperature=2.0,
    prior_power=0.5,  # taste: halfway between this library's shares, which are nobody else's, and equal ones
    far=60.0,  # found below
    none_prior=0.1,  # taste: nobody has counted how much of what is brought is none of these
)


@dataclass(frozen=True)
class Listed:
    """A track of the list that was fetched, its Profile, and what becomes of it."""

    row: dict[str, str]
    path: str
    sha256: str
    profile: Profile

    @property
    def group(self) -> str:
        """Whose it is: an artist's name as far as it is stable, the package where none is named."""
        return re.sub(r"[^a-z0-9]", "", self.row["artist"].lower())[:10] or self.row["package"]

    @property
    def finished(self) -> bool:
        """Not known to be anything but a finished master."""
        return self.row["finished_master"] != "no"

    @property
    def shared(self) -> bool:
        """An evaluation clip was cut from it."""
        return self.row["shared_clip"] == "yes"


# Measuring


def measured(work: Path, sources: Path, jobs: int) -> list[Listed]:
    """Every fetched track of the list with its Profile, in the list's order of genre, package and member."""
    with sources.open(newline="", encoding="utf-8") as file:
        known = {f"debian:{row['package']}:{row['member']}": row for row in csv.DictReader(file)}
    with (work / "tracks.csv").open(newline="", encoding="utf-8") as file:
        fetched = [row for row in csv.DictReader(file) if row["source"] in known]
    (work / "measured").mkdir(exist_ok=True)
    found = []
    with ProcessPoolExecutor(jobs, initializer=os.nice, initargs=(5,)) as pool:
        texts = pool.map(_measure, [work] * len(fetched), [r["path"] for r in fetched], [r["sha256"] for r in fetched])
        for done, (row, text) in enumerate(zip(fetched, texts, strict=True), start=1):
            if isinstance(text, Exception):
                print(f"SKIPPED {row['path']}: {text}", file=sys.stderr)
                continue
            found.append(Listed(known[row["source"]], row["path"], row["sha256"], _profile(text)))
            if done % 20 == 0 or done == len(fetched):
                print(f"  {done} of {len(fetched)} measured", file=sys.stderr, flush=True)
    return sorted(found, key=lambda t: (t.row["genre"], t.row["package"], t.row["member"]))


def _measure(work: Path, path: str, sha256: str) -> dict[str, object] | Exception:
    """A track's Profile as JSON, from the cache if it was measured before."""
    kept = work / "measured" / f"{sha256}.json"
    if kept.exists():
        data = json.loads(kept.read_text(encoding="utf-8"))
        if data["measured_with"] == MEASURED_WITH:
            return dict(data["profile"])
    try:
        profile = asdict(replace(analyse(work / path), path=path))
    except Exception as error:  # a file that cannot be read must not end the run; it is named
        return error
    part = kept.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps({"measured_with": MEASURED_WITH, "profile": profile}), encoding="utf-8")
    part.replace(kept)
    return profile


def _profile(data: dict[str, object]) -> Profile:
    """A Profile from its JSON; sections and defects are not needed here."""
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k not in ("sections", "defects")}
    plain["dynamics"] = tuple(BandLevels(**band) for band in plain["dynamics"])
    return Profile(**{f.name: plain[f.name] for f in fields(Profile) if f.name in plain})


# Building


def build(tracks: list[Listed], published: dict, out: Path) -> None:
    """Write all files below `out`."""
    counted, told = {}, {}
    for genre in dict.fromkeys(t.row["genre"] for t in tracks):
        own = [t for t in tracks if t.row["genre"] == genre]
        apart = [t for t in own if not t.shared]
        chosen = apart if sum(t.finished for t in apart) >= FEWEST else own
        if sum(t.finished for t in chosen) >= FEWEST:
            counted[genre], told[genre] = [t for t in chosen if t.finished], chosen
    every = [t for own in counted.values() for t in own]
    rows = statistics.Rows(
        np.array([statistics.tone_row(t.profile) for t in every]),
        tuple(t.row["genre"] for t in every),
        tuple(t.group for t in every),
    )
    pool = statistics.pool_of(rows)
    (out / "genres").mkdir(parents=True, exist_ok=True)
    for genre, own in counted.items():
        listed = [t for t in tracks if t.row["genre"] == genre]
        write_json(out / "genres" / f"{genre}.json", measured_genre(genre, own, listed, rows, pool, published))
    covariance, error_db2 = published_covariance(rows, pool, out), curve_error_db2(rows, pool, published)
    for name, about in published["published"].items():
        data = published_genre(name, about, published, covariance, error_db2, pool)
        write_json(out / "genres" / f"{name}.json", data)
    write_tracks([t for own in told.values() for t in own], tuple(counted), out / "genre_tracks.json")
    say_pool(pool, error_db2)


def measured_genre(
    genre: str,
    own: list[Listed],
    listed: list[Listed],
    rows: statistics.Rows,
    pool: statistics.Pool,
    published: dict,
) -> dict:
    """The file of a genre that was measured."""
    about = published["measured"][genre]
    profiles, artists = [t.profile for t in own], [t.group for t in own]
    n_effective = statistics.effective_tracks(artists, pool.artist_correlation)
    tone = statistics.tone_of(genre, rows, pool)
    packages = sorted({t.row["package"] for t in own})
    labels = Counter(t.row["genre_confidence"] for t in own)
    shared = sum(t.shared for t in own)
    return {
        "schema": SCHEMA,
        "name": genre,
        "label": about["label"],
        "also": about["also"],
        "kind": "measured",
        "n_tracks": len(own),
        "n_artists": len(set(artists)),
        "n_effective": round(n_effective, 1),
        "n_shared_clips": shared,
        "trust": round(statistics.trust_of(n_effective, pool), 2),
        "trust_how": (
            "how much of the differences between genres the mean spectrum tells: between / (between + within / "
            f"n_effective), with {pool.between_db2:.1f} dB2 between genres, {pool.within_db2:.1f} dB2 within one, and "
            f"{n_effective:.1f} effective tracks "
            f"({len(own)} by {len(set(artists))} artists, whose tracks correlate by {pool.artist_correlation:.2f})"
        ),
        "source": (
            f"{len(own)} free tracks of {len(set(artists))} artists from the Debian packages {', '.join(packages)}, "
            "listed in this genre's file, measured by scripts/measure_genres.py; "
            "genre by the list's judgement, not by listening: "
            f"{labels['h']} sure, {labels['m']} likely, {labels['l']} guessed"
            + (f"; {shared} of them are clips that the engine is evaluated on as well" if shared else "")
        ),
        **common(tone, statistics.segment_sd_db(profiles), statistics.limiting_db(statistics.median_plr_db(profiles))),
        "width": plain(statistics.width_of(profiles)),
        "spreads": [plain(spread) for spread in statistics.spreads_of(profiles)],
        "practice_lufs": practice(about.get("group"), published),
        "tracks": [entry(t) for t in own],
        "left_out": [{**entry(t), "why": why_not(t)} for t in listed if t not in own],
    }


def published_genre(
    name: str, about: dict, published: dict, covariance: FloatArray, error_db2: float, pool: statistics.Pool
) -> dict:
    """The file of a genre that is only published."""
    sources, loudness = published["sources"], practice(about["group"], published)
    curve = curve_db(about["curve"])
    tone = statistics.toned(curve, np.full(curve.size, np.sqrt(error_db2)), covariance)
    said = [f"{sources['loudness']}; group: {about['group']}", sources["spectrum"]]
    if about["curve"] == "contemporary":
        said.append(sources["contemporary"])
    said.append(sources["spread"])
    trust = max(0.0, 1 - error_db2 / pool.between_db2)
    return {
        "schema": SCHEMA,
        "name": name,
        "label": about["label"],
        "also": about["also"],
        "kind": "published",
        "n_tracks": 0,
        "n_artists": 0,
        "trust": round(trust, 2),
        "trust_how": (
            "how much of the differences between genres the mean spectrum tells: 1 - error / between, with "
            f"{pool.between_db2:.1f} dB2 between genres, and the published curves {error_db2:.1f} dB2 off where a "
            "genre was measured as well"
        ),
        "source": "; ".join([*([about["note"]] if "note" in about else []), *said]),
        **common(tone, SEGMENT_SD_DB, statistics.limiting_db(None)),
        "width": None,
        "spreads": [{k: v for k, v in loudness.items() if k != "source"}],
        "practice_lufs": loudness,
        "tracks": [],
        "left_out": [],
    }


def common(tone: ToneSpread, segment_db: float, limiting_db: float) -> dict:
    """What all genres have, and what is read from their tone."""
    at_hz, sd_db = statistics.song_sd(tone)
    return {
        "song_sd_hz": list(at_hz),
        "song_sd_db": list(sd_db),
        "segment_sd_db": round(segment_db, 2),
        "limiting_db": round(limiting_db, 2),
        "tone": plain(tone),
    }


def practice(group: str | None, published: dict) -> dict | None:
    """How loud people make a group of genres."""
    if group is None:
        return None
    p10, p50, p90 = published["loudness"][group]
    spread = Spread("integrated_lufs", p10, None, p50, None, p90, 0)
    return {**plain(spread), "source": f"{published['sources']['loudness']}; group: {group}"}


def curve_db(name: str) -> FloatArray:
    """A published mean spectrum on the grid, its level taken off as everywhere."""
    at = statistics.band_grid_hz()
    octaves = np.log2(at / 200)
    level = (3.01 - 2.350) * octaves - 0.659 * octaves**2
    if name == "contemporary":
        for low, high, gain_db in ((63, 160, 7.0), (6300, 12500, 4.4)):
            edges = np.log2([low / 2, low, high, high * 2])
            level += np.interp(np.log2(at), edges, [0, gain_db, gain_db, 0])
    return less_level(level, of_level(at))


def curve_error_db2(rows: statistics.Rows, pool: statistics.Pool, published: dict) -> float:
    """How far published curves are from genres that were measured, mean square over bands, less chance."""
    judged = statistics.judged_bands()
    errors = []
    for genre in dict.fromkeys(rows.genres):
        about = published["measured"][genre]
        if "curve" in about:
            own = np.array([g == genre for g in rows.genres])
            artists = [a for a, mine in zip(rows.artists, own, strict=True) if mine]
            chance = pool.within_db2 / statistics.effective_tracks(artists, pool.artist_correlation)
            apart = curve_db(about["curve"]) - pool.filled[own].mean(axis=0)
            errors.append(np.square(apart[judged]).mean() - chance)
    return float(np.mean(errors))


def published_covariance(rows: statistics.Rows, pool: statistics.Pool, out: Path) -> FloatArray:
    """Spread between songs of any kind: published standard deviations, correlated as the measured tracks are."""
    neutral = json.loads((out / "genres" / f"{NEUTRAL}.json").read_text(encoding="utf-8"))
    at = np.log(statistics.band_grid_hz())
    sd = np.interp(at, np.log(neutral["song_sd_hz"]), neutral["song_sd_db"])
    correlation = np.corrcoef(pool.filled + 1e-9, rowvar=False)
    return np.asarray(np.outer(sd, sd) * correlation)


def entry(track: Listed) -> dict:
    """Where a track can be had again."""
    keep = {k: track.row[k] for k in ("title", "artist", "licence", "package", "member", "genre_confidence")}
    return {**keep, "sha256": track.sha256, "shared_clip": track.shared}


def why_not(track: Listed) -> str:
    """Why a track does not count."""
    return "an evaluation clip was cut from it" if track.shared else "not a finished master"


def plain(record: object) -> dict | None:
    """A record as JSON holds it."""
    return None if record is None else asdict(record)  # type: ignore[call-overload]


# The table of tracks, and how well genres are told


def write_tracks(tracks: list[Listed], genres: tuple[str, ...], path: Path) -> None:
    """Features of each track, and the settings under which they tell genres best."""
    rows = [
        {
            **{k: t.row[k] for k in ("genre", "title", "artist", "package")},
            "group": t.group,
            "sha256": t.sha256,
            "shared_clip": t.shared,
            "features": [None if np.isnan(v) else round(float(v), 2) for v in features(t.profile)],
        }
        for t in tracks
    ]
    data = {"schema": posterior.SCHEMA, "settings": asdict(START), "genres": genres, "names": feature_names()}
    write_json(path, {**data, "tracks": rows})
    posterior.load_table.cache_clear()
    settings = found_settings(posterior.load_table(path))
    write_json(path, {**data, "settings": asdict(settings), "tracks": rows})
    posterior.load_table.cache_clear()


def found_settings(table: posterior.Table) -> posterior.Settings:
    """Roundness and temperature under which shares are best calibrated, for left-out tracks and left-out artists.

    The larger of the two calibration errors is made least. With 236 tracks it is itself uncertain by some 0.03. "None"
    begins where `FAR_PCT` percent of the tracks whose artist was left out lie nearer to some genre.
    """
    ways = ([str(i) for i in range(len(table.rows))], table.artists)
    tried = []
    for roundness in ROUNDNESS:
        far = round(float(np.percentile(posterior.nearest(table, table.artists, roundness), FAR_PCT)), 1)
        fixed = replace(START, roundness=roundness, far=far)
        heard = [posterior.left_out_evidence(table, way, fixed) for way in ways]
        for temperature in TEMPERATURES:
            settings = replace(fixed, temperature=temperature)
            errors = []
            for evidence, counts in heard:
                share = np.array([posterior.tempered(e, c, settings) for e, c in zip(evidence, counts, strict=True)])
                errors.append(posterior.calibration_error(share, table.genre_of))
            tried.append((max(errors), settings))
    return min(tried, key=lambda one: one[0])[1]


def table_text(table: posterior.Table) -> str:
    """How often the right genre is found for tracks, artists and packages that were left out, as Markdown."""
    ways = {
        "the track": [str(i) for i in range(len(table.rows))],
        "its artist": list(table.artists),
        "its package": list(table.packages),
    }
    found = {way: posterior.left_out(table, groups) for way, groups in ways.items()}
    lines = ["| left out | first | in the first two | calibration error |", "|---|---|---|---|"]
    counts = np.bincount(table.genre_of)
    big = counts[table.genre_of] >= JUDGED_FROM
    for way, share in found.items():
        first = (share[:, :-1].argmax(axis=1) == table.genre_of)[big].mean()
        two = posterior.top_two_share(share, table.genre_of, fewest=JUDGED_FROM)
        error = posterior.calibration_error(share, table.genre_of)
        lines.append(f"| {way} | {100 * first:.0f} % | {100 * two:.0f} % | {error:.3f} |")
    lines += ["", "| genre | tracks | artists | " + " | ".join(f"first two, {w} left out" for w in ways) + " |"]
    lines.append("|---|---|---|" + "---|" * len(ways))
    for k, genre in enumerate(table.genres):
        own = table.genre_of == k
        artists = len({a for a, mine in zip(table.artists, own, strict=True) if mine})
        cells = []
        for share in found.values():
            best = np.argsort(-share[own, :-1], axis=1, kind="stable")[:, :2]
            cells.append(f"{100 * (best == k).any(axis=1).mean():.0f} %")
        lines.append(f"| {genre} | {own.sum()} | {artists} | {' | '.join(cells)} |")
    whole = posterior.left_out(table, [table.genres[k] for k in table.genre_of])[:, -1]
    lines += ["", f"With its whole genre left out, a track's share of `none` is {100 * whole.mean():.0f} % on average."]
    return "\n".join(lines)


# Writing


def write_json(path: Path, data: dict) -> None:
    """JSON that a person can read: a line for a list of numbers or a track, not one for each number."""
    part = path.with_suffix(".part")
    part.write_text(_laid_out(data) + "\n", encoding="utf-8")
    part.replace(path)


def _laid_out(value: object, indent: int = 1) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, dict | list | tuple) or (len(text) < 100 and indent > 1) or _is_line(value):
        return text
    pad, end = " " * indent, " " * (indent - 1)
    if isinstance(value, dict):
        parts = [f"{pad}{json.dumps(k)}: {_laid_out(v, indent + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{end}}}"
    return "[\n" + ",\n".join(pad + _laid_out(v, indent + 1) for v in value) + f"\n{end}]"


def _is_line(value: object) -> bool:
    """A list of plain values, or a track: both stand on one line."""
    if isinstance(value, dict):
        return "sha256" in value
    return isinstance(value, list | tuple) and not any(isinstance(v, dict | list | tuple) for v in value)


def say_pool(pool: statistics.Pool, error_db2: float) -> None:
    """What was found on the way, for whoever wants to quote it."""
    print(
        f"within genres {pool.within_db2:.1f} dB2, between {pool.between_db2:.1f}, artists correlate by "
        f"{pool.artist_correlation:.2f}, pool counts for {pool.weight:.0f} tracks, published curves off by "
        f"{error_db2:.1f} dB2",
        file=sys.stderr,
    )


def main() -> int:
    """Do what the command line asks for."""
    about, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="where fetch_library.py put the tracks")
    parser.add_argument("--sources", type=Path, default=REFERENCES / "genre_sources.csv", metavar="CSV")
    parser.add_argument("--out", type=Path, default=REFERENCES, metavar="DIR", help="where the numbers go")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes that measure")
    parser.add_argument("--table", action="store_true", help="only print how well genres are told")
    options = parser.parse_args()
    if not options.table:
        if options.work is None or not (options.work / "tracks.csv").exists():
            parser.error("--work must name a folder that fetch_library.py has filled")
        published = tomllib.loads((REFERENCES / "genre_published.toml").read_text(encoding="utf-8"))
        build(measured(options.work, options.sources, options.jobs), published, options.out)
    print(table_text(posterior.load_table(options.out / "genre_tracks.json")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
