"""The ceiling's promise, by other people's oversampling, for any signal; and what it costs the sound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from refmaster.moves import blank_of
from refmaster.records import Request
from tests.moves.scenes import applied, music, planned_for
from tests.signals import FloatArray, clicks, gain_of, in_blocks, kick_loop, pink_noise, sine, sweep, white_noise

RATE_HZ = 44100
OVER_DB = 0.03  # what other meters may find above the ceiling


def limiter(ceiling_dbtp: float = -1.0, **values: float):
    return blank_of("limit_peaks", 2).at(ceiling_dbtp=ceiling_dbtp, **values)


def true_peak_db(samples: FloatArray, times: int) -> float:
    """Independent of the engine: scipy's polyphase resampler with a filter of its own."""
    padded = np.pad(samples, ((0, 0), (200, 200)))
    peak = max(float(np.abs(resample_poly(channel, times, 1)).max()) for channel in padded)
    return 20 * np.log10(max(peak, 1e-12))


def band_limited(samples: FloatArray, rate_hz: int) -> FloatArray:
    """Nothing above 12 kHz: an eightfold grid misses 0.05 dB of a tone there, and more above."""
    spectrum = np.fft.rfft(samples)
    spectrum[:, np.fft.rfftfreq(samples.shape[1], 1 / rate_hz) > 12000.0] = 0.0
    return np.fft.irfft(spectrum, samples.shape[1])


