"""Belief: what matched differences and a genre's normal say together of the curve that the target lacks.

Two kinds of evidence. A matched difference (`dsp/registration.py`) is the wanted curve plus an error that its roughness
tells: small for kin, arrangement for strangers. A genre says what is normal: its mean less the target is the wanted
curve less what is this song's own, of which the genre's covariance knows. Both are weighed against "nothing is wrong".

A stranger's matched difference is still, for the most part, the difference of the two songs' own sounds. Of these, the
genre knows the reference's (how far it is from normal), which is taken off, and the covariance of the target's.

Measured on 169 free tracks (1014 pairs, 25 s, a genre's mean never from the same artist; tone error in dB rms from the
known right answer; untouched 2.04), without a genre: same song, damaged 0.78; same song, nothing wrong 0.09; another
song, damaged 2.00; another song, nothing wrong 0.33. With it: 0.77, 0.09, 1.97 and 0.19; and with a stranger the tone
ends further off than it began in 5 of 100 cases instead of 17. The full difference of averages gives 2.9, 2.9, 8.0 and
8.0. All this where what is most strange teaches no tone (`compare/tone.py`); where it did, strangers got to 1.93 and
0.27, and harmed 7 of 100. A linear law from target, reference and matched difference to the fault, learnt on these
pairs, the artist left out, gets to 1.93 as well, and harms one in four: no more can be told from a stranger.

Nothing was gained, on 816 such pairs before: where strangers' genres also judged whether anything is wrong (worse in
seven of a hundred cases of the recovery benchmark, better in none); by a mean over all genres instead of one's own; by
weighing "kin" against "stranger" by the size of the difference; by registering the side as well; by finer bands; by
taking off what the error has in common with the difference of averages, since what is left has nothing in common with
it; nor by expecting a song's tone from its texture (how its bands come and go, lines or noise) instead of its genre's
mean: off by 4.1 dB and not 5.0, the artist left out, but with a stranger the tone ends only 0.04 dB nearer, and one
track more in twenty is harmed.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refmaster.dsp.gaussian import smooth_covariance
from refmaster.units import FloatArray

# Error of a registered difference over its roughness, measured on 816 pairs (correlation of the logarithms 0.96);
# correlated over short and long distances as below.
ERROR_SCALE, ERROR_POWER, ERROR_FLOOR_DB = 1.0, 1.4, 0.15
ERROR_TOP_HZ, ERROR_TOP_POWER = 5600.0, 2 / 3  # above, it grows with frequency: twice as much at 16 kHz
STRANGER_MORE = 0.3  # as rough as kin, a stranger is so much further off
ERROR_NEAR, ERROR_FAR, ERROR_ALONE = (0.3, 0.25), (0.4, 1.2), 0.3  # (share, octaves); share of each band alone
STRANGE_DB = (1.5, 2.4)  # of roughness: below, parts of one song; above, strangers; 9 in 10 of each
SHARED_ERROR = 0.5  # strangers' errors have the target's own sound in common: half of their variance
SONG_SCALE, SONG_REST_DB = 1.5, 0.55  # other songs stray further than whole tracks of the library, and parts of them
ANY_LEVEL = 1e4  # dB²: the level of every curve is free


@dataclass(frozen=True)
class Matched:
    """What registration found in one reference, on the bands `at`; all dB.

    `strays_db` is how far the reference is from its genre's normal there, None where no genre is known; `weight` how
    much a person lets it count.
    """

    at: npt.NDArray[np.int64]
    raw_db: FloatArray
    roughness_db: float
    strays_db: FloatArray | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Normal:
    """A genre's mean less the target on the bands `at`, and the covariance of songs around that mean, dB and dB²."""

    at: npt.NDArray[np.int64]
    lacks_db: FloatArray
    covariance: FloatArray


@dataclass(frozen=True)
class Belief:
    """The curve that is wanted if anything is wrong, and the log odds that something is."""

    mean_db: FloatArray
    log_evidence: float


def believed(prior: FloatArray, octaves: FloatArray, matched: tuple[Matched, ...], normal: Normal | None) -> Belief:
    """The posterior over a curve on all bands, (bands,), under its `prior` covariance, (bands, bands).

    Whether anything is wrong is judged by what was matched alone, where anything was: a song may stray from its genre
    and be right. ValueError where there is no evidence at all.
    """
    both = _stacked(octaves, matched, normal)
    ratio = _log_ratio(prior, _stacked(octaves, matched, None) if matched else both)
    at, values, noise = both
    gain = np.linalg.solve(prior[np.ix_(at, at)] + noise, prior[at]).T
    return Belief(gain @ values, ratio)


def chance_db(octaves: FloatArray, matched: tuple[Matched, ...], normal: Normal | None) -> FloatArray:
    """How far the difference may be off in each band by chance, one standard deviation.

    Of what was matched by arrangement; where only a genre is known by the song's own sound, and 0 where not even that.
    """
    if matched:
        precision = sum(one.weight / error_sd_db(one.roughness_db) ** 2 for one in matched)
        return np.asarray(np.sqrt(np.diag(_error_shape(octaves)) / precision))
    if normal is None:
        return np.zeros(octaves.size)
    return usual(octaves.size, normal)[1]


