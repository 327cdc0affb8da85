"""Benchmarks: meters that read what is known, damage that repeats, pages that keep each other's sections, whole runs.

Nothing is timed here, and no engine's figures are promised: those are for `benchmarks/quality.py` to find.
"""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from scipy import signal

from benchmarks import cases, judge, page, quality
from benchmarks.damage import Band, Damage, Shape, _section, damaged, drawn
from refmaster.errors import BadSetting
from tests import signals
from tests.signals import FloatArray, pink_noise, sine

RATE_HZ = 44100
ROOT = Path(__file__).parents[1]


def music(seed: int, duration_s: float = 10.0) -> FloatArray:
    """Something like music: wide pink noise that swells and beats."""
    mid = pink_noise(-20.0, duration_s, RATE_HZ, channels=1, seed=seed)
    side = pink_noise(-28.0, duration_s, RATE_HZ, channels=1, seed=seed + 100)
    t = np.arange(mid.shape[1]) / RATE_HZ
    swell = (0.6 + 0.4 * np.sin(2 * np.pi * t / 7)) * (0.3 + 0.7 * np.exp(-6 * (t % 0.5)))
    return np.concatenate([mid + side, mid - side]) * swell


def read_of(mastered: FloatArray, wanted: FloatArray) -> dict[str, float]:
    return judge.distances(judge.hear(mastered, RATE_HZ), judge.hear(wanted, RATE_HZ))


@pytest.fixture(scope="module")
def song() -> FloatArray:
    return music(1)


# The judge


def test_identical_sounds_are_no_distance_apart(song):
    assert read_of(song, song) == dict.fromkeys(("eq", "width", "dyn", "crest", "plr"), 0.0)
    assert judge.spectral_distance_db(song, song, RATE_HZ) == pytest.approx(0.0, abs=1e-9)
    assert judge.feature_distance(song, song, RATE_HZ) == 0.0


def test_a_gain_is_no_distance_but_for_loudness_and_peak(song):
    assert max(read_of(0.5 * song, song).values()) < 1e-6
    assert judge.spectral_distance_db(0.5 * song, song, RATE_HZ) == pytest.approx(0.0, abs=1e-9)
    assert judge.feature_distance(0.5 * song, song, RATE_HZ) > 0.01


def test_a_shelf_shows_in_eq_by_its_own_curve(song):
    sos = signals.high_shelf(1000.0, 3.0, 0.71, RATE_HZ)[np.newaxis]
    found = read_of(signal.sosfilt(sos, song), song)
    curve_db = 20 * np.log10(np.abs(signal.sosfreqz(sos, judge.CENTRES_HZ, fs=RATE_HZ)[1]))
    assert found["eq"] == pytest.approx(curve_db.std(), abs=0.05)  # dB
    assert found["eq"] > 1.2
    assert found["width"] < 0.01


def test_a_gain_of_the_side_shows_in_width_and_nowhere_in_the_mid(song):
    mid, side = (song[0] + song[1]) / 2, (song[0] - song[1]) / 2
    wider = np.stack([mid + side * signals.gain_of(3.0), mid - side * signals.gain_of(3.0)])
    found = read_of(wider, song)
    assert found["width"] == pytest.approx(3.0, abs=1e-6)
    assert found["eq"] == pytest.approx(0.0, abs=1e-6)
    assert found["dyn"] == pytest.approx(0.0, abs=1e-6)
    assert judge.spectral_distance_db(wider, song, RATE_HZ) == pytest.approx(0.0, abs=1e-9)


def test_an_expander_shows_in_dyn_more_than_in_eq(song):
    none = Damage((), 0.0, 50.0, 0.5, -20.0)
    expanded = damaged(song, RATE_HZ, replace(none, tone=(Band(Shape.BELL, 1000.0, 0.0),)))
    found = read_of(expanded, song)
    assert found["dyn"] > 0.5
    assert found["eq"] < 0.5


