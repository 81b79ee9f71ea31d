"""Databases with a ledger and lifecycle events of what tests tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert
from sqlalchemy.engine import make_url

from monitor.ledger.moment import EPOCH
from monitor.lifecycle.recorded import Recorded
from monitor.settings import load_settings
from monitor.storage import tables
from monitor.storage.engine import open_engine

OURS = [tables.cells, tables.findings, tables.lifecycle_events]
_NOTHING = dict.fromkeys(
    (
        "ok", "fault", "denied", "timeout", "records", "request_bytes", "response_bytes", "duration_us",
        "longest_us", "slow", "breached", "late", "duplicates",
    ),
    0,
)  # fmt: skip


@contextmanager
def database(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Engine]:
    """An empty database, sqlite or postgresql, with the tables that duties read."""
    url = f"sqlite:///{folder / 'monitor.db'}"
    if kind == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
    engine = open_engine(
        load_settings(database_url=url).sqlalchemy_url if kind != "sqlite" else make_url(url)
    )
    tables.metadata.create_all(engine, tables=OURS)
    yield engine
    engine.dispose()


def hour_of(moment: datetime) -> int:
    """The hour of a moment as cells have it."""
    return int((moment - EPOCH).total_seconds()) // 3600 * 3600


def write_cell(
    engine: Engine,
    last: datetime,
    consumer: str = "MOH",
    *,
    provider: str = "MPS",
    service: str = "population.verify-identity",
    partition: int = 0,
    **counts: Any,
) -> None:
    """Write the cell of an hour whose last exchange was then."""
    with engine.begin() as connection:
        connection.execute(
            insert(tables.cells),
            {
                **_NOTHING, "hour": hour_of(last), "provider": provider, "consumer": consumer,
                "service": service, "topic": "exchanges", "partition": partition, "last_time": last,
                "latency": b"", **counts,
            },
        )  # fmt: skip


def write_finding(
    engine: Engine, time: datetime, breach: str, count: int, consumer: str = "MOH", **named: Any
) -> None:
    """Write what was found wrong with so many exchanges of an hour."""
    with engine.begin() as connection:
        connection.execute(
            insert(tables.findings),
            {
                "hour": hour_of(time), "provider": "MPS", "consumer": consumer,
                "service": "population.verify-identity", "breach": breach, "topic": "exchanges",
                "partition": 0, "count": count, "denied": 0, "first_time": time, "last_time": time,
                "samples": b"", "version": 1, **named,
            },
        )  # fmt: skip


def write_events(engine: Engine, events: Iterable[Recorded], partition: int = 0, first: int = 0) -> None:
    """Write lifecycle events at the offsets from `first` on."""
    rows = [
        {
            **each._asdict(), "topic": "lifecycle-events", "partition": partition, "source_offset": offset,
            "id": f"L-{partition}-{offset}",
        }
        for offset, each in enumerate(events, first)
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(insert(tables.lifecycle_events), rows)
