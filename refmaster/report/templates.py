"""Templates: the one way in which all pages are filled in."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from refmaster.units import unbroken
from refmaster.writing import subject

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent


def environment(*folders: Path) -> "Environment":
    """Templates from `folders` and the report's own; everything that is filled in is escaped.

    What a template was compiled to is kept in the user's cache, where that can be written: compiling costs a third of
    a second.
    """
    from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

    from refmaster.cache import default_folder

    kept = default_folder() / "templates"
    try:
        kept.mkdir(parents=True, exist_ok=True)
        usable = os.access(kept, os.W_OK)
    except OSError:
        usable = False
    made = Environment(
        loader=FileSystemLoader([*folders, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=FileSystemBytecodeCache(str(kept)) if usable else None,
    )
    made.filters["subject"] = subject
    made.filters["unbroken"] = unbroken  # prose only: a command is copied as it stands
    return made
