"""The evidence: which plots there are, and those over frequency, with the sentences under each."""

from refmaster.names import OWN_ENGINE
from refmaster.records import EVIDENCE_PCT, Report
from refmaster.report.alternatives import correlation_said, eq_said, folded_said, spectrum_said, width_said
from refmaster.report.curves import (
    aligned_db,
    band_curves,
    correlation_by_band,
    full_difference_db,
    table_of,
    tone_band,
    tracks_of,
    width_band,
)
from refmaster.report.figure import Curve, Plot, Ys, finite, frequency_axis, layout, level_axis, rounded
from refmaster.report.level_plots import depths, dynamics, loudness, reduction, true_peaks

DEEPEST_LTAS_DB = -60.0  # taste: below this, a band holds nothing that is heard beside the rest
LEAST_EQ_DB, MOST_DIFFERENCE_DB = 3.0, 9.0  # taste: a flat EQ looks flat, a wild difference does not dwarf it


def plots_of(report: Report, wanted_eq_db: Ys | None, applied_eq_db: Ys | None) -> tuple[Plot, ...]:
    """Every plot that there is something to draw for."""
    candidates = (
        _spectrum(report),
        _eq(report, wanted_eq_db, applied_eq_db),
        loudness(report),
        true_peaks(report),
        reduction(report),
        depths(report),
        dynamics(report),
        _width(report),
        _correlation(report),
    )
    return tuple(plot for plot in candidates if plot and finite(plot.curves))


def _spectrum(report: Report) -> Plot:
    tracks, genre = tracks_of(report), tone_band(report.genre)
    curves = (*band_curves(tracks, aligned_db), *genre)
    drawn = finite(curves)
    low, high = max(min(drawn, default=0.0) - 3, DEEPEST_LTAS_DB), max(drawn, default=0.0) + 3
    shaded = " Eight of ten songs of the genre lie in the shaded band." if genre else ""
    return Plot(
        name="spectrum",
        title="Long-term average spectrum",
        caption="The nearer two lines, the more alike their tonal balance (mid, 1/6-octave bands); level is taken out "
        f"by subtracting each track’s own mean of the bands from 100 Hz to 10 kHz.{shaded}",
        alt=spectrum_said(tracks),
        curves=curves,
        layout=layout(frequency_axis(), level_axis("Level, aligned (dB)", low, high), height_px=360),
        table=table_of("Hz", "dB", curves),
    )


def _eq(report: Report, wanted: Ys | None, applied: Ys | None) -> Plot | None:
    if not any(wanted or ()) and not any(applied or ()):
        return None
    hz, full = report.target.band_hz, full_difference_db(report)
    asked = (
        *((Curve("wanted", "reference", hz, rounded(wanted), "dash", 2.0),) if wanted else ()),
        *((Curve("applied", "master", hz, rounded(applied), "solid", 2.25),) if applied else ()),
    )
    whole = (Curve("full difference", "quiet", hz, rounded(full), dash="dot", width=1.5),) if full else ()
    needed = 1.3 * max(map(abs, finite(asked)), default=0.0)
    wished = min(MOST_DIFFERENCE_DB, 1.1 * max(map(abs, finite(whole)), default=0.0))
    reach = max(LEAST_EQ_DB, needed, wished)
    told = "; dotted, the full difference from the reference, which a match in full would apply" if whole else ""
    amount_pct = report.request.amount_pct
    by_evidence = amount_pct == EVIDENCE_PCT or report.engine != OWN_ENGINE  # another one's is drawn beside that
    who = "the evidence supports" if by_evidence else f"--amount {amount_pct:g} asks for"
    return Plot(
        name="eq",
        title="Wanted and applied EQ",
        caption=f"Wanted is the correction that {who}, applied is what the EQ moves do{told}.",
        alt=eq_said(hz, wanted, applied),
        curves=(*asked, *whole),
        layout=layout(frequency_axis(), level_axis("Gain (dB)", -reach, reach), height_px=260),
        table=table_of("Hz", "dB", (*asked, *whole)),
    )


def _width(report: Report) -> Plot:
    tracks = tracks_of(report)
    curves = band_curves(tracks, lambda profile: profile.side_to_mid_db)
    genre = width_band(report.genre) if curves else ()
    shaded = " Eight of ten songs of the genre lie in the shaded band." if genre else ""
    return Plot(
        name="width",
        title="Width by band",
        caption=f"Higher is wider: at 0 dB a band holds as much side as mid, and a gap is a band that holds nothing."
        f"{shaded}{folded_said(tracks)}",
        alt=width_said(tracks),
        curves=(*curves, *genre),
        layout=layout(frequency_axis(), level_axis("Side − mid (dB)"), height_px=280),
        table=table_of("Hz", "dB", (*curves, *genre)),
    )


def _correlation(report: Report) -> Plot:
    tracks = tracks_of(report)
    curves = band_curves(tracks, correlation_by_band)
    return Plot(
        name="correlation",
        title="Correlation by band",
        caption="At +1 both channels play the same; what lies below 0 loses more than it keeps in mono. "
        "From side over mid, for channels that are equally loud.",
        alt=correlation_said(tracks),
        curves=curves,
        layout=layout(frequency_axis(), level_axis("Correlation (−1 to +1)", -1.05, 1.05), height_px=240),
        table=table_of("Hz", "", curves, digits=2),
    )
