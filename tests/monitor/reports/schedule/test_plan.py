"""When reports are due: working days, holidays, the zone, and only the latest period of a kind."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from monitor.calendar.file import CalendarDays
from monitor.calendar.working import WorkingDays
from monitor.errors import UsageProblem
from monitor.reports.period import Kind, Period
from monitor.reports.schedule.plan import Issue, Schedule
from monitor.settings import load_settings
from tests.builders import ZONE


def schedule(**changes: Any) -> Schedule:
    """Monthly, at eight in the morning, and again after five working days."""
    given: dict[str, Any] = {
        "kinds": ("month",),
        "at": time(8),
        "again_after": 5,
        "days": WorkingDays(),
        "zone": ZONE,
    }
    return Schedule(**{**given, **changes})


def local(text: str) -> datetime:
    """A local time of the zone, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("period", "issue", "since"),
    [
        ("2026-09", "first", "2026-10-01T08:00"),
        ("2026-10", "first", "2026-11-02T08:00"),  # the first of November is a Sunday
        ("2026-12", "first", "2027-01-04T08:00"),  # New Year, then a weekend
        ("2026-01", "first", "2026-02-02T08:00"),
        ("2026", "first", "2027-01-04T08:00"),
        ("2026-Q3", "first", "2026-10-01T08:00"),
        ("2026-W41", "first", "2026-10-12T08:00"),
        ("2026-10", "again", "2026-11-09T08:00"),
        ("2026-04", "first", "2026-05-04T08:00"),  # Labour Day is a Friday
    ],
)
def test_a_report_is_due_on_a_working_day_after_its_period(period: str, issue: Issue, since: str) -> None:
    """The first of them, or as many later as were set; at a local time of day."""
    assert schedule().since(Period.parse(period), issue) == local(since)


def test_days_that_people_exchange_count() -> None:
    """A day off of the calendar file puts the report off."""
    days = WorkingDays(CalendarDays(off=(date(2026, 11, 2),)))
    assert schedule(days=days).since(Period.parse("2026-10"), "first") == local("2026-11-03T08:00")


def test_at_once_is_a_minute_after_the_end_whatever_day_it_is() -> None:
    """And again after working days all the same, at their beginning."""
    at_once = schedule(at=None)
    assert at_once.since(Period.parse("2026-10"), "first") == local("2026-11-01T00:01")
    assert at_once.since(Period.parse("2026-10"), "again") == local("2026-11-09T00:00")


@pytest.mark.parametrize(
    ("now", "kind", "issue", "found"),
    [
        ("2026-11-02T07:59", "month", "first", "2026-09"),
        ("2026-11-02T08:00", "month", "first", "2026-10"),
        ("2026-11-30T23:59", "month", "first", "2026-10"),
        ("2026-11-09T07:59", "month", "again", "2026-09"),
        ("2026-11-09T08:00", "month", "again", "2026-10"),
        ("2027-01-04T08:00", "year", "first", "2026"),
        ("2026-11-02T08:00", "quarter", "first", "2026-Q3"),
    ],
)
def test_the_latest_period_whose_time_has_come_is_due(now: str, kind: Kind, issue: Issue, found: str) -> None:
    """Not the one that has ended and still waits for its working day."""
    due = schedule().latest(kind, issue, local(now))
    assert due is not None
    assert (due.period.key, due.issue) == (found, issue)
    assert due.since <= local(now)


def test_the_longest_wait_finds_its_week() -> None:
    """Sixty working days behind, with the new year's holidays among them."""
    due = schedule(again_after=60).latest("week", "again", local("2026-04-30T08:00"))
    assert due is not None
    following = schedule(again_after=60).since(due.period.following, "again")
    assert following is not None
    assert following > local("2026-04-30T08:00")


def test_without_a_wait_nothing_is_made_again() -> None:
    """It is off unless it is asked for."""
    assert schedule(again_after=None).latest("month", "again", local("2026-11-30T08:00")) is None


def test_settings_make_a_schedule() -> None:
    """Each kind once; `at-once` is no time of day."""
    settings = load_settings(report_schedule="month,year,month", report_folder="out", report_time="at-once")
    made = Schedule.of(settings)
    assert (made.kinds, made.at, made.again_after) == (("month", "year"), None, None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"report_schedule": "month"}, "MONITOR_REPORT_SCHEDULE needs MONITOR_REPORT_FOLDER"),
        ({"report_schedule": "monthly", "report_folder": "out"}, "MONITOR_REPORT_SCHEDULE"),
        ({"report_time": "8:00"}, "MONITOR_REPORT_TIME"),
        ({"report_reissue_after": 0}, "MONITOR_REPORT_REISSUE_AFTER"),
        ({"report_languages": "fr"}, "MONITOR_REPORT_LANGUAGES"),
        ({"report_formats": ""}, "MONITOR_REPORT_FORMATS"),
    ],
)
def test_settings_that_make_none_are_refused(given: dict[str, Any], message: str) -> None:
    """By the name of the variable."""
    with pytest.raises(UsageProblem, match=message):
        load_settings(**given)
