"""Incidents that a simulation can make happen: each a burst of events that a rule is there to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from types import MappingProxyType
from typing import NamedTuple

from monitor.errors import UsageProblem
from monitor.simulation.happening import Happening

# Addresses that documentation may use: nobody's.
_ATTACKERS = ("203.0.113.{}", "198.51.100.{}")
_MIB = 1024 * 1024


class Place(NamedTuple):
    """Where it happens: the agency, its officers, their addresses, services it uses, and other agencies."""

    agency: str
    officers: tuple[str, ...]
    addresses: tuple[str, ...]
    services: tuple[str, ...]
    others: tuple[str, ...]


def _attacker(lot: Random) -> str:
    return lot.choice(_ATTACKERS).format(lot.randint(1, 254))


def _pseudonym(lot: Random) -> str:
    return f"a{lot.getrandbits(60):015x}"


def _stuffing(place: Place, lot: Random) -> Iterator[Happening]:
    """120 failed sign-ins to 60 accounts from one address within two minutes, and one that succeeds."""
    address = _attacker(lot)
    accounts = [_pseudonym(lot) for _ in range(60)]
    for number in range(120):
        yield Happening(
            place.agency, "sign_in_failed", accounts[number % 60], address, after=number + lot.random()
        )
    yield Happening(place.agency, "sign_in_ok", lot.choice(accounts), address, after=125.0)


def _guessing(place: Place, lot: Random) -> Iterator[Happening]:
    """40 failed sign-ins to one account within four minutes, and one that succeeds."""
    officer, address = lot.choice(place.officers), _attacker(lot)
    for number in range(40):
        yield Happening(place.agency, "sign_in_failed", officer, address, after=number * 6.0)
    yield Happening(place.agency, "sign_in_ok", officer, address, after=245.0)


def _tokens(place: Place, lot: Random) -> Iterator[Happening]:
    """60 rejected tokens from one address within a minute."""
    address = _attacker(lot)
    for number in range(60):
        yield Happening(place.agency, "token_rejected", source_ip=address, after=float(number))


def _credentials(place: Place, lot: Random) -> Iterator[Happening]:
    """Another agency's certificate at work, ten times, from an address never seen."""
    address, owner = _attacker(lot), lot.choice(place.others)
    for number in range(10):
        yield Happening(
            place.agency,
            "credential_use",
            source_ip=address,
            service=lot.choice(place.services),
            detail={"certificate_agency": owner},
            after=number * 2.0,
        )


def _enumeration(place: Place, lot: Random) -> Iterator[Happening]:
    """30 services tried one after the other from one address, most of which do not exist."""
    address = _attacker(lot)
    for number in range(30):
        denied = number % 5 == 0
        yield Happening(
            place.agency,
            "access_denied" if denied else "unknown_service",
            source_ip=address,
            service=lot.choice(place.services) if denied else f"population.try-{number}",
            after=number * 1.5,
        )


def _bulk(place: Place, lot: Random) -> Iterator[Happening]:
    """An officer takes 50 thousand records at once, and 600 more in small portions off hours."""
    officer, service = lot.choice(place.officers), lot.choice(place.services)
    address = lot.choice(place.addresses)
    yield Happening(place.agency, "bulk_export", officer, address, service, count=50_000, bytes=400 * _MIB)
    for number in range(30):
        yield Happening(
            place.agency, "off_hours_access", officer, address, service, count=20, after=5.0 + number
        )


def _watched(place: Place, lot: Random) -> Iterator[Happening]:
    """Three officers look up one person who is on the watch list."""
    subject = _pseudonym(lot)
    for number, officer in enumerate(lot.sample(sorted(set(place.officers)), k=3)):
        address, service = lot.choice(place.addresses), lot.choice(place.services)
        yield Happening(
            place.agency, "watched_subject", officer, address, service, subject, after=number * 20.0
        )


def _tampering(place: Place, lot: Random) -> Iterator[Happening]:
    """Five broken signatures and two tampered bodies on one service, then a replayed message."""
    service, address = lot.choice(place.services), _attacker(lot)
    for number in range(5):
        yield Happening(
            place.agency, "signature_invalid", source_ip=address, service=service, after=number * 3.0
        )
    for number in range(2):
        yield Happening(
            place.agency, "body_tampered", source_ip=address, service=service, after=20.0 + number
        )
    yield Happening(
        place.agency,
        "replay",
        source_ip=address,
        service=service,
        detail={"age_seconds": 86_400},
        after=25.0,
    )


def _certificate(place: Place, lot: Random) -> Iterator[Happening]:
    """A revoked certificate in use, and one that has run out."""
    address = lot.choice(place.addresses)
    for number in range(3):
        yield Happening(place.agency, "certificate_revoked", source_ip=address, after=number * 5.0)
    for number in range(3):
        yield Happening(place.agency, "certificate_expired", source_ip=address, after=20.0 + number * 5.0)


def _blinding(place: Place, lot: Random) -> Iterator[Happening]:
    """The audit log is switched off, and a gap of 300 missing entries is found afterwards."""
    officer, address = lot.choice(place.officers), lot.choice(place.addresses)
    item = {"item": "audit-log.enabled"}
    yield Happening(place.agency, "config_changed", officer, address, detail=dict(item))
    yield Happening(place.agency, "log_gap", service=lot.choice(place.services), count=300, after=30.0)


def _leak(place: Place, lot: Random) -> Iterator[Happening]:
    """A leak is suspected, and a minute later confirmed: 12 thousand persons' records."""
    service = lot.choice(place.services)
    yield Happening(place.agency, "leak_suspected", service=service)
    yield Happening(place.agency, "leak_confirmed", service=service, count=12_000, after=60.0)


INCIDENTS: Mapping[str, Callable[[Place, Random], Iterator[Happening]]] = MappingProxyType(
    {
        "stuffing": _stuffing,
        "guessing": _guessing,
        "tokens": _tokens,
        "credentials": _credentials,
        "enumeration": _enumeration,
        "bulk": _bulk,
        "watched": _watched,
        "tampering": _tampering,
        "certificate": _certificate,
        "blinding": _blinding,
        "leak": _leak,
    }
)
"""What can be injected, by the name under which it is asked for."""


class Incident(NamedTuple):
    """One to happen: which, how many seconds after the start, and where (None: by lot)."""

    name: str
    after: float
    agency: str | None = None


def checked(incident: Incident, agencies: tuple[str, ...]) -> Incident:
    """The incident. Raises UsageProblem when it or its agency is not known."""
    if incident.name not in INCIDENTS:
        raise UsageProblem(f"no incident {incident.name!r}: one of {', '.join(INCIDENTS)}")
    if incident.agency is not None and incident.agency not in agencies:
        raise UsageProblem(f"no agency {incident.agency!r} that uses a service: one of {', '.join(agencies)}")
    return incident
