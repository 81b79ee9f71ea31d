"""A report that a real worker makes by itself, once, about the month before the present one."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from sqlalchemy import delete

from monitor.registry.load import load_registry
from monitor.reports.period import Period
from monitor.reports.runs import all_runs
from monitor.storage import tables
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from tests.e2e.exactness import Stage, WorkerProcess, create_topics, running, stage_settings
from tests.monitor.reports.ledgers import Event, count

DEADLINE_S = 90.0
PARTITIONS = 1
LAST = "\ndatashare_report_last_success_timestamp_seconds "


def until(worker: WorkerProcess, condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, while the worker runs."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        worker.check_alive()
        assert time.monotonic() < deadline, worker.log_tail()
        time.sleep(0.1)


def metrics(folder: Path) -> str:
    """What the worker that was started last shows; nothing before it listens."""
    addresses = re.findall(r'"web": "(http://[^"]+)"', (folder / "worker.log").read_text(encoding="utf-8"))
    try:
        with urlopen(f"{addresses[-1]}/metrics", timeout=5) as answer:  # noqa: S310  # its own address
            return str(answer.read().decode())
    except OSError:
        return ""


def test_a_worker_makes_the_report_that_is_due_and_a_restart_does_not(
    embedded_broker: str,
    tmp_path: Path,
    topic_prefix: str,
    consumer_group: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its figures are those of the ledger, its files are whole, and counting goes on beside it."""
    base = stage_settings(embedded_broker, f"sqlite:///{tmp_path}/monitor.db", topic_prefix, consumer_group)
    settings = base.model_copy(update={"kafka_profile": "embedded"})
    now = datetime.now(UTC)
    month = Period.month_of(now.astimezone(settings.zone).date()).previous
    engine = open_engine(settings.sqlalchemy_url)
    migrate(engine)
    begins = month.begins(settings.zone)
    events = [Event(f"E-{day}", begins + timedelta(days=day)) for day in range(3)]
    count(engine, load_registry(settings.registry), events)
    # They stand for a topic that is not there any more; the worker's own begins at its first record.
    with engine.begin() as connection:
        connection.execute(delete(tables.offsets))
    create_topics(settings, PARTITIONS)
    for name, value in {
        "SCHEDULE": "month",
        "FOLDER": str(tmp_path / "reports"),
        "FORMATS": "json,html",
        "LANGUAGES": "vi,en",
        "TIME": "at-once",
    }.items():
        monkeypatch.setenv(f"MONITOR_REPORT_{name}", value)
    stage = Stage(settings, tmp_path, account=None, partitions=PARTITIONS, records=0)  # type: ignore[arg-type]
    worker = WorkerProcess(stage, "worker", keeps_name=True)
    place = tmp_path / "reports" / month.key
    stems = (f"report-{month.key}-national-{language}" for language in ("en", "vi"))
    names = [f"{stem}.{form}" for stem in stems for form in ("html", "json")]
    with running([worker]):
        until(worker, lambda: place.exists() and sorted(path.name for path in place.iterdir()) == names)
        plain = json.loads((place / names[1]).read_text(encoding="utf-8"))
        assert plain["volume"]["total"]["exchanges"] == len(events)
        until(worker, lambda: "reports made" in worker.log_tail())
        assert worker.stop() == 0
        worker.start()
        until(worker, lambda: LAST in metrics(tmp_path))
        assert 'datashare_report_runs_total{outcome="made"} 0.0' in metrics(tmp_path)
    with engine.connect() as connection:
        assert len(all_runs(connection, 10)) == 2
    engine.dispose()
