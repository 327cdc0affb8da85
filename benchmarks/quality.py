"""Does an engine bring a damaged master back, and does it leave a good one alone? Engines side by side.

    python benchmarks/quality.py                  every clip: an hour or two
    python benchmarks/quality.py --every 4        every fourth

Prints the table and writes it to docs/benchmarks.md, where every kind of case and every figure is explained. Needs the
`dev` extra. The reference clips are not part of the project; any CSV with columns path, genre and finished_master will
do. Exit 0: done; 1: done, but a case failed (it is named); 2: the request was refused.
"""

import argparse
import datetime
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import page, tables
from benchmarks.asked import CLIPS, from_root, options, whole
from benchmarks.cases import KINDS, Case, Outcome, Row, answered, cases_of, read_clips
from benchmarks.engines import ENGINES, version, warm_up
from refmaster.errors import RefmasterError


def main(words: Sequence[str] | None = None) -> int:
    """Run the cases, print the table, write the page; answers the exit code."""
    asked = _parser().parse_args(words)
    try:
        clips = read_clips(from_root(asked.clips), asked.every)
        versions = {name: _version(name) for name in asked.engines}
    except RefmasterError as error:
        print(f"quality: {error}", file=sys.stderr)
        return 2
    cases = list(cases_of(clips, asked.kinds, seconds=asked.seconds, seeds=asked.seeds))
    outcomes = []
    for outcome in _all_answered(cases, asked.engines, asked.jobs):
        outcomes.append(outcome)
        _tell(outcome, len(outcomes), len(cases))
    outcomes.sort(key=lambda outcome: cases.index(outcome.case))
    run = tables.Run(_command(asked), versions, asked.kinds, tuple(outcomes), datetime.date.today())
    print(tables.table(run), *tables.asides(run), sep="\n")
    if asked.json:
        asked.json.write_text(json.dumps(_data(run), indent=1), encoding="utf-8")
    if asked.page:
        page.write_section("quality", tables.section(run))
    return 1 if tables.failures(run) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="quality.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = ", ".join
    parser.add_argument(
        "--clips", default=CLIPS, help="CSV with columns path, genre, finished_master (default: %(default)s)"
    )
    parser.add_argument("--every", type=whole, default=1, metavar="N", help="take every n-th clip")
    parser.add_argument("--kinds", type=_some_of(KINDS), default=KINDS, help=f"of {known(KINDS)}")
    parser.add_argument("--engines", type=_some_of(tuple(ENGINES)), default=tuple(ENGINES), help=f"of {known(ENGINES)}")
    parser.add_argument("--seconds", type=float, default=25.0, help="length of a half at most (default: %(default)g)")
    parser.add_argument("--seeds", type=whole, default=1, metavar="N", help="how many kinds of damage a clip suffers")
    parser.add_argument("--jobs", type=whole, default=2, metavar="N", help="cases at a time (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure of every case here")
    parser.add_argument("--no-page", dest="page", action="store_false", help="leave docs/benchmarks.md as it is")
    return parser


def _some_of(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """Read a list with commas, in the order in which it was given."""

    def read(text: str) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(filter(None, text.split(","))))
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown) or 'nothing'}; known: {', '.join(known)}")
        return names

    return read


def _version(engine: str) -> str:
    try:
        return version(engine)
    except ImportError as error:
        others = ",".join(name for name in ENGINES if name != engine)
        raise RefmasterError(f"{engine} cannot be loaded ({error}); leave it out: --engines {others}") from error


def _all_answered(cases: Sequence[Case], engines: tuple[str, ...], jobs: int) -> Iterator[Outcome]:
    """The outcomes as they come, from so many processes; with one job, from this one."""
    if jobs == 1:
        warm_up(engines)
        yield from (answered(case, engines) for case in cases)
        return
    # A fresh interpreter for each: threads of numba and BLAS do not survive a fork. BLAS has one thread, as in the
    # program: several processes with several each wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=warm_up, initargs=(engines,)) as pool:
        waiting = {pool.submit(answered, case, engines): case for case in cases}
        try:
            for done in as_completed(waiting):
                yield _outcome(done, waiting[done], engines)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _outcome(done: "Future[Outcome]", case: Case, engines: tuple[str, ...]) -> Outcome:
    try:
        return done.result()
    except Exception as error:  # the process died; what else fails is answered
        return Outcome(case, tuple(Row(name, failed=f"{type(error).__name__}: {error}") for name in engines))


def _tell(outcome: Outcome, done: int, total: int) -> None:
    said = [f"{row.engine} FAILED: {row.failed}" for row in outcome.rows if row.failed]
    said += [f"skipped: {outcome.skipped}"] if outcome.skipped else []
    print(f"[{done}/{total}] {outcome.case}", *said, sep="\n    ", file=sys.stderr, flush=True)


def _command(asked: argparse.Namespace) -> str:
    """The command as a person would repeat it: without what is as always, and without paths of one machine."""
    usual = _parser().parse_args([])
    words = ["python benchmarks/quality.py"]
    if asked.clips != usual.clips:
        words.append(f"--clips {Path(asked.clips).name}")
    words += options(asked, usual, ("every", "kinds", "engines", "seconds", "seeds"))
    return " ".join(words)


def _data(run: tables.Run) -> dict[str, object]:
    """Every row as plain data; clips by the names of their files."""
    rows = [
        {
            **asdict(row),
            "kind": one.case.kind,
            "clip": one.case.clip.path.name,
            "genre": one.case.clip.genre,
            "seed": one.case.seed,
        }
        for one in run.outcomes
        for row in one.rows
    ]
    skipped = sorted({one.skipped for one in run.outcomes if one.skipped})
    return {
        "command": run.command,
        "date": run.date.isoformat(),
        "versions": run.versions,
        "rows": rows,
        "skipped": skipped,
    }


if __name__ == "__main__":
    sys.exit(main())
