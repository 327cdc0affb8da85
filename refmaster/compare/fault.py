"""Fault: how probable it is that something is wrong at all, and whether to act on it."""

import numpy as np

from refmaster.records import Profile
from refmaster.writing import told_apart

FAULT_PRIOR = 0.5  # every second mix that is brought has something wrong with its tone: nobody has counted
FINISHED_PRIOR = 0.1  # what has been limited already was thought finished by somebody
LIMITED_PCT = 1.5  # of `peaks_held_pct`: masters reach 40, mixes with all their peaks stay under 0.6, steady ones 1
# Peaks so far over the loudness (lowest PSR) were let through by any limiter: of 11 songs that ours was driven into by
# 3, 6 and 9 dB, 31 of 32 that pass `LIMITED_PCT` have less, and the one that has more passes by 0.1.
OPEN_PSR_DB = 12.0
LEAST_FAULT = 0.45  # what is more likely right than wrong is left alone
TEMPER = 0.7  # evidence counts so much, as the model is no more than a model


def is_limited(profile: Profile) -> bool:
    """Whether a limiter has held the peaks of this track already: many stand at the top, and near to the loudness.

    Steady music has many peaks at the top as well, which nobody held there: they stand far over its loudness.
    """
    held, psr = profile.peaks_held_pct, profile.psr_db
    return held is not None and held >= LIMITED_PCT and (psr is None or psr <= OPEN_PSR_DB)


def probability(log_ratio: float, target: Profile) -> float:
    """Probability that there is a fault, from the log of the evidence ratio and how finished the target is."""
    prior = FINISHED_PRIOR if is_limited(target) else FAULT_PRIOR
    logit = TEMPER * log_ratio + np.log(prior / (1 - prior))
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))


def heeded(fault: float) -> float:
    """What of a probability is acted on: none of it where the target is more likely right than wrong."""
    return fault if fault >= LEAST_FAULT else 0.0


def let_be(fault: float | None, target: Profile) -> str:
    """Why nothing is wished for where a fault is not likely enough; empty where one is acted on, or nothing tells."""
    if fault is None or fault >= LEAST_FAULT:
        return ""
    finished = " (its peaks have been limited already: somebody thought it finished)" if is_limited(target) else ""
    found, least = told_apart(100 * fault, 100 * LEAST_FAULT, 0)
    return f"that something is wrong is {found} % likely{finished}, and under {least} % it is let be"
