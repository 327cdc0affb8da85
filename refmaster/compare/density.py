"""Density: how little of its peaks a master may keep over its loudness (PLR), by its reference and its genre.

Loudness is bought with peaks. A relative shows how dense this music may become; a stranger shows how dense another song
is, and what 9 in 10 songs of the genre keep binds instead. Nothing is asked of a track that it did not bring.
"""

from refmaster.compare.normal import band_of
from refmaster.compare.pairing import Sight
from refmaster.records import Density, Genre

LEEWAY_DB = 1.0  # many records peak at full scale, masters here a decibel lower: as loud, they are denser by that


def density_of(sights: tuple[Sight, ...], genre: Genre, kinship: float) -> Density | None:
    """The bound, between the densest reference's own for kin and the genre's for strangers; None where nobody knows."""
    heard = [one.pair.reference.profile.plr_db for one in sights if one.weights.level > 0]
    theirs = min((plr for plr in heard if plr is not None), default=None)
    band = band_of(genre, "plr_db")
    usual = None if band is None else band.low
    if theirs is None:
        return None if usual is None else Density(usual, None, usual)
    by_kin = theirs - LEEWAY_DB
    sure = 1.0 if genre.share is None else min(1.0, 2 * genre.share)  # heard as likely as not: as good as named
    by_genre = by_kin if usual is None else by_kin + sure * max(usual - by_kin, 0.0)
    return Density(kinship * by_kin + (1 - kinship) * by_genre, theirs, usual)
