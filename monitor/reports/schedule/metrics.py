"""The metrics of reports that are made by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitor.metrics.names import PREFIX, Declaration
from monitor.reports.schedule.record import Outstanding

RUNS: Final = Declaration("report_runs", "Runs of the schedule, each of all reports then due", ("outcome",))
LAST_SUCCESS: Final = Declaration(
    "report_last_success_timestamp_seconds", "When the schedule last made a report", ()
)
DUE: Final = Declaration(
    "report_due_timestamp_seconds", "Since when a report is due that the schedule has not made", ("period",)
)
OUTCOMES: Final = ("made", "failed", "timeout")


class ScheduleMetrics(Collector):
    """Counts this worker's runs, and shows what the database says of all of them.

    The latter every worker shows alike: take the maximum. Nothing is shown before the first look at it.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register what it has. An outcome that has not come yet is 0, or its first would go unseen."""
        self._runs = Counter(PREFIX + RUNS.name, RUNS.help, RUNS.labels, registry=registry)
        for outcome in OUTCOMES:
            self._runs.labels(outcome)
        self._last: datetime | None = None
        self._due: dict[str, float] = {}
        registry.register(self)

    def ran(self, outcome: str) -> None:
        """Count a run."""
        self._runs.labels(outcome).inc()

    def show(self, last: datetime | None, outstanding: Sequence[Outstanding]) -> None:
        """Show when a report was made last, and since when others are due, the longest of each kind."""
        due: dict[str, float] = {}
        for each in outstanding:
            kind, since = each.due.period.kind, each.due.since.timestamp()
            due[kind] = min(since, due.get(kind, since))
        self._last, self._due = last, due

    def describe(self) -> Iterator[Metric]:
        """The names, so that registering finds one that is taken."""
        for each in (LAST_SUCCESS, DUE):
            yield GaugeMetricFamily(PREFIX + each.name, each.help, labels=each.labels)

    def collect(self) -> Iterator[Metric]:
        """Both families; what there is nothing of has no series."""
        last = GaugeMetricFamily(PREFIX + LAST_SUCCESS.name, LAST_SUCCESS.help)
        if self._last is not None:
            last.add_metric((), self._last.timestamp())
        due = GaugeMetricFamily(PREFIX + DUE.name, DUE.help, labels=DUE.labels)
        for kind, since in sorted(self._due.items()):
            due.add_metric((kind,), since)
        yield from (last, due)
