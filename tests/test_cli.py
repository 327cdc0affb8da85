"""The command line: what stands on stdout and stderr, the shape of the JSON, help, and both doors."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
import soundfile as sf
import typer

from refmaster import decide
from refmaster.cli import ready
from refmaster.cli.app import EXAMPLES, TIDY_S, _Interrupting, app, main
from refmaster.version import __version__
from tests.signals import pink_noise

ROOT = Path(__file__).parents[1]
COMMANDS = [command.name for command in app.registered_commands]
REPORT_KEYS = {
    "status", "engine", "version", "files", "target", "reference", "master", "genre", "moves", "left_alone",
    "not_reached", "assumptions", "checks",
}  # fmt: skip
PROFILE_KEYS = {
    "path", "sha256", "sample_rate_hz", "channels", "duration_s", "integrated_lufs", "loudness_range_lu",
    "max_short_term_lufs", "max_momentary_lufs", "true_peak_dbtp", "sample_peak_dbfs", "plr_db", "psr_db", "crest_db",
    "correlation", "band_hz", "ltas_db", "side_to_mid_db", "dynamics", "sections", "defects",
}  # fmt: skip
MOVE_KEYS = {
    "id", "stage", "verdict", "locked", "params", "because", "confidence", "effect", "text", "undo",
}  # fmt: skip
GAP_KEYS = {"feature", "target", "reference", "tolerance", "taken_pct"}


@pytest.fixture
def run(monkeypatch, capsys):
    """The program with these words: exit code, stdout, stderr."""

    def ran(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["refmaster", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return stopped.value.code or 0, said.out, said.err

    return ran


# Words to values

REFUSED_LEAN = """
import sys
from refmaster.cli import main
try: main()
except SystemExit as stopped: print(stopped.code, "pydantic" in sys.modules)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["nowhere.wav", "--ref", "nowhere.flac", "--drop", "match_eq", "-q"],
        ["analyse", "nowhere.wav"],
        ["library", "compare", "nowhere.wav", "-n", "nowhere"],
    ],
    ids=lambda words: words[0],
)
def test_words_that_are_what_is_asked_for_are_not_converted(words):
    """Converting them takes a fourteenth of a second, in each run."""
    done = subprocess.run([sys.executable, "-c", REFUSED_LEAN, *words], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["2", "False"]


@pytest.mark.parametrize(
    "words",
    [
        ["a.wav"],
        ["a.wav", "--ref", "b.wav", "--ref", "c.flac:tone=1", "--amount", "40", "--ceiling", "-2", "--threads", "1"],
        [
            "a.wav",
            "--genre",
            "rock",
            "--drop",
            "match_eq",
            "--set",
            "limit_peaks.release_ms=9",
            "--json",
            "--force",
            "-q",
        ],
    ],
)
def test_values_are_those_that_typer_makes(words, monkeypatch):
    def values() -> dict[str, object]:
        return typer.main.get_command(app).commands["master"].make_context("master", list(words)).params

    found = values()
    monkeypatch.setattr(ready, "Ready", lambda: None)  # then Typer makes its own converters
    assert found == values()
    assert [type(value) for value in found.values()] == [type(value) for value in values().values()]


def test_a_file_whose_name_begins_with_a_dash_is_told_how_to_be_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-loud mix.wav").write_bytes(b"")
    monkeypatch.setattr(sys, "argv", ["refmaster", "-loud mix.wav", "--genre", "rock"])
    with pytest.raises(SystemExit):
        main()
    assert "for the file of that name write './-loud mix.wav'" in capsys.readouterr().err


def test_of_two_files_that_are_missing_the_target_is_told(run, tmp_path):
    code, _, said = run(tmp_path / "no.wav", "--ref", tmp_path / "none.wav")
    assert code == 2
    assert said.startswith("refmaster: target ")


@pytest.mark.parametrize("option", ["--ref", "--genre", "--library", "--format", "--bit-depth", "--phase", "--only"])
def test_an_option_with_nothing_in_it_is_not_passed_over(run, files, tmp_path, option):
    code, _, said = run(files["spoiled"], "--ref", files["song"], option, "", "-o", tmp_path / "o.wav")
    assert (code, said.count("\n")) == (2, 1)
    assert "''" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["-o", "--ref", "--library", "--keep-from"])
