"""The compressor: its static curve, its times, and that it does nothing where it should do nothing."""

import numpy as np
import pytest

from refmaster.dsp.compression import (
    DETECT_MS,
    HOP_MS,
    KNEE_DB,
    Compression,
    _bent,
    _mean_square,
    compressed,
    gains_db,
    hop_powers,
)
from refmaster.dsp.crossover import band_taps
from tests.signals import FloatArray, gain_of, in_blocks, kick_loop, pink_noise, rms_dbfs, silence, sine

RATE_HZ = 44100
MID = 2  # 500 Hz to 2 kHz
TONE_HZ = (60.0, 250.0, 1000.0, 3500.0, 10000.0)  # one in the middle of each band
WHOLE = np.ones(1)  # taps that pass everything


def how(ratio: float = 2.0, **changes: float) -> Compression:
    rules = {"threshold_dbfs": -30.0, "attack_ms": 10.0, "release_ms": 100.0, "range_db": 24.0, "makeup_db": 0.0}
    return Compression(ratio=ratio, **{**rules, **changes})


def out_of(
    sound: FloatArray, law: Compression, band: int = MID, block_samples: int = 4096, rate_hz: int = RATE_HZ
) -> FloatArray:
    blocks = compressed(in_blocks(sound, block_samples), band_taps(band, rate_hz), law, rate_hz)
    return np.concatenate(list(blocks), axis=1)


def settled(samples: FloatArray, rate_hz: int = RATE_HZ) -> FloatArray:
    """The middle: what is switched on has settled, and is not yet switched off."""
    return samples[:, round(0.6 * rate_hz) : round(0.9 * rate_hz)]


def tone(level_dbfs: float, band: int = MID, rate_hz: int = RATE_HZ, duration_s: float = 1.0) -> FloatArray:
    """A sine whose mean power, which is what the detector reads, is at a level."""
    return sine(TONE_HZ[band], level_dbfs + 3.0103, duration_s, rate_hz)


@pytest.mark.parametrize("rate_hz", [22050, 44100, 48000, 96000])
@pytest.mark.parametrize("ratio", [0.6, 1.5, 2.0, 4.0])
def test_ten_db_over_the_threshold_come_out_by_the_static_curve(ratio, rate_hz):
    out = out_of(tone(-20.0, rate_hz=rate_hz), how(ratio), rate_hz=rate_hz)
    assert rms_dbfs(settled(out, rate_hz)) == pytest.approx(-30.0 + 10.0 / ratio, abs=0.2)


@pytest.mark.parametrize("band", range(5))
def test_every_band_has_the_same_curve(band):
    out = out_of(tone(-20.0, band), how(2.0), band)
    assert rms_dbfs(settled(out)) == pytest.approx(-25.0, abs=0.2)


@pytest.mark.parametrize("over_db", [-20.0, -KNEE_DB / 2, 0.0, KNEE_DB / 2, 6.0, 20.0])
def test_the_knee_is_round_and_the_rest_straight(over_db):
    """At the threshold itself an eighth of the knee's width times the slope is gone already."""
    bend = KNEE_DB / 8 if over_db == 0 else max(over_db, 0.0) if abs(over_db) >= KNEE_DB / 2 else None
    out = out_of(tone(-30.0 + over_db), how(2.0))
    assert rms_dbfs(settled(out)) == pytest.approx(-30.0 + over_db - bend / 2, abs=0.1)


def test_what_is_in_other_bands_is_not_touched_by_a_loud_one():
    """1 kHz is held down by 10 dB, 60 Hz and 10 kHz beside it stay."""
    others = tone(-40.0, 0) + tone(-40.0, 4)
    out = out_of(tone(-10.0) + others, how(2.0))
    alone = out_of(tone(-10.0), how(2.0))
    assert rms_dbfs(settled(alone)) == pytest.approx(-20.0, abs=0.1)
    np.testing.assert_allclose(settled(out) - settled(alone), settled(others), rtol=0, atol=2e-5)


@pytest.mark.parametrize("band", range(5))
def test_ratio_one_is_the_sound_to_the_last_bit(band):
    sound = pink_noise(-10.0, 0.5, RATE_HZ) + kick_loop(-1.0, 0.5, RATE_HZ)
    assert np.array_equal(out_of(sound, how(1.0), band), sound)


@pytest.mark.parametrize("block_samples", [44, 999, 4096, 50000])
def test_any_block_size_gives_the_same_bytes(block_samples):
    sound = 0.5 * kick_loop(-3.0, 1.0, RATE_HZ) + pink_noise(-20.0, 1.0, RATE_HZ)
    whole = out_of(sound, how(3.0), block_samples=sound.shape[1])
    assert np.array_equal(out_of(sound, how(3.0), block_samples=block_samples), whole)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("n_samples", [1, 2, 43, 44, 45, 100, 400, 660, 700, 1323, 5000, 30001])
