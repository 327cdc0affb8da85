"""The distribution of a library: the same record as any genre, and no surer than its tracks allow."""

from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest

from refmaster.genres import FEW_TRACKS, load_genre, spread_of
from refmaster.genres.posterior import load_table
from refmaster.genres.statistics import ONE_ARTIST, covariance_db2, effective_tracks, tone_row
from refmaster.library.distribution import SPREAD_TRACKS, _steadied, _usual_half_width, genre_of, shipped_pool
from refmaster.library.files import Library
from refmaster.library.words import title_of
from refmaster.records import Genre, Spread


def copies(row, count, artist=""):
    """The same track again and again, as if by so many people."""
    return [
        replace(
            row, sha256=f"{k:064x}", artist=artist or f"artist {k}", profile=replace(row.profile, sha256=f"{k:064x}")
        )
        for k in range(count)
    ]


def test_a_librarys_genre_has_all_that_a_measured_genre_has(library):
    genre, shipped = library.genre, load_genre("rock")
    assert isinstance(genre, Genre)
    assert genre.practice_lufs is None  # a survey's, and nobody surveyed this
    for field in (one for one in fields(Genre) if one.name != "practice_lufs"):
        assert type(getattr(genre, field.name)) is type(getattr(shipped, field.name)), field.name
    assert genre.tone.band_hz == shipped.tone.band_hz
    assert genre.song_sd_hz == shipped.song_sd_hz
    assert {spread.name for spread in genre.spreads} == {spread.name for spread in shipped.spreads}
    assert (genre.name, genre.n_tracks, genre.kind) == ("soul", 3, "measured")


def test_the_middle_of_a_library_is_its_tracks(rows):
    genre = genre_of("one", copies(rows["song"], 6))
    row = tone_row(rows["song"].profile)
    known = np.isfinite(row)
    assert np.array(genre.tone.mean_db)[known] == pytest.approx(row[known], abs=0.006)
    assert spread_of(genre, "integrated_lufs").p50 == pytest.approx(rows["song"].profile.integrated_lufs, abs=0.006)


def test_what_a_codec_cut_is_filled_and_unsure(rows):
    whole = rows["song"]
    cut = replace(whole, profile=replace(whole.profile, hf_cutoff_hz=9000.0))
    full, filled = genre_of("full", [whole]).tone, genre_of("cut", [cut]).tone
    top = np.array(full.band_hz) > 9000
    assert np.isfinite(filled.mean_db).all()
    assert np.diag(covariance_db2(filled))[top].mean() > np.diag(covariance_db2(full))[top].mean()


def test_few_tracks_are_less_sure_than_many_and_one_artist_than_several(rows):
    few, many = genre_of("few", copies(rows["song"], 3)), genre_of("many", copies(rows["song"], 40))
    alone = genre_of("alone", copies(rows["song"], 40, artist="One"))
    assert few.trust < many.trust
    assert alone.trust < many.trust
    assert np.mean(few.tone.mean_sd_db) > np.mean(alone.tone.mean_sd_db) > np.mean(many.tone.mean_sd_db)


def test_artists_that_nobody_names_are_neither_one_nor_all_different(rows):
    several, one = (genre_of("g", copies(rows["song"], 12, artist=name)) for name in ("", "One"))
    unnamed = genre_of("g", [replace(row, artist="") for row in copies(rows["song"], 12)])
    assert (several.n_artists, one.n_artists, unnamed.n_artists) == (12, 1, 0)
    assert one.trust < unnamed.trust < several.trust
    assert title_of(unnamed) == f"g: 12 tracks that name no artist, trust {unnamed.trust:.2f}"


def test_unnamed_artists_are_one_as_often_as_in_the_measured_genres():
    assert effective_tracks([""] * 12, 0.21) == pytest.approx(12 / (1 + 0.21 * 11 * ONE_ARTIST))
    assert effective_tracks(["a", ""], 0.21) == pytest.approx(2 / (1 + 0.21 * ONE_ARTIST))
    table = load_table()
    shares = []
    for genre in range(len(table.genres)):
        artists = [name for name, of in zip(table.artists, table.genre_of, strict=True) if of == genre]
        n = len(artists)
        shares.append(sum(c * (c - 1) for c in Counter(artists).values()) / (n * (n - 1)))
    assert sum(shares) / len(shares) == pytest.approx(ONE_ARTIST, abs=0.01)


