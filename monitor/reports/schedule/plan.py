"""When reports are due: once a period has ended, and again when late data has had its time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal, Self, get_args
from zoneinfo import ZoneInfo

from monitor.calendar.working import WorkingDays, working_days
from monitor.reports.period import Kind, Period
from monitor.settings import Settings

Issue = Literal["first", "again"]
"""The report as it is made when its period has ended, and as it is made again after some working days."""

ISSUES: Final[tuple[Issue, ...]] = get_args(Issue)
AT_ONCE: Final = "at-once"
SETTLED: Final = timedelta(minutes=1)
"""How long after its end a period is summed at once: its last events are on their way and being committed."""

_FURTHEST_BACK: Final = 40  # periods: 60 working days, the longest wait, are some 13 weeks


@dataclass(frozen=True, slots=True)
class Due:
    """One period of which a report is due, and since when."""

    period: Period
    issue: Issue
    since: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which periods are reported on by themselves; `at` is local time, None for as soon as one has ended."""

    kinds: tuple[Kind, ...]
    at: time | None
    again_after: int | None
    days: WorkingDays
    zone: ZoneInfo

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The schedule that settings ask for. Raises CalendarProblems for a calendar that cannot be used."""
        return cls(
            kinds=tuple(dict.fromkeys(settings.report_schedule)),
            at=None if settings.report_time == AT_ONCE else time.fromisoformat(settings.report_time),
            again_after=settings.report_reissue_after,
            days=working_days(settings),
            zone=settings.zone,
        )

    def since(self, period: Period, issue: Issue) -> datetime | None:
        """From when on (UTC) a report on a period is due; None where it is not made again.

        The first is due on the first working day after the period's last day; the second so many working
        days after that, at the same time of day.
        """
        if issue == "again" and self.again_after is None:
            return None
        if issue == "first" and self.at is None:
            return period.ends(self.zone) + SETTLED
        day = self.days.add(period.last_day, 1 + (self.again_after or 0 if issue == "again" else 0))
        return datetime.combine(day, self.at or time(0), self.zone).astimezone(UTC)

    def latest(self, kind: Kind, issue: Issue, now: datetime) -> Due | None:
        """The latest period of a kind whose report is due by now; None where none is.

        Only the latest: a worker that was away for months has one report of a kind to catch up on.
        """
        period = Period(1, kind, 0).at(now.astimezone(self.zone).date())
        for _ in range(_FURTHEST_BACK):
            period = period.previous
            since = self.since(period, issue)
            if since is None:
                return None
            if since <= now:
                return Due(period, issue, since)
        return None
