"""deploy/alertmanager: Alertmanager takes it, routes as it says, and names labels that alerts have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.delivery.assemble import SHOWN
from alerts.delivery.message import Context, labels
from tests.alerts.delivery.parts import SECOND, alert
from tests.deploy.prometheus.rules import alerting
from tests.parts.alertmanager import check_configuration, routed

CONFIGURATION = Path(__file__).resolve().parents[3] / "deploy" / "alertmanager" / "alertmanager.yml"
LABELS = labels(alert(), Context(SECOND))


def configuration() -> Any:
    """The file."""
    return yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))


def all_routes(route: Any) -> Iterator[Any]:
    """A route and all below it."""
    yield route
    for each in route.get("routes", []):
        yield from all_routes(each)


def test_amtool_takes_it() -> None:
    """As the release of Debian reads it."""
    checked = check_configuration(CONFIGURATION)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("given", "receivers"),
    [
        ({"alertname": "Watchdog"}, "watchdog"),
        ({"alertname": "PrometheusWatchdog", "severity": "informational", "owner": "operations"}, "watchdog"),
        ({"leak": "true", "severity": "critical", "owner": "data@moh.example"}, "leak"),
        ({"severity": "informational"}, "nobody"),
        ({"severity": "critical"}, "soc"),
        ({"severity": "critical", "owner": "data@moh.example"}, "soc,office"),
        ({"severity": "medium", "owner": "data@moh.example"}, "office"),
        ({"severity": "low"}, "soc"),
        ({"severity": "high", "owner": "operations"}, "operations"),
        ({"severity": "critical", "owner": "operations"}, "soc,operations"),
        ({"severity": "low", "owner": "operations"}, "operations"),
        ({"severity": "medium", "owner": "compliance"}, "compliance"),
        ({"severity": "critical", "owner": "compliance"}, "soc,compliance"),
        ({"severity": "informational", "owner": "operations"}, "nobody"),
    ],
)
def test_alerts_reach_whom_they_concern(given: dict[str, str], receivers: str) -> None:
    """By severity and by whose work it is."""
    assert routed(CONFIGURATION, **(LABELS | given)) == receivers.split(",")


def test_a_watchdog_is_told_with_every_interval() -> None:
    """Alertmanager sends again what was sent longer ago than `repeat_interval`, and looks once an interval,
    just before that has passed: with both alike it would send each other time."""
    (route,) = (each for each in configuration()["route"]["routes"] if each["receiver"] == "watchdog")
    assert route["group_interval"] == "1m"
    assert route["repeat_interval"].endswith("s")
    assert 30 < int(route["repeat_interval"].removesuffix("s")) < 59


def test_every_label_that_it_names_is_on_every_alert() -> None:
    """An absent label is equal to an absent one: a rule that names one would inhibit too much."""
    named = {
        name
        for rule in configuration()["inhibit_rules"]
        for name in (
            *rule["equal"],
            *(re.split(r"[=!~]", each)[0] for each in rule["source_matchers"] + rule["target_matchers"]),
        )
    }
    routes = list(all_routes(configuration()["route"]))
    named |= {name for route in routes for name in route.get("group_by", [])}
    named |= {re.split(r"[=!~]", each)[0] for route in routes for each in route.get("matchers", [])}
    assert named <= LABELS.keys()


def test_no_group_waits_longer_than_an_alert_is_shown() -> None:
    """Or a short alert would be over before anybody is told."""
    routes = all_routes(configuration()["route"])
    waits = [int(route["group_wait"].removesuffix("s")) for route in routes if "group_wait" in route]
    assert waits
    assert max(waits) * SECOND < SHOWN


def test_receivers_are_on_the_loopback_address_and_hold_no_secret() -> None:
    """It works as it stands; what is secret comes from files."""
    for receiver in configuration()["receivers"]:
        for each in receiver.get("webhook_configs", []):
            assert each["url"].startswith("http://127.0.0.1:")
    assert not re.search(r"^[^#]*(password|credentials): ", CONFIGURATION.read_text(), re.MULTILINE)
    assert "secret" not in json.dumps(configuration())


def test_every_alert_of_the_prometheus_rules_reaches_the_desk_that_it_names() -> None:
    """Each by the labels that its rule writes; the watchdog's receiver is the only one that is no desk."""
    for rule in alerting():
        written = {name: "MOH" if "{{" in value else value for name, value in rule.said["labels"].items()}
        receivers = routed(CONFIGURATION, **(LABELS | written | {"alertname": rule.name}))
        wanted = "watchdog" if rule.name == "PrometheusWatchdog" else written["owner"]
        assert wanted in receivers, (rule.name, receivers)
