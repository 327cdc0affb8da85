"""Long file names at the head of columns: short enough to stand on one line, whole at their ending, and told apart."""

from collections.abc import Sequence
from itertools import takewhile
from pathlib import PurePath

from rich.cells import cell_len, set_cell_size

LEAST_CELLS, MOST_CELLS = 14, 40  # of a name: under the first nothing is told apart, and past the second nobody reads
LABEL_CELLS, VALUE_CELLS, BETWEEN_CELLS = 22, 13, 3  # of a table of measures
WORD_ENDS = "_-. "


def shortened(name: str, cells: int) -> str:
    """A name in so many cells, with … in place of its middle."""
    if cell_len(name) <= cells:
        return name
    head = set_cell_size(name, cells // 2).rstrip()
    return f"{head}…{set_cell_size(name[::-1], cells - 1 - cell_len(head))[::-1].lstrip()}"


def heads_of(names: Sequence[str], cells: int) -> tuple[str, ...]:
    """Names in so many cells each: what they have in common goes first, then the middle, and never the ending."""
    lead, tail = _in_common([_split(name)[0] for name in names])
    made = [_head(name, lead, tail, cells) for name in names]
    if len(set(made)) < len(set(names)):  # alike at both ends of what is left: a number tells them apart
        made = [f"{shortened(one, cells - 3)} {number}" for number, one in enumerate(made, start=1)]
    return tuple(made)


def room_of(names: Sequence[str], width: int) -> int:
    """How many cells each long name may take in a table of measures on a terminal of this width."""
    long = sum(cell_len(name) > VALUE_CELLS for name in names)
    rest = width - LABEL_CELLS - BETWEEN_CELLS - (len(names) - long) * (VALUE_CELLS + BETWEEN_CELLS)
    return max(LEAST_CELLS, min(MOST_CELLS, rest // max(1, long) - BETWEEN_CELLS))


def most_columns(width: int) -> int:
    """How many tracks stand beside each other in a table of measures on a terminal of this width; at least two."""
    return max(2, (width - LABEL_CELLS) // (VALUE_CELLS + BETWEEN_CELLS))


def _head(name: str, lead: int, tail: int, cells: int) -> str:
    if cell_len(name) <= cells:
        return name
    stem, ending = _split(name)
    room = cells - cell_len(ending)
    own = f"…{stem[lead:]}" if lead else stem
    if cell_len(own) > room and tail:
        own = f"{own[:-tail]}…"
    return shortened(own, room) + ending


def _in_common(stems: Sequence[str]) -> tuple[int, int]:
    """How many letters all begin with, and end with, up to a word's end; none of one name alone."""
    if len(set(stems)) < 2:
        return 0, 0
    lead = _beginning(stems)
    tail = _beginning([stem[len(lead) :][::-1] for stem in stems])
    lead_at = max(lead.rfind(mark) for mark in WORD_ENDS) + 1
    tail_at = max(tail.rfind(mark) for mark in WORD_ENDS) + 1
    return lead_at, tail_at


def _beginning(names: Sequence[str]) -> str:
    """What all of them begin with."""
    alike = (len(set(letters)) == 1 for letters in zip(*names, strict=False))
    return names[0][: sum(takewhile(bool, alike))]


def _split(name: str) -> tuple[str, str]:
    """A name, and its ending with the dot where that is short enough to be one."""
    ending = PurePath(name).suffix
    return (name.removesuffix(ending), ending) if 1 < len(ending) <= 6 else (name, "")
