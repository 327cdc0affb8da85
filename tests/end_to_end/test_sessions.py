"""Sessions over time: edited, rendered again, gone back in, moved, and carried on toward another reference."""

import hashlib
import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from refmaster import session as sessions
from refmaster import taken
from refmaster.errors import BadAudio, BadOutput, BadSetting
from refmaster.moves import match_eq
from refmaster.pipeline import Options, master, render
from refmaster.records import Move, Plan, Verdict

QUICK = Options(html=False)
OVER = replace(QUICK, force=True)
ROUNDING_DB = 0.3  # of bands that are fitted anew around others


@pytest.fixture(scope="module")
def first(files, tmp_path_factory) -> Path:
    """A folder with the spoiled song, the song as its reference, and the master of it: `o.wav` and `o.toml`."""
    folder = tmp_path_factory.mktemp("first")
    for name, kind in (("target.wav", "spoiled"), ("reference.wav", "song"), ("other.wav", "finished")):
        (folder / name).write_bytes(files[kind].read_bytes())
    master(folder / "target.wav", folder / "reference.wav", folder / "o.wav", options=QUICK)
    return folder


@pytest.fixture
def folder(first, tmp_path) -> Path:
    """The same, to write in."""
    for path in first.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def move_of(plan: Plan, move_id: str) -> Move:
    return next(move for move in plan.moves if move.id == move_id)


def history(folder: Path) -> list[tuple[tuple[str, ...], str]]:
    """Who, and what in one line, of every revision."""
    return [(one.by, "; ".join(one.said)) for one in sessions.read(folder / "o.toml").revisions]


# What a session holds


def test_a_session_holds_what_came_of_it(first):
    session = sessions.read(first / "o.toml")
    outcome = session.outcome
    assert outcome is not None
    assert {i for i, _ in outcome.effects} == {move.id for move in session.plan.active}
    assert all(check.passed for check in outcome.checks)
    assert {"true_peak_dbtp", "integrated_lufs", "clipped_samples"} <= {check.name for check in outcome.checks}
    assert outcome.master.integrated_lufs == pytest.approx(session.plan.goal_lufs, abs=0.1)
    assert outcome.target.integrated_lufs < outcome.master.integrated_lufs
    assert session.plan.assumptions
    assert history(first) == [(("refmaster",), f"first master: {len(session.plan.moves)} moves")]


def test_what_is_decided_at_once_is_in_the_first_revision(folder):
    names = (folder / name for name in ("target.wav", "reference.wav", "o.wav"))
    drop, lock = ["match_width"], ["match_loudness"]
    master(*names, drop=drop, lock=lock, options=OVER)
    (one,) = sessions.read(folder / "o.toml").revisions
    assert one.by == ("refmaster", "flags")
    assert one.flags == ("--drop match_width", "--lock match_loudness")
    assert "match_width/side: dropped by you" in one.said
    assert "match_loudness: locked" in one.said


# History


def test_nothing_new_appends_nothing_and_changes_no_byte_of_either_file(folder):
    before = {path.name: digest(path) for path in folder.iterdir()}
    for _ in range(2):
        render(folder / "o.toml", options=OVER)
    assert {path.name: digest(path) for path in folder.iterdir()} == before


def test_every_render_that_changes_something_is_remembered_and_can_be_gone_back_to(folder):
    steps = (
        {},
        {"set": ["match_loudness.gain_db=2"]},
        {"drop": ["match_width"], "lock": ["match_loudness"]},
        {"undo": ["match_width"], "set": ["match_eq/bell_9.gain_db=1"]},
        {"undo": ["match_loudness", "match_eq/bell_9"]},
    )
    made = []
    for step in steps:
        render(folder / "o.toml", **step, options=OVER)
        made.append(digest(folder / "o.wav"))
    told = history(folder)
    assert len(told) == len(steps)
    assert all(by == ("flags",) for by, _ in told[1:])
    assert "match_loudness: set by you" in told[1][1]
    assert re.search(r"gain_db \+\d+\.\d\d dB → \+2\.00 dB", told[1][1])
    assert "match_width/side: dropped by you" in told[2][1]
    assert "match_loudness: locked" in told[2][1]
    assert "match_width/side: as proposed again" in told[3][1]
    assert "match_eq/bell_9: made" in told[3][1]
    assert "match_eq/bell_9: no longer made" in told[4][1]
    assert made[4] == made[0]
    for number in (2, 4, 1, 3):
        render(folder / "o.toml", folder / "back.wav", revision=number, options=OVER)
        assert digest(folder / "back.wav") == made[number - 1]
        past = sessions.read(folder / "back.toml").revisions
        if number == 1:  # is as the last one is: nothing new
            assert len(past) == len(steps)
            continue
        assert (past[-1].flags, past[-1].said[0]) == ((f"--revision {number}",), f"back to revision {number}")
    assert len(history(folder)) == len(steps)


