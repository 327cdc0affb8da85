"""How loud a track will be behind moves that only filter: told from its frames, and not heard.

A frame of the spectrum holds the power of mid and side in each band, so what filters make of it follows, and with the
K-weighting of the bands what they make of its loudness. Each cell of 10 ms is as much louder as the frames around it.
Peaks go with the power, as well as they can.

Measured on 54 free tracks of 45 s and more, each bent toward another one: the integrated loudness is missed by
0.009 LU rms, 0.04 at most; the highest sample by 0.3 dB rms, 1.0 at most. Who says how high a peak is has to hear it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from refmaster.dsp.biquad import response_db
from refmaster.measure.loudness import CELLS_PER_S, k_weighting
from refmaster.measure.spectrum import Spectrum
from refmaster.records import Profile
from refmaster.units import FloatArray

QUIETEST = 1e-14  # power of a frame that is taken for silence


@dataclass(frozen=True)
class Cells:
    """Of each 10 ms the K-weighted, channel-summed mean square, and the largest sample, linear; shapes (cells,)."""

    power: npt.NDArray[np.floating[Any]]
    peak: npt.NDArray[np.floating[Any]]


def cells_of(power: FloatArray, peak: FloatArray) -> Cells:
    """The cells as they are kept, in single precision: of hours they take memory."""
    return Cells(power.astype(np.float32), peak.astype(np.float32))


def foretold(cells: Cells, spectrum: Spectrum, before: Profile, after: Profile) -> Cells:
    """The cells of a track behind moves that turn its Profile from what it was `before` into what it is `after`."""
    at, rate = spectrum.band_hz, before.sample_rate_hz
    mid = np.array(after.ltas_db) - np.array(before.ltas_db)
    side = mid + _side_over_mid(after) - _side_over_mid(before)
    gains = (10 ** (mid / 10), 10 ** (side / 10))
    heard = 10 ** (response_db(k_weighting(rate), at, rate).sum(axis=0) / 10)
    count = min(cells.power.size, cells.peak.size)
    times = (np.arange(count) + 0.5) / CELLS_PER_S
    middles = (np.arange(len(spectrum.mid)) + 1.0) * spectrum.frame_hop_s  # a frame is two hops long
    louder = np.interp(times, middles, _ratio(spectrum, (gains[0] * heard, gains[1] * heard), (heard, heard)))
    higher = np.interp(times, middles, _ratio(spectrum, gains, (np.ones(at.size), np.ones(at.size))))
    return Cells(cells.power[:count] * louder, cells.peak[:count] * np.sqrt(higher))


def _side_over_mid(profile: Profile) -> FloatArray:
    return np.array([0.0 if level is None else level for level in profile.side_to_mid_db])


def _ratio(spectrum: Spectrum, now: tuple[FloatArray, FloatArray], then: tuple[FloatArray, FloatArray]) -> FloatArray:
    """How much more power each frame has with weights on the bands of mid and side than it had with others."""
    more, less = (
        spectrum.mid @ mid + (spectrum.side @ side if spectrum.side is not None else 0.0) for mid, side in (now, then)
    )
    return np.where(less > QUIETEST, more / np.maximum(less, QUIETEST), 1.0)
