"""From bytes to security events: bare JSON, both CloudEvents modes, OCSF, and X-Road's audit log.

A complete bare event is taken as it is. Else the body's members tell its form: `class_uid` is OCSF's,
`event` with `user` or `data` X-Road's. A CloudEvent's `id`, `time` and `source` fill in what its data lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec

from monitor.events import ocsf, xroad_audit
from monitor.events.addresses import LONGEST_ADDRESS, known_address
from monitor.events.decode import MAX_BODY_BYTES, Body, Headers
from monitor.events.exchange import Count, Name, Time
from monitor.events.kinds import kind_of, severity_of
from monitor.events.mapped import Mapped, Outer
from monitor.events.problems import UNDECODABLE, rejection_of
from monitor.events.rejection import Reason, Rejection
from monitor.events.security_event import DetailOnWire, SecurityEvent

__all__ = ["SecurityDecoded", "SecurityEvent", "decode_one_security", "decode_security"]

SecurityDecoded = SecurityEvent | Rejection
_MARK = b'"specversion"'  # only a hint: what has it may be a CloudEvent
# A name or an identity-card number is shorter; what is longer is no actor but a mistake.
_Actor = Annotated[str, msgspec.Meta(max_length=1000)]
_Address = Annotated[str, msgspec.Meta(max_length=LONGEST_ADDRESS)]


class _Wire(msgspec.Struct, gc=False):
    """The fields of the contract as they stand in JSON."""

    id: Name
    time: Time
    agency: Name
    kind: Name
    severity: int | str
    actor: _Actor | None = None
    source_ip: _Address | None = None
    service: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    subject: _Actor | None = None
    count: Count = 0
    bytes: Count = 0
    detail: DetailOnWire | None = None


class _Envelope(msgspec.Struct, gc=False):
    """A CloudEvent in structured mode, whatever its data."""

    specversion: str | None = None
    id: str | None = None
    time: str | None = None
    source: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: bytes | None = None


_wire = msgspec.json.Decoder(_Wire)
_envelope = msgspec.json.Decoder(_Envelope)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_anything = msgspec.json.Decoder(dict[str, Any])


def decode_security(
    bodies: Sequence[Body], headers_of: Callable[[int], Headers]
) -> list[SecurityEvent | Rejection]:
    """Decode bodies, each to a SecurityEvent or a Rejection, in their order.

    `headers_of(i)` gives the Kafka headers of body i. One by one, unlike exchanges: there is about one
    security event for a hundred exchanges, and their forms are mixed.
    """
    return [
        _complete(body) or decode_one_security(body, headers_of(index)) for index, body in enumerate(bodies)
    ]


def _complete(body: Body) -> SecurityDecoded | None:
    """The event of a complete bare body, which most are, without a look at its headers; else None."""
    if not body or len(body) > MAX_BODY_BYTES or _MARK in body:
        return None
    try:
        return _event(_wire.decode(body))
    except UNDECODABLE:
        return None


def decode_one_security(body: Body, headers: Headers) -> SecurityDecoded:
    """Decode one body with its headers to a SecurityEvent, or to a Rejection that says what is wrong."""
    if not body or body.isspace():
        return Rejection(Reason.EMPTY, "the body is empty")
    if len(body) > MAX_BODY_BYTES:
        return Rejection(Reason.OVERSIZED, f"the body has {len(body)} bytes; {MAX_BODY_BYTES} are allowed")
    try:
        outer = _attributes(headers)
        if _MARK in body:
            event = _envelope.decode(body)
            if event.specversion is not None:
                return _from_envelope(event)
        return _from_data(body, outer)
    except UNDECODABLE as why:
        return rejection_of(why)


def _attributes(headers: Headers) -> Outer:
    """What a CloudEvent in binary mode has in its headers; nothing where there is none."""
    found = {name[3:].lower(): value for name, value in headers if name[:3].lower() == "ce_" and value}
    if "specversion" not in found:
        return Outer()
    return Outer(*(found.get(name, b"").decode() or None for name in ("id", "time", "source")))


def _from_envelope(event: _Envelope) -> SecurityDecoded:
    if event.specversion != "1.0":
        version = str(event.specversion)[:20]
        return Rejection(Reason.INVALID_CLOUD_EVENT, f"specversion {version!r}; 1.0 is read")
    if event.data_base64 is not None:
        data = event.data_base64
    elif bytes(event.data) in (b"", b"null"):
        return Rejection(Reason.INVALID_CLOUD_EVENT, "the CloudEvent has no data")
    else:
        data = bytes(event.data)
    return _from_data(data, Outer(event.id, event.time, event.source))


def _from_data(data: bytes, outer: Outer) -> SecurityDecoded:
    """Read one event of any form; raises what the decoder raises."""
    line = xroad_audit.split_line(data)
    if line is not None:
        data, said = line
        outer = said.completed_by(outer)
    try:
        return _event(_wire.decode(data))
    except UNDECODABLE as why:
        problem = why
    members: dict[str, Any] = dict(_members.decode(data))
    if "class_uid" in members:
        return _from_mapped(ocsf.mapped(_anything.decode(data), data, outer))
    if xroad_audit.is_one(members):
        return _from_mapped(xroad_audit.mapped(_anything.decode(data), data, outer))
    missing = {name: value for name, value in (("id", outer.id), ("time", outer.time)) if value}
    missing = {name: value for name, value in missing.items() if name not in members}
    if not missing:
        return rejection_of(problem)
    return _event(_wire.decode(msgspec.json.encode(members | missing)))


def _from_mapped(found: Mapped | Rejection) -> SecurityDecoded:
    if isinstance(found, Rejection):
        return found
    decoded = _event(msgspec.convert(found.members, _Wire))
    if isinstance(decoded, SecurityEvent):
        decoded.claims = found.claims
    return decoded


def _event(wire: _Wire) -> SecurityDecoded:
    kind, severity = kind_of(wire.kind), severity_of(wire.severity)
    if not kind:
        return Rejection(Reason.INVALID_FIELD, "Expected ASCII letters or digits - at `$.kind`")
    if severity is None:
        return Rejection(
            Reason.INVALID_FIELD, "Expected 1 to 5, or informational to critical - at `$.severity`"
        )
    address = wire.source_ip or None
    if address is not None:
        address = known_address(address)
        if address is None:
            return Rejection(Reason.INVALID_FIELD, "Expected an IP address - at `$.source_ip`")
    detail = {name: value for name, value in (wire.detail or {}).items() if value is not None}
    return SecurityEvent(
        id=wire.id,
        time=wire.time,
        agency=wire.agency,
        kind=kind,
        severity=severity,
        actor=wire.actor or None,
        source_ip=address,
        service=wire.service or None,
        subject=wire.subject or None,
        count=wire.count,
        bytes=wire.bytes,
        detail=detail or None,
    )
