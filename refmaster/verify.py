"""Verify: the written file is measured again, and promises are checked."""

from refmaster.records import Check, Plan, Profile

LOUDNESS_TOLERANCE_LU = 0.1


def checks(plan: Plan, target: Profile, master: Profile, clipped_samples: int) -> tuple[Check, ...]:
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
        low, high = (plan.goal_lufs + sign * LOUDNESS_TOLERANCE_LU for sign in (-1, 1))
        made.append(Check("integrated_lufs", master.integrated_lufs, low, high))
    made.append(Check("clipped_samples", float(clipped_samples), 0.0, 0.0))
    return tuple(made)
