"""A half of a call: what one security server recorded of it, reduced to what is counted.

Nothing that may name a person is kept: not the user, the issue, the path or the fault's text. Of the issue
it is kept that there was one, and of the user a pseudonym.
Source: X-Road operational monitoring protocol (PR-OPMON 1.7), annex B, and the names of its version 0.7.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Literal, NamedTuple

import msgspec

from monitor.xroad.causes import Cause

Side = Literal["client", "producer"]
SIDES: tuple[Side, Side] = ("client", "producer")
# X-Road's own columns have 255 characters.
Text = Annotated[str, msgspec.Meta(max_length=255)]
# Milliseconds since 1970 up to the year 9999: what lies beyond is no time.
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
_DIGEST_BYTES = 16


class Party(NamedTuple):
    """Who asks, or who is asked: X-Road's identifier in its parts, empty where a record has none."""

    instance: str
    member_class: str
    member: str
    subsystem: str

    def __str__(self) -> str:
        """INSTANCE/CLASS/MEMBER/SUBSYSTEM, without what is missing at its end."""
        return "/".join(self).rstrip("/")


class Times(NamedTuple):
    """When a server got and sent the request and the response: its own clock, in ms since 1970."""

    request_in: int | None
    request_out: int | None
    response_in: int | None
    response_out: int | None


class Half(msgspec.Struct, frozen=True, array_like=True):
    """One server's record of one call.

    `begun` is when the call reached that server, in milliseconds since 1970. Sizes are in bytes, by the
    attachment rule; None where the record has none. `actor` is a pseudonym once a ledger holds the half.
    """

    side: Side
    begun: int
    times: Times
    client: Party
    service: Party
    service_code: str
    service_version: str
    cause: Cause
    request_id: str | None = None
    message_id: str | None = None
    client_server: str | None = None
    service_server: str | None = None
    request_bytes: int | None = None
    response_bytes: int | None = None
    issue: bool = False
    actor: str | None = None

    @property
    def other_side(self) -> Side:
        """The side whose half is its partner."""
        return "producer" if self.side == "client" else "client"

    @property
    def match(self) -> str:
        """What the two halves of a call without `xRequestId` have in common: a digest of message id,
        identities and service. Halves that agree in it may still be of different calls."""
        return _digest((self.message_id, self.client, self.service, self.service_code, self.service_version))

    @property
    def key(self) -> str:
        """The name of this half, the same whenever it is delivered: its call, as far as it says which it
        is, and its side."""
        if self.request_id:
            return f"{self.request_id}/{self.side}"
        return f"~{_digest((self.match, self.times, self.begun))}/{self.side}"

    @property
    def call(self) -> str:
        """The name of the call: `xRequestId`, else a digest with `~` in front, which only this half has."""
        return self.key.rpartition("/")[0]


def fits(one: Half, other: Half, window_ms: int) -> bool:
    """Whether two halves without `xRequestId` and with the same `match` can be of one call.

    They have a message id, are of the two sides, agree in the sizes that both have, and reached their servers
    within the window.
    """
    return (
        one.message_id is not None
        and one.side != other.side
        and abs(one.begun - other.begun) <= window_ms
        and _agree(one.request_bytes, other.request_bytes)
        and _agree(one.response_bytes, other.response_bytes)
    )


def _agree(one: int | None, other: int | None) -> bool:
    return one is None or other is None or one == other


def _digest(parts: object) -> str:
    return blake2b(_packer.encode(parts), digest_size=_DIGEST_BYTES).hexdigest()


_packer = msgspec.msgpack.Encoder()
_unpacker = msgspec.msgpack.Decoder(Half)


def pack(half: Half) -> bytes:
    """A half as it is stored."""
    return _packer.encode(half)


def unpack(packed: bytes) -> Half:
    """What `pack` packed; raises msgspec.DecodeError on anything else."""
    return _unpacker.decode(packed)