def test_a_name_that_is_too_long_is_refused_in_a_line(run, files, tmp_path, option):
    code, _, said = run(files["spoiled"], "--ref", files["song"], "-o", tmp_path / "o", option, tmp_path / ("a" * 300))
    assert (code, said.count("\n")) == (2, 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["batch", "SONG", "--ref", "SONG", "-o"], ["library", "build", "-n", "x"]])
def test_so_is_one_of_a_folder(run, files, tmp_path, words):
    given = [str(files["song"]) if word == "SONG" else word for word in words]
    code, _, said = run(*given, tmp_path / ("a" * 300))
    assert (code, said.count("\n")) == (2, 1)
    assert list(tmp_path.iterdir()) == []


# Help


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, run):
    code, out, err = run(command, "--help")
    assert (code, err) == (0, "")
    assert "Example: refmaster" in " ".join(out.split())


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_the_program_has_help_that_names_every_command(word, run):
    code, out, _ = run(word)
    assert code == 0
    assert all(command in out for command in COMMANDS)


def test_the_examples_of_the_help_are_commands_that_exist(run):
    _, out, _ = run("--help")
    group = typer.main.get_command(app)
    assert len(EXAMPLES) >= 4
    for example in EXAMPLES:
        assert f"  {example}\n" in out  # on a line of its own, whole
        _, first, *words = example.split()
        command = group.commands.get(first) or group.commands["master"]
        known = {name for param in command.params for name in param.opts}
        assert {word for word in words if re.match("--?[a-z]", word)} <= known
        decide.parse_decisions(sets=[words[words.index("--set") + 1]] if "--set" in words else [])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_help(command, run):
    group = typer.main.get_command(app)
    for param in group.commands[command].params:
        assert getattr(param, "help", None), f"{command} {param.name} says nothing of itself"


@pytest.mark.parametrize("words", [[], ["library"]])
def test_without_a_word_help_is_shown(run, words):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err == run(*words, "--help")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("mix.wav ref.wav", "(ref.wav); a reference is named by --ref ref.wav; see --help"),
        ("mix.wav 'it is.wav'", "(it is.wav); a reference is named by --ref 'it is.wav'; see --help"),
        ("a.wav b.wav c.wav", "many with: refmaster batch FILES --ref FILE; see --help"),
        ("a.wav b.wav --ref ref.wav", "many with: refmaster batch FILES --ref FILE; see --help"),
        ("analyze mix.wav", "no command and no file analyze; did you mean analyse?; see --help"),
        ("Render a.toml", "did you mean render?; see --help"),
        ("explain a.toml b.toml", "(b.toml); see --help"),
    ],
)
def test_who_gives_words_too_many_or_misspells_one_is_told_what_is_meant(run, words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "it is.wav").touch()
    code, out, err = run(*shlex.split(words))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.endswith(f"{said}\n")


def test_a_file_that_is_called_nearly_like_a_command_is_a_file(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "analyze").write_text("no sound")
    assert "reference" in run("analyze")[2]
    assert "master.wav does not exist" in run("master.wav", "--ref", "analyze")[2]


def test_the_version(run):
    assert run("--version") == (0, f"refmaster {__version__}\n", "")


# JSON


@pytest.fixture
def report(run, files, tmp_path):
    code, out, err = run(files["spoiled"], "--ref", files["song"], "-o", tmp_path / "o.wav", "--json")
    assert (code, err) == (0, "")
    return json.loads(out, parse_constant=_no_constant)


def _no_constant(name):
    raise AssertionError(f"{name} is no JSON")


