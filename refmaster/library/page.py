"""A track among others as one offline page: the bands of a genre and the track in them, or references beside it.

Drawn as the report is: the same style sheet, the same script, the same plots, in light, in dark and on paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from refmaster.genres import label_of
from refmaster.library.answers import Among, Beside
from refmaster.library.placing import Placement, Ribbon, Standing
from refmaster.library.words import centre_line, number_words, place_words, unit_words
from refmaster.names import shown
from refmaster.nearness import in_words
from refmaster.passport import in_short
from refmaster.records import Passport, Profile
from refmaster.report.curves import Track, aligned_db, band_curves, table_of
from refmaster.report.figure import (
    Curve,
    Dash,
    Plot,
    Role,
    figures_json,
    finite,
    frequency_axis,
    layout,
    level_axis,
    rounded,
)
from refmaster.report.templates import HERE as REPORT
from refmaster.report.templates import environment
from refmaster.version import __version__
from refmaster.writing import counted

HERE = Path(__file__).parent
LEAST_DB = -45.0  # taste: below this a spectrum holds nothing that is heard beside the rest
LOOKS: tuple[tuple[Role, Dash], ...] = (("reference", "dash"), ("master", "solid"), ("quiet", "dot"))
BAND = "1.28 standard deviations to each side of the mean, wider where few tracks were measured"
REACH = 0.5  # of a strip's width beyond each edge of the band: what lies further is drawn at its end


@dataclass(frozen=True)
class Strip:
    """A row of the table of numbers: words, and where band, median and track lie on a strip 0 to 100 wide."""

    name: str
    value: str
    p10: str
    p50: str
    p90: str
    place: str
    outside: bool
    at_p50: float
    at_track: float | None


def among_page(answer: Among) -> str:
    """Where a track sits in a genre, as HTML that needs nothing else."""
    placement, name = answer.placement, _name(answer.target)
    plots = [
        _ribbon_plot("tone", "Tonal balance", "Level (dB)", placement.tone_curve, placement.genre.label),
        _ribbon_plot("width", "Width", "Side − mid (dB)", placement.width_curve, placement.genre.label),
    ]
    return _page(
        name=name,
        title=f"{name} among others",
        largest=centre_line(placement),
        source=placement.genre.source if placement.numbers or placement.tone else "",
        strips=_strips(placement),
        nearest=[(one, label_of(one.source), in_words(one.reasons)) for one in answer.nearest],
        shares=[(label_of(name), share) for name, share in answer.shares],
        notes=answer.notes,
        passports=[],
        plots=[plot for plot in plots if plot is not None],
        inputs=[("Track", answer.target.path, answer.target.sha256)],
    )


def beside_page(target: Profile, found: Sequence[Beside]) -> str:
    """A track beside references with their passports, as HTML that needs nothing else."""
    name = _name(target)
    tracks = [Track("target", "target", target, "solid", 1.75)]
    for k, one in enumerate(found):
        role, dash = LOOKS[k % len(LOOKS)]
        tracks.append(Track(_name(one.reference), role, one.reference, dash, 2.0))
    return _page(
        name=name,
        title=f"{name} beside {counted(len(found), 'reference')}",
        largest=" ".join(f"{_name(one.reference)}: {in_short(one.passport)}" for one in found),
        source="",
        strips=[],
        nearest=[],
        shares=(),
        notes=(),
        passports=[(_name(one.reference), one.passport, _ignored(one)) for one in found],
        plots=[_spectra(tuple(tracks)), _widths(tuple(tracks))],
        inputs=[
            ("Track", target.path, target.sha256),
            *(("Reference", one.reference.path, one.reference.sha256) for one in found),
        ],
    )


def _page(
    *,
    name: str,
    title: str,
    largest: str,
    source: str,
    strips: Sequence[tuple[str, str, Sequence[Strip]]],
    nearest: Sequence[object],
    shares: Sequence[tuple[str, float]],
    notes: Sequence[str],
    passports: Sequence[tuple[str, Passport, Sequence[str]]],
    plots: Sequence[Plot],
    inputs: Sequence[tuple[str, str, str]],
) -> str:
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    drawn = [plot for plot in plots if finite(plot.curves)]
    return (
        environment(HERE)
        .get_template("page.html.j2")
        .render(
            name=name,
            title=title,
            version=__version__,
            largest=largest,
            source=source,
            strips=strips,
            nearest=nearest,
            shares=shares,
            notes=notes,
            passports=passports,
            plots=drawn,
            inputs=[(role, shown(path), sha256) for role, path, sha256 in inputs],
            figures=Markup(figures_json(drawn)),
            style=Markup((REPORT / "page.css").read_text(encoding="utf-8")),
            own_style=Markup((HERE / "page.css").read_text(encoding="utf-8")),
            script=Markup((REPORT / "page.js").read_text(encoding="utf-8")),
            plotly=Markup(get_plotlyjs()),
        )
    )


def _ribbon_plot(name: str, title: str, y_name: str, ribbon: Ribbon | None, genre: str) -> Plot | None:
    if ribbon is None:
        return None
    hz = ribbon.band_hz
    curves = (
        Curve(f"{genre}, P10–P90", "genre", hz, rounded(ribbon.p90_db), kind="band", low=rounded(ribbon.p10_db)),
        Curve(f"{genre}, mean", "reference", hz, rounded(ribbon.p50_db), "dash", 1.5),
        Curve("track", "master", hz, rounded(ribbon.track_db), "solid", 2.25),
    )
    drawn = finite(curves)
    low, high = max(min(drawn) - 3, LEAST_DB), max(drawn) + 3
    level = "level is taken out: bands from 100 Hz to 10 kHz average 0 dB" if name == "tone" else "at 0 dB, side is mid"
    return Plot(
        name=name,
        title=title,
        caption=f"Were songs spread normally, four of five would lie in the band: {BAND}. 1/6 octave; {level}.",
        alt=f"{title} of the track, 20 Hz to 20 kHz, in dB, with the P10 to P90 band of {genre}.",
        curves=curves,
        layout=layout(frequency_axis(), level_axis(y_name, low, high), height_px=360),
        table=table_of("Hz", "dB", curves),
    )


def _spectra(tracks: tuple[Track, ...]) -> Plot:
    curves = band_curves(tracks, aligned_db)
    drawn = finite(curves)
    low, high = max(min(drawn, default=0.0) - 3, -60.0), max(drawn, default=0.0) + 3
    return Plot(
        name="spectrum",
        title="Long-term average spectrum",
        caption="The nearer two lines, the more alike their tonal balance (mid, 1/6-octave bands); level is taken out.",
        alt="Long-term average spectra of the track and its references, 20 Hz to 20 kHz, in dB.",
        curves=curves,
        layout=layout(frequency_axis(), level_axis("Level, aligned (dB)", low, high), height_px=360),
        table=table_of("Hz", "dB", curves),
    )


def _widths(tracks: tuple[Track, ...]) -> Plot:
    curves = band_curves(tracks, lambda profile: profile.side_to_mid_db)
    mono = [one.name for one in tracks if all(v is None for v in one.profile.side_to_mid_db)]
    absent = f" Without a side to draw: {', '.join(mono)}." if mono else ""
    return Plot(
        name="width",
        title="Width",
        caption=f"Higher is wider: at 0 dB a band holds as much side as mid.{absent}",
        alt="Level of the side above the mid of the track and its references, 20 Hz to 20 kHz, in dB.",
        curves=curves,
        layout=layout(frequency_axis(), level_axis("Side − mid (dB)"), height_px=280),
        table=table_of("Hz", "dB", curves),
    )


def _strips(placement: Placement) -> list[tuple[str, str, list[Strip]]]:
    """Tables of a title, the name of the middle column, and rows; those without rows are left out."""
    tables = (
        ("Single numbers", "P50", placement.numbers),
        ("Tonal balance by octaves", "mean", placement.tone),
        ("Width by octaves", "mean", placement.width),
    )
    return [(title, middle, [_strip(one) for one in rows]) for title, middle, rows in tables if rows]


def _strip(one: Standing) -> Strip:
    """A strip on which the band is the middle half."""
    width = max(one.p90 - one.p10, 1e-9)

    def at(value: float) -> float:
        return round(100 * min(max(((value - one.p10) / width + REACH) / (1 + 2 * REACH), 0.01), 0.99), 1)

    return Strip(
        name=unit_words(one.feature),
        value=number_words(one.feature, one.value),
        p10=number_words(one.feature, one.p10),
        p50=number_words(one.feature, one.p50),
        p90=number_words(one.feature, one.p90),
        place=place_words(one),
        outside=one.where in ("under", "over"),
        at_p50=at(one.p50),
        at_track=None if one.value is None else at(one.value),
    )


def _ignored(one: Beside) -> tuple[str, ...]:
    return one.comparison.ignored if one.comparison is not None else ()


def _name(profile: Profile) -> str:
    return shown(PurePath(profile.path).name or profile.path)
