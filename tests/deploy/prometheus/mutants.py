"""Rules with one number changed, and whether some case notices."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from tests.deploy.prometheus.rules import CASES, RULES, load
from tests.parts.prometheus import promtool

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_RANGE = re.compile(r"\[(\d+)([smhd])\]")
_OFFSET = re.compile(r"offset (\d+)([mhdw])")
_COMPARED = re.compile(r"(>=|<=|>|<|==) (\d+(?:\.\d+)?)(?![\d.])")
# A number of things changes by one, a larger one by a tenth: the cases look just above and just below.
SMALL = 20
HALF_A_DAY = 43200  # seconds; what times are compared with
# Which case looks at the windows of a group.
_CASE_OF_GROUP = {
    "objectives-hour": "an hour",
    "objectives-quarter-day": "six hours",
    "objectives-day": "a day",
    "objectives-three-days": "three days",
}


class Mutant(NamedTuple):
    """A rule of a file, what was changed in it, how, and the rule as it is then."""

    file: Path
    group: str
    place: int  # of the rule in its group
    rule: str
    what: str  # range, offset, factor, threshold, clause, for or keep_firing_for
    change: str
    mutated: dict[str, Any]

    @property
    def id(self) -> str:
        """How tests name it; different for each."""
        return f"{self.group}-{self.place}-{self.rule}-{self.what}-{self.change}"


def mutants() -> Iterator[Mutant]:
    """Every rule with each of its numbers changed, one at a time, up and down."""
    for file in RULES:
        for group in load(file)["groups"]:
            for place, rule in enumerate(group["rules"]):
                name = rule.get("alert") or rule["record"]
                for what, change, mutated in _changes(rule):
                    yield Mutant(file, group["name"], place, name, what, change, mutated)


def _changes(rule: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    expression = str(rule["expr"])
    ranges = _durations("range", _RANGE, "[{}s]", expression)
    for what, change, changed in chain(
        ranges,
        _durations("offset", _OFFSET, "offset {}s", expression),
        _burn(expression) if rule.get("alert") == "ErrorBudgetBurn" else _thresholds(expression),
    ):
        if what == "threshold" and "record" in rule:
            continue  # it keeps from dividing by nothing; fewer events than the least number never alert
        yield what, change, {**rule, "expr": changed}
    for key in ("for", "keep_firing_for"):
        if key in rule:
            yield key, "gone", {name: value for name, value in rule.items() if name != key}
            amount, unit = int(rule[key][:-1]), rule[key][-1]
            yield key, "doubled", {**rule, key: f"{2 * amount}{unit}"}


def _durations(
    what: str, pattern: re.Pattern[str], form: str, expression: str
) -> Iterator[tuple[str, str, str]]:
    """Each length of time halved and doubled, wherever it stands in the expression."""
    for written in dict.fromkeys(match[0] for match in pattern.finditer(expression)):
        found = pattern.fullmatch(written)
        assert found
        length = int(found[1]) * _SECONDS[found[2]]
        for other in (length // 2, 2 * length):
            yield what, f"{found[1]}{found[2]}-{other}s", expression.replace(written, form.format(other))


def _thresholds(expression: str) -> Iterator[tuple[str, str, str]]:
    """Each number that something is compared with, a little more and a little less."""
    for place, match in enumerate(_COMPARED.finditer(expression)):
        for number in _neighbours(match[2], in_seconds="time()" in expression or "_left_" in expression):
            changed = f"{expression[: match.start()]}{match[1]} {number}{expression[match.end() :]}"
            yield "threshold", f"{place}-{match[2]}-{number}", changed


def _burn(expression: str) -> Iterator[tuple[str, str, str]]:
    """The factor a tenth up and down, in both windows as it is one; and without one of the conditions."""
    factor = _COMPARED.search(expression)
    assert factor
    for share in (1.1, 0.9):
        number = f"{float(factor[2]) * share:.10g}"
        yield "factor", f"{factor[2]}-{number}", expression.replace(f"> {factor[2]}", f"> {number}")
    for name, clause in (("long", "burnrate"), ("short", "and .*burnrate"), ("least", "and .*increase")):
        yield "clause", f"without-{name}", "\n".join(_without(expression.split("\n"), clause))


def _without(lines: list[str], clause: str) -> list[str]:
    """The lines without a condition: the first, or one that begins with `and`."""
    place = next(n for n, line in enumerate(lines) if re.search(clause, line))
    end = place + 1
    while lines[end].strip().startswith(">"):
        end += 1
    rest = lines[:place] + lines[end:]
    if clause == "burnrate":
        rest[place] = rest[place].replace("and ", "", 1)
    return rest


def _neighbours(number: str, in_seconds: bool) -> tuple[str, ...]:
    value = float(number)
    if not value:
        return (f"{HALF_A_DAY}", f"-{HALF_A_DAY}") if in_seconds else ("1",)
    if value.is_integer() and value < SMALL:
        return f"{value + 1:g}", f"{value - 1:g}"
    return f"{value * 1.1:.10g}", f"{value * 0.9:.10g}"


def noticed(mutant: Mutant, folder: Path) -> bool:
    """Whether some case fails with the changed rule; the cases that are most likely to come first.

    Raises AssertionError where promtool could not even read the rule.
    """
    content = copy.deepcopy(load(mutant.file))
    group = next(each for each in content["groups"] if each["name"] == mutant.group)
    group["rules"][mutant.place] = mutant.mutated
    changed = folder / "rules.yml"
    changed.write_text(json.dumps(content), encoding="utf-8")
    checked = promtool("check", "rules", changed)
    assert checked.returncode == 0, (mutant.id, checked.stderr)
    return any(_fails(case, changed, folder) for case in _cases(mutant))


def _cases(mutant: Mutant) -> list[dict[str, Any]]:
    """The file of each case that reads the mutant's file, with that one case alone."""
    found = []
    for path in CASES:
        content = load(path)
        if content["rule_files"][0].endswith(f"/{mutant.file.name}"):
            found += [{**content, "tests": [case]} for case in content["tests"]]
    # A long window shows where it is held against a steady rate, a short one where badness ends.
    steady = mutant.change.split("-")[0] in ("1h", "6h", "1d", "3d")
    return sorted(
        found,
        key=lambda content: (
            not _meant(content["tests"][0], mutant),
            ("steadily" in content["tests"][0]["name"]) != steady,
        ),
    )


def _meant(case: dict[str, Any], mutant: Mutant) -> bool:
    if mutant.group in _CASE_OF_GROUP:
        if mutant.what == "factor":
            return str(case["name"]).startswith("each pair")
        if mutant.what == "clause" and "increase" not in mutant.mutated["expr"]:
            return str(case["name"]).startswith("low traffic")
        return str(case["name"]).startswith(_CASE_OF_GROUP[mutant.group])
    return any(check["alertname"] == mutant.rule for check in case["alert_rule_test"])


def _fails(content: dict[str, Any], changed: Path, folder: Path) -> bool:
    case = folder / "case.yml"  # JSON is YAML, and written a hundred times as fast
    case.write_text(json.dumps({**content, "rule_files": [str(changed)]}), encoding="utf-8")
    return promtool("test", "rules", case).returncode != 0
