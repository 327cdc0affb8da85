#!/usr/bin/env python3
"""Fetch a library of free music from Debian packages, without installing any of them.

The list of tracks names, for each, a package and a member: a file in that package, a file in a pk3 or zip archive
that the package carries, or a song of several files (a folder of `song.ogg`, `guitar.ogg`, …) that are summed here
at unity. Each package is downloaded by Debian's own client, which also checks it, and unpacked into a folder of its
own that is removed again once the tracks have been taken out of it.

    python scripts/fetch_library.py --sources library_sources.csv --work /tmp/library

Below `--work`: `packages/` the packages as downloaded, `tracks/PACKAGE/MEMBER` the audio, `tracks.csv` a row for each
readable track. What is there already is neither downloaded nor unpacked again. A track or a package that fails is
named and skipped; the exit status is then 1.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import soundfile as sf

COLUMNS = ("path", "genre", "title", "artist", "licence", "source", "finished_master", "sha256")
ARCHIVES = (".pk3", ".zip")
AUDIO = (".ogg", ".opus", ".mp3", ".flac", ".wav")
BLOCK = 1 << 16  # Frames a read or write call: libsndfile's Vorbis code dislikes large ones.
PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")  # Debian policy, 5.6.1; it also rules out an option.
SUMMED = re.compile(r"fof_[^_]+_(?P<song>.+)_fullmix\.flac")


class FetchError(Exception):
    """A package or a track that could not be had, and why."""


@dataclass(frozen=True)
class Track:
    """One row of the list."""

    package: str
    member: str
    genre: str
    title: str
    artist: str
    licence: str
    finished_master: str

    @property
    def song(self) -> str | None:
        """The folder whose files make up this song, blanks written as `_`; None if the track is one file."""
        found = SUMMED.fullmatch(self.member)
        return found["song"] if found else None

    def path(self, tracks: Path) -> Path:
        """Where the audio is kept. A sum may pass full scale, so it is kept as 32-bit float."""
        place = tracks / self.package / self.member
        return place.with_suffix(".wav") if self.song else place


def say(text: str) -> None:
    """A line of progress; control characters in a name must not reach the terminal."""
    sys.stderr.write("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text) + "\n")
    sys.stderr.flush()


def read_sources(path: Path) -> list[Track]:
    """The rows of the list, none of which can lead outside the work folder."""
    tracks = []
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            try:
                track = Track(*(row[name] for name in Track.__dataclass_fields__))
            except KeyError as error:
                raise FetchError(f"{path}: column {error} is missing") from error
            member = PurePosixPath(track.member or "/")
            if not PACKAGE_NAME.fullmatch(track.package) or member.is_absolute() or ".." in member.parts:
                raise FetchError(f"{path}, line {number}: not a package and a member: {track.package}: {track.member}")
            tracks.append(track)
    return tracks


def run(words: list[str], folder: Path) -> None:
    """Run a command in a folder; its last line of complaint is the error."""
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        raise FetchError(f"{words[0]}: {error.strerror}") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise FetchError(f"{words[0]}: {lines[-1] if lines else f'exit {done.returncode}'}")


def download(package: str, packages: Path) -> Path:
    """The package's file, downloaded unless it is there. Only a whole, checked file ever appears under its name."""
    have = sorted(packages.glob(f"{package}_*.deb"))
    if have:
        return have[-1]
    say(f"  {package}: downloading")
    with tempfile.TemporaryDirectory(dir=packages, prefix=".part-") as name:
        part = Path(name)
        run(["apt-get", "-qq", "download", package], part)
        got = list(part.glob("*.deb"))
        if len(got) != 1:
            raise FetchError(f"apt-get left {len(got)} packages where one was asked for")
        return got[0].replace(packages / got[0].name)


def inside(archive: zipfile.ZipFile, member: str) -> zipfile.ZipInfo | None:
    """The archive's entry for a member, whose first folder may stand for the archive itself (`pk3/…`)."""
    for name in (member, member.partition("/")[2]):
        if name and name in archive.NameToInfo:
            return archive.getinfo(name)
    return None


def take(track: Track, root: Path, target: Path) -> None:
    """Bring a track out of an unpacked package to `target`."""
    if track.song:
        folders = sorted(p for p in root.rglob("*/") if p.name.replace(" ", "_") == track.song)
        parts = [sorted(p for p in f.iterdir() if is_file(p) and p.suffix in AUDIO) for f in folders]
        parts = [p for p in parts if p]
        if len(parts) != 1:
            raise FetchError(f"{len(parts)} folders of audio are called {track.song}")
        add_up(parts[0], target)
        return
    plain = root / track.member
    if is_file(plain) and plain.resolve().is_relative_to(root.resolve()):
        plain.replace(target)
        return
    for path in sorted(p for p in root.rglob("*") if p.suffix in ARCHIVES and is_file(p)):
        with zipfile.ZipFile(path) as archive:
            entry = inside(archive, track.member)
            if entry is not None:
                with archive.open(entry) as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out)
                return
    raise FetchError("not in the package")


