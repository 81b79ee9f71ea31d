"""Alerts as OCSF findings (schema.ocsf.io, version 1.5.0): what other systems of security staff take in.

| class | for |
|---|---|
| 2006 Data Security Finding | rules marked `leak` |
| 2003 Compliance Finding | rules on breaches of agreements: their tag is T1199, trusted relationship |
| 2004 Detection Finding | all others |
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Final

from alerts.lifecycle.alert import Alert
from alerts.lifecycle.total import milliseconds
from alerts.model import Evidence, RuleInfo
from monitor import __version__

VERSION: Final = "1.5.0"
FINDINGS: Final = 2  # OCSF's category
COMPLIANCE, DETECTION, DATA_SECURITY = 2003, 2004, 2006
CLASSES: Final = {
    COMPLIANCE: "Compliance Finding",
    DETECTION: "Detection Finding",
    DATA_SECURITY: "Data Security Finding",
}
# Use without or against an agreement is ATT&CK's trusted relationship: who may ask, misuses it.
BREACH_TAG: Final = "attack.t1199"
STANDARDS: Final = ("Data-sharing agreements",)
_CREATE, _UPDATE, _CLOSE = (1, "Create"), (2, "Update"), (3, "Close")
_NEW, _IN_PROGRESS, _RESOLVED = (1, "New"), (2, "In Progress"), (4, "Resolved")
_RULE = 1  # type_id of an analytic that is a rule
_FAIL = (3, "Fail")  # of a compliance check
_PRODUCT: Final = {
    "name": "Data-sharing compliance monitor",
    "vendor_name": "Data-sharing compliance monitor",
    "version": __version__,
}
_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)")


def class_of(alert: Alert) -> int:
    """The class of finding that an alert is: its class_uid."""
    if alert.leak:
        return DATA_SECURITY
    return COMPLIANCE if BREACH_TAG in alert.tags else DETECTION


def finding(alert: Alert, info: RuleInfo | None = None) -> dict[str, Any]:
    """An alert as it is now, as one OCSF event. Times are milliseconds since 1970.

    `info` adds what only the rule says: its description and its runbook. A finding keeps its uid over its
    life; activity and status say how far it has come.
    """
    class_uid = class_of(alert)
    activity, activity_name = _activity(alert)
    status, status_name = _status(alert)
    event: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": FINDINGS,
        "category_name": "Findings",
        "class_uid": class_uid,
        "class_name": CLASSES[class_uid],
        "type_uid": class_uid * 100 + activity,
        "type_name": f"{CLASSES[class_uid]}: {activity_name}",
        "severity_id": int(alert.level),
        "severity": alert.level.word.capitalize(),
        "status_id": status,
        "status": status_name,
        "time": milliseconds(alert.opened_at),
        "start_time": milliseconds(alert.first_time),
        "end_time": milliseconds(alert.last_time),
        "count": alert.count,
        "message": alert.title,
        "metadata": {
            "version": VERSION,
            "product": _PRODUCT,
            "uid": f"{alert.reference}/{milliseconds(alert.changed_at)}",
            "modified_time": milliseconds(alert.changed_at),
        },
        "finding_info": _finding_info(alert, info),
        "resources": [{"name": value, "type": field} for field, value in _resources(alert)],
        "unmapped": {
            "agency": alert.agency,
            "owner": alert.owner,
            "group": dict(alert.group),
            "facts": dict(alert.facts),
            "risk_score": alert.risk_score,
        },
    }
    if alert.acknowledged_why:
        event["comment"] = f"{alert.acknowledged_by}: {alert.acknowledged_why}"
    if info is not None and info.runbook and class_uid != DATA_SECURITY:
        event["remediation"] = {"desc": "\n".join(info.runbook)}
    return event | _own(alert, class_uid)


def _own(alert: Alert, class_uid: int) -> dict[str, Any]:
    """What one class has and the others have not."""
    if class_uid == COMPLIANCE:
        status, name = _FAIL
        check = {"standards": list(STANDARDS), "control": alert.title, "status_id": status, "status": name}
        return {"compliance": check}
    own: dict[str, Any] = {"is_alert": alert.is_open}
    if class_uid == DETECTION:
        own["evidences"] = [{"data": {"event": one.event_id, "time": one.time_ms}} for one in _events(alert)]
    return own


def _finding_info(alert: Alert, info: RuleInfo | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "uid": alert.reference,
        "title": alert.title,
        "analytic": {"uid": alert.rule, "name": alert.title, "type_id": _RULE, "type": "Rule"},
        "created_time": milliseconds(alert.opened_at),
        "modified_time": milliseconds(alert.changed_at),
        "first_seen_time": milliseconds(alert.first_time),
        "last_seen_time": milliseconds(alert.last_time),
        "related_events": [{"uid": one.event_id} for one in _events(alert)],
        "related_events_count": alert.count,
    }
    if attacks := _attacks(alert):
        said["attacks"] = attacks
    if info is not None and info.description:
        said["desc"] = info.description
    return said


def _activity(alert: Alert) -> tuple[int, str]:
    if not alert.is_open:
        return _CLOSE
    return _CREATE if alert.changed_at == alert.opened_at else _UPDATE


def _status(alert: Alert) -> tuple[int, str]:
    if not alert.is_open:
        return _RESOLVED
    return _NEW if alert.acknowledged_at is None else _IN_PROGRESS


def _events(alert: Alert) -> list[Evidence]:
    return sorted({*alert.evidence, *alert.latest})


def _attacks(alert: Alert) -> list[dict[str, Any]]:
    """ATT&CK's techniques, a sub-technique beside the one that it belongs to."""
    attacks: list[dict[str, Any]] = []
    for tag in alert.tags:
        if found := _TECHNIQUE.fullmatch(tag):
            technique, _, sub = found[1].upper().partition(".")
            attack = {"technique": {"uid": technique}}
            attacks.append(attack | ({"sub_technique": {"uid": f"{technique}.{sub}"}} if sub else {}))
    return attacks


def _resources(alert: Alert) -> list[tuple[str, str]]:
    """What was touched: the agency, and the services and providers that the group names."""
    return [("agency", alert.agency), *(one for one in alert.group if one[0] in ("service", "provider"))]


def line(alert: Alert, info: RuleInfo | None = None) -> str:
    """The event as one line of JSON."""
    return json.dumps(finding(alert, info), ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
