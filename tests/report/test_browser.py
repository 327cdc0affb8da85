"""The page in a real browser: nothing is fetched, nothing fails, everything is drawn and fits."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from refmaster.report import page

from . import sample
from .browsing import ARGS, CHROMIUM, MISSING, listened

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

KINDS = ("full_report", "dry_run", "without_reference", "unchanged", "mono", "decided", "in_a_genre", "second_opinion")
# Elements that reach past the right edge of the window; a drawing may, for it is cut off there, and a table of numbers
# may be wider than its frame, in which it scrolls.
OVERFLOWING = """[...document.querySelectorAll("body *:not(.hushed)")]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5 && !one.closest(".plot *, .scroll *"))
    .map((one) => one.outerHTML.slice(0, 120))"""
# Tables and the like that reach past the column they stand in, into the margin of the page.
INTO_THE_MARGIN = """() => {
    const edge = document.querySelector("main").getBoundingClientRect().right + 0.5;
    return [...document.querySelectorAll("main *:not(.hushed), footer *")]
        .filter((one) => one.getBoundingClientRect().right > edge && !one.closest(".plot, .scroll *"))
        .map((one) => one.outerHTML.slice(0, 120));
}"""
# Pairs of neighbours in the flow of the page that lie on each other, and text that is wider than its own box.
OVERLAPPING = """() => {
    const shown = (one) => one.offsetParent && getComputedStyle(one).position === "static";
    const found = [];
    const groups = "main, section, .move, .player, .voices, .choices, .choices > div, figure, .legend, .facts, header";
    for (const group of document.querySelectorAll(groups)) {
        const boxes = [...group.children].filter(shown).map((one) => [one, one.getBoundingClientRect()]);
        boxes.forEach(([one, a], i) => boxes.slice(i + 1).forEach(([other, b]) => {
            const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (across > 1 && down > 1) found.push([one, other].map((box) => box.outerHTML.slice(0, 90)));
        }));
    }
    for (const one of document.querySelectorAll("button, th, td, dd, dt, figcaption")) {
        if (shown(one) && !one.closest(".scroll") && one.scrollWidth > one.clientWidth + 1 && one.clientWidth)
            found.push(["wider than its box", one.outerHTML.slice(0, 90)]);
    }
    return found;
}"""
RGB_OF_TRACE = "getComputedStyle(document.querySelector('#plot-spectrum .scatterlayer .trace:last-child path')).stroke"


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=list(ARGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of report as a file."""
    made: Path = tmp_path_factory.mktemp("pages")
    for kind in KINDS:
        html = page(getattr(sample, kind)(), wanted_eq_db=sample.wanted_eq_db(), applied_eq_db=sample.applied_eq_db())
        (made / f"{kind}.html").write_text(html, encoding="utf-8")
    return made


