"""`--phase linear` from files to files: the same gain, no phase, the same bytes again, each band still droppable."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from refmaster import session as sessions
from refmaster.decide import in_phase
from refmaster.errors import BadSetting
from refmaster.pipeline import Options, master, master_array, render
from refmaster.plain import as_json
from refmaster.records import Phase, Report, Verdict
from tests.conftest import RATE_HZ
from tests.end_to_end.test_master import digest, read

QUICK = Options(html=False)
EXACT = Options(html=False, bit_depth="64f")
UNLIMITED = ("match_loudness", "match_width", "remove_dc", "limit_peaks")  # what is left is the EQ


@pytest.fixture(scope="module")
def linear(files, tmp_path_factory) -> Report:
    """A spoiled song toward its original, in linear phase, with everything that is written."""
    out = tmp_path_factory.mktemp("linear") / "out.wav"
    return master(files["spoiled"], files["song"], out, phase="linear")


@pytest.fixture(scope="module")
def bare(files, tmp_path_factory) -> dict[Phase, Report]:
    """Only the EQ, in both phases, unrounded."""
    folder = tmp_path_factory.mktemp("bare")
    return {
        phase: master(
            files["spoiled"], files["song"], folder / f"{phase.value}.wav",
            phase=phase.value, drop=UNLIMITED, options=EXACT,
        )
        for phase in Phase
    }  # fmt: skip


def bands(report: Report):
    return [move for move in report.plan.moves if move.mover == "match_eq"]


def transfer(report: Report):
    """What the file went through, at each frequency: the cross-spectrum over the target's own, in frames of 0.7 s."""
    before, after = read(report.target.path), read(report.files.master)
    size = 2**15
    window = np.hanning(size)
    cross, own = np.zeros(size // 2 + 1, complex), np.zeros(size // 2 + 1)
    for start in range(0, before.shape[1] - size, size // 2):
        x, y = (np.fft.rfft(one[:, start : start + size] * window) for one in (before, after))
        cross += (y * x.conj()).sum(axis=0)
        own += (np.abs(x) ** 2).sum(axis=0)
    at_hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    heard = (at_hz > 60) & (at_hz < 12000)
    return (cross / own)[heard]


def test_the_gain_is_the_same_and_the_phase_is_gone(bare):
    assert [m.values for m in bands(bare[Phase.LINEAR])] == [m.values for m in bands(bare[Phase.MINIMUM])]
    assert len(bands(bare[Phase.LINEAR])) >= 2
    minimum, linear = (transfer(bare[phase]) for phase in Phase)
    level_db = 20 * np.log10(np.abs(linear))
    assert np.abs(level_db - 20 * np.log10(np.abs(minimum))).max() <= 0.2  # frames cut what rings beyond them
    assert np.abs(level_db).max() > 1.0
    assert np.degrees(np.abs(np.angle(minimum))).max() > 5.0
    assert np.degrees(np.abs(np.angle(linear))).max() < 0.5


def test_it_is_as_long_as_the_target_and_passes_its_checks(linear, sounds):
    info = sf.info(linear.files.master)
    assert (info.samplerate, info.frames) == (RATE_HZ, sounds["spoiled"].shape[1])
    assert all(check.passed for check in linear.checks)
    assert linear.plan.goal_lufs is not None
    assert linear.master.integrated_lufs == pytest.approx(linear.plan.goal_lufs, abs=0.1)


@pytest.mark.parametrize("block_samples", [4096, 99991])
def test_blocks_change_no_byte(files, tmp_path, linear, block_samples):
    options = replace(QUICK, block_samples=block_samples, threads=1)
    report = master(files["spoiled"], files["song"], tmp_path / "o.wav", phase="linear", options=options)
    assert digest(report.files.master) == digest(linear.files.master)


# The session


def test_a_session_renders_the_same_bytes(linear, tmp_path):
    again = render(linear.files.session, tmp_path / "again.wav", options=QUICK)
    assert digest(again.files.master) == digest(linear.files.master)
    assert all(move.phase is Phase.LINEAR for move in bands(again))


def test_the_session_remembers_and_obeys(bare, tmp_path):
    """The phase written over in the file: what comes is what that phase gives."""
    path = Path(bare[Phase.MINIMUM].files.session)
    text = path.read_text(encoding="utf-8")
    assert 'phase = "minimum" # ' in text
    edited = path.with_name("edited.toml")
    edited.write_text(text.replace('phase = "minimum"', 'phase = "linear"'), encoding="utf-8")
    report = render(edited, tmp_path / "o.wav", options=QUICK)
    np.testing.assert_array_equal(read(report.files.master), read(bare[Phase.LINEAR].files.master))


def test_a_session_from_before_there_was_a_choice_is_in_minimum_phase(bare, tmp_path):
    path = Path(bare[Phase.MINIMUM].files.session)
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("phase = ")]
    old = path.with_name("old.toml")
    old.write_text("\n".join(lines), encoding="utf-8")
    report = render(old, tmp_path / "o.wav", options=QUICK)
    assert digest(report.files.master) == digest(bare[Phase.MINIMUM].files.master)


def test_another_phase_is_refused_with_its_line(linear, tmp_path):
    path = tmp_path / "x.toml"
    text = Path(linear.files.session).read_text(encoding="utf-8")
    path.write_text(text.replace('phase = "linear"', 'phase = "natural"'), encoding="utf-8")
    with pytest.raises(BadSetting, match=r"line \d+: request.phase: input should be 'minimum' or 'linear'"):
        sessions.read(path)


def test_the_seal_tells_the_phases_apart(bare):
    moves = bare[Phase.MINIMUM].plan.moves
    delivery = sessions.read(Path(bare[Phase.MINIMUM].files.session)).delivery
    assert sessions.seal_of(in_phase(moves, Phase.LINEAR), delivery) != sessions.seal_of(moves, delivery)


# The person's word


def test_every_band_can_be_dropped_and_set(files, tmp_path, bare):
    whole = read(bare[Phase.LINEAR].files.master)
    for number, band in enumerate(bands(bare[Phase.LINEAR])):
        report, zero = (
            master(
                files["spoiled"], files["song"], tmp_path / f"{number}-{name}.wav",
                phase="linear", options=EXACT, **how,
            )
            for name, how in (
                ("drop", {"drop": [*UNLIMITED, band.id]}),
                ("zero", {"drop": UNLIMITED, "set": [f"{band.id}.gain_db=0"]}),
            )
        )  # fmt: skip
        assert {move.id: move.verdict for move in report.plan.moves}[band.id] is Verdict.DROP
        gone = read(report.files.master)
        assert np.abs(gone - whole).max() > 1e-3
        np.testing.assert_allclose(read(zero.files.master), gone, rtol=0, atol=1e-9)


def test_a_band_set_by_hand_is_in_linear_phase_too(files, tmp_path):
    report = master(
        files["spoiled"], files["song"], tmp_path / "o.wav",
        phase="linear", set=["match_eq/bell_9.gain_db=6"], options=QUICK,
    )  # fmt: skip
    move = next(move for move in report.plan.moves if move.id == "match_eq/bell_9")
    assert move.phase is Phase.LINEAR
    assert "Linear phase: it may ring" in report.text_of(move.id)
    again = render(report.files.session, tmp_path / "p.wav", options=QUICK)
    assert digest(again.files.master) == digest(report.files.master)


# Words


def test_words_and_json_say_the_phase_and_what_it_may_cost(linear, bare):
    data = json.loads(as_json(linear))
    assert data["request"]["phase"] == "linear"
    for move in data["moves"]:
        eq = move["id"].startswith("match_eq/")
        assert move["phase"] == ("linear" if eq else None)
        assert ("Linear phase: it may ring" in move["text"]) == eq
    assert {m["phase"] for m in json.loads(as_json(bare[Phase.MINIMUM]))["moves"]} <= {"minimum", None}
    page = Path(linear.files.report).read_text(encoding="utf-8")
    assert "Linear phase: it may ring" in page
    assert "Linear phase: it may ring" in Path(linear.files.session).read_text(encoding="utf-8")


def test_arrays_take_it_too(sounds, linear):
    out, report = master_array(sounds["spoiled"], RATE_HZ, sounds["song"], RATE_HZ, phase="linear")
    assert np.abs(out - read(linear.files.master)).max() < 1e-3  # files were rounded on their way in
    assert all(move.phase is Phase.LINEAR for move in bands(report))


@pytest.mark.parametrize("phase", ["natural", "", "zero"])
def test_a_phase_that_there_is_not_is_refused_with_those_there_are(files, tmp_path, phase):
    with pytest.raises(BadSetting, match="allowed: minimum, linear"):
        master(files["spoiled"], files["song"], tmp_path / "o.wav", phase=phase)
    assert list(tmp_path.iterdir()) == []
