"""Points in time as people type them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from monitor.errors import UsageProblem

_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def point_in_time(text: str, now: datetime, zone: tzinfo) -> datetime:
    """A time such as `3h` or `2d` before `now`, or a date or time, local to `zone` where it names none.

    Raises UsageProblem.
    """
    if ago := re.fullmatch(r"(\d{1,5})([dhm])", text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        time = datetime.fromisoformat(text)
    except ValueError as why:
        raise UsageProblem(f"{text!r} is no time: expected 2026-10-05, 2026-10-05T08:00, 3h or 2d") from why
    return time if time.tzinfo else time.replace(tzinfo=zone)
