"""What an equaliser band does to sound, measured from its impulse response; and which bands are proposed."""

import re
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from refmaster.bands import FREQUENCY_NAME, shape_of
from refmaster.demo import song
from refmaster.dsp.biquad import Shape
from refmaster.dsp.parametric import Band, Fit, curve_db
from refmaster.moves import blank_of, match_eq
from refmaster.records import Gap, Phase, Request, Stage
from refmaster.render import rendered
from tests.moves.scenes import RATE_HZ, applied, joined, music, planned_for, spoiled
from tests.signals import FloatArray, in_blocks, spoil

SHELVES = ("match_eq/low_shelf", "match_eq/high_shelf")


def band(move_id: str, frequency_hz: float, gain_db: float, q: float):
    name = FREQUENCY_NAME[shape_of(move_id)]
    return blank_of(move_id, 2).at(**{"gain_db": gain_db, name: frequency_hz, "q": q})


def impulse_at(move, place: int = 2**16, rate_hz: int = RATE_HZ) -> FloatArray:
    """What the move makes of an impulse that has as much silence before as after it."""
    impulse = np.zeros((1, 2 * place))
    impulse[0, place] = 1.0
    return applied(move, impulse, rate_hz=rate_hz)[0]


def gain_at(move, frequency_hz: FloatArray | float, rate_hz: int = RATE_HZ) -> FloatArray:
    """Gain of the move in dB, from an impulse and not from the coefficients."""
    spectrum = np.abs(np.fft.rfft(impulse_at(move, rate_hz=rate_hz)))
    return 20 * np.log10(np.interp(frequency_hz, np.fft.rfftfreq(2**17, 1 / rate_hz), spectrum))


@pytest.mark.parametrize(
    ("gain_db", "taken_pct", "words"),
    [
        (1.0, 20.0, "compared like with like; as proposed, all bands take 20 % of that."),
        (-1.0, 20.0, "Its neighbours overdo it; as proposed, all bands take 20 % of that."),
        (-1.0, 0.0, "not followed there, as what lies around it, or what is usual, speaks against it."),
    ],
    ids=["along", "against its neighbours", "against the reference"],
)
def test_a_band_says_what_all_bands_do_about_the_difference(gain_db, taken_pct, words):
    gap = Gap("tone_at_1000_hz_db", 0.0, 3.0, 0.5, 4.0, taken_pct)
    text = match_eq.explain(replace(band("match_eq/bell_1", 1000.0, gain_db, 1.0), because=(gap,)))
    assert "The target has 3.0 dB less there than the reference" in text
    assert text.endswith(words)
    even = replace(gap, reference=0.05)
    text = match_eq.explain(replace(band("match_eq/bell_1", 1000.0, gain_db, 1.0), because=(even,)))
    assert text.endswith("There the target is as the reference already; what lies around it asks for the band.")


def test_a_band_that_nobody_hears_for_a_difference_that_nobody_hears_is_no_move():
    material, _ = planned_for(spoil(music(), RATE_HZ, high_shelf_db=-6.0), music())
    comparison, at = material.comparison, np.array(material.comparison.band_hz)
    flat = replace(comparison.tone, matched_db=(0.1,) * at.size)
    scene = SimpleNamespace(target=material.target.profile, request=Request())
    quiet, loud = Band(Shape.BELL, 1000.0, 0.35, 1.0), Band(Shape.BELL, 4000.0, 3.0, 1.0)
    fit = Fit((quiet, loud), (), curve_db((quiet, loud), at, RATE_HZ))
    kept, left = match_eq._heard_only(fit, replace(comparison, tone=flat), scene)
    assert kept.bands == (loud,)
    assert np.allclose(kept.curve_db, curve_db((loud,), at, RATE_HZ))
    assert "too small to be heard" in left[0].text


