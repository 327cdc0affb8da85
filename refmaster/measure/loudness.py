"""Loudness: ITU-R BS.1770-5 [1], EBU Tech 3341 [2] and 3342 [3].

All is derived from the K-weighted energy of 10 ms cells, edges at the nearest sample: momentary is 40 cells,
short-term 300, a gating block 40 with a hop of 10. A grid of 100 ms misses the short bursts of [2] case 13.
The weighting filters are the analogue prototypes behind the tables of [1], re-derived at each sample rate; at
48 kHz they give the printed coefficients.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from refmaster.dsp.jit import kernel
from refmaster.units import FloatArray, power_to_db

CELLS_PER_S = 100
MOMENTARY_CELLS = 40
SHORT_TERM_CELLS = 300
GATE_HOP_CELLS = 10  # 75 % overlap of 400 ms blocks, [1] annex 1
OFFSET_DB = -0.691  # [1] eq. 2: makes a 997 Hz sine read its own level
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0  # integrated, [1] eq. 7
RANGE_GATE_LU = -20.0  # loudness range, [3] section 3
SILENCE_AFTER_S = 1.5  # a file meter appends this before its last LRA, [3] section 4

SHELF_HZ, SHELF_DB, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
HIGH_PASS_HZ, HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773


@dataclass(frozen=True)
class Loudness:
    """What was measured. `cell_power` is the weighted, channel-summed mean square of each 10 ms, shape (cells,)."""

    integrated_lufs: float | None
    loudness_range_lu: float | None
    max_momentary_lufs: float | None
    max_short_term_lufs: float | None
    cell_power: FloatArray

    def curve(self, name: str) -> tuple[FloatArray, FloatArray]:
        """When each window ends (s) and its loudness (LUFS), every 10 ms; name is "momentary" or "short_term"."""
        cells = {"momentary": MOMENTARY_CELLS, "short_term": SHORT_TERM_CELLS}[name]
        powers = window_powers(self.cell_power, cells)
        ends_s = (np.arange(powers.size) + cells) / CELLS_PER_S
        return ends_s, OFFSET_DB + power_to_db(powers)


class LoudnessMeter:
    """The meter as a thing that listens: feed it blocks, then ask. Any cutting of the stream gives the same bits."""

    def __init__(self, sample_rate_hz: int, channels: int, weights: tuple[float, ...] | None = None):
        self._sample_rate_hz = sample_rate_hz
        self._weights = np.array(weights if weights is not None else (1.0,) * channels)
        self._filters = k_weighting(sample_rate_hz)
        self._state = np.zeros((channels, 4))
        self._open = np.zeros(channels)  # energy of the cell that is not full yet
        self._cells: list[FloatArray] = []
        self._seen = 0

    def feed(self, block: FloatArray) -> None:
        """Listen to a block, shape (channels, samples)."""
        ends = _cell_ends(self._seen, block.shape[1], self._sample_rate_hz)
        energy = np.empty((block.shape[0], ends.size))
        for first in range(0, block.shape[0], 2):  # two at a time: the processor overlaps their recursions
            second = min(first + 1, block.shape[0] - 1)
            _weigh_pair(
                block[first], block[second], self._filters, self._state, first, second, self._open, ends, energy
            )
        self._cells.append(energy)
        self._seen += block.shape[1]

    def read(self) -> Loudness:
        """The measurement of all that was fed; an unfinished last cell is not counted."""
        energy = np.concatenate(self._cells, axis=1) if self._cells else np.zeros((self._weights.size, 0))
        edges = _cell_edge(np.arange(energy.shape[1] + 1), self._sample_rate_hz)
        return loudness_of((self._weights @ energy) / np.diff(edges))


def measure_loudness(
    blocks: Iterable[FloatArray], sample_rate_hz: int, weights: tuple[float, ...] | None = None
) -> Loudness:
    """Loudness of a stream. `weights` per channel are 1 unless given: (1, 1, 1, 1.41, 1.41) for 5.0.

    A full-scale 997 Hz sine in one channel reads −3.01 LUFS. None where there is too little sound: integrated
    needs 400 ms above −70 LUFS, short-term 3 s.
    """
    meter: LoudnessMeter | None = None
    for block in blocks:
        meter = meter or LoudnessMeter(sample_rate_hz, block.shape[0], weights)
        meter.feed(block)
    return meter.read() if meter else loudness_of(np.zeros(0))


def window_powers(cell_power: FloatArray, cells: int) -> FloatArray:
    """Mean power of each window of so many cells, one every cell; empty where the track is shorter."""
    if cell_power.size < cells:
        return np.zeros(0)
    # Not a running sum: its rounding would leave dust of loud parts behind in silent ones.
    return np.asarray(np.lib.stride_tricks.sliding_window_view(cell_power, cells).mean(axis=1))


def integrated_lufs(cell_power: FloatArray) -> float | None:
    """Integrated loudness of weighted 10 ms cells."""
    return gated_lufs(window_powers(cell_power, MOMENTARY_CELLS)[::GATE_HOP_CELLS])


def gated_lufs(block_power: FloatArray) -> float | None:
    """Integrated loudness of gating blocks: absolute gate, relative gate, energy mean ([1] eq. 4 to 7)."""
    above = block_power[power_to_db(block_power) + OFFSET_DB > ABSOLUTE_GATE_LUFS]
    if not above.size:
        return None
    gate_db = 10 * math.log10(above.mean()) + RELATIVE_GATE_LU
    kept = above[power_to_db(above) > gate_db]
    return OFFSET_DB + 10 * math.log10(kept.mean())


def k_weighting(sample_rate_hz: int) -> FloatArray:
    """The two biquads of [1] at a sample rate: shape (2, 5), rows b0 b1 b2 a1 a2 (the high-pass keeps b = 1, −2, 1)."""
    k = math.tan(math.pi * SHELF_HZ / sample_rate_hz)
    vh = 10 ** (SHELF_DB / 20)
    vb = vh**0.4996667741545416  # the exponent that reproduces the printed table
    a0 = 1 + k / SHELF_Q + k * k
    shelf = [
        (vh + vb * k / SHELF_Q + k * k) / a0,
        2 * (k * k - vh) / a0,
        (vh - vb * k / SHELF_Q + k * k) / a0,
        2 * (k * k - 1) / a0,
        (1 - k / SHELF_Q + k * k) / a0,
    ]
    a1, a2 = _high_pass(sample_rate_hz)
    # The table's high-pass is not normalised: its b = 1, −2, 1 leaves a gain of 0.04 dB at 48 kHz, which has to be the
    # same at every rate.
    table_a1, table_a2 = _high_pass(48000)
    even = (1 - a1 + a2) / (1 - table_a1 + table_a2)
    return np.array([[shelf[0] * even, shelf[1] * even, shelf[2] * even, *shelf[3:]], [1.0, -2.0, 1.0, a1, a2]])


def _high_pass(sample_rate_hz: int) -> tuple[float, float]:
    k = math.tan(math.pi * HIGH_PASS_HZ / sample_rate_hz)
    a0 = 1 + k / HIGH_PASS_Q + k * k
    return 2 * (k * k - 1) / a0, (1 - k / HIGH_PASS_Q + k * k) / a0


def loudness_of(cell_power: FloatArray) -> Loudness:
    """The measurement whose weighted cells of 10 ms are these."""
    momentary, short_term = (window_powers(cell_power, n) for n in (MOMENTARY_CELLS, SHORT_TERM_CELLS))
    return Loudness(
        integrated_lufs=gated_lufs(momentary[::GATE_HOP_CELLS]),
        loudness_range_lu=_range_lu(cell_power),
        max_momentary_lufs=loudest_lufs(momentary),
        max_short_term_lufs=loudest_lufs(short_term),
        cell_power=cell_power,
    )


def loudest_lufs(powers: FloatArray) -> float | None:
    """The loudness of the loudest of windows; None for none, and for silence."""
    return OFFSET_DB + 10 * math.log10(powers.max()) if powers.size and powers.max() > 1e-20 else None


def _range_lu(cell_power: FloatArray) -> float | None:
    """[3]: P95 − P10 of gated short-term loudness, nearest rank, with silence appended as a file meter does."""
    if cell_power.size < SHORT_TERM_CELLS:
        return None
    padded = np.concatenate([cell_power, np.zeros(round(SILENCE_AFTER_S * CELLS_PER_S))])
    levels = np.sort(power_to_db(window_powers(padded, SHORT_TERM_CELLS)[::GATE_HOP_CELLS]) + OFFSET_DB)
    levels = levels[levels >= ABSOLUTE_GATE_LUFS]
    if not levels.size:
        return None
    gate = 10 * math.log10((10 ** (levels / 10)).mean()) + RANGE_GATE_LU
    levels = levels[levels >= gate]
    low, high = (levels[math.floor((levels.size - 1) * p / 100 + 0.5)] for p in (10, 95))
    return float(high - low)


def _cell_edge(index: "np.typing.NDArray[np.int64]", sample_rate_hz: int) -> "np.typing.NDArray[np.int64]":
    return (index * sample_rate_hz + CELLS_PER_S // 2) // CELLS_PER_S


def _cell_ends(start: int, samples: int, sample_rate_hz: int) -> "np.typing.NDArray[np.int64]":
    """Ends of the cells that close within a block, counted from the block's start."""
    first = (start * CELLS_PER_S) // sample_rate_hz
    last = ((start + samples) * CELLS_PER_S) // sample_rate_hz + 2
    edges = _cell_edge(np.arange(first, last), sample_rate_hz)
    return edges[(edges > start) & (edges <= start + samples)] - start


