"""Numbers, dates and durations as each language writes them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from zoneinfo import ZoneInfo

from monitor.reports.figures import Language

# Thousands and decimal marks; Vietnamese writes 1.234.567,8.
_MARKS: Final[dict[Language, tuple[str, str]]] = {"vi": (".", ","), "en": (",", ".")}
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
MOST_DECIMALS: Final = 4  # of a percentage that is nearly 0 or nearly 100
_SMALL_BYTES: Final = 1000
_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
NO_BREAK: Final = "\u00a0"  # between a number and its unit


def number(value: float | Decimal, language: Language, decimals: int = 0) -> str:
    """A number with so many decimals, halves rounded up: 1234567.8 is 1.234.567,8 in Vietnamese."""
    quantum = Decimal(1).scaleb(-decimals)
    exact = Decimal(value) if isinstance(value, int) else Decimal(str(value))
    thousands, point = _MARKS[language]
    rounded = exact.quantize(quantum, ROUND_HALF_UP)
    text = f"{rounded or abs(rounded):,f}"  # no "-0"
    whole, _, rest = text.partition(".")
    return whole.replace(",", thousands) + (point + rest if rest else "")


def percent(share: float, language: Language, decimals: int = 1) -> str:
    """A share as a percentage; only a whole is written 100, and only nothing is written 0."""
    value = Decimal(str(share)) * 100
    for places in range(decimals, MOST_DECIMALS + 1):
        rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        if rounded == value or rounded not in (0, 100):
            return f"{number(value, language, places)}%"
    edge = Decimal(1).scaleb(-MOST_DECIMALS)
    return (
        f"<{number(edge, language, MOST_DECIMALS)}%"
        if value < 1
        else f">{number(100 - edge, language, MOST_DECIMALS)}%"
    )


def day(value: date, language: Language) -> str:
    """A date: 31/10/2026 in Vietnamese, 31 October 2026 in English."""
    if language == "vi":
        return f"{value.day:02}/{value.month:02}/{value.year}"
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def moment(value: datetime, language: Language, zone: ZoneInfo) -> str:
    """A moment in local time: 15:04 ngày 31/10/2026; 15:04 on 31 October 2026."""
    local = value.astimezone(zone)
    return f"{local:%H:%M} {'ngày' if language == 'vi' else 'on'} {day(local.date(), language)}"


def milliseconds(microseconds: float, language: Language) -> str:
    """A duration of an exchange: 84 ms, 0.4 ms, 12.5 s."""
    if microseconds < 10_000:  # below ten milliseconds a decimal says something
        return f"{number(microseconds / 1000, language, 1)}{NO_BREAK}ms"
    if microseconds < 10_000_000:  # up to ten seconds
        return f"{number(microseconds / 1000, language)}{NO_BREAK}ms"
    return f"{number(microseconds / 1_000_000, language, 1)}{NO_BREAK}{'giây' if language == 'vi' else 's'}"


def seconds(value: float, language: Language) -> str:
    """How long people took: seconds, minutes, hours or days, the two largest that say something."""
    whole = int(value + 0.5)
    names = ("ngày", "giờ", "phút", "giây") if language == "vi" else ("d", "h", "min", "s")
    parts = (
        whole // _DAY_S,
        whole % _DAY_S // _HOUR_S,
        whole % _HOUR_S // _MINUTE_S,
        whole % _MINUTE_S,
    )
    first = next((index for index, part in enumerate(parts) if part), len(parts) - 1)
    shown = [
        f"{number(parts[index], language)}{NO_BREAK}{names[index]}"
        for index in range(first, min(first + 2, len(parts)))
        if parts[index] or index == first
    ]
    return " ".join(shown)


def size(value: float, language: Language) -> str:
    """Bytes in units of a thousand: 84.3 GB."""
    unit = 0
    while value >= _SMALL_BYTES and unit < len(_UNITS) - 1:
        value, unit = value / _SMALL_BYTES, unit + 1
    return f"{number(value, language, 1 if unit else 0)}{NO_BREAK}{_UNITS[unit]}"
