"""From files to files, on music made in code: what stands there, how it measures, and that it can be done again."""

import hashlib
import re
import shutil
from dataclasses import replace
from pathlib import Path

import mutagen
import numpy as np
import pyloudnorm
import pytest
import soundfile as sf
from scipy.signal import resample_poly

from refmaster import explain, pipeline
from refmaster.errors import BadOutput, BadSetting
from refmaster.pipeline import Options, master, master_array, render
from refmaster.records import Report, Verdict
from tests.conftest import DAMAGE, RATE_HZ, write_wav
from tests.signals import FloatArray, rms_dbfs

STEP = 2.0**-23  # of 24 bits
QUICK = Options(html=False)
WITH_PAGE = Options(audio=False)
ENDINGS = (".wav", ".toml", ".html")


def read(path: str | Path) -> FloatArray:
    return sf.read(path, always_2d=True)[0].T


def digest(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def true_peak_db(samples: FloatArray) -> float:
    """At 16×, by scipy."""
    padded = np.pad(samples, ((0, 0), (200, 200)))
    return float(20 * np.log10(max(np.abs(resample_poly(channel, 16, 1)).max() for channel in padded)))


def lufs(samples: FloatArray, rate_hz: int = RATE_HZ) -> float:
    return float(pyloudnorm.Meter(rate_hz).integrated_loudness(samples.T))


def lag_samples(before: FloatArray, after: FloatArray) -> int:
    size = 2 * before.size
    product = np.fft.irfft(np.fft.rfft(after, size) * np.conj(np.fft.rfft(before, size)), size)
    at = int(np.argmax(np.abs(product)))
    return at if at < before.size else at - size


@pytest.fixture(scope="module")
def mastered(files, tmp_path_factory) -> Report:
    """The dull song toward the finished one, with everything that is written."""
    return master(files["dull"], files["finished"], tmp_path_factory.mktemp("mastered") / "out.wav")


@pytest.fixture(scope="module")
def eased(files, tmp_path_factory) -> Report:
    """A spoiled song toward its original: many moves, known answer."""
    out = tmp_path_factory.mktemp("eased") / "out.wav"
    return master(files["spoiled"], files["song"], out, options=QUICK)


# What stands there


def test_three_files_appear_and_nothing_else(mastered):
    folder = Path(mastered.files.master).parent
    assert sorted(path.name for path in folder.iterdir()) == ["out.html", "out.toml", "out.wav"]
    assert mastered.status == "mastered"
    assert all(check.passed for check in mastered.checks)


def test_without_a_name_they_stand_beside_the_target(files, tmp_path, sounds):
    target = write_wav(tmp_path / "my song.wav", sounds["spoiled"])
    master(target, files["song"])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "my song.master.html", "my song.master.toml", "my song.master.wav", "my song.wav",
    ]  # fmt: skip


def test_the_report_needs_no_network(mastered):
    page = Path(mastered.files.report).read_text(encoding="utf-8")
    for loads in ('src="http', "src='http", 'rel="stylesheet" href="http', "@import"):
        assert loads not in page
    assert all(move.id in page for move in mastered.plan.moves)


def test_the_master_has_the_target_s_rate_length_and_24_bits(mastered, sounds):
    info = sf.info(mastered.files.master)
    assert (info.samplerate, info.channels, info.frames) == (RATE_HZ, 2, sounds["dull"].shape[1])
    assert info.subtype == "PCM_24"


# How it measures


@pytest.mark.parametrize("which", ["mastered", "eased"])
def test_loudness_reaches_its_goal_by_another_meter(which, request):
    report = request.getfixturevalue(which)
    assert report.plan.goal_lufs is not None
    assert report.master.integrated_lufs == pytest.approx(report.plan.goal_lufs, abs=0.1)
    assert lufs(read(report.files.master)) == pytest.approx(
        report.plan.goal_lufs, abs=0.1 + 0.05
    )  # its K-filter is low


@pytest.mark.parametrize("which", ["mastered", "eased"])
def test_peaks_stay_under_the_ceiling_by_another_meter(which, request):
    report = request.getfixturevalue(which)
    assert true_peak_db(read(report.files.master)) <= -1.0 + 0.03


