"""The topic `xroad-records`: halves of calls, joined and counted as exchanges in whatever order they come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from monitor.metrics.ledger import LedgerMetrics
from monitor.metrics.security import SecurityMetrics
from monitor.security.changes import CountKey, SecurityCount
from monitor.xroad.decode import decode_records
from monitor.xroad.ledger import XroadLedger
from monitor.xroad.metrics import XroadMetrics
from monitor.xroad.opening import XroadParts, open_partition
from monitor.xroad.store import XroadWritten
from streams.exchanges import ExchangeWatch, OpenWatch
from streams.processor import Opened


class Shown(NamedTuple):
    """The metrics that calls over X-Road move: those of any exchange, of security events, and their own."""

    exchanges: LedgerMetrics
    security: SecurityMetrics
    xroad: XroadMetrics


class XroadRecords:
    """Opens a partition of records. `open_watch(topic, partition)` restores its rules' memory."""

    decode = staticmethod(decode_records)

    def __init__(self, parts: XroadParts, shown: Shown, open_watch: OpenWatch | None = None) -> None:
        self._parts = parts
        self._shown = shown
        self._open_watch = open_watch

    def open(self, topic: str, partition: int, now: datetime) -> Opened:
        """Take a partition over from the database. Raises sqlalchemy.exc.DBAPIError."""
        ledger, store = open_partition(self._parts, topic, partition, now)
        rules = self._open_watch(topic, partition) if self._open_watch else None
        observe = _observer(ledger, rules)
        self._shown.xroad.follow(partition, ledger.pairing)

        def show(written: XroadWritten) -> None:
            ledger.forget(written.settled)
            self._shown.exchanges.add(written)
            self._shown.security.add(_Secured(written.security))
            self._shown.xroad.add(written)

        return Opened(ledger, store, _Waiting(ledger, rules, observe), observe, show)


class _Secured:
    """What a transaction added to the counts of security events."""

    ids_shortened = withheld = dropped = 0

    def __init__(self, counts: list[tuple[CountKey, SecurityCount]]) -> None:
        self.counts = counts


class _Waiting:
    """Lets time pass for halves that wait, and for the rules of joined calls."""

    def __init__(self, ledger: XroadLedger, rules: ExchangeWatch | None, observe: Callable[[], None]) -> None:
        self._ledger = ledger
        self._rules = rules
        self._observe = observe

    @property
    def pending(self) -> bool:
        """Whether there is anything to write."""
        return self._ledger.dirty or (self._rules is not None and self._rules.pending)

    def tick(self, now: datetime) -> None:
        """All that came was taken in: let halves that have waited for long enough lapse."""
        self._ledger.tick(now)
        self._observe()
        if self._rules is not None:
            self._rules.tick(now)

    def take(self) -> Any:
        """Hand over what rules have to write."""
        return None if self._rules is None else self._rules.take()

    def write(self, connection: Connection, taken: Any, now: datetime) -> None:
        """Write it, in the transaction that moves the offset."""
        if self._rules is not None:
            self._rules.write(connection, taken, now)

    def committed(self, taken: Any) -> None:
        """Note that it is in the database."""
        if self._rules is not None:
            self._rules.committed(taken)


def _observer(ledger: XroadLedger, rules: ExchangeWatch | None) -> Callable[[], None]:
    if rules is None:
        return lambda: None
    ledger.witnessed = []

    def observe() -> None:
        witnessed = ledger.witnessed
        if witnessed:
            ledger.witnessed = []
            rules.observe(witnessed)

    return observe
