"""Every effect that is told holds when the move is dropped and the track is made again, on music made in code."""

import numpy as np
import pytest

from refmaster.analyse import measure
from refmaster.dsp.limiter import ReductionMeter
from refmaster.effects import BENDING_DB, BENDING_MOST_DB, STRETCH_S, STRETCHES, Stretches, effects, with_tone
from refmaster.load import open_track, track_of
from refmaster.moves import blank_of, mover_of
from refmaster.pipeline import Options, master
from refmaster.records import Plan, Report
from refmaster.render import rendered
from tests.signals import pink_noise

QUICK = Options(html=False)
SHARE, LEAST_DB = 0.2, 0.1  # DESIGN §5: the size ±20 %, or ±0.1 dB
RUNS = {
    "as it is": {},
    "loud": {"loudness": -9.0},
    "in full": {"amount": 100.0},
    "by hand": {
        "set": ["match_dynamics/low.ratio=3", "match_dynamics/low.threshold_dbfs=-40", "match_eq/bell_9.gain_db=4"]
    },
}


@pytest.fixture(scope="module", params=RUNS)
def report(files, tmp_path_factory, request) -> Report:
    folder = tmp_path_factory.mktemp("effects")
    return master(files["spoiled"], files["song"], folder / "o.wav", options=QUICK, **RUNS[request.param])


def test_every_told_effect_holds_when_the_move_is_dropped(report):
    track = open_track(report.target.path)
    rate_hz, whole = report.target.sample_rate_hz, report.master
    held = []
    assert whole is not None
    for name, told in report.effects:
        move = next(one for one in report.plan.active if one.id == name)
        others = [one for one in report.plan.active if one.id != name]
        sound = np.concatenate(list(rendered(track.blocks(), others, rate_hz)), axis=1)
        without = measure(track_of(sound, rate_hz)).profile
        found = mover_of(move).effect(move, whole).after - mover_of(move).effect(move, without).after
        said = told.after - told.before
        held.append((abs(said - found) <= max(LEAST_DB, SHARE * abs(found)), name, said, found))
    assert held
    missed = [one for one in held if not one[0]]
    assert len(missed) <= 0.05 * len(held), missed


def test_a_compressor_that_a_person_made_tells_what_it_did(files, tmp_path):
    made = master(files["spoiled"], files["song"], tmp_path / "o.wav", options=QUICK, **RUNS["by hand"])
    told = made.effect_of("match_dynamics/low")
    assert told is not None
    assert abs(told.before - told.after) > 0.1  # so deep a threshold lets only attacks through: they stand out more


def test_a_limiter_that_works_on_rare_hits_bends_what_these_hold():
    """Nearly all there is at 50 Hz are two booms, and they alone are limited: on average over the track by little."""
    rate_hz, seconds, boom_s = 44100, 10, 0.15
    sound = pink_noise(-34.0, seconds, rate_hz)
    boom = 0.6 * np.sin(2 * np.pi * 50 * np.arange(round(boom_s * rate_hz)) / rate_hz) * np.hanning(boom_s * rate_hz)
    for start in (3 * rate_hz, 7 * rate_hz):
        sound[:, start : start + boom.size] += boom
    cut = blank_of("match_eq/bell_1", 2).at(gain_db=-2.0, centre_hz=50.0)
    louder = blank_of("match_loudness", 2).at(gain_db=10.0)
    limiter = blank_of("limit_peaks", 2).at(ceiling_dbtp=-1.0)
    meter = ReductionMeter(rate_hz)
    made, without = (
        measure(track_of(np.concatenate(list(rendered([sound], moves, rate_hz, heard)), axis=1), rate_hz)).profile
        for moves, heard in (((cut, louder, limiter), meter), ((louder, limiter), None))
    )
    assert np.mean(meter.read().history_db) < BENDING_DB
    assert meter.read().max_db > BENDING_MOST_DB
    kept = Stretches(sound.shape[1], rate_hz)
    list(kept.passing([sound]))
    told = dict(effects(Plan((cut, louder, limiter)), made, meter.read(), kept))[cut.id]
    found = mover_of(cut).effect(cut, made).after - mover_of(cut).effect(cut, without).after
    assert found > -1.0  # of 2 dB: the limiter makes up for the rest
    assert told.after - told.before == pytest.approx(found, abs=0.02)