@pytest.mark.parametrize(("kinship", "asked"), [(0.1, False), (0.4, True), (0.79, True), (0.9, False)])
def test_a_person_is_asked_where_kinship_is_neither_yes_nor_no(kinship, asked):
    material, _ = planned_for(spoiled("dull"), music())
    comparison = replace(material.comparison, kinship=kinship)
    questions = match_eq._asked_kin(SimpleNamespace(comparison=comparison, request=Request()))
    assert [one.question for one in questions] == ["Is the reference the same song or session? (--same-song)"] * asked
    assert not match_eq._asked_kin(SimpleNamespace(comparison=comparison, request=Request(amount_pct=100)))
    several = replace(comparison, seen=comparison.seen * 2)
    assert not match_eq._asked_kin(SimpleNamespace(comparison=several, request=Request()))


def test_the_reference_stands_where_it_is_measured_to_stand():
    """One yardstick for the gap and for what bands do about it, whatever the damage lay on."""
    for damage in ({"high_shelf_db": -6.0, "bell_db": 4.0, "bell_hz": 300.0}, {"bell_db": -5.0, "bell_hz": 80.0}):
        material, made = planned_for(spoil(music(), RATE_HZ, **damage), music(), Request(same_song=True))
        true = material.reference.profile
        for move in (one for one in made.moves if one.mover == "match_eq"):
            gap = move.because[0]
            assert gap.reference == pytest.approx(match_eq.effect(move, true).after, abs=0.35), move.id


def test_what_is_taken_is_what_the_bands_do():
    material, made = planned_for(spoil(music(), RATE_HZ, high_shelf_db=-6.0), music())
    bands = [move for move in made.moves if move.mover == "match_eq"]
    assert bands
    at_hz = np.array(material.target.profile.band_hz)
    sum_db = sum(match_eq.response_at(move, at_hz, RATE_HZ) for move in bands)
    sum_db = sum_db - sum_db[(at_hz >= 100) & (at_hz <= 10000)].mean()
    for move in bands:
        gap = move.because[0]
        around_hz = float(gap.feature.split("_")[2])
        inside = np.abs(np.log2(at_hz / around_hz)) <= 0.5
        assert gap.taken_pct == pytest.approx(np.clip(100 * sum_db[inside].mean() / gap.delta, 0, 200), abs=12)
        assert gap.target == pytest.approx(match_eq.effect(move, material.target.profile).after, abs=1e-9)


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
@pytest.mark.parametrize("frequency_hz", [31.5, 100.0, 1000.0, 6000.0, 12000.0, 16000.0])
@pytest.mark.parametrize("q", [0.35, 1.0, 4.0])
@pytest.mark.parametrize("gain_db", [-12.0, -3.0, 1.0, 6.0])
def test_a_bell_has_its_gain_at_its_centre(rate_hz, frequency_hz, q, gain_db):
    move = band("match_eq/bell_1", frequency_hz, gain_db, q)
    assert gain_at(move, frequency_hz, rate_hz) == pytest.approx(gain_db, abs=0.1)  # dB


@pytest.mark.parametrize(
    ("move_id", "frequency_hz", "gain_db", "said"),
    [
        ("match_eq/low_shelf", 8870.0, -0.51, "Trim everything below 8.87 kHz: low shelf"),
        ("match_eq/low_shelf", 450.0, 1.0, "Lift everything below 450 Hz: low shelf"),
        ("match_eq/low_shelf", 110.0, -1.8, "Trim the low end: low shelf"),
        ("match_eq/low_shelf", 55.0, 1.0, "Lift the sub: low shelf"),
        ("match_eq/high_shelf", 148.0, 0.53, "Lift everything above 148 Hz: high shelf"),
        ("match_eq/high_shelf", 2460.0, 1.0, "Lift the top end: high shelf"),
        ("match_eq/high_shelf", 12000.0, -1.0, "Trim the air: high shelf"),
        ("match_eq/bell_1", 2460.0, 1.0, "Lift the upper mids: bell"),
    ],
)
def test_a_band_is_called_by_what_it_moves_and_not_by_its_corner(move_id, frequency_hz, gain_db, said):
    assert match_eq.explain(band(move_id, frequency_hz, gain_db, 0.7)).startswith(said)


