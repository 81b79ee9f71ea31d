"""The worker's web server: the overview page, its figures, metrics, and whether the worker is well."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import msgspec
import structlog
from aiohttp import web
from faust.web.drivers.aiohttp import Web
from prometheus_client import CollectorRegistry

from monitor.metrics.exposition import Exposition
from monitor.web.overview import Overview
from monitor.web.page import NOTHING, overview_page

log = structlog.get_logger(__name__)

SAMPLE_S = 1.0
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Server": "data-sharing-monitor",  # versions of libraries are nobody's business
}


class Site(Web):
    """Faust's web server without Faust's own pages: it would answer `/` itself."""

    mundane_level = "debug"  # its starting and stopping are no news
    production_blueprints = ()
    debug_blueprints = ()
    default_blueprints = ()


@dataclass(frozen=True, slots=True)
class WebParts:
    """What the web server needs of the worker; the callables are asked in the event loop."""

    overview: Overview
    metrics: CollectorRegistry
    not_ready: Callable[[], Awaitable[str | None]]  # why this worker is not ready, in words for anybody
    clock: Callable[[], float] = time.time  # epoch seconds


def mount(site: web.Application, parts: WebParts) -> None:
    """Add the routes, the security headers and the sampling to a server that has not started yet."""
    handlers = _Handlers(parts)
    for path, handler in (
        ("/", handlers.page),
        ("/api/overview", handlers.overview),
        ("/metrics", handlers.metrics),
        ("/healthz", handlers.healthy),
        ("/readyz", handlers.ready),
    ):
        site.router.add_get(path, handler)  # answers HEAD too; other methods get 405
    site.on_response_prepare.append(_add_headers)
    site.cleanup_ctx.append(handlers.sampling)


class _Metrics:
    """Answers with metrics, made one at a time: who wants a few does not wait for who wants thousands."""

    def __init__(self, metrics: CollectorRegistry) -> None:
        self.exposition = Exposition(metrics)
        self.turn = asyncio.Lock()


class _Handlers:
    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._whole, self._picked = _Metrics(parts.metrics), _Metrics(parts.metrics)
        self._document = b""
        self._documented = float("-inf")
        # However many look at the page at once, the worker makes one answer at a time.
        self._documenting = asyncio.Lock()

    async def page(self, _request: web.Request) -> web.Response:
        page = overview_page()
        return web.Response(
            body=page.body,
            content_type="text/html",
            charset="utf-8",
            headers={"Content-Security-Policy": page.policy},
        )

    async def overview(self, _request: web.Request) -> web.Response:
        async with self._documenting:
            now = self._parts.clock()
            # The clock may have been set back: only an age between 0 and one sample is young.
            if not 0 <= now - self._documented < SAMPLE_S:
                self._document = await asyncio.to_thread(
                    lambda: msgspec.json.encode(self._parts.overview.document(now))
                )
                self._documented = now
        return web.Response(body=self._document, content_type="application/json", charset="utf-8")

    async def metrics(self, request: web.Request) -> web.Response:
        names = request.query.getall("name[]", [])
        page = self._picked if names else self._whole
        write, content_type = page.exposition.writer(request.headers.get("Accept", ""), names)
        async with page.turn:
            body = await asyncio.to_thread(write)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(self, _request: web.Request) -> web.Response:
        reason = await self._parts.not_ready()
        return web.Response(text=f"{reason or 'ready'}\n", status=503 if reason else 200)

    async def sampling(self, _site: web.Application) -> AsyncIterator[None]:
        """Sample the figures for as long as the server runs."""
        task = asyncio.create_task(self._sample_regularly())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _sample_regularly(self) -> None:
        while True:
            try:
                self._parts.overview.sample(self._parts.clock())
            except Exception:
                # The page is not worth a worker; /metrics is still there to tell.
                log.exception("sampling for the overview page failed")
            await asyncio.sleep(SAMPLE_S)


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    response.headers.setdefault("Content-Security-Policy", NOTHING)
