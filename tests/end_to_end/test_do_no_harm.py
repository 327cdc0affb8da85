"""Cases in which matching does harm if nobody watches: `benchmarks/special_cases.py`, on music made in code and real.

A figure that the engine does not keep yet stands in NOT_YET with what was measured: it may miss by so much, all others
by nothing. Where it is kept by now, it must go off the list.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import judge, special_cases
from benchmarks import outside as o
from benchmarks.workbench import AUDIO, Bench, Clip, Row, clips, judged
from refmaster import demo
from refmaster.demo.band import play
from refmaster.demo.score import FIRST, Score
from tests.conftest import RATE_HZ, write_wav
from tests.signals import FloatArray

SECONDS = 10.0  # of each half
FOLDED = "limit 0.1: the side is raised"
REACHES = "limit 1: at amount 100 a band reaches into the empty one"
MARGIN_DB = 0.05  # other machines round otherwise
# By music, case and figure: the worst that was measured, dB, and why.
NOT_YET = {
    ("made", "mono_fold", "worst of five bands"): (0.14, FOLDED),
    ("Golden Fields", "mono_fold", "worst of five bands"): (0.27, FOLDED),
    ("made", "empty_top", "EQ over 9 kHz"): (3.69, REACHES),
    ("Golden Fields", "empty_top", "EQ over 9 kHz"): (4.51, REACHES),
    ("Golden Fields", "empty_top", "spectrum over 9 kHz"): (3.19, REACHES),
}
CASES = [name for name in special_cases.CASES if name not in ("transposed", "overrides")]
REAL = {
    "near_mono": ("novarina_minimalism_n10_notre_envol_ii", "Golden Fields"),
    "unmastered": ("Urban Bolero", "Motorway"),
}
OTHERWISE = ("Kart Grand Prix", "Golden Fields")

real_music = pytest.mark.skipif(not AUDIO.is_dir(), reason=f"no music here: {AUDIO} is not there")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, Clip]:
    """Songs by code: one toward the other is a pair of one genre."""
    folder = tmp_path_factory.mktemp("made")
    songs = {"song": demo.song, "dull": demo.dull_mix, "finished": demo.finished}
    paths = {name: write_wav(folder / f"{name}.wav", make(RATE_HZ)) for name, make in songs.items()}
    return {name: Clip(path, "demo", name, "yes" if name == "finished" else "no") for name, path in paths.items()}


@pytest.fixture
def bench(made, tmp_path) -> Bench:
    return Bench(tmp_path, (made["song"], made["finished"]), SECONDS, tmp_path)


def all_hold(rows: list[Row], music: str) -> None:
    """Every row holds but those of NOT_YET, which miss by what is written there: then the test is to fail."""
    assert [str(row) for row in rows if not np.isfinite(row.value)] == []
    assert [str(row) for row in rows if not row.holds and (music, row.case, row.what) not in NOT_YET] == []
    missed = []
    for (where, case, what), (worst, why) in NOT_YET.items():
        if where != music or case not in {row.case for row in rows}:
            continue
        values = [row.value for row in rows if (row.case, row.what) == (case, what) and not row.holds]
        assert values, f"{what} of {where}, {case}, is kept by now: take it off the list"
        assert max(values) <= worst + MARGIN_DB, f"{what} of {where}, {case}: {max(values):.3f} dB, it was {worst}"
        missed.append(f"{what}: {max(values):.3f} dB, {why}")
    if missed:
        pytest.xfail("; ".join(missed))


@pytest.mark.parametrize("name", CASES)
def test_music_made_in_code_is_not_harmed(name, bench, made):
    clip = made["dull" if name == "unmastered" else "song"]
    all_hold(judged(special_cases.CASES[name], bench, clip), "made")


def real() -> list[pytest.ParameterSet]:
    """Two clips a case, the second only with --slow."""
    found = []
    for name in CASES:
        for k, title in enumerate(REAL.get(name, OTHERWISE)):
            found.append(pytest.param(name, title, id=f"{name}-{title}", marks=[pytest.mark.slow] if k else []))
    return found


def pair(title: str, folder: Path) -> tuple[Bench, Clip]:
    """A clip, on a bench with its mate and the first of its neighbours: one is enough for a test."""
    whole = Bench(folder, clips(), SECONDS, folder)
    clip = next(one for one in whole.clips if one.title == title)
    genres = special_cases.NEIGHBOURS.get(clip.genre, ())
    near = [one for one in whole.clips if one.genre in genres[:1] and one.finished == "yes"][:1]
    return replace(whole, clips=(clip, whole.mate(clip), *near)), clip


@real_music
@pytest.mark.parametrize(("name", "title"), real())
def test_real_music_is_not_harmed(name, title, tmp_path):
    bench, clip = pair(title, tmp_path)
    all_hold(judged(special_cases.CASES[name], bench, clip), title)


# In another key


def transposed(score: Score, semitones: int) -> Score:
    """The same song in another key: every chord and every melody, the drums as they were."""
    sections = tuple(
        replace(
            one,
            chords=tuple(tuple(note + semitones for note in chord) for chord in one.chords),
            melody=tuple((beat, beats, note + semitones) for beat, beats, note in one.melody),
        )
        for one in score.sections
    )
    return replace(score, sections=sections)


def in_key(semitones: int) -> FloatArray:
    return play(transposed(FIRST, semitones), RATE_HZ, seed=1, drums_db=0.0)[:, : round(2 * SECONDS * RATE_HZ)] * 0.39


@pytest.mark.parametrize("semitones", [-6, -3, -1, 1, 2, 6])
def test_the_same_song_in_another_key_asks_for_no_other_tone(semitones, bench):
    original, other = bench.write(in_key(0), RATE_HZ), bench.write(in_key(semitones), RATE_HZ)
    eq_db = bench.master(original, other).eq_db()
    assert np.sqrt(np.mean(eq_db**2)) <= 0.5
    assert np.abs(eq_db).max() <= 1.0


@real_music
@pytest.mark.parametrize("title", ["Kart Grand Prix", pytest.param("muldjord_armygeddon", marks=pytest.mark.slow)])
def test_real_music_in_another_key_asks_for_no_other_tone(title, tmp_path, monkeypatch):
    pytest.importorskip("librosa", reason="librosa transposes")
    monkeypatch.setattr(special_cases, "SEMITONES", (-3, 6))
    bench, clip = pair(title, tmp_path)
    all_hold(judged(special_cases.transposed, bench, clip), title)


# The judge itself


def test_what_is_not_kept_yet_may_miss_by_what_is_written_and_no_more(monkeypatch):
    monkeypatch.setitem(NOT_YET, ("song", "case", "figure"), (2.0, "limit 1: a reason"))
    row = Row("case", "clip", "setting", "figure", 2.0, 1.0)
    with pytest.raises(pytest.xfail.Exception, match=r"figure: 2\.000 dB, limit 1: a reason"):
        all_hold([row], "song")
    with pytest.raises(AssertionError, match=r"2\.100 dB, it was 2\.0"):
        all_hold([row, replace(row, value=2.1)], "song")
    with pytest.raises(AssertionError, match="take it off the list"):
        all_hold([replace(row, value=0.9)], "song")
    with pytest.raises(AssertionError):
        all_hold([row], "another song")
    all_hold([replace(row, value=0.9)], "another song")


def test_the_judge_sees_what_a_matcher_does(bench, made):
    """What is measured is not blind: a plain shelf, a raised side and a hot limiter are all found."""
    clip = made["song"]
    samples, rate_hz = clip.sound(SECONDS)
    path: Path = bench.write(samples, rate_hz)
    done = bench.master(path, path)
    assert done.report.status == "unchanged"
    assert np.nanmax(np.abs(done.bent_db())) == 0.0
    shelved = replace(done, sound=o.high_shelved(samples, rate_hz, 4000.0, 3.0))
    assert np.nanmax(shelved.bent_db()) > 1.0
    wide = replace(done, sound=o.widened(samples, 3.0))
    assert special_cases._side_raised_db(wide) == pytest.approx(3.0, abs=0.01)
    assert o.mono_loss_db(wide.sound, rate_hz)[0] < o.mono_loss_db(samples, rate_hz)[0]
    loud = o.driven(samples, rate_hz, -8.0)
    assert judge.integrated_lufs(loud, rate_hz) == pytest.approx(-8.0, abs=0.05)
    assert np.abs(loud).max() <= 1.0
    assert judge.fine_true_peak_dbtp(loud) > -1.0
