"""The worker's reports on a schedule: made once by one of several, tried again, ended in order."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

import streams.reporting
from monitor.errors import UsageProblem
from monitor.registry.load import load_registry
from monitor.reports.period import Period
from monitor.reports.runs import all_runs
from monitor.reports.schedule.metrics import ScheduleMetrics
from monitor.reports.schedule.plan import Due
from monitor.reports.schedule.record import Made, Outstanding, note, noted
from monitor.settings import Settings, load_settings
from monitor.storage.engine import open_engine
from monitor.storage.lease import take_lease
from monitor.storage.schema import migrate
from streams.reporting import LEASE, LEASE_LENGTH, Reporting, arguments, reports_wanted
from tests.monitor.registry.writing import write_folder
from tests.monitor.reports.ledgers import Event, count
from tests.monitor.reports.recount import local

DEADLINE_S = 60.0
LAST = "datashare_report_last_success_timestamp_seconds"
NOW = local("2025-11-03T08:30")  # half an hour after October's report is due


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A registry, a ledger of October 2025, and a schedule; as variables, which the command reads too."""
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "registry")
    for name, value in {
        "REGISTRY": str(tmp_path / "registry"),
        "DATABASE_URL": f"sqlite:///{tmp_path}/monitor.db",
        "REPORT_SCHEDULE": "month",
        "REPORT_FOLDER": str(tmp_path / "reports"),
        "REPORT_FORMATS": "json,csv",
        "REPORT_AGENCIES": "national,MOH",
    }.items():
        monkeypatch.setenv(f"MONITOR_{name}", value)
    return load_settings()


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """The database with its ledger."""
    opened = open_engine(settings.sqlalchemy_url)
    migrate(opened)
    count(opened, load_registry(settings.registry), [Event("E-1", local("2025-10-05T08:00"))])
    yield opened
    opened.dispose()


def reporting(
    settings: Settings, engine: Engine, metrics: CollectorRegistry | None = None, **changes: Any
) -> Reporting:
    """The service, at half past eight on the first working day, looking often."""
    return Reporting(
        settings,
        engine,
        engine,
        load_registry(settings.registry),
        ScheduleMetrics(metrics or CollectorRegistry()),
        **{"clock": lambda: NOW, "round_s": 0.05, **changes},
    )


def running(services: list[Reporting], until: Callable[[], bool]) -> None:
    """Run services until a condition holds; stop them."""

    async def run() -> None:
        for each in services:
            await each.start()
        try:
            deadline = time.monotonic() + DEADLINE_S
            while not until():
                assert time.monotonic() < deadline, "it did not happen"
                await asyncio.sleep(0.02)
        finally:
            for each in services:
                await each.stop()

    asyncio.run(run())


def counted(metrics: CollectorRegistry, outcome: str) -> float:
    """How many runs ended so."""
    return metrics.get_sample_value("datashare_report_runs_total", {"outcome": outcome}) or 0.0


def due(metrics: CollectorRegistry) -> float | None:
    """Since when the month's report is due."""
    return metrics.get_sample_value("datashare_report_due_timestamp_seconds", {"period": "month"})


def script(folder: Path, text: str) -> tuple[str, ...]:
    """A program in the place of `monitor`: it appends a line to `calls`, then does as the text says."""
    path = folder / "program.sh"
    calls = shlex.quote(str(folder / "calls"))
    path.write_text(f'echo "$@" >> {calls}\n{text}\n', encoding="utf-8")
    return ("/bin/sh", str(path))


