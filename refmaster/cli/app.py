"""The program: commands by their names, and the main job for whatever is no command's name.

`refmaster target.wav --ref reference.wav` is `refmaster master target.wav --ref reference.wav`.
"""

import math
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from shlex import quote
from typing import Any, NoReturn

import typer

from refmaster.cli import analyse, batch, compare, demo, explain, history, library, master, render, streams
from refmaster.cli.ready import ReadyGroup, ReadyTyper
from refmaster.cli.streams import REFUSED
from refmaster.errors import RefmasterError, is_interruption
from refmaster.names import shown

DEFAULT = "master"
INTERRUPTED = 130
AGAIN_S = 0.01
TIDY_S = 5.0  # taste: how long tidying may take before an impatient Ctrl-C is heard again
UsageError: Any = typer.BadParameter.__mro__[2]  # the root of all that a command line can have wrong
EXAMPLES = (
    "refmaster mix.wav --ref record.flac",
    "refmaster mix.wav --ref record.flac --amount 30 --drop match_width",
    "refmaster mix.wav --ref record.flac --loudness -14 -o stream.flac",
    "refmaster render mix.master.toml --set match_eq/high_shelf.gain_db=1.5",
    "refmaster explain mix.master.toml --markdown",
    "refmaster compare mix.wav --ref record.flac",
    "refmaster analyse *.wav --json",
    "refmaster batch album/ --ref record.flac -o masters",
)


class DefaultGroup(ReadyGroup):
    """A group whose first word may be a file: then it is the main job's."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the main job's name in front, unless a command or only the program's own options come first."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h", "--version"):
            self._refuse_misspelt(ctx, args[0])
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def _refuse_misspelt(self, ctx: Any, word: str) -> None:
        """Refuse what looks like a command, and not like a file, and is none."""
        near = get_close_matches(word.casefold(), list(self.commands), 1, cutoff=0.75)
        if near and "." not in word and not os.path.exists(word):
            ctx.fail(f"no command and no file {shown(word)}; did you mean {near[0]}?")


app = ReadyTyper(
    cls=DefaultGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Master a track toward a reference: every move explained, every decision yours.\n\n"
    "refmaster TARGET --ref REFERENCE masters; it is short for refmaster master. "
    "Try refmaster demo: it needs no file.\n\n"
    "\b\nExamples:\n" + "\n".join(f"  {example}" for example in EXAMPLES),
)
app.command("master", short_help="Master a track toward a reference; what is done without a command.")(master.command)
app.command("analyse", short_help="Measure tracks; nothing is changed.")(analyse.command)
app.command("compare", short_help="Compare a track with references, libraries or a genre.")(compare.command)
app.command("render", short_help="Render a session again, or as new decisions have it.")(render.command)
app.command("explain", short_help="Say in words what a session does, and why.")(explain.command)
app.command("history", short_help="List who changed what in a session, to go back.")(history.command)
app.command("batch", short_help="Master many tracks, here or on a cluster.")(batch.command)
app.add_typer(library.app, name="library", short_help="Libraries of your own records, kept as numbers.")
app.command("demo", short_help="A first master that needs no file and no network.")(demo.command)


@app.callback(invoke_without_command=True)
def _options(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    if version:
        from refmaster.version import __version__

        print(f"refmaster {__version__}")
        raise typer.Exit


class _Interrupting:
    """What hears Ctrl-C and a polite request to end, which is as good: nothing half-made is left.

    While that is tidied no more of them are heard: many at once would break off the tidying, too.
    """

    def __init__(self) -> None:
        self._since_s = -math.inf

    def __call__(self, number: int, frame: object) -> None:
        now_s = time.monotonic()
        if now_s - self._since_s > TIDY_S:
            self._since_s = now_s
            raise KeyboardInterrupt

    @contextmanager
    def heard_again(self) -> Iterator[None]:
        """Within, an interruption that strikes where no exception leads out, as in `__del__`, is repeated, not lost."""
        before = sys.unraisablehook

        def unraisable(what: Any) -> None:
            if not isinstance(what.exc_value, KeyboardInterrupt):
                before(what)
                return
            self._since_s = -math.inf
            again = threading.Timer(AGAIN_S, signal.raise_signal, (signal.SIGTERM,))
            again.daemon = True
            again.start()

        sys.unraisablehook = unraisable
        try:
            yield
        finally:
            sys.unraisablehook = before


def _requests_to_end() -> tuple[int, ...]:
    """Ctrl-C, SIGTERM, and that the terminal was closed, unless whoever started us (nohup) wants that ignored."""
    known = (getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP"))  # Windows has no SIGHUP
    return tuple(one for one in known if one is not None and signal.getsignal(one) is not signal.SIG_IGN)


def _leave() -> NoReturn:
    """Say that the run was interrupted, and go: what had to be tidied is, and no thread that computes is waited for."""
    print("refmaster: interrupted; nothing half-made was left", file=sys.stderr, flush=True)
    os._exit(INTERRUPTED)


def main() -> None:
    """Run the program: exit 0 done, 1 done but a check failed, 2 refused, 130 interrupted, 141 not read to its end."""
    streams.prepare()
    interrupting = _Interrupting()
    for request in _requests_to_end():
        signal.signal(request, interrupting)
    # Before numpy is imported: our matrices are so small that a second thread costs more than it does.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        with interrupting.heard_again():
            code = _run()
        sys.stdout.flush()
    except streams.Unprinted as unheard:
        code = streams.code_of(unheard)
    except (KeyboardInterrupt, typer.Abort):
        _leave()
    except SystemError as error:
        if not is_interruption(error):
            raise
        _leave()
    sys.exit(code)


def _run() -> int:
    """Do what the command line asks for; the exit code."""
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:  # what typer makes of Ctrl-C
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except UsageError as error:
        said = " ".join(error.format_message().split())
        print(f"refmaster: {said}{_meant(error, said)}; see --help", file=sys.stderr)
    except typer.Exit as stop:
        return int(stop.exit_code)
    except RefmasterError as error:
        print(f"refmaster: {' '.join(str(error).splitlines())}", file=sys.stderr)
    except FileNotFoundError:  # how Python says that no relative name leads anywhere
        if _stands_somewhere():
            raise
        print("refmaster: the working folder was deleted; change into one that exists (cd)", file=sys.stderr)
    return REFUSED


def _meant(error: Any, said: str) -> str:
    """What somebody may have meant who gave the main job more than one file, or one that looks like an option."""
    dashed = next((word for word in sys.argv[1:] if word.startswith("-") and os.path.lexists(word)), None)
    if dashed is not None:
        return f"; for the file of that name write {quote(f'./{shown(dashed)}')}"
    extra = re.search(r"unexpected extra argument\S* \((.*)\)", said)
    if extra is None or getattr(error.ctx, "info_name", "") != DEFAULT:
        return ""
    several = " " in extra[1] and not os.path.exists(extra[1])
    if several or error.ctx.params.get("ref"):
        return "; one track is mastered at a time, and many with: refmaster batch FILES --ref FILE"
    return f"; a reference is named by --ref {quote(shown(extra[1]))}"


def _stands_somewhere() -> bool:
    """Whether the working folder is there; somebody may have deleted it under us."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True
