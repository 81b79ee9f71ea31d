"""What the delivery of alerts says of itself. No address is a label: addresses can hold secrets."""

from __future__ import annotations

from typing import NamedTuple, Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from monitor.metrics.names import PREFIX

# Two seconds is the aim; an Alertmanager that was away for an hour belongs in the last buckets.
DELIVERY_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21600.0)
ALERTMANAGER = "alertmanager"
WEBHOOK = "webhook"
KINDS = (ALERTMANAGER, WEBHOOK)
# accepted: taken. refused: not taken, for what it says. failed: an attempt without an answer worth having.
# expired: given up for its age.
OUTCOMES = ("accepted", "refused", "failed", "expired")


class DeliveryMetrics(NamedTuple):
    """All instruments of the delivery."""

    deliveries: Counter
    seconds: Histogram
    undelivered: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry) -> Self:
        """Declare the instruments in a registry."""
        own = cls(
            deliveries=Counter(
                PREFIX + "alert_deliveries",
                "Alerts and changes of alerts sent out, by what came of it",
                ("destination_kind", "outcome"),
                registry=registry,
            ),
            seconds=Histogram(
                PREFIX + "alert_delivery_seconds",
                "Time from a change of an alert to its acceptance by a destination",
                buckets=DELIVERY_BUCKETS,
                registry=registry,
            ),
            undelivered=Gauge(
                PREFIX + "alerts_undelivered",
                "Changes of alerts that a destination has not accepted yet, over all destinations",
                registry=registry,
            ),
        )
        for kind in KINDS:
            for outcome in OUTCOMES:
                own.deliveries.labels(kind, outcome)  # a series that begins with its first event has no rate
        return own

    def add(self, kind: str, outcome: str, number: int = 1) -> None:
        """Add to the deliveries of a kind of destination."""
        self.deliveries.labels(kind, outcome).inc(number)
