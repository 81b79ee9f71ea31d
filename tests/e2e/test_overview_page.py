"""The overview page in a real browser: on a real worker's figures, and in every state it can be in."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from monitor.judging.breach import Breach
from monitor.judging.terms import Pair
from monitor.registry.registry import Registry
from tests.e2e.overview_browser import FIGURES, SIZES, Screen, served
from tests.monitor.web.figures import VERIFY, World, agency, registry
from tests.parts.embedded import require_embedded

CHECKOUT = Path(__file__).resolve().parents[2]
AA = 4.5  # contrast of text, WCAG 2.2 level AA
HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"
    + "x" * 200
)
MOH = Pair("MPS", "MOH", VERIFY)


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """Address of the page of a running demo: the embedded broker, a real worker, the simulator."""
    require_embedded()
    command = [sys.executable, "-m", "monitor", "demo", "--plain", "--port", "0", "--rate", "200"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MONITOR_")}
    running = subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said = []
    try:
        assert running.stdout is not None
        for line in running.stdout:
            said.append(line)
            found = re.match(r"overview page: (\S+)", line)
            if found:
                yield found[1]
                break
        else:
            raise AssertionError(f"the demo ended:\n{''.join(said)}")
    finally:
        running.send_signal(signal.SIGTERM)
        rest, _ = running.communicate(timeout=90)
    assert running.returncode == 0, rest


@pytest.fixture
def screen(chromium: Chrome) -> Screen:
    """The browser as a screen."""
    return Screen(chromium)


def _filled(screen: Screen) -> bool:
    return all(screen.number(figure) > 0 for figure in FIGURES if figure != "lag")


@pytest.mark.parametrize("size", SIZES)
def test_a_running_worker_shows_figures_at_every_size(demo: str, screen: Screen, size: str) -> None:
    """Figures are not zero, nothing stands outside the screen, and no other host is asked."""
    screen.set(size)
    screen.open(f"{demo}?lang=en")
    screen.until(lambda: _filled(screen))
    screen.until(lambda: screen.state() == "live")
    assert screen.run("return document.querySelectorAll('#agency-table tbody tr').length") > 0
    assert screen.run("return document.querySelectorAll('#curve path.line').length") == 1
    assert screen.run("return document.documentElement.scrollWidth") <= SIZES[size][0]
    asked = screen.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert {urlsplit(address).netloc for address in asked} == {urlsplit(demo).netloc}
    severe = [entry["message"] for entry in screen.browser.get_log("browser") if entry["level"] == "SEVERE"]  # type: ignore[no-untyped-call]
    assert severe == []


def test_a_wall_screen_shows_everything_at_once(demo: str, screen: Screen) -> None:
    """There is nobody who would scroll; and type grows with the screen."""
    screen.set("wall")
    screen.open(f"{demo}?lang=en")
    screen.until(lambda: _filled(screen))
    assert screen.run("return document.documentElement.scrollHeight") <= SIZES["wall"][1]
    wall = screen.run("return parseFloat(getComputedStyle(document.getElementById('rate')).fontSize)")
    screen.set("phone")
    assert wall > 3 * screen.run(
        "return parseFloat(getComputedStyle(document.getElementById('rate')).fontSize)"
    )


def test_the_language_is_chosen_by_keyboard_and_remembered(demo: str, screen: Screen) -> None:
    """Headings, numbers and the document's language change; the next visit begins with the choice."""
    screen.set("laptop")
    screen.open(f"{demo}?lang=en")
    button = screen.browser.find_element("css selector", "[data-lang=vi]")
    button.send_keys(Keys.ENTER)
    assert screen.run("return document.documentElement.lang") == "vi"
    assert screen.run("return document.querySelector('h1').textContent") == "Giám sát chia sẻ dữ liệu"
    assert button.get_attribute("aria-pressed") == "true"
    screen.open(demo)
    assert screen.run("return document.documentElement.lang") == "vi"


@pytest.mark.parametrize("dark", [False, True], ids=["day", "night"])
def test_every_text_has_the_contrast_of_aa(screen: Screen, dark: bool) -> None:
    """In both themes, and also when the figures are marked as old."""
    world = _busy()
    with served(world) as server:
        screen.set("laptop", dark=dark)
        screen.open(server.address)
        fresh = screen.contrasts()
        server.stop()
        screen.until(lambda: screen.state() == "unreachable")
        old = screen.contrasts()
    assert len(fresh) > 40
    assert [text for ratio, text in (*fresh, *old) if ratio < AA] == []


def test_a_worker_that_is_gone_is_said_to_be_gone(screen: Screen) -> None:
    """The last figures stay, with the time they are from; when nothing ever came, that is said too."""
    with served(_busy()) as server:
        screen.set("laptop")
        screen.open(f"{server.address}?lang=en")
        shown = screen.text("breaches")
        server.stop()
        screen.until(lambda: screen.state() == "unreachable")
    assert screen.text("state") == "Worker unreachable"
    assert re.fullmatch(
        r"no data for \d+\.?\d* s; the figures are those of \d\d:\d\d:\d\d", screen.text("detail")
    )
    assert screen.text("breaches") == shown


