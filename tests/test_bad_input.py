"""What is refused, and how: exit 2, one line on stderr that begins with the program's name, nothing written.

Most run the command line inside this process, which is quick; some in a process of their own, which is the truth.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from refmaster.cli.app import main
from refmaster.contents import content
from tests.conftest import RATE_HZ, write_wav
from tests.signals import pink_noise, silence

REFUSED = 2
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> dict[str, Path]:
    """Two 4 s tracks: quick to analyse, where a refusal needs that."""
    folder = tmp_path_factory.mktemp("short")
    noises = {name: pink_noise(-20.0, 4.0, RATE_HZ, seed=seed) for seed, name in enumerate(("target", "reference"))}
    return {name: write_wav(folder / f"{name}.wav", samples) for name, samples in noises.items()}


@pytest.fixture
def refused(monkeypatch, capsys, tmp_path) -> Callable[..., str]:
    """Run the program with these words in an empty folder, and answer with its one line; anything else fails."""

    def run(*words: str | Path, folder: Path | None = None) -> str:
        place = folder or tmp_path
        before = listed(place)
        monkeypatch.setattr(sys, "argv", ["refmaster", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        assert stopped.value.code == REFUSED, said.err
        assert listed(place) == before
        return one_line(said.err, said.out)

    return run


def listed(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.lstat().st_mtime_ns) for path in folder.rglob("*"))


def one_line(stderr: str, stdout: str) -> str:
    assert stdout == ""
    lines = stderr.splitlines()
    assert len(lines) == 1, stderr
    assert lines[0].startswith("refmaster: ")
    assert "Traceback" not in stderr
    return lines[0]


# Files


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("dear diary " * 50)


def no_frames(path: Path) -> None:
    sf.write(path, np.zeros((0, 2)), RATE_HZ)


def nan(path: Path) -> None:
    sound = pink_noise(-20.0, 4.0, RATE_HZ)
    sound[1, 77777] = np.nan
    write_wav(path, sound, subtype="FLOAT")


def inf(path: Path) -> None:
    sound = pink_noise(-20.0, 4.0, RATE_HZ)
    sound[0, 5] = np.inf
    write_wav(path, sound, subtype="FLOAT")


def silent(path: Path) -> None:
    write_wav(path, silence(4.0, RATE_HZ))


def offset_alone(path: Path) -> None:
    write_wav(path, np.full((2, 8 * RATE_HZ), 0.5), subtype="FLOAT")


def opposite_offsets(path: Path) -> None:
    write_wav(path, np.full((2, 8 * RATE_HZ), 0.5) * [[1.0], [-1.0]], subtype="FLOAT")


def nearly_silent(path: Path) -> None:
    write_wav(path, pink_noise(-90.0, 4.0, RATE_HZ))


def too_short(path: Path) -> None:
    write_wav(path, pink_noise(-20.0, 2.9, RATE_HZ))


def one_sample(path: Path) -> None:
    write_wav(path, np.full((2, 1), 0.5))


def surround(path: Path) -> None:
    write_wav(path, pink_noise(-20.0, 4.0, RATE_HZ, 6))


def a_folder(path: Path) -> None:
    path.mkdir()


def truncated(path: Path) -> None:
    write_wav(path, pink_noise(-20.0, 4.0, RATE_HZ))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 5])


def nothing(path: Path) -> None:
    pass


NO_AUDIO = (empty, text, no_frames, truncated, a_folder, nothing)
NOT_FOR_MASTERING = (nan, inf, silent, offset_alone, opposite_offsets, nearly_silent, too_short, one_sample, surround)


@pytest.mark.parametrize("make", NO_AUDIO + NOT_FOR_MASTERING, ids=lambda make: make.__name__)
@pytest.mark.parametrize("role", ["target", "reference"])
def test_a_bad_file_is_refused_by_its_name(make, role, short, tmp_path, refused):
    make(tmp_path / "bad.wav")
    bad = tmp_path / "bad.wav"
    target, reference = (bad, short["reference"]) if role == "target" else (short["target"], bad)
    line = refused(target, "--ref", reference, "-o", tmp_path / "out.wav")
    assert "bad.wav" in line
    assert role in line or make in (nan, inf)  # found while it plays


@pytest.mark.parametrize("make", [text, nan, nothing], ids=lambda make: make.__name__)
def test_a_process_of_its_own_refuses_as_well(make, short, tmp_path):
    make(tmp_path / "bad.wav")
    before = listed(tmp_path)
    command = [sys.executable, ROOT / "cli.py", tmp_path / "bad.wav", "--ref", short["reference"]]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == REFUSED
    assert "bad.wav" in one_line(ran.stderr, ran.stdout)
    assert listed(tmp_path) == before


@pytest.mark.parametrize("make", [empty, text, no_frames, nan, a_folder, nothing], ids=lambda make: make.__name__)
def test_analyse_refuses_as_well(make, tmp_path, refused):
    make(tmp_path / "bad.wav")
    assert "bad.wav" in refused("analyse", tmp_path / "bad.wav")


def test_a_name_with_a_newline_stays_on_one_line(short, tmp_path, refused):
    assert "\\n" in refused(tmp_path / "a\nb.wav", "--ref", short["reference"])


# Where to


def test_a_missing_folder_is_refused(short, tmp_path, refused):
    assert "does not exist" in refused(
        short["target"], "--ref", short["reference"], "-o", tmp_path / "nowhere" / "out.wav"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(short, tmp_path, refused):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    assert "cannot be written" in refused(short["target"], "--ref", short["reference"], "-o", locked / "out.wav")


def test_a_folder_that_takes_no_files_is_refused(short, tmp_path, refused):
    """For root, too: /proc takes none."""
    if not Path("/proc").is_dir():
        pytest.skip("no /proc here")
    refused(short["target"], "--ref", short["reference"], "-o", "/proc/out.wav")


def test_a_folder_as_output_is_refused(short, tmp_path, refused):
    (tmp_path / "out.wav").mkdir()
    assert "folder" in refused(short["target"], "--ref", short["reference"], "-o", tmp_path / "out.wav")


@pytest.mark.parametrize("how", ["path", "spelling", "hard link", "symlink"])
@pytest.mark.parametrize("which", ["target", "reference"])
def test_an_input_is_never_overwritten(short, tmp_path, refused, how, which):
    """Not even with --force."""
    inputs = {name: tmp_path / f"{name}.wav" for name in short}
    for name, path in short.items():
        inputs[name].write_bytes(path.read_bytes())
    mine = inputs[which]
    out = {"path": mine, "spelling": tmp_path / "x" / ".." / mine.name}.get(how, tmp_path / "other.wav")
    (tmp_path / "x").mkdir()
    if how == "hard link":
        os.link(mine, out)
    elif how == "symlink":
        out.symlink_to(mine)
    assert "input" in refused(inputs["target"], "--ref", inputs["reference"], "-o", out, "--force")


@pytest.mark.parametrize("name", ["song.master.toml", "a b.TOML"])
def test_a_session_in_the_place_of_a_track_is_told_its_command(short, tmp_path, refused, name):
    (tmp_path / name).write_text("schema = 1")
    for words in ((), ("--ref", short["reference"])):
        told = refused(tmp_path / name, *words)
        assert "is a session, not a track" in told
        assert told.endswith(f"refmaster render {shlex.quote(str(tmp_path / name))}")


@pytest.mark.parametrize("standing", ["out.wav", "out.toml", "out.html"])
def test_what_stands_there_is_kept_without_force(short, tmp_path, refused, standing):
    (tmp_path / standing).write_text("mine")
    assert "--force" in refused(short["target"], "--ref", short["reference"], "-o", tmp_path / "out.wav")
    assert (tmp_path / standing).read_text() == "mine"


# Words


@pytest.mark.parametrize(
    "words",
    [
        ["--amount", "200"],
        ["--amount", "-1"],
        ["--amount", "nan"],
        ["--loudness", "5"],
        ["--loudness", "-inf"],
        ["--ceiling", "3"],
        ["--detail", "0"],
        ["--engine", "foo"],
        ["--format", "xyz"],
        ["--bit-depth", "12"],
        ["--only", "foo"],
        ["--only", ""],
        ["--set", "nonsense"],
        ["--set", "match_eq/bell_1.gain_db=loud"],
        ["--set", "polka.gain_db=1"],
        ["--set", "match_eq/polka.gain_db=1"],
        ["--set", "match_eq.polka=1"],
        ["--set", "match_loudness.polka=1"],
        ["--set", "match_loudness.gain_db=nan"],
        ["--set", "match_loudness.gain_db=1e9"],
        ["--set", "match_eq/bell_1.gain_db=inf"],
        ["--set", "match_eq/bell_1.centre_hz=-5"],
        ["--set", "limit_peaks.ceiling_dbtp=nan"],
        ["--set", "limit_peaks.ceiling_dbtp=1e9"],
        ["--set", "limit_peaks.lookahead_ms=nan"],
        ["--set", "limit_peaks.lookahead_ms=1e9"],
        ["--set", "limit_peaks.lookahead_ms=-1"],
        ["--set", "limit_peaks.release_ms=0"],
        ["--set", "limit_peaks.margin_db=-inf"],
        ["--set", "limit_peaks.polka=1"],
        ["--set", "remove_dc.offset_pct=1"],
        ["--drop", "polka"],
        ["--drop", "match_eq/polka"],
        ["--drop", ""],
        ["--lock", "match_eq/polka"],
    ],
    ids=" ".join,
)
def test_words_that_cannot_be_meant_are_refused(words, short, tmp_path, refused):
    """With a target that the limiter has to work on."""
    refused(short["target"], "--ref", short["reference"], "-o", tmp_path / "out.wav", "--loudness", "-8", *words)


@pytest.mark.parametrize(
    "setting", ["match_loudness.gain_db=1e9", "match_loudness.gain_db=3 LUFS", "match_eq/shelf.gain_db=1"]
)
def test_what_can_be_told_without_the_tracks_is_told_before_they_are_opened(setting, refused):
    for words in (["not there.wav", "--ref", "nor there.wav"], ["render", "not there.toml"]):
        said = refused(*words, "--set", setting)
        assert setting.partition(".")[0] in said
        assert " to " in said


def test_no_reference_is_told_what_to_give(short, refused):
    assert "--ref" in refused(short["target"])


@pytest.mark.parametrize("out", ["out.xyz", "out.mp4"])
def test_an_unknown_ending_is_refused(short, tmp_path, refused, out):
    assert "known" in refused(short["target"], "--ref", short["reference"], "-o", tmp_path / out)


@pytest.mark.parametrize("words", [["--polka"], ["--amount", "loud"], ["--threads", "0"], ["--ref"]])
def test_misspelt_options_leave_with_2_and_no_traceback(words, short, monkeypatch, capsys):
    """Typer's own words, which are several lines."""
    monkeypatch.setattr(sys, "argv", ["refmaster", str(short["target"]), *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr()
    assert stopped.value.code == REFUSED
    assert said.out == ""
    assert "Traceback" not in said.err


# Sessions


@pytest.fixture
def session(short, tmp_path) -> Path:
    """A session with its files beside it, the master moved away."""
    from refmaster.pipeline import Options, master

    for name, path in short.items():
        (tmp_path / f"{name}.wav").write_bytes(path.read_bytes())
    quick = Options(html=False)
    sets = ["limit_peaks.lookahead_ms=2"]  # a known text to edit
    names = [tmp_path / name for name in ("target.wav", "reference.wav", "o.wav")]
    master(*names, loudness=-10.0, set=sets, options=quick)
    (tmp_path / "o.wav").unlink()
    return tmp_path / "o.toml"


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("schema = 2", "schema = "),
        ("schema = 2", "schema = 99"),
        ("schema = 2", "schema = 0"),
        ("schema = 2", 'schema = "1"'),
        ("schema = 2", "schema = 2\nschema = 2"),
        ("schema = 2", "schema = 2\npolka = true"),
        ('id = "match_loudness"', 'id = "polka"'),
        ('id = "match_loudness"', 'id = "match_loudness"\npolka = 1'),
        ('id = "match_loudness"', 'id = ""'),
        ('verdict = "keep"', 'verdict = "perhaps"'),
        ("confidence = 1.0", "confidence = 2.0"),
        ("ceiling_dbtp = -1.0", "ceiling_dbtp = 99.0"),
        ("lookahead_ms = 2.0", "lookahead_ms = nan"),
        ("lookahead_ms = 2.0", "lookahead_ms = inf"),
        ("lookahead_ms = 2.0", "lookahead_ms = 1e9"),
        ("lookahead_ms = 2.0", 'lookahead_ms = "two"'),
        ("lookahead_ms = 2.0", "polka_ms = 2.0"),
        ("amount_pct = 50.0", "amount_pct = 500.0"),
        ("amount_pct = 50.0", "amount_pct = true"),
        ("bit_depth = 24", "bit_depth = 12"),
        ('subtype = "PCM_24"', 'subtype = "POLKA"'),
        ('subtype = "PCM_24"', 'subtype = "PCM_16"'),
        ('container = "WAV"\nsubtype = "PCM_24"\nbit_depth = 24', 'container = "WAV"\nsubtype = "VORBIS"'),
        ('engine = "refmaster"', 'engine = "polka"'),
        ('engine = "refmaster"', 'engine = "matchering"'),
        ("[delivery]", "[polka]"),
        ('path = "target.wav"', 'path = "elsewhere.wav"'),
        ('path = "target.wav"', 'path = "reference.wav"'),
    ],
)
def test_a_session_that_was_edited_wrongly_is_refused(session, refused, old, new):
    edited(session, old, new)
    refused("render", session, "-o", session.parent / "again.wav")


