"""Loudness behind filters, told from frames: near what is heard, and honest about what it is not."""

from dataclasses import replace

import numpy as np
import pytest

from refmaster.analyse import measure
from refmaster.dsp.blocks import Kept
from refmaster.ear import Ear
from refmaster.load import open_track, track_of
from refmaster.measure import excerpt as e
from refmaster.measure.foretell import Cells, foretold
from refmaster.measure.loudness import integrated_lufs, measure_loudness
from refmaster.measure.true_peak import TruePeakMeter
from refmaster.moves import blank_of, mover_of
from refmaster.pipeline import Options, master
from refmaster.records import Delivery, Move
from refmaster.render import rendered
from refmaster.save import write_audio
from refmaster.units import gain_to_db
from tests.measure.test_excerpt import RATE_HZ, song
from tests.signals import FloatArray

MOVES = (
    blank_of("match_eq/low_shelf", 2).at(gain_db=5.0, corner_hz=150.0),
    blank_of("match_eq/bell_1", 2).at(gain_db=-6.0, centre_hz=800.0, q=1.0),
    blank_of("match_eq/high_shelf", 2).at(gain_db=4.0, corner_hz=5000.0),
    blank_of("match_width/side", 2).at(side_gain_db=-4.0),
)


def told_and_heard(sound: FloatArray, moves: tuple[Move, ...]) -> tuple[Cells, FloatArray]:
    track = track_of(sound, RATE_HZ)
    measured = measure(track)
    after = measured.profile
    for move in moves:
        after = mover_of(move).foresee(after, move)
    cells = foretold(measured.cells, measured.spectrum, measured.profile, after)
    return cells, np.concatenate(list(rendered(track.blocks(), moves, RATE_HZ)), axis=1)


@pytest.mark.parametrize("moves", [MOVES[:1], MOVES[1:2], MOVES[2:3], MOVES[3:], MOVES], ids=lambda m: m[0].id)
def test_the_loudness_behind_filters_is_near_what_is_heard(moves):
    cells, sound = told_and_heard(song(60), moves)
    heard = measure_loudness([sound], RATE_HZ).integrated_lufs
    before = measure_loudness([song(60)], RATE_HZ).integrated_lufs
    told = integrated_lufs(cells.power)
    assert told == pytest.approx(heard, abs=0.05)
    assert abs(heard - before) > 0.08  # there was something to tell
    assert 20 * np.log10(cells.peak.max() / np.abs(sound).max()) == pytest.approx(0.0, abs=1.5)


def test_without_a_move_the_cells_stay_as_they_are():
    cells, sound = told_and_heard(song(60), ())
    assert np.allclose(cells.power, measure_loudness([sound], RATE_HZ).cell_power[: cells.power.size], rtol=1e-6)


def test_mono_and_silence_are_told_too():
    sound = song(60)[:1].copy()
    sound[:, 20 * RATE_HZ : 30 * RATE_HZ] = 0.0
    cells, after = told_and_heard(sound, MOVES[:3])
    assert integrated_lufs(cells.power) == pytest.approx(measure_loudness([after], RATE_HZ).integrated_lufs, abs=0.05)
    assert np.isfinite(cells.power).all()
    assert np.isfinite(cells.peak).all()


def around(sound: FloatArray, foreseen: Cells) -> e.Excerpt:
    def play(places):
        kept = Kept(places)
        kept.feed(sound)
        return iter(kept.read())

    return e.excerpt_around(play, sound.shape[1], RATE_HZ, foreseen)


def test_stretches_that_are_played_alone_are_those_of_the_whole_and_correct_the_rest():
    meter = e.ExcerptMeter(song(60).shape[1], RATE_HZ)
    meter.feed(song(60))
    power = measure_loudness([song(60)], RATE_HZ).cell_power
    whole = meter.read(power)
    wrong = Cells(1.3 * whole.cell_power, 0.8 * whole.cell_peak)
    found = around(song(60), wrong)
    for one, other in zip(found.stretches, whole.stretches, strict=True):
        assert (one.first, one.lead) == (other.first, other.lead)
        assert np.array_equal(one.samples, other.samples)
    assert not found.whole
    assert np.allclose(found.cell_power, whole.cell_power, rtol=2e-3, atol=1e-9)
    assert np.allclose(found.cell_peak, whole.cell_peak, rtol=1e-3, atol=1e-6)