@st.composite
def driven(draw) -> tuple[FloatArray, int]:
    """Half a second of music-like and unmusical sound, at any drive up to +24 dB over full scale."""
    rate_hz = draw(st.sampled_from([44100, 48000, 96000]))
    channels = draw(st.sampled_from([1, 2]))
    sound = np.zeros((channels, rate_hz // 2))
    for kind in draw(
        st.lists(st.sampled_from(["tone", "noise", "pink", "kick", "clicks", "sweep"]), min_size=1, max_size=3)
    ):
        level = draw(st.floats(-20.0, 6.0))
        if kind == "tone":
            sound += sine(draw(st.floats(20.0, 12000.0)), level, 0.5, rate_hz, channels, draw(st.floats(0.0, 360.0)))
        elif kind == "noise":
            sound += white_noise(level - 10, 0.5, rate_hz, channels, draw(st.integers(0, 999)))
        elif kind == "pink":
            sound += pink_noise(level - 10, 0.5, rate_hz, channels, draw(st.integers(0, 999)))
        elif kind == "kick":
            sound += kick_loop(level, 0.5, rate_hz, tempo_bpm=draw(st.floats(60.0, 480.0)), channels=channels)
        elif kind == "clicks":
            sound += clicks(level, draw(st.floats(0.001, 0.1)), 0.5, rate_hz, channels)
        else:
            sound += sweep(30.0, 12000.0, level, 0.5, rate_hz, channels)
    return sound * gain_of(draw(st.floats(-6.0, 18.0))), rate_hz


@settings(max_examples=50, deadline=None)
@given(made=driven(), ceiling_dbtp=st.sampled_from([-0.3, -1.0, -6.0]))
def test_the_ceiling_holds_for_any_signal(made, ceiling_dbtp):
    sound, rate_hz = made
    out = applied(limiter(ceiling_dbtp), band_limited(sound, rate_hz), 4096, rate_hz)
    assert np.isfinite(out).all()
    for times in (8, 16):
        assert true_peak_db(out, times) <= ceiling_dbtp + OVER_DB


@settings(max_examples=20, deadline=None)
@given(made=driven())
def test_full_band_noise_and_clicks_pass_the_ceiling_by_no_more_than_meters_differ(made):
    """EBU Tech 3341 allows a meter +0.2 dB far from Nyquist; driven white noise is the worst there is."""
    sound, rate_hz = made
    assert true_peak_db(applied(limiter(), sound, 4096, rate_hz), 8) <= -1.0 + 0.3


@settings(max_examples=25, deadline=None)
@given(made=driven(), block_samples=st.integers(500, 30000))
def test_gain_never_lifts_and_never_turns_over(made, block_samples):
    sound, rate_hz = made
    out = applied(limiter(clip_db=0.0), sound, rate_hz=rate_hz)
    assert (np.abs(out) <= np.abs(sound)).all()
    assert (out * sound >= 0.0).all()
    assert np.array_equal(applied(limiter(clip_db=0.0), sound, block_samples, rate_hz), out)


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
def test_below_the_ceiling_not_a_bit_changes(rate_hz):
    sound = pink_noise(-20.0, 2.0, rate_hz)
    sound = sound * (gain_of(-1.5) / gain_of(true_peak_db(sound, 16)))
    assert np.array_equal(applied(limiter(), sound, 4096, rate_hz), sound)


def test_where_a_loud_passage_is_long_over_not_a_bit_changes():
    sound = pink_noise(-30.0, 6.0, RATE_HZ)
    sound[:, : RATE_HZ // 2] *= 100.0
    out = applied(limiter(), sound)
    assert not np.array_equal(out[:, : RATE_HZ // 2], sound[:, : RATE_HZ // 2])
    assert np.array_equal(out[:, 5 * RATE_HZ :], sound[:, 5 * RATE_HZ :])


@pytest.mark.parametrize(("frequency_hz", "most_db"), [(60.0, -60.0), (1000.0, -80.0)])
def test_a_steady_tone_driven_6_db_stays_clean(frequency_hz, most_db):
    """Total harmonic distortion after 1 s, over whole periods."""
    out = applied(limiter(-1.0), sine(frequency_hz, 5.0, 3.0, RATE_HZ))[0, RATE_HZ : 2 * RATE_HZ]
    power = np.abs(np.fft.rfft(out * np.hanning(out.size + 1)[:-1])) ** 2  # 1 s: bin k is k Hz
    at = np.arange(1, int(20000 / frequency_hz) + 1) * round(frequency_hz)
    tone, *harmonics = (power[k - 2 : k + 3].sum() for k in at)
    assert 10 * np.log10(sum(harmonics) / tone) <= most_db


def gain_db_over_time(sound: FloatArray) -> FloatArray:
    """The limiter's gain per sample: read from a second channel that is faint and never zero."""
    pilot = np.full_like(sound[:1], 1e-4)
    out = applied(limiter(clip_db=0.0), np.concatenate([sound[:1], pilot]))
    return 20 * np.log10(out[1] / pilot[0])


def test_the_gain_comes_back_gently_between_clicks():
    """At most 1 dB/ms, a millisecond after each click of a train 9 dB over the ceiling."""
    train = clicks(8.0, 0.1, 2.0, RATE_HZ, 1)
    gain_db = gain_db_over_time(train)
    assert gain_db.min() == pytest.approx(-9.05, abs=0.5)
    millisecond = RATE_HZ // 1000
    rise_db_per_ms = (gain_db[millisecond:] - gain_db[:-millisecond]) * (1000 / RATE_HZ * millisecond)
    assert rise_db_per_ms.max() <= 1.0


def test_the_gain_is_down_before_the_peak_and_moves_without_steps():
    train = clicks(8.0, 0.5, 1.5, RATE_HZ, 1)
    gain_db = gain_db_over_time(train)
    at = np.flatnonzero(train[0])
    assert (gain_db[at] <= -9.0).all()
    assert np.abs(np.diff(gain_db)).max() < 0.5  # dB a sample: the look-ahead bends it


def test_the_image_does_not_move():
    """Both channels get one gain."""
    sound = np.stack([4.0 * music()[0], 0.1 * music()[0]])
    out = applied(limiter(clip_db=0.0), sound)
    heard = np.abs(sound[0]) > 1e-3
    np.testing.assert_allclose(out[0, heard] / sound[0, heard], out[1, heard] / sound[1, heard], rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("lookahead_ms", 0.5, 20.0), ("release_ms", 5.0, 1000.0), ("margin_db", 0.0, 3.0)]
)
def test_the_ceiling_holds_at_the_ends_of_every_setting(name, low, high):
    sound = 3.0 * music()[:, :RATE_HZ]
    for value in (low, high):
        out = applied(limiter(-1.0, **{name: value}), sound)
        assert true_peak_db(out, 8) <= -1.0 + (0.1 if name == "margin_db" else OVER_DB)


def test_a_lone_click_at_either_end_is_held():
    for at in (0, 1, -2, -1):
        sound = np.zeros((2, 2000))
        sound[:, at] = 4.0
        out = applied(limiter(), sound, 512)
        assert true_peak_db(out, 8) <= -1.0 + OVER_DB


def test_it_is_proposed_only_where_peaks_would_pass():
    quiet = 0.2 * music()
    _, made = planned_for(quiet, quiet[:, ::-1].copy())
    assert not [move for move in made.moves if move.id == "limit_peaks"]
    assert "No limiting" in next(one.text for one in made.rejected if one.what == "limit_peaks")
    _, loud = planned_for(quiet, quiet, Request(loudness_lufs=-8.0, ceiling_dbtp=-2.0))
    (move,) = (move for move in loud.moves if move.id == "limit_peaks")
    assert move["ceiling_dbtp"] == -2.0


def test_of_a_reference_over_full_scale_nobody_says_that_its_peak_stays():
    hot = 1.2 * music() / np.abs(music()).max()
    for sound, words in ((hot, "only in a format that has room"), (0.8 * hot, "stays where the reference has it")):
        _, made = planned_for(sound, sound)
        assert words in next(one.text for one in made.rejected if one.what == "limit_peaks")


def test_every_cut_gives_the_same_bits():
    sound = 4.0 * music()[:, : 2 * RATE_HZ]
    whole = applied(limiter(), sound)
    for block_samples in (1 + 2047, 4096, 44099, 131072):
        assert np.array_equal(np.concatenate([applied(limiter(), sound, block_samples)], axis=1), whole)
    assert len(list(in_blocks(sound, 4096))) > 1
