"""A lifecycle event: what an agency did about a connection, an agreement, its shared list, or a request."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args

import msgspec

from monitor.events.exchange import Name, Time

ConnectionKind = Literal["registered", "sandboxed", "cleared", "went_live", "suspended", "resumed"]
RequestKind = Literal["requested", "answered", "corrected"]
Kind = Literal[
    "registered",
    "sandboxed",
    "cleared",
    "went_live",
    "suspended",
    "resumed",
    "reviewed",
    "renewed",
    "requested",
    "answered",
    "corrected",
]
Limit = Literal[
    "completion", "simple", "complex", "very_large", "error_cause", "error_fixed", "error_checked"
]

CONNECTION_KINDS: tuple[str, ...] = get_args(ConnectionKind)
REQUEST_KINDS: tuple[str, ...] = get_args(RequestKind)
KINDS: tuple[str, ...] = get_args(Kind)
LIMITS: tuple[str, ...] = get_args(Limit)

# Numbers of documents have letters of any alphabet, but no blank and no @: prose and addresses have no place.
RequestId = Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[^\s@]+\Z")]
_Reference = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\s@]*\Z")]


class LifecycleEvent(msgspec.Struct, gc=False, kw_only=True):
    """One thing that an agency did, or was asked to do.

    `time` is RFC 3339 with an offset, or milliseconds since 1970. `agency` is whose duty or state it is: for
    `requested` the agency that was asked, as for the `answered` or `corrected` that follows.
    `registered` to `resumed` change the state of the agency's connection where they name neither agreement
    nor service; with either they are about that alone, and change no state.
    `reviewed` is about the agreement it names, or, naming neither agreement nor service, about the list of
    what the agency shares by default. `due` is the last day: of `requested` for the answer, of `reviewed` for
    the next review, of `renewed` for the new end. `limit` names the limit that a request has, for which no
    `due` is known.
    """

    id: Name
    time: Time
    agency: Name
    kind: Kind
    agreement: _Reference | None = None
    service: _Reference | None = None
    request: RequestId | None = None
    due: date | None = None
    limit: Limit | None = None