def test_a_small_librarys_spread_is_that_of_songs_of_any_genre(rows):
    spread = np.diag(covariance_db2(genre_of("three", copies(rows["song"], 3)).tone))
    usual = np.diag(shipped_pool().within)
    assert np.median(spread / usual) == pytest.approx(1.0, abs=0.15)


def test_the_pool_is_what_measuring_the_genres_found():
    pool = shipped_pool()
    assert pool.within_db2 == pytest.approx(26.0, rel=0.05)  # printed by scripts/measure_genres.py
    assert pool.between_db2 == pytest.approx(6.3, rel=0.05)


def test_mono_alone_has_no_width(rows):
    profile = rows["song"].profile
    mono = replace(profile, channels=1, side_to_mid_db=(None,) * len(profile.band_hz), correlation=None)
    assert genre_of("mono", [replace(rows["song"], profile=mono)] * 3).width is None


def test_tracks_of_a_low_rate_leave_the_top_to_the_rest(rows):
    profile, n = rows["song"].profile, 55
    low = replace(
        profile,
        sample_rate_hz=22050,
        band_hz=profile.band_hz[:n],
        ltas_db=profile.ltas_db[:n],
        ltas_sd_db=profile.ltas_sd_db[:n],
        side_to_mid_db=profile.side_to_mid_db[:n],
    )
    genre = genre_of("low", [replace(rows["song"], profile=low)])
    assert len(genre.tone.mean_db) == len(profile.band_hz)
    assert np.isfinite(genre.tone.mean_db).all()


def test_a_library_of_the_genres_own_kind_works_out_its_genre_once(library):
    assert library.genre is library.genre
    assert library == Library(library.name, library.tracks)


def test_the_band_of_few_tracks_leans_on_what_is_usual(rows):
    """Two tracks alike tell no band: theirs would have no width."""
    few = spread_of(genre_of("two", copies(rows["song"], 2)), "integrated_lufs")
    many = spread_of(genre_of("five", copies(rows["song"], FEW_TRACKS)), "integrated_lufs")
    assert many.p10 == many.p50 == many.p90
    assert few.p50 == many.p50
    assert few.p90 - few.p10 > 4
    assert few.p90 - few.p50 == pytest.approx(few.p50 - few.p10, abs=0.02)


def test_the_band_of_few_tracks_keeps_to_what_can_be(rows):
    genre = genre_of("one", (rows["song"],))
    hits, correlation, lively = (
        spread_of(genre, name) for name in ("percussive_pct", "correlation", "loudness_range_lu")
    )
    assert 0 <= hits.p10 <= hits.p50 < hits.p90 <= 100
    assert correlation.p90 <= 1
    assert lively.p10 >= 0


def test_what_no_track_reaches_is_what_genres_usually_hold_there_given_the_rest(rows):
    """Two tracks that a codec cut: over the cut the mean is no flat line at their level, and follows them."""
    whole = rows["song"]
    profile = replace(whole.profile, hf_cutoff_hz=9000.0)
    dark = replace(
        profile,
        ltas_db=tuple(
            level - 3 * np.log2(hz / 100) for level, hz in zip(profile.ltas_db, profile.band_hz, strict=True)
        ),
    )
    found = [genre_of("cut", copies(replace(whole, profile=one), 5)).tone for one in (profile, dark)]
    top = np.array(found[0].band_hz) > 9000
    bright, dull = (np.array(tone.mean_db)[top] for tone in found)
    assert bright[-1] < bright[0] - 3
    assert np.all(dull < bright - 3)


@pytest.mark.parametrize("own_db", [0.0, 1.0, 8.0])
def test_the_spread_of_few_tracks_lies_between_their_own_and_the_usual_one(own_db):
    usual_db = _usual_half_width("plr_db")

    def half_db(n_tracks):
        found = _steadied(Spread("plr_db", 12.0 - own_db, None, 12.0, None, 12.0 + own_db, n_tracks))
        assert found.p90 - 12.0 == pytest.approx(12.0 - found.p10, abs=0.011)
        return found.p90 - 12.0

    assert half_db(1) == pytest.approx(usual_db * 2**0.5, abs=0.006)  # one track says where, and not how far they lie
    for n in range(2, FEW_TRACKS):
        both = (SPREAD_TRACKS * usual_db**2 + (n - 1) * own_db**2) / (SPREAD_TRACKS + n - 1)
        assert half_db(n) == pytest.approx((both * (1 + 1 / n)) ** 0.5, abs=0.006)
    assert half_db(FEW_TRACKS) == own_db  # enough to speak for themselves
