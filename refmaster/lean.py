"""Lean: how a program of our own starts, so that a short run is short. It changes the process: for no library's user.

What Python, the C library and numba do by default is meant for programs that run for long and need all of numba.
"""

import atexit
import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any, cast

COLLECT_AFTER = 1_000_000  # objects: hardly any of ours go in circles, and looking for them costs a quarter of a second
KEPT_BYTES = 4 * 2**20  # a block of sound is a megabyte, and the next one needs the same
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # mallopt(3)
NEEDLESS = {"yaml": "numba", "cffi": "numba.core.typing.cffi_utils", "scipy.linalg": "numba.np.arraymath"}


def start() -> None:
    """All of it, before anything else is imported."""
    gc.set_threshold(COLLECT_AFTER)
    atexit.register(gc.freeze)  # at the end all goes anyway; to look through it for circles takes a third of a second
    keep_memory()
    leave_out_needless()
    load_kernels_first()


def keep_memory() -> None:
    """Have the C library keep what was freed: glibc would hand every block back, and clear every page anew."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(TRIM_THRESHOLD, 2 * KEPT_BYTES)


def leave_out_needless() -> None:
    """Import numba without what no kernel here takes: a third of a second.

    It looks for YAML to read a configuration file, for cffi's parser of C, and for scipy.linalg to multiply matrices.
    After it numba knows none of them in this process; a numba that is there already stays as it is.
    """
    for needless, where in NEEDLESS.items():
        with _absent(needless), suppress(ImportError):  # a numba that keeps it elsewhere
            importlib.import_module(where)


def load_kernels_first() -> None:
    """Have numba look for a kernel that it keeps before it prepares to compile one: a fourteenth of a second.

    A kernel that is kept needs only what gives out arrays; where it is not found, all goes as numba has it.
    """
    try:
        kept: Any = importlib.import_module("numba.core.caching").Cache
        initialize: Any = importlib.import_module("numba.core.runtime").rtsys.initialize
        prepared = kept.load_overload
    except (ImportError, AttributeError):  # another numba
        return

    def load_overload(self: Any, signature: Any, target: Any) -> Any:
        try:
            initialize(target)
            found = self._load_overload(signature, target)
        except Exception:  # whatever it is, numba's own way meets it, too
            found = None
        return prepared(self, signature, target) if found is None else found

    kept.load_overload = load_overload


@contextmanager
def _absent(name: str) -> Iterator[None]:
    """As long as this lasts, a module is not to be had, unless it was imported before."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = cast(ModuleType, None)  # how Python is told that there is none
    try:
        yield
    finally:
        del sys.modules[name]
