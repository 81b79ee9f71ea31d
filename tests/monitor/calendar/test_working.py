"""Working days in Vietnam: holidays, exchanged days, and counting over them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.calendar.file import CalendarDays, CalendarProblems, read_calendar
from monitor.calendar.working import LONGEST, WIDEST, WorkingDays, working_days
from monitor.settings import load_settings

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DAYS = working_days()
WIDE = st.dates(date(2020, 1, 1), date(2032, 12, 31))


def test_weekends_and_public_holidays_are_not_worked() -> None:
    """Lunar New Year 2026, National Day, and an ordinary week."""
    assert [DAYS.is_working(date(2026, 10, day)) for day in range(5, 12)] == [True] * 5 + [False] * 2
    assert not any(DAYS.is_working(date(2026, 2, day)) for day in range(14, 23))
    assert not DAYS.is_working(date(2026, 9, 2))


def test_a_saturday_worked_for_a_monday_counts() -> None:
    """22 August 2026 is worked, 31 August is free for it."""
    assert DAYS.is_working(date(2026, 8, 22))
    assert not DAYS.is_working(date(2026, 8, 31))


def test_a_limit_in_days_runs_over_the_new_year() -> None:
    """Five working days after Thursday, 12 February 2026 end on Thursday, 26 February: the day of the
    event does not count, nor do the five holidays and two weekends."""
    assert DAYS.add(date(2026, 2, 12), 5) == date(2026, 2, 26)
    assert DAYS.before(date(2026, 2, 26), 5) == date(2026, 2, 12)
    assert DAYS.between(date(2026, 2, 12), date(2026, 2, 26)) == 5
    assert DAYS.between(date(2026, 2, 26), date(2026, 2, 12)) == -5
    assert DAYS.between(date(2026, 2, 14), date(2026, 2, 22)) == 0


def test_no_days_from_a_free_day_reach_the_next_one_that_is_worked() -> None:
    """The Civil Code moves a limit that ends on a free day to the next that is not."""
    assert DAYS.add(date(2026, 10, 10), 0) == date(2026, 10, 12)
    assert DAYS.before(date(2026, 10, 10), 0) == date(2026, 10, 9)
    assert DAYS.add(date(2026, 10, 9), 0) == date(2026, 10, 9)


@given(WIDE, st.integers(1, 300))
def test_adding_counting_and_going_back_agree(day: date, n: int) -> None:
    """What was added is counted again, ends on a worked day, and leads back to where it began."""
    last = DAYS.add(day, n)
    assert DAYS.is_working(last)
    assert DAYS.between(day, last) == n
    assert DAYS.before(last, n) == DAYS.before(day, 0)
    assert DAYS.before(last + timedelta(days=1), 1) == last


@given(WIDE, WIDE, WIDE)
def test_counts_of_neighbouring_spans_add_up(a: date, b: date, c: date) -> None:
    """In any order of the three days."""
    assert DAYS.between(a, b) + DAYS.between(b, c) == DAYS.between(a, c)


def test_a_deadline_is_the_midnight_that_ends_the_last_local_day() -> None:
    """18:00 UTC on a Thursday is Friday in Hanoi: two working days later is Tuesday's end."""
    due = DAYS.deadline(datetime(2026, 10, 8, 18, 0, tzinfo=UTC), 2, ZONE)
    assert due == datetime(2026, 10, 14, 0, 0, tzinfo=ZONE)


@pytest.mark.parametrize("n", [-1, LONGEST + 1])
def test_counts_without_sense_are_refused(n: int) -> None:
    """Neither backwards by a negative count, nor for longer than anything lasts."""
    with pytest.raises(ValueError, match=f"{n} working days: expected 0 to {LONGEST}"):
        DAYS.add(date(2026, 1, 5), n)
    with pytest.raises(ValueError, match="working days"):
        DAYS.before(date(2026, 1, 5), n)


def test_dates_a_calendar_apart_are_refused() -> None:
    """A date such as 9999-12-31 must not keep a worker busy."""
    with pytest.raises(ValueError, match=f"more than {WIDEST} days apart"):
        DAYS.between(date(2026, 1, 1), date.max)


def test_a_file_exchanges_days(tmp_path: Path) -> None:
    """A Friday off for a Saturday; both are special to baselines too."""
    path = tmp_path / "calendar.yaml"
    path.write_text("off: [2026-01-02]\nworked:\n- 2026-01-10  # for the Friday\n", encoding="utf-8")
    days = working_days(load_settings(calendar=path))
    assert not days.is_working(date(2026, 1, 2))
    assert days.is_working(date(2026, 1, 10))
    assert date(2026, 1, 2) in days.special
    assert date(2026, 1, 10) in days.special
    assert date(2026, 9, 2) in days.special
    assert date(2026, 1, 9) not in days.special
    assert DAYS.is_working(date(2026, 1, 2)), "other calendars are left alone"


def test_the_file_wins_over_the_holidays() -> None:
    """Where the program's list is wrong, people correct it."""
    days = WorkingDays(CalendarDays(worked=(date(2026, 9, 1),), off=(date(2026, 8, 22),)))
    assert days.is_working(date(2026, 9, 1))
    assert not days.is_working(date(2026, 8, 22))


def test_the_shipped_file_can_be_read() -> None:
    """As it stands it changes nothing."""
    assert read_calendar(Path("deploy/calendar.yaml")) == CalendarDays()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("worked: [2026-13-01]\n", ":1 worked[0]: expected a date such as 2026-10-01, found '2026-13-01'"),
        ("off: [2026-01-02, 2026-01-02]\n", ":1 off: 2026-01-02 is there twice"),
        (
            "off: [2026-01-02]\nworked: [2026-01-02]\n",
            ":1: 2026-01-02 is under off and under worked; it can be one of them",
        ),
        ("country: XX\n", ":1 country: 'XX' is not accepted: its public holidays are not known"),
        ("country: viet\n", ":1 country: 'viet' is not accepted: two capitals, e.g. VN"),
        ("\nwork: []\n", ":2 work: is not a field; did you mean worked?"),
        ("- 2026-01-02\n", ":1: expected a mapping with off: and worked:; found a list"),
        ("off: [\n", ": is not YAML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    """File, line, field and reason, as for the registry."""
    path = tmp_path / "calendar.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CalendarProblems) as raised:
        read_calendar(path)
    assert f"{path}" in str(raised.value)
    assert told.lstrip(":") in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Not taken for an empty one."""
    with pytest.raises(CalendarProblems, match=r"none\.yaml: is not a file"):
        read_calendar(tmp_path / "none.yaml")
