"""Sound laid aside on disk: it plays again, to any number of listeners, and leaves nothing behind."""

import os
import tempfile
import tracemalloc

import numpy as np
import pytest

from refmaster import plan
from refmaster.load import track_of
from refmaster.spool import Spool
from tests.signals import pink_noise

RATE_HZ = 44100


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_plays_what_it_was_given_to_several_at_once(folder, rng):
    blocks = [rng.standard_normal((2, n)).astype(np.float32).astype(np.float64) for n in (100, 1, 77)]
    spool = Spool()
    for block in blocks:
        spool.add(block)
    for one, other, block in zip(spool.blocks(), spool.blocks(), blocks, strict=True):
        assert np.array_equal(one, block)
        assert np.array_equal(other, block)
    spool.close()
    assert os.listdir(folder) == []


def test_what_was_measured_last_is_the_same_from_memory_from_disk_and_made_anew(folder, monkeypatch):
    track = track_of(pink_noise(-20.0, 5.0, RATE_HZ, 2, 1), RATE_HZ)
    profile = plan.measure(track).profile
    found = []
    for most in (10**9, 0):
        monkeypatch.setattr(plan, "KEPT_IN_MEMORY_SAMPLES", most)
        ear = plan._Ear(track, 2)
        ear.remeasured(profile, ())
        found.append(np.concatenate(list(ear.sound(())), axis=1))
        ear.close()
    monkeypatch.setattr(Spool, "add", lambda self, block: (_ for _ in ()).throw(OSError("full")))
    full = plan._Ear(track, 1)
    full.remeasured(profile, ())
    assert np.array_equal(found[0], found[1])
    assert np.allclose(np.concatenate(list(full.sound(())), axis=1), found[0], atol=1e-6)
    assert os.listdir(folder) == []


def test_long_sound_takes_no_memory_while_it_is_laid_aside(folder, monkeypatch):
    monkeypatch.setattr(plan, "KEPT_IN_MEMORY_SAMPLES", 0)
    block = pink_noise(-20.0, 1.0, RATE_HZ, 2, 1)
    ear = plan._Ear(track_of(block, RATE_HZ), 1)
    ear._spool = Spool()
    tracemalloc.start()
    for _ in range(40):
        assert ear._keep(block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    ear.close()
    assert peak < 3 * block.nbytes
