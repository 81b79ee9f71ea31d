"""Sums of cells, as they are added up while reading: one pair, one day, one agency, one service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Self

from monitor.ledger.histogram import Histogram, quantile
from monitor.reports.figures import Durations, Volume

COLUMNS: Final = (
    "ok",
    "fault",
    "denied",
    "timeout",
    "records",
    "request_bytes",
    "response_bytes",
    "breached",
    "late",
    "duplicates",
    "duration_us",
    "slow",
)
"""Columns of cells that are summed, in the order of `Counted.sums`."""

_OUTCOMES: Final = 4  # the first columns, which together are the exchanges
_VOLUME: Final = 10  # the columns that `Volume` has
_DURATION: Final = COLUMNS.index("duration_us")


class Counted:
    """Sums of COLUMNS, and the shortest and longest duration (microseconds); changed in place."""

    __slots__ = ("longest", "shortest", "sums")

    def __init__(
        self, sums: Iterable[int] = (0,) * len(COLUMNS), shortest: int | None = None, longest: int = 0
    ) -> None:
        self.sums = list(sums)
        self.shortest = shortest
        self.longest = longest

    def add(self, other: Self) -> None:
        """Add what another has counted."""
        self.sums = [mine + more for mine, more in zip(self.sums, other.sums, strict=True)]
        if other.shortest is not None and (self.shortest is None or other.shortest < self.shortest):
            self.shortest = other.shortest
        self.longest = max(self.longest, other.longest)

    @property
    def exchanges(self) -> int:
        """All exchanges, whatever their outcome."""
        return sum(self.sums[:_OUTCOMES])

    @property
    def failed(self) -> int:
        """Faults and timeouts."""
        return self.sums[1] + self.sums[3]

    @property
    def volume(self) -> Volume:
        """As a report has it."""
        named = dict(zip(COLUMNS[:_VOLUME], self.sums[:_VOLUME], strict=True))
        return Volume(exchanges=self.exchanges, **named)

    def durations(self, latency: Histogram | None) -> Durations:
        """As a report has them; percentiles from merged histograms, None without them."""
        exchanges = self.exchanges
        if not exchanges:
            return Durations()
        return Durations(
            exchanges=exchanges,
            total_us=self.sums[_DURATION],
            shortest_us=self.shortest,
            p50_us=self._quantile(latency, 0.5),
            p95_us=self._quantile(latency, 0.95),
            p99_us=self._quantile(latency, 0.99),
            longest_us=self.longest,
        )

    def _quantile(self, latency: Histogram | None, q: float) -> int | None:
        estimate = quantile(latency, q) if latency else None
        if estimate is None or self.shortest is None:
            return None
        return min(max(round(estimate), self.shortest), self.longest)


def total(parts: Iterable[Counted]) -> Counted:
    """The sum of several."""
    found = Counted()
    for each in parts:
        found.add(each)
    return found
