"""The average spectrum, by signals whose spectrum is known."""

import numpy as np
import pytest

from refmaster.dsp.midside import to_mid_side
from refmaster.dsp.octaves import centres_hz
from refmaster.measure.spectrum import Spectrum, SpectrumMeter, hf_cutoff_hz, tilt_db_per_oct
from tests.signals import FloatArray, gain_of, in_blocks, pink_noise, silence, sine, tones, white_noise


def spectrum(samples: FloatArray, rate_hz: int = 44100, block_samples: int = 65536) -> Spectrum:
    meter = SpectrumMeter(rate_hz, samples.shape[0], matched=True)
    for block in in_blocks(samples, block_samples):
        meter.feed(*to_mid_side(block))
    return meter.read()


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
@pytest.mark.parametrize("band", [6, 20, 34, 50])
def test_a_sine_lands_in_its_band_with_its_level(rate_hz, band):
    """A full-scale sine is −3.01 dBFS: levels are mean squares."""
    frequency_hz = centres_hz(rate_hz)[band]
    levels = spectrum(sine(frequency_hz, -6.0, 4.0, rate_hz, 1), rate_hz).ltas_db()
    assert np.argmax(levels) == band
    around = 10 * np.log10((10 ** (levels[band - 2 : band + 3] / 10)).sum())  # a window's width leaks at the bottom
    assert around == pytest.approx(-9.01, abs=0.05)  # dB


def test_all_bands_together_hold_all_the_power():
    sound = white_noise(-20.0, 8.0, 44100, 1)
    total_db = 10 * np.log10((10 ** (spectrum(sound).ltas_db() / 10)).sum())
    edges = np.array(centres_hz(44100))[[0, -1]] * 2 ** np.array([-1 / 12, 1 / 12])
    share_db = 10 * np.log10((edges[1] - edges[0]) / 22050)
    assert total_db == pytest.approx(-20.0 + share_db, abs=0.1)


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
def test_pink_noise_does_not_tilt(rate_hz):
    read = spectrum(pink_noise(-20.0, 20.0, rate_hz, 1), rate_hz)
    assert tilt_db_per_oct(read.band_hz, read.ltas_db()) == pytest.approx(0.0, abs=0.1)  # dB/oct


def test_white_noise_rises_by_three_db_an_octave():
    read = spectrum(white_noise(-20.0, 20.0, 44100, 1))
    assert tilt_db_per_oct(read.band_hz, read.ltas_db()) == pytest.approx(3.01, abs=0.1)


def test_a_sine_has_no_tilt_to_speak_of():
    read = spectrum(sine(1000.0, -6.0, 4.0, 44100, 1))
    tilt = tilt_db_per_oct(read.band_hz, read.ltas_db())
    assert tilt is None or np.isfinite(tilt)


@pytest.mark.parametrize("side_db", [-20.0, -6.0, 0.0, 6.0])
def test_side_over_mid_is_what_it_was_made_as(side_db):
    noise = pink_noise(-20.0, 10.0, 44100, 2)
    mid, side = noise[0], noise[1] * gain_of(side_db)
    read = np.array(spectrum(np.stack([mid + side, mid - side])).side_to_mid_db(), dtype=float)
    assert np.mean(read[12:]) == pytest.approx(side_db, abs=0.3)  # dB; the lowest bands are few bins of noise


def test_mono_has_no_side():
    read = spectrum(pink_noise(-20.0, 4.0, 44100, 1))
    assert read.side is None
    assert read.side_ltas_db() is None
    assert set(read.side_to_mid_db()) == {None}


def test_two_equal_channels_have_a_side_of_none():
    mono = pink_noise(-20.0, 4.0, 44100, 1)
    assert set(spectrum(np.concatenate([mono, mono])).side_to_mid_db()) == {None}


@pytest.mark.parametrize("cut_hz", [11000.0, 16000.0])
def test_a_codec_s_cut_is_found(cut_hz):
    sound = pink_noise(-20.0, 8.0, 44100, 1)
    bins = np.fft.rfft(sound)
    bins[:, np.fft.rfftfreq(sound.shape[1], 1 / 44100) > cut_hz] = 0.0
    found = hf_cutoff_hz(spectrum(np.fft.irfft(bins, sound.shape[1])))
    assert found is not None
    assert abs(np.log2(found / cut_hz)) < 1 / 4  # octaves


@pytest.mark.parametrize("make", [pink_noise, white_noise])
def test_noise_without_a_cut_has_none(make):
    assert hf_cutoff_hz(spectrum(make(-20.0, 8.0, 44100, 1))) is None


@pytest.mark.parametrize("frequency_hz", [3300.0, 7000.0, 12000.0])
@pytest.mark.parametrize("above_db", [12.0, 24.0, 36.0])
def test_a_whistle_is_no_cut_of_what_lies_above_it(frequency_hz, above_db):
    music = pink_noise(-30.0, 8.0, 44100, 1)
    band_db = spectrum(music).ltas_db()[40]
    whistle = sine(frequency_hz, band_db + 3.01 + above_db, 8.0, 44100, 1)
    assert hf_cutoff_hz(spectrum(music + whistle)) is None


