"""What building a library costs: processor time for each track, and what a second build over the same files costs.

    python benchmarks/library.py                 8 tracks of 4 minutes, made in code
    python benchmarks/library.py --tracks 100 --work FOLDER

Tracks are 24-bit WAV files, the largest to read. Processor time is that of the program and all its processes; a build
of two tracks of 4 s, which pays for starting and little else, is taken off the first build, and off nothing else.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from subprocess import DEVNULL, run

import numpy as np
import soundfile as sf

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from refmaster.demo import dull_mix, finished  # noqa: E402

RATE_HZ = 44100
SHORT_S = 4.0


def make(folder: Path, count: int, duration_s: float) -> None:
    """Songs of the demo in turn, each turned round to another beginning and at another level."""
    folder.mkdir(parents=True)
    songs = (dull_mix(RATE_HZ), finished(RATE_HZ))
    rng = np.random.default_rng(1)
    for k in range(count):
        song = np.roll(songs[k % 2], int(rng.integers(RATE_HZ * 30)), axis=1) * rng.uniform(0.5, 1.0)
        times = -(-round(duration_s * RATE_HZ) // song.shape[1])
        sf.write(folder / f"track_{k:03}.wav", np.tile(song, times).T[: round(duration_s * RATE_HZ)], RATE_HZ, "PCM_24")


def build(tracks: Path, work: Path, cache: str) -> tuple[float, float]:
    """Processor seconds and wall seconds of one build."""
    words = [sys.executable, str(ROOT / "cli.py"), "library", "build", str(tracks), "-n", "bench", "-o", str(work)]
    before, started = os.times(), time.perf_counter()
    run([*words, "--cache", str(work / cache), "--force"], check=True, stdout=DEVNULL, stderr=DEVNULL)
    after, wall_s = os.times(), time.perf_counter() - started
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, wall_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=240.0, help="how long each track is")
    parser.add_argument("--work", type=Path, help="a folder for the tracks; a temporary one otherwise")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(dir=options.work))
    try:
        make(work / "short", 2, SHORT_S)
        make(work / "tracks", options.tracks, options.seconds)
        build(work / "short", work, "warm")  # numba's own cache is filled
        start_s, _ = build(work / "short", work, "start")
        time.sleep(3)  # until files of the first run no longer count as just written
        first_s, first_wall_s = build(work / "tracks", work, "cache")
        again_s, again_wall_s = build(work / "tracks", work, "cache")
    finally:
        shutil.rmtree(work)
    print(f"starting                 {start_s:6.2f} s CPU")
    each = (first_s - start_s) / options.tracks
    print(f"first build              {first_s:6.2f} s CPU, {first_wall_s:6.2f} s wall; {each:.2f} s CPU a track")
    shares = f"{100 * again_s / first_s:.1f} % of the CPU, {100 * again_wall_s / first_wall_s:.1f} % of the time"
    print(f"second build             {again_s:6.2f} s CPU, {again_wall_s:6.2f} s wall; {shares}")


if __name__ == "__main__":
    main()
