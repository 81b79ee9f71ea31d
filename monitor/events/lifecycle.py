"""From bytes to lifecycle events: bare JSON and both CloudEvents modes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from monitor.events.decode import MAX_BODY_BYTES, Body, Headers
from monitor.events.lifecycle_event import REQUEST_KINDS, LifecycleEvent
from monitor.events.problems import UNDECODABLE, rejection_of
from monitor.events.rejection import Reason, Rejection

__all__ = ["LifecycleDecoded", "LifecycleEvent", "decode_lifecycle", "decode_one_lifecycle"]

LifecycleDecoded = LifecycleEvent | Rejection
_MARK = b'"specversion"'  # only a hint: what has it may be a CloudEvent
# An identity card or a telephone: the number of a request has at least one other sign, or another length.
_NUMBER_OF_A_PERSON = re.compile(r"\+?[0-9]{9,14}")


class _Envelope(msgspec.Struct, gc=False):
    """A CloudEvent in structured mode, whatever its data."""

    specversion: str | None = None
    id: str | None = None
    time: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: bytes | None = None


# A day outside these years is a mistake, and counting the days to it would be work for nothing.
_YEARS = range(2000, 2100)
_event = msgspec.json.Decoder(LifecycleEvent)
_envelope = msgspec.json.Decoder(_Envelope)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decode_lifecycle(
    bodies: Sequence[Body], headers_of: Callable[[int], Headers]
) -> list[LifecycleEvent | Rejection]:
    """Decode bodies, each to a LifecycleEvent or a Rejection, in their order.

    `headers_of(i)` gives the Kafka headers of body i. One by one: a year has as few as a
    second has exchanges.
    """
    return [decode_one_lifecycle(body, headers_of(index)) for index, body in enumerate(bodies)]


def decode_one_lifecycle(body: Body, headers: Headers) -> LifecycleDecoded:
    """Decode one body with its headers to a LifecycleEvent, or to a Rejection that says what is wrong.

    `id` and `time` that the data lack are taken from the CloudEvent's attributes.
    """
    if not body or body.isspace():
        return Rejection(Reason.EMPTY, "the body is empty")
    if len(body) > MAX_BODY_BYTES:
        return Rejection(Reason.OVERSIZED, f"the body has {len(body)} bytes; {MAX_BODY_BYTES} are allowed")
    try:
        if _MARK in body:
            envelope = _envelope.decode(body)
            if envelope.specversion is not None:
                return _from_envelope(envelope)
        return _checked(_completed(body, _attributes(headers)))
    except UNDECODABLE as why:
        return rejection_of(why)


def _attributes(headers: Headers) -> dict[str, str]:
    """The `id` and `time` that a CloudEvent in binary mode has in its headers."""
    found = {name[3:].lower(): value for name, value in headers if name[:3].lower() == "ce_" and value}
    if "specversion" not in found:
        return {}
    return {name: found[name].decode() for name in ("id", "time") if name in found}


def _from_envelope(envelope: _Envelope) -> LifecycleDecoded:
    if envelope.specversion != "1.0":
        version = str(envelope.specversion)[:20]
        return Rejection(Reason.INVALID_CLOUD_EVENT, f"specversion {version!r}; 1.0 is read")
    if envelope.data_base64 is not None:
        data = envelope.data_base64
    elif bytes(envelope.data) in (b"", b"null"):
        return Rejection(Reason.INVALID_CLOUD_EVENT, "the CloudEvent has no data")
    else:
        data = bytes(envelope.data)
    outer = {name: value for name, value in (("id", envelope.id), ("time", envelope.time)) if value}
    return _checked(_completed(data, outer))


def _completed(data: bytes, outer: dict[str, str]) -> LifecycleEvent:
    if not outer:
        return _event.decode(data)
    members: dict[str, Any] = dict(_members.decode(data))
    return _event.decode(msgspec.json.encode({**outer, **members}))


def _checked(event: LifecycleEvent) -> LifecycleDecoded:
    """What the types do not say: which kinds name what they are about. Empty texts count as absent."""
    event.agreement, event.service = event.agreement or None, event.service or None
    if event.kind in REQUEST_KINDS and event.request is None:
        return Rejection(Reason.MISSING_FIELD, f"{event.kind} names no request - at `$.request`")
    if event.kind == "renewed" and event.agreement is None:
        return Rejection(Reason.MISSING_FIELD, "renewed names no agreement - at `$.agreement`")
    if event.due is not None and event.due.year not in _YEARS:
        return Rejection(Reason.INVALID_FIELD, "Expected a day from 2000 to 2099 - at `$.due`")
    if event.request is not None and _NUMBER_OF_A_PERSON.fullmatch(event.request):
        return Rejection(
            Reason.INVALID_FIELD,
            "9 to 14 digits alone may be the number of a person: write a letter before them - at `$.request`",
        )
    return event
