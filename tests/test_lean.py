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


def test_the_end_does_not_look_through_what_goes_anyway():
    code = """
import atexit, gc
atexit.register(lambda: print(gc.get_freeze_count() > 0))  # runs after what is registered later
from refmaster import lean
lean.start()
"""
    assert said_by(code).strip() == "True"


def test_a_kernel_is_loaded_without_preparing_to_compile_and_compiled_where_it_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    code = """
from refmaster import lean
lean.start()
from numba.core.registry import cpu_target
prepared = []
refresh = cpu_target.target_context.refresh
cpu_target.target_context.refresh = lambda: (prepared.append(1), refresh())
import numpy as np
from refmaster.dsp.midside import to_mid_side
print(to_mid_side(np.array([[1.0, 2.0], [3.0, 2.0]])), bool(prepared))
"""
    compiled, loaded = said_by(code), said_by(code)
    assert compiled == "(array([2., 2.]), array([-1.,  0.])) True\n"
    assert loaded == compiled.replace("True", "False")


def test_a_kernel_that_is_kept_broken_is_compiled_again(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    code = """
from refmaster import lean
lean.start()
import numpy as np
from refmaster.dsp.midside import with_side_gain
print(with_side_gain(np.array([[1.0, 2.0], [3.0, 2.0]]), 2.0)[0])
"""
    assert said_by(code) == "[0. 2.]\n"
    for kept in tmp_path.rglob("*.nbc"):
        kept.write_bytes(b"no kernel")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    plain = subprocess.run([sys.executable, "-c", code.replace("lean.start()", "")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (plain.returncode, plain.stdout)
