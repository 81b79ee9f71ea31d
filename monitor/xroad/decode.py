"""From bytes to halves of calls: single records and `{"records": […]}`, plain or gzip.

A record that cannot be read is left out and named in the body's rejection; its neighbours go on. Whoever
sends a corrected body again may send the neighbours with it: they are known and counted as duplicates.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from operator import itemgetter

import msgspec

from monitor.events.decode import MAX_BODY_BYTES, Body, Headers
from monitor.events.exchange import Count
from monitor.events.problems import UNDECODABLE, rejection_of
from monitor.events.rejection import Reason, Rejection
from monitor.xroad.causes import cause_of
from monitor.xroad.half import SIDES, Half, Milliseconds, Party, Side, Text, Times

GZIP = b"\x1f\x8b"
# A security server's answer may be large, but not without end: what grows beyond is a mistake or a bomb.
MAX_UNPACKED_BYTES = 32 * 1024 * 1024
NAMED_RECORDS = 5  # of a body's bad records; the others are only counted
MAX_RECORDS = 100_000  # of a body: a security server gives ten thousand at a time
# Small things without end would fill the memory before they are counted. Records within the bytes that are
# allowed have fewer commas: a record has some thirty, in 600 bytes or more.
MAX_COMMAS = 2_000_000
_SIDES: dict[str, Side] = {name: name for name in SIDES}
_LONG = 10_000  # of texts that are looked at and not kept: a fault's text may be a page


class _Record(msgspec.Struct, rename="camel", gc=False):
    """The fields of a record that are read, under their names in JSON; all others are ignored."""

    security_server_type: str
    request_in_ts: Milliseconds | None = None
    request_out_ts: Milliseconds | None = None
    response_in_ts: Milliseconds | None = None
    response_out_ts: Milliseconds | None = None
    monitoring_data_ts: int | None = None  # seconds
    client_x_road_instance: Text | None = None
    client_member_class: Text | None = None
    client_member_code: Text | None = None
    client_subsystem_code: Text | None = None
    service_x_road_instance: Text | None = None
    service_member_class: Text | None = None
    service_member_code: Text | None = None
    service_subsystem_code: Text | None = None
    service_code: Text | None = None
    service_version: Text | None = None
    message_id: Text | None = None
    message_user_id: Text | None = None
    message_issue: str | None = None
    x_request_id: Text | None = None
    client_security_server_address: Text | None = None
    service_security_server_address: Text | None = None
    request_size: Count | None = None
    request_soap_size: Count | None = None
    request_rest_size: Count | None = None
    request_mime_size: Count | None = None
    request_attachment_count: Count | None = None
    response_size: Count | None = None
    response_soap_size: Count | None = None
    response_rest_size: Count | None = None
    response_mime_size: Count | None = None
    response_attachment_count: Count | None = None
    succeeded: bool | None = None
    status_code: int | None = None
    fault_code: str | None = None
    fault_string: str | None = None
    soap_fault_code: str | None = None
    soap_fault_string: str | None = None


class _Several(msgspec.Struct, gc=False):
    records: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET


Problem = tuple[int, Rejection]  # of the record at an index of its body


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """A body's halves in their order, and why others of its records could not be read; `bad` is how many.

    `places` are the indexes of the halves' records among all, `records` how many there are, where a body
    holds several; `problems` are the first of those that could not be read.
    """

    halves: list[Half]
    rejection: Rejection | None = None
    bad: int = 0
    places: Sequence[int] = ()
    records: int = 0
    problems: Sequence[Problem] = ()

    def refused(self, found: Sequence[Problem]) -> Rejection | None:
        """Why records were refused: unreadable ones, and those `found` by index of the half."""
        if not found:
            return self.rejection
        if not self.records:
            return found[0][1]
        at = [(self.places[index], problem) for index, problem in found]
        return _together(sorted((*self.problems, *at), key=_index), self.bad + len(at), self.records)


_record = msgspec.json.Decoder(_Record)
_several = msgspec.json.Decoder(_Several)
_SEVERAL_MARK = b'"records"'
_index: Callable[[Problem], int] = itemgetter(0)


def decode_records(bodies: Sequence[Body], headers_of: Callable[[int], Headers]) -> list[Decoded]:
    """Decode bodies in their order. The headers say nothing that the body does not."""
    del headers_of
    return [decode_body(body) for body in bodies]


def decode_body(body: Body) -> Decoded:
    """Decode one body; never raises. A body that cannot be read as a whole has no halves."""
    if not body or body.isspace():
        return _refused(Rejection(Reason.EMPTY, "the body is empty"))
    if len(body) > MAX_BODY_BYTES:
        reason = f"the body has {len(body)} bytes; {MAX_BODY_BYTES} are allowed"
        return _refused(Rejection(Reason.OVERSIZED, reason))
    if body.startswith(GZIP):
        unpacked = _unpacked(body)
        if isinstance(unpacked, Rejection):
            return _refused(unpacked)
        body = unpacked
    try:
        raw = _records_of(body)
        if raw is msgspec.UNSET:
            return Decoded([half_of(_record.decode(body))])
    except (*UNDECODABLE, _Unusable) as why:
        return _refused(_rejection(why))
    return _each(raw)


def _records_of(body: bytes) -> list[msgspec.Raw] | msgspec.UnsetType:
    """The records of a body that holds several; one that is a record itself may have the word in a value."""
    if _SEVERAL_MARK not in body:
        return msgspec.UNSET
    commas = body.count(b",")
    if commas > MAX_COMMAS:
        raise _Unusable(Rejection(Reason.OVERSIZED, f"{commas} commas; {MAX_COMMAS} are allowed"))
    raw = _several.decode(body).records
    if raw is not msgspec.UNSET and len(raw) > MAX_RECORDS:
        raise _Unusable(Rejection(Reason.OVERSIZED, f"{len(raw)} records; {MAX_RECORDS} are allowed"))
    return raw


def _each(raw: list[msgspec.Raw]) -> Decoded:
    if not raw:
        return Decoded([])
    halves: list[Half] = []
    places: list[int] = []
    problems: list[Problem] = []
    for index, one in enumerate(raw):
        try:
            halves.append(half_of(_record.decode(one)))
            places.append(index)
        except (*UNDECODABLE, _Unusable) as why:
            if len(problems) < NAMED_RECORDS:
                problems.append((index, _rejection(why)))
    bad = len(raw) - len(halves)
    rejection = _together(problems, bad, len(raw)) if bad else None
    return Decoded(halves, rejection, bad, places, len(raw), problems)


def _together(problems: Sequence[Problem], bad: int, records: int) -> Rejection:
    """One rejection of a body of which several records are bad; the first of them are named."""
    named = problems[:NAMED_RECORDS]
    said = "; ".join(f"record {index}: {problem.detail}" for index, problem in named)
    more = f"; and {bad - len(named)} more" if bad > len(named) else ""
    return Rejection(named[0][1].reason, f"{bad} of {records} records: {said}{more}"[:1000])


class _Unusable(Exception):
    """A record that is well-formed and says too little; never leaves this module."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.detail)
        self.rejection = rejection


