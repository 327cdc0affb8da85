"""What the report plays: where, how loud, and the very samples."""

import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf

from refmaster import demo, listen
from refmaster.analyse import analyse, measure
from refmaster.load import open_track, resampled
from refmaster.measure.loudness import measure_loudness
from refmaster.records import Profile
from tests.conftest import RATE_HZ, write_wav
from tests.report import sample
from tests.signals import pink_noise

FRAMES = "frames, channels"
TOUCH_DB = -60.0  # what 16 bits take away, beside a sound that is not loud


@pytest.fixture(scope="module")
def profile() -> Profile:
    return sample.full_report().target


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A song of 40 s and a louder version of it, as files and as profiles."""
    folder = tmp_path_factory.mktemp("pair")
    song = demo.dull_mix(RATE_HZ)
    quiet, loud = (write_wav(folder / f"{name}.wav", gain * song) for name, gain in (("quiet", 0.25), ("loud", 0.5)))
    return song, analyse(quiet), analyse(loud)


def decoded(flac: bytes):
    samples, rate_hz = sf.read(io.BytesIO(flac), always_2d=True)
    return samples, rate_hz


def level_db(samples):
    return 10 * np.log10(np.mean(np.square(samples)))


def test_a_long_track_is_heard_where_it_is_loudest_and_in_a_quieter_part(profile):
    loudest, quieter = listen.passages_of(profile)
    assert (loudest.name, loudest.length_s) == ("loudest", listen.LOUDEST_S)
    assert (quieter.name, quieter.length_s) == ("quieter", listen.QUIETER_S)
    chorus = profile.sections[4]  # of the sample: its loudest
    assert chorus.start_s - 1 <= loudest.start_s
    assert loudest.start_s + loudest.length_s <= chorus.end_s + 1
    ends = (loudest.start_s + loudest.length_s, quieter.start_s + quieter.length_s)
    assert quieter.start_s >= ends[0] or ends[1] <= loudest.start_s
    inside = [
        level
        for i, level in enumerate(profile.short_term_lufs)
        if level is not None and quieter.start_s + 3 <= i * profile.history_hop_s <= ends[1]
    ]
    assert max(inside) < profile.integrated_lufs


def test_a_short_track_is_heard_as_a_whole(profile):
    short = replace(profile, n_samples=12 * RATE_HZ, duration_s=12.0)
    assert listen.passages_of(short) == (listen.Passage("whole", 0.0, 12.0),)


def test_a_track_that_is_silent_but_for_one_place_has_one_passage(profile):
    there = tuple(-20.0 if 100 <= i * profile.history_hop_s <= 106 else None for i in range(2140))
    passages = listen.passages_of(replace(profile, short_term_lufs=there))
    assert passages[0].name == "loudest"
    assert passages[0].start_s - 1 <= 100 <= passages[0].start_s + listen.LOUDEST_S
    assert all(0 <= one.start_s <= profile.duration_s - one.length_s for one in passages)


def peaking(profile, *peaks_dbtp):
    return tuple(replace(profile, true_peak_dbtp=peak) for peak in peaks_dbtp)


def test_all_are_turned_down_to_the_quietest_and_none_up(profile):
    assert listen.matching_gains_db(peaking(profile, -3.0, -3.0, -3.0), (-20.0, -9.5, -14.0)) == (0.0, -10.5, -6.0)


def test_what_would_pass_full_scale_turns_all_down(profile):
    """A quiet track with a peak over full scale: it may not clip in the player, and stays as loud as the others."""
    gains = listen.matching_gains_db(peaking(profile, 1.0, -1.0), (-20.0, -10.0))
    assert gains == (-1.5, -11.5)
    assert 1.0 + gains[0] <= listen.HEADROOM_DBTP


def test_a_peak_of_exactly_full_scale_is_one(profile):
    gains = listen.matching_gains_db(peaking(profile, 0.0, 0.0), (-20.0, -20.0))
    assert gains == (listen.HEADROOM_DBTP, listen.HEADROOM_DBTP)


def test_silence_is_not_matched(profile):
    assert listen.matching_gains_db((profile, profile), (-20.0, None)) is None


def arranged(tmp_path, name, levels_db, channels=2):
    """A song of 10 s parts of one noise, each at its own level."""
    noise = pink_noise(-20.0, 10.0, RATE_HZ)[:channels]
    sound = np.concatenate([10 ** (level / 20) * noise for level in levels_db], axis=1)
    return analyse(write_wav(tmp_path / f"{name}.wav", sound))


def as_heard_lufs(voice, number):
    """What a passage reads as the page plays it: decoded, turned up from where FLAC held it, and down to be matched."""
    samples, rate_hz = decoded(voice.flac[voice.played(number)])
    gain = 10 ** ((voice.held_db + voice.gains_db[number]) / 20)
    both = np.repeat(samples, 3 - samples.shape[1], axis=1).T  # one channel comes out of two speakers
    return measure_loudness([gain * both], rate_hz).integrated_lufs


def test_versions_are_as_loud_as_each_other_in_each_passage(tmp_path):
    """A master that lifts quiet parts, and a reference whose parts lie elsewhere: whole-song levels match neither."""
    target, master = arranged(tmp_path, "t", (-12, 0, -12, 0)), arranged(tmp_path, "m", (-4, 3, -4, 3))
    reference = arranged(tmp_path, "r", (0, -20, -20, -20, -3))
    sound = listen.listening(target, master, reference)
    assert [len(voice.passages) for voice in sound.voices] == [2, 2, 2]
    for number, level in enumerate(sound.levels_lufs):
        heard = [as_heard_lufs(voice, number) for voice in sound.voices]
        assert heard == [pytest.approx(level, abs=0.05)] * 3
        gains = [voice.gains_db[number] for voice in sound.voices]
        assert max(gains) == 0.0
    assert sound.levels_lufs[0] > sound.levels_lufs[1] + 3  # passages of one version are not matched to each other


def test_one_channel_beside_two_is_matched_as_both_speakers_play_it(tmp_path):
    mono, stereo = arranged(tmp_path, "mono", (0,), channels=1), arranged(tmp_path, "stereo", (0,))
    sound = listen.listening(mono, mono, stereo)
    heard = [as_heard_lufs(voice, 0) for voice in sound.voices]
    assert heard == [pytest.approx(sound.levels_lufs[0], abs=0.05)] * 3


def test_a_reference_of_one_passage_is_matched_to_both_of_the_target(tmp_path):
    target, reference = arranged(tmp_path, "t", (0, -9)), arranged(tmp_path, "r", (-6,))
    sound = listen.listening(target, target, reference)
    assert len(sound.voices[2].passages) == 1
    for number, level in enumerate(sound.levels_lufs):
        assert as_heard_lufs(sound.voices[2], number) == pytest.approx(level, abs=0.05)


def test_a_passage_too_quiet_to_be_measured_is_matched_as_whole_tracks(tmp_path):
    """What no gate lets through has no loudness of its own."""
    target = arranged(tmp_path, "t", (0, 0, 0, 0))
    reference = arranged(tmp_path, "r", (-6, -6, -6, -6))
    clips = [(listen.Clip(b"", None),) * 2, (listen.Clip(b"", -14.0),) * 2]
    tracks = [(role, one, listen.passages_of(one)) for role, one in (("target", target), ("reference", reference))]
    sound = listen._matched(tracks, clips)
    assert sound.levels_lufs == (None, None)
    assert sound.voices[0].gains_db == (pytest.approx(-6.0, abs=0.02),) * 2


def test_the_passage_is_those_very_samples_of_the_file(pair):
    song, quiet, _ = pair
    passage = listen.Passage("loudest", 12.3, 4.0)
    heard, rate_hz = decoded(listen.encoded(quiet, passage).flac)
    start = round(12.3 * RATE_HZ)
    meant = 0.25 * song[:, start : start + heard.shape[0]].T
    assert rate_hz == RATE_HZ
    assert heard.shape == (4 * RATE_HZ, 2), FRAMES
    assert level_db(heard - meant) < level_db(meant) + TOUCH_DB
    late = 0.25 * song[:, start - 1 : start - 1 + heard.shape[0]].T
    assert level_db(heard - meant) < level_db(heard - late)  # on the sample, not near it


def test_an_ogg_target_is_heard_on_the_sample_too(pair, tmp_path):
    """libsndfile's places in an Ogg file may be off where the file was cut, so it is read from its start."""
    song, _, _ = pair
    with sf.SoundFile(tmp_path / "song.ogg", "w", RATE_HZ, 2, "VORBIS", format="OGG", compression_level=0.2) as stream:
        for start in range(0, song.shape[1], 4096):
            stream.write(0.25 * song[:, start : start + 4096].T)
    heard, _ = decoded(listen.encoded(analyse(tmp_path / "song.ogg"), listen.Passage("loudest", 9.0, 3.0)).flac)
    meant = 0.25 * song[:, 9 * RATE_HZ : 12 * RATE_HZ].T
    assert level_db(heard - meant) < level_db(meant) - 20.0  # what Vorbis adds or takes away


