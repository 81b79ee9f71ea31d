"""What is wrong with a folder of rules, as values that name the file, the line, the rule, the key and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.errors import MonitorError


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One thing to correct.

    `file` is relative to the folder, `line` counts from 1 and is None where no single line is to blame,
    `rule` is its title (or its id, where it has none), `key` is written as `detection.selection.records|gt`.
    """

    file: str
    line: int | None
    rule: str
    key: str
    reason: str

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part)
        where = " ".join(part for part in (place, self.key) if part)
        told = f"{self.reason} (in {self.rule})" if self.rule else self.reason
        return f"{where}: {told}" if where else told


class RuleProblems(MonitorError):
    """Rules that cannot be used; `problems` holds everything that is wrong with them, in file order."""

    def __init__(self, problems: Iterable[RuleProblem], folder: str = "") -> None:
        self.problems = sorted(problems, key=lambda each: (each.file, each.line or 0, each.key, each.reason))
        count = f"{len(self.problems)} problem{'' if len(self.problems) == 1 else 's'}"
        listed = "\n  ".join(str(problem) for problem in self.problems)
        super().__init__(f"the rules{f' in {folder}' if folder else ''} have {count}\n  {listed}")


class Refused(Exception):
    """One value of a rule that cannot be used, and why; it never leaves this package."""
