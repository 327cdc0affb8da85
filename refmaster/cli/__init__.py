"""The command line: one file a command, and the only place that prints."""

from refmaster.cli.app import main

__all__ = ["main"]
