"""Hours of the week in local time, and days that are like no other."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from alerts.baselines.history import History
from alerts.baselines.season import Calendar, alike, neighbours, special_days, words
from tests.alerts.baselines.making import MONDAY, ZONE, at


def _hour(year: int, month: int, day: int, hour: int) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp()) // 3600


def test_the_week_begins_on_monday_at_midnight_of_the_zone() -> None:
    """17:00 UTC on a Sunday is Monday in Hanoi."""
    calendar = Calendar(ZONE)
    sunday, monday = calendar.season(MONDAY - 1), calendar.season(MONDAY)
    assert (sunday.slot, monday.slot) == (167, 0)
    assert monday.week == sunday.week + 1
    assert words(calendar.season(at(0, 2, 9)).slot) == "Wednesday 09:00"


def test_a_slot_is_what_the_clock_shows_when_clocks_change() -> None:
    """Tallinn, 29 March 2026: there is no 03:00; the hour after 02:00 is 04:00."""
    calendar = Calendar(ZoneInfo("Europe/Tallinn"))
    slots = [calendar.season(_hour(2026, 3, 29, 0) + step).slot - 6 * 24 for step in range(2)]
    assert slots == [2, 4]


def test_neighbours_do_not_cross_midnight_and_like_days_do_not_cross_the_weekend() -> None:
    """Pooling never mixes a working day with a Sunday."""
    assert neighbours(9) == (8, 10)
    assert neighbours(24) == (25,)
    assert neighbours(23) == (22,)
    assert alike(9) == (9, 33, 57, 81, 105)
    assert alike(6 * 24 + 3) == (123, 147)


def test_vietnamese_holidays_and_worked_weekends_are_special() -> None:
    """National Day, Lunar New Year, and a Saturday worked in exchange for a Monday."""
    days = special_days()
    assert date(2026, 9, 2) in days
    assert date(2026, 2, 17) in days
    assert date(2026, 8, 22) in days
    assert date(2026, 8, 21) not in days


def test_weeks_whose_day_was_special_are_left_out() -> None:
    """The same weekday before is compared with, if it was a day like others."""
    calendar = Calendar(ZONE, {date(2026, 5, 13)})  # Wednesday of the first week
    season = calendar.season(at(2, 2, 9))
    assert season.week - 2 not in calendar.weeks(season.week, season.slot)
    assert len(calendar.weeks(season.week, season.slot)) == 7
    assert len(calendar.weeks(season.week, season.slot - 24)) == 8
    assert calendar.season(at(0, 2, 9)).special


def test_a_history_keeps_weeks_apart_in_whatever_order_they_come() -> None:
    """Against a plain dictionary."""
    history = History((100, 0))
    plain: dict[int, int] = {}
    for week, total in ((103, 5), (101, 7), (106, 2), (101, 1), (104, 0), (100, 9)):
        history.add(week, 33, total)
        plain[week] = plain.get(week, 0) + total
    weeks = tuple(range(107, 99, -1))
    assert history.totals(33, weeks) == [plain.get(week, 0) for week in weeks]
    assert [history.at(week, 33) for week in weeks] == history.totals(33, weeks)
    assert history.totals(34, weeks) == [0] * 8


def test_a_history_keeps_nine_weeks_and_forgets_what_is_older() -> None:
    """Old totals cannot come back, and a slot that is not used any more goes."""
    history = History((100, 0))
    for week in range(100, 130):
        history.add(week, 5, week)
    assert history.totals(5, range(129, 119, -1)) == [*range(129, 120, -1), 0]
    history.add(110, 5, 1)
    assert history.at(110, 5) == 0
    assert history.forget(135)
    assert not history.forget(150)


def test_weeks_before_a_group_was_known_are_not_empty_but_unknown() -> None:
    """Known since Wednesday 10:00, it has one Tuesday less than it has Thursdays."""
    history = History((100, 58))
    assert history.totals(24 + 9, (102, 101, 100)) == [0, 0]
    assert history.totals(72 + 9, (102, 101, 100)) == [0, 0, 0]
    assert history.weeks_known(103, 58) == 3
