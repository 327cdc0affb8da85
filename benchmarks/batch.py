"""How many tracks a batch masters in a given time, with one worker and with more.

    python benchmarks/batch.py                            100 tracks of 60 s, 1 and 2 workers; writes docs/benchmarks.md
    python benchmarks/batch.py --tracks 12 --no-page      fewer, and only printed

The tracks are takes of the demo's mix, each from another place of it, so nothing is needed but this checkout. Every
count of workers masters the same tracks in a process of its own, into an empty folder, and all must leave the same
bytes. The rounds take turns, and the median of each is taken. Run it on a machine that does nothing else. Where that
cannot be had, the time of the processors says more than the wall time: it is what two workers cost each other.
"""

import argparse
import hashlib
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import soundfile as sf  # noqa: E402

from benchmarks.asked import options, whole  # noqa: E402
from benchmarks.page import write_section  # noqa: E402
from refmaster import demo  # noqa: E402

RATE_HZ = 44100


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print and, unless told otherwise, write the page."""
    asked = _parser().parse_args(words)
    with TemporaryDirectory(prefix="batch-") as folder:
        place = Path(folder)
        make_tracks(place, asked.tracks, asked.seconds)
        seconds_of(place, 1, "warm-up", ("mixes/000.wav",))  # compiles the kernels
        load = _load()
        found = measured(place, asked.workers, asked.rounds)
    text = page(asked, found, load)
    print(text)
    if asked.page:
        write_section("batch", text)
    return 0


def make_tracks(place: Path, n_tracks: int, seconds: float) -> None:
    """`mixes/` with so many tracks of this length, and `record.wav`, in 24 bits."""
    (place / "mixes").mkdir()
    mix, record = demo.dull_mix(RATE_HZ), demo.finished(RATE_HZ)
    n_samples = round(seconds * RATE_HZ)
    at = np.arange(n_samples)
    for number in range(n_tracks):
        start = number * mix.shape[1] // n_tracks
        sf.write(place / "mixes" / f"{number:03}.wav", mix[:, (start + at) % mix.shape[1]].T, RATE_HZ, subtype="PCM_24")
    sf.write(place / "record.wav", record[:, at % record.shape[1]].T, RATE_HZ, subtype="PCM_24")


def measured(place: Path, workers: Sequence[int], rounds: int) -> dict[int, tuple[float, float]]:
    """Median wall and processor time of the whole batch for each count of workers; RuntimeError where bytes differ."""
    times: dict[int, list[tuple[float, float]]] = {count: [] for count in workers}
    bytes_of = set()
    for number in range(rounds):
        for count in workers:
            out = f"out-{number}-{count}"
            times[count].append(seconds_of(place, count, out, ("mixes",)))
            bytes_of.add(_digest(place / out))
            wall_s, cpu_s = times[count][-1]
            said = f"round {number + 1}, workers {count}: {wall_s:.1f} s, {cpu_s:.1f} s of processors"
            print(said, file=sys.stderr, flush=True)
    if len(bytes_of) != 1:
        raise RuntimeError("the rounds did not leave the same bytes")
    return {
        count: (statistics.median(wall for wall, _ in found), statistics.median(cpu for _, cpu in found))
        for count, found in times.items()
    }


def seconds_of(place: Path, workers: int, out: str, sources: tuple[str, ...]) -> tuple[float, float]:
    """Wall and processor time of one batch as a person runs it, start-up included."""
    words = ["batch", *sources, "--ref", "record.wav", "-o", out, "--jobs", str(workers), "--quiet"]
    started, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, str(ROOT / "cli.py"), *words], cwd=place, check=True)
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, cpu_s


def page(asked: argparse.Namespace, found: dict[int, tuple[float, float]], load: str) -> str:
    """The section of docs/benchmarks.md."""
    first = next(iter(found))
    minutes = asked.tracks * asked.seconds / 60
    rows = [
        f"| {count} | {wall_s:.1f} | {cpu_s:.1f} | {minutes / (wall_s / 60):.0f} | {found[first][0] / wall_s:.2f} |"
        for count, (wall_s, cpu_s) in found.items()
    ]
    words = options(asked, _parser().parse_args([]), ("tracks", "seconds", "rounds"))
    command = " ".join(["python benchmarks/batch.py", *words])
    return f"""
## Batch

`{command}`, {date.today().isoformat()}: {asked.tracks} tracks of {asked.seconds:g} s, stereo, 44.1 kHz, 24 bits, with \
their reports; {os.cpu_count()} processors ({platform.machine()}), Python {platform.python_version()}. \
{"Median of " + str(asked.rounds) + " rounds" if asked.rounds > 1 else "One round"}, start-up included. {load}

| workers | wall time, s | processor time, s | minutes of music a minute | times the throughput of {first} |
| --- | --- | --- | --- | --- |
{chr(10).join(rows)}

All rounds left the same bytes.
""".strip()


def _load() -> str:
    """What else the machine does, in words."""
    if not hasattr(os, "getloadavg"):
        return ""
    # The minute before holds our own making of tracks, about one process.
    return (
        f"Load average of the machine before the first round: {os.getloadavg()[0]:.1f}, our own preparation included."
    )


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(whole(one) for one in text.split(","))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="batch.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracks", type=whole, default=100, help="how many (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each track (default: %(default)g)")
    parser.add_argument("--workers", type=_numbers, default=(1, 2), help="counts to compare (default: 1,2)")
    parser.add_argument("--rounds", type=whole, default=1, help="of each count (default: %(default)s)")
    parser.add_argument("--no-page", dest="page", action="store_false", help="leave docs/benchmarks.md as it is")
    return parser


if __name__ == "__main__":
    sys.exit(main())
