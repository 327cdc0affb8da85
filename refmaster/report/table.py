"""The tables: before, reference and after; and the checks."""

from dataclasses import dataclass
from operator import attrgetter

from refmaster.genres.statistics import whole_width_db
from refmaster.records import Check, Profile, Report
from refmaster.units import unit_of
from refmaster.writing import SHORT_S, bare, bounds, difference, label, said, says_little

ROWS = (
    "integrated_lufs",
    "true_peak_dbtp",
    "max_short_term_lufs",
    "loudness_range_lu",
    "plr_db",
    "psr_db",
    "crest_db",
    "correlation",
    "width_db",
    "mono_loss_db",
    "tilt_db_per_oct",
)


@dataclass(frozen=True)
class Row:
    """One measurement of all tracks; `note` says what limits it."""

    label: str
    unit: str
    before: str
    reference: str
    after: str
    beside: str
    change: str
    note: str = ""


@dataclass(frozen=True)
class CheckRow:
    """One check in words."""

    label: str
    value: str
    allowed: str
    passed: bool


def rows_of(report: Report) -> tuple[Row, ...]:
    """The table of the three profiles, in the order an engineer asks for them."""
    return tuple(_row(report, name) for name in ROWS)


def check_rows(checks: tuple[Check, ...]) -> tuple[CheckRow, ...]:
    """The checks, each with what it allows."""
    return tuple(
        CheckRow(
            label=label(check.name),
            value="not measured" if check.value is None else said(check.name, check.value),
            allowed=bounds(check.name, check.low, check.high),
            passed=check.passed,
        )
        for check in checks
    )


def _row(report: Report, name: str) -> Row:
    before, reference, after = (_value(profile, name) for profile in (report.target, report.reference, report.master))
    change = None if before is None or after is None else after - before

    return Row(
        label=label(name),
        unit=unit_of(name) or "",
        before=bare(name, before),
        reference=bare(name, reference),
        after=bare(name, after),
        beside=bare(name, _value(report.beside.master, name)) if report.beside else "",
        change="—" if change is None else difference(name, change),
        note=f"short: under {SHORT_S:g} s" if says_little(name, report.target.duration_s) else "",
    )


def _value(profile: Profile | None, name: str) -> float | None:
    if profile is None:
        return None
    if name == "width_db":
        return whole_width_db(profile)
    value: float | None = attrgetter(name)(profile)
    return value
