"""How long the national report on a month takes at national scale, in all formats: seconds and memory.

    python -m tests.bench.report [--pairs N] [--hours N] [--postgres] [--folder DIR] [--formats a,b]

Fills a ledger as the national platform would (5 thousand pairs, 744 hours, 3.7 million cells; some 22
exchanges a cell, a few pairs very many and most of them few: 2.6 million a day), then makes the report in a
process of its own, from opening the database to the last file, and prints what each step took.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from math import exp, log
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from monitor.calendar.working import WorkingDays
from monitor.duties.assess import Terms
from monitor.duties.rules import DutyRules
from monitor.ledger.histogram import bucket_of, encode
from monitor.reports import make
from monitor.reports.narrative import Written
from monitor.reports.period import Period
from monitor.reports.rules import ReportRules
from monitor.reports.texts import Texts
from monitor.reports.writers import WRITERS
from monitor.reports.writers.place import write_all
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from monitor.storage.tables import cells
from monitor.storage.upsert import upsert
from tests.bench.objectives import CONSUMERS, ZONE, registry_of
from tests.parts.postgres import Postgres, fresh_database

PERIOD = Period.parse("2026-10")
NOW = datetime(2026, 11, 1, 3, tzinfo=UTC)
PARTITIONS = 8
_HOUR = 3600
_VARIANTS = 16  # different hours of a pair: enough that histograms seldom repeat within a day
_LONGEST_LIST = 3000  # durations drawn for an hour; a busier one is as wide


class Hour(NamedTuple):
    """What a pair may do in an hour."""

    exchanges: int
    latency: bytes
    duration_us: int
    shortest_us: int
    longest_us: int


def hours_of(pair: int) -> list[Hour]:
    """The kinds of hours of a pair: its own volume and its own speed, differing a little."""
    random = Random(pair)
    mean = min(random.paretovariate(1.1) * 4, 3000)
    middle = random.uniform(log(20_000), log(300_000))
    found = []
    for _ in range(_VARIANTS):
        count = max(1, int(random.gauss(mean, mean**0.5)))
        drawn = [int(exp(random.gauss(middle, 0.5))) for _ in range(min(count, _LONGEST_LIST))]
        histogram = dict(Counter(map(bucket_of, drawn)))
        found.append(Hour(len(drawn), encode(histogram), sum(drawn), min(drawn), max(drawn)))
    return found


def fill(engine: Engine, pairs: int, hours: int) -> int:
    """Write a cell for each pair and hour from the month's first on; return how many exchanges that is."""
    known = [hours_of(pair) for pair in range(pairs)]
    random, begins, exchanges = Random(7), int(PERIOD.begins(ZONE).timestamp()), 0
    for hour in range(begins, begins + hours * _HOUR, _HOUR):
        rows = list(_rows(random, hour, known))
        exchanges += sum(row["ok"] + row["fault"] + row["denied"] + row["timeout"] for row in rows)
        with engine.begin() as connection:
            upsert(connection, cells, rows)
    return exchanges


def _rows(random: Random, hour: int, known: list[list[Hour]]) -> Iterator[dict[str, Any]]:
    last = datetime.fromtimestamp(hour + _HOUR - 1, UTC)
    for pair, variants in enumerate(known):
        each = variants[random.randrange(_VARIANTS)]
        fault, denied, timeout = each.exchanges // 150, each.exchanges // 200, each.exchanges // 600
        yield {
            "hour": hour,
            "provider": f"P{pair // CONSUMERS}",
            "consumer": f"C{pair % CONSUMERS}",
            "service": f"load.service-{pair // CONSUMERS}",
            "topic": "exchanges",
            "partition": pair % PARTITIONS,
            "ok": each.exchanges - fault - denied - timeout,
            "fault": fault,
            "denied": denied,
            "timeout": timeout,
            "records": each.exchanges,
            "request_bytes": each.exchanges * 512,
            "response_bytes": each.exchanges * 2048,
            "duration_us": each.duration_us,
            "shortest_us": each.shortest_us,
            "longest_us": each.longest_us,
            "slow": each.exchanges // 40,
            "breached": 0,
            "late": 0,
            "duplicates": 0,
            "last_time": last,
            "latency": each.latency,
        }


