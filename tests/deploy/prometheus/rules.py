"""The rules and the cases that test them, as data."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy" / "prometheus"
RULES = sorted((FOLDER / "rules").glob("*.yml"))
CASES = sorted((Path(__file__).parent / "cases").glob("*.yml"))
RUNBOOKS = ROOT / "docs" / "runbooks.md"


class Rule(NamedTuple):
    """One rule, where it stands, and everything that the file says of it."""

    file: Path
    group: str
    said: dict[str, Any]

    @property
    def name(self) -> str:
        """The alert's name, or the name under which a series is recorded."""
        return str(self.said.get("alert") or self.said["record"])

    @property
    def expression(self) -> str:
        """Its PromQL."""
        return str(self.said["expr"])


class Check(NamedTuple):
    """What a case says of an alert at a time."""

    case: str
    alert: str
    alerts: list[dict[str, dict[str, str]]]


@cache
def load(path: Path) -> Any:
    """A file of rules or cases, read once: it is not to be changed in place."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules(path: Path | None = None) -> Iterator[Rule]:
    """All rules in their order, or those of one file."""
    for file in [path] if path else RULES:
        for group in load(file)["groups"]:
            yield from (Rule(file, group["name"], said) for said in group["rules"])


def alerting() -> Iterator[Rule]:
    """The rules that alert."""
    return (rule for rule in rules() if "alert" in rule.said)


def checks() -> Iterator[Check]:
    """Everything that the cases expect, in the order of time within a case."""
    for path in CASES:
        for case in load(path)["tests"]:
            for each in case["alert_rule_test"]:
                yield Check(case["name"], each["alertname"], each["exp_alerts"])