def test_the_history_goes_along_when_the_master_gets_another_name(folder):
    render(folder / "o.toml", folder / "p.flac", drop=["match_width"], options=QUICK)
    told = sessions.read(folder / "p.toml").revisions
    assert [one.number for one in told] == [1, 2]
    assert "format: WAV PCM_24 → FLAC PCM_24" in told[-1].said
    assert len(history(folder)) == 1


@pytest.mark.parametrize("number", [0, 2, -1, 99])
def test_a_revision_that_is_not_there_is_refused(folder, number):
    with pytest.raises(BadSetting, match=f"o.toml: no revision {number}; known: 1$"):
        render(folder / "o.toml", revision=number, options=OVER)


def test_going_back_to_what_is_there_is_nothing_new(folder):
    before = digest(folder / "o.toml")
    render(folder / "o.toml", revision=1, options=OVER)
    assert digest(folder / "o.toml") == before


def test_a_session_of_schema_1_gains_its_history(folder):
    path = folder / "o.toml"
    now = sessions.read(path)
    old = replace(now, schema=1, outcome=None, revisions=(), plan=replace(now.plan, assumptions=()))
    text = sessions.written(old, folder).replace("schema = 1", "schema = 1 # mine")
    path.write_text(text, encoding="utf-8")
    render(path, drop=["match_width"], options=OVER)
    assert [by for by, _ in history(folder)] == [("refmaster",), ("flags",)]
    assert "schema = 2 # mine" in path.read_text(encoding="utf-8")
    render(path, revision=1, options=OVER)
    assert digest(folder / "o.wav") == digest_of_first(folder)


def digest_of_first(folder: Path) -> str:
    names = (folder / name for name in ("target.wav", "reference.wav", "again.wav"))
    master(*names, options=QUICK)
    return digest(folder / "again.wav")


def test_all_that_was_dropped_at_first_can_be_taken_back(folder):
    """With dither, which an untouched track has none of."""
    before = digest(folder / "o.wav")
    names = [folder / name for name in ("target.wav", "reference.wav", "n.wav")]
    kinds = ["remove_dc", "match_eq", "match_dynamics", "match_width", "match_loudness", "limit_peaks"]
    assert master(*names, drop=kinds, options=OVER).status == "unchanged"
    render(folder / "n.toml", undo=kinds, options=OVER)
    assert digest(folder / "n.wav") == before


# Hand edits


def test_a_value_that_was_written_over_is_an_override_and_a_persons_words_stay(folder):
    path = folder / "o.toml"
    before = move_of(sessions.read(path).plan, "match_width/side")
    edited(path, f"side_gain_db = {before['side_gain_db']}", "# narrower, says Anna\nside_gain_db = 1 # was more")
    edited(path, "# A refmaster session", "# For Anna\n# A refmaster session")
    report = render(path, options=OVER)
    move = move_of(report.plan, "match_width/side")
    assert (move.verdict, move["side_gain_db"]) == (Verdict.OVERRIDE, 1.0)
    assert dict(move.proposed) == before.values
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# For Anna\n# A refmaster session")
    assert "# narrower, says Anna\nside_gain_db = 1 # was more" in text
    assert "# Set by you" in text
    by, said = history(folder)[-1]
    assert by == ("file",)
    assert "match_width/side: set by you, side_gain_db" in said


