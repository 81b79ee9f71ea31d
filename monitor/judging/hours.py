"""Permitted hours of an agreement, cut in local time."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.registry.model import Hours

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTES_A_DAY = 24 * 60


class Opening(NamedTuple):
    """The part of one UTC hour in which use is permitted: seconds after its start, [first, last)."""

    first: float
    last: float

    def covers(self, seconds: float) -> bool:
        """Whether a moment, in seconds after the hour's start, is permitted."""
        return self.first <= seconds < self.last


def opening(hours: Hours, hour: int, zone: ZoneInfo) -> Opening | None:
    """How much of the UTC hour starting at `hour` (epoch seconds) the hours permit; None when all of it.

    Zones have offsets of whole hours (a setting refuses others), so a UTC hour lies within one local day.
    """
    local = datetime.fromtimestamp(hour, zone)
    if _WEEKDAYS[local.weekday()] not in hours.days:
        return Opening(0.0, 0.0)
    begins = local.hour * 60
    opens = hours.start.hour * 60 + hours.start.minute
    closes = _MINUTES_A_DAY if hours.until == time(0) else hours.until.hour * 60 + hours.until.minute
    first = min(max(opens - begins, 0), 60)
    last = min(max(closes - begins, 0), 60)
    if (first, last) == (0, 60):
        return None
    minute = timedelta(minutes=1).total_seconds()
    return Opening(first * minute, last * minute)
