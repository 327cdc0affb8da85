"""The engines that are compared: each masters a file toward a reference, in this process."""

import importlib
import io
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import numpy as np
import soundfile as sf

from benchmarks.judge import FloatArray, integrated_lufs

WARM_UP_S, WARM_UP_RATE_HZ = 8, 44_100


@dataclass(frozen=True)
class Said:
    """What an engine says of its own master."""

    short_of_loudness: bool = False  # "not reached"
    failed_checks: tuple[str, ...] = ()


Engine = Callable[[Path, Path, Path, bool], Said]
"""Target, reference, where the master goes, and whether the reference is to be matched in full."""


def gain(target: Path, reference: Path, out: Path, full: bool) -> Said:
    """Loudness only: one gain, no ceiling. What every other engine must better to be worth its while."""
    samples, rate_hz = read(target)
    missing_lu = integrated_lufs(*read(reference)) - integrated_lufs(samples, rate_hz)
    sf.write(out, (samples * 10 ** (missing_lu / 20)).T, rate_hz, subtype="FLOAT")
    return Said()


def matchering(target: Path, reference: Path, out: Path, full: bool) -> Said:
    """What matchering's own `process` makes; it matches in full in any case."""
    engine = _silent_import("matchering")
    with redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        engine.process(str(target), str(reference), [engine.Result(str(out), "FLOAT")])
    return Said()


def refmaster(target: Path, reference: Path, out: Path, full: bool) -> Said:
    """Our own engine with its defaults, without the HTML report; `--amount 100` in full."""
    from refmaster.pipeline import Options, master

    run = partial(master, target, reference, out, options=Options(html=False, force=True))
    report = run(amount=100.0) if full else run()
    return Said(
        short_of_loudness=any(one.what == "integrated_lufs" for one in report.plan.not_reached),
        failed_checks=tuple(check.name for check in report.checks if not check.passed),
    )


ENGINES: dict[str, Engine] = {"refmaster": refmaster, "matchering": matchering, "gain": gain}


def read(path: Path) -> tuple[FloatArray, int]:
    """A file's samples, shape (channels, samples), and its rate."""
    samples, rate_hz = sf.read(path, always_2d=True)
    return np.ascontiguousarray(samples.T), int(rate_hz)


def version(engine: str) -> str:
    """The engine's name with the version that would run; raises ImportError where it is not installed."""
    return engine if engine == "gain" else f"{engine} {_silent_import(engine).__version__}"


def warm_up(engines: tuple[str, ...]) -> None:
    """Let every engine load its libraries and compile its kernels, so that no case pays for that."""
    rng = np.random.default_rng(1)
    with TemporaryDirectory(prefix="quality-") as folder:
        target, reference, out = (Path(folder) / f"{name}.wav" for name in ("target", "reference", "out"))
        for path in (target, reference):
            noise = 0.1 * rng.standard_normal((WARM_UP_S * WARM_UP_RATE_HZ, 2))
            sf.write(path, noise, WARM_UP_RATE_HZ, subtype="PCM_24")
        for name in engines:
            with suppress(Exception):  # what is wrong with an engine shows in the cases, and is counted there
                ENGINES[name](target, reference, out, False)


@cache
def _silent_import(name: str) -> ModuleType:
    """A package whose import warns of what scipy and others will drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)
