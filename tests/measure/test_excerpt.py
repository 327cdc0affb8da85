"""The loudness behind the limiter: estimated from an excerpt, heard in the end, and never taken on trust."""

from functools import cache

import numpy as np
import pytest

from refmaster import demo, drive
from refmaster.dsp.limiter import Limiting, limited
from refmaster.load import open_track
from refmaster.measure import excerpt as e
from refmaster.measure.loudness import LoudnessMeter, measure_loudness
from refmaster.pipeline import Options, master, render
from refmaster.records import Delivery, Report
from refmaster.save import write_audio
from tests.signals import FloatArray, in_blocks, pink_noise

RATE_HZ = 44100
LIMITING = Limiting(-1.0, 1.5, 10.0, 0.05, 3.0)


@cache
def song(seconds: int) -> FloatArray:
    """The demo's song over and over, each time louder by 3 dB; shape (2, samples)."""
    once = demo.song(RATE_HZ)
    times = -(-seconds * RATE_HZ // once.shape[1])
    long = np.concatenate([once * 10 ** (3 * (n % 3) / 20) for n in range(times)], axis=1)[:, : seconds * RATE_HZ]
    return np.asarray(0.5 * long / np.abs(long).max())


def excerpt_of(sound: FloatArray, block_samples: int = 65536) -> e.Excerpt:
    meter, loudness = e.ExcerptMeter(sound.shape[1], RATE_HZ), LoudnessMeter(RATE_HZ, 2)
    for block in in_blocks(sound, block_samples):
        meter.feed(block)
        loudness.feed(block)
    return meter.read(loudness.read().cell_power)


def heard_lufs(sound: FloatArray, gain_db: float) -> float:
    found = measure_loudness(limited([sound], RATE_HZ, LIMITING, drive_db=gain_db), RATE_HZ).integrated_lufs
    assert found is not None
    return found


@pytest.mark.parametrize("gain_db", [0.0, 8.0, 12.0])
def test_the_estimate_is_near_what_the_whole_gives(gain_db):
    estimate = e.limited_as(excerpt_of(song(70)), LIMITING, gain_db)
    assert estimate.lufs == pytest.approx(heard_lufs(song(70), gain_db), abs=0.1)
    assert estimate.peak_dbtp <= LIMITING.ceiling_dbtp


def test_the_estimate_is_the_truth_where_nothing_is_over():
    quiet = 0.1 * song(70)
    assert e.limited_as(excerpt_of(quiet), LIMITING, 3.0).lufs == pytest.approx(heard_lufs(quiet, 3.0), abs=1e-6)


def test_a_short_sound_is_kept_whole_and_heard():
    short = song(70)[:, : 20 * RATE_HZ]
    kept = excerpt_of(short)
    assert kept.whole
    assert np.allclose(kept.stretches[0].samples, short, atol=1e-7)
    assert e.limited_as(kept, LIMITING, 8.0).lufs == pytest.approx(heard_lufs(short, 8.0), abs=1e-4)


def test_stretches_lie_evenly_and_know_their_place():
    sound = song(70)
    kept = excerpt_of(sound)
    assert len(kept.stretches) == e.STRETCHES
    for one in kept.stretches:
        at = (one.first - one.lead) * RATE_HZ // 100
        assert np.allclose(one.samples, sound[:, at : at + one.samples.shape[1]], atol=1e-7)
    assert np.ptp(np.diff([one.first for one in kept.stretches])) <= 100  # cells: within a second


def test_neither_the_cut_of_the_stream_nor_threads_change_an_estimate():
    found = [
        e.limited_as(excerpt_of(song(70), block), LIMITING, 10.0, threads=threads)
        for block, threads in ((65536, 1), (4999, 1), (99991, 2))
    ]
    assert found[0] == found[1] == found[2]


@cache
def hits_between(seconds: int = 62) -> FloatArray:
    """Noise with loud hits where no stretch of the excerpt lies."""
    sound = pink_noise(-40.0, seconds, RATE_HZ)
    at = np.arange(RATE_HZ // 2) / RATE_HZ
    hit = 0.4 * np.exp(-12 * at) * np.sin(2 * np.pi * 180 * at)
    for one in excerpt_of(sound).stretches[:-1]:
        for late_s in (2.1, 2.8, 3.5, 4.2):
            start = one.first * RATE_HZ // 100 + round(late_s * RATE_HZ)
            sound[:, start : start + hit.size] += hit
    return sound


def test_what_is_over_only_between_the_stretches_is_foreseen():
    gentle, hard = (e.limited_as(excerpt_of(hits_between()), LIMITING, gain_db) for gain_db in (10.0, 14.0))
    assert gentle.lufs == pytest.approx(heard_lufs(hits_between(), 10.0), abs=0.8)
    assert gentle.hard_db > 1.0
    assert hard.hard_db == pytest.approx(gentle.hard_db + 4.0, abs=0.5)


def test_a_level_that_only_the_whole_tells_is_found_and_told_true(tmp_path):
    """The first render shows that the limiter works hard where the excerpt heard nothing; what follows is rendered."""
    for name, sound in (("t", hits_between()), ("r", np.clip(9 * song(60), -0.99, 0.99))):
        write_audio(tmp_path / f"{name}.wav", [sound], sample_rate_hz=RATE_HZ, channels=2, delivery=Delivery())
    report = master(tmp_path / "t.wav", tmp_path / "r.wav", tmp_path / "o.wav", options=Options(html=False))
    assert all(check.passed for check in report.checks)
    assert report.plan.goal_lufs == pytest.approx(report.master.integrated_lufs, abs=0.06)
    render(tmp_path / "o.toml", tmp_path / "p.wav", options=Options(html=False))
    assert (tmp_path / "o.wav").read_bytes() == (tmp_path / "p.wav").read_bytes()


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> tuple[str, str]:
    folder, paths = tmp_path_factory.mktemp("long"), []
    for name, sound in (("target", 0.3 * song(60)), ("reference", 1.6 * song(60)[:, ::-1])):
        write_audio(folder / f"{name}.wav", [sound], sample_rate_hz=RATE_HZ, channels=2, delivery=Delivery())
        paths.append(str(folder / f"{name}.wav"))
    return paths[0], paths[1]


def mastered(pair: tuple[str, str], out: str, **asked: object) -> Report:
    return master(*pair, out, options=Options(html=False, force=True), **asked)  # type: ignore[arg-type]


def test_a_mistaken_estimate_is_heard_and_mended(pair, tmp_path, monkeypatch):
    """An excerpt that reads 0.6 LU too loud: the first render shows it, the next one has the loudness."""
    known = mastered(pair, str(tmp_path / "known.wav"), loudness=-11.0)
    rendered = []
    real = e.limited_as

    def wrong(*args, **kwargs):
        found = real(*args, **kwargs)
        return e.Limited(**{**found.__dict__, "lufs": found.lufs + 0.6})

    def told(step, share):
        if step == "render" and share == 1.0:
            rendered.append(step)

    monkeypatch.setattr(drive, "limited_as", wrong)
    report = master(*pair, str(tmp_path / "o.wav"), options=Options(html=False), loudness=-11.0, told=told)
    assert len(rendered) == 2
    assert all(check.passed for check in report.checks)
    assert report.master is not None
    assert report.master.integrated_lufs == pytest.approx(-11.0, abs=0.06)
    gains = [next(m["gain_db"] for m in one.plan.moves if m.id == "match_loudness") for one in (known, report)]
    assert gains[0] == pytest.approx(gains[1], abs=0.1)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("goal_lufs", [-13.0, -11.5, -10.0, -9.0])
def test_a_last_small_step_is_told_and_not_tried(pair, tmp_path, monkeypatch, goal_lufs):
    tried = []

    def watched(excerpt, limiting, gain_db, **how):
        tried.append(gain_db)
        return e.limited_as(excerpt, limiting, gain_db, **how)

    monkeypatch.setattr(drive, "limited_as", watched)
    made = mastered(pair, str(tmp_path / "o.wav"), loudness=goal_lufs)
    gain_db = next(move["gain_db"] for move in made.plan.moves if move.id == "match_loudness")
    assert 1 <= len(tried) <= 3
    assert min(abs(gain_db - one) for one in tried) <= drive.TOLD_DB + 1e-9
    assert made.master.integrated_lufs == pytest.approx(goal_lufs, abs=0.1)


@pytest.mark.parametrize("how", [{}, {"loudness": -9.0}])
def test_what_is_told_of_the_level_is_what_was_heard_of_the_whole(pair, tmp_path, how):
    report = mastered(pair, str(tmp_path / "o.wav"), **how)
    sound = np.concatenate(list(open_track(tmp_path / "o.wav").blocks()), axis=1)
    lufs = measure_loudness([sound], RATE_HZ).integrated_lufs
    assert report.plan.goal_lufs == pytest.approx(lufs, abs=0.06)
    assert all(check.passed for check in report.checks)


def test_a_dry_run_plans_what_a_run_does(pair, tmp_path):
    run = mastered(pair, str(tmp_path / "o.wav"), loudness=-10.0)
    dry = master(*pair, options=Options(dry_run=True), loudness=-10.0)
    assert dry.plan == run.plan
