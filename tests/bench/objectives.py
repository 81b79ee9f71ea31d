"""How long the figures of objectives take over a month of five thousand agreements: seconds and memory.

    python -m tests.bench.objectives [--agreements N] [--hours N] [--folder DIR]

Fills a ledger on SQLite (3.7 million cells, 1.2 GB: ten minutes), then measures in a process of its own the
first refresh, those that follow, the one after an hour has passed, and a scrape.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from monitor.ledger.histogram import encode
from monitor.objectives.metrics import ObjectiveMetrics
from monitor.registry.model import Agency, Agreement, Service
from monitor.registry.registry import Registry
from monitor.storage.engine import open_engine
from monitor.storage.tables import cells

CONSUMERS = 100  # so that agreements / CONSUMERS are services
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 10, 31, 15, 50, tzinfo=UTC)  # late on the last local day of a month of 31 days
_HOUR = 3600
_LATENCY = encode(dict.fromkeys(range(70, 130), 3))  # as large as those of real hours


def registry_of(agreements: int) -> Registry:
    """So many agreements with two objectives each, over CONSUMERS consumers."""
    text = {"en": "Synthetic", "vi": "Tổng hợp"}
    services = agreements // CONSUMERS
    codes = [*(f"P{n}" for n in range(services)), *(f"C{n}" for n in range(CONSUMERS))]
    live = {"state": "live"}
    return Registry.of(
        [
            Agency.model_validate({"code": c, "name": text, "kind": "other", "connection": live})
            for c in codes
        ],
        [
            Service.model_validate(
                {
                    "id": f"load.service-{n}",
                    "provider": f"P{n}",
                    "name": text,
                    "method": "query",
                    "personal_data": "none",
                    "objectives": {"availability": 0.995, "latency": {"limit_ms": 500}},
                }
            )
            for n in range(services)
        ],
        [
            Agreement.model_validate(
                {
                    "id": f"AGR-{n:05}",
                    "title": text,
                    "provider": f"P{n // CONSUMERS}",
                    "consumer": f"C{n % CONSUMERS}",
                    "service": f"load.service-{n // CONSUMERS}",
                    "status": "active",
                    "start": "2026-01-01",
                    "end": "2026-12-31",
                    "legal_basis": ["Some act"],
                    "purposes": ["load"],
                }
            )
            for n in range(services * CONSUMERS)
        ],
    )


def fill(engine: Engine, agreements: int, hours: int) -> None:
    """Write a cell for each agreement and hour, in the order in which a worker would."""
    random, statement = Random(7), cells.insert()
    end = int(NOW.timestamp()) // _HOUR * _HOUR
    for hour in range(end - (hours - 1) * _HOUR, end + 1, _HOUR):
        with engine.begin() as connection:
            connection.execute(statement, list(_rows(random, hour, agreements)))


def _rows(random: Random, hour: int, agreements: int) -> Iterator[dict[str, Any]]:
    for n in range(agreements):
        yield {
            "hour": hour,
            "provider": f"P{n // CONSUMERS}",
            "consumer": f"C{n % CONSUMERS}",
            "service": f"load.service-{n // CONSUMERS}",
            "topic": "exchanges",
            "partition": n % 8,
            "ok": random.randrange(300),
            "fault": random.randrange(3),
            "denied": random.randrange(3),
            "timeout": random.randrange(2),
            "records": 300,
            "request_bytes": 150_000,
            "response_bytes": 600_000,
            "duration_us": 30_000_000,
            "shortest_us": 10_000,
            "longest_us": 900_000,
            "slow": random.randrange(5),
            "breached": 0,
            "late": 0,
            "duplicates": 0,
            "last_time": datetime.fromtimestamp(hour + 3599, UTC),
            "latency": _LATENCY,
        }


def measure(database: Path, agreements: int) -> dict[str, float]:
    """Seconds of each step and the memory that this process needed more than before."""
    registry = registry_of(agreements)
    engine = open_engine(make_url(f"sqlite:///{database}"), read_only=True)
    metrics = ObjectiveMetrics(registry, engine, ZONE)
    exposed = CollectorRegistry()
    exposed.register(metrics)
    before = _peak_mb()
    found: dict[str, float] = {}
    for name, now in (
        ("first refresh", NOW),
        ("next refresh", NOW + timedelta(seconds=30)),
        ("one after", NOW + timedelta(seconds=60)),
        ("an hour later", NOW + timedelta(seconds=3630)),
        ("one with a closed day read again", NOW + timedelta(seconds=3660)),
    ):
        began = time.perf_counter()
        cpu = time.process_time()
        metrics.refresh(now)
        found[f"{name}, s"] = time.perf_counter() - began
        found[f"{name}, CPU s"] = time.process_time() - cpu
    found["memory of refreshes, MB more at the peak"] = _peak_mb() - before
    began = time.perf_counter()
    found["scrape, MB of text"] = len(generate_latest(exposed)) / 1e6
    found["scrape, s"] = time.perf_counter() - began
    found["memory with the scrape, MB more at the peak"] = _peak_mb() - before
    return found


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Fill, then measure in a fresh process, so that what filling needed is not counted."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--agreements", type=int, default=5_000)
    arguments.add_argument("--hours", type=int, default=744)
    arguments.add_argument("--folder", type=Path, help="where the ledger is kept; otherwise it is removed")
    arguments.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.measure:
        sys.stdout.write(json.dumps(measure(given.measure, given.agreements)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        database = (given.folder or Path(temporary)) / "objectives.db"
        if not database.exists():
            engine = open_engine(make_url(f"sqlite:///{database}"))
            cells.create(engine)
            began = time.perf_counter()
            fill(engine, given.agreements, given.hours)
            engine.dispose()
            sys.stdout.write(f"filled {given.agreements * given.hours:,} cells, ")
            sys.stdout.write(
                f"{database.stat().st_size / 1e6:,.0f} MB, {time.perf_counter() - began:.0f} s\n"
            )
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.bench.objectives",
                "--measure",
                str(database),
                "--agreements",
                str(given.agreements),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        for name, value in json.loads(done.stdout).items():
            sys.stdout.write(f"{name}: {value:,.2f}\n")


if __name__ == "__main__":
    main()
