"""Working days: counting them, and finding the day on which so many have passed."""

from __future__ import annotations

from collections.abc import Container
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from monitor.calendar.file import CalendarDays, read_calendar
from monitor.calendar.special import PublicDays
from monitor.settings import Settings

LONGEST: Final = 10_000  # working days, forty years: more is a mistake and would only cost time
WIDEST: Final = 36_525  # days between two dates, a hundred years, for the same reason
_REMEMBERED: Final = 20_000  # dates whose answer is kept; then asked anew
_DAY: Final = timedelta(days=1)


class WorkingDays:
    """Local dates that are worked: not the weekend, not a public holiday, unless they were exchanged.

    A date is a date of the zone the agencies live in; times are turned into dates by the caller, or by
    `deadline`. Counting follows the rule for limits in days (Civil Code of Vietnam, articles 147 and 148):
    the day of the event itself does not count, and the last day counts as a whole.
    """

    def __init__(self, days: CalendarDays | None = None) -> None:
        self._days = days or CalendarDays()
        self._public = PublicDays(self._days.country)
        self._off, self._worked = frozenset(self._days.off), frozenset(self._days.worked)
        self._known: dict[date, bool] = {}
        self.special: Container[date] = _Special(self._public, self._off, self._worked)

    def is_working(self, day: date) -> bool:
        """Whether a local date is worked."""
        known = self._known.get(day)
        if known is None:
            known = day in self._worked or (day not in self._off and not self._public.is_off(day))
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[day] = known
        return known

    def add(self, day: date, n: int) -> date:
        """The n-th working day after a day; for 0, the first that is the day or after it.

        Raises ValueError for n below 0 or above LONGEST, OverflowError past the end of the calendar.
        """
        return self._step(day, n, _DAY)

    def before(self, day: date, n: int) -> date:
        """The n-th working day before a day; for 0, the last that is the day or before it.

        Raises as `add` does.
        """
        return self._step(day, n, -_DAY)

    def between(self, a: date, b: date) -> int:
        """Count the working days after `a` up to and including `b`; negative where `b` is before `a`.

        So `between(a, add(a, n)) == n`, and swapping the days changes the sign only.
        Raises ValueError for dates more than WIDEST days apart.
        """
        if b < a:
            return -self.between(b, a)
        if (b - a).days > WIDEST:
            raise ValueError(f"{a} and {b} are more than {WIDEST} days apart")
        return sum(self.is_working(a + timedelta(days=step)) for step in range(1, (b - a).days + 1))

    def deadline(self, moment: datetime, n: int, zone: ZoneInfo) -> datetime:
        """The moment at which n working days after a moment have passed: the end of the last local day.

        `moment` is aware; the answer is the midnight with which the day after begins, in `zone`.
        """
        last = self.add(moment.astimezone(zone).date(), n)
        return datetime.combine(last + _DAY, time(0), zone)

    def _step(self, day: date, n: int, step: timedelta) -> date:
        if not 0 <= n <= LONGEST:
            raise ValueError(f"{n} working days: expected 0 to {LONGEST}")
        if n == 0:
            while not self.is_working(day):
                day += step
        while n:
            day += step
            n -= self.is_working(day)
        return day


class _Special(Container[date]):
    """What baselines leave out: the country's special days, and those of the file."""

    def __init__(self, public: PublicDays, *written: frozenset[date]) -> None:
        self._public = public
        self._written = frozenset().union(*written)

    def __contains__(self, day: object) -> bool:
        return day in self._written or day in self._public


def working_days(source: Settings | Path | None = None) -> WorkingDays:
    """The working days of the settings (MONITOR_CALENDAR), of a file, or of the public holidays alone.

    Raises CalendarProblems for a file that cannot be used.
    """
    path = source.calendar if isinstance(source, Settings) else source
    return WorkingDays(read_calendar(path) if path is not None else None)
