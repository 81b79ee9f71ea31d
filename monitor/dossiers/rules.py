"""The file of the index: points, targets, where each comes from, and which procedures go together."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from monitor.dossiers.items import KEYS, ItemKey
from monitor.errors import MonitorError
from monitor.registry.model import Record, Text
from monitor.registry.problems import Problem
from monitor.registry.rules_file import read_rules_file

OTHER: Final = "other"
"""The group of procedures that no pattern of the file names, and of dossiers whose procedure is not known."""
MOST_GROUPS: Final = 100  # rows are kept a day, agency and group
_REMEMBERED: Final = 20_000  # procedures whose group is kept at hand

Points = Annotated[float, Field(ge=0, le=100, description="points, 0 to 100")]
Share = Annotated[float, Field(gt=0, le=1, description="a share above 0, 1 at the most")]
GroupName = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="small letters, digits and hyphens")
]
Pattern = Annotated[
    str, Field(min_length=1, max_length=100, description="a procedure's code, * for any signs")
]

DECISION: Final = "Decision 766/QD-TTg of 2022"


class Part(Record):
    """One part of the index as the decision has it, with its points."""

    points: Points
    confirmed: bool
    source: Annotated[str, Field(min_length=1, max_length=300)]


class ItemRules(Record):
    """One item: its points, the target at which it has all of them, and whether a source confirms each."""

    part: GroupName
    points: Points
    confirmed: bool = False
    target: Share
    target_confirmed: bool = False
    source: Annotated[str, Field(min_length=1, max_length=300)]


_SPLIT: Final = (
    "digitisation, online service and payment share 44 points; how is not confirmed, so this is configuration"
)


def _parts() -> dict[GroupName, Part]:
    return {
        "transparency": Part(
            points=18, confirmed=True, source=f"{DECISION}; dossiers cannot measure it, so it is never scored"
        ),
        "progress": Part(points=20, confirmed=True, source=f"{DECISION}: progress and results"),
        "services": Part(points=44, confirmed=False, source=f"{DECISION}: {_SPLIT}"),
        "satisfaction": Part(points=18, confirmed=True, source=DECISION),
    }


def _item(part: str, points: float, target: float, source: str, *, confirmed: bool = False) -> ItemRules:
    return ItemRules(part=part, points=points, target=target, source=source, confirmed=confirmed)


def _items() -> dict[ItemKey, ItemRules]:
    together = f"{DECISION}: satisfaction has 18 points; what complaints have of them is configuration"
    return {
        "on_time": _item("progress", 20, 0.8, f"{DECISION}: progress and results", confirmed=True),
        "filed_online": _item("services", 12, 0.5, _SPLIT),
        "paid_online": _item("services", 10, 0.8, _SPLIT),
        "digitised": _item("services", 8, 0.8, _SPLIT),
        "reused": _item("services", 8, 0.8, _SPLIT),
        "population_database_used": _item("services", 6, 0.8, _SPLIT),
        "complaints_on_time": _item("satisfaction", 6, 0.8, together),
        "satisfaction": _item("satisfaction", 12, 0.9, together),
    }


class QualityRules(Record):
    """Everything in the file; what is absent is as it comes with the monitor.

    `window_days` are those over which the index is shown live, today among them. `satisfied_from` is the
    rating, 1 to 5, from which an applicant is satisfied. `complaint_days` are working days. `groups` are
    patterns of procedures by the name of their group; the first that fits counts. `group_names` are what
    reports call a group, OTHER among them; one that has none is called by its key.
    """

    window_days: Annotated[int, Field(ge=1, le=366, description="days, 1 to 366")] = 30
    complaint_days: Annotated[int, Field(ge=1, le=250, description="working days, 1 to 250")] = 15
    satisfied_from: Annotated[int, Field(ge=1, le=5, description="a rating, 1 to 5")] = 4
    parts: dict[GroupName, Part] = Field(default_factory=_parts)
    items: dict[ItemKey, ItemRules] = Field(default_factory=_items)
    groups: dict[GroupName, Annotated[tuple[Pattern, ...], Field(min_length=1)]] = Field(
        default_factory=dict, max_length=MOST_GROUPS
    )
    group_names: dict[GroupName, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if missing := [key for key in KEYS if key not in self.items]:
            raise ValueError(f"items lacks {missing[0]}; give it 0 points where it is not to count")
        for name in sorted({one.part for one in self.items.values()}):
            if name not in self.parts:
                raise ValueError(f"items name the part {name!r}, which is not under parts")
            given = sum(one.points for one in self.items.values() if one.part == name)
            if given > self.parts[name].points:
                has = self.parts[name].points
                raise ValueError(f"the items of part {name} have {given:g} points; the part has {has:g}")
        for name in self.group_names:
            if name != OTHER and name not in self.groups:
                raise ValueError(f"group_names names the group {name!r}, which is not under groups")
        return self

    @property
    def most(self) -> float:
        """The points of all parts, measured or not."""
        return float(sum(part.points for part in self.parts.values()))

    @cached_property
    def _known(self) -> dict[str, str]:
        return {}

    def group(self, procedure: str) -> str:
        """The group of a procedure; OTHER where none is named for it."""
        found = self._known.get(procedure)
        if found is None:
            found = _group(procedure, self.groups.items())
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[procedure] = found
        return found


def _group(procedure: str, groups: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    for name, patterns in groups:
        if any(fnmatchcase(procedure, pattern) for pattern in patterns):
            return name
    return OTHER


class QualityProblems(MonitorError):
    """A file of the index that cannot be used; `problems` holds everything wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        listed = "\n  ".join(str(problem) for problem in problems)
        super().__init__(f"the file of service quality cannot be used\n  {listed}")


def read_quality_rules(path: Path | None) -> QualityRules:
    """Read a file of the index; without one, what comes with the monitor. Raises QualityProblems."""
    if path is None:
        return QualityRules()
    return read_rules_file(path, QualityRules, "items: …", QualityProblems)
