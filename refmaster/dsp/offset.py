"""What is slower than any sound: a baseline under the waveform, found and taken out.

The baseline is the mean of the sound around each moment through a Hann window, as long to either side: a low-pass that
turns no phase. A window of T seconds leaves half of 1/T Hz to the baseline and next to nothing above 2/T.

It is never higher than the sound around it. So it ends where the sound ends: silence stays as it was, and so do the
first and the last sample of a file that begins or ends near zero. A mean alone would reach into both.

It is found on a grid of 5 ms: means through triangles over two steps, which let a bass tone at the grid's own rate
through by less than −70 dB, and straight lines between them. So it costs next to nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from refmaster.dsp.blocks import rechunked
from refmaster.units import FloatArray

STEP_S = 0.005
LONGEST_S = 2.0  # of the window, so that what has to be held is bounded
GAP_STEPS = 20  # to either side: quiet for less than 0.2 s is no silence, but the gap between two waves or two notes
FADE_STEPS = 2  # to either side: over 25 ms the baseline comes and goes where sound does; longer, it comes too late
AUDIBLE = 1e-4  # −80 dBFS
LEAST_CHUNK_STEPS = 200  # 1 s


@dataclass(frozen=True)
class _Chunk:
    """A block, and of each step of it what its triangles weigh and sum up to, and how high it gets.

    `rising` and `falling` have the shape (1 + channels, steps), their first row being the weights alone; `peak` has
    (channels, steps).
    """

    block: FloatArray
    rising: FloatArray
    falling: FloatArray
    peak: FloatArray


def without_offset(blocks: Iterable[FloatArray], below_hz: float, sample_rate_hz: int) -> Iterator[FloatArray]:
    """A stream of (channels, samples) without what moves slower than `below_hz`, of which half is left.

    As long as it was, aligned, any cut the same bytes.
    """
    step = max(1, round(STEP_S * sample_rate_hz))
    half = max(1, round(min(1 / below_hz, LONGEST_S) / STEP_S / 2))
    reach = max(half, 2 * GAP_STEPS + 2 * FADE_STEPS + 1) + 2
    grid = max(reach, LEAST_CHUNK_STEPS) * step
    before: _Chunk | None = None
    now: _Chunk | None = None
    for block in chain(rechunked(blocks, grid), (None,)):
        coming = None if block is None else _weighed(block, step)
        if now is not None:
            around = [one for one in (before, now, coming) if one is not None]
            first = reach + (0 if before is None else before.peak.shape[1])
            nodes = _baseline(around, half, reach)[:, first : first + now.peak.shape[1] + 1]
            yield now.block - _drawn(nodes, step)[:, : now.block.shape[1]]
        before, now = now, coming


def _weighed(block: FloatArray, step: int) -> _Chunk:
    channels, n_samples = block.shape
    short = -n_samples % step
    ones = np.concatenate([np.ones((1, n_samples)), block])
    steps = np.pad(ones, ((0, 0), (0, short))).reshape(1 + channels, -1, step)
    up = _ramp(step)
    return _Chunk(block, (steps * up).sum(axis=2), (steps * (1 - up)).sum(axis=2), np.abs(steps[1:]).max(axis=2))


def _ramp(step: int) -> FloatArray:
    return np.asarray((np.arange(step) + 0.5) / step)


def _baseline(around: list[_Chunk], half: int, reach: int) -> FloatArray:
    """The baseline where steps meet, from `reach` steps before the first chunk to as many behind the last."""
    heights = _filled([one.peak for one in around], reach)
    sounds = heights > AUDIBLE  # silence has no say: within it a mean is none, and beside it would be half of one
    rising, falling = (_joined(rows, reach) for rows in ([c.rising for c in around], [c.falling for c in around]))
    window = np.hanning(2 * half + 1)[1:-1]
    mean = np.zeros((sounds.shape[0], sounds.shape[1] + 1))
    for channel, heard in enumerate(sounds):
        weight, total = (_around(heard * rising[row], heard * falling[row], window) for row in (0, channel + 1))
        mean[channel] = total / np.maximum(weight, 1e-9)
    most = _most(heights, np.abs(around[0].block[:, :1]), np.abs(around[-1].block[:, -1:]), reach)
    return np.clip(mean, -most, most)


def _around(rising: FloatArray, falling: FloatArray, window: FloatArray) -> FloatArray:
    """The sums of triangles where steps meet, and through a window over them."""
    return np.convolve(np.pad(rising, (1, 0)) + np.pad(falling, (0, 1)), window, "same")


def _joined(parts: list[FloatArray], reach: int) -> FloatArray:
    """Chunk after chunk, with as much as can be reached of nothing at both ends."""
    return np.pad(np.concatenate(parts, axis=1), ((0, 0), (reach, reach)))


def _filled(peaks: list[FloatArray], reach: int) -> FloatArray:
    """How high the sound is in each step, short gaps filled."""
    return _each(_each(_joined(peaks, reach), GAP_STEPS, np.max), GAP_STEPS, np.min)


def _most(heights: FloatArray, first: FloatArray, last: FloatArray, reach: int) -> FloatArray:
    """How high the baseline may be where steps meet: no higher than the sound, and no edge sharper than a fade.

    Outside the file it may be as high as the file's first and last sample, for there it is cut off.
    """
    filled = heights.copy()
    filled[:, :reach] = first
    filled[:, -reach:] = last
    filled[:, -reach - 1 : -reach] = np.minimum(filled[:, -reach - 1 : -reach], last)  # a last step may be cut short
    meeting = np.minimum(filled[:, :-1], filled[:, 1:])
    meeting = np.concatenate([filled[:, :1], meeting, filled[:, -1:]], axis=1)
    lowest = _each(meeting, FADE_STEPS + 1, np.min)  # one more, for steps that are silent in part
    return _each(lowest, FADE_STEPS, np.mean)


def _each(values: FloatArray, half: int, of: Callable[..., FloatArray]) -> FloatArray:
    """Of each value and its neighbours one number; beyond the ends the outermost values go on."""
    padded = np.pad(values, ((0, 0), (half, half)), "edge")
    return of(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=1), axis=2)


def _drawn(nodes: FloatArray, step: int) -> FloatArray:
    """Straight lines between nodes, (channels, steps + 1) to (channels, steps · step)."""
    up = _ramp(step)
    lines = nodes[:, :-1, np.newaxis] * (1 - up) + nodes[:, 1:, np.newaxis] * up
    return np.asarray(lines.reshape(nodes.shape[0], -1))
