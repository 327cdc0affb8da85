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
        self._ll = self._rr = self._lr = 0.0

    def feed(self, block: FloatArray) -> None:
        """Listen to a block of shape (2, samples), always cut on the same grid."""
        left, right = block
        self._ll += float(np.einsum("i,i", left, left))
        self._rr += float(np.einsum("i,i", right, right))
        self._lr += float(np.einsum("i,i", left, right))

    def read(self) -> Image:
        """Correlation −1…1; None where a channel is silent and the question has no answer."""
        ll, rr, lr = self._ll, self._rr, self._lr
        if min(ll, rr) <= 0:
            return Image()
        folded = max((ll + rr + 2 * lr) / 4, 1e-20 * (ll + rr))
        return Image(
            correlation=max(-1.0, min(1.0, lr / math.sqrt(ll * rr))),
            balance_db=10 * math.log10(rr / ll),
            mono_loss_db=min(0.0, 10 * math.log10(folded / ((ll + rr) / 2))),
        )
