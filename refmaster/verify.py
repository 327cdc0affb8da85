"""Verify: the written file is measured again, and promises are checked."""

import math

import numpy as np

from refmaster import folddown
from refmaster.compare.pairing import no_image
from refmaster.drive import TOLERANCE_LU
from refmaster.moves.match_width import side_response
from refmaster.records import Check, Genre, Plan, Profile, Verdict
from refmaster.units import written

# Room for a codec is spoken of in tenths; a little is spared, as it raises no two masters alike.
CODEC_STEP_DB, CODEC_SPARE_DB = 0.1, 0.05
MOST_MARGIN_DB = 3.0  # as the limiter takes it


def checks(
    plan: Plan,
    target: Profile,
    master: Profile,
    clipped_samples: int,
    *,
    reference: Profile | None,
    genre: Genre,
) -> tuple[Check, ...]:
    """The promises about a master, each with its value and bounds."""
    made = [
        Check("n_samples", float(master.n_samples), float(target.n_samples), float(target.n_samples)),
        Check(
            "sample_rate_hz", float(master.sample_rate_hz), float(target.sample_rate_hz), float(target.sample_rate_hz)
        ),
        Check("channels", float(master.channels), float(target.channels), float(target.channels)),
    ]
    if not plan.active:
        return tuple(made)
    ceiling = plan.ceiling_dbtp
    made.append(Check("true_peak_dbtp", master.true_peak_dbtp, None, ceiling))
    if plan.goal_lufs is not None:
        low, high = (plan.goal_lufs + sign * TOLERANCE_LU for sign in (-1, 1))
        made.append(Check("integrated_lufs", master.integrated_lufs, low, high))
    made.append(Check("clipped_samples", float(clipped_samples), 0.0, 0.0))
    return (*made, *_fold_down(plan, target, master, folddown.usual_db(reference, genre)))


def _fold_down(plan: Plan, target: Profile, master: Profile, usual_db: float | None) -> tuple[Check, ...]:
    """That mono loses no more than it does in the target, in the reference, or usually in the genre.

    What tone and limiting do to the target's own image is no business of the width's: the master without its width
    moves counts as the target's own, too. A width that a person set is that person's.
    """
    own_db, value_db = target.mono_loss_db, master.mono_loss_db
    if own_db is None or value_db is None or no_image(target):
        return ()
    moves = [move for move in plan.active if move.mover == "match_width"]
    if any(move.verdict is Verdict.OVERRIDE or move.locked for move in moves):
        return (Check("mono_loss_db", value_db, None, None),)
    known = [own_db, *(() if usual_db is None else (usual_db,))]
    at = np.array(master.band_hz)
    done_db = sum((side_response(move, at, master.sample_rate_hz) for move in moves), 0.0 * at)
    with_it, without = folddown.loss_db(master), folddown.loss_db(master, -done_db)
    if with_it is not None and without is not None:
        known.append(value_db + without - with_it)
    return (Check("mono_loss_db", value_db, min(known) - folddown.KEPT_DB, None),)


def unheld_peaks(plan: Plan, master: Profile) -> tuple[str, ...]:
    """That peaks stand over the ceiling of a limiter which was dropped: no check speaks of it any more."""
    limiter = next((move for move in plan.moves if move.mover == "limit_peaks" and not move.active), None)
    peak = master.true_peak_dbtp
    if limiter is None or not plan.active or peak is None or peak <= limiter["ceiling_dbtp"]:
        return ()
    reached, ceiling = written("peak_dbtp", peak), written("peak_dbtp", limiter["ceiling_dbtp"])
    if reached == ceiling:  # gain that ends where the peaks meet the ceiling is rounded, and so is the file
        return ()
    return (f"peaks reach {reached}; limit_peaks, which was dropped, would have held them under {ceiling}",)


def codec_peaks(plan: Plan, master: Profile) -> tuple[str, ...]:
    """What to ask for where a lossy codec has put peaks over the ceiling that were held before it."""
    ceiling, peak = plan.ceiling_dbtp, master.true_peak_dbtp
    if not master.lossy or not plan.active or ceiling is None or peak is None or peak <= ceiling:
        return ()
    limiter = next((move for move in plan.active if move.mover == "limit_peaks"), None)
    margin_db = 0.0 if limiter is None else limiter["margin_db"]
    room_db = math.ceil((margin_db + peak - ceiling + CODEC_SPARE_DB) / CODEC_STEP_DB) * CODEC_STEP_DB
    if room_db > MOST_MARGIN_DB:
        return (
            f"the codec raised peaks by {peak - ceiling:.2f} dB over the ceiling; take a higher quality, or --format",
        )
    room = f"--set limit_peaks.margin_db={room_db:.1f} leaves it room under the same ceiling"
    if limiter is None:  # one that is made by hand has a ceiling that nothing reaches
        over = f"the codec raised peaks by {peak - ceiling:.2f} dB over the ceiling"
        return (f"{over}; --set limit_peaks.ceiling_dbtp={ceiling:g} {room}",)
    held, raised = written("peak_dbtp", ceiling - margin_db), f"{peak - ceiling + margin_db:.2f} dB"
    return (f"peaks were held at {held}, and the codec raised them by up to {raised}; {room}",)
