"""The plots of level: over time, at its peaks, and how it spreads."""

from refmaster.dsp.limiter import HARD_DB
from refmaster.records import Report
from refmaster.report.alternatives import depths_said, dynamics_said, loudness_said, peaks_said
from refmaster.report.curves import (
    cell,
    deepest_curve,
    depth_shares,
    dynamics_curves,
    dynamics_table,
    history_table,
    integrated_curves,
    momentary_curve,
    short_term_curve,
    table_of,
    tracks_of,
)
from refmaster.report.figure import (
    Curve,
    Plot,
    Table,
    finite,
    layout,
    level_axis,
    level_mark,
    name_axis,
    rounded,
    time_axis,
    time_mark,
)
from refmaster.writing import pair, said

DEEPEST_HISTORY_LU = 40.0  # taste: how far below the loudest moment the history is drawn
DEEPEST_SPREAD_DB = -24.0  # taste: how far below the median the quiet moments are drawn

NAMES_PX = 92


def loudness(report: Report) -> Plot:
    """Loudness over time."""
    tracks = tracks_of(report)
    timed = tuple(track for track in tracks if track.role != "reference")
    slow = [*(short_term_curve(track) for track in tracks), *integrated_curves(tracks, report.target.duration_s)]
    restless = [momentary_curve(track) for track in timed]
    high = max(finite(slow), default=0.0) + 1.5
    low = max(min(finite(slow), default=high) - 2, high - DEEPEST_HISTORY_LU)
    after = report.master.integrated_lufs if report.master else None
    moved = f", integrated {pair('integrated_lufs', report.target.integrated_lufs, after)}" if report.master else ""
    sections = report.target.sections[1:]
    own_time = "; the reference runs from its own start" if report.reference else ""
    return Plot(
        name="loudness",
        title="Loudness over time",
        caption="Short-term loudness (3 s). Where target and master run in parallel, loud and quiet parts kept their "
        f"distance{moved}{own_time}{'; dotted verticals are sections' if sections else ''}.",
        alt=loudness_said(tracks),
        curves=(*slow, *restless),
        layout=layout(
            time_axis(report.target.duration_s),
            level_axis("Loudness (LUFS)", low, high),
            height_px=340,
            marks=(time_mark(section.start_s) for section in sections),
        ),
        table=history_table(tracks),
    )


def true_peaks(report: Report) -> Plot | None:
    """True and sample peak of each track, and the ceiling."""
    tracks = tuple(track for track in tracks_of(report) if track.profile.true_peak_dbtp is not None)
    if not tracks:
        return None
    names = tuple(track.name for track in tracks)
    ceiling = report.plan.ceiling_dbtp
    true, sample = (
        rounded(getattr(track.profile, name) for track in tracks) for name in ("true_peak_dbtp", "sample_peak_dbfs")
    )
    lines = () if ceiling is None else (_upright(f"ceiling {said('_dbtp', ceiling)}", ceiling, names),)
    curves = (
        Curve("true peak (dBTP)", "master", names, true, kind="points"),
        Curve("sample peak (dBFS)", "target", names, sample, kind="points"),
        *lines,
    )
    values = finite(curves)
    return Plot(
        name="true_peak",
        title="True peak before and after",
        caption="True peaks lie between the samples, so they stand no further left than sample peaks; what passes 0 is "
        "over full scale in a player that converts or resamples.",
        alt=peaks_said(tracks, ceiling),
        curves=curves,
        layout=layout(
            level_axis("Peak level (dBTP, dBFS)", min(*values, -1.5) - 0.5, max(*values, 0.0) + 0.5),
            {**name_axis("Track"), "autorange": "reversed"},
            height_px=190,
            left_px=NAMES_PX,
        ),
        table=Table(
            ("track", "true peak (dBTP)", "sample peak (dBFS)"),
            tuple((name, cell(a, 2), cell(b, 2)) for name, a, b in zip(names, true, sample, strict=True)),
        ),
    )


def reduction(report: Report) -> Plot | None:
    """What the limiter takes over time."""
    found = report.gain_reduction
    if found is None or not found.history_db:
        return None
    depth, working, over = (
        f"{found.max_db:.1f} dB",
        f"{found.share_working_pct:.1f} %",
        f"{found.share_over_4_db_pct:.1f} %",
    )
    return Plot(
        name="gain_reduction",
        title="Gain reduction over time",
        caption="What the limiter takes off; below the dotted line it takes more than 4 dB, which is a high price.",
        alt=f"The limiter works {working} of the time, takes {depth} at most, and more than 4 dB {over} of the time.",
        curves=(deepest_curve(found.history_db, found.hop_s),),
        layout=layout(
            time_axis(report.target.duration_s),
            level_axis("Reduction (dB)", max(HARD_DB + 1.5, 1.1 * found.max_db), 0.0),
            height_px=220,
            marks=[level_mark(HARD_DB)],
        ),
        table=Table(("deepest", "working", "over 4 dB"), ((depth, working, over),)),
    )


def depths(report: Report) -> Plot | None:
    """How often the limiter takes how much; nothing where it never works."""
    found = report.gain_reduction
    shares = depth_shares(found.history_db) if found else ()
    if not any(share for _, share in shares):
        return None
    names = tuple(name for name, _ in shares)
    curve = Curve("limiter", "master", names, rounded(share for _, share in shares), kind="bar")
    return Plot(
        name="reduction_depths",
        title="How deep, how often",
        caption="How much of the time, in steps of 10 ms, the limiter takes so much; for the rest it rests.",
        alt=depths_said(shares),
        curves=(curve,),
        layout=layout(
            name_axis("Gain reduction (dB)"),
            {**level_axis("Share of time (%)"), "rangemode": "tozero"},
            height_px=220,
        ),
        table=table_of("dB", "% of time", (curve,)),
    )


def dynamics(report: Report) -> Plot:
    """How the levels of each band spread around their median."""
    tracks = tracks_of(report)
    curves = dynamics_curves(tracks)
    lowest = min((low for curve in curves for low in curve.low if low is not None), default=-1.0)
    highest = max(finite(curves), default=1.0)
    return Plot(
        name="dynamics",
        title="Dynamics by band",
        caption="Each bar reaches from quiet 50 ms blocks (P10) to loud ones (P95), around the median (P50) at 0: a "
        "shorter bar above 0 is denser, a longer one has more punch.",
        alt=dynamics_said(tracks),
        curves=curves,
        layout=layout(
            name_axis("Band (Hz)"),
            level_axis("Around the median (dB)", max(lowest, DEEPEST_SPREAD_DB) - 1, highest + 1),
            height_px=300,
        ),
        table=dynamics_table(tracks),
    )


def _upright(name: str, level: float, names: tuple[str, ...]) -> Curve:
    """A line at a level past all names."""
    return Curve(name, "quiet", names, tuple(level for _ in names), dash="dash", width=1.5, kind="upright")
