"""The overview in a real browser: on a telephone and on a desk nothing is cut off, and nothing lies off the screen."""

import pytest

from refmaster.batch.overview import page
from refmaster.batch.records import Outcome, Settings
from tests.report.browsing import ARGS, CHROMIUM, MISSING

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

WHY = "03.m4a is sound of a kind that refmaster does not read (.m4a); convert it to WAV or FLAC and batch again"
LONG = "side a/01 a rather long name of a track, final mix (take 17).wav"
OFF_SCREEN = """[...document.querySelectorAll("main *")]
    .filter((one) => one.clientWidth > 1 && !one.closest("thead"))
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5 || one.scrollWidth > one.clientWidth + 1)
    .map((one) => one.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("width", [320, 400, 900, 1280])
def test_every_figure_and_every_reason_is_on_the_screen(width, tmp_path):
    made = {"status": "mastered", "duration_s": 181.0, "moves": 4, "session": "a.toml", "report": "a.html"}
    levels = {"target_lufs": -28.4, "master_lufs": -12.43, "target_dbtp": -3.0, "master_dbtp": -1.05}
    outcomes = [
        Outcome(
            LONG,
            "a",
            genre="folk, acoustic 39 %",
            not_reached=("loudness", "the top end"),
            master="a",
            **made,
            **levels,
        ),
        Outcome(
            "02.wav", "b", genre="metal 29 %", not_reached=(), master="b", failed_checks=("x" * 90,), **made, **levels
        ),
        Outcome("03.m4a", "c", "failed", WHY),
    ]
    (tmp_path / "batch.html").write_text(page(outcomes, Settings(("/a/record.flac",))), encoding="utf-8")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(ARGS))
        tab = browser.new_page(viewport={"width": width, "height": 800})
        tab.goto((tmp_path / "batch.html").as_uri())
        assert tab.evaluate(OFF_SCREEN) == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        for words in (WHY, "28.4", "mastered"):
            assert tab.get_by_text(words).first.is_visible()
        browser.close()
