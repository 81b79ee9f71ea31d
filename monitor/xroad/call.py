"""A call, from one or both of its halves, as an exchange and as figures."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from monitor.events.addresses import known_address
from monitor.events.exchange import Exchange
from monitor.events.kinds import USUAL_SEVERITY
from monitor.events.security_event import SecurityEvent
from monitor.judging.terms import UNREGISTERED, Pair
from monitor.ledger.cell import CellKey
from monitor.ledger.moment import moment
from monitor.registry.xroad import XroadNames
from monitor.security.changes import CountKey, SecurityCount
from monitor.xroad.causes import OUTCOME_OF, SECURITY_KIND, Cause
from monitor.xroad.figures import Figures, ServerPair
from monitor.xroad.half import Half, Party
from monitor.xroad.measures import NETWORK_FLAGGED, Measured, measure

HOUR_MS = 3_600_000
LONGEST_NAME = 200
LONGEST_MS = 86_400_000.0  # as of every exchange: longer is no answer time but a fault of a clock
NO_SERVER = "(unknown)"

ORPHAN = "orphan_{}"  # of which side the half came
DUPLICATE = "duplicate_{}"
CAUSE = "cause_{}"
DIFFERENT = "identities_differ"
AMBIGUOUS = "ambiguous"

_SOME = msgspec.Raw(b"1")
_NONE = msgspec.Raw()


class Call(NamedTuple):
    """The halves of one call that came; at least one is there."""

    client: Half | None
    producer: Half | None

    @property
    def first(self) -> Half:
        """The client's half, or the only one: it says when, who and what."""
        half = self.client or self.producer
        assert half is not None  # noqa: S101  # a call is made of a half
        return half

    @property
    def id(self) -> str:
        """The exchange's id: `xRequestId`; else `~` and a digest of the half that says when it was."""
        return self.first.call

    @property
    def hour(self) -> int:
        """The UTC hour it belongs to, in epoch seconds."""
        return self.first.begun // HOUR_MS * 3600

    @property
    def cause(self) -> Cause:
        """What the client's server says; where that is only that it failed, what the producer's says."""
        cause = self.first.cause
        if cause is Cause.OTHER and self.producer is not None and self.producer.cause is not Cause.OK:
            return self.producer.cause
        return cause

    @classmethod
    def of(cls, *halves: Half) -> Call:
        """The call of one half, or of two of different sides."""
        sides = {half.side: half for half in halves}
        return cls(sides.get("client"), sides.get("producer"))


def exchange_of(call: Call, measured: Measured, names: XroadNames) -> Exchange:
    """The call as an exchange: names by the registry, or as X-Road has them where it maps none.

    Messages on X-Road are signed by its servers; a purpose, fields and records are not in its records.
    """
    half, values = call.first, measured.values
    provider = names.agency(*half.service)
    total = values.get("total" if call.client else "producer_total")
    duration = total / 1000 if total is not None else _longest(half)
    return Exchange(
        id=call.id,
        time=float(half.begun),
        provider=provider or _name(half.service),
        consumer=names.agency(*half.client) or _name(half.client),
        service=_service(half, provider, names),
        outcome=OUTCOME_OF[call.cause],
        duration_ms=min(duration, LONGEST_MS),
        request_bytes=values.get("request_bytes", 0),
        response_bytes=values.get("response_bytes", 0),
        case=_SOME if half.issue else _NONE,
        signed=True,
        actor=msgspec.Raw(msgspec.json.encode(half.actor)) if half.actor else _NONE,
    )


def security_event(half: Half, cause: Cause, names: XroadNames) -> SecurityEvent | None:
    """What rules are told of a failure that is a security matter; None for any other.

    The agency is the one that asked. The address is its security server's, where that is known by its address
    and not by a name.
    """
    kind = SECURITY_KIND.get(cause)
    if kind is None:
        return None
    provider = names.agency(*half.service)
    return SecurityEvent(
        id=half.call,
        time=moment(half.begun),
        agency=names.agency(*half.client) or UNREGISTERED,
        kind=kind,
        severity=USUAL_SEVERITY[kind],
        actor=half.actor,
        source_ip=known_address(half.client_server) if half.client_server else None,
        service=_service(half, provider, names),
        count=1,
        detail={"cause": str(cause), "provider": provider or UNREGISTERED},
    )


def measured(call: Call) -> Measured:
    """What its times and sizes amount to."""
    return measure(call.client, call.producer)


def note(figures: Figures, call: Call, found: Measured, pair: Pair) -> None:
    """Add a call to the figures of its cell, all but how it was joined and the clocks' skew."""
    cell = CellKey(call.hour, pair)
    figures.measure(cell, found.values.items(), found.flagged)
    for name in found.wrong:
        figures.count(cell, name)
    if "network_out" in found.flagged:
        figures.count(cell, NETWORK_FLAGGED)
    cause = call.cause
    if cause is not Cause.OK:
        figures.count(cell, CAUSE.format(cause))
    kind = SECURITY_KIND.get(cause)
    if kind is not None:
        key = CountKey(call.hour, pair.consumer, kind, USUAL_SEVERITY[kind])
        figures.secure(key, SecurityCount(1, last_time=moment(call.first.begun)))


def note_skew(figures: Figures, call: Call, found: Measured) -> None:
    """Add how far apart the clocks of a joined call's two servers were."""
    if found.skew_us is not None:
        half = call.first
        pair = ServerPair(call.hour, half.client_server or NO_SERVER, half.service_server or NO_SERVER)
        figures.skew(pair, found.skew_us)


def differs(call: Call) -> bool:
    """Whether two halves with one `xRequestId` name different parties or services."""
    one, other = call
    return (
        one is not None
        and other is not None
        and (one.client, one.service, one.service_code) != (other.client, other.service, other.service_code)
    )


def _longest(half: Half) -> float:
    """How long a call took as far as its half tells: up to the last of its times."""
    known = [time for time in half.times if time is not None]
    return float(max(max(known, default=half.begun) - half.begun, 0))


def _name(party: Party) -> str:
    return str(party)[:LONGEST_NAME] or UNREGISTERED


def _service(half: Half, provider: str | None, names: XroadNames) -> str:
    found = None
    if provider is not None:
        found = names.service(provider, half.service.subsystem, half.service_code, half.service_version)
    if found is not None:
        return found
    # All five parts, also empty ones, so that a name can be pasted into the registry.
    parts = (*half.service, half.service_code, half.service_version)
    return "/".join(parts)[:LONGEST_NAME].rstrip("/") or UNREGISTERED
