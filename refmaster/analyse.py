"""Analyse: one pass over a track, and everything that is measured of it.

`analyse` answers with the Profile, the numbers that people and files see; `measure` with the Measured, which also
holds the frames that comparing needs and no file keeps.
"""

import math
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from refmaster.dsp.blocks import rechunked
from refmaster.dsp.midside import to_mid_side
from refmaster.errors import BadAudio
from refmaster.load import BLOCK_SAMPLES, Track, open_track, refuse_bad
from refmaster.measure.defects import INAUDIBLE, INAUDIBLE_TEXT, find_defects, of_bands
from refmaster.measure.dynamics import DynamicsMeter, percussive_pct, psr_db
from refmaster.measure.foretell import Cells, cells_of
from refmaster.measure.loudness import CELLS_PER_S, MOMENTARY_CELLS, SHORT_TERM_CELLS, Loudness, LoudnessMeter
from refmaster.measure.offset import OffsetMeter
from refmaster.measure.samples import SampleMeter
from refmaster.measure.spectrum import Spectrum, SpectrumMeter, hf_cutoff_hz, tilt_db_per_oct
from refmaster.measure.stereo import Image, StereoMeter
from refmaster.measure.tempo import tempo_bpm
from refmaster.measure.true_peak import TruePeakMeter
from refmaster.records import Profile, Source
from refmaster.units import FloatArray, gain_to_db

HISTORY_HOP_S = 0.5  # how often the loudness curves are kept in a Profile
SHORTEST_S = 3.0  # below this there is no short-term loudness, and nothing to compare


@dataclass(frozen=True)
class Measured:
    """A Profile, and the evidence behind it that is too large for one.

    `spectrum` holds band powers frame by frame; `block_levels_db` the level of each 50 ms block of the mid in each of
    `profile.dynamics`' bands, shape (blocks, bands); `cells` tell loudness and peaks every 10 ms.
    """

    profile: Profile
    spectrum: Spectrum
    block_levels_db: FloatArray
    cells: Cells

    def without_frames(self) -> "Measured":
        """The same without what only comparing needs: of an hour that is 24 MB."""
        nothing = Cells(np.zeros(0), np.zeros(0))
        return Measured(self.profile, self.spectrum.without_frames(), self.block_levels_db[:0].copy(), nothing)


def analyse(path: str | os.PathLike[str]) -> Profile:
    """Measure a file; silence, too, is measured.

    Raises BadAudio where it is missing, broken or without samples, or holds values that are no sound (NaN, past ±1000).
    """
    return measure(open_track(path)).profile


def measure(
    track: Track,
    *,
    progress: Callable[[int], None] | None = None,
    blocks: Iterable[FloatArray] | None = None,
    aside: Executor | None = None,
) -> Measured:
    """Measure a track, or other `blocks` that sound like it, in one pass.

    `progress` is told how many samples were heard, block by block. `aside` does half of it, where a core has nothing
    else to do. Raises BadAudio for NaN, infinity and no sound.
    """
    listener = Listener(track.source.sample_rate_hz, track.source.channels, track.source.path, matched=True)
    for block in rechunked(blocks if blocks is not None else track.blocks(), BLOCK_SAMPLES):
        listener.feed(block, aside)
        if progress:
            progress(block.shape[1])
    return listener.read(track.source)


def check_masterable(profile: Profile, role: str) -> None:
    """Refuse what cannot be matched: silence, and what is too short to say anything about."""
    if profile.duration_s < SHORTEST_S:
        length_s = math.floor(100 * profile.duration_s) / 100  # never the least itself
        raise BadAudio(f"{profile.path}: {role} is {length_s:.2f} s long; at least {SHORTEST_S:g} s are needed")
    if profile.integrated_lufs is None:
        raise BadAudio(f"{profile.path}: {role} is silent (nothing above −70 LUFS); choose a file with sound in it")
    if is_inaudible(profile):
        raise BadAudio(f"{profile.path}: {role} has {INAUDIBLE_TEXT}; choose a file with sound in it")


def is_inaudible(profile: Profile) -> bool:
    """Whether nothing sounds in any band: silence, or a constant alone."""
    return profile.integrated_lufs is None or any(one.name == INAUDIBLE for one in profile.defects)