@pytest.mark.parametrize("content", ["", "polka", "= 1", "[[[", "\x00", "a = 1\n" * 3, "schema = 1e999"])
def test_what_is_no_session_is_refused(tmp_path, refused, content):
    (tmp_path / "x.toml").write_text(content)
    assert "x.toml" in refused("render", tmp_path / "x.toml")


def test_bytes_that_are_no_text_are_no_session(tmp_path, refused):
    (tmp_path / "x.toml").write_bytes(bytes(range(256)))
    assert "x.toml" in refused("render", tmp_path / "x.toml")


@pytest.mark.parametrize("make", [a_folder, nothing], ids=lambda make: make.__name__)
def test_a_session_that_is_not_there_is_refused(make, tmp_path, refused):
    make(tmp_path / "x.toml")
    assert "x.toml" in refused("render", tmp_path / "x.toml")


def test_a_target_that_changed_is_refused(session, refused):
    write_wav(session.parent / "target.wav", pink_noise(-20.0, 4.0, RATE_HZ, seed=9))
    assert "content differs" in refused("render", session, "-o", session.parent / "again.wav")


WHOLE = {"is no format": "[delivery]", "lacks lookahead_ms": 'id = "limit_peaks"'}  # wrong is the table, at its head
LAST_MOVE = 'id = "limit_peaks"\nverdict = '


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lookahead_ms = 2.0", "lookahead_ms = 1e9", "allowed: 0.5 to 20 ms"),
        ("lookahead_ms = 2.0", 'lookahead_ms = "two"', "move[2].values.lookahead_ms: input should be a valid number"),
        ("lookahead_ms = 2.0", "lookahaed_ms = 2.0", "no parameter 'lookahaed_ms'; did you mean"),
        ("lookahead_ms = 2.0", "", "lacks lookahead_ms"),
        (f'{LAST_MOVE}"override"', f'{LAST_MOVE}"perhaps"', "'keep', 'override' or 'drop', found 'perhaps'"),
        (f'{LAST_MOVE}"override"', f'{LAST_MOVE}"override"\nlokced = true', "no such key; did you mean 'locked'?"),
        ("schema = 2", "schema = 3", "newer than this version of refmaster knows (2); update refmaster"),
        ("schema = 2", "schema = 2\nschema = 2", "not TOML that can be read"),
        ("amount_pct = 50.0", "amount_pct = 500.0", "less than or equal to 100, found 500.0"),
        ("amount_pct = 50.0", "amount_pct = true", "found true"),
        ("[delivery]", "[dilevery]", "did you mean 'delivery'?"),
        ('sha256 = "', 'sha265 = "', "did you mean 'sha256'?"),
        ('subtype = "PCM_24"', 'subtype = "PCM_16"', "WAV with PCM_16 and bit_depth 24 is no format"),
        ('path = "target.wav"', 'path = "elsewhere.wav"', "elsewhere.wav does not exist"),
        ("number = 1", "number = 2", "revisions count 1, 2, 3; found 2"),
        ("chain = [", 'chain = ["match_eq/bell_7", ', "lacks the move match_eq/bell_7"),
        ("[revision.moves]", "[revision.moves]\npolka = {verdict = 'keep', values = {}}", "no move 'polka'"),
        ("[[check]]", "[[check]]\nhihg = 1.0", "did you mean 'high'?"),
        ("kinship = ", "kinship = 7", "outcome.kinship: input should be less than or equal to 1"),
    ],
)
def test_an_error_in_a_session_names_its_own_line(session, refused, old, new, said):
    """Not the first line that looks like it, and not only for render."""
    edited(session, old, new)
    text = session.read_text(encoding="utf-8")
    place = next((head for words, head in WHOLE.items() if words in said), new)
    first = text[: text.index(place)].count("\n") + 1
    lines = [str(first + k) for k in range(place.count("\n") + 1)]
    commands = [["render", session, "-o", session.parent / "again.wav"]]
    commands += [["explain", session], ["history", session]] if "elsewhere" not in new else []
    for words in commands:
        told = refused(*words)
        assert said in told
        assert told.startswith(f"refmaster: {session}")
        assert told.removeprefix(f"refmaster: {session}").removeprefix(", line ").partition(":")[0] in lines


