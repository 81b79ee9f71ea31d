"""Security events of a simulation: what offices see every day, and the incidents that were asked for.

They come between exchanges, drawn from generators of their own: exchanges are the same with and without them.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from random import Random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from monitor.errors import MonitorError
from monitor.events.kinds import label
from monitor.events.security_event import Detail
from monitor.simulation.happening import Happening
from monitor.simulation.identity import Identities
from monitor.simulation.incidents import INCIDENTS, Incident, Place, checked
from monitor.simulation.popularity import pair_weights
from monitor.simulation.rhythm import weight
from monitor.simulation.security_forms import written
from monitor.simulation.sent import SecuritySent, Sent
from monitor.simulation.template import officers_of

if TYPE_CHECKING:
    from monitor.registry.load import Registry

SHARE = 0.01
"""Background security events for each exchange."""

_DUPLICATES = 0.003  # as among exchanges
_REPEATABLE = 50
_REPEAT_WITHIN = 60.0  # seconds
_GATEWAYS, _DESKS = 2, 6  # addresses of an agency's systems and of its officers
_OFFICE = 0.35  # weight of the hour above which people are at work

# Believable, not measured: an officer mistypes one password in a dozen, and most else is machines at work.
_BY_DAY: dict[str, float] = {
    "sign_in_ok": 46, "sign_out": 18, "sign_in_failed": 4, "credential_use": 18, "data_access": 7,
    "token_rejected": 2, "access_denied": 1.6, "config_changed": 1.2, "unknown_service": 0.4,
    "certificate_expiring": 0.6, "rights_changed": 0.4, "user_added": 0.3, "user_removed": 0.2,
    "config_change_failed": 0.15, "certificate_expired": 0.03, "detection": 0.05,
}  # fmt: skip
_BY_NIGHT: dict[str, float] = {
    "credential_use": 70, "sign_in_ok": 6, "sign_out": 3, "sign_in_failed": 1, "token_rejected": 4,
    "data_access": 4, "certificate_expiring": 2, "access_denied": 1, "config_changed": 0.3,
    "unknown_service": 0.3, "detection": 0.05,
}  # fmt: skip
_BY_PEOPLE = frozenset(
    {"sign_in_ok", "sign_out", "sign_in_failed", "data_access", "access_denied", "config_changed"}
    | {"rights_changed", "user_added", "user_removed", "config_change_failed"}
)
_WITH_SERVICE = frozenset({"credential_use", "data_access", "access_denied"})
_WITH_ITEM = 0.5  # changes that say what they changed
_ITEMS = ("service-description", "client-certificate-profile", "service-timeout", "page-of-the-portal")


class SecuritySimulation:
    """A stream of security events over a registry's agencies; the same for the same seed and moments."""

    def __init__(
        self,
        registry: Registry,
        seed: int,
        zone: ZoneInfo,
        share: float = SHARE,
        incidents: Sequence[Incident] = (),
    ) -> None:
        """`share` is background events for each exchange, at most 1.

        Raises UsageProblem for an incident that is not known, MonitorError when no agency uses a service.
        """
        self._zone = zone
        self._share = share
        self._rng = Random(f"{seed}:security")
        self._identities = Identities(Random(f"{seed}:security-identities"))
        weights = pair_weights(registry, seed)
        if not weights:
            raise MonitorError("the registry holds no agreement, so no agency uses a service")
        used: dict[str, list[str]] = {}
        total: dict[str, float] = {}
        for (consumer, service), share_of_pair in sorted(weights.items()):
            used.setdefault(consumer, []).append(service)
            total[consumer] = total.get(consumer, 0.0) + share_of_pair
        self._codes = tuple(used)
        self._weights = tuple(total.values())
        self._registry = registry
        self._places = {
            code: _place(code, number, tuple(used[code]), self._codes, seed)
            for number, code in enumerate(self._codes)
        }
        self._incidents = [checked(incident, self._codes) for incident in incidents]
        self._order = count()
        self._planned: list[tuple[float, int, Happening]] = []
        self._begun = False
        self._recent: deque[SecuritySent] = deque(maxlen=_REPEATABLE)

    def between(
        self, exchanges: Iterable[Sent], latest: Callable[[], float]
    ) -> Iterator[Sent | SecuritySent]:
        """Pass exchanges on, and after each what is due by then; `latest` tells the time (epoch seconds)."""
        for sent in exchanges:
            yield sent
            yield from self.due(latest())

    def due(self, time: float) -> Iterator[SecuritySent]:
        """What happens at the moment of one exchange: incidents due by then, perhaps a background event.

        The first call begins the time from which incidents are planned. Times must not fall.
        """
        if not self._begun:
            self._begun = True
            self._plan(time)
        while self._planned and self._planned[0][0] <= time:
            moment, _, happening = heapq.heappop(self._planned)
            yield self._sent(happening, moment)
        if self._rng.random() < self._share:
            yield self._background(time)

    def _plan(self, start: float) -> None:
        for incident in self._incidents:
            code = incident.agency or self._rng.choices(self._codes, self._weights)[0]
            for happening in INCIDENTS[incident.name](self._places[code], self._rng):
                moment = start + incident.after + happening.after
                heapq.heappush(self._planned, (moment, next(self._order), happening))

    def _background(self, time: float) -> SecuritySent:
        rng = self._rng
        if self._recent and rng.random() < _DUPLICATES:
            original = rng.choice(self._recent)
            if abs(time - original.time) <= _REPEAT_WITHIN:
                return replace(original, kind="duplicate")
        sent = self._sent(self._happening(time), time)
        self._recent.append(sent)
        return sent

    def _happening(self, time: float) -> Happening:
        """Something usual, by the hour: people by day, machines by night."""
        rng = self._rng
        mix = _BY_DAY if weight(time, self._zone) >= _OFFICE else _BY_NIGHT
        kind = rng.choices(tuple(mix), tuple(mix.values()))[0]
        place = self._places[rng.choices(self._codes, self._weights)[0]]
        if kind not in _BY_PEOPLE:
            return self._machine(kind, place)
        number = rng.randrange(len(place.officers))
        officer = place.officers[number]
        desk = place.addresses[_GATEWAYS + number % _DESKS]
        service = rng.choice(place.services[:3]) if kind in _WITH_SERVICE else None
        subject = f"b{rng.getrandbits(60):015x}" if kind == "data_access" else None
        item = rng.choice(_ITEMS) if kind.startswith("config") and rng.random() < _WITH_ITEM else None
        return Happening(
            place.agency,
            kind,
            officer,
            desk,
            service,
            subject,
            count=1 if kind == "data_access" else 0,
            detail={"item": item} if item else None,
        )

    def _machine(self, kind: str, place: Place) -> Happening:
        rng = self._rng
        gateway = rng.choice(place.addresses[:_GATEWAYS])
        service, detail = None, None
        if kind == "credential_use":
            service = rng.choice(place.services)
            detail = self._credential(place.agency, service)
        elif kind == "unknown_service":
            service = f"{rng.choice(place.services)}-v0"
        elif kind == "certificate_expiring":
            detail = {"days": rng.randint(1, 30)}
        return Happening(place.agency, kind, source_ip=gateway, service=service, detail=detail)

    def _credential(self, agency: str, service: str) -> Detail:
        """A certificate of the agency's own, on a system that its agreement allows where it names any."""
        detail: Detail = {"certificate_agency": agency}
        versions = self._registry.versions(agency, service)
        if versions and versions[-1].allowed_systems:
            detail["system"] = self._rng.choice(versions[-1].allowed_systems)
        return detail

    def _sent(self, happening: Happening, time: float) -> SecuritySent:
        milliseconds = int(time * 1000)
        event_id = self._identities.next(milliseconds)
        value, headers = written(happening, event_id, milliseconds, self._rng)
        return SecuritySent(
            key=happening.agency.encode(),
            value=value,
            headers=headers,
            time=milliseconds / 1000,
            kind="clean",
            id=event_id,
            agency=happening.agency,
            event=label(happening.kind),
            severity=happening.severity,
        )


def _place(code: str, number: int, services: tuple[str, ...], codes: tuple[str, ...], seed: int) -> Place:
    """An agency's officers and addresses; each has a network of its own out of 10.0.0.0/8."""
    lot = Random(f"{seed}:addresses:{code}")
    net = f"10.{number % 250 + 1}"
    addresses = [f"{net}.0.{lot.randint(2, 250)}" for _ in range(_GATEWAYS)]
    addresses += [f"{net}.{desk + 1}.{lot.randint(2, 250)}" for desk in range(_DESKS)]
    others = tuple(other for other in codes if other != code) or (code,)
    return Place(code, officers_of(code, seed), tuple(addresses), services, others)