def half_of(record: _Record) -> Half:
    """The half that a record tells of. Raises _Unusable where it has no side or no time."""
    side = _SIDES.get(record.security_server_type.strip().lower())
    if side is None:
        raise _Unusable(Rejection(Reason.INVALID_FIELD, "Client or Producer - at `$.securityServerType`"))
    begun = record.request_in_ts
    if begun is None and record.monitoring_data_ts is not None:
        begun = record.monitoring_data_ts * 1000
    if begun is None:
        raise _Unusable(Rejection(Reason.MISSING_FIELD, "neither requestInTs nor monitoringDataTs"))
    if not 0 <= begun <= _LATEST_MS:
        raise _Unusable(Rejection(Reason.INVALID_TIME, "beyond any calendar - at `$.monitoringDataTs`"))
    fault_string = record.fault_string or record.soap_fault_string
    return Half(
        side=side,
        begun=begun,
        times=Times(
            record.request_in_ts, record.request_out_ts, record.response_in_ts, record.response_out_ts
        ),
        client=Party(
            record.client_x_road_instance or "",
            record.client_member_class or "",
            record.client_member_code or "",
            record.client_subsystem_code or "",
        ),
        service=Party(
            record.service_x_road_instance or "",
            record.service_member_class or "",
            record.service_member_code or "",
            record.service_subsystem_code or "",
        ),
        service_code=record.service_code or "",
        service_version=record.service_version or "",
        cause=cause_of(
            record.succeeded,
            record.fault_code or record.soap_fault_code,
            fault_string[:_LONG] if fault_string else None,
            record.status_code,
        ),
        request_id=_storable(record.x_request_id),
        message_id=_storable(record.message_id),
        client_server=_storable(record.client_security_server_address),
        service_server=_storable(record.service_security_server_address),
        request_bytes=_size(
            record.request_attachment_count,
            record.request_mime_size,
            record.request_size,
            record.request_soap_size,
            record.request_rest_size,
        ),
        response_bytes=_size(
            record.response_attachment_count,
            record.response_mime_size,
            record.response_size,
            record.response_soap_size,
            record.response_rest_size,
        ),
        issue=bool(record.message_issue and record.message_issue.strip()),
        actor=record.message_user_id or None,
    )


def _storable(text: str | None) -> str | None:
    """PostgreSQL keeps no NUL in a text; an empty one says nothing."""
    return text.replace("\0", "\ufffd") if text else None


_LATEST_MS = 253_402_300_799_999


def _size(attachments: int | None, mime: int | None, *plain: int | None) -> int | None:
    """With attachments the whole MIME message is what went over the line, else the message alone."""
    if attachments and mime is not None:
        return mime
    return next((size for size in plain if size is not None), mime)


def _unpacked(body: bytes) -> bytes | Rejection:
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        data = inflater.decompress(body, MAX_UNPACKED_BYTES + 1)
    except zlib.error:
        return Rejection(Reason.NOT_JSON, "begins like gzip and is none")
    if len(data) > MAX_UNPACKED_BYTES:
        return Rejection(Reason.OVERSIZED, f"unpacks to more than {MAX_UNPACKED_BYTES} bytes")
    if not inflater.eof:
        return Rejection(Reason.NOT_JSON, "the gzip data ends too early")
    return data


def _rejection(why: Exception) -> Rejection:
    return why.rejection if isinstance(why, _Unusable) else rejection_of(why)


def _refused(rejection: Rejection) -> Decoded:
    return Decoded([], rejection, 1)
