"""The metrics that count lifecycle events, kept from what was committed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitor.metrics import names
from monitor.metrics.names import PREFIX, Declaration


class Committed(Protocol):
    """What a transaction added, as far as metrics need it."""

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """Events by agency and kind."""

    duplicates: int
    late: int
    ids_shortened: int


class LifecycleMetrics(Collector):
    """Totals since this process started. Labels are bounded: agencies of the registry, and eleven kinds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # scrapes come from the web server's thread
        self._events: Counter[tuple[str, str]] = Counter()
        self._duplicates = self._late = self._shortened = 0

    def add(self, committed: Committed) -> None:
        """Count what a transaction added."""
        with self._lock:
            self._events.update(committed.counts)
            self._duplicates += committed.duplicates
            self._late += committed.late
            self._shortened += committed.ids_shortened

    def collect(self) -> Iterator[Metric]:
        """One family after the other; called at each scrape."""
        with self._lock:
            return iter(self._families())

    def _families(self) -> list[Metric]:
        events = _counter(names.LIFECYCLE_EVENTS)
        for key, count in sorted(self._events.items()):
            events.add_metric(key, count)
        families: list[Metric] = [events]
        for declaration, value in (
            (names.LIFECYCLE_DUPLICATES, self._duplicates),
            (names.LIFECYCLE_LATE, self._late),
            (names.LIFECYCLE_IDS_SHORTENED, self._shortened),
        ):
            family = _counter(declaration)
            family.add_metric((), value)
            families.append(family)
        return families


def _counter(declaration: Declaration) -> CounterMetricFamily:
    return CounterMetricFamily(PREFIX + declaration.name, declaration.help, labels=declaration.labels)
