"""Hours that a live topic has counted: history of the same hours would count the same exchanges again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, Table, select

from monitor.errors import MonitorError
from monitor.storage import tables
from monitor.storage.rows import portions
from monitor.xroad.late import LATE

HOUR_S = 3600


class Overlap(MonitorError):
    """History reaches into hours that were counted live; `hours` are some of them (epoch seconds)."""

    def __init__(self, hours: list[int]) -> None:
        super().__init__("history reaches into hours that were counted live")
        self.hours = hours


def refuse_overlap(
    connection: Connection, by_hour: Table, hours: Iterable[int], until: datetime | None
) -> None:
    """Raise Overlap when a live topic has counted any of the hours, but for the one that holds `until`.

    By hours, not by exchanges: the ids of what was counted live are only remembered for a while. Calls over
    X-Road of which one half came late are of no topic, and history may complete them.
    """
    joined = None if until is None else int(until.timestamp()) // HOUR_S * HOUR_S
    asked = sorted(hour for hour in hours if hour != joined)
    for some in portions(asked):
        query = (
            select(by_hour.c.hour)
            .where(
                by_hour.c.hour.in_(some),
                by_hour.c.topic.not_like(f"{tables.FILE_PREFIX}%"),
                by_hour.c.topic != LATE,
            )
            .distinct()
            .order_by(by_hour.c.hour)
        )
        found = list(connection.execute(query).scalars())
        if found:
            raise Overlap(found)


def hour_text(hour: int) -> str:
    """An hour as it can be typed again, in UTC."""
    return datetime.fromtimestamp(hour, UTC).isoformat(timespec="minutes")
