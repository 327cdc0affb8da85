"""The second opinion: matchering behind our checks, its result judged and written down, and never corrected."""

import importlib
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from refmaster.account import account_of
from refmaster.cache import Cache
from refmaster.cli import main
from refmaster.engines import matchering as engine
from refmaster.errors import BadAudio, BadOutput, BadSetting, RefmasterError
from refmaster.pipeline import Options, master, render
from refmaster.plain import as_json
from refmaster.session import read
from refmaster.units import written
from tests.conftest import RATE_HZ, write_wav
from tests.signals import kick_loop, pink_noise, silence

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("matchering") is None,
    reason="matchering is not installed; it is an extra: pip install 'refmaster[matchering]'",
)

CEILING_DBTP = -1.0


@pytest.fixture(autouse=True)
def workshop(tmp_path_factory, monkeypatch):
    """Where temporary files go: empty again after every test, whatever happened in it."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture(scope="module")
def opinion(files, tmp_path_factory):
    """One second opinion for many questions: the report, and the folder it wrote to."""
    folder = tmp_path_factory.mktemp("opinion")
    return second(files["dull"], files["finished"], folder / "out.wav"), folder


def second(target, reference, out, *, ceiling=CEILING_DBTP, **options):
    return engine.second_opinion(
        target, reference, out, ceiling=ceiling, options=Options(**options), told=lambda step, share: None
    )


def checks_of(report):
    return {check.name: check for check in report.checks}


def samples_of(path):
    samples, sample_rate_hz = sf.read(path, always_2d=True)
    return samples.T, sample_rate_hz


def test_master_session_and_report_stand_beside_each_other(opinion, files):
    report, folder = opinion
    assert {path.name for path in folder.iterdir()} == {"out.wav", "out.toml", "out.html"}
    (mastered, rate_hz), (target, _) = samples_of(folder / "out.wav"), samples_of(files["dull"])
    assert rate_hz == RATE_HZ
    assert mastered.shape == target.shape
    assert sf.info(folder / "out.wav").subtype == "PCM_24"
    assert report.master.path == str(folder / "out.wav")


def test_the_report_names_the_engine_and_its_one_move(opinion):
    report, _ = opinion
    assert (report.engine, report.version) == ("matchering", engine._imported().__version__)
    (move,) = report.plan.moves
    assert move.id == "matchering/match"
    assert move.params == ()
    assert {gap.feature for gap in move.because} == {"tone_rms_db", "side_to_mid_db", "integrated_lufs"}
    effect = report.effect_of(move.id)
    assert (effect.before, effect.after) == (report.target.integrated_lufs, report.master.integrated_lufs)


def test_the_text_is_made_of_what_was_measured(opinion):
    report, _ = opinion
    text = report.text_of("matchering/match")
    for value in (report.target.integrated_lufs, report.master.integrated_lufs, report.reference.integrated_lufs):
        assert written("integrated_lufs", value) in text
    tone = report.plan.moves[0].because[0]
    assert f"where it was {tone.target:.1f} dB" in text
    assert re.search(r"EQ of [\d.]+ dB rms, from −[\d.]+ dB at .* to \+[\d.]+ dB at ", text)
    assert "cannot be edited or dropped" in text


def test_it_is_judged_by_the_checks_of_our_own_engine(opinion):
    report, _ = opinion
    checks = checks_of(report)
    names = ("n_samples", "sample_rate_hz", "channels", "true_peak_dbtp", "integrated_lufs", "clipped_samples")
    assert tuple(checks) == (*names, "mono_loss_db")
    assert all(checks[name].passed for name in ("n_samples", "sample_rate_hz", "channels"))
    goal = report.reference.integrated_lufs
    assert checks["integrated_lufs"].low < goal < checks["integrated_lufs"].high
    assert checks["true_peak_dbtp"].high == pytest.approx(CEILING_DBTP, abs=0.01)


def test_the_tone_comes_nearer_and_the_gap_says_how_much(opinion):
    report, _ = opinion
    tone = report.plan.moves[0].because[0]
    assert tone.reference == 0.0
    assert 30.0 < tone.taken_pct <= 100.0  # of two songs by one band: it matches averages, and that it can


def test_the_json_is_one_valid_document(opinion):
    report, folder = opinion
    data = json.loads(as_json(report))
    assert data["engine"] == "matchering"
    assert [move["id"] for move in data["moves"]] == ["matchering/match"]
    assert data["moves"][0]["text"]
    assert data["files"]["master"] == str(folder / "out.wav")


def test_the_html_report_shows_it(opinion):
    _, folder = opinion
    html = (folder / "out.html").read_text(encoding="utf-8")
    assert "matchering/match" in html
    assert "cannot be edited or dropped" in html
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', html, re.DOTALL).group(1))
    assert {"spectrum", "eq", "loudness", "width"} <= set(figures)


def test_our_own_master_of_the_same_is_measured_and_heard_beside_it(opinion, files, tmp_path):
    report, folder = opinion
    ours = report.beside
    assert (report.engine, ours.engine) == ("matchering", "refmaster")
    assert [check.name for check in ours.checks] == [check.name for check in report.checks]
    alone = master(files["dull"], files["finished"], tmp_path / "ours.wav", options=Options(html=False))
    assert ours.plan == alone.plan
    assert ours.effects == alone.effects
    assert ours.master.integrated_lufs == alone.master.integrated_lufs
    assert ours.master.ltas_db == alone.master.ltas_db
    assert ours.files.master is None
    html = (folder / "out.html").read_text(encoding="utf-8")
    assert "What refmaster does with the same" in html
    voices = json.loads(re.search(r'id="sound">(.*?)</script>', html, re.DOTALL).group(1))["voices"]
    assert [voice["name"] for voice in voices] == ["target", "master", "beside", "reference"]
    assert json.loads(as_json(report))["beside"]["checks"]


def test_the_session_is_a_record_that_render_refuses_in_one_line(opinion, tmp_path):
    report, folder = opinion
    text = (folder / "out.toml").read_text(encoding="utf-8")
    assert report.text_of("matchering/match") in text
    assert "byte for byte" not in text
    assert read(folder / "out.toml").engine == "matchering"
    with pytest.raises(BadSetting, match="made by matchering, which cannot be rendered again") as refused:
        render(folder / "out.toml", tmp_path / "again.wav")
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_its_session_is_explained_as_far_as_it_goes(opinion):
    report, folder = opinion
    path = folder / "out.toml"
    account = account_of(read(path), path)
    failed = [check for check in report.checks if not check.passed]
    assert account.verdict.startswith("Mastered, but a check failed" if failed else "Mastered; every check passed.")
    assert "second opinion by matchering" in account.reference
    assert (account.moves, account.command) == ((), "")
    assert report.text_of("matchering/match") in account.notes
    assert len(account.checks) == len(report.checks)


def test_its_one_sample_of_delay_is_undone_and_said(tmp_path, sounds, files):
    """A quieter copy as the reference asks for nothing but gain, so target and master must null."""
    target, _ = samples_of(files["finished"])
    reference = write_wav(tmp_path / "quiet.wav", 0.5 * sounds["finished"])
    report = second(files["finished"], reference, tmp_path / "out.wav", bit_depth="32f")
    assert any("1 sample late" in note for note in report.notes)
    mastered, _ = samples_of(tmp_path / "out.wav")
    gain = np.vdot(target, mastered) / np.vdot(target, target)
    residual = mastered - gain * target
    null_db = 10 * np.log10(np.mean(residual**2) / np.mean((gain * target) ** 2))
    late_db = 10 * np.log10(np.mean((mastered[:, 1:] - gain * target[:, :-1]) ** 2) / np.mean((gain * target) ** 2))
    assert null_db < -35.0
    assert null_db < late_db - 15.0


@pytest.mark.parametrize("delay", [-3, 0, 1, 17])
def test_delays_are_found_and_undone(sounds, delay):
    given = sounds["dull"]
    late = np.roll(given, delay, axis=1)
    assert engine._delay_samples(late.mean(axis=0), given.mean(axis=0)) == delay
    edge = abs(delay) + 1
    assert np.array_equal(engine._shifted(late, delay)[:, edge:-edge], given[:, edge:-edge])


def test_mono_at_another_rate_keeps_channels_rate_and_length(tmp_path, files):
    target = write_wav(tmp_path / "mono.wav", kick_loop(-6.0, 8.1234, 48000, channels=1), 48000)
    report = second(target, files["finished"], tmp_path / "out.wav")
    mastered, rate_hz = samples_of(tmp_path / "out.wav")
    assert rate_hz == 48000
    assert mastered.shape == samples_of(target)[0].shape
    said = " ".join(report.notes)
    assert "folded back to mono" in said
    assert "from 48 kHz" in said
    assert {gap.feature for gap in report.plan.moves[0].because} == {"tone_rms_db", "integrated_lufs"}


def test_overshoot_is_shown_and_never_limited(tmp_path, files):
    """A reference clipped at full scale: matchering's limiter sees samples, and not what stands between them."""
    loud = write_wav(tmp_path / "loud.wav", np.clip(4.0 * pink_noise(-12.0, 8.0, RATE_HZ), -1.0, 1.0))
    target = write_wav(tmp_path / "target.wav", pink_noise(-20.0, 8.0, 48000, seed=5), 48000)
    report = second(target, loud, tmp_path / "out.wav")
    checks = checks_of(report)
    assert checks["true_peak_dbtp"].value > 0.0
    assert not checks["true_peak_dbtp"].passed
    assert checks["clipped_samples"].value > 0  # 24 bits end at full scale, and the check says how often
    assert not checks["clipped_samples"].passed
    floating = second(target, loud, tmp_path / "float.wav", bit_depth="32f")
    assert checks_of(floating)["clipped_samples"].passed
    assert floating.master.sample_peak_dbfs > 0.0


