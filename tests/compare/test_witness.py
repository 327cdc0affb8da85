"""Whose difference a move answers: the reference's, or the genre's usual where the reference says nothing sure."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from refmaster.compare.witness import Witness, answered
from refmaster.dsp.biquad import Shape
from refmaster.dsp.parametric import Band, Fit, curve_db
from refmaster.moves import match_eq, match_width
from refmaster.names import BY_GENRE
from refmaster.records import Request
from tests.moves.scenes import RATE_HZ, planned


@pytest.mark.parametrize(
    ("reference", "usual", "made_db", "name"),
    [
        ((4.0, 1.0), (2.0, 4.0), 1.0, "the reference"),  # the reference is clear
        ((4.0, 1.0), (9.0, 1.0), 1.0, "the reference"),  # and stays the answer, however clear the genre is
        ((0.4, 4.9), (3.3, 4.0), 0.7, BY_GENRE),  # the reference could be chance
        ((-3.0, 4.9), (3.3, 4.0), 0.7, BY_GENRE),  # or asks for the contrary
        ((0.4, 4.9), (-3.3, 4.0), 0.7, "the reference"),  # but the genre asks for the contrary
        ((2.0, 4.0), (1.0, 4.0), 0.7, "the reference"),  # or for less
        ((-3.0, 4.9), (-3.3, 4.0), 0.7, "the reference"),  # neither: what lies around asks for it
        ((-0.4, 4.9), (-3.3, 4.0), -0.7, BY_GENRE),
    ],
)
def test_whose_difference_a_move_answers(reference, usual, made_db, name):
    assert answered(Witness("the reference", *reference), *usual, made_db).name == name


def test_a_band_that_the_genre_asks_for_is_told_so():
    material, _ = planned("dull")
    comparison, n = material.comparison, len(material.comparison.band_hz)
    at = np.array(comparison.band_hz)
    near = tuple(np.where(np.abs(np.log2(at / 1500)) < 0.7, -4.0, 0.0).tolist())
    tone = replace(comparison.tone, matched_db=(0.0,) * n, sd_db=(5.0,) * n, usual_db=near, usual_sd_db=(3.0,) * n)
    band = Band(Shape.BELL, 1500.0, -1.0, 1.0)
    fit = Fit((band,), (), curve_db((band,), at, RATE_HZ))
    (move,) = match_eq._moves(fit, replace(comparison, tone=tone), scene(material, comparison))
    assert move.because[0].toward == BY_GENRE
    assert move.because[0].uncertainty == pytest.approx(3.0)
    assert "dB more there than is usual in the genre; as proposed, all bands take" in match_eq.explain(move)
    (asked,) = match_eq._moves(fit, replace(comparison, tone=tone), scene(material, comparison, amount_pct=100))
    assert asked.because[0].toward == "the reference"  # in full nothing is taken of a genre


def test_a_width_that_the_genre_asks_for_is_told_so():
    material, _ = planned("narrow")
    comparison, n = material.comparison, len(material.comparison.band_hz)
    width = replace(comparison.width, matched_db=(0.5,) * n, sd_db=(9.0,) * n, usual_db=(8.0,) * n)
    width = replace(width, usual_sd_db=(4.0,) * n)
    where = scene(material, replace(comparison, width=width))
    move = match_width._whole(1.0, where, np.ones(n))
    assert (move.because[0].toward, move.because[0].delta) == (BY_GENRE, pytest.approx(8.0))
    assert "usual in the genre is" in match_width.explain(move)
    assert "all width moves take 12 % of that" in match_width.explain(move)


def scene(material, comparison, **request):
    return SimpleNamespace(target=material.target.profile, comparison=comparison, request=Request(**request))
