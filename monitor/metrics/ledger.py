"""The metrics that count exchanges, kept from what was committed.

Counts move only after their transaction, so that several workers' figures can be added and a takeover
counts nothing twice. Buckets of `exchange_duration_seconds` are powers of two microseconds, which are
edges of the ledger's own buckets: their counts are exact, not estimates.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitor.judging.breach import Breach
from monitor.judging.terms import Pair, Terms
from monitor.ledger.cell import Cell
from monitor.ledger.histogram import SCALE
from monitor.metrics import names
from monitor.metrics.names import PREFIX, Declaration
from monitor.objectives.slo import AVAILABILITY, ERROR_RATE, LATENCY, Counted, served, timely

# 1 ms to 67 s in doublings: from a cached look-up to far beyond any time limit of an exchange.
BOUND_EXPONENTS = range(10, 27)
BOUNDS_S = [2**exponent / 1e6 for exponent in BOUND_EXPONENTS]
_LE = [repr(bound) for bound in BOUNDS_S] + ["+Inf"]


class Committed(Protocol):
    """What a transaction added, as far as metrics need it."""

    @property
    def additions(self) -> list[tuple[Terms, Cell]]:
        """Per cell: the terms it was judged by, and what was added."""

    @property
    def breaches(self) -> list[tuple[Pair, Breach, int]]:
        """Breaches added."""

    ids_shortened: int


class Totals(NamedTuple):
    """Everything counted since this process started, in five numbers."""

    exchanges: int
    failures: int  # faults and timeouts, as availability counts them: a denial is an answer
    breaches: int
    duplicates: int
    late: int


class PairFigures(NamedTuple):
    """What one pair exchanged, by outcome."""

    ok: int
    fault: int
    denied: int
    timeout: int
    breached: int  # of all these, those with at least one breach

    @property
    def exchanges(self) -> int:
        """All of them, whatever their outcome."""
        return self.ok + self.fault + self.denied + self.timeout


class Snapshot(NamedTuple):
    """Copies of the figures at one moment; nothing in it changes any more."""

    totals: Totals
    pairs: dict[Pair, PairFigures]
    durations_us: dict[tuple[str, str], int]  # sums by provider and service, over all outcomes
    breaches: dict[tuple[Pair, Breach], int]


class _PairTotals:
    __slots__ = (
        "breached",
        "denied",
        "fault",
        "last",
        "ok",
        "records",
        "request_bytes",
        "response_bytes",
        "timeout",
    )

    def __init__(self) -> None:
        self.ok = self.fault = self.denied = self.timeout = self.breached = 0
        self.records = self.request_bytes = self.response_bytes = 0
        self.last = 0.0


class _Durations:
    __slots__ = ("counts", "total_us")

    def __init__(self) -> None:
        self.counts = [0] * len(_LE)
        self.total_us = 0


class LedgerMetrics(Collector):
    """Totals since this process started, by the pairs that exchanged something.

    `measured` gives the agreements and objectives that exchanges can be counted under: they are shown from
    the start, at zero, as Prometheus sees no growth from nothing to a series' first sample.
    """

    def __init__(self, measured: Callable[[], Iterable[tuple[str, str]]] = tuple) -> None:
        self._measured = measured
        self._lock = threading.Lock()  # scrapes come from the web server's thread
        self._pairs: dict[Pair, _PairTotals] = {}
        self._durations: dict[tuple[str, str], _Durations] = {}
        self._breaches: defaultdict[tuple[Pair, Breach], int] = defaultdict(int)
        self._slo: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        self._duplicates = self._late = self._shortened = 0
        self._exchanges = self._failures = self._breach_count = 0

    def add(self, committed: Committed) -> None:
        """Count what a transaction added."""
        with self._lock:
            for terms, cell in committed.additions:
                self._add_cell(terms, cell)
            for pair, breach, count in committed.breaches:
                self._breaches[pair, breach] += count
                self._breach_count += count
            self._shortened += committed.ids_shortened

    def _add_cell(self, terms: Terms, cell: Cell) -> None:
        self._duplicates += cell.duplicates
        self._late += cell.late
        if not cell.exchanges:
            return
        self._exchanges += cell.exchanges
        self._failures += cell.fault + cell.timeout
        totals = self._pairs.setdefault(terms.pair, _PairTotals())
        totals.ok += cell.ok
        totals.fault += cell.fault
        totals.denied += cell.denied
        totals.timeout += cell.timeout
        totals.breached += cell.breached
        totals.records += cell.records
        totals.request_bytes += cell.request_bytes
        totals.response_bytes += cell.response_bytes
        totals.last = max(totals.last, cell.last_time.timestamp())
        durations = self._durations.setdefault((terms.pair.provider, terms.pair.service), _Durations())
        durations.total_us += cell.duration_us
        for bucket, count in cell.latency.items():
            durations.counts[_bound_index(bucket)] += count
        if terms.agreement is not None and terms.standing is None:
            self._count(terms.agreement, AVAILABILITY, served(cell.ok, cell.fault, cell.timeout))
            if terms.error_rate_agreed:
                self._count(terms.agreement, ERROR_RATE, served(cell.ok, cell.fault, cell.timeout))
            if terms.latency_limit_ms != float("inf"):
                self._count(terms.agreement, LATENCY, timely(cell.ok, cell.slow))

    def _count(self, agreement: str, slo: str, counted: Counted) -> None:
        totals = self._slo[agreement, slo]
        totals[0] += counted.events
        totals[1] += counted.bad

    def totals(self) -> Totals:
        """The sums over all pairs; costs the same however many pairs there are."""
        with self._lock:
            return self._totals()

    def snapshot(self) -> Snapshot:
        """Copies of all figures, taken at one moment between two transactions."""
        with self._lock:
            return Snapshot(
                totals=self._totals(),
                pairs={
                    pair: PairFigures(each.ok, each.fault, each.denied, each.timeout, each.breached)
                    for pair, each in self._pairs.items()
                },
                durations_us={key: each.total_us for key, each in self._durations.items()},
                breaches=dict(self._breaches),
            )

    def _totals(self) -> Totals:
        return Totals(self._exchanges, self._failures, self._breach_count, self._duplicates, self._late)

    def collect(self) -> Iterator[Metric]:
        """One family after the other; called at each scrape."""
        measured = self._measured()
        with self._lock:
            return iter(self._families(measured))

    def _families(self, measured: Iterable[tuple[str, str]]) -> list[Metric]:
        pairs = sorted(self._pairs.items())
        exchanges, failures = _counter(names.EXCHANGES), _counter(names.FAILURES)
        records = _counter(names.RECORDS)
        request_bytes, response_bytes = _counter(names.REQUEST_BYTES), _counter(names.RESPONSE_BYTES)
        last = _gauge(names.LAST_EXCHANGE)
        for pair, totals in pairs:
            exchanges.add_metric(pair, totals.ok + totals.fault + totals.denied + totals.timeout)
            for outcome in ("fault", "denied", "timeout"):
                failures.add_metric([*pair, outcome], getattr(totals, outcome))
            records.add_metric(pair, totals.records)
            request_bytes.add_metric(pair, totals.request_bytes)
            response_bytes.add_metric(pair, totals.response_bytes)
            last.add_metric(pair, totals.last)
        breaches = _counter(names.BREACHES)
        for (pair, breach), count in sorted(self._breaches.items()):
            breaches.add_metric([*pair, breach], count)
        slo_events, slo_bad = _counter(names.SLO_EVENTS), _counter(names.SLO_BAD_EVENTS)
        for key in sorted({*measured, *self._slo}):
            events, bad = self._slo.get(key, (0, 0))
            slo_events.add_metric(key, events)
            slo_bad.add_metric(key, bad)
        families: list[Metric] = [
            exchanges,
            failures,
            records,
            request_bytes,
            response_bytes,
            last,
            breaches,
            slo_events,
            slo_bad,
        ]
        families.append(self._duration_family())
        for declaration, value in (
            (names.DUPLICATES, self._duplicates),
            (names.LATE, self._late),
            (names.IDS_SHORTENED, self._shortened),
        ):
            family = _counter(declaration)
            family.add_metric((), value)
            families.append(family)
        return families

    def _duration_family(self) -> HistogramMetricFamily:
        declaration = names.DURATION
        family = HistogramMetricFamily(PREFIX + declaration.name, declaration.help, labels=declaration.labels)
        for key, durations in sorted(self._durations.items()):
            cumulative, buckets = 0, []
            for bound, count in zip(_LE, durations.counts, strict=True):
                cumulative += count
                buckets.append((bound, float(cumulative)))
            family.add_metric(key, buckets, sum_value=durations.total_us / 1e6)
        return family


def _bound_index(bucket: int) -> int:
    """The first bound at or above a ledger bucket: bucket b ends at 2**((b + 1) / 2**SCALE) microseconds."""
    exponent: int = -(-(bucket + 1) // 2**SCALE)
    return min(max(exponent - BOUND_EXPONENTS.start, 0), len(BOUND_EXPONENTS))


def _counter(declaration: Declaration) -> CounterMetricFamily:
    return CounterMetricFamily(PREFIX + declaration.name, declaration.help, labels=declaration.labels)


def _gauge(declaration: Declaration) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + declaration.name, declaration.help, labels=declaration.labels)
