"""The days of a country that are like no other: public holidays, and weekend days worked in exchange."""

from __future__ import annotations

from collections.abc import Container
from datetime import date
from typing import Final

COUNTRY: Final = "VN"


class PublicDays(Container[date]):
    """Public holidays and worked weekends of one country, as the package `holidays` knows them.

    It knows the years from 1901 to 2100; exchanges of days only where they were decreed before its release.
    `in` is true for both kinds of special day. Raises NotImplementedError for a country it does not know.
    """

    def __init__(self, country: str = COUNTRY) -> None:
        import holidays

        self._days = holidays.country_holidays(country)

    def __contains__(self, day: object) -> bool:
        """Whether the day is a holiday or a weekend day that is worked."""
        # Asking for the date first makes the package work out that year, and its worked weekends with it.
        return isinstance(day, date) and (day in self._days or day in self._days.weekend_workdays)

    def is_off(self, day: date) -> bool:
        """Whether nobody has to work: a holiday, or a weekend day that is not worked in exchange."""
        if day in self._days:
            return True
        return day.weekday() in self._days.weekend and day not in self._days.weekend_workdays


def special_days(country: str = COUNTRY) -> Container[date]:
    """The days of a country (ISO 3166 code) that are compared with no other.

    Raises NotImplementedError for a country that is not known.
    """
    return PublicDays(country)
