"""Whole numbers as they lie in files: the same bits that libsndfile gives and takes."""

import numpy as np
import pytest
import soundfile as sf

from refmaster import stream as streams
from refmaster.dsp.pcm import packed, unpacked
from refmaster.load import open_track
from refmaster.records import Delivery
from refmaster.save import write_audio
from tests.signals import pink_noise

WIDTHS = {"PCM_16": 2, "PCM_24": 3, "PCM_32": 4}


def numbers(width: int, channels: int, rng) -> np.ndarray:
    half = 2 ** (8 * width - 1)
    drawn = rng.integers(-half, half, size=(channels, 999))
    drawn[:, :5] = [-half, half - 1, 0, -1, 1]
    return drawn.astype(np.int32)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("width", WIDTHS.values())
def test_what_was_packed_is_unpacked(width, channels, rng):
    values = numbers(width, channels, rng)
    assert np.array_equal(unpacked(packed(values, width), channels, width), values * 2.0 ** (1 - 8 * width))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("subtype", WIDTHS)
@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64", "W64"])
def test_a_file_reads_and_writes_as_libsndfile_has_it(tmp_path, monkeypatch, container, subtype, channels):
    """More than a block, and no whole number of blocks; by the short way and by libsndfile's own."""
    noise = pink_noise(-20.0, 2.0, 48000)[:channels]
    sf.write(tmp_path / "theirs.wav", noise.T, 48000, subtype, format=container)
    expected, _ = sf.read(tmp_path / "theirs.wav", always_2d=True)
    found = np.concatenate(list(open_track(tmp_path / "theirs.wav").blocks(50_001)), axis=1)
    assert np.array_equal(found, expected.T)
    delivery = Delivery("WAV" if container == "WAVEX" else container, subtype, 8 * WIDTHS[subtype])
    made = []
    for known in (True, False):
        monkeypatch.setattr(streams, "RAW_KNOWN", known)
        out = tmp_path / f"{known}.wav"
        heard: list[np.ndarray] = []
        write_audio(out, [noise], sample_rate_hz=48000, channels=channels, delivery=delivery, stored=heard.append)
        read, _ = sf.read(out, always_2d=True)
        assert np.array_equal(np.concatenate(heard, axis=1), read.T)
        made.append(out.read_bytes())
    assert made[0] == made[1]


def test_what_is_not_little_endian_goes_libsndfile_s_way(tmp_path):
    noise = pink_noise(-20.0, 1.0, 48000)
    for name, format_, endian in (("a.aiff", "AIFF", "FILE"), ("b.wav", "WAV", "BIG"), ("c.caf", "CAF", "FILE")):
        sf.write(tmp_path / name, noise.T, 48000, "PCM_24", format=format_, endian=endian)
        with streams.reading(tmp_path / name) as stream:
            assert stream.raw_width is None
        found = np.concatenate(list(open_track(tmp_path / name).blocks()), axis=1)
        assert np.array_equal(found, sf.read(tmp_path / name)[0].T)