def test_nothing_is_printed_and_nothing_warns(tmp_path, files, capfd, recwarn):
    second(files["dull"], files["finished"], tmp_path / "out.wav", html=False)
    assert capfd.readouterr() == ("", "")
    assert list(recwarn) == []
    assert not (tmp_path / "out.html").exists()


def sound(name, sounds):
    samples = sounds["dull"].copy()
    if name == "silent":
        return silence(5.0, RATE_HZ)
    if name == "short":
        return samples[:, : 2 * RATE_HZ]
    if name == "NaN":
        samples[0, 1234] = np.nan
    if name == "no mid":  # matchering divides by the level of the mid
        samples[1] = -samples[0]
    return samples


@pytest.mark.parametrize("role", ["target", "reference"])
@pytest.mark.parametrize(("kind", "said"), [("silent", "silent"), ("short", "at least 3 s"), ("NaN", "NaN")])
def test_what_our_own_engine_refuses_never_reaches_matchering(tmp_path, sounds, files, monkeypatch, kind, said, role):
    monkeypatch.setattr(engine._imported(), "process", lambda *_: pytest.fail("it was asked"))
    bad = write_wav(tmp_path / "bad.wav", sound(kind, sounds), subtype="FLOAT")
    pair = (bad, files["finished"]) if role == "target" else (files["dull"], bad)
    with pytest.raises(BadAudio, match=said):
        second(*pair, tmp_path / "out.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.wav"]


