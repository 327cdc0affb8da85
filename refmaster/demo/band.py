"""The band: ten instruments, where they stand, and the room they play in. All of it is taste.

[1] M. R. Schroeder, "Natural sounding artificial reverberation", JAES 10 (1962): combs side by side, then all-passes.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from refmaster.demo.score import (
    OPEN,
    Note,
    Score,
    arpeggio,
    bars_of,
    bass_line,
    comping,
    crashes,
    held,
    shaken,
    struck,
    tune,
)
from refmaster.units import FloatArray, db_to_gain

SONG_S, FADE_S = 40.0, 1.0
TOP_HZ = 17_000.0  # nothing sounds higher, so that every sample rate plays the same song
SWAY_S, SWAY_DB = 0.002, 0.7  # how far the band is from a machine
CYCLE_SAMPLES = 2048  # of a stored wave; read with interpolation

# Seconds, from [1]: no two share a divisor that the ear would find as a pitch. Right differs, for width.
COMBS_S = ((0.0297, 0.0371, 0.0411, 0.0437), (0.0305, 0.0359, 0.0423, 0.0448))
ALLPASSES_S = ((0.0113, 0.0050), (0.0119, 0.0053))
ROOM_DECAY_S = 1.1

Voice = Callable[[int, float, int], FloatArray]
"""Pitch (MIDI number), seconds and sample rate to sound, shape (samples,) or (2, samples)."""


@dataclass(frozen=True)
class _Part:
    """An instrument's notes, and where it stands: pan −1 (left) to 1 (right), and how much of it the room hears."""

    voice: Voice
    notes: tuple[Note, ...]
    level_db: float
    pan: float = 0.0
    room_db: float = -math.inf


def play(score: Score, sample_rate_hz: int, *, seed: int, drums_db: float) -> FloatArray:
    """Everybody together in the room, shape (2, samples)."""
    noise, sway = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    n_samples = round(SONG_S * sample_rate_hz)
    dry, sent = np.zeros((2, n_samples)), np.zeros((2, n_samples))
    for part in _parts(score, noise, drums_db):
        for start, sound in _played(part, 60.0 / score.tempo_bpm, sample_rate_hz, sway):
            heard = dry[:, start : start + sound.shape[1]]
            heard += sound[:, : heard.shape[1]]
            if part.room_db > -math.inf:
                echoed = sent[:, start : start + sound.shape[1]]
                echoed += db_to_gain(part.room_db) * sound[:, : echoed.shape[1]]
    dry += _room(sent, sample_rate_hz)
    fade_samples = round(FADE_S * sample_rate_hz)
    dry[:, -fade_samples:] *= np.linspace(1.0, 0.0, fade_samples) ** 2
    return dry


def _parts(score: Score, noise: np.random.Generator, drums_db: float) -> tuple[_Part, ...]:
    """The band, its balance and its places on the stage."""
    bars = bars_of(score)
    return (
        _Part(_kick, struck(bars, "kick"), -7.5 + drums_db),
        _Part(partial(_snare, noise), struck(bars, "snare"), -10.5 + drums_db, 0.0, -12.0),
        _Part(partial(_hat, noise), struck(bars, "hat"), -28.0, 0.3),
        _Part(partial(_shaker, noise), shaken(bars), -35.0, -0.6),
        _Part(partial(_crash, noise), crashes(bars), -29.0, -0.1, -14.0),
        _Part(_bass, bass_line(bars), -10.5),
        _Part(_keys, comping(bars), -20.5, -0.45, -10.0),
        _Part(_pad, held(bars), -23.0, 0.0, -10.0),
        _Part(_pluck, arpeggio(bars), -21.0, 0.6, -8.0),
        _Part(_lead, tune(bars), -17.5, 0.12, -9.0),
    )


def _played(
    part: _Part, beat_s: float, sample_rate_hz: int, sway: np.random.Generator
) -> Iterator[tuple[int, FloatArray]]:
    """Each note as its first sample and its sound, shape (2, samples), a little off the grid."""
    sounds: dict[tuple[int, float], FloatArray] = {}
    angle = (part.pan + 1.0) * math.pi / 4.0
    places = math.sqrt(2.0) * np.array([[math.cos(angle)], [math.sin(angle)]])
    for note in part.notes:
        what = (note.pitch, note.beats)
        if what not in sounds:
            sounds[what] = places * part.voice(note.pitch, note.beats * beat_s, sample_rate_hz)
        late_s = SWAY_S * sway.standard_normal()
        level_db = part.level_db + note.level_db + SWAY_DB * sway.uniform(-1.0, 1.0)
        start = max(0, round((note.beat * beat_s + late_s) * sample_rate_hz))
        yield start, db_to_gain(level_db) * sounds[what]


