"""The Fourier transform of real signals, by scipy's pocketfft: in single precision too, and several rows at once.

Only the compiled part is loaded. Importing `scipy.fft` brings in scipy.special and more, a fifth of a second in every
run; where a scipy keeps its transform elsewhere, that is done after all.
"""

import sys
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from refmaster.units import FloatArray

_NAME = "scipy.fft._pocketfft.pypocketfft"
_FORWARD, _BACKWARD = (True, 0), (False, 2)  # direction, and what is divided by: nothing, the length


def rfft(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The spectrum of each row, (..., samples) → (..., samples // 2 + 1); single precision stays single."""
    direct = _pocketfft()
    if direct is not None:
        return np.asarray(direct.r2c(rows, (rows.ndim - 1,), *_FORWARD, None, 1))
    from scipy import fft

    return np.asarray(fft.rfft(rows))


def irfft(spectrum: npt.NDArray[Any], samples: int) -> FloatArray:
    """A signal again, (bins,) → (samples,), in double precision; a real spectrum makes a symmetric one."""
    spectrum = spectrum.astype(np.complex128, copy=False)
    direct = _pocketfft()
    if direct is not None:
        return np.asarray(direct.c2r(spectrum, (spectrum.ndim - 1,), samples, *_BACKWARD, None, 1))
    from scipy import fft

    return np.asarray(fft.irfft(spectrum, samples))


@cache
def _pocketfft() -> ModuleType | None:
    """The compiled module; None where it is not found, or does not answer as it should."""
    if _NAME in sys.modules:
        return sys.modules[_NAME]
    package = find_spec("scipy")
    folders = list(package.submodule_search_locations or ()) if package else []
    spec = PathFinder.find_spec(_NAME.rpartition(".")[2], [str(Path(one, "fft", "_pocketfft")) for one in folders])
    if spec is None or spec.loader is None:
        return None
    spec.name = spec.loader.name = _NAME  # type: ignore[attr-defined]  # scipy.fft finds it when it is imported later
    try:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        ones = module.r2c(np.ones((1, 4)), (1,), *_FORWARD, None, 1)
        back = module.c2r(ones, (1,), 4, *_BACKWARD, None, 1)
    except Exception:
        return None
    if not (np.array_equal(ones, [[4, 0, 0]]) and np.array_equal(back, np.ones((1, 4)))):
        return None
    sys.modules[_NAME] = module
    return module