@pytest.mark.parametrize("move_id", SHELVES)
@pytest.mark.parametrize("corner_hz", [80.0, 500.0, 3000.0, 10000.0])
@pytest.mark.parametrize("gain_db", [-9.0, -2.0, 4.0])
def test_a_shelf_has_half_its_gain_at_its_corner_and_all_of_it_beyond(move_id, corner_hz, gain_db):
    move = band(move_id, corner_hz, gain_db, 0.7)
    assert gain_at(move, corner_hz) == pytest.approx(gain_db / 2, abs=0.1)  # dB
    low, high = gain_at(move, corner_hz / 30), gain_at(move, min(corner_hz * 30, 22000.0))
    plateau, rest = (low, high) if move_id.endswith("low_shelf") else (high, low)
    assert plateau == pytest.approx(gain_db, abs=0.1 if 5 * corner_hz < 22000 else 1.5)
    assert rest == pytest.approx(0.0, abs=0.1 if corner_hz < 3000 or move_id.endswith("high_shelf") else 1.0)


@pytest.mark.parametrize("move_id", ["match_eq/low_shelf", "match_eq/bell_1", "match_eq/high_shelf"])
@pytest.mark.parametrize("frequency_hz", [60.0, 1000.0, 8000.0])
@pytest.mark.parametrize("gain_db", [-6.0, 6.0])
def test_a_band_sounds_the_same_at_44_and_96_khz(move_id, frequency_hz, gain_db):
    at_hz = np.geomspace(20, 10000, 200)
    move = band(move_id, frequency_hz, gain_db, 0.9)
    apart_db = gain_at(move, at_hz, 44100) - gain_at(move, at_hz, 96000)
    assert np.abs(apart_db).max() <= 0.5


@pytest.mark.parametrize("phase", list(Phase), ids=lambda phase: phase.value)
@pytest.mark.parametrize("move_id", ["match_eq/low_shelf", "match_eq/bell_1", "match_eq/high_shelf"])
def test_the_curve_that_is_drawn_is_the_curve_that_is_heard(move_id, phase):
    at_hz = np.geomspace(30, 20000, 100)
    move = replace(band(move_id, 900.0, 5.0, 1.2), phase=phase)
    np.testing.assert_allclose(match_eq.response_at(move, at_hz, RATE_HZ), gain_at(move, at_hz), atol=0.01)  # dB


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
def test_linear_phase_has_the_same_gain_and_no_phase(rate_hz):
    """0.05 dB from 30 Hz to 18 kHz; a low shelf at 40 Hz, and all bands of a chain at once."""
    chain = [
        band("match_eq/low_shelf", 40.0, 6.0, 0.7),
        band("match_eq/bell_1", 300.0, -4.0, 1.5),
        band("match_eq/high_shelf", 9000.0, 3.0, 0.7),
    ]
    at_hz, place = np.geomspace(30, 18000, 300), 2**16
    impulse = np.zeros((1, 2 * place))
    impulse[0, place] = 1.0
    minimum, linear = (
        joined(rendered(in_blocks(impulse, 5000), [replace(m, phase=phase) for m in chain], rate_hz))[0]
        for phase in Phase
    )
    bins_hz = np.fft.rfftfreq(2 * place, 1 / rate_hz)
    one, other = (20 * np.log10(np.interp(at_hz, bins_hz, np.abs(np.fft.rfft(x)))) for x in (minimum, linear))
    assert np.abs(one - other).max() <= 0.05
    np.testing.assert_allclose(linear[place:], linear[place:0:-1], rtol=0, atol=1e-12)  # the same before and after
    assert np.abs(minimum[:place]).max() == 0.0
    assert np.abs(linear[place - 100 : place]).max() > 1e-4


