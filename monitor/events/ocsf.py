"""OCSF 1.x events as security events.

| class | becomes |
|---|---|
| 3002 Authentication | sign_in_ok or sign_in_failed by status, sign_out; of tickets credential_use or token_rejected; certificate_expired when a sign-in failed with one that had run out |
| 3001 Account Change, 3005 User Access | user_added, user_removed, rights_changed |
| 6003 API Activity | access_denied (403), token_rejected (401) and unknown_service (404) where it failed, else credential_use for reading, user_added where the operation adds one, config_changed |
| 6005 Datastore Activity | data_access or data_changed; access_denied where it failed |
| 2004 Detection Finding, 2001, 2006 | detection |
| 2005 Incident Finding | incident; leak_suspected with is_suspected_breach; leak_confirmed where the verdict then is true positive |
| others | `ocsf_<class_uid>` |

Whose event it is: the first of these that the registry knows, else `unregistered`: metadata.tenant_uid,
the acting user's org (uid, name), the signed-in user's org, cloud.account (uid, name), cloud.org (uid, name),
metadata.product (vendor_name, name), the CloudEvent's source.
Source of class and attribute names: schema.ocsf.io, versions 1.0 to 1.5.
"""  # noqa: E501  # a table's rows are lines

from __future__ import annotations

from typing import Any

from monitor.events.addresses import known_address
from monitor.events.kinds import USUAL_SEVERITY, severity_of
from monitor.events.mapped import (
    Mapped,
    Outer,
    claimed,
    first_text,
    identity,
    integer_at,
    source_claims,
    text_at,
    value_at,
)
from monitor.events.rejection import Reason, Rejection
from monitor.events.security_event import Scalar

AUTHENTICATION, ACCOUNT_CHANGE, USER_ACCESS = 3002, 3001, 3005
API_ACTIVITY, DATASTORE_ACTIVITY = 6003, 6005
SECURITY_FINDING, DETECTION_FINDING, INCIDENT_FINDING, DATA_SECURITY_FINDING = 2001, 2004, 2005, 2006
_HIGHEST_CLASS = 99_999_999  # extensions have their number in front of the class's
_SUCCESS, _FAILURE = 1, 2
_TRUE_POSITIVE = 2
_FATAL = 6
_LOGOFF = 2
_TICKETS = (3, 4, 5)
_CREATE, _READ, _DELETE = 1, 2, 4
_DATASTORE_READS = (1, 3, 4, 8)  # read, connect, query, list
_OF_STATUS = {"401": "token_rejected", "403": "access_denied", "404": "unknown_service"}
_USER_PATHS = (("uid",), ("email_addr",), ("name",))
_DETAILS: tuple[tuple[str, tuple[tuple[str | int, ...], ...]], ...] = (
    ("operation", (("api", "operation"),)),
    ("status", (("http_response", "code"), ("api", "response", "code"), ("status_code",))),
    ("protocol", (("auth_protocol",),)),
    ("system", (("actor", "app_uid"), ("actor", "app_name"), ("src_endpoint", "svc_name"))),
    ("credential", (("actor", "user", "credential_uid"), ("user", "credential_uid"))),
    ("certificate", (("certificate", "serial_number"),)),
    ("database", (("database", "name"), ("databucket", "name"), ("table", "name"))),
    ("rule", (("finding_info", "analytic", "uid"), ("finding_info_list", 0, "analytic", "uid"))),
    ("finding", (("finding_info", "uid"), ("finding_info_list", 0, "uid"))),
    (
        "technique",
        (
            ("finding_info", "attacks", 0, "technique", "uid"),
            ("attacks", 0, "technique", "uid"),
            ("finding_info_list", 0, "attacks", 0, "technique", "uid"),
        ),
    ),
)


def mapped(event: dict[str, Any], data: bytes, outer: Outer) -> Mapped | Rejection:
    """The event in the contract's own form; `data` is its JSON, of which an id is made where it has none."""
    number = integer_at(event, "class_uid")
    if number is None or not 0 < number <= _HIGHEST_CLASS:
        return Rejection(Reason.INVALID_FIELD, "Expected a class's number - at `$.class_uid`")
    time = next((given for name in ("time", "time_dt") if (given := event.get(name)) is not None), outer.time)
    if time is None:
        return Rejection(Reason.MISSING_FIELD, "Object missing required field `time`")
    kind = _kind(number, event)
    agency, claims = claimed(_claims(event, outer))
    members: dict[str, Any] = {
        "id": identity(text_at(event, "metadata", "uid") or outer.id, data),
        "time": time,
        "agency": agency,
        "kind": kind,
        "severity": _severity(event, kind),
        "actor": _actor(number, event),
        "source_ip": _address(event),
        "service": _service(event),
        "count": event.get("count") or 0,
        "bytes": _bytes(event),
        "detail": _detail(number, event),
    }
    if number in (ACCOUNT_CHANGE, USER_ACCESS):
        members["subject"] = _user(event.get("user"))
    return Mapped(members, claims)


