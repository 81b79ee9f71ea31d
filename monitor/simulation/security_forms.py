"""Simulated security events as bytes: most bare, some as CloudEvents, OCSF, or lines of an audit log."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from random import Random
from typing import Any

from monitor.simulation.happening import Happening
from monitor.simulation.sent import Headers

# Shares of the forms where a happening has one; what it has none for is written bare.
_CLOUD_EVENT, _OCSF, _XROAD = 0.06, 0.10, 0.06
_LOGGER = "[X-Road Proxy Admin REST API]"
_STATUS = {"sign_in_ok": 1, "sign_in_failed": 2}
_AUDIT = {
    "sign_in_ok": "Log in user",
    "sign_in_failed": "Log in user failed",
    "sign_out": "Log out user",
    "config_changed": "Edit service description",
}


def written(happening: Happening, event_id: str, milliseconds: int, lot: Random) -> tuple[bytes, Headers]:
    """The body and the headers of an event at `milliseconds` since 1970; always draws one number."""
    share = lot.random()
    if share < _CLOUD_EVENT:
        return _structured(happening, event_id, milliseconds), [
            ("content-type", b"application/cloudevents+json")
        ]
    share -= _CLOUD_EVENT
    if share < _OCSF and happening.kind in _STATUS:
        return _ocsf(happening, event_id, milliseconds), []
    share -= _OCSF
    if 0 <= share < _XROAD and happening.kind in _AUDIT and happening.detail is None:
        return _audit_line(happening, event_id, milliseconds), []
    return _bare(happening, event_id, milliseconds), []


def _time(milliseconds: int) -> str:
    whole = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def _bytes(members: dict[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()


def _members(happening: Happening) -> dict[str, Any]:
    """The fields of the contract but id and time; those that say nothing are left out."""
    given = {name: value for name, value in asdict(happening).items() if value}
    given.pop("after", None)
    return {**given, "severity": happening.severity}


def _bare(happening: Happening, event_id: str, milliseconds: int) -> bytes:
    return _bytes({"id": event_id, "time": _time(milliseconds), **_members(happening)})


def _structured(happening: Happening, event_id: str, milliseconds: int) -> bytes:
    return _bytes(
        {
            "specversion": "1.0",
            "id": event_id,
            "time": _time(milliseconds),
            "source": f"/agencies/{happening.agency}",
            "type": "datashare.security-event.v1",
            "datacontenttype": "application/json",
            "data": _members(happening),
        }
    )


def _ocsf(happening: Happening, event_id: str, milliseconds: int) -> bytes:
    """A sign-in as OCSF's Authentication."""
    return _bytes(
        {
            "class_uid": 3002,
            "category_uid": 3,
            "activity_id": 1,
            "type_uid": 300201,
            "time": milliseconds,
            "severity_id": happening.severity,
            "status_id": _STATUS[happening.kind],
            "metadata": {
                "uid": event_id,
                "version": "1.3.0",
                "tenant_uid": happening.agency,
                "product": {"name": "Sign-in portal"},
            },
            "user": {"uid": happening.actor},
            "src_endpoint": {"ip": happening.source_ip},
            "service": {"name": "officer-portal"},
        }
    )


def _audit_line(happening: Happening, event_id: str, milliseconds: int) -> bytes:
    """A line of a security server's audit log."""
    time = _time(milliseconds)
    host = f"ss1.{happening.agency.lower()}"
    event: dict[str, Any] = {
        "id": event_id,
        "event": _AUDIT[happening.kind],
        "user": happening.actor,
        "ipaddress": happening.source_ip,
        "server": f"SIM/GOV/{happening.agency}/SS1",
        "auth": "Session",
        "data": {},
    }
    front = f"{time} {host} correlation-id: [{event_id[-16:].lower()}] INFO  {_LOGGER} {time} - "
    return front.encode() + _bytes(event)