@pytest.mark.parametrize("ceiling", [-0.3, -3.0])
def test_another_ceiling_is_held_as_well(files, tmp_path, ceiling):
    report = master(files["dull"], files["finished"], tmp_path / "o.wav", ceiling=ceiling, options=QUICK)
    assert true_peak_db(read(report.files.master)) <= ceiling + 0.03


@pytest.mark.parametrize("loudness", [-23.0, -14.0])
def test_loudness_that_was_asked_for_is_what_comes(files, tmp_path, loudness):
    report = master(files["dull"], files["finished"], tmp_path / "o.wav", loudness=loudness, options=QUICK)
    assert lufs(read(report.files.master)) == pytest.approx(loudness, abs=0.15)
    assert all(check.passed for check in report.checks)


@pytest.mark.parametrize("which", ["mastered", "eased"])
def test_nothing_is_shifted(which, request):
    report = request.getfixturevalue(which)
    before, after = read(report.target.path), read(report.files.master)
    assert before.shape == after.shape
    assert all(abs(lag_samples(b, a)) <= round(0.1e-3 * RATE_HZ) for b, a in zip(before, after, strict=True))


def test_a_spoiled_copy_is_brought_nearer_to_the_original(eased, sounds):
    """Tone within 1 dB, level within 0.5 LU, width within 1 dB; and nearer in each than before."""
    original, spoiled, after = sounds["song"], sounds["spoiled"], read(eased.files.master)
    for measure, most in ((lufs, 0.5), (width_db, 1.0)):
        left, damage = (abs(measure(one) - measure(original)) for one in (after, spoiled))
        assert left <= most
        assert left < damage
    left, damage = (np.std(octaves_db(one) - octaves_db(original)) for one in (after, spoiled))
    assert left <= 1.0  # dB
    assert left < 0.5 * damage
    assert damage > 1.5, f"{DAMAGE} should be heard"


def width_db(samples: FloatArray) -> float:
    return rms_dbfs(samples[0] - samples[1]) - rms_dbfs(samples[0] + samples[1])


def octaves_db(samples: FloatArray) -> FloatArray:
    power = np.abs(np.fft.rfft(samples.sum(axis=0))) ** 2
    at = np.fft.rfftfreq(samples.shape[1], 1 / RATE_HZ)
    return np.array([10 * np.log10(power[(at >= f) & (at < 2 * f)].sum()) for f in 45.0 * 2.0 ** np.arange(8)])


# Doing nothing


@pytest.mark.parametrize("name", ["song", "finished"])
def test_a_track_toward_itself_is_left_as_it_is(files, sounds, tmp_path, name):
    report = master(files[name], files[name], tmp_path / "o.wav", options=QUICK)
    assert report.status == "unchanged"
    assert report.plan.moves == ()
    assert np.abs(read(report.files.master) - read(files[name])).max() <= STEP
    assert all(check.passed for check in report.checks)


def test_dropping_everything_leaves_the_samples_alone(files, tmp_path):
    drops = ["match_eq", "match_width", "match_loudness", "limit_peaks", "remove_dc"]
    report = master(files["spoiled"], files["song"], tmp_path / "o.wav", drop=drops, options=QUICK)
    assert report.plan.active == ()
    assert np.abs(read(report.files.master) - read(files["spoiled"])).max() <= STEP


def test_a_dry_run_plans_and_writes_nothing(files, tmp_path):
    options = Options(dry_run=True)
    report = master(files["spoiled"], files["song"], tmp_path / "o.wav", options=options)
    assert report.plan.moves
    assert report.master is None
    assert list(tmp_path.iterdir()) == []


# The person's word


def test_every_move_can_be_dropped(files, tmp_path, eased):
    assert len(eased.plan.moves) >= 3
    for number, wanted in enumerate(move.id for move in eased.plan.moves):
        out = tmp_path / f"{number}.wav"
        report = master(files["spoiled"], files["song"], out, drop=[wanted], options=QUICK)
        assert {move.id: move.verdict for move in report.plan.moves}[wanted] is Verdict.DROP
        assert wanted not in {move.id for move in report.plan.active}
        assert digest(out) != digest(eased.files.master)
        assert "Dropped by you" in report.text_of(wanted)


