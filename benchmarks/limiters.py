"""Limiters side by side: what each does to tones, kicks and real music at the same drive, and at the same loudness.

    python benchmarks/limiters.py                  every fourth clip: half an hour
    python benchmarks/limiters.py --every 8 --no-page

Prints the table and writes it to docs/benchmarks.md, where every column is explained. Needs the `dev` extra; pedalboard
is measured where it is installed (`python -m pip install pedalboard`). The clips are not part of the project; any CSV
with a column path will do. Exit 0: done; 2: the request was refused.
"""

import argparse
import csv
import datetime
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import page
from benchmarks.asked import CLIPS, from_root, options, whole
from benchmarks.judge import FINE_TIMES, FloatArray, fine_true_peak_dbtp, integrated_lufs, spectral_distance_db
from benchmarks.limiting import CEILING_DBTP, LIMITERS, Limiter, version

DRIVES_DB = (3.0, 6.0, 9.0)  # over the ceiling, of the largest true peak
DRIVE_DB = 6.0  # of these, what tones are driven by and loudness and distance are read at
LEVEL_DB = (3.0, 6.0)  # of these, where the others are brought to our loudness
RATES_HZ = (44100, 48000, 96000)
TONES_HZ = (60, 1000)
SETTLED_S = 3.0  # what of a tone is not looked at
MOST_DRIVE_DB = 15.0
SAME_LU = 0.03
HALVINGS = 9


@dataclass(frozen=True, eq=False)
class Sound:
    """Something to limit; at 0 dB of drive its true peak is the ceiling."""

    name: str
    samples: FloatArray
    rate_hz: int

    def driven(self, drive_db: float) -> FloatArray:
        """The samples, so much over the ceiling."""
        return self.samples * 10 ** (drive_db / 20)


@dataclass(frozen=True)
class Held:
    """What a limiter made of one sound at one drive."""

    true_peak_dbtp: float
    gained_lu: float
    distance_db: float
    cpu_s: float


