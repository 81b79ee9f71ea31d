"""The metrics of the index of service quality: worked out now and then, shown at each scrape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from monitor.dossiers import names
from monitor.dossiers.index import Index, index_of
from monitor.dossiers.judge import QualityTerms
from monitor.dossiers.sums import read_sums, together
from monitor.metrics.names import PREFIX, Declaration
from monitor.registry.registry import Registry
from monitor.storage.engine import reading


@dataclass(frozen=True, slots=True)
class Worked:
    """The index of every agency of which dossiers are known, over a window that ended at `now`."""

    now: datetime
    agencies: dict[str, Index]


class QualityMetrics(Collector):
    """Works out the index of every agency now and then, and shows what was worked out last.

    Every worker shows the same, the figures of the database: take the maximum, do not add. Series are bounded
    by the registry: for each agency eight items, and five figures. What is not scored has no numerator, no
    denominator and no points.
    """

    def __init__(self, registry: Registry, terms: QualityTerms, engine: Engine) -> None:
        """`engine` should be opened read-only: on SQLite any other takes the write lock to read."""
        self._registry = registry
        self._terms = terms
        self._engine = engine
        self._latest: Worked | None = None

    @property
    def latest(self) -> Worked | None:
        """What was worked out last; None before the first time."""
        return self._latest

    def refresh(self, now: datetime) -> Worked:
        """Work everything out for a moment (aware) and show it from now on.

        Reads as many rows as there are agencies, groups of procedures, measures and days in the window.
        Raises sqlalchemy.exc.DBAPIError, and then still shows what it showed.
        """
        today = now.astimezone(self._terms.zone).date()
        first = today - timedelta(days=self._terms.rules.window_days - 1)
        with reading(self._engine).connect() as connection:
            sums = read_sums(connection, self._registry, first, today, today)
        self._latest = Worked(
            now,
            {
                agency: index_of(together(groups.values()), self._terms.rules)
                for agency, groups in sorted(sums.items())
            },
        )
        return self._latest

    def describe(self) -> Iterator[Metric]:
        """The names, so that registering reads nothing and finds a name that is taken."""
        for each in vars(names).values():
            if isinstance(each, Declaration):
                yield _gauge(each)

    def collect(self) -> Iterator[Metric]:
        """One family after the other; nothing before the first refresh."""
        latest = self._latest
        if latest is None:
            return
        yield from _of_items(latest)
        yield from _of_agencies(latest)
        whole, at = _gauge(names.WHOLE), _gauge(names.REFRESHED)
        whole.add_metric((), self._terms.rules.most)
        at.add_metric((), latest.now.timestamp())
        yield from (whole, at)


def _of_items(latest: Worked) -> Iterator[Metric]:
    numerator, denominator = _gauge(names.NUMERATOR), _gauge(names.DENOMINATOR)
    coverage, points = _gauge(names.COVERAGE), _gauge(names.ITEM_POINTS)
    target, most = _gauge(names.TARGET), _gauge(names.MOST)
    for agency, index in latest.agencies.items():
        for one in index.items:
            labels = agency, one.key
            if one.eligible:
                coverage.add_metric(labels, one.denominator / one.eligible)
                target.add_metric(labels, one.target)
                most.add_metric(labels, one.most)
            if one.points is not None:
                numerator.add_metric(labels, one.numerator)
                denominator.add_metric(labels, one.denominator)
                points.add_metric(labels, one.points)
    yield from (numerator, denominator, coverage, points, target, most)


def _of_agencies(latest: Worked) -> Iterator[Metric]:
    points, scored = _gauge(names.POINTS), _gauge(names.SCORED)
    handled, days = _gauge(names.HANDLED), _gauge(names.HANDLING_DAYS)
    for agency, index in latest.agencies.items():
        if index.scored:
            points.add_metric((agency,), index.points)
        scored.add_metric((agency,), index.scored)
        handled.add_metric((agency,), index.handled)
        days.add_metric((agency,), index.handling_days)
    yield from (points, scored, handled, days)


def _gauge(declaration: Declaration) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + declaration.name, declaration.help, labels=declaration.labels)