def test_outputs_are_refused_as_by_our_own_engine(tmp_path, files):
    out = write_wav(tmp_path / "out.wav", silence(1.0, RATE_HZ))
    before = out.read_bytes()
    with pytest.raises(BadOutput, match="exists"):
        second(files["dull"], files["finished"], out)
    target = write_wav(tmp_path / "target.wav", silence(5.0, RATE_HZ))
    with pytest.raises(BadOutput, match="is an input as well"):
        second(target, files["finished"], target, force=True)
    assert out.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"out.wav", "target.wav"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dry_run": True}, "cannot be run dry"),
        ({"ceiling": 1.0}, "--ceiling 1 is out of range"),
        ({"ceiling": float("nan")}, "out of range"),
        ({"bit_depth": "12"}, "no bit depth"),
    ],
)
def test_settings_are_refused(tmp_path, files, settings, said):
    with pytest.raises(BadSetting, match=said):
        second(files["dull"], files["finished"], tmp_path / "out.wav", **settings)
    assert list(tmp_path.iterdir()) == []


def test_what_matchering_refuses_or_cannot_do_is_one_line(tmp_path, sounds, files):
    with pytest.raises(BadAudio, match=r"matchering failed on .*TARGET and REFERENCE files are the same") as same:
        second(files["dull"], files["dull"], tmp_path / "out.wav")
    no_mid = write_wav(tmp_path / "no_mid.wav", sound("no mid", sounds))
    with pytest.raises(BadAudio, match=r"matchering failed on .*no_mid.wav") as crashed:
        second(no_mid, files["finished"], tmp_path / "out.wav")
    assert "\n" not in f"{same.value}{crashed.value}"
    assert [path.name for path in tmp_path.iterdir()] == ["no_mid.wav"]


