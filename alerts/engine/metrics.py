"""The metrics of the rules' memory: what was matched, what is remembered, and which bounds were reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Final, NamedTuple, Self
from weakref import WeakSet

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from alerts.engine.engine import Engine
from monitor.metrics.names import PREFIX, Declaration

MATCHES: Final = Declaration("rule_matches", "Events that a rule matched, or that completed it", ("rule",))
GROUPS: Final = Declaration("rule_groups", "Groups that a rule remembers", ("rule",))
EVICTED: Final = Declaration("rule_groups_evicted", "Groups that a rule forgot for want of room", ("rule",))
DROPPED: Final = Declaration(
    "rule_entries_dropped", "Events and values dropped from groups that held too many", ()
)
TOO_LATE: Final = Declaration("rule_events_too_late", "Events that came too late for the rules' windows", ())


class Figures(NamedTuple):
    """What an engine has counted: matches and evicted groups by rule, dropped entries, events too late."""

    matched: Mapping[str, int]
    evicted: Mapping[str, int]
    dropped: int
    late: int

    @classmethod
    def of(cls, engine: Engine) -> Self:
        """As the engine has them now; some go on from what it was restored from."""
        return cls(engine.matched, engine.groups_evicted, engine.entries_dropped, engine.too_late)

    def since(self, before: Figures) -> Figures:
        """What the same engine has counted since."""
        return Figures(
            {rule: count - before.matched.get(rule, 0) for rule, count in self.matched.items()},
            {rule: count - before.evicted.get(rule, 0) for rule, count in self.evicted.items()},
            self.dropped - before.dropped,
            self.late - before.late,
        )


class EngineMetrics(Collector):
    """Counters of this process, which partitions that come and go do not move; groups of engines in use.

    Counted is what was committed here: what a partition brought along was counted by whoever had it, and
    what was not committed is done again. A rule that is loaded no more keeps its figure.
    """

    def __init__(self) -> None:
        self._engines: WeakSet[Engine] = WeakSet()
        self._lock = Lock()
        self._matched: Counter[str] = Counter()
        self._evicted: Counter[str] = Counter()
        self._dropped = self._late = 0

    def watch(self, engine: Engine) -> None:
        """Show an engine's groups for as long as it is in use, and its rules' counters from zero on."""
        self._engines.add(engine)
        # Prometheus sees no increase in a series that begins above zero.
        with self._lock:
            self._matched.update(dict.fromkeys(engine.matched, 0))
            self._evicted.update(dict.fromkeys(engine.groups_evicted, 0))

    def count(self, figures: Figures) -> None:
        """Add what an engine counted since the last time, after its commit."""
        with self._lock:
            self._matched.update(figures.matched)
            self._evicted.update(figures.evicted)
            self._dropped += figures.dropped
            self._late += figures.late

    def collect(self) -> Iterator[Metric]:
        """One family after the other; called at each scrape, in another thread."""
        with self._lock:
            matched, evicted = dict(self._matched), dict(self._evicted)
            dropped, late = self._dropped, self._late
        groups: Counter[str] = Counter()
        for engine in list(self._engines):
            groups.update(engine.groups)
        for declared, counts in ((MATCHES, matched), (EVICTED, evicted)):
            family = CounterMetricFamily(PREFIX + declared.name, declared.help, labels=declared.labels)
            for rule, count in counts.items():
                family.add_metric([rule], count)
            yield family
        gauge = GaugeMetricFamily(PREFIX + GROUPS.name, GROUPS.help, labels=GROUPS.labels)
        for rule, count in groups.items():
            gauge.add_metric([rule], count)
        yield gauge
        yield CounterMetricFamily(PREFIX + DROPPED.name, DROPPED.help, value=dropped)
        yield CounterMetricFamily(PREFIX + TOO_LATE.name, TOO_LATE.help, value=late)
