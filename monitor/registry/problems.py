"""What is wrong with a registry, as values that name the file, the line, the field and the reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.errors import MonitorError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct.

    `file` is relative to the registry's folder and empty for records that came from no file;
    `line` counts from 1 and is None where no single line is to blame; `record` is the code or id
    of the record, where it has one.
    """

    file: str
    line: int | None
    field: str
    reason: str
    record: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part)
        where = " ".join(part for part in (place, self.field) if part)
        told = f"{self.reason} (in {self.record})" if self.record else self.reason
        return f"{where}: {told}" if where else told


class RegistryProblems(MonitorError):
    """A registry that cannot be used; `problems` holds everything wrong with it, in file order."""

    def __init__(self, problems: Iterable[Problem], folder: str = "") -> None:
        self.problems = sorted(
            problems, key=lambda each: (each.file, each.line or 0, each.field, each.reason)
        )
        count = f"{len(self.problems)} problem{'' if len(self.problems) == 1 else 's'}"
        listed = "\n  ".join(str(problem) for problem in self.problems)
        super().__init__(f"the registry{f' {folder}' if folder else ''} has {count}\n  {listed}")
