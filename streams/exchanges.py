"""The topic `exchanges`: judged, and folded into the ledger's cells."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from sqlalchemy import Engine

from monitor.events.decode import decode_batch
from monitor.judging.book import Book
from monitor.ledger.partition import Limits, PartitionLedger, Witnessed
from monitor.metrics.ledger import LedgerMetrics
from monitor.storage.partition import PartitionStore
from streams.processor import Opened, Watch


class ExchangeWatch(Watch, Protocol):
    """Rules that look at exchanges."""

    def observe(self, witnessed: list[Witnessed]) -> None:
        """See exchanges, in their order, each with how it was judged."""


OpenWatch = Callable[[str, int], ExchangeWatch]


class Exchanges:
    """Opens a partition of exchanges. `open_watch(topic, partition)` restores its rules' memory."""

    decode = staticmethod(decode_batch)

    def __init__(
        self,
        engine: Engine,
        book: Book,
        limits: Limits,
        counted: LedgerMetrics,
        open_watch: OpenWatch | None = None,
    ) -> None:
        self._engine = engine
        self._book = book
        self._limits = limits
        self._counted = counted
        self._open_watch = open_watch

    def open(self, topic: str, partition: int, now: datetime) -> Opened:
        """Take a partition over from the database. Raises sqlalchemy.exc.DBAPIError."""
        store = PartitionStore(self._engine, topic, partition)
        resumed = store.load(self._limits.dedupe_window, self._limits.dedupe_max_ids, now)
        ledger = PartitionLedger(
            self._book,
            self._limits,
            ids=resumed.ids,
            next_offset=resumed.next_offset,
            newest=resumed.newest,
            load_calls=store.calls,
        )
        watch = self._open_watch(topic, partition) if self._open_watch else None
        return Opened(ledger, store, watch, _observer(ledger, watch), self._counted.add)


def _observer(ledger: PartitionLedger, watch: ExchangeWatch | None) -> Callable[[], None]:
    if watch is None:
        return lambda: None
    ledger.witnessed = []

    def observe() -> None:
        witnessed = ledger.witnessed
        if witnessed:
            ledger.witnessed = []
            watch.observe(witnessed)

    return observe