def test_an_override_at_rest_nulls_the_move(files, tmp_path, eased):
    """The same samples as without it, but for the dither's step."""
    for move in eased.plan.moves:
        if move.mover != "match_eq":
            continue
        fixed = ["match_loudness.gain_db=2"]
        zero = master(
            files["spoiled"], files["song"], tmp_path / "a.wav", set=[f"{move.id}.gain_db=0", *fixed],
            options=replace(QUICK, force=True, bit_depth="64f"),
        )  # fmt: skip
        gone = master(
            files["spoiled"], files["song"], tmp_path / "b.wav", drop=[move.id], set=fixed,
            options=replace(QUICK, force=True, bit_depth="64f"),
        )  # fmt: skip
        np.testing.assert_allclose(read(zero.files.master), read(gone.files.master), rtol=0, atol=1e-9)


def test_an_override_is_heard_and_remembered(files, tmp_path):
    report = master(
        files["spoiled"], files["song"], tmp_path / "o.wav", set=["match_eq/bell_9.gain_db=6"], options=QUICK
    )
    move = next(move for move in report.plan.moves if move.id == "match_eq/bell_9")
    assert (move.verdict, move["gain_db"]) == (Verdict.OVERRIDE, 6.0)
    assert "Set by you" in report.text_of(move.id)
    again = render(report.files.session, tmp_path / "p.wav", options=QUICK)
    assert digest(again.files.master) == digest(report.files.master)


def test_only_some_stages_may_be_asked_for(files, tmp_path):
    report = master(files["spoiled"], files["song"], tmp_path / "o.wav", only="level", options=QUICK)
    assert {move.mover for move in report.plan.moves} <= {"match_loudness", "limit_peaks"}
    assert any("--only" in one.text for one in report.plan.rejected)


# The same again


def test_a_session_renders_the_same_bytes(mastered, tmp_path):
    again = render(mastered.files.session, tmp_path / "again.wav", options=QUICK)
    assert digest(again.files.master) == digest(mastered.files.master)


def test_a_full_disk_is_refused_before_work(mastered, files, tmp_path, monkeypatch):
    told = []
    usage = shutil.disk_usage(tmp_path)
    need_bytes = 3 * mastered.target.channels * mastered.target.n_samples  # 24 bits
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=need_bytes - 1))
    with pytest.raises(BadOutput, match="MB are needed"):
        master(mastered.target.path, files["finished"], tmp_path / "o.wav", told=lambda *step: told.append(step))
    with pytest.raises(BadOutput, match="MB are needed"):
        render(mastered.files.session, tmp_path / "o.wav", told=lambda *step: told.append(step))
    assert told == []
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=need_bytes))
    assert render(mastered.files.session, tmp_path / "o.wav", options=QUICK).master


def test_a_session_renders_the_same_bytes_from_another_folder(files, tmp_path, sounds):
    """Target, reference and session move together: paths in a session are relative."""
    here = tmp_path / "here"
    here.mkdir()
    target, reference = write_wav(here / "t.wav", sounds["spoiled"]), write_wav(here / "r.wav", sounds["song"])
    report = master(target, reference, here / "o.wav", options=QUICK)
    before = digest(report.files.master)
    there = here.rename(tmp_path / "there")
    again = render(there / "o.toml", there / "o2.wav", options=QUICK)
    assert digest(again.files.master) == before


def test_a_session_renders_without_its_reference(eased, tmp_path, files, sounds):
    target, reference = write_wav(tmp_path / "t.wav", sounds["spoiled"]), write_wav(tmp_path / "r.wav", sounds["song"])
    report = master(target, reference, tmp_path / "o.wav", options=QUICK)
    reference.unlink()
    again = render(report.files.session, tmp_path / "p.wav", options=QUICK)
    assert digest(again.files.master) == digest(report.files.master)
    assert any("reference" in note for note in again.notes)


