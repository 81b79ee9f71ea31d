"""Which hour of the week an hour is: slots in local time, and the days that are like no other."""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from monitor.calendar.special import special_days

__all__ = [
    "DAY_HOURS",
    "HISTORY_WEEKS",
    "HOUR_MS",
    "WEEK_DAYS",
    "WEEK_HOURS",
    "Calendar",
    "Season",
    "alike",
    "neighbours",
    "special_days",
    "words",
]

HOUR_MS: Final = 3_600_000
DAY_HOURS: Final = 24
WEEK_HOURS: Final = 168
WEEK_DAYS: Final = 7
HISTORY_WEEKS: Final = 8
"""How many weeks back a slot is compared with: long enough for a median that three odd weeks cannot move,
short enough that what changed for good is usual after a month."""

_SATURDAY: Final = 5
_WORDS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MONDAY = date(1969, 12, 29).toordinal()
_REMEMBERED = 4 * WEEK_HOURS  # hours and (week, day) pairs whose answers are kept; then asked anew


class Season(NamedTuple):
    """Where an hour stands: `week` counts weeks (Monday first; week 0 holds 1 January 1970), `slot` is the
    hour of the week (0 is Monday 0:00 local time), `special` says that the day is compared with no other."""

    week: int
    slot: int
    special: bool


class Calendar:
    """Hours of the week in one zone.

    `special` holds the local dates that are a season of their own: public holidays, and weekend days that
    are worked in exchange. They are left out: nothing is learned from them, and nothing is found missing on
    them. Daylight saving time is taken as the clock shows it: one slot has no hour, one has two.
    """

    def __init__(self, zone: ZoneInfo, special: Container[date] = ()) -> None:
        self._zone = zone
        self._special = special
        self._seasons: dict[int, Season] = {}
        self._weeks: dict[tuple[int, int], tuple[int, ...]] = {}

    def season(self, hour: int) -> Season:
        """Where an hour (whole hours since 1970, UTC) stands."""
        known = self._seasons.get(hour)
        if known is None:
            local = (_EPOCH + timedelta(hours=hour)).astimezone(self._zone)
            day = local.date()
            week, weekday = divmod(day.toordinal() - _FIRST_MONDAY, WEEK_DAYS)
            known = Season(week, weekday * DAY_HOURS + local.hour, day in self._special)
            if len(self._seasons) >= _REMEMBERED:
                self._seasons.clear()
            self._seasons[hour] = known
        return known

    def weeks(self, week: int, slot: int) -> tuple[int, ...]:
        """The HISTORY_WEEKS before `week`, latest first, without those in which the slot's day is special."""
        key = (week, slot // DAY_HOURS)
        known = self._weeks.get(key)
        if known is None:
            known = tuple(
                one
                for one in range(week - 1, week - 1 - HISTORY_WEEKS, -1)
                if date.fromordinal(_FIRST_MONDAY + one * WEEK_DAYS + key[1]) not in self._special
            )
            if len(self._weeks) >= _REMEMBERED:
                self._weeks.clear()
            self._weeks[key] = known
        return known


def neighbours(slot: int) -> tuple[int, ...]:
    """The hours beside a slot on the same day."""
    hour = slot % DAY_HOURS
    return tuple(slot + step for step in (-1, 1) if 0 <= hour + step < DAY_HOURS)


def alike(slot: int) -> tuple[int, ...]:
    """The same hour on all days of the same kind (Monday to Friday, or the weekend), the slot included."""
    hour = slot % DAY_HOURS
    working = slot < _SATURDAY * DAY_HOURS
    days = range(_SATURDAY) if working else range(_SATURDAY, WEEK_DAYS)
    return tuple(day * DAY_HOURS + hour for day in days)


def words(slot: int) -> str:
    """A slot as people say it: `Monday 09:00`."""
    day, hour = divmod(slot, DAY_HOURS)
    return f"{_WORDS[day]} {hour:02d}:00"
