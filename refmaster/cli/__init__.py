"""The command line: one file a command, and the only place that prints."""

import os
import signal
import sys

__all__ = ["main"]


def main() -> None:
    """Run the program; Ctrl-C is heard while its parts are still being loaded, too."""
    try:
        from refmaster.cli.app import main as run
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one is enough
        print("refmaster: interrupted before anything was begun", file=sys.stderr, flush=True)
        os._exit(130)
    run()
