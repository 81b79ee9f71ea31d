"""The metrics of incidents: how many are not settled, and when notices are due."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from alerts.incidents.store import Standing
from alerts.incidents.words import Tier
from monitor.metrics.names import PREFIX, Declaration

NOTIFICATION_DUE: Final = Declaration(
    "breach_notification_due_timestamp_seconds",
    "When the notice of an incident is due, while it is neither given nor found not to be owed",
    ("incident",),
)
INCIDENTS_OPEN: Final = Declaration("incidents_open", "Incidents that are not settled", ("tier",))
INCIDENTS_REFUSED: Final = Declaration(
    "incidents_refused", "Reports that opened no incident because too many were unsettled", ()
)


class IncidentMetrics(Collector):
    """Shows the standing it was given last; nothing is read from the database at a scrape.

    Every worker reads the same rows, so workers show the same figures: take the maximum, do not add.
    Only `incidents_refused` counts what this worker refused.
    """

    def __init__(self) -> None:
        self._standing = Standing({}, {})
        self._refused = 0

    def show(self, standing: Standing) -> None:
        """Replace what is shown."""
        self._standing = standing

    def refused(self, count: int) -> None:
        """Count reports beyond the limits, once their transaction is committed."""
        self._refused += count

    def collect(self) -> Iterator[Metric]:
        """One family after the other; called at each scrape, in another thread."""
        standing = self._standing
        due = GaugeMetricFamily(
            PREFIX + NOTIFICATION_DUE.name, NOTIFICATION_DUE.help, labels=NOTIFICATION_DUE.labels
        )
        for incident, moment in standing.due.items():
            due.add_metric([incident], moment.timestamp())
        count = GaugeMetricFamily(
            PREFIX + INCIDENTS_OPEN.name, INCIDENTS_OPEN.help, labels=INCIDENTS_OPEN.labels
        )
        for tier in Tier:
            count.add_metric([str(int(tier))], standing.by_tier.get(tier, 0))
        yield due
        yield count
        yield CounterMetricFamily(
            PREFIX + INCIDENTS_REFUSED.name, INCIDENTS_REFUSED.help, value=self._refused
        )
