"""How long `refmaster --help` takes, in units of importing the library that reads its options.

Run it on a quiet machine: `python benchmarks/startup.py`. Medians of 5, after one run that warms the disk's cache.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 5
ROOT = Path(__file__).parents[1]
CASES = {
    "import typer": ["-c", "import typer"],
    "import refmaster": ["-c", "import refmaster"],
    "refmaster --help": [str(ROOT / "cli.py"), "--help"],
    "refmaster master --help": [str(ROOT / "cli.py"), "master", "--help"],
}


def median_s(words: list[str]) -> float:
    """Median wall time of a fresh interpreter with these words."""
    times = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True, cwd=ROOT)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def main() -> None:
    found = {name: median_s(words) for name, words in CASES.items()}
    for name, seconds in found.items():
        print(f"{name:<24} {seconds * 1000:6.0f} ms   {seconds / found['import typer']:.2f}×")


if __name__ == "__main__":
    main()