def test_json_is_one_document_with_every_key(report, tmp_path):
    assert set(report) >= REPORT_KEYS
    for role in ("target", "reference", "master"):
        assert set(report[role]) >= PROFILE_KEYS
    assert report["moves"]
    for move in report["moves"]:
        assert set(move) >= MOVE_KEYS
        assert all(set(gap) >= GAP_KEYS for gap in move["because"])
        assert set(move["effect"]) == {"feature", "before", "after"}
        assert move["undo"] == f"--drop {move['id']}"
    assert all(set(check) == {"name", "value", "low", "high", "passed"} for check in report["checks"])
    assert set(report["files"]) == {"master", "session", "report"}
    assert all(Path(path).is_file() for path in report["files"].values())
    assert set(report["genre"]) >= {"name", "share", "n_tracks"}
    for one in (*report["left_alone"], *report["not_reached"]):
        assert set(one) == {"what", "text"}
    assert all(set(one) == {"question", "assumed"} for one in report["assumptions"])
    assert report["status"] == "mastered"
    assert (report["engine"], report["version"]) == ("refmaster", __version__)


def test_render_answers_with_the_same_shape(report, run, tmp_path):
    code, out, _ = run("render", tmp_path / "o.toml", "-o", tmp_path / "p.wav", "--json", "--no-report")
    assert code == 0
    again = json.loads(out)
    assert set(again) == set(report)
    assert (tmp_path / "p.wav").read_bytes() == (tmp_path / "o.wav").read_bytes()
    assert again["files"]["report"] is None
    assert not (tmp_path / "p.html").exists()


def test_analyse_answers_with_an_array(run, files):
    code, out, _ = run("analyse", files["song"], files["dull"], "--json")
    assert code == 0
    profiles = json.loads(out)
    assert [Path(one["path"]).name for one in profiles] == ["song.wav", "dull.wav"]
    assert all(set(one) >= PROFILE_KEYS for one in profiles)


def test_analyse_prints_a_table(run, files):
    code, out, err = run("analyse", files["song"])
    assert (code, err) == (0, "")
    assert "LUFS" in out
    assert "true peak" in out


# Writing and not writing


def test_a_dry_run_writes_nothing_and_says_what_it_would_do(run, files, tmp_path):
    code, out, _ = run(files["spoiled"], "--ref", files["song"], "-o", tmp_path / "o.wav", "--dry-run")
    assert code == 0
    assert "Dry run" in out
    assert "match_" in out
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_s_json_has_no_master_and_no_files(run, files, tmp_path):
    code, out, _ = run(files["spoiled"], "--ref", files["song"], "-o", tmp_path / "o.wav", "--dry-run", "--json")
    data = json.loads(out)
    assert code == 0
    assert data["master"] is None
    assert set(data["files"].values()) == {None}
    assert data["moves"]


def test_the_summary_names_every_move_and_how_to_undo_it(run, files, tmp_path):
    code, out, err = run(files["spoiled"], "--ref", files["song"], "-o", tmp_path / "o.wav", "--no-report")
    assert (code, err) == (0, "")  # no progress where nobody looks
    assert out.startswith("Mastered with")
    assert out.count("undo: --drop") >= 3
    assert "o.toml" in out


