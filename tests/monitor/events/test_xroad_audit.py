"""Lines of X-Road's audit log: when, whose, who and what."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.events.rejection import Reason, Rejection
from monitor.events.security import SecurityEvent, decode_one_security
from tests.monitor.events.security_bodies import AUDIT, FRONT, audit_line


def read(data: bytes) -> SecurityEvent:
    """The event that a line becomes."""
    decoded = decode_one_security(data, ())
    assert isinstance(decoded, SecurityEvent), decoded
    return decoded


def test_a_line_as_a_security_server_writes_it() -> None:
    """The time is the server's own, to the millisecond, and not syslog's."""
    found = read(audit_line())
    assert found.time == datetime(2026, 10, 5, 8, 15, 30, 123000, tzinfo=UTC)
    assert (found.kind, found.severity, found.actor, found.source_ip) == (
        "config_changed", 2, "operator-3", "192.0.2.1",
    )  # fmt: skip
    assert found.detail == {
        "event": "edit_service_description", "failed": False, "auth": "Session",
        "services_added": 1, "services_deleted": 0, "service_type": "WSDL",
    }  # fmt: skip
    assert found.claims == ("GOV-MOH", "MOH", "SS1")
    assert read(audit_line()).id == found.id
    assert read(audit_line("Add client")).id != found.id


@pytest.mark.parametrize(
    ("done", "kind"),
    [
        ("Log in user", "sign_in_ok"),
        ("Log in user failed", "sign_in_failed"),
        ("Log out user", "sign_out"),
        ("API key authentication failed", "token_rejected"),
        ("Access check failed", "access_denied"),
        ("API key create", "user_added"),
        ("API key remove", "user_removed"),
        ("Edit service description failed", "config_change_failed"),
        ("Something new in a later version", "config_changed"),
    ],
)
def test_what_an_event_becomes(done: str, kind: str) -> None:
    """Every other event is a change of settings."""
    assert read(audit_line(done)).kind == kind


@pytest.mark.parametrize(
    "done", ["Restore configuration", "Add access rights to service clients", "Delete key"]
)
def test_changes_that_decide_who_may_call_are_graver(done: str) -> None:
    """Medium, where other changes are low."""
    assert read(audit_line(done)).severity == 3


@pytest.mark.parametrize(
    ("changes", "claims"),
    [
        ({"agency": "MOH"}, ("MOH",)),
        ({"server": "VN/GOV/M5/SS1"}, ("GOV-M5", "M5")),
        ({"server": {"memberClass": "GOV", "memberCode": "M5", "serverCode": "SS1"}}, ("GOV-M5", "M5")),
        ({"user": "VN/GOV/M5/officer"}, ("GOV-M5", "M5")),
        ({"data": {"ownerClass": "GOV", "ownerCode": "M5"}}, ("GOV-M5", "M5")),
        ({"data": {"memberClass": "GOV", "memberCode": "m 5"}}, ("GOV-M-5", "M-5")),
    ],
)
def test_whose_it_is(changes: dict[str, Any], claims: tuple[str, ...]) -> None:
    """Members by class and code, and by code alone; last, the host in front of the line."""
    assert read(audit_line(**{"data": {}, **changes})).claims == (*claims, "SS1")


def test_the_time_may_stand_in_the_json_or_around_it() -> None:
    """Log shippers add it, or put the line into a CloudEvent."""
    alone = json.dumps(AUDIT).encode()
    decoded = decode_one_security(alone, ())
    assert isinstance(decoded, Rejection)
    assert decoded.reason is Reason.MISSING_FIELD
    moment = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)
    for name in ("time", "timestamp", "@timestamp"):
        assert read(json.dumps({**AUDIT, name: "2026-10-05T08:00:00Z"}).encode()).time == moment
    around = {"specversion": "1.0", "time": "2026-10-05T08:00:00Z", "source": "/agencies/TAX", "data": AUDIT}
    found = read(json.dumps(around).encode())
    assert (found.time, found.claims[-1]) == (moment, "TAX")


def test_a_line_without_json_is_rejected() -> None:
    """It may have been cut."""
    assert isinstance(decode_one_security(FRONT + b'{"event": "Log in', ()), Rejection)
    assert isinstance(decode_one_security(FRONT, ()), Rejection)
