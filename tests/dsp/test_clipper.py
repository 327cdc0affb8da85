"""The clipper: what is over comes off, what is not passes to the last bit, however the stream is cut."""

import numpy as np
import pytest
from scipy.signal import resample_poly

from refmaster.dsp.clipper import clipped
from tests.signals import gain_of, in_blocks, kick_loop, pink_noise, sine

RATE_HZ = 44100
THRESHOLD = 0.5


def run(samples, block_samples=None):
    blocks = [samples] if block_samples is None else in_blocks(samples, block_samples)
    return np.concatenate(list(clipped(blocks, THRESHOLD)), axis=1)


def test_below_the_threshold_every_bit_passes():
    quiet = 0.2 * pink_noise(-10.0, 1.0, RATE_HZ, 2, 1)
    assert np.array_equal(run(quiet), quiet)


@pytest.mark.parametrize("block_samples", [1, 17, 4096, 99991])
def test_every_cut_gives_the_same_bits(block_samples):
    loud = 2.0 * kick_loop(-3.0, 0.4, RATE_HZ, channels=2)
    assert np.array_equal(run(loud, block_samples), run(loud))


def test_it_comes_near_to_clipping_at_four_times_the_rate_by_other_means():
    tone = sine(997.0, -3.0, 0.5, RATE_HZ, 1)
    ideal = resample_poly(np.clip(resample_poly(tone, 4, 1, axis=1), -THRESHOLD, THRESHOLD), 1, 4, axis=1)
    rest = run(tone) - ideal[:, : tone.shape[1]]
    assert 20 * np.log10(rest[:, 500:-500].std() / tone.std()) < -45.0  # dB


def test_what_it_makes_does_not_fold_back_into_the_low_end():
    """A 7 kHz tone's third harmonic, 21 kHz, is the last one below Nyquist: nothing may appear under the tone."""
    out = run(sine(7000.0, 0.0, 1.0, RATE_HZ, 1))[0]
    spectrum = 20 * np.log10(np.abs(np.fft.rfft(out * np.hanning(out.size))) + 1e-9)
    assert spectrum[50:6800].max() < spectrum.max() - 55.0  # dB; 36 without oversampling


def test_the_length_stays_for_the_shortest_sounds():
    for samples in (1, 5, 60):
        assert run(np.full((1, samples), 0.9)).shape == (1, samples)


def test_a_lone_over_is_bent_and_its_neighbourhood_stays():
    samples = np.zeros((1, 2000))
    samples[0, 1000] = gain_of(-1.0)
    out = run(samples)
    assert abs(out[0, 1000]) < gain_of(-1.0)
    assert np.array_equal(out[0, :900], samples[0, :900])
