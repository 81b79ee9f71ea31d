"""`monitor rules`: what it prints and returns."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from monitor.cli import cli
from monitor.errors import UsageProblem
from tests.alerts.sigma.writing import ID, Values, correlation, feeding, monitor, rule, write


def monitor_rules(*arguments: str) -> Result:
    """Run `monitor rules` with arguments."""
    return CliRunner().invoke(cli, ["rules", *arguments])


def failing(number: int) -> Values:
    """A rule with a case that does not go as it says."""
    cases = [
        {"name": "answered", "events": [{"outcome": "ok"}]},
        {"name": "x", "expect": "none", "events": [{}]},
    ]
    return rule(number, monitor=monitor(cases=cases))


def test_check_counts_rules(tmp_path: Path) -> None:
    """Exit status 0 and how many there are."""
    folder = write(tmp_path, feeding(1), correlation(2, "rule_1"))
    found = monitor_rules("check", "--folder", str(folder))
    assert found.exit_code == 0, found.output
    assert "no problems; 1 rules on events, 1 with memory, 1 of them alert" in found.output


def test_check_lists_every_problem(tmp_path: Path) -> None:
    """One a line on standard output, the number of them on standard error, exit status 1."""
    folder = write(tmp_path, rule(1, level="grave"), rule(2, without=("author",)))
    found = monitor_rules("check", "--folder", str(folder))
    assert found.exit_code == 1
    assert len(found.stdout.splitlines()) == 2
    assert found.stderr == f"{folder}: 2 problems\n"


def test_check_can_ask_for_what_sigma_asks_for_only(tmp_path: Path) -> None:
    """Rules from elsewhere have no runbook."""
    bare = {key: rule(1)[key] for key in ("title", "logsource", "detection")}
    folder = str(write(tmp_path, bare))
    assert monitor_rules("check", "--folder", folder).exit_code == 1
    assert monitor_rules("check", "--lenient", "--folder", folder).exit_code == 0


def test_list_has_the_gravest_first(tmp_path: Path) -> None:
    """In a pipe one line a rule, or JSON."""
    grave = rule(2, level="high", monitor=monitor(risk_score=80))
    folder = str(write(tmp_path, feeding(3), rule(1), grave))
    found = monitor_rules("list", "--folder", folder)
    assert [line.split("\t") for line in found.stdout.splitlines()] == [
        ["LEVEL", "SCORE", "TYPE", "USE", "TITLE", "FILE"],
        ["high", "80", "exchanges", "alerts", "Rule 2", "rules.yml"],
        ["medium", "45", "exchanges", "alerts", "Rule 1", "rules.yml"],
        ["medium", "44", "exchanges", "feeds", "Rule 3", "rules.yml"],
    ]
    lines = monitor_rules("list", "--json", "--folder", folder).stdout.splitlines()
    assert json.loads(lines[0])["id"] == ID.format(2)


def test_test_runs_all_cases(tmp_path: Path) -> None:
    """Exit status 0 when each goes as it says."""
    folder = str(write(tmp_path, feeding(1), rule(3), correlation(2, "rule_1")))
    found = monitor_rules("test", "--folder", folder)
    assert found.exit_code == 0, found.output
    assert found.stderr == "4 cases of 2 rules, 0 failed\n"


def test_test_tells_each_failure(tmp_path: Path) -> None:
    """Exit status 1, with the rule, the case, what was expected and what happened."""
    found = monitor_rules("test", "--folder", str(write(tmp_path, failing(1), rule(2))))
    assert found.exit_code == 1
    assert "Rule 1\t2\t1\trules.yml" in found.stdout
    assert "rules.yml Rule 1: answered: expected a match, matched none of 1 event" in found.stderr


@pytest.mark.parametrize("name", [ID.format(2), "rule 2", "Rule 2"])
def test_test_can_be_limited_to_a_rule(tmp_path: Path, name: str) -> None:
    """By id or title; the rule that fails is not among them."""
    found = monitor_rules("test", "--folder", str(write(tmp_path, failing(1), rule(2))), name)
    assert (found.exit_code, found.stderr) == (0, "2 cases of 1 rules, 0 failed\n")


def test_test_of_a_rule_that_there_is_not_is_wrong_use(tmp_path: Path) -> None:
    """Nothing tested must not look like nothing failed."""
    found = monitor_rules("test", "--folder", str(write(tmp_path, rule(1))), "nothing")
    assert isinstance(found.exception, UsageProblem)


def test_the_schema_accepts_what_the_loader_accepts(tmp_path: Path) -> None:
    """And refuses misspelt keys and types."""
    out = tmp_path / "rule.schema.json"
    assert monitor_rules("schema", "--out", str(out)).exit_code == 0
    schema = json.loads(out.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for document in (rule(1), feeding(2), correlation(3), correlation(3, type="absence", condition=None)):
        validator.validate(document)
    assert not validator.is_valid({**rule(1), "levle": "high"})
    assert not validator.is_valid(correlation(3, type="event_cuont"))
    assert json.loads(monitor_rules("schema").stdout) == schema
