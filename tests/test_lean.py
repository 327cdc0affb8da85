"""A lean start leaves out what no kernel needs, and nothing else."""

import subprocess
import sys

STARTED = """
import sys
from refmaster import lean
lean.start()
assert "numba" in sys.modules
left_out = [name for name in lean.NEEDLESS if name in sys.modules]
assert not left_out, left_out
import numpy as np
from refmaster.measure.loudness import measure_loudness
sine = np.sin(2 * np.pi * 997 / 48000 * np.arange(48000 * 4))[np.newaxis]
print(round(measure_loudness([sine], 48000).integrated_lufs, 2))
import scipy.linalg
"""


def said_by(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_it_leaves_out_what_is_needless_and_the_kernels_work():
    assert said_by(STARTED).strip() == "-3.01"


def test_what_was_imported_before_stays():
    code = STARTED.replace("assert not left_out, left_out", "")
    assert said_by(f"import scipy.linalg, numba\n{code}").strip() == "-3.01"


def test_importing_the_library_changes_no_process():
    code = "import gc, sys, refmaster.pipeline; print(gc.get_threshold()[0] < 10_000, 'refmaster.lean' in sys.modules)"
    assert said_by(code).split() == ["True", "False"]