def test_keep_written_by_hand_is_what_was_proposed(folder):
    path = folder / "o.toml"
    before = move_of(sessions.read(path).plan, "match_width/side")
    render(path, set=["match_width/side.side_gain_db=1"], options=OVER)
    edited(path, 'verdict = "override"', 'verdict = "keep"')
    report = render(path, options=OVER)
    assert move_of(report.plan, "match_width/side").values == before.values
    assert history(folder)[-1][1].startswith("match_width/side: as proposed again")


@pytest.mark.parametrize("with_reference", [True, False])
def test_a_goal_that_was_written_over_is_reached(folder, with_reference):
    edited(folder / "o.toml", "ceiling_dbtp = -1.0", "loudness_lufs = -20\nceiling_dbtp = -2.0")
    if not with_reference:
        (folder / "reference.wav").unlink()
    report = render(folder / "o.toml", options=OVER)
    assert report.master.integrated_lufs == pytest.approx(-20.0, abs=0.1)
    assert report.master.true_peak_dbtp <= -2.0 + 0.01
    by, said = history(folder)[-1]
    assert by == ("file",)
    assert "loudness_lufs: left open → −20 LUFS" in said


def test_without_the_reference_its_loudness_is_still_the_goal(folder):
    """The session's own numbers are used, and what it knew of the reference stays in it."""
    before = sessions.read(folder / "o.toml")
    (folder / "reference.wav").unlink()
    report = render(folder / "o.toml", drop=["match_width"], options=OVER)
    assert report.master.integrated_lufs == pytest.approx(before.plan.goal_lufs, abs=0.1)
    after = sessions.read(folder / "o.toml")
    assert after.references == before.references
    assert after.outcome.reference == before.outcome.reference
    assert after.outcome.taken == before.outcome.taken


def test_what_was_left_alone_in_tone_stays_told(folder):
    before = sessions.read(folder / "o.toml").plan.rejected
    render(folder / "o.toml", set=["match_loudness.gain_db=2"], options=OVER)
    after = sessions.read(folder / "o.toml").plan.rejected
    of_tone = {one for one in before if one.what.startswith(("match_eq", "match_dyn", "match_width", "remove_dc"))}
    assert of_tone
    assert of_tone <= set(after)


# Files that moved


def test_a_target_that_was_renamed_is_named_and_taken_from_there(folder):
    (folder / "target.wav").rename(folder / "the mix.wav")
    line = next(k for k, text in enumerate((folder / "o.toml").read_text().splitlines(), 1) if "target.wav" in text)
    with pytest.raises(BadSetting, match=f"o.toml, line {line}: target .*target.wav does not exist") as refused:
        render(folder / "o.toml", options=OVER)
    assert str(refused.value).endswith(f"--target '{folder / 'the mix.wav'}'")
    before = digest(folder / "o.wav")
    render(folder / "o.toml", target=folder / "the mix.wav", options=OVER)
    assert digest(folder / "o.wav") == before
    assert 'path = "the mix.wav"' in (folder / "o.toml").read_text(encoding="utf-8")
    assert len(history(folder)) == 1
    render(folder / "o.toml", revision=1, options=OVER)  # the history knows where it is now, too


def test_a_target_with_other_content_is_refused_with_its_line(folder):
    (folder / "target.wav").write_bytes((folder / "other.wav").read_bytes())
    with pytest.raises(BadSetting, match=r"o.toml, line \d+: .*its content differs.*--target FILE$"):
        render(folder / "o.toml", options=OVER)


@pytest.mark.parametrize("role", ["target", "reference"])
def test_another_file_than_the_sessions_is_refused_and_told_what_it_is_good_for(folder, role):
    with pytest.raises(BadAudio, match=f"^{role} .*other.wav is not the file of this session") as refused:
        render(folder / "o.toml", **{role: folder / "other.wav"}, options=OVER)
    assert str(refused.value).endswith(f"--keep-from {folder / 'o.toml'}")


def test_a_reference_that_was_renamed_is_named(folder):
    (folder / "reference.wav").rename(folder / "theirs.wav")
    report = render(folder / "o.toml", options=OVER)
    (note,) = [note for note in report.notes if "reference" in note]
    assert note.endswith(f"--ref {folder / 'theirs.wav'}")


