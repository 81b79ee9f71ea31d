"""The periods that reports are about: a month, a quarter, an ISO week or a year, cut in local time."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, Self, get_args
from zoneinfo import ZoneInfo

from monitor.errors import UsageProblem
from monitor.reports.figures import Text

Kind = Literal["month", "quarter", "week", "year"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FIRST_YEAR, LAST_YEAR = 2000, 2099  # what lies outside is a slip of the keyboard

_FORMS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("month", re.compile(r"(\d{4})-(0[1-9]|1[0-2])")),
    ("quarter", re.compile(r"(\d{4})-Q([1-4])")),
    ("week", re.compile(r"(\d{4})-W(0[1-9]|[1-4]\d|5[0-3])")),
    ("year", re.compile(r"(\d{4})()")),
)
_ROMAN = ("I", "II", "III", "IV")  # quarters are written so in Vietnamese papers
_A_DAY = timedelta(days=1)
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Period:
    """One period; `number` counts months, quarters or weeks of the year, and is 0 for the year itself.

    Weeks are those of ISO 8601: they begin on Mondays, and the first has the year's first Thursday.
    """

    year: int
    kind: Kind
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 2026-10, 2026-Q4, 2026-W41 or 2026. Raises UsageProblem that shows the accepted forms."""
        for kind, form in _FORMS:
            if found := form.fullmatch(text):
                period = cls(int(found[1]), kind, int(found[2] or 0))
                if not FIRST_YEAR <= period.year <= LAST_YEAR:
                    raise UsageProblem(f"period {text}: years from {FIRST_YEAR} to {LAST_YEAR} are accepted")
                if kind == "week" and period.number > _weeks_of(period.year):
                    raise UsageProblem(f"period {text}: {period.year} has {_weeks_of(period.year)} weeks")
                return period
        raise UsageProblem(
            f"period {text!r}: expected a month (2026-10), a quarter (2026-Q4), an ISO week (2026-W41) "
            "or a year (2026)"
        )

    @classmethod
    def month_of(cls, day: date) -> Self:
        """The month that a local day is in."""
        return cls(day.year, "month", day.month)

    @property
    def key(self) -> str:
        """As `parse` reads it."""
        match self.kind:
            case "month":
                return f"{self.year}-{self.number:02}"
            case "quarter":
                return f"{self.year}-Q{self.number}"
            case "week":
                return f"{self.year}-W{self.number:02}"
            case _:
                return str(self.year)

    @property
    def first_day(self) -> date:
        """The first local day."""
        match self.kind:
            case "month":
                return date(self.year, self.number, 1)
            case "quarter":
                return date(self.year, self.number * 3 - 2, 1)
            case "week":
                return date.fromisocalendar(self.year, self.number, 1)
            case _:
                return date(self.year, 1, 1)

    @property
    def last_day(self) -> date:
        """The last local day, which still belongs to it."""
        match self.kind:
            case "month":
                return _end_of_month(self.year, self.number)
            case "quarter":
                return _end_of_month(self.year, self.number * 3)
            case "week":
                return date.fromisocalendar(self.year, self.number, 7)
            case _:
                return date(self.year, 12, 31)

    @property
    def previous(self) -> Self:
        """The period of the same kind just before."""
        return self.at(self.first_day - _A_DAY)

    @property
    def following(self) -> Self:
        """The period of the same kind just after."""
        return self.at(self.last_day + _A_DAY)

    @property
    def year_ago(self) -> Self | None:
        """The same period of the year before; None for a week 53 of which that year has none."""
        if self.kind == "week" and self.number > _weeks_of(self.year - 1):
            return None
        return type(self)(self.year - 1, self.kind, self.number)

    @property
    def label(self) -> Text:
        """Its name within a sentence: October 2026; tháng 10 năm 2026."""
        year, number = self.year, self.number
        match self.kind:
            case "month":
                return Text(en=f"{calendar.month_name[number]} {year}", vi=f"tháng {number} năm {year}")
            case "quarter":
                return Text(en=f"Q{number} {year}", vi=f"quý {_ROMAN[number - 1]} năm {year}")
            case "week":
                return Text(en=f"week {number} of {year}", vi=f"tuần {number} năm {year}")
            case _:
                return Text(en=f"{year}", vi=f"năm {year}")

    def begins(self, zone: ZoneInfo) -> datetime:
        """The moment (UTC) with which its first local day begins."""
        return _midnight(self.first_day, zone)

    def ends(self, zone: ZoneInfo) -> datetime:
        """The moment (UTC) with which its last local day ends: the first that no longer belongs to it."""
        return _midnight(self.last_day + _A_DAY, zone)

    def at(self, day: date) -> Self:
        """The period of the same kind that a local day is in."""
        match self.kind:
            case "month":
                return type(self)(day.year, "month", day.month)
            case "quarter":
                return type(self)(day.year, "quarter", (day.month + 2) // 3)
            case "week":
                year, week, _ = day.isocalendar()
                return type(self)(year, "week", week)
            case _:
                return type(self)(day.year, "year", 0)


@dataclass(frozen=True, slots=True)
class Span:
    """UTC hours from `begins` to before `ends` in epoch seconds, cut into the local days they lie in."""

    begins: int
    ends: int
    zone: ZoneInfo

    @classmethod
    def of(cls, period: Period, zone: ZoneInfo, until: datetime | None = None) -> Self:
        """The hours of a period; with `until`, only those up to the end of the hour that it is in."""
        begins, ends = int(period.begins(zone).timestamp()), int(period.ends(zone).timestamp())
        if until is not None:
            # A full hour is not yet the next one's: at 08:00 sharp hour 7 is the last.
            ends = max(min(ends, -(-int(until.timestamp()) // _HOUR_S) * _HOUR_S), begins)
        return cls(begins, ends, zone)

    @property
    def hours(self) -> int:
        """How many hours."""
        return (self.ends - self.begins) // _HOUR_S

    def first_hours(self, hours: int) -> Self:
        """Its first so many hours, or all where it has fewer."""
        return type(self)(self.begins, min(self.ends, self.begins + hours * _HOUR_S), self.zone)

    def days(self) -> list[tuple[date, int, int]]:
        """Each local day with its first hour and the hour before which it ends, in epoch seconds."""
        found = []
        day = datetime.fromtimestamp(self.begins, self.zone).date()
        begins = self.begins
        while begins < self.ends:
            ends = min(int(_midnight(day + _A_DAY, self.zone).timestamp()), self.ends)
            if ends > begins:
                found.append((day, begins, ends))
            begins, day = ends, day + _A_DAY
        return found


def _weeks_of(year: int) -> int:
    # The 28th of December is always in the last week.
    return date(year, 12, 28).isocalendar().week


def _end_of_month(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone).astimezone(UTC)
