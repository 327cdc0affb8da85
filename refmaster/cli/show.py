"""The summary on a terminal: verdict, table, moves with reasons, what was left alone."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from textwrap import wrap

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from refmaster.bands import FREQUENCY_NAME
from refmaster.cli.heads import LEAST_CELLS, MOST_CELLS, heads_of, most_columns, room_of
from refmaster.explain import faults, left_alone, undo, verdict_line
from refmaster.names import shown
from refmaster.records import Effect, Move, Profile, Reading, Report, Verdict
from refmaster.taken import genre_line, reference_lines, reference_words
from refmaster.units import NO_BREAK, unbroken, written
from refmaster.writing import bare, label, pair, says_little, yardstick

ROWS = (  # a figure's name, its field, and its head where a track has a row
    ("integrated loudness", "integrated_lufs", "LUFS"),
    ("true peak", "true_peak_dbtp", "dBTP"),
    ("max short-term", "max_short_term_lufs", "max S"),
    ("loudness range", "loudness_range_lu", "LRA"),
    ("peak to loudness (PLR)", "plr_db", "PLR"),
    ("lowest PSR", "psr_db", "PSR"),
    ("crest", "crest_db", "crest"),
    ("correlation", "correlation", "corr."),
    ("mono fold-down loss", "mono_loss_db", "mono"),
    ("tilt", "tilt_db_per_oct", "tilt"),
)
HEADS = (
    "LUFS, dBTP and max S (short-term, LUFS) are levels; LRA, the loudness range, is in LU; PLR, lowest PSR, crest and "
    "mono (what a fold-down loses) in dB; corr. is the correlation, tilt in dB/oct."
)
SHORT_MARK = "*"
ROW_CELLS = 6  # of a figure in a track's row, with the space before it
MOST_BANDS = 12  # of one mover are told one by one


def print_report(report: Report, *, verbose: bool) -> None:
    """The whole summary, on stdout."""
    console = Console(highlight=False)
    print_text(console, verdict_line(report), style="bold", indent=0)
    print_text(console, reference_words(report), indent=0)
    if line := genre_line(report):
        print_text(console, line, indent=0)
    if lines := reference_lines(report):
        print_list(console, "References", list(lines))
    nearest = shown(Path(report.reference.path).name) if report.reference and lines else "reference"
    columns = [("target", report.target), (nearest, report.reference), ("master", report.master)]
    if report.beside is not None:
        columns[2:] = [(report.engine, report.master), (report.beside.engine, report.beside.master)]
    among = [shown(Path(one.path).name) for one in report.compared] if lines else []
    console.print(table_of([(name, profile) for name, profile in columns if profile], console.width, among))
    first = next((name for name, effect in report.effects if yardstick(effect.feature)), "")
    for mover, group in groupby(report.plan.moves, lambda move: move.mover):
        moves = list(group)
        plain = [move for move in moves if move.verdict is Verdict.KEEP and not move.locked]
        if verbose or len(plain) <= MOST_BANDS:
            plain = []
        for move in moves:
            if move not in plain:
                _print_told(console, report, move, against=move.id == first)
        if plain:
            _print_bands(console, mover, plain)
    print_list(console, "Not reached", [one.text for one in report.plan.not_reached])
    print_list(console, "Left alone", [one.text for one in left_alone(report.plan, everything=verbose)])
    print_list(console, "Assumed", [f"{one.question} {one.assumed}" for one in report.plan.assumptions])
    ignored = report.comparison.ignored if report.comparison else ()
    print_list(console, "Ignored", list(ignored))
    print_list(console, "Notes", [*report.notes, *faults(report)])
    _print_files(console, report)


def _print_told(console: Console, report: Report, move: Move, *, against: bool) -> None:
    """A move, why it is made, what it was measured to do (and `against` what), and the flag that takes it back."""
    print_move(console, move)
    print_text(console, report.text_of(move.id))
    effect = report.effect_of(move.id)
    back = undo(report, move)
    facts = [f"measured: {effect_text(effect)}"] if effect else []
    facts = [f"{fact}, {yardstick(effect.feature)}" for fact in facts] if effect and against else facts
    facts += [f"undo: {back}"] if back and move.active else []
    if facts:
        print_text(console, "   ".join(facts), style="dim")


def _print_bands(console: Console, mover: str, moves: Sequence[Move]) -> None:
    """The bands of a match in full, which are too many to be told one by one."""
    console.print(f"[bold]{mover}[/bold], {len(moves)} moves")
    print_text(console, "; ".join(_band(move) for move in moves) + ".")
    print_text(
        console, f"-v tells of each, and so do the report and refmaster explain   undo: --drop {mover}", style="dim"
    )


def _band(move: Move) -> str:
    """A band in short: "−1.20 dB at 315 Hz", or just its gain."""
    gain = next(param for param in move.params if param.name.endswith("gain_db"))
    place = next((param for param in move.params if param.name in FREQUENCY_NAME.values()), None)
    return str(gain) if place is None else f"{gain} at {place}"


def print_profiles(profiles: Sequence[Profile], notes: Sequence[Sequence[str]]) -> None:
    """One column a track, what is odd about its file, and its defects."""
    console = Console(highlight=False)
    print_tracks(console, [(shown(profile.path).rpartition("/")[2], profile) for profile in profiles])
    for profile, odd in zip(profiles, notes, strict=True):
        said = [*odd, *(defect.text for defect in profile.defects)]
        print_list(console, shown(profile.path).rpartition("/")[2], said)


def print_move(console: Console, move: Move) -> None:
    """A move's id, and what a person decided about it."""
    mark = {Verdict.KEEP: "", Verdict.OVERRIDE: " (yours)", Verdict.DROP: " (dropped)"}[move.verdict]
    locked = " (locked)" if move.locked else ""
    console.print(f"[bold]{escape(move.id)}[/bold]{mark}{locked}")


