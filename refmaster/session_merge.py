"""A session written again over its own text: what a person wrote stays, in words and in place.

The values are the new ones; comments, order and layout are the file's. The program's own comments are known by their
words and say what is true now; everything else behind a `#` is a person's, and is never lost: where the place that it
stood at is gone, it moves to the end of the file.
"""

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

ROW_KEYS = {  # what a row of an array of tables is known by
    "reference": "sha256",
    "move": "id",
    "because": "feature",
    "left_alone": "text",
    "not_reached": "text",
    "assumed": "question",
    "check": "name",
    "revision": "number",
}
ALIKE = 0.75  # taste: a comment so much like ours is ours, from a version that said it a little differently


def merged(mine: str, base: str, theirs: str, same: Container[str]) -> str:
    """The text `mine` with all that `theirs` holds, where `base` is what the program had written before.

    `same` are the ids that name the same move in both.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    doc, first, wanted = tomlkit.parse(mine), tomlkit.parse(base), tomlkit.parse(theirs)
    ours = {*_comments(first), *_comments(wanted)}
    before = Counter(_comments(doc))
    try:
        text = _over(doc, first, wanted, same)
    except TOMLKitError:
        text = theirs
    if "\n\n\n" not in mine:  # what comes and goes leaves empty lines behind
        text = re.sub(r"\n{3,}", "\n\n", text)
    if not _holds(text, theirs):  # laid out in a way that cannot be followed
        text = theirs
    saved = [one for one, times in before.items() if one not in ours for _ in range(times - text.count(one))]
    return text.rstrip("\n") + "\n\n" + "\n".join(saved) + "\n" if saved else text


def _over(doc: Any, base: Any, wanted: Any, same: Container[str]) -> str:
    """The document with the wanted values, and with the program's comments that go with them."""
    import tomlkit

    for row in doc.get("move", []):
        if row["id"] not in same:
            row["id"] = ""  # no row is known by it
    _settle(doc, wanted)
    then, now = ({row["id"]: _above(row)[:1] for row in one.get("move", [])} for one in (base, wanted))
    for row in doc.get("move", []):
        for old, new in zip(then.get(row["id"], ()), now.get(row["id"], ()), strict=False):
            _reword(row, old.trivia.comment, new.trivia.comment)
    return tomlkit.dumps(doc)


def _settle(mine: Any, theirs: Any) -> None:
    """Give a table exactly the keys and values of another, each where it stands."""
    from tomlkit.items import AoT

    for key in [key for key in mine if key not in theirs]:
        del mine[key]
    keys = list(theirs)
    for key in keys:
        item = theirs[key]
        if key not in mine:
            _add(mine, key, item, [later for later in keys[keys.index(key) + 1 :] if later in mine])
        elif isinstance(mine[key], AoT) and isinstance(item, AoT):
            _settle_rows(mine[key], item, ROW_KEYS[key])
        elif isinstance(mine[key], Mapping) and isinstance(item, Mapping):
            _settle(mine[key], item)
        elif _plain(mine[key]) != _plain(item):
            mine[key] = _bare(item)


def _add(mine: Any, key: str, item: Any, later: list[str]) -> None:
    """Give a table a key that it lacks; a table stands before those that come after it, with a line between."""
    from tomlkit.items import AoT, Table

    tables = [(name, mine[name]) for name in later if isinstance(mine[name], AoT | Table)]
    if not isinstance(item, AoT | Table):
        mine[key] = item
        return
    if isinstance(item, Table):
        item.trivia.indent = "\n"
    for name, _ in tables:
        del mine[name]
    for name, table in ((key, item), *tables):
        mine[name] = table


def _settle_rows(mine: Any, theirs: Any, name: str) -> None:
    """The rows of an array of tables: those that are known by their name are settled, the others come and go."""
    waiting = list(mine)
    rows = []
    for row in theirs:
        known = next((one for one in waiting if name in row and one.get(name) == row[name]), None)
        if known is None:
            row.trivia.indent = "\n"
            rows.append(row)
            continue
        waiting.remove(known)
        _settle(known, row)
        rows.append(known)
    if [id(row) for row in rows] == [id(row) for row in mine]:
        return
    while len(mine):
        del mine[-1]
    for row in rows:
        mine.append(row)


def _reword(row: Any, old: str, new: str) -> None:
    """Let the program's comment above a move say what is true now; where a person took it out, it stays out."""
    above = _above(row)
    likeness = [SequenceMatcher(None, one.trivia.comment, old).ratio() for one in above]
    best = max(range(len(above)), key=likeness.__getitem__, default=None)
    if best is not None and likeness[best] >= ALIKE:
        above[best].trivia.comment = new


def _above(row: Any) -> list[Any]:
    """The comments above a move's id."""
    from tomlkit.items import Comment

    body = row.value.body
    end = next((k for k, (key, _) in enumerate(body) if key is not None and key.key == "id"), len(body))
    return [item for _, item in body[:end] if isinstance(item, Comment)]


def _plain(item: Any) -> Any:
    """A value as Python has it; tomlkit hands out booleans bare."""
    return item.unwrap() if hasattr(item, "unwrap") else item


def _bare(item: Any) -> Any:
    """A value without its comment, so that the one that stands there stays; a list keeps its rows apart."""
    import tomlkit
    from tomlkit.items import Array, InlineTable

    return item if isinstance(item, Array | InlineTable) else tomlkit.item(_plain(item))


def _holds(text: str, theirs: str) -> bool:
    """Whether a text is TOML that says exactly the same."""
    import tomllib

    try:
        return tomllib.loads(text) == tomllib.loads(theirs)
    except tomllib.TOMLDecodeError:
        return False


def _comments(item: Any) -> Iterator[str]:
    """Every comment in a document, on a line of its own or behind a value."""
    from tomlkit.items import AoT, Array, Item, Null, Whitespace

    if isinstance(item, Whitespace | Null):
        return
    if isinstance(item, Item) and item.trivia.comment:
        yield item.trivia.comment
    if isinstance(item, AoT):
        for row in item:
            yield from _comments(row)
    elif isinstance(item, Array):
        yield from (part.comment.trivia.comment for part in item._value if part.comment is not None)
    else:
        table = item.value if isinstance(item, Item) else item
        for _, part in getattr(table, "body", ()):
            yield from _comments(part)
