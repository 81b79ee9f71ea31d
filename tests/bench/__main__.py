"""`make bench`: one table from one run. `python -m tests.bench --help` lists what can be left out."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from monitor.settings import Settings
from monitor.simulation import Shares
from tests.bench.alert_latency import measure_alert_latency
from tests.bench.backfill import measure as measure_backfill
from tests.bench.latency import measure_latency
from tests.bench.memory import measure_memory
from tests.bench.report import main as measure_report
from tests.bench.rules import main as measure_rules
from tests.e2e.exactness import CHECKOUT, REGISTRY, Stage, WorkerProcess, differences, fill, stage_settings
from tests.parts.kafka import COMMAND, Kafka
from tests.parts.postgres import Postgres, fresh_database

PARTITIONS = 8
FAUST_EVENTS = 100_000  # at some 7 thousand a second a million would take longer than all the rest
CONTENDER_SECONDS = 600
PARTS = ("throughput", "latency", "alerts", "rules", "memory", "backfill", "report")
HISTORY_LINES = 1_000_000


def main() -> int:
    """Run everything asked for and print the table."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="times each fast contender runs, in turn")
    parser.add_argument("--only", nargs="*", choices=PARTS)
    parser.add_argument("--worker-only", action="store_true", help="leave the slow frameworks out")
    given = parser.parse_args()
    parts = set(given.only or PARTS)
    console = Console()
    console.print(
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.2f}, Python {sys.version.split()[0]}"
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        kafka = stack.enter_context(Kafka(folder / "kafka"))
        postgres = stack.enter_context(Postgres())
        if "throughput" in parts:
            throughput(console, folder, kafka.bootstrap, postgres, given)
        if "latency" in parts:
            console.print(measure_latency(folder, kafka.bootstrap))
        if "alerts" in parts:
            console.print(measure_alert_latency(folder, kafka.bootstrap))
        if "rules" in parts:
            measure_rules()
        if "memory" in parts:
            console.print(measure_memory(folder, kafka.bootstrap))
        if "backfill" in parts:
            (folder / "history").mkdir()
            console.print(measure_backfill(folder / "history", HISTORY_LINES))
        if "report" in parts:
            measure_report([])
    return 0


def throughput(
    console: Console, folder: Path, bootstrap: str, postgres: Postgres, given: argparse.Namespace
) -> None:
    """Read the same topic with every contender; print rates and ratios."""
    settings = stage_settings(bootstrap, f"sqlite:///{folder}/fill.db", "bench-", "fill").model_copy(
        update={"commit_interval": 0.4}
    )
    began = time.perf_counter()
    stage = fill(settings, folder, events=given.events, partitions=PARTITIONS, seed=7, shares=Shares())
    size = _bytes_per_event(stage)
    console.print(
        f"topic: {stage.records:,} exchanges over {PARTITIONS} partitions, {size:.0f} bytes each on average, "
        f"simulated and sent in {time.perf_counter() - began:.0f} s"
    )
    rates: dict[str, list[float]] = {}
    for turn in range(given.rounds):
        for name, contender in _fast(stage, postgres, turn).items():
            rates.setdefault(name, []).append(contender())
            console.print(f"  {name}: {rates[name][-1]:,.0f}/s")
    if not given.worker_only:
        rates["plain Faust agent (decode, judge, fold; no commit)"] = [
            _python(stage, "plain_faust", FAUST_EVENTS)
        ]
        rates["Quix Streams (decode, judge, fold; no commit)"] = [_python(stage, "quix", stage.records)]
    console.print(_table(rates))


def _fast(stage: Stage, postgres: Postgres, turn: int) -> dict[str, Callable[[], float]]:
    return {
        AIOKAFKA: lambda: _python(stage, "aiokafka_loop", stage.records),
        "Kafka's consumer performance tool": lambda: _perf_tool(stage),
        "worker, everything on, SQLite": lambda: _worker(
            stage, f"sqlite:///{stage.folder}/worker-{turn}.db", turn
        ),
        "worker, everything on, PostgreSQL": lambda: _worker_on_postgres(stage, postgres, turn),
    }


AIOKAFKA = "aiokafka getmany, thrown away"


def _python(stage: Stage, module: str, events: int) -> float:
    environment = {
        **os.environ,
        "BENCH_BOOTSTRAP": stage.settings.kafka_bootstrap,
        "BENCH_TOPIC": stage.settings.topic("exchanges"),
        "BENCH_EVENTS": str(events),
        "MONITOR_REGISTRY": str(REGISTRY),
    }
    done = subprocess.run(
        [sys.executable, "-m", f"tests.bench.{module}"],
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=CONTENDER_SECONDS,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError(f"{module} gave no result:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    result = json.loads(lines[-1])
    return float(result["events"]) / float(result["seconds"])


def _perf_tool(stage: Stage) -> float:
    done = subprocess.run(
        [
            str(COMMAND),
            "perf-consumer",
            "--bootstrap-server",
            stage.settings.kafka_bootstrap,
            "--topic",
            stage.settings.topic("exchanges"),
            "--num-records",
            str(stage.records),
            "--hide-header",
        ],
        capture_output=True,
        text=True,
        timeout=CONTENDER_SECONDS,
        check=False,
    )
    # start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
    fields = [field.strip() for field in done.stdout.strip().splitlines()[-1].split(",")]
    return float(fields[-1])


def _worker_on_postgres(stage: Stage, postgres: Postgres, turn: int) -> float:
    with fresh_database(postgres.url) as url:
        return _worker(stage, url, turn + 100)


def _worker(stage: Stage, database_url: str, turn: int) -> float:
    """The rate from the opening of the partitions to the last commit, and a check that it counted right."""
    settings: Settings = stage.settings.model_copy(
        update={"database_url": database_url, "consumer_group": f"worker-{turn}"}
    )
    run = Stage(settings, stage.folder, stage.account, stage.partitions, stage.records, late=stage.late)
    worker = WorkerProcess(run, f"bench-worker-{turn}", keeps_name=False)
    worker.start()
    try:
        deadline = time.monotonic() + CONTENDER_SECONDS
        while not run.opened() and time.monotonic() < deadline:
            worker.check_alive()
            time.sleep(0.005)
        began = time.perf_counter()
        while run.read() < run.records and time.monotonic() < deadline:
            worker.check_alive()
            time.sleep(0.02)
        seconds = time.perf_counter() - began
    finally:
        worker.kill()
    wrong = differences(run)
    if wrong:
        raise RuntimeError(f"the worker counted wrongly: {wrong[:3]}")
    return run.records / seconds


def _bytes_per_event(stage: Stage) -> float:
    return stage.bytes_sent / stage.records


def _table(rates: dict[str, list[float]]) -> Table:
    table = Table(title="Events a second, one process each (median of the rounds)")
    for heading in ("what", "median", "lowest", "highest", "of aiokafka"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    base = statistics.median(rates[AIOKAFKA])
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, values in rates.items():
        table.add_row(
            name,
            f"{medians[name]:,.0f}",
            f"{min(values):,.0f}",
            f"{max(values):,.0f}",
            f"{medians[name] / base:.2f}",
        )
    for worker in [name for name in rates if name.startswith("worker")]:
        for other, bar in (("plain Faust", 20), ("Quix", 5), ("aiokafka", 1)):
            match = next((name for name in rates if name.startswith(other)), None)
            if match is not None:
                table.add_row(
                    f"{worker} / {match}", f"{medians[worker] / medians[match]:.2f} ×", "", "", f"bar {bar} ×"
                )
    return table


if __name__ == "__main__":
    sys.exit(main())
