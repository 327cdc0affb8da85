"""The long-term average spectrum, and what is read from it.

The spectrum is kept frame by frame in 1/6-octave bands (mid, and side in stereo), because the average alone cannot
tell arrangement from mastering. Frames are about 0.37 s long, half overlapped: 2.7 Hz a bin, so that the lowest
bands hold at least one.
"""

from dataclasses import dataclass, replace

import numpy as np

from refmaster.dsp.frames import BandFrames, power_of_two
from refmaster.dsp.octaves import centres_hz, edges_hz
from refmaster.units import FloatArray, Mask, power_to_db

FRAME_S = 0.37
SEGMENT_S = 5.0  # a stretch whose average is looked at on its own
GATE_DB = 40.0  # frames this far under the loud ones (P95) are pauses, not music
FLOOR_DBFS = -80.0
EMPTY_DB = 70.0  # a band this far under the fullest holds nothing that a comparison could trust
TILT_HZ = (100.0, 10000.0)
CUT_DB = 18.0  # measured: what codecs and low sample rates cut falls by more, music by less
BANDS_AN_OCTAVE = 6
SHAPE_HZ, SHAPE_FRAMES = (400.0, 9000.0), 50
DENSE_S = 46.0  # a track no longer than this is short of frames to match: those halfway between are heard, too


@dataclass(frozen=True)
class Spectrum:
    """Band powers of each frame, shape (frames, bands); `side` is None in mono. `active` marks frames with music.

    `mid_bins` and `side_bins` are the mean power in bins `bin_hz` apart over the whole track, for what bands are too
    coarse for. `between_mid` and `between_side` are the frames halfway between the others, of a track so short that
    every frame counts when passages are matched; no rows where it is longer.
    """

    band_hz: FloatArray
    mid: FloatArray
    side: FloatArray | None
    active: Mask
    frame_hop_s: float
    bin_hz: float
    mid_bins: FloatArray
    side_bins: FloatArray | None
    between_mid: FloatArray
    between_side: FloatArray | None

    def passages(self) -> tuple[FloatArray, FloatArray | None]:
        """Band powers of mid and side in every frame that holds music, for matching one with another."""
        mid = np.concatenate([self.mid[self.active], self.between_mid])
        if self.side is None or self.between_side is None:
            return mid, None
        return mid, np.concatenate([self.side[self.active], self.between_side])

    def without_frames(self) -> "Spectrum":
        """The averages over the whole track alone; copied, so that the frames can go."""
        none = self.mid[:0].copy()
        side = None if self.side is None else none
        return replace(self, mid=none, side=side, active=self.active[:0].copy(), between_mid=none, between_side=side)

    def ltas_db(self) -> FloatArray:
        """Level of the mid in each band, dBFS, averaged in power over active frames."""
        return power_to_db(_mean(self.mid[self.active]))

    def side_ltas_db(self) -> FloatArray | None:
        """The same for the side; None in mono."""
        return None if self.side is None else power_to_db(_mean(self.side[self.active]))

    def side_to_mid_db(self) -> tuple[float | None, ...]:
        """Side above mid in each band, dB; None where either is empty, and everywhere in mono."""
        side = self.side_ltas_db()
        mid = self.ltas_db()
        if side is None:
            return (None,) * mid.size
        top = max(mid.max(), side.max())
        heard = (mid > top - EMPTY_DB) & (side > top - EMPTY_DB - 20) & (top > FLOOR_DBFS)
        return tuple(float(s - m) if ok else None for s, m, ok in zip(side, mid, heard, strict=True))

    def shape_sd_db(self) -> float | None:
        """How far the shape moves from frame to frame, level taken out: dB standard deviation, median band.

        From 400 Hz, under which a band holds few bins, to 9 kHz; None for less than 50 frames or where little is heard.
        """
        level = self.ltas_db()
        heard = (level > level.max() - EMPTY_DB) & (self.band_hz >= SHAPE_HZ[0]) & (self.band_hz <= SHAPE_HZ[1])
        frames = self.mid[self.active][:, heard]
        if len(frames) < SHAPE_FRAMES or heard.sum() < BANDS_AN_OCTAVE:
            return None
        shape = power_to_db(frames, 1e-14)
        shape -= shape.mean(axis=1, keepdims=True)
        return float(np.median(shape.std(axis=0)))

    def segment_sd_db(self) -> FloatArray:
        """How far stretches of ~5 s stand from the average in each band, level removed: dB standard deviation."""
        frames = self.mid[self.active]
        per = max(1, round(SEGMENT_S / self.frame_hop_s))
        parts = [frames[i : i + per].mean(axis=0) for i in range(0, len(frames) - per + 1, per)]
        if len(parts) < 2:
            return np.full(self.band_hz.size, 4.0)  # FACTS: within a song 3–4 dB; too short to measure here
        levels = power_to_db(np.array(parts))
        return np.asarray((levels - levels.mean(axis=1, keepdims=True)).std(axis=0, ddof=1))


