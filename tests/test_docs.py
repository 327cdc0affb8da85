"""The documentation: fresh where the program writes it, whole, linked, and true where it quotes a number."""

import math
import re
from pathlib import Path

import pytest

from refmaster import belief, compare, drive, plan
from refmaster.compare import dynamics, fault, pairing, tone, width
from refmaster.dsp import compression, crossover, pitch, registration
from refmaster.load import _READS
from refmaster.measure import defects
from refmaster.moves import match_dynamics, match_eq, match_loudness, match_width, movers
from refmaster.pipeline import Options
from refmaster.records import Stage, decided
from scripts import write_docs

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
CLI = DOCS / "cli.md"
FORBIDDEN = ("AI mastering", "radio-ready", "professional", "enhance", "optimise", "optimize", "perfect")
LOCAL_PATH = re.compile(r"(?<![\w.])(?:/(?:work|home|root|tmp|usr|var|opt|mnt|Users)/|[A-Z]:\\\\?Users)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
BENCHMARK = re.compile(r"<!-- begin ([\w-]+) -->.*?<!-- end \1 -->", re.DOTALL)  # what benchmarks/page.py writes
CODE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """A page without what the program and the benchmarks wrote."""
    return BENCHMARK.sub("", write_docs.BLOCK.sub("", read(page)))


# What the program writes


def test_help_texts_tables_and_figures_are_fresh():
    assert write_docs.stale() == []


def test_a_change_of_an_option_is_noticed_whatever_typer_lays_it_out(monkeypatch):
    monkeypatch.setattr(write_docs.typer, "__version__", "0.0")  # then the words are compared, not the layout
    assert write_docs.stale() == []
    known = write_docs.commands()
    known["master"] = [*known["master"], ("--colour", "A colour that nobody wrote down.")]
    monkeypatch.setattr(write_docs, "commands", lambda: known)
    assert write_docs.stale() == ["docs/cli.md: help:master is stale; run python scripts/write_docs.py"]


def test_a_stale_table_is_named(monkeypatch):
    monkeypatch.setitem(write_docs.MEANINGS, ("match_loudness", "gain_db"), "something else")
    (told,) = write_docs.stale()
    assert told.startswith("docs/moves/match_loudness.md: params:match_loudness is stale")


def test_the_readme_s_figures_are_those_that_were_measured(monkeypatch, tmp_path):
    page = read(DOCS / "benchmarks.md")
    head, row = (
        next(line for line in page.splitlines() if line.startswith(start))
        for start in ("| engine | kind |", "| refmaster | mix |")
    )
    cells, at = row.split(" | "), head.split(" | ").index("eq")
    assert write_docs.quality_table().splitlines()[2].endswith(f" | {cells[at]} |")
    cells[at] = "0.01"
    (tmp_path / "benchmarks.md").write_text(page.replace(row, " | ".join(cells)), encoding="utf-8")
    monkeypatch.setattr(write_docs, "DOCS", tmp_path)
    assert write_docs.stale() == ["README.md: figures:quality is stale; run python scripts/write_docs.py"]


def test_help_does_not_depend_on_the_terminal(monkeypatch):
    told = write_docs.help_text("master")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert write_docs.help_text("master") == told
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize("command", list(write_docs.commands()))
def test_every_command_has_a_heading_and_every_option_a_mention(command):
    text = read(CLI)
    assert f"## refmaster {command}" in text
    block = next(b[0] for b in write_docs.BLOCK.finditer(text) if (b["kind"], b["name"]) == ("help", command))
    for option, _ in write_docs.commands()[command]:
        assert option in block


def test_every_block_of_real_output_is_filled():
    for page in PAGES:
        for block in write_docs.BLOCK.finditer(read(page)):
            assert len(block[0].splitlines()) > 3, f"{page.name}: {block['kind']}:{block['name']} is empty"


# The moves


@pytest.mark.parametrize("name", list(movers()))
def test_every_mover_has_a_page_that_names_its_parameters_its_parts_and_its_undo(name):
    text = read(DOCS / "moves" / f"{name}.md")
    for param, _ in write_docs.parameters(name):
        assert f"`{param.name}`" in text
    for part in movers()[name].PARTS:
        assert part.replace("*", "") in text
    assert f"--drop {name}" in text
    assert f"](moves/{name}.md)" in read(DOCS / "index.md")
    for title in ("When it acts", "Parameters", "Example", "What it may cost", "How to undo it"):
        assert f"## {title}" in text


def test_no_page_is_about_a_mover_that_is_gone():
    assert {page.stem for page in (DOCS / "moves").glob("*.md")} == set(movers())


def test_every_stage_is_named():
    text = read(DOCS / "index.md") + read(CLI)
    assert all(stage.name.lower() in text for stage in Stage)


# Figures and names that prose repeats: whoever changes one in the code learns here where else it stands

BELIEVED_KIN, BELIEVED_STRANGER = (
    dynamics.SPREAD_FAULT_SD**2 / (dynamics.SPREAD_FAULT_SD**2 + sd**2)
    for sd in (dynamics.SPREAD_KIN_SD, dynamics.SPREAD_STRANGER_SD)
)
COUNTED = {2: "two", 3: "three", 4: "four", 5: "five"}
IN_FULL = ("how-it-decides.md", "moves/match_eq.md", "moves/match_dynamics.md")
QUOTED = [
    (
        "how-it-decides.md",
        f"{match_eq.LEAST_GAIN_DB:g} dB for a band of EQ, {match_width.LEAST_GAIN_DB:g} dB for width",
    ),
    ("how-it-decides.md", f"{drive.TOLERANCE_LU:g} LU for loudness, {defects.DC_PCT:g} % for an offset"),
    ("how-it-decides.md", f"({pairing.EMPTY_DB:g} dB under its fullest band), below {pairing.EDGE_HZ[0]:g} Hz"),
    ("how-it-decides.md", f"above {pairing.EDGE_HZ[1] / 1000:g} kHz"),
    ("how-it-decides.md", f"within {drive.TOLERANCE_LU:g} LU of the goal"),
    ("how-it-decides.md", f"{belief.ERROR_SCALE:g} times roughness to the power of {belief.ERROR_POWER:g}"),
    ("how-it-decides.md", f"50 % at {pairing.KIN_ROUGHNESS_DB:g} dB"),
    ("how-it-decides.md", f"{tone.EQ_SD_DB:g} dB a band and {width.WIDTH_SD_DB:g} dB of width"),
    ("how-it-decides.md", f"the first counts {fault.FINISHED_PRIOR:g} instead of {fault.FAULT_PRIOR:g}"),
    ("how-it-decides.md", f"{fault.LIMITED_PCT:g} % or more of all stretches"),
    ("how-it-decides.md", f"under {100 * fault.LEAST_FAULT:g} %, nothing is wished for"),
    ("how-it-decides.md", f"a correlation of {pairing.TRANSPOSED_LIKENESS:g} or more there, and at least"),
    ("how-it-decides.md", f"at least {pairing.TRANSPOSED_GAIN:g} higher"),
    ("how-it-decides.md", f"every shift up to {pitch.MOST_SEMITONES} semitones"),
    ("how-it-decides.md", f"counts as {pairing.TRANSPOSED_ROUGHNESS_DB:g} dB at least"),
    ("how-it-decides.md", f"roughness as {pairing.SAME_ROUGHNESS_DB:g} dB at most"),
    ("how-it-decides.md", f"ends under {compare.CODEC_HZ / 1000:g} kHz"),
    ("how-it-decides.md", f"Above {decided.FULL_PCT:g} a match in full"),
    ("how-it-decides.md", f"`--amount` above {decided.FULL_PCT:g}, the goal is reached"),
    ("moves/match_eq.md", f"at most {match_eq.BANDS} bands"),
    ("moves/match_eq.md", f"from {match_eq.FULL_LEAST_DB:g} dB up and to no more than {match_eq.FULL_GAIN_DB:g} dB"),
    ("moves/match_eq.md", f"ends under {compare.CODEC_HZ / 1000:g} kHz"),
    ("moves/match_width.md", f"under {100 * fault.LEAST_FAULT:g} % likely"),
    ("moves/match_width.md", f"to no more than {match_width.FULL_GAIN_DB:g} dB"),
    ("moves/match_dynamics.md", f"{100 * BELIEVED_KIN:.1f} % is believed toward the same song"),
    ("moves/match_dynamics.md", f"and {100 * BELIEVED_STRANGER:.1f} % toward a stranger"),
    ("moves/match_dynamics.md", f"a factor of {math.exp(dynamics.SPREAD_STRANGER_SD):.1f} is usual"),
    ("moves/match_dynamics.md", f"| {math.exp(dynamics.SPREAD_KIN_SD):.1f} |"),
    ("moves/match_dynamics.md", f"| {math.exp(dynamics.SPREAD_FAULT_SD):.1f} |"),
    ("moves/match_dynamics.md", f"a factor under {match_dynamics.LEAST_RATIO:g}"),
    ("moves/match_dynamics.md", f"stand out {match_dynamics.LEAST_RATIO ** (1 / BELIEVED_KIN):.1f} times as far"),
    ("moves/match_dynamics.md", f"stranger {match_dynamics.LEAST_RATIO ** (1 / BELIEVED_STRANGER):.0f} times"),
    ("moves/match_dynamics.md", f"Up to {decided.FULL_PCT:g} no gain goes beyond {match_dynamics.RANGE_DB:g} dB"),
    ("moves/match_dynamics.md", f"it may be {match_dynamics.FULL_RANGE_DB:g} dB"),
    ("moves/match_dynamics.md", "from {:g}:1 (an expander) to {:g}:1".format(*match_dynamics.RATIO_RANGE)),
    *((page, f"{COUNTED[plan.FULL_ROUNDS]} times") for page in IN_FULL),
    ("moves/match_dynamics.md", f"over {compression.DETECT_MS:g} ms"),
    ("moves/match_dynamics.md", f"up to {1000 * crossover.HALF_S:g} ms ahead"),
    ("moves/match_eq.md", f"when `--amount` is above {decided.FULL_PCT:g}"),
    ("moves/match_eq.md", f"A band under {match_eq.LEAST_GAIN_DB:g} dB"),
    ("moves/match_eq.md", f"less than {match_eq.EPSILON_DB:g} dB nearer"),
    ("moves/match_eq.md", f"more than {match_eq.MAX_GAIN_DB:g} dB"),
    ("moves/match_eq.md", f"fewer than {pairing.FEWEST_BANDS} bands"),
    ("moves/match_width.md", f"Under {match_width.LEAST_GAIN_DB:g} dB nothing is done"),
    ("moves/match_width.md", f"No more than {match_width.MAX_GAIN_DB:g} dB"),
    ("moves/match_width.md", f"more than {-width.NEAR_MONO_DB:g} dB under its mid"),
    ("moves/match_loudness.md", f"Within {drive.TOLERANCE_LU:g} LU of the goal"),
    ("moves/match_loudness.md", f"for more than {match_loudness.HARD_WORK_PCT:g} % of the time"),
    ("moves/remove_dc.md", f"is {defects.DC_PCT:g} % of full scale or more"),
]


@pytest.mark.parametrize(("page", "words"), QUOTED)
def test_a_number_of_the_engine_that_a_page_repeats_is_the_engines(page, words):
    assert words in read(DOCS / page)


def test_the_table_of_errors_is_the_one_that_was_measured():
    text = read(DOCS / "how-it-decides.md")
    table = text[text.index("| the reference is |") : text.index("The third line")]
    cells = {cell.strip("* ") for row in table.splitlines()[2:] for cell in row.split("|")[3:-1]} - {"0", ""}
    measured = re.findall(r"\d+\.\d+", belief.__doc__ or "")
    assert {cell for cell in cells if cell} <= set(measured)
    for words in ("0.25–1.5 dB", "1.9–5.5 dB", "816 pairs"):
        assert words in text
        assert words in (registration.__doc__ or "")


def test_the_formats_that_can_be_read_are_named():
    for name in ("WAV", "AIFF", "FLAC", "CAF", "Ogg", "Opus", "MP3"):
        assert name in _READS
        assert name in read(README)


def test_every_option_of_the_library_is_named():
    text = read(DOCS / "python.md")
    shown = set(Options.__dataclass_fields__) - {"block_samples"}
    assert all(f"`{name}`" in text for name in shown)


# The README


def test_the_commands_of_the_readme_are_in_the_makefile():
    targets = set(re.findall(r"^(\w+):", read(ROOT / "Makefile"), re.MULTILINE))
    asked = set(re.findall(r"(?:^|`)make (\w+)(?:$|`)", read(README), re.MULTILINE))
    assert {"demo", "test"} <= asked <= targets


def test_every_flag_in_the_prose_exists():
    known = {option for options in write_docs.commands().values() for option, _ in options}
    known |= {"--help", "--version", "--check"}
    known |= {"--port", "--nworkers", "--nthreads", "--memory-limit"}  # Dask's own, in batch.md
    for page in PAGES:
        flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", prose(page).replace("<!--", "")))
        assert flags <= known, page.name


def test_the_values_that_the_readme_sets_are_allowed():
    from refmaster.decide import parse_decisions
    from refmaster.moves import blank_of

    for page in PAGES:
        text = prose(page)
        sets = re.findall(r'--set ([\w/]+\.\w+=[-\d.]+[A-Za-z]*)|set=\["([^"]+)"\]', text)
        drops = re.findall(r'--(?:drop|lock) (\w+(?:/\w+)?)|drop=\["(\w+)"\]', text)
        for one in filter(None, (a or b for a, b in sets)):
            (decision,) = parse_decisions(sets=[one])
            name = decision.move if "/" in decision.move or not movers()[decision.move].PARTS else None
            if name:
                blank_of(name, 2).at(**dict(decision.values))
        for one in filter(None, (a or b for a, b in drops)):
            assert one.partition("/")[0] in movers()


# Every page


@every_page
def test_internal_links_resolve(page):
    for link in LINK.findall(read(page)):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        goal = (page.parent / name).resolve() if name else page
        assert goal.exists(), link
        if anchor:
            assert anchor in {slug(title) for title in HEADING.findall(read(goal))}, link


@every_page
def test_every_page_can_be_reached(page):
    linked = {
        (other.parent / link.partition("#")[0]).resolve() for other in PAGES for link in LINK.findall(read(other))
    }
    assert page == README or page.resolve() in linked


@every_page
def test_no_word_that_promises(page):
    text = read(page).lower()
    assert [word for word in FORBIDDEN if re.search(rf"\b{re.escape(word.lower())}", text)] == []


@every_page
def test_no_path_of_anybodys_machine(page):
    # A help text may show such a path as an example; that is the program's business.
    text = write_docs.BLOCK.sub(lambda block: "" if block["kind"] == "help" else block[0], read(page))
    assert LOCAL_PATH.findall(text) == []


@every_page
def test_pictures_are_small_and_stand_there(page):
    for link in LINK.findall(read(page)):
        if link.endswith((".svg", ".png")):
            size = (page.parent / link).stat().st_size
            assert size <= (300_000 if link.endswith(".png") else 30_000)


def test_no_picture_stands_unused():
    text = "".join(map(read, PAGES))
    assert all(f"images/{picture.name})" in text for picture in (DOCS / "images").iterdir())


def test_the_python_of_the_pages_runs(files, tmp_path, monkeypatch, capsys):
    for name, kind in (("target.wav", "dull"), ("genre_track.wav", "finished")):
        (tmp_path / name).write_bytes(files[kind].read_bytes())
    monkeypatch.chdir(tmp_path)
    blocks = [code for language, code in CODE.findall(read(DOCS / "python.md")) if language == "python"]
    names: dict[str, object] = {}
    for code in blocks:
        exec(code, names)
    assert (tmp_path / "softer.wav").exists()
    assert "out of range" in capsys.readouterr().out


def slug(title: str) -> str:
    """The anchor that a heading gets on the web: lower case, no marks, hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
