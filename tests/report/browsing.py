"""A real browser for tests of pages: Chromium without a window, which may not say or fetch anything."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
MISSING = f"no Chromium is installed ({', '.join(NAMES)})"
ARGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def listened(tab, troubles: list[str]) -> None:
    """Writes down whatever the page says, fails at or fetches."""
    tab.on("console", lambda message: troubles.append(f"console: {message.text}"))
    tab.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    tab.on("request", lambda request: _local(request.url) or troubles.append(f"request: {request.url}"))


def _local(url: str) -> bool:
    return url.startswith(("file://", "data:"))
