"""The web server's answers: what they hold, what they refuse, and what they let a browser do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from monitor.judging.breach import Breach
from monitor.judging.terms import Pair
from monitor.registry.registry import Registry
from monitor.web.page import NOTHING, overview_page
from streams.web import WebParts, mount
from tests.monitor.web.figures import VERIFY, World, agency, registry

PATHS = ("/", "/api/overview", "/metrics", "/healthz", "/readyz")
MOH = Pair("MPS", "MOH", VERIFY)
HOSTILE = "</script><script>alert(1)</script>\u202e\"'&"
DEADLINE_S = 10.0

Client = TestClient[web.Request, web.Application]


def answering(reason: str | None) -> Callable[[], Awaitable[str | None]]:
    """A worker's answer to whether it is ready."""

    async def not_ready() -> str | None:
        return reason

    return not_ready


def parts(world: World) -> WebParts:
    """A worker that is well."""
    return WebParts(
        overview=world.overview,
        metrics=world.collectors,
        not_ready=answering(None),
        clock=lambda: world.now,
    )


@asynccontextmanager
async def serving(given: WebParts) -> AsyncIterator[Client]:
    """A client of a real server on a free port."""
    site = web.Application()
    mount(site, given)
    async with TestClient(TestServer(site)) as client:
        yield client


def registry_of_hostile() -> Registry:
    """A registry in which the Ministry of Health's name is an attack."""
    plain = registry(["MPS"])
    return Registry.of([*plain.agencies.values(), agency("MOH", HOSTILE)], plain.services.values())


def asked(given: WebParts, path: str, method: str = "GET", **options: Any) -> tuple[ClientResponse, bytes]:
    """One request and its answer with the body."""

    async def ask() -> tuple[ClientResponse, bytes]:
        async with serving(given) as client:
            answer = await client.request(method, path, **options)
            return answer, await answer.read()

    return asyncio.run(ask())


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(DEADLINE_S):
        while not await true():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", [*PATHS, "/nothing-here"])
