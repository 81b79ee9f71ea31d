"""How values of tables are written on a page, and what a sheet gets in their place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import assert_never

from monitor.reports.layout.blocks import As, Kind, Missing, Value
from monitor.reports.texts import Texts

NOTHING = "–"
_US_PER_MS = 1000


def shown(value: Value, kind: Kind, texts: Texts) -> str:
    """A value as the language writes it; a dash for None, the words of what is missing."""
    if isinstance(value, As):
        return shown(value.value, value.kind, texts)
    if value is None:
        return NOTHING
    if isinstance(value, Missing):
        return value.words
    if isinstance(value, datetime):
        return short_moment(value, texts)
    if isinstance(value, date):
        return f"{value.day:02}/{value.month:02}/{value.year}"
    if isinstance(value, str):
        return value
    match kind:
        case "percent":
            return texts.percent(value)
        case "change":
            return texts.signed_percent(value)
        case "places":
            return places(int(value))
        case "points":
            return texts.number(value, 1)
        case "us":
            return texts.milliseconds(value)
        case "seconds":
            return texts.seconds(value)
        case "size":
            return texts.size(value)
        case "count" | "text" | "code" | "day" | "moment":
            return texts.number(value)
        case other:
            assert_never(other)


def places(gained: int) -> str:
    """Ranks gained or lost: ▲2, ▼1, = for none."""
    return f"▲{gained}" if gained > 0 else f"▼{-gained}" if gained < 0 else "="


def short_moment(value: datetime, texts: Texts) -> str:
    """A moment in local time, short enough for a column: 31/10/2026 15:04 in both languages."""
    return f"{value.astimezone(texts.zone):%d/%m/%Y %H:%M}"


def for_sheet(value: Value, kind: Kind, texts: Texts) -> str | int | float | date | datetime | None:
    """What a cell of a sheet holds: numbers as numbers (durations of exchanges in milliseconds), local times
    without a zone, as sheets know none.
    """
    if isinstance(value, As):
        return for_sheet(value.value, value.kind, texts)
    if isinstance(value, Missing):
        return value.words
    if isinstance(value, datetime):
        local = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return local.astimezone(texts.zone).replace(tzinfo=None)
    if kind == "us" and isinstance(value, (int, float)):
        return value / _US_PER_MS
    return value