@pytest.mark.parametrize("block_samples", [4096, 99991, 131072])
@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_and_threads_change_no_byte(files, tmp_path, eased, block_samples, threads):
    options = replace(QUICK, block_samples=block_samples, threads=threads)
    report = master(files["spoiled"], files["song"], tmp_path / "out.wav", options=options)
    assert digest(report.files.master) == digest(eased.files.master)
    assert [move.values for move in report.plan.moves] == [move.values for move in eased.plan.moves]


def test_one_thread_is_one_thread_and_makes_the_same_bytes(files, tmp_path, monkeypatch):
    songs = [files["song"], files["finished"]]
    two = master(files["spoiled"], songs, tmp_path / "two.wav", loudness=-9.0)
    started = []
    monkeypatch.setattr("threading.Thread.start", started.append)
    one = master(files["spoiled"], songs, tmp_path / "one.wav", loudness=-9.0, options=Options(threads=1))
    assert started == []
    assert digest(one.files.master) == digest(two.files.master)


def test_a_second_pass_changes_little(mastered, files, tmp_path):
    """Our own master toward the same reference again."""
    again = master(mastered.files.master, files["finished"], tmp_path / "o.wav", options=QUICK)
    assert again.master.integrated_lufs == pytest.approx(mastered.master.integrated_lufs, abs=0.2)


# Shapes


@pytest.mark.parametrize(("target_channels", "reference_channels"), [(1, 2), (2, 1), (1, 1)])
def test_mono_and_stereo_go_together(tmp_path, sounds, target_channels, reference_channels):
    target = write_wav(tmp_path / "t.wav", sounds["spoiled"][:target_channels])
    reference = write_wav(tmp_path / "r.wav", sounds["song"][:reference_channels])
    report = master(target, reference, tmp_path / "o.wav")
    assert sf.info(report.files.master).channels == target_channels
    assert not [move for move in report.plan.moves if move.mover == "match_width"]
    assert all(check.passed for check in report.checks)


def test_what_is_set_on_a_mono_target_stays_mono(tmp_path, sounds):
    target = write_wav(tmp_path / "t.wav", sounds["spoiled"][:1])
    sets = ["match_width/low_shelf.side_gain_db=6", "match_width/side.side_gain_db=3"]
    report = master(target, target, tmp_path / "o.wav", set=sets, options=QUICK)
    assert np.abs(read(report.files.master) - read(target)).max() <= 2 * STEP  # dithered


def test_the_reference_is_converted_and_the_target_never(tmp_path, sounds):
    """48 kHz toward 44.1 kHz."""
    target = write_wav(tmp_path / "t.wav", resample_poly(sounds["spoiled"], 160, 147, axis=1), 48000)
    reference = write_wav(tmp_path / "r.wav", sounds["song"])
    report = master(target, reference, tmp_path / "o.wav", options=QUICK)
    info = sf.info(report.files.master)
    assert (info.samplerate, info.frames) == (48000, sf.info(target).frames)
    assert report.master.integrated_lufs == pytest.approx(report.plan.goal_lufs, abs=0.1)
    assert report.target.side_to_mid_db != report.reference.side_to_mid_db


@pytest.mark.parametrize(
    ("name", "bit_depth", "subtype"),
    [
        ("o.flac", None, "PCM_24"),
        ("o.aiff", "16", "PCM_16"),
        ("o.wav", "32f", "FLOAT"),
        ("o.wav", "64f", "DOUBLE"),
        ("o.caf", "32", "PCM_32"),
        ("o.ogg", None, "VORBIS"),
    ],
)
def test_formats_hold_the_same_sound(files, tmp_path, eased, name, bit_depth, subtype):
    options = replace(QUICK, bit_depth=bit_depth)
    report = master(files["spoiled"], files["song"], tmp_path / name, options=options)
    assert sf.info(report.files.master).subtype == subtype
    apart = np.abs(read(report.files.master) - read(eased.files.master)).max()
    assert apart <= {"PCM_16": 2.0**-13, "VORBIS": 0.3}.get(subtype, 3 * STEP)
    assert Path(report.files.session).name == "o.toml"


