"""The door that sound comes in by.

`open_track` looks at a file before anything is done with it and refuses, in one line, what could not be mastered.
A `Track` then plays as often as it is asked, in blocks of the shape (channels, samples), float64, full scale 1.0.
Sample counts in headers are not believed: they size no array, and what was really read is what counts.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile as sf

from refmaster.contents import kind
from refmaster.dsp.between import largest
from refmaster.dsp.blocks import Kept, Place, rechunked
from refmaster.dsp.pcm import unpacked
from refmaster.errors import BadAudio
from refmaster.headers import Claim, Streams, claim_of, mp3_stream, ogg_streams
from refmaster.names import shown
from refmaster.records import Source
from refmaster.stored import BITS
from refmaster.stream import OPEN_LENGTH_SAMPLES, SoundStream, reading
from refmaster.units import FloatArray

BLOCK_SAMPLES = 65536
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 384_000  # telephone to the fastest converters; outside is a broken header
MOST_CHANNELS = 2
LOUDEST = 1000.0  # +60 dBFS: no headroom is that large, so the numbers are no sound
ORPHAN_BYTES = 4096  # taste: more than this behind a header that says 0 is sound, less is other chunks
MISSING_SHARE = 0.01  # taste: a shorter tail may be an editor's rounding, a longer one is a file cut off

_READS = "WAV, RF64, W64, AIFF, CAF, FLAC, Ogg Vorbis, Opus and MP3"
_CONTAINERS = {  # the name endings each container goes by
    "WAV": (".wav", ".wave", ".bwf"),
    "WAVEX": (".wav", ".wave", ".bwf"),
    "RF64": (".wav", ".wave", ".rf64", ".bwf"),
    "W64": (".w64",),
    "AIFF": (".aif", ".aiff", ".aifc"),
    "CAF": (".caf",),
    "AU": (".au", ".snd"),
    "FLAC": (".flac",),
    "OGG": (".ogg", ".oga", ".opus"),
    "MP3": (".mp3", ".mp2", ".mpga"),
}
_SUBTYPE_BITS = {
    "PCM_S8": 8,
    "PCM_U8": 8,
    **BITS,
    "ALAC_16": 16,
    "ALAC_20": 20,
    "ALAC_24": 24,
    "ALAC_32": 32,
}
_STORED_BITS = {"FLOAT": 32, "DOUBLE": 64, "ULAW": 8, "ALAW": 8} | {
    name: bits for name, bits in _SUBTYPE_BITS.items() if name.startswith("PCM")
}
_LOSSY = ("VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III", "ULAW", "ALAW")
_PROBABLY = {  # what a file that is no audio for us may be after all: bytes, where they stand, what to call it
    b"ftyp": (4, "an MP4 or M4A file"),
    b"\xff\xd8\xff": (0, "a JPEG picture"),
    b"\x89PNG": (0, "a PNG picture"),
    b"PK\x03\x04": (0, "a ZIP archive"),
    b"\x1aE\xdf\xa3": (0, "a Matroska or WebM file"),
    b"0&\xb2u": (0, "a WMA file"),
}


@dataclass(frozen=True)
class Track:
    """Sound that can be played from its start, any number of times. `notes` are lines a person should know.

    `jump` plays stretches without what lies between, where that is possible. `n_samples` is how long it is, where that
    is known before it is played; else 0.
    """

    source: Source
    play: Callable[[int], Iterator[FloatArray]]
    notes: tuple[str, ...] = ()
    jump: Callable[[Sequence[Place]], Iterator[FloatArray]] | None = None
    n_samples: int = 0

    def blocks(self, block_samples: int = BLOCK_SAMPLES) -> Iterator[FloatArray]:
        """The sound from its start, shape (channels, samples), all blocks of one length but the last."""
        return self.play(block_samples)

    def parts(self, places: Sequence[Place]) -> Iterator[FloatArray]:
        """Stretches of the sound that lie within it, each (channels, samples)."""
        if self.jump is not None:
            yield from self.jump(places)
            return
        kept = Kept(places)
        for block in self.blocks():
            kept.feed(block)
        yield from kept.read()


def open_track(path: str | os.PathLike[str], *, role: str = "target") -> Track:
    """A file as a track, once it has passed every check that needs no decoding.

    `role` ("target", "reference") begins each error. The file's bytes are hashed, its sound is not kept.
    """
    name = f"{role} {shown(path) or repr('')}"
    sha256, claim, streams, head = _examined(path, name)
    if streams is not None and streams.n_links > 1:
        raise BadAudio(f"{name} chains {streams.n_links} Ogg streams, of which only one would play; save it as one")
    if claim is not None:
        _refuse_missing_sound(claim, name)
    try:
        with reading(path) as stream:
            _refuse_format(stream, name)
            source = _source(os.fspath(path), sha256, stream)
            has_sound = stream.read(1, always_2d=True).shape[0] > 0
            n_samples, jumps = stream.frames, stream.raw_width is not None
    except sf.SoundFileError as error:
        raise BadAudio(_why_not_audio(error, name, head)) from error
    if not has_sound:
        raise BadAudio(f"{name} holds no sound: its header is in order, but no sample follows")
    notes = _notes(Path(path), source, claim, streams, n_samples)

    def play(block_samples: int) -> Iterator[FloatArray]:
        return rechunked(_decoded(path, name, source), block_samples)

    def jump(places: Sequence[Place]) -> Iterator[FloatArray]:
        return _jumping(path, name, source, places)

    told = not source.lossy and n_samples < OPEN_LENGTH_SAMPLES  # what ends before that is refused when it is played
    return Track(source, play, notes, jump if jumps else None, n_samples if told else 0)


def open_again(path: str | os.PathLike[str], sha256: str, *, role: str) -> Track:
    """A file of a session as a track; it must be the very one that the session was made from."""
    track = open_track(path, role=role)
    if track.source.sha256 != sha256:
        raise BadAudio(
            f"{role} {shown(path)} is not the file of this session (its content differs); give it with --{role}"
        )
    return track


def track_of(samples: FloatArray, sample_rate_hz: int, *, name: str = "array") -> Track:
    """Sound that is in memory already, shape (channels, samples), as a track; the array is neither copied nor changed.

    Its hash is that of the samples as little-endian float64, channel after channel.
    """
    array = np.ascontiguousarray(samples, dtype=np.float64)
    if array.ndim != 2 or not 1 <= array.shape[0] <= MOST_CHANNELS or array.shape[1] == 0:
        raise BadAudio(f"{name} has the shape {np.shape(samples)}; needed: (channels, samples), 1 or 2 channels")
    _refuse_rate(sample_rate_hz, name)
    array = array.view()
    array.flags.writeable = False
    sha256 = hashlib.sha256(array.astype("<f8", copy=False).data).hexdigest()
    source = Source(name, sha256, sample_rate_hz, array.shape[0], "array", "DOUBLE", bit_depth=None, lossy=False)

    def jump(places: Sequence[Place]) -> Iterator[FloatArray]:
        return (array[:, first:last] for first, last in places)

    return Track(source, lambda block_samples: rechunked([array], block_samples), jump=jump, n_samples=array.shape[1])


def resampled(track: Track, sample_rate_hz: int) -> Track:
    """The same sound at another rate, through soxr at its very high quality; for analysis, never for the master."""
    if sample_rate_hz == track.source.sample_rate_hz:
        return track
    _refuse_rate(sample_rate_hz, shown(track.source.path))

    def play(block_samples: int) -> Iterator[FloatArray]:
        return rechunked(_converted(track, sample_rate_hz), block_samples)

    return replace(
        track, source=replace(track.source, sample_rate_hz=sample_rate_hz), play=play, jump=None, n_samples=0
    )


def refuse_bad(block: FloatArray, start_sample: int, name: str, sample_rate_hz: int) -> None:
    """Refuse a block, which starts at a sample of the track, in which a value is no number, or beyond ±1000 (+60 dBFS).

    Floating-point sound above 0 dBFS passes: headroom is legal.
    """
    if not largest(block) <= LOUDEST:  # NaN makes the comparison false
        raise BadAudio(_first_bad(block, start_sample, name, sample_rate_hz))


def _examined(path: str | os.PathLike[str], name: str) -> tuple[str, Claim | None, Streams | None, bytes]:
    """Hash, header's claim, Ogg streams and first bytes of a regular file; refuses anything else."""
    try:
        status = os.stat(path)
        # Asked before opening, because opening a named pipe waits for ever.
        if not stat.S_ISREG(status.st_mode):
            raise BadAudio(f"{name} is {kind(status.st_mode)}; give a sound file")
        if status.st_size == 0:
            raise BadAudio(f"{name} is empty (0 bytes); give a sound file")
        with open(path, "rb") as file:
            head = file.read(16)
            claim = claim_of(file, status.st_size)
            streams = ogg_streams(file) or mp3_stream(file, status.st_size)
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest(), claim, streams, head
    except OSError as error:
        raise BadAudio(_why_not_opened(path, name, error)) from error
    except ValueError as error:  # a NUL in the name
        raise BadAudio(f"{name} cannot be opened ({error})") from error


