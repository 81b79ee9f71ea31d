"""The rules in force while their folder changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from alerts.sigma.load import RuleProblems
from alerts.sigma.reload import RuleMetrics, Rules
from tests.alerts.sigma.writing import rule, write


def shown(registry: CollectorRegistry) -> tuple[float | None, ...]:
    """Rules in force, whether reloading failed, and when it last went well."""
    names = ("rules_loaded", "rules_reload_failed", "rules_last_reload_timestamp_seconds")
    return tuple(registry.get_sample_value(f"datashare_{name}") for name in names)


def test_changed_rules_replace_the_old_ones(tmp_path: Path) -> None:
    """As a whole; who holds the old rules can go on with them."""
    registry = CollectorRegistry()
    rules = Rules(write(tmp_path, rule(1)), 100.0, RuleMetrics.create(registry))
    old = rules.current
    assert shown(registry) == (1, 0, 100)
    assert not rules.reload(150.0)
    assert rules.current is old
    assert shown(registry) == (1, 0, 150)
    write(tmp_path, rule(1), rule(2))
    assert rules.reload(200.0)
    assert [len(each.events) for each in (old, rules.current)] == [1, 2]
    assert shown(registry) == (2, 0, 200)


def test_rules_that_cannot_be_used_change_nothing(tmp_path: Path) -> None:
    """The old ones stay, the metrics say so, and the problems are logged once until they change."""
    registry = CollectorRegistry()
    rules = Rules(write(tmp_path, rule(1)), 100.0, RuleMetrics.create(registry))
    old = rules.current
    write(tmp_path, rule(1, level="grave"))
    with capture_logs() as logged:
        assert [rules.reload(200.0), rules.reload(300.0)] == [False, False]
    assert (rules.current, rules.failed) == (old, True)
    assert shown(registry) == (1, 1, 100)
    assert len(logged) == 1
    assert "'grave' is not accepted" in logged[0]["problems"]
    write(tmp_path, rule(1, level="serious"))
    with capture_logs() as logged:
        rules.reload(400.0)
    assert len(logged) == 1


def test_a_folder_that_is_put_right_is_taken_again(tmp_path: Path) -> None:
    """Also when the rules are the old ones again: nothing is wrong any more."""
    registry = CollectorRegistry()
    rules = Rules(write(tmp_path, rule(1)), 100.0, RuleMetrics.create(registry))
    (tmp_path / "rules.yml").rename(tmp_path / "_rules.yml")
    assert (rules.reload(200.0), rules.failed) == (False, True)
    (tmp_path / "_rules.yml").rename(tmp_path / "rules.yml")
    assert (rules.reload(300.0), rules.failed) == (False, False)
    assert shown(registry) == (1, 0, 300)


def test_there_is_nothing_to_keep_in_the_beginning(tmp_path: Path) -> None:
    """A worker does not start without rules."""
    with pytest.raises(RuleProblems):
        Rules(write(tmp_path, rule(1, level="grave")), 100.0)
