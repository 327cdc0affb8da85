"""Freely licensed music, where it is there: pairs of one genre, mastered from file to file."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from scipy.signal import resample_poly

from refmaster.pipeline import Options, master
from tests.signals import spoil

AUDIO = Path(__file__).parents[3] / "shared" / "audio"
QUICK = Options(html=False)
EXCERPT_S = 30.0

pytestmark = pytest.mark.skipif(not AUDIO.is_dir(), reason=f"no music here: {AUDIO} is not there")


def pairs() -> list[tuple[Path, Path]]:
    """Neighbours of one genre, by the first part of their names."""
    tracks = sorted(path for path in AUDIO.glob("*__*") if path.suffix in (".ogg", ".mp3", ".flac"))
    genre = {path: path.name.split("__")[0] for path in tracks}
    return [(one, other) for one, other in pairwise(tracks) if genre[one] == genre[other]]


def named(pair: tuple[Path, Path]) -> str:
    return f"{pair[0].name[:24]} to {pair[1].name[:24]}"


FOUND = pairs() if AUDIO.is_dir() else []
FIRST = [pair for pair in FOUND if pair[0].name.startswith(("rock__supertuxkart", "electronic__freedroid", "folk"))][:3]
SOME = [pytest.param(*pair, id=named(pair), marks=[] if pair in FIRST else [pytest.mark.slow]) for pair in FOUND]


def excerpt(path: Path, out: Path) -> Path:
    """30 s from the track's middle, as a 24-bit WAV."""
    samples, rate_hz = sf.read(path, always_2d=True)
    start = max(0, (len(samples) - round(EXCERPT_S * rate_hz)) // 2)
    sf.write(out, samples[start : start + round(EXCERPT_S * rate_hz)], rate_hz, subtype="PCM_24")
    return out


@pytest.mark.parametrize(("target", "reference"), SOME)
def test_a_pair_of_one_genre_keeps_every_promise(target, reference, tmp_path):
    mine, theirs = excerpt(target, tmp_path / "t.wav"), excerpt(reference, tmp_path / "r.wav")
    report = master(mine, theirs, tmp_path / "o.wav", options=QUICK)
    assert [check for check in report.checks if not check.passed] == []
    samples = sf.read(tmp_path / "o.wav", always_2d=True)[0].T
    assert samples.shape == (sf.info(mine).channels, sf.info(mine).frames)
    peak = max(float(np.abs(resample_poly(channel, 8, 1)).max()) for channel in samples)
    assert 20 * np.log10(peak) <= -1.0 + 0.03
    for move in report.plan.moves:
        text = report.text_of(move.id)
        assert 20 <= len(text) <= 240
        assert all(str(param) in text for param in move.params if param.value != param.neutral)


@pytest.mark.parametrize(("target", "reference"), SOME[:1] if SOME else [])
def test_a_damaged_copy_comes_nearer_to_the_original(target, reference, tmp_path):
    original = excerpt(target, tmp_path / "r.wav")
    samples, rate_hz = sf.read(original, always_2d=True)
    damaged = spoil(samples.T, rate_hz, high_shelf_db=-4.0, level_db=-5.0)
    sf.write(tmp_path / "t.wav", damaged.T, rate_hz, subtype="PCM_24")
    report = master(tmp_path / "t.wav", original, tmp_path / "o.wav", options=QUICK)
    mine, wanted, done = (np.array(one.ltas_db) for one in (report.target, report.reference, report.master))
    heard = wanted > wanted.max() - 50
    before, after = (np.std((one - wanted)[heard]) for one in (mine, done))
    assert after < 0.6 * before
    assert report.master.integrated_lufs == pytest.approx(report.plan.goal_lufs, abs=0.1)
