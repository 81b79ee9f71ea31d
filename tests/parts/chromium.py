"""A real browser without a window, for the pages that people look at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tests.parts import missing_part

# Without a window, without its sandbox (root has none), and without a word to anyone outside.
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
)


@dataclass(frozen=True)
class Chromium:
    """Paths of the browser and of the driver that belongs to it."""

    browser: str
    driver: str


def require_chromium() -> Chromium:
    """Find the browser and its driver; skip (fail in CI) where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    browser = next(filter(None, map(shutil.which, names)), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        missing_part(
            "Chromium with its driver", "install them (Debian: apt-get install chromium chromium-driver)"
        )
    return Chromium(browser, driver)


@contextmanager
def browsing(programs: Chromium, profile: Path) -> Iterator[webdriver.Chrome]:
    """A running browser with its own empty profile folder."""
    options = Options()
    options.binary_location = programs.browser
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=Service(programs.driver))
    try:
        yield browser
    finally:
        browser.quit()
