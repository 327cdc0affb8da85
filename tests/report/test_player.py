"""The player, in a real browser, on a real master: it plays, it switches in place, and all are as loud."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from refmaster import demo
from refmaster.pipeline import Options, master, render
from tests.conftest import RATE_HZ, write_wav

from .browsing import ARGS, CHROMIUM, MISSING, listened

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
MOST_BYTES = 12_000_000
MOST_SILENT_BYTES = 5_000_000
# Every gain that the page sets is written down, with what it feeds.
WATCH = """
window.gains = [];
const Own = window.GainNode;
window.GainNode = class extends Own {
    constructor(...given) { super(...given); window.gains.push(this); }
};
"""
HEARD = "gains.slice(-3).map((node) => Math.round(1000 * node.gain.value) / 1000)"
# Decodes each passage as the player does, and gives its length, its highest sample and all samples, at its gain.
LEVELS = """async () => {
    const { voices } = JSON.parse(document.getElementById("sound").textContent);
    const context = new OfflineAudioContext(2, 44100, 44100);
    return Promise.all(voices.map(async (voice) => Promise.all(voice.passages.map(async ({ flac }, number) => {
        const bytes = Uint8Array.from(atob(flac), (letter) => letter.charCodeAt(0));
        const sound = await context.decodeAudioData(bytes.buffer);
        const gain = 10 ** ((voice.gains_db[number] + voice.held_db) / 20);
        const channels = [0, 1].map((c) => sound.getChannelData(c).map((one) => one * gain));
        const most = Math.max(...channels.map((one) => one.reduce((high, next) => Math.max(high, Math.abs(next)), 0)));
        const raw = channels.map((one) => new Uint8Array(one.buffer));
        const text = raw.map((one) => { let t = ""; for (let i = 0; i < one.length; i += 32768)
            t += String.fromCharCode(...one.subarray(i, i + 32768)); return btoa(t); });
        return [sound.duration, most, text];
    }))));
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A mix of 40 s mastered toward a record of 40 s, at whatever level; with its report."""
    made = tmp_path_factory.mktemp("mastered")
    mix = write_wav(made / "mix.wav", demo.dull_mix(RATE_HZ))
    record = write_wav(made / "record.wav", demo.finished(RATE_HZ))
    master(mix, record, made / "out.wav")
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:  # noqa: F821
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=[*ARGS, "--disable-audio-output"])
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser, folder):
    troubles: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCH)
    listened(page, troubles)
    page.goto((folder / "out.html").as_uri())
    page.wait_for_selector("html[data-drawn]", timeout=20_000)
    yield page
    context.close()
    assert troubles == []


def playing(tab) -> None:
    tab.wait_for_selector(".player[data-state=playing]", timeout=20_000)
    tab.wait_for_function("() => Number(document.querySelector('.seek').value) > 0.2", timeout=20_000)


def place(tab) -> float:
    return float(tab.locator(".seek").input_value())


@in_a_browser
def test_it_plays_and_switches_in_place_by_keys(tab):
    assert tab.locator("[data-voice]").count() == 3
    tab.locator("body").press(" ")
    playing(tab)
    assert tab.evaluate("scrollY") == 0  # space plays, and does not scroll
    before = place(tab)
    for key, voice in (("b", "master"), ("r", "reference"), ("A", "target"), ("b", "master")):
        tab.keyboard.press(key)
        assert tab.locator(f"[data-voice={voice}]").get_attribute("aria-pressed") == "true"
        assert tab.locator("[data-voice][aria-pressed=true]").count() == 1
        assert f"Playing the {voice}" in tab.locator(".player [role=status]").inner_text()
        tab.wait_for_timeout(150)
        after = place(tab)
        assert before <= after < before + 5.0  # it went on, and did not start anew
        before = after
    tab.keyboard.press(" ")
    tab.wait_for_selector(".player[data-state=paused]")
    stopped = place(tab)
    tab.wait_for_timeout(300)
    assert place(tab) == stopped
    tab.keyboard.press(" ")
    playing(tab)
    assert place(tab) >= stopped  # and it goes on from there


@in_a_browser
def test_one_is_heard_at_its_gain_and_the_others_are_not(tab):
    voices = sound_of(tab.content())["voices"]
    tab.locator(".play").click()
    playing(tab)
    for passage in (0, 1):
        tab.locator(f"[data-passage='{passage}']").click()
        playing(tab)
        for number, key in ((1, "b"), (2, "r"), (0, "a")):
            tab.keyboard.press(key)
            tab.wait_for_timeout(200)
            gains = [voice["gains_db"][passage] for voice in voices]
            expected = [10 ** (gain / 20) if k == number else 0.0 for k, gain in enumerate(gains)]
            assert tab.evaluate(HEARD) == [pytest.approx(one, abs=0.003) for one in expected]
            shown = tab.locator("[data-voice] .gain").all_inner_texts()
            assert [said_db(text) for text in shown] == [pytest.approx(gain, abs=0.051) for gain in gains]
    tab.locator(".matched").click()  # as the files are
    tab.wait_for_timeout(200)
    assert tab.evaluate(HEARD) == [1.0, 0.0, 0.0]
    assert tab.locator("[data-voice] .gain").all_inner_texts() == ["as it is"] * 3


@in_a_browser
def test_the_browser_decodes_every_passage_as_loud_as_the_others_and_nothing_clips(tab):
    voices = tab.evaluate(LEVELS)
    assert [[round(length, 2) for length, *_ in voice] for voice in voices] == [[8.0, 6.0]] * 3
    assert all(most < 1.0 for voice in voices for _, most, _ in voice)
    for number in (0, 1):  # FACTS.md, 6: loudness-matched, to 0.1 LU, in the very passage
        loud = [decoded_lufs(voice[number][2]) for voice in voices]
        assert max(loud) - min(loud) <= 0.1
    gains = [gain for voice in sound_of(tab.content())["voices"] for gain in voice["gains_db"]]
    assert max(gains) - min(gains) > 3.0  # they were not as loud before
    assert max(gains) <= 0.0


def decoded_lufs(channels):
    """What a browser's samples read, by a meter that is not ours."""
    pyloudnorm = pytest.importorskip("pyloudnorm")
    samples = np.stack([np.frombuffer(base64.b64decode(one), dtype=np.float32) for one in channels], axis=1)
    return pyloudnorm.Meter(44100).integrated_loudness(samples.astype(np.float64))


def said_db(text):
    return 0.0 if text == "as it is" else float(text.replace("−", "-").split()[0])


@in_a_browser
def test_a_passage_is_chosen_and_the_slider_is_moved_by_keyboard(tab):
    second = tab.locator("[data-passage='1']")
    second.focus()
    tab.keyboard.press("Enter")
    assert second.get_attribute("aria-pressed") == "true"
    assert tab.locator(".seek").get_attribute("max") == "6"
    tab.locator(".seek").focus()
    tab.keyboard.press("End")
    tab.keyboard.press("ArrowLeft")
    assert place(tab) == pytest.approx(5.9)
    assert re.match(r"5\.9 s of 6, at \d+:\d\d\.\d in the target", tab.locator(".seek").get_attribute("aria-valuetext"))


@in_a_browser
def test_the_keys_can_be_turned_off(tab):
    """WCAG 2.1, 2.1.4: keys of one letter get in the way of who speaks to the page."""
    tab.locator(".keys").click()
    tab.keyboard.press("b")
    assert tab.locator("[data-voice=target]").get_attribute("aria-pressed") == "true"
    tab.locator(".keys").click()
    tab.keyboard.press("b")
    assert tab.locator("[data-voice=master]").get_attribute("aria-pressed") == "true"


@in_a_browser
def test_a_browser_that_cannot_decode_says_so(tab):
    refusal = "async () => { throw new DOMException('no', 'EncodingError'); }"
    tab.evaluate(f"() => {{ AudioContext.prototype.decodeAudioData = {refusal}; }}")
    tab.locator(".play").click()
    tab.wait_for_function("() => document.querySelector('.player [role=status]').textContent.includes('cannot play')")
    assert tab.locator(".player").get_attribute("data-state") == "paused"


def sound_of(html: str):
    found = re.search(r'id="sound">(.*?)</script>', html, re.DOTALL)
    return json.loads(found[1]) if found else None


def test_the_page_is_small_and_its_bytes_are_the_same_again(folder, tmp_path):
    html = (folder / "out.html").read_bytes()
    assert len(html) < MOST_BYTES
    render(folder / "out.toml", options=Options(force=True))
    again = (folder / "out.html").read_bytes()
    assert sound_of(again.decode()) == sound_of(html.decode())
    render(folder / "out.toml", options=Options(force=True))
    assert (folder / "out.html").read_bytes() == again


@pytest.mark.slow
def test_a_track_of_four_minutes_stays_within_the_size(folder, tmp_path):
    """Six times the song: only passages are in the page, so length costs nothing but its curves."""
    for name in ("mix", "record"):
        samples, _ = sf.read(folder / f"{name}.wav", always_2d=True)
        write_wav(tmp_path / f"{name}.wav", np.tile(samples.T, 6))
    master(tmp_path / "mix.wav", tmp_path / "record.wav", tmp_path / "out.wav")
    assert (tmp_path / "out.html").stat().st_size < MOST_BYTES


def test_without_audio_there_is_no_player_and_no_sound(folder, tmp_path):
    master(folder / "mix.wav", folder / "record.wav", tmp_path / "out.wav", options=Options(audio=False))
    html = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert sound_of(html) is None
    assert 'class="player"' not in html
    assert 'id="listen"' not in html
    assert len(html) < (folder / "out.html").stat().st_size - 4_000_000
    assert len(html) < MOST_SILENT_BYTES