def test_loudness_and_true_peak_read_what_the_standard_says():
    # BS.1770: a full-scale 997 Hz sine in one channel is −3.01 LUFS, in two 0.00; pyloudnorm reads 0.04 LU low.
    assert judge.integrated_lufs(sine(997.0, 0.0, 5.0, 48000), 48000) == pytest.approx(0.0, abs=0.06)
    assert judge.integrated_lufs(np.zeros((2, 48000)), 48000) == -np.inf
    # EBU Tech 3341, case 16: a quarter of the rate, 45° off, at half of full scale reads −6.0 dBTP (+0.2/−0.4).
    sharp = signal.windows.tukey(48000, 0.1) * sine(12000.0, 20 * np.log10(0.5), 1.0, 48000, phase_deg=45.0)
    assert -6.4 <= judge.true_peak_dbtp(sharp, 48000) <= -5.8
    assert 20 * np.log10(np.abs(sharp).max()) < -9


@pytest.mark.parametrize("rate_hz", [22050, 48000, 96000])
def test_the_judge_reads_any_rate_mono_and_silence(rate_hz):
    noise = pink_noise(-20.0, 3.0, rate_hz, channels=1)
    heard = judge.hear(noise, rate_hz)
    assert max(judge.distances(heard, judge.hear(np.concatenate([noise, noise]), rate_hz)).values()) == 0.0
    silence = judge.hear(np.zeros((2, noise.shape[1])), rate_hz)
    assert judge.distances(silence, silence)["eq"] == 0.0


# The damage


def test_the_same_seed_always_does_the_same_damage(song):
    assert drawn(1003) == drawn(1003) != drawn(1004)
    assert np.array_equal(damaged(song, RATE_HZ, drawn(1003)), damaged(song, RATE_HZ, drawn(1003)))


@pytest.mark.parametrize("seed", range(1000, 1006))
def test_damage_ends_at_a_mixs_level_under_full_scale(song, seed):
    mix = damaged(song, RATE_HZ, drawn(seed))
    assert mix.shape == song.shape
    assert np.abs(mix).max() <= 0.98
    assert -24.0 - 1e-6 <= judge.integrated_lufs(mix, RATE_HZ) <= -16.0 + 1e-6
    found = read_of(mix, song)
    assert found["eq"] > 0.5
    assert found["width"] > 0.05


@pytest.mark.parametrize(
    ("shape", "theirs"),
    [
        (Shape.BELL, signals.bell),
        (Shape.LOW_SHELF, signals.low_shelf),
        (Shape.HIGH_SHELF, signals.high_shelf),
    ],
)
def test_a_band_of_damage_is_the_cookbooks(shape, theirs):
    found = _section(Band(shape, 700.0, 4.5, 0.8), RATE_HZ)
    assert found == pytest.approx(theirs(700.0, 4.5, 0.8, RATE_HZ), abs=1e-9)


# The cases


@pytest.fixture
def clips(tmp_path, monkeypatch) -> Path:
    """Three finished songs of one genre and a mix, in code, with halves too short for a real run."""
    monkeypatch.setattr(cases, "SHORTEST_S", 4.0)
    lines = ["path,genre,finished_master"]
    for number, finished in enumerate(("yes", "unknown", "no", "yes")):
        sf.write(tmp_path / f"{number}.wav", music(number).T, RATE_HZ, subtype="PCM_24")
        lines.append(f"{number}.wav,noise,{finished}")
    path = tmp_path / "clips.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def docs(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(page, "PAGE", tmp_path / "benchmarks.md")
    return tmp_path / "benchmarks.md"


def test_clips_that_are_not_finished_are_left_out(clips):
    assert [clip.path.name for clip in cases.read_clips(clips, 1)] == ["0.wav", "1.wav", "3.wav"]
    assert [clip.path.name for clip in cases.read_clips(clips, 2)] == ["0.wav", "3.wav"]


def test_every_clip_is_asked_every_kind_and_never_of_itself(clips):
    made = list(cases.cases_of(cases.read_clips(clips, 1), cases.KINDS, seconds=5, seeds=2))
    assert [sum(case.kind == kind for case in made) for kind in cases.KINDS] == [6, 3, 6, 6]
    assert all(case.mate and case.mate != case.clip for case in made if case.kind == "other")
    assert {case.seed for case in made if case.kind == "mix"} == {1000, 1001, 1002, 2000, 2001, 2002}


def test_a_clip_of_its_own_genre_is_asked_of_no_other(clips):
    (one, *_) = cases.read_clips(clips, 1)
    assert list(cases.cases_of([one], ["other"], seconds=5, seeds=1)) == []