def calls(folder: Path) -> list[str]:
    """What the program was called with, a line a call."""
    path = folder / "calls"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_two_workers_make_each_report_once_with_the_real_command(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    """Files of all formats in the period's folder, one run in the record; a restart makes none again."""
    shown = [CollectorRegistry(), CollectorRegistry()]

    def done() -> bool:
        return all(each.get_sample_value(LAST) and due(each) is None for each in shown)

    running([reporting(settings, engine, each) for each in shown], done)
    assert sum(counted(each, "made") for each in shown) == 1
    restarted = CollectorRegistry()
    running([reporting(settings, engine, restarted)], lambda: bool(restarted.get_sample_value(LAST)))
    assert counted(restarted, "made") == 0
    with engine.connect() as connection:
        assert [run.id for run in all_runs(connection, 10)] == [2, 1]
    names = sorted(path.name for path in (tmp_path / "reports" / "2025-10").iterdir())
    assert names == [
        "report-2025-10-MOH-vi.csv.zip",
        "report-2025-10-MOH-vi.json",
        "report-2025-10-national-vi.csv.zip",
        "report-2025-10-national-vi.json",
    ]
    plain = json.loads((tmp_path / "reports" / "2025-10" / names[3]).read_text(encoding="utf-8"))
    assert plain["volume"]["total"]["exchanges"] == 1


def test_late_data_is_reported_again_beside_the_first(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into a folder of its own: the files that people signed stay as they are."""
    monkeypatch.setenv("MONITOR_REPORT_REISSUE_AFTER", "1")
    with engine.begin() as connection:
        for agency in (None, "MOH"):
            note(connection, "2025-10", "first", (agency, "vi"), Made(NOW, None))

    def done() -> bool:
        with engine.connect() as connection:
            return len(noted(connection, "2025-10", "again")) == 2

    service = reporting(load_settings(), engine, clock=lambda: local("2025-11-04T08:00"))
    running([service], done)
    assert len(list((tmp_path / "reports" / "2025-10" / "reissue").iterdir())) == 4


def test_while_another_worker_has_the_lease_nothing_is_started(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    """Both would write the same files. Once the other is gone it is this one's turn."""
    with engine.begin() as connection:
        assert take_lease(connection, LEASE, "another", LEASE_LENGTH)
    looks: list[int] = []

    def clock() -> Any:
        looks.append(1)
        return NOW

    service = reporting(settings, engine, clock=clock, command=script(tmp_path, "exit 0"))
    running([service], lambda: len(looks) > 5)
    assert calls(tmp_path) == []
    with engine.begin() as connection:
        assert take_lease(connection, LEASE, "another", -LEASE_LENGTH)  # it has run out
    running([reporting(settings, engine, command=script(tmp_path, "exit 0"))], lambda: bool(calls(tmp_path)))


def test_a_failure_is_counted_and_tried_again_after_a_while(
    settings: Settings, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at once: the second look finds it due and waits; then it is made."""
    monkeypatch.setattr(streams.reporting, "FIRST_RETRY_S", 0.5)
    metrics = CollectorRegistry()
    program = script(tmp_path, f'test "$(wc -l < {tmp_path}/calls)" -gt 1')
    began = time.monotonic()
    running([reporting(settings, engine, metrics, command=program)], lambda: counted(metrics, "made") >= 1)
    assert time.monotonic() - began >= 0.5
    assert counted(metrics, "failed") == 1
    assert due(metrics) == local("2025-11-03T08:00").timestamp()  # this program notes nothing


def test_one_that_takes_too_long_is_ended(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    """And counted as such."""
    metrics = CollectorRegistry()
    program = script(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 600")
    running(
        [reporting(settings, engine, metrics, command=program, timeout=0.5)],
        lambda: counted(metrics, "timeout") >= 1,
    )
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_worker_that_stops_ends_the_run_and_gives_the_lease_up(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    """Within its own time, without counting a failure; the next worker begins at once."""
    metrics = CollectorRegistry()
    program = script(
        tmp_path, f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; exec sleep 600"
    )
    running([reporting(settings, engine, metrics, command=program)], (tmp_path / "pid").exists)
    assert not alive(int((tmp_path / "pid").read_text()))
    assert [counted(metrics, outcome) for outcome in ("made", "failed", "timeout")] == [0, 0, 0]
    with engine.begin() as connection:
        assert take_lease(connection, LEASE, "another", LEASE_LENGTH)


def test_the_program_stands_behind_the_worker(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    """At the lowest priority, and the first to go where memory runs out."""
    said = str(tmp_path / "said")
    text = (
        "import os, pathlib; score = pathlib.Path('/proc/self/oom_score_adj').read_text().strip(); "
        f"pathlib.Path({said!r}).write_text(f'{{os.nice(0)}} {{score}}')"
    )
    metrics = CollectorRegistry()
    program = (sys.executable, "-c", text)
    running([reporting(settings, engine, metrics, command=program)], lambda: counted(metrics, "made") >= 1)
    assert (tmp_path / "said").read_text() == "19 500"


def test_arguments_name_what_is_missing(settings: Settings) -> None:
    """Each agency and each language once; what was made before, the command leaves out."""
    october = Due(Period.parse("2025-10"), "again", NOW)
    given = arguments(settings, Outstanding(october, ((None, "vi"), ("MOH", "vi"), ("MOH", "en"))))
    said = shlex.join(given)
    assert "--agency national,MOH --lang vi,en --format json,csv" in said
    assert said.endswith("/reports/2025-10/reissue --scheduled again")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"report_formats": ("odt",)}, "MONITOR_REPORT_FORMATS: odt: accepted are html"),
        ({"report_agencies": ("NOBODY",)}, "MONITOR_REPORT_AGENCIES NOBODY: no agency"),
    ],
)
def test_a_worker_with_a_schedule_that_cannot_work_does_not_start(
    settings: Settings, changes: dict[str, Any], message: str
) -> None:
    """Rather than a month later."""
    with pytest.raises(UsageProblem, match=message):
        reports_wanted(settings.model_copy(update=changes), load_registry(settings.registry))


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not fetched does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
