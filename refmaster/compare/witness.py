"""Witness: whose difference a move answers, the reference's or the genre's usual.

What is wanted of a track comes of both (`belief.py`). Where the reference's difference is what arrangement alone could
make, and the move goes toward what is usual, it would be wrong to tell it as the reference's doing.
"""

from dataclasses import dataclass

import numpy as np

from refmaster.names import BY_GENRE
from refmaster.records import Gap

NO_GAP_DB = 0.1  # a difference under this is none
TOLERANCE_DB = 0.5  # so much nobody minds


@dataclass(frozen=True)
class Witness:
    """A difference where a move works, dB; `sd_db` how far it may be off by chance; `name` whose it is."""

    name: str
    difference_db: float
    sd_db: float

    def times_chance(self, made_db: float) -> float:
        """The difference over what chance makes of it; positive where it goes the way of what was made."""
        along = self.difference_db if made_db > 0 else -self.difference_db
        return along / max(self.sd_db, 1e-6)

    def gap(self, feature: str, here_db: float, made_db: float, most_pct: float) -> Gap:
        """The difference from where the target stands, and what of it is taken, `most_pct` at most."""
        pct = 100 * made_db / self.difference_db if abs(self.difference_db) > NO_GAP_DB else 100.0
        there, taken_pct = here_db + self.difference_db, float(np.clip(pct, 0.0, most_pct))
        return Gap(feature, here_db, there, TOLERANCE_DB, self.sd_db, taken_pct, self.name)


def answered(reference: Witness, usual_db: float, usual_sd_db: float, made_db: float) -> Witness:
    """The reference, unless what it says could be chance and what is usual asks for the move more clearly."""
    genre = Witness(BY_GENRE, usual_db, usual_sd_db)
    clear = reference.times_chance(made_db)
    return genre if clear < 1 and genre.times_chance(made_db) > max(clear, 0.0) else reference
