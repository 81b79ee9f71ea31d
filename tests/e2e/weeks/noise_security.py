"""What security logs say on any day: forgotten passwords, certificates that run out, new addresses,
glitches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.e2e.weeks.calendar import DAY_HOURS, Calendar
from tests.e2e.weeks.events import Timed, security
from tests.e2e.weeks.lots import poisson
from tests.e2e.weeks.platform import Platform

_MORNING = {7: 0.35, 8: 0.4, 9: 0.1, 13: 0.1, 14: 0.05}  # when people sign in
_PRESENT, _FORGETFUL = 0.7, 0.07  # of accounts on a working day; of those who sign in
_MOBILE = 0.15  # sign-ins from an address of their own and not through the agency's proxy
_EXPIRIES = 3  # mornings in the scored weeks on which all passwords of an agency have run out
# (kind, a day, severity, at once): what is logged singly or in small bursts
_SINGLES: tuple[tuple[str, float, int, tuple[int, int]], ...] = (
    ("token_rejected", 12, 3, (1, 8)),
    ("certificate_expiring", 20, 2, (1, 1)),
    ("certificate_expired", 1, 3, (1, 8)),
    ("signature_invalid", 1, 4, (1, 1)),
    ("replay", 2, 3, (1, 1)),
    ("detection", 10, 3, (1, 2)),
    ("detection", 0.1, 4, (1, 1)),
    ("watched_subject", 0.3, 4, (1, 1)),
    ("data_access", 60, 1, (1, 3)),
    ("rights_changed", 15, 2, (1, 3)),
    ("service_down", 3, 3, (1, 2)),
)


@dataclass(slots=True)
class SecurityNoise:
    """Security events of every connected agency."""

    platform: Platform
    calendar: Calendar
    rng: Random
    silent: list[tuple[str, int, int]] = field(default_factory=list)
    number: int = 0
    expiries: dict[tuple[str, int], float] = field(default_factory=dict)
    services: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng, calendar = self.rng, self.calendar
        mornings = [
            day
            for day in range(calendar.scored_from // DAY_HOURS, calendar.hours.stop // DAY_HOURS)
            if not calendar.is_free(calendar.day(day * DAY_HOURS))
        ]
        for _ in range(_EXPIRIES):
            self.expiries[rng.choice(self.platform.agencies), rng.choice(mornings)] = rng.uniform(0.15, 0.3)
        for pair in self.platform.pairs:
            self.services.setdefault(pair.consumer, []).append(pair.service)

    def hour(self, hour: int) -> Iterator[Timed]:
        """Everything of one hour, in no order."""
        gone = {agency for agency, first, last in self.silent if first <= hour < last}
        scored = hour >= self.calendar.scored_from - DAY_HOURS
        for agency in self.platform.agencies:
            if agency in gone:
                continue
            for address in self.platform.addresses[agency]:
                yield self._one(
                    agency,
                    hour,
                    "credential_use",
                    1,
                    source_ip=address,
                    detail={"certificate_agency": agency},
                )
            yield from self._people(agency, hour, scored)
        if scored:
            yield from self._singles(hour)

    def _one(self, agency: str, hour: float, kind: str, severity: int, **more: Any) -> Timed:
        self.number += 1
        return security(
            f"m{self.number}", self.calendar.ms(hour + self.rng.random()), agency, kind, severity, **more
        )

    def _people(self, agency: str, hour: int, scored: bool) -> Iterator[Timed]:
        rng, day, local = self.rng, hour // DAY_HOURS, hour % DAY_HOURS
        accounts, proxy = self.platform.accounts[agency], self.platform.addresses[agency][0]
        share = _MORNING.get(local, 0.004)
        share *= _PRESENT if not self.calendar.is_free(self.calendar.day(hour)) else 0.05
        forgetful = _FORGETFUL * (1.6 if day % 7 == 0 else 1.0)  # Mondays
        if local in (7, 8):
            forgetful += self.expiries.get((agency, day), 0.0)
        for _ in range(poisson(rng, accounts * share * forgetful)):
            account = f"{agency}-u{rng.randrange(accounts)}"
            address = f"100.64.{rng.randrange(256)}.{rng.randrange(256)}" if rng.random() < _MOBILE else proxy
            for _ in range(rng.choice((1, 1, 2, 3, 4))):
                yield self._one(agency, hour, "sign_in_failed", 2, actor=account, source_ip=address)
        if not scored:
            return
        for _ in range(poisson(rng, accounts * share)):
            account = f"{agency}-u{rng.randrange(accounts)}"
            address = f"100.64.{rng.randrange(256)}.{rng.randrange(256)}" if rng.random() < _MOBILE else proxy
            yield self._one(agency, hour, "sign_in_ok", 1, actor=account, source_ip=address)

    def _singles(self, hour: int) -> Iterator[Timed]:
        rng, agencies = self.rng, self.platform.agencies
        busy = self.calendar.busy(hour)
        for kind, a_day, severity, burst in _SINGLES:
            for _ in range(poisson(rng, a_day / DAY_HOURS * busy)):
                agency = rng.choice(agencies)
                for _ in range(rng.randint(*burst)):
                    more = {
                        "actor": f"{agency}-u{rng.randrange(40)}",
                        "source_ip": self.platform.addresses[agency][0],
                    }
                    yield self._one(agency, hour, kind, severity, **more)
        for consumer, services in self.services.items():
            for _ in range(poisson(rng, 0.3 * busy)):
                yield self._one(
                    consumer, hour, "access_denied", 2,
                    service=rng.choice(services),
                    source_ip=self.platform.addresses.get(consumer, ["10.255.0.1"])[0],
                )  # fmt: skip
        yield from self._rare(hour)

    def _rare(self, hour: int) -> Iterator[Timed]:
        """What happens every few days somewhere."""
        rng, agencies = self.rng, self.platform.agencies

        def happens(a_day: float) -> bool:
            return rng.random() < a_day / DAY_HOURS

        agency = rng.choice(agencies)
        address = self.platform.addresses[agency][0]
        if happens(0.3):  # a new connection point, from now on
            self.platform.addresses[agency].append(f"10.200.{rng.randrange(256)}.{rng.randrange(256)}")
        if happens(0.25):
            yield self._one(agency, hour, "log_gap", 4, service="business.lookup-enterprise")
        if happens(0.3):
            yield self._one(agency, hour, "log_gap", 4, detail={"planned": True})
        for _ in range(poisson(rng, 1.2)):
            other = rng.choice(agencies)
            items = (
                "session.timeout",
                "proxy.address",
                "login-page.text",
                "catalog.entry",
                "certificate.store",
            )
            yield self._one(
                other, hour, "config_changed", 2, actor=f"{other}-u1", detail={"item": rng.choice(items)}
            )
        if happens(0.1):
            yield self._one(
                agency, hour, "config_changed", 2, actor=f"{agency}-u1", detail={"item": "log.level"}
            )
        if happens(0.07):  # a renewal that is late
            for _ in range(40):
                yield self._one(agency, hour, "certificate_expired", 3, source_ip=address)
        if happens(0.14):  # a program with an old password
            for _ in range(200):
                yield self._one(agency, hour, "sign_in_failed", 2, actor=f"{agency}-job", source_ip=address)
        if happens(1.0):
            yield self._one(
                agency,
                hour,
                "bulk_export",
                4,
                actor=f"{agency}-u1",
                count=rng.randint(20_000, 90_000),
                detail={"planned": True},
            )
        if happens(5.0):
            yield self._one(
                agency, hour, "bulk_export", 4, actor=f"{agency}-u2", count=rng.randint(50, 3_000)
            )
        for _ in range(poisson(rng, 1.0) if self.calendar.is_off(hour) else 0):
            other = rng.choice(agencies)
            yield self._one(
                other,
                hour,
                "off_hours_access",
                3,
                actor=f"{other}-u{rng.randrange(9)}",
                count=rng.randint(1, 8),
            )
