"""The pages: whole, offline, drawn without an error, and safe against what a file is called."""

import json
import re
from dataclasses import replace

import pytest

from refmaster.analyse import measure
from refmaster.genres import load_genre
from refmaster.library.answers import Among, Beside
from refmaster.library.page import LEAST_DB, _strip, among_page, beside_page
from refmaster.library.placing import Standing, nearest, place, shares
from refmaster.load import open_track
from refmaster.passport import passport_of

WEB = re.compile(r"""(?:src|href)=["'](?!#|data:)""")
NASTY = "</script><b>&\"'.wav"


@pytest.fixture
def among(library, rows):
    profile = replace(rows["spoiled"].profile, path=NASTY)
    found = (place(profile, library.genre), nearest([library], profile), shares(profile, [library]))
    return Among(profile, *found, ("a note",))


@pytest.fixture
def beside(files):
    from refmaster.compare import compare

    target, reference = (measure(open_track(files[name])) for name in ("spoiled", "song"))
    found = compare(target, reference, load_genre())
    return target.profile, (Beside(reference.profile, found, passport_of(reference.profile, target.profile, found)),)


def figures(page):
    (text,) = re.findall(r'<script type="application/json" id="figures">(.*?)</script>', page)
    return json.loads(text)


def without_plotly(page):
    return re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def test_a_page_needs_nothing_else(among, beside):
    for page in (among_page(among), beside_page(*beside)):
        assert not WEB.search(without_plotly(page))
        assert "@import" not in page
        assert "url(" not in without_plotly(page)
        assert "default-src 'none'" in page


def test_what_a_file_is_called_stays_text(among):
    text = without_plotly(among_page(among))
    assert "<b>" not in text
    assert "&lt;/script&gt;&lt;b&gt;" in text


def test_the_band_and_the_track_in_it_are_drawn(among):
    drawn = figures(among_page(among))
    assert set(drawn) == {"tone", "width"}
    by_name = {one["name"]: one for one in drawn["tone"]["data"]}
    assert set(by_name) == {"soul, P10–P90", "soul, mean", "track"}
    band, middle = by_name["soul, P10–P90"], by_name["soul, mean"]["y"]
    assert band["fill"] == "toself"
    high, low = band["y"][: len(middle)], band["y"][len(middle) :][::-1]
    assert all(a <= b <= c for a, b, c in zip(low, middle, high, strict=True))
    for plot in drawn.values():
        bottom, top = plot["layout"]["yaxis"]["range"]
        levels = [level for curve in plot["data"] for level in curve["y"] if level is not None]
        assert top == pytest.approx(max(levels) + 3, abs=0.5)
        assert bottom == pytest.approx(max(min(levels) - 3, LEAST_DB), abs=0.5)


def test_every_number_has_its_strip_and_every_neighbour_its_row(among):
    text = without_plotly(among_page(among))
    placement = among.placement
    rows = len(placement.numbers) + len(placement.tone) + len(placement.width)
    assert text.count('<svg class="strip"') == rows  # as many as its headline counts, but for what nobody can measure
    assert text.count('<th scope="row" class="path">') == len(among.nearest)
    assert "a note" in text


@pytest.mark.parametrize(
    ("value", "place_pct"), [(-14.0, 25.0), (-12.0, 50.0), (-10.0, 75.0), (-15.0, 12.5), (-40.0, 1.0), (3.0, 99.0)]
)
def test_the_band_is_the_middle_half_of_its_strip_and_what_lies_far_stands_at_its_end(value, place_pct):
    assert _strip(Standing("integrated_lufs", value, -14.0, -12.0, -10.0)).at_track == place_pct


def test_names_stand_as_they_are(among, library):
    """A style of the report's makes the first letter of a row large; a file and a genre are called what they are."""
    near = replace(among.nearest[0], label="ref.ogg", source="my_soul")
    shown = (("game_pop", 0.5), ("library my_soul", 0.3), ("none", 0.2))
    page = without_plotly(among_page(replace(among, nearest=(near,), shares=shown)))
    assert '<th scope="row" class="path">ref.ogg</th><td>my_soul</td>' in page
    for name in ("game music", "library my_soul", "none"):
        assert f'<th scope="row">{name}</th>' in page
    large, plain = "tbody th::first-letter { text-transform: uppercase; }", "th.path::first-letter, .shares tbody th"
    assert page.index(large) < page.index(plain)


def test_tracks_of_a_genre_are_from_it_by_its_label(among, rows):
    genre = load_genre("game_pop")
    near = replace(among.nearest[0], source="game_pop")
    placed = place(rows["spoiled"].profile, genre)
    assert "<td>game music</td>" in without_plotly(among_page(replace(among, placement=placed, nearest=(near,))))


def test_heads_stand_over_their_numbers(among):
    assert ".strips td, .strips thead th { text-align: right;" in among_page(among)


def test_a_genre_without_width_has_no_plot_of_it(among, rows):
    placed = place(rows["spoiled"].profile, load_genre("jazz"))
    assert set(figures(among_page(replace(among, placement=placed)))) == {"tone"}


def test_references_are_drawn_beside_the_track_with_their_passports(beside):
    page = beside_page(*beside)
    assert {curve["name"] for curve in figures(page)["spectrum"]["data"]} == {"target", "song.wav"}
    assert "<li>the same song or session (same song:" in page
    for lesson in beside[1][0].passport.lessons:
        assert f'<th scope="row">{lesson.aspect}</th>' in page
