"""The topic `xroad-records`: halves of calls, joined and counted as exchanges in whatever order they come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
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
from streams.exchanges import ExchangeWatch
from streams.processor import Opened
from streams.security_events import SecurityWatch


class Shown(NamedTuple):
    """The metrics that calls over X-Road move: those of any exchange, of security events, and their own."""

    exchanges: LedgerMetrics
    security: SecurityMetrics
    xroad: XroadMetrics


class Watches(NamedTuple):
    """The rules of a partition: on calls as exchanges, and on failures that are a security matter."""

    exchanges: ExchangeWatch
    security: SecurityWatch


# By topic, partition, and how long a half may come after the other.
OpenWatches = Callable[[str, int, timedelta], Watches]


class XroadRecords:
    """Opens a partition of records. `open_watches(topic, partition, wait)` restores its rules' memory."""

    decode = staticmethod(decode_records)

    def __init__(self, parts: XroadParts, shown: Shown, open_watches: OpenWatches | None = None) -> None:
        self._parts = parts
        self._shown = shown
        self._open_watches = open_watches

    def open(self, topic: str, partition: int, now: datetime) -> Opened:
        """Take a partition over from the database. Raises sqlalchemy.exc.DBAPIError."""
        ledger, store = open_partition(self._parts, topic, partition, now)
        rules = None
        if self._open_watches is not None:
            rules = self._open_watches(topic, partition, self._parts.pairing.wait)
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
    """Lets time pass for halves that wait, and for the rules of calls and of failures."""

    def __init__(self, ledger: XroadLedger, rules: Watches | None, observe: Callable[[], None]) -> None:
        self._ledger = ledger
        self._rules = tuple(rules or ())
        self._observe = observe

    @property
    def pending(self) -> bool:
        """Whether there is anything to write."""
        return self._ledger.dirty or any(each.pending for each in self._rules)

    def tick(self, now: datetime) -> None:
        """All that came was taken in: let halves that have waited for long enough lapse."""
        self._ledger.tick(now)
        self._observe()
        for each in self._rules:
            each.tick(now)

    def take(self) -> tuple[Any, ...]:
        """Hand over what rules have to write."""
        return tuple(each.take() for each in self._rules)

    def write(self, connection: Connection, taken: tuple[Any, ...], now: datetime) -> None:
        """Write it, in the transaction that moves the offset."""
        for each, mine in zip(self._rules, taken, strict=True):
            each.write(connection, mine, now)

    def committed(self, taken: tuple[Any, ...]) -> None:
        """Note that it is in the database."""
        for each, mine in zip(self._rules, taken, strict=True):
            each.committed(mine)


def _observer(ledger: XroadLedger, rules: Watches | None) -> Callable[[], None]:
    if rules is None:
        return lambda: None
    ledger.witnessed, ledger.secured = [], []

    def observe() -> None:
        witnessed, secured = ledger.witnessed, ledger.secured
        if witnessed:
            ledger.witnessed = []
            # A server whose clock is ahead must not make all other calls come too late for windows.
            now = ledger.now
            rules.exchanges.observe([(each[0], min(each[1], now), *each[2:]) for each in witnessed])
        if secured:
            ledger.secured = []
            rules.security.observe(secured)

    return observe
