"""The ear: plays the target through moves, and hears what does not follow from a Profile in closed form.

Where moves only filter, loudness follows from the frames of the target; then stretches are played and not the whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from refmaster.analyse import Measured
from refmaster.dsp.ahead import ahead
from refmaster.dsp.blocks import Place, every_nth, rechunked
from refmaster.load import BLOCK_SAMPLES, Track
from refmaster.measure.excerpt import Excerpt, ExcerptMeter, excerpt_around, is_whole
from refmaster.measure.foretell import foretold
from refmaster.measure.loudness import Loudness, LoudnessMeter, loudness_of
from refmaster.measure.samples import SampleMeter
from refmaster.measure.true_peak import TruePeakMeter
from refmaster.records import Move, Profile, Stage
from refmaster.render import rendered
from refmaster.units import FloatArray, gain_to_db

MINUTE_S, STRETCH_S = 60, 5  # of a long track that is not heard whole
FILTERS = (Stage.TONE, Stage.IMAGE)  # stages whose moves only filter; how high peaks are without an offset is heard


@dataclass(frozen=True)
class _Heard:
    """What was heard behind some moves, or foretold."""

    moves: tuple[Move, ...]
    loudness: Loudness
    true_peak_dbtp: float
    excerpt: Excerpt


class Ear:
    """Hears a track; what it heard last, it remembers."""

    def __init__(self, track: Track, target: Measured, threads: int):
        self._track, self._target, self._threads = track, target, threads
        self._heard: _Heard | None = None
        self._foretold: _Heard | None = None

    @property
    def rate_hz(self) -> int:
        """Samples a second of what it hears."""
        return self._track.source.sample_rate_hz

    def stretches(self, moves: tuple[Move, ...]) -> Iterator[FloatArray]:
        """The track through these moves, or of a long one stretches that lie evenly over it, a minute in all."""
        every = every_nth(self._target.profile.n_samples, MINUTE_S * self.rate_hz)
        for n, stretch in enumerate(rechunked(self.sound(moves), STRETCH_S * self.rate_hz)):
            if n % every == 0:
                yield stretch

    def sound(self, moves: tuple[Move, ...]) -> Iterator[FloatArray]:
        """The target through these moves, from its start."""
        return rendered(self._track.blocks(), moves, self.rate_hz, threads=self._threads)

    def repaired(self, profile: Profile, moves: tuple[Move, ...]) -> Profile:
        """The Profile with what tells of an earlier limiter as it is behind repairs: an offset may hide its work."""
        meter = SampleMeter(profile.sample_rate_hz, profile.channels)
        for block in rechunked(self.sound(moves), BLOCK_SAMPLES):
            meter.feed(block)
        return replace(profile, peaks_held_pct=meter.peaks_held_pct())

    def remeasured(self, profile: Profile, moves: tuple[Move, ...]) -> Profile:
        """The Profile with loudness and peaks as they are after these moves."""
        if self._heard is None or self._heard.moves != moves:
            self._heard = self._listened(moves)
        self._foretold = None
        return _with_levels(profile, self._heard)

    def foretold(self, profile: Profile, moves: tuple[Move, ...]) -> Profile | None:
        """The same, but for the peak, as far as it can be told without hearing; None where it cannot.

        `profile` is what the moves leave of the target's. The peak is off by up to 1 dB.
        """
        target = self._target.profile
        if is_whole(target.n_samples, target.sample_rate_hz) or any(move.stage not in FILTERS for move in moves):
            return None
        if self._foretold is None or self._foretold.moves != moves:
            self._foretold = self._told(profile, moves)
        return _with_levels(profile, self._foretold)

    def excerpt(self, moves: tuple[Move, ...]) -> Excerpt:
        """An excerpt of the target through these moves."""
        known = (one for one in (self._foretold, self._heard) if one is not None and one.moves == moves)
        heard = next(known, None)
        if heard is None:
            heard = self._heard = self._listened(moves)
        return heard.excerpt

    def _listened(self, moves: tuple[Move, ...]) -> _Heard:
        profile = self._target.profile
        loudness = LoudnessMeter(profile.sample_rate_hz, profile.channels)
        true_peak = TruePeakMeter(profile.sample_rate_hz, profile.channels)
        excerpt = ExcerptMeter(profile.n_samples, profile.sample_rate_hz)
        for block in ahead(self.sound(moves), threads=self._threads):
            loudness.feed(block)
            true_peak.feed(block)
            excerpt.feed(block)
        heard = loudness.read()
        return _Heard(moves, heard, gain_to_db(max(true_peak.read())), excerpt.read(heard.cell_power))

    def _told(self, profile: Profile, moves: tuple[Move, ...]) -> _Heard:
        before = self._target.profile
        rate = before.sample_rate_hz

        def play(places: Sequence[Place]) -> Iterator[FloatArray]:
            for part in self._track.parts(places):
                yield np.concatenate(list(rendered(rechunked([part], BLOCK_SAMPLES), moves, rate)), axis=1)

        cells = foretold(self._target.cells, self._target.spectrum, before, profile)
        excerpt = excerpt_around(play, before.n_samples, rate, cells)
        between_db = (before.true_peak_dbtp or 0.0) - (before.sample_peak_dbfs or 0.0)
        peak_dbtp = gain_to_db(float(excerpt.cell_peak.max())) + between_db
        return _Heard(moves, loudness_of(excerpt.cell_power), peak_dbtp, excerpt)


def _with_levels(profile: Profile, heard: _Heard) -> Profile:
    return replace(
        profile,
        integrated_lufs=heard.loudness.integrated_lufs,
        max_short_term_lufs=heard.loudness.max_short_term_lufs,
        max_momentary_lufs=heard.loudness.max_momentary_lufs,
        true_peak_dbtp=heard.true_peak_dbtp,
    )
