"""The promises about a master, and what is promised of nothing."""

from dataclasses import replace

import numpy as np
import pytest

from refmaster import verify
from refmaster.folddown import KEPT_DB, loss_db
from refmaster.genres import load_genre
from refmaster.moves import blank_of, limit_peaks
from refmaster.records import Defect, Plan, Spread, Verdict
from tests.report import sample

GENRE = replace(load_genre("any"), spreads=())
WIDER_DB = 4.0


@pytest.fixture(scope="module")
def target():
    found = sample.full_report().target
    wide = tuple(None if level is None else level + 6.0 for level in found.side_to_mid_db)
    return replace(found, side_to_mid_db=wide, mono_loss_db=loss_db(found, 6.0))


def widened(target):
    """The target with a side that is 4 dB higher, and the plan that made it so."""
    raised = tuple(None if level is None else level + WIDER_DB for level in target.side_to_mid_db)
    raised = replace(target, side_to_mid_db=raised, mono_loss_db=loss_db(target, WIDER_DB))
    return raised, Plan((blank_of("match_width/side", 2).at(side_gain_db=WIDER_DB),), ceiling_dbtp=-1.0)


def fold_down(plan, target, master, reference=None, genre=GENRE):
    made = verify.checks(plan, target, master, 0, reference=reference, genre=genre)
    return next((one for one in made if one.name == "mono_loss_db"), None)


def test_a_master_that_loses_more_in_mono_than_target_and_reference_fails(target):
    master, plan = widened(target)
    check = fold_down(plan, target, master, reference=target)
    assert check.value == master.mono_loss_db < target.mono_loss_db - KEPT_DB
    assert check.low == pytest.approx(target.mono_loss_db - KEPT_DB, abs=0.01)
    assert not check.passed


def test_it_may_lose_what_the_reference_loses_or_a_usual_song_of_the_genre(target):
    master, plan = widened(target)
    assert fold_down(plan, target, master, reference=master).passed
    r = 2 * 10 ** (master.mono_loss_db / 10) - 1
    known = Spread("correlation", p10=r, p25=None, p50=0.8, p75=None, p90=0.9, n_tracks=20)
    assert fold_down(plan, target, master, genre=replace(GENRE, spreads=(known,))).passed
    upside_down = replace(master, defects=(Defect("polarity", 1.0, "one channel is upside down"),))
    assert not fold_down(plan, target, master, reference=upside_down).passed


def test_what_tone_does_to_the_targets_own_image_is_none_of_the_widths(target):
    """A bass that is turned down leaves less of the middle, and no image was moved."""
    at = np.array(target.band_hz)
    bent = replace(target, ltas_db=tuple(np.array(target.ltas_db) - np.where(at < 300, 18.0, 0.0)))
    bent = replace(bent, mono_loss_db=loss_db(bent))
    assert bent.mono_loss_db < target.mono_loss_db - KEPT_DB
    assert fold_down(Plan((blank_of("match_eq/bell_1", 2).at(gain_db=1.0),)), target, bent).passed


def test_a_width_that_a_person_set_is_told_and_not_judged(target):
    master, plan = widened(target)
    own = Plan(tuple(replace(move, verdict=Verdict.OVERRIDE) for move in plan.moves))
    check = fold_down(own, target, master)
    assert (check.value, check.low, check.passed) == (master.mono_loss_db, None, True)


def test_mono_and_what_has_no_image_have_no_fold_down(target):
    master, plan = widened(target)
    assert fold_down(plan, replace(target, mono_loss_db=None), replace(master, mono_loss_db=None)) is None
    inverted = replace(target, defects=(Defect("polarity", 1.0, "one channel is upside down"),))
    assert fold_down(plan, inverted, master) is None


@pytest.mark.parametrize(
    ("peak_dbtp", "said"), [(-0.88, True), (-0.99, True), (-0.9996, False), (-1.0, False), (-3.0, False), (None, False)]
)
def test_peaks_over_the_ceiling_of_a_dropped_limiter_are_told(target, peak_dbtp, said):
    limiter = replace(limit_peaks.working(-1.0), verdict=Verdict.DROP)
    louder, master = blank_of("match_loudness", 2).at(gain_db=3.0), replace(target, true_peak_dbtp=peak_dbtp)
    notes = verify.unheld_peaks(Plan((louder, limiter)), master)
    reached = f"{peak_dbtp}".replace("-", "−")
    expected = f"peaks reach {reached} dBTP; limit_peaks, which was dropped, would have held them under −1.00 dBTP"
    assert notes == ((expected,) if said else ())
    assert verify.unheld_peaks(Plan((louder, replace(limiter, verdict=Verdict.KEEP))), master) == ()
    assert verify.unheld_peaks(Plan((limiter,)), master) == ()
