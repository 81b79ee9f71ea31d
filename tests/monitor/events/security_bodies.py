"""Security events as they come, right as they stand, so that a test shows only what it changes."""

from __future__ import annotations

import json
from typing import Any

from monitor.events.security import SecurityEvent, decode_one_security

_MINIMAL = {
    "id": "SE-1",
    "time": "2026-10-05T08:15:30.123Z",
    "agency": "MOH",
    "kind": "sign_in_failed",
    "severity": 2,
}
OCSF: dict[str, Any] = {
    "class_uid": 3002,
    "activity_id": 1,
    "status_id": 2,
    "severity_id": 3,
    "time": 1_791_188_130_123,
    "metadata": {"uid": "O-1", "tenant_uid": "MOH", "product": {"name": "Sign-in portal"}},
    "user": {"uid": "officer-17", "name": "Officer Seventeen", "org": {"uid": "MOH-ORG"}},
    "src_endpoint": {"ip": "203.0.113.7"},
    "service": {"name": "officer-portal"},
}
AUDIT: dict[str, Any] = {
    "event": "Edit service description",
    "user": "operator-3",
    "ipaddress": "192.0.2.1",
    "auth": "Session",
    "url": "/api/service-descriptions/210",
    "data": {
        "clientIdentifier": {"xRoadInstance": "VN", "memberClass": "GOV", "memberCode": "MOH"},
        "wsdl": {"servicesAdded": ["one.v1"], "servicesDeleted": []},
        "serviceType": "WSDL",
    },
}
FRONT = (
    b"2026-10-05T15:15:31+07:00 ss1.moh.example correlation-id: [a81deb2bf312a60f] INFO  "
    b"[X-Road Proxy Admin REST API] 2026-10-05T15:15:30.123+07:00 - "
)


def body(*, without: Any = (), **changes: Any) -> bytes:
    """A bare security event with the required fields."""
    values = {**_MINIMAL, **changes}
    for name in without:
        del values[name]
    return json.dumps(values, ensure_ascii=False).encode()


def ocsf(**changes: Any) -> bytes:
    """A failed sign-in as OCSF has it."""
    return json.dumps({**OCSF, **changes}).encode()


def audit_line(event: str = AUDIT["event"], **changes: Any) -> bytes:
    """A line of X-Road's audit log."""
    return FRONT + json.dumps({**AUDIT, "event": event, **changes}).encode()


def event(**changes: Any) -> SecurityEvent:
    """A decoded security event."""
    decoded = decode_one_security(body(**changes), ())
    assert isinstance(decoded, SecurityEvent), decoded
    return decoded
