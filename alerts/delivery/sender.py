"""The sender: one task a destination, so that none waits for another, while this worker holds the lease."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from alerts.delivery.backoff import Backoff
from alerts.delivery.metrics import DeliveryMetrics
from alerts.delivery.outlet import Edges, Outlet, Round
from monitor.storage.lease import Lease

log = structlog.get_logger(__name__)

LEASE = "alert-delivery"
# How often the database is asked for what other workers have changed; one's own changes are told at once.
POLL_S = 1.0
FIRST_PAUSE_S = 0.5  # after a failure; then longer, up to the interval
LONGEST_LEASE_S = 15.0  # after a worker has died, how long nobody sends
_AWAY = (DBAPIError, NoConnection)  # also when all connections are in use, waiting for it
_RENEWALS = 3  # in the time of a lease: two may fail


def lease_length(interval: timedelta) -> timedelta:
    """How long a lease lasts without renewal: short against the time for which open alerts are valid."""
    return min(timedelta(seconds=LONGEST_LEASE_S), 2 * interval)


@dataclass(slots=True)
class _Served:
    """One destination and how it is doing."""

    outlet: Outlet
    backoff: Backoff
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    next_full: float = 0.0


class Sender:
    """Sends to all outlets until it is told to stop.

    With several workers on one database only the holder of the lease sends; the others wait for it to end.
    `interval` is the time between two full rounds.
    """

    def __init__(
        self,
        outlets: Sequence[Outlet],
        lease: Lease,
        interval: timedelta,
        metrics: DeliveryMetrics,
        edges: Edges,
        chance: random.Random | None = None,
    ) -> None:
        self._seconds = interval.total_seconds()
        self._poll = min(POLL_S, self._seconds)
        self._lease = lease
        self._pause = min(self._seconds, lease_length(interval).total_seconds() / _RENEWALS)
        self._ending = asyncio.Event()
        self._metrics = metrics
        self._edges = edges
        first = min(FIRST_PAUSE_S, self._seconds)
        dice = chance or random.Random()  # noqa: S311  # spreads load, keeps no secret
        self._served = [_Served(outlet, Backoff(first, self._seconds, dice)) for outlet in outlets]

    def notify(self) -> None:
        """Say that alerts have changed; call it in the event loop, after the transaction."""
        for served in self._served:
            served.wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, then give the lease up. Destinations and databases that are away are
        waited for; only defects are raised."""
        if not self._served:
            await stop.wait()
            return
        self._ending.clear()
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._hold())]
            running += [tasks.create_task(self._serve(served)) for served in self._served]
            await stop.wait()
            self._ending.set()
            for task in running:
                task.cancel()
        with contextlib.suppress(*_AWAY):  # it ends by itself
            await self._edges.wait_for(self._lease.release)

    async def _hold(self) -> None:
        """Take the lease, keep it, and say when it changes hands."""
        held = False
        while not self._ending.is_set():
            try:
                taken = await self._edges.wait_for(self._lease.take)
            except _AWAY as why:
                taken = self._lease.held
                log.warning("the lease for sending alerts could not be renewed", reason=_brief(why))
            if taken != held:
                held = taken
                log.info("this worker sends alerts" if held else "another worker sends alerts")
                self._start_anew()
            await asyncio.sleep(self._pause)

    def _start_anew(self) -> None:
        for served in self._served:
            served.next_full = 0.0
        if not self._lease.held:
            self._metrics.undelivered.set(0)  # it is the other's to count now
        self.notify()

    async def _serve(self, served: _Served) -> None:
        loop = asyncio.get_running_loop()
        while not self._ending.is_set():  # a library's time-out may have taken the cancellation for its own
            served.wake.clear()
            if not self._lease.held:
                await _wait(served.wake, self._poll)
                continue
            began = loop.time()
            full = began >= served.next_full
            result = await self._round(served.outlet, full)
            if self._lease.held:
                self._show()
            if self._ending.is_set():
                return
            if result.failed:
                # It may come back without its memory: the next round tells it everything.
                served.next_full = 0.0
                pause = served.backoff.failed(result.retry_after)
                if served.backoff.failures == 1:
                    log.warning("alerts could not be sent", to=served.outlet.name, reason=result.failed)
                await asyncio.sleep(pause)
                continue
            if served.backoff.failures:
                log.info("alerts are sent again", to=served.outlet.name, failures=served.backoff.failures)
                served.backoff.succeeded()
            if full and self._lease.held:
                served.next_full = began + self._seconds
            if not result.more:
                await _wait(served.wake, min(self._poll, max(0.0, served.next_full - loop.time())))

    async def _round(self, outlet: Outlet, full: bool) -> Round:
        try:
            return await outlet.round(full=full, allowed=lambda: self._lease.held)
        except _AWAY as why:
            return Round(f"the database: {_brief(why)}")

    def _show(self) -> None:
        self._metrics.undelivered.set(sum(served.outlet.undelivered for served in self._served))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    # Not wait_for: before Python 3.12 it swallows a cancellation that comes at the moment of the event.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _brief(why: DBAPIError | NoConnection) -> str:
    """The driver's first line, without the statement and its values."""
    said = str(why.orig) if isinstance(why, DBAPIError) else str(why)
    return (said.splitlines() or [type(why).__name__])[0][:200]