def effect_text(effect: Effect) -> str:
    """An effect in words: the feature, before and after, with its unit once."""
    return f"{label(effect.feature)} {pair(effect.feature, effect.before, effect.after)}"


def table_of(columns: Sequence[tuple[str, Profile | Reading]], width: int, among: Sequence[str] = ()) -> Table:
    """The figures of some tracks beside each other; their heads are told apart, also from names not shown: `among`."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    names = [name for name, _ in columns]
    cells = room_of(names, width)
    told = dict(zip(among, heads_of(among, cells), strict=True))
    files = [name for name in names if name not in told]
    told |= zip(files, heads_of(files, cells), strict=True)
    for name in names:
        table.add_column(escape(told[name]), justify="right", overflow="fold")
    for title, name, _ in ROWS:
        table.add_row(title, *(_cell(name, profile) for _, profile in columns))
    return table


def print_tracks(console: Console, named: Sequence[tuple[str, Profile]]) -> None:
    """The figures of tracks: a column each, and where these do not fit beside each other a row each."""
    if len(named) <= most_columns(console.width):
        console.print(table_of(named, console.width))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))  # a rule would cost each column a space
    table.add_column("")
    for _, _, head in ROWS:
        table.add_column(head, justify="right", min_width=ROW_CELLS - 1)
    cells = min(max(console.width - ROW_CELLS * len(ROWS) - 1, LEAST_CELLS), MOST_CELLS)
    for head, (_, profile) in zip(heads_of([name for name, _ in named], cells), named, strict=True):
        table.add_row(escape(head), *(_bare_cell(name, profile) for _, name, _ in ROWS))
    console.print(table)
    print_text(console, HEADS)
    if any(says_little("loudness_range_lu", profile.duration_s) for _, profile in named):
        print_text(console, f"{SHORT_MARK} of less than a minute, which says little")


def _bare_cell(name: str, profile: Profile) -> str:
    value = getattr(profile, name)
    mark = SHORT_MARK if value is not None and says_little(name, profile.duration_s) else ""
    return bare(name, value) + mark


def _cell(name: str, profile: Profile | Reading) -> str:
    value = getattr(profile, name)
    text = written(name, value)
    return f"{text} (short)" if value is not None and says_little(name, profile.duration_s) else text


def print_list(console: Console, title: str, lines: Sequence[str]) -> None:
    """A title and its points; nothing where there are none."""
    if lines:
        console.print(f"[bold]{title}[/bold]")
        for line in lines:
            print_text(console, f"· {line}")


def print_text(console: Console, text: str, *, style: str | None = None, indent: int = 2) -> None:
    """A paragraph in which no number is parted from its unit; rich alone would break at any space."""
    for line in wrap(unbroken(text), max(console.width - indent, 20), break_on_hyphens=False):
        console.print(" " * indent + escape(line.replace(NO_BREAK, " ")), style=style, soft_wrap=True)


def print_command(console: Console, title: str, command: str) -> None:
    """A command that can be copied whole, however narrow the terminal is."""
    console.print(f"[bold]{title}[/bold]")
    console.print(f"  {escape(command)}", soft_wrap=True)


def _print_files(console: Console, report: Report) -> None:
    files = report.files
    for name, path in (("master", files.master), ("session", files.session), ("report", files.report)):
        if path:
            console.print(f"{name:<8} {escape(shown(path))}", soft_wrap=True)
