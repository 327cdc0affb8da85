"""A plot as plain dictionaries, in the form that plotly.js reads.

Built by hand: importing plotly.graph_objects costs more time than writing the whole page. No colour is named
here; a curve names its role, and page.css says what colour a role has in light, in dark and in print.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Json = dict[str, object]
Role = Literal["target", "reference", "master", "quiet", "genre", "beside"]
Ys = tuple[float | None, ...]

LOWEST_HZ, HIGHEST_HZ = 20.0, 20000.0
_TICKS = {20: "20", 50: "50", 100: "100", 200: "200", 500: "500", 1000: "1k", 2000: "2k", 5000: "5k"}
FREQUENCY_TICKS = {**_TICKS, 10000: "10k", 20000: "20k"}
LAYERS: tuple[Role, ...] = ("genre", "quiet", "target", "master", "beside", "reference")
HOUR_S = 3600.0
LEFT_PX = 58
MANY = 8
# Inside a script element HTML knows no escapes, so JSON's own are used: "</script>" in a file name stays text.
JSON_ESCAPES = str.maketrans({mark: f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"})
FIRST_MS = 86_400_000.0  # a midnight; from 0, plotly.js would read 1000…9999 ms as the years 1000…9999

Dash = Literal["solid", "dash", "dot", "dashdot"]


@dataclass(frozen=True)
class Curve:
    """One thing drawn. The dash, or the hatching of a bar, tells roles apart where colour does not.

    `low` is the lower edge of a band, and the foot of bars that do not stand on 0. `shown` False waits in the legend.
    `said` is what a bar says of itself when it is pointed at. Points and uprights have their values across, names down.
    """

    name: str
    role: Role
    x: tuple[float, ...] | tuple[str, ...]
    y: Ys
    dash: Dash = "solid"
    width: float = 2.0
    faint: bool = False
    kind: Literal["line", "bar", "area", "band", "points", "upright"] = "line"
    low: Ys = ()
    said: tuple[str, ...] = ()
    shown: bool = True

    @property
    def hatched(self) -> bool:
        """Whether bars are drawn with stripes: the reference's, as its lines are dashed."""
        return self.role == "reference"


@dataclass(frozen=True)
class Table:
    """A plot in numbers, for those who read rather than look."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Plot:
    """A figure with all that is written around it."""

    name: str
    title: str
    caption: str
    alt: str
    curves: tuple[Curve, ...]
    layout: Json
    table: Table

    @property
    def drawn(self) -> tuple[Curve, ...]:
        """The curves from the lowest layer to the highest; the target's wide dots lie under the master, and show."""
        return tuple(sorted(self.curves, key=lambda curve: 0 if curve.kind == "bar" else LAYERS.index(curve.role)))

    @property
    def legend(self) -> list[tuple[int, Curve]]:
        """Each curve with its place in the figure; faint ones last."""
        return sorted(enumerate(self.drawn), key=lambda entry: (entry[1].faint, self.curves.index(entry[1])))

    @property
    def figure(self) -> Json:
        """What plotly.js is given."""
        return {"data": [_trace(curve) for curve in self.drawn], "layout": self.layout}


def layout(x_axis: Json, y_axis: Json, *, height_px: int, marks: Iterable[Json] = (), left_px: int = LEFT_PX) -> Json:
    """The frame of a plot; most have the same margins, so that plots of one axis line up below each other."""
    return {
        "height": height_px,
        "margin": {"l": left_px, "r": 12, "t": 10, "b": 46},
        "xaxis": x_axis,
        "yaxis": y_axis,
        "shapes": list(marks),
        "showlegend": False,
        "hovermode": "x unified",
        "bargap": 0.35,
        "bargroupgap": 0.08,
    }


def frequency_axis() -> Json:
    """20 Hz to 20 kHz, logarithmic."""
    return {
        "type": "log",
        "range": [math.log10(LOWEST_HZ), math.log10(HIGHEST_HZ)],
        "tickvals": list(FREQUENCY_TICKS),
        "ticktext": list(FREQUENCY_TICKS.values()),
        "title": {"text": "Frequency (Hz)"},
        "unifiedhovertitle": {"text": "%{x:.3s}Hz"},
    }


def name_axis(title: str) -> Json:
    """A few things by name."""
    return {"type": "category", "tickangle": 0, "showgrid": False, "title": {"text": title}}


def time_axis(duration_s: float) -> Json:
    """Minutes and seconds from the start. A date axis, because only that keeps such ticks while zooming."""
    hours = duration_s >= HOUR_S
    form = "%-H:%M:%S" if hours else "%-M:%S"
    return {
        "type": "date",
        "range": [moment_ms(0.0), moment_ms(duration_s)],
        "tickformat": form,
        "hoverformat": form,
        "title": {"text": f"Time ({'h:' if hours else ''}min:s)"},
        "nticks": 8,
    }


