"""The metrics that count steps of dossiers, kept from what was committed."""

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

_COUNTERS = (
    names.DOSSIER_STEPS,
    names.DOSSIER_DUPLICATES,
    names.DOSSIER_LATE,
    names.DOSSIER_IDS_SHORTENED,
    names.DOSSIERS_FULL,
)


class Committed(Protocol):
    """What a transaction added, as far as metrics need it."""

    @property
    def steps(self) -> Mapping[tuple[str, str], int]:
        """Events by agency and step."""

    duplicates: int
    late: int
    ids_shortened: int
    full: int


class DossierMetrics(Collector):
    """Totals since this process started. Labels are bounded: agencies of the registry, and twelve steps."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # scrapes come from the web server's thread
        self._steps: Counter[tuple[str, str]] = Counter()
        self._totals: Counter[Declaration] = Counter()

    def add(self, committed: Committed) -> None:
        """Count what a transaction added."""
        with self._lock:
            self._steps.update(committed.steps)
            self._totals[names.DOSSIER_DUPLICATES] += committed.duplicates
            self._totals[names.DOSSIER_LATE] += committed.late
            self._totals[names.DOSSIER_IDS_SHORTENED] += committed.ids_shortened
            self._totals[names.DOSSIERS_FULL] += committed.full

    def collect(self) -> Iterator[Metric]:
        """One family after the other; called at each scrape."""
        with self._lock:
            return iter(self._families())

    def _families(self) -> list[Metric]:
        families: list[Metric] = []
        for declaration in _COUNTERS:
            family = CounterMetricFamily(
                PREFIX + declaration.name, declaration.help, labels=declaration.labels
            )
            if declaration is names.DOSSIER_STEPS:
                for key, count in sorted(self._steps.items()):
                    family.add_metric(key, count)
            else:
                family.add_metric((), self._totals[declaration])
            families.append(family)
        return families
