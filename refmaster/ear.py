"""The ear: plays the target through moves, and hears what does not follow from a Profile in closed form."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from refmaster.dsp.ahead import ahead
from refmaster.load import Track
from refmaster.measure.excerpt import Excerpt, ExcerptMeter
from refmaster.measure.loudness import LoudnessMeter
from refmaster.measure.true_peak import TruePeakMeter
from refmaster.records import Move, Profile
from refmaster.render import rendered
from refmaster.units import FloatArray, gain_to_db


class Ear:
    """Hears a track; what it heard last, it remembers."""

    def __init__(self, track: Track, profile: Profile, threads: int):
        self._track, self._profile, self._threads = track, profile, threads
        self._moves: tuple[Move, ...] = ()
        self._heard: tuple[dict[str, Any], Excerpt] | None = None

    def sound(self, moves: tuple[Move, ...]) -> Iterator[FloatArray]:
        """The target through these moves, from its start."""
        return rendered(self._track.blocks(), moves, self._track.source.sample_rate_hz)

    def remeasured(self, profile: Profile, moves: tuple[Move, ...]) -> Profile:
        """The Profile with loudness and peaks as they are after these moves."""
        return replace(profile, **self._after(moves)[0])

    def excerpt(self, moves: tuple[Move, ...]) -> Excerpt:
        """An excerpt of the target through these moves."""
        return self._after(moves)[1]

    def _after(self, moves: tuple[Move, ...]) -> tuple[dict[str, Any], Excerpt]:
        if self._heard is None or self._moves != moves:
            self._moves, self._heard = moves, self._listened(moves)
        return self._heard

    def _listened(self, moves: tuple[Move, ...]) -> tuple[dict[str, Any], Excerpt]:
        """The levels of a Profile, and an excerpt."""
        profile = self._profile
        loudness = LoudnessMeter(profile.sample_rate_hz, profile.channels)
        true_peak = TruePeakMeter(profile.sample_rate_hz, profile.channels)
        excerpt = ExcerptMeter(profile.n_samples, profile.sample_rate_hz)
        sound = self.sound(moves)
        for block in ahead(sound, threads=self._threads):
            loudness.feed(block)
            true_peak.feed(block)
            excerpt.feed(block)
        heard = loudness.read()
        levels = {
            "integrated_lufs": heard.integrated_lufs,
            "max_short_term_lufs": heard.max_short_term_lufs,
            "max_momentary_lufs": heard.max_momentary_lufs,
            "true_peak_dbtp": gain_to_db(max(true_peak.read())),
        }
        return levels, excerpt.read(heard.cell_power)