def test_the_length_is_kept_also_of_less_than_a_window(n_samples, channels):
    sound = pink_noise(-10.0, 1.0, RATE_HZ, channels)[:, :n_samples]
    before = sound.copy()
    for block_samples in (7, n_samples):
        out = out_of(sound, how(3.0), block_samples=block_samples)
        assert out.shape == sound.shape
        assert np.isfinite(out).all()
    assert np.array_equal(sound, before)


@pytest.mark.parametrize("n_samples", [100, 500, 2000])
def test_a_sound_shorter_than_the_window_is_as_if_silence_followed(n_samples):
    sound = pink_noise(-6.0, 1.0, RATE_HZ)[:, :n_samples]
    law = how(3.0, threshold_dbfs=-50.0, attack_ms=2.0)
    short, long = (
        np.concatenate(list(compressed([one], WHOLE, law, RATE_HZ)), axis=1)
        for one in (sound, np.concatenate([sound, silence(0.5, RATE_HZ)], axis=1))
    )
    np.testing.assert_allclose(short, long[:, :n_samples], rtol=0, atol=1e-12)


@pytest.mark.parametrize("ratio", [0.6, 3.0])
def test_nothing_is_delayed(ratio):
    """A pulse in silence stays at its place, and the band of a compressed tone stays in phase with it."""
    sound = silence(0.5, RATE_HZ)
    sound[:, 11025] = 0.5
    assert np.abs(out_of(sound, how(ratio))[0]).argmax() == 11025
    out, straight = settled(out_of(tone(-20.0), how(ratio))), settled(tone(-20.0))
    gain = (out * straight).sum() / (straight**2).sum()
    np.testing.assert_allclose(out, gain * straight, rtol=0, atol=1e-3)


@pytest.mark.parametrize(("ratio", "sign"), [(20.0, -1), (0.3, 1)])
@pytest.mark.parametrize("range_db", [1.0, 4.0])
def test_the_range_bounds_the_gain(ratio, sign, range_db):
    """Even 26 dB over the threshold; and make-up comes on top of it."""
    loud = tone(-4.0)
    for makeup_db in (0.0, 2.5):
        out = out_of(loud, how(ratio, range_db=range_db, makeup_db=makeup_db))
        assert rms_dbfs(settled(out)) - rms_dbfs(settled(loud)) == pytest.approx(sign * range_db + makeup_db, abs=0.02)
    chance = np.random.default_rng(1).uniform(0, 1, 3000) ** 8
    gain = gains_db(chance, how(ratio, range_db=range_db))
    assert np.abs(gain).max() <= range_db + 1e-12


@pytest.mark.parametrize("frequency_hz", [41.2, 50.0, 65.4, 98.0])
def test_a_sustained_bass_does_not_make_its_own_gain_flutter(frequency_hz):
    """0.1 dB from the lowest to the highest gain on 50 Hz; on other low notes, which do not fit the window, 0.5."""
    powers = hop_powers([sine(frequency_hz, -10.0, 1.0, RATE_HZ)], band_taps(0, RATE_HZ), RATE_HZ)
    gain = gains_db(powers, how(2.0, attack_ms=30.0, release_ms=200.0))[500:900]
    assert gain.mean() < -6.0
    assert np.ptp(gain) <= (0.1 if frequency_hz == 50.0 else 0.5)


def steps(before_dbfs: float, after_dbfs: float) -> FloatArray:
    """Hop powers that jump after a second."""
    return np.repeat([gain_of(before_dbfs) ** 2, gain_of(after_dbfs) ** 2], round(1000 / HOP_MS))


def time_constant_ms(gain_db: FloatArray) -> float:
    """From the time at which the way is half gone to that at which a further 1 − 1/e of the rest is."""
    left = np.abs(gain_db[1000:] - gain_db[-1]) / abs(gain_db[900] - gain_db[-1])
    half, later = (np.interp(-at, -left[:900], np.arange(900)) for at in (0.5, 0.5 / np.e))
    return float((later - half) * HOP_MS)


@pytest.mark.parametrize("ratio", [0.6, 3.0])
@pytest.mark.parametrize("attack_ms", [20.0, 30.0, 100.0])
def test_the_attack_takes_as_long_as_it_says(ratio, attack_ms):
    gain = gains_db(steps(-60.0, -15.0), how(ratio, attack_ms=attack_ms))
    assert time_constant_ms(gain) == pytest.approx(attack_ms, rel=0.3)


