"""Rows: nothing is lost on the way through JSON, and libraries merge in any order."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refmaster.analyse import analyse
from refmaster.dsp.oversample import factor, phases
from refmaster.errors import BadSetting
from refmaster.genres.features import features
from refmaster.library.reading import LibraryFields
from refmaster.library.rows import CURVES, SCALARS, Row, merged, read_row, row_data, row_of
from refmaster.load import LOUDEST
from refmaster.units import FloatArray
from tests.conftest import write_wav
from tests.signals import silence, sine

some_rows = st.lists(
    st.tuples(
        st.sampled_from("0123"),  # few contents, so that they meet
        st.sampled_from(["0.1.0", "0.2.0", "0.10.0"]),
        st.text(max_size=8),
        st.floats(-30, -5),
    ),
    max_size=8,
)
fixtures_stay = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def made(rows, drawn) -> list[Row]:
    base = rows["song"]
    return [
        replace(
            base,
            sha256=letter * 64,
            refmaster=version,
            file=f"{letter}.wav",
            title=title,
            profile=replace(base.profile, sha256=letter * 64, path=f"{letter}.wav", integrated_lufs=round(lufs, 3)),
        )
        for letter, version, title, lufs in drawn
    ]


def again(row: Row) -> Row:
    return read_row(LibraryFields("x.json", json.loads(json.dumps(row_data(row)))))


def test_a_row_comes_back_from_json_as_it_was(rows):
    for row in rows.values():
        assert again(row) == row


def test_a_row_holds_no_folder_and_no_history(rows):
    row = rows["song"]
    assert row.file == row.profile.path == "song.wav"
    assert row.profile.short_term_lufs == ()
    assert row.label == "Nobody – A “song”"
    assert rows["dull"].label == "dull.wav"


def test_a_rows_profile_tells_what_the_whole_one_tells(rows, files):
    whole, kept = features(analyse(files["dull"])), features(rows["dull"].profile)
    assert kept == pytest.approx(whole, abs=0.002, nan_ok=True)  # three decimals are kept


@fixtures_stay
@given(drawn=some_rows)
def test_merging_again_changes_nothing(rows, drawn):
    once = merged(made(rows, drawn))
    assert merged(once) == once
    assert merged((*once, *once)) == once


@fixtures_stay
@given(drawn=some_rows, data=st.data())
def test_merging_knows_no_order(rows, drawn, data):
    some = made(rows, drawn)
    shuffled = data.draw(st.permutations(some))
    cut = data.draw(st.integers(0, len(some)))
    assert merged(shuffled) == merged(some)
    assert merged((*merged(some[:cut]), *merged(some[cut:]))) == merged(some)


@fixtures_stay
@given(drawn=some_rows)
def test_each_content_is_there_once_and_the_newest_engine_measured_it(rows, drawn):
    some = made(rows, drawn)
    found = merged(some)
    assert sorted(row.sha256 for row in found) == sorted({row.sha256 for row in some})
    for row in found:
        versions = [tuple(map(int, one.refmaster.split("."))) for one in some if one.sha256 == row.sha256]
        assert tuple(map(int, row.refmaster.split("."))) == max(versions)


TAMPERED = {
    "integrated_lufs": (None, "loud", True, [], 1e9),
    "loudness_range_lu": (-1.0, "wide"),
    "correlation": (2.0,),
    "ltas_db": ([], [0.0] * 10, "flat", None),
    "ltas_sd_db": ([None] * 61,),
    "side_to_mid_db": ([1.0] * 60 + ["x"], [1.0] * 62),
    "dynamics": ([], [[1.0, 2.0]], [[20.0, 120.0, -10.0, -20.0, -30.0, -40.0]], 3),
    "sample_rate_hz": (0, 44100.5, "44100", 10**9),
    "channels": (0, 6),
    "lossy": (1, "no"),
    "sha256": ("", "z" * 64, 12),
    "title": (None, 4),
    "file": ("", None),
    "duration_s": (-1.0, None),
    "refmaster": ("",),
}


@pytest.mark.parametrize(("key", "value"), [(k, v) for k, values in TAMPERED.items() for v in values])
def test_a_tampered_value_is_named(rows, key, value):
    data = {**row_data(rows["song"]), key: value}
    with pytest.raises(BadSetting, match=key) as error:
        read_row(LibraryFields("libs/soul.json", data, ", track a.wav"))
    assert str(error.value).startswith(f"libs/soul.json, track a.wav: `{key}` ")
    assert str(error.value).endswith("; build it again, or take it out of the folder")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", list(TAMPERED))
def test_a_missing_value_is_named(rows, key):
    data = row_data(rows["song"])
    del data[key]
    with pytest.raises(BadSetting, match=key):
        read_row(LibraryFields("soul.json", data))


BEYOND = {
    "integrated_lufs": ((400, "allowed: a number, −70 to 70 LUFS"), (-70.1, "is -70.1; allowed")),
    "loudness_range_lu": ((101, "allowed: a number, 0 to 100 LU"),),
    "max_short_term_lufs": ((70.5, "−100 to 70 LUFS"), (-101, "−100 to 70 LUFS")),
    "true_peak_dbtp": ((71, "−200 to 70 dBTP"), (-201, "−200 to 70 dBTP")),
    "plr_db": ((-21, "−20 to 150 dB"), (151, "−20 to 150 dB")),
    "psr_db": ((-21, "−20 to 150 dB"), (151, "−20 to 150 dB")),
    "psr_p10_db": ((-21, "−20 to 150 dB"), (151, "−20 to 150 dB")),
    "crest_db": ((-21, "−20 to 150 dB"), (151, "−20 to 150 dB")),
    "peaks_held_pct": ((100.5, "0 to 100 %"),),
    "correlation": ((-1.001, "−1 to 1;"), (1.001, "−1 to 1;")),
    "tilt_db_per_oct": ((-151, "−150 to 150 dB/oct"), (1e400, "is Infinity; allowed")),
    "hf_cutoff_hz": ((100, "3000 to 25000 Hz"), (192_000, "3000 to 25000 Hz")),
    "percussive_pct": ((-0.5, "0 to 100 %"), ("x" * 999, "…; allowed")),
    "tempo_bpm": ((0, "50 to 210"), (10**30, "50 to 210")),
    "ltas_db": (([0.0] * 60 + [71.0], "holds 71.0; allowed: a number, −200 to 70 dB"), ([None] * 61, "holds null")),
    "ltas_sd_db": (([-1.0] * 61, "holds -1.0; allowed: a number, 0 to 200 dB"),),
    "side_to_mid_db": (([None] * 60 + [101], "holds 101; allowed: a number, −100 to 100 dB"),),
    "dynamics": (
        ([[20.0, 120.0, -30.0, -20.0, -10.0, 71.0]], "holds 71.0; allowed: a number, −200 to 70"),
        ([[19.0, 120.0, -30.0, -20.0, -10.0, 0.0]], "holds 19.0; allowed: a number, 20 to 20000"),
        (["low"], "does not hold 6 numbers"),
        (["middle"], "does not hold 6 numbers"),
        ([[20.0, 120.0, -30.0, -20.0, -10.0]], "does not hold 6 numbers"),
    ),
    "sample_rate_hz": ((4000, "is 4000; allowed: 8000 to 384000 Hz"),),
    "channels": ((6, "is 6; allowed: 1 to 2"),),
}


@pytest.mark.parametrize(("key", "value", "words"), [(k, *pair) for k, pairs in BEYOND.items() for pair in pairs])
def test_a_number_that_no_measurement_gives_is_refused_with_its_value_and_what_is_allowed(rows, key, value, words):
    with pytest.raises(BadSetting) as error:
        read_row(LibraryFields("soul.json", {**row_data(rows["song"]), key: value}))
    assert f"`{key}` " in str(error.value)
    assert words in str(error.value)
    assert len(str(error.value)) < 240


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("plr_db", -15.0, "true peak less integrated loudness is"),
        ("max_short_term_lufs", -60.0, "at an integrated loudness of"),
    ],
)
def test_figures_that_cannot_be_true_together_are_refused(rows, key, value, words):
    data = row_data(rows["song"])
    assert read_row(LibraryFields("x.json", data)) == rows["song"]
    with pytest.raises(BadSetting, match=f"{key}.* is {value:g}; {words}"):
        read_row(LibraryFields("x.json", {**data, key: value}))


def test_a_burst_in_silence_is_louder_on_the_whole_than_its_loudest_3_s(tmp_path):
    """As far as the two can be apart: 400 ms of sound that are all that passes the gate."""
    burst = np.concatenate([silence(6.0, 44100), sine(997, -6.0, 0.45, 44100), silence(6.0, 44100)], axis=-1)
    profile = analyse(write_wav(tmp_path / "burst.wav", burst))
    assert profile.max_short_term_lufs < profile.integrated_lufs - 5.0
    assert row_of(profile, "burst.wav", {}).profile.integrated_lufs == pytest.approx(profile.integrated_lufs, abs=0.001)


def test_every_number_has_bounds_that_were_tried():
    assert {*SCALARS, *CURVES} <= set(BEYOND)


def at_nyquist(rate_hz: int, seconds: int) -> FloatArray:
    """The loudest that a file can hold: full swing in both channels, as high as the rate goes."""
    return np.tile(np.array([LOUDEST, -LOUDEST]), (2, seconds * rate_hz // 2))


def overshooting(rate_hz: int, seconds: int) -> FloatArray:
    """The largest samples, signed as the interpolator's weights are, so that it adds the most between two of them."""
    samples = np.zeros((2, seconds * rate_hz))
    weights = phases(factor(rate_hz))
    samples[:, 1000 : 1000 + weights.shape[1]] = LOUDEST * np.sign(weights[len(weights) // 2])
    return samples


def nearly_silent(rate_hz: int, seconds: int) -> FloatArray:
    """Half a second just above the absolute gate, in one channel, and nothing else."""
    samples = np.zeros((2, seconds * rate_hz))
    samples[0, rate_hz : rate_hz * 3 // 2] = 10 ** (-66.5 / 20) * np.sin(np.arange(rate_hz // 2) * 0.785)
    return samples


def rumble(rate_hz: int, seconds: int) -> FloatArray:
    """All that is large lies where loudness hardly listens."""
    times_s = np.arange(seconds * rate_hz) / rate_hz
    return np.tile(LOUDEST * np.sin(2 * np.pi * 0.3 * times_s), (2, 1))


def opposed(rate_hz: int, seconds: int) -> FloatArray:
    """Side alone, with a trace of mid in one band."""
    times_s = np.arange(seconds * rate_hz) / rate_hz
    noise = np.random.default_rng(7).uniform(-LOUDEST / 2, LOUDEST / 2, times_s.size)
    return np.stack([noise, -noise]) + 0.5 * np.sin(2 * np.pi * 1000 * times_s)


@pytest.mark.parametrize("rate_hz", [8000, 44100])
@pytest.mark.parametrize("made_of", [at_nyquist, overshooting, nearly_silent, rumble, opposed])
def test_no_measurement_of_ours_leaves_the_bounds(made_of, rate_hz, tmp_path):
    path = tmp_path / "extreme.wav"
    soundfile.write(path, made_of(rate_hz, 6).T, rate_hz, subtype="DOUBLE")
    profile = analyse(path)
    assert profile.integrated_lufs is not None
    row_of(profile, path.name, {})


def test_a_tag_stays_on_its_line(rows):
    data = {**row_data(rows["song"]), "title": "one\ntwo\u202e"}
    assert read_row(LibraryFields("soul.json", data)).title == r"one\ntwo\u202e"


def test_a_version_of_thousands_of_digits_is_compared_and_no_traceback(rows):
    """Anybody may have written the file, and Python reads no number of more than 4300 digits."""
    old, new = (replace(rows["song"], refmaster=version, title=version[:3]) for version in ("0.10.0", "9" * 5000))
    assert merged([old, new]) == merged([new, old]) == (new,)
