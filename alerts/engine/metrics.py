"""The metrics of the rules' memory: what was matched, what is remembered, and which bounds were reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final
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


class EngineMetrics(Collector):
    """Sums over the engines that are open: the figures of a partition go with it, as counters may."""

    def __init__(self) -> None:
        self._engines: WeakSet[Engine] = WeakSet()

    def watch(self, engine: Engine) -> None:
        """Show an engine's figures for as long as it is in use."""
        self._engines.add(engine)

    def collect(self) -> Iterator[Metric]:
        """One family after the other; called at each scrape, in another thread."""
        matched: Counter[str] = Counter()
        groups: Counter[str] = Counter()
        evicted: Counter[str] = Counter()
        dropped = late = 0
        for engine in list(self._engines):
            matched.update(engine.matched)
            groups.update(engine.groups)
            evicted.update(engine.groups_evicted)
            dropped += engine.entries_dropped
            late += engine.too_late
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
