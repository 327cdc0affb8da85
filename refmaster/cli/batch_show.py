"""A batch on a terminal: what is in hand while it runs, and the table at its end."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from refmaster.batch import Batch
from refmaster.batch.overview import CSV, HTML, album_line, spread_line, status_of, verdict
from refmaster.batch.records import Begun, Ended, Event, Measured, Outcome, Step
from refmaster.batch.remote import joined
from refmaster.cli.heads import shortened
from refmaster.cli.show import print_text
from refmaster.names import shown
from refmaster.writing import bare

HEADS = ("status", "loudness\nLUFS", "peak\ndBTP", "moves", "not reached")
NUMBERS = HEADS[1:4]
GAP_CELLS = 2
NAME_CELLS = 32  # taste: names up to this stand whole, as far as 80 columns have room
LEAST_NAME_CELLS = 12
PIPE_CELLS = 10_000  # nobody's eye sets the width of a pipe: nothing is broken or shortened in it

Watch = Callable[[Event], None]


@contextmanager
def watching(batch: Batch, *, quiet: bool) -> Iterator[Watch]:
    """Progress on stderr: bars where somebody looks at it, a line a track in a log."""
    if quiet:
        yield lambda event: None
    elif not sys.stderr.isatty():
        done = [0]
        yield lambda event: _log(event, done, batch.n_tracks)
    else:
        with _bars(batch.n_tracks) as watch:
            yield watch


def print_summary(batch: Batch, outcomes: Sequence[Outcome], *, on_stderr: bool) -> None:
    """The verdict, a row a track, the lines of those that failed, and where the overview is."""
    stream = sys.stderr if on_stderr else sys.stdout
    console = Console(highlight=False, stderr=on_stderr, width=None if stream.isatty() else PIPE_CELLS)
    ordered = sorted(outcomes, key=lambda one: one.out)
    print_text(console, verdict(ordered), style="bold", indent=0)
    console.print()
    console.print(table(ordered, console.width))
    console.print()
    for line in (album_line(ordered), spread_line(ordered, batch.settings)):
        if line:
            print_text(console, line[0].upper() + line[1:])
    for one in ordered:
        if not one.good:
            why = one.error or f"{shown(one.name)}: {'; '.join(one.failed_checks)}"
            print_text(console, f"· {why}")
    for name, file in (("overview", HTML), ("table", CSV)):
        console.print(f"{name:<8} {escape(shown(joined(batch.folder, file)))}", soft_wrap=True)


def table(outcomes: Sequence[Outcome], width: int) -> Table:
    """A row a track. No name is broken: where there is no room for it, it is shortened in its middle."""
    rows = [(status_of(one), *_figures(one)) for one in outcomes]
    names = [shown(one.name) for one in outcomes]
    room = _room(rows, width)
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP_CELLS - 1, 0, 0))
    made.add_column("track", no_wrap=True)
    for head in HEADS:
        last = head is HEADS[-1]
        made.add_column(head, justify="right" if head in NUMBERS else "left", no_wrap=not last, overflow="fold")
    for name, row in zip(names, rows, strict=True):
        made.add_row(escape(shortened(name, room)), *row)
    return made


def _room(rows: Sequence[tuple[str, ...]], width: int) -> int:
    """How many cells a track's name may take: what the rest leaves; past NAME_CELLS, what was not reached goes first.

    What was not reached may be broken at its spaces, so it needs no more than its longest word.
    """
    *kept, missed = (
        [cell_len(line) for cell in (head, *cells) for line in cell.split("\n")]
        for head, *cells in zip(HEADS, *rows, strict=True)
    )
    words = max(cell_len(word) for cell in (HEADS[-1], *(row[-1] for row in rows)) for word in cell.split())
    left = width - sum(map(max, kept)) - GAP_CELLS * len(HEADS)
    return max(LEAST_NAME_CELLS, min(NAME_CELLS, left - words), left - max(missed))


def _figures(one: Outcome) -> tuple[str, ...]:
    """Loudness, true peak, moves, and what was not reached; the units stand in the head."""
    if one.master is None:
        return ("—", "—", "—", "—")
    loudness = f"{bare('_lufs', one.target_lufs)} → {bare('_lufs', one.master_lufs)}"
    missed = "—" if one.not_reached is None else ", ".join(one.not_reached)
    return loudness, bare("_dbtp", one.master_dbtp), str(one.moves), missed


def _log(event: Event, done: list[int], total: int) -> None:
    if isinstance(event, Ended):
        done[0] += 1
        print(f"{done[0]}/{total} {_said(event)}", file=sys.stderr, flush=True)


def _said(event: Ended) -> str:
    """A track's end in one line."""
    one = event.outcome
    if event.earlier:
        return f"{shown(one.name)}: {status_of(one)} earlier"
    why = (one.error or "; ".join(one.failed_checks)).removeprefix(f"{shown(one.name)}: ")
    return f"{shown(one.name)}: {status_of(one)} in {event.seconds:.1f} s{f' ({why})' if why else ''}"


@contextmanager
def _bars(total: int) -> Iterator[Watch]:
    """One bar for the batch, one for each track in hand; a line stays behind for each that has ended."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<36.36}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[count]}"),
    )
    console = Console(stderr=True, highlight=False)
    # Rich sends what is printed meanwhile to the bars' own stream: right on one screen, wrong for lines in a pipe.
    with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as bars:
        whole = bars.add_task("batch", total=total, count=f"0/{total}")
        done = measured = 0
        at_work = {}

        def watch(event: Event) -> None:
            nonlocal done, measured
            name = shown(event.job.name)
            if isinstance(event, Begun):
                if event.pid is not None:  # a cluster begins all at once, and tells no steps
                    at_work[event.job.out] = bars.add_task(escape(name), total=None, count="")
            elif isinstance(event, Step) and event.job.out in at_work:
                share = max(0.0, event.share)
                total_share = None if event.share < 0 else 1.0
                description = f"{escape(name)}: {event.step}"
                bars.update(at_work[event.job.out], description=description, total=total_share, completed=share)
            elif isinstance(event, Measured | Ended) and event.job.out in at_work:
                bars.remove_task(at_work.pop(event.job.out))
            if isinstance(event, Measured):
                measured += 1
                bars.update(whole, count=f"{measured} measured")
            elif isinstance(event, Ended):
                done += 1
                bars.update(whole, completed=done, count=f"{done}/{total}")
                bars.console.print(escape(_said(event)))

        yield watch
