"""Every defect is found where it was made, with its number, and nothing is found in clean music."""

import numpy as np
import pytest

from refmaster.analyse import measure
from refmaster.load import track_of
from tests.signals import FloatArray, pink_noise, silence, sine

RATE_HZ = 44100


def clean() -> FloatArray:
    return pink_noise(-20.0, 4.0, RATE_HZ)


def found(samples: FloatArray) -> dict[str, float]:
    return {one.name: one.value for one in measure(track_of(samples, RATE_HZ)).profile.defects}


def test_clean_sound_has_none():
    assert found(clean()) == {}
    assert found(clean()[:1]) == {}


@pytest.mark.parametrize("offset_pct", [-5.0, 0.2, 50.0])
def test_dc_is_found_with_its_sign(offset_pct):
    assert found(0.3 * clean() + offset_pct / 100)["dc_offset_pct"] == pytest.approx(offset_pct, abs=0.01)


def test_clipping_is_found():
    assert found(np.clip(20.0 * clean(), -0.9, 0.9))["clipped_runs"] > 100


def test_peaks_between_samples_are_found():
    """A quarter of the rate, at 45°: samples at 0 dBFS, the wave 3 dB over."""
    over = sine(RATE_HZ / 4, 3.0, 4.0, RATE_HZ, phase_deg=45.0)
    assert np.abs(over).max() == pytest.approx(1.0, abs=3e-3)
    assert found(over)["inter_sample_over_dbtp"] == pytest.approx(3.0, abs=0.3)


@pytest.mark.parametrize(("silent", "side"), [(0, "left"), (1, "right")])
def test_a_silent_channel_is_found_and_named(silent, side):
    sound = clean()
    sound[silent] = 0.0
    defects = measure(track_of(sound, RATE_HZ)).profile.defects
    assert [one.name for one in defects] == ["silent_channel"]
    assert side in defects[0].text


def test_two_equal_channels_are_found():
    mono = clean()[:1]
    assert set(found(np.concatenate([mono, mono]))) == {"dual_mono"}


def test_a_channel_that_is_only_softer_is_panned_and_no_defect():
    mono = clean()[:1]
    assert not found(np.concatenate([mono, 0.25 * mono]))


def test_an_inverted_channel_is_found():
    mono = clean()[:1]
    noise = 0.1 * clean()
    assert found(np.concatenate([mono, -mono]) + noise)["polarity"] == pytest.approx(-0.98, abs=0.02)


def test_long_silence_at_either_end_is_found():
    sound = np.concatenate([silence(3.0, RATE_HZ), clean(), silence(2.5, RATE_HZ)], axis=1)
    assert found(sound) == {
        "silence_head_s": pytest.approx(3.0, abs=0.01),
        "silence_tail_s": pytest.approx(2.5, abs=0.01),
    }


def test_each_defect_says_itself_in_one_line():
    sound = np.clip(20.0 * clean(), -0.9, 0.9) + 0.2
    for one in measure(track_of(sound, RATE_HZ)).profile.defects:
        assert one.text
        assert "\n" not in one.text
