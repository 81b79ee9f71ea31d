"""The metrics of calls over X-Road, kept from what was committed.

A half that is missing is told by the agency whose security server should have recorded it: `orphans` and
`halves` have the same labels, so that the share that is missing is orphans / (orphans + halves).
A correction changes no counter: a call that was counted from one side is not counted again when it joins.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from weakref import WeakValueDictionary

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitor.ledger.histogram import Histogram, merge
from monitor.metrics.names import PREFIX, Declaration
from monitor.xroad import call as calls
from monitor.xroad.causes import Cause
from monitor.xroad.figures import OTHER_SERVERS, Figures, signed_median
from monitor.xroad.half import SIDES
from monitor.xroad.measures import NETWORK_FLAGGED, NON_MONOTONE
from monitor.xroad.pairing import Pairing
from monitor.xroad.store import XroadWritten

HALVES = Declaration("xroad_halves", "Halves of calls that security servers recorded", ("side", "agency"))
ORPHANS = Declaration(
    "xroad_orphans",
    "Halves that did not come in time, by the side and the agency that should have recorded them",
    ("side", "agency", "outcome"),
)
JOINED = Declaration("xroad_joined", "Calls whose halves met, by how", ("how",))
DUPLICATES = Declaration("xroad_duplicates", "Halves that came again and were not added", ("side",))
AMBIGUOUS = Declaration("xroad_ambiguous", "Halves that could be of several calls, and were not joined", ())
FAILURES = Declaration(
    "xroad_failures", "Calls that failed, by cause", ("provider", "consumer", "service", "cause")
)
FLAGGED = Declaration(
    "xroad_network_flagged", "Calls whose ways over the network were negative by the servers' clocks", ()
)
WRONG_TIMES = Declaration("xroad_non_monotone", "Times in the wrong order on one server's clock", ("times",))
SKEW = Declaration(
    "xroad_clock_skew_seconds",
    "How far the producer's server's clock is ahead of the client's, the median of the last hours",
    ("client_server", "service_server"),
)
WAITING = Declaration("xroad_waiting_halves", "Halves that wait for the other", ("partition",))
_COUNTERS = (HALVES, ORPHANS, JOINED, DUPLICATES, AMBIGUOUS, FAILURES, FLAGGED, WRONG_TIMES)
DECLARATIONS = (*_COUNTERS, SKEW, WAITING)

MAX_SHOWN_SERVERS = 200  # pairs of servers in one scrape; a platform has some hundred that talk to each other
# Clock skew is that of the calls counted in the last two hours by this process's own clock: one that is asked
# how wrong it is cannot say which calls are the newest.
SHOWN_S = 7200
SLOT_S = 600  # counted together, and forgotten together
LEAST_CALLS = 5  # a few calls that waited long in one direction look like a clock that is wrong
# What happens to calls, and under which label it is counted; how they were joined is one of the first.
_HOW = {
    "second_way": "likeness",
    "joined_late": "late",
    "joined_late_elsewhere": "late_elsewhere",
}
BY_REQUEST_ID = "request_id"

Servers = tuple[str, str]


class XroadMetrics(Collector):
    """Totals since this process started. Labels are bounded by the registry, or by MAX_SHOWN_SERVERS."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock  # seconds
        self._lock = threading.Lock()  # scrapes come from the web server's thread
        self._counts: dict[Declaration, Counter[tuple[str, ...]]] = {each: Counter() for each in _COUNTERS}
        self._skews: dict[Servers, dict[int, Histogram]] = {}  # by the slots in which they were counted
        # Weak: a partition that is let go takes its halves with it.
        self._waiting: WeakValueDictionary[int, Pairing] = WeakValueDictionary()
        self._zero()

    def add(self, written: XroadWritten) -> None:
        """Count what a transaction added."""
        with self._lock:
            for (side, agency), count in written.halves.items():
                self._counts[HALVES][side, agency] += count
            for late in written.orphans:
                half = late.call.first
                pair = late.cell.pair
                whose = pair.provider if half.side == "client" else pair.consumer
                self._counts[ORPHANS][half.other_side, whose, late.outcome] += 1
            self._note(written.noted)
            self._figures(written.figures)

    def follow(self, partition: int, pairing: Pairing) -> None:
        """Show how many halves wait in a partition for as long as its pairing is in use."""
        with self._lock:
            self._waiting[partition] = pairing

    def collect(self) -> Iterator[Metric]:
        """One family after the other; called at each scrape."""
        with self._lock:
            return iter(self._families())

    def _zero(self) -> None:
        """Show what has no open labels from the start: a counter's first value is not seen by `increase`."""
        self._counts[AMBIGUOUS][()] = self._counts[FLAGGED][()] = 0
        for how in (BY_REQUEST_ID, *_HOW.values()):
            self._counts[JOINED][(how,)] = 0
        for side in SIDES:
            self._counts[DUPLICATES][(side,)] = 0

    def _note(self, noted: Counter[str]) -> None:
        self._counts[JOINED][(BY_REQUEST_ID,)] += noted["joined"] - noted["second_way"]
        for name, how in _HOW.items():
            self._counts[JOINED][(how,)] += noted[name]
        for side in SIDES:
            self._counts[DUPLICATES][(side,)] += noted[calls.DUPLICATE.format(side)]
        self._counts[AMBIGUOUS][()] += noted[calls.AMBIGUOUS]

    def _figures(self, figures: Figures) -> None:
        causes = {calls.CAUSE.format(cause): str(cause) for cause in Cause}
        for key, count in figures.counts.items():
            if key.what in causes:
                self._counts[FAILURES][*key.cell.pair, causes[key.what]] += count
            elif key.what == NETWORK_FLAGGED:
                self._counts[FLAGGED][()] += count
            elif key.what in NON_MONOTONE:
                self._counts[WRONG_TIMES][(key.what,)] += count
        self._forget_old()
        for pair, skews in figures.skews.items():
            servers = (pair.client_server, pair.service_server)
            if servers not in self._skews and len(self._skews) >= MAX_SHOWN_SERVERS:
                servers = (OTHER_SERVERS, OTHER_SERVERS)
            merge(self._skews.setdefault(servers, {}).setdefault(self._slot(), {}), skews)

    def _slot(self) -> int:
        return int(self._clock() // SLOT_S)

    def _forget_old(self) -> None:
        """Or what was wrong with a clock when its servers last met would be shown until the worker ends."""
        oldest = self._slot() + 1 - SHOWN_S // SLOT_S
        for servers, slots in list(self._skews.items()):
            for slot in [each for each in slots if each < oldest]:
                del slots[slot]
            if not slots:
                del self._skews[servers]

    def _families(self) -> list[Metric]:
        self._forget_old()
        families: list[Metric] = []
        for declared, counts in self._counts.items():
            family = CounterMetricFamily(PREFIX + declared.name, declared.help, labels=declared.labels)
            for labels, count in sorted(counts.items()):
                family.add_metric(labels, count)
            families.append(family)
        skew = GaugeMetricFamily(PREFIX + SKEW.name, SKEW.help, labels=SKEW.labels)
        for servers, slots in sorted(self._skews.items()):
            together: Histogram = {}
            for skews in slots.values():
                merge(together, skews)
            if sum(together.values()) >= LEAST_CALLS:
                skew.add_metric(servers, (signed_median(together) or 0) / 1e6)
        waiting = GaugeMetricFamily(PREFIX + WAITING.name, WAITING.help, labels=WAITING.labels)
        for partition, pairing in sorted(self._waiting.items()):
            waiting.add_metric((str(partition),), len(pairing))
        return [*families, skew, waiting]