@pytest.mark.parametrize("columns", [30, 41, 58, 80])
def test_no_line_ends_between_a_number_and_its_unit(run, files, tmp_path, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    _, out, _ = run(files["spoiled"], "--ref", files["song"], "-o", tmp_path / "o.wav", "--dry-run", "-v")
    text = out[out.index("match_eq/") :]  # under the table
    assert not re.findall(r"(?:\d|\bQ) *\n *(?:%|dB|LU|k?Hz|ms|\d)", text), text
    assert "\u00a0" not in out  # what is copied from a terminal has plain spaces
    assert max(map(len, text.splitlines())) <= columns


@pytest.fixture
def mastered(run, files, tmp_path):
    """A session on disk, and nothing else of it."""
    code, *_ = run(files["spoiled"], "--ref", files["song"], "-o", tmp_path / "o.wav", "-q", "--no-report")
    assert code == 0
    (tmp_path / "o.wav").unlink()
    return tmp_path / "o.toml"


@pytest.mark.parametrize("columns", [30, 58, 80])
def test_explain_answers_for_every_move_whatever_the_terminal(run, mastered, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, err = run("explain", mastered)
    assert (code, err) == (0, "")
    moves = re.findall(r"^match_\w+(?:/\w+)?$", out, re.MULTILINE)
    assert len(moves) >= 3
    for name in ("why", "taken", "measured", "cost", "undo"):
        assert out.count(f"\n  {name}: ") >= len(moves)
    assert out.endswith(f"\n  refmaster render {mastered} --force\n")
    assert "passed" in out
    text = out[out.index("match_") :]
    assert not re.findall(r"(?:\d|\bQ) *\n *(?:%|dB|LU|k?Hz|ms)\b", text), text


def test_explain_speaks_markdown_and_json(run, mastered):
    code, out, err = run("explain", mastered, "--markdown")
    assert (code, err) == (0, "")
    assert out.startswith("# spoiled.wav\n")
    assert out.endswith("\n")
    code, out, err = run("explain", mastered, "--json")
    assert (code, err) == (0, "")
    data = json.loads(out, parse_constant=_no_constant)
    assert all(set(move) >= MOVE_KEYS for move in data["moves"])
    assert all(set(gap) >= GAP_KEYS for move in data["moves"] for gap in move["because"])


def test_explain_says_more_when_asked(run, mastered):
    assert len(run("explain", mastered, "-v")[1]) >= len(run("explain", mastered)[1])


def test_history_lists_who_changed_what(run, mastered):
    run("render", mastered, "-q", "--no-report", "--force", "--drop", "match_width")
    code, out, err = run("history", mastered)
    assert (code, err) == (0, "")
    assert out.startswith("o.toml: 2 revisions\n")
    assert re.search(r"^1  −\d+\.\d LUFS, −\d+\.\d\d dBTP, refmaster \(.*\)$", out, re.MULTILINE)
    assert "you, by flag" in out
    assert "    --drop match_width\n    match_width/side: dropped by you\n" in out
    assert out.endswith(f"\n  refmaster render {mastered} --revision 1 --force\n")
    text = mastered.read_text(encoding="utf-8")
    mastered.write_text(text.replace('verdict = "drop"', 'verdict = "keep"', 1), encoding="utf-8")
    assert (
        "Changed in the file since it was rendered\n  · match_width/side: as proposed again"
        in run("history", mastered)[1]
    )
    data = json.loads(run("history", mastered, "--json")[1])
    assert [one["number"] for one in data["revisions"]] == [1, 2]
    assert data["revisions"][1]["flags"] == ["--drop match_width"]
    assert data["edits"] == ["match_width/side: as proposed again"]


def test_quiet_says_nothing(run, files, tmp_path):
    code, out, err = run(files["spoiled"], "--ref", files["song"], "-o", tmp_path / "o.wav", "-q", "--no-report")
    assert (code, out, err) == (0, "", "")
    assert (tmp_path / "o.wav").is_file()


def test_verbose_says_more(run, files, tmp_path):
    words = (files["spoiled"], "--ref", files["song"], "--dry-run", "--detail", "1")
    assert len(run(*words, "-v")[1]) >= len(run(*words)[1])


def test_force_overwrites(run, files, tmp_path):
    (tmp_path / "o.wav").write_text("old")
    code, *_ = run(files["spoiled"], "--ref", files["song"], "-o", tmp_path / "o.wav", "--force", "-q", "--no-report")
    assert code == 0
    assert (tmp_path / "o.wav").stat().st_size > 1000


def test_the_main_job_has_a_name_of_its_own(run, files, tmp_path):
    words = ("--ref", files["song"], "-q", "--no-report", "-o")
    run(files["spoiled"], *words, tmp_path / "a.wav")
    run("master", files["spoiled"], *words, tmp_path / "b.wav")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_options_may_come_before_the_file(run, files, tmp_path):
    code, *_ = run("--ref", files["song"], "-q", "--dry-run", files["spoiled"])
    assert code == 0


def test_a_check_that_failed_is_exit_1(run, files, tmp_path):
    """A ceiling that was dropped, and gain beyond full scale."""
    sets = ("--set", "match_loudness.gain_db=30", "--drop", "limit_peaks")
    code, out, _ = run(files["song"], "--ref", files["song"], "-o", tmp_path / "o.wav", *sets, "--no-report")
    assert code == 1
    assert "check failed" in out


# Doors


def doors() -> list[list[str]]:
    found = [[sys.executable, str(ROOT / "cli.py")], [sys.executable, "-m", "refmaster"]]
    script = Path(sys.executable).with_name("refmaster")
    return [*found[:1], *([[str(script)]] if script.exists() else [])]


@pytest.mark.parametrize("door", doors(), ids=lambda door: Path(door[-1]).name)
def test_every_door_leads_to_the_same_program(door, files, tmp_path):
    words = [files["spoiled"], "--ref", files["song"], "-o", tmp_path / "o.wav", "--json", "--no-report"]
    ran = subprocess.run([*door, *map(str, words)], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert set(json.loads(ran.stdout)) >= REPORT_KEYS


def test_a_pipe_that_closes_is_no_error(files):
    command = f"'{sys.executable}' '{ROOT / 'cli.py'}' analyse '{files['song']}' --json | head -c 1"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert ran.stdout == "["
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [("SPOILED --ref SONG -o OUT", 0), ("explain SESSION", 141), ("analyse SONG", 141), ("--help", 141)],
)
def test_a_reader_that_had_enough_fails_no_check(words, code, files, standing, tmp_path):
    """As `head -1` does, only sooner: it is gone before a word is printed."""
    named = {"SPOILED": files["spoiled"], "SONG": files["song"], "OUT": tmp_path / "o.wav"}
    done = in_a_shell(f"REFMASTER {words} | :; echo ${{PIPESTATUS[0]}}", SESSION=standing / "é.toml", **named)
    assert (done.stdout, done.stderr) == (f"{code}\n", "")


@pytest.mark.parametrize("columns", ["0", "00", ""])
def test_a_terminal_of_no_columns_has_an_unknown_number_of_them(columns, standing):
    done = program("explain", standing / "é.toml", COLUMNS=columns)
    assert (done.returncode, done.stdout) == (0, program("explain", standing / "é.toml", COLUMNS="80").stdout)


# Python


@pytest.mark.parametrize("before", ["", "import refmaster.render, refmaster.analyse\n", "refmaster.master\n"])
def test_names_of_the_package_are_functions_whatever_was_imported_before(before):
    code = f"import refmaster\n{before}\nfor n in refmaster.__all__: getattr(refmaster, n)\n"
    code += "for n in ('master', 'analyse', 'render', 'master_array'): assert callable(getattr(refmaster, n)), n"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("request_to_end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("after_s", [0.4, 0.6, 1.2])
def test_an_interrupted_run_leaves_nothing_half_made_and_says_so(files, tmp_path, request_to_end, after_s):
    words = [str(files["dull"]), "--ref", str(files["song"]), "-o", str(tmp_path / "o.wav")]
    running = subprocess.Popen([sys.executable, str(ROOT / "cli.py"), *words], stderr=subprocess.PIPE, text=True)
    time.sleep(after_s)
    running.send_signal(request_to_end)
    try:
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    if running.returncode == 0:
        pytest.skip("the run was over before the interruption, or was loading a kernel that does not hear it")
    if running.returncode == -request_to_end:
        pytest.skip("the machine was too slow: the program had not begun")
    assert running.returncode == 130
    assert said.strip().endswith("refmaster: interrupted; nothing half-made was left")
    assert not [left for left in tmp_path.iterdir() if ".part-" in left.name]  # what stands there is whole


def test_an_interruption_that_struck_a_compiled_function_is_one_all_the_same(monkeypatch, capsys):
    def struck(**_: object) -> None:
        error = SystemError("CPUDispatcher(...) returned a result with an exception set")
        raise error from KeyboardInterrupt()

    def left(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr("refmaster.cli.app.app", struck)
    monkeypatch.setattr(os, "_exit", left)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "refmaster: interrupted; nothing half-made was left\n"


def test_many_interruptions_are_one(files, tmp_path):
    """Ctrl-C held down: the second would break off the tidying that the first one began."""
    words = [str(files["dull"]), "--ref", str(files["song"]), "-o", str(tmp_path / "o.wav")]
    running = subprocess.Popen([sys.executable, str(ROOT / "cli.py"), *words], stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 60
        while not any(".part-" in path.name for path in tmp_path.iterdir()):
            assert running.poll() is None
            assert time.monotonic() < end
            time.sleep(0.002)
        for _ in range(60):
            running.send_signal(signal.SIGINT)
            time.sleep(0.0005)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert (running.returncode, said.strip()) == (130, "refmaster: interrupted; nothing half-made was left")
    assert list(tmp_path.iterdir()) == []


def test_after_an_interruption_none_is_heard_until_there_was_time_to_tidy(monkeypatch):
    now_s = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    interrupting = _Interrupting()
    for later_s, heard in ((0.0, True), (0.004, False), (TIDY_S - 1, False), (TIDY_S, True)):
        now_s[0] += later_s
        with pytest.raises(KeyboardInterrupt) if heard else nullcontext():
            interrupting(signal.SIGINT, None)


STRUCK = """
import os, signal, sys, time
from refmaster.cli import app

class Ending:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)

def job(**_):
    Ending()
    time.sleep(2)
    print("not heard")

app.app = job
app.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there nobody sends himself Ctrl-C")
def test_an_interruption_in_the_end_of_an_object_is_not_lost():
    done = subprocess.run([sys.executable, "-c", STRUCK], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "refmaster: interrupted; nothing half-made was left\n"


# The cache


def test_tracks_are_remembered_where_the_option_says(run, files, tmp_path):
    made = []
    for name, cache in (("off", "off"), ("cold", tmp_path / "cache"), ("warm", tmp_path / "cache")):
        out = tmp_path / f"{name}.wav"
        code, _, _ = run(files["spoiled"], "--ref", files["song"], "-o", out, "-q", "--no-report", "--cache", cache)
        assert code == 0
        made.append(out.read_bytes())
    assert made[0] == made[1] == made[2]
    assert len(list((tmp_path / "cache" / "measured").iterdir())) == 2  # the target, too


def test_an_output_that_is_a_folder_is_refused_and_nothing_stands_beside_it(run, files, tmp_path):
    (tmp_path / "masters").mkdir()
    code, out, said = run(files["spoiled"], "--ref", files["song"], "-o", tmp_path / "masters")
    assert (code, out) == (2, "")
    assert "masters is a folder; give a file name in it" in said
    assert [path.name for path in tmp_path.iterdir()] == ["masters"]


def test_values_that_the_format_has_no_room_for_stand_in_the_first_line(run, tmp_path):
    sound = pink_noise(-14.0, 5.0, 44100)
    sound[:, 44100:44103] = 1.2
    sf.write(tmp_path / "hot.wav", sound.T, 44100, "FLOAT")
    hot, words = tmp_path / "hot.wav", ("--no-report", "--force", "-o")
    code, out, _ = run(hot, "--ref", hot, *words, tmp_path / "o.wav", "--bit-depth", "24")
    assert code == 0
    assert out.startswith("Unchanged, but 6 values of the target above full scale are cut off.")
    code, out, _ = run(hot, "--ref", hot, *words, tmp_path / "o.wav", "--bit-depth", "32f")
    assert out.startswith("Unchanged: nothing needed doing.")


# Streams


@pytest.fixture(scope="module")
def standing(files, tmp_path_factory) -> Path:
    """A folder with a session, made once, whose names hold what ASCII does not."""
    place = tmp_path_factory.mktemp("süß 𝄞")
    done = program(files["spoiled"], "--ref", files["song"], "-o", place / "é.wav", "-q", "--no-report")
    assert done.returncode == 0, done.stderr
    return place


def program(*words: str | Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """The program in a process of its own."""
    command = [sys.executable, str(ROOT / "cli.py"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env}, encoding="latin-1")


NARROW = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize("env", NARROW.values(), ids=NARROW)
def test_a_terminal_that_lacks_our_signs_costs_no_run_its_end(standing, env):
    for words in (["explain"], ["explain", "--markdown"], ["history"]):
        done = program(*words, standing / "é.toml", **env)
        assert (done.returncode, done.stderr) == (0, "")
        assert re.search(r" -\d+\.\d+ (LUFS|dB)", done.stdout)  # a minus is one
    done = program("analyse", standing / "no 𝄞.wav", **env)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_nor_does_it_a_master(standing, files):
    done = program(files["spoiled"], "--ref", files["song"], "-o", standing / "é.wav", "--force", **NARROW["ascii"])
    assert (done.returncode, done.stderr) == (0, "")
    assert "undo: --drop" in done.stdout


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", ["explain", "history", "analyse"])
def test_json_stays_what_it_is_whatever_stdout_can_hold(standing, command, encoding):
    file = standing / ("é.wav" if command == "analyse" else "é.toml")
    told = [
        json.loads(program(command, file, "--json", PYTHONIOENCODING=one).stdout.encode("latin-1").decode(one))
        for one in (encoding, "utf-8")
    ]
    assert told[0] == told[1]


def in_a_shell(words: str, **named: Path) -> "subprocess.CompletedProcess[str]":
    """Words for a shell, in which REFMASTER is the program and the files have their names."""
    door = f"'{sys.executable}' '{ROOT / 'cli.py'}'"
    for name, place in {"REFMASTER": door, **{name: f"'{place}'" for name, place in named.items()}}.items():
        words = words.replace(name, str(place))
    return subprocess.run(["bash", "-c", words], capture_output=True, text=True)


on_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a stdout that is full")


@on_full
@pytest.mark.parametrize(
    "words",
    ["--help", "--version", "analyse SONG", "analyse SONG --json", "explain SESSION", "batch SONG --ref SONG -o OUT"],
)
def test_a_stdout_that_is_full_is_told_in_a_line(words, files, standing, tmp_path):
    done = in_a_shell(
        f"REFMASTER {words} > /dev/full", SONG=files["song"], SESSION=standing / "é.toml", OUT=tmp_path / "out"
    )
    *progress, line = done.stderr.splitlines()
    assert line.startswith("refmaster: stdout could not be written (No space left on device)")
    assert len(progress) == words.count("batch")
    made = "the job itself is done" in line
    assert (done.returncode, made) == ((1, True) if "batch" in words else (2, False))


@on_full
def test_a_master_whose_summary_nobody_can_read_is_made_all_the_same(files, tmp_path):
    master = "REFMASTER DULL --ref SONG -o OUT --no-report"
    done = in_a_shell(f"{master} > /dev/full", DULL=files["dull"], SONG=files["song"], OUT=tmp_path / "o.wav")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.endswith("; the job itself is done\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.toml", "o.wav"]


@on_full
@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", "<&- >&- 2>&-"])
def test_a_stderr_that_is_closed_or_full_only_shows_nothing(streams, files, tmp_path):
    for words in ("DULL --ref SONG -o OUT/o.wav --no-report", "batch DULL --ref SONG -o OUT --no-report"):
        done = in_a_shell(f"REFMASTER {words} {streams}", DULL=files["dull"], SONG=files["song"], OUT=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert ("mastered" in done.stdout.lower()) == (">&- 2" not in streams)
    assert sf.info(tmp_path / "o.wav").frames == sf.info(tmp_path / "dull.master.wav").frames
