"""The evidence: which plots there are, what they draw, and the sentence under each."""

from refmaster.records import GainReduction, Report
from refmaster.report.curves import (
    aligned_db,
    band_curves,
    deepest_curve,
    dynamics_curves,
    full_difference_db,
    history_table,
    integrated_curves,
    momentary_curve,
    named,
    short_term_curve,
    table_of,
    tracks_of,
)
from refmaster.report.figure import (
    Curve,
    Plot,
    Table,
    Ys,
    band_axis,
    finite,
    frequency_axis,
    layout,
    level_axis,
    level_mark,
    rounded,
    time_axis,
    time_mark,
)
from refmaster.report.writing import pair

DEEPEST_LTAS_DB = -60.0  # taste: below this, a band holds nothing that is heard beside the rest
DEEPEST_HISTORY_LU = 40.0  # taste: how far below the loudest moment the history is drawn
LEAST_EQ_DB, MOST_DIFFERENCE_DB = 3.0, 9.0  # taste: a flat EQ looks flat, a wild difference does not dwarf it
HIGH_LIMITING_DB = 4.0  # FACTS.md §4: more than this at the limiter is flagged


def plots_of(report: Report, wanted_eq_db: Ys | None, applied_eq_db: Ys | None) -> tuple[Plot, ...]:
    """Every plot that there is something to draw for."""
    reduction = report.gain_reduction
    candidates = (
        _spectrum(report),
        _eq(report, wanted_eq_db, applied_eq_db),
        _loudness(report),
        _width(report),
        _gain_reduction(report, reduction) if reduction and reduction.history_db else None,
        _dynamics(report),
    )
    return tuple(plot for plot in candidates if plot and finite(plot.curves))


def _spectrum(report: Report) -> Plot:
    tracks = tracks_of(report)
    curves = band_curves(tracks, aligned_db)
    drawn = finite(curves)
    low, high = max(min(drawn, default=0.0) - 3, DEEPEST_LTAS_DB), max(drawn, default=0.0) + 3
    return Plot(
        name="spectrum",
        title="Long-term average spectrum",
        caption="The nearer two lines, the more alike their tonal balance (mid, 1/6-octave bands); level is taken out "
        "by subtracting each track’s own mean band power from 100 Hz to 10 kHz.",
        alt=f"Long-term average spectrum of {named(tracks)}, 20 Hz to 20 kHz, in dB around each one’s mean.",
        curves=curves,
        layout=layout(frequency_axis(), level_axis("Level, aligned (dB)", low, high), height_px=360),
        table=table_of("Hz", "dB", curves),
    )


def _eq(report: Report, wanted: Ys | None, applied: Ys | None) -> Plot | None:
    if not any(wanted or ()) and not any(applied or ()):
        return None
    hz, full = report.target.band_hz, full_difference_db(report)
    asked = [
        *([Curve("wanted", "reference", hz, rounded(wanted), "dash", 2.0)] if wanted else []),
        *([Curve("applied", "master", hz, rounded(applied), "solid", 2.25)] if applied else []),
    ]
    whole = [Curve("full difference", "quiet", hz, rounded(full), dash="dot", width=1.5)] if full else []
    needed = 1.3 * max(map(abs, finite(asked)), default=0.0)
    wished = min(MOST_DIFFERENCE_DB, 1.1 * max(map(abs, finite(whole)), default=0.0))
    reach = max(LEAST_EQ_DB, needed, wished)
    told = "; dotted, the full difference from the reference, which a match in full would apply" if whole else ""
    return Plot(
        name="eq",
        title="Wanted and applied EQ",
        caption=f"Wanted is the correction that the evidence supports, applied is what the EQ moves do{told}.",
        alt="EQ curves in dB, 20 Hz to 20 kHz: what was wanted and what was applied.",
        curves=(*whole, *asked),
        layout=layout(frequency_axis(), level_axis("Gain (dB)", -reach, reach), height_px=260),
        table=table_of("Hz", "dB", (*whole, *asked)),
    )


def _loudness(report: Report) -> Plot:
    tracks = tracks_of(report)
    timed = tuple(track for track in tracks if track.role != "reference")
    slow = [*(short_term_curve(track) for track in timed), *integrated_curves(tracks, report.target.duration_s)]
    curves = (*(momentary_curve(track) for track in timed), *slow)  # the restless ones lie below
    high = max(finite(curves), default=0.0) + 1.5
    low = max(min(finite(slow), default=high) - 2, high - DEEPEST_HISTORY_LU)
    after = report.master.integrated_lufs if report.master else None
    moved = f", integrated {pair('integrated_lufs', report.target.integrated_lufs, after)}" if report.master else ""
    sections = report.target.sections[1:]
    return Plot(
        name="loudness",
        title="Loudness over time",
        caption="Where target and master run in parallel, loud and quiet parts kept their distance"
        f"{moved}{'; dotted verticals are sections' if sections else ''}.",
        alt=f"Short-term (3 s) and momentary (400 ms) loudness of {named(timed)} over time in LUFS, with the "
        f"integrated loudness of {named(tracks)} as horizontal lines.",
        curves=curves,
        layout=layout(
            time_axis(report.target.duration_s),
            level_axis("Loudness (LUFS)", low, high),
            height_px=340,
            marks=(time_mark(section.start_s) for section in sections),
        ),
        table=history_table(timed),
    )


def _width(report: Report) -> Plot:
    tracks = tracks_of(report)
    curves = band_curves(tracks, lambda profile: profile.side_to_mid_db)
    return Plot(
        name="width",
        title="Width",
        caption="Higher is wider: at 0 dB a band holds as much side as mid, and a gap is a band that holds nothing.",
        alt=f"Level of the side above the mid of {named(tracks)}, 20 Hz to 20 kHz, in dB.",
        curves=curves,
        layout=layout(frequency_axis(), level_axis("Side − mid (dB)"), height_px=280),
        table=table_of("Hz", "dB", curves),
    )


def _gain_reduction(report: Report, reduction: GainReduction) -> Plot:
    depth, working, over = (
        f"{reduction.max_db:.1f} dB",
        f"{reduction.share_working_pct:.1f} %",
        f"{reduction.share_over_4_db_pct:.1f} %",
    )
    return Plot(
        name="gain_reduction",
        title="Gain reduction",
        caption=f"The limiter works {working} of the time and takes {depth} at most; below the dotted line it "
        f"takes more than 4 dB, {over} of the time.",
        alt="Gain reduction of the limiter over time in dB, growing downwards.",
        curves=(deepest_curve(reduction.history_db, reduction.hop_s),),
        layout=layout(
            time_axis(report.target.duration_s),
            level_axis("Reduction (dB)", max(HIGH_LIMITING_DB + 1.5, 1.1 * reduction.max_db), 0.0),
            height_px=220,
            marks=[level_mark(HIGH_LIMITING_DB)],
        ),
        table=Table(("deepest", "working", "over 4 dB"), ((depth, working, over),)),
    )


def _dynamics(report: Report) -> Plot:
    tracks = tracks_of(report)
    curves = dynamics_curves(tracks)
    return Plot(
        name="dynamics",
        title="Dynamics by band",
        caption="How far loud 50 ms blocks (P95) stand above usual ones (P50): a shorter bar is denser, a longer one "
        "has more punch.",
        alt=f"Bars of P95 minus P50 of the levels of 50 ms blocks, by frequency band, for {named(tracks)}, in dB.",
        curves=curves,
        layout=layout(band_axis(), level_axis("P95 − P50 (dB)"), height_px=280),
        table=table_of("Hz", "dB", curves),
    )
