"""The transform by the short way: the bits of scipy.fft, without importing it."""

import subprocess
import sys

import numpy as np
from scipy import fft

from refmaster.dsp import transform


def test_both_ways_and_both_precisions_are_scipys(rng):
    rows = rng.standard_normal((3, 4096))
    assert np.array_equal(transform.rfft(rows), fft.rfft(rows))
    single = transform.rfft(rows.astype(np.float32))
    assert single.dtype == np.complex64
    assert np.array_equal(single, fft.rfft(rows.astype(np.float32)))
    spectrum = fft.rfft(rows[0])
    assert np.array_equal(transform.irfft(spectrum, 4096), fft.irfft(spectrum, 4096))
    assert np.array_equal(transform.irfft(np.abs(spectrum), 4096), fft.irfft(np.abs(spectrum), 4096))


def test_it_is_done_by_scipy_where_the_short_way_is_closed(rng, monkeypatch):
    rows = rng.standard_normal((2, 64))
    found = transform.rfft(rows), transform.irfft(transform.rfft(rows)[0], 64)
    monkeypatch.setattr(transform, "_pocketfft", lambda: None)
    assert np.array_equal(transform.rfft(rows), found[0])
    assert np.array_equal(transform.irfft(found[0][0], 64), found[1])


def test_a_master_run_imports_neither_scipy_fft_nor_plotly_nor_librosa():
    code = (
        "import sys, numpy as np, refmaster.pipeline; from refmaster.dsp.transform import rfft; rfft(np.ones((1, 8)));"
        "print([m for m in ('scipy.fft', 'scipy.signal', 'scipy.special', 'plotly', 'librosa') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_scipy_is_whole_when_it_is_imported_later():
    code = "import numpy as np; from refmaster.dsp.transform import rfft; rfft(np.ones((1, 8)));"
    code += "from scipy import fft, signal; print(fft.rfft(np.ones(4))[0].real, signal.hilbert(np.ones(4)).real[0])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["4.0", "1.0"]
