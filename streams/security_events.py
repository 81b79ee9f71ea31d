"""The topic `security-events`: counted and kept, without the names of people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Engine

from monitor.events.pseudonym import Pseudonyms
from monitor.events.security import decode_security
from monitor.events.security_event import SecurityEvent
from monitor.ledger.partition import Limits
from monitor.metrics.security import SecurityMetrics
from monitor.registry.registry import Registry
from monitor.security.ledger import SecurityLedger
from monitor.security.store import SecurityStore
from streams.processor import Opened, Watch

Accepted = tuple[SecurityEvent, int]  # an event and its time in milliseconds since 1970


class SecurityWatch(Watch, Protocol):
    """Rules that look at security events."""

    def observe(self, accepted: Sequence[Accepted]) -> None:
        """See events, in their order."""


OpenWatch = Callable[[str, int], SecurityWatch]


class SecurityEvents:
    """Opens a partition of security events. `open_watch(topic, partition)` restores its rules' memory."""

    decode = staticmethod(decode_security)

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        limits: Limits,
        pseudonyms: Pseudonyms,
        counted: SecurityMetrics,
        open_watch: OpenWatch | None = None,
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._limits = limits
        self._pseudonyms = pseudonyms
        self._counted = counted
        self._open_watch = open_watch

    def open(self, topic: str, partition: int, now: datetime) -> Opened:
        """Take a partition over from the database. Raises sqlalchemy.exc.DBAPIError."""
        store = SecurityStore(self._engine, topic, partition)
        resumed = store.load(self._limits.dedupe_window, self._limits.dedupe_max_ids, now)
        ledger = SecurityLedger(
            self._registry, self._limits, resumed.ids, resumed.next_offset, resumed.newest, self._pseudonyms
        )
        watch = self._open_watch(topic, partition) if self._open_watch else None
        return Opened(ledger, store, watch, _observer(ledger, watch), self._counted.add)


def _observer(ledger: SecurityLedger, watch: SecurityWatch | None) -> Callable[[], None]:
    if watch is None:
        return lambda: None
    seen = 0
    of = ledger.changes

    def observe() -> None:
        nonlocal seen, of
        if ledger.changes is not of:  # what was seen before is taken
            seen, of = 0, ledger.changes
        new = of.accepted[seen:]
        if new:
            seen += len(new)
            watch.observe(new)

    return observe
