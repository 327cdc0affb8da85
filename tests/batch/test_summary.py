"""The table at the end of a batch: no name is broken, whether somebody looks at it or a pipe takes it."""

import io

import pytest
from rich.console import Console

from refmaster.batch.records import Ending, Outcome
from refmaster.cli.batch_show import PIPE_CELLS, table
from tests.batch.conftest import run

SHORT = "a/chaos.flac"
FITTING = "a name of thirty-one letter.flac"[:31]
LONG = "2026-03-14 a very long name of a track, final mix (take 17).wav"


def printed(names: tuple[str, ...], width: int, status: Ending = "mastered") -> list[str]:
    outcomes = [
        Outcome(
            name, name, status, target_lufs=-22.0, master_lufs=-10.9, target_dbtp=-3.0, master_dbtp=-1.05, moves=12,
            not_reached=("the top end", "loudness"), master="any.wav",
        )
        for name in names
    ]  # fmt: skip
    text = io.StringIO()
    Console(file=text, width=width).print(table(outcomes, width))
    return text.getvalue().splitlines()


@pytest.mark.parametrize("name", [SHORT, FITTING])
def test_at_80_columns_a_name_stands_whole_and_so_does_every_word(name):
    lines = printed((name,), 80)
    assert all(len(line) <= 80 for line in lines)
    assert any(line.startswith(f"{name}  mastered") for line in lines)
    assert "…" not in "".join(lines)
    assert {"top", "end,", "loudness"} <= set(" ".join(lines).split())


@pytest.mark.parametrize("status", ["mastered", "unchanged", "sent_back"])
def test_a_name_that_is_too_long_loses_its_middle(status):
    lines = printed((LONG, SHORT), 80, status)
    (row,) = (line for line in lines if line.startswith("2026-03-14"))
    name = row.partition(f"  {status.replace('_', ' ')}")[0].rstrip()
    assert 28 <= len(name) <= 32
    assert name.endswith("17).wav")
    assert name.count("…") == 1
    assert all(len(line) <= 80 for line in lines)


def test_where_there_is_room_nothing_is_shortened():
    for width in (140, PIPE_CELLS):
        lines = printed((LONG, SHORT), width)
        assert any(
            line.startswith(f"{LONG}  mastered") and line.rstrip().endswith("the top end, loudness") for line in lines
        )


def test_letters_of_two_cells_count_as_two():
    lines = printed(("\u97f3" * 30 + ".wav", SHORT), 80)
    (row,) = (line for line in lines if "\u97f3" in line)
    assert "…" in row
    assert len(row) + row.count("\u97f3") <= 80


def test_in_a_pipe_every_failed_track_has_one_whole_line(tmp_path, catalogue):
    (tmp_path / LONG).write_text("this is no sound")
    ran = run(tmp_path, LONG, "--ref", catalogue / "record.wav", "-o", "out")
    assert any(line.startswith(f"{LONG}  failed") for line in ran.stdout.splitlines())
    assert any(line.startswith(f"  · {LONG} is not audio") and "FLAC" in line for line in ran.stdout.splitlines())
