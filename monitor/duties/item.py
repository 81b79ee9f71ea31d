"""One thing that an agency must do, by when, and whether it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from monitor.calendar.working import WorkingDays

Duty = Literal["connect", "freshness", "review", "expiry", "default_list_review", "answer"]
DUTIES: tuple[Duty, ...] = get_args(Duty)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class DutyItem:
    """What `agency` must do about `subject` (an agreement, a service, a request, or the agency itself).

    `due` is the moment from which it is overdue: for a limit in days, the local midnight with which the last
    day ends; None where it is not known yet. `days_left` counts local days to the last one, working days
    where `working` says so; 0 on the last day, negative after it, None when it is done or has no due time.
    `level` is the notice an ending agreement has reached: the largest number of days it is within (60, 30,
    7), 0 once it has ended, None before the first. `late` is what was done, but after its time.
    """

    agency: str
    duty: Duty
    subject: str
    due: datetime | None
    done: bool
    overdue: bool
    late: bool
    days_left: int | None
    working: bool = False
    level: int | None = None

    @property
    def on_time(self) -> bool:
        """Neither overdue nor done too late."""
        return not (self.overdue or self.late)


def item(
    agency: str,
    duty: Duty,
    subject: str,
    due: datetime | None,
    *,
    now: datetime,
    zone: ZoneInfo,
    done: bool = False,
    done_at: datetime | None = None,
    calendar: WorkingDays | None = None,
    level: int | None = None,
) -> DutyItem:
    """Make an item of a due time and of what was done; with a `calendar`, its days are working days."""
    left = None
    if due is not None and not done:
        last, today = last_day(due, zone), now.astimezone(zone).date()
        left = calendar.between(today, last) if calendar is not None else (last - today).days
    return DutyItem(
        agency=agency,
        duty=duty,
        subject=subject,
        due=due,
        done=done,
        overdue=not done and due is not None and now >= due,
        late=done and done_at is not None and due is not None and done_at >= due,
        days_left=left,
        working=calendar is not None,
        level=level,
    )


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The local midnight with which a day ends."""
    return datetime.combine(day + timedelta(days=1), time(0), zone)


def last_day(due: datetime, zone: ZoneInfo) -> date:
    """The last local day on which something that is due at a moment is still on time."""
    return (due - _INSTANT).astimezone(zone).date()
