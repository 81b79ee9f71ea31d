"""The metrics that come from the registry: where agreements stand, until when, and their objectives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitor.judging.book import version_ended, version_in_force
from monitor.metrics import names
from monitor.metrics.names import PREFIX, Declaration
from monitor.objectives.burning import MIN_BAD_EVENTS
from monitor.objectives.slo import SLOS, agreed
from monitor.registry.load import Registry
from monitor.registry.model import Agreement

EXPIRED = "expired"  # the status shown for a version that could be used until it ran out


class AgreementMetrics(Collector):
    """One series a consumer and service, by the local day of the scrape.

    Shown is the version in force. Where there is none, the one that ended last stays, with its end in the
    past, so that an alert can say so until somebody renews it or takes it out of the registry: as `expired`,
    or as `terminated` or `suspended` where it was. A draft is shown only where there is neither, and has
    no end yet. Nothing is shown of what is still to start. A review is due, and objectives are to be kept,
    only in force.
    """

    def __init__(self, registry: Registry, zone: ZoneInfo, now: Callable[[], datetime]) -> None:
        self._registry = registry
        self._zone = zone
        self._now = now
        self._of_day: tuple[date, list[Metric]] | None = None  # what changes with the day alone

    def collect(self) -> Iterator[Metric]:
        """One family after the other; called at each scrape."""
        today = self._now().astimezone(self._zone).date()
        if self._of_day is None or self._of_day[0] != today:
            self._of_day = today, self._families(today)
        yield from self._of_day[1]

    def _families(self, today: date) -> list[Metric]:
        info, expiry = _gauge(names.AGREEMENT_INFO), _gauge(names.AGREEMENT_EXPIRY)
        review = _gauge(names.AGREEMENT_REVIEW)
        objective, min_bad = _gauge(names.SLO_OBJECTIVE), _gauge(names.SLO_MIN_BAD)
        pairs = {(agreement.consumer, agreement.service) for agreement in self._registry.agreements}
        for consumer, service in sorted(pairs):
            agreement, status = _standing(self._registry.versions(consumer, service), today)
            if agreement is None:
                continue
            identity = [agreement.id, str(agreement.version), agreement.provider, consumer, service]
            info.add_metric([*identity, status], 1)
            if agreement.status == "draft":
                continue
            end = datetime.combine(agreement.last_day + timedelta(days=1), time(0), self._zone)
            expiry.add_metric([agreement.id], end.timestamp())
            if agreement.last_day < today or agreement.never_in_force:
                continue
            if agreement.dates.review is not None:
                due = datetime.combine(agreement.dates.review, time(0), self._zone)
                review.add_metric([agreement.id], due.timestamp())
            objectives = agreed(agreement, self._registry.services[service])
            for slo in SLOS:
                ratio = objectives.objective(slo)
                if ratio:
                    objective.add_metric([agreement.id, slo], ratio)
                    min_bad.add_metric([agreement.id, slo], MIN_BAD_EVENTS)
        return [info, expiry, review, objective, min_bad]


def _standing(versions: Sequence[Agreement], today: date) -> tuple[Agreement | None, str]:
    """The version to show of a consumer and a service, and its status."""
    covering = version_in_force(versions, today)
    if covering is not None and covering.status != "draft":
        return covering, covering.status
    ended = version_ended(versions, today)
    if ended is None:
        return covering, "draft"
    return ended, EXPIRED if ended.status in ("active", "registered") else ended.status


def _gauge(declaration: Declaration) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + declaration.name, declaration.help, labels=declaration.labels)
