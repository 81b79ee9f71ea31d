"""One simulated event: what goes on the wire, and what the account needs to know of it."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["clean", "late", "breach", "duplicate", "malformed"]
Headers = list[tuple[str, bytes]]

UNREGISTERED = "unregistered"  # the ledger's word for every name that the registry does not hold


class Sent(msgspec.Struct, gc=False, frozen=True):
    """One event in the order of sending.

    `time` is its own time in epoch seconds, exact to the millisecond; `provider`, `consumer` and `service`
    are what the ledger counts it under; `reason` is the breach it commits or why it is malformed, else empty.
    A duplicate has the bytes of an earlier event. Of a malformed event only the first six are meant.
    """

    key: bytes
    value: bytes
    headers: Headers
    time: float
    kind: Kind
    reason: str
    id: str
    provider: str
    consumer: str
    service: str
    outcome: str
    records: int
    request_bytes: int
    response_bytes: int
    duration_us: int


class SecuritySent(msgspec.Struct, gc=False, frozen=True):
    """One security event in the order of sending.

    `time` is its own in epoch seconds, exact to the millisecond; `agency`, `event` (its kind, as counted) and
    `severity` are what the ledger counts it under. A duplicate has the bytes of an earlier one.
    """

    key: bytes
    value: bytes
    headers: Headers
    time: float
    kind: Literal["clean", "duplicate"]
    id: str
    agency: str
    event: str
    severity: int


class DossierSent(msgspec.Struct, gc=False, frozen=True):
    """One step of a dossier in the order of sending.

    `time` is its own in epoch seconds, exact to the millisecond; a duplicate has the bytes of an earlier one.
    """

    key: bytes
    value: bytes
    headers: Headers
    time: float
    kind: Literal["clean", "duplicate"]
    id: str
    agency: str
    step: str


class XroadSent(msgspec.Struct, gc=False, frozen=True):
    """One half of a call over X-Road in the order of sending, as the security server of `agency` records it.

    `time` is when its server had the request, by its own clock, in epoch seconds; a duplicate has the bytes
    of an earlier half.
    """

    key: bytes
    value: bytes
    headers: Headers
    time: float
    kind: Literal["clean", "duplicate"]
    side: str
    agency: str
