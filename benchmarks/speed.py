"""How long a run takes, and how much memory, beside matchering; each run is a process of its own.

    python benchmarks/speed.py                     everything, medians of 5: most of an hour
    python benchmarks/speed.py --repeats 1 --cases "30 s;4 min"

Engines take turns, so that a busy moment hits them alike. The music is the demo's, looped, so anyone can repeat it.
Prints the tables and writes them to docs/benchmarks.md. Needs the `dev` extra, a POSIX system and 4 GB of disk for
`--cases` with an hour. Exit 0: done; 2: the request was refused.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import soundfile as sf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import page
from benchmarks.asked import ROOT, options, whole
from benchmarks.engines import version
from benchmarks.judge import FloatArray
from refmaster import demo
from refmaster.errors import RefmasterError

MATCHERING = "import sys, matchering as m; m.process(sys.argv[1], sys.argv[2], [m.pcm24(sys.argv[3])])"
# A small process starts the run and reads what it took: Linux counts the memory of who starts a process as its own.
LAUNCH = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
wall_s = time.perf_counter() - started
peak = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1) / 1024
print(json.dumps([wall_s, used.ru_utime + used.ru_stime, peak]))
sys.exit(os.waitstatus_to_exitcode(status))
"""
JOIN_S = 0.05  # how long the end of a loop fades into its start
STAGES = ("open", "analyse", "compare", "plan", "render", "explain")


class Before(Enum):
    """What is known from the run before."""

    REFERENCE = "the same reference, another target"
    PAIR = "the same pair"


@dataclass(frozen=True)
class Case:
    """What is run: how long the pair is, at which rate, with which of our options; `once` is not repeated."""

    name: str
    seconds: int
    rate_hz: int = 44_100
    words: tuple[str, ...] = ()
    beside: bool = False  # matchering runs, too
    before: Before | None = None  # what the run before has been made with
    once: bool = False


CASES = (
    Case("30 s", 30, beside=True),
    Case("4 min", 240, beside=True),
    Case("4 min, no report", 240, words=("--no-report",)),
    Case("4 min, reference known", 240, before=Before.REFERENCE),
    Case("4 min, pair known", 240, before=Before.PAIR),
    Case("4 min, 96 kHz", 240, rate_hz=96_000),
    Case("15 min", 900, beside=True),
    Case("1 h", 3600, once=True),
)
# Figure, of which case, over which case, at most: what one run of everything should show.
GOALS: tuple[tuple[str, str, tuple[str, str], float], ...] = (
    ("wall_s", "4 min", ("4 min", "matchering"), 0.4),
    ("cpu_s", "4 min", ("4 min", "matchering"), 0.5),
    ("peak_mb", "4 min", ("4 min", "matchering"), 0.25),
    ("wall_s", "4 min, no report", ("4 min", "matchering"), 0.3),
    ("wall_s", "15 min", ("15 min", "matchering"), 0.25),
    ("peak_mb", "15 min", ("15 min", "matchering"), 0.08),
    ("wall_s", "30 s", ("30 s", "matchering"), 0.7),
    ("wall_s", "4 min, reference known", ("4 min", "refmaster"), 0.8),
    ("wall_s", "4 min, 96 kHz", ("4 min", "refmaster"), 2.4),
    ("peak_mb", "1 h", ("4 min", "refmaster"), 1.3),
    ("wall_s", "1 h", ("4 min", "refmaster"), 1.1),  # a minute of audio
)
NAMES = {"wall_s": "wall time", "cpu_s": "CPU time", "peak_mb": "peak memory"}


@dataclass(frozen=True)
class Cost:
    """What a run took; the peak is the resident set's, of the process or of the largest of its children."""

    wall_s: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True)
class Found:
    """The medians of a case, for one engine."""

    case: str
    engine: str
    cost: Cost
    runs: int


def main(words: Sequence[str] | None = None) -> int:
    """Run the cases, print the tables, write the page; answers the exit code."""
    asked = _parser().parse_args(words)
    try:
        versions = [version(name) for name in ("refmaster", "matchering")]
        chosen = _chosen(asked.cases)
    except (RefmasterError, ImportError) as error:
        print(f"speed: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="speed-", dir=asked.folder) as folder:
        found = [one for case in chosen for one in _found(case, Path(folder), asked.repeats)]
        stages = _stages(Path(folder), asked.repeats)
    text = section(_command(asked), versions, found, stages, load=os.getloadavg()[0])
    print(text)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one) for one in found], indent=1), encoding="utf-8")
    if asked.page:
        page.write_section("speed", text)
    return 0