@pytest.mark.parametrize(
    ("told", "state", "detail"),
    [
        ({"partitions": 0, "silent": 1.0, "lag": 0}, "waiting", "the consumer group is handing them out"),
        ({"partitions": 1, "silent": 2.0, "lag": 0}, "live", r"last commit \d\.\d s ago"),
        ({"partitions": 1, "silent": 40.0, "lag": 0}, "quiet", r"no data for 4\d s"),
        (
            {"partitions": 1, "silent": 40.0, "lag": 1234},
            "stalled",
            r"no commit for 4\d s while 1,234 records wait",
        ),
        ({"partitions": 1, "silent": None, "lag": 0}, "quiet", "nothing was counted yet"),
    ],
)
def test_the_state_line_tells_silence_from_trouble(
    screen: Screen, told: dict[str, Any], state: str, detail: str
) -> None:
    """No exchanges, no partitions and no progress are three different things."""
    world = World()
    document = world.overview.document

    def altered(now: float) -> dict[str, Any]:
        found = document(now)
        found["partitions"] = told["partitions"]
        found["last_commit"] = None if told["silent"] is None else now - told["silent"]
        found["lag"]["total"] = told["lag"]
        return found

    world.overview.document = altered  # type: ignore[method-assign]
    with served(world) as server:
        screen.set("laptop")
        screen.open(f"{server.address}?lang=en")
        screen.until(
            lambda: screen.state() == state and re.fullmatch(detail, screen.text("detail")) is not None
        )


def test_only_the_state_is_spoken(screen: Screen) -> None:
    """A screen reader hears a change of state, not every figure every two seconds."""
    with served(_busy()) as server:
        screen.open(f"{server.address}?lang=en")
        assert screen.run("return [...document.querySelectorAll('[aria-live]')].map((node) => node.id)") == [
            "state"
        ]
        heard = screen.run(
            """
            window.heard = [];
            const note = (changes) => window.heard.push(...changes.map((one) => one.target.textContent));
            const everything = { childList: true, characterData: true, subtree: true };
            new MutationObserver(note).observe(document.getElementById("state"), everything);
            return true;
            """
        )
        assert heard
        before = screen.text("detail")
        screen.until(lambda: screen.text("detail") != before)
        assert screen.run("return window.heard") == []


def test_hostile_names_stay_text(screen: Screen) -> None:
    """Markup in a name is shown as it is, runs nothing, and makes no phone scroll sideways."""
    plain = registry(["MPS"])
    world = World(Registry.of([*plain.agencies.values(), agency("MOH", HOSTILE)], plain.services.values()))
    world.commit(MOH, ok=5, breaches={Breach.UNSIGNED: 1})
    world.own.dead_letters.labels("exchanges", "<b>bold</b>").inc()
    world.alerts = _alerts(HOSTILE)
    with served(world) as server:
        screen.set("phone")
        screen.open(f"{server.address}?lang=en")
        screen.until(lambda: HOSTILE in screen.text("agency-table"))
        screen.until(lambda: "<b>bold</b>" in screen.text("letter-table"))
        screen.until(lambda: HOSTILE in screen.text("alert-table"))
        assert screen.run("return document.querySelectorAll('main img, main script').length") == 0
        assert "owned" not in screen.browser.title
        assert screen.run("return document.documentElement.scrollWidth") <= SIZES["phone"][0]


def test_open_alerts_are_counted_by_level_and_listed(screen: Screen) -> None:
    """In the language of the page; what somebody is at is said to be."""
    with served(_busy()) as server:
        screen.set("laptop")
        screen.open(f"{server.address}?lang=en")
        assert screen.text("alerts-note") == "2 high · 1 medium"
        rows = screen.run(
            "return [...document.querySelectorAll('#alert-table tbody tr')].map((row) => row.textContent)"
        )
        assert ["acknowledged" in row for row in rows] == [False, True]
        assert screen.text("alert-table").endswith("and 1 more")
        screen.open(f"{server.address}?lang=vi")
        assert screen.text("alerts-note") == "2 cao · 1 trung bình"


def test_tables_keep_their_meaning_on_a_phone(screen: Screen) -> None:
    """Rows become grids there, so their roles are said again; every table has a name and row headers."""
    with served(_busy()) as server:
        screen.set("phone")
        screen.open(f"{server.address}?lang=en")
        tables = screen.run(
            "return [...document.querySelectorAll('table')].map((table) => [table.getAttribute('role'),"
            " table.getAttribute('aria-label'), table.querySelectorAll('tbody tr').length,"
            " table.querySelectorAll('tbody th[scope=row][role=rowheader]').length])"
        )
    assert len(tables) == 5
    for role, name, rows, headers in tables:
        assert role == "table"
        assert name
        assert rows == headers > 0


def _busy() -> World:
    world = World()
    world.now -= 30
    for pair in (MOH, Pair("MPS", "MOJ", VERIFY), Pair("unregistered", "MOJ", "unregistered")):
        world.commit(pair, ok=900, fault=20, duration_us=90_000_000, breaches=dict.fromkeys(Breach, 3))
    world.own.dead_letters.labels("exchanges", "not_json").inc(3)
    world.alerts = _alerts("Credential stuffing from one address")
    return world


def _alerts(title: str) -> dict[str, Any]:
    """One that nobody has acknowledged, one that somebody has, and one more that is not listed."""
    row = {
        "id": "57d19f9dea360536/1", "agency": "MOH", "level": "high", "title": {"en": title, "vi": title},
        "first": 1_790_000_000.0, "last": 1_790_000_060.0, "count": 56, "acknowledged": False,
    }  # fmt: skip
    levels = {"informational": 0, "low": 0, "medium": 1, "high": 2, "critical": 0}
    return {"open": levels, "rows": [row, row | {"acknowledged": True}], "more": 1}
