import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from refmaster.explain import verdict_line
from refmaster.genres import load_genre
from refmaster.records import Assumption, Check, Effect, Report
from refmaster.report import page
from refmaster.report.cards import cards_of
from refmaster.report.curves import correlation_by_band, tone_band

from . import sample

HOSTILE = "</script><script>alert(1)</script>\"'&<img src=x onerror=alert(2)><!--plotly goes here-->"
KINDS = {
    "full": sample.full_report,
    "dry run": sample.dry_run,
    "no reference": sample.without_reference,
    "unchanged": sample.unchanged,
    "mono": sample.mono,
    "failed": sample.failed,
    "decided": sample.decided,
    "unmeasured": sample.unmeasured,
    "in a genre": sample.in_a_genre,
    "second opinion": sample.second_opinion,
}
VOID = {"meta", "link", "img", "br", "hr", "input", "line", "rect", "path", "circle"}


class Outline(HTMLParser):
    """What is in a page: every element with its attributes, the text outside of scripts, and unclosed elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.words_of: dict[str, list[str]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)
            self.words_of.setdefault(self.open[-1], []).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def text_of(self, *tags: str) -> str:
        """What stands right inside elements of these kinds."""
        return " | ".join(word for tag in tags for word in self.words_of.get(tag, []))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def outline(report: Report) -> Outline:
    html = page(report, wanted_eq_db=sample.wanted_eq_db(), applied_eq_db=sample.applied_eq_db())
    return Outline(html.replace(get_plotlyjs(), "", 1))  # 5 MB that are not ours to read


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_report_makes_a_well_formed_page(kind):
    found = outline(KINDS[kind]())
    assert found.open == []
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert sorted(set(ids)) == sorted(ids)
    assert "NaN" not in found.text
    assert "None" not in found.text.replace("None.", "")


@pytest.mark.parametrize("kind", KINDS)
def test_no_line_of_prose_can_end_between_a_number_and_its_unit(kind):
    """But in what is copied, a flag or a command, a space is a space."""
    found = outline(KINDS[kind]())
    prose = found.text_of("p", "dd", "li", "figcaption", "strong")
    assert not re.findall(r"\d (?:%|dB|LUFS|LU|k?Hz|ms)(?!\w)", prose)
    copied = [attributes["data-copy"] or "" for attributes in found.of("button") if "data-copy" in attributes]
    assert "\u00a0" not in "".join(copied) + found.text_of("code")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_loaded_from_anywhere(kind):
    found = outline(KINDS[kind]())
    loading = [attributes.get(name) for _, attributes in found.elements for name in ("src", "href", "action", "poster")]
    assert {one for one in loading if one} == {"data:,", "#moves"}
    policy = next(meta for meta in found.of("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in (policy["content"] or "")


def test_the_page_has_one_plotly_and_no_import_in_its_style():
    html = page(sample.full_report())
    assert html.count("* plotly.js v") == 1
    style = html[html.index("<style>") : html.index("</style>")]
    assert "@import" not in style
    assert "url(" not in style


def test_the_verdict_comes_first_then_the_moves_then_the_evidence():
    text = outline(sample.full_report()).text
    order = [
        "Mastered with 5 moves; every check passed",
        "Integrated loudness −17.4 → −10.3 LUFS (+7.1 LU)",
        *("Before, reference, after", "Moves", "Left alone", "Not reached", "Assumptions", "Checks", "Evidence"),
        "refmaster render",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("dry run", "Dry run: 5 moves planned, nothing written"),
        ("unchanged", "Unchanged: nothing needed doing."),
        ("failed", "but a check failed: true peak −0.82 dBTP (allowed: at most −1.00 dBTP)"),
        ("unmeasured", "but a check failed: true peak not measured"),
    ],
)
def test_the_status_is_said_in_the_words_of_the_summary(kind, words):
    report = KINDS[kind]()
    text = outline(report).text
    assert words in text
    assert verdict_line(report) in text


def test_the_head_agrees_with_the_table_where_a_move_starts_from_another_level():
    """Regression: a real run read −8.8 in the head, after the moves before, and −9.3 in the table."""
    report = sample.full_report()
    later = tuple((i, Effect(e.feature, -16.9, e.after) if i == "match_loudness" else e) for i, e in report.effects)
    assert "Integrated loudness −17.4 → −10.3 LUFS (+7.1 LU) Then" in outline(replace(report, effects=later)).text


def test_what_is_not_heard_is_not_what_changed_most():
    report = sample.full_report()
    peak, tone = Effect("true_peak_dbtp", 9.0, -1.0), Effect("level_at_280_hz_db", 1.9, 1.6)
    effects = (("limit_peaks", peak), ("match_eq/bell_1", tone))
    text = outline(replace(report, effects=effects)).text
    assert text.index("Level at 280 Hz +1.90 → +1.60 dB") < text.index("true peak 9.00 → −1.00 dBTP")


def test_every_move_shows_its_id_text_undo_and_flags():
    report = sample.full_report()
    text = outline(report).text
    for move in report.plan.moves:
        assert f"--drop {move.id}" in text
        assert report.text_of(move.id) in text
        for param in move.params:
            assert f"--set {move.id}.{param.name}={param.value:g}" in text
            assert str(param) in text


def test_a_decision_of_the_person_is_shown_with_what_was_proposed():
    text = outline(sample.decided()).text
    for words in ("override", "locked", "Your note: keep the weight", "proposed −1.80 dB", "Mastered with 4 moves"):
        assert words in text
    assert "To hear it again: --undo match_eq/bell_1" in text


@pytest.mark.parametrize("where", ["path", "text", "genre", "check"])
def test_hostile_words_stay_words(where):
    report = sample.full_report()
    path = f"/music/{HOSTILE.replace('/', '_')}" if where == "path" else report.target.path
    hostile = replace(
        report,
        target=replace(report.target, path=path),
        texts=(("match_loudness", HOSTILE),),
        genre=replace(report.genre, label=HOSTILE),
        notes=(HOSTILE,),
        checks=(Check(f"{HOSTILE}_db", 0.0, None, 1.0),),
        plan=replace(report.plan, assumptions=(Assumption(HOSTILE, HOSTILE),)),
        files=replace(report.files, session=f"/tmp/{HOSTILE}.toml"),
    )
    plain, found = outline(report), outline(hostile)
    assert len(found.of("script")) == len(plain.of("script"))
    assert found.of("img") == []
    assert HOSTILE in found.text
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]


def test_a_hostile_name_in_a_figure_does_not_end_its_script():
    report = sample.full_report()
    html = page(report)
    figures = re.search(r'<script type="application/json" id="figures">(.*?)</script>', html, re.DOTALL)
    assert figures is not None
    assert not set("<>&") & set(figures[1])


def test_what_could_not_be_measured_is_a_dash():
    found = outline(sample.mono())
    row = re.search(r"correlation (.*?) width, total", found.text)
    assert row is not None
    assert row[1].split() == ["—"] * 4


def test_a_short_track_has_its_loudness_range_marked():
    report = sample.full_report()
    assert "short: under 60 s" not in outline(report).text
    assert "short: under 60 s" in outline(replace(report, target=replace(report.target, duration_s=42.0))).text


def test_empty_lists_are_not_shown():
    report = sample.full_report()
    plan = replace(report.plan, rejected=(), not_reached=(), assumptions=())
    quiet = replace(report, notes=(), comparison=None, plan=plan, checks=())
    text = outline(replace(quiet, target=replace(quiet.target, defects=()))).text
    for title in ("Left alone", "Not reached", "Assumptions", "Worth knowing", "Checks"):
        assert title not in text


def test_every_plot_has_a_title_units_a_legend_a_caption_an_alternative_and_a_table():
    found = outline(sample.full_report())
    plots = [attributes for attributes in found.of("div") if attributes.get("class") == "plot"]
    names = [plot["data-figure"] for plot in plots]
    assert names == [
        "spectrum",
        "eq",
        "loudness",
        "true_peak",
        "gain_reduction",
        "reduction_depths",
        "dynamics",
        "width",
        "correlation",
    ]
    assert all(plot["role"] == "img" and plot["aria-label"] for plot in plots)
    for tag in ("figure", "figcaption", "details"):
        assert len(found.of(tag)) == len(plots)
    legends = [attributes["data-plot"] for attributes in found.of("button") if "data-plot" in attributes]
    assert list(dict.fromkeys(legends)) == names


@pytest.mark.parametrize(
    ("kind", "absent"),
    [
        ("mono", {"width", "correlation"}),
        ("dry run", {"gain_reduction", "reduction_depths"}),
        ("unmeasured", {"spectrum", "loudness", "true_peak", "width", "correlation", "dynamics"}),
    ],
)
def test_a_plot_with_nothing_to_draw_is_left_out(kind, absent):
    found = outline(KINDS[kind]())
    names = {attributes.get("data-figure") for attributes in found.of("div")}
    assert not names & absent


def test_what_a_plot_shows_is_said_in_its_own_numbers():
    found = outline(sample.full_report())
    said = {a["data-figure"]: a["aria-label"] or "" for a in found.of("div") if "data-figure" in a}
    assert said["true_peak"] == (
        "True peak: target −3.90 dBTP, reference −0.31 dBTP, master −1.02 dBTP; the ceiling is −1.00 dBTP."
    )
    assert "Target −17.4 LUFS integrated" in said["loudness"]
    assert re.search(
        r"target \d\.\d dB, master \d\.\d dB; master is furthest from it at [\d.]+ k?Hz, by", said["spectrum"]
    )
    assert "20–120 Hz 9.0, 7.2, 7.7" in said["dynamics"]  # of the sample: 9 dB, times 1, 0.8 and 0.86
    shares = [float(one) for one in re.findall(r"([\d.]+) % at", said["reduction_depths"])]
    work = sample.gain_reduction()
    over = 100 * sum(depth > 0.1 for depth in work.history_db) / len(work.history_db)
    assert sum(shares) == pytest.approx(over, abs=0.3)


def test_correlation_by_band_is_what_it_says():
    """Equal mid and side are one channel alone: 0; a side 20 dB under the mid is (1 − 0.01) / (1 + 0.01)."""
    profile = replace(sample.full_report().target, band_hz=(100.0, 200.0, 400.0), side_to_mid_db=(0.0, -20.0, None))
    assert correlation_by_band(profile) == (pytest.approx(0.0), pytest.approx(0.99 / 1.01), None)


def test_the_genres_band_holds_eight_of_ten_of_its_songs():
    """Drawn from the genre's own distribution, by its factors, and around each of its possible middles.

    The band is to hold 80 % of them in each frequency.
    """
    genre = load_genre("metal")
    (band,) = tone_band(genre)
    tone, rng = genre.tone, np.random.default_rng(1)
    assert tone is not None
    factors = np.array(tone.factors_db)
    songs = np.array(tone.mean_db) + rng.standard_normal((20_000, factors.shape[0])) @ factors
    songs += rng.standard_normal(songs.shape) * np.array(tone.rest_sd_db)
    songs += rng.standard_normal(songs.shape) * np.array(tone.mean_sd_db)
    inside = (songs >= np.array(band.low)) & (songs <= np.array(band.y))
    assert np.abs(inside.mean(axis=0) - 0.8).max() < 0.015
    assert tone_band(load_genre("any")) == ()  # all music has no usual spectrum


def test_a_second_opinion_and_ours_are_measured_side_by_side():
    found = outline(sample.second_opinion())
    assert re.search(r"integrated loudness LUFS −17.4 −10.2 −9.7 −10.3 ", found.text)
    assert "The master by matchering" in found.text
    assert "The master by refmaster" in found.text
    assert "What refmaster does with the same" in found.text
    for move in sample.moves():
        assert dict(sample.TEXTS)[move.id] in found.text
    assert "refmaster '/music/seven/long way home.wav' --ref /music/references/harbour.flac" in found.text
    assert "refmaster render" not in found.text


def test_inputs_are_named_by_their_hash():
    report = sample.full_report()
    text = outline(report).text
    assert report.target.sha256 in text
    assert report.reference is not None
    assert report.reference.sha256 in text


def test_the_goal_is_what_was_asked_for_and_where_it_stopped():
    report = sample.full_report()
    short = replace(report, plan=replace(report.plan, goal_lufs=-13.7, asked_lufs=-13.2))
    assert "−13.2 LUFS (stopped at −13.7 LUFS)" in outline(short).text
    own = replace(report, plan=replace(report.plan, goal_lufs=None, asked_lufs=None))
    assert "stopped at" not in outline(own).text


def test_of_several_references_the_shown_one_is_named_and_all_stand_among_the_inputs():
    report = sample.full_report()
    other = replace(report.reference, path="/music/other.wav", sha256="ab" * 32)
    text = outline(replace(report, heard=(other, report.reference))).text
    assert " of 2" in text
    assert "Reference other.wav" in text
    assert "ab" * 32 in text


def test_the_first_tone_says_what_it_stands_against_and_no_other():
    report = sample.full_report()
    tones = [move.id for move in report.plan.moves if move.mover == "match_eq"]
    effects = tuple((name, Effect("tone_at_86_hz_db", 4.94, 4.39)) for name in tones)
    said = [card.effect_against for card in cards_of(replace(report, effects=effects)) if card.id in tones]
    assert said == ["re the mean of 100 Hz to 10 kHz", *("" for _ in tones[1:])]