def looped(music: FloatArray, n_samples: int, rate_hz: int) -> Iterator[FloatArray]:
    """Music over and over, (channels, samples) in pieces; its end fades into its start, so no join clicks."""
    fade = round(JOIN_S * rate_hz)
    rise = np.sin(np.linspace(0, np.pi / 2, fade)) ** 2
    loop = music[:, :-fade].copy()
    loop[:, :fade] = loop[:, :fade] * rise + music[:, -fade:] * (1 - rise)
    for start in range(0, n_samples, loop.shape[1]):
        yield loop[:, : n_samples - start]


def pair(folder: Path, seconds: int, rate_hz: int) -> tuple[Path, Path]:
    """Target and reference of that length as 24-bit WAV, made once."""
    paths = []
    for name, make in (("target", demo.dull_mix), ("reference", demo.finished)):
        path = folder / f"{name}-{seconds}-{rate_hz}.wav"
        if not path.exists():
            with sf.SoundFile(path, "w", rate_hz, 2, "PCM_24") as file:
                for piece in looped(make(rate_hz), seconds * rate_hz, rate_hz):
                    file.write(piece.T)
        paths.append(path)
    return paths[0], paths[1]


def _another(target: Path) -> Path:
    """A target whose last sample is another, so that nothing knows it."""
    other = target.with_name(f"another-{target.name}")
    if not other.exists():
        sound = bytearray(target.read_bytes())
        sound[-1] ^= 1
        other.write_bytes(sound)
    return other


