"""The door that sound leaves by: which format, where to, and written whole or not at all.

Integer formats are rounded here and not by libsndfile, which wraps or truncates; the result is counted again before
it takes its name.
"""

import errno
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from refmaster.atomic import Together, replacing, why
from refmaster.dsp.ahead import aside
from refmaster.dsp.blocks import rechunked
from refmaster.errors import BadOutput, BadSetting
from refmaster.names import LONGEST_NAME_BYTES, as_bytes, shown
from refmaster.records import Delivery, Source
from refmaster.stored import BITS, SAMPLE_BYTES, Values, bytes_of, numbers, sound
from refmaster.stream import PIECE_SAMPLES, SoundStream, forget_objection, no_room, reading
from refmaster.timeless import make_timeless
from refmaster.units import FloatArray

WRITE_SAMPLES = 65536
# RIFF and AIFF count bytes in 32 bits; 64 MiB are left for tags and pictures.
LARGEST_RIFF_BYTES = 2**32 - 2**26
HIGHEST_VORBIS_RATE_HZ = 192_000  # at 384 kHz libsndfile 1.2.2 crashes, whatever the size of the pieces

_DEPTHS = {
    "16": "PCM_16",
    "24": "PCM_24",
    "32": "PCM_32",
    "32f": "FLOAT",
    "64f": "DOUBLE",
}
_DEFAULT_DEPTH = "24"

# libsndfile's knob from 0 (best) to 1; taste: as good as the format gets at a size people use.
# Vorbis quality 8 (about 256 kbit/s), Opus about 260 kbit/s for stereo, MP3 a constant 320 kbit/s.
_COMPRESSION = {"VORBIS": 0.2, "OPUS": 0.5, "MPEG_LAYER_III": 0.0}


@dataclass(frozen=True)
class _Format:
    """A format as people call it: libsndfile's names, the endings it may have, and what it takes."""

    container: str
    endings: tuple[str, ...]
    depths: tuple[str, ...] = tuple(_DEPTHS)
    lossy_subtype: str | None = None
    rates_hz: tuple[int, ...] = ()  # empty: any
    highest_rate_hz: int | None = None


