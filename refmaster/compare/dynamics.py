"""Dynamics: how much livelier or denser each band is, and what of it to believe: little, songs vary more than mixes."""

from refmaster.compare.goal import Goal
from refmaster.compare.normal import dynamics_band
from refmaster.records import DynamicsGap, Genre, Profile

# Spread of levels in a band, as logarithms: halves of one song, other songs of its genre, and what mixes are off by.
SPREAD_KIN_SD, SPREAD_STRANGER_SD, SPREAD_FAULT_SD = 0.35, 0.6, 0.1
LEAST_SPREAD_DB, MOST_STEP = 0.5, 1.4


def dynamics_gaps(
    target: Profile, goal: Goal, genre: Genre, kinship: float, *, alone: bool = False
) -> tuple[DynamicsGap, ...]:
    """The gap of each band; a genre's usual range bounds what is believed of it, or is the goal where it is `alone`."""
    found = []
    noise = SPREAD_KIN_SD * kinship + SPREAD_STRANGER_SD * (1 - kinship)
    believed = SPREAD_FAULT_SD**2 / (SPREAD_FAULT_SD**2 + noise**2)
    for ours, spread_db in zip(target.dynamics, goal.loud_over_median_db, strict=False):
        stands, there = (max(v, LEAST_SPREAD_DB) for v in (ours.loud_over_median_db, spread_db))
        band = dynamics_band(genre, ours.low_hz)
        if alone:
            there = stands if band is None else max(band.nearest(stands), LEAST_SPREAD_DB)
        usual = band is not None and band.low <= stands <= band.high
        share = believed * kinship if usual else believed  # what is usual in the genre needs no stranger's advice
        found.append(DynamicsGap(ours.low_hz, ours.high_hz, stands, there, share, noise * stands))
    return tuple(found)
