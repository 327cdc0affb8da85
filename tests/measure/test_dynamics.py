"""Levels of 50 ms blocks in bands, and peak to short-term loudness, of signals that are known."""

import math

import numpy as np
import pytest

from refmaster.measure.dynamics import BAND_EDGES_HZ, DynamicsMeter, percussive_pct, psr_db
from refmaster.measure.loudness import measure_loudness
from refmaster.measure.samples import SampleMeter
from tests.signals import FloatArray, clicks, gain_of, in_blocks, pink_noise, silence, sine, tones


def bands(mono: FloatArray, rate_hz: int = 44100, block_samples: int = 65536):
    meter = DynamicsMeter(rate_hz)
    for block in in_blocks(mono, block_samples):
        meter.feed(block[0])
    return meter.bands(meter.read_levels())


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
@pytest.mark.parametrize(("frequency_hz", "band"), [(60.0, 0), (250.0, 1), (1000.0, 2), (3500.0, 3), (10000.0, 4)])
def test_a_steady_sine_has_one_level_in_its_band(rate_hz, frequency_hz, band):
    read = bands(sine(frequency_hz, -10.0, 4.0, rate_hz, 1), rate_hz)
    assert len(read) == len(BAND_EDGES_HZ) - 1
    one = read[band]
    assert one.low_hz <= frequency_hz <= one.high_hz
    for level in (one.p10_dbfs, one.p50_dbfs, one.p95_dbfs, one.p99_dbfs):
        assert level == pytest.approx(-13.01, abs=0.1)  # dB: a sine's mean square is 3.01 dB under its peak
    assert all(other.p50_dbfs < -50.0 for k, other in enumerate(read) if abs(k - band) > 1)


def test_two_levels_are_two_quantiles():
    read = bands(tones([(5.0, -10.0), (5.0, -30.0)], 44100, channels=1))[2]
    assert read.p10_dbfs == pytest.approx(-33.01, abs=0.2)
    assert read.p95_dbfs == pytest.approx(-13.01, abs=0.2)
    assert read.p99_dbfs == pytest.approx(-13.01, abs=0.2)


def test_quantiles_rise():
    for one in bands(pink_noise(-20.0, 5.0, 44100, 1)):
        assert one.p10_dbfs < one.p50_dbfs < one.p95_dbfs <= one.p99_dbfs


def test_gain_moves_every_level_by_as_much():
    sound = pink_noise(-20.0, 5.0, 44100, 1)
    for one, other in zip(bands(sound), bands(sound * gain_of(-7.0)), strict=True):
        assert other.p50_dbfs - one.p50_dbfs == pytest.approx(-7.0, abs=0.01)


def test_bands_end_where_the_rate_ends():
    read = bands(pink_noise(-20.0, 4.0, 8000, 1), 8000)
    assert read[-1].high_hz <= 4000.0


def test_silence_reads_the_floor_and_warns_of_nothing():
    assert all(one.p50_dbfs == -200.0 for one in bands(silence(2.0, 44100, 1)))


@pytest.mark.parametrize("block_samples", [999, 4096, 99991])
def test_cutting_changes_not_one_bit(block_samples):
    sound = pink_noise(-20.0, 4.0, 44100, 1)
    assert bands(sound, block_samples=block_samples) == bands(sound)


def psr(samples: FloatArray, rate_hz: int = 48000) -> FloatArray:
    meter = SampleMeter(rate_hz, samples.shape[0])
    meter.feed(samples)
    return psr_db(meter.cell_peaks(), measure_loudness([samples], rate_hz).curve("short_term")[1])


@pytest.mark.parametrize(("channels", "expected_db"), [(1, 3.01), (2, 0.0)])
def test_peak_over_short_term_of_a_sine(channels, expected_db):
    """997 Hz at full scale reads −3.01 LUFS in one channel, 0 in two."""
    read = psr(sine(997.0, -6.0, 6.0, 48000, channels))
    assert read.size == 4  # one a second, from the first full window on
    np.testing.assert_allclose(read, expected_db, atol=0.02)


def test_peak_over_short_term_of_two_sines_with_clicks():
    """A click 12 dB over a tone raises the ratio by 12 dB and leaves the loudness."""
    tone = sine(997.0, -20.0, 6.0, 48000, 1)
    clicked = tone + clicks(-8.0, 1.0, 6.0, 48000, 1)
    peak_db = 20 * math.log10(np.abs(clicked).max())
    assert psr(clicked).max() == pytest.approx(peak_db + 20.0 + 3.01, abs=0.2)


def test_quiet_seconds_are_left_out():
    assert psr(sine(997.0, -60.0, 6.0, 48000, 1)).size == 0
    assert psr(silence(6.0, 48000, 1)).size == 0


def test_sound_under_three_seconds_has_none():
    assert psr(sine(997.0, -6.0, 2.0, 48000, 1)).size == 0


# Hits


def levels(mono: FloatArray, rate_hz: int = 44100) -> FloatArray:
    meter = DynamicsMeter(rate_hz)
    for block in in_blocks(mono, 65536):
        meter.feed(block[0])
    return meter.read_levels()


def test_a_steady_tone_has_no_hits_and_a_metronome_nothing_else():
    assert percussive_pct(levels(sine(440.0, -10.0, 6.0, 44100, 1))) == pytest.approx(0.0, abs=1.0)  # %
    assert percussive_pct(levels(clicks(-6.0, 0.5, 6.0, 44100, 1))) == pytest.approx(100.0, abs=1.0)


def test_hits_over_a_pad_are_the_share_that_their_power_is():
    pad = np.full((400, 5), -20.0)
    pad[::10] = 10 * np.log10(0.01 + 0.05)  # every tenth block holds 0.05 more than the pad's 0.01
    assert percussive_pct(pad) == pytest.approx(100 * 0.05 / (0.05 + 10 * 0.01), abs=1.0)
    assert percussive_pct(pad - 30.0) == pytest.approx(percussive_pct(pad), abs=1e-6)


@pytest.mark.parametrize(("blocks", "share_pct"), [(7, 100 * 7 * 99 / (7 * 100 + 33)), (8, 0.0)])
def test_what_fills_most_of_three_quarters_of_a_second_is_a_tone_and_no_hit(blocks, share_pct):
    """Of 15 blocks, 0.75 s, the median is that of the pad while less than half are louder; the pad's power is 1."""
    power = np.ones((400, 5))
    for start in range(20, 400, 40):
        power[start : start + blocks] = 100.0
    assert percussive_pct(10 * np.log10(power) - 40.0) == pytest.approx(share_pct, abs=0.3)


def test_silence_and_a_blink_have_no_share_of_hits():
    assert percussive_pct(np.full((400, 5), -200.0)) is None
    assert percussive_pct(np.full((5, 5), -20.0)) is None