def test_an_engine_that_does_nothing_scores_nothing_where_nothing_is_to_be_done(clips):
    (case, *_) = cases.cases_of(cases.read_clips(clips, 1), ["clean"], seconds=5, seeds=1)
    (row,) = cases.answered(case, ["gain"]).rows
    assert row.failed == ""
    assert all(row.figures[name] < 0.01 for name in ("eq", "width", "dyn", "crest", "plr", "lufs", "mrstft"))


def test_a_clip_too_short_to_ask_is_skipped_with_the_reason(clips, monkeypatch):
    monkeypatch.setattr(cases, "SHORTEST_S", 6.0)
    (case, *_) = cases.cases_of(cases.read_clips(clips, 1), ["clean"], seconds=10, seeds=1)
    outcome = cases.answered(case, ["gain"])
    assert outcome.rows == ()
    assert outcome.skipped == "0.wav: a half is shorter than 6 s"


def test_a_master_at_another_rate_is_compared_in_time(clips):
    (case, *_) = cases.cases_of(cases.read_clips(clips, 1), ["clean"], seconds=5, seeds=1)
    question = cases.asked(case)
    faster = cases._at_rate(question.target, RATE_HZ, 48000)
    assert cases.judged("clean", faster, 48000, question)["mrstft"] < 0.2  # dB: what two resamplings take at the top
    assert judge.spectral_distance_db(faster, question.truth, RATE_HZ) > 3.0  # as if nobody had looked at the rate
    with pytest.raises(ValueError, match="NaN"):
        cases.judged("clean", np.full((2, 10), np.nan), RATE_HZ, question)


def test_the_three_engines_answer_a_real_case(files, tmp_path, monkeypatch):
    monkeypatch.setattr(cases, "SHORTEST_S", 5.0)
    clip = cases.Clip(files["song"], "demo")
    outcome = cases.answered(cases.Case("mix", clip, 6.0, seed=1000), ["refmaster", "matchering", "gain"])
    assert [(row.engine, row.failed) for row in outcome.rows] == [("refmaster", ""), ("matchering", ""), ("gain", "")]
    ours, theirs, gain = outcome.rows
    assert set(ours.figures) == set(theirs.figures) == set(gain.figures) | {"harm"}
    assert all(np.isfinite(list(row.figures.values())).all() for row in outcome.rows)
    assert gain.figures["lufs"] < 0.01
    assert ours.figures["tp_over"] < 0.05
    assert ours.said.failed_checks == ()


# Whole runs


def test_a_run_prints_the_table_and_writes_its_section(clips, docs, tmp_path, capsys):
    words = ["--clips", str(clips), "--engines", "gain", "--seconds", "5", "--jobs", "1", "--json", str(tmp_path / "j")]
    assert quality.main(words) == 0
    printed = capsys.readouterr().out
    text = docs.read_text(encoding="utf-8")
    for kind in cases.KINDS:
        assert f"| gain | {kind} | 3 | 0 |" in printed
        assert f"| gain | {kind} | 3 | 0 |" in text
        assert f"*{kind}*:" in text
    assert "12 cases from 3 clips of 1 genre;" in text
    assert "`python benchmarks/quality.py --clips clips.csv --engines gain --seconds 5`" in text
    assert str(tmp_path) not in text
    rows = json.loads((tmp_path / "j").read_text())["rows"]
    assert len(rows) == 12
    assert all(row["figures"]["eq"] >= 0 for row in rows)
    mean = np.mean([row["figures"]["mrstft"] for row in rows if row["kind"] == "mix"])
    assert f"{mean:.2f}" in next(line for line in text.splitlines() if line.startswith("| gain | mix"))


def test_a_case_that_fails_is_named_and_counted(clips, docs, tmp_path, capsys):
    (tmp_path / "1.wav").write_text("no music")
    words = ["--clips", str(clips), "--engines", "gain", "--kinds", "clean", "--seconds", "5", "--jobs", "1"]
    assert quality.main(words) == 1
    assert "| gain | clean | 2 | 1 |" in capsys.readouterr().out
    text = docs.read_text(encoding="utf-8")
    assert "- Failed: gain, clean 1.wav: LibsndfileError" in text
    assert str(tmp_path) not in text


