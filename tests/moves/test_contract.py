"""The thirteen promises of every file in `moves/` (STYLE.md, section 4), and what follows from them."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refmaster import session as sessions
from refmaster.analyse import measure
from refmaster.decide import in_phase
from refmaster.errors import BadSetting
from refmaster.load import track_of
from refmaster.moves import Mover, blank_of, match_eq, movers
from refmaster.records import Delivery, Phase, Plan, Request, Stage
from refmaster.render import rendered
from refmaster.units import unit_of
from tests.moves.scenes import (
    BLOCK_SAMPLES,
    RATE_HZ,
    applied,
    at_work,
    joined,
    move_ids,
    music,
    planned,
    planned_for,
    proposed,
    spoiled,
    ways,
)
from tests.signals import in_blocks, pink_noise, silence, white_noise

SHORTEST_TEXT, LONGEST_TEXT = 20, 260  # characters
MOST_LAG_SAMPLES = round(0.1e-3 * RATE_HZ)

every_mover = pytest.mark.parametrize("name", list(movers()))
every_id = pytest.mark.parametrize("move_id", move_ids())
every_way = pytest.mark.parametrize(("move_id", "phase"), ways(), ids=lambda one: getattr(one, "value", one))
every_phase = pytest.mark.parametrize("phase", list(Phase), ids=lambda phase: phase.value)
mono_and_stereo = pytest.mark.parametrize("channels", [1, 2], ids=["mono", "stereo"])


def noise(channels: int, seconds: float = 1.0, seed: int = 3):
    return white_noise(-12.0, seconds, RATE_HZ, channels, seed)


# 1: has STAGE, docstring, the functions


@every_mover
def test_a_mover_has_all_that_the_protocol_lists(name):
    mover = movers()[name]
    assert isinstance(mover.STAGE, Stage)
    assert isinstance(mover.PARTS, tuple)
    assert isinstance(mover.EVIDENT, bool)
    assert [isinstance(side, str) for side in mover.SIDES] == [True, True]
    assert mover.__doc__
    for function in ("propose", "apply", "foresee", "effect", "blank", "explain"):
        assert getattr(mover, function).__doc__, f"{function} says nothing of itself"
        assert hasattr(Mover, function)


def test_movers_stand_in_the_order_of_their_stages():
    stages = [mover.STAGE for mover in movers().values()]
    assert stages == sorted(stages)


# 2: proposes nothing when target is the reference


@mono_and_stereo
def test_nothing_is_proposed_where_the_target_is_the_reference(channels):
    sound = music()[:channels] + 0.004  # with an offset, and peaks over the ceiling
    _, plan = planned_for(2.0 * sound, 2.0 * sound)
    assert plan.moves == ()
    assert {one.what.split()[0] for one in plan.rejected} == set(movers())  # each says why


# 3: proposes something for at least one spoiled target


@every_mover
def test_something_is_proposed_for_a_spoiled_target(name):
    assert any(move.mover == name for move in proposed())


# 4: ids are file/…, unique, the same on every run


def test_ids_are_of_a_known_part_and_unique():
    for _, plan in (planned("dull"), planned("narrow"), planned("offset"), planned("dull", 1)):
        ids = [move.id for move in plan.moves]
        assert len(ids) == len(set(ids))
        for move in plan.moves:
            blank = blank_of(move.id, 2)  # refuses what no mover knows
            assert blank.stage is move.stage


def test_a_plan_is_the_same_on_every_run():
    assert planned_for(spoiled("dull"), 2.0 * music())[1] == planned("dull")[1]


def test_a_kind_of_move_is_no_move():
    with pytest.raises(BadSetting, match="name one, such as match_eq/low_shelf"):
        blank_of("match_eq", 2)


@pytest.mark.parametrize("move_id", ["polka", "match_eq/shelf", "match_loudness/all", "match_eq/bell", ""])
def test_an_unknown_id_is_refused_with_the_nearest_name(move_id):
    with pytest.raises(BadSetting, match="did you mean"):
        blank_of(move_id, 2)


# 5: every value lies in its range and its name ends in a unit


@every_id
@mono_and_stereo
def test_values_lie_in_their_ranges_and_names_end_in_units(move_id, channels):
    check_params(blank_of(move_id, channels))


def test_proposed_values_lie_in_their_ranges_and_names_end_in_units():
    for move in proposed():
        check_params(move)
        blank = blank_of(move.id, 2)
        assert [(p.name, p.low, p.high, p.neutral) for p in move.params] == [
            (p.name, p.low, p.high, p.neutral) for p in blank.params
        ]


def check_params(move):
    assert move.params
    assert any(p.neutral is not None for p in move.params)
    for param in move.params:
        assert param.low <= param.value <= param.high
        assert param.neutral is None or param.low <= param.neutral <= param.high
        assert unit_of(param.name) is not None, f"{param.name} tells no unit"
        for outside in (param.low - 1, param.high + 1, math.nan, math.inf):
            with pytest.raises(BadSetting, match="out of range"):
                param.at(outside)


# 6: every move has a because


def test_every_proposed_move_says_why():
    for move in proposed():
        assert move.because
        assert 0.0 <= move.confidence <= 1.0
        for gap in move.because:
            assert all(math.isfinite(v) for v in (gap.target, gap.reference, gap.tolerance, gap.uncertainty))
            assert 0.0 <= gap.taken_pct <= 200.0
            assert 0.0 <= gap.confidence <= 1.0


# 7: apply keeps channels and length; input untouched; finite


@every_way
@mono_and_stereo
@pytest.mark.parametrize("n_samples", [1, 2, 100, 4096, 5000])
def test_shape_is_kept_and_the_input_untouched(move_id, phase, channels, n_samples):
    sound = noise(channels)[:, :n_samples]
    before = sound.copy()
    sound.setflags(write=False)
    for block_samples in (1, 7, 4096) if n_samples <= 100 else (1000, 4096):
        out = applied(at_work(move_id, channels, phase), sound, block_samples)
        assert out.shape == sound.shape
        assert np.isfinite(out).all()
    assert np.array_equal(sound, before)


@every_way
def test_a_stream_of_nothing_stays_nothing(move_id, phase):
    assert list(movers()[move_id.split("/")[0]].apply([], at_work(move_id, 2, phase), RATE_HZ)) == []


# 8: neutral values null to 1e-9


@every_way
@mono_and_stereo
def test_at_rest_a_move_does_nothing(move_id, phase, channels):
    sound = pink_noise(-6.0, 2.0, RATE_HZ, channels)  # peaks beyond full scale
    resting = at_work(move_id, channels, phase).at_rest()
    np.testing.assert_allclose(applied(resting, sound, 4096), sound, rtol=0, atol=1e-9)


def test_proposed_moves_do_nothing_at_rest():
    for move in proposed():
        np.testing.assert_allclose(applied(move.at_rest(), music(), 4096), music(), rtol=0, atol=1e-9)


# 9: lines up within 0.1 ms


@every_way
@mono_and_stereo
def test_nothing_is_delayed(move_id, phase, channels):
    sound = noise(channels)
    out = applied(at_work(move_id, channels, phase), sound)
    for before, after in zip(sound, out, strict=True):
        assert abs(lag_samples(before - before.mean(), after - after.mean())) <= MOST_LAG_SAMPLES


@every_phase
def test_the_chain_delays_nothing(phase):
    out = joined(rendered([music()], in_phase(planned("dull")[1].moves, phase), RATE_HZ))
    assert out.shape == music().shape
    for before, after in zip(music(), out, strict=True):
        assert abs(lag_samples(before, after)) <= MOST_LAG_SAMPLES


def lag_samples(before, after) -> int:
    """How much later the second is, where both agree most."""
    size = 2 * before.size
    product = np.fft.irfft(np.fft.rfft(after, size) * np.conj(np.fft.rfft(before, size)), size)
    at = int(np.argmax(np.abs(product)))
    return at if at < before.size else at - size


# 10: silence stays silent


@every_way
@mono_and_stereo
def test_silence_stays_silent(move_id, phase, channels):
    out = applied(at_work(move_id, channels, phase), silence(0.5, RATE_HZ, channels), 4096)
    expected = 0.75 if move_id == "remove_dc" else 0.0  # a constant is what it adds
    assert np.abs(np.abs(out) - expected).max() <= 1e-15


# 11: same bytes twice, and for any cut


@every_way
@mono_and_stereo
def test_the_same_bytes_twice_and_for_any_block_size(move_id, phase, channels):
    sound = noise(channels, 4.0)
    move = at_work(move_id, channels, phase)
    whole = applied(move, sound)
    assert applied(move, sound).tobytes() == whole.tobytes()
    for block_samples in BLOCK_SAMPLES:
        assert np.array_equal(applied(move, sound, block_samples), whole), f"blocks of {block_samples}"


@every_way
def test_single_samples_give_the_same_bytes(move_id, phase):
    sound = noise(2)[:, :3000]
    assert np.array_equal(applied(at_work(move_id, 2, phase), sound, 1), applied(at_work(move_id, 2, phase), sound))


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 44100), max_size=8), way=st.sampled_from(ways()))
def test_any_cut_gives_the_same_bytes(cuts, way):
    """Empty blocks among them."""
    sound, move = noise(2), at_work(way[0], 2, way[1])
    cut = joined(movers()[move.mover].apply(np.split(sound, sorted(cuts), axis=1), move, RATE_HZ))
    assert np.array_equal(cut, applied(move, sound))


@every_phase
@pytest.mark.parametrize("name", ["dull", "narrow", "peaky"])
def test_the_whole_chain_gives_the_same_bytes_for_any_block_size(name, phase):
    moves = in_phase(planned(name)[1].moves, phase)
    whole = joined(rendered([music()], moves, RATE_HZ))
    for block_samples in BLOCK_SAMPLES:
        assert np.array_equal(joined(rendered(in_blocks(music(), block_samples), moves, RATE_HZ)), whole)


# 12: the explanation contains every value, 20–240 characters


@every_phase
def test_texts_are_as_long_as_they_should_be(phase):
    for move in in_phase(proposed(), phase):
        text = movers()[move.mover].explain(move)
        assert SHORTEST_TEXT <= len(text) <= LONGEST_TEXT, f"{move.id}: {len(text)} characters"


def test_texts_contain_every_value():
    for move in proposed():
        text = movers()[move.mover].explain(move)
        for param in move.params:  # what an offset is not, is not said of it
            at_rest = move.mover == "remove_dc" and param.value == param.neutral
            assert at_rest or str(param) in text, f"{move.id} does not say {param.name} {param}"


@every_way
@mono_and_stereo
def test_texts_of_moves_set_by_hand_contain_every_value(move_id, phase, channels):
    move = at_work(move_id, channels, phase)
    text = movers()[move.mover].explain(move)
    assert SHORTEST_TEXT <= len(text) <= LONGEST_TEXT
    assert all(str(param) in text for param in move.params)
    assert not any(ord(character) < 32 for character in text)


def test_texts_do_not_contradict_their_numbers():
    """Who lifts says that there is less than in the reference, who trims that there is more."""
    for move in proposed():
        if move.mover == "match_eq" and abs(move["gain_db"]) >= 1.0:
            text = movers()[move.mover].explain(move)
            if "neighbours" not in text:
                assert ("Lift" in text) == (" less " in text), text


# 13: the move survives JSON, and the session


def test_moves_survive_the_session(tmp_path):
    for moves in (planned("dull")[1].moves, planned("offset")[1].moves, planned("offset", 1)[1].moves):
        back = through_a_session(moves, tmp_path)
        assert [replace(move, because=()) for move in back] == [replace(move, because=()) for move in moves]
        for now, before in zip(back, moves, strict=True):
            for mine, theirs in zip(now.because, before.because, strict=True):
                assert mine.feature == theirs.feature
                assert mine.target == pytest.approx(theirs.target, abs=1e-4)  # written with four decimals
                assert mine.taken_pct == pytest.approx(theirs.taken_pct, abs=1e-4)


@every_way
@mono_and_stereo
def test_moves_set_by_hand_survive_the_session(move_id, phase, channels, tmp_path):
    move = at_work(move_id, channels, phase)
    assert through_a_session((move,), tmp_path, phase) == (move,)


def test_moves_survive_json():
    for move in proposed():
        values = json.loads(json.dumps(move.values, allow_nan=False))
        assert blank_of(move.id, 1 if "offset_pct" in values else 2).at(**values).params == move.params


def through_a_session(moves, folder, phase=Phase.MINIMUM):
    profile = planned("dull")[0].target.profile
    session = sessions.new_session(profile, (profile,), Request(phase=phase), Plan(moves), Delivery(), "refmaster")
    path = folder / "x.toml"
    path.write_text(sessions.written(session, folder), encoding="utf-8")
    return sessions.read(path).plan.moves


# Liveness, foresight, effect


@every_way
def test_every_parameter_is_heard(move_id, phase):
    """Moving any parameter of a working move changes its output."""
    sound = pink_noise(-6.0, 1.0, RATE_HZ, 2)
    move = at_work(move_id, 2, phase)
    usual = applied(move, sound)
    for param in move.params:
        other = param.low + 0.3 * (param.high - param.low)
        other = other if other != param.value else param.low + 0.6 * (param.high - param.low)
        changed = applied(move.at(**{param.name: other}), sound)
        assert np.abs(changed - usual).max() > 1e-6, f"{param.name} is dead"


@every_id
def test_at_rest_nothing_else_is_foreseen(move_id):
    profile = planned("dull")[0].target.profile
    resting = blank_of(move_id, 2)
    foreseen = movers()[resting.mover].foresee(profile, resting)
    assert foreseen.ltas_db == pytest.approx(profile.ltas_db, abs=1e-9)
    assert replace(foreseen, ltas_db=profile.ltas_db, side_to_mid_db=profile.side_to_mid_db) == profile


@every_way
def test_what_is_foreseen_comes_true(move_id, phase):
    """Every number that the closed form changes is measured again, behind the move: within 0.5 dB or 0.01 %."""
    profile = measured(music())
    blank = replace(blank_of(move_id, 2), phase=phase)
    gentle = {p.name: max(p.low, -3.0) if p.neutral == 0.0 else p.value for p in blank.params}
    if "ceiling_dbtp" in gentle:
        gentle["ceiling_dbtp"] = -6.0
    move = blank.at(**gentle)
    foreseen = movers()[move.mover].foresee(profile, move)
    heard = measured(applied(move, music()))
    for field in profile.__dataclass_fields__:
        before, promised, after = (getattr(one, field) for one in (profile, foreseen, heard))
        if promised == before:
            continue
        tolerance = 0.01 if field == "dc_offset_pct" else 0.5
        tolerance = 0.1 if field == "true_peak_dbtp" else tolerance
        if field in ("ltas_db", "side_to_mid_db"):  # faint bands are noise
            full = np.array(profile.ltas_db) > max(profile.ltas_db) - 40
            promised, after = (np.array(one, dtype=float)[full] for one in (promised, after))
        np.testing.assert_allclose(after, promised, rtol=0, atol=tolerance, err_msg=field)


def measured(samples):
    return measure(track_of(samples, RATE_HZ)).profile


@every_id
def test_an_effect_is_finite_and_none_at_rest(move_id):
    profile = measured(music())
    mover = movers()[move_id.split("/")[0]]
    resting, working = mover.effect(blank_of(move_id, 2), profile), mover.effect(at_work(move_id), profile)
    assert unit_of(resting.feature) is not None
    assert all(math.isfinite(v) for one in (resting, working) for v in (one.before, one.after))
    assert resting.after == pytest.approx(resting.before, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "phase"), [*((n, Phase.MINIMUM) for n in ("dull", "narrow", "quiet", "offset")), ("dull", Phase.LINEAR)]
)
def test_effects_claim_what_happens_without_the_move(name, phase):
    """The claim against the same chain rendered without the move: same sign, size ±20 % (or 0.2 of its unit)."""
    moves = in_phase(planned(name)[1].moves, phase)
    sound = spoiled(name)
    master = measured(joined(rendered([sound], moves, RATE_HZ)))
    for move in moves:
        if move.mover == "limit_peaks":  # its claim is the peak before it, which only the sound before it shows
            continue
        claim = movers()[move.mover].effect(move, master)
        without = tuple(one for one in moves if one is not move)
        rest = measured(joined(rendered([sound], without, RATE_HZ)))
        if move.mover == "match_eq":
            actual = tone_change_db(move, master, rest)
        else:
            actual = claim.after - movers()[move.mover].effect(move, rest).after
        if move.mover == "remove_dc":  # says the offset of the file, before any gain
            assert np.sign(claim.after - claim.before) == np.sign(actual)
        else:
            assert claim.after - claim.before == pytest.approx(actual, rel=0.2, abs=0.2), move.id


def tone_change_db(move, master, rest) -> float:
    """How much more the octave that an equaliser move names changed than all that are heard from 100 Hz to 10 kHz."""
    change = np.array(master.ltas_db) - np.array(rest.ltas_db)
    at = np.array(master.band_hz)
    centre = float(re.search(r"_(\d+)_hz", match_eq.effect(move, master).feature)[1])
    here = np.abs(np.log2(at / centre)) <= 0.5
    return float(change[here].mean() - change[(at >= 100) & (at <= 10000)].mean())
