"""How many series a worker shows at 100 agencies, 500 services and five thousand agreements.

    python -m tests.bench.series [--agencies N] [--services N] [--agreements N]

Everything of its own that a worker registers is filled without a broker: from the start, with every agreement
used and much going wrong, and with all that can. Prints the series of each metric and the time of a scrape.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from alerts.delivery.metrics import DeliveryMetrics
from alerts.incidents.metrics import IncidentMetrics
from alerts.metrics import AlertMetrics
from alerts.model import Level
from alerts.risk.metrics import RiskMetrics
from alerts.sigma.load import load_rules
from alerts.sigma.reload import RuleMetrics
from monitor.calendar.working import WorkingDays
from monitor.duties.assess import Terms as DutyTerms
from monitor.duties.metrics import DutyMetrics
from monitor.duties.rules import DutyRules
from monitor.events.kinds import USUAL_SEVERITY
from monitor.judging.book import Book
from monitor.judging.breach import Breach
from monitor.judging.terms import Pair, Terms
from monitor.ledger.cell import Cell
from monitor.metrics.agreements import AgreementMetrics
from monitor.metrics.exposition import Exposition
from monitor.metrics.ledger import LedgerMetrics
from monitor.metrics.lifecycle import LifecycleMetrics
from monitor.metrics.names import PREFIX
from monitor.metrics.own import OwnMetrics
from monitor.metrics.security import SecurityMetrics
from monitor.objectives.measured import MeasuredToday
from monitor.objectives.metrics import ObjectiveMetrics
from monitor.registry.model import Agency, Agreement, Service
from monitor.registry.registry import Registry
from monitor.security.changes import CountKey, SecurityCount
from monitor.settings import SHIPPED_RULES
from monitor.storage.engine import open_engine
from monitor.storage.tables import cells, metadata

AGENCIES, SERVICES, AGREEMENTS = 100, 500, 5_000
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 10, 5, 8, 30, tzinfo=UTC)
TOPICS = {"exchanges": 8, "security-events": 8, "lifecycle-events": 1}
# Of every pair, kind and agency in the middle case: what a bad day may bring.
SOME_BREACHES, SOME_KINDS, SOME_RULES = 2, 12, 5
EVERY = 1_000_000


@dataclass
class Added:
    """What transactions added, as the metrics of exchanges take it."""

    additions: list[tuple[Terms, Cell]]
    breaches: list[tuple[Pair, Breach, int]]
    ids_shortened: int = 0


@dataclass
class Secured:
    """What transactions added, as the metrics of security events take it."""

    counts: list[tuple[CountKey, SecurityCount]]
    ids_shortened: int = 0
    withheld: int = 1
    dropped: int = 1


def registry_of(agencies: int, services: int, agreements: int) -> Registry:
    """Each agency provides its part of the services, and each service is agreed on with some agencies.

    Every agreement has an availability, a latency and an error rate, and every fifth service synchronises.
    """
    text = {"en": "Synthetic", "vi": "Tổng hợp"}
    codes = [f"A{number}" for number in range(agencies)]
    objectives = {
        "availability": 0.99,
        "errorRate": 0.01,
        "latency": {"limit_ms": 500},
    }
    fresh = {"frequency": "PT1H"}
    live = {"connection": {"state": "live"}, "kind": "other", "name": text}
    return Registry.of(
        [Agency.model_validate({"code": code, **live}) for code in codes],
        [
            Service.model_validate(
                {
                    "id": f"load.service-{number}",
                    "provider": codes[number % agencies],
                    "name": text,
                    "method": "query" if number % 5 else "sync",
                    "personal_data": "none",
                    "objectives": objectives | ({} if number % 5 else fresh),
                }
            )
            for number in range(services)
        ],
        [
            Agreement.model_validate(
                {
                    "id": f"AGR-{number:05}",
                    "title": text,
                    "provider": codes[number % services % agencies],
                    "consumer": codes[(number % services + 1 + number // services) % agencies],
                    "service": f"load.service-{number % services}",
                    "status": "active",
                    "start": "2026-01-01",
                    "end": "2026-12-31",
                    "dates": {"review": "2026-11-30"},
                    "legal_basis": ["Some act"],
                    "purposes": ["load"],
                }
            )
            for number in range(agreements)
        ],
    )


class Shown:
    """Everything of its own that a worker registers, over a registry and a database of its own."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self.registry = registry
        self.book = Book(registry, ZONE)
        self.engine: Engine = open_engine(make_url(f"sqlite:///{folder / 'series.db'}"))
        metadata.create_all(self.engine)
        self.exposed = CollectorRegistry()
        self.counted = LedgerMetrics(MeasuredToday(registry, ZONE, lambda: NOW))
        self.secured, self.lifecycled = SecurityMetrics(), LifecycleMetrics()
        self.objectives = ObjectiveMetrics(registry, self.engine, ZONE)
        terms = DutyTerms(registry, DutyRules(), WorkingDays(), ZONE)
        self.duties = DutyMetrics(terms, self.engine, lambda: None)
        self.incidents, self.risk = IncidentMetrics(), RiskMetrics(lambda: NOW)
        for each in (
            AgreementMetrics(registry, ZONE, lambda: NOW),
            *(self.counted, self.secured, self.lifecycled, self.objectives, self.duties),
            *(self.incidents, self.risk),
        ):
            self.exposed.register(each)
        self.own = OwnMetrics.create(self.exposed, TOPICS)
        self.alerts = AlertMetrics.create(self.exposed)
        DeliveryMetrics.create(self.exposed)
        RuleMetrics.create(self.exposed)
        for topic, partitions in TOPICS.items():
            for number in range(partitions):
                self.own.lag.labels(topic, str(number))
                self.own.committed_offset.labels(topic, str(number))

    def refresh(self) -> None:
        """Work out what is read from the database."""
        self.objectives.refresh(NOW)
        self.duties.refresh(NOW)

    def exchange(self, breaches: int = 0) -> None:
        """Under every agreement: answers, failures, and the first kinds of breaches."""
        hour = int(NOW.timestamp()) // 3600 * 3600
        terms = [
            self.book.terms(each.provider, each.consumer, each.service, hour)
            for each in self.registry.agreements
        ]
        cell = partial(Cell, ok=9, fault=1, denied=1, timeout=1, slow=1, last_time=NOW, latency={80: 12})
        kinds = list(Breach)[:breaches]
        self.counted.add(
            Added(
                [(each, cell()) for each in terms], [(each.pair, kind, 1) for each in terms for kind in kinds]
            )
        )
        with self.engine.begin() as connection:
            connection.execute(cells.delete())
            connection.execute(cells.insert(), [_row(hour, each.pair) for each in terms])
        self.refresh()

    def report(self, kinds: int, severities: int) -> None:
        """From every agency: security events of the first kinds."""
        hour = int(NOW.timestamp()) // 3600 * 3600
        self.secured.add(
            Secured(
                [
                    (CountKey(hour, agency, kind, severity), SecurityCount(1))
                    for agency in self.registry.agencies
                    for kind in islice(USUAL_SEVERITY, kinds)
                    for severity in range(1, severities + 1)
                ]
            )
        )

    def detect(self, rules: int) -> None:
        """At every agency: detections of the first rules."""
        loaded = load_rules(SHIPPED_RULES)
        for rule in islice((*loaded.events, *loaded.memories), rules):
            for agency in self.registry.agencies:
                self.alerts.detections.labels(rule.info.id, Level.HIGH.word, agency).inc()

    def series(self) -> Counter[str]:
        """Series by metric, as a scrape has them."""
        return count(self.exposed)