def test_a_cut_above_a_whistle_is_found_where_it_is_and_a_lone_sine_has_nothing_above():
    sound = pink_noise(-30.0, 8.0, 44100, 1)
    bins = np.fft.rfft(sound)
    bins[:, np.fft.rfftfreq(sound.shape[1], 1 / 44100) > 11000.0] = 0.0
    whistle = sine(3300.0, -20.0, 8.0, 44100, 1)
    found = hf_cutoff_hz(spectrum(np.fft.irfft(bins, sound.shape[1]) + whistle))
    assert found is not None
    assert abs(np.log2(found / 11000.0)) < 1 / 4  # octaves
    alone = hf_cutoff_hz(spectrum(whistle))
    assert alone is not None
    assert abs(np.log2(alone / 3300.0)) < 1 / 4  # octaves


def test_pauses_are_not_counted():
    """Half of it silence: the same average."""
    sound = pink_noise(-20.0, 6.0, 44100, 1)
    both = np.concatenate([sound, silence(6.0, 44100, 1)], axis=1)
    np.testing.assert_allclose(spectrum(both).ltas_db(), spectrum(sound).ltas_db(), atol=0.5)  # dB: the frame between


@pytest.mark.parametrize(("under_db", "counts"), [(37.0, True), (43.0, False)])
def test_what_is_40_db_under_the_loud_frames_is_a_pause(under_db, counts):
    loud, faint = (sine(hz, level_db, 6.0, 44100, 1) for hz, level_db in ((200.0, -6.0), (5000.0, -6.0 - under_db)))
    read = spectrum(np.concatenate([loud, faint], axis=1))
    assert read.active.mean() == pytest.approx(1.0 if counts else 0.5, abs=0.05)


def falling(steps_db: tuple[float, ...], at: int) -> Spectrum:
    """A level spectrum that goes down by these steps from a band on, and stays down."""
    band_hz = np.array(centres_hz(44100))
    level_db = np.full(band_hz.size, -30.0)
    level_db[at:] = -30.0 + steps_db[-1]
    level_db[at : at + len(steps_db)] = -30.0 + np.array(steps_db)
    power, none = 10 ** (level_db / 10)[np.newaxis], np.zeros((0, band_hz.size))
    return Spectrum(band_hz, power, None, np.ones(1, dtype=bool), 0.37, 1.0, power[0], None, none, None)


@pytest.mark.parametrize(
    ("steps_db", "last"),
    [((-15.0, -40.0), -1), ((-30.0, -10.0, -40.0), 1)],
    ids=["with a band on the edge", "behind a hole"],
)
def test_a_cut_is_a_fall_to_all_that_lies_two_bands_and_more_above(steps_db, last):
    """The band on the edge holds some of what passes, so it is not asked; a band that comes back is."""
    at = 48
    read = falling(steps_db, at)
    assert hf_cutoff_hz(read) == pytest.approx(read.band_hz[at + last] * 2 ** (1 / 12))


def test_segments_of_one_level_do_not_differ_and_changing_tone_does():
    steady = spectrum(white_noise(-20.0, 30.0, 44100, 1)).segment_sd_db()
    tone = np.concatenate([pink_noise(-20.0, 15.0, 44100, 1), white_noise(-20.0, 15.0, 44100, 1)], axis=1)
    assert steady[20:].max() < 1.0  # dB; narrow bands of noise need longer to settle
    assert np.median(spectrum(tone).segment_sd_db()) > 2.0


def test_silence_is_a_number_and_no_warning():
    read = spectrum(silence(4.0, 44100, 2))
    assert (read.ltas_db() == -200.0).all()
    assert set(read.side_to_mid_db()) == {None}
    assert hf_cutoff_hz(read) is None


@pytest.mark.parametrize("block_samples", [1000, 4096, 99991])
def test_cutting_changes_not_one_bit(block_samples):
    sound = tones([(2.0, -6.0), (2.0, -20.0)], 44100) + pink_noise(-30.0, 4.0, 44100)
    one, other = spectrum(sound), spectrum(sound, block_samples=block_samples)
    assert np.array_equal(one.mid, other.mid)
    assert np.array_equal(one.side, other.side)


def test_sound_shorter_than_a_frame_is_read_as_well():
    assert spectrum(sine(1000.0, 0.0, 0.1, 44100, 1)).ltas_db().max() > -30.0


def test_a_short_track_is_heard_at_twice_as_many_frames():
    sound = white_noise(-20.0, 10.0, 44100, 2)
    read = spectrum(sound)
    mid, side = read.passages()
    assert len(mid) == len(side) == len(read.mid) + len(read.between_mid)
    assert abs(len(read.between_mid) - len(read.mid)) <= 1
    assert not np.allclose(read.between_mid[0], read.mid[0])


def test_a_long_track_is_heard_at_its_own_frames_only():
    read = spectrum(white_noise(-20.0, 47.0, 44100, 1))
    assert len(read.between_mid) == 0
    assert len(read.passages()[0]) == int(read.active.sum())


def test_frames_between_do_not_depend_on_the_size_of_blocks():
    sound = pink_noise(-20.0, 5.0, 44100, 2)
    one, other = (spectrum(sound, block_samples=size) for size in (4096, 99991))
    assert np.array_equal(one.between_mid, other.between_mid)
    assert np.array_equal(one.between_side, other.between_side)


def test_frames_between_are_heard_only_where_passages_will_be_matched():
    meter = SpectrumMeter(44100, 2)
    meter.feed(*to_mid_side(white_noise(-20.0, 3.0, 44100, 2)))
    assert len(meter.read().between_mid) == len(meter.read().between_side) == 0