class SpectrumMeter:
    """Feed it mid and side, then read the Spectrum; frames between only where passages will be matched."""

    def __init__(self, sample_rate_hz: int, channels: int, *, matched: bool = False):
        n_fft = power_of_two(FRAME_S * sample_rate_hz)
        self._hop_s, self._bin_hz = n_fft / 2 / sample_rate_hz, sample_rate_hz / n_fft
        self._band_hz = np.array(centres_hz(sample_rate_hz))
        edges = edges_hz(self._band_hz)
        signals = min(channels, 2)
        self._frames, self._between = (
            [BandFrames(sample_rate_hz, n_fft=n_fft, hop_samples=n_fft // 2, edges=edges) for _ in range(count)]
            for count in (signals, signals if matched else 0)
        )
        self._late = n_fft // 4  # samples by which the frames between start later
        self._heard, self._dense = 0, round(DENSE_S * sample_rate_hz)

    def feed(self, mid: FloatArray, side: FloatArray | None) -> None:
        """Listen to a stretch of mid and side, shape (samples,)."""
        skipped = max(0, self._late - self._heard)
        self._heard += mid.size
        if self._heard > self._dense:
            self._between = []
        for number, signal in enumerate((mid, side)[: len(self._frames)]):
            if signal is not None:
                self._frames[number].feed(signal)
                if self._between:
                    self._between[number].feed(signal[skipped:])

    def read(self) -> Spectrum:
        """The measurement of all that was fed."""
        powers = [frames.read() for frames in self._frames]
        level = power_to_db(sum(p.sum(axis=1) for p in powers))
        gate = max(FLOOR_DBFS, float(np.percentile(level, 95)) - GATE_DB)
        bins = [frames.bin_powers() for frames in self._frames]
        between = [frames.read() for frames in self._between] or [np.zeros((0, self._band_hz.size))] * len(powers)
        heard = power_to_db(sum(p.sum(axis=1) for p in between)) > gate
        side, side_bins, side_between = (v[1] if len(v) > 1 else None for v in (powers, bins, between))
        return Spectrum(
            band_hz=self._band_hz,
            mid=powers[0],
            side=side,
            active=level > gate,
            frame_hop_s=self._hop_s,
            bin_hz=self._bin_hz,
            mid_bins=bins[0],
            side_bins=side_bins,
            between_mid=between[0][heard],
            between_side=None if side_between is None else side_between[heard],
        )


def tilt_db_per_oct(band_hz: FloatArray, ltas_db: FloatArray) -> float | None:
    """Slope of band levels over octaves between 100 Hz and 10 kHz by least squares; pink noise is 0."""
    used = (band_hz >= TILT_HZ[0]) & (band_hz <= TILT_HZ[1]) & (ltas_db > ltas_db.max() - EMPTY_DB)
    return float(np.polyfit(np.log2(band_hz[used]), ltas_db[used], 1)[0]) if used.sum() >= 6 else None


def hf_cutoff_hz(spectrum: Spectrum) -> float | None:
    """Where the top of the spectrum was cut off (a lossy codec, a low sample rate); None where it was not.

    A cut is a fall of 18 dB or more from a band to all that lie two or more above it, above 3 kHz. Music rolls off by
    no more than 4 dB there. Beside a band that stands out of the octave below it, as a whistle does, what lies above is
    not missing where it is as loud as that octave; by `EMPTY_DB` under the band itself it is.
    """
    level = spectrum.ltas_db()
    at = spectrum.band_hz
    for k in range(at.size - 2):
        if at[k] <= 3000 or level[k] <= level.max() - 100:
            continue
        above_db = level[k + 2 :].max()
        around_db = float(np.median(level[max(0, k - BANDS_AN_OCTAVE) : k + 1]))
        if level[k] - above_db > (CUT_DB if around_db - above_db > CUT_DB else EMPTY_DB):
            return float(at[k] * 2 ** (1 / 12))
    return None


def _mean(frames: FloatArray) -> FloatArray:
    return frames.mean(axis=0) if len(frames) else np.zeros(frames.shape[1])
