"""A histogram that takes a sampled value with the number of events it stands for."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class WeightedHistogram(Collector):
    """Like prometheus_client's Histogram, whose `observe` would have to be called once per event."""

    def __init__(self, name: str, help_text: str, bounds: Sequence[float]) -> None:
        self._name = name
        self._help = help_text
        self._bounds = list(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        self._lock = threading.Lock()

    def observe(self, value: float, weight: int = 1) -> None:
        """Count `weight` events of about this value."""
        with self._lock:
            self._counts[bisect_left(self._bounds, value)] += weight
            self._sum += value * weight

    @property
    def bounds(self) -> tuple[float, ...]:
        """Upper bounds of the buckets; one more bucket lies above the last."""
        return tuple(self._bounds)

    def counts(self) -> tuple[int, ...]:
        """Events per bucket since the process started, not cumulative; one more than there are bounds."""
        with self._lock:
            return tuple(self._counts)

    def collect(self) -> Iterator[Metric]:
        """The one family; called at each scrape."""
        family = HistogramMetricFamily(self._name, self._help, labels=())
        with self._lock:
            cumulative, buckets = 0, []
            for bound, count in zip([*self._bounds, float("inf")], self._counts, strict=True):
                cumulative += count
                buckets.append(("+Inf" if bound == float("inf") else repr(bound), float(cumulative)))
            family.add_metric((), buckets, sum_value=self._sum)
        yield family


def quantile(bounds: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    """Estimate the value that a `share` (0 to 1) of the events do not exceed; None when there are none.

    Taken as evenly spread within a bucket, as Prometheus' `histogram_quantile` does; what lies above the last
    bound is told as that bound, so the estimate is never more than the largest bound.
    """
    total = sum(counts)
    if not total:
        return None
    wanted, below, lower = share * total, 0, 0.0
    for bound, count in zip(bounds, counts, strict=False):
        if count and below + count >= wanted:
            return lower + (bound - lower) * (wanted - below) / count
        below += count
        lower = bound
    return lower