_FORMATS = {
    "WAV": _Format("WAV", (".wav", ".wave")),
    "RF64": _Format("RF64", (".rf64", ".wav", ".wave")),
    "W64": _Format("W64", (".w64",)),
    "AIFF": _Format("AIFF", (".aiff", ".aif", ".aifc")),
    "CAF": _Format("CAF", (".caf",)),
    "FLAC": _Format("FLAC", (".flac",), ("16", "24")),
    "OGG": _Format("OGG", (".ogg", ".oga"), (), "VORBIS", highest_rate_hz=HIGHEST_VORBIS_RATE_HZ),
    "OPUS": _Format("OGG", (".opus", ".ogg", ".oga"), (), "OPUS", (8000, 12000, 16000, 24000, 48000)),
    "MP3": _Format(
        "MP3", (".mp3",), (), "MPEG_LAYER_III", (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
    ),
}
EXTENSIONS: dict[str, str] = {
    ending: name for name, one in reversed(_FORMATS.items()) for ending in one.endings
}  # reversed: an ending that several formats share belongs to the first, .wav to WAV


@dataclass(frozen=True)
class WriteResult:
    """What was written: samples a channel, and how many values (of all channels) were held at full scale."""

    n_samples: int
    clipped_samples: int
    digest: str = field(default="", compare=False)  # SHA-256 of the sound's bytes; empty where lossy


def choose_delivery(out: Path, *, container: str | None, bit_depth: str | None, source: Source) -> Delivery:
    """The format that a name and the options ask for; 24 bits unless told, WAV where the name has no ending.

    `container` is a key of `EXTENSIONS`' values in any case ("flac"), `bit_depth` one of 16, 24, 32, 32f, 64f.
    """
    name = _format_name(out, container)
    chosen = _FORMATS[name]
    _refuse_rate(name, chosen, source.sample_rate_hz)
    if chosen.lossy_subtype is not None:
        if bit_depth is not None:
            raise BadSetting(f"{name} has no bit depth; leave --bit-depth out, or choose WAV or FLAC")
        return Delivery(chosen.container, chosen.lossy_subtype, bit_depth=None, dithered=False)
    depth = (_DEFAULT_DEPTH if bit_depth is None else bit_depth).lower()
    if depth not in chosen.depths:
        raise BadSetting(f"{name} has no bit depth {bit_depth!r}; allowed: {', '.join(chosen.depths)}")
    subtype = _DEPTHS[depth]
    bits = BITS.get(subtype)
    return Delivery(chosen.container, subtype, bit_depth=bits, dithered=bits is not None)


def is_lossy(delivery: Delivery) -> bool:
    """Whether what is written is not what will be read."""
    return delivery.subtype in _COMPRESSION


def check_outputs(
    outputs: Sequence[Path], inputs: Sequence[Path], *, force: bool, need_bytes: int = 0, option: str = "-o"
) -> None:
    """Refuse, before any work, results that cannot or must not be written.

    `need_bytes` is what all outputs together will take at least, as far as is known; `option` is what names them.
    """
    for number, out in enumerate(outputs):
        for other in inputs:
            if _same_file(out, other):
                raise BadOutput(
                    f"{shown(out)} is an input as well; refmaster never overwrites one: choose another name"
                )
        if any(_same_file(out, other) for other in outputs[:number]):
            raise BadOutput(f"{shown(out)} is asked for twice; give each result its own name")
        _refuse_name(out, option)
        _refuse_standing(out, force)
    for folder in dict.fromkeys(out.parent for out in outputs):
        _refuse_folder(folder, need_bytes, option)


def refuse_device(out: Path) -> None:
    """Refuse a name at which a device or a pipe stands, or a link to one: what is put there is no file."""
    try:
        mode = os.stat(out).st_mode
    except (OSError, ValueError):  # a link to nothing; whatever else is wrong with the name, writing there will tell
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise BadOutput(f"{shown(out)} is a device or a pipe; give a file name")


def size_bytes(delivery: Delivery, channels: int, n_samples: int) -> int:
    """How many bytes so much sound takes in a file; 0 where only its encoder can tell."""
    packed = delivery.container == "FLAC" or is_lossy(delivery)
    return 0 if packed else n_samples * channels * SAMPLE_BYTES.get(delivery.subtype, 0)


def write_audio(
    out: Path,
    blocks: Iterable[FloatArray],
    *,
    sample_rate_hz: int,
    channels: int,
    delivery: Delivery,
    expected_samples: int | None = None,
    stored: Callable[[FloatArray], None] | None = None,
    finish: Callable[[Path, str], None] | None = None,
    look: Callable[[Path], None] | None = None,
    threads: int = 1,
    within: Together | None = None,
) -> WriteResult:
    """Write sound of the shape (channels, samples), whole or not at all; an existing file is replaced at the end.

    `expected_samples` lets a WAV past 4 GiB become an RF64, and is held against what came. `stored`, for a format that
    is not lossy, hears the sound as whoever opens the file will: every block is read back in the end and must be the
    same. `finish` is called with the closed, still hidden file and the digest of its sound, to add tags to it; `look`
    then, to read it as it will stand there; with more than one of `threads` another reads it back meanwhile. `within`
    others it takes its name with them.
    """
    delivery = _large_enough(out, delivery, channels, expected_samples)
    with replacing(out, within) as temp:
        result = _written(temp, blocks, stored, sample_rate_hz=sample_rate_hz, channels=channels, delivery=delivery)
        if expected_samples is not None and result.n_samples != expected_samples:
            raise BadOutput(
                f"{shown(out)} would have {result.n_samples} samples instead of {expected_samples};"
                " the target changed while it was read: run again"
            )
        make_timeless(temp)
        if finish is not None:
            finish(temp, result.digest)
        with aside(lambda: _verify(temp, out, result, delivery), threads=threads if look else 1) as verified:
            if look is not None:
                look(temp)
            verified()
    return result


def write_text(out: Path, text: str, within: Together | None = None, *, new: bool = False) -> None:
    """Write a text as UTF-8 with newlines as they are, whole or not at all; `within` others named with them.

    Alone, where it must be `new`, it is refused if its name was taken meanwhile.
    """
    with replacing(out, within, new=new) as temp:
        temp.write_bytes(as_bytes(text))


def _format_name(out: Path, container: str | None) -> str:
    ending = out.suffix.lower()
    known = ", ".join(name.lower() for name in _FORMATS)
    if container is None:
        if ending and ending not in EXTENSIONS:
            endings = ", ".join(sorted(EXTENSIONS))
            raise BadSetting(f"no format goes by the ending {shown(ending)!r}; known: {endings}; or give --format")
        return EXTENSIONS.get(ending, "WAV")
    name = container.upper()
    if name not in _FORMATS:
        raise BadSetting(f"no format {container!r}; known: {known}")
    if ending in EXTENSIONS and ending not in _FORMATS[name].endings:
        fitting_ending = _FORMATS[name].endings[0]
        raise BadSetting(f"{shown(out.name)} and --format {name.lower()} disagree; name it {fitting_ending}")
    return name


def _refuse_rate(name: str, chosen: _Format, sample_rate_hz: int) -> None:
    """Refuse rates the encoder does not know: the master keeps its rate, so another format has to be chosen."""
    highest = chosen.highest_rate_hz
    if (chosen.rates_hz and sample_rate_hz not in chosen.rates_hz) or (highest and sample_rate_hz > highest):
        allowed = ", ".join(str(rate) for rate in chosen.rates_hz) or f"up to {highest}"
        raise BadSetting(f"{name} cannot hold {sample_rate_hz} Hz; allowed: {allowed} Hz; choose WAV or FLAC")


def _same_file(one: Path, other: Path) -> bool:
    """Whether two paths are one file, by any name, link or spelling."""
    try:
        if os.path.samefile(one, other):
            return True
    except (OSError, ValueError):
        pass  # one of them is not there (yet): their resolved names decide
    return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def _refuse_name(out: Path, option: str) -> None:
    if not out.name or "\0" in str(out):
        raise BadOutput(f"{shown(out)!r} is no name for a file; give one")
    if len(os.fsencode(out.name)) > LONGEST_NAME_BYTES:
        raise BadOutput(
            f"{shown(out)} is too long a name; at most {LONGEST_NAME_BYTES} bytes: give a shorter one with {option}"
        )


def _refuse_standing(out: Path, force: bool) -> None:
    """Refuse what stands where the result should go, unless it is a plain file and may be overwritten."""
    try:
        os.lstat(out)
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadOutput(f"{shown(out)} cannot be written ({why(error)})") from error
    if out.is_dir():
        raise BadOutput(f"{shown(out)} is a folder; give a file name")
    refuse_device(out)
    if not force:
        raise BadOutput(f"{shown(out)} exists; --force overwrites it")
    if out.exists() and not os.access(out, os.W_OK):
        raise BadOutput(f"{shown(out)} is write-protected; choose another name")


def _refuse_folder(folder: Path, need_bytes: int, option: str) -> None:
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise BadOutput(f"the folder {shown(folder)} {what}; make it, or choose another with {option}")
    try:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        # Permissions tell root nothing, and nobody about read-only disks: only a try does.
        descriptor, probe = tempfile.mkstemp(prefix=".refmaster-", suffix=".part", dir=folder)
        os.close(descriptor)
        os.unlink(probe)
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        raise BadOutput(f"the folder {shown(folder)} cannot be written to ({why(error)}); choose another") from error
    if need_bytes > free_bytes:
        name = folder if folder.name else os.path.basename(os.path.abspath(folder)) or folder  # who knows which is "."?
        raise BadOutput(
            f"the disk of {shown(name)} has {free_bytes / 1e6:.0f} MB free, and {need_bytes / 1e6:.0f} MB are needed"
        )


def _large_enough(out: Path, delivery: Delivery, channels: int, expected_samples: int | None) -> Delivery:
    """RF64 where a WAV would pass 4 GiB; AIFF has no such successor and is refused."""
    if delivery.container not in ("WAV", "AIFF"):
        return delivery
    if size_bytes(delivery, channels, expected_samples or 0) <= LARGEST_RIFF_BYTES:
        return delivery
    if delivery.container == "AIFF":
        raise BadOutput(f"{shown(out)} would pass the 4 GiB that AIFF can hold; choose WAV, CAF or FLAC")
    return replace(delivery, container="RF64")


def _written(
    temp: Path,
    blocks: Iterable[FloatArray],
    stored: Callable[[FloatArray], None] | None,
    *,
    sample_rate_hz: int,
    channels: int,
    delivery: Delivery,
) -> WriteResult:
    """Encode the blocks into an existing file, in steps that never depend on how they came."""
    n_samples = clipped_samples = 0
    digest = hashlib.sha256()
    most_samples = LARGEST_RIFF_BYTES // (channels * SAMPLE_BYTES.get(delivery.subtype, 1))
    with _writing(temp, sample_rate_hz, channels, delivery) as stream:
        for block in rechunked(blocks, PIECE_SAMPLES if is_lossy(delivery) else WRITE_SAMPLES):
            if block.shape[0] != channels:
                raise ValueError(f"a block of {block.shape[0]} channels in a file of {channels}")
            values, clipped = numbers(block, delivery, n_samples)
            if stored is not None:
                stored(sound(values, delivery))
            data = None if is_lossy(delivery) else bytes_of(values, delivery.subtype)
            if data is not None:
                digest.update(data.data)
            _put(stream, values, data, delivery)
            n_samples += block.shape[1]
            clipped_samples += clipped
            if delivery.container in ("WAV", "AIFF") and n_samples > most_samples:
                raise OSError(errno.EFBIG, f"{delivery.container} ends at 4 GiB; choose RF64, CAF or FLAC")
    if n_samples == 0:
        raise OSError(errno.EINVAL, "there was no sound to write")
    return WriteResult(n_samples, clipped_samples, "" if is_lossy(delivery) else digest.hexdigest())


def _put(stream: SoundStream, values: Values, data: Values | None, delivery: Delivery) -> None:
    """Write values, of the shape (channels, samples), or their bytes where the file takes them as they are."""
    if data is not None and stream.raw_width is not None:
        stream.write_raw(data)
        return
    if delivery.bit_depth is not None:  # libsndfile takes whole numbers left-aligned
        values = values.astype(np.int16) if delivery.bit_depth == 16 else values << (32 - delivery.bit_depth)
    try:
        stream.write(np.ascontiguousarray(values.T))
    except AssertionError as error:  # how python-soundfile says that less was written than given
        raise no_room() from error


@contextmanager
def _writing(path: Path, sample_rate_hz: int, channels: int, delivery: Delivery) -> Iterator[SoundStream]:
    """A file to write sound into, by its descriptor, so that any name works."""
    compression = _COMPRESSION.get(delivery.subtype)
    forget_objection()
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        with SoundStream(
            descriptor,
            "w",
            samplerate=sample_rate_hz,
            channels=channels,
            format=delivery.container,
            subtype=delivery.subtype,
            closefd=False,
            compression_level=compression,
            bitrate_mode="CONSTANT" if delivery.subtype == "MPEG_LAYER_III" else None,
        ) as stream:
            yield stream
    finally:
        os.close(descriptor)


def _verify(temp: Path, out: Path, result: WriteResult, delivery: Delivery) -> None:
    """Read back what was written: a full or failing disk leaves files that look valid and are not."""
    digest = hashlib.sha256()
    with reading(temp) as stream:
        n_samples = stream.frames
        while result.digest and (data := _taken(stream, delivery)).size:
            digest.update(data.data)
    # MP3 headers count in whole frames of the codec, and lie; the others are exact.
    if n_samples != result.n_samples and delivery.container != "MP3":
        raise BadOutput(
            f"{shown(out)} came out with {n_samples} of {result.n_samples} samples; is the disk full or failing?"
        )
    if result.digest and digest.hexdigest() != result.digest:
        raise BadOutput(f"{shown(out)} does not hold what was written into it; is the disk failing?")


def _taken(stream: SoundStream, delivery: Delivery) -> Values:
    """The bytes of a file's next samples, as `bytes_of` has them."""
    if stream.raw_width is not None:
        return stream.read_raw(WRITE_SAMPLES)
    if delivery.bit_depth is None:
        kind = "float64" if delivery.subtype == "DOUBLE" else "float32"
        values = stream.read(WRITE_SAMPLES, dtype=kind, always_2d=True)
    else:
        values = stream.read(WRITE_SAMPLES, dtype="int32", always_2d=True) >> (32 - delivery.bit_depth)
    return bytes_of(np.ascontiguousarray(values.T), delivery.subtype)