@pytest.mark.parametrize("name", ["o.flac", "o.aiff", "o.mp3"])
def test_a_session_renders_the_same_bytes_in_every_format(files, tmp_path, name):
    report = master(files["spoiled"], files["song"], tmp_path / name, options=QUICK)
    before = digest(report.files.master)
    again = render(report.files.session, options=replace(QUICK, force=True))
    assert again.files.master == report.files.master
    assert digest(again.files.master) == before


def test_peaks_that_a_codec_raised_are_told_with_what_to_ask_for(files, tmp_path):
    report = master(files["spoiled"], files["song"], tmp_path / "o.mp3", loudness=-9.0, options=QUICK)
    peak = next(check for check in report.checks if check.name == "true_peak_dbtp")
    assert not peak.passed
    (said,) = (note for note in report.notes if "codec" in note)
    asked = re.search(r"--set (limit_peaks.margin_db=[0-9.]+) leaves it room", said)
    assert asked is not None
    told = {"loudness": -9.0, "set": [asked[1]], "options": replace(QUICK, force=True)}
    mended = master(files["spoiled"], files["song"], tmp_path / "o.mp3", **told)
    assert next(check for check in mended.checks if check.name == "true_peak_dbtp").passed
    assert mended.plan.ceiling_dbtp == report.plan.ceiling_dbtp
    kept = master(files["spoiled"], files["song"], tmp_path / "p.wav", loudness=-9.0, options=QUICK)
    assert not any("codec" in note for note in kept.notes)


def test_peaks_that_a_codec_raised_without_a_limiter_are_told_with_one_that_holds(files, tmp_path):
    quiet = master(files["spoiled"], files["song"], tmp_path / "q.wav", loudness=-26.0, options=QUICK)
    just_under = -26.0 + quiet.plan.ceiling_dbtp - 0.01 - quiet.master.true_peak_dbtp
    told = {"loudness": round(just_under, 2), "options": replace(QUICK, force=True)}
    report = master(files["spoiled"], files["song"], tmp_path / "o.mp3", **told)
    assert not any(move.mover == "limit_peaks" for move in report.plan.active)
    assert not next(check for check in report.checks if check.name == "true_peak_dbtp").passed
    (said,) = (note for note in report.notes if "codec" in note)
    asked = re.findall(r"--set (\S+)", said)
    mended = master(files["spoiled"], files["song"], tmp_path / "o.mp3", set=asked, **told)
    assert next(check for check in mended.checks if check.name == "true_peak_dbtp").passed
    assert mended.plan.ceiling_dbtp == report.plan.ceiling_dbtp


def test_what_was_not_reached_by_a_gain_is_not_told_of_a_persons(files, tmp_path):
    short = master(
        files["spoiled"], files["song"], tmp_path / "o.wav", drop=["limit_peaks"], loudness=-8.0, options=QUICK
    )
    assert any(one.what == "integrated_lufs" for one in short.plan.not_reached)
    own = render(short.files.session, tmp_path / "p.wav", set=["match_loudness.gain_db=-3"], options=QUICK)
    assert not any(one.what == "integrated_lufs" for one in own.plan.not_reached)
    assert own.plan.goal_lufs is None


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_run_that_ends_at_its_report_leaves_all_as_it_was(files, tmp_path, monkeypatch, stop):
    """Master, session and report are of one run: an old report beside a new master would tell of another."""
    before = master(files["spoiled"], files["song"], tmp_path / "o.wav", loudness=-14.0, options=WITH_PAGE)
    stood = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(stood) == {"o.wav", "o.toml", "o.html"}

    def failing(*args):
        raise stop

    monkeypatch.setattr(pipeline, "_page", failing)
    with pytest.raises((KeyboardInterrupt, OSError)):
        master(files["spoiled"], files["song"], tmp_path / "o.wav", options=replace(WITH_PAGE, force=True))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == stood
    assert before.master is not None


@pytest.mark.parametrize("name", ["o.wav", "o.toml", "o.html"])
def test_what_appears_while_a_run_is_at_work_is_not_written_over(files, tmp_path, name):
    def told(step, share):
        if step == "render":
            (tmp_path / name).write_text("theirs")

    with pytest.raises(BadOutput, match=f"{name} appeared while this ran"):
        master(files["spoiled"], files["song"], tmp_path / "o.wav", options=replace(WITH_PAGE, audio=False), told=told)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: "theirs"}


