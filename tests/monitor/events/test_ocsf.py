"""OCSF events: what each class becomes, whose it is, and how grave."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.events.rejection import Reason, Rejection
from monitor.events.security import SecurityEvent, decode_one_security
from tests.monitor.events.security_bodies import OCSF, ocsf

_OK = {"status_id": 1}


def read(**changes: Any) -> SecurityEvent:
    """The event that an OCSF event becomes."""
    decoded = decode_one_security(ocsf(**changes), ())
    assert isinstance(decoded, SecurityEvent), decoded
    return decoded


def test_a_failed_sign_in() -> None:
    """Who, whose, from where and at what."""
    found = read()
    assert (found.id, found.time, found.kind, found.severity) == ("O-1", OCSF["time"], "sign_in_failed", 3)
    assert (found.agency, found.actor, found.source_ip) == ("MOH", "officer-17", "203.0.113.7")
    assert found.service == "officer-portal"
    assert found.detail == {"class": 3002, "activity": 1}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"status_id": 1}, "sign_in_ok"),
        ({"status_id": 0, "status": "Success"}, "sign_in_ok"),
        ({"status_id": 99, "status": "perhaps"}, "sign_in"),
        ({"activity_id": 2}, "sign_out"),
        ({"activity_id": 3}, "token_rejected"),
        ({"activity_id": 4, "status_id": 1}, "credential_use"),
        ({"certificate": {"expiration_time": OCSF["time"] - 1}}, "certificate_expired"),
        ({"certificate": {"expiration_time": OCSF["time"] + 1}}, "sign_in_failed"),
        ({"class_uid": 6003, "status_id": 2, "http_response": {"code": 403}}, "access_denied"),
        ({"class_uid": 6003, "status_id": 2, "http_response": {"code": 401}}, "token_rejected"),
        ({"class_uid": 6003, "status_id": 2, "api": {"response": {"code": 404}}}, "unknown_service"),
        ({"class_uid": 6003, "status_id": 1, "activity_id": 2}, "credential_use"),
        ({"class_uid": 6003, "status_id": 1, "activity_id": 3}, "config_changed"),
        ({"class_uid": 6003, "status_id": 1, "api": {"operation": "CreateUser"}}, "user_added"),
        ({"class_uid": 6003, "activity_id": 4, "api": {"operation": "DeleteUser"}, **_OK}, "user_removed"),
        ({"class_uid": 6005, "status_id": 1, "activity_id": 4}, "data_access"),
        ({"class_uid": 6005, "status_id": 1, "activity_id": 7}, "data_changed"),
        ({"class_uid": 6005, "status_id": 2}, "access_denied"),
        ({"class_uid": 2004}, "detection"),
        ({"class_uid": 2005}, "incident"),
        ({"class_uid": 2005, "is_suspected_breach": True}, "leak_suspected"),
        ({"class_uid": 2005, "is_suspected_breach": True, "verdict_id": 2}, "leak_confirmed"),
        ({"class_uid": 2005, "is_suspected_breach": True, "verdict_id": 1}, "leak_suspected"),
        ({"class_uid": 3001, "status_id": 1}, "user_added"),
        ({"class_uid": 3005, "status_id": 1}, "rights_changed"),
        ({"class_uid": 4001}, "ocsf_4001"),
    ],
)  # fmt: skip
def test_what_a_class_becomes(changes: dict[str, Any], kind: str) -> None:
    """By class, activity and status."""
    assert read(**changes).kind == kind


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"severity_id": 1}, 1),
        ({"severity_id": 5}, 5),
        ({"severity_id": 6}, 5),
        ({"severity_id": 99, "severity": "High"}, 4),
        ({"severity_id": 0}, 2),  # unknown: what failed sign-ins usually have
        ({"severity_id": None, "class_uid": 2005}, 4),
    ],
)
def test_severity(changes: dict[str, Any], severity: int) -> None:
    """The number, else the word, else what the kind usually has."""
    assert read(**changes).severity == severity


def test_whose_it_is_in_order() -> None:
    """All names that may be the agency's, best first; the registry decides."""
    found = read(
        metadata={"uid": "x", "product": {"name": "Portal", "vendor_name": "Maker"}},
        actor={"user": {"uid": "u", "org": {"uid": "ORG", "name": "Org name"}}},
        cloud={"account": {"uid": "ACCOUNT", "name": "Account"}, "org": {"uid": "CLOUD"}},
    )
    assert found.claims == (
        "ORG", "Org name", "MOH-ORG", "ACCOUNT", "Account", "CLOUD", "Maker", "Portal",
    )  # fmt: skip
    assert found.agency == "ORG"
    assert read(metadata={"uid": "x"}, user={"uid": "u"}).agency == "unregistered"


def test_without_an_id_the_same_event_has_the_same_one() -> None:
    """So that one that is sent twice counts once, and another is another."""
    first, again, other = (read(metadata={"tenant_uid": "MOH"}, count=count) for count in (1, 1, 2))
    assert first.id == again.id != other.id


def test_time_is_required() -> None:
    """As a number or, in OCSF's profile, as text."""
    decoded = decode_one_security(ocsf(time=None), ())
    assert isinstance(decoded, Rejection)
    assert decoded.reason is Reason.MISSING_FIELD
    assert read(time=None, time_dt="2026-10-05T08:15:30Z").id == "O-1"


def test_codes_go_into_detail_and_messages_do_not() -> None:
    """What rules can ask for."""
    found = read(
        class_uid=2004,
        message="Officer Seventeen did it",
        finding_info={"uid": "F-1", "analytic": {"uid": "R-9"}, "attacks": [{"technique": {"uid": "T1078"}}]},
    )
    assert found.detail == {
        "class": 2004, "activity": 1, "finding": "F-1", "rule": "R-9", "technique": "T1078",
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes", [{"count": -1}, {"class_uid": "3002"}, {"class_uid": 0}, {"count": "many"}]
)
def test_what_breaks_the_contract_is_rejected(changes: dict[str, Any]) -> None:
    """The limits are those of the contract's own form."""
    assert isinstance(decode_one_security(ocsf(**changes), ()), Rejection)
