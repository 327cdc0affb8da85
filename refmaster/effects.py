"""Effects: what each move did to the feature it claims.

Where the chain is linear that is read off the master: an equaliser's share of a band's level is its response. A
compressor or a limiter that works takes part of it back, so there the master is made again without the move, on
stretches that lie evenly over the track, and both are measured (levels do not matter: the features are relative).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from refmaster.compare.pairing import EDGE_HZ
from refmaster.dsp.ahead import side_by_side
from refmaster.dsp.biquad import response_db
from refmaster.dsp.blocks import Kept, rechunked
from refmaster.dsp.midside import to_mid_side
from refmaster.load import BLOCK_SAMPLES
from refmaster.measure.dynamics import DynamicsMeter
from refmaster.measure.loudness import k_weighting
from refmaster.measure.spectrum import SpectrumMeter
from refmaster.moves import match_eq, mover_of
from refmaster.records import Effect, GainReduction, Move, Plan, Profile, Stage
from refmaster.render import HalfWay, half_way, rendered
from refmaster.units import FloatArray, power_to_db

# Effects on 10 times 1 s are as near to those on the whole track as on 8 times 2 s: 0.011 dB on average, 0.04 at most,
# over 10 bent moves of 56 free tracks of 75 s to 7 min, each toward another one.
STRETCHES, STRETCH_S = 10, 1.0
DYNAMICS_STRETCHES, DYNAMICS_STRETCH_S = 8, 2.0  # how far levels are spread takes longer to show
# Of reduction, on average over the track, and at its deepest: rare hits may hold nearly all of a band, and be all that
# is limited. Of 57 masters of free songs 40 are under both, and what was read off missed what was heard by 0.13 dB at
# most; of those over the second alone by up to 0.3 dB, a third of the effect.
BENDING_DB, BENDING_MOST_DB = 0.3, 4.0
LEAST_TONE_DB = 0.5  # less in a third of an octave nobody hears
THIRD = (0.5, 1.0, 0.5)  # of bands a sixth of an octave wide
HEARD_DB = 40.0  # taste: a band that is weaker by more than the loudest one is not what the tone is heard by
SMALL_DB = 0.4  # of an effect that is read off: what bends it changes it by less than anybody minds
MOST = 12  # moves for which the chain is made again; a match in full has fifty, whose smallest are read off
BENT = (Stage.TONE, Stage.DYNAMICS, Stage.COLOUR, Stage.IMAGE)  # whose effects a limiter behind them bends


class Stretches:
    """Keeps stretches of the sound that passes, evenly over a track of `n_samples`; all of a short one.

    `dynamics` says that effects on dynamics will be heard in them.
    """

    def __init__(self, n_samples: int, sample_rate_hz: int, *, dynamics: bool = False):
        count, seconds = (DYNAMICS_STRETCHES, DYNAMICS_STRETCH_S) if dynamics else (STRETCHES, STRETCH_S)
        size = round(seconds * sample_rate_hz)
        if n_samples <= (count + 2) * size:  # between that and a little less the stretches would overlap
            places = [(0, n_samples)]
        else:
            starts = np.linspace(0, n_samples - size, count + 2)[1:-1].astype(int)
            places = [(int(start), int(start) + size) for start in starts]
        self._kept = Kept(places)

    def passing(self, blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
        """The same blocks."""
        for block in blocks:
            self._kept.feed(block)
            yield block

    def read(self) -> FloatArray | None:
        """The stretches one after another, (channels, samples); None where nothing passed."""
        kept = self._kept.read()
        return np.concatenate(kept, axis=1) if kept else None


def stretches_for(plan: Plan, n_samples: int, sample_rate_hz: int) -> Stretches:
    """What is to be kept of a target so that the effects of a plan can be heard."""
    dynamics = any(move.stage is Stage.DYNAMICS for move in plan.active)
    return Stretches(n_samples, sample_rate_hz, dynamics=dynamics)


def effects(
    plan: Plan,
    master: Profile,
    work: GainReduction | None = None,
    target: Stretches | None = None,
    *,
    threads: int = 1,
) -> tuple[tuple[str, Effect], ...]:
    """What each heard move did. `target` kept stretches of the target; without them all is read off the master."""
    told = {move.id: mover_of(move).effect(move, master) for move in plan.active}
    bent = _bent(plan, told, work)
    stretches = target.read() if bent and target is not None else None
    if stretches is not None:
        behind = _behind(plan, tuple(bent), stretches, master, threads)
        for move in bent:
            mover, stated = mover_of(move), told[move.id]
            done = mover.effect(move, behind[""]).after - mover.effect(move, behind[move.id]).after
            told[move.id] = Effect(stated.feature, stated.after - done, stated.after)
    return tuple(told.items())


def with_tone(work: GainReduction, plan: Plan, target: Profile, master: Profile) -> GainReduction:
    """The limiter's work with what it did to the tone of the mid, read off the profiles of target and master.

    What filters did is known, the rest is the limiter's. A compressor has no curve: behind one nothing is told.
    """
    limits = any(move.stage is Stage.CEILING for move in plan.active)
    if not limits or work.max_db <= 0 or any(move.stage is Stage.DYNAMICS for move in plan.active):
        return work
    n, rate = min(len(target.band_hz), len(master.band_hz)), master.sample_rate_hz
    hz, after_db = np.array(master.band_hz[:n]), np.array(master.ltas_db[:n])
    before_db = np.array(target.ltas_db[:n]) + match_eq.curve_of(plan.active, hz, rate)
    ear_db = response_db(k_weighting(rate), hz, rate).sum(axis=0)
    before, after = (10 ** ((level + ear_db) / 10) for level in (before_db, after_db))
    heard = (before > before.max() * 10 ** (-HEARD_DB / 10)) & (hz >= EDGE_HZ[0]) & (hz <= EDGE_HZ[1])
    sides = np.array([-np.inf if one is None else one for one in master.side_to_mid_db[:n]])
    wide = 1 + 10 ** (sides / 10)  # the side is heard too, and limited as the mid is
    third = [np.convolve(power, THIRD, "same") / (power * wide).sum() for power in (before, after)]
    change_db = np.where(heard, power_to_db(third[1]) - power_to_db(third[0]), 0.0)
    at = int(np.abs(change_db).argmax())
    if abs(change_db[at]) < LEAST_TONE_DB:
        return work
    return replace(work, tone_db=float(change_db[at]), tone_hz=float(hz[at]))


def _bent(plan: Plan, told: dict[str, Effect], work: GainReduction | None) -> list[Move]:
    """The moves whose effects cannot be read off: by their size the first, in chain order."""
    bending = _bends(plan, work)

    def size(move: Move) -> float:
        if move.stage is Stage.DYNAMICS:  # a compressor has no curve
            return float("inf")
        effect = told[move.id]
        return abs(effect.after - effect.before) if bending and move.stage in BENT else 0.0

    found = sorted((move for move in plan.active if size(move) > SMALL_DB), key=size, reverse=True)[:MOST]
    return [move for move in plan.active if move in found]


def _bends(plan: Plan, work: GainReduction | None) -> bool:
    """Whether anything behind the linear moves changes what they did."""
    compressed = any(move.stage is Stage.DYNAMICS for move in plan.active)
    taken_db = np.array(work.history_db) if work is not None and work.history_db else np.zeros(1)
    return compressed or float(taken_db.mean()) >= BENDING_DB or float(taken_db.max()) >= BENDING_MOST_DB


def _behind(
    plan: Plan, bent: tuple[Move, ...], target: FloatArray, master: Profile, threads: int
) -> dict[str, Profile]:
    """What is heard behind the plan without each of some moves, by its id, and under the empty id behind all of it."""
    spread = any(move.stage is Stage.DYNAMICS for move in bent)

    def heard(chain: HalfWay) -> tuple[str, Profile]:
        asked = spread if chain.without is None else chain.without.stage is Stage.DYNAMICS
        return chain.without.id if chain.without else "", _heard(chain, master, levels=asked)

    chains = half_way(target, plan.active, (None, *bent), master.sample_rate_hz)
    return dict(side_by_side(heard, chains, threads=threads))


def _heard(chain: HalfWay, master: Profile, *, levels: bool) -> Profile:
    """The master's Profile with what effects are read from as it is behind a chain; how levels spread if asked for."""
    rate, channels = master.sample_rate_hz, chain.sound.shape[0]
    spectrum, dynamics = SpectrumMeter(rate, channels), DynamicsMeter(rate)
    for block in rendered(rechunked([chain.sound], BLOCK_SAMPLES), chain.moves, rate):
        mid, side = to_mid_side(block)
        spectrum.feed(mid, side)
        if levels:
            dynamics.feed(mid)
    heard = spectrum.read()
    profile = replace(master, ltas_db=tuple(heard.ltas_db().tolist()), side_to_mid_db=heard.side_to_mid_db())
    return replace(profile, dynamics=dynamics.bands(dynamics.read_levels())) if levels else profile