def measure(url: str, pairs: int, formats: list[str], folder: Path) -> dict[str, float]:
    """Seconds of each step, and the peak of this process's memory."""
    registry = registry_of(pairs)
    zone: ZoneInfo = ZONE
    desk = make.Desk(Terms(registry, DutyRules(), WorkingDays(), zone), ReportRules(), load_settings())
    engine = open_engine(load_settings(database_url=url).sqlalchemy_url, read_only=True)
    before = _peak_mb()
    found: dict[str, float] = {}
    began = time.perf_counter()
    order = make.Order(PERIOD, (None,), ("vi",))
    ((report, _),) = make.reports(engine, desk, order, {(None, "vi"): Written()}, NOW)
    found["reading and building, s"] = time.perf_counter() - began
    found["reading and building, peak MB"] = _peak_mb()
    with Together() as together:
        for name in formats:
            start = time.perf_counter()
            paths = write_all(report, Texts("vi", zone), [name], folder)
            found[f"{name}, s"] = time.perf_counter() - start
            found[f"{name}, MB"] = sum(path.stat().st_size for path in paths) / 1e6
            found[f"{name}, peak MB so far"] = _peak_mb()
    found["all, s"] = time.perf_counter() - began
    found["before anything was read, MB"] = before
    found["peak, MB"] = _peak_mb()
    found["peak of a child, MB"] = _peak_mb(resource.RUSAGE_CHILDREN)
    found["peak of all together, MB"] = together.most_mb
    return found


class Together(threading.Thread):
    """Within, looks again and again how much memory this process and its children have at the same moment."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most_mb = 0.0
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        """Look until it is over."""
        me = os.getpid()
        while not self._over.wait(0.02):
            children = {word for each in Path(f"/proc/{me}/task").glob("*/children") for word in _words(each)}
            pages = [_words(Path(f"/proc/{pid}/statm")) for pid in (str(me), *children)]
            held = sum(int(words[1]) for words in pages if words) * resource.getpagesize()
            self.most_mb = max(self.most_mb, held / 2**20)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:  # a process that has ended
        return []


def _peak_mb(whose: int = resource.RUSAGE_SELF) -> float:
    return resource.getrusage(whose).ru_maxrss / 1024


def main(words: Sequence[str] | None = None) -> None:
    """Fill, then measure in a fresh process, so that what filling needed is not counted."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--pairs", type=int, default=5_000)
    arguments.add_argument("--hours", type=int, default=744)
    arguments.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own")
    arguments.add_argument("--folder", type=Path, help="where an SQLite ledger is kept, and found again")
    arguments.add_argument("--formats", default=",".join(WRITERS))
    arguments.add_argument("--measure", metavar="URL", help=argparse.SUPPRESS)
    given = arguments.parse_args(words)
    formats = given.formats.split(",")
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-report-")))
        if given.measure:
            sys.stdout.write(json.dumps(measure(given.measure, given.pairs, formats, temporary)))
            return
        if given.postgres:
            server = stack.enter_context(Postgres())
            url = stack.enter_context(fresh_database(server.url))
        else:
            folder = Path(given.folder or temporary)
            folder.mkdir(parents=True, exist_ok=True)
            url = f"sqlite:///{folder}/report.db"
        engine = open_engine(load_settings(database_url=url).sqlalchemy_url)
        if migrate(engine)[0] is None:
            began = time.perf_counter()
            exchanges = fill(engine, given.pairs, given.hours)
            taken = timedelta(seconds=round(time.perf_counter() - began))
            count = given.pairs * given.hours
            sys.stdout.write(f"filled {count:,} cells, {exchanges:,} exchanges, in {taken}\n")
        engine.dispose()
        done = subprocess.run(
            [
                sys.executable, "-m", "tests.bench.report", "--measure", url,
                "--pairs", str(given.pairs), "--formats", given.formats,
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )  # fmt: skip
        for name, value in json.loads(done.stdout).items():
            sys.stdout.write(f"{name}: {value:,.2f}\n")


if __name__ == "__main__":
    main()