class Listener:
    """All meters of one pass, for sound that comes by on its way to somewhere else; `name` begins each error.

    `matched` says that its passages will be matched with another track's.
    """

    def __init__(self, sample_rate_hz: int, channels: int, name: str, *, matched: bool = False):
        self.sample_rate_hz = sample_rate_hz
        self.name = name
        self.loudness = LoudnessMeter(sample_rate_hz, channels)
        self.true_peak = TruePeakMeter(sample_rate_hz, channels)
        self.spectrum = SpectrumMeter(sample_rate_hz, channels, matched=matched)
        self.dynamics = DynamicsMeter(sample_rate_hz)
        self.samples = SampleMeter(sample_rate_hz, channels)
        self.offset = OffsetMeter(sample_rate_hz, channels)
        self.stereo = StereoMeter() if channels == 2 else None

    def feed(self, block: FloatArray, aside: Executor | None = None) -> None:
        """Listen to the next `BLOCK_SAMPLES`, or to a shorter last block: the grid of the meters."""
        refuse_bad(block, self.samples.n_samples, self.name, self.sample_rate_hz)
        other = None if aside is None else aside.submit(self._feed_tone, block)
        self.loudness.feed(block)
        self.true_peak.feed(block)
        self.samples.feed(block)
        self.offset.feed(block)
        if self.stereo:
            self.stereo.feed(block)
        if other is None:
            self._feed_tone(block)
        else:
            other.result()

    def _feed_tone(self, block: FloatArray) -> None:
        """Half of the work: the spectrum and its bands."""
        mid, side = to_mid_side(block)
        self.spectrum.feed(mid, side)
        self.dynamics.feed(mid)

    def read(self, source: Source) -> Measured:
        """All that was heard, as the sound of this file. Raises BadAudio where that was nothing."""
        if not self.samples.n_samples:
            raise BadAudio(f"{self.name}: holds no audio (0 samples); export it again")
        loudness, spectrum = self.loudness.read(), self.spectrum.read()
        levels = self.dynamics.read_levels()
        image = self.stereo.read(self.samples.energy) if self.stereo else Image()
        peak = max(self.true_peak.read())
        profile = _profile(source, self, loudness, spectrum, levels, image, peak)
        return Measured(profile, spectrum, levels, cells_of(loudness.cell_power, self.samples.cell_peaks()))


def _profile(
    source: Source,
    meters: Listener,
    loudness: Loudness,
    spectrum: Spectrum,
    levels: FloatArray,
    image: Image,
    peak: float,
) -> Profile:
    """Put the readings of all meters into one record."""
    samples, mean = meters.samples, meters.samples.total / meters.samples.n_samples
    ltas = spectrum.ltas_db()
    true_peak_dbtp = _finite(gain_to_db(peak))
    sample_peak_dbfs = _finite(gain_to_db(float(meters.true_peak.sample_peak.max())))
    rms_db = _finite(gain_to_db(math.sqrt(float(samples.energy.mean()) / samples.n_samples)))
    short_term, momentary = loudness.curve("short_term")[1], loudness.curve("momentary")[1]
    psr = psr_db(samples.cell_peaks(), short_term)
    return Profile(
        path=source.path,
        sha256=source.sha256,
        sample_rate_hz=source.sample_rate_hz,
        channels=source.channels,
        n_samples=samples.n_samples,
        duration_s=samples.n_samples / source.sample_rate_hz,
        container=source.container,
        subtype=source.subtype,
        lossy=source.lossy,
        integrated_lufs=loudness.integrated_lufs,
        loudness_range_lu=loudness.loudness_range_lu,
        max_short_term_lufs=loudness.max_short_term_lufs,
        max_momentary_lufs=loudness.max_momentary_lufs,
        true_peak_dbtp=true_peak_dbtp,
        sample_peak_dbfs=sample_peak_dbfs,
        plr_db=_minus(true_peak_dbtp, loudness.integrated_lufs),
        psr_db=float(psr.min()) if psr.size else None,
        psr_p10_db=float(np.percentile(psr, 10)) if psr.size else None,
        crest_db=_minus(sample_peak_dbfs, rms_db),
        peaks_held_pct=samples.peaks_held_pct(),
        correlation=image.correlation,
        balance_db=image.balance_db,
        tilt_db_per_oct=tilt_db_per_oct(spectrum.band_hz, ltas),
        hf_cutoff_hz=hf_cutoff_hz(spectrum),
        mono_loss_db=image.mono_loss_db,
        band_hz=tuple(spectrum.band_hz.tolist()),
        ltas_db=tuple(ltas.tolist()),
        ltas_sd_db=tuple(spectrum.segment_sd_db().tolist()),
        side_to_mid_db=spectrum.side_to_mid_db(),
        dynamics=meters.dynamics.bands(levels),
        dc_offset_pct=tuple((100 * mean).tolist()),
        shape_sd_db=spectrum.shape_sd_db(),
        dc_drift_pct=meters.offset.drift_pct(mean, samples.cell_peaks()),
        history_hop_s=HISTORY_HOP_S,
        short_term_lufs=_history(short_term, SHORT_TERM_CELLS),
        momentary_lufs=_history(momentary, MOMENTARY_CELLS),
        defects=(
            *of_bands(spectrum, loudness.integrated_lufs),
            *find_defects(samples, image, true_peak_dbtp, meters.true_peak.sample_peak, source.sample_rate_hz),
        ),
        percussive_pct=percussive_pct(levels),
        tempo_bpm=tempo_bpm(levels),
    )


def _history(curve_lufs: FloatArray, window_cells: int) -> tuple[float | None, ...]:
    """The curve every `HISTORY_HOP_S` from 0 s on, each value the loudest of its step; None before the first window."""
    hop = round(HISTORY_HOP_S * CELLS_PER_S)
    lead = -(-window_cells // hop)  # steps over before the first window is full
    starts = range(lead * hop - window_cells, curve_lufs.size, hop)
    loudest = (float(curve_lufs[s : s + hop].max()) for s in starts)
    return (None,) * lead + tuple(level if level > -120 else None for level in loudest)


def _finite(level_db: float) -> float | None:
    return level_db if math.isfinite(level_db) else None


def _minus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
