"""Messages of the catalogue, filled with values that are written as the language writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

from monitor.reports.figures import Language, Share, Text
from monitor.reports.texts import numbers
from monitor.reports.texts.catalogue import CATALOGUE

_UTC = ZoneInfo("UTC")


class Texts:
    """All that is written in a report in one language; times are told in `zone`."""

    def __init__(self, language: Language, zone: ZoneInfo = _UTC) -> None:
        self.language: Language = language
        self.zone = zone
        self._filling = _Filling(self)

    def __call__(self, message: str, /, **values: Any) -> str:
        """A message by its key, filled.

        Whole numbers are grouped, floats have one decimal, shares are percentages, dates and texts are as the
        language has them. `{n:one|many}` chooses by whether n is 1. Raises KeyError for what is not in the
        catalogue, or for a value that is missing.
        """
        return self._filling.vformat(CATALOGUE[message].of(self.language), (), values)

    def name(self, group: str, key: str) -> str:
        """The name of a kind from a closed set, such as a breach; the key itself where there is none."""
        found = CATALOGUE.get(f"{group}.{key}")
        return key if found is None else found.of(self.language)

    def of(self, text: Text | None, otherwise: str = "") -> str:
        """A text in this language."""
        return otherwise if text is None else text.of(self.language)

    def number(self, value: float, decimals: int = 0) -> str:
        """A number with so many decimals."""
        return numbers.number(value, self.language, decimals)

    def percent(self, share: float | None, decimals: int = 1) -> str:
        """A share as a percentage; "not scored" for None."""
        return self("not_scored") if share is None else numbers.percent(share, self.language, decimals)

    def signed_percent(self, share: float | None, decimals: int = 1) -> str:
        """A change with its sign; a dash for None."""
        if share is None:
            return "–"
        sign = "+" if share > 0 else "−" if share < 0 else "±"
        return sign + numbers.percent(abs(share), self.language, decimals)

    def date(self, value: date) -> str:
        """A date."""
        return numbers.day(value, self.language)

    def moment(self, value: datetime) -> str:
        """A moment, in local time."""
        return numbers.moment(value, self.language, self.zone)

    def milliseconds(self, microseconds: float | None) -> str:
        """How long an exchange took; a dash for None."""
        return "–" if microseconds is None else numbers.milliseconds(microseconds, self.language)

    def seconds(self, value: float | None) -> str:
        """How long people took; a dash for None."""
        return "–" if value is None else numbers.seconds(value, self.language)

    def size(self, value: float | None) -> str:
        """Bytes, in a fitting unit; a dash for None."""
        return "–" if value is None else numbers.size(value, self.language)

    def written(self, value: object) -> str:
        """Any value as messages have it."""
        match value:
            case Text():
                return value.of(self.language)
            case Share():
                return self.percent(value.ratio)
            case bool():
                return self("yes" if value else "no")
            case int():
                return self.number(value)
            case float():
                return self.number(value, 1)
            case datetime():
                return self.moment(value)
            case date():
                return self.date(value)
            case _:
                return str(value)


class _Filling(Formatter):
    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Values have names, and nothing is looked up in them: people's words may hold braces."""
        del args
        return kwargs[str(key)]

    def format_field(self, value: Any, format_spec: str) -> str:
        """As the language writes it; with `one|many`, one of the two words."""
        if "|" in format_spec:
            one, many = format_spec.split("|", 1)
            return one if value == 1 else many
        if format_spec == "ms":
            return self._texts.milliseconds(value)
        if format_spec == "s":
            return self._texts.seconds(value)
        if format_spec == "size":
            return self._texts.size(value)
        if format_spec == "change":
            return self._texts.signed_percent(value)
        if format_spec == "plain":
            return str(value)
        return self._texts.written(value)


def both(message: str, zone: ZoneInfo | None = None, /, **values: Any) -> Text:
    """A message in both languages."""
    return Text(
        en=Texts("en", zone or _UTC)(message, **values), vi=Texts("vi", zone or _UTC)(message, **values)
    )
