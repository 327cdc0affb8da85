"""Bearing: how far toward its goal the loudness of this music may go, unless a person asks for more.

Three things bound it: how far peaks must stand over the loudness of the whole (PLR), how far over that of the loudest
3 s (PSR), and how hard the limiter works for 1 % of the time. The first is known before anything is limited; the others
are heard, and only the second sees what becomes of the climax of a long song.
"""

from dataclasses import dataclass

from refmaster.genres import ANY
from refmaster.measure.excerpt import HARD_WORK_PCT, Limited
from refmaster.records import Density, Genre, PeaksKept, Profile
from refmaster.units import written
from refmaster.writing import told_apart

PRACTICE_PSR_DB = 8.0  # what practice keeps in any music (I. Shepherd); never more is asked
ROUNDED_DB = 0.05  # figures nearer to each other read alike
LEAST_GAIN_DB = 0.1  # less is not worth a move, and would be found at every pass
NINE_IN_TEN_TRACKS = 10  # of fewer nobody says "9 in 10"


@dataclass(frozen=True)
class Bearing:
    """What the limiter may make of the music: its work for 1 % of the time, and how loud the loudest 3 s may get.

    `loudest_lufs` is None where nothing is known of that, and `why` says what the loudest 3 s must keep.
    """

    genre: Genre
    loudest_lufs: float | None = None
    why: str = ""

    def excess_db(self, limited: Limited) -> float:
        """How much is too much, of the work or of the loudness of the loudest 3 s: the larger; negative for room."""
        return max(self._work_db(limited), self._loudest_db(limited))

    def words(self, limited: Limited, asked: Limited) -> str:
        """What ended the way to what was `asked` for, at what is borne of it."""
        if self._loudest_db(limited) > self._work_db(limited):
            return self.why
        taken, borne = told_apart(asked.hard_db, self.genre.limiting_db, 1)
        worked = f"the limiter would take more than {taken} dB for {HARD_WORK_PCT:g} % of the time"
        return f"{worked}; {borne} dB is what {_kind(self.genre)} bears"

    def _work_db(self, limited: Limited) -> float:
        return limited.hard_db - self.genre.limiting_db

    def _loudest_db(self, limited: Limited) -> float:
        loudest = limited.loudest_lufs
        return -float("inf") if loudest is None or self.loudest_lufs is None else loudest - self.loudest_lufs


def bearing_of(
    genre: Genre, density: Density | None, target: Profile, own_psr_db: float | None, held_dbtp: float
) -> Bearing:
    """What the limiter may make of a target whose loudest 3 s have a PSR of their own, with peaks held at a level.

    Nothing is asked of it that it did not bring: the loudest 3 s may keep their own PSR, and their own loudness.
    """
    kept, loudest = None if density is None else density.psr, target.max_short_term_lufs
    if kept is None or own_psr_db is None or loudest is None:
        return Bearing(genre)
    least = min(kept.least_db, PRACTICE_PSR_DB, own_psr_db)
    why = f"louder, peaks would stand less than {least:.1f} dB over the loudness of its loudest 3 s (PSR)"
    if least == own_psr_db:
        why += ", which is what they keep as it is"
    elif least == PRACTICE_PSR_DB:
        why += ", which is what practice keeps in any music"
    else:
        why += f"; {_whose(kept, least, genre)}"
    return Bearing(genre, max(held_dbtp - least, loudest), why)


def limited_bears(peak_dbtp: float, own_dbtp: float, ceiling_dbtp: float, margin_db: float) -> float:
    """The gain, dB, that a limited track bears: a second limiter would only flatten it.

    Up as far as its peaks have room, and down as far as its own stand over the ceiling; where moves have raised them
    since, that is not on them.
    """
    held_dbtp = ceiling_dbtp - margin_db
    down = held_dbtp - own_dbtp if own_dbtp > ceiling_dbtp else 0.0
    gain = round(max(held_dbtp - peak_dbtp, down), 3)
    return 0.0 if abs(gain) <= LEAST_GAIN_DB and peak_dbtp <= ceiling_dbtp else gain


def limited_words(target: Profile, own_dbtp: float, gain_db: float) -> str:
    """Why a limited track goes no further than by this gain."""
    held = f"have been limited already ({target.peaks_held_pct or 0.0:.0f} % of them stand within 0.5 dB)"
    if gain_db >= 0:
        return f"its peaks {held}, and more would flatten it"
    peaks = written("peak_dbtp", own_dbtp)
    return f"its peaks reach {peaks} and {held}, so it goes down by as much as they stand over the ceiling"


def most_lufs(genre: Genre, density: Density | None, target: Profile, ceiling_dbtp: float) -> tuple[float, str] | None:
    """How loud the whole may get by its PLR with peaks at the ceiling, and why; None where nothing is known.

    Never quieter than the target.
    """
    kept = None if density is None else density.plr
    now, peak = target.integrated_lufs, target.true_peak_dbtp
    if kept is None or now is None or peak is None:
        return None
    least = min(kept.least_db, peak - now)
    most = max(ceiling_dbtp - least, now)
    if least < kept.least_db:
        stands = f"its peaks stand {least:.1f} dB over its loudness (PLR) as it is"
        return most, f"{stands}, less than the {kept.least_db:.1f} dB that it should keep; louder would be denser still"
    why = f"louder, its peaks would stand less than {least:.1f} dB over its loudness (PLR)"
    source = _whose(kept, least, genre)
    return most, f"{why}; {source}" if source else why


def _whose(kept: PeaksKept, least_db: float, genre: Genre) -> str:
    """Whose figure binds: the reference's, the genre's, or one between them."""
    theirs, usual = kept.reference_db, kept.usual_db
    keep = f"{'the few' if 0 < genre.n_tracks < NINE_IN_TEN_TRACKS else '9 in 10'} tracks of {_kind(genre)} keep"
    whose = kept.of or "the reference"
    if usual is not None and (theirs is None or least_db > theirs):
        if theirs is not None and usual - least_db > ROUNDED_DB:
            return f"that is between {theirs:.1f} dB, as {whose} has it, and the {usual:.1f} dB that {keep}"
        other = "" if theirs is None else f"; {theirs:.1f} dB, as {whose} has it, is another song's"
        return f"{keep} {usual:.1f} dB or more{other}"
    if theirs is None:
        return ""
    keeps = f"{whose} keeps {theirs:.1f} dB{' up to full scale' if kept.cut else ''}"
    less = round(theirs, 1) - round(least_db, 1)
    return keeps if less < ROUNDED_DB else f"{keeps}, and {less:.1f} dB less is as far as it goes"


def _kind(genre: Genre) -> str:
    """The music that bears so much, in words."""
    sure = "" if genre.share is None or genre.share > 0.5 else f", {100 * genre.share:.0f} % sure"
    return "music" if genre.name == ANY else f"this genre ({genre.label}{sure})"