def test_every_answer_forbids_what_is_not_needed(path: str) -> None:
    """Also a 404 carries the headers, and none allows another origin to read it."""
    answer, _ = asked(parts(World()), path, headers={"Origin": "https://elsewhere.example"})
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "aiohttp" not in answer.headers["Server"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_reading_is_possible(path: str, method: str) -> None:
    """Every other method is refused."""
    answer, _ = asked(parts(World()), path, method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_a_body(path: str) -> None:
    """For tools that only look whether something is there."""
    answer, body = asked(parts(World()), path, "HEAD")
    assert answer.status == 200
    assert body == b""


def test_the_page_comes_with_its_own_policy() -> None:
    """The page may run its own script and ask its own server, the data nothing at all."""
    page, body = asked(parts(World()), "/")
    assert body == overview_page().body
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"] == overview_page().policy
    data, _ = asked(parts(World()), "/api/overview")
    assert data.headers["Content-Security-Policy"] == NOTHING


def test_the_overview_is_the_document_as_json() -> None:
    """What was committed is in the answer, names as they are."""
    world = World(registry(["MPS", "MOH"]))
    world.commit(MOH, ok=12, breaches={Breach.UNSIGNED: 2})

    async def ask() -> Any:
        async with serving(parts(world)) as client:
            answer = await client.get("/api/overview")
            assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
            return await answer.json()

    document = asyncio.run(ask())
    assert document["totals"]["exchanges"] == 12
    assert document["agencies"]["rows"][0]["vi"] == "Cơ quan MOH"


def test_a_hostile_name_is_only_text() -> None:
    """It comes as JSON, with a type that no browser sniffs for markup."""
    world = World(registry_of_hostile())
    world.commit(MOH, ok=1)
    answer, body = asked(parts(world), "/api/overview")
    assert answer.content_type == "application/json"
    assert b"<script>alert(1)" in body  # told as it is: the page writes it as text


def test_the_document_is_made_once_a_second_however_many_ask() -> None:
    """Ten viewers cost what one costs; a second later it is made anew."""
    world = World()
    made = 0
    document = world.overview.document

    def counted(now: float) -> Any:
        nonlocal made
        made += 1
        return document(now)

    world.overview.document = counted  # type: ignore[method-assign]

    async def ask() -> None:
        async with serving(parts(world)) as client:
            answers = await asyncio.gather(*(client.get("/api/overview") for _ in range(10)))
            assert {answer.status for answer in answers} == {200}
            assert made == 1
            world.now += 1.5
            await client.get("/api/overview")
            assert made == 2
            world.now -= 3600  # the clock was set back
            await client.get("/api/overview")
            assert made == 3

    asyncio.run(ask())


def test_the_server_samples_from_its_start() -> None:
    """Nobody else has to: a commit is seen as the last one within a second or so."""
    world = World()
    world.commit(MOH, ok=1)

    async def ask() -> None:
        async with serving(parts(world)) as client:

            async def seen() -> bool:
                world.now += 1.0
                document = await (await client.get("/api/overview")).json()
                return document["last_commit"] is not None

            await until(seen)

    asyncio.run(ask())


def test_a_sample_that_fails_ends_nothing() -> None:
    """The page is not worth a worker: it goes on, and so does the sampling."""
    world = World()
    real = world.overview.sample
    failed = threading.Event()

    def sample(now: float) -> None:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("broken")
        real(now)

    world.overview.sample = sample  # type: ignore[method-assign]
    world.commit(MOH, ok=1)

    async def ask() -> None:
        async with serving(parts(world)) as client:

            async def seen() -> bool:
                world.now += 1.0
                return (await (await client.get("/api/overview")).json())["last_commit"] is not None

            await until(seen)

    asyncio.run(ask())
    assert failed.is_set()


def test_metrics_are_in_the_format_that_is_asked_for() -> None:
    """Plain text, which is written fastest; OpenMetrics for whoever takes nothing else."""
    world = World()
    world.commit(MOH, ok=7)
    plain, body = asked(parts(world), "/metrics")
    assert plain.headers["Content-Type"].startswith("text/plain")
    samples = [
        sample
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name == "datashare_exchanges_total"
    ]
    assert [(sample.labels["consumer"], sample.value) for sample in samples] == [("MOH", 7.0)]
    prometheus, _ = asked(
        parts(world), "/metrics", headers={"Accept": "application/openmetrics-text,text/plain;q=0.5"}
    )
    assert prometheus.headers["Content-Type"].startswith("text/plain")
    accept = "application/openmetrics-text;version=1.0.0"
    openmetrics, body = asked(parts(world), "/metrics", headers={"Accept": accept})
    assert openmetrics.headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_a_scrape_may_name_what_it_wants() -> None:
    """As the client library's own server takes it; what is repeated adds up."""
    world = World()
    world.commit(MOH, ok=7)
    _, body = asked(parts(world), "/metrics?name[]=datashare_exchanges_total&name[]=datashare_records_total")
    families = {family.name for family in text_string_to_metric_families(body.decode())}
    assert families == {"datashare_exchanges", "datashare_records"}


class Slow(Collector):
    """A collector that waits until it is let go."""

    def __init__(self) -> None:
        self.entered, self.go = threading.Event(), threading.Event()

    def collect(self) -> Iterator[Metric]:
        """One gauge."""
        self.entered.set()
        self.go.wait(DEADLINE_S)
        yield GaugeMetricFamily("slow", "slow", value=1)


def test_a_slow_scrape_does_not_hold_the_event_loop() -> None:
    """While metrics are rendered the worker answers others, and so goes on counting."""
    world = World()
    slow = Slow()
    slow.go.set()
    world.collectors.register(slow)  # registering asks for the families once
    slow.go.clear()
    slow.entered.clear()

    async def ask() -> None:
        async with serving(parts(world)) as client:
            scrape = asyncio.create_task(client.get("/metrics"))
            await asyncio.to_thread(slow.entered.wait, DEADLINE_S)
            try:
                assert (await client.get("/healthz")).status == 200
                assert not scrape.done()
            finally:
                slow.go.set()
            assert (await scrape).status == 200

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("reason", "status", "says"),
    [(None, 200, b"ready\n"), ("2 partitions not open yet", 503, b"2 partitions not open yet\n")],
)
def test_ready_says_why_not(reason: str | None, status: int, says: bytes) -> None:
    """What keeps a worker from being ready is in the answer; alive it is in any case."""
    given = replace(parts(World()), not_ready=answering(reason))
    answer, body = asked(given, "/readyz")
    assert (answer.status, body) == (status, says)
    assert asked(given, "/healthz")[0].status == 200
