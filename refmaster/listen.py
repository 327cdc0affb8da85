"""What the report plays: short passages of target, master and reference, small enough to stand inside the page.

    Profile ─passages_of▶ where to listen ─▶ a stretch of the file ─▶ FLAC, one small file a passage

A whole track would make the page too large, so a long one is heard in two places: where it is loudest, and in a
quieter part. The sound is the file's own, to 16 bits: what is heard of a master is no codec's doing, and FLAC takes a
sixth of the time that Vorbis does. Beside each stands by how much it is turned down there, to be as loud as the
quietest of them in that very passage: whole songs of one loudness differ in their passages by several LU. The bytes
are the same on every run.
"""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import soundfile as sf

from refmaster.dsp.ahead import workers
from refmaster.measure.loudness import LoudnessMeter
from refmaster.records import Profile
from refmaster.stream import PIECE_SAMPLES, SoundStream, hushed, reading

LOUDEST_S, QUIETER_S = 8.0, 6.0  # taste: long enough to judge, and about 2 MB of the page a track
QUIETER_SHARE = 0.25  # the quieter passage is louder than a quarter of the track: a verse, not the fade-out
SHORT_TERM_S = 3.0  # a value of the loudness history covers the 3 s before it
LARGE_PIECE_SAMPLES = 65_536  # the fewer pieces, the less a thread waits for Python's lock
HIGHEST_RATE_HZ = 48_000  # what lies above half of it nobody hears, and it costs time
COMPRESSION = 0.5  # libsndfile's knob: FLAC's middle; its best saves 3 % more and takes twice the time
COMPRESSION_SAID = "FLAC, 16 bits"
HEADROOM_DBTP = -0.5  # what is played at another rate may go higher than it is here
BOTH_SPEAKERS_DB = 10 * math.log10(2.0)  # a browser plays one channel from two speakers

Role = Literal["target", "master", "beside", "reference"]


@dataclass(frozen=True)
class Passage:
    """A stretch of a track; `name` is "loudest", "quieter" or "whole"."""

    name: str
    start_s: float
    length_s: float


@dataclass(frozen=True)
class Clip:
    """A passage as the bytes of a FLAC file, and how loud it is by itself: None where there is too little sound."""

    flac: bytes
    lufs: float | None


@dataclass(frozen=True)
class Voice:
    """One of the tracks as it is played: its passages, each as the bytes of a FLAC file, and its gains, ≤ 0 dB.

    There is a gain for each of the target's passages; a track that has fewer plays its last one, see `played`.
    `held_db` ≥ 0 is by how much the file was turned down where it passes full scale, which FLAC cannot hold.
    """

    role: Role
    gains_db: tuple[float, ...]
    held_db: float
    passages: tuple[Passage, ...]
    flac: tuple[bytes, ...]

    def played(self, number: int) -> int:
        """Which of its own passages is heard for this one of the target's."""
        return min(number, len(self.passages) - 1)


@dataclass(frozen=True)
class Listening:
    """The tracks in the order in which they are offered; `levels_lufs` is what all read in each passage, turned down.

    A level is None where a passage holds too little sound to be measured, and whole tracks were matched instead.
    """

    voices: tuple[Voice, ...]
    levels_lufs: tuple[float | None, ...]


def listening(
    target: Profile,
    master: Profile,
    reference: Profile | None = None,
    beside: Profile | None = None,
    *,
    threads: int = 2,
) -> Listening | None:
    """What to hear of these files; None where levels cannot be matched, as with silence, or a file is gone by now.

    Masters are heard where the target is, also the one `beside`; the reference has its own passages, for it has its
    own time. Files are read again, in pieces, and only where they are heard.
    """
    tracks: list[tuple[Role, Profile, Profile]] = [("target", target, target), ("master", master, target)]
    if beside is not None:
        tracks.append(("beside", beside, target))
    if reference is not None:
        tracks.append(("reference", reference, reference))
    if any(profile.integrated_lufs is None for _, profile, _ in tracks):
        return None
    with workers(threads) as pool:  # libsndfile works without Python's lock
        waiting = [
            [pool.submit(encoded, profile, passage, exact=role != "reference") for passage in passages_of(places)]
            for role, profile, places in tracks
        ]
        try:
            found = [tuple(one.result() for one in clips) for clips in waiting]
        except (
            sf.SoundFileError,
            OSError,
        ):  # the master stands; a silent report is no failure
            return None
    return _matched([(role, profile, passages_of(places)) for role, profile, places in tracks], found)


def _matched(tracks: list[tuple[Role, Profile, tuple[Passage, ...]]], found: list[tuple[Clip, ...]]) -> Listening:
    """The voices, turned down in each of the target's passages to the quietest of what is played there."""
    profiles = tuple(profile for _, profile, _ in tracks)
    whole = _as_played(profiles, tuple(profile.integrated_lufs for profile in profiles))
    gains, levels = [], []
    for number in range(len(found[0])):
        clips = (clips[min(number, len(clips) - 1)] for clips in found)
        heard = _as_played(profiles, tuple(clip.lufs for clip in clips))
        turned = matching_gains_db(profiles, heard)
        gains.append(turned or matching_gains_db(profiles, whole) or (0.0,) * len(tracks))
        levels.append(None if turned is None or heard[0] is None else heard[0] + turned[0])
    voices = (
        Voice(role, by_passage, held_db(profile), passages, tuple(clip.flac for clip in clips))
        for (role, profile, passages), clips, by_passage in zip(tracks, found, zip(*gains, strict=True), strict=True)
    )
    return Listening(tuple(voices), tuple(levels))