def moment_ms(seconds: float) -> float:
    """A moment of the track as a place on the time axis."""
    return FIRST_MS + round(1000 * seconds)


def level_axis(title: str, low: float | None = None, high: float | None = None) -> Json:
    """A linear axis in dB or LU; the range is found by plotly.js where none is given."""
    axis: Json = {"title": {"text": title}, "zeroline": low is not None and high is not None and low < 0 < high}
    return axis if low is None or high is None else {**axis, "range": [low, high]}


def level_mark(level: float) -> Json:
    """A horizontal line across the plot."""
    return _mark({"layer": "above", "xref": "paper", "x0": 0, "x1": 1, "y0": level, "y1": level})


def time_mark(seconds: float) -> Json:
    """A vertical line at a moment."""
    x = moment_ms(seconds)
    return _mark({"layer": "below", "yref": "paper", "y0": 0, "y1": 1, "x0": x, "x1": x})


def rounded(values: Iterable[float | None], digits: int = 2) -> Ys:
    """Values as they are written into the page; what is not finite is a gap in the curve."""
    return tuple(None if value is None or not math.isfinite(value) else round(value, digits) for value in values)


def finite(curves: Sequence[Curve]) -> list[float]:
    """All values that are drawn."""
    both = (value for curve in curves for value in (*curve.y, *(curve.low if curve.kind == "band" else ())))
    return [value for value in both if value is not None]


def _trace(curve: Curve) -> Json:
    trace: Json = {
        "name": curve.name,
        "meta": curve.role,
        **_places(curve),
        "y": list(curve.y),
        "hovertemplate": "%{y:.1f}",
        "visible": curve.shown,
    }
    if curve.kind == "bar":
        return {**trace, "type": "bar", **_bars(curve)}
    if curve.kind in ("points", "upright"):
        trace |= {"x": trace["y"], "y": trace["x"], "hovertemplate": "%{x:.2f}"}
    if curve.kind == "points":
        symbol = "diamond" if curve.role == "master" else "circle-open"
        return {
            **trace,
            "type": "scatter",
            "mode": "markers",
            "marker": {"symbol": symbol, "size": 9 if symbol == "diamond" else 16, "line": {"width": 2}},
        }
    trace |= {"type": "scatter", "mode": "lines", "line": {"dash": curve.dash, "width": curve.width}}
    if curve.kind == "band":
        return trace | _outline(curve)
    if curve.faint:
        trace["opacity"] = 0.65
    return {**trace, "fill": "tozeroy"} if curve.kind == "area" else trace


def _places(curve: Curve) -> Json:
    """Where the values stand; moments at one distance by the first and that, for they are half of what a line holds."""
    numbers = [x for x in curve.x if not isinstance(x, str)]
    steps = {after - before for before, after in pairwise(numbers)}
    if curve.kind in ("line", "area") and len(numbers) > MANY and len(steps) == 1:
        return {"x0": numbers[0], "dx": steps.pop()}
    return {"x": list(curve.x)}


def _bars(curve: Curve) -> Json:
    marker: Json = (
        {"pattern": {"shape": "/", "size": 6, "solidity": 0.5, "fillmode": "replace"}, "line": {"width": 1.5}}
        if curve.hatched
        else {}
    )
    found: Json = {"marker": marker}
    if curve.low:
        heights = [
            None if y is None or low is None else round(y - low, 2) for y, low in zip(curve.y, curve.low, strict=True)
        ]
        found |= {"base": list(curve.low), "y": heights}
    return found | ({"customdata": list(curve.said), "hovertemplate": "%{customdata}"} if curve.said else {})


def _outline(curve: Curve) -> Json:
    """A band as one closed line, there along its upper edge and back along its lower one."""
    edges = [
        (x, high, low)
        for x, high, low in zip(curve.x, curve.y, curve.low, strict=True)
        if high is not None and low is not None
    ]
    there, back = [(x, high) for x, high, _ in edges], [(x, low) for x, _, low in reversed(edges)]
    return {
        "x": [x for x, _ in (*there, *back)],
        "y": [y for _, y in (*there, *back)],
        "line": {"width": 0},
        "fill": "toself",
        "hoverinfo": "skip",
        "hovertemplate": None,
    }


def _mark(place: Json) -> Json:
    return {"type": "line", "line": {"width": 1, "dash": "dot"}, **place}


def figures_json(plots: Iterable[Plot]) -> str:
    """All plots as a script in the page reads them, by name."""
    figures = {plot.name: plot.figure for plot in plots}
    return json.dumps(figures, allow_nan=False, separators=(",", ":")).translate(JSON_ESCAPES)