# Locks, and what else was decided, with new evidence


def kept(folder: Path, old: str, reference: str = "other.wav", **asked):
    return master(folder / "target.wav", folder / reference, folder / "new.wav", keep_from=folder / old,
                  options=OVER, **asked)  # fmt: skip


def test_a_locked_move_stays_to_the_last_digit(folder):
    """With another reference and another amount; every kind of move that this song has."""
    before = sessions.read(folder / "o.toml").plan.moves
    odd = {"match_loudness.gain_db": 1 / 3, "match_width/side.side_gain_db": 2 / 3, "limit_peaks.release_ms": 100 / 7}
    locks = ["limit_peaks", *(move.id for move in before)]
    render(folder / "o.toml", set=[f"{k}={v!r}" for k, v in odd.items()], lock=locks, options=OVER)
    locked = {move.id: move for move in sessions.read(folder / "o.toml").plan.moves}
    assert locked["match_loudness"]["gain_db"] == 1 / 3
    for asked in ({}, {"amount": 100.0}, {"amount": 0.0}, {"reference": "reference.wav", "only": "level"}):
        report = kept(folder, "o.toml", **asked)
        for i, move in locked.items():
            new = move_of(report.plan, i)
            assert (new.values, new.locked, new.verdict) == (move.values, True, move.verdict), i
        again = sessions.read(folder / "new.toml")
        assert {m.id: m.values for m in again.plan.moves if m.locked} == {i: m.values for i, m in locked.items()}


@pytest.mark.parametrize("amount", [50.0, 80.0, 100.0])
def test_a_lock_that_the_evidence_contradicts_is_told_not_overruled(folder, amount):
    render(folder / "o.toml", set=["match_width/side.side_gain_db=-6"], lock=["match_width/side"], options=OVER)
    report = kept(folder, "o.toml", "reference.wav", amount=amount)
    move = move_of(report.plan, "match_width/side")
    assert move["side_gain_db"] == -6.0
    assert 2.0 < dict(move.proposed)["side_gain_db"] < 5.0  # 4 dB is what was done to it
    assert "Locked by you; the evidence says side_gain_db" in report.text_of(move.id)
    (note,) = [note for note in report.notes if note.startswith("match_width/side is locked by you at −6.00 dB")]
    assert re.search(r"the evidence says \+\d\.\d\d dB$", note)


def test_a_lock_that_the_evidence_bears_out_is_no_conflict(folder):
    bands = [
        move.id for move in sessions.read(folder / "o.toml").plan.moves if move.mover in ("match_eq", "match_width")
    ]
    render(folder / "o.toml", lock=bands, options=OVER)
    report = kept(folder, "o.toml", "reference.wav")
    assert [note for note in report.notes if "locked by you" in note and "match_width" in note] == []


def test_nothing_is_done_twice_around_a_lock(folder):
    """The EQ as a whole is what it was without the lock: what a locked bell does is not asked for again."""
    before = sessions.read(folder / "o.toml").plan.active
    bell = {"gain_db": 2.5, "centre_hz": 9000.0, "q": 0.6}
    sets = [f"match_eq/bell_1.{name}={value}" for name, value in bell.items()]
    render(folder / "o.toml", set=sets, lock=["match_eq/bell_1"], options=OVER)
    report = kept(folder, "o.toml", "reference.wav")
    assert move_of(report.plan, "match_eq/bell_1").values == bell
    at = np.array(report.target.band_hz)
    whole, again = (
        np.sum([match_eq.response_at(m, at, 44100) for m in moves if m.mover == "match_eq"], axis=0)
        for moves in (before, report.plan.active)
    )
    heard = (at > 60) & (at < 12000)
    assert np.sqrt(np.mean((whole - again)[heard] ** 2)) <= ROUNDING_DB  # 1.0 dB where the bell is not counted


