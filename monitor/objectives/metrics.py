"""The metrics of service quality: the last figures that were computed, shown at each scrape."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from monitor.metrics.names import PREFIX, Declaration
from monitor.objectives import names
from monitor.objectives.block import Layout
from monitor.objectives.figures import Figure, Outcomes
from monitor.objectives.freshness import Answers, Freshness
from monitor.objectives.sums import WindowSums
from monitor.objectives.windows import windows_at
from monitor.registry.registry import Registry


@dataclass(frozen=True, slots=True)
class Quality:
    """Everything about service quality at one moment; nothing in it changes any more."""

    at: datetime
    figures: Mapping[str, Mapping[tuple[str, str], Figure]]  # by window, then agreement and slo
    outcomes: Mapping[str, Mapping[tuple[str, str], Outcomes]]  # by window, then provider and service
    services: Mapping[tuple[str, str], Freshness]  # by provider and service
    agreements: Mapping[str, Freshness]  # by agreement


class ObjectiveMetrics(Collector):
    """Computes service quality from the ledger, and shows what was computed last.

    Every worker computes for itself, over the partitions of all: the figures are the same everywhere, none
    is missing while a worker restarts, and no worker shows old ones because another took over. Series are
    bounded by the registry: two windows for each agreement and objective, four outcomes for each service.
    """

    def __init__(self, registry: Registry, engine: Engine, zone: ZoneInfo) -> None:
        """`engine` should be opened read-only: on SQLite any other takes the write lock to read."""
        self._zone = zone
        self._layout = Layout(registry)
        self._answers = Answers(self._layout, engine, zone)
        self._sums = WindowSums(self._layout, engine, zone, self._answers.see)
        self._computing = threading.Lock()
        self._latest: Quality | None = None
        self._shown: tuple[Quality, list[Metric]] | None = None

    @property
    def latest(self) -> Quality | None:
        """What was computed last; None before the first time."""
        return self._latest

    def refresh(self, now: datetime) -> Quality:
        """Compute everything for a moment (aware) and show it from now on.

        The first time reads all cells of the month and of the last 30 days, which takes seconds where there
        are millions; after that a refresh reads the last hours. To be called about every 30 seconds, in a
        thread; calls wait for each other. Raises sqlalchemy.exc.DBAPIError, and then still shows what it
        showed before.
        """
        with self._computing:
            sums = self._sums.refresh(now)
            windows = windows_at(now, self._zone)
            known_since = self._answers.look_back(now, min(windows.month, windows.rolling))
            today = now.astimezone(self._zone).date()
            self._latest = Quality(
                at=now,
                figures={window: self._layout.figures(block) for window, block in sums.items()},
                outcomes={window: self._layout.quality(block) for window, block in sums.items()},
                services=self._answers.of_services(today, known_since),
                agreements=self._answers.of_agreements(today, known_since),
            )
            return self._latest

    def collect(self) -> Iterator[Metric]:
        """One family after the other; called at each scrape."""
        latest, shown = self._latest, self._shown
        if latest is None:
            return
        if shown is None or shown[0] is not latest:  # scrapes are more frequent than refreshes
            shown = self._shown = latest, list(_families(latest))
        yield from shown[1]

    def describe(self) -> Iterator[Metric]:
        """The names, so that registering reads nothing and finds a name that is taken."""
        for each in vars(names).values():
            if isinstance(each, Declaration):
                yield _gauge(each)


def _families(latest: Quality) -> Iterator[Metric]:
    yield from _slo_families(latest)
    yield _outcome_family(latest)
    yield from _freshness_families(latest)
    computed = _gauge(names.COMPUTED)
    computed.add_metric((), latest.at.timestamp())
    yield computed


_OF_FIGURES: tuple[tuple[Declaration, Callable[[Figure], float | None]], ...] = (
    (names.ATTAINMENT, lambda figure: figure.attainment),
    (names.BUDGET, lambda figure: figure.budget_remaining),
    (names.WINDOW_EVENTS, lambda figure: figure.events),
    (names.WINDOW_BAD, lambda figure: figure.bad),
)


def _slo_families(latest: Quality) -> Iterator[Metric]:
    for declaration, value in _OF_FIGURES:
        family = _gauge(declaration)  # one at a time: at five thousand agreements each is 7 MB
        for window, figures in latest.figures.items():
            for (agreement, slo), figure in figures.items():
                shown = value(figure)
                if shown is not None:
                    family.add_metric((agreement, slo, window), shown)
        yield family


def _outcome_family(latest: Quality) -> Metric:
    family = _gauge(names.WINDOW_EXCHANGES)
    for window, services in latest.outcomes.items():
        for (provider, service), outcomes in services.items():
            for outcome, count in outcomes._asdict().items():
                family.add_metric((provider, service, outcome, window), count)
    return family


def _freshness_families(latest: Quality) -> Iterator[Metric]:
    of_agreements = [((name,), each) for name, each in latest.agreements.items()]
    families: tuple[tuple[Declaration, Declaration, Iterable[tuple[tuple[str, ...], Freshness]]], ...] = (
        (names.FRESHNESS, names.FRESHNESS_LIMIT, latest.services.items()),
        (names.AGREEMENT_FRESHNESS, names.AGREEMENT_FRESHNESS_LIMIT, of_agreements),
    )
    for age, limit, held in families:
        ages, limits = _gauge(age), _gauge(limit)
        for labels, each in held:
            limits.add_metric(labels, each.limit.total_seconds())
            shown = each.age(latest.at)
            if shown is not None:
                ages.add_metric(labels, shown.total_seconds())
        yield from (ages, limits)


def _gauge(declaration: Declaration) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + declaration.name, declaration.help, labels=declaration.labels)
