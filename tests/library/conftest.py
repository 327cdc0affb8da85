"""Libraries of code-made music: three songs as rows, and what a person's folders would hold."""

from pathlib import Path

import pytest

from refmaster.analyse import analyse
from refmaster.library.files import Library
from refmaster.library.rows import Row, merged, row_of


@pytest.fixture(scope="session")
def rows(files) -> dict[str, Row]:
    """A row a song, by its name."""
    tags = {"artist": "Nobody", "title": "A “song”", "album": "", "genre": "soul"}
    return {name: row_of(analyse(path), path.name, tags if name == "song" else {}) for name, path in files.items()}


@pytest.fixture
def library(rows) -> Library:
    return Library("soul", merged(rows[name] for name in ("dull", "finished", "song")))


@pytest.fixture
def music(files, tmp_path) -> Path:
    """A folder of sound: two songs, one of them in a folder below, one hidden, and what is no sound."""
    folder = tmp_path / "music"
    for name, place in (("dull", "a.wav"), ("finished", "deep/b.wav"), ("song", ".hidden/c.wav")):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(files[name].read_bytes())
    (folder / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    return folder