@dataclass(frozen=True)
class Result:
    """Everything about one limiter. `level`: by our drive, the distance at our loudness; None: out of reach."""

    name: str
    thd_db: dict[int, float]
    kicks: dict[float, Held]
    clips: dict[float, list[Held]]
    level: dict[float, list[float | None]]


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write; answers the exit code."""
    asked = _parser().parse_args(words)
    path = from_root(asked.clips)
    if not path.is_file():
        print(f"limiters: no list of clips at {path}; name one with --clips: a CSV with a column path", file=sys.stderr)
        return 2
    found, missing = {}, []
    for name in LIMITERS:
        try:
            found[name] = version(name)
        except ImportError:
            missing.append(f"{name} is left out: it is not installed (python -m pip install {name.split()[0]})")
    print(*missing, sep="\n", file=sys.stderr)
    clips = read_sounds(path, asked.every, asked.seconds)
    results = measured(LIMITERS, list(found), clips)
    text = section(results, found, [one.name for one in clips], _command(asked))
    print(text)
    if asked.page:
        page.write_section("limiters", text)
    return 0


def measured(limiters: dict[str, Limiter], names: Sequence[str], clips: Sequence[Sound]) -> list[Result]:
    """Every limiter on every sound. The first sets the loudness that the others are brought to."""
    kicks = made("kicks", kick_loop(6.0, 44100), 44100)
    goals: dict[float, list[float]] = {}
    results = []
    for name in names:
        limiter = limiters[name]
        limiter(kicks.driven(DRIVE_DB), kicks.rate_hz)  # compiles and loads
        thd_db = {hz: max(thd_of(limiter, hz, rate) for rate in RATES_HZ) for hz in TONES_HZ}
        drummed = {drive: held(limiter, kicks, drive) for drive in DRIVES_DB}
        read = {drive: [held(limiter, clip, drive) for clip in clips] for drive in DRIVES_DB}
        goals = goals or {drive: [one.gained_lu for one in read[drive]] for drive in LEVEL_DB}
        level = {
            drive: [distance_at(limiter, clip, goal) for clip, goal in zip(clips, goals[drive], strict=True)]
            for drive in LEVEL_DB
        }
        results.append(Result(name, thd_db, drummed, read, level))
        print(f"{name}: done", file=sys.stderr, flush=True)
    return results


# Measurements


def made(name: str, samples: FloatArray, rate_hz: int) -> Sound:
    """A sound, brought to the ceiling."""
    return Sound(name, samples * 10 ** ((CEILING_DBTP - fine_true_peak_dbtp(samples)) / 20), rate_hz)


def held(limiter: Limiter, sound: Sound, drive_db: float) -> Held:
    """All figures of one sound at one drive."""
    driven = sound.driven(drive_db)
    began = time.process_time()
    out = limiter(driven, sound.rate_hz)
    cpu_s = time.process_time() - began
    return Held(
        fine_true_peak_dbtp(out),
        integrated_lufs(out, sound.rate_hz) - integrated_lufs(sound.samples, sound.rate_hz),
        spectral_distance_db(out, sound.samples, sound.rate_hz),
        cpu_s,
    )


def distance_at(limiter: Limiter, sound: Sound, gained_lu: float) -> float | None:
    """Spectral distance where so much loudness is gained with no true peak over the ceiling; None: out of reach.

    What passes the ceiling is turned down behind the limiter, and driven for again in front of it.
    """
    now_lufs = integrated_lufs(sound.samples, sound.rate_hz)

    def tried(drive_db: float) -> tuple[float, FloatArray]:
        out = limiter(sound.driven(drive_db), sound.rate_hz)
        over_db = max(0.0, fine_true_peak_dbtp(out) - CEILING_DBTP)
        return integrated_lufs(out, sound.rate_hz) - over_db - now_lufs - gained_lu, out

    # The least drive that does it: loudness need not rise with drive for ever.
    low, high = 0.0, None
    for drive_db in (0.5 * gained_lu, gained_lu, *np.arange(gained_lu + 1, MOST_DRIVE_DB, 1.5)):
        miss_lu, out = tried(float(drive_db))
        if miss_lu >= -SAME_LU:
            high = float(drive_db)
            break
        low = float(drive_db)
    if high is None:
        return None
    for _ in range(HALVINGS):
        if abs(miss_lu) <= SAME_LU:
            break
        middle = (low + high) / 2
        miss_lu, out = tried(middle)
        low, high = (middle, high) if miss_lu < 0 else (low, middle)
    return spectral_distance_db(out, sound.samples, sound.rate_hz)


def thd_of(limiter: Limiter, frequency_hz: int, rate_hz: int) -> float:
    """Total harmonic distortion of a steady sine driven over the ceiling, in dB; −200 where there is none."""
    t = np.arange(round(2 * rate_hz + SETTLED_S * rate_hz)) / rate_hz
    tone = 10 ** ((CEILING_DBTP + DRIVE_DB) / 20) * np.sin(2 * np.pi * frequency_hz * t)
    start = round(SETTLED_S * rate_hz)
    out = limiter(np.stack([tone, tone]), rate_hz)[0, start : start + rate_hz]
    power = np.abs(np.fft.rfft(out * np.hanning(out.size + 1)[:-1])) ** 2  # 1 s: bin k is k Hz
    orders = np.arange(1, min(20_000, rate_hz // 2 - 10) // frequency_hz + 1)
    first, *rest = (power[k * frequency_hz - 2 : k * frequency_hz + 3].sum() for k in orders)
    return 10 * math.log10(max(sum(rest) / first, 1e-20))


# Sounds


def kick_loop(duration_s: float, rate_hz: int) -> FloatArray:
    """Two kicks a second: a sine that falls from 150 to 50 Hz and dies away."""
    t = np.arange(round(0.3 * rate_hz)) / rate_hz
    hit = np.sin(2 * np.pi * (50.0 * t + 3.0 * (1.0 - np.exp(-t / 0.03)))) * np.exp(-t / 0.1)
    loop = np.zeros(round(duration_s * rate_hz))
    for start in range(0, loop.size - hit.size, rate_hz // 2):
        loop[start : start + hit.size] += hit
    return np.stack([loop, loop])


def read_sounds(path: Path, every: int, seconds: float) -> list[Sound]:
    """The middle of every n-th clip of a CSV, mastered or not."""
    with path.open(newline="", encoding="utf-8") as file:
        names = [row["path"] for row in csv.DictReader(file)][::every]
    sounds = []
    for name in names:
        samples, rate_hz = sf.read(path.parent / name, always_2d=True)
        length = round(seconds * rate_hz)
        start = max(0, (len(samples) - length) // 2)
        sounds.append(made(name, samples[start : start + length].T.copy(), rate_hz))
    return sounds


# The page

COLUMNS: dict[str, Callable[[Result, Result], str]] = {
    "THD 60 Hz": lambda one, _: _db(one.thd_db[60], 0),
    "THD 1 kHz": lambda one, _: _db(one.thd_db[1000], 0),
    "kicks: true peak": lambda one, _: _db(max(k.true_peak_dbtp for k in one.kicks.values())),
    "kicks: gained": lambda one, _: _db(one.kicks[DRIVE_DB].gained_lu),
    "kicks: distance": lambda one, _: _db(one.kicks[DRIVE_DB].distance_db),
    "clips: true peak": lambda one, _: _db(max(k.true_peak_dbtp for ks in one.clips.values() for k in ks)),
    "clips: gained": lambda one, _: _db(_mean([k.gained_lu for k in one.clips[DRIVE_DB]])),
    "clips: distance": lambda one, _: _db(_mean([k.distance_db for k in one.clips[DRIVE_DB]])),
    "level with ours, 3 dB": lambda one, first: _level(one, first, 3.0),
    "level with ours, 6 dB": lambda one, first: _level(one, first, 6.0),
    "CPU": lambda one, first: f"{_cpu_s(one) / _cpu_s(first):.2f}",
}


def section(results: Sequence[Result], versions: dict[str, str], clips: Sequence[str], command: str) -> str:
    """The section of the page."""
    first = results[0]
    rows = [f"| {one.name} | {' | '.join(cell(one, first) for cell in COLUMNS.values())} |" for one in results]
    engines = ", ".join(dict.fromkeys(versions.values()))
    rates = ", ".join(f"{rate / 1000:g}" for rate in RATES_HZ)
    head = f"""