def test_a_crash_of_matchering_is_one_line(tmp_path, files, monkeypatch):
    def crash(*_):
        print("half a line")
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(engine._imported(), "process", crash)
    with pytest.raises(BadAudio, match=r"\(division by zero\); nothing was written"):
        second(files["dull"], files["finished"], tmp_path / "out.wav")
    assert list(tmp_path.iterdir()) == []


def test_what_is_too_long_for_it_is_refused_before_it_is_asked(tmp_path, files, monkeypatch):
    monkeypatch.setattr(engine, "LONGEST_S", 9.0)
    with pytest.raises(BadAudio, match=r"target .*dull.wav is 0.2 minutes long, and matchering takes"):
        second(files["dull"], files["finished"], tmp_path / "out.wav")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ModuleNotFoundError("gone", name="matchering"),
            r"in refmaster's folder: pip install '\.\[match",
        ),
        (ModuleNotFoundError("gone", name="resampy"), "lacks resampy"),
        (ImportError("no maximum_filter1d"), "cannot be loaded"),
    ],
)
def test_a_missing_package_is_named(tmp_path, files, monkeypatch, error, said):
    def missing(name):
        raise error

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(BadSetting, match=said):
        second(files["dull"], files["finished"], tmp_path / "out.wav")


def test_no_room_for_temporary_files_is_said(tmp_path, files, monkeypatch, workshop):
    monkeypatch.setattr(tempfile, "tempdir", str(workshop / "gone"))
    with pytest.raises(RefmasterError, match="no temporary folder"):
        second(files["dull"], files["finished"], Path(tmp_path / "out.wav"))


def test_the_same_bytes_come_out_twice(tmp_path, files):
    for name in ("one", "two"):
        second(files["dull"], files["finished"], tmp_path / f"{name}.wav", html=False)
    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()


def test_what_it_measures_is_remembered_and_changes_no_byte(tmp_path, files):
    kept = Cache(tmp_path / "kept")
    for name in ("one", "two"):
        second(files["dull"], files["finished"], tmp_path / f"{name}.wav", html=False, cache=kept)
    second(files["dull"], files["finished"], tmp_path / "three.wav", html=False)
    assert [path for path in kept.folder.rglob("*") if path.is_file()]
    assert len({(tmp_path / f"{name}.wav").read_bytes() for name in ("one", "two", "three")}) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ref", "b.wav:tone=1"], "matchering knows no weights (--ref b.wav:tone=1); name the file alone"),
        (["--ref", "b.wav", "--loudness", "0"], "matchering knows no --loudness"),
        (["--ref", "b.wav", "--amount", "0"], "matchering knows no --amount"),
        (["--ref", "b.wav", "--drop", "match_eq", "--fresh"], "matchering knows no --drop, --fresh"),
    ],
)
def test_what_it_cannot_heed_is_refused_in_one_line(words, said, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["refmaster", "a.wav", "--engine", "matchering", *words])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr().err
    assert left.value.code == 2
    assert said in told
    assert told.count("\n") == 1


def test_on_the_command_line_a_failed_check_is_exit_1_and_json_is_all_there_is(tmp_path, files):
    words = [files["dull"], "--ref", files["finished"], "-o", tmp_path / "out.wav", "--engine", "matchering", "--json"]
    code = "from refmaster.cli import main; main()"
    ran = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True)
    data = json.loads(ran.stdout)
    assert data["engine"] == "matchering"
    assert ran.returncode == (0 if all(check["passed"] for check in data["checks"]) else 1)
    assert ran.stderr == ""
