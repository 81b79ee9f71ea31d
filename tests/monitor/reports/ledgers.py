"""Ledgers to report on: events told plainly, and counted as a worker counts them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from monitor.calendar.working import WorkingDays
from monitor.duties.assess import Terms
from monitor.duties.rules import DutyRules
from monitor.judging.book import Book
from monitor.ledger.partition import PartitionLedger
from monitor.registry.registry import Registry
from monitor.reports import make
from monitor.reports.figures import Language
from monitor.reports.model import Report
from monitor.reports.narrative import Written
from monitor.reports.period import Period
from monitor.reports.rules import ReportRules
from monitor.settings import Settings, load_settings
from monitor.storage.engine import open_engine
from monitor.storage.partition import PartitionStore
from monitor.storage.schema import migrate
from tests.builders import ZONE, Arrived, exchange, limits

NOW = datetime(2026, 11, 2, 3, tzinfo=UTC)  # 10:00 on the first working day after October
_LONG_AGO = timedelta(days=4000)  # events of years are told in any order


class Event(msgspec.Struct):
    """One exchange; `code_of_time` are the codes it named, where they are not the present ones."""

    id: str
    time: datetime
    provider: str = "MPS"
    consumer: str = "MOH"
    service: str = "population.verify-identity"
    outcome: str = "ok"
    duration_ms: float = 84.2
    records: int = 1
    request_bytes: int = 512
    response_bytes: int = 2048
    purpose: str | None = "health-insurance"


@contextmanager
def database(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Engine]:
    """An empty database at this program's schema, sqlite or postgresql."""
    url = (
        f"sqlite:///{folder / 'monitor.db'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    )
    engine = open_engine(load_settings(database_url=url).sqlalchemy_url)
    migrate(engine)
    yield engine
    engine.dispose()


def count(
    engine: Engine, registry: Registry, events: Sequence[Event], *, partition: int = 0, batch: int = 50
) -> None:
    """Count events as a worker would: in batches, each in a transaction, going on where it stopped."""
    held = limits(max_event_age=_LONG_AGO)
    store = PartitionStore(engine, "exchanges", partition)
    resumed = store.load(held.dedupe_window, held.dedupe_max_ids, NOW)
    ledger = PartitionLedger(
        Book(registry, ZONE),
        held,
        ids=resumed.ids,
        next_offset=resumed.next_offset,
        newest=resumed.newest,
        load_calls=store.calls,
    )
    first = max(resumed.next_offset, 0)
    for start in range(0, len(events), batch):
        part = events[start : start + batch]
        decoded = [exchange(**msgspec.structs.asdict(each)) for each in part]
        # Each arrives as it happened, or now: what matters here is its own time.
        arrivals = Arrived(len(part), first=first + start, times=[max(e.time, NOW) for e in part])
        ledger.fold(decoded, arrivals, max(NOW, *(e.time for e in part)))
        store.write(ledger.take(), NOW)
        ledger.settled()


def desk(registry: Registry, **rules: Any) -> make.Desk:
    """What reports are made with, as it comes with the monitor."""
    terms = Terms(registry, DutyRules.model_validate(rules), WorkingDays(), ZONE)
    return make.Desk(terms, ReportRules(), load_settings())


def report_on(
    engine: Engine,
    registry: Registry,
    period: str = "2026-10",
    agency: str | None = None,
    *,
    now: datetime = NOW,
    language: Language = "vi",
    written: Written | None = None,
    record: bool = False,
    **rules: Any,
) -> Report:
    """The report on a period."""
    order = make.Order(Period.parse(period), (agency,), (language,))
    made = make.reports(
        engine, desk(registry, **rules), order, {(agency, language): written or Written()}, now
    )
    if record:
        return make.recorded(engine, list(made))[0]
    return next(iter(made))[0]


__all__ = ["NOW", "Event", "Settings", "count", "database", "desk", "report_on"]
