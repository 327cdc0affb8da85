"""Write what the program can write of its own documentation, so that it cannot fall behind.

    python scripts/write_docs.py            everything: help, tables, real output, plots, the screenshot
    python scripts/write_docs.py --check    exit 1 and say what is stale; writes nothing

A page holds blocks between `<!-- KIND:NAME -->` and `<!-- end -->`:

    help:COMMAND    what `refmaster COMMAND --help` prints                                      checked
    params:MOVER    the parameters of a mover, from its moves at rest                           checked
    figures:quality what benchmarks/quality.py measured, in few rows, from docs/benchmarks.md   checked
    run:NAME        what a real run said, on the demo's songs                                   not checked
                    (the engine's numbers may change; the version and the date stand beside them)

Plots are small SVGs drawn here from the same runs, in the report's three colours. The screenshot needs Chromium and is
left as it is where there is none.
"""

import argparse
import datetime
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import typer  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

import refmaster  # noqa: E402
from refmaster.cli.app import app  # noqa: E402
from refmaster.moves import movers  # noqa: E402
from refmaster.records import Param, Profile, Report  # noqa: E402
from refmaster.units import unit_of, written  # noqa: E402

DOCS = ROOT / "docs"
IMAGES = DOCS / "images"
PAGES = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))
CHECKED = ("help", "params", "figures")
BLOCK = re.compile(
    r"(?P<head><!-- (?P<kind>help|params|figures|run):(?P<name>[\w-]+(?: [\w-]+)?) -->\n).*?(?P<tail><!-- end -->)",
    re.DOTALL,
)
WRITTEN_WITH = re.compile(r"<!-- typer (\S+) -->")
PLAIN_TERMINAL = {"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}
WHOLE_PROGRAM = "refmaster"  # the name of the block that holds `refmaster --help`

MEANINGS = {
    ("remove_dc", "offset_pct"): "what is subtracted from the one channel, in percent of full scale",
    ("remove_dc", "left_offset_pct"): "what is subtracted from the left channel, in percent of full scale",
    ("remove_dc", "right_offset_pct"): "the same for the right channel",
    ("remove_dc", "below_hz"): "what is slower is taken out, where there is sound; half of what is at this frequency",
    ("match_eq", "gain_db"): "how much the band lifts (+) or trims (−)",
    ("match_eq", "corner_hz"): "where the shelf has reached half of its gain",
    ("match_eq", "centre_hz"): "where the bell does most",
    ("match_eq", "q"): "how narrow a bell is, how steep a shelf: larger is narrower, steeper",
    ("match_dynamics", "threshold_dbfs"): "the band's level above which it works, with a knee 6 dB wide",
    ("match_dynamics", "ratio"): "over 1 holds loud passages down by so much, under 1 lifts them",
    ("match_dynamics", "attack_ms"): "how fast the gain moves away from 0 dB",
    ("match_dynamics", "release_ms"): "how fast it comes back",
    ("match_dynamics", "range_db"): "the most that it may take or give beside its steady gain",
    ("match_dynamics", "makeup_db"): "a steady gain on the band, so that it keeps its power",
    ("match_width", "side_gain_db"): "how much louder (wider) or softer (narrower) the side gets",
    ("match_width", "corner_hz"): "where the shelf on the side has reached half of its gain",
    ("match_width", "centre_hz"): "where the bell on the side does most",
    ("match_width", "q"): "how narrow a bell is, how steep a shelf",
    ("match_loudness", "gain_db"): "gain of the whole track before the limiter",
    ("limit_peaks", "ceiling_dbtp"): "true peaks stay under this",
    ("limit_peaks", "clip_db"): "how much of a short peak is clipped before the rest is limited",
    ("limit_peaks", "lookahead_ms"): "how long before a peak the gain starts to move",
    ("limit_peaks", "release_ms"): "how fast it lets go after a lone peak",
    ("limit_peaks", "margin_db"): "how far under the ceiling peaks are really held, for meters that read more",
}


# What is written and checked: help and tables


def help_text(command: str) -> str:
    """What `refmaster COMMAND --help` prints on a terminal of 80 columns without colours."""
    words = ["--help"] if command == WHOLE_PROGRAM else [*command.split(), "--help"]
    done = CliRunner().invoke(app, words, prog_name="refmaster", env=PLAIN_TERMINAL)
    if done.exit_code:
        raise RuntimeError(f"refmaster {' '.join(words)} exits with {done.exit_code}")
    return "\n".join(line.rstrip() for line in done.output.strip().splitlines())


def commands() -> dict[str, list[tuple[str, str]]]:
    """Every command, those of a group by both names, with the names and help of its options and arguments."""
    found = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        parts = getattr(command, "commands", None)
        found |= {f"{name} {part}": one for part, one in parts.items()} if parts else {name: command}
    return {name: [(max(p.opts, key=len), p.help or "") for p in command.params] for name, command in found.items()}


def parameters(mover: str) -> list[tuple[Param, str]]:
    """Every parameter of a mover, and of which of its moves it is; alike ones once."""
    parts = movers()[mover].PARTS or ("",)
    found: dict[Param, list[str]] = {}
    for part in parts:
        move_id = f"{mover}/{part.replace('*', '1')}" if part else mover
        for channels in (1, 2):
            for param in movers()[mover].blank(move_id, channels).params:
                of = part or ("mono", "stereo")[channels - 1]
                if of not in found.setdefault(param, []):
                    found[param].append(of)
    # A parameter of all parts, or of both mono and stereo, belongs to every move of its mover.
    every = set(parts) if parts != ("",) else {"mono", "stereo"}
    return [(param, "all" if set(of) == every else ", ".join(of)) for param, of in found.items()]


def parameter_table(mover: str) -> str:
    """The parameters of a mover as a Markdown table."""
    rows = parameters(mover)
    several = any(of != "all" for _, of in rows)
    head = ["parameter", *(["of"] if several else []), "unit", "range", "does nothing at", "starts at", "meaning"]
    lines = [head, ["---"] * len(head)]
    for param, of in rows:
        rest = "–" if param.neutral is None else f"{param.neutral:g}"
        cells = [f"`{param.name}`", *([of] if several else []), unit_of(param.name) or "–"]
        cells += [f"{param.low:g} to {param.high:g}", rest, f"{param.value:g}", MEANINGS[mover, param.name]]
        lines.append([cell.replace("-", "−") if k > 0 else cell for k, cell in enumerate(cells)])
    lines[1] = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


KINDS = {
    "mix": "damaged, toward the same song",
    "clean": "nothing wrong, toward the same song",
    "other": "damaged, toward another song",
    "match": "damaged, to be matched in full",
}
FIGURES = {
    "eq": "tone, dB rms",
    "width": "width, dB rms",
    "mrstft": "the sound as a whole, dB",
    "plr": "peak to loudness, dB",
    "harm": "share of songs left worse than by gain alone",
}
AT_WORST = {"lufs": "loudness missed, LU, the worst of these means", "tp_over": "true peak above −1 dBTP, dB, likewise"}
ENGINES = {"gain": "gain only", "matchering": "matchering", "refmaster": "refmaster"}


def quality_table() -> str:
    """The quality section of docs/benchmarks.md in few rows, with the command and the date that it names."""
    section = (DOCS / "benchmarks.md").read_text(encoding="utf-8").partition("<!-- begin quality -->")[2]
    section = section.partition("<!-- end quality -->")[0]
    measured = re.search(r"^`(.+)`, (\S+): ", section, re.MULTILINE)
    cells = [[one.strip() for one in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    head, *rows = cells or [[]]
    found = {(row[0], row[1]): dict(zip(head, row, strict=True)) for row in rows if row[0] in ENGINES}
    whole = {(engine, kind) for engine in ENGINES for kind in KINDS} <= {*found}
    if measured is None or not whole or not {*FIGURES, *AT_WORST} <= {*head}:
        raise RuntimeError("docs/benchmarks.md holds no quality table; run python benchmarks/quality.py")
    lines = [["", *ENGINES.values()], ["---"] * (1 + len(ENGINES))]
    for kind, said in KINDS.items():
        of = f"**{said}** ({found['refmaster', kind]['cases']}): "
        for name, figure in FIGURES.items():
            row = [_figure(name, found[engine, kind][name]) for engine in ENGINES]
            if row[-1] != "–":
                lines.append([f"{of}{figure}", *row])
                of = ""
    for name, figure in AT_WORST.items():
        lines.append([figure, *(max((found[engine, kind][name] for kind in KINDS), key=float) for engine in ENGINES)])
    table = "\n".join(f"| {' | '.join(row)} |" for row in lines)
    return f"{table}\n\nMeasured by `{measured[1]}` on {measured[2]}."


def _figure(name: str, written_as: str) -> str:
    return f"{100 * float(written_as):.0f} %" if name == "harm" and written_as != "–" else written_as


def checked_block(kind: str, name: str) -> str:
    """What should stand in a block that is checked."""
    if kind == "figures":
        return quality_table()
    return f"```text\n{help_text(name)}\n```" if kind == "help" else parameter_table(name)


def stale() -> list[str]:
    """What no longer says what the program says, one line each; empty when all is fresh."""
    wanted = {("help", name) for name in (*commands(), WHOLE_PROGRAM)} | {("params", name) for name in movers()}
    wanted.add(("figures", "quality"))
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        known_typer = WRITTEN_WITH.search(text)
        for block in BLOCK.finditer(text):
            kind, name = block["kind"], block["name"]
            if kind not in CHECKED:
                continue
            if (kind, name) not in wanted:
                found.append(f"{_short(page)}: {kind}:{name} is of no command or mover")
                continue
            wanted.discard((kind, name))
            same_typer = known_typer is not None and known_typer[1] == typer.__version__
            if kind == "help" and name != WHOLE_PROGRAM and not same_typer:
                fresh = _says(_body(block), commands()[name])
            elif kind == "help" and not same_typer:
                fresh = all(command.split()[0] in _body(block) for command in commands())
            else:
                fresh = _body(block) == checked_block(kind, name)
            if not fresh:
                found.append(f"{_short(page)}: {kind}:{name} is stale; run python scripts/write_docs.py")
    return found + [f"{kind}:{name} stands on no page" for kind, name in sorted(wanted)]


def _says(text: str, options: Iterable[tuple[str, str]]) -> bool:
    """Whether a help text names every option with its help; another typer lays the same words out otherwise."""
    squeezed = "".join(text.split())
    return all("".join(part.split()) in squeezed for option in options for part in option)


def _body(block: re.Match[str]) -> str:
    return block[0][len(block["head"]) : -len(block["tail"])].strip("\n")


def _short(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# Real runs


class Runs:
    """The demo's songs in a folder, and what the program makes of them; each run is made once."""

    def __init__(self, folder: Path):
        self.folder = folder

    def said(self, *words: str, columns: int = 88) -> str:
        """What the program prints for these words; 1, a failed check, is an answer as well."""
        environment = {**os.environ, **PLAIN_TERMINAL, "COLUMNS": str(columns), "REFMASTER_CACHE": "off"}
        done = subprocess.run(
            [sys.executable, str(ROOT / "cli.py"), *words],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1):
            raise RuntimeError(f"refmaster {' '.join(words)}: {done.stderr.strip()}")
        return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())

    @cached_property
    def demo(self) -> str:
        """`refmaster demo`, which also makes the songs that the other runs are made on."""
        return self.said("demo")

    @cached_property
    def songs(self) -> Path:
        """A folder with mix.wav, record.wav, song.wav (the mix as it should be) and offset.wav (the mix with DC)."""
        from refmaster.demo import dull_mix, finished, song
        from refmaster.records import Delivery
        from refmaster.save import write_audio

        offset = dull_mix() + np.array([[0.020], [-0.004]])
        for name, samples in (("mix", dull_mix()), ("record", finished()), ("song", song()), ("offset", offset)):
            path = self.folder / f"{name}.wav"
            write_audio(path, [samples], sample_rate_hz=44100, channels=2, delivery=Delivery())
        return self.folder

    @cached_property
    def other(self) -> Report:
        """The mix toward another song."""
        return refmaster.master(self.songs / "mix.wav", self.songs / "record.wav", self.folder / "other.wav")

    @cached_property
    def kin(self) -> Report:
        """The mix toward the same song as it should have been."""
        return refmaster.master(self.songs / "mix.wav", self.songs / "song.wav", self.folder / "kin.wav")

    @cached_property
    def full(self) -> Report:
        """The mix toward another song, matched in full."""
        out = self.folder / "full.wav"
        return refmaster.master(self.songs / "mix.wav", self.songs / "record.wav", out, amount=100)

    @cached_property
    def analysed(self) -> str:
        """What is measured of a mix with a DC offset."""
        assert self.songs
        return self.said("analyse", "offset.wav")

    @cached_property
    def batch(self) -> str:
        """Three tracks in a batch, with the last two lines as a person in that folder sees them."""
        assert self.songs
        return self.in_batch("-o", "masters")

    def in_batch(self, *more: str) -> str:
        """What such a batch says with more options, under the command that was given."""
        assert self.songs
        words = ("batch", "mix.wav", "song.wav", "offset.wav", "--ref", "record.wav", *more)
        text = self.said(*words)
        return f"$ refmaster {' '.join(words)}\n{text.replace(f'{self.folder}/', '')}"

    def of_library(self, *words: str) -> str:
        """What `refmaster library` says of a library of two songs, under the command that was given."""
        assert self.songs
        libraries = ("-o", str(self.folder / "libraries"))
        if words[0] != "build" and not (self.folder / "libraries").exists():
            self.of_library("build", "record.wav", "song.wav", "-n", "demo")
        force = ("--force", "--cache", "off") if words[0] == "build" else ()
        told = self.said("library", *words, *libraries, *force).replace(f"{self.folder}{os.sep}", "")
        return f"$ refmaster library {' '.join(words)}\n{told}"

    def compared(self) -> str:
        """The mix beside the record, and the record's passport."""
        assert self.songs
        head, rule, *rest = self.said("compare", "mix.wav", "--ref", "record.wav").splitlines()
        lines = ("$ refmaster compare mix.wav --ref record.wav", head.rjust(len(rule)), rule, *rest)
        return "\n".join(lines)

    def of_mover(self, mover: str, target: str, reference: str, *more: str) -> str:
        """What a run says of one mover's moves, under the command that was given."""
        assert self.songs
        words = (f"{target}.wav", "--ref", f"{reference}.wav", *more)
        text = self.said(*words, "-o", f"{mover}.wav", "--force")
        kept, on = [], False
        for line in text.splitlines():
            on = line.startswith(mover) if line and not line.startswith(" ") else on
            kept += [line] if on else []
        return "\n".join([f"$ refmaster {' '.join(words)}", "[…]", *kept, "[…]"])

    def left_alone(self, subject: str, target: str, reference: str) -> str:
        """The line under *Left alone* that begins with a subject, under the command that was given."""
        assert self.songs
        words = (f"{target}.wav", "--ref", f"{reference}.wav")
        kept, on = [], False
        for line in self.said(*words, "-o", "left_alone.wav", "--force").splitlines():
            on = line.startswith(f"  · {subject} left alone") or (on and line.startswith("  ") and "·" not in line)
            kept += [line] if on else []
        if not kept:
            raise RuntimeError(f"{subject} is not left alone any more: its page shows another run")
        return "\n".join([f"$ refmaster {' '.join(words)}", "[…]", "Left alone", *kept, "[…]"])


def run_block(name: str, runs: Runs) -> str:
    """What should stand in a block of a real run."""
    makers: dict[str, Callable[[Runs], str]] = {
        "demo": lambda r: _text(_trimmed_demo(r.demo)),
        "remove_dc": lambda r: _text(r.of_mover("remove_dc", "offset", "record")),
        "match_eq": lambda r: _text(r.of_mover("match_eq", "mix", "song")),
        "match_dynamics": lambda r: _text(
            "\n".join(
                [
                    r.left_alone("Dynamics", "mix", "record"),
                    r.of_mover("match_dynamics", "mix", "record", "--amount", "100"),
                ]
            )
        ),
        "match_width": lambda r: _text(r.of_mover("match_width", "mix", "record")),
        "match_loudness": lambda r: _text(r.of_mover("match_loudness", "mix", "record")),
        "limit_peaks": lambda r: _text(r.of_mover("limit_peaks", "mix", "record")),
        "analyse": lambda r: _text(f"$ refmaster analyse offset.wav\n{r.analysed}"),
        "session": lambda r: _text(_trimmed_session(r), "toml"),
        "json": lambda r: _text(_trimmed_json(r), "json"),
        "explain": lambda r: _text(_trimmed_account(r)),
        "history": lambda r: _text(_told_history(r)),
        "batch": lambda r: _text(r.batch),
        "album": lambda r: _text(r.in_batch("--album", "-o", "album")),
        "library": lambda r: _text(r.of_library("build", "record.wav", "song.wav", "-n", "demo")),
        "library-show": lambda r: _text(r.of_library("show", "demo")),
        "library-compare": lambda r: _text(_trimmed_bands(r.of_library("compare", "mix.wav"))),
        "compare": lambda r: _text(r.compared()),
        "amounts": _amounts,
    }
    today = datetime.date.today().isoformat()
    return f"{makers[name](runs)}\n\n*refmaster {refmaster.__version__}, run on {today}*"


def _text(body: str, language: str = "text") -> str:
    return f"```{language}\n{body}\n```"


def _trimmed_demo(text: str) -> str:
    """The verdict, the table, two of the moves and the files; what is left out leaves a mark."""
    lines = text.splitlines()
    titles = ("Left alone", "Not reached", "Assumed", "Ignored", "Worth knowing", "Notes")
    starts = [k for k, line in enumerate(lines) if line.startswith(("match_", "limit_", "remove_"))]
    files = next(k for k, line in enumerate(lines) if line.startswith("master "))
    first = next(k for k in starts if lines[k].startswith("match_eq/high_shelf") or k == starts[-1])
    ends = [k for k, line in enumerate(lines) if k > first and line and not line.startswith(" ")]
    left = [line for line in lines if line in titles]
    marks = f"[… {len(starts) - 1} more moves, and: {', '.join(title.lower() for title in left)}]"
    table = [line for line in lines[: starts[0]] if line.strip()]
    return "\n".join(["$ refmaster demo", *table, *lines[first : ends[0]], marks, *lines[files:]])


def _trimmed_bands(text: str) -> str:
    """Single numbers and tone; width, which looks the same, leaves a mark."""
    lines, kept, on = text.splitlines(), [], True
    for line in lines:
        if line.startswith(" width") and "P10" in line:
            kept, on = [*kept, "[… the same for width]", ""], False
        on = on or line.startswith("Nearest")
        kept += [line] if on else []
    return "\n".join(kept)


def _trimmed_session(runs: Runs) -> str:
    """The head and the first two moves."""
    assert runs.demo
    head, *rest = (runs.folder / "demo" / "mix.master.toml").read_text(encoding="utf-8").split("[[move]]")
    return (
        "[[move]]".join([head, *rest[:2]]).rstrip() + f"\n\n# […] {len(rest) - 2} more moves, then what was left alone"
    )


def _trimmed_account(runs: Runs) -> str:
    """One move of the demo's account, and the names of what follows."""
    assert runs.demo
    lines = runs.said("explain", "demo/mix.master.toml").splitlines()
    starts = [k for k, line in enumerate(lines) if line.startswith(("match_", "limit_", "remove_"))]
    titles = [line.lower() for line in lines[starts[-1] + 1 :] if line and not line.startswith(" ")]
    marks = f"[… {len(starts) - 1} more moves, then: {'; '.join(titles)}]"
    told = lines[starts[0] : starts[1]] if len(starts) > 1 else lines[starts[0] :]
    return "\n".join(["$ refmaster explain demo/mix.master.toml", lines[0], "[…]", *told, marks])


def _told_history(runs: Runs) -> str:
    """The demo's session after two decisions by flag."""
    assert runs.demo
    session = "second.toml"
    runs.said("render", "demo/mix.master.toml", "-o", "second.wav", "--set", "match_loudness.gain_db=6", "-q")
    runs.said("render", session, "--force", "-q", "--drop", "match_width", "--lock", "match_loudness")
    return f"$ refmaster history {session}\n{runs.said('history', session)}"


def _trimmed_json(runs: Runs) -> str:
    """The whole document, long lists cut, the second and third profile left out."""
    assert runs.songs
    data = json.loads(runs.said("mix.wav", "--ref", "record.wav", "-o", "mix.master.wav", "--force", "--json"))
    data = _shortened(data)
    data["reference"] = data["master"] = "… a profile, as target"
    text = json.dumps(data, ensure_ascii=False, indent=1)
    # Lists of numbers, and small objects of numbers, on one line.
    return re.sub(r"[\[{][^\[\]{}]{,240}?[\]}]", lambda found: re.sub(r"\s*\n\s*", " ", found[0]), text)


def _shortened(value: object) -> object:
    if isinstance(value, dict):
        return {key: _shortened(one) for key, one in value.items()}
    if isinstance(value, list) and len(value) > 2:
        return [*(_shortened(one) for one in value[: 1 if isinstance(value[0], dict) else 2]), f"… {len(value)} in all"]
    if isinstance(value, list):
        return [_shortened(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def _amounts(runs: Runs) -> str:
    """What five amounts make of the demo."""
    from refmaster.compare import wanted

    tone = runs.other.comparison.tone if runs.other.comparison else None
    lines = [
        "| `--amount` | bands of EQ | EQ wanted, dB rms | side gain | loudness | limiter, at most |",
        "|" + "---|" * 6,
    ]
    for amount in (0.0, 25.0, 50.0, 75.0, 100.0):
        out = runs.folder / "amount.wav"
        options = refmaster.Options(force=True, html=False)
        report = refmaster.master(
            runs.songs / "mix.wav", runs.songs / "record.wav", out, amount=amount, options=options
        )
        curve = wanted(tone, amount)[np.array(tone.weight) > 0] if tone else np.zeros(1)
        bands = sum(move.mover == "match_eq" for move in report.plan.active)
        side = next((move["side_gain_db"] for move in report.plan.active if move.id == "match_width/side"), 0.0)
        loud = report.master.integrated_lufs if report.master else None
        taken = report.gain_reduction.max_db if report.gain_reduction else 0.0
        cells = f"{amount:g}", f"{bands}", f"{math.sqrt(np.mean(curve**2)):.1f}", written("side_gain_db", side)
        lines.append(f"| {' | '.join(cells)} | {written('x_lufs', loud)} | {taken:.1f} dB |")
    return "\n".join(lines)


# Plots

TARGET, REFERENCE, MASTER, QUIET, INK = "#7b828a", "#c06a00", "#0a6c8c", "#a8adb3", "#22252a"
LEFT, TOP, BOTTOM, GAP = 46, 44, 38, 58


@dataclass(frozen=True)
class Line:
    """A curve; `level` ones are drawn from edge to edge."""

    name: str
    colour: str
    x: Sequence[float]
    y: Sequence[float | None]
    dash: str = ""
    width: float = 1.8


@dataclass(frozen=True)
class Panel:
    """One plot: its axes and what is drawn in them."""

    title: str
    x_name: str
    y_name: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    lines: tuple[Line, ...]
    log: bool = False


def drawing(panels: Sequence[Panel], *, said: str, width: int = 760, height: int = 280) -> str:
    """Panels side by side as an SVG with its own white ground, so that it reads on a dark page too."""
    each = (width - LEFT - 12 - GAP * (len(panels) - 1)) / len(panels)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="11" fill="{INK}">',
        f"<title>{said}</title>",
        f'<rect width="{width}" height="{height}" rx="6" fill="#ffffff"/>',
    ]
    for number, panel in enumerate(panels):
        out += _panel(panel, LEFT + number * (each + GAP), each, height - TOP - BOTTOM, f"p{number}")
    return "\n".join([*out, "</svg>", ""])


def _panel(panel: Panel, left: float, width: float, height: float, name: str) -> list[str]:
    low, high = panel.y_range

    def x_of(value: float) -> float:
        a, b, v = (math.log(n) if panel.log else n for n in (*panel.x_range, value))
        return left + width * (v - a) / (b - a)

    def y_of(value: float) -> float:
        return TOP + height * (high - value) / (high - low)

    out = [f'<clipPath id="{name}"><rect x="{left:g}" y="{TOP}" width="{width:g}" height="{height}"/></clipPath>']
    out.append(f'<text x="{left:g}" y="16" font-weight="600" font-size="12">{panel.title}</text>')
    for tick in _ticks(low, high):
        y = y_of(tick)
        colour = "#b9bec4" if tick == 0 else "#e6e8ea"
        out.append(f'<path d="M{left:.1f} {y:.1f}h{width:.1f}" stroke="{colour}"/>')
        out.append(f'<text x="{left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{_number(tick)}</text>')
    for tick in (50, 200, 1000, 5000, 15000) if panel.log else _ticks(*panel.x_range):
        text = f"{tick / 1000:g}k" if panel.log and tick >= 1000 else _number(tick)
        out.append(f'<text x="{x_of(tick):.1f}" y="{TOP + height + 15:.1f}" text-anchor="middle">{text}</text>')
    out.append(f'<text x="{left + width:.1f}" y="{TOP + height + 31:.1f}" text-anchor="end">{panel.x_name}</text>')
    out.append(f'<text x="{left - 6:.1f}" y="{TOP - 10}" text-anchor="end">{panel.y_name}</text>')
    place = left
    for line in panel.lines:
        dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
        stroke = f'fill="none" stroke="{line.colour}" stroke-width="{line.width:g}"{dash}'
        out.append(f'<path clip-path="url(#{name})" {stroke} stroke-linejoin="round" d="{_path(line, x_of, y_of)}"/>')
        if line.name:
            out.append(f'<path d="M{place:.0f} 30h16" {stroke}/><text x="{place + 20:.0f}" y="34">{line.name}</text>')
            place += 36 + 5.8 * len(line.name)
    return out


def _path(line: Line, x_of: Callable[[float], float], y_of: Callable[[float], float]) -> str:
    """Absolute moves and lines, broken where there is no value."""
    path, pen = [], "M"
    for x, y in zip(line.x, line.y, strict=True):
        if y is None or not math.isfinite(y):
            pen = "M"
            continue
        path.append(f"{pen}{x_of(x):.1f} {y_of(y):.1f}")
        pen = "L"
    return "".join(path)


def _ticks(low: float, high: float) -> list[float]:
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 6, 10, 12, 20, 50) if (high - low) / s <= 7)
    return [round(k * step, 6) for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def plots(runs: Runs) -> dict[str, str]:
    """Every plot by its file's name."""
    return {
        "amount.svg": _plot_amount(runs),
        "remove_dc.svg": _plot_dc(runs),
        "match_eq.svg": _plot_eq(runs),
        "match_dynamics.svg": _plot_dynamics(runs),
        "match_width.svg": _plot_width(runs),
        "match_loudness.svg": _plot_loudness(runs),
        "limit_peaks.svg": _plot_limiter(runs),
    }


def _tone(title: str, lines: Iterable[Line], reach: float) -> Panel:
    return Panel(title, "Hz", "dB", (30, 18000), (-reach, reach), tuple(lines), log=True)


def _heard(report: Report, values: Sequence[float]) -> tuple[Sequence[float], list[float | None]]:
    """Values on the bands that both tracks have something in; None elsewhere."""
    comparison = report.comparison
    assert comparison is not None
    seen = comparison.tone.weight
    return comparison.band_hz, [v if w > 0 else None for v, w in zip(values, seen, strict=True)]


def _plot_amount(runs: Runs) -> str:
    from refmaster.compare import wanted

    assert runs.other.comparison is not None
    tone = runs.other.comparison.tone
    shades = {25: "#8fc3d4", 50: MASTER, 75: "#d9a866", 100: REFERENCE}
    lines = [
        Line(f"amount {a}", c, *_heard(runs.other, wanted(tone, a).tolist()), width=2.4 if a == 50 else 1.6)
        for a, c in shades.items()
    ]
    return drawing([_tone("Wanted EQ, the demo toward another song", lines, 7)], said="Wanted EQ at four amounts")


def _applied(report: Report) -> list[float]:
    from refmaster.moves import match_eq

    at = np.array(report.target.band_hz)
    rate = report.target.sample_rate_hz
    bends = [match_eq.response_at(m, at, rate) for m in report.plan.active if m.mover == "match_eq"]
    return [float(v) for v in sum(bends, start=np.zeros(at.size))]


def _taken_from_the_song(at_hz: Sequence[float]) -> list[float]:
    """What `demo.dull_mix` did to the song's tone, turned around: the right answer for the same song."""
    from refmaster.dsp.biquad import Shape, design, response_db

    rows = [design(Shape.HIGH_SHELF, 5000.0, 4.5, 0.71, 44100), design(Shape.BELL, 250.0, -2.5, 0.9, 44100)]
    return [float(v) for v in response_db(np.array(rows), np.array(at_hz), 44100).sum(axis=0)]


def _plot_eq(runs: Runs) -> str:
    panels = []
    for title, report in (("Reference: another song", runs.other), ("Reference: the same song, undamaged", runs.kin)):
        comparison = report.comparison
        assert comparison is not None
        first = report is runs.other  # the legend of the left panel serves both
        names = ("full difference", "matched passages") if first else ("", "")
        lines = [Line(names[0], QUIET, *_heard(report, comparison.tone.full_db), dash="2 3")]
        lines.append(Line(names[1], REFERENCE, *_heard(report, comparison.tone.matched_db), dash="6 4"))
        if not first:
            answer = _taken_from_the_song(comparison.band_hz)
            lines.append(Line("right answer", INK, *_heard(report, answer), width=1.0))
        lines.append(Line("applied", MASTER, *_heard(report, _applied(report)), width=2.4))
        panels.append(_tone(title, lines, 7))
    return drawing(panels, said="EQ applied to the demo's mix toward another song and toward the same song")


def _plot_dc(runs: Runs) -> str:
    from refmaster.demo import dull_mix

    assert runs.songs
    report = refmaster.master(
        runs.songs / "offset.wav", runs.songs / "record.wav", runs.folder / "dc.wav", only="repair"
    )
    move = next(move for move in report.plan.active if move.mover == "remove_dc")
    before = 100 * (dull_mix()[0, :441:2] + 0.020)
    after = before - move["left_offset_pct"]
    ms = (np.arange(before.size) / 22.05).tolist()
    lines = (Line("before", TARGET, ms, before.tolist()), Line("after", MASTER, ms, after.tolist()))
    reach = math.ceil(max(abs(before).max(), abs(after).max())) + 1.0
    panel = Panel("The first 10 ms of the left channel", "ms", "%", (0, 10), (-reach, reach), lines)
    return drawing([panel], said="A waveform that starts with a step, and without it", height=240)


def _plot_dynamics(runs: Runs) -> str:
    panels = []
    for title, report in (("At the default amount", runs.other), ("At amount 100", runs.full)):
        assert report.reference is not None
        assert report.master is not None
        first = report is runs.other  # the legend of the left panel serves both
        lines = tuple(
            Line(name if first else "", colour, *_stands_out(profile), dash, width)
            for name, profile, colour, dash, width in (
                ("target", report.target, TARGET, "", 1.8),
                ("reference", report.reference, REFERENCE, "6 4", 1.8),
                ("master", report.master, MASTER, "", 2.4),
            )
        )
        panels.append(Panel(f"{title}: loud passages", "Hz", "dB", (30, 18000), (0, 12), lines, log=True))
    return drawing(panels, said="How far loud passages stand above the median of each band, at two amounts")


def _stands_out(profile: Profile) -> tuple[list[float], list[float | None]]:
    """How far the loud 50 ms stand above the median, as a level stroke over each band."""
    at: list[float] = []
    values: list[float | None] = []
    for band in profile.dynamics:
        over = band.loud_over_median_db
        low, high = max(band.low_hz, 30.0), min(band.high_hz, 18000.0)
        at += [low, high, high]
        values += [over, over, None]
    return at, values


def _plot_width(runs: Runs) -> str:
    report = runs.other
    assert report.reference is not None
    assert report.master is not None
    names = (("target", TARGET, ""), ("reference", REFERENCE, "6 4"), ("master", MASTER, ""))
    profiles = (report.target, report.reference, report.master)
    lines = tuple(
        Line(name, colour, profile.band_hz, profile.side_to_mid_db, dash)
        for (name, colour, dash), profile in zip(names, profiles, strict=True)
    )
    panel = Panel("Side over mid", "Hz", "dB", (30, 18000), (-60, 0), lines, log=True)
    return drawing([panel], said="Side over mid of target, reference and master in each band")


def _plot_loudness(runs: Runs) -> str:
    report = runs.other
    assert report.master is not None
    goal = report.plan.goal_lufs or 0.0
    lines = (
        Line("target, short-term", TARGET, *_history(report.target)),
        Line("master, short-term", MASTER, *_history(report.master)),
        Line("goal, integrated", REFERENCE, (0, 40), (goal, goal), dash="6 4"),
        Line("", TARGET, (0, 40), (report.target.integrated_lufs,) * 2, dash="2 3", width=1.2),
        Line("", MASTER, (0, 40), (report.master.integrated_lufs,) * 2, dash="2 3", width=1.2),
    )
    panel = Panel("Loudness over time", "s", "LUFS", (0, 40), (-36, -6), lines)
    return drawing([panel], said="Short-term loudness of target and master, and the goal")


def _history(profile: Profile) -> tuple[list[float], list[float | None]]:
    hop = profile.history_hop_s
    return [k * hop for k in range(len(profile.short_term_lufs))], list(profile.short_term_lufs)


def _plot_limiter(runs: Runs) -> str:
    import soundfile as sf

    report = runs.other
    work = report.gain_reduction
    assert work is not None
    step = 10
    deepest = [max(work.history_db[k : k + step]) for k in range(0, len(work.history_db), step)]
    trace = Line("deepest in each 100 ms", MASTER, [k * step * work.hop_s for k in range(len(deepest))],
                 [-d for d in deepest], width=1.2)  # fmt: skip
    floor = -math.ceil(work.max_db + 0.5)
    over = Panel("Gain reduction", "s", "dB", (0, 40), (floor, 0.2), (trace,))
    # The same moves without the limiter, written in floating point, show what it was given.
    before = refmaster.render(
        runs.folder / "other.toml",
        runs.folder / "unlimited.wav",
        drop=["limit_peaks"],
        set=[f"match_loudness.gain_db={next(m for m in report.plan.active if m.id == 'match_loudness')['gain_db']}"],
        options=refmaster.Options(bit_depth="32f", html=False, force=True),
    )
    assert before.files.master is not None
    given, rate = sf.read(before.files.master, always_2d=True)
    held, _ = sf.read(report.files.master, always_2d=True)
    centre, half = int(np.argmax(np.abs(given).max(axis=1))), round(0.003 * rate)
    channel = int(np.argmax(np.abs(given[centre])))
    around = slice(max(0, centre - half), centre + half)
    ms = ((np.arange(around.start, around.stop) - centre) * 1e3 / rate).tolist()
    ceiling = 10 ** (report.request.ceiling_dbtp / 20)
    reach = math.ceil(5 * np.abs(given).max()) / 5 + 0.1
    lines = (
        Line("before", TARGET, ms, given[around, channel].tolist()),
        Line("after", MASTER, ms, held[around, channel].tolist()),
        Line("ceiling", REFERENCE, (-3, 3), (ceiling, ceiling), dash="6 4", width=1.2),
        Line("", REFERENCE, (-3, 3), (-ceiling, -ceiling), dash="6 4", width=1.2),
    )
    wave = Panel("The largest peak", "ms", "", (-3, 3), (-reach, reach), lines)
    return drawing([over, wave], said="Gain reduction over time, and the largest peak before and after")


# The screenshot

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def screenshot(page: Path, image: Path) -> bool:
    """The top of a report as a PNG; False where no Chromium is installed."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        return False
    with tempfile.TemporaryDirectory() as own:
        taken = Path(own) / "report.png"
        words = [*FLAGS, f"--user-data-dir={own}/profile", "--window-size=1280,1560", "--virtual-time-budget=8000"]
        words += [f"--screenshot={taken}", page.resolve().as_uri()]
        subprocess.run([program, *words], check=True, capture_output=True, timeout=120)
        shutil.copyfile(taken, image)
    return True


# All of it


def write(what: Callable[[str], bool], pictures: bool) -> None:
    """Every block that `what` picks by its kind, and the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder))
        for page in PAGES:
            _rewrite(page, what, runs)
        if not pictures:
            return
        IMAGES.mkdir(exist_ok=True)
        for name, svg in plots(runs).items():
            (IMAGES / name).write_text(svg, encoding="utf-8")
        assert runs.demo
        if not screenshot(runs.folder / "demo" / "mix.master.html", IMAGES / "report.png"):
            print("no Chromium: docs/images/report.png is left as it was", file=sys.stderr)


def _rewrite(page: Path, what: Callable[[str], bool], runs: Runs) -> None:
    def filled(block: re.Match[str]) -> str:
        kind, name = block["kind"], block["name"]
        if not what(kind):
            return block[0]
        body = run_block(name, runs) if kind == "run" else checked_block(kind, name)
        return f"{block['head']}{body}\n{block['tail']}"

    before = page.read_text(encoding="utf-8")
    after = BLOCK.sub(filled, before)
    if what("help"):
        after = WRITTEN_WITH.sub(f"<!-- typer {typer.__version__} -->", after)
    if after != before:
        page.write_text(after, encoding="utf-8")
        print(f"wrote {_short(page)}")


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description="Write the generated parts of README.md and docs/.")
    parser.add_argument("--check", action="store_true", help="say what is stale, write nothing")
    parser.add_argument("--quick", action="store_true", help="write help texts and tables only")
    asked = parser.parse_args()
    if asked.check:
        found = stale()
        print("\n".join(found) or "help texts and tables are fresh")
        return 1 if found else 0
    write((lambda kind: kind in CHECKED) if asked.quick else (lambda kind: True), not asked.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
