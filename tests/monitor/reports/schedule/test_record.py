"""What is still to be made: from what was noted, and from where the ledger begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from monitor.reports.schedule.metrics import ScheduleMetrics
from monitor.reports.schedule.record import Made, Wanted, last_made, note, noted, outstanding
from tests.builders import AGENCIES, agreement, made
from tests.monitor.reports.ledgers import Event, count, database
from tests.monitor.reports.recount import local
from tests.monitor.reports.schedule.test_plan import schedule

NATIONAL: Wanted = (None, "vi")
CARD: Wanted = ("MOH", "en")
BOTH = (NATIONAL, CARD)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A ledger that begins in September."""
    with database(request.param, request, tmp_path) as opened:
        registry = made(agreement(), agencies=AGENCIES)
        count(opened, registry, [Event("E-1", local("2026-09-20T08:00"))])
        yield opened


def noting(engine: Engine, period: str, issue: Any, report: Wanted, at: str, run: int | None = 7) -> None:
    """Note that a report was made at a local time."""
    with engine.begin() as connection:
        note(connection, period, issue, report, Made(local(at), run))


def due(engine: Engine, now: str, **changes: Any) -> list[tuple[str, str, tuple[Wanted, ...]]]:
    """Period, issue and reports of what is outstanding."""
    with engine.connect() as connection:
        found = outstanding(connection, schedule(**changes), BOTH, local(now))
    return [(each.due.period.key, each.due.issue, each.reports) for each in found]


def test_what_was_made_is_not_made_again_and_the_rest_is(engine: Engine) -> None:
    """A restart finds one report of two, and then none."""
    assert due(engine, "2026-11-02T08:00") == [("2026-10", "first", BOTH)]
    noting(engine, "2026-10", "first", NATIONAL, "2026-11-02T08:01")
    assert due(engine, "2026-11-02T08:02") == [("2026-10", "first", (CARD,))]
    noting(engine, "2026-10", "first", CARD, "2026-11-02T08:03")
    assert due(engine, "2026-11-02T08:04") == []


def test_only_the_latest_missed_period_is_caught_up_on(engine: Engine) -> None:
    """After two months of silence, one report of each kind."""
    found = due(engine, "2027-01-10T08:00", kinds=("month", "quarter"))
    assert [(period, issue) for period, issue, _ in found] == [("2026-12", "first"), ("2026-Q4", "first")]


def test_there_is_no_report_on_a_time_before_the_ledger(engine: Engine) -> None:
    """A new installation does not begin with a report of nothing; of a part of a month it does."""
    assert due(engine, "2026-09-25T08:00") == []
    assert due(engine, "2026-10-01T08:00") == [("2026-09", "first", BOTH)]


def test_it_is_made_again_once_where_it_was_made_before_the_late_data(engine: Engine) -> None:
    """What was caught up on later has them already."""
    noting(engine, "2026-10", "first", NATIONAL, "2026-11-02T08:01")
    noting(engine, "2026-10", "first", CARD, "2026-11-09T09:00")
    assert due(engine, "2026-11-09T07:59") == []
    assert due(engine, "2026-11-09T09:30") == [("2026-10", "again", (NATIONAL,))]
    noting(engine, "2026-10", "again", NATIONAL, "2026-11-09T09:31", run=None)
    assert due(engine, "2026-11-09T09:32") == []


def test_the_record_is_read_as_it_was_written(engine: Engine) -> None:
    """With the number of the run, or none where nothing had changed."""
    noting(engine, "2026-10", "first", NATIONAL, "2026-11-02T08:01")
    noting(engine, "2026-10", "again", CARD, "2026-11-09T08:01", run=None)
    with engine.connect() as connection:
        assert noted(connection, "2026-10", "first") == {NATIONAL: Made(local("2026-11-02T08:01"), 7)}
        assert noted(connection, "2026-10", "again") == {CARD: Made(local("2026-11-09T08:01"), None)}
        assert last_made(connection) == local("2026-11-09T08:01")


def test_metrics_say_since_when_a_report_is_due_until_it_is_made(engine: Engine) -> None:
    """Read from the database, so that every worker says the same and a restart changes nothing."""
    registry = CollectorRegistry()
    metrics = ScheduleMetrics(registry)

    def shown(now: datetime) -> tuple[float | None, float | None]:
        with engine.connect() as connection:
            metrics.show(last_made(connection), outstanding(connection, schedule(), BOTH, now))
        return (
            registry.get_sample_value("datashare_report_due_timestamp_seconds", {"period": "month"}),
            registry.get_sample_value("datashare_report_last_success_timestamp_seconds"),
        )

    assert shown(local("2026-11-02T09:00")) == (local("2026-11-02T08:00").timestamp(), None)
    noting(engine, "2026-10", "first", NATIONAL, "2026-11-02T09:01")
    noting(engine, "2026-10", "first", CARD, "2026-11-02T09:02")
    assert shown(local("2026-11-02T09:03")) == (None, local("2026-11-02T09:02").timestamp())
    assert registry.get_sample_value("datashare_report_runs_total", {"outcome": "failed"}) == 0
