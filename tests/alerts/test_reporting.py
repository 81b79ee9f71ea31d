"""What a report says of security is what the tables of alerts, incidents, risk and events hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Table, insert

from alerts.incidents.tables import incidents
from alerts.lifecycle.tables import alerts
from alerts.reporting import read_security
from alerts.risk.tables import risk
from monitor.reports.model import SecurityPart
from monitor.reports.period import Period, Span
from monitor.reports.security import Asked, security_reader
from monitor.storage.tables import security_counts
from tests.builders import ZONE
from tests.monitor.reports.ledgers import database

OCTOBER = Span.of(Period.parse("2026-10"), ZONE)
SEPTEMBER = Span.of(Period.parse("2026-09"), ZONE)
BEGINS = datetime(2026, 9, 30, 17, tzinfo=UTC)
ENDS = datetime(2026, 10, 31, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    with database(request.param, request, tmp_path) as held:
        yield held


def write(engine: Engine, table: Table, **values: Any) -> None:
    """A row; what is not given is 0, empty or absent."""
    row = {
        column.name: None if column.nullable else (0 if column.type.python_type in (int, bool) else "")
        for column in table.columns
        if column.name not in values
    }
    with engine.begin() as connection:
        connection.execute(insert(table), row | values)


def alert(
    engine: Engine, name: str, opened: datetime, level: int = 4, agency: str = "MOH", **times: Any
) -> None:
    """An alert with the times at which things happened to it."""
    write(
        engine,
        alerts,
        id=name,
        episode=1,
        level=level,
        agency=agency,
        title="Bulk",
        title_vi="Hàng loạt",
        leak=False,
        opened_at=opened,
        changed_at=opened,
        first_time=opened,
        last_time=opened,
        quiet_until=opened,
        count=3,
        **times,
    )


def incident(engine: Engine, name: str, detected: datetime, **values: Any) -> None:
    """An incident whose notice was due 72 hours after its detection."""
    given = {"personal_data": "yes", "status": "open"} | values
    write(
        engine,
        incidents,
        id=name,
        source=name,
        agency="MOH",
        tier=4,
        kind="incident",
        what="Lộ dữ liệu",
        detected_at=detected,
        due_at=detected + 72 * HOUR,
        running_since=detected,
        opened_at=detected,
        updated_at=detected,
        **given,
    )


def read(engine: Engine, agency: str | None = None, now: datetime = ENDS + HOUR) -> SecurityPart:
    """What a report of October would say."""
    asked = Asked(
        span=OCTOBER,
        before=SEPTEMBER,
        year_ago=None,
        agency=agency,
        canonical={"MOH": "MOH", "OLD-M": "MOH", "MPS": "MPS"},
        half_life=timedelta(hours=24),
        now=now,
    )
    with engine.connect() as connection:
        return read_security(connection, asked)


def test_reports_find_who_can_answer() -> None:
    """By the entry point, as the command does."""
    assert security_reader() is read_security


def test_alerts_are_counted_where_things_happened_to_them(engine: Engine) -> None:
    """Opened, acknowledged and resolved within the hours; open at the end; times of those opened in them."""
    alert(engine, "a", BEGINS, acknowledged_at=BEGINS + 10 * HOUR, resolved_at=BEGINS + 20 * HOUR)
    alert(engine, "b", BEGINS + HOUR, acknowledged_at=BEGINS + 3 * HOUR)
    alert(engine, "c", ENDS - HOUR, acknowledged_at=ENDS + HOUR)
    alert(engine, "d", BEGINS - HOUR, acknowledged_at=BEGINS + HOUR, resolved_at=ENDS)
    alert(engine, "e", BEGINS - 9 * HOUR, resolved_at=BEGINS - HOUR)
    alert(engine, "f", ENDS)
    alert(engine, "g", BEGINS + HOUR, level=2, agency="OLD-M")
    found = read(engine)
    high = next(tier for tier in found.tiers if tier.level == 4)
    assert (high.opened.now, high.opened.before) == (3, 2)
    assert (high.acknowledged, high.resolved, high.open_at_end) == (3, 1, 3)
    assert high.median_acknowledge_s == 6 * 3600  # of ten hours and two
    assert (found.acknowledged.numerator, found.acknowledged.denominator) == (2, 4)
    assert [row.alert for row in found.open_alerts] == ["d/1", "b/1", "c/1", "g/1"]
    assert found.open_alerts[2].acknowledged is None
    assert [tier.level for tier in found.tiers] == [5, 4, 3, 2, 1]
    assert read(engine, "MPS").open_alerts == ()
    assert [row.agency for row in read(engine, "MOH").open_alerts] == ["MOH"] * 4


def test_the_72_hours_are_kept_or_not_or_still_running(engine: Engine) -> None:
    """By the end of the period; where no notice is due there is nothing to keep."""
    incident(engine, "I-kept", BEGINS, notified_at=BEGINS + 71 * HOUR, status="notified")
    incident(engine, "I-exactly", BEGINS, notified_at=BEGINS + 72 * HOUR, status="closed")
    incident(engine, "I-late", BEGINS, notified_at=BEGINS + 73 * HOUR, status="notified")
    incident(engine, "I-missed", BEGINS)
    incident(engine, "I-running", ENDS - HOUR)
    incident(engine, "I-none", BEGINS, personal_data="no")
    incident(engine, "I-not", BEGINS, status="not-notifiable")
    incident(engine, "I-early", BEGINS - 80 * HOUR, notified_at=BEGINS - HOUR, status="closed")
    incident(engine, "I-carried", BEGINS - 10 * HOUR, notified_at=BEGINS + HOUR, status="notified")
    found = read(engine)
    assert {row.incident: row.in_time for row in found.incidents} == {
        "I-carried": True,
        "I-kept": True,
        "I-exactly": True,
        "I-late": False,
        "I-missed": False,
        "I-running": None,
        "I-none": None,
        "I-not": None,
    }
    kept = found.notified_in_time
    assert (kept.numerator, kept.denominator) == (3, 5)
    assert kept.before is not None
    assert (kept.before.numerator, kept.before.denominator) == (0, 1)  # I-early was notified after 79 hours
    running = next(row for row in found.incidents if row.incident == "I-running")
    assert running.hours == 1.0


def test_a_notice_that_was_given_before_the_period_in_which_its_time_ended_counts_in_that(
    engine: Engine,
) -> None:
    """Notified within hours, three days before a month ends, it would count in neither."""
    incident(engine, "I-quick", BEGINS - 10 * HOUR, notified_at=BEGINS - 5 * HOUR, status="notified")
    incident(engine, "I-ended", BEGINS - 72 * HOUR, notified_at=BEGINS - 60 * HOUR, status="notified")
    incident(engine, "I-decided", BEGINS - 10 * HOUR, status="not-notifiable")
    found = read(engine)
    assert [(row.incident, row.in_time) for row in found.incidents] == [("I-quick", True)]
    share = found.notified_in_time
    assert (share.numerator, share.denominator) == (1, 1)
    assert share.before is not None
    assert (share.before.numerator, share.before.denominator) == (1, 1)  # I-ended, at its last moment


def test_risk_is_told_at_the_end_and_at_its_highest(engine: Engine) -> None:
    """From what was detected up to each moment, under present codes; what came after counts in nothing."""
    for n, (last, agency, count) in enumerate(
        [
            (datetime(2026, 10, 24, 12, tzinfo=UTC), "MOH", 100),
            (datetime(2026, 10, 30, 12, tzinfo=UTC), "OLD-M", 1),
            (ENDS + HOUR, "MOH", 100),
        ]
    ):
        day = (last - datetime(1970, 1, 1, tzinfo=UTC)).days
        write(
            engine,
            risk,
            day=day,
            agency=agency,
            rule=f"rule-{n}",
            topic="t",
            partition=0,
            weight=60,
            count=count,
            last_time=last,
        )
    (row,) = read(engine).risk
    assert (row.agency, row.detections, row.rules) == ("MOH", 101, ("rule-0", "rule-1"))
    assert row.highest_day == date(2026, 10, 24)
    assert 0 < row.score < row.highest < 100
    assert read(engine, "MPS").risk == ()


def test_detections_that_were_forgotten_are_told(engine: Engine) -> None:
    """They are kept for ten half-lives; later than that, risk of the period is not known any more."""
    assert read(engine, now=BEGINS + HOUR).risk_from is None
    assert read(engine, now=ENDS).risk_from == datetime(2026, 10, 21, tzinfo=UTC)
    assert read(engine, now=ENDS + timedelta(days=30)).risk_from == ENDS


def test_security_events_are_summed_by_kind_and_severity(engine: Engine) -> None:
    """Over partitions and agencies, now and before; kinds that came before only are there with zero."""
    for hour, agency, kind, partition, count in (
        (OCTOBER.begins, "MOH", "login_failed", 0, 5),
        (OCTOBER.begins, "OLD-M", "login_failed", 1, 7),
        (OCTOBER.ends - 3600, "MPS", "export", 0, 1),
        (OCTOBER.ends, "MPS", "export", 0, 100),
        (SEPTEMBER.begins, "MPS", "log_gap", 0, 2),
    ):
        write(
            engine,
            security_counts,
            hour=hour,
            agency=agency,
            kind=kind,
            severity=3,
            topic="s",
            partition=partition,
            count=count,
            last_time=BEGINS,
        )
    counts = {row.kind: (row.count.now, row.count.before) for row in read(engine).events}
    assert counts == {"login_failed": (12, 0), "export": (1, 0), "log_gap": (0, 2)}
    assert [(row.kind, row.count.now) for row in read(engine, "MOH").events] == [("login_failed", 12)]


def test_nothing_known_is_not_scored(engine: Engine) -> None:
    """No alerts and no incidents are no hundred per cent."""
    found = read(engine)
    assert (found.acknowledged.scored, found.acknowledged.reason) == (False, "no_alerts")
    assert (found.notified_in_time.scored, found.notified_in_time.reason) == (False, "no_incidents")
