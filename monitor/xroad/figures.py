"""The figures of calls over X-Road beside those of every exchange: measures, counts, clock skew, security."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.ledger.cell import CellKey
from monitor.ledger.histogram import Histogram, bucket_of, merge, upper_bound
from monitor.security.changes import CountKey, SecurityCount

OTHER_SERVERS = "(others)"
MAX_SERVER_PAIRS = 500  # told apart between two commits; a flood of made-up addresses counts under one


@dataclass(slots=True)
class Measure:
    """Values of one measure: microseconds, or bytes; every number an integer, so that order changes nothing.

    `flagged` values would be negative and are in none of the other numbers.
    """

    count: int = 0
    flagged: int = 0
    total: int = 0
    smallest: int | None = None
    largest: int | None = None
    histogram: Histogram = field(default_factory=dict)

    def add(self, value: int) -> None:
        """Count a value."""
        self.count += 1
        self.total += value
        self.smallest = value if self.smallest is None else min(self.smallest, value)
        self.largest = value if self.largest is None else max(self.largest, value)
        merge(self.histogram, {bucket_of(value): 1})

    def plus(self, other: Measure) -> Measure:
        """A new measure that holds both."""
        histogram = dict(self.histogram)
        merge(histogram, other.histogram)
        return Measure(
            self.count + other.count,
            self.flagged + other.flagged,
            self.total + other.total,
            min((v for v in (self.smallest, other.smallest) if v is not None), default=None),
            max((v for v in (self.largest, other.largest) if v is not None), default=None),
            histogram,
        )


class MeasureKey(NamedTuple):
    """Which measure of which cell."""

    cell: CellKey
    measure: str


class WhatKey(NamedTuple):
    """What is counted in which cell."""

    cell: CellKey
    what: str


class ServerPair(NamedTuple):
    """Two security servers in one UTC hour (its start in epoch seconds), by their addresses."""

    hour: int
    client_server: str
    service_server: str


@dataclass(slots=True)
class Figures:
    """Sums to be added to what the database has; `skews` are signed histograms of the clocks' distance."""

    measures: dict[MeasureKey, Measure] = field(default_factory=dict)
    counts: dict[WhatKey, int] = field(default_factory=dict)
    skews: dict[ServerPair, Histogram] = field(default_factory=dict)
    security: dict[CountKey, SecurityCount] = field(default_factory=dict)

    def measure(self, cell: CellKey, values: Iterable[tuple[str, int]], flagged: Iterable[str]) -> None:
        """Count a call's measures."""
        for name, value in values:
            self._of(cell, name).add(value)
        for name in flagged:
            self._of(cell, name).flagged += 1

    def count(self, cell: CellKey, what: str) -> None:
        """Count something in a cell."""
        key = WhatKey(cell, what)
        self.counts[key] = self.counts.get(key, 0) + 1

    def skew(self, pair: ServerPair, skew_us: int) -> None:
        """Count how far the producer's clock was ahead of the client's, in microseconds."""
        if pair not in self.skews and len(self.skews) >= MAX_SERVER_PAIRS:
            pair = ServerPair(pair.hour, OTHER_SERVERS, OTHER_SERVERS)
        merge(self.skews.setdefault(pair, {}), {signed_bucket(skew_us): 1})

    def secure(self, key: CountKey, counted: SecurityCount) -> None:
        """Count what is a security matter."""
        before = self.security.get(key)
        self.security[key] = before.plus(counted) if before else counted

    def _of(self, cell: CellKey, name: str) -> Measure:
        key = MeasureKey(cell, name)
        found = self.measures.get(key)
        if found is None:
            found = self.measures[key] = Measure()
        return found


def signed_bucket(value: int) -> int:
    """A bucket with a sign: 0 for nothing measurable, else the ledger's bucket plus 1, or minus that."""
    if not value:
        return 0
    bucket = bucket_of(abs(value)) + 1
    return bucket if value > 0 else -bucket


def signed_median(histogram: Histogram) -> int | None:
    """The median of a signed histogram, within 1.1 %; the lower one of two. None of nothing."""
    total = sum(histogram.values())
    seen = 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen * 2 >= total:
            return _middle(bucket)
    return None


def _middle(bucket: int) -> int:
    if not bucket:
        return 0
    size = abs(bucket) - 1
    middle = round((upper_bound(size) * upper_bound(size - 1)) ** 0.5) if size else 1
    return middle if bucket > 0 else -middle
