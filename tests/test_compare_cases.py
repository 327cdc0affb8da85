"""Comparing where a reference misleads: in another key, limited, without a top; and how dynamics are compared."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.signal import resample_poly

from refmaster.analyse import Measured, measure
from refmaster.compare import CODEC_HZ, Example, compare, corrected, empty_top, is_limited, pairing, wanted
from refmaster.compare import tone as tone_module
from refmaster.compare.dynamics import MOST_STEP, dynamics_gaps
from refmaster.compare.fault import LIMITED_PCT, probability
from refmaster.compare.goal import goal_of
from refmaster.compare.pairing import _registered as registered
from refmaster.compare.pairing import at_usual_length, sight
from refmaster.demo import finished, song
from refmaster.dsp.octaves import centres_hz, thirds_db
from refmaster.dsp.pitch import Likeness
from refmaster.genres import load_genre
from refmaster.load import track_of
from refmaster.records import Comparison, Spread
from tests.signals import FloatArray, pink_noise, spoil

RATE_HZ = 44100
LENGTH_S = 12


def low_side(n_samples: int) -> FloatArray:
    """Noise under 100 Hz that is in the side alone."""
    bins = np.fft.rfft(np.random.default_rng(5).standard_normal(n_samples))
    bins[np.fft.rfftfreq(n_samples, 1 / RATE_HZ) > 100] = 0.0
    noise = np.fft.irfft(bins, n_samples)
    return np.array([[1.0], [-1.0]]) * 0.05 * noise / noise.std()


@cache
def sound(name: str) -> FloatArray:
    """12 s of music by what was done to it."""
    whole = song(RATE_HZ)[:, : LENGTH_S * RATE_HZ]
    if name.startswith("up"):
        return resample_poly(whole, 1000, round(1000 * 2 ** (float(name.removeprefix("up")) / 12)), axis=1)
    if name.startswith("top"):
        bins = np.fft.rfft(whole)
        bins[:, np.fft.rfftfreq(whole.shape[1], 1 / RATE_HZ) > float(name.removeprefix("top"))] = 0.0
        return np.fft.irfft(bins, whole.shape[1])
    return {
        "song": lambda: whole,
        "later": lambda: song(RATE_HZ)[:, LENGTH_S * RATE_HZ : 2 * LENGTH_S * RATE_HZ],
        "other": lambda: finished(RATE_HZ)[:, : LENGTH_S * RATE_HZ],
        "spoiled": lambda: spoil(whole, RATE_HZ, high_shelf_db=-5.0, width_db=-3.0),
        "clipped": lambda: np.clip(6.0 * whole, -0.8, 0.8),
        "noise": lambda: pink_noise(-20.0, LENGTH_S, RATE_HZ),
        "mono": lambda: whole[:1],
        "dark": lambda: spoil(whole, RATE_HZ, high_shelf_db=-12.0),
        "rumbling": lambda: whole + low_side(whole.shape[1]),
        "narrow": lambda: spoil(whole, RATE_HZ, width_db=-6.0),
        "inverted": lambda: whole * np.array([[1.0], [-1.0]]),
        "silent": lambda: whole * np.array([[1.0], [0.0]]),
        "clicks": lambda: np.repeat(0.5 * (np.arange(LENGTH_S * RATE_HZ) % (RATE_HZ // 2) == 0)[np.newaxis], 2, axis=0),
        "drifting noise": lambda: sound("noise") * 10 ** (0.075 * np.sin(np.arange(LENGTH_S * RATE_HZ) / RATE_HZ)),
        "bright noise": lambda: spoil(sound("noise"), RATE_HZ, high_shelf_db=6.0),
    }[name]()


@cache
def heard(name: str) -> Measured:
    return measure(track_of(sound(name), RATE_HZ, name=name))


def compared(target: str, reference: str, *, same_song: bool = False) -> Comparison:
    return compare(heard(target), heard(reference), load_genre(), same_song=same_song)


def size_db(values: tuple[float, ...], found: Comparison) -> float:
    """Standard deviation over the bands that tell of tone."""
    return float(np.std(np.array(values)[np.array(found.tone.weight) > 0]))


# in another key


@pytest.mark.parametrize("semitones", [-3, 1, 2, 4])
def test_a_reference_in_another_key_is_named_and_teaches_next_to_nothing(semitones):
    """In full it would be 1.5 to 4 dB rms of tone, all of it notes."""
    found = compared("song", f"up{semitones}")
    assert found.transposed_semitones == pytest.approx(semitones, abs=0.34)
    assert size_db(found.tone.full_db, found) >= 1.4
    assert np.abs(found.tone.wanted_db).max() <= 0.5
    word = f"{abs(semitones)} semitone{'s' if abs(semitones) > 1 else ''} {'up' if semitones > 0 else 'down'}"
    assert any(word in text for text in found.ignored)


@pytest.mark.parametrize("pair", [("song", "later"), ("song", "noise"), ("other", "noise"), ("song", "spoiled")])
def test_what_is_not_transposed_is_not_called_so(pair):
    found = compared(*pair)
    assert found.transposed_semitones is None
    assert not any("semitone" in text for text in found.ignored)


def test_a_damaged_copy_in_another_key_is_known_too():
    assert compared("spoiled", "up2").transposed_semitones == pytest.approx(2.0, abs=0.34)


# a person's word


@pytest.mark.parametrize("reference", ["other", "up2"])
def test_a_person_s_word_outranks_the_numbers(reference):
    """With `same_song` it is kin, whatever it sounds like."""
    judged, told = compared("song", reference), compared("song", reference, same_song=True)
    assert judged.kinship < told.kinship == 1.0
    assert told.transposed_semitones is None
    assert not any("semitone" in text for text in told.ignored)
    apart = (np.array(told.tone.full_db) - np.array(judged.tone.full_db))[np.array(told.tone.full_weight) > 0]
    assert np.ptp(apart) < 1e-9  # but for the level, which is none of its business


def test_told_to_be_the_same_song_more_of_its_dynamics_is_believed():
    judged, told = compared("song", "other"), compared("song", "other", same_song=True)
    assert all(t.believed > j.believed for t, j in zip(told.dynamics, judged.dynamics, strict=True))


# limited, and without a top


@pytest.mark.parametrize("name", ["song", "later", "spoiled", "top8000"])
def test_a_mix_with_all_its_peaks_is_not_limited(name):
    assert not is_limited(heard(name).profile)


def test_what_was_clipped_is_limited():
    assert is_limited(heard("clipped").profile)


@pytest.mark.parametrize(("held_pct", "limited"), [(None, False), (0.0, False), (LIMITED_PCT, True), (40.0, True)])
def test_limited_is_told_by_the_peaks_that_are_held(held_pct, limited):
    assert is_limited(replace(heard("song").profile, peaks_held_pct=held_pct, psr_db=9.0)) is limited


def test_less_is_believed_wrong_with_what_was_thought_finished():
    """The same numbers with peaks held: the posterior never takes more, and less is thought a fault."""
    mix = heard("spoiled")
    done = replace(mix, profile=replace(mix.profile, peaks_held_pct=30.0, psr_db=9.0))
    for reference in ("later", "other"):
        open_, shut = (compare(m, heard(reference), load_genre()) for m in (mix, done))
        assert size_db(shut.tone.wanted_db, shut) <= size_db(open_.tone.wanted_db, open_) + 1e-9
        assert shut.tone.full_db == open_.tone.full_db


def test_without_evidence_a_mix_is_as_likely_wrong_as_right_and_a_limited_track_seldom():
    profile = heard("spoiled").profile
    mix, done = (replace(profile, peaks_held_pct=held_pct, psr_db=9.0) for held_pct in (0.0, 30.0))
    assert probability(0.0, mix) == pytest.approx(0.5)
    assert probability(0.0, done) == pytest.approx(0.1)


@pytest.mark.parametrize(("name", "empty"), [("top8000", True), ("top10000", True), ("top16000", False)])
def test_a_top_is_empty_where_no_codec_cut_it(name, empty):
    assert empty_top(heard(name).profile) is empty


def test_a_whole_spectrum_has_a_top():
    assert not empty_top(replace(heard("song").profile, hf_cutoff_hz=None))
    assert not empty_top(replace(heard("song").profile, hf_cutoff_hz=CODEC_HZ))


# what an amount makes of it


AMOUNTS = [(0, 0, 0), (25, 0.5, 0), (50, 1, 0), (75, 0.5, 0.5), (100, 0, 1)]


@pytest.mark.parametrize(("amount_pct", "believed", "full"), AMOUNTS)
def test_the_amount_goes_from_nothing_through_what_is_believed_to_all(amount_pct, believed, full):
    tone = compared("spoiled", "song").tone
    expected = believed * np.array(tone.wanted_db) + full * np.array(tone.full_db)
    np.testing.assert_allclose(wanted(tone, amount_pct), expected, rtol=0, atol=1e-12)


# what is still missing


def test_where_the_reference_was_reached_nothing_is_moved():
    found = compared("spoiled", "song")
    same = corrected(found, heard("song"), heard("song"))
    np.testing.assert_allclose(same.tone.full_db, found.tone.full_db, rtol=0, atol=1e-9)
    np.testing.assert_allclose(same.width.full_db, found.width.full_db, rtol=0, atol=1e-9)
    assert [gap.correction for gap in same.dynamics] == pytest.approx([1.0] * len(found.dynamics))


@pytest.mark.parametrize("reached", ["spoiled", "later", "other"])
def test_full_differences_move_by_what_is_missing(reached):
    """Thirds of an octave of the reference less those reached, level removed; nothing else of the tone changes."""
    found = compared("spoiled", "song")
    moved = corrected(found, heard(reached), heard("song"))
    at_hz, seen = np.array(found.band_hz), np.array(found.tone.full_weight) > 0
    got, goal = (thirds_db(m.spectrum.mid_bins, m.spectrum.bin_hz, at_hz) for m in (heard(reached), heard("song")))
    step = np.array(moved.tone.full_db) - np.array(found.tone.full_db)
    np.testing.assert_allclose(step[seen], (goal - got)[seen] - (goal - got)[seen].mean(), rtol=0, atol=1e-9)
    assert not step[~seen].any()
    assert replace(moved.tone, full_db=found.tone.full_db) == found.tone


def test_what_moved_nothing_is_asked_for_twice():
    found = compared("spoiled", "song")
    moved = corrected(found, heard("spoiled"), heard("song"))
    shelf = [np.array(c.tone.full_db)[np.array(c.tone.weight) > 0] for c in (found, moved)]
    np.testing.assert_allclose(np.diff(shelf[1]), 2 * np.diff(shelf[0]), rtol=0, atol=1e-9)
    wide = np.array(found.width.full_weight) > 0
    np.testing.assert_allclose(np.array(moved.width.full_db)[wide], 2 * np.array(found.width.full_db)[wide], atol=1e-9)


def test_dynamics_are_corrected_by_the_factor_that_is_missing_and_no_more_than_a_step():
    found = compared("clipped", "song")
    once = corrected(found, heard("clipped"), heard("song"))
    for before, after in zip(found.dynamics, once.dynamics, strict=True):
        factor = np.clip(before.reference_db / before.target_db, 1 / MOST_STEP, MOST_STEP)
        assert after.correction == pytest.approx(factor)
        assert replace(after, correction=1.0) == before
    assert max(gap.correction for gap in once.dynamics) == pytest.approx(MOST_STEP)
    twice = corrected(once, heard("clipped"), heard("song"))
    assert [g.correction for g in twice.dynamics] == pytest.approx([g.correction**2 for g in once.dynamics])


@pytest.mark.parametrize("reached", ["spoiled", "clipped"])
def test_what_was_played_of_a_part_is_taken_for_the_whole(reached):
    """Nothing done in a part that sounds otherwise than the whole asks for what nothing done in the whole asks for."""
    found = compared("spoiled", "song")
    whole = corrected(found, heard(reached), heard("song"))
    part = corrected(found, heard("later"), heard("song"), (heard("later"), heard(reached)))
    np.testing.assert_allclose(part.tone.full_db, whole.tone.full_db, rtol=0, atol=1e-9)
    np.testing.assert_allclose(part.width.full_db, whole.width.full_db, rtol=0, atol=1e-9)
    assert [g.correction for g in part.dynamics] == pytest.approx([g.correction for g in whole.dynamics])


def test_mono_is_corrected_without_a_width():
    found = compared("mono", "song")
    assert corrected(found, heard("mono"), heard("song")).width is None


# dynamics


def test_a_gap_is_how_far_the_loud_stand_above_the_median():
    found = compared("song", "other")
    assert len(found.dynamics) == 5
    for gap, ours, theirs in zip(found.dynamics, *(heard(n).profile.dynamics for n in ("song", "other")), strict=True):
        assert (gap.low_hz, gap.high_hz) == (ours.low_hz, ours.high_hz)
        assert gap.target_db == pytest.approx(ours.p95_dbfs - ours.p50_dbfs)
        assert gap.reference_db == pytest.approx(theirs.p95_dbfs - theirs.p50_dbfs)
        assert gap.correction == 1.0


def test_clipping_makes_the_bands_of_the_kick_denser_and_level_and_tone_none():
    assert all(gap.reference_db < gap.target_db - 1.0 for gap in compared("song", "clipped").dynamics[:2])
    for gap in compared("song", "spoiled").dynamics:
        assert gap.reference_db == pytest.approx(gap.target_db, abs=0.5)


def test_little_of_a_gap_in_dynamics_is_believed_and_less_of_a_stranger_s():
    kin, stranger = compared("song", "later"), compared("song", "other")
    assert kin.kinship > stranger.kinship
    for near, far in zip(kin.dynamics, stranger.dynamics, strict=True):
        assert 0.0 < far.believed < near.believed < 0.1
        assert near.sd_db < far.sd_db


def test_a_track_has_no_gap_in_dynamics_to_itself():
    assert all(gap.target_db == gap.reference_db for gap in compared("song", "song").dynamics)


# Channels that are no stereo


@pytest.mark.parametrize("pair", [("spoiled", "inverted"), ("inverted", "song")], ids=["reference", "target"])
def test_an_inverted_channel_is_no_witness_of_tone_nor_width(pair):
    """What is its mid is what should be the side: all that is compared by it would be of another sound."""
    found = compared(*pair)
    assert not any(found.tone.wanted_db)
    assert not any(found.tone.full_weight)
    assert found.width is None
    assert found.dynamics == ()
    (said,) = (text for text in found.ignored if "inverted" in text)
    assert ("target" if pair[0] == "inverted" else "reference") in said


@pytest.mark.parametrize(("reference", "why"), [
    ("noise", "stands still"), ("clicks", "stands still"), ("drifting noise", "colour never changes"),
])  # fmt: skip
def test_what_stands_still_teaches_music_neither_tone_nor_width(reference, why):
    found = compared("song", reference)
    assert found.kinship == 0.0
    assert not np.any(found.tone.wanted_db)
    assert np.ptp(found.tone.full_db) > 5.0  # whoever asks for all of it gets it
    assert found.width is None
    assert [text for text in found.ignored if why in text]
    assert found.loudness_lufs == heard("song").profile.integrated_lufs != found.loudness_full_lufs
    assert compared("song", reference, same_song=True).kinship == 1.0


@pytest.mark.parametrize("reference", ["noise", "drifting noise"])
def test_what_stands_still_itself_learns_from_its_like(reference):
    """Noise toward noise is how people try an equaliser."""
    found = compared("bright noise", reference)
    assert found.kinship > 0.8
    assert np.ptp(found.tone.wanted_db) > 4.0
    assert not [text for text in found.ignored if "as of noise" in text]


def test_an_inverted_track_is_not_moved_toward_a_genre_either():
    found = compare(heard("inverted"), (), load_genre("rock"))
    assert not any(found.tone.wanted_db)
    assert found.width is None


@pytest.mark.parametrize("pair", [("silent", "song"), ("spoiled", "silent")], ids=["target", "reference"])
def test_a_silent_channel_makes_no_image(pair):
    found = compared(*pair)
    assert found.width is None
    assert any(found.tone.weight)


def test_the_width_of_several_references_is_read_from_all_in_any_order():
    """What is told of it would else be the first one's alone."""
    wide, narrow = heard("song"), heard("narrow")
    both = [
        compare(heard("spoiled"), tuple(map(Example, order)), load_genre()).width
        for order in ((wide, narrow), (narrow, wide))
    ]
    alone = [np.array(compare(heard("spoiled"), one, load_genre()).width.matched_db) for one in (wide, narrow)]
    assert both[0].matched_db == pytest.approx(both[1].matched_db)
    assert (np.array(both[0].matched_db) <= np.maximum(*alone) + 1e-9).all()
    assert (np.array(both[0].matched_db) >= np.minimum(*alone) - 1e-9).all()
    assert np.abs(np.array(both[0].matched_db) - alone[0]).max() > 1


