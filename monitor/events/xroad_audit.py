"""X-Road's audit log as security events: the JSON of a line, with or without what stands in front of it.

A line as a security server writes it:

    2026-10-05T08:15:30+07:00 ss1.moh correlation-id: [a81d…] INFO  [X-Road Proxy Admin REST API]
    2026-10-05T08:15:30.409+07:00 - {"event": "Log in user failed", "user": …, "ipaddress": …, "data": {…}}

The JSON has no time and does not say which server wrote it. The time is the last one in front of the JSON,
or a member `time`, `timestamp` or `@timestamp`, or the CloudEvent's. Whose event it is: the first of these
that the registry knows, else `unregistered`: a member `agency` or `server` (INSTANCE/CLASS/MEMBER/SERVER)
that a log shipper adds; the user, where it is written as INSTANCE/CLASS/MEMBER; the owner, client or member
that the data names; the CloudEvent's source; the host in front of the JSON. A member is looked up as
CLASS-MEMBER (so that `GOV-M5` can stand among an agency's previous codes) and as MEMBER.
Source: X-Road specification SPEC-AL, Audit log events.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from monitor.events.addresses import known_address
from monitor.events.kinds import USUAL_SEVERITY, kind_of
from monitor.events.mapped import Mapped, Outer, claimed, identity, source_claims, text_at, value_at
from monitor.events.rejection import Reason, Rejection
from monitor.events.security_event import Scalar

_LONGEST_PREFIX = 500  # what stands in front of the JSON is some 130 characters
_TIMES = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)")
# Syslog's priority, if it is there, a time and the host.
_HOST = re.compile(rb"(?:<\d{1,3}>)?(?:\d )?\S+ ([A-Za-z0-9._-]{1,100}) ")
_FAILED = " failed"
_KINDS = {
    "log in user": ("sign_in_ok", "sign_in_failed"),
    "log out user": ("sign_out", "sign_out"),
    "key management api log in": ("sign_in_ok", "sign_in_failed"),
    "authentication": ("sign_in_ok", "sign_in_failed"),
    "api key authentication": ("credential_use", "token_rejected"),
    "auth credentials discovery": ("credential_use", "token_rejected"),
    "access check": ("data_access", "access_denied"),
    "api key create": ("user_added", "config_change_failed"),
    "api key update": ("rights_changed", "config_change_failed"),
    "api key remove": ("user_removed", "config_change_failed"),
    "add user": ("user_added", "config_change_failed"),
    "delete user": ("user_removed", "config_change_failed"),
    "set ui language": ("ui_changed", "ui_changed"),
}
_CHANGE = ("config_changed", "config_change_failed")
# Changes that decide who may call what, or that replace all that was set before, are graver than others.
_GRAVE = re.compile(r"restore configuration|access rights|delete (?:client|key|token)|internal tls key")
_GRAVE_SEVERITY = 3
_IDENTIFIERS = (
    "ownerIdentifier",
    "clientIdentifier",
    "memberIdentifier",
    "providerIdentifier",
    "serviceProviderIdentifier",
)
_CODE = re.compile(r"[^A-Z0-9-]+")


def split_line(data: bytes) -> tuple[bytes, Outer] | None:
    """The JSON of a line and what is said in front of it; None where the data is no such line."""
    begins = data.find(b"{", 0, _LONGEST_PREFIX)
    before = data[: max(begins, 0)]
    if not before.strip():
        return None
    times = _TIMES.findall(before)
    if not times:
        return None
    host = _HOST.match(before.lstrip())
    return data[begins:], Outer(time=times[-1].decode(), host=host[1].decode() if host else None)


def is_one(members: Mapping[str, Any]) -> bool:
    """Whether an object's members are those of an audit event."""
    return "event" in members and ("user" in members or "data" in members) and "kind" not in members


def mapped(event: dict[str, Any], data: bytes, outer: Outer) -> Mapped | Rejection:
    """The event in the contract's own form; its id is a digest of its time and its JSON."""
    said = text_at(event, "event")
    if said is None:
        return Rejection(Reason.INVALID_FIELD, "Expected what was done - at `$.event`")
    time = next(
        (given for name in ("time", "timestamp", "@timestamp") if (given := event.get(name)) is not None),
        outer.time,
    )
    if time is None:
        return Rejection(Reason.MISSING_FIELD, "neither the line nor what carries it has a time")
    done = said.lower()
    failed = done.endswith(_FAILED)
    done = done.removesuffix(_FAILED)
    kind = _KINDS.get(done, _CHANGE)[failed]
    severity = USUAL_SEVERITY.get(kind, 1)
    if kind == _CHANGE[0] and _GRAVE.search(done):
        severity = _GRAVE_SEVERITY
    agency, claims = claimed(_claims(event, outer))
    address = text_at(event, "ipaddress")
    members: dict[str, Any] = {
        "id": identity(text_at(event, "id") or outer.id, f"{time}\n".encode() + data),
        "time": time,
        "agency": agency,
        "kind": kind,
        "severity": severity,
        "actor": text_at(event, "user"),
        "source_ip": known_address(address) if address else None,
        "detail": _detail(event, done, failed),
    }
    return Mapped(members, claims)


def _claims(event: dict[str, Any], outer: Outer) -> Iterator[str | None]:
    yield text_at(event, "agency")
    for name in ("server", "serverId", "securityServerId"):
        yield from _member_in(event.get(name), shortest=4)
    yield from _member_in(event.get("user"), shortest=3)
    data = event.get("data")
    for name in _IDENTIFIERS:
        yield from _member_in(value_at(data, name), shortest=3)
    for owner in ("owner", "member"):
        yield from _member(text_at(data, f"{owner}Class"), text_at(data, f"{owner}Code"))
    yield from source_claims(outer)
    if outer.host:
        yield outer.host.partition(".")[0].upper()


def _member_in(identifier: object, *, shortest: int) -> Iterator[str]:
    """The member of an identifier: an object, or INSTANCE/CLASS/MEMBER and maybe more, as text."""
    if isinstance(identifier, dict):
        yield from _member(text_at(identifier, "memberClass"), text_at(identifier, "memberCode"))
    elif isinstance(identifier, str):
        parts = identifier.rpartition(":")[2].split("/")
        if len(parts) >= shortest:
            yield from _member(parts[1], parts[2])


def _member(member_class: str | None, code: str | None) -> Iterator[str]:
    """A member under the codes that the registry may have for it."""
    if not code:
        return
    code = _CODE.sub("-", code.upper()).strip("-")
    if member_class:
        yield f"{_CODE.sub('-', member_class.upper()).strip('-')}-{code}"
    yield code


def _detail(event: dict[str, Any], done: str, failed: bool) -> dict[str, Scalar]:
    """What was done, as a code; the reason of a failure is a sentence, and addresses may hold names."""
    detail: dict[str, Scalar] = {"event": kind_of(done), "failed": failed}
    auth = text_at(event, "auth")
    if auth:
        detail["auth"] = auth[:100]
    if isinstance(event.get("warning"), bool):
        detail["warning"] = event["warning"]
    for name in ("servicesAdded", "servicesDeleted"):
        services = value_at(event, "data", "wsdl", name)
        if isinstance(services, list):
            detail["services_added" if name == "servicesAdded" else "services_deleted"] = len(services)
    for name, key in (("serviceType", "service_type"), ("certStatus", "certificate_status")):
        found = text_at(event, "data", name)
        if found:
            detail[key] = found[:100]
    return detail
