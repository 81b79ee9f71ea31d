"""Alerts as OCSF findings: what version 1.5.0 requires of each class, and how one changes with its alert."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from alerts.lifecycle.alert import Alert, absorbed, acknowledged, alert_id, opened, resolved
from alerts.lifecycle.ocsf import class_of, finding, line
from alerts.lifecycle.total import Total
from alerts.model import Evidence, Level
from tests.alerts.lifecycle.parts import NOW, START_MS, info

GROUP = (("service", "population.verify-identity"),)
BREACH = info(tags=("attack.initial-access", "attack.t1199"))
LEAK = info(leak=True, level=Level.CRITICAL, risk_score=95)

# What schema.ocsf.io requires (1.5.0) of the attributes that are used here, and their types.
UID = {"type": "string", "minLength": 1}
TIME = {"type": "integer", "minimum": 1_500_000_000_000, "maximum": 2_500_000_000_000}
NAMED = {"type": "object", "required": ["uid"], "properties": {"uid": UID}}
ATTACK = {
    "type": "object",
    "anyOf": [{"required": ["technique"]}, {"required": ["tactic"]}, {"required": ["sub_technique"]}],
    "properties": {"technique": NAMED, "sub_technique": NAMED},
}
FINDING: dict[str, Any] = {
    "type": "object",
    "required": [
        "activity_id",
        "category_uid",
        "class_uid",
        "finding_info",
        "metadata",
        "severity_id",
        "status_id",
        "time",
        "type_uid",
    ],
    "properties": {
        "activity_id": {"enum": [1, 2, 3]},
        "category_uid": {"const": 2},
        "class_uid": {"enum": [2003, 2004, 2006]},
        "severity_id": {"enum": [1, 2, 3, 4, 5]},
        "status_id": {"enum": [1, 2, 4]},
        "count": {"type": "integer", "minimum": 1},
        "message": {"type": "string"},
        **dict.fromkeys(("time", "start_time", "end_time"), TIME),
        "metadata": {
            "type": "object",
            "required": ["product", "version"],
            "properties": {
                "version": {"const": "1.5.0"},
                "product": {"type": "object", "required": ["vendor_name", "name"]},
            },
        },
        "finding_info": {
            "type": "object",
            "required": ["uid", "title"],
            "properties": {
                "uid": UID,
                "title": UID,
                "analytic": {"type": "object", "required": ["type_id", "uid"]},
                "attacks": {"type": "array", "minItems": 1, "items": ATTACK},
                "related_events": {"type": "array", "items": NAMED},
                **dict.fromkeys(("created_time", "modified_time", "first_seen_time", "last_seen_time"), TIME),
            },
        },
        "resources": {"type": "array", "items": {"type": "object", "required": ["name"]}},
        "evidences": {"type": "array", "items": {"type": "object", "required": ["data"]}},
        "is_alert": {"type": "boolean"},
    },
    "if": {"properties": {"class_uid": {"const": 2003}}},
    "then": {
        "required": ["compliance"],
        "properties": {
            "compliance": {
                "type": "object",
                "required": ["standards"],
                "properties": {
                    "standards": {"type": "array", "items": UID, "minItems": 1},
                    "status_id": {"enum": [1, 2, 3]},
                },
            }
        },
        # OCSF has these for other classes only.
        "not": {"anyOf": [{"required": ["evidences"]}, {"required": ["is_alert"]}]},
    },
    "else": {"not": {"required": ["compliance"]}},
}


def made(rule: Any = None, **changes: Any) -> Alert:
    """An alert with two events."""
    named = (Evidence(START_MS, "e1"), Evidence(START_MS + 1000, "e2"))
    given: dict[str, Any] = {"earliest": named, "latest": named[1:], "facts": {"seen": 40}}
    total = Total(START_MS, START_MS + 1000, 40, **{**given, **changes})
    return opened(total, rule or info(), agency="MOH", group=GROUP, owner="soc", episode=2, now=NOW)


@pytest.mark.parametrize(
    ("rule", "class_uid", "severity"), [(info(), 2004, 3), (BREACH, 2003, 3), (LEAK, 2006, 5)]
)
def test_every_finding_has_what_its_class_requires(rule: Any, class_uid: int, severity: int) -> None:
    """At each stage of its life, with what the rule says and without."""
    one = made(rule)
    later = NOW + timedelta(minutes=1)
    more = absorbed(one, one.total, later)
    for stage in (one, more, acknowledged(one, "soc", "looking", later), resolved(more, later)):
        for known in (None, rule):
            event = json.loads(line(stage, known))
            jsonschema.validate(event, FINDING)
            assert (event["class_uid"], event["severity_id"]) == (class_uid, severity)
            assert event["type_uid"] == class_uid * 100 + event["activity_id"]
            assert event["finding_info"]["uid"] == f"{alert_id(one.rule, 'MOH', GROUP)}/2"
    assert class_of(one) == class_uid


def test_activity_and_status_follow_the_alert() -> None:
    """Created, updated, closed; new, in progress, resolved."""
    one, later = made(), NOW + timedelta(minutes=1)
    desk_at_it = acknowledged(one, "soc", "looking", later)
    stages = (one, absorbed(one, one.total, later), desk_at_it, resolved(desk_at_it, later))
    assert [(finding(stage)["activity_id"], finding(stage)["status_id"]) for stage in stages] == [
        (1, 1),
        (2, 1),
        (2, 2),
        (3, 4),
    ]
    assert finding(desk_at_it)["comment"] == "soc: looking"


def test_a_finding_says_what_was_seen() -> None:
    """Events, techniques, services, and what only the rule knows."""
    rule = info(tags=("attack.t1110.004", "attack.credential-access", "attack.t1078"), description="Why.")
    event = finding(made(rule), rule)
    assert [one["uid"] for one in event["finding_info"]["related_events"]] == ["e1", "e2"]
    assert event["finding_info"]["attacks"] == [
        {"technique": {"uid": "T1110"}, "sub_technique": {"uid": "T1110.004"}},
        {"technique": {"uid": "T1078"}},
    ]
    assert event["finding_info"]["desc"] == "Why."
    assert event["remediation"] == {"desc": "Ask the consumer's desk."}
    assert [one["name"] for one in event["resources"]] == ["MOH", "population.verify-identity"]
    assert event["count"] == 40