## Limiters

`{command}`, {datetime.date.today()}: the middle of {len(clips)} clips, kicks made in code, sines at {rates} kHz; \
{engines}. Every limiter is asked to hold {_db(CEILING_DBTP, 0)} dBTP; drive is how far the largest true peak stands \
over that.

| limiter | {" | ".join(COLUMNS)} |
| --- |{" --- |" * len(COLUMNS)}
"""
    return "\n".join([head.strip(), *rows, "", _explained(first.name)])


def _explained(ours: str) -> str:
    drives = ", ".join(f"{drive:g}" for drive in DRIVES_DB)
    return f"""
- *THD*: total harmonic distortion of a steady sine driven {DRIVE_DB:g} dB, in dB, after {SETTLED_S:g} s; the worst of \
the three rates. −200 stands for none.
- *true peak*: the highest at drives of {drives} dB, in dBTP, read at {FINE_TIMES}× by scipy's `resample_poly`.
- *gained*: loudness gained by {DRIVE_DB:g} dB of drive, in LU; mean over clips.
- *distance*: mean difference of magnitudes over time and frequency from the sound before it was driven, in dB, levels \
aligned, at three resolutions, at {DRIVE_DB:g} dB of drive; mean over clips. It grows with loudness, so alone it says \
little where *gained* differs.
- *level with ours*: the same distance where each is driven until it gains the loudness that {ours} gains at that \
drive; what passes the ceiling is turned down behind the limiter. Mean over the clips that get there; in brackets \
{ours}'s mean over the same clips, and how many they are.
- *CPU*: time of the processor over all clips and drives, {ours} = 1.

matchering's limiter looks at samples and not between them. pedalboard's `Limiter` has two compressors and a clipper \
at full scale; its threshold is 0 dB here, and it is driven and turned down by 1 dB. Its `BrickwallLimiter` reads true \
peaks here (`true_peak=True`). All else is at its defaults. Nobody listened.
""".strip()


def _level(one: Result, first: Result, drive_db: float) -> str:
    """The mean, the first's over the same clips, and how many they are."""
    both = zip(one.level[drive_db], first.level[drive_db], strict=True)
    reached = [(mine, ours) for mine, ours in both if mine is not None and ours is not None]
    if not reached:
        return "–"
    if one is first:
        return _db(_mean([mine for mine, _ in reached]))
    mine, ours = (_mean(list(column)) for column in zip(*reached, strict=True))
    return f"{_db(mine)} ({_db(ours)}; {len(reached)} of {len(one.level[drive_db])})"


def _cpu_s(one: Result) -> float:
    return sum(k.cpu_s for ks in one.clips.values() for k in ks)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _db(value: float, places: int = 2) -> str:
    return f"{value:.{places}f}".replace("-", "−")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="limiters.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", default=CLIPS, help="CSV with a column path (default: %(default)s)")
    parser.add_argument(
        "--every", type=whole, default=4, metavar="N", help="take every n-th clip (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=12.0, help="of each clip (default: %(default)g)")
    parser.add_argument("--no-page", dest="page", action="store_false", help="leave docs/benchmarks.md as it is")
    return parser


def _command(asked: argparse.Namespace) -> str:
    words = options(asked, _parser().parse_args([]), ("every", "seconds"))
    return " ".join(["python benchmarks/limiters.py", *words])


if __name__ == "__main__":
    sys.exit(main())
