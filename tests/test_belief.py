"""Belief: evidence adds up, level is free, kin outweigh strangers, and a genre is one witness among others."""

import numpy as np
import pytest

from refmaster.belief import Belief, Matched, Normal, believed, chance_db, error_sd_db, strangeness, usual, weighed
from refmaster.dsp.gaussian import equaliser_covariance, smooth_covariance
from refmaster.dsp.octaves import centres_hz
from refmaster.units import FloatArray

HZ = np.array([hz for hz in centres_hz(44100) if 30 <= hz <= 16000])
OCTAVES = np.log2(HZ / 1000)
AT = np.arange(HZ.size)
PRIOR = equaliser_covariance(HZ, 44100, 2.5)
SHELF = 4.0 / (1 + (2000 / HZ) ** 2)  # dB, a high shelf
SHELF -= SHELF.mean()
SONGS = smooth_covariance(OCTAVES, np.full(HZ.size, 4.0), 0.8) + np.eye(HZ.size)


def matched(roughness_db: float, curve: FloatArray = SHELF, **more: object) -> Matched:
    return Matched(AT, curve, roughness_db, **more)  # type: ignore[arg-type]


K1, S1 = (matched(0.8),), (matched(3.0),)


def of(*seen: Matched, normal: Normal | None = None) -> Belief:
    return believed(PRIOR, OCTAVES, seen, normal)


def test_kin_are_believed_nearly_whole_and_strangers_hardly():
    kin, stranger = of(matched(0.5)).mean_db, of(matched(4.0)).mean_db
    assert np.ptp(kin) > 0.8 * np.ptp(SHELF)
    assert np.ptp(stranger) < 0.3 * np.ptp(SHELF)
    assert of(matched(0.5)).log_evidence > 2 > of(matched(4.0)).log_evidence


def test_nothing_wrong_is_evidence_against_a_fault():
    assert of(matched(0.5, np.zeros(HZ.size))).log_evidence < -2


def test_the_level_of_a_difference_says_nothing():
    here, there = of(matched(0.8)), of(matched(0.8, SHELF + 7.0))
    np.testing.assert_allclose(here.mean_db - here.mean_db.mean(), there.mean_db - there.mean_db.mean(), atol=0.02)
    assert here.log_evidence == pytest.approx(there.log_evidence, abs=0.01)


def test_chance_is_less_of_kin_and_of_more_references():
    kin, stranger, two = (chance_db(OCTAVES, seen, None) for seen in (K1, S1, K1 * 2))
    assert (kin < stranger).all()
    np.testing.assert_allclose(two, kin / np.sqrt(2))
    assert kin[-1] > kin[len(kin) // 2]  # the top is harder to tell


def test_where_only_a_genre_is_known_its_songs_make_the_chance():
    normal = Normal(AT[5:], SHELF[5:], SONGS[5:, 5:])
    chance = chance_db(OCTAVES, (), normal)
    assert chance.shape == OCTAVES.shape
    assert (chance >= np.sqrt(SONGS[0, 0])).all()
    assert not chance_db(OCTAVES, (), None).any()


def test_other_songs_stray_half_as_far_again_as_those_of_the_library_and_parts_of_them_further():
    one = np.eye(2)
    (lacks, strays), (_, hardly) = (
        usual(2, Normal(np.arange(2), np.array([3.0, -3.0]), c)) for c in (1600 * one, 0 * one)
    )
    np.testing.assert_array_equal(lacks, [3.0, -3.0])
    np.testing.assert_allclose(strays, 60.0, atol=0.01)  # of 40 dB
    np.testing.assert_allclose(hardly, 0.55)


def test_a_genre_is_believed_by_how_far_songs_stray_from_it():
    """Two bands that differ by what a song strays by as a mix may be off: with (1.5 · 4)² + 0.55² dB² beside 4²."""
    octaves, lacks = np.array([0.0, 5.0]), np.array([2.0, -2.0])
    found = believed(16 * np.eye(2), octaves, (), Normal(np.arange(2), lacks, 16 * np.eye(2)))
    np.testing.assert_allclose(found.mean_db, lacks * 16 / (16 + 36 + 0.3025), rtol=1e-4)


def test_a_genre_has_no_say_in_whether_what_was_matched_is_wrong():
    normal = Normal(AT, -SHELF, SONGS)
    assert of(*K1, normal=normal).log_evidence == of(*K1).log_evidence
    assert of(normal=normal).log_evidence != 0.0


def test_a_weight_makes_a_reference_count_for_less():
    assert np.ptp(of(matched(1.0, weight=0.1)).mean_db) < np.ptp(of(matched(1.0)).mean_db)


def test_a_genre_alone_moves_toward_its_normal_and_less_than_all_the_way():
    found = of(normal=Normal(AT, SHELF, SONGS)).mean_db
    assert 0.05 * np.ptp(SHELF) < np.ptp(found) < 0.7 * np.ptp(SHELF)
    assert np.corrcoef(found, SHELF)[0, 1] > 0.8


def test_a_stranger_that_is_as_far_from_normal_as_from_the_target_tells_nothing():
    normal = Normal(AT, np.zeros(HZ.size), SONGS)
    taken = of(matched(4.0, SHELF, strays_db=SHELF), normal=normal).mean_db
    alone = of(matched(4.0, SHELF)).mean_db
    assert np.ptp(taken) < 0.5 * np.ptp(alone)


def test_what_a_stranger_itself_strays_from_normal_is_taken_off_what_it_says():
    normal = Normal(AT, np.zeros(HZ.size), SONGS)
    normally, like_it, unlike_it = (
        np.ptp(of(matched(2.4, SHELF, strays_db=strays), normal=normal).mean_db)
        for strays in (np.zeros(HZ.size), SHELF, -SHELF)
    )
    assert like_it < 0.05 * normally
    assert unlike_it > 1.5 * normally


def test_two_strangers_say_less_than_one_that_is_twice_as_sure():
    """What they differ by from the target's own sound they have in common."""
    assert np.ptp(of(*S1 * 2).mean_db) < 0.9 * np.ptp(of(matched(3.0, weight=2.0)).mean_db)
    assert np.ptp(of(*K1 * 2).mean_db) == pytest.approx(np.ptp(of(matched(0.8, weight=2.0)).mean_db), rel=1e-3)


def test_kin_outweigh_a_genre():
    found = of(matched(0.4, np.zeros(HZ.size), strays_db=-SHELF), normal=Normal(AT, SHELF, SONGS)).mean_db
    assert np.abs(found - found.mean()).max() < 0.5


@pytest.mark.parametrize(("roughness_db", "strange"), [(0.5, 0.0), (1.5, 0.0), (1.95, 0.5), (2.4, 1.0), (9.0, 1.0)])
def test_strangeness_goes_from_parts_of_a_song_to_strangers(roughness_db, strange):
    assert strangeness(roughness_db) == pytest.approx(strange)


def test_errors_grow_with_roughness():
    assert error_sd_db(0.5) < error_sd_db(1.0) < error_sd_db(3.0)


def test_one_number_that_one_source_tells_is_shrunk_by_its_error():
    mean, ratio = weighed(np.array([3.0]), np.array([1.0]), 2.0)
    assert mean == pytest.approx(3.0 * 4 / 5)
    assert ratio == pytest.approx(0.5 * (9 - 9 / 5 - np.log(5)))


def test_sources_that_agree_are_surer_than_one():
    one, two = (weighed(np.full(n, 3.0), np.ones(n), 2.0) for n in (1, 2))
    assert two[0] > one[0]
    assert two[1] > one[1]
