"""The metrics of the monitor itself: how far it is, how fast, and what it set aside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from monitor import __version__
from monitor.events.rejection import Reason
from monitor.metrics.names import PREFIX
from monitor.metrics.weighted import WeightedHistogram

# A commit takes milliseconds; one of seconds means that the database is the bottleneck.
COMMIT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# The objective is one second; late events are hours old and belong in the last buckets.
AGE_BUCKETS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86400.0)


class OwnMetrics(NamedTuple):
    """All instruments of the worker itself."""

    dead_letters: Counter
    commit_duration: Histogram
    commits_failed: Counter
    event_age: WeightedHistogram
    lag: Gauge
    committed_offset: Gauge
    partitions_fenced: Counter
    records_lost: Counter
    build: Info

    @classmethod
    def create(cls, registry: CollectorRegistry, topics: Iterable[str] = ()) -> Self:
        """Declare the instruments in a registry; `topics`, which are read, have what they can lose at zero.

        A series that began with its first dead letter would hide that one: Prometheus sees no growth there.
        """
        age = WeightedHistogram(
            PREFIX + "event_age_seconds",
            "Time from an event to its commit, from a sample of events",
            AGE_BUCKETS,
        )
        registry.register(age)
        own = cls(
            dead_letters=Counter(
                PREFIX + "dead_letters", "Events set aside", ("topic", "reason"), registry=registry
            ),
            commit_duration=Histogram(
                PREFIX + "commit_duration_seconds",
                "How long a partition's transaction took",
                buckets=COMMIT_BUCKETS,
                registry=registry,
            ),
            commits_failed=Counter(
                PREFIX + "commits_failed", "Transactions that failed and were tried again", registry=registry
            ),
            event_age=age,
            lag=Gauge(
                PREFIX + "consumer_lag_records",
                "Records in a partition that are not committed yet",
                ("topic", "partition"),
                registry=registry,
            ),
            committed_offset=Gauge(
                PREFIX + "committed_offset",
                "The next offset to read, as the database has it",
                ("topic", "partition"),
                registry=registry,
            ),
            partitions_fenced=Counter(
                PREFIX + "partitions_fenced",
                "Partitions let go because another worker had taken them over or written them",
                registry=registry,
            ),
            records_lost=Counter(
                PREFIX + "records_lost",
                "Records that the broker had deleted before they were read",
                ("topic",),
                registry=registry,
            ),
            build=Info(PREFIX + "build", "Which program this is", registry=registry),
        )
        own.build.info({"version": __version__})
        for topic in topics:
            own.records_lost.labels(topic)
            for reason in Reason:
                own.dead_letters.labels(topic, str(reason))
        return own
