"""The report: one offline page, verdict first, then the moves, then the evidence.

    page(report) ─┬ verdict   what came of it, and what changed most
                  ├ table     before, reference and after; the checks
                  ├ players   what can be heard of target, master and reference
                  ├ cards     every move with its reason, its effect and how to decide otherwise
                  └ plots     the evidence; plotly's own JavaScript is in the page, nothing is loaded

Nothing here measures sound; it writes down what the Report holds.
"""

import re
import shlex
from pathlib import PurePath

from refmaster.genres import ANY
from refmaster.listen import Listening
from refmaster.passport import STRANGER
from refmaster.records import Genre, Profile, Report, Request
from refmaster.report.cards import cards_of
from refmaster.report.figure import figures_json
from refmaster.report.players import player_of
from refmaster.report.plots import plots_of
from refmaster.report.table import check_rows, rows_of
from refmaster.report.templates import HERE, environment
from refmaster.report.verdict import verdict_of
from refmaster.taken import genre_words, passport_words, reference_lines
from refmaster.writing import capital, clock, said

__all__ = ["page"]


_PLACE = "<!--{} goes here-->"  # nobody's text can hold it: what is filled in is escaped


def page(
    report: Report,
    *,
    wanted_eq_db: tuple[float, ...] | None = None,
    applied_eq_db: tuple[float, ...] | None = None,
    sound: Listening | None = None,
) -> str:
    """The report as one HTML page that needs nothing else; with `sound`, what was mastered can be heard in it.

    Both EQ curves, where given, are levels at `report.target.band_hz`: what the evidence asked for, and what the
    EQ moves do.
    """
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    plots = plots_of(report, wanted_eq_db, applied_eq_db)
    player = player_of(sound, (report.engine, report.beside.engine) if report.beside else ())
    large = {"plotly": get_plotlyjs(), "figures": figures_json(plots), "sound": player.data if player else ""}
    text = (
        environment()
        .get_template("template.html.j2")
        .render(
            report=report,
            name=_file_name(report.target),
            reference_name=_file_name(report.reference) if report.reference else "none",
            facts=_facts(report),
            verdict=verdict_of(report),
            rows=rows_of(report),
            cards=cards_of(report),
            checks=check_rows(report.checks),
            beside_checks=check_rows(report.beside.checks) if report.beside else (),
            own_command=_own_command(report),
            things_to_know=_things_to_know(report),
            plots=plots,
            player=player,
            session=shlex.quote(report.files.session or "SESSION.toml"),
            ending=PurePath(report.files.master or "").suffix or ".wav",
            inputs=_inputs(report),
            style=Markup((HERE / "page.css").read_text(encoding="utf-8")),
            script=Markup((HERE / "page.js").read_text(encoding="utf-8")),
            player_script=Markup((HERE / "player.js").read_text(encoding="utf-8")),
            **{name: Markup(_PLACE.format(name)) for name in large},
        )
    )
    return _filled(text, large)


def _filled(text: str, large: dict[str, str]) -> str:
    """A page with what is large put in its places; the template engine would copy each of its megabytes four times."""
    parts = re.split(_PLACE.format(f"({'|'.join(large)})"), text)
    parts[1::2] = [large[name] for name in parts[1::2]]
    return "".join(parts)


def _facts(report: Report) -> tuple[tuple[str, str], ...]:
    """What was asked and what was compared, for the head of the page."""
    genre, request = report.genre, report.request
    ceiling = request.ceiling_dbtp if report.plan.ceiling_dbtp is None else report.plan.ceiling_dbtp
    return (
        ("Reference", _reference(report)),
        ("Genre", _genre(genre)),
        *_kinship(report),
        ("Amount", f"{request.amount_pct:g} of 100"),
        ("Goal", f"{_loudness_goal(report)}, {said('_dbtp', ceiling)}"),
        ("Target", f"{clock(report.target.duration_s)}, {_format(report.target)}"),
    )


def _genre(genre: Genre) -> str:
    """What the track is read in, on how many tracks that stands, and how probable it is where nobody named it."""
    if genre.name == ANY:
        return genre_words(genre) or "none"
    kind, tracks = genre.label or genre.name, f", {genre.n_tracks} tracks" if genre.n_tracks else ""
    share = "" if genre.share is None else f", {100 * genre.share:.0f} % share"
    return f"{capital(kind)}{tracks}{share}"


def _reference(report: Report) -> str:
    if report.reference is None:
        return "none"
    if len(report.heard) < 2:
        return _file_name(report.reference)
    nearest = "the nearest" if (report.kinship or 0.0) >= STRANGER else "one"
    return f"{_file_name(report.reference)}, {nearest} of {len(report.heard)}"


def _loudness_goal(report: Report) -> str:
    """What was to be read, and where it stopped if that was not to be had."""
    plan = report.plan
    if plan.asked_lufs is not None:
        return f"{said('_lufs', plan.asked_lufs)} (stopped at {said('_lufs', plan.goal_lufs)})"
    return said("_lufs", report.request.loudness_lufs if plan.goal_lufs is None else plan.goal_lufs)


def _kinship(report: Report) -> tuple[tuple[str, str], ...]:
    if report.kinship is None:
        return ()
    single = len(report.heard) < 2
    moved = single and report.comparison is not None and report.comparison.transposed_semitones is not None
    read = "read in the target's key" if moved else "the same song or session"
    of = "" if single else ", the nearest of them"
    return (("Kinship", f"{100 * report.kinship:.0f} % {read}{of}"),)


def _format(profile: Profile) -> str:
    channels = {1: "mono", 2: "stereo"}.get(profile.channels, f"{profile.channels} channels")
    return f"{profile.sample_rate_hz / 1000:g} kHz, {channels}, {profile.container} {profile.subtype}"


def _things_to_know(report: Report) -> tuple[str, ...]:
    """Notes of the run, what the reference could not teach, then what was found about the files."""
    found = [f"{role}: {defect.text}" for role, profile in _profiles(report) for defect in profile.defects]
    ignored = report.comparison.ignored if report.comparison else ()
    return (*report.notes, *reference_lines(report), *passport_words(report), *ignored, *found)


def _own_command(report: Report) -> str:
    """What masters the same with our own engine."""
    words = ["refmaster", report.target.path, *(word for one in report.compared for word in ("--ref", one.path))]
    if report.request.ceiling_dbtp != Request().ceiling_dbtp:
        words += ["--ceiling", f"{report.request.ceiling_dbtp:g}"]
    return shlex.join(words)


def _inputs(report: Report) -> tuple[tuple[str, str, str], ...]:
    return tuple((role, profile.path, profile.sha256) for role, profile in _profiles(report))


def _profiles(report: Report) -> tuple[tuple[str, Profile], ...]:
    several = len(report.compared) > 1
    named = ((f"Reference {_file_name(one)}" if several else "Reference", one) for one in report.compared)
    return (("Target", report.target), *named)


def _file_name(profile: Profile) -> str:
    return PurePath(profile.path).name or profile.path
