"""What the overview page shows: sampled once a second, handed out as one JSON document."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor import __version__
from monitor.judging.terms import UNREGISTERED
from monitor.metrics.ledger import LedgerMetrics, Snapshot
from monitor.metrics.own import OwnMetrics
from monitor.metrics.weighted import WeightedHistogram, quantile
from monitor.registry.registry import Registry
from monitor.web.history import HISTORY_S, History, Sample
from monitor.web.ranking import agency_names, agency_rows, kind_rows, pair_rows

LAGGING = 10  # partitions whose lag is shown: two lines of a wall screen
TOP = 12  # rows of a table: what a person takes in at a glance; the rest is a number
SHORT_S, LONG_S = 10.0, 60.0
Document = dict[str, Any]
Lags = Iterable[tuple[tuple[str, int], int]]  # topic and partition: records not committed yet


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the figures come from; the callables are asked at each sample, by whoever samples."""

    counted: LedgerMetrics
    event_age: WeightedHistogram
    lag: Callable[[], Lags]
    dead_letters: Callable[[], Mapping[str, int]]  # by reason
    commits: Callable[[], int]  # transactions so far
    partitions: Callable[[], int]  # that this worker reads
    alerts: Callable[[], Document]  # open ones by level, the first `rows`, how many `more`

    @classmethod
    def of(
        cls,
        counted: LedgerMetrics,
        own: OwnMetrics,
        lag: Callable[[], Lags],
        partitions: Callable[[], int],
        alerts: Callable[[], Document],
    ) -> Sources:
        """Take dead letters, commits and event ages from the worker's own metrics."""
        return cls(
            counted=counted,
            event_age=own.event_age,
            lag=lag,
            dead_letters=lambda: _dead_letters(own),
            commits=lambda: _commits(own),
            partitions=partitions,
            alerts=alerts,
        )


class Overview:
    """This worker's figures since it started, at epoch seconds `started`.

    One thread samples; any may ask for the document.
    """

    def __init__(self, sources: Sources, registry: Registry, started: float) -> None:
        self._sources = sources
        self._registry = registry
        self._started = started
        self._lock = threading.Lock()  # around the history and what was asked with the last sample
        self._history = History()
        self._commits = 0
        self._last_commit: float | None = None
        self._partitions = 0
        self._lag: dict[tuple[str, int], int] = {}
        self._letters: dict[str, int] = {}

    def sample(self, now: float) -> None:
        """Remember the figures of this moment (epoch seconds); to be called once a second."""
        sources = self._sources
        totals = sources.counted.totals()
        commits = sources.commits()
        lag, letters, partitions = dict(sources.lag()), dict(sources.dead_letters()), sources.partitions()
        ages = sources.event_age.counts()
        with self._lock:
            if commits != self._commits:
                self._commits, self._last_commit = commits, now
            self._lag, self._letters, self._partitions = lag, letters, partitions
            self._history.add(Sample(now, totals.exchanges, totals.breaches, ages))

    def document(self, now: float) -> Document:
        """Everything the page shows, at epoch seconds `now`; times in it are epoch seconds too.

        Rates are per second. A list that was cut to TOP rows says how many `more` there are.
        """
        snapshot = self._sources.counted.snapshot()
        with self._lock:
            letters, lag = self._letters, self._lag
            sampled = {
                "last_commit": self._last_commit,
                "partitions": self._partitions,
                "rates": self._rates(),
                "history": self._curve(),
                "event_age": self._event_age(),
            }
        return {
            "version": __version__,
            "started": self._started,
            "time": now,
            **sampled,
            "totals": self._totals(snapshot) | {"dead_letters": sum(letters.values())},
            "lag": _lag(lag),
            "alerts": self._alerts(),
            "agencies": _top(agency_rows(snapshot, self._registry)),
            "breaches": _top(kind_rows(snapshot.breaches)),
            "pairs": _top(pair_rows(snapshot, self._registry)),
            "dead_letters": _top(
                [
                    {"reason": reason, "count": count}
                    for reason, count in sorted(letters.items(), key=lambda each: (-each[1], each[0]))
                ]
            ),
        }

    def _totals(self, snapshot: Snapshot) -> Document:
        agencies = {code for pair in snapshot.pairs for code in (pair.provider, pair.consumer)}
        services = {pair.service for pair in snapshot.pairs}
        return {
            **snapshot.totals._asdict(),
            "denied": sum(figures.denied for figures in snapshot.pairs.values()),
            "agencies_active": len(agencies - {UNREGISTERED}),
            "agencies_registered": len(self._registry.agencies),
            "services_active": len(services - {UNREGISTERED}),
            "services_registered": len(self._registry.services),
            "pairs_active": len(snapshot.pairs),
        }

    def _alerts(self) -> Document:
        alerts = self._sources.alerts()
        rows = [row | {"agency": agency_names(self._registry, row["agency"])} for row in alerts["rows"]]
        return alerts | {"rows": rows}

    def _rates(self) -> Document:
        short, long = self._history.rates(SHORT_S), self._history.rates(LONG_S)
        return {
            "exchanges_10s": round(short[0], 3),
            "exchanges_60s": round(long[0], 3),
            "breaches_10s": round(short[1], 3),
            "breaches_60s": round(long[1], 3),
        }

    def _curve(self) -> Document:
        points = self._history.points()
        return {
            "span": HISTORY_S,
            "ago": [round(point.ago, 1) for point in points],
            "exchanges": [round(point.exchanges, 2) for point in points],
            "breaches": [round(point.breaches, 3) for point in points],
        }

    def _event_age(self) -> Document:
        """Seconds from an event to its commit, estimated over the last minute; None when there were none."""
        counts = self._history.ages(LONG_S)
        bounds = self._sources.event_age.bounds
        return {"p50": quantile(bounds, counts, 0.5), "p99": quantile(bounds, counts, 0.99)}


def _lag(lag: Mapping[tuple[str, int], int]) -> Document:
    """The partitions furthest behind, but in their own order: rows that change places cannot be read."""
    furthest = sorted(lag.items(), key=lambda each: (-each[1], each[0]))[:LAGGING]
    rows = [{"topic": topic, "partition": number, "records": n} for (topic, number), n in sorted(furthest)]
    return {"total": sum(lag.values()), "partitions": {"rows": rows, "more": len(lag) - len(rows)}}


def _top(rows: Sequence[Document]) -> Document:
    return {"rows": rows[:TOP], "more": max(len(rows) - TOP, 0)}


def _dead_letters(own: OwnMetrics) -> dict[str, int]:
    counts: dict[str, int] = {}
    for family in own.dead_letters.collect():
        for sample in family.samples:
            if sample.name.endswith("_total") and sample.value:  # the others are there at zero
                reason = sample.labels["reason"]
                counts[reason] = counts.get(reason, 0) + int(sample.value)
    return counts


def _commits(own: OwnMetrics) -> int:
    return next(
        int(sample.value)
        for family in own.commit_duration.collect()
        for sample in family.samples
        if sample.name.endswith("_count")
    )