def test_what_passes_full_scale_is_turned_down_and_not_cut_off(tmp_path):
    """A floating-point mix 4.5 dB over: FLAC holds it 5 dB lower, and the player turns that up again."""
    noise = pink_noise(-20.0, 4.0, RATE_HZ)
    over = noise * 10 ** (4.5 / 20) / np.abs(noise).max()
    sf.write(tmp_path / "over.wav", over.T, RATE_HZ, "FLOAT")
    profile = analyse(tmp_path / "over.wav")
    assert listen.held_db(profile) == 5.0
    heard, _ = decoded(listen.encoded(profile, listen.Passage("whole", 1.0, 2.0)).flac)
    meant = over[:, RATE_HZ : 3 * RATE_HZ].T
    assert level_db(heard * 10 ** (5.0 / 20) - meant) < level_db(meant) + TOUCH_DB


@pytest.mark.parametrize(("rate_hz", "played_hz"), [(8000, 8000), (48000, 48000), (88200, 44100), (192000, 48000)])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_number_of_channels_can_be_played(tmp_path, rate_hz, played_hz, channels):
    noise = pink_noise(-20.0, 4.0, rate_hz)[:channels]
    profile = analyse(write_wav(tmp_path / "noise.wav", noise, rate_hz))
    heard, found_hz = decoded(listen.encoded(profile, listen.Passage("whole", 1.0, 2.0)).flac)
    assert found_hz == played_hz
    assert heard.shape == (2 * played_hz, channels), FRAMES
    assert level_db(heard) == pytest.approx(level_db(noise), abs=1.5)


