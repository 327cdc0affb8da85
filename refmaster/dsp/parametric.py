"""Fit a curve with parametric bands: the fewest, as an engineer would dial them in, or one each third of an octave.

Bands are added one at a time, each where it lowers the weighted squared distance most, and all are refined together
after each (Levenberg-Marquardt on log frequency, gain and log Q). A band that does not earn its place is taken out
again, and two that undo each other make room for others. Responses are those of the digital filters that will run, so
what is fitted is what is heard.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from refmaster.dsp.biquad import Shape, design_many, response_db
from refmaster.dsp.octaves import octave_around
from refmaster.units import FloatArray, Mask

LOWEST_HZ, HIGHEST_HZ = 25.0, 18000.0
Q_RANGE = {Shape.BELL: (0.35, 4.0), Shape.LOW_SHELF: (0.5, 0.9), Shape.HIGH_SHELF: (0.5, 0.9)}
GUESS_HZ = 1000.0 * 2.0 ** (np.arange(-30, 25) / 6.0)  # 31 Hz to 16 kHz
GUESS_Q = (0.5, 1.0, 2.0)
THIRDS_HZ = 1000.0 * 2.0 ** (np.arange(-17, 14) / 3.0)  # 20 Hz to 20 kHz
THIRDS_Q = 4.32  # a bell as wide as its third of an octave
THIRDS_ROUNDS, THIRDS_RIDGE = 4, 1e-5
BEYOND_MOST_DB = 6.0  # what a bell may do where nothing is known
THIRDS_BEYOND = 0.05  # weight of bands of which nothing is known: enough to keep bells there from running wild
ROUNDS = 25
STEP = 1e-4
EDGE = 1.06  # half of a sixth of an octave
LEAST_UNDONE_DB = 0.1  # taste: on average over the curve; two bands that undo less of each other only meet
OPPOSED = 3.0  # a band that works against what is wanted where it stands must earn so many times its place
GAIN_COST = 3e-4  # squared dB of error that a squared dB of gain must save: two bands that undo each other save none


@dataclass(frozen=True)
class Band:
    """One band of a parametric equaliser."""

    shape: Shape
    frequency_hz: float
    gain_db: float
    q: float


@dataclass(frozen=True)
class Fit:
    """The bands that were kept, those tried and taken out, and the curve they make at the points fitted, dB."""

    bands: tuple[Band, ...]
    pruned: tuple[Band, ...]
    curve_db: FloatArray


def fit_bands(
    wanted_db: FloatArray,
    at_hz: FloatArray,
    weight: FloatArray,
    *,
    sample_rate_hz: int,
    max_bands: int,
    least_gain_db: float,
    epsilon_db: float,
    max_gain_db: float,
    max_q: float = Q_RANGE[Shape.BELL][1],
) -> Fit:
    """Bands whose sum comes near `wanted_db` at `at_hz`, both shape (n,), where `weight` (≥ 0) is large.

    A band stays only while it lowers the weighted rms error by `epsilon_db` or more and has at least
    `least_gain_db`. A curve that is nowhere that large gives no band. Two bands of which one takes back what the other
    does make room for one or two that do not, where all is missed by less than `epsilon_db` more.
    """
    problem = _Problem(wanted_db, at_hz, weight / max(weight.sum(), 1e-12), sample_rate_hz, max_gain_db, max_q)
    bands: tuple[Band, ...] = ()
    while len(bands) < max_bands:
        more = problem.refined((*bands, problem.best_addition(bands)))
        if problem.rms_db(bands) - problem.rms_db(more) < epsilon_db:
            break
        bands = more
    bands, pruned = _pruned(problem, bands, least_gain_db, epsilon_db)
    bands = _untangled(problem, bands, least_gain_db, epsilon_db)
    in_order = tuple(sorted(bands, key=lambda band: (list(Shape).index(band.shape), band.frequency_hz)))
    return Fit(in_order, pruned, problem.curve(in_order))


def fit_thirds(
    wanted_db: FloatArray,
    at_hz: FloatArray,
    weight: FloatArray,
    *,
    sample_rate_hz: int,
    least_gain_db: float,
    max_gain_db: float,
) -> Fit:
    """A bell each third of an octave, solved together: as near as an equaliser of that fineness comes.

    Arguments are those of `fit_bands`. Bells overlap, so their gains are found by least squares on the whole curve
    (a few Gauss-Newton steps: a bell's response in dB is nearly, not quite, proportional to its gain).
    """
    known = weight > 0
    if not known.any():
        return Fit((), (), np.zeros(at_hz.size))
    top_hz = min(at_hz[-1] * 1.13, HIGHEST_HZ, 0.45 * sample_rate_hz)
    places = THIRDS_HZ[(at_hz[0] / 1.13 < THIRDS_HZ) & (top_hz > THIRDS_HZ)]
    shapes, q = (Shape.BELL,) * places.size, np.full(places.size, THIRDS_Q)
    gain = np.zeros(places.size)
    wanted_db = np.interp(
        np.log(at_hz), np.log(at_hz[known]), wanted_db[known]
    )  # beyond what is known it goes on level
    weight = np.maximum(weight, THIRDS_BEYOND)
    least_db, most_db = _bounds(places, at_hz, known, wanted_db, max_gain_db)
    share = weight / weight.sum()
    for _ in range(THIRDS_ROUNDS):
        step = np.where(gain == 0.0, 1.0, gain)  # the slope of each response at its own gain, by its chord
        unit = response_db(design_many(shapes, places, step, q, sample_rate_hz), at_hz, sample_rate_hz) / step[:, None]
        normal = (unit * share) @ unit.T + THIRDS_RIDGE * np.eye(places.size)
        gain = np.clip(np.linalg.solve(normal, (unit * share) @ wanted_db), least_db, most_db)
    bands = tuple(
        Band(Shape.BELL, float(f), float(g), THIRDS_Q)
        for f, g in zip(places, gain, strict=True)
        if abs(g) >= least_gain_db
    )
    return Fit(bands, (), curve_db(bands, at_hz, sample_rate_hz))


def _bounds(
    places: FloatArray, at_hz: FloatArray, known: Mask, wanted_db: FloatArray, max_gain_db: float
) -> tuple[FloatArray, FloatArray]:
    """What each bell may do: beyond what is known no more than goes on level, and not for the sake of the edge."""
    beyond = (places < at_hz[known][0] / EDGE) | (places > at_hz[known][-1] * EDGE)
    level = np.clip(np.interp(np.log(places), np.log(at_hz), wanted_db), -BEYOND_MOST_DB, BEYOND_MOST_DB)
    least, most = (
        np.where(beyond, np.minimum(level, 0.0), -max_gain_db),
        np.where(beyond, np.maximum(level, 0.0), max_gain_db),
    )
    return np.maximum(least, -max_gain_db), np.minimum(most, max_gain_db)


def _reach(known_hz: FloatArray, sample_rate_hz: int) -> tuple[float, float]:
    """Where a band may have its middle: no further than what is known, where its gain would be anybody's guess."""
    top_hz = min(HIGHEST_HZ, 0.45 * sample_rate_hz)
    if not known_hz.size:
        return LOWEST_HZ, top_hz
    return max(LOWEST_HZ, float(known_hz[0] / EDGE)), min(top_hz, float(known_hz[-1] * EDGE))


def curve_db(bands: tuple[Band, ...], at_hz: FloatArray, sample_rate_hz: int) -> FloatArray:
    """The sum of all bands at some frequencies, dB."""
    if not bands:
        return np.zeros(at_hz.size)
    return np.asarray(response_db(_designed(bands, sample_rate_hz), at_hz, sample_rate_hz).sum(axis=0))


def _pruned(
    problem: "_Problem", bands: tuple[Band, ...], least_gain_db: float, epsilon_db: float
) -> tuple[tuple[Band, ...], tuple[Band, ...]]:
    """Take out, one at a time, the band that is missed least, while it is missed by less than it costs."""
    out: list[Band] = []
    while bands:
        rest = [problem.refined(bands[:i] + bands[i + 1 :]) for i in range(len(bands))]
        loss = [problem.rms_db(r) - problem.rms_db(bands) for r in rest]
        small = [abs(band.gain_db) < least_gain_db for band in bands]
        earned = [
            value / OPPOSED if problem.is_opposed(band) else value for value, band in zip(loss, bands, strict=True)
        ]
        cost = [-1.0 if s else value for s, value in zip(small, earned, strict=True)]
        worst = int(np.argmin(cost))
        if cost[worst] >= epsilon_db:
            break
        out.append(bands[worst])
        bands = rest[worst]
    return bands, tuple(out)


def _untangled(
    problem: "_Problem", bands: tuple[Band, ...], least_gain_db: float, epsilon_db: float
) -> tuple[Band, ...]:
    """Other bands in place of two that undo each other, as long as any are found; the worst pair first.

    They undo each other by half of what the two did at most. A further band must be worth its cost.
    """
    most_db = problem.rms_db(bands) + epsilon_db

    def price(tried: tuple[Band, ...]) -> float:
        return problem.rms_db(tried) + epsilon_db * len(tried)

    while True:
        undone_db = problem.undone_db(bands)
        for pair, pair_db in _pairs(problem, bands):
            tried = [
                one
                for one in _without(problem, bands, pair)
                if problem.rms_db(one) < most_db
                and problem.undone_db(one) <= undone_db - max(pair_db / 2, LEAST_UNDONE_DB)
                and min(abs(band.gain_db) for band in one) >= least_gain_db
            ]
            if tried:
                bands = min(tried, key=price)
                break
        else:
            return bands


def _pairs(problem: "_Problem", bands: tuple[Band, ...]) -> list[tuple[tuple[Band, Band], float]]:
    """The pairs that undo more of each other than `LEAST_UNDONE_DB`, and by how much, the worst first."""
    found = ((pair, problem.undone_db(pair)) for pair in combinations(bands, 2))
    return sorted((one for one in found if one[1] >= LEAST_UNDONE_DB), key=lambda one: -one[1])


def _without(problem: "_Problem", bands: tuple[Band, ...], pair: tuple[Band, Band]) -> Iterator[tuple[Band, ...]]:
    """The bands with one, and with two others in place of a pair; the rest moves first, to what it is best at alone."""
    left = problem.refined(tuple(band for band in bands if band not in pair))
    one = problem.refined((*left, problem.best_addition(left)))
    yield one
    yield problem.refined((*one, problem.best_addition(one)))


class _Problem:
    """The curve to fit, and the steps toward it."""

    def __init__(
        self, wanted: FloatArray, at: FloatArray, weight: FloatArray, rate: int, max_gain_db: float, max_q: float
    ):
        self.wanted, self.at, self.weight, self.rate = wanted, at, weight, rate
        self.max_gain_db, self.max_q = max_gain_db, max_q
        self.low_hz, self.top_hz = _reach(at[weight > 0], rate)

    def curve(self, bands: tuple[Band, ...]) -> FloatArray:
        return curve_db(bands, self.at, self.rate)

    def rms_db(self, bands: tuple[Band, ...]) -> float:
        return float(np.sqrt((self.weight * (self.wanted - self.curve(bands)) ** 2).sum()))

    def undone_db(self, bands: tuple[Band, ...]) -> float:
        """What bands do and others take back, on average over the curve."""
        each = np.stack([np.zeros(self.at.size), *(self.curve((band,)) for band in bands)])
        return float((self.weight * (np.abs(each).sum(axis=0) - np.abs(each.sum(axis=0)))).sum())

    def is_opposed(self, band: Band) -> bool:
        """Whether a bell goes against what is wanted in the octave around it: it mends what other bands overdo."""
        if band.shape is not Shape.BELL:
            return False
        here = self.weight * octave_around(self.at, band.frequency_hz)
        return float((here * self.wanted).sum()) * band.gain_db < 0

    def best_addition(self, bands: tuple[Band, ...]) -> Band:
        """The one band, from a grid, that explains most of what is left; its gain by linear least squares."""
        left = self.wanted - self.curve(bands)
        used = {band.shape for band in bands}
        places = GUESS_HZ[(self.low_hz <= GUESS_HZ) & (self.top_hz >= GUESS_HZ)]
        grid = [(Shape.BELL, f, q) for f in places for q in GUESS_Q]
        for shelf in (Shape.LOW_SHELF, Shape.HIGH_SHELF):
            if shelf not in used:
                grid += [(shelf, f, 0.7) for f in places]
        shapes = tuple(shape for shape, _, _ in grid)
        f, q = np.array([g[1] for g in grid]), np.array([g[2] for g in grid])
        unit = response_db(design_many(shapes, f, np.ones(len(grid)), q, self.rate), self.at, self.rate)
        along = (unit * (self.weight * left)).sum(axis=1)
        norm = (unit**2 * self.weight).sum(axis=1) + 1e-9
        best = int(np.argmax(along**2 / norm))
        gain = float(np.clip(along[best] / norm[best], -self.max_gain_db, self.max_gain_db))
        return Band(shapes[best], float(f[best]), gain, float(q[best]))

    def refined(self, bands: tuple[Band, ...]) -> tuple[Band, ...]:
        """All bands moved together to a nearby minimum."""
        if not bands:
            return bands
        x = self._coded(bands)
        shapes = tuple(band.shape for band in bands)
        damping, root = 1e-2, np.sqrt(self.weight)
        each, jacobian = self._each(shapes, x), None
        error = self._error(each, x, root)
        for _ in range(ROUNDS):
            if jacobian is None:
                jacobian = np.concatenate(
                    [self._slopes(shapes, x, each) * root[:, np.newaxis], _gain_slopes(len(shapes))]
                )
                normal = jacobian.T @ jacobian
            step = np.linalg.solve(
                normal + damping * (np.diag(np.diag(normal)) + 1e-6 * np.eye(x.size)), jacobian.T @ error
            )
            tried = self._held(shapes, x + step)
            each_tried = self._each(shapes, tried)
            new = self._error(each_tried, tried, root)
            gained = (error**2).sum() - (new**2).sum()
            if gained > 0:
                x, each, jacobian, error, damping = tried, each_tried, None, new, max(damping / 3, 1e-7)
                if gained < 1e-6 * (error**2).sum() + 1e-12:
                    break
            else:
                damping *= 4
                if damping > 1e4:
                    break
        return self._decoded(shapes, x)

    def _error(self, each: FloatArray, x: FloatArray, root: FloatArray) -> FloatArray:
        """What is missed at each point, by its weight, and what the gains cost."""
        missed = root * (self.wanted - each.sum(axis=0))
        return np.concatenate([missed, -np.sqrt(GAIN_COST) * x[1::3]])

    def _coded(self, bands: tuple[Band, ...]) -> FloatArray:
        return np.array([[np.log2(b.frequency_hz), b.gain_db, np.log2(b.q)] for b in bands]).ravel()

    def _decoded(self, shapes: tuple[Shape, ...], x: FloatArray) -> tuple[Band, ...]:
        rows = x.reshape(-1, 3)
        return tuple(Band(s, float(2**f), float(g), float(2**q)) for s, (f, g, q) in zip(shapes, rows, strict=True))

    def _held(self, shapes: tuple[Shape, ...], x: FloatArray) -> FloatArray:
        rows = x.reshape(-1, 3).copy()
        rows[:, 0] = np.clip(rows[:, 0], np.log2(self.low_hz), np.log2(self.top_hz))
        rows[:, 1] = np.clip(rows[:, 1], -self.max_gain_db, self.max_gain_db)
        low, high = np.array([Q_RANGE[s] for s in shapes]).T
        rows[:, 2] = np.clip(rows[:, 2], np.log2(low), np.log2(np.minimum(high, self.max_q)))
        return rows.ravel()

    def _each(self, shapes: tuple[Shape, ...], x: FloatArray) -> FloatArray:
        f, g, q = x.reshape(-1, 3).T
        return response_db(design_many(shapes, 2**f, g, 2**q, self.rate), self.at, self.rate)

    def _slopes(self, shapes: tuple[Shape, ...], x: FloatArray, each: FloatArray) -> FloatArray:
        """Jacobian, shape (points, 3 · bands): a band's response, `each` at x, depends on its own numbers only."""
        moved = np.repeat(x.reshape(1, -1, 3), 3, axis=0)
        for k in range(3):
            moved[k, :, k] += STEP
        columns = (self._each(shapes * 3, moved.ravel()).reshape(3, len(shapes), -1) - each) / STEP
        return np.asarray(columns.transpose(1, 0, 2).reshape(-1, self.at.size).T)


def _gain_slopes(bands: int) -> FloatArray:
    """How what gains cost changes with each number of each band: (bands, 3 · bands)."""
    return np.kron(np.sqrt(GAIN_COST) * np.eye(bands), np.array([[0.0, 1.0, 0.0]]))


def _designed(bands: tuple[Band, ...], sample_rate_hz: int) -> FloatArray:
    f, g, q = (np.array([getattr(b, name) for b in bands]) for name in ("frequency_hz", "gain_db", "q"))
    return design_many(tuple(b.shape for b in bands), f, g, q, sample_rate_hz)
