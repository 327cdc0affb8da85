"""Passports: what a reference is, what it can teach, and when it is no reference."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from refmaster import demo
from refmaster.analyse import measure
from refmaster.compare import Example, compare
from refmaster.genres import load_genre
from refmaster.load import open_track, track_of
from refmaster.passport import as_data, density_db, in_short, passport_of
from refmaster.pipeline import Options, master
from refmaster.records import Defect, Weights
from refmaster.taken import reference_words
from tests.signals import pink_noise

RATE_HZ = 44100


@pytest.fixture(scope="module")
def measured(files):
    return {name: measure(open_track(path)) for name, path in files.items()}


@pytest.fixture(scope="module")
def target(measured):
    return measured["spoiled"]


def read(target, reference, **changes):
    comparison = compare(target, reference, load_genre())
    return passport_of(replace(reference.profile, **changes), target.profile, comparison)


def taught(passport):
    return {lesson.aspect: lesson.teaches for lesson in passport.lessons}


def test_the_same_song_is_known_and_teaches_dynamics_loudness_and_width(target, measured):
    found = read(target, measured["song"])
    assert found.relation == "same song"
    assert found.suitable
    assert found.reason == ""
    assert {taught(found)[name] for name in ("dynamics", "loudness", "width")} == {"all"}
    assert "The reference can teach" in in_short(found)


def test_what_a_reference_counts_for_nothing_in_it_does_not_teach(target, measured):
    weights = Weights(tone=0.0, dynamics=0.0, image=1.0, level=0.0)
    compared = compare(target, (Example(measured["finished"], weights),), load_genre("any"))
    passport = passport_of(measured["finished"].profile, target.profile, compared)
    assert passport.suitable
    assert taught(passport) == {"tone": "nothing", "dynamics": "nothing", "loudness": "nothing", "width": "all"}
    assert in_short(passport).count("you let it count for nothing") == 3
    none = compare(target, (Example(measured["finished"], Weights(0.0, 0.0, 0.0, 0.0)),), load_genre("any"))
    assert "can teach nothing" in in_short(passport_of(measured["finished"].profile, target.profile, none))


def test_another_song_is_a_hint(target, measured):
    found = read(target, measured["finished"])
    assert found.relation in ("another song", "transposed", "relative")
    assert found.farther_pct < 100


def test_what_is_unlike_the_target_everywhere_teaches_tone_only_where_it_is_asked_to(target, measured):
    compared = replace(compare(target, measured["song"], load_genre()), kinship=0.004)
    found = passport_of(measured["song"].profile, target.profile, compared)
    assert found.suitable
    assert taught(found)["tone"] == "part"
    assert "only at an --amount over 50, as no passage of it is like yours" in in_short(found)


def test_noise_is_no_reference_for_music(target):
    found = read(target, measure(track_of(pink_noise(-20.0, 12, RATE_HZ), RATE_HZ, name="noise")))
    assert not found.suitable
    assert "it is no music" in in_short(found)
    assert taught(found) == {"tone": "part", "dynamics": "nothing", "loudness": "nothing", "width": "nothing"}


def test_noise_that_swells_is_none_either(target):
    swell = 10 ** (0.075 * np.sin(np.arange(12 * RATE_HZ) / RATE_HZ))
    found = read(target, measure(track_of(pink_noise(-20.0, 12, RATE_HZ) * swell, RATE_HZ, name="noise")))
    assert not found.suitable
    assert "its colour never changes" in found.reason


def test_the_target_itself_is_no_reference(target):
    found = read(target, target)
    assert not found.suitable
    assert "the target itself" in found.reason
    assert in_short(found).startswith("Not suitable as a reference")


def test_a_codecs_cut_ends_what_tone_can_be_learnt(target, measured):
    found = read(target, measured["song"], hf_cutoff_hz=16000.0)
    tone = found.lessons[0]
    assert tone.teaches == "part"
    assert "up to 14.3 kHz" in tone.text  # a sixth of an octave under the cut
    assert any("ends at 16.0 kHz, where lossy codecs cut" in fact for fact in found.facts)


def test_a_telephones_band_is_no_reference(target, measured):
    found = read(target, measured["song"], hf_cutoff_hz=3400.0)
    assert not found.suitable
    assert "ends at 3.4 kHz" in found.reason


def test_what_was_limited_or_clipped_cannot_tell_its_peaks(target, measured):
    limited = read(target, measured["song"], peaks_held_pct=20.0)
    assert limited.limited
    assert taught(limited)["dynamics"] == "part"
    clipped = read(target, measured["song"], defects=(Defect("clipped_runs", 84.0, "clipped"),))
    assert clipped.clipped_runs == 84
    assert taught(clipped)["dynamics"] == "part"
    assert any("84 flat tops" in fact for fact in clipped.facts)


def test_mono_teaches_no_width(target):
    mono = measure(track_of(demo.song(RATE_HZ)[:1, : 12 * RATE_HZ], RATE_HZ))
    found = read(target, mono)
    assert taught(found)["width"] == "nothing"
    assert "not width (the reference is mono)" in in_short(found)


@pytest.mark.parametrize("name", ["silent_channel", "dual_mono", "polarity"])
def test_a_broken_image_teaches_no_width(name, target, measured):
    found = read(target, measured["song"], defects=(Defect(name, 1.0, "broken"),))
    assert taught(found)["width"] == "nothing"


def test_silence_is_no_reference(target):
    silent = measure(track_of(demo.song(RATE_HZ)[:, : 5 * RATE_HZ] * 1e-6, RATE_HZ)).profile
    found = passport_of(silent, target.profile, None)
    assert not found.suitable
    assert "silent" in found.reason
    assert set(taught(found).values()) <= {"nothing"}


def test_what_is_too_short_is_no_reference(target):
    short = measure(track_of(pink_noise(-20, 2.0, RATE_HZ), RATE_HZ)).profile
    assert "2.00 s long" in passport_of(short, target.profile, None).reason


def test_what_sounds_all_the_time_is_denser(measured):
    noise = measure(track_of(pink_noise(-20, 6.0, RATE_HZ), RATE_HZ)).profile
    assert density_db(noise) < 4 < density_db(measured["dull"].profile)


def test_tempo_and_density_are_told_of_both(target, measured):
    facts = " · ".join(read(target, measured["song"]).facts)
    assert "108 BPM; the target 108" in facts
    assert "as dense as the target" in facts


def test_the_passport_is_plain_data(target, measured):
    data = as_data(read(target, measured["song"]))
    assert data["text"]
    assert data["lessons"][0]["aspect"] == "tone"
    assert {"suitable", "relation", "kinship", "tempo_bpm", "hf_cutoff_hz", "limited", "facts"} <= set(data)


def test_noise_moves_a_master_at_most_toward_the_ceiling(tmp_path, files):
    """Neither tone nor level follow it, and nobody is told that they do."""
    noise = tmp_path / "noise.wav"
    soundfile.write(noise, pink_noise(-30.0, 12, RATE_HZ).T, RATE_HZ, "PCM_24")
    report = master(files["spoiled"], noise, tmp_path / "out.wav", options=Options(html=False))
    assert report.master is not None
    assert report.master.integrated_lufs == pytest.approx(report.target.integrated_lufs, abs=0.1)
    assert not [move for move in report.plan.active if move.mover in ("match_eq", "match_width", "match_dynamics")]
    assert "follow" not in reference_words(report)
    said = next(one.assumed for one in report.plan.assumptions if "loud" in one.question)
    assert "the reference is no music" in said
