"""Names at the head of a column: short, distinct, whole at their ending."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from refmaster.cli.heads import heads_of
from refmaster.cli.show import table_of
from tests.report import sample

SONGS = tuple(f"fof_muldjord_{name}_fullmix.wav" for name in ("chaos_god", "mutilated_mime", "internal_degeneration"))


def test_what_all_have_in_common_goes_and_what_tells_them_apart_stays():
    assert heads_of(SONGS, 20) == ("…chaos_god….wav", "…mutilated_mime….wav", "…interna…ration….wav")
    assert heads_of(SONGS, 24)[0] == "…chaos_god_fullmix.wav"


@pytest.mark.parametrize("cells", range(14, 41))
@pytest.mark.parametrize(
    "names",
    [
        SONGS,
        ("a very long name of one song alone, take 2.flac",),
        ("take 1 of the long song in the big room.wav", "take 2 of the long song in the big room.wav"),
        ("the long song in the big room 1.wav", "the long song in the big room 12.wav", "short.wav"),
        ("live/no ending at all in this one here", "live/no ending at all in that one here"),
        ("xxxxxxxxxxaaaaaaaaaaaaaaayyyyyyyyyy.wav", "xxxxxxxxxxaaabaaaaaaaaaaayyyyyyyyyy.wav"),
        ("同じ長い名前の曲です第一番ほか.wav", "同じ長い名前の曲です第二番ほか.wav"),
    ],
)
def test_heads_fit_differ_and_keep_their_ending(names, cells):
    heads = heads_of(names, cells)
    assert len(set(heads)) == len(names)
    for name, head in zip(names, heads, strict=True):
        assert cell_len(head) <= cells
        if name.endswith((".wav", ".flac")) and "xxx" not in name:
            assert head.endswith(name[name.rindex(".") :]) or head[-2] == " "


def test_the_table_of_a_run_breaks_no_name():
    profile = sample.full_report().target
    columns = [("target", profile), (SONGS[0], profile), ("master", profile)]
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(table_of(columns, 80, SONGS))
    head = console.export_text().splitlines()[1].split()
    assert head == ["target", "…chaos_god….wav", "master"]