# What the genre and the kinship bound


def test_what_is_wanted_of_tone_has_no_level():
    tone = compared("spoiled", "song").tone
    seen = np.array(tone.weight) > 0
    assert np.abs(tone.wanted_db).max() > 1
    assert np.array(tone.wanted_db)[seen].mean() == pytest.approx(0.0, abs=1e-6)


def test_what_strangers_say_of_the_top_counts_by_the_root_of_their_kinship(monkeypatch):
    found = compared("dark", "other")
    assert 0.005 < found.kinship < 0.9
    monkeypatch.setattr(tone_module, "TOP_HZ", (1e8, 1e9))
    whole = compared("dark", "other")
    top, below = (np.array(found.band_hz) > 12000, np.array(found.band_hz) < 5000)
    wanted, all_of_it = np.array(found.tone.wanted_db), np.array(whole.tone.wanted_db)
    assert np.abs(all_of_it[top]).max() > 0.5
    assert wanted[top] == pytest.approx(np.sqrt(found.kinship) * all_of_it[top])
    assert wanted[below] == pytest.approx(all_of_it[below])


def test_a_gap_in_dynamics_that_is_usual_in_the_genre_is_believed_by_kinship_alone():
    target, any_music = heard("clipped").profile, load_genre()
    spreads = tuple(
        Spread(f"dynamics_{one.low_hz:.0f}_{one.high_hz:.0f}_db", 0.0, None, one.loud_over_median_db, None, 40.0, 9)
        for one in target.dynamics
    )
    goal = goal_of((Example(heard("song")),), np.array(target.band_hz))
    usual, unknown = (
        dynamics_gaps(target, goal, genre, 0.25) for genre in (replace(any_music, spreads=spreads), any_music)
    )
    assert [one.believed for one in usual] == pytest.approx([0.25 * one.believed for one in unknown])


