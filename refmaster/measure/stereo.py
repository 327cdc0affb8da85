"""The stereo image in broad-band numbers: correlation, balance, and what a mono fold-down loses."""

import math
from dataclasses import dataclass

import numpy as np

from refmaster.units import FloatArray


@dataclass(frozen=True)
class Image:
    """All None in mono; balance is right above left, dB; the mono loss is ≤ 0 dB, 0 for two equal channels."""

    correlation: float | None = None
    balance_db: float | None = None
    mono_loss_db: float | None = None


class StereoMeter:
    """Feed it stereo blocks, then read the Image."""

    def __init__(self) -> None:
        self._across = 0.0

    def feed(self, block: FloatArray) -> None:
        """Listen to a block of shape (2, samples), always cut on the same grid."""
        self._across += float(np.einsum("i,i", *block))

    def read(self, energy: FloatArray) -> Image:
        """The image of two channels of this `energy`, the sum of their squares, which another meter has.

        Correlation is −1…1; None where a channel is silent and the question has no answer.
        """
        ll, rr = (float(channel) for channel in energy)
        if min(ll, rr) <= 0:
            return Image()
        folded = max((ll + rr + 2 * self._across) / 4, 1e-20 * (ll + rr))
        return Image(
            correlation=max(-1.0, min(1.0, self._across / math.sqrt(ll * rr))),
            balance_db=10 * math.log10(rr / ll),
            mono_loss_db=min(0.0, 10 * math.log10(folded / ((ll + rr) / 2))),
        )