@pytest.fixture
def opened(browser, folder):
    """Opens a page; afterwards, nothing may have failed and nothing may have been fetched."""
    troubles: list[str] = []
    contexts = []

    def open_page(kind: str, *, width: int = 1280, scheme: str = "light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        tab = context.new_page()
        listened(tab, troubles)
        tab.goto((folder / f"{kind}.html").as_uri())
        tab.wait_for_selector("html[data-drawn]", timeout=20_000)
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.mark.parametrize("kind", ["full_report", "decided", "in_a_genre", "second_opinion"])
def test_the_page_fits_its_window_at_any_width_in_both_schemes(opened, kind):
    tab = opened(kind)
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for width in (1280, 400):
        for scheme in ("light", "dark"):
            tab.set_viewport_size({"width": width, "height": 900})
            tab.emulate_media(color_scheme=scheme)
            tab.wait_for_timeout(300)  # plotly.js fits its plots to a new width a moment later
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert tab.evaluate(OVERFLOWING) == []
            assert tab.evaluate(INTO_THE_MARGIN) == []
            assert tab.evaluate(OVERLAPPING) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_plot_is_drawn(opened, kind):
    tab = opened(kind)
    drawn = tab.evaluate(
        """() => [...document.querySelectorAll(".plot")].map((plot) => [
            plot.querySelectorAll(".main-svg").length > 0,
            plot.querySelectorAll(".js-line, .js-fill, .bars path, .points path").length > 0,
            plot.querySelectorAll(".xtitle, .ytitle").length,
            plot.getBoundingClientRect().height > 150,
        ])"""
    )
    assert len(drawn) >= 4
    assert all(one == [True, True, 2, True] for one in drawn)


def test_time_runs_from_left_to_right(opened):
    """Regression: plotly.js reads the numbers 1000 to 9999 on a date axis as years."""
    tab = opened("full_report")
    ends = tab.evaluate(
        """() => ["loudness", "gain_reduction"].flatMap((name) => {
            const plot = document.querySelector(`[data-figure=${name}]`);
            const axis = plot._fullLayout.xaxis;
            return plot.calcdata.filter((points) => points[0].trace.visible).map((points) => {
                const xs = points.map((point) => point.x).filter(Number.isFinite); // a gap has none
                return xs.length > 1 && xs.every((x, i) => !i || x > xs[i - 1])
                    && xs[0] >= axis.r2l(axis.range[0]) && xs.at(-1) <= axis.r2l(axis.range[1]) + 1;
            });
        })"""
    )
    assert ends
    assert all(ends)


@pytest.mark.parametrize("kind", ["full_report", "in_a_genre", "second_opinion"])
def test_every_axis_has_a_title_with_its_unit_and_every_curve_stands_in_the_legend(opened, kind):
    tab = opened(kind)
    plots = tab.evaluate(
        """() => [...document.querySelectorAll("figure")].map((figure) => {
            const plot = figure.querySelector(".plot");
            const axes = [plot._fullLayout.xaxis, plot._fullLayout.yaxis];
            return {
                name: plot.dataset.figure,
                titles: axes.map((axis) => axis.title.text),
                categories: axes.map((axis) => axis.type === "category"),
                traces: plot.data.map((trace) => trace.name).sort(),
                legend: [...figure.querySelectorAll(".entry")].map((entry) => entry.textContent.trim()).sort(),
                alt: plot.getAttribute("aria-label"),
            };
        })"""
    )
    assert len(plots) >= 7
    for plot in plots:
        for title, is_names in zip(plot["titles"], plot["categories"], strict=True):
            assert title, plot["name"]
            assert is_names or re.search(r"\(.+\)$", title), f"{plot['name']}: {title!r} has no unit"
        assert plot["traces"] == plot["legend"]
        assert re.search(r"\d", plot["alt"]), f"{plot['name']}: {plot['alt']!r} has no number"


def test_headings_go_down_by_one_and_landmarks_are_there(opened):
    tab = opened("full_report")
    levels = tab.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    count = "['header', 'main', 'footer'].map((one) => document.querySelectorAll(`body > ${one}`).length)"
    assert tab.evaluate(count) == [1, 1, 1]
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


def test_a_genre_is_a_band_under_the_lines(opened):
    tab = opened("in_a_genre")
    for name in ("spectrum", "width"):
        filled = tab.evaluate(f"document.querySelector('[data-figure={name}]').data.map((trace) => trace.fill || '')")
        assert filled[0] == "toself"
        assert filled[1:] == [""] * 3
    assert "metal, P10–P90 of" in tab.locator("#plot-spectrum .legend").inner_text()


def test_it_prints_on_a4_with_no_plot_cut_and_no_player(opened):
    tab = opened("in_a_genre")
    pdf = tab.pdf(format="A4", print_background=True, prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    tab.emulate_media(media="print")
    height_px, width_px = 1017, 688  # A4 less margins of 14 mm, at 96 to the inch
    tab.set_viewport_size({"width": width_px, "height": height_px})
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.wait_for_timeout(300)
    figures = tab.evaluate(
        """() => [...document.querySelectorAll("figure, .move")].map((one) => [
            one.getBoundingClientRect().height, getComputedStyle(one).breakInside,
            ...[...one.querySelectorAll(".main-svg")].slice(0, 1).map((svg) => svg.getBoundingClientRect().right)])"""
    )
    assert all(height < height_px and how == "avoid" for height, how, *_ in figures)
    assert all(right <= width_px for *_, right in (one for one in figures if len(one) == 3))
    assert tab.locator(".copy:visible, summary:visible, #listen:visible").count() == 0


def test_plots_follow_the_colour_scheme(opened):
    tab = opened("full_report", scheme="light")
    light = tab.evaluate(RGB_OF_TRACE)
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function(f"() => {RGB_OF_TRACE} !== '{light}'")


def test_a_legend_entry_hides_and_shows_its_line_by_keyboard(opened):
    tab = opened("full_report")
    entry, lines = tab.locator("#plot-spectrum .entry").first, "#plot-spectrum .scatterlayer .trace"
    assert tab.locator(lines).count() == 3
    entry.focus()
    tab.keyboard.press("Enter")
    tab.wait_for_function(f"() => document.querySelectorAll('{lines}').length === 2")
    assert entry.get_attribute("aria-pressed") == "false"
    tab.keyboard.press("Enter")
    tab.wait_for_function(f"() => document.querySelectorAll('{lines}').length === 3")


def test_a_flag_is_copied_or_selected(opened):
    tab = opened("full_report")
    button = tab.locator(".undo .copy").first
    button.click()
    tab.wait_for_function("() => ['copied', 'selected'].includes(document.querySelector('.undo .copy').textContent)")


def test_a_page_in_print_is_light_whatever_the_screen(opened):
    tab = opened("full_report", scheme="dark")
    ink = "getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()"
    dark = tab.evaluate(ink)
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate(ink) != dark
    assert tab.evaluate("document.querySelector('.main-svg').getBoundingClientRect().width") == 660
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    tab.wait_for_function("() => document.querySelector('.main-svg').getBoundingClientRect().width > 700")
    assert tab.evaluate(ink) == dark


def test_text_stands_out_from_its_ground_in_both_schemes(opened):
    """WCAG 2.1, 1.4.3: a contrast of at least 4.5 to 1 for text, and 1.4.11: 3 to 1 for the lines of a plot."""
    tab = opened("full_report")
    names = ["paper", "raised", "ink", "muted", "accent", "failed", "target", "reference", "master", "beside"]
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        style = tab.evaluate(
            """(names) => Object.fromEntries(names.map(
                (name) => [name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()]))""",
            names,
        )
        for ground in (style["paper"], style["raised"]):
            assert all(_contrast(style[name], ground) >= 4.5 for name in ("ink", "muted", "accent", "failed"))
            assert all(_contrast(style[name], ground) >= 3.0 for name in ("target", "reference", "master", "beside"))


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", WCAG 2.1."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
