"""Periods: how they are written, where they begin and end in local time, and what they are compared with."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from monitor.errors import UsageProblem
from monitor.reports.period import Period, Span
from tests.builders import ZONE

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "first", "last", "previous", "year_ago", "vi", "en"),
    [
        ("2026-10", "2026-10-01", "2026-10-31", "2026-09", "2025-10", "tháng 10 năm 2026", "October 2026"),
        ("2026-01", "2026-01-01", "2026-01-31", "2025-12", "2025-01", "tháng 1 năm 2026", "January 2026"),
        ("2028-02", "2028-02-01", "2028-02-29", "2028-01", "2027-02", "tháng 2 năm 2028", "February 2028"),
        ("2026-Q4", "2026-10-01", "2026-12-31", "2026-Q3", "2025-Q4", "quý IV năm 2026", "Q4 2026"),
        ("2026-Q1", "2026-01-01", "2026-03-31", "2025-Q4", "2025-Q1", "quý I năm 2026", "Q1 2026"),
        (
            "2026-W41",
            "2026-10-05",
            "2026-10-11",
            "2026-W40",
            "2025-W41",
            "tuần 41 năm 2026",
            "week 41 of 2026",
        ),
        ("2027-W01", "2027-01-04", "2027-01-10", "2026-W53", "2026-W01", "tuần 1 năm 2027", "week 1 of 2027"),
        ("2026", "2026-01-01", "2026-12-31", "2025", "2025", "năm 2026", "2026"),
    ],
)
def test_periods_are_local_days_with_neighbours(
    text: str, first: str, last: str, previous: str, year_ago: str, vi: str, en: str
) -> None:
    """Each form gives its days, its name in both languages, the period before and that of a year ago."""
    period = Period.parse(text)
    assert (str(period.first_day), str(period.last_day)) == (first, last)
    assert period.key == text
    assert period.previous.key == previous
    assert period.previous.following == period
    assert period.year_ago is not None
    assert period.year_ago.key == year_ago
    assert (period.label.vi, period.label.en) == (vi, en)


def test_a_week_53_has_no_counterpart_in_a_year_without_one() -> None:
    """2026 has 53 ISO weeks and 2025 has 52."""
    assert Period.parse("2026-W53").year_ago is None


@pytest.mark.parametrize(
    "text",
    ["2026-13", "2026-00", "26-10", "2026-Q5", "2025-W53", "2026-W00", "1999", "oct", "2026-10 ", "2026-1"],
)
def test_other_forms_are_refused(text: str) -> None:
    """The message says what was typed."""
    with pytest.raises(UsageProblem, match="period"):
        Period.parse(text)


def test_hours_are_those_of_the_zone() -> None:
    """A month in Hanoi begins at 17:00 UTC of the day before."""
    span = Span.of(Period.parse("2026-10"), ZONE)
    assert datetime.fromtimestamp(span.begins, UTC) == datetime(2026, 9, 30, 17, tzinfo=UTC)
    assert span.hours == 31 * 24
    assert [day for day, _, _ in span.days()] == [date(2026, 10, n) for n in range(1, 32)]


def test_days_on_which_clocks_change_have_another_length() -> None:
    """October in Berlin has an hour more; its days still follow each other without a gap."""
    days = Span.of(Period.parse("2026-10"), BERLIN).days()
    lengths = {day: (ends - begins) // 3600 for day, begins, ends in days}
    assert lengths[date(2026, 10, 25)] == 25
    assert sum(lengths.values()) == 31 * 24 + 1
    assert all(one[2] == other[1] for one, other in pairwise(days))


@pytest.mark.parametrize(("minute", "hours"), [(0, 24), (1, 25)])
def test_a_running_period_ends_with_the_hour_that_runs(minute: int, hours: int) -> None:
    """At midnight the day is full; a minute later an hour more has begun."""
    until = datetime(2026, 10, 1, 17, minute, tzinfo=UTC)
    span = Span.of(Period.parse("2026-10"), ZONE, until)
    assert span.hours == hours
    assert Span.of(Period.parse("2026-09"), ZONE).first_hours(span.hours).hours == hours
