"""Covariances of curves over frequency: what an equaliser makes, and what merely varies smoothly.

They are the priors of Gaussian processes (C. E. Rasmussen, C. K. I. Williams, "Gaussian processes for machine
learning", 2006).
"""

import numpy as np

from refmaster.dsp.biquad import Shape, design_many, response_db
from refmaster.units import FloatArray


def smooth_covariance(octaves: FloatArray, sd_db: FloatArray, length_oct: float) -> FloatArray:
    """Squared-exponential covariance over log frequency, with a standard deviation per band."""
    apart = (octaves[:, np.newaxis] - octaves[np.newaxis, :]) / length_oct
    return np.asarray(np.outer(sd_db, sd_db) * np.exp(-0.5 * apart**2))


def equaliser_covariance(at_hz: FloatArray, sample_rate_hz: int, gain_sd_db: float) -> FloatArray:
    """Covariance of the curves of a mastering equaliser: a low shelf, three bells, a high shelf, anywhere usual.

    Each band's gain has the given standard deviation; frequencies spread evenly, on a log scale, over usual ranges.
    """
    ranges = [
        (Shape.LOW_SHELF, 60, 200, (0.7,)),
        (Shape.BELL, 120, 600, (0.6, 1.2)),
        (Shape.BELL, 400, 2500, (0.6, 1.2)),
        (Shape.BELL, 1600, 7000, (0.6, 1.2)),
        (Shape.HIGH_SHELF, 4000, 12000, (0.7,)),
    ]
    total = np.zeros((at_hz.size, at_hz.size))
    for shape, low, high, qs in ranges:
        f, q = (g.ravel() for g in np.meshgrid(np.geomspace(low, high, 9), qs))
        gain = np.full(f.size, gain_sd_db)
        rows = response_db(design_many((shape,) * f.size, f, gain, q, sample_rate_hz), at_hz, sample_rate_hz)
        total += rows.T @ rows / f.size
    return total