def test_linear_phase_says_how_long_it_may_ring():
    low, high = band("match_eq/bell_1", 60.0, 3.0, 2.0), band("match_eq/high_shelf", 8000.0, 3.0, 0.7)
    for move, words in ((low, "it may ring 58.1 ms ahead of a hit"), (high, "it may ring 0.1 ms ahead of a hit")):
        assert words in match_eq.explain(replace(move, phase=Phase.LINEAR))
        assert "ring" not in match_eq.explain(move)
    assert "ring" not in match_eq.explain(replace(low.at_rest(), phase=Phase.LINEAR))


def test_both_channels_are_treated_alike():
    mono = music()[:1]
    both = applied(band("match_eq/bell_1", 700.0, 4.0, 1.0), np.concatenate([mono, -mono]))
    assert np.array_equal(both[0], -both[1])


def test_cut_and_lift_of_one_band_cancel():
    bend = applied(band("match_eq/bell_1", 700.0, 4.0, 1.0), music())
    back = applied(band("match_eq/bell_1", 700.0, -4.0, 1.0), bend)
    np.testing.assert_allclose(back, music(), atol=1e-3)  # not exact: each is matched to its own prototype


def test_known_damage_is_undone_within_half_a_db():
    whole = song(RATE_HZ)[:, : 12 * RATE_HZ]
    spoiled = spoil(whole, RATE_HZ, high_shelf_db=-5.0, bell_db=3.0, bell_hz=300.0)
    material, plan = planned_for(spoiled, whole)
    at_hz = np.geomspace(60, 12000, 60)
    made = sum(match_eq.response_at(m, at_hz, RATE_HZ) for m in plan.moves if m.mover == "match_eq")
    t, r = (np.interp(np.log(at_hz), np.log(material.target.profile.band_hz), m.profile.ltas_db)
            for m in (material.target, material.reference))  # fmt: skip
    left = (r - t) - made
    assert np.std(left) <= 0.5  # dB, of 2.0


def test_level_is_no_tone():
    """6 dB less level in the target: the tone moves are the same."""
    spoiled = spoil(music(), RATE_HZ, high_shelf_db=-5.0)
    loud, quiet = (planned_for(gain * spoiled, music())[1].moves for gain in (1.0, 0.5))
    tone = [[(m.id, m.values) for m in moves if m.mover == "match_eq"] for moves in (loud, quiet)]
    assert [i for i, _ in tone[0]] == [i for i, _ in tone[1]]
    for (_, one), (_, other) in zip(*tone, strict=True):
        assert one == pytest.approx(other, rel=0.02, abs=0.05)


def test_amount_zero_asks_for_nothing():
    spoiled = spoil(music(), RATE_HZ, high_shelf_db=-6.0)
    _, plan = planned_for(spoiled, music(), Request(amount_pct=0.0))
    assert not [move for move in plan.moves if move.mover in ("match_eq", "match_width", "match_loudness")]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_bands_than_allowed(most):
    spoiled = spoil(music(), RATE_HZ, high_shelf_db=-6.0, bell_db=5.0, low_shelf_db=4.0)
    _, plan = planned_for(spoiled, music(), Request(max_bands=most))
    assert 1 <= len([move for move in plan.moves if move.mover == "match_eq"]) <= most


def test_more_amount_takes_more():
    """The size of the curve never falls as the amount grows."""
    spoiled = spoil(music(), RATE_HZ, high_shelf_db=-6.0, bell_db=3.0)
    at_hz = np.geomspace(40, 15000, 60)
    sizes = []
    for amount in (0.0, 25.0, 50.0, 75.0, 100.0):
        _, plan = planned_for(spoiled, music(), Request(amount_pct=amount))
        curves = [match_eq.response_at(m, at_hz, RATE_HZ) for m in plan.moves if m.mover == "match_eq"]
        sizes.append(float(np.std(sum(curves, np.zeros(60)))))
    assert all(later >= earlier - 0.15 for earlier, later in pairwise(sizes)), sizes  # dB


