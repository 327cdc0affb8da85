"""What the benchmarks' command lines have in common."""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLIPS = "../shared/audio/clips.csv"  # beside the checkout


def from_root(path: str) -> Path:
    """The default list is looked for beside the checkout, any other from where the person stands."""
    return Path(os.path.normpath(ROOT / path)) if path == CLIPS else Path(path)


def whole(text: str) -> int:
    """Read a whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is out of range; allowed: 1 and more")
    return number


def options(asked: argparse.Namespace, usual: argparse.Namespace, names: Iterable[str]) -> list[str]:
    """The options of these names as a person would repeat them: without what is as always."""
    given = [(name, getattr(asked, name)) for name in names if getattr(asked, name) != getattr(usual, name)]
    return [f"--{name} {','.join(value) if isinstance(value, tuple) else f'{value:g}'}" for name, value in given]
