"""History for tests: files of exchanges over the builders' registry, and what the ledger holds of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from monitor.backfill.arrival import Window
from monitor.backfill.kinds import Kind, kinds_of
from monitor.backfill.run import Outcome, Wishes, backfill
from monitor.settings import load_settings
from monitor.storage import tables
from tests.builders import MOMENT, book_of, exchange_json

NOW = MOMENT + timedelta(days=30)
AGE = timedelta(days=3650)


def now() -> datetime:
    """When tests run, as the backfill is told."""
    return NOW


def bodies(count: int, first: int = 0, **changes: Any) -> list[bytes]:
    """Exchanges a minute apart, each with an id of its own, that keep the builders' agreement."""
    return [
        exchange_json(
            id=f"x{number}",
            time=(MOMENT + timedelta(minutes=number)).isoformat(),
            purpose="health-insurance",
            **{"records": 1, **changes},
        )
        for number in range(first, first + count)
    ]


def write(path: Path, records: Sequence[bytes], *, ended: bool = True) -> Path:
    """A file of lines, gzip where its name says so."""
    data = b"\n".join(records) + (b"\n" if ended else b"")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def as_list(records: Sequence[bytes]) -> bytes:
    """One JSON list over many lines."""
    return json.dumps([json.loads(record) for record in records], indent=1).encode()


def kinds(engine: Engine) -> dict[str, Kind]:
    """What is known, over the builders' registry."""
    return dict(kinds_of(load_settings(), engine, book_of(), AGE))


def run(engine: Engine, path: Path, **wishes: Any) -> Outcome:
    """Count a file."""
    return backfill(path, Wishes(**wishes), kinds(engine), engine, now)


def totals(engine: Engine) -> dict[str, int]:
    """Sums over all cells: exchanges by outcome, records, duplicates."""
    columns = ("ok", "fault", "records", "duplicates", "breached", "late")
    with engine.connect() as connection:
        row = connection.execute(select(*(func.sum(tables.cells.c[name]) for name in columns))).one()
    return {name: int(value or 0) for name, value in zip(columns, row, strict=True)}


def counted(engine: Engine) -> int:
    """Exchanges with outcome ok."""
    return totals(engine)["ok"]


def live_hour(engine: Engine, hour: datetime) -> None:
    """Have a live topic count something in an hour."""
    start = int(hour.replace(minute=0, second=0, microsecond=0).timestamp())
    numbers = {
        column.name: 0
        for column in tables.cells.columns
        if column.name in ("ok", "fault", "denied", "timeout")
    }
    numbers |= dict.fromkeys(
        ("records", "request_bytes", "response_bytes", "duration_us", "longest_us", "slow", "breached"), 0
    )
    numbers |= {"late": 0, "duplicates": 0}
    with engine.begin() as connection:
        connection.execute(
            tables.cells.insert(),
            {
                "hour": start,
                "provider": "MPS",
                "consumer": "MOH",
                "service": "population.verify-identity",
                "topic": "exchanges",
                "partition": 0,
                "shortest_us": None,
                "last_time": hour,
                "latency": b"\x80",
                **numbers,
            },
        )


def until(time: datetime) -> Window:
    """A window that ends."""
    return Window(None, time.astimezone(UTC))