def test_cases_in_other_processes_give_the_same_figures(tmp_path):
    """From the door, as a person runs it; the halves are long enough here."""
    sf.write(tmp_path / "a.wav", music(1, 30.5).T, RATE_HZ, subtype="PCM_24")
    (tmp_path / "clips.csv").write_text("path,genre,finished_master\na.wav,noise,yes\n")
    script = str(ROOT / "benchmarks" / "quality.py")
    words = ["--clips", "clips.csv", "--engines", "gain", "--kinds", "mix", "--no-page", "--json", "j", "--jobs", "2"]
    ran = subprocess.run([sys.executable, script, *words], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.startswith("[1/1] mix a.wav (seed 1000)")
    (row,) = json.loads((tmp_path / "j").read_text())["rows"]
    (case,) = cases.cases_of(cases.read_clips(tmp_path / "clips.csv", 1), ["mix"], seconds=25.0, seeds=1)
    (mine,) = cases.answered(case, ["gain"]).rows
    assert row["figures"] == pytest.approx(mine.figures, abs=1e-9)


def test_a_missing_list_is_one_line_and_exit_2(tmp_path, capsys):
    assert quality.main(["--clips", str(tmp_path / "none.csv")]) == 2
    out, told = capsys.readouterr()
    assert out == ""
    assert len(told.splitlines()) == 1
    assert "no list of clips at" in told
    assert "path, genre, finished_master" in told


def test_a_list_without_its_columns_is_refused(tmp_path):
    (tmp_path / "c.csv").write_text("path,genre\na.wav,rock\n")
    with pytest.raises(BadSetting, match="no column finished_master"):
        cases.read_clips(tmp_path / "c.csv", 1)
    (tmp_path / "c.csv").write_text("path,genre,finished_master\na.wav,rock,no\n")
    with pytest.raises(BadSetting, match="no finished clip"):
        cases.read_clips(tmp_path / "c.csv", 1)


@pytest.mark.parametrize("words", [["--kinds", "mox"], ["--engines", ""], ["--every", "0"], ["--jobs", "x"]])
def test_a_slip_in_the_options_is_refused(words, capsys):
    with pytest.raises(SystemExit, match="2"):
        quality.main(words)
    assert words[0] in capsys.readouterr().err


# The page


def test_a_section_replaces_itself_and_nothing_else(docs):
    page.write_section("one", "first")
    page.write_section("two", "second")
    made = docs.read_text(encoding="utf-8")
    assert made.startswith("# Benchmarks\n")
    assert made.endswith(
        "<!-- begin one -->\nfirst\n<!-- end one -->\n\n<!-- begin two -->\nsecond\n<!-- end two -->\n"
    )
    docs.write_text(made + "\nA person's words.\n", encoding="utf-8")
    page.write_section("one", "third\n")
    assert docs.read_text(encoding="utf-8") == made.replace("first", "third") + "\nA person's words.\n"


def test_a_section_that_cannot_be_found_again_is_refused(docs):
    with pytest.raises(ValueError, match="one word"):
        page.write_section("two words", "text")
    with pytest.raises(ValueError, match="its own end"):
        page.write_section("one", "a <!-- end one --> b")
    docs.write_text("# Benchmarks\n\n<!-- begin one -->\nopen\n", encoding="utf-8")
    with pytest.raises(ValueError, match="never closed"):
        page.write_section("one", "text")


def test_the_batch_benchmark_counts_what_a_real_batch_takes(monkeypatch, tmp_path, capsys):
    from benchmarks import batch

    monkeypatch.setattr(page, "PAGE", tmp_path / "benchmarks.md")
    assert batch.main(["--tracks", "2", "--seconds", "4", "--workers", "1,2"]) == 0
    text = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "`python benchmarks/batch.py --tracks 2 --seconds 4`" in text
    rows = [line.split("|")[1:-1] for line in text.splitlines() if re.match(r"\| \d", line)]
    assert [int(row[0]) for row in rows] == [1, 2]
    assert all(float(cell) > 0 for row in rows for cell in row)
    assert float(rows[0][-1]) == 1.0
    assert "All rounds left the same bytes" in capsys.readouterr().out