def _time_s(duration_s: float, sample_rate_hz: int) -> FloatArray:
    return np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz


def _kick(_pitch: int, _seconds: float, sample_rate_hz: int) -> FloatArray:
    """A sine that falls from 160 to 50 Hz, and the beater."""
    t = _time_s(0.4, sample_rate_hz)
    cycles = 50.0 * t + 110.0 * 0.045 * (1.0 - np.exp(-t / 0.045))
    beater = 0.25 * np.sin(2 * np.pi * 2600.0 * t) * np.exp(-t / 0.0025)
    return np.sin(2 * np.pi * cycles) * np.exp(-t / 0.11) * _ended(t) + beater


def _snare(rng: np.random.Generator, _pitch: int, _seconds: float, sample_rate_hz: int) -> FloatArray:
    """A shell at 190 Hz and its overtone, and the wires."""
    t = _time_s(0.35, sample_rate_hz)
    shell = (np.sin(2 * np.pi * 190.0 * t) + 0.5 * np.sin(2 * np.pi * 331.0 * t)) * np.exp(-t / 0.06)
    return (0.6 * shell + 0.45 * _noise(rng, t, 600.0, 4500.0) * np.exp(-t / 0.075)) * _ended(t)


def _hat(rng: np.random.Generator, pitch: int, _seconds: float, sample_rate_hz: int) -> FloatArray:
    t = _time_s(0.3, sample_rate_hz)
    return _noise(rng, t, 6000.0, 14000.0) * np.exp(-t / (0.09 if pitch == OPEN else 0.025)) * _ended(t)


def _shaker(rng: np.random.Generator, _pitch: int, _seconds: float, sample_rate_hz: int) -> FloatArray:
    t = _time_s(0.12, sample_rate_hz)
    return _noise(rng, t, 4000.0, 11000.0) * np.minimum(t / 0.012, 1.0) * np.exp(-t / 0.03) * _ended(t)


def _crash(rng: np.random.Generator, _pitch: int, _seconds: float, sample_rate_hz: int) -> FloatArray:
    """Both sides of the stage hear another noise."""
    t = _time_s(2.2, sample_rate_hz)
    both = np.stack([_noise(rng, t, 2500.0, 12000.0), _noise(rng, t, 2500.0, 12000.0)])
    return both * np.exp(-t / 0.6) * _ended(t)


def _bass(pitch: int, seconds: float, sample_rate_hz: int) -> FloatArray:
    """A plucked string: the higher a partial, the sooner it is gone."""
    t = _time_s(seconds, sample_rate_hz)
    dark, bright = _tone(t, pitch, 1.1, 5), _tone(t, pitch, 1.2, 40)
    return (dark * np.exp(-t / 1.2) + 0.4 * bright * np.exp(-t / 0.1)) * _gate(t, 0.004, 0.02)


def _keys(pitch: int, seconds: float, sample_rate_hz: int) -> FloatArray:
    """An electric piano, struck bright."""
    t = _time_s(seconds, sample_rate_hz)
    dark, bright = _tone(t, pitch, 1.7, 8), _tone(t, pitch, 1.0, 30)
    return (dark * np.exp(-t / 0.9) + 0.4 * bright * np.exp(-t / 0.15)) * _gate(t, 0.003, 0.06)


def _pad(pitch: int, seconds: float, sample_rate_hz: int) -> FloatArray:
    """Two saws, one each side, 10 cents apart."""
    t = _time_s(seconds, sample_rate_hz)
    both = np.stack([_tone(t, pitch - 0.05, 1.4, 40), _tone(t, pitch + 0.05, 1.4, 40)])
    return both * _gate(t, 0.15, 0.15)


def _pluck(pitch: int, seconds: float, sample_rate_hz: int) -> FloatArray:
    """A muted guitar."""
    t = _time_s(seconds, sample_rate_hz)
    return _tone(t, pitch, 1.1, 40) * np.exp(-t / 0.12) * _gate(t, 0.002, 0.03)


