"""The worker's work on alerts: sending them, keeping them up, and publishing what happens to them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog
from aiokafka.errors import KafkaError
from mode import Service
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from alerts.delivery.assemble import delivery
from alerts.delivery.metrics import DeliveryMetrics
from alerts.housekeeping import Housekeeping, Shown
from alerts.lifecycle.book import AlertBook
from alerts.lifecycle.events import Headers, Published, mark_published, unpublished
from alerts.model import RuleInfo
from alerts.rule import RuleSet
from alerts.sigma.reload import Rules
from monitor.judging.book import Book, version_in_force
from monitor.settings import Settings
from monitor.storage.engine import reading
from monitor.storage.lease import Lease

log = structlog.get_logger(__name__)

PUBLISHING_LEASE = "alert-publishing"
LEASE_LENGTH = timedelta(seconds=15)
POLL_S = 1.0  # other workers' changes; one's own are told at once
RETRY_LAST_S = 15.0
LAST_ROUND_S = 3.0  # for giving leases up: well within a graceful stop's time
THREADS = 2
RELOAD_S = 10.0  # between looks at the folder of rules: a change is seen by itself, and a look costs nothing

Send = Callable[[bytes, bytes, Headers], Awaitable[Awaitable[object]]]
"""Send key, value and headers to the topic `alerts`; the result is awaited for the broker's word."""


class Runs(Protocol):
    """Anything that works until it is told to stop."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""


class Publisher:
    """Publishes changes of alerts to Kafka, each at least once, while this worker holds the lease."""

    def __init__(self, engine: Engine, holder: str, executor: ThreadPoolExecutor, send: Send) -> None:
        self._engine = engine
        self._lease = Lease(engine, PUBLISHING_LEASE, holder, LEASE_LENGTH)
        self._executor = executor
        self._send = send
        self._wake = asyncio.Event()

    def notify(self) -> None:
        """Say that alerts have changed."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set, then give the lease up. A broker or database that is away is waited
        for."""
        loop = asyncio.get_running_loop()
        pause = POLL_S
        while not stop.is_set():
            self._wake.clear()
            try:
                more = await loop.run_in_executor(self._executor, self._lease.keep) and await self._round()
                pause = 0.0 if more else POLL_S
            except (DBAPIError, KafkaError) as why:
                pause = min(max(pause, POLL_S) * 2, RETRY_LAST_S)
                log.warning("changes of alerts wait to be published", reason=type(why).__name__)
            await _first_of(stop, self._wake, within=pause)
        with contextlib.suppress(DBAPIError):  # it ends by itself
            await loop.run_in_executor(self._executor, self._lease.release)

    async def _round(self) -> bool:
        """Publish a portion; return whether there was any."""
        loop = asyncio.get_running_loop()
        waiting = await loop.run_in_executor(self._executor, self._read)
        sent = [await self._send(each.key, each.value, each.headers) for each in waiting]
        for acknowledged in sent:
            await acknowledged
        if waiting:
            numbers = [each.number for each in waiting]
            await loop.run_in_executor(self._executor, self._mark, numbers)
        return bool(waiting)

    def _read(self) -> Sequence[Published]:
        with reading(self._engine).connect() as connection:
            return unpublished(connection)

    def _mark(self, numbers: Sequence[int]) -> None:
        with self._engine.begin() as connection:
            mark_published(connection, numbers, datetime.now(UTC))


class RuleFolder:
    """The folder of rules, looked at now and then: files that changed are loaded, and used if they can be."""

    def __init__(
        self, rules: Rules, executor: ThreadPoolExecutor, use: Callable[[RuleSet], Awaitable[None]]
    ) -> None:
        self._rules = rules
        self._executor = executor
        self._use = use
        self._seen = _signature(rules.folder)

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            await _first_of(stop, within=RELOAD_S)
            seen = await loop.run_in_executor(self._executor, _signature, self._rules.folder)
            if seen == self._seen or stop.is_set():
                continue
            self._seen = seen
            if await loop.run_in_executor(self._executor, self._rules.reload, time.time()):
                await self._use(self._rules.current)


def _signature(folder: Path) -> frozenset[tuple[str, int, int]]:
    """Which files there are, when they were written, and how large they are."""
    found = set()
    for path in folder.rglob("*.y*ml"):
        with contextlib.suppress(OSError):  # it is being replaced: the next look sees it
            state = path.stat()
            found.add((str(path), state.st_mtime_ns, state.st_size))
    return frozenset(found)


class Alerting(Service):
    """Runs the sender, housekeeping, the publisher and the look at the rules for as long as the worker runs.

    `changed` may be called by anybody in the event loop: those who tell of alerts need not wait then.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        book: Book,
        alert_book: Callable[[], AlertBook],
        shown: Shown,
        delivered: DeliveryMetrics,
        rules: Rules,
        *,
        use_rules: Callable[[RuleSet], Awaitable[None]],
        send: Send,
        fail: Callable[[BaseException], Awaitable[None]],
    ) -> None:
        super().__init__()
        self._settings = settings
        self._engine = engine
        self._book = book
        self._alert_book = alert_book
        self._shown = shown
        self._delivered = delivered
        self._rules = rules
        self._use_rules = use_rules
        self._send = send
        self._fail = fail
        self._holder = f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._stop = asyncio.Event()
        self._executor: ThreadPoolExecutor | None = None
        self._running_tasks: list[asyncio.Task[None]] = []
        self._notified: list[Callable[[], None]] = []

    def changed(self) -> None:
        """Alerts have changed."""
        for notify in self._notified:
            notify()

    async def on_start(self) -> None:
        """Begin all of it."""
        self._stop = asyncio.Event()
        executor = self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="alerts")
        publisher = Publisher(self._engine, self._holder, executor, self._send)
        keeping = Housekeeping(
            self._engine,
            self._settings,
            self._alert_book,
            self._shown,
            holder=self._holder,
            executor=executor,
            changed=self.changed,
        )
        self._notified.append(publisher.notify)
        folder = RuleFolder(self._rules, executor, self._use_rules)
        for runs in (publisher, keeping, folder):
            self._running_tasks.append(asyncio.create_task(self._run(runs)))
        self._running_tasks.append(asyncio.create_task(self._deliver()))

    async def _deliver(self) -> None:
        try:
            async with delivery(
                self._settings,
                self._engine,
                self._delivered,
                holder=self._holder,
                rules=self._rule,
                agreements=self._agreement,
            ) as sender:
                self._notified.append(sender.notify)
                await self._run(sender)
        except Exception as why:
            await self._fail(why)
            raise

    async def _run(self, runs: Runs) -> None:
        try:
            await runs.run(self._stop)
        except Exception as why:
            # Each waits for what is away; anything else is a defect, and a restart is safe.
            await self._fail(why)
            raise

    def _rule(self, rule: str) -> RuleInfo | None:
        return self._alert_book().info(rule)

    def _agreement(self, consumer: str, service: str, when: datetime) -> str | None:
        versions = self._book.registry.versions(consumer, service)
        day = when.astimezone(self._book.zone).date()
        found = version_in_force(versions, day)
        return found.id if found else None

    async def on_stop(self) -> None:
        """Give the leases up, so that other workers go on at once."""
        self._stop.set()
        if self._running_tasks:
            _, late = await asyncio.wait(self._running_tasks, timeout=LAST_ROUND_S)
            for task in late:
                task.cancel()
        if self._executor is not None:  # as where something before it did not start
            self._executor.shutdown(wait=False)


async def _first_of(*events: asyncio.Event, within: float) -> None:
    """Wait for the first of some events, so many seconds at the longest."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    _, pending = await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
