"""A small registry and figures that tests of the overview count up by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from monitor.judging.breach import Breach
from monitor.judging.terms import Pair, Terms
from monitor.ledger.cell import Cell
from monitor.metrics.ledger import LedgerMetrics
from monitor.metrics.own import OwnMetrics
from monitor.registry.model import Agency, Service
from monitor.registry.registry import Registry
from monitor.web.overview import Overview, Sources

START = 1_790_000_000.0
VERIFY = "population.verify"


@dataclass
class Committed:
    """What a transaction added, as LedgerMetrics takes it."""

    additions: list[tuple[Terms, Cell]] = field(default_factory=list)
    breaches: list[tuple[Pair, Breach, int]] = field(default_factory=list)
    ids_shortened: int = 0


def agency(code: str, name: str | None = None) -> Agency:
    """An agency that is live."""
    text = name or f"Agency {code}"
    return Agency.model_validate(
        {"code": code, "name": {"en": text, "vi": f"Cơ quan {code}"}, "kind": "ministry",
         "connection": {"state": "live"}}
    )  # fmt: skip


def registry(codes: Iterable[str] = ("MPS", "MOH", "MOJ")) -> Registry:
    """Agencies under these codes; the first provides VERIFY."""
    agencies = [agency(code) for code in codes]
    service = Service.model_validate(
        {"id": VERIFY, "provider": agencies[0].code, "name": {"en": "Verify", "vi": "Xác thực"},
         "method": "query", "personal_data": "basic"}
    )  # fmt: skip
    return Registry.of(agencies, [service])


class World:
    """A worker's metrics and the overview of them, fed by hand; `now` moves only when told to."""

    def __init__(self, entries: Registry | None = None) -> None:
        self.counted = LedgerMetrics()
        self.collectors = CollectorRegistry(auto_describe=True)
        self.collectors.register(self.counted)
        self.own = OwnMetrics.create(self.collectors)
        self.lag: dict[tuple[str, int], int] = {("exchanges", 0): 0}
        self.now = START
        self.alerts: dict[str, Any] = {"open": {}, "rows": [], "more": 0}
        self.overview = Overview(
            Sources.of(self.counted, self.own, self._lag, lambda: len(self.lag), lambda: self.alerts),
            entries or registry(),
            START,
        )

    def _lag(self) -> Iterable[tuple[tuple[str, int], int]]:
        return self.lag.items()  # of the present dictionary: tests put another in its place

    def commit(
        self, pair: Pair, *, breaches: dict[Breach, int] | None = None, age: float = 0.3, **counts: Any
    ) -> None:
        """Commit a cell of these counts for a pair; breaches are of different exchanges where they can be."""
        cell = Cell(last_time=datetime.fromtimestamp(self.now, UTC), **counts)
        if "breached" not in counts:
            cell.breached = min(sum((breaches or {}).values()), cell.exchanges)
        added = [(pair, breach, count) for breach, count in (breaches or {}).items()]
        self.counted.add(Committed([(Terms(pair), cell)], added))
        self.own.commit_duration.observe(0.01)
        self.own.event_age.observe(age, cell.exchanges)

    def tick(self, seconds: float = 1.0) -> None:
        """Let time pass and take a sample."""
        self.now += seconds
        self.overview.sample(self.now)

    def document(self) -> dict[str, Any]:
        """The overview at this moment."""
        return self.overview.document(self.now)
