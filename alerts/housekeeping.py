"""What alerts and incidents need beside events: time that passes, and figures that are shown.

Of several workers on one database one does the rounds (a lease); each shows the figures it reads.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple, TypeVar

import structlog
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from alerts.engine.tables import progress
from alerts.incidents.clock_alerts import tell_of_clocks
from alerts.incidents.metrics import IncidentMetrics
from alerts.incidents.store import read_standing, take_clock_detections
from alerts.lifecycle.book import AlertBook
from alerts.lifecycle.store import most_serious, open_by_level
from alerts.lifecycle.upkeep import due_repeats, prune, resolve_quiet
from alerts.metrics import AlertMetrics
from alerts.risk.metrics import RiskMetrics
from alerts.risk.store import forget_risk, read_risk
from alerts.standing import SHOWN, Standing
from monitor.dossiers.store import prune_dossiers
from monitor.lifecycle.store import prune_requests
from monitor.security.store import prune as prune_security_events
from monitor.settings import Settings
from monitor.storage.engine import reading
from monitor.storage.lease import Lease

log = structlog.get_logger(__name__)

LEASE = "housekeeping"
LEASE_LENGTH = timedelta(seconds=15)
# What rules remember of: topics, and the failures that are told apart from the calls of one.
WATCHED = ("exchanges", "security-events", "xroad-records", "xroad-records:security")
ROUND_S = 2.0  # between rounds: an alert that has fallen quiet may stay open for so much longer
PRUNE_EVERY_S = 600.0
PRUNED_REQUESTS = 500
PRUNED_AT_ONCE = 5_000  # rows in one transaction: well below a second on either database

_T = TypeVar("_T")


class Shown(NamedTuple):
    """What is read from the database and shown: metrics, and the page's list."""

    alerts: AlertMetrics
    incidents: IncidentMetrics
    risk: RiskMetrics
    standing: Standing


class Housekeeping:
    """Does the rounds until it is told to stop.

    `changed` is called in the event loop when alerts have changed, so that whoever sends them need not wait.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        book: Callable[[], AlertBook],
        shown: Shown,
        *,
        holder: str,
        executor: Executor,
        changed: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._settings = settings
        # Rows of topics that are read no more stand still; they must not keep every alert open.
        self._watched = [settings.topic(name) for name in WATCHED]
        self._book = book
        self._shown = shown
        self._lease = Lease(engine, LEASE, holder, LEASE_LENGTH)
        self._executor = executor
        self._changed = changed
        self._prune_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Do rounds until `stop` is set, then give the lease up. A database that is away is waited for."""
        while not stop.is_set():
            try:
                if await self._wait_for(self._lease.keep) and await self._wait_for(self.round):
                    self._changed()
                await self._wait_for(self.show)
                await self._prune_now_and_then()
            except DBAPIError as why:
                log.warning("housekeeping waits for the database", reason=str(why.orig).splitlines()[:1])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), ROUND_S)
        with contextlib.suppress(DBAPIError):  # it ends by itself
            await self._wait_for(self._lease.release)

    def round(self) -> bool:
        """Resolve what has fallen quiet, repeat what is due, tell of clocks; return whether there was any.

        Each in a transaction of its own, a bounded portion at a time. Raises sqlalchemy.exc.DBAPIError.
        """
        now = datetime.now(UTC)
        told = False
        with self._engine.begin() as connection:
            # Every partition must have come so far: an event that is still to come may belong to the alert.
            query = select(func.min(progress.c.watermark)).where(progress.c.topic.in_(self._watched))
            watermark = connection.execute(query).scalar_one()
            if watermark is not None:
                changes = resolve_quiet(connection, watermark, now)
                told = bool(changes)
                self._shown.alerts.happened(changes)
        with self._engine.begin() as connection:
            repeats = due_repeats(connection, now)
            told = told or bool(repeats.changes)
            self._shown.alerts.happened(repeats.changes)
            self._shown.alerts.held_back(repeats.suppressed)
        with self._engine.begin() as connection:
            reached = take_clock_detections(connection, now)
            changes = tell_of_clocks(connection, self._book(), reached, now)
            told = told or bool(changes)
            self._shown.alerts.happened(changes)
        return told

    def show(self) -> None:
        """Read what metrics show. Raises sqlalchemy.exc.DBAPIError."""
        now = datetime.now(UTC)
        with reading(self._engine).connect() as connection:
            by_level = open_by_level(connection)
            self._shown.alerts.show_open(by_level)
            self._shown.standing.show(by_level, most_serious(connection, SHOWN))
            self._shown.incidents.show(read_standing(connection))
            self._shown.risk.show(read_risk(connection, now, self._settings.risk_half_life))

    async def _prune_now_and_then(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._lease.held or loop.time() < self._prune_at:
            return
        more = await self._wait_for(self.prune)
        self._prune_at = loop.time() + (0.0 if more else PRUNE_EVERY_S)

    def prune(self) -> bool:
        """Delete a portion of what was kept for long enough; return whether there is more."""
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            alerts = prune(connection, now - self._settings.alert_retention)
        with self._engine.begin() as connection:
            events = prune_security_events(
                connection, now - self._settings.security_retention, PRUNED_AT_ONCE
            )
        with self._engine.begin() as connection:
            requests = prune_requests(connection, now - self._settings.security_retention, PRUNED_REQUESTS)
        # Long after the last of its steps that would still be counted: what comes again must not count again.
        unheard = max(self._settings.security_retention, self._settings.max_event_age)
        with self._engine.begin() as connection:
            dossiers = prune_dossiers(connection, now - unheard, PRUNED_AT_ONCE)
        with self._engine.begin() as connection:
            forget_risk(connection, now, self._settings.risk_half_life)
        full = events >= PRUNED_AT_ONCE or requests >= PRUNED_REQUESTS or dossiers >= PRUNED_AT_ONCE
        return bool(alerts) or full

    async def _wait_for(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(call))
