"""The metrics of rules and alerts: what was found, what is open, what was told. Moved only after a commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

from prometheus_client import CollectorRegistry, Counter, Gauge

from alerts.lifecycle.alert import Change, ChangeKind
from alerts.lifecycle.book import AlertBook
from alerts.model import Detection, Level
from monitor.metrics.names import PREFIX


class AlertMetrics(NamedTuple):
    """All instruments of detections and alerts.

    `open` is the database's figure, so every worker shows the same: take the maximum, do not add.
    """

    detections: Counter
    open: Gauge
    changes: Counter
    suppressed: Counter

    @classmethod
    def create(cls, registry: CollectorRegistry) -> Self:
        """Declare the instruments in a registry; those with few series begin at zero."""
        own = cls(
            detections=Counter(
                PREFIX + "detections",
                "Events that made a rule match, each counted once for a rule",
                ("rule", "severity", "agency"),
                registry=registry,
            ),
            open=Gauge(PREFIX + "alerts_open", "Alerts that are open", ("severity",), registry=registry),
            changes=Counter(
                PREFIX + "alerts_changes", "What happened to alerts", ("change",), registry=registry
            ),
            suppressed=Counter(
                PREFIX + "alert_repeats_suppressed",
                "Repeats that were held back because a desk had acknowledged the alert",
                registry=registry,
            ),
        )
        for level in Level:
            own.open.labels(level.word).set(0)
        for kind in ChangeKind:
            own.changes.labels(str(kind))
        return own

    def found(self, detections: Iterable[Detection], book: AlertBook) -> None:
        """Count committed detections, under the book's rules; agencies that are not registered count as one.

        What counts are the events behind them: how many detections they come in depends on the portions.
        """
        for one in detections:
            severity = book.info(one.rule).level.word
            self.detections.labels(one.rule, severity, book.registered(one.agency)).inc(one.count)

    def happened(self, changes: Iterable[Change]) -> None:
        """Count committed changes."""
        for change in changes:
            self.changes.labels(str(change.kind)).inc()

    def held_back(self, repeats: int) -> None:
        """Count repeats that an acknowledgement held back."""
        self.suppressed.inc(repeats)

    def show_open(self, counts: Mapping[Level, int]) -> None:
        """Show how many alerts are open, as `alerts.lifecycle.store.open_by_level` counts them."""
        for level in Level:
            self.open.labels(level.word).set(counts.get(level, 0))