def test_a_low_end_wider_than_a_genre_that_keeps_it_narrow_goes_to_its_edge_where_the_reference_agrees():
    rock = load_genre("metal")
    low = np.array(compared("rumbling", "song").band_hz) <= 120
    narrowed, wide_too = (
        np.array(compare(heard("rumbling"), heard(reference), rock).width.wanted_db)
        for reference in ("song", "rumbling")
    )
    apart = narrowed[low].mean() - narrowed[~low].mean()
    assert apart < -1
    assert wide_too[low].mean() - wide_too[~low].mean() == pytest.approx(0.0, abs=0.1)  # the reference is as wide
    plain = np.array(compared("rumbling", "song").width.wanted_db)
    assert np.ptp(plain) == pytest.approx(0.0, abs=1e-9)


# Strangers that pass for kin


def test_what_is_rough_counts_as_of_25_s():
    """The more there is of two strangers, the smoother they lie beside each other by chance."""
    short, long = (heard(name).profile for name in ("song", "other"))

    def factor(seconds: float) -> float:
        pair = sight(heard("song"), Example(heard("other"))).pair
        sides = (
            replace(m, profile=replace(p, duration_s=seconds))
            for m, p in ((heard("song"), short), (heard("other"), long))
        )
        return at_usual_length(replace(pair, **dict(zip(("target", "reference"), sides, strict=True))))

    assert factor(12.0) == factor(25.0) == 1.0
    assert factor(180.0) == pytest.approx(7.2**0.19)