def count(exposed: CollectorRegistry) -> Counter[str]:
    """Series by the metric's name, of the monitor's own: Python's and the process's are some 30 more."""
    found: Counter[str] = Counter()
    for family in exposed.collect():
        if family.name.startswith(PREFIX):
            found[family.name] += sum(not each.name.endswith("_created") for each in family.samples)
    return found


def _row(hour: int, pair: Pair) -> dict[str, Any]:
    numbers = (
        "records",
        "request_bytes",
        "response_bytes",
        "duration_us",
        "longest_us",
        "late",
        "duplicates",
    )
    outcomes = {"ok": 9, "fault": 1, "denied": 1, "timeout": 1, "slow": 1, "breached": 0}
    where = {"hour": hour, "topic": "exchanges", "partition": 0, **pair._asdict()}
    return {**where, **outcomes, **dict.fromkeys(numbers, 0), "last_time": NOW, "latency": b""}


def cases(shown: Shown) -> Iterator[str]:
    """Go from nothing exchanged to everything that can happen; yields what each step is."""
    shown.refresh()
    yield "from the start"
    shown.exchange(SOME_BREACHES)
    shown.report(SOME_KINDS, 1)
    shown.detect(SOME_RULES)
    yield "every agreement used, much going wrong"
    shown.exchange(EVERY)
    shown.report(EVERY, 5)
    shown.detect(EVERY)
    yield "everything going wrong everywhere"


def measured(agencies: int, services: int, agreements: int) -> Iterable[tuple[str, Counter[str], float, int]]:
    """Each case with its series by metric, the seconds of a scrape and its bytes."""
    with tempfile.TemporaryDirectory() as folder:
        shown = Shown(registry_of(agencies, services, agreements), Path(folder))
        for case in cases(shown):
            exposition = Exposition(shown.exposed)
            exposition.write()  # the first scrape writes what later ones remember
            began = time.perf_counter()
            size = len(exposition.write())
            seconds = time.perf_counter() - began
            yield case, shown.series(), seconds, size


def main() -> None:
    """Print each case."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("agencies", AGENCIES), ("services", SERVICES), ("agreements", AGREEMENTS)):
        arguments.add_argument(f"--{name}", type=int, default=usual)
    given = arguments.parse_args()
    for case, series, seconds, size in measured(given.agencies, given.services, given.agreements):
        sys.stdout.write(f"{case}: {series.total():,} series, {size / 1e6:.1f} MB, {seconds:.2f} s\n")
        for name, number in series.most_common(16):
            sys.stdout.write(f"  {number:>8,}  {name}\n")


if __name__ == "__main__":
    main()
