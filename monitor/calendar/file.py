"""The file in which people write what the public holidays lack: days off, and days worked in exchange."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from monitor.calendar.special import COUNTRY, PublicDays
from monitor.errors import MonitorError
from monitor.registry.documents import Mapping, Unreadable, read_document
from monitor.registry.model import Record
from monitor.registry.problems import Problem
from monitor.registry.records import line_of, written
from monitor.registry.wording import reason_for, shown


class CalendarDays(Record):
    """Dates that differ from the public holidays of a country; an absent list changes nothing."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="two capitals, e.g. VN")] = COUNTRY
    off: Annotated[tuple[date, ...], Field(description="days that are not worked")] = ()
    worked: Annotated[tuple[date, ...], Field(description="days worked, whatever day they are")] = ()

    @field_validator("country")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            PublicDays(value)
        except NotImplementedError as why:
            raise ValueError("its public holidays are not known") from why
        return value

    @field_validator("off", "worked")
    @classmethod
    def _once(cls, days: tuple[date, ...]) -> tuple[date, ...]:
        for index, day in enumerate(days):
            if day in days[:index]:
                raise ValueError(f"{day} is there twice")
        return days

    @model_validator(mode="after")
    def _either(self) -> Self:
        both = sorted(set(self.off) & set(self.worked))
        if both:
            raise ValueError(f"{both[0]} is under off and under worked; it can be one of them")
        return self


class CalendarProblems(MonitorError):
    """A calendar file that cannot be used; `problems` holds everything wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        listed = "\n  ".join(str(problem) for problem in problems)
        super().__init__(f"the calendar has {count}\n  {listed}")


def read_calendar(path: Path) -> CalendarDays:
    """Read a file with `country`, `off` and `worked`. Raises CalendarProblems with all that is wrong."""
    try:
        values = read_document(path)
    except Unreadable as why:
        raise CalendarProblems([Problem(str(path), why.line, "", why.reason)]) from why
    if not isinstance(values, Mapping):
        reason = f"expected a mapping with off: and worked:; found {shown(values)}"
        raise CalendarProblems([Problem(str(path), 1, "", reason)])
    try:
        # JSON, because only there strict is strict: text for dates, lists for tuples.
        return CalendarDays.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as why:
        raise CalendarProblems(list(_problems(path, values, why))) from why


def _problems(path: Path, values: Mapping, why: ValidationError) -> Iterator[Problem]:
    for error in why.errors(include_url=False):
        place = error["loc"]
        # A list is told by what is wrong in it: repeating it as a value would say nothing.
        in_list = error["type"] == "value_error" and isinstance(error["input"], list)
        reason = error["msg"].removeprefix("Value error, ") if in_list else reason_for(CalendarDays, error)
        yield Problem(str(path), line_of(values, place), written(place), reason)