def test_songs_without_common_notes_are_no_close_kin(monkeypatch):
    """However smoothly they lie beside each other."""
    monkeypatch.setattr(pairing, "_registered", smooth)
    alike, apart = Likeness(0.9, 0.9, 0.0), Likeness(0.2, 0.2, 0.0)
    monkeypatch.setattr(pairing, "likeness", lambda *_: alike)
    assert sight(heard("song"), Example(heard("other"))).found.roughness_db == pytest.approx(1.5)
    monkeypatch.setattr(pairing, "likeness", lambda *_: apart)
    assert sight(heard("song"), Example(heard("other"))).found.roughness_db == pytest.approx(
        1.5
    )  # as short as they are
    monkeypatch.setattr(pairing, "at_usual_length", lambda pair: 1.1)
    monkeypatch.setattr(pairing, "apart", lambda *_: 0.6)
    strangers = sight(heard("song"), Example(heard("other")))
    assert strangers.found.roughness_db == pairing.OTHER_LEAST_DB[1]
    assert strangers.kinship < 0.45
    monkeypatch.setattr(pairing, "apart", lambda *_: 0.425)  # of one album, by all that is not notes
    assert sight(heard("song"), Example(heard("other"))).found.roughness_db == pytest.approx(1.7)
    monkeypatch.setattr(pairing, "apart", lambda *_: 0.31)
    assert sight(heard("song"), Example(heard("other"))).found.roughness_db == pytest.approx(1.65)
    assert sight(heard("song"), Example(heard("other")), same_song=True).kinship == 1.0


