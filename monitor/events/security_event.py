"""A security event as the monitor keeps it, whatever form it came in."""

from __future__ import annotations

from typing import Annotated

import msgspec

from monitor.events.exchange import Count, Name, Time

UNKNOWN_AGENCY = "unregistered"  # as the registry's: of an event that does not say whose it is
MOST_DETAILS = 32
LONGEST_DETAIL_NAME = 64
LONGEST_DETAIL = 1000  # characters of a text; what is kept of it is decided by monitor.events.pseudonym

Scalar = str | int | float | bool
Detail = dict[str, Scalar]
# The same as on the wire; whole numbers beyond 2**53 are not exact in most programs that write JSON.
DetailOnWire = Annotated[
    dict[
        Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_DETAIL_NAME)],
        Annotated[str, msgspec.Meta(max_length=LONGEST_DETAIL)]
        | Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
        | float
        | bool
        | None,
    ],
    msgspec.Meta(max_length=MOST_DETAILS),
]


class SecurityEvent(msgspec.Struct, gc=False, kw_only=True):
    """One thing that happened at an agency and that security staff may need to know.

    `time` is a time with an offset, or milliseconds since 1970; `severity` is 1 (informational) to 5
    (critical); `count` is how many records, attempts or look-ups it stands for. `actor` and `subject` are as
    they came until the ledger has made pseudonyms of them; `claims` are names under which the registry may
    know the agency, best first, and empty once that is settled.
    """

    id: Name
    time: Time
    agency: Name
    kind: str
    severity: int
    actor: str | None = None
    source_ip: str | None = None
    service: str | None = None
    subject: str | None = None
    count: Count = 0
    bytes: Count = 0
    detail: Detail | None = None
    claims: tuple[str, ...] = ()