@kernel
def _weigh_pair(left, right, filters, state, first, second, carried, ends, energy):  # type: ignore[no-untyped-def]
    """K-weight two channels side by side and sum their squares per cell (transposed direct form II, f64 state)."""
    b0, b1, b2, a1, a2 = filters[0]
    d1, d2 = filters[1, 3], filters[1, 4]
    p1, p2, p3, p4 = state[first]
    q1, q2, q3, q4 = state[second]
    sum_l, sum_r = carried[first], carried[second]
    i = 0
    for cell in range(ends.size + 1):
        end = ends[cell] if cell < ends.size else left.size
        for n in range(i, end):
            x, u = left[n], right[n]
            y, v = b0 * x + p1, b0 * u + q1
            p1, q1 = b1 * x - a1 * y + p2, b1 * u - a1 * v + q2
            p2, q2 = b2 * x - a2 * y, b2 * u - a2 * v
            z, w = y + p3, v + q3
            p3, q3 = -2.0 * y - d1 * z + p4, -2.0 * v - d1 * w + q4
            p4, q4 = y - d2 * z, v - d2 * w
            sum_l += z * z
            sum_r += w * w
        i = end
        if cell < ends.size:
            energy[first, cell], energy[second, cell] = sum_l, sum_r
            sum_l, sum_r = 0.0, 0.0
    state[first, 0], state[first, 1], state[first, 2], state[first, 3] = p1, p2, p3, p4
    state[second, 0], state[second, 1], state[second, 2], state[second, 3] = q1, q2, q3, q4
    carried[first], carried[second] = sum_l, sum_r
