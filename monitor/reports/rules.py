"""What reports leave to an operator: how the composite score is made. A YAML file, or what comes with us."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from monitor.errors import MonitorError
from monitor.registry.model import Record
from monitor.registry.problems import Problem
from monitor.registry.rules_file import read_rules_file

Points = Annotated[float, Field(ge=0, le=100, description="points, 0 to 100")]


class Weights(Record):
    """The points of each indicator in the composite. No source sets them: they are configuration."""

    connection: Points = 20.0
    services_used: Points = 20.0
    traffic_under_agreement: Points = 20.0
    duties_on_time: Points = 20.0
    objectives_met: Points = 20.0


class Composite(Record):
    """The composite score: each scored indicator's points on a line that is full at its target.

    score = 100 x sum(points x min(ratio / target, 1)) / sum(points), over what is scored. An agency of which
    fewer than `least_scored` indicators are scored has no composite: 100 % of one of them says little.
    """

    weights: Weights = Weights()
    least_scored: Annotated[int, Field(ge=1, le=5)] = 3

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        if not any(self.weights.model_dump().values()):
            raise ValueError("composite.weights are all 0: one at least must count")
        return self


class ReportRules(Record):
    """Everything in the file; what is absent is as it comes with the monitor."""

    composite: Composite = Composite()


class RuleProblems(MonitorError):
    """A file of report rules that cannot be used; `problems` holds everything wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        listed = "\n  ".join(str(problem) for problem in problems)
        super().__init__(f"the file of report rules cannot be used\n  {listed}")


def read_report_rules(path: Path | None) -> ReportRules:
    """Read a file of report rules; without one, those that come with the monitor. Raises RuleProblems."""
    if path is None:
        return ReportRules()
    return read_rules_file(path, ReportRules, "composite: …", RuleProblems)
