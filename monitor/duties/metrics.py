"""The metrics of duties, connections and indicators: worked out now and then, shown at each scrape."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from monitor.duties import names
from monitor.duties.assess import Assessment, Terms, assess, reader
from monitor.indicators.objectives import Kept, met_by_provider
from monitor.metrics.names import PREFIX, Declaration
from monitor.storage.engine import reading

KeptObjectives = Callable[[], Mapping[tuple[str, str], Kept] | None]
"""How far objectives were kept, by agreement and objective; None where that is not known yet."""


class DutyMetrics(Collector):
    """Works out where every agency stands, and shows what was worked out last.

    Every worker shows the same, the figures of the database: take the maximum, do not add. Series are bounded
    by the registry: for each agency six duties, one state, and five indicators.
    What cannot be scored has no numerator and no denominator, only a coverage that says so.
    """

    def __init__(self, terms: Terms, engine: Engine, objectives: KeptObjectives | None = None) -> None:
        """`engine` should be opened read-only: on SQLite any other takes the write lock to read."""
        self._terms = terms
        self._engine = engine
        self._objectives = objectives
        self._ledger = reader(terms)
        self._working = threading.Lock()
        self._latest: Assessment | None = None
        self._shown: tuple[Assessment, list[Metric]] | None = None

    @property
    def latest(self) -> Assessment | None:
        """What was worked out last; None before the first time."""
        return self._latest

    def refresh(self, now: datetime) -> Assessment:
        """Work everything out for a moment (aware) and show it from now on.

        The first time reads every cell of the last 30 days or more, which takes half a minute where there are
        millions; after that a refresh reads three days of them. To be called about every minute, in a thread;
        calls wait for each other. Raises sqlalchemy.exc.DBAPIError, and then still shows what it showed.
        """
        with self._working:
            kept = self._objectives() if self._objectives else None
            met = None if kept is None else met_by_provider(self._terms.registry, kept)
            with reading(self._engine).connect() as connection:
                self._latest = assess(connection, self._terms, now, met, self._ledger)
            return self._latest

    def describe(self) -> Iterator[Metric]:
        """The names, so that registering reads nothing and finds a name that is taken."""
        for each in vars(names).values():
            if isinstance(each, Declaration):
                yield _gauge(each)

    def collect(self) -> Iterator[Metric]:
        """One family after the other; nothing before the first refresh."""
        latest, shown = self._latest, self._shown
        if latest is None:
            return
        if shown is None or shown[0] is not latest:  # scrapes are more frequent than refreshes
            shown = self._shown = latest, list(_families(latest))
        yield from shown[1]


def _families(latest: Assessment) -> Iterator[Metric]:
    yield from _of_duties(latest)
    yield from _of_connections(latest)
    yield from _of_indicators(latest)
    for declaration, value in (
        (names.UNREAD, float(latest.unread)),
        (names.REFRESHED, latest.now.timestamp()),
    ):
        family = _gauge(declaration)
        family.add_metric((), value)
        yield family


def _of_duties(latest: Assessment) -> Iterator[Metric]:
    total: dict[tuple[str, str], int] = {}
    overdue: dict[tuple[str, str], int] = {}
    due: dict[tuple[str, str], float] = {}
    for one in latest.items:
        key = (one.agency, one.duty)
        total[key] = total.get(key, 0) + 1
        overdue[key] = overdue.get(key, 0) + one.overdue
        if one.due is not None and not one.done:
            moment = one.due.timestamp()
            due[key] = min(moment, due.get(key, moment))
    for declaration, values in (
        (names.DUTY_OVERDUE, overdue),
        (names.DUTY_TOTAL, total),
        (names.DUTY_DUE, due),
    ):
        family = _gauge(declaration)
        for labels, value in sorted(values.items()):
            family.add_metric(labels, value)
        yield family


def _of_connections(latest: Assessment) -> Iterator[Metric]:
    state, cleared = _gauge(names.CONNECTION_STATE), _gauge(names.CONNECTION_CLEARED)
    for agency, standing in latest.standings.items():
        state.add_metric((agency, standing.state), 1)
        if standing.connected:
            cleared.add_metric((agency,), standing.cleared)
    yield from (state, cleared)


def _of_indicators(latest: Assessment) -> Iterator[Metric]:
    numerator, denominator = _gauge(names.NUMERATOR), _gauge(names.DENOMINATOR)
    coverage, target = _gauge(names.COVERAGE), _gauge(names.TARGET)
    for agency, indicators in latest.indicators.items():
        for name, one in indicators.items():
            if one.scored:
                numerator.add_metric((agency, name), one.numerator)
                denominator.add_metric((agency, name), one.denominator)
            if one.coverage is not None:
                coverage.add_metric((agency, name), one.coverage)
                target.add_metric((agency, name), one.target)
    yield from (numerator, denominator, coverage, target)


def _gauge(declaration: Declaration) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + declaration.name, declaration.help, labels=declaration.labels)
