"""The metrics that come from the registry: agreements in force, until when, and their objectives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitor.judging.book import version_in_force
from monitor.metrics import names
from monitor.metrics.ledger import AVAILABILITY, LATENCY
from monitor.metrics.names import PREFIX, Declaration
from monitor.registry.load import Registry

# Fewer bad exchanges than this prove nothing about an objective, whatever their share.
MIN_BAD_EVENTS = 5


class AgreementMetrics(Collector):
    """One series an agreement: the version in force on the day of the scrape."""

    def __init__(self, registry: Registry, zone: ZoneInfo, now: Callable[[], datetime]) -> None:
        self._registry = registry
        self._zone = zone
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """One family after the other; called at each scrape."""
        info, expiry = _gauge(names.AGREEMENT_INFO), _gauge(names.AGREEMENT_EXPIRY)
        review = _gauge(names.AGREEMENT_REVIEW)
        objective, min_bad = _gauge(names.SLO_OBJECTIVE), _gauge(names.SLO_MIN_BAD)
        today = self._now().astimezone(self._zone).date()
        pairs = {(agreement.consumer, agreement.service) for agreement in self._registry.agreements}
        for consumer, service in sorted(pairs):
            agreement = version_in_force(self._registry.versions(consumer, service), today)
            if agreement is None:
                continue
            labels = [
                agreement.id,
                str(agreement.version),
                agreement.provider,
                consumer,
                service,
                agreement.status,
            ]
            info.add_metric(labels, 1)
            end = datetime.combine(agreement.last_day + timedelta(days=1), time(0), self._zone)
            expiry.add_metric([agreement.id], end.timestamp())
            if agreement.dates.review is not None:
                due = datetime.combine(agreement.dates.review, time(0), self._zone)
                review.add_metric([agreement.id], due.timestamp())
            offered = self._registry.services[service].objectives
            availability = agreement.objectives.availability or offered.availability
            latency = agreement.objectives.latency or offered.latency
            for slo, ratio in ((AVAILABILITY, availability), (LATENCY, latency and latency.ratio)):
                if ratio:
                    objective.add_metric([agreement.id, slo], ratio)
                    min_bad.add_metric([agreement.id, slo], MIN_BAD_EVENTS)
        yield from (info, expiry, review, objective, min_bad)


def _gauge(declaration: Declaration) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + declaration.name, declaration.help, labels=declaration.labels)
