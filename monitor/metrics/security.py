"""The metrics that count security events, kept from what was committed."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitor.events.kinds import SEVERITIES
from monitor.metrics import names
from monitor.metrics.names import PREFIX, Declaration
from monitor.security.changes import CountKey, SecurityCount


class Committed(Protocol):
    """What a transaction added, as far as metrics need it."""

    @property
    def counts(self) -> list[tuple[CountKey, SecurityCount]]:
        """By hour, agency, kind and severity: what was added."""

    ids_shortened: int
    withheld: int
    dropped: int


class SecurityTotals(NamedTuple):
    """Everything counted since this process started."""

    events: int
    duplicates: int
    late: int
    ids_shortened: int


class SecurityMetrics(Collector):
    """Totals since this process started. Labels are bounded: agencies of the registry, and listed kinds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # scrapes come from the web server's thread
        self._events: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self._duplicates = self._late = self._shortened = self._withheld = self._dropped = 0

    def add(self, committed: Committed) -> None:
        """Count what a transaction added."""
        with self._lock:
            for key, count in committed.counts:
                if count.count:
                    self._events[key.agency, key.kind, key.severity] += count.count
                self._duplicates += count.duplicates
                self._late += count.late
            self._shortened += committed.ids_shortened
            self._withheld += committed.withheld
            self._dropped += committed.dropped

    def totals(self) -> SecurityTotals:
        """The sums over all agencies and kinds."""
        with self._lock:
            events = sum(self._events.values())
            return SecurityTotals(events, self._duplicates, self._late, self._shortened)

    def collect(self) -> Iterator[Metric]:
        """One family after the other; called at each scrape."""
        with self._lock:
            return iter(self._families())

    def _families(self) -> list[Metric]:
        events = _counter(names.SECURITY_EVENTS)
        for (agency, kind, severity), count in sorted(self._events.items()):
            events.add_metric((agency, kind, SEVERITIES[severity - 1]), count)
        values = _counter(names.PERSONAL_VALUES)
        values.add_metric(("withheld",), self._withheld)
        values.add_metric(("dropped",), self._dropped)
        families: list[Metric] = [events, values]
        for declaration, value in (
            (names.SECURITY_DUPLICATES, self._duplicates),
            (names.SECURITY_LATE, self._late),
            (names.SECURITY_IDS_SHORTENED, self._shortened),
        ):
            family = _counter(declaration)
            family.add_metric((), value)
            families.append(family)
        return families


def _counter(declaration: Declaration) -> CounterMetricFamily:
    return CounterMetricFamily(PREFIX + declaration.name, declaration.help, labels=declaration.labels)
