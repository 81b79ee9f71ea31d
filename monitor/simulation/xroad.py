"""Calls over X-Road of a simulation, as the two security servers of each would record them.

Who calls whom is drawn like exchanges, among those whose names on X-Road the registry knows. The calls come
between exchanges, drawn from a generator of their own: exchanges are the same with and without them.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from msgspec.structs import replace

from monitor.errors import MonitorError
from monitor.registry.xroad import XroadNames, member_pattern, service_pattern
from monitor.simulation.popularity import pair_weights
from monitor.simulation.sent import DossierSent, SecuritySent, Sent, XroadSent

if TYPE_CHECKING:
    from monitor.registry.load import Registry

Event = Sent | SecuritySent | DossierSent | XroadSent

# More is wrong than in life, so that whoever watches sees each of it within minutes.
_FAILED: Final = 0.05
_UNJOINED: Final = 0.01  # answered calls of which only the client's half is recorded, wherever they go
_NO_REQUEST_ID: Final = 0.01
_DUPLICATES: Final = 0.005
_WRONG_ORDER: Final = 0.01  # times that cannot be
_ISSUE: Final = 0.3  # calls that say on which matter
_REPEATABLE: Final = 50
# One provider's log has a gap, and the clock of another's server is wrong.
_GAP: Final = 0.2
_WRONG_CLOCK_MS: Final = -45_000
_CLOCK_MS: Final = 3.0  # what synchronised clocks differ by
# Fault codes of either generation of servers, and whether the call got as far as the producer's.
_FAULTS: Final = (
    ("Server.ServerProxy.AccessDenied", True),
    ("server.serverproxy.unknown_service", True),
    ("Server.ServerProxy.ServiceFailed.HttpError", True),
    ("Server.ServerProxy.ServiceFailed.InvalidSoap", True),
    ("Client.SslAuthenticationFailed", False),
    ("Server.ClientProxy.UnknownMember", False),
    ("Server.ServerProxy.InvalidSignatureValue", True),
    ("server.serverproxy.maintenance_mode", True),
    ("Server.ClientProxy.NetworkTimeout", False),
)


class _Way(NamedTuple):
    """A consumer's client and the service it calls: four parts of each member, then code and version."""

    consumer: str
    provider: str
    client: tuple[str, ...]
    service: tuple[str, ...]
    code: str
    version: str