def test_the_same_files_give_the_same_bytes_with_any_number_of_threads(pair):
    _, quiet, loud = pair
    one, two = (listen.listening(quiet, loud, quiet, threads=threads) for threads in (1, 2))
    assert one is not None
    assert one == two
    assert [voice.role for voice in one.voices] == ["target", "master", "reference"]
    assert [voice.gains_db for voice in one.voices] == [
        (0.0, 0.0),
        (pytest.approx(-6.02, abs=0.02),) * 2,
        (0.0, 0.0),
    ]
    assert one.voices[1].passages == one.voices[0].passages


def test_a_file_that_is_gone_is_no_failure(pair):
    _, quiet, loud = pair
    assert listen.listening(quiet, replace(loud, path=f"{loud.path}.gone")) is None


def test_a_reference_of_another_rate_is_heard_at_its_own(tmp_path):
    """It is measured at the target's rate; what is played is the file."""
    path = write_wav(
        tmp_path / "r.wav", 0.2 * np.sin(2 * np.pi * 1000 * np.arange(4 * 48000) / 48000)[np.newaxis], 48000
    )
    measured = measure(resampled(open_track(path, role="reference"), 44100)).profile
    samples, rate_hz = decoded(listen.encoded(measured, listen.passages_of(measured)[0]).flac)
    bins = np.abs(np.fft.rfft(samples[:, 0]))
    assert np.argmax(bins) * rate_hz / len(samples) == pytest.approx(1000.0, abs=1.0)
    assert len(samples) / rate_hz == pytest.approx(4.0, abs=0.01)