def test_a_session_of_another_version_says_so(session, refused):
    edited(session, 'version = "0.1.0"', 'version = "9.0"\npolka = 1')
    told = refused("explain", session)
    assert "polka: no such key" in told
    assert "it was written by refmaster 9.0, this is " in told


@pytest.mark.parametrize("content", ["a = " + "[" * 5000, "schema = " + "9" * 6000, "a = 1\r\nb = \r\n"])
def test_a_file_that_would_break_a_reader_is_refused(tmp_path, refused, content):
    (tmp_path / "x.toml").write_bytes(content.encode())
    for command in ("explain", "history", "render"):
        assert "x.toml" in refused(command, tmp_path / "x.toml")


def test_a_session_that_another_editor_saved_is_read(session):
    """With a mark at its start, and line ends of another system."""
    from refmaster.session import read

    before = read(session)
    session.write_bytes(b"\xef\xbb\xbf" + session.read_bytes().replace(b"\n", b"\r\n"))
    assert read(session) == before


@pytest.mark.parametrize("words", [["--json", "--markdown"], ["--polka"]])
def test_explain_refuses_what_it_cannot_answer(session, monkeypatch, capsys, words):
    monkeypatch.setattr(sys, "argv", ["refmaster", "explain", str(session), *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert (stopped.value.code, capsys.readouterr().out) == (REFUSED, "")


@pytest.mark.parametrize("words", [["--undo", "polka"], ["--undo", "match_eq/bell_x"], ["--revision", "7"]])
def test_what_cannot_be_gone_back_to_is_refused(session, refused, words):
    refused("render", session, "-o", session.parent / "again.wav", *words)


@pytest.mark.parametrize(
    "words", [["--keep-from", "nowhere.toml"], ["--keep-from", "target.wav"], ["--undo", "match_eq"]], ids=" ".join
)
def test_decisions_that_cannot_be_kept_are_refused(session, short, refused, words):
    place = session.parent
    told = refused(short["target"], "--ref", short["reference"], "-o", place / "n.wav",
                   *(place / word if "." in word else word for word in words))  # fmt: skip
    assert "keep-from" in told or words[1] in told


def test_a_render_does_not_overwrite_without_force(session, refused):
    (session.parent / "o.wav").write_text("mine")
    refused("render", session)
    assert (session.parent / "o.wav").read_text() == "mine"


# What is no file


def in_its_own_process(*words: str | Path) -> tuple[int, str, str]:
    """The program with 4 GB to spend and a minute to end in."""
    import resource

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))

    command = [sys.executable, str(ROOT / "cli.py"), *map(str, words)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, preexec_fn=little)
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the devices of a Linux")
@pytest.mark.parametrize("what", ["a device", "a named pipe"])
@pytest.mark.parametrize("words", ["explain", "history", "render", "library show", "mix.wav --keep-from"])
def test_what_never_ends_is_not_read(words, what, short, tmp_path):
    place = Path("/dev/full")
    if what == "a named pipe" or "library" in words:  # whose file ends in .json
        place = tmp_path / "x.json"
        os.mkfifo(place) if what == "a named pipe" else place.symlink_to("/dev/full")
    given = [str(short["target"]) if word == "mix.wav" else word for word in words.split()]
    more = ["--ref", short["reference"], "-o", tmp_path / "o.wav"] if "mix.wav" in words else []
    code, out, said = in_its_own_process(*given, place, *more)
    assert code == REFUSED
    line = one_line(said, out)
    assert place.name in line
    assert what in line or "library" in words  # a name that stands for no file is no library's
    assert not (tmp_path / "o.wav").exists()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs a file whose size is not told")
def test_no_more_is_read_than_may_be_whatever_size_is_told():
    assert content("/proc/self/maps", 10) is None
    assert content("/proc/self/maps", 2**20)


@pytest.mark.skipif(sys.platform == "win32", reason="there a folder in use cannot be deleted")
@pytest.mark.parametrize("words", ["batch TARGET --ref REFERENCE", "compare TARGET --ref REFERENCE --html p.html"])
def test_a_working_folder_that_was_deleted_is_told_in_a_line(words, short, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    door = shlex.join([sys.executable, str(ROOT / "cli.py")])
    asked = words.replace("TARGET", shlex.quote(str(short["target"])))
    asked = asked.replace("REFERENCE", shlex.quote(str(short["reference"])))
    ran = subprocess.run(f"rmdir {gone}; {door} {asked}", shell=True, cwd=gone, capture_output=True, text=True)
    assert ran.returncode == REFUSED
    assert "the working folder was deleted; change into one that exists" in one_line(ran.stderr, ran.stdout)