class XroadSimulation:
    """A stream of halves of calls; the same for the same seed and moments."""

    def __init__(self, registry: Registry, seed: int, share: float) -> None:
        """`share` is calls for each exchange, at most 1; most have two halves.

        Raises MonitorError when the registry knows no name on X-Road of any service and those who may use it.
        """
        names = XroadNames(registry.agencies, registry.services)
        weights = pair_weights(registry, seed)
        ways = [
            (way, weights[pair])
            for pair in sorted(weights)
            if (way := _way(registry, names, *pair)) is not None
        ]
        if not ways:
            raise MonitorError(
                "the registry names no service on X-Road that an agency on X-Road may use (`xroad:`)"
            )
        self._share = share
        self._ways = [way for way, _ in ways]
        self._weights = list(accumulate(weight for _, weight in ways))
        self._rng = Random(f"{seed}:xroad")
        self._recent: deque[XroadSent] = deque(maxlen=_REPEATABLE)
        self._clocks = self._set_clocks(Random(f"{seed}:xroad-clocks"))
        providers = sorted({way.provider for way in self._ways})
        self._gap_at = Random(f"{seed}:xroad-gap").choice(providers)

    def between(self, events: Iterable[Event], latest: Callable[[], float]) -> Iterator[Event]:
        """Pass events on, and after an exchange now and then a call; `latest` tells the time (epoch s)."""
        for event in events:
            yield event
            if isinstance(event, Sent) and self._rng.random() < self._share:
                yield from self.call(latest())

    def call(self, time: float) -> Iterator[XroadSent]:
        """The halves of a call that ended at a moment (epoch seconds), in any order; perhaps one again."""
        rng = self._rng
        (way,) = rng.choices(self._ways, cum_weights=self._weights)
        times = self._times(int(time * 1000))
        fault, reached = rng.choice(_FAULTS) if rng.random() < _FAILED else (None, True)
        common = self._common(way, times[0], fault)
        halves = [self._half("Client", common, way.consumer, (times[0], times[1], times[6], times[7]))]
        lost = rng.random() < (_GAP if way.provider == self._gap_at else _UNJOINED)
        if reached and (fault or not lost):
            halves.append(self._half("Producer", common, way.provider, times[2:6]))
        rng.shuffle(halves)
        for half in halves:
            self._recent.append(half)
            yield half
        if rng.random() < _DUPLICATES:
            yield replace(rng.choice(self._recent), kind="duplicate")

    def _set_clocks(self, lot: Random) -> dict[str, int]:
        """How far each agency's clock is ahead, in milliseconds."""
        agencies = sorted({code for way in self._ways for code in (way.consumer, way.provider)})
        clocks = {code: round(lot.gauss(0, _CLOCK_MS)) for code in agencies}
        clocks[lot.choice(sorted({way.provider for way in self._ways}))] = _WRONG_CLOCK_MS
        return clocks

    def _times(self, end: int) -> list[int]:
        """Eight times of a call that ended then, as a clock that is right would have them."""
        rng = self._rng
        service = round(rng.lognormvariate(4, 0.8))
        steps = [*(rng.randint(1, 15) for _ in range(3)), service, *(rng.randint(1, 15) for _ in range(3))]
        return [end - sum(steps[place:]) for place in range(len(steps) + 1)]

    def _common(self, way: _Way, begun: int, fault: str | None) -> dict[str, Any]:
        """What both halves say."""
        rng = self._rng
        attachments = int(rng.random() < 0.1)
        said: dict[str, Any] = {
            "monitoringDataTs": begun // 1000 + 1,
            **dict(zip(_members("client"), way.client, strict=True)),
            **dict(zip(_members("service"), way.service, strict=True)),
            "serviceCode": way.code,
            "serviceVersion": way.version,
            "messageId": str(UUID(int=rng.getrandbits(128), version=4)),
            "messageProtocolVersion": "4.0",
            "clientSecurityServerAddress": _server(way.consumer),
            "serviceSecurityServerAddress": _server(way.provider),
            "requestSize": rng.randint(800, 3000),
            "requestAttachmentCount": 0,
            "succeeded": fault is None,
        }
        if rng.random() >= _NO_REQUEST_ID:
            said["xRequestId"] = str(UUID(int=rng.getrandbits(128), version=4))
        if rng.random() < _ISSUE:
            said["messageIssue"] = f"HS-{rng.randint(1, 99_999)}"
        if fault is None:
            said |= {"responseSize": rng.randint(900, 30_000), "responseAttachmentCount": attachments}
            if attachments:
                said["responseMimeSize"] = said["responseSize"] + rng.randint(5_000, 200_000)
        else:
            said |= {"faultCode": fault, "faultString": "simulated"}
        return said

    def _half(self, side: str, common: dict[str, Any], agency: str, times: Iterable[int]) -> XroadSent:
        ahead = self._clocks[agency]
        told = [time + ahead for time in times]
        if self._rng.random() < _WRONG_ORDER:
            told[2], told[3] = told[3], told[2]
        stamps = dict(
            zip(("requestInTs", "requestOutTs", "responseInTs", "responseOutTs"), told, strict=True)
        )
        body = {"securityServerType": side, **common, **stamps}
        key = "/".join(body[name] for name in _members("client")[:3])
        return XroadSent(
            key=key.encode(),
            value=json.dumps(body, separators=(",", ":")).encode(),
            headers=[],
            time=told[0] / 1000,
            kind="clean",
            side=side.lower(),
            agency=agency,
        )


def _way(registry: Registry, names: XroadNames, consumer: str, service_id: str) -> _Way | None:
    """How a consumer would call a service; None where the registry's names do not lead back to both."""
    service = registry.services[service_id]
    clients = registry.agencies[consumer].xroad
    providers = registry.agencies[service.provider].xroad
    if not (clients and providers and service.xroad):
        return None
    client = tuple(_named(part) for part in member_pattern(clients[0]).split("/"))
    subsystem, code, version = (_named(part) for part in service_pattern(service.xroad[0]).split("/"))
    member = (*(_named(part) for part in member_pattern(providers[0]).split("/")[:3]), subsystem)
    # The name that is made of a pattern may be another's, by a narrower pattern.
    if names.agency(*client) != consumer or names.agency(*member) != service.provider:
        return None
    if names.service(service.provider, subsystem, code, version) != service_id:
        return None
    return _Way(consumer, service.provider, client, member, code, version)


def _named(pattern: str) -> str:
    """A name that a part of a pattern matches."""
    return "v1" if pattern == "*" else pattern.replace("*", "").replace("?", "1")


def _members(side: str) -> tuple[str, str, str, str]:
    return f"{side}XRoadInstance", f"{side}MemberClass", f"{side}MemberCode", f"{side}SubsystemCode"


def _server(agency: str) -> str:
    return f"ss1.{agency.lower()}.example"
