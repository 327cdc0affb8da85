"""Means, covariances and trust, of songs that were drawn from a known distribution."""

from dataclasses import replace

import numpy as np
import pytest

from refmaster.analyse import analyse
from refmaster.dsp.gaussian import smooth_covariance
from refmaster.genres import statistics as genre_statistics
from refmaster.genres.statistics import (
    Rows,
    band_grid_hz,
    covariance_db2,
    effective_tracks,
    pool_of,
    spreads_of,
    tone_of,
    tone_row,
    trust_of,
    whole_width_db,
    width_of,
)

GENRES, TRACKS, ARTISTS = 6, 30, 10
SONG_SD_DB, ARTIST_SD_DB, GENRE_SD_DB = 4.0, 2.0, 3.0


@pytest.fixture(scope="module")
def drawn() -> tuple[Rows, np.ndarray]:
    """Spectra of 180 tracks, and the true mean of each genre."""
    rng = np.random.default_rng(11)
    octaves = np.log2(band_grid_hz() / 1000)
    root = np.linalg.cholesky(smooth_covariance(octaves, np.ones(octaves.size), 0.5) + 0.05 * np.eye(octaves.size))
    curve = lambda sd: sd * (root @ rng.normal(size=octaves.size))  # noqa: E731
    means = np.array([curve(GENRE_SD_DB) for _ in range(GENRES)])
    values, genres, artists = [], [], []
    for g in range(GENRES):
        own = [curve(ARTIST_SD_DB) for _ in range(ARTISTS)]
        for t in range(TRACKS):
            values.append(means[g] + own[t % ARTISTS] + curve(SONG_SD_DB))
            genres.append(f"g{g}")
            artists.append(f"a{g}-{t % ARTISTS}")
    return Rows(np.array(values), tuple(genres), tuple(artists)), means


def test_the_parts_of_the_variance_are_found(drawn):
    pool = pool_of(drawn[0])
    within = 1.05 * (SONG_SD_DB**2 + ARTIST_SD_DB**2)  # 1.05: each band's own
    assert pool.within_db2 == pytest.approx(within, rel=0.15)
    assert pool.between_db2 == pytest.approx(1.05 * GENRE_SD_DB**2, rel=0.4)
    assert pool.artist_correlation == pytest.approx(ARTIST_SD_DB**2 / (SONG_SD_DB**2 + ARTIST_SD_DB**2), abs=0.08)


def test_the_mean_lies_as_near_to_the_truth_as_its_deviation_says(drawn):
    rows, means = drawn
    pool = pool_of(rows)
    errors = []
    for g in range(GENRES):
        tone = tone_of(f"g{g}", rows, pool)
        errors.append((np.array(tone.mean_db) - means[g]) / np.array(tone.mean_sd_db))
    assert np.sqrt(np.square(errors).mean()) == pytest.approx(1.0, abs=0.35)


def test_unknown_bands_are_filled_by_what_the_known_ones_say(drawn):
    rows, _ = drawn
    cut = rows.values.copy()
    cut[::3, -6:] = np.nan  # every third track ends an octave under the rest
    pool = pool_of(replace(rows, values=cut))
    error_db2 = np.square(pool.filled - rows.values)[::3, -6:].mean(axis=0)
    assert error_db2[0] < 0.3 * pool.within_db2  # beside a band that is known
    assert error_db2.mean() < 0.85 * pool.within_db2  # over the octave: nearer than the genre's mean is
    whole = covariance_db2(tone_of("g0", rows, pool_of(rows)))
    mended = covariance_db2(tone_of("g0", replace(rows, values=cut), pool))
    np.testing.assert_allclose(np.sqrt(np.diag(mended)), np.sqrt(np.diag(whole)), rtol=0.15)


def test_tracks_of_one_artist_count_for_less():
    assert effective_tracks(["a", "b", "c", "d"], 0.5) == pytest.approx(4.0)
    assert effective_tracks(["a"] * 4, 0.5) == pytest.approx(4 / 2.5)  # Kish: n / (1 + (m − 1) ρ)
    assert effective_tracks(["a"] * 4, 0.0) == pytest.approx(4.0)


def test_trust_rises_with_the_tracks_and_never_reaches_one(drawn):
    pool = pool_of(drawn[0])
    trusts = [trust_of(n, pool) for n in (1, 5, 50, 500)]
    assert trusts == sorted(trusts)
    assert trusts[1] < 0.8 < 0.95 < trusts[3] < 1


def test_a_covariance_is_written_down_with_its_deviations_whole(drawn):
    rows, _ = drawn
    pool = pool_of(rows)
    tone = tone_of("g0", rows, pool)
    own = rows.values[:TRACKS]
    expected = (np.cov(own, rowvar=False) * (TRACKS - 1) + pool.weight * pool.within) / (TRACKS - 1 + pool.weight)
    np.testing.assert_allclose(np.diag(covariance_db2(tone)), np.diag(expected), rtol=0.02)
    assert len(tone.factors_db) == genre_statistics.FACTORS


def test_spreads_and_width_of_profiles(files):
    profiles = [analyse(files[name]) for name in ("song", "dull", "finished")]
    spreads = {spread.name: spread for spread in spreads_of(profiles)}
    loud = sorted(p.integrated_lufs for p in profiles)
    assert spreads["integrated_lufs"].p50 == pytest.approx(loud[1], abs=0.01)
    assert spreads["integrated_lufs"].n_tracks == 3
    steps = [p.dynamics[1].p95_dbfs - p.dynamics[1].p50_dbfs for p in profiles]
    assert spreads["dynamics_120_500_db"].p50 == pytest.approx(sorted(steps)[1], abs=0.01)
    width = width_of(profiles)
    known = [p.side_to_mid_db[30] for p in profiles]
    assert width.mean_db[30] == pytest.approx(np.mean(known), abs=0.01)
    assert min(width.sd_db) > 0


def test_the_whole_width_is_that_of_the_powers(files):
    profile = analyse(files["song"])
    flat = replace(profile, ltas_db=(0.0,) * len(profile.band_hz), side_to_mid_db=(-6.0,) * len(profile.band_hz))
    assert whole_width_db(flat) == pytest.approx(-6.0)
    assert whole_width_db(replace(flat, side_to_mid_db=(None,) * len(profile.band_hz))) is None


def test_a_spectrum_has_no_level_and_ends_where_the_codec_cut_it(files):
    profile = replace(analyse(files["song"]), hf_cutoff_hz=16000.0)
    row, grid = tone_row(profile), band_grid_hz()
    assert row[(grid >= 100) & (grid <= 10000)].mean() == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(row[grid > 16000]).all()
    assert np.isfinite(row[grid < 14000]).all()
    louder = replace(profile, ltas_db=tuple(level + 9 for level in profile.ltas_db))
    np.testing.assert_allclose(tone_row(louder), row, atol=1e-9)
