"""An exchange as it stands on the wire: the fields of the contract that the monitor reads."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

Outcome = Literal["ok", "fault", "denied", "timeout"]
OUTCOMES: tuple[Outcome, ...] = ("ok", "fault", "denied", "timeout")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
# 2**53: the largest count that JSON written from floating point keeps exactly.
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
# A day: longer is no answer time but a fault of the clock that measured it.
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=86_400_000)]
Time = Annotated[datetime, msgspec.Meta(tz=True)] | float


class Exchange(msgspec.Struct, gc=False):
    """One request and its answer.

    `time` is RFC 3339 with an offset, or milliseconds since 1970. Unknown fields are ignored.
    `agreement` and `fault_code` are not read here: nothing in the ledger needs them.
    `case`, `fields`, `actor` and `subject` stay JSON: of the first only its presence matters, the second has
    few different values (`monitor.events.fields`), so that a list for each exchange would be the dearest part
    of decoding, and the last two are for rules alone, which know them as pseudonyms
    (`monitor.events.pseudonym.Pseudonyms.of_json`).
    """

    id: Name
    time: Time
    provider: Name
    consumer: Name
    service: Name
    outcome: Outcome
    duration_ms: Milliseconds
    purpose: str | None = None
    records: Count = 0
    request_bytes: Count = 0
    response_bytes: Count = 0
    case: msgspec.Raw = msgspec.Raw()
    fields: msgspec.Raw = msgspec.Raw()
    signed: bool | None = None
    actor: msgspec.Raw = msgspec.Raw()
    subject: msgspec.Raw = msgspec.Raw()