def test_what_limiting_does_to_the_tone_is_told_at_equal_loudness():
    """All that is limited are booms at 50 Hz; a shelf that was wanted is not the limiter's doing."""
    rate_hz, seconds, boom_s = 44100, 10, 0.15
    sound = pink_noise(-28.0, seconds, rate_hz)
    boom = 0.6 * np.sin(2 * np.pi * 50 * np.arange(round(boom_s * rate_hz)) / rate_hz) * np.hanning(boom_s * rate_hz)
    for start in (3 * rate_hz, 7 * rate_hz):
        sound[:, start : start + boom.size] += boom
    shelf = blank_of("match_eq/high_shelf", 2).at(gain_db=3.0)
    chain = (shelf, blank_of("match_loudness", 2).at(gain_db=12.0))
    limiter = blank_of("limit_peaks", 2).at(ceiling_dbtp=-1.0)
    meter = ReductionMeter(rate_hz)
    target, free, made = (
        measure(track_of(np.concatenate(list(rendered([sound], moves, rate_hz, heard)), axis=1), rate_hz)).profile
        for moves, heard in (((), None), (chain, None), ((*chain, limiter), meter))
    )
    work = meter.read()
    told = with_tone(work, Plan((*chain, limiter)), target, made)
    assert 40.0 < told.tone_hz < 60.0
    at = int(np.abs(np.array(free.band_hz) - told.tone_hz).argmin())
    thirds = [10 ** (np.array(one.ltas_db[at - 1 : at + 2]) / 10) @ (0.5, 1.0, 0.5) for one in (free, made)]
    fell = 10 * np.log10(thirds[1] / thirds[0]) - made.integrated_lufs + free.integrated_lufs
    assert told.tone_db == pytest.approx(fell, abs=0.3)
    assert told.tone_db < -1.0
    assert with_tone(work, Plan((*chain, limiter)), target, free).tone_db is None
    bent = blank_of("match_dynamics/mid", 2).at(ratio=2.0)
    assert with_tone(work, Plan((bent, *chain, limiter)), target, made) == work


def test_stretches_of_a_long_track_lie_evenly_over_it():
    rate_hz, seconds = 100, 100.0
    sound = np.arange(rate_hz * seconds)[np.newaxis, :]
    kept = Stretches(sound.shape[1], rate_hz)
    passed = np.concatenate(list(kept.passing(sound[:, at : at + 333] for at in range(0, sound.shape[1], 333))), axis=1)
    np.testing.assert_array_equal(passed, sound)
    found = kept.read()
    assert found is not None
    assert found.shape == (1, round(STRETCHES * STRETCH_S * rate_hz))
    steps = np.diff(found[0])
    assert (steps > 1).sum() == STRETCHES - 1
    assert found[0, 0] > 0
    assert found[0, -1] < sound[0, -1]


def test_a_short_track_is_kept_whole():
    sound = np.random.default_rng(1).standard_normal((2, 1000))
    kept = Stretches(1000, 100)
    list(kept.passing([sound[:, :400], sound[:, 400:]]))
    np.testing.assert_array_equal(kept.read(), sound)


def test_stretches_are_put_together_only_where_something_bends(files, tmp_path, monkeypatch):
    joined = []
    monkeypatch.setattr(Stretches, "read", lambda self: joined.append(self))
    made = master(files["spoiled"], files["song"], tmp_path / "o.wav", options=QUICK, loudness=-30.0)
    assert made.effects
    assert not joined


@pytest.mark.parametrize("seconds", [0.5, 10.0, 10.5, 11.9, 12.1, 40.0])
def test_stretches_follow_each_other_and_none_is_kept_twice(seconds):
    count = round(seconds * 8000)
    kept = Stretches(count, 8000)
    list(kept.passing(np.arange(count, dtype=float)[np.newaxis, at : at + 999] for at in range(0, count, 999)))
    assert np.all(np.diff(kept.read()[0]) > 0)
    assert kept.read().shape[1] == min(count, round(STRETCHES * STRETCH_S * 8000) if seconds > 12 else count)
