"""The first thing on the page: what came of it, and what changed most."""

import math
from dataclasses import dataclass

from refmaster.explain import verdict_line
from refmaster.records import Effect, Move, Report
from refmaster.units import unit_of
from refmaster.writing import capital, difference, label, pair, said

# How much of each unit is just heard, DESIGN.md §4: the yardstick that makes a LU and a dB comparable.
JUST_HEARD = {"LU": 0.3, "LUFS": 0.3, "dB": 0.5, "dB/oct": 0.1, "Hz": 100.0}
UNHEARD = ("true_peak_dbtp", "sample_peak_dbfs", "dc_")  # a promise kept or headroom won, not a change heard
OTHER_JUST_HEARD = 0.1
ALSO_SAID = 2  # changes named after the largest


@dataclass(frozen=True)
class Verdict:
    """The head of the page. `kind` is a class of the style sheet, never the only sign of anything."""

    kind: str
    status: str
    largest: str
    also: tuple[str, ...]


def verdict_of(report: Report) -> Verdict:
    """The report in three lines."""
    changes = _changes(report)
    largest = capital(changes[0]) if changes else _as_it_came(report)
    return Verdict(_kind(report), verdict_line(report), largest, tuple(changes[1 : 1 + ALSO_SAID]))


def _kind(report: Report) -> str:
    if any(not check.passed for check in report.checks):
        return "failed"
    return "planned" if report.master is None else report.status


def _changes(report: Report) -> list[str]:
    """What changed, or in a dry run what would, the most audible first."""
    weighed = _planned(report) if report.master is None else _measured(report)
    return [text for _, text in sorted(weighed, key=lambda item: -item[0])]


def _measured(report: Report) -> list[tuple[float, str]]:
    found = []
    for move in report.plan.active:
        effect = report.effect_of(move.id)
        if effect is not None and effect.after != effect.before:
            before, after = _whole(report, effect)
            text = f"{label(effect.feature)} {pair(effect.feature, before, after)}"
            weight = abs(after - before) / _yardstick(move, effect.feature)
            found.append((weight, f"{text} ({difference(effect.feature, after - before)})"))
    return found


def _whole(report: Report, effect: Effect) -> tuple[float, float]:
    """Level from file to master, as in the table: a move's own effect starts where the moves before it left off."""
    if effect.feature in ("integrated_lufs", "true_peak_dbtp") and report.master is not None:
        before, after = (getattr(one, effect.feature) for one in (report.target, report.master))
        if before is not None and after is not None:
            return before, after
    return effect.before, effect.after


def _planned(report: Report) -> list[tuple[float, str]]:
    return [
        (
            abs(gap.delta) / _yardstick(move, gap.feature),
            f"{label(gap.feature)} {said(gap.feature, gap.target)}, to go toward {said(gap.feature, gap.reference)}",
        )
        for move in report.plan.active
        for gap in move.because[:1]
    ]


def _yardstick(move: Move, feature: str) -> float:
    if feature.startswith(UNHEARD):
        return math.inf
    tolerance = next((gap.tolerance for gap in move.because if gap.feature == feature), 0.0)
    return tolerance if tolerance > 0 else JUST_HEARD.get(unit_of(feature) or "", OTHER_JUST_HEARD)


def _as_it_came(report: Report) -> str:
    kept = report.target if report.master is None else report.master
    loudness, peak = (said(name, getattr(kept, name)) for name in ("integrated_lufs", "true_peak_dbtp"))
    return f"Integrated loudness {loudness}, true peak {peak}"
