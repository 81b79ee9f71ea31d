"""From bytes to exchanges: bare JSON and both CloudEvents modes, whole batches at a time.

Decoding many lines in one call costs 40 % less than one call an event, so events are joined with
line breaks and decoded together. A group in which anything is unusual is decoded again in parts, and the
part that holds it one by one, which also says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress, count
from operator import itemgetter, not_
from typing import Any, Literal

import msgspec

from monitor.events.exchange import Exchange
from monitor.events.problems import UNDECODABLE, rejection_of
from monitor.events.rejection import Reason, Rejection

MAX_BODY_BYTES = 1024 * 1024  # the contract's limit
GROUP = 64  # events decoded in one call; where one is bad, its group is decoded again in so many parts
PARTS, LEAST = 4, 4  # and a part of so many one by one
_STRUCTURED_MARK = b'"specversion"'  # only a hint: what has it may be a CloudEvent
# Where event libraries put that member: first. One that comes with another first is decoded alone.
_STRUCTURED_HEAD = b'{"spe'

Body = bytes | None
Headers = Sequence[tuple[str, bytes | None]]
Decoded = Exchange | Rejection


class _Structured(msgspec.Struct, gc=False):
    """A CloudEvent in structured mode whose data is a complete exchange."""

    specversion: Literal["1.0"]
    data: Exchange


class _Envelope(msgspec.Struct, gc=False):
    """A CloudEvent in structured mode, whatever its data."""

    specversion: str
    id: str | None = None
    time: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: bytes | None = None


_exchanges = msgspec.json.Decoder(Exchange)
_structured = msgspec.json.Decoder(_Structured)
_envelope = msgspec.json.Decoder(_Envelope)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_head: Callable[[Any], bytes] = itemgetter(slice(0, len(_STRUCTURED_HEAD)))
_first: Callable[[Any], int] = itemgetter(0)
_last: Callable[[Any], int] = itemgetter(-1)
_OPENED, _CLOSED = {ord("{")}, {ord("}")}


def decode_batch(bodies: Sequence[Body], headers_of: Callable[[int], Headers]) -> list[Decoded]:
    """Decode bodies, each to an Exchange or a Rejection, in their order.

    `headers_of(i)` gives the Kafka headers of body i; it is asked only where they can matter.
    """
    decoded: list[Decoded] = []
    for start in range(0, len(bodies), GROUP):
        decoded += _decode_group(bodies[start : start + GROUP], start, headers_of)
    return decoded


def _decode_group(group: Sequence[Body], start: int, headers_of: Callable[[int], Headers]) -> list[Decoded]:
    """Decode a group together, or else its parts, down to single bodies: what is wrong spoils few others."""
    together = _decode_together(group)
    if together is not None:
        return together
    if len(group) <= LEAST:
        return [decode_one(body, headers_of(start + i)) for i, body in enumerate(group)]
    part = -(-len(group) // PARTS)
    decoded: list[Decoded] = []
    for first in range(0, len(group), part):
        decoded += _decode_group(group[first : first + part], start + first, headers_of)
    return decoded


def _decode_together(group: Sequence[Body]) -> list[Decoded] | None:
    """Decode a group in one or two calls, or return None when any of it needs a closer look.

    The decoder takes line breaks for blanks, so bodies must not be able to run into each other: where each
    begins with `{` and ends with `}`, a body that is not whole is an error (nothing but the end of an object
    may stand between `}` and `{`, and no string holds a line break), and as many exchanges as bodies are
    one of each.
    """
    try:
        heads = set(map(_head, group))
        if set(map(_first, heads)) != _OPENED or set(map(_last, group)) != _CLOSED:
            return None
        lines = b"\n".join(group)  # type: ignore[arg-type]  # a null body has raised TypeError
        if len(lines) > MAX_BODY_BYTES:
            return None
        if _STRUCTURED_HEAD in heads:
            return _decode_mixed(group)
        exchanges: list[Any] = _exchanges.decode_lines(lines)
    except (*UNDECODABLE, TypeError, IndexError):  # null and empty bodies have no first byte
        return None
    return exchanges if len(exchanges) == len(group) else None


def _decode_mixed(group: Sequence[Any]) -> list[Decoded] | None:
    """Decode bare exchanges and structured CloudEvents in one call each; the bodies are known to be whole."""
    structured = list(map(_STRUCTURED_HEAD.__eq__, map(_head, group)))
    events = _structured.decode_lines(b"\n".join(compress(group, structured)))
    decoded: list[Any] = _exchanges.decode_lines(b"\n".join(compress(group, map(not_, structured))))
    if len(decoded) + len(events) != len(group):
        return None
    for index, event in zip(compress(count(), structured), events, strict=True):
        decoded.insert(index, event.data)  # in rising order, so that each comes to stand where it was
    return decoded


def decode_one(body: Body, headers: Headers) -> Decoded:
    """Decode one body with its headers to an Exchange, or to a Rejection that says what is wrong."""
    if not body or body.isspace():
        return Rejection(Reason.EMPTY, "the body is empty")
    if len(body) > MAX_BODY_BYTES:
        return Rejection(Reason.OVERSIZED, f"the body has {len(body)} bytes; {MAX_BODY_BYTES} are allowed")
    if body.startswith(_STRUCTURED_HEAD):
        try:  # first, as in a group: what is counted must not depend on an event's neighbours
            return _structured.decode(body).data
        except UNDECODABLE:
            pass
    try:
        return _exchanges.decode(body)
    except UNDECODABLE as why:
        problem = why.with_traceback(None)  # with it, a ring that only the collector would free
    # Not a bare exchange. A CloudEvent may carry id and time outside its data.
    try:
        if _STRUCTURED_MARK in body:
            return _from_envelope(_envelope.decode(body))
        attributes = {
            name[3:].lower(): value for name, value in headers if name[:3].lower() == "ce_" and value
        }
        if "specversion" in attributes:
            outer = {name: attributes.get(name, b"").decode() or None for name in ("id", "time")}
            return _completed(body, outer)
    except UNDECODABLE as why:
        problem = why.with_traceback(None)  # with it, a ring that only the collector would free
    return rejection_of(problem)


def _from_envelope(event: _Envelope) -> Decoded:
    if event.specversion != "1.0":
        return Rejection(Reason.INVALID_CLOUD_EVENT, f"specversion {event.specversion[:20]!r}; 1.0 is read")
    if event.data_base64 is not None:
        data = event.data_base64
    elif bytes(event.data) in (b"", b"null"):
        return Rejection(Reason.INVALID_CLOUD_EVENT, "the CloudEvent has no data")
    else:
        data = bytes(event.data)
    return _completed(data, {"id": event.id, "time": event.time})


def _completed(data: bytes, outer: dict[str, str | None]) -> Decoded:
    """Decode data; `id` and `time` that it does not hold are taken from the CloudEvent's attributes."""
    members: dict[str, Any] = dict(_members.decode(data))
    for name, value in outer.items():
        if value is not None:
            members.setdefault(name, value)
    return _exchanges.decode(msgspec.json.encode(members))