def test_a_report_of_an_earlier_master_that_stays_is_noted(files, tmp_path):
    page, over = tmp_path / "o.html", replace(QUICK, force=True)
    page.write_text("a page of somebody else's")
    report = master(files["spoiled"], files["song"], tmp_path / "o.wav", options=QUICK)
    assert not any("o.html" in note for note in report.notes)
    page.unlink()
    render(report.files.session, options=replace(WITH_PAGE, force=True))
    stood = page.read_bytes()
    again = render(report.files.session, set=["match_loudness.gain_db=1"], options=over)
    note = "o.html is the report of an earlier master; --force without --no-report makes it anew"
    assert note in again.notes
    assert note in Path(again.files.session).read_text(encoding="utf-8")
    assert page.read_bytes() == stood
    last = render(report.files.session, options=replace(WITH_PAGE, force=True))
    assert note not in last.notes


def test_a_lossy_file_that_was_only_encoded_anew_is_not_called_unchanged_alone(files, tmp_path):
    once = master(files["spoiled"], files["song"], tmp_path / "o.ogg", options=QUICK)
    twice = master(once.files.master, files["song"], tmp_path / "p.ogg", options=QUICK)
    assert twice.status == "unchanged"
    assert explain.verdict_line(twice) == "Unchanged, but it was encoded anew, which no lossy file survives as it was."


def test_a_format_without_room_for_our_line_says_so(files, tmp_path):
    report = master(files["spoiled"], files["song"], tmp_path / "o.caf", options=QUICK)
    assert sum("would not know it again" in note for note in report.notes) == 1


def test_tags_travel(files, tmp_path, sounds):
    target = tmp_path / "t.flac"
    sf.write(target, sounds["spoiled"].T, RATE_HZ, subtype="PCM_24")
    tags = mutagen.File(target)
    tags["title"], tags["artist"] = "Ein Lied", "Jemand"
    tags.save()
    report = master(target, files["song"], tmp_path / "o.flac", options=QUICK)
    kept = mutagen.File(report.files.master)
    assert kept["title"] == ["Ein Lied"]
    assert kept["artist"] == ["Jemand"]


def test_arrays_work_like_files(files, sounds, eased):
    out, report = master_array(sounds["spoiled"], RATE_HZ, sounds["song"], RATE_HZ)
    assert out.shape == sounds["spoiled"].shape
    assert np.abs(out - read(eased.files.master)).max() < 1e-3  # files were rounded on their way in
    assert report.status == "mastered"


def test_arrays_tell_the_effects_that_files_tell_under_a_working_limiter(files, sounds, tmp_path):
    by_files = master(files["spoiled"], files["song"], tmp_path / "o.wav", options=QUICK, loudness=-7.0)
    _, by_arrays = master_array(sounds["spoiled"], RATE_HZ, sounds["song"], RATE_HZ, loudness=-7.0)
    assert by_files.gain_reduction.max_db > 4.0
    told, said = ({name: one.after - one.before for name, one in report.effects} for report in (by_files, by_arrays))
    assert said == pytest.approx(told, abs=0.01)


# What is refused


@pytest.mark.parametrize(
    "asked",
    [
        {"amount": 101.0},
        {"amount": float("nan")},
        {"loudness": 3.0},
        {"ceiling": 1.0},
        {"only": "polka"},
        {"detail": 0},
        {"drop": ["polka"]},
        {"set": ["match_loudness.gain_db"]},
        {"set": ["match_loudness.polka=1"]},
        {"set": ["match_loudness.gain_db=1e9"]},
        {"lock": ["polka/side"]},
    ],
)
def test_what_cannot_be_asked_for_is_refused_and_nothing_written(files, tmp_path, asked):
    with pytest.raises(BadSetting):
        master(files["spoiled"], files["song"], tmp_path / "o.wav", **asked)
    assert list(tmp_path.iterdir()) == []
