"""Placing: inside and outside a band, the nearest tracks, and shares that add up."""

from dataclasses import replace

import pytest

from refmaster.genres import ANY, load_genre, spread_of
from refmaster.genres.context import LEAST_KNOWN
from refmaster.genres.posterior import hashes_of
from refmaster.library import heard_among, home_of, nearest, place
from refmaster.library.answers import _far_notes
from refmaster.library.files import Library
from refmaster.library.placing import FAR_PCT, Standing, nearest_shipped, own_shares, reach_of, shares, without
from refmaster.library.words import feature_words, place_words
from refmaster.nearness import pair_at


@pytest.fixture
def profile(rows):
    return rows["spoiled"].profile


def test_the_song_before_its_damage_is_the_nearest(library, profile):
    found = nearest([library], profile)
    assert found[0].label == "Nobody – A “song”"
    assert [one.distance for one in found] == sorted(one.distance for one in found)
    assert found[0].source == "soul"
    assert any("dB" in reason.text for reason in found[0].reasons)


def test_a_track_is_not_its_own_neighbour(library, rows):
    found = nearest([library], rows["song"].profile)
    assert rows["song"].sha256 not in {one.sha256 for one in found}
    assert len(found) == 2


def test_so_many_are_named_as_are_asked_for(library, profile):
    assert len(nearest([library], profile, most=1)) == 1


def test_a_number_stands_under_inside_or_over_its_band():
    standings = [Standing("integrated_lufs", value, -14.0, -12.0, -10.0) for value in (-15.5, -12.0, -8.0, None)]
    assert [one.where for one in standings] == ["under", "inside", "over", None]
    assert [place_words(one) for one in standings] == ["1.5 LU under", "inside", "2.0 LU over", "not measurable"]


def test_percentages_differ_by_points():
    standings = [Standing("percussive_pct", value, 10.0, 20.0, 30.0) for value in (4.0, 36.5)]
    assert [place_words(one) for one in standings] == ["6.00 points under", "6.50 points over"]


def test_the_edge_of_a_band_is_inside_and_nothing_beyond_it():
    assert Standing("plr_db", 12.0, 10.0, 11.0, 12.0).where == "inside"
    assert Standing("plr_db", 12.01, 10.0, 11.0, 12.0).where == "over"
    assert Standing("plr_db", 10.0, 10.0, 11.0, 12.0).where == "inside"
    assert Standing("plr_db", 9.99, 10.0, 11.0, 12.0).where == "under"


def test_the_median_track_of_a_genre_lies_inside_every_band_of_tone(profile):
    genre = load_genre("rock")
    middle = replace(
        profile,
        ltas_db=genre.tone.mean_db,
        side_to_mid_db=genre.width.mean_db,
        integrated_lufs=spread_of(genre, "integrated_lufs").p50,
        hf_cutoff_hz=None,
    )
    placed = place(middle, genre)
    for standing in (*placed.tone, *placed.width):
        assert standing.where == "inside"
        assert standing.value == pytest.approx(standing.p50, abs=0.35)  # the level that is taken off is taken again
    assert next(one for one in placed.numbers if one.feature == "integrated_lufs").where == "inside"


def test_a_track_without_bass_stands_under_the_bands_of_bass(profile):
    levels = [v - (60 if hz < 90 else 0) for hz, v in zip(profile.band_hz, profile.ltas_db, strict=True)]
    placed = place(replace(profile, ltas_db=tuple(levels)), load_genre("electronic"))
    low = next(one for one in placed.tone if one.feature == "tone_63_db")
    assert low.where == "under"


def test_octaves_vary_less_than_their_bands(profile):
    placed = place(profile, load_genre("rock"))
    octave = next(one for one in placed.tone if one.feature == "tone_1000_db")
    at = placed.tone_curve.band_hz.index(1000.0)
    assert octave.p90 - octave.p10 < placed.tone_curve.p90_db[at] - placed.tone_curve.p10_db[at]


def test_above_a_codecs_cut_nothing_is_placed(profile):
    placed = place(replace(profile, hf_cutoff_hz=9000.0), load_genre("rock"))
    assert [one.where for one in placed.tone[-2:]] == [None, None]


def test_mono_is_placed_without_width(profile):
    mono = replace(profile, channels=1, side_to_mid_db=(None,) * len(profile.band_hz))
    placed = place(mono, load_genre("rock"))
    assert {one.where for one in placed.width} == {None}


def test_a_genre_of_published_figures_has_no_band_of_width(profile):
    placed = place(profile, load_genre("jazz"))
    assert placed.width == ()
    assert placed.tone


def test_shares_add_up_and_name_a_users_libraries(library, profile):
    found = shares(profile, [library])
    assert sum(share for _, share in found) == pytest.approx(1.0, abs=0.01)
    assert "library soul" in dict(found)
    assert "library soul" not in dict(shares(profile))


def test_of_two_libraries_the_one_of_its_kind_is_home(library, rows, profile):
    like = Library("like", (rows["song"], rows["dull"]))
    other = Library("other", (rows["finished"],))
    assert home_of([other, like], profile).name == "like"


def test_a_library_that_is_named_is_nobodys_guess(library, profile):
    genre = heard_among([library], [profile])
    assert (genre.name, genre.share) == ("soul", None)