def low_passed(samples: FloatArray, cut_hz: float, *, steep: bool) -> FloatArray:
    """Cut off as by a resampler, or as by a mixer's steepest filter."""
    if not steep:
        return np.asarray(sosfilt(butter(12, cut_hz, output="sos", fs=RATE_HZ), samples))
    bins = np.fft.rfft(samples)
    bins[:, np.fft.rfftfreq(samples.shape[1], 1 / RATE_HZ) > cut_hz] = 0.0
    return np.fft.irfft(bins, samples.shape[1])


@pytest.mark.parametrize("amount_pct", [50.0, 100.0])
@pytest.mark.parametrize("steep", [True, False], ids=["steep", "soft"])
def test_where_the_target_holds_nothing_nothing_is_lifted(steep, amount_pct):
    """Low-passed at 8 kHz, and dull below: what is dull is lifted, what is not there is not, and that is said."""
    dull = spoil(music(), RATE_HZ, bell_db=-6.0, bell_hz=3000.0, low_shelf_db=4.0)
    request = Request(amount_pct=amount_pct, only=(Stage.TONE,))
    _, plan = planned_for(low_passed(dull, 8000.0, steep=steep), music(), request)
    bands = [move for move in plan.moves if move.mover == "match_eq"]
    assert bands
    curve = lambda at_hz: sum(match_eq.response_at(move, at_hz, RATE_HZ) for move in bands)  # noqa: E731
    assert curve(np.geomspace(9000, 20000, 50)).max() <= 1.0  # dB
    assert curve(np.array([3000.0]))[0] - curve(np.array([500.0]))[0] >= 2.0  # of 6 dB
    text = next(one.text for one in plan.not_reached if one.what == "top_end")
    assert "holds nothing" in text
    assert "low-pass" in text


def test_a_reference_without_a_top_asks_for_none():
    """Both end at 8 kHz: nothing is missing."""
    sound = low_passed(music(), 8000.0, steep=True)
    _, plan = planned_for(spoil(sound, RATE_HZ, bell_db=-6.0), sound, Request(only=(Stage.TONE,)))
    assert not any(one.what == "top_end" for one in plan.not_reached)


def test_what_is_too_much_is_told_where_bands_can_be_trusted():
    sound = spoil(music(), RATE_HZ, high_shelf_db=-24.0)
    _, plan = planned_for(sound, music(), Request(same_song=True))
    (missed,) = (one for one in plan.not_reached if one.what == "tone")
    found = re.search(r"Around ([\d.]+) (k?)Hz the evidence asks for ([\d.]+) dB more; 6 dB is the most", missed.text)
    assert found, missed.text
    assert float(found[1]) * (1000 if found[2] else 1) < 18000
    assert 7.0 <= float(found[3]) < 24.0


def test_a_reference_without_a_passage_like_the_target_s_teaches_no_tone():
    at_s = np.arange(music().shape[1]) / RATE_HZ
    struck = [np.exp(-4 * ((at_s * 2 + k / 3) % 1)) for k in range(3)]
    notes = [np.sin(2 * np.pi * hz * at_s) * s for hz, s in zip((880, 2489, 5588), struck, strict=True)]
    bells = 0.1 * np.stack([sum(notes)] * 2)
    material, left = planned_for(spoiled("dull"), bells)
    assert material.comparison is not None
    assert material.comparison.kinship < 0.005
    assert not any(move.mover == "match_eq" for move in left.moves)
    (text,) = (one.text for one in left.rejected if one.what == "match_eq")
    assert text.endswith("no passage of the reference is like one of the target's, so arrangement could be all of it.")
    _, full = planned_for(spoiled("dull"), bells, Request(amount_pct=100.0))
    assert any(move.mover == "match_eq" for move in full.moves)  # who asks for it gets it
