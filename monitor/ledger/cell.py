"""A cell of the ledger: everything one pair did in one hour, as seen in one source partition."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import NamedTuple

from monitor.judging.terms import Pair
from monitor.ledger.histogram import Histogram, histogram_of, merge
from monitor.ledger.tally import LONG_AGO, Tally


class CellKey(NamedTuple):
    """Where a cell belongs: the UTC hour's start in epoch seconds, and the pair."""

    hour: int
    pair: Pair


@dataclass(slots=True)
class Cell:
    """Counts and sums; every number is an integer, so sums do not depend on their order.

    `slow` are answered exchanges over the agreed latency; `breached` are exchanges with at least one
    breach; `late` came behind the newest event by more than the setting; `duplicates` were not added.
    Durations are microseconds over all outcomes; `shortest_us` is None while nothing was counted.
    """

    ok: int = 0
    fault: int = 0
    denied: int = 0
    timeout: int = 0
    records: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    duration_us: int = 0
    shortest_us: int | None = None
    longest_us: int = 0
    slow: int = 0
    breached: int = 0
    late: int = 0
    duplicates: int = 0
    last_time: datetime = LONG_AGO
    latency: Histogram = field(default_factory=dict)

    @property
    def exchanges(self) -> int:
        """All exchanges that were counted, whatever their outcome."""
        return self.ok + self.fault + self.denied + self.timeout

    def plus(self, other: Cell) -> Cell:
        """A new cell that holds both; neither is changed."""
        latency = dict(self.latency)
        merge(latency, other.latency)
        shortest = [us for us in (self.shortest_us, other.shortest_us) if us is not None]
        return Cell(
            ok=self.ok + other.ok,
            fault=self.fault + other.fault,
            denied=self.denied + other.denied,
            timeout=self.timeout + other.timeout,
            records=self.records + other.records,
            request_bytes=self.request_bytes + other.request_bytes,
            response_bytes=self.response_bytes + other.response_bytes,
            duration_us=self.duration_us + other.duration_us,
            shortest_us=min(shortest, default=None),
            longest_us=max(self.longest_us, other.longest_us),
            slow=self.slow + other.slow,
            breached=self.breached + other.breached,
            late=self.late + other.late,
            duplicates=self.duplicates + other.duplicates,
            last_time=max(self.last_time, other.last_time),
            latency=latency,
        )


def microseconds(duration_ms: float) -> int:
    """A duration in whole microseconds, halves rounded up; the unit in which durations are summed."""
    return int(duration_ms * 1000 + 0.5)


def cell_of(tally: Tally) -> Cell:
    """Work out what a tally's exchanges add to their cell."""
    cell = Cell(
        records=tally.records,
        request_bytes=tally.request_bytes,
        response_bytes=tally.response_bytes,
        breached=tally.breached,
        late=tally.late,
        duplicates=tally.duplicates,
        last_time=tally.last_time,
    )
    durations = sorted(tally.answered)
    cell.ok = len(durations)
    limit = tally.terms.latency_limit_ms
    if limit != inf:
        cell.slow = cell.ok - bisect_right(durations, limit)
    if tally.unanswered:
        durations += [duration_ms for _, duration_ms in tally.unanswered]
        durations.sort()
        outcomes = Counter(outcome for outcome, _ in tally.unanswered)
        cell.fault, cell.denied, cell.timeout = (outcomes[name] for name in ("fault", "denied", "timeout"))
    if durations:
        exact = [int(duration_ms * 1000 + 0.5) for duration_ms in durations]  # microseconds(), unrolled
        cell.duration_us = sum(exact)
        cell.shortest_us, cell.longest_us = exact[0], exact[-1]
        cell.latency = histogram_of(exact)
    return cell
