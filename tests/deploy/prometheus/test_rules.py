"""Every alerting rule fires, stays silent and resolves as its cases say, read by promtool as released."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from tests.deploy.prometheus.rules import CASES, FOLDER, RULES, alerting, checks
from tests.parts.prometheus import promtool

# Always open: it has no silence and no end.
ALWAYS = "PrometheusWatchdog"
# Alerts on a share or a number of rare things: a handful must not wake anybody.
NEED_TRAFFIC = {"ErrorBudgetBurn", "FeedSilent", "EventsAged", "DeadLetters", "XroadHalvesMissing"}


def test_promtool_takes_the_rules() -> None:
    """As the oldest release that is supported reads them, with its remarks on style."""
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_promtool_takes_the_configuration() -> None:
    """With every file that it names: rules and lists of targets."""
    checked = promtool("check", "config", "--lint=all", "--lint-fatal", FOLDER / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULES)} rule files found" in checked.stdout


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_are_as_the_cases_say(path: Path) -> None:
    """Labels, texts and times."""
    tested = promtool("test", "rules", path)
    assert tested.returncode == 0, (tested.stdout + tested.stderr)[-4000:]


def test_every_alert_has_cases_in_which_it_fires_stays_silent_and_resolves() -> None:
    """Each by what some case expects of it, one time after the other."""
    fires: set[str] = set()
    ends: set[str] = set()
    silent: set[str] = set()
    earlier: dict[tuple[str, str], bool] = {}
    for check in checks():
        key = (check.case, check.alert)
        if check.alerts:
            fires.add(check.alert)
        else:
            (ends if earlier.get(key) else silent).add(check.alert)
        earlier[key] = bool(check.alerts)
    names = {rule.name for rule in alerting()}
    assert fires == names
    assert silent == names - {ALWAYS}
    assert ends == names - {ALWAYS}


def test_every_variant_of_an_alert_fires_in_some_case() -> None:
    """Two rules of one name differ in severity, range or window; each has to be seen."""
    seen: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for check in checks():
        seen[check.alert] += [each["exp_labels"] for each in check.alerts]
    for rule in alerting():
        fixed = {name: value for name, value in rule.said["labels"].items() if "{{" not in value}
        assert any(fixed.items() <= labels.items() for labels in seen[rule.name]), (rule.name, fixed)


def test_alerts_on_shares_have_a_case_of_low_traffic() -> None:
    """A case that says so, and in which nothing fires, or only what has enough of it."""
    quiet = {check.alert for check in checks() if check.case.startswith("low traffic")}
    assert quiet == NEED_TRAFFIC
