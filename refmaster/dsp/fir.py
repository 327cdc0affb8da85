"""Linear phase: the magnitude of biquads without their shift of phase, as a symmetric FIR centred on each sample.

The taps are the magnitude, sampled finely and transformed back (a zero-phase filter: nothing is delayed, so there is
nothing to compensate). They are cut where all that is cut off, added up regardless of sign, is less than `ERROR_DB` of
the smallest gain: that sum bounds the error at every frequency, DC and Nyquist among them. How long the filter gets
follows from the bands: a high shelf rings for a fraction of a millisecond, a narrow bell at 30 Hz for seconds.

Long filters are applied by overlap-save [1], in blocks on an absolute grid: any cut of the stream gives the same bytes.

[1] A. V. Oppenheim, R. W. Schafer, "Discrete-time signal processing", section 8.7.3.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, repeat

import numpy as np

from refmaster.dsp.biquad import response_db
from refmaster.dsp.blocks import rechunked
from refmaster.dsp.transform import irfft, rfft
from refmaster.units import FloatArray, db_to_gain

ERROR_DB = 0.001  # well under the 0.05 dB that are promised: it costs a fifth more taps than 0.005
LONGEST_S = 4.0  # to each side: a bell of Q 10 and 24 dB at 30 Hz, the worst that can be set there, needs 3.8 s
FADED = 1e-8  # what is left of the ringing where the grid of the design ends
AT_REST = 1e-9  # a band whose zeros lie so near its poles does nothing: dropped or at rest, the filter is the same
SMALLEST_GRID = 2**12
SMALLEST_FRAME, FRAME_TAPS = (
    2**15,
    3,
)  # samples, and times as long as the filter: measured, longer ones leave the caches
RING_DB = 40.0  # ringing so far under its start is over: taste, what a hit masks soon


def zero_phase(coefficients: FloatArray, sample_rate_hz: int) -> FloatArray:
    """The symmetric taps that have the product of the magnitudes of all biquads: (bands, 5) give (2 · half + 1,).

    Within 0.05 dB of the biquads wherever the ringing is over in `LONGEST_S`; what rings longer is cut there.
    """
    coefficients = coefficients[np.abs(coefficients[:, :3] - _denominators(coefficients)).max(axis=1) > AT_REST]
    size = _grid(coefficients, sample_rate_hz)
    at_hz = np.asarray(np.fft.rfftfreq(size, 1 / sample_rate_hz), dtype=np.float64)
    level_db = np.zeros(at_hz.size)
    for band in coefficients:
        level_db += response_db(band[np.newaxis, :], at_hz, sample_rate_hz)[0]
    gain = 10 ** (level_db / 20)
    side = irfft(gain, size)[: size // 2]
    beyond = 2 * np.cumsum(np.abs(side[::-1]))[::-1]  # what is lost on both sides if this tap is the first to go
    kept = int(np.count_nonzero(beyond > (db_to_gain(ERROR_DB) - 1) * gain.min()))
    half = min(max(kept - 1, 0), round(LONGEST_S * sample_rate_hz))
    return np.concatenate([side[half:0:-1], side[: half + 1]])


def convolved(blocks: Iterable[FloatArray], taps: FloatArray) -> Iterator[FloatArray]:
    """A stream of (channels, samples) through symmetric taps: as long as it was, aligned, any cut the same."""
    half = taps.size // 2
    if half == 0:
        yield from (block * taps[0] for block in blocks)
        return
    size = max(SMALLEST_FRAME, _power_of_two(FRAME_TAPS * taps.size))
    hop = size - 2 * half
    gain = rfft(np.roll(np.pad(taps, (0, size - taps.size)), -half)).real  # of symmetric taps there is no more
    heard, at = 0, -half  # samples that came in, and the place of the first that the next frame tells
    frame: FloatArray | None = None
    nothing = np.zeros((0, 0))
    for block in chain(rechunked(blocks, hop), repeat(nothing)):
        if block is nothing and (frame is None or at >= heard):
            return
        if frame is None:
            frame = np.zeros((block.shape[0], size))
        heard += block.shape[1]
        _push(frame, block, hop)
        yield _through(frame, gain, slice(half + max(0, -at), half + min(hop, heard - at)))
        at += hop


def ring_s(coefficients: FloatArray, sample_rate_hz: int) -> float:
    """How long the slowest of some bands rings, to each side, until it is `RING_DB` down: (bands, 5)."""
    return float(np.log(db_to_gain(RING_DB)) / _decay(coefficients) / sample_rate_hz)


def _push(frame: FloatArray, block: FloatArray, hop: int) -> None:
    """Move a frame on by a hop; where the sound has ended, silence follows."""
    kept = frame.shape[1] - hop
    frame[:, :kept] = frame[:, hop:]
    frame[:, kept:] = 0.0
    if block.size:
        frame[:, kept : kept + block.shape[1]] = block


def _through(frame: FloatArray, gain: FloatArray, told: slice) -> FloatArray:
    """What a frame tells in circular convolution.

    Channel by channel, so that a channel does not depend on how many there are.
    """
    return np.stack([irfft(rfft(channel) * gain, channel.size)[told] for channel in frame])


def _grid(coefficients: FloatArray, sample_rate_hz: int) -> int:
    """How finely to sample the magnitude: the taps must have faded before they meet their own mirror image."""
    most = 4 * LONGEST_S * sample_rate_hz
    samples = min(-2 * np.log(FADED) / _decay(coefficients), most)
    return max(SMALLEST_GRID, _power_of_two(samples))


def _decay(coefficients: FloatArray) -> float:
    """By how much, as a logarithm, the slowest ringing fades from sample to sample: by its root nearest the circle."""
    polynomials = np.concatenate([coefficients[:, :3], _denominators(coefficients)])
    radii = np.abs(np.concatenate([np.full(1, 0.5), *(np.roots(p) for p in polynomials)]))  # 0.5: without any band
    return float(max(np.abs(np.log(radii[radii > 0])).min(), 1e-12))


def _denominators(coefficients: FloatArray) -> FloatArray:
    return np.concatenate([np.ones((coefficients.shape[0], 1)), coefficients[:, 3:]], axis=1)


def _power_of_two(at_least: float) -> int:
    return 1 << int(np.ceil(np.log2(max(at_least, 1.0))))
