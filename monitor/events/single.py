"""Bare JSON and both CloudEvents modes of one small event, for topics whose events are decoded one by one."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from monitor.events.decode import MAX_BODY_BYTES, Body, Headers
from monitor.events.problems import UNDECODABLE, rejection_of
from monitor.events.rejection import Reason, Rejection

T = TypeVar("T")
_MARK = b'"specversion"'  # only a hint: what has it may be a CloudEvent


class _Envelope(msgspec.Struct, gc=False):
    """A CloudEvent in structured mode, whatever its data."""

    specversion: str | None = None
    id: str | None = None
    time: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: bytes | None = None


_envelope = msgspec.json.Decoder(_Envelope)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class SingleDecoder(Generic[T]):
    """Decodes one body at a time; `id` and `time` that the data lack are those of the CloudEvent."""

    def __init__(self, form: type[T]) -> None:
        self._event: msgspec.json.Decoder[T] = msgspec.json.Decoder(form)

    def decode(self, body: Body, headers: Headers) -> T | Rejection:
        """The event of a body with its Kafka headers, or a Rejection that says what is wrong."""
        if not body or body.isspace():
            return Rejection(Reason.EMPTY, "the body is empty")
        if len(body) > MAX_BODY_BYTES:
            return Rejection(
                Reason.OVERSIZED, f"the body has {len(body)} bytes; {MAX_BODY_BYTES} are allowed"
            )
        try:
            if _MARK in body:
                envelope = _envelope.decode(body)
                if envelope.specversion is not None:
                    return self._from_envelope(envelope)
            return self._completed(body, _attributes(headers))
        except UNDECODABLE as why:
            return rejection_of(why)

    def _from_envelope(self, envelope: _Envelope) -> T | Rejection:
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
        return self._completed(data, outer)

    def _completed(self, data: bytes, outer: dict[str, str]) -> T:
        if not outer:
            return self._event.decode(data)
        members: dict[str, Any] = dict(_members.decode(data))
        return self._event.decode(msgspec.json.encode({**outer, **members}))


def _attributes(headers: Headers) -> dict[str, str]:
    """The `id` and `time` that a CloudEvent in binary mode has in its headers."""
    found = {name[3:].lower(): value for name, value in headers if name[:3].lower() == "ce_" and value}
    if "specversion" not in found:
        return {}
    return {name: found[name].decode() for name in ("id", "time") if name in found}
