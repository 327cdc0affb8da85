"""Density: how little of its peaks a master may keep over its loudness, by its reference and its genre.

Loudness is bought with peaks. A relative shows how dense this music may become; a stranger shows how dense another song
is, and what 9 in 10 songs of the genre keep binds instead. It is asked of the whole (PLR) and of the loudest 3 s (PSR):
over all of a long song with few loud passages much of the peaks is kept, however flat those passages become.
"""

from pathlib import Path

from refmaster.compare.normal import band_of
from refmaster.compare.pairing import Sight
from refmaster.names import shown
from refmaster.records import Density, Genre, PeaksKept, Profile

LEEWAY_DB = 1.0  # many records peak at full scale, masters here a decibel lower: as loud, they are denser by that


def density_of(sights: tuple[Sight, ...], genre: Genre, kinship: float) -> Density | None:
    """The bounds: the densest reference's own for kin, the genre's for strangers; None where nobody knows."""
    heard = [one.pair.reference.profile for one in sights if one.weights.level > 0]
    plr = _kept([(played_plr_db(one), one) for one in heard], genre, "plr_db", kinship)
    psr = _kept([(played_psr_db(one), one) for one in heard], genre, "psr_db", kinship)
    return None if plr is None and psr is None else Density(plr, psr)


def played_plr_db(profile: Profile) -> float | None:
    """PLR with what is over full scale left out: a float file and a lossy one hold it, but no player puts it out.

    The loudness stays that of the file: three metal songs whose samples are over by 3.0, 4.6 and 6.2 dB lose 0.01,
    0.02 and 0.10 LU where they are cut off. What stands between samples is left out too, as our own masters are held
    by their true peak: a song that was clipped at full scale keeps no more of its peaks than before.
    """
    plr, loud = profile.plr_db, profile.integrated_lufs
    return plr if plr is None or loud is None else min(plr, -loud)


def played_psr_db(profile: Profile) -> float | None:
    """The lowest PSR in the same way: with peaks up to full scale, the loudest 3 s keep no more than their loudness."""
    psr, loud = profile.psr_db, profile.max_short_term_lufs
    return psr if psr is None or loud is None else min(psr, -loud)


def _kept(heard: list[tuple[float | None, Profile]], genre: Genre, name: str, kinship: float) -> PeaksKept | None:
    """The bound on one of them, from what each reference that counts keeps; None where nobody knows."""
    known = [(kept, one) for kept, one in heard if kept is not None]
    band = band_of(genre, name)
    usual = None if band is None else band.low
    if not known:
        return None if usual is None else PeaksKept(usual, None, usual)
    theirs, densest = min(known, key=lambda one: one[0])
    by_kin = theirs - LEEWAY_DB
    sure = 1.0 if genre.share is None else min(1.0, 2 * genre.share)  # heard as likely as not: as good as named
    by_genre = by_kin if usual is None else by_kin + sure * max(usual - by_kin, 0.0)
    of = shown(Path(densest.path).name) if len(heard) > 1 else ""
    cut = theirs < (getattr(densest, name) or theirs)
    return PeaksKept(kinship * by_kin + (1 - kinship) * by_genre, theirs, usual, of, cut)