def test_what_was_set_and_dropped_and_noted_holds_again(folder):
    render(folder / "o.toml", drop=["match_width"], set=["match_eq/high_shelf.gain_db=0.7"], options=OVER)
    edited(folder / "o.toml", 'id = "match_width/side"', 'id = "match_width/side"\nnote = "Anna likes it narrow"')
    report = kept(folder, "o.toml", "reference.wav")
    side, shelf = (move_of(report.plan, i) for i in ("match_width/side", "match_eq/high_shelf"))
    assert (side.verdict, side.note) == (Verdict.DROP, "Anna likes it narrow")
    assert (shelf.verdict, shelf["gain_db"]) == (Verdict.OVERRIDE, 0.7)


def test_what_is_taken_back_is_not_kept(folder):
    render(folder / "o.toml", set=["match_loudness.gain_db=1"], lock=["match_width/side"], options=OVER)
    report = kept(folder, "o.toml", undo=["match_loudness"])
    assert move_of(report.plan, "match_loudness").verdict is Verdict.KEEP
    assert move_of(report.plan, "match_width/side").locked
    with pytest.raises(BadSetting, match="--keep-from"):
        master(folder / "target.wav", folder / "other.wav", folder / "x.wav", undo=["match_loudness"])


def test_the_history_goes_on_with_another_reference_and_leads_back(folder):
    before = digest(folder / "o.wav")
    render(folder / "o.toml", lock=["match_width/side"], options=OVER)
    edited(folder / "o.toml", "[move.values]", "[move.values] # hers")
    master(folder / "target.wav", folder / "other.wav", folder / "o.wav", keep_from=folder / "o.toml", options=OVER)
    by, said = history(folder)[-1]
    assert by == ("flags",)
    assert said.startswith("mastered anew, with what was decided before; reference: reference.wav → other.wav")
    assert "# hers" in (folder / "o.toml").read_text(encoding="utf-8")
    render(folder / "o.toml", revision=1, options=OVER)
    assert digest(folder / "o.wav") == before
    session = sessions.read(folder / "o.toml")
    assert Path(session.references[0].path).name == "reference.wav"


def test_another_target_begins_a_history_of_its_own(folder):
    render(folder / "o.toml", lock=["match_width/side"], options=OVER)
    report = master(folder / "other.wav", folder / "reference.wav", folder / "new.wav", keep_from=folder / "o.toml",
                    options=OVER)  # fmt: skip
    assert move_of(report.plan, "match_width/side").locked
    (one,) = sessions.read(folder / "new.toml").revisions
    assert one.flags == (f"--keep-from {folder / 'o.toml'}",)


def test_a_session_that_is_kept_from_is_not_written_over_for_another_target(folder):
    before = (folder / "o.toml").read_bytes()
    with pytest.raises(BadOutput, match=r"o\.toml is an input as well"):
        master(folder / "other.wav", folder / "reference.wav", folder / "o.wav", keep_from=folder / "o.toml",
               options=OVER)  # fmt: skip
    assert (folder / "o.toml").read_bytes() == before


def test_a_locked_gain_is_no_broken_promise_of_loudness(folder):
    render(folder / "o.toml", set=["match_loudness.gain_db=1"], lock=["match_loudness"], options=OVER)
    report = kept(folder, "o.toml")
    assert all(check.passed for check in report.checks)
    assert "integrated_lufs" not in {check.name for check in report.checks}
    assert any(note.startswith("match_loudness is locked by you at +1.00 dB") for note in report.notes)


# The account


def test_the_account_needs_no_audio(folder, monkeypatch, capsys):
    for path in folder.glob("*.wav"):
        path.unlink()
    data = told(monkeypatch, capsys, "explain", folder / "o.toml", "--json")
    assert {move["id"] for move in data["moves"]} == {m.id for m in sessions.read(folder / "o.toml").plan.moves}