def _as_played(profiles: tuple[Profile, ...], levels_lufs: tuple[float | None, ...]) -> tuple[float | None, ...]:
    """Levels as they come out of two speakers: beside stereo, what has one channel is heard twice."""
    if all(profile.channels == profiles[0].channels for profile in profiles):
        return levels_lufs
    twice = (BOTH_SPEAKERS_DB if profile.channels == 1 else 0.0 for profile in profiles)
    return tuple(None if level is None else level + more for level, more in zip(levels_lufs, twice, strict=True))


def matching_gains_db(profiles: tuple[Profile, ...], levels_lufs: tuple[float | None, ...]) -> tuple[float, ...] | None:
    """The gain that makes each as loud as the quietest: never up, and never over full scale.

    None where a level is not known, as with silence.
    """
    known = [level for level in levels_lufs if level is not None]
    if not known or len(known) < len(levels_lufs):
        return None
    gains = [min(known) - level for level in known]
    peaks = ((p.true_peak_dbtp, gain) for p, gain in zip(profiles, gains, strict=True))
    excess = max(0.0, max(-math.inf if peak is None else peak + gain for peak, gain in peaks) - HEADROOM_DBTP)
    return tuple(round(gain - excess, 2) for gain in gains)


def passages_of(profile: Profile) -> tuple[Passage, ...]:
    """Where to listen: a short track as a whole, else where it is loudest, and a quieter part of it."""
    duration_s = profile.n_samples / profile.sample_rate_hz
    if duration_s <= LOUDEST_S + QUIETER_S:
        return (Passage("whole", 0.0, duration_s),)
    loud = _levels(profile, LOUDEST_S)
    first_s = _latest(int(np.argmax(loud)) * profile.history_hop_s, duration_s, LOUDEST_S)
    first = Passage("loudest", first_s, LOUDEST_S)
    soft = _levels(profile, QUIETER_S)
    starts_s = np.arange(soft.size) * profile.history_hop_s
    apart = (starts_s >= first_s + LOUDEST_S) | (starts_s + QUIETER_S <= first_s)
    sounding = apart & np.isfinite(soft)
    if not sounding.any():
        return (first,)
    goal = np.quantile(soft[np.isfinite(soft)], QUIETER_SHARE)
    distance = np.where(sounding, np.abs(soft - goal), np.inf)
    second_s = _latest(float(starts_s[int(np.argmin(distance))]), duration_s, QUIETER_S)
    return (first, Passage("quieter", second_s, QUIETER_S))


def held_db(profile: Profile) -> float:
    """By how much a file that passes full scale is turned down to be kept: whole dB, 0 for nearly all."""
    return float(max(0, math.ceil(profile.sample_peak_dbfs or 0.0)))


def encoded(profile: Profile, passage: Passage, *, exact: bool = True) -> Clip:
    """A passage as FLAC, and its loudness; `exact` where it must lie on the sample, which costs time in Ogg."""
    with hushed():
        rate = int(sf.info(profile.path).samplerate)  # the file\'s own: a reference is measured at the target\'s
    step = -(-rate // HIGHEST_RATE_HZ)
    memory, scale = io.BytesIO(), np.float32(10 ** (-held_db(profile) / 20))
    meter = LoudnessMeter(rate // step, profile.channels)
    with SoundStream(
        memory,
        "w",
        samplerate=rate // step,
        channels=profile.channels,
        format="FLAC",
        subtype="PCM_16",
        compression_level=COMPRESSION,
    ) as stream:
        pieces = _stretch(profile, round(passage.start_s * rate), round(passage.length_s * rate), exact)
        for piece in _at_rate(pieces, rate, rate // step, profile.channels):
            stream.write(np.clip(piece * scale, -1.0, 1.0))
            meter.feed(np.ascontiguousarray(piece.T, dtype=np.float64))
    return Clip(memory.getvalue(), meter.read().integrated_lufs)


def _latest(start_s: float, duration_s: float, length_s: float) -> float:
    return max(0.0, min(start_s, duration_s - length_s))


def _levels(profile: Profile, length_s: float) -> npt.NDArray[np.float64]:
    """How loud each stretch of this length is, by the place where it starts; minus infinity where it is silent."""
    power = np.array([0.0 if level is None else 10 ** (level / 10) for level in profile.short_term_lufs])
    lead, span = (round(seconds / profile.history_hop_s) for seconds in (SHORT_TERM_S, length_s - SHORT_TERM_S))
    inside = np.convolve(power[lead:], np.ones(span + 1), "valid") if power.size > lead + span else power[:1]
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(inside), dtype=np.float64)


def _stretch(profile: Profile, start: int, count: int, exact: bool) -> Iterator[npt.NDArray[np.float32]]:
    """Samples from `start` on, shape (samples, channels)."""
    with reading(profile.path) as stream:
        if not (exact and profile.container == "OGG"):  # libsndfile's places in Ogg may be some ms off
            try:
                stream.seek(start)
                start = 0
            except sf.SoundFileError:  # a FLAC of unknown length: straight through, then
                pass
        most = PIECE_SAMPLES if profile.container == "OGG" else LARGE_PIECE_SAMPLES
        while count > 0 and (piece := stream.read(min(most, start + count), "float32", True)).shape[0]:
            heard = piece[min(start, piece.shape[0]) :]
            start = max(0, start - piece.shape[0])
            count -= heard.shape[0]
            yield heard


def _at_rate(
    pieces: Iterator[npt.NDArray[np.float32]], rate: int, new_rate: int, channels: int
) -> Iterator[npt.NDArray[np.float32]]:
    if new_rate == rate:
        yield from pieces
        return
    import soxr

    stream = soxr.ResampleStream(rate, new_rate, channels, dtype="float32", quality="HQ")
    for piece in pieces:
        yield stream.resample_chunk(piece)
    yield stream.resample_chunk(np.zeros((0, channels), dtype=np.float32), last=True)
