"""Event times, as they came, on the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor.events.exchange import Time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CALENDAR_END = datetime.max.replace(tzinfo=UTC)


def moment(milliseconds: float) -> datetime:
    """A time given in milliseconds since 1970; beyond the calendar, its end or EPOCH, whichever is nearer."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return CALENDAR_END if milliseconds > 0 else EPOCH


def in_utc(time: Time) -> datetime:
    """An event's time in UTC; one beyond the calendar becomes its end or EPOCH, and so is not counted."""
    if not isinstance(time, datetime):
        return moment(time)
    try:
        return time.astimezone(UTC)
    except OverflowError:
        return CALENDAR_END if time.year > 1 else EPOCH