def told(monkeypatch, capsys, *words) -> dict:
    from refmaster.cli.app import main

    monkeypatch.setattr("sys.argv", ["refmaster", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr()
    assert (stopped.value.code, said.err) == (0, "")
    return json.loads(said.out)


def test_a_plain_toml_reader_reads_what_was_written_over_and_over(folder):
    for gain in (1, 2, 3):
        render(folder / "o.toml", set=[f"match_loudness.gain_db={gain}"], options=OVER)
    data = tomllib.loads((folder / "o.toml").read_text(encoding="utf-8"))
    assert [one["number"] for one in data["revision"]] == [1, 2, 3, 4]


# What rendering does not do is said


def test_an_amount_that_was_written_into_the_file_makes_no_new_plan_and_that_is_said(folder):
    before = sessions.read(folder / "o.toml").plan
    edited(folder / "o.toml", "amount_pct = 50.0", "amount_pct = 80.0")
    report = render(folder / "o.toml", folder / "n.wav", options=QUICK)
    assert [
        note for note in report.notes if note.startswith("amount_pct changed in the file, which asks for a new plan")
    ]
    assert report.request.amount_pct == 50.0
    tones = [[move.values for move in plan.moves if move.mover == "match_eq"] for plan in (before, report.plan)]
    assert tones[0] == tones[1]
    again = render(folder / "n.toml", folder / "m.wav", options=QUICK)
    assert not [note for note in again.notes if "changed in the file" in note]


def test_a_reference_that_is_gone_is_not_called_none(folder):
    (folder / "reference.wav").unlink()
    report = render(folder / "o.toml", folder / "n.wav", options=QUICK)
    assert "The reference was not found" in taken.reference_line(report)
    assert "No reference was given" not in taken.reference_line(report)


def test_a_dry_run_says_that_the_reference_is_gone_too(folder):
    (folder / "reference.wav").unlink()
    report = render(folder / "o.toml", folder / "n.wav", options=replace(QUICK, dry_run=True))
    assert "The reference was not found" in taken.reference_line(report)


def test_a_session_says_how_its_own_format_is_made_again(folder):
    master(folder / "target.wav", folder / "reference.wav", folder / "f.flac", options=QUICK)
    text = (folder / "f.toml").read_text(encoding="utf-8")
    assert "-o NEW.flac` makes the same master again" in text
    render(folder / "f.toml", folder / "again.flac", options=QUICK)
    assert digest(folder / "again.flac") == digest(folder / "f.flac")


def test_another_format_is_rendered_beside_the_session(folder):
    """Without a name for it: the options decide, and are not passed over."""
    render(folder / "o.toml", options=replace(OVER, bit_depth="16"))
    assert sf.info(folder / "o.wav").subtype == "PCM_16"
    report = render(folder / "o.toml", options=replace(OVER, container="flac"))
    assert report.files.master == str(folder / "o.flac")
    assert sf.info(folder / "o.flac").subtype == "PCM_16"
    with pytest.raises(BadSetting, match="FLAC has no bit depth '32f'"):
        render(folder / "o.toml", options=replace(OVER, container="flac", bit_depth="32f"))


@pytest.mark.parametrize("kind", ["empty top", "over full scale", "very quiet", "offset"])
def test_what_was_mastered_at_the_edge_of_the_possible_renders_again(folder, kind):
    """No value is proposed that a session could not hold."""
    song, rate_hz = sf.read(folder / "target.wav", always_2d=True)
    sound = {
        "empty top": lambda: np.round(2**23 * low_passed(0.02 * song, rate_hz, 2000.0)) / 2**23,
        "over full scale": lambda: 12.0 * song,
        "very quiet": lambda: 6e-3 * song,
        "offset": lambda: song + 2.0,
    }[kind]()
    sf.write(folder / "edge.wav", sound, rate_hz, subtype="FLOAT")
    asked = {"loudness": -6.0} if kind == "very quiet" else {"amount": 100.0}
    master(folder / "edge.wav", folder / "reference.wav", folder / "e.wav", **asked, options=QUICK)
    render(folder / "e.toml", folder / "again.wav", options=QUICK)
    assert digest(folder / "again.wav") == digest(folder / "e.wav")


def low_passed(sound, rate_hz, above_hz):
    bins = np.fft.rfft(sound, axis=0)
    bins[np.fft.rfftfreq(len(sound), 1 / rate_hz) > above_hz] = 0.0
    return np.fft.irfft(bins, len(sound), axis=0)


def test_a_name_without_an_ending_gets_the_sessions(folder):
    assert render(folder / "o.toml", folder / "second", options=QUICK).files.master == str(folder / "second.wav")
