"""Times, spans of time, numbers and foreign text as the notice writes them, in each language. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.incidents.words import Language

_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905  # reads better
)


def moment(time: datetime, zone: ZoneInfo, language: Language) -> str:
    """A point in time, local to the zone, with its offset from UTC: a deadline is one moment for all."""
    local = time.astimezone(zone)
    offset = f"UTC{local:%z}"
    offset = f"{offset[:-2]}:{offset[-2:]}"
    if language == "vi":
        return (
            f"{local.hour:02d} giờ {local.minute:02d} phút, ngày {local.day:02d} tháng {local.month:02d} "
            f"năm {local.year} ({offset})"
        )
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M} ({offset})"


def span(time: timedelta, language: Language) -> str:
    """A span of time in hours and whole minutes, without its sign."""
    hours, minutes = divmod(abs(time) // timedelta(minutes=1), 60)
    if language == "vi":
        return f"{hours} giờ {minutes:02d} phút"
    return f"{hours} hour{'' if hours == 1 else 's'} {minutes:02d} minutes"


def number(value: int, language: Language) -> str:
    """A whole number with its thousands apart: 12.345 in Vietnamese, 12,345 in English."""
    text = f"{value:,}"
    return text.replace(",", ".") if language == "vi" else text


def harmless(text: str) -> str:
    """Text of others as it can be shown: control and direction characters are written out; lines stay."""
    return "\n".join(
        "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
        for line in text.splitlines()
    )