def is_file(path: Path) -> bool:
    """A regular file and no link."""
    return path.is_file() and not path.is_symlink()


def add_up(parts: list[Path], target: Path) -> None:
    """Sum the files of a song at unity, from a common start; those that end early are silent after that."""
    with ExitStack() as stack:
        sources = [stack.enter_context(sf.SoundFile(p)) for p in parts]
        rates = {s.samplerate for s in sources}
        channels = max(s.channels for s in sources)
        if len(rates) > 1 or any(s.channels not in (1, channels) for s in sources):
            raise FetchError(f"its files differ in rate or layout: {', '.join(p.name for p in parts)}")
        out = stack.enter_context(sf.SoundFile(target, "w", rates.pop(), channels, "FLOAT", format="WAV"))
        while True:
            blocks = [s.read(BLOCK, dtype="float64", always_2d=True) for s in sources]
            total = np.zeros((max(map(len, blocks)), channels))
            if not len(total):
                return
            for block in blocks:
                total[: len(block)] += block
            out.write(total)


def check(path: Path) -> None:
    """Refuse what libsndfile cannot open, or opens without finding audio in it."""
    try:
        with sf.SoundFile(path) as file:
            if not len(file.read(BLOCK)):
                raise FetchError("no audio in it")
    except sf.LibsndfileError as error:
        raise FetchError(f"not readable: {error.error_string}") from error


def fetch(package: str, wanted: list[Track], work: Path) -> Iterator[tuple[Track, str]]:
    """Take the tracks of one package out of it; yields those that failed, with the reason."""
    packages, tracks = work / "packages", work / "tracks"
    deb = download(package, packages)
    say(f"  {package}: unpacking")
    with tempfile.TemporaryDirectory(dir=work, prefix=".unpacked-") as name:
        root = Path(name) / "root"
        run(["dpkg-deb", "-x", str(deb.resolve()), str(root.resolve())], work)
        for track in wanted:
            target = track.path(tracks)
            part = Path(name) / ("part" + target.suffix)
            try:
                take(track, root, part)
                check(part)
                target.parent.mkdir(parents=True, exist_ok=True)
                part.replace(target)
            except (FetchError, OSError, sf.LibsndfileError, zipfile.BadZipFile) as error:
                yield track, str(error)
            finally:
                part.unlink(missing_ok=True)


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def known_digests(listing: Path) -> dict[str, str]:
    """The digests of an earlier run, for the files that have not changed since."""
    if not listing.exists():
        return {}
    age = listing.stat().st_mtime
    with listing.open(newline="", encoding="utf-8") as file:
        rows = [(row["path"], row["sha256"]) for row in csv.DictReader(file)]
    return {p: h for p, h in rows if (listing.parent / p).exists() and (listing.parent / p).stat().st_ctime <= age}


def write_listing(tracks: Iterable[Track], work: Path) -> int:
    """Write `tracks.csv`, its paths relative to itself; returns the number of rows."""
    listing = work / "tracks.csv"
    known = known_digests(listing)
    part = work / ".tracks.csv.part"
    count = 0
    with part.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        for track in tracks:
            path = track.path(work / "tracks")
            if not path.exists():
                continue
            name = path.relative_to(work).as_posix()
            source = f"debian:{track.package}:{track.member}"
            sha256 = known.get(name) or digest(path)
            out.writerow(
                (name, track.genre, track.title, track.artist, track.licence, source, track.finished_master, sha256)
            )
            count += 1
    os.replace(part, listing)
    return count


def main() -> int:
    """Fetch what the command line asks for."""
    about, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sources", type=Path, required=True, metavar="CSV", help="the list of tracks")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="where everything is put")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N tracks of the list")
    options = parser.parse_args()
    work: Path = options.work
    try:
        tracks = read_sources(options.sources)[: options.limit]
        (work / "packages").mkdir(parents=True, exist_ok=True)
    except (FetchError, OSError) as error:
        parser.error(str(error))
    missing: dict[str, list[Track]] = {}
    for track in tracks:
        if not track.path(work / "tracks").exists():
            missing.setdefault(track.package, []).append(track)
    failures = 0
    for number, (package, wanted) in enumerate(missing.items(), 1):
        say(f"{number}/{len(missing)} {package}: {len(wanted)} tracks")
        try:
            for track, reason in fetch(package, wanted, work):
                say(f"FAILED {package}: {track.member}: {reason}")
                failures += 1
        except (FetchError, OSError) as error:
            say(f"FAILED {package}, {len(wanted)} tracks: {error}")
            failures += len(wanted)
    count = write_listing(tracks, work)
    say(f"{count} of {len(tracks)} tracks in {work / 'tracks.csv'}; {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
