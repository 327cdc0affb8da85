"""The limiters that are compared: each takes driven sound, shape (channels, samples), and its rate, and holds it."""

import importlib
import warnings
from collections.abc import Callable
from functools import cache
from importlib import metadata
from types import ModuleType

import numpy as np

from benchmarks.judge import FloatArray
from refmaster.dsp.limiter import CLIP_DB, LOOKAHEAD_MS, MARGIN_DB, RELEASE_MS, Limiting, limited

CEILING_DBTP = -1.0
BLOCK_SAMPLES = 65536

Limiter = Callable[[FloatArray, int], FloatArray]


def refmaster(samples: FloatArray, rate_hz: int) -> FloatArray:
    """Ours, as `limit_peaks` has it."""
    limiting = Limiting(CEILING_DBTP, LOOKAHEAD_MS, RELEASE_MS, MARGIN_DB, CLIP_DB)
    blocks = (samples[:, start : start + BLOCK_SAMPLES] for start in range(0, samples.shape[1], BLOCK_SAMPLES))
    return np.concatenate(list(limited(blocks, rate_hz, limiting)), axis=1)


def matchering(samples: FloatArray, rate_hz: int) -> FloatArray:
    """Matchering's own, with its threshold at the ceiling; stereo only."""
    engine = _imported("matchering")
    config = engine.Config(threshold=10 ** (CEILING_DBTP / 20))
    config.internal_sample_rate = rate_hz  # what its time constants are counted in
    return np.asarray(_imported("matchering.limiter").limit(np.ascontiguousarray(samples.T), config).T)


def pedalboard(samples: FloatArray, rate_hz: int) -> FloatArray:
    """Pedalboard's `Limiter`: its ceiling is full scale, so it is driven and turned down by what is missing."""
    head = np.float32(10 ** (-CEILING_DBTP / 20))
    out = _imported("pedalboard").Limiter(threshold_db=0.0)(samples.astype(np.float32) * head, rate_hz)
    return np.asarray(out / head, dtype=np.float64)


def brickwall(samples: FloatArray, rate_hz: int) -> FloatArray:
    """Pedalboard's `BrickwallLimiter`, which came later."""
    limiter = _imported("pedalboard").BrickwallLimiter(ceiling_db=CEILING_DBTP, true_peak=True)
    return np.asarray(limiter(samples.astype(np.float32), rate_hz), dtype=np.float64)


LIMITERS: dict[str, Limiter] = {
    "refmaster": refmaster,
    "matchering": matchering,
    "pedalboard Limiter": pedalboard,
    "pedalboard BrickwallLimiter": brickwall,
}


def version(name: str) -> str:
    """The package with its version; raises ImportError where it, or what is wanted of it, is not installed."""
    package, _, part = name.partition(" ")
    module = _imported(package)
    if part and not hasattr(module, part):
        raise ImportError(f"{package} {metadata.version(package)} has no {part}")
    return f"{package} {module.__version__ if package == 'refmaster' else metadata.version(package)}"


@cache
def _imported(name: str) -> ModuleType:
    """A package whose import warns of what scipy and others will drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)
