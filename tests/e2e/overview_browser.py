"""A browser at the overview page: its screen set to a size and a theme, and what it shows read out."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from selenium.webdriver import Chrome

from streams.web import WebParts, mount
from tests.monitor.web.figures import World

DEADLINE_S = 30.0
SIZES = {"phone": (360, 780), "laptop": (1280, 800), "wall": (3840, 2160)}
FIGURES = ("rate", "agencies", "breaches", "letters", "lag")

# Every element that shows text of its own: its contrast with what lies behind it (WCAG 2.2, 1.4.3).
_CONTRASTS = """
const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const colour = rgb(getComputedStyle(at).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
const found = [];
for (const node of document.querySelectorAll("body *")) {
  const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
  if (!own || !node.getClientRects().length) continue;
  const style = getComputedStyle(node);
  const [a, b] = [luminance(rgb(node.ownerSVGElement ? style.fill : style.color)), luminance(behind(node))];
  found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.textContent.slice(0, 40)]);
}
return found;
"""


@dataclass(frozen=True)
class Screen:
    """The page in a browser."""

    browser: Chrome

    def set(self, size: str, *, dark: bool = False) -> None:
        """Make it a phone, a laptop or a wall; by day or by night."""
        width, height = SIZES[size]
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"},
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [theme]})

    def open(self, address: str) -> None:
        """Open an address and wait until its figures are there."""
        self.browser.get(address)
        self.until(lambda: self.text("rate") != "–")

    def run(self, script: str) -> Any:
        """Run a script in the page and return what it returns."""
        return self.browser.execute_script(script)

    def text(self, identifier: str) -> str:
        """What an element shows."""
        return str(self.run(f"return document.getElementById({identifier!r}).textContent"))

    def number(self, identifier: str) -> float:
        """The figure that an element shows, in English."""
        return float(self.text(identifier).replace(",", ""))

    def state(self) -> str:
        """The state that the page is in."""
        return str(self.run("return document.body.dataset.state"))

    def contrasts(self) -> list[tuple[float, str]]:
        """Contrast and beginning of every text that is shown."""
        return [(ratio, text) for ratio, text in self.run(_CONTRASTS)]

    def until(self, true: Callable[[], bool], seconds: float = DEADLINE_S) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                body = self.run("return document.body.innerText")
                raise AssertionError(f"not within {seconds:g} s; the page says:\n{body}")
            time.sleep(0.05)


class Served:
    """A server of a fabricated world in a thread; `stop` takes it away under the page's feet."""

    def __init__(self, world: World) -> None:
        async def not_ready() -> None:
            return None

        self._parts = WebParts(world.overview, world.collectors, not_ready, clock=time.time)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(DEADLINE_S)

    async def _serve(self) -> None:
        site = web.Application()
        mount(site, self._parts)
        runner = web.AppRunner(site, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.address = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await self._over.wait()
        await runner.cleanup()

    def stop(self) -> None:
        """Stop it; stopping twice is no error."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()


@contextmanager
def served(world: World) -> Iterator[Served]:
    """A server of a fabricated world."""
    server = Served(world)
    try:
        yield server
    finally:
        server.stop()