@pytest.mark.parametrize("ratio", [0.6, 3.0])
@pytest.mark.parametrize("release_ms", [60.0, 100.0, 150.0])
def test_the_release_takes_as_long_as_it_says(ratio, release_ms):
    gain = gains_db(steps(-15.0, -60.0), how(ratio, release_ms=release_ms))
    assert time_constant_ms(gain) == pytest.approx(release_ms, rel=0.3)


def test_a_quick_attack_is_there_when_the_hit_is():
    """Looked at from both sides: with 3 ms most of the reduction is made before the window has left the step."""
    gain = gains_db(steps(-60.0, -15.0), how(3.0, attack_ms=3.0))
    assert gain[999] < 0.3 * gain[-1]
    assert gain[1000 + round(DETECT_MS / 2)] < 0.9 * gain[-1]


def test_the_gains_foretold_are_the_gains_given():
    """`gains_db` on `hop_powers` is what `compressed` does to a kick, hop by hop."""
    kick, law = kick_loop(-3.0, 1.0, RATE_HZ), how(3.0, makeup_db=1.0)
    given = out_of(kick, law, band=0)
    taps = band_taps(0, RATE_HZ)
    foretold = gains_db(hop_powers([kick], taps, RATE_HZ), law)
    hop = round(HOP_MS * 1e-3 * RATE_HZ)
    band = kick - out_of(kick, how(1.0, makeup_db=-12.0), band=0)
    band /= 1 - gain_of(-12.0)
    at = (np.arange(foretold.size) + 1) * hop - 1
    heard = np.abs(band[0, at]) > 0.05
    made = 1 + (given[0, at] - kick[0, at])[heard] / band[0, at][heard]
    np.testing.assert_allclose(20 * np.log10(made), foretold[heard], rtol=0, atol=1e-6)


@pytest.mark.parametrize("ratio", [0.3, 1.0, 20.0])
def test_silence_stays_silence(ratio):
    out = out_of(silence(0.5, RATE_HZ), how(ratio, makeup_db=6.0, threshold_dbfs=-90.0))
    assert np.array_equal(out, silence(0.5, RATE_HZ))
    assert np.isfinite(gains_db(np.zeros(100), how(ratio))).all()


def test_after_silence_nothing_of_a_loud_past_is_left():
    sound = np.concatenate([tone(0.0, duration_s=0.5), silence(1.5, RATE_HZ), tone(-50.0)], axis=1)
    out = out_of(sound, how(20.0))
    np.testing.assert_allclose(out[:, 2 * RATE_HZ + 4000 : -4000], sound[:, 2 * RATE_HZ + 4000 : -4000], atol=1e-8)


def test_both_channels_get_one_gain():
    """The image does not move: a loud left holds a quiet right down as much."""
    left, right = tone(-10.0)[0], 0.1 * tone(-10.0)[1]
    out = settled(out_of(np.stack([left, right]), how(3.0)))
    np.testing.assert_allclose(out[1], 0.1 * out[0], rtol=0, atol=1e-12)


def test_powers_and_gains_of_nothing_are_nothing():
    assert hop_powers([], band_taps(MID, RATE_HZ), RATE_HZ).size == 0
    assert list(compressed([], band_taps(MID, RATE_HZ), how(), RATE_HZ)) == []
    assert gains_db(np.zeros(0), how()).size == 0


def test_taps_that_pass_everything_make_a_plain_compressor():
    both = tone(-23.0103) + tone(-23.0103, 4)  # together −20 dBFS
    blocks = compressed(in_blocks(both, 4096), WHOLE, how(2.0), RATE_HZ)
    assert rms_dbfs(settled(np.concatenate(list(blocks), axis=1))) == pytest.approx(-25.0, abs=0.2)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("length", [440, 441, 1000])
def test_the_band_is_added_at_gains_that_run_straight_from_knot_to_knot(channels, length):
    rng = np.random.default_rng(4)
    whole, band, hop = rng.standard_normal((channels, length)), rng.standard_normal((channels, length)), 44
    knots = 0.5 + rng.random(-(-length // hop) + 1)
    way = (np.arange(hop) + 1) / hop
    gain = (knots[:-1, np.newaxis] + np.diff(knots)[:, np.newaxis] * way).ravel()[:length]
    np.testing.assert_array_equal(_bent(whole, band, knots, hop), whole + band * (gain - 1.0))
    np.testing.assert_array_equal(_mean_square(band), (band**2).mean(axis=0))