def test_filters_come_to_their_pace_before_a_stretch_that_is_played_alone_and_little_more_is_played():
    """What a filter makes wrong within 0.48 s of where it begins, and ends, is not heard."""
    sound, wrong = song(60), round(0.48 * RATE_HZ)
    spans = []

    def play(places):
        for first, last in places:
            spans.append((last - first) / RATE_HZ)
            part = sound[:, first:last].copy()
            part[:, :wrong] = part[:, -wrong:] = 1.0
            yield part

    power = measure_loudness([sound], RATE_HZ).cell_power
    meter = e.ExcerptMeter(sound.shape[1], RATE_HZ)
    meter.feed(sound)
    whole = meter.read(power)
    found = e.excerpt_around(play, sound.shape[1], RATE_HZ, Cells(whole.cell_power, whole.cell_peak))
    for one, other in zip(found.stretches, whole.stretches, strict=True):
        assert np.array_equal(one.samples, other.samples)
    assert max(spans) < 3.6  # 2 s, half a second of lead, and half on either side


def test_an_excerpt_of_silence_corrects_nothing():
    foreseen = Cells(np.full(6000, 0.1), np.full(6000, 0.5))
    found = around(np.zeros((2, 60 * RATE_HZ)), foreseen)
    outside = found.cell_power > 0
    assert 0.5 < outside.mean() < 1.0
    assert np.array_equal(found.cell_power[outside], foreseen.power[outside])


def test_a_band_without_side_follows_the_mid():
    track = track_of(song(60), RATE_HZ)
    measured = measure(track)
    hidden = replace(measured.profile, side_to_mid_db=(None,) * len(measured.profile.side_to_mid_db))
    louder = replace(hidden, ltas_db=tuple(level + 3.0 for level in hidden.ltas_db))
    cells = foretold(measured.cells, measured.spectrum, hidden, louder)
    gained_db = 10 * np.log10(cells.power / np.maximum(measured.cells.power[: cells.power.size], 1e-30))
    assert np.allclose(gained_db[measured.cells.power[: cells.power.size] > 1e-9], 3.0, atol=1e-6)


def test_a_long_track_into_a_limiter_is_foretold_and_a_compressor_is_not(monkeypatch):
    heard = []
    real = Ear._listened
    monkeypatch.setattr(Ear, "_listened", lambda self, moves: heard.append(moves) or real(self, moves))
    track = track_of(0.3 * song(60), RATE_HZ)
    ear = Ear(track, measure(track), 1)
    profile = ear._target.profile
    told = ear.foretold(profile, MOVES)
    assert told is not None
    assert ear.foretold(profile, (*MOVES, blank_of("match_dynamics/low", 2))) is None
    assert heard == []
    assert not ear.excerpt(MOVES).whole
    assert heard == []
    known = ear.remeasured(profile, MOVES)
    assert heard == [MOVES]
    assert known.integrated_lufs is not None
    ear.excerpt(MOVES)
    assert heard == [MOVES]
    short = track_of(song(60)[:, : 30 * RATE_HZ], RATE_HZ)
    assert Ear(short, measure(short), 1).foretold(profile, MOVES) is None


@pytest.mark.parametrize(("loudness_lufs", "foreseen"), [(-9.0, True), (-20.0, False)])
def test_what_is_said_of_the_peak_is_exact_though_it_was_not_heard_before(
    tmp_path, loudness_lufs, foreseen, monkeypatch
):
    """With the limiter at work the peak before it is read on the way; where it might rest, the whole is heard first."""
    heard = []
    real = Ear._listened
    monkeypatch.setattr(Ear, "_listened", lambda self, moves: heard.append(moves) or real(self, moves))
    for name, sound in (("t", dull(0.3 * song(60))), ("r", 0.6 * song(60)[:, ::-1])):
        write_audio(tmp_path / f"{name}.wav", [sound], sample_rate_hz=RATE_HZ, channels=2, delivery=Delivery())
    made = master(
        tmp_path / "t.wav", tmp_path / "r.wav", tmp_path / "o.wav", loudness=loudness_lufs, options=Options(html=False)
    )
    assert made.plan.active[0].mover == "match_eq"
    assert (heard == []) == foreseen
    assert made.master.integrated_lufs == pytest.approx(loudness_lufs, abs=0.1)
    limiter = next((move for move in made.plan.active if move.id == "limit_peaks"), None)
    assert (limiter is not None) == foreseen
    if limiter is not None:
        before = tuple(move for move in made.plan.active if move is not limiter)
        meter = TruePeakMeter(RATE_HZ, 2)
        for block in rendered(open_track(tmp_path / "t.wav").blocks(), before, RATE_HZ):
            meter.feed(block)
        assert limiter.because[0].target == pytest.approx(gain_to_db(max(meter.read())), abs=1e-3)


def dull(sound: FloatArray) -> FloatArray:
    """The same with less at the top, as a mix may be."""
    return np.concatenate(list(rendered([sound], (MOVES[2].at(gain_db=-6.0),), RATE_HZ)), axis=1)