def smooth(pair, seen, semitones, threads):
    """A registration that leaves 1.5 dB."""
    return replace(registered(pair, seen, semitones, threads), roughness_db=1.5)


@pytest.mark.parametrize("semitones", [1.0, -1.0, 3.0, 2.0])
def test_a_key_between_two_bands_is_read_between_them(semitones):
    """A semitone is half a sixth of an octave; the reference has the target's curves, that much further up."""
    bands, rng = np.arange(60), np.random.default_rng(8)
    phases, tilts = rng.uniform(0, 2 * np.pi, 40), rng.normal(0.0, 0.2, 40)

    def frames(up: float) -> FloatArray:
        place = bands[np.newaxis, :] - up
        return 10 * np.sin(2 * np.pi * place / 12 + phases[:, np.newaxis]) + tilts[:, np.newaxis] * place - 40.0

    def heard(levels_db: FloatArray) -> SimpleNamespace:
        spectrum = SimpleNamespace(passages=lambda: (10 ** (levels_db / 10), None))
        return SimpleNamespace(spectrum=spectrum, profile=SimpleNamespace(sample_rate_hz=RATE_HZ))

    hz = np.array(centres_hz(RATE_HZ)[:60])
    seen = (hz > 60.0) & (hz < 12000.0)
    pair = pairing.Pair(hz, np.log2(hz / 1000), heard(frames(0.0)), heard(frames(semitones / 2)), seen, seen)
    found = registered(pair, seen, semitones, 1)
    assert np.abs(found.raw_db).max() < 0.4  # dB; a straight line from band to band cuts off that much of a crest
    assert found.roughness_db < 0.1
