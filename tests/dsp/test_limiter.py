"""The limiter as the loudness loop and the report use it: drive, meter, alignment."""

import numpy as np
import pytest

from refmaster.dsp.limiter import Limiting, ReductionMeter, limited
from tests.signals import gain_of, in_blocks, pink_noise, silence, sine

RATE_HZ = 44100
USUAL = Limiting(-1.0, 2.0, 20.0, 0.05)


def run(sound, limiting=USUAL, block_samples=4096, **options):
    return np.concatenate(list(limited(in_blocks(sound, block_samples), RATE_HZ, limiting, **options)), axis=1)


@pytest.mark.parametrize("drive_db", [-6.0, 3.0, 12.0])
def test_drive_is_gain_in_front(drive_db):
    sound = pink_noise(-12.0, 1.0, RATE_HZ)
    assert np.array_equal(run(sound, drive_db=drive_db), run(sound * gain_of(drive_db)))


def test_the_meter_reads_what_was_taken():
    """A tone 6 dB over: 5 dB over the ceiling, and the margin."""
    meter = ReductionMeter(RATE_HZ)
    run(sine(1000.0, 5.0, 2.0, RATE_HZ), meter=meter)
    read = meter.read()
    assert read.hop_s == 0.010
    assert len(read.history_db) == 200
    assert read.max_db == pytest.approx(6.05, abs=0.1)
    assert read.share_working_pct == pytest.approx(100.0, abs=2.0)
    assert read.share_over_4_db_pct == pytest.approx(100.0, abs=2.0)


def test_the_meter_reads_nothing_where_nothing_was_taken():
    meter = ReductionMeter(RATE_HZ)
    run(sine(1000.0, -12.0, 1.0, RATE_HZ), meter=meter)
    read = meter.read()
    assert (read.max_db, read.share_working_pct, read.share_over_4_db_pct) == (0.0, 0.0, 0.0)


def test_a_meter_that_heard_nothing_reads_nothing():
    assert ReductionMeter(RATE_HZ).read().history_db == ()


@pytest.mark.parametrize("n_samples", [1, 50, 111, 113, 1000])
def test_short_sound_comes_out_as_long_as_it_went_in(n_samples):
    sound = 3.0 * np.ones((2, n_samples))
    out = run(sound)
    assert out.shape == sound.shape
    assert np.abs(out).max() <= gain_of(-1.0)


def test_silence_in_is_silence_out():
    assert not run(silence(0.5, RATE_HZ)).any()


def test_a_look_ahead_does_not_look_back():
    """Sound after the last peak's release is what it was, sound before its look-ahead too."""
    sound = pink_noise(-30.0, 5.0, RATE_HZ, 1)
    sound[0, RATE_HZ] = 2.0
    out = run(sound)
    ahead = round(0.003 * RATE_HZ)
    assert np.array_equal(out[:, : RATE_HZ - ahead], sound[:, : RATE_HZ - ahead])
    assert out[0, RATE_HZ] < 1.0
    assert np.array_equal(out[:, 9 * RATE_HZ // 2 :], sound[:, 9 * RATE_HZ // 2 :])


def test_slower_release_takes_more():
    """More reduction on average, for the same peaks."""
    sound = pink_noise(-6.0, 2.0, RATE_HZ)
    means = []
    for release_ms in (5.0, 50.0, 500.0):
        meter = ReductionMeter(RATE_HZ)
        run(sound, Limiting(-1.0, 2.0, release_ms, 0.05), meter=meter)
        means.append(np.mean(meter.read().history_db))
    assert means == sorted(means)
