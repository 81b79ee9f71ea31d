"""Writes cells for the tests of objectives, and counts them again in the plainest way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from monitor.judging.book import Book
from monitor.ledger.histogram import encode
from monitor.objectives.slo import Agreed, agreed
from monitor.objectives.windows import WINDOWS, windows_at
from monitor.registry.registry import Registry
from monitor.storage.engine import open_engine
from monitor.storage.tables import cells
from monitor.storage.upsert import upsert

HOUR = 3600
DAY = 24 * HOUR


class Made(NamedTuple):
    """A cell; its last exchange is a minute into its hour."""

    hour: int
    consumer: str = "MOH"
    service: str = "population.verify-identity"
    ok: int = 0
    fault: int = 0
    denied: int = 0
    timeout: int = 0
    slow: int = 0
    provider: str = "MPS"
    partition: int = 0


def hour_of(text: str) -> int:
    """The UTC hour that a local time in Hanoi stands in, in epoch seconds: `2026-10-05T15:00`."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    return int(local.timestamp()) // HOUR * HOUR


def database(folder: Path) -> Engine:
    """An empty ledger on SQLite."""
    engine = open_engine(make_url(f"sqlite:///{folder}/objectives.db"))
    cells.create(engine)
    return engine


def write(engine: Engine, made: Iterable[Made]) -> None:
    """Write cells whole, as a worker does."""
    with engine.begin() as connection:
        upsert(connection, cells, [_row(one) for one in made])


def _row(one: Made) -> dict[str, Any]:
    return {
        **one._asdict(),
        "topic": "exchanges",
        "records": 0,
        "request_bytes": 0,
        "response_bytes": 0,
        "duration_us": 0,
        "shortest_us": None,
        "longest_us": 0,
        "breached": 0,
        "late": 0,
        "duplicates": 0,
        "last_time": datetime.fromtimestamp(one.hour, UTC) + timedelta(minutes=1),
        "latency": encode({}),
    }


def recount(
    registry: Registry, zone: ZoneInfo, made: Iterable[Made], now: datetime
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Events and bad ones by agreement, slo and window: every hour by itself, under the judge's own terms."""
    book, windows = Book(registry, zone), windows_at(now, zone)
    totals: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for one in made:
        terms = book.terms(one.provider, one.consumer, one.service, one.hour)
        if terms.agreement is None or terms.standing is not None:
            continue
        objectives = _objectives(registry, terms.agreement, terms.version)
        served = one.ok + one.fault + one.timeout
        measured = {
            "availability": (objectives.availability, served, one.fault + one.timeout),
            "error_rate": (objectives.error_rate, served, one.fault + one.timeout),
            "latency": (objectives.latency, one.ok, one.slow),
        }
        for window in WINDOWS:
            if not windows.begins(window) <= one.hour < windows.ends:
                continue
            for slo, (objective, events, bad) in measured.items():
                if objective is not None and events:
                    totals[terms.agreement, slo, window][0] += events
                    totals[terms.agreement, slo, window][1] += bad
    return {key: (events, bad) for key, (events, bad) in totals.items()}


def _objectives(registry: Registry, name: str, version: int) -> Agreed:
    (one,) = (one for one in registry.agreements if (one.id, one.version) == (name, version))
    return agreed(one, registry.services[one.service])
