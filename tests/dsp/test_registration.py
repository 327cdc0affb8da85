"""Registration: what frames are matched by, and how many of them count, by clouds whose answer is known."""

import numpy as np
import pytest

from refmaster.dsp.gaussian import equaliser_covariance
from refmaster.dsp.octaves import centres_hz
from refmaster.dsp.registration import _explained as explained
from refmaster.dsp.registration import register
from tests.signals import FloatArray

RATE_HZ = 44100
HZ = np.array(centres_hz(RATE_HZ))[10:50]
PRIOR = equaliser_covariance(HZ, RATE_HZ, 2.5)
SHAPES = np.random.default_rng(4).normal(0.0, 6.0, (12, HZ.size))  # as far apart as passages of a song are
SEEN = np.ones(HZ.size, dtype=bool)


def matched(target_shapes: FloatArray, reference_shapes: FloatArray, target_db: FloatArray, reference_db: FloatArray):
    """How much of each target frame's match each reference frame is, (target, reference)."""
    target, reference = SHAPES[target_shapes] + target_db[:, None], SHAPES[reference_shapes] + reference_db[:, None]
    return register(target, reference, SEEN, PRIOR).pairs.forward


def test_frames_are_matched_by_shape_however_loud_they_are():
    """Dynamics may be what differs."""
    rng = np.random.default_rng(1)
    which = np.tile(np.arange(12), 6)
    there = matched(which, which, rng.uniform(-30, 30, which.size), rng.uniform(-30, 30, which.size))
    alike = which[:, np.newaxis] == which[np.newaxis, :]
    assert (there * alike).sum(axis=1).mean() > 0.98


def test_of_frames_of_one_shape_those_of_the_same_level_are_taken():
    which, four = np.arange(12), np.repeat(np.arange(12), 4)
    levels = np.tile([0.0, 0.0, 0.0, -20.0], 12)
    there = matched(which, four, np.zeros(12), levels)
    assert there[:, levels < 0].sum(axis=1).max() < 0.01


@pytest.mark.parametrize(("frames", "count"), [(400, 30.0), (1200, 90.0), (20, 3.0)])
def test_of_frames_that_follow_each_other_few_count(frames, count):
    """Three in twenty of those of either direction, of which one half is the other's mirror; and no fewer than 3.

    A curve with a deviation of 1 dB that frames tell, each 5 dB off, is believed as so many of them bear out.
    """
    raw = np.tile([2.0, -2.0], 4)
    noise = np.random.default_rng(2).standard_normal((2 * frames, raw.size))
    noise -= noise.mean(axis=0)
    noise = (
        5.0 * noise @ np.linalg.inv(np.linalg.cholesky(noise.T @ noise / len(noise)).T)
    )  # exactly 5 dB, no two alike
    weight = np.full(2 * frames, 1 / (2 * frames))
    found = explained(raw, raw + noise, weight, np.eye(raw.size))
    np.testing.assert_allclose(found, raw / (1 + 25.0 / count + 0.05), atol=1e-3)