def _lead(pitch: int, seconds: float, sample_rate_hz: int) -> FloatArray:
    """A reed whose vibrato, 15 cents at 5.3 Hz, comes late."""
    t = _time_s(seconds, sample_rate_hz)
    bend_s = 0.0087 / (2 * np.pi * 5.3) * np.minimum(t / 0.5, 1.0) * np.sin(2 * np.pi * 5.3 * t)
    return _tone(t + bend_s, pitch, 1.25, 30) * (0.8 + 0.2 * np.exp(-t / 0.2)) * _gate(t, 0.015, 0.05)


def _tone(t: FloatArray, pitch: float, slope: float, partials: int) -> FloatArray:
    """A periodic wave whose partials fall as 1/k^slope, read from one cycle; `t` may bend."""
    frequency_hz = 440.0 * 2.0 ** ((pitch - 69) / 12)
    k = np.arange(1, max(2, min(partials, int(TOP_HZ / frequency_hz)) + 1))
    cycle = np.sin(2 * np.pi * np.arange(CYCLE_SAMPLES + 1)[:, np.newaxis] * k / CYCLE_SAMPLES + k) @ k**-slope
    place = t * frequency_hz
    place = (place - np.floor(place)) * CYCLE_SAMPLES
    left = place.astype(np.intp)
    place -= left
    return np.asarray(cycle.take(left) + place * np.diff(cycle).take(left))


def _noise(rng: np.random.Generator, t: FloatArray, low_hz: float, high_hz: float) -> FloatArray:
    """Noise of RMS 1 between two soft corners, equally loud at every sample rate."""
    spectrum = np.fft.rfft(rng.uniform(-1.0, 1.0, len(t)))
    f = np.fft.rfftfreq(len(t), t[1] - t[0])
    spectrum *= (f / low_hz) ** 2 / (1 + (f / low_hz) ** 2) / (1 + (f / high_hz) ** 4) * (f < TOP_HZ)
    shaped = np.fft.irfft(spectrum, len(t))
    return np.asarray(shaped / np.sqrt(np.mean(shaped**2)))


def _gate(t: FloatArray, attack_s: float, release_s: float) -> FloatArray:
    """Up in `attack_s`, down again at the very end."""
    return np.asarray(np.minimum(1.0, np.minimum(t / attack_s, (t[-1] - t) / release_s)))


def _ended(t: FloatArray) -> FloatArray:
    return _gate(t, 1e-9, 0.03)


def _room(sent: FloatArray, sample_rate_hz: int) -> FloatArray:
    """What the walls answer: a small hall, duller with each reflection, shape (2, samples)."""
    answers = []
    for side, combs_s, allpasses_s in zip(sent[::-1] * 0.4 + sent * 0.6, COMBS_S, ALLPASSES_S, strict=True):
        wet = np.zeros_like(side)
        for delay_s in combs_s:
            feedback = 10.0 ** (-3.0 * delay_s / ROOM_DECAY_S)
            wet += _comb(side, round(delay_s * sample_rate_hz), feedback, max(1, round(sample_rate_hz / 44100))) / 4.0
        for delay_s in allpasses_s:
            wet = _allpass(wet, round(delay_s * sample_rate_hz), 0.7)
        answers.append(wet)
    return np.stack(answers)


def _comb(dry: FloatArray, delay: int, feedback: float, near: int) -> FloatArray:
    """y(n) = x(n) + g·y(n − delay), the echo softened by its neighbours `near` by; a delay's length at a time."""
    wet = dry.copy()
    for start in range(delay + near, len(dry), delay - near):
        stop = min(start + delay - near, len(dry))
        echo = wet[start - delay : stop - delay] / 2.0
        echo += wet[start - delay - near : stop - delay - near] / 4.0
        echo += wet[start - delay + near : stop - delay + near] / 4.0
        wet[start:stop] += feedback * echo
    return wet


def _allpass(dry: FloatArray, delay: int, feedback: float) -> FloatArray:
    """y(n) = −g·x(n) + x(n − delay) + g·y(n − delay), a delay's length at a time."""
    wet = -feedback * dry
    wet[delay:] += dry[:-delay]
    for start in range(delay, len(dry), delay):
        stop = min(start + delay, len(dry))
        wet[start:stop] += feedback * wet[start - delay : stop - delay]
    return wet
