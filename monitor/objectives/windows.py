"""The windows that objectives are kept in, and how they are cut into spans that are summed once."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

HOUR_S: Final = 3600
MONTH: Final = "month"
ROLLING: Final = "30d"
WINDOWS: Final = (MONTH, ROLLING)

RECENT_HOURS: Final = 3
"""Hours that are read again at each refresh, the present one included: nearly all events come within minutes
of their time, and MONITOR_LATE_AFTER is five. What is later is found by reading everything in turn."""

_ROLLING_S: Final = 30 * 24 * HOUR_S


class Span(NamedTuple):
    """UTC hours from `begins` to before `ends`, in epoch seconds; all of them in one local day."""

    begins: int
    ends: int


class Windows(NamedTuple):
    """The hours with which each window begins, and the hour before which both end, in epoch seconds.

    `month` is the local month to date; `rolling` the last 720 closed hours and the one under way, so that
    everything younger than 30 days is in it.
    """

    month: int
    rolling: int
    ends: int

    def begins(self, window: str) -> int:
        """The first hour of a window by its name."""
        return {MONTH: self.month, ROLLING: self.rolling}[window]


def windows_at(now: datetime, zone: ZoneInfo) -> Windows:
    """The windows at a moment (aware)."""
    hour = int(now.timestamp()) // HOUR_S * HOUR_S
    local = now.astimezone(zone)
    return Windows(_midnight(local.date().replace(day=1), zone), hour - _ROLLING_S, hour + HOUR_S)


def spans(windows: Windows, zone: ZoneInfo) -> list[Span]:
    """Cut both windows into spans, oldest first, none across a local midnight or the start of a window.

    Days that ended before the recent hours are one span each, or two where the rolling window begins in
    them; from then on every hour is a span.
    """
    first = min(windows.month, windows.rolling)
    closed = windows.ends - RECENT_HOURS * HOUR_S
    cuts = {first, windows.month, windows.rolling, windows.ends}
    day = datetime.fromtimestamp(first, zone).date() + timedelta(days=1)
    latest = first
    while (midnight := _midnight(day, zone)) <= closed:
        cuts.add(midnight)
        latest = midnight
        day += timedelta(days=1)
    cuts.update(range(latest, windows.ends, HOUR_S))
    ordered = sorted(cuts)
    return [Span(*pair) for pair in pairwise(ordered)]


def _midnight(day: date, zone: ZoneInfo) -> int:
    # Where clocks are put forward at midnight this is the moment of the change; both are whole hours.
    return int(datetime.combine(day, time(0), zone).timestamp())
