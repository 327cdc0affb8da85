"""Run a job with progress on stderr, print what came of it, and leave with the right code."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from refmaster.cli.streams import print_json, telling
from refmaster.records import Report

Told = Callable[[str, float], None]


def run(job: Callable[[Told], Report], json: bool, quiet: bool, verbose: bool) -> None:
    """Do the job; exit 1 where a check failed."""
    with progress(quiet or json) as told:
        report = job(told)
    failed = any(not check.passed for check in report.checks)
    with telling(1 if failed else 0):
        if json:
            from refmaster.plain import as_json

            print_json(as_json(report))
        elif not quiet:
            from refmaster.cli.show import print_report

            print_report(report, verbose=verbose)
    if failed:
        raise typer.Exit(1)


@contextmanager
def progress(silent: bool) -> Iterator[Told]:
    """A bar on stderr where somebody looks at it; nothing in a pipe or a log."""
    if silent or not sys.stderr.isatty():
        yield lambda step, share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description:<22}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def told(step: str, share: float) -> None:
            bar.update(task, description=step, total=None if share < 0 else 1.0, completed=max(0.0, share))

        yield told
