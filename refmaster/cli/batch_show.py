"""A batch on a terminal: what is in hand while it runs, and the table at its end."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from refmaster.batch import Batch
from refmaster.batch.overview import CSV, HTML, status_of, verdict
from refmaster.batch.records import Begun, Ended, Event, Outcome, Step
from refmaster.batch.remote import joined
from refmaster.cli.show import print_text
from refmaster.names import shown
from refmaster.units import unbroken
from refmaster.writing import pair, said

Watch = Callable[[Event], None]


@contextmanager
def watching(batch: Batch, *, quiet: bool) -> Iterator[Watch]:
    """Progress on stderr: bars where somebody looks at it, a line a track in a log."""
    if quiet:
        yield lambda event: None
    elif not sys.stderr.isatty():
        done = [0]
        yield lambda event: _log(event, done, len(batch.jobs))
    else:
        with _bars(len(batch.jobs)) as watch:
            yield watch


def print_summary(batch: Batch, outcomes: Sequence[Outcome], *, on_stderr: bool) -> None:
    """The verdict, a row a track, the lines of those that failed, and where the overview is."""
    console = Console(highlight=False, stderr=on_stderr)
    ordered = sorted(outcomes, key=lambda one: one.out)
    print_text(console, verdict(ordered), style="bold", indent=0)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("track", overflow="fold")
    table.add_column("status", no_wrap=True)
    for name in ("loudness", "true peak", "moves"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("not reached", overflow="fold")
    for one in ordered:
        table.add_row(escape(shown(one.name)), status_of(one), *(unbroken(cell) for cell in _figures(one)))
    console.print(table)
    for one in ordered:
        if not one.good:
            why = one.error or f"{shown(one.name)}: {'; '.join(one.failed_checks)}"
            print_text(console, f"· {why}")
    for name, file in (("overview", HTML), ("table", CSV)):
        console.print(f"{name:<8} {escape(shown(joined(batch.folder, file)))}", soft_wrap=True)


def _figures(one: Outcome) -> tuple[str, ...]:
    if one.master is None:
        return ("—", "—", "—", "—")
    figures = pair("_lufs", one.target_lufs, one.master_lufs), said("_dbtp", one.master_dbtp), str(one.moves)
    return (*figures, "—" if one.not_reached is None else ", ".join(one.not_reached))


def _log(event: Event, done: list[int], total: int) -> None:
    if isinstance(event, Ended):
        done[0] += 1
        print(f"{done[0]}/{total} {_said(event)}", file=sys.stderr, flush=True)


def _said(event: Ended) -> str:
    """A track's end in one line."""
    one = event.outcome
    if event.earlier:
        return f"{shown(one.name)}: {status_of(one)} earlier"
    why = one.error or "; ".join(one.failed_checks)
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
        done = 0
        at_work = {}

        def watch(event: Event) -> None:
            nonlocal done
            name = shown(event.job.name)
            if isinstance(event, Begun):
                if event.pid is not None:  # a cluster begins all at once, and tells no steps
                    at_work[event.job.out] = bars.add_task(escape(name), total=None, count="")
            elif isinstance(event, Step) and event.job.out in at_work:
                share = max(0.0, event.share)
                total_share = None if event.share < 0 else 1.0
                description = f"{escape(name)}: {event.step}"
                bars.update(at_work[event.job.out], description=description, total=total_share, completed=share)
            elif isinstance(event, Ended):
                if event.job.out in at_work:
                    bars.remove_task(at_work.pop(event.job.out))
                done += 1
                bars.update(whole, completed=done, count=f"{done}/{total}")
                bars.console.print(escape(_said(event)))

        yield watch