def test_of_several_libraries_the_one_that_is_heard_says_how_surely(rows, profile):
    many = Library("many", tuple(replace(rows["song"], sha256=f"{k:064x}") for k in range(40)))
    like = Library("like", (rows["dull"],))
    genre = heard_among([many, like], [profile])
    assert genre.name == "many"
    assert genre.share == pytest.approx(dict(own_shares(profile, [many, like]))["library many"])
    assert genre.share > 0.5


def test_the_genres_of_the_program_have_no_veto_among_ones_own_libraries(rows):
    """A song that is most like metal, and yet no farther from one's own records than songs of one genre lie."""
    target = replace(rows["song"].profile, ltas_db=load_genre("metal").tone.mean_db)
    libraries = [Library("a", (rows["finished"],)), Library("b", (rows["dull"],))]
    known = [share for name, share in shares(target, libraries) if name.startswith("library")]
    assert sum(known) < LEAST_KNOWN
    genre = heard_among(libraries, [target])
    assert genre.name in ("a", "b")
    assert genre.share + genre.runner_up[1] == pytest.approx(1.0)


def tone_alone(rows):
    """A track that holds one tone and nothing else, farther from any music than music is from music."""
    profile = rows["song"].profile
    levels = tuple(-10.0 if 900 < hz < 1100 else -90.0 for hz in profile.band_hz)
    return replace(profile, ltas_db=levels, sha256="f" * 64)


def test_where_no_library_fits_none_is_taken(rows):
    """A track that is farther from two libraries than their own tracks are, and than pairs of one genre."""
    libraries = [Library("a", (rows["finished"], rows["song"])), Library("b", (rows["dull"],))]
    genre = heard_among(libraries, [tone_alone(rows)])
    assert (genre.name, genre.tone, genre.share) == (ANY, None, 0.0)
    assert genre.runner_up[0] in ("library a", "library b")


def test_a_library_reaches_as_far_as_its_farthest_track(rows):
    alone = tone_alone(rows)
    odd = replace(rows["finished"], profile=alone, sha256=alone.sha256)
    even = Library("even", (rows["song"], rows["dull"], rows["finished"]))
    uneven = Library("uneven", (rows["song"], rows["dull"], odd))
    again = replace(alone, sha256="c" * 64)
    assert reach_of(even, again).far
    assert not reach_of(uneven, again).far
    assert not reach_of(uneven, alone).far  # it is in the library: nobody has to guess
    assert reach_of(even, alone).limit == pair_at(FAR_PCT)  # three songs of one making lie nearer than that
    assert reach_of(Library("one", (rows["song"],)), alone).within is None


def test_a_track_that_two_libraries_hold_is_near_once(library, profile):
    copy = Library("copy", library.tracks)
    assert len(nearest([library, copy], profile)) == len(library.tracks)


def test_a_shipped_track_is_not_its_own_neighbour(profile):
    sha256 = hashes_of("rock")[0]
    found = nearest_shipped(load_genre("rock"), replace(profile, sha256=sha256))
    assert sha256 not in {one.sha256 for one in found}
    assert {one.sha256 for one in found} < set(hashes_of("rock"))


def test_the_track_itself_is_left_out_of_its_library(library, rows):
    assert len(without(library, rows["song"].profile).tracks) == 2
    alone = Library("alone", (rows["song"],))
    assert without(alone, rows["song"].profile) == alone


def test_tracks_of_a_shipped_genre_are_named(profile):
    found = nearest_shipped(load_genre("metal"), profile)
    assert len(found) == 5
    assert {one.source for one in found} == {"metal"}
    assert nearest_shipped(load_genre("jazz"), profile) == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tone_1000_db", "1 kHz"),
        ("width_31.5_db", "31.5 Hz"),
        ("dynamics_20_120_db", "dynamics 20–120 Hz"),
        ("dynamics_500_2000_db", "dynamics 500 Hz–2 kHz"),
        ("dynamics_2000_6000_db", "dynamics 2–6 kHz"),
        ("plr_db", "peak to loudness (PLR)"),
    ],
)
def test_features_have_words(name, words):
    assert feature_words(name) == words


def test_a_track_that_is_far_from_every_library_is_told_so_and_from_which_it_is_least(rows):
    near, far = Library("near", (rows["song"], rows["dull"])), tone_alone(rows)
    (told,) = _far_notes([near], far)
    assert told.startswith("by its sound it is hardly music of the library near: the median distance to its tracks is ")
    assert f"{FAR_PCT:.0f} of 100 pairs of songs of one genre at most {pair_at(FAR_PCT):.2f}" in told
    (told,) = _far_notes([near, Library("other", (rows["finished"],))], far)
    assert "of any of the libraries, " in told
    assert _far_notes([near], rows["finished"].profile) == []
    own = Library("own", (replace(rows["song"], profile=replace(far, sha256="b" * 64), sha256="b" * 64),))
    assert _far_notes([near, own], far) == []  # one of them knows it


def test_the_band_of_an_octave_lies_evenly_around_its_middle(profile):
    placed = place(profile, load_genre("rock"))
    for one in (*placed.tone, *placed.width):
        assert one.p90 - one.p50 == pytest.approx(one.p50 - one.p10)
        assert one.p90 - one.p50 > 0.5
