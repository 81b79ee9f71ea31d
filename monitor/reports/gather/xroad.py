"""The figures of calls over X-Road in a span, by provider, consumer and service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, cast, func, select

from monitor.judging.terms import Pair
from monitor.ledger.histogram import Histogram, merge, quantile
from monitor.registry.registry import Registry
from monitor.reports.gather.latencies import Merging, together
from monitor.reports.period import Span
from monitor.storage.tables import xroad_counts, xroad_measures

_STREAMED: Final = {"stream_results": True, "max_row_buffer": 1_000}


@dataclass(slots=True)
class Measured:
    """Values of one measure, microseconds or bytes; changed in place. Flagged ones are in nothing else."""

    count: int = 0
    flagged: int = 0
    total: int = 0
    smallest: int | None = None
    largest: int | None = None
    histogram: Histogram = field(default_factory=dict)

    def add(self, other: Measured) -> None:
        """Add what another has measured."""
        self.count += other.count
        self.flagged += other.flagged
        self.total += other.total
        self.smallest = min((v for v in (self.smallest, other.smallest) if v is not None), default=None)
        self.largest = max((v for v in (self.largest, other.largest) if v is not None), default=None)
        merge(self.histogram, other.histogram)

    def quantile(self, q: float) -> int | None:
        """An estimate that is never outside smallest and largest; None of nothing."""
        estimate = quantile(self.histogram, q) if self.histogram else None
        if estimate is None or self.smallest is None or self.largest is None:
            return None
        return min(max(round(estimate), self.smallest), self.largest)


@dataclass(slots=True)
class XroadTallied:
    """What is in `xroad_counts` and `xroad_measures`, under present codes of agencies."""

    counts: dict[Pair, dict[str, int]] = field(default_factory=dict)
    measures: dict[Pair, dict[str, Measured]] = field(default_factory=dict)


def read_xroad(connection: Connection, span: Span, registry: Registry) -> XroadTallied:
    """All of a span, one local day after the other, so that memory is bounded by pairs. Raises DBAPIError."""
    found = XroadTallied()
    _read_counts(connection, span, registry, found)
    if not found.counts:
        return found  # every call that has measures is counted
    merging: Merging[tuple[Pair, str]] = Merging()
    for _, begins, ends in span.days():
        for row in _measures(connection, begins, ends):
            pair, measure = _present(registry, row), row[3]
            *figures, packed = row[4:]
            found.measures.setdefault(pair, {}).setdefault(measure, Measured()).add(Measured(*figures))
            if packed:
                merging.add((pair, measure), packed)
    for (pair, measure), histogram in merging.done().items():
        found.measures[pair][measure].histogram = histogram
    return found


def _read_counts(connection: Connection, span: Span, registry: Registry, found: XroadTallied) -> None:
    c = xroad_counts.c
    of = (c.provider, c.consumer, c.service, c.what)
    query = (
        select(*of, cast(func.sum(c["count"]), BigInteger))
        .where(c.hour >= span.begins, c.hour < span.ends)
        .group_by(*of)
    )
    for row in connection.execute(query):
        counts = found.counts.setdefault(_present(registry, row), {})
        counts[row[3]] = counts.get(row[3], 0) + row[4]


def _measures(connection: Connection, begins: int, ends: int) -> Any:
    m = xroad_measures.c
    of = (m.provider, m.consumer, m.service, m.measure)
    query = (
        select(
            *of,
            # PostgreSQL sums to numeric, which would come back as Decimal.
            *[cast(func.sum(m[name]), BigInteger) for name in ("count", "flagged", "total")],
            func.min(m.smallest),
            func.max(m.largest),
            together(connection.dialect.name, m.histogram),
        )
        .where(m.hour >= begins, m.hour < ends)
        .group_by(*of)
    )
    return connection.execute(query, execution_options=_STREAMED)


def _present(registry: Registry, row: Any) -> Pair:
    canonical = registry.canonical
    return Pair(canonical.get(row[0], row[0]), canonical.get(row[1], row[1]), row[2])
