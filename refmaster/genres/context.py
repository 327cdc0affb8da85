"""Context: the genre that a track is read in: as a person names it, as it sounds, or none."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from refmaster.genres import ANY, load_genre, spread_of
from refmaster.genres.posterior import NONE, mean_shares, probable
from refmaster.genres.statistics import EDGE_SDS, covariance_db2, toned
from refmaster.records import Genre, Profile, Spread, ToneSpread, WidthSpread
from refmaster.units import FloatArray

AUTO = "auto"
LEAST_KNOWN = 0.5  # less of all shares together on known genres: it is more likely none of them
LOUDNESS = "integrated_lufs"
GRID, LEAST_SD = 600, 0.01  # of the mixture's percentiles
LEAST_BLENDED = 0.02  # genres less probable than this are left out of the blend


def context(name: str, target: Profile, references: Sequence[Profile] = ()) -> Genre:
    """The genre by its name; `auto` hears it; `none` knows nothing. BadSetting for an unknown name.

    It is heard in the references where there are any: a target with something wrong sounds like the genres that always
    have it, and its fault would pass for normal.
    Where the sound decides, what is normal is the mixture of all genres that it may be, by their shares: tone, width
    and loudness are those of the mixture, so that a guess moves nothing that another likely genre finds usual. All else
    is the most probable one's.
    """
    if name == NONE:
        return load_genre(ANY)
    if name != AUTO:
        return load_genre(name)
    shares = mean_shares([probable(one) for one in references or (target,)])
    known = tuple((one, share) for one, share in shares if one != NONE and share >= LEAST_BLENDED)
    runner_up = next(((one, share) for one, share in shares[1:]), None)
    if sum(share for _, share in known) < LEAST_KNOWN or shares[0][0] == NONE:
        none = next((share for one, share in shares if one == NONE), 0.0)
        other = next(((one, share) for one, share in shares if one != NONE), None)
        return replace(load_genre(ANY), share=none, runner_up=other)
    first = load_genre(known[0][0])
    genres, weights = [load_genre(one) for one, _ in known], np.array([share for _, share in known])
    weights = weights / weights.sum()
    return replace(
        first,
        share=known[0][1],
        runner_up=runner_up,
        tone=_tone(genres, weights),
        width=_width(genres, weights),
        spreads=_spreads(genres, weights),
    )


def checked_genre(name: str | None) -> str:
    """A genre as it is asked for, by its own name; BadSetting offers the nearest for one that is not known."""
    if name is None or name.strip().casefold() == AUTO:
        return AUTO
    return NONE if name.strip().casefold() == NONE else load_genre(name).name


def _tone(genres: list[Genre], weights: FloatArray) -> ToneSpread | None:
    """Moments of the mixture."""
    pairs = [(genre.tone, w) for genre, w in zip(genres, weights, strict=True) if genre.tone is not None]
    if not pairs:
        return None
    if len(pairs) == 1:
        return pairs[0][0]
    share = np.array([w for _, w in pairs]) / sum(w for _, w in pairs)
    means = np.array([tone.mean_db for tone, _ in pairs])
    mean = share @ means
    covariance = np.zeros((mean.size, mean.size))
    for own, (tone, _), w in zip(means, pairs, share, strict=True):
        covariance += w * (covariance_db2(tone) + np.outer(own - mean, own - mean))
    error = np.sqrt(share @ np.square([tone.mean_sd_db for tone, _ in pairs]))
    return toned(mean, error, covariance)


def _width(genres: list[Genre], weights: FloatArray) -> WidthSpread | None:
    pairs = [(genre.width, w) for genre, w in zip(genres, weights, strict=True) if genre.width is not None]
    if not pairs:
        return None
    share = np.array([w for _, w in pairs]) / sum(w for _, w in pairs)
    means = np.array([width.mean_db for width, _ in pairs])
    mean = share @ means
    variance = share @ (np.square([width.sd_db for width, _ in pairs]) + np.square(means - mean))
    return WidthSpread(pairs[0][0].band_hz, tuple(mean.tolist()), tuple(np.sqrt(variance).tolist()))


def _spreads(genres: list[Genre], weights: FloatArray) -> tuple[Spread, ...]:
    """Those of the first, but the loudness of the mixture: its percentiles, each genre's two halves taken as normal."""
    found = [(spread_of(genre, LOUDNESS), float(w)) for genre, w in zip(genres, weights, strict=True)]
    pairs = [(spread, w) for spread, w in found if spread is not None]
    if len(pairs) < 2 or spread_of(genres[0], LOUDNESS) is None:
        return genres[0].spreads
    low, high = min(spread.p10 for spread, _ in pairs), max(spread.p90 for spread, _ in pairs)
    at = np.linspace(low - (high - low), high + (high - low), GRID)
    below = sum(w * _below(spread, at) for spread, w in pairs) / sum(w for _, w in pairs)
    p10, p25, p50, p75, p90 = (round(float(np.interp(q, below, at)), 2) for q in (0.1, 0.25, 0.5, 0.75, 0.9))
    mixed = Spread(LOUDNESS, p10, p25, p50, p75, p90, sum(spread.n_tracks for spread, _ in pairs))
    return tuple(mixed if spread.name == LOUDNESS else spread for spread in genres[0].spreads)


def _below(spread: Spread, at: FloatArray) -> FloatArray:
    """How much of a spread lies below each place, 0 to 1."""
    sds = np.where(at < spread.p50, spread.p50 - spread.p10, spread.p90 - spread.p50) / EDGE_SDS
    return np.array([0.5 * (1 + math.erf(z / math.sqrt(2))) for z in (at - spread.p50) / np.maximum(sds, LEAST_SD)])
