"""The calendar of the simulated weeks: office rhythm, holidays, ends of months, and a month that sags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.registry.model import Hours
from monitor.simulation.rhythm import WEEK

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
HOUR_MS = 3_600_000
DAY_HOURS = 24
WEEK_HOURS = 168
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SUNDAY = 6

# The Hung Kings' day of 2026 falls on a Sunday, so the Monday after it is free; then Reunification Day and
# Labour Day. Written down here and not taken from the package that the rules use: the truth must not depend
# on what is being tested.
HOLIDAYS = frozenset({date(2026, 4, 27), date(2026, 4, 30), date(2026, 5, 1)})
# How busy a whole week is: the platform's volume once fell by half within a month.
_SWING = (1.0, 1.0, 0.95, 1.0, 1.0, 0.55, 0.8, 1.1)
_HOLIDAY = 0.7  # of a Sunday
_BEFORE_MONTHS_END, _AFTER_A_HOLIDAY = 1.3, 1.25


@dataclass(frozen=True, slots=True)
class Calendar:
    """Hours are counted from `start`, a Monday at midnight in ZONE; the first `history` days are not
    scored.
    """

    start: datetime = datetime(2026, 3, 16, tzinfo=ZONE)
    history: int = 28
    days: int = 56

    @property
    def hours(self) -> range:
        """Every hour."""
        return range(self.days * DAY_HOURS)

    @property
    def scored_from(self) -> int:
        """The first hour after the history."""
        return self.history * DAY_HOURS

    @property
    def scored_days(self) -> int:
        """Days on which alerts are counted."""
        return self.days - self.history

    @property
    def weeks(self) -> int:
        """Weeks that are begun."""
        return -(-self.days // 7)

    def ms(self, hour: float) -> int:
        """The milliseconds since 1970 at an hour, which may be broken."""
        return int(self.start.astimezone(UTC).timestamp() * 1000 + hour * HOUR_MS)

    def day(self, hour: int) -> date:
        """The local day of an hour. ZONE has no summer time."""
        return self.start.date() + timedelta(hours=hour)

    def is_off(self, hour: int) -> bool:
        """Whether nobody is expected at work: nights, Sundays, holidays."""
        local = hour % DAY_HOURS
        return self.is_free(self.day(hour)) or not 7 <= local < 18

    def is_free(self, day: date) -> bool:
        """Sundays and holidays."""
        return day.weekday() == _SUNDAY or day in HOLIDAYS

    def busy(self, hour: int) -> float:
        """How busy an hour is, relative to the mean of an ordinary week."""
        day, local = self.day(hour), hour % DAY_HOURS
        swing = _SWING[hour // WEEK_HOURS % len(_SWING)]
        if day in HOLIDAYS:
            return WEEK[_SUNDAY * DAY_HOURS + local] * _HOLIDAY * swing
        factor = WEEK[day.weekday() * DAY_HOURS + local] * swing
        if not self.is_free(day):
            if (day + timedelta(days=3)).month != day.month:
                factor *= _BEFORE_MONTHS_END
            if any((day - timedelta(days=back)) in HOLIDAYS for back in (1, 2, 3)):
                factor *= _AFTER_A_HOLIDAY
        return factor


def permits(hours: Hours | None, calendar: Calendar, hour: int) -> bool:
    """Whether an agreement's hours cover a whole hour; they begin and end at half hours, too."""
    if hours is None:
        return True
    local = hour % DAY_HOURS
    until = hours.until.hour or DAY_HOURS
    begins = hours.start.hour + (hours.start.minute > 0)
    return _WEEKDAYS[calendar.day(hour).weekday()] in hours.days and begins <= local < until