def _why_not_opened(path: str | os.PathLike[str], name: str, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        dangling = os.path.islink(path)
        return f"{name} {'is a link to nothing' if dangling else 'does not exist'}; check the name and the folder"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{name} may not be read; change its permissions or copy it"
    return f"{name} cannot be opened ({error.strerror or error})"


def _refuse_missing_sound(claim: Claim, name: str) -> None:
    """Refuse a file whose header promises clearly more than there is, or nothing where there is something."""
    if claim.claimed_bytes is None:
        return
    if claim.claimed_bytes == 0 and claim.held_bytes > ORPHAN_BYTES:
        raise BadAudio(
            f"{name} says it holds no sound, yet {claim.held_bytes} bytes follow its header, as after a recorder"
            " that crashed; repair the header (an audio editor can import the file as raw data)"
        )
    if claim.held_bytes < claim.claimed_bytes * (1.0 - MISSING_SHARE):
        share_pct = 100.0 * claim.held_bytes / claim.claimed_bytes
        raise BadAudio(
            f"{name} is cut off: its header promises {claim.claimed_bytes} bytes of sound and {claim.held_bytes}"
            f" ({share_pct:.0f} %) are there; copy or download it again"
        )


def _refuse_format(stream: SoundStream, name: str) -> None:
    """Refuse what libsndfile can read and refmaster cannot master."""
    if stream.format not in _CONTAINERS:
        raise BadAudio(f"{name} is a {stream.format} file; refmaster reads {_READS}")
    if stream.subtype not in _STORED_BITS and stream.subtype not in _SUBTYPE_BITS and stream.subtype not in _LOSSY:
        raise BadAudio(f"{name} holds {stream.subtype} sound, which refmaster does not read; convert it to PCM")
    if stream.channels > MOST_CHANNELS:
        layout = {4: ", quad", 6: ", 5.1", 8: ", 7.1"}.get(stream.channels, "")
        raise BadAudio(
            f"{name} has {stream.channels} channels{layout}; refmaster masters mono and stereo; export a stereo mixdown"
        )
    _refuse_rate(stream.samplerate, name)
    if stream.frames == 0:
        raise BadAudio(f"{name} holds no sound: its header is in order, but promises 0 samples")


def _refuse_rate(sample_rate_hz: int, name: str) -> None:
    if not LOWEST_RATE_HZ <= sample_rate_hz <= HIGHEST_RATE_HZ:
        raise BadAudio(
            f"{name} has a sample rate of {sample_rate_hz} Hz; allowed: {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz"
        )


def _why_not_audio(error: sf.SoundFileError, name: str, head: bytes) -> str:
    for magic, (at, what) in _PROBABLY.items():
        if head[at : at + len(magic)] == magic:
            return f"{name} is {what}; refmaster reads {_READS}; convert it"
    return f"{name} is not audio that can be read ({_said(error)}); refmaster reads {_READS}"


def _source(path: str, sha256: str, stream: SoundStream) -> Source:
    return Source(
        path=path,
        sha256=sha256,
        sample_rate_hz=stream.samplerate,
        channels=stream.channels,
        container=stream.format,
        subtype=stream.subtype,
        bit_depth=_SUBTYPE_BITS.get(stream.subtype),
        lossy=stream.subtype in _LOSSY,
    )


def _notes(path: Path, source: Source, claim: Claim | None, streams: Streams | None, n_samples: int) -> tuple[str, ...]:
    """What is odd about a file that is good enough, one line each."""
    name, notes = shown(path.name), []
    ending = path.suffix.lower()
    if ending not in _CONTAINERS[source.container] and any(ending in known for known in _CONTAINERS.values()):
        notes.append(f"{name} is {source.container} by its content, not what its name says")
    if streams is not None and streams.broken_at is not None:
        notes.append(f"{name} is damaged {streams.broken_at} bytes in: some of its sound may be missing")
    elif streams is not None and not streams.ended:
        what = "ends within a frame" if source.container == "MP3" else "has no last page"
        notes.append(f"{name} {what}: it may have been cut off")
    if claim is not None and source.subtype in _STORED_BITS:
        frame_bytes = source.channels * _STORED_BITS[source.subtype] // 8
        if claim.claimed_bytes is None:
            notes.append(f"{name} does not say how long it is; all {n_samples} samples that are there were taken")
        elif claim.held_bytes < claim.claimed_bytes:
            promised = claim.claimed_bytes // frame_bytes
            notes.append(f"{name}: header claims {promised} samples, {n_samples} could be read")
        elif source.container in ("WAV", "WAVEX", "RF64") and claim.claimed_bytes % frame_bytes:
            notes.append(f"{name} ends within a sample; the broken one was left out")
    return tuple(notes)


def _decoded(path: str | os.PathLike[str], name: str, source: Source) -> Iterator[FloatArray]:
    """The sound of a file, always read in the same steps, so that a decoder cannot tell who asks."""
    n_read = 0
    try:
        with reading(path) as stream:
            if (stream.channels, stream.samplerate) != (source.channels, source.sample_rate_hz):
                raise BadAudio(f"{name} changed while it was in use; run again")
            for block in _blocks_of(stream):
                n_read += block.shape[1]
                yield block
            promised = stream.frames
    except (sf.SoundFileError, OSError) as error:
        position_s = n_read / source.sample_rate_hz
        raise BadAudio(f"{name} is damaged after {position_s:.1f} s ({_said(error)}); copy it again") from error
    if not source.lossy and n_read < promised < OPEN_LENGTH_SAMPLES:
        raise BadAudio(f"{name} ends after {n_read} of {promised} samples; copy or download it again")


def _jumping(path: str | os.PathLike[str], name: str, source: Source, places: Sequence[Place]) -> Iterator[FloatArray]:
    """Stretches of a file whose samples lie in it as they are."""
    try:
        with reading(path) as stream:
            width = stream.raw_width or 0
            for first, last in places:
                stream.seek(first)
                block = unpacked(stream.read_raw(last - first), stream.channels, width)
                if block.shape != (source.channels, last - first):
                    raise BadAudio(f"{name} changed while it was in use; run again")
                yield block
    except (sf.SoundFileError, OSError) as error:
        raise BadAudio(f"{name} changed while it was in use; run again") from error


def _blocks_of(stream: SoundStream) -> Iterator[FloatArray]:
    """What is left of a stream, (channels, samples), in blocks of `BLOCK_SAMPLES`."""
    if (width := stream.raw_width) is not None:
        while (data := stream.read_raw(BLOCK_SAMPLES)).size:
            yield unpacked(data, stream.channels, width)
        return
    buffer = np.empty((BLOCK_SAMPLES, stream.channels))
    while n_samples := stream.read(out=buffer, always_2d=True).shape[0]:
        yield np.array(buffer[:n_samples].T, order="C", copy=True)


def _converted(track: Track, sample_rate_hz: int) -> Iterator[FloatArray]:
    import soxr

    source = track.source
    stream = soxr.ResampleStream(source.sample_rate_hz, sample_rate_hz, source.channels, dtype="float64", quality="VHQ")
    for block in track.blocks(BLOCK_SAMPLES):
        yield np.array(stream.resample_chunk(np.ascontiguousarray(block.T)).T, order="C", copy=True)
    rest = stream.resample_chunk(np.zeros((0, source.channels)), last=True)
    yield np.array(rest.T, order="C", copy=True)


def _first_bad(block: FloatArray, start: int, name: str, sample_rate_hz: int) -> str:
    bad = ~(np.abs(block) <= LOUDEST)
    at = int(np.argmax(bad.any(axis=0)))
    channel = int(np.argmax(bad[:, at]))
    value = block[channel, at]
    what = "is not a number (NaN)" if np.isnan(value) else f"is {value:g}, past ±{LOUDEST:g} (+60 dBFS)"
    where = f"sample {start + at} ({(start + at) / sample_rate_hz:.3f} s), channel {channel + 1}"
    return f"{shown(name)}: {where} {what}; export the file again"


def _said(error: Exception) -> str:
    """What a library said, on one line and without our file descriptor in it."""
    text = error.error_string if isinstance(error, sf.LibsndfileError) else str(error)
    return shown(text.strip().removeprefix("Error : ").rstrip("."))
