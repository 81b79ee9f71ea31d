"""The topic `lifecycle-events`: what agencies did about connections, agreements and requests."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from monitor.events.lifecycle import decode_lifecycle
from monitor.events.pseudonym import Pseudonyms
from monitor.ledger.partition import Limits
from monitor.lifecycle.ledger import LifecycleLedger
from monitor.lifecycle.store import LifecycleStore
from monitor.metrics.lifecycle import LifecycleMetrics
from monitor.registry.registry import Registry
from streams.processor import Opened


class LifecycleEvents:
    """Opens a partition of lifecycle events. No rules watch them: duties are worked out from the database."""

    decode = staticmethod(decode_lifecycle)

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        limits: Limits,
        pseudonyms: Pseudonyms,
        counted: LifecycleMetrics,
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._limits = limits
        self._pseudonyms = pseudonyms
        self._counted = counted

    def open(self, topic: str, partition: int, now: datetime) -> Opened:
        """Take a partition over from the database. Raises sqlalchemy.exc.DBAPIError."""
        store = LifecycleStore(self._engine, topic, partition)
        resumed = store.load(self._limits.dedupe_window, self._limits.dedupe_max_ids, now)
        ledger = LifecycleLedger(
            self._registry, self._limits, resumed.ids, resumed.next_offset, resumed.newest, self._pseudonyms
        )
        return Opened(ledger, store, None, lambda: None, self._counted.add)
