"""The limiter as the loudness loop and the report use it: drive, meter, alignment."""

from dataclasses import replace

import numpy as np
import pytest

from refmaster.dsp.limiter import Limiting, ReductionMeter, limited
from refmaster.measure.true_peak import TruePeakMeter
from tests.signals import clicks, gain_of, in_blocks, kick_loop, pink_noise, silence, sine

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
    assert meter.driven_peak == pytest.approx(gain_of(5.0), rel=1e-3)


@pytest.mark.parametrize("rate_hz", [11025, 22050, 44100, 48000])
def test_a_moment_of_the_meter_s_history_is_where_it_was(rate_hz):
    """A grid of 10 ms at 11,025 Hz is one of 110 samples: half an hour in, it would be 4 s off."""
    meter = ReductionMeter(rate_hz)
    gain = np.ones(1800 * rate_hz)
    gain[1790 * rate_hz] = 0.5
    meter.feed(gain)
    read = meter.read()
    assert np.argmax(read.history_db) * read.hop_s == pytest.approx(1790.0, abs=0.010)  # s


def test_the_meter_reads_nothing_where_nothing_was_taken():
    meter = ReductionMeter(RATE_HZ)
    run(sine(1000.0, -12.0, 1.0, RATE_HZ), meter=meter)
    read = meter.read()
    assert (read.max_db, read.share_working_pct, read.share_over_4_db_pct) == (0.0, 0.0, 0.0)
    assert meter.driven_peak == 0.0  # under the ceiling nobody looked


@pytest.mark.parametrize("clip_db", [0.0, 3.0])
def test_the_peak_before_the_limiter_is_the_one_that_a_meter_reads(clip_db):
    meter, sound = ReductionMeter(RATE_HZ), kick_loop(-1.0, 2.0, RATE_HZ)
    run(sound, replace(USUAL, clip_db=clip_db), drive_db=4.0, meter=meter)
    peak = TruePeakMeter(RATE_HZ, 2)
    peak.feed(sound * gain_of(4.0))
    assert meter.driven_peak == pytest.approx(max(peak.read()), rel=2e-3 if clip_db == 0 else 1e-6)


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


def reduction_db(sound, **settings):
    """What comes off each sample: read from a faint second channel, which gets the same gain and is never clipped."""
    pilot = np.full((1, sound.shape[1]), 1e-4)
    limiting = replace(Limiting(-1.0, 1.5, 10.0, 0.05), **settings)
    return -20 * np.log10(run(np.concatenate([sound[:1], pilot]), limiting)[1] / 1e-4)


def test_what_is_short_is_clipped_as_far_as_it_may_be():
    click = clicks(5.0, 1.0, 1.0, RATE_HZ, 1)
    taken = [reduction_db(click, clip_db=clip_db).max() for clip_db in (0.0, 2.0, 4.0)]
    assert taken[0] == pytest.approx(6.05, abs=0.1)
    assert taken[0] > taken[1] + 1.0 > taken[2] + 2.0


def test_what_stays_over_is_not_clipped():
    """A kick's crests are over for milliseconds: its wave keeps its shape but for a tip, it is only turned down."""
    kicks = kick_loop(5.0, 1.0, RATE_HZ)
    out = run(kicks, Limiting(-1.0, 1.5, 10.0, 0.05, 3.0))
    turned_down = kicks[0] * 10 ** (-reduction_db(kicks, clip_db=3.0) / 20)
    assert np.abs(out[0] - turned_down).max() < 0.03  # 3 dB would be 0.37


def test_what_only_some_peaks_need_is_not_held():
    """A tone 1 dB over with a burst 6 dB over every 100 ms: between bursts the gain comes back to the tone's need."""
    sound = sine(200.0, 0.0, 2.0, RATE_HZ, 1)
    for start in range(0, sound.shape[1], RATE_HZ // 10):
        sound[:, start : start + RATE_HZ // 200] *= gain_of(5.0)
    taken = reduction_db(sound)[RATE_HZ:]
    assert np.percentile(taken, 50) < 1.5
    assert np.percentile(taken, 10) > 1.0  # and does not trace the tone


def test_the_meter_hears_both_stages_and_the_clipper_between():
    click = clicks(5.0, 1.0, 1.0, RATE_HZ, 1)
    meter = ReductionMeter(RATE_HZ)
    run(click, Limiting(-1.0, 1.5, 10.0, 0.05, 3.0), meter=meter)
    assert meter.read().max_db == pytest.approx(reduction_db(click, clip_db=3.0).max() + 3.0, abs=0.01)
    assert len(meter.read().history_db) == 100