def cost_of(words: Sequence[str], cache: Path) -> Cost:
    """One process from its start to its end; raises CalledProcessError where it fails."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # pip compiles what it installs; a checkout is to be no slower
    launch = [sys.executable, "-I", "-c", LAUNCH, *words]
    done = subprocess.run(launch, check=True, capture_output=True, env=environment, cwd=ROOT)
    return Cost(*json.loads(done.stdout))


def _found(case: Case, folder: Path, repeats: int) -> list[Found]:
    """The medians of a case; engines in turn, after a run of each that is not counted."""
    target, reference = pair(folder, case.seconds, case.rate_hz)
    first = _another(target) if case.before is Before.REFERENCE else target
    engines = {"refmaster": lambda cache: cost_of(_ours(target, reference, folder, case), cache)}
    if case.beside:
        engines["matchering"] = lambda cache: cost_of(
            [sys.executable, "-c", MATCHERING, str(target), str(reference), str(folder / "theirs.wav")], cache
        )
    costs: dict[str, list[Cost]] = {name: [] for name in engines}
    runs = 1 if case.once else repeats
    for number in range(runs + (not case.once)):
        for name, run in engines.items():
            with tempfile.TemporaryDirectory(dir=folder) as cache:
                if case.before:
                    cost_of(_ours(first, reference, folder, case), Path(cache))
                cost = run(Path(cache))
            if number or case.once:
                costs[name].append(cost)
            print(f"{case.name}: {name} {cost.wall_s:.2f} s, CPU {cost.cpu_s:.2f} s", file=sys.stderr, flush=True)
    return [Found(case.name, name, _median(own), len(own)) for name, own in costs.items()]


def _ours(target: Path, reference: Path, folder: Path, case: Case) -> list[str]:
    words = [sys.executable, str(ROOT / "cli.py"), str(target), "--ref", str(reference), "--force", "-q"]
    return [*words, "-o", str(folder / "ours.wav"), *case.words]


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(one, name) for one in costs) for name in ("wall_s", "cpu_s", "peak_mb")))


def _stages(folder: Path, repeats: int) -> dict[str, tuple[float, float]]:
    """Wall and CPU seconds of each stage of the 4-minute run, medians; a fresh process each."""
    target, reference = pair(folder, 240, 44_100)
    runs = []
    for _ in range(repeats):
        words = [sys.executable, __file__, "--stages-of", str(target), str(reference), str(folder / "ours.wav")]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # as the program has it
        said = subprocess.run(words, check=True, capture_output=True, env=environment, cwd=ROOT).stdout
        runs.append(json.loads(said))
    return {
        stage: (statistics.median(run[stage][0] for run in runs), statistics.median(run[stage][1] for run in runs))
        for stage in STAGES
    }


def told_stages(target: str, reference: str, out: str) -> dict[str, list[float]]:
    """Master a pair in this process; wall and CPU seconds of each stage, by what the engine tells of its progress."""
    from refmaster import lean

    lean.start()
    from refmaster.pipeline import Options, master

    spent = {stage: [0.0, 0.0] for stage in STAGES}
    now = ["open", time.perf_counter(), time.process_time()]

    def told(step: str, share: float) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        spent[now[0]][0] += wall - now[1]
        spent[now[0]][1] += cpu - now[2]
        now[:] = [step.partition(":")[0], wall, cpu]

    master(target, reference, out, options=Options(force=True), told=told)
    told("explain", 1.0)
    return spent


def section(
    command: str,
    versions: Sequence[str],
    found: Sequence[Found],
    stages: dict[str, tuple[float, float]],
    *,
    load: float,
) -> str:
    """The text for the page, in Markdown."""
    date = datetime.date.today().isoformat()
    lines = [
        "## Speed",
        "",
        f"`{command}`, {date}: {', '.join(versions)}; {_machine()}, load {load:.1f} when it ended. Every run is a"
        " process of its own, from the command to its end, with the report; a first run of each is not counted.",
        "",
        "| case | engine | runs | wall s | CPU s | peak MB |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {one.case} | {one.engine} | {one.runs} | {one.cost.wall_s:.2f} | {one.cost.cpu_s:.2f} |"
            f" {one.cost.peak_mb:.0f} |"
            for one in found
        ),
        "",
        *_ratios(found),
        "Stages of the 4-minute run, imports left out:",
        "",
        "| stage | wall s | CPU s | share of wall |",
        "| --- | --- | --- | --- |",
    ]
    whole_s = sum(wall for wall, _ in stages.values())
    lines += [
        f"| {stage} | {wall:.2f} | {cpu:.2f} | {100 * wall / whole_s:.0f} % |" for stage, (wall, cpu) in stages.items()
    ]
    return "\n".join(lines)


def _ratios(found: Sequence[Found]) -> list[str]:
    """What was aimed at, and what came out; only of cases that were run."""
    by = {(one.case, one.engine): one.cost for one in found}
    seconds = {case.name: case.seconds for case in CASES}
    lines = ["| figure | ratio to | aim, at most | found |", "| --- | --- | --- | --- |"]
    for figure, case, other, aim in GOALS:
        ours, theirs = by.get((case, "refmaster")), by.get(other)
        if ours is None or theirs is None:
            continue
        longer = seconds[case] / seconds[other[0]] if figure == "wall_s" else 1.0
        ratio = getattr(ours, figure) / getattr(theirs, figure) / longer
        per = " a minute of audio" if longer != 1.0 else ""
        name = other[1] if other[1] != "refmaster" else other[0]
        lines.append(f"| {case}: {NAMES[figure]}{per} | {name} | {aim:g} | {ratio:.2f} |")
    return [*lines, ""] if lines[2:] else []


def _machine() -> str:
    """The processor, its cores, the system and Python."""
    model = platform.processor() or platform.machine()
    try:
        cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = next(line.partition(": ")[2] for line in cpu.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{os.cpu_count()} cores of {model}, {platform.system()}, Python {platform.python_version()}"


def _chosen(names: tuple[str, ...]) -> list[Case]:
    known = {case.name: case for case in CASES}
    if unknown := [name for name in names if name not in known]:
        raise RefmasterError(f"no case {unknown[0]!r}; known: {'; '.join(known)}")
    return [known[name] for name in names or known]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="speed.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    split: Callable[[str], tuple[str, ...]] = lambda text: tuple(filter(None, text.split(";")))  # noqa: E731
    parser.add_argument("--cases", type=split, default=(), metavar="NAMES", help="only these, with semicolons")
    parser.add_argument("--repeats", type=whole, default=5, metavar="N", help="runs of each (default: %(default)s)")
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="where to put the music, for a while")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every median here")
    parser.add_argument("--no-page", dest="page", action="store_false", help="leave docs/benchmarks.md as it is")
    return parser


def _command(asked: argparse.Namespace) -> str:
    words = ["python benchmarks/speed.py"]
    if asked.cases:
        words.append(f'--cases "{";".join(asked.cases)}"')
    return " ".join([*words, *options(asked, _parser().parse_args([]), ("repeats",))])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stages-of"]:
        print(json.dumps(told_stages(*sys.argv[2:5])))
        sys.exit(0)
    sys.exit(main())