def usual(bands: int, normal: Normal) -> tuple[FloatArray, FloatArray]:
    """What the target lacks of a genre's mean in each of so many bands, and how far other songs stray from it, dB."""
    at, own = np.arange(bands), np.sqrt(SONG_SCALE**2 * np.diag(normal.covariance) + SONG_REST_DB**2)
    return np.interp(at, normal.at, normal.lacks_db), np.interp(at, normal.at, own)


def error_sd_db(roughness_db: float) -> float:
    """How far a registered difference of this roughness is off, rms."""
    kin = ERROR_SCALE * roughness_db**ERROR_POWER + ERROR_FLOOR_DB
    return float(kin * (1 + STRANGER_MORE * strangeness(roughness_db)))


def strangeness(roughness_db: float) -> float:
    """0 for parts of one song, 1 for strangers."""
    low, high = STRANGE_DB
    return float(np.clip((roughness_db - low) / (high - low), 0.0, 1.0))


def weighed(values: FloatArray, errors: FloatArray, sd: float) -> tuple[float, float]:
    """The same for one number that several sources tell with independent errors: its mean, and the log odds."""
    precision = float((1 / errors**2).sum())
    found = float((values / errors**2).sum()) / precision
    variance = sd**2 / (1 + sd**2 * precision)
    ratio = 0.5 * (found**2 * precision - found**2 / (1 / precision + sd**2) - np.log(1 + sd**2 * precision))
    return found * variance * precision, ratio


Stack = tuple[npt.NDArray[np.int64], FloatArray, FloatArray]


def _stacked(octaves: FloatArray, matched: tuple[Matched, ...], normal: Normal | None) -> Stack:
    """All evidence below each other: bands, values, and the covariance of their errors."""
    n = octaves.size
    song = np.zeros((n, n))
    if normal is not None:
        rest = SONG_REST_DB**2 * np.eye(normal.at.size)
        song[np.ix_(normal.at, normal.at)] = SONG_SCALE**2 * normal.covariance + rest
    rows: list[tuple[npt.NDArray[np.int64], FloatArray, float, float]] = []  # bands, values, share of song, error sd
    for one in matched:
        values, share, sd = one.raw_db, 0.0, error_sd_db(one.roughness_db) / np.sqrt(one.weight)
        if normal is not None and one.strays_db is not None:
            share = strangeness(one.roughness_db)
            values = values - share * one.strays_db
        rows.append((one.at, values, share, sd))
    if normal is not None:
        rows.append((normal.at, normal.lacks_db, 1.0, 0.0))
    if not rows:
        return np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros((0, 0))
    shape = _error_shape(octaves)
    stray = [strangeness(one.roughness_db) for one in matched]
    blocks = []
    for i, (at_i, _, share_i, sd_i) in enumerate(rows):
        line = []
        for j, (at_j, _, share_j, sd_j) in enumerate(rows):
            common = 1.0
            if i != j:
                common = SHARED_ERROR * stray[i] * stray[j] if normal is None else 0.0
            whole = share_i * share_j * song + common * sd_i * sd_j * shape
            line.append(whole[np.ix_(at_i, at_j)] + (ANY_LEVEL if i == j else 0.0))
        blocks.append(line)
    noise = np.block(blocks)
    noise[np.diag_indices_from(noise)] += 1e-6
    return np.concatenate([row[0] for row in rows]), np.concatenate([row[1] for row in rows]), noise


def _error_shape(octaves: FloatArray) -> FloatArray:
    """Covariance between bands of what registration gets wrong, in units of its error as a whole."""
    ones = np.ones(octaves.size)
    parts = (share * smooth_covariance(octaves, ones, length) for share, length in (ERROR_NEAR, ERROR_FAR))
    more = np.maximum(1.0, (1000 * 2**octaves / ERROR_TOP_HZ) ** ERROR_TOP_POWER)
    return np.asarray(sum(parts, start=ERROR_ALONE * np.eye(octaves.size)) * np.outer(more, more))


def _log_ratio(prior: FloatArray, stack: Stack) -> float:
    """How much more probable the evidence is with a curve of the prior in it than with none, log."""
    at, values, noise = stack
    if not at.size:
        return 0.0
    return _log_density(values, prior[np.ix_(at, at)] + noise) - _log_density(values, noise)


def _log_density(values: FloatArray, covariance: FloatArray) -> float:
    """Log density under a Gaussian, but for a constant (Rasmussen & Williams, eq. 2.30)."""
    root = np.linalg.cholesky(covariance)
    white = np.linalg.solve(root, values)
    return -0.5 * float(white @ white) - float(np.log(np.diag(root)).sum())
