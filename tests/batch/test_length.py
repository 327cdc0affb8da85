"""How long a track is, told from its header without libsndfile."""

import os

import numpy as np
import pytest
import soundfile as sf

from refmaster.batch.length import LONGEST_S, length_s


@pytest.mark.parametrize("kind", ["WAV", "RF64", "W64", "FLAC"])
def test_the_header_tells(kind, tmp_path):
    path = tmp_path / f"track.{kind.lower()}"
    sf.write(path, np.zeros((66150, 2)), 44100, format=kind, subtype="PCM_16")
    assert length_s(str(path)) == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize("kind", ["AIFF", "CAF", "OGG", "MP3"])
def test_where_it_does_not_a_longer_file_is_still_longer(kind, tmp_path, rng):
    lengths = []
    for seconds in (2, 6):
        path = tmp_path / f"{seconds}.{kind.lower()}"
        sf.write(path, 0.1 * rng.standard_normal((seconds * 44100, 2)), 44100, format=kind)
        lengths.append(length_s(str(path)))
    assert 0 < lengths[0] < lengths[1]


def test_a_header_that_lies_is_held_to_the_size_of_the_file(tmp_path):
    path = tmp_path / "lie.wav"
    sf.write(path, np.zeros((44100, 1)), 44100, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xf0\xff\xff\xff"
    path.write_bytes(data)
    assert length_s(str(path)) == pytest.approx(1.0, abs=0.01)
    flac = tmp_path / "lie.flac"
    flac.write_bytes(b"fLaC" + bytes(14) + (1 << 44 | 2**36 - 2).to_bytes(8, "big"))
    assert length_s(str(flac)) == LONGEST_S


def test_what_is_no_file_or_no_audio_has_no_say(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "text.wav").write_text("RIFF")
    (tmp_path / "empty.wav").touch()
    assert length_s(str(tmp_path / "pipe.wav")) == 0.0
    assert length_s(str(tmp_path / "gone.wav")) == 0.0
    assert length_s(str(tmp_path / "empty.wav")) == 0.0
    assert 0 < length_s(str(tmp_path / "text.wav")) < 1e-3