def _claims(event: dict[str, Any], outer: Outer) -> tuple[str | None, ...]:
    paths: tuple[tuple[str | int, ...], ...] = (
        ("metadata", "tenant_uid"),
        ("actor", "user", "org", "uid"),
        ("actor", "user", "org", "name"),
        ("user", "org", "uid"),
        ("user", "org", "name"),
        ("cloud", "account", "uid"),
        ("cloud", "account", "name"),
        ("cloud", "org", "uid"),
        ("cloud", "org", "name"),
        ("metadata", "product", "vendor_name"),
        ("metadata", "product", "name"),
    )
    return *(text_at(event, *path) for path in paths), *source_claims(outer)


def _failed(event: dict[str, Any]) -> bool | None:
    """Whether it failed, where it says so."""
    known = {_SUCCESS: False, _FAILURE: True}.get(integer_at(event, "status_id") or 0)
    return known if known is not None else {"success": False, "failure": True}.get(_low(event, "status"))


def _low(event: dict[str, Any], *path: str) -> str:
    return (text_at(event, *path) or "").lower()


def _kind(number: int, event: dict[str, Any]) -> str:
    activity, failed = integer_at(event, "activity_id"), _failed(event)
    if number == AUTHENTICATION:
        return _sign_in(event, activity, failed)
    if number == API_ACTIVITY:
        return _api_call(event, activity, failed)
    if number == DATASTORE_ACTIVITY:
        if failed:
            return "access_denied"
        return "data_access" if activity in _DATASTORE_READS else "data_changed"
    if number == INCIDENT_FINDING:
        if event.get("is_suspected_breach") is not True:
            return "incident"
        return "leak_confirmed" if integer_at(event, "verdict_id") == _TRUE_POSITIVE else "leak_suspected"
    if number in (SECURITY_FINDING, DETECTION_FINDING, DATA_SECURITY_FINDING):
        return "detection"
    if number == ACCOUNT_CHANGE and not failed:
        # 1 creates an account and 6 deletes it; the others enable, disable, lock or change it.
        return {1: "user_added", 6: "user_removed"}.get(activity or 0, "rights_changed")
    if number == USER_ACCESS and not failed:
        return "rights_changed"
    return f"ocsf_{number}"


def _sign_in(event: dict[str, Any], activity: int | None, failed: bool | None) -> str:
    if activity == _LOGOFF:
        return "sign_out"
    if failed is None:
        return "sign_in"
    expiry, time = value_at(event, "certificate", "expiration_time"), event.get("time")
    if failed and isinstance(expiry, int | float) and isinstance(time, int | float) and expiry < time:
        return "certificate_expired"
    if activity in _TICKETS:
        return "token_rejected" if failed else "credential_use"
    return "sign_in_failed" if failed else "sign_in_ok"


def _api_call(event: dict[str, Any], activity: int | None, failed: bool | None) -> str:
    if failed:
        status = first_text(event, ("http_response", "code"), ("api", "response", "code"), ("status_code",))
        return _OF_STATUS.get(status or "", "access_denied")
    if activity == _READ:
        return "credential_use"
    operation = _low(event, "api", "operation")
    if "user" in operation or "account" in operation:
        if activity == _CREATE:
            return "user_added"
        if activity == _DELETE:
            return "user_removed"
        return "rights_changed"
    return "config_changed"


def _severity(event: dict[str, Any], kind: str) -> int:
    number = integer_at(event, "severity_id")
    if number == _FATAL:
        number = _FATAL - 1
    return severity_of(number) or severity_of(_low(event, "severity")) or USUAL_SEVERITY.get(kind, 1)


def _actor(number: int, event: dict[str, Any]) -> str | None:
    """Of a sign-in the user who signs in, else who acts; one system or the other where it is nobody."""
    users = [value_at(event, "actor", "user"), event.get("user") if number == AUTHENTICATION else None]
    if number == AUTHENTICATION:
        users.reverse()
    return next((found for user in users if (found := _user(user))), None)


def _user(user: object) -> str | None:
    return first_text(user, *_USER_PATHS)


def _address(event: dict[str, Any]) -> str | None:
    """The address it came from; other texts in its place (names of services) are left out."""
    found = first_text(
        event, ("src_endpoint", "ip"), ("device", "ip"), ("evidences", 0, "src_endpoint", "ip")
    )
    return known_address(found) if found else None


def _service(event: dict[str, Any]) -> str | None:
    found = first_text(
        event,
        ("api", "service", "name"),
        ("service", "name"),
        ("dst_endpoint", "svc_name"),
        ("api", "service", "uid"),
        ("resources", 0, "name"),
    )
    return found[:200] if found else None


def _bytes(event: dict[str, Any]) -> Any:
    for path in (("query_info", "bytes"), ("http_response", "length"), ("traffic", "bytes_out")):
        found = value_at(event, *path)
        if found is not None:
            return found
    return 0


def _detail(number: int, event: dict[str, Any]) -> dict[str, Scalar]:
    """What rules can ask for: codes and numbers, never messages."""
    detail: dict[str, Scalar] = {"class": number}
    for name in ("activity", "verdict"):
        code = integer_at(event, f"{name}_id")
        if code is not None:
            detail[name] = code
    for name, paths in _DETAILS:
        found = first_text(event, *paths)
        if found is not None:
            detail[name] = found[:200]
    if isinstance(event.get("is_mfa"), bool):
        detail["mfa"] = event["is_mfa"]
    return detail
