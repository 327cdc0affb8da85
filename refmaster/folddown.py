"""The fold-down to mono: what of the power it loses, and how much of it a widened master may lose.

Folded, half of left plus right is left of both: the mid, of mid and side. So the loss is that of mid / (mid + side) in
power, ≤ 0 dB, and a side that is raised deepens it though the mid is not touched. What is usual is what target,
reference or nine of ten songs of the genre lose; of the genre by its lowest correlation r, (1 + r) / 2.
"""

import numpy as np

from refmaster.compare.pairing import no_image
from refmaster.genres import spread_of
from refmaster.records import Genre, Profile
from refmaster.units import FloatArray

PLANNED_DB, KEPT_DB = 0.1, 0.3  # taste, beyond what is usual: how far widening goes, and what a master is held to


def loss_db(profile: Profile, side_db: FloatArray | float = 0.0) -> float | None:
    """What is lost by the bands, were their side moved by so many dB; None in mono, or in silence.

    Within 0.01 dB of `mono_loss_db` on real music, which counts what sounds outside of the bands, too.
    """
    if profile.mono_loss_db is None:
        return None
    ratio_db = np.array([-np.inf if level is None else level for level in profile.side_to_mid_db]) + side_db
    mid = 10 ** (np.array(profile.ltas_db) / 10)
    return float(-10 * np.log10(1 + (mid * 10 ** (ratio_db / 10)).sum() / mid.sum()))


def usual_db(reference: Profile | None, genre: Genre) -> float | None:
    """The most that the reference or a usual song of the genre loses; None where neither tells."""
    known = [_of_genre_db(genre)]
    if reference is not None and not no_image(reference):
        known.append(reference.mono_loss_db)
    return min((one for one in known if one is not None), default=None)


def least_db(target: Profile, reference: Profile | None, genre: Genre) -> float | None:
    """The lowest that widening may bring the fold-down of this target to; None where that cannot be told."""
    own, usual = loss_db(target), usual_db(reference, genre)
    if own is None:
        return None
    return (own if usual is None else min(own, usual)) - PLANNED_DB


def _of_genre_db(genre: Genre) -> float | None:
    """What is lost at the lowest correlation that is usual; None where nobody measured it on tracks."""
    correlation = spread_of(genre, "correlation")
    if correlation is None or correlation.p10 <= -1:
        return None
    return float(10 * np.log10((1 + correlation.p10) / 2))
