"""Numba's `njit` as every kernel here uses it: compiled once a machine, no GIL, and no fast-math.

Fast-math would let the compiler reorder sums, and then the same input would give other bits on another processor.
Numba keeps what it compiled beside the source; where that folder cannot be written it is kept in the user's cache.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def _choose_cache() -> None:
    """Point numba at a folder that can be written; numba itself raises where there is none."""
    if "NUMBA_CACHE_DIR" in os.environ or os.access(Path(__file__).parent, os.W_OK):
        return
    import platformdirs

    os.environ["NUMBA_CACHE_DIR"] = platformdirs.user_cache_dir("refmaster")


_choose_cache()


def kernel(function: F) -> F:
    """Compile a function of arrays and numbers."""
    import numba

    try:
        return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # nowhere to keep it: compile anew in each run
        return cast(F, numba.njit(nogil=True, error_model="numpy")(function))
