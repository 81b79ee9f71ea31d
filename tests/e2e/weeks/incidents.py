"""Forty incidents of ten kinds, four each, at seeded times after the history. Sizes are fixed here, as an
attacker or a fault would have them, and do not look at any rule's threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.e2e.weeks.calendar import DAY_HOURS, Calendar
from tests.e2e.weeks.events import Timed, exchange, security
from tests.e2e.weeks.platform import Officer, Pair, Platform

EACH = 4
KINDS = (
    "bulk", "slow harvest", "off hours", "browsing", "stuffing",
    "spraying", "foreign credentials", "replay", "enumeration", "silence",
)  # fmt: skip


@dataclass(slots=True)
class Incident:
    """Something that is done to the platform, from hour `first` to hour `last`, by or to an agency.

    `events` are single events; `pair_hours` and `officer_hours` add (hour, calls) to volumes; `away` empties
    a provider's hours, and `quiet` an agency's security log.
    """

    kind: str
    number: int
    agency: str
    first: float
    last: float
    events: list[Timed] = field(default_factory=list)
    pair_hours: list[tuple[int, Pair, int]] = field(default_factory=list)
    officer_hours: list[tuple[int, Officer, int]] = field(default_factory=list)
    away: tuple[str, int, int] | None = None
    quiet: tuple[str, int, int] | None = None

    @property
    def mark(self) -> str:
        """How the ids of its events begin."""
        return f"incident-{self.kind}-{self.number}-"


@dataclass(slots=True)
class Author:
    """Writes incidents, each of a kind and a variant (0 to EACH - 1)."""

    platform: Platform
    calendar: Calendar
    rng: Random
    taken: set[tuple[str, str]] = field(default_factory=set)

    def all(self, each: int = EACH, kinds: Sequence[str] = KINDS) -> list[Incident]:
        """`each` incidents of every one of `kinds`."""
        return [self._write(kind, variant) for kind in kinds for variant in range(each)]

    def _write(self, kind: str, variant: int) -> Incident:
        by_kind: dict[str, Callable[[int], Incident]] = {
            "bulk": self._bulk,
            "slow harvest": self._harvest,
            "off hours": self._off_hours,
            "browsing": self._browsing,
            "stuffing": self._stuffing,
            "spraying": self._spraying,
            "foreign credentials": self._foreign,
            "replay": self._replay,
            "enumeration": self._enumeration,
            "silence": self._silence,
        }
        return by_kind[kind](variant)

    # When and who

    def _hour(self, *, working: bool | None = None, room: int = 72) -> int:
        """An hour after the history and `room` before the end; `working` says which, None takes any."""
        room = min(room, self.calendar.scored_days * DAY_HOURS - DAY_HOURS)  # a few days leave less of it
        while True:
            hour = self.rng.randrange(self.calendar.scored_from, self.calendar.hours.stop - room)
            if working is None or self.calendar.is_off(hour) != working:
                return hour

    def _pair(self, kind: str, admits: Callable[[Pair], bool]) -> Pair:
        """A pair whose consumer has not had an incident of this kind; busy and quiet ones alike."""
        fitting = [
            pair for pair in self.platform.pairs if admits(pair) and (kind, pair.consumer) not in self.taken
        ]
        pair = self.rng.choice(fitting)
        self.taken.add((kind, pair.consumer))
        return pair

    def _agency(self, kind: str, accounts: int = 0) -> str:
        fitting = [
            one
            for one in self.platform.agencies
            if (kind, one) not in self.taken and self.platform.accounts[one] >= accounts
        ]
        agency = self.rng.choice(fitting)
        self.taken.add((kind, agency))
        return agency

    def _exchange(self, incident: Incident, pair: Pair, hour: float, **more: Any) -> None:
        names = (pair.provider, pair.consumer, pair.service)
        time_ms = self.calendar.ms(hour)
        incident.events.append(exchange(f"{incident.mark}{len(incident.events)}", time_ms, names, **more))

    def _security(self, incident: Incident, hour: float, kind: str, severity: int, **more: Any) -> None:
        event_id, time_ms = f"{incident.mark}{len(incident.events)}", self.calendar.ms(hour)
        incident.events.append(security(event_id, time_ms, incident.agency, kind, severity, **more))

    def _officer(self, kind: str, admits: Callable[[Officer], bool], hour: int) -> Officer:
        fitting = [
            one
            for one in self.platform.officers
            if admits(one)
            and one.first == 0
            and one.last > hour + DAY_HOURS * 7
            and (kind, one.consumer) not in self.taken
        ]
        officer = self.rng.choice(fitting)
        self.taken.add((kind, officer.consumer))
        return officer

    # What

    def _bulk(self, variant: int) -> Incident:
        """Two consumers draw thousands beyond three times their busy hour, two officers hundreds an hour."""
        rng, hour = self.rng, self._hour()
        hours = rng.randint(1, 3)
        if variant < 2:
            pair = self._pair("bulk", lambda one: one.personal)
            incident = Incident("bulk", variant, pair.consumer, hour, hour + hours)
            calls = int(max(6_000.0, 3 * 2.4 * pair.rate) * rng.uniform(1.0, 2.0))
            incident.pair_hours = [(hour + step, pair, calls) for step in range(hours)]
            return incident
        officer = self._officer("bulk", lambda one: one.rate > 0, hour)
        incident = Incident("bulk", variant, officer.consumer, hour, hour + hours)
        incident.officer_hours = [(hour + step, officer, rng.randint(500, 2_500)) for step in range(hours)]
        return incident

    def _harvest(self, variant: int) -> Incident:
        """Two run day and night at a desk's pace, one four times its pace in office hours, one turns full
        pages.
        """
        rng, hour = self.rng, self._hour(working=True, room=8 * DAY_HOURS)
        if variant == 3:
            pair = self._pair("slow harvest", lambda one: ".lookup-" in one.service and one.hours is None)
            incident = Incident("slow harvest", variant, pair.consumer, hour, hour + 48)
            for step in range(rng.randint(70, 140)):
                self._exchange(
                    incident, pair, hour + step / 3 + rng.random() * 0.05, records=50, actor="harvester"
                )
            return incident
        officer = self._officer("slow harvest", lambda one: not one.shifts and 4 < one.rate < 25, hour)
        span = rng.randint(36, 72) if variant < 2 else 5 * DAY_HOURS
        incident = Incident("slow harvest", variant, officer.consumer, hour, hour + span)
        pace = rng.randint(20, 45) if variant < 2 else int(officer.rate * 4)
        incident.officer_hours = [
            (hour + step, officer, max(1, round(rng.gauss(pace, pace * 0.1))))
            for step in range(span)
            if variant < 2 or not self.calendar.is_off(hour + step)
        ]
        return incident

    def _off_hours(self, variant: int) -> Incident:
        """Hundreds to thousands of records at night, against the agreement's hours or as a system reports
        it.
        """
        rng, hour = self.rng, self._hour(working=False)
        while not 0 <= hour % DAY_HOURS < 5:
            hour = self._hour(working=False)
        length = rng.uniform(0.5, 2.0)
        if variant == 3:
            incident = Incident("off hours", variant, self._agency("off hours"), hour, hour + length)
            for step in range(rng.randint(60, 200)):
                count = rng.randint(3, 12)
                self._security(
                    incident, hour + length * step / 200, "off_hours_access", 3, actor="night", count=count
                )
            return incident
        pair = self._pair("off hours", lambda one: one.hours is not None and one.personal)
        incident = Incident("off hours", variant, pair.consumer, hour, hour + length)
        calls = rng.randint(600, 3_000)
        for step in range(calls):
            self._exchange(
                incident, pair, hour + length * step / calls,
                breach=("outside_hours",), actor="night", subject=f"x{rng.randrange(10**9)}",
            )  # fmt: skip
        return incident

    def _browsing(self, variant: int) -> Incident:
        """Two persons many officers look at, one officer without cases, one watch-listed person."""
        rng, hour = self.rng, self._hour(working=True)
        if variant < 2:
            pair = self._pair("browsing", lambda one: one.shows_person)
            incident = Incident("browsing", variant, pair.consumer, hour, hour + 6)
            officers = rng.sample(range(200), rng.randint(8, 15))
            moments = sorted(rng.random() * 5 for _ in range(len(officers) * 2))
            for step, moment in enumerate(moments):
                actor = f"{pair.consumer}-{officers[step % len(officers)]}"
                self._exchange(incident, pair, hour + moment, actor=actor, subject="somebody in the news")
            return incident
        if variant == 2:
            pair = self._pair("browsing", lambda one: one.case_required and one.personal)
            incident = Incident("browsing", variant, pair.consumer, hour, hour + 3)
            for _ in range(rng.randint(12, 40)):
                person, moment = f"x{rng.randrange(10**9)}", hour + rng.random() * 3
                self._exchange(
                    incident, pair, moment, breach=("case_missing",), actor="curious", subject=person
                )
            return incident
        incident = Incident("browsing", variant, self._agency("browsing"), hour, hour + 5)
        for officer in range(rng.randint(3, 6)):
            moment = hour + rng.random() * 5
            self._security(
                incident, moment, "watched_subject", 4, actor=f"curious-{officer}", subject="listed"
            )
        return incident

    def _stuffing(self, variant: int) -> Incident:
        """One address, 60 to 400 accounts in 10 to 20 minutes; half of them find one that opens."""
        rng, hour = self.rng, self._hour()
        incident = Incident("stuffing", variant, self._agency("stuffing"), hour, hour + 1)
        address, length, tries = f"203.0.113.{variant + 1}", rng.uniform(10, 20) / 60, rng.randint(60, 400)
        for step in range(tries):
            self._security(
                incident, hour + length * step / tries, "sign_in_failed", 2,
                actor=f"leaked-{step}", source_ip=address,
            )  # fmt: skip
        if variant % 2:
            self._security(
                incident, hour + length + 0.02, "sign_in_ok", 1, actor="leaked-x", source_ip=address
            )
        return incident

    def _spraying(self, variant: int) -> Incident:
        """80 to 200 accounts, one try each, over 2 to 4 hours, from 20 to 60 addresses in turn."""
        rng, hour = self.rng, self._hour()
        accounts = rng.randint(80, 200)
        agency = self._agency("spraying", accounts=80)
        length = rng.uniform(2, 4)
        incident = Incident("spraying", variant, agency, hour, hour + length)
        addresses = rng.randint(20, 60)
        for step in range(min(accounts, self.platform.accounts[agency])):
            address = f"198.51.100.{step % addresses + 1}"
            self._security(
                incident, hour + length * step / accounts, "sign_in_failed", 2,
                actor=f"{agency}-u{step}", source_ip=address,
            )  # fmt: skip
        return incident

    def _foreign(self, variant: int) -> Incident:
        """Two certificates of others, one system that no agreement names, one stolen key at a new address."""
        rng, hour = self.rng, self._hour()
        kind = "foreign credentials"
        more: dict[str, Any]
        if variant == 2:
            allowed = {one.consumer: one for one in self.platform.registry.agreements if one.allowed_systems}
            pair = self._pair(
                kind, lambda one: one.consumer in allowed and allowed[one.consumer].service == one.service
            )
            agency = pair.consumer
            more = {"service": pair.service, "source_ip": self._address(agency)}
            more["detail"] = {"system": "unknown-laptop", "certificate_agency": agency}
        else:
            agency = self._agency(kind)
            other = rng.choice([one for one in self.platform.agencies if one != agency])
            address = f"203.0.113.{100 + variant}" if variant == 3 else self._address(agency)
            more = {"source_ip": address, "detail": {"certificate_agency": agency if variant == 3 else other}}
        incident = Incident(kind, variant, agency, hour, hour + 2)
        for _ in range(rng.randint(1, 30)):
            self._security(incident, hour + rng.random() * 2, "credential_use", 1, **more)
        return incident

    def _address(self, agency: str) -> str:
        return self.platform.addresses.get(agency, ["10.255.0.1"])[0]

    def _replay(self, variant: int) -> Incident:
        """Two recordings played to a service, seen as repeated ids; two that a gateway recognises."""
        rng, hour = self.rng, self._hour()
        if variant < 2:
            pair = self._pair("replay", lambda one: one.hours is None and one.personal)
            length, repeats = rng.uniform(5, 30) / 60, rng.randint(60, 500)
            incident = Incident("replay", variant, pair.consumer, hour, hour + 1)
            for step in range(repeats):
                self._exchange(incident, pair, hour + length * step / repeats, breach=("duplicate_id",))
            return incident
        incident = Incident("replay", variant, self._agency("replay"), hour, hour + 1)
        for _ in range(rng.randint(6, 30)):
            moment = hour + rng.random() * 0.13
            self._security(
                incident, moment, "replay", 3, source_ip="203.0.113.200", service="tax.lookup-code"
            )
        return incident

    def _enumeration(self, variant: int) -> Incident:
        """Twelve to thirty services tried in 5 to 15 minutes, real and invented; twice only gateways see
        it.
        """
        rng, hour = self.rng, self._hour()
        length, tries = rng.uniform(5, 15) / 60, rng.randint(12, 30)
        real = sorted(self.platform.registry.services)
        names = [rng.choice(real) if rng.random() < 0.7 else f"guess.name-{step}" for step in range(tries)]
        if variant < 2:
            pair = self._pair("enumeration", lambda _: True)
            incident = Incident("enumeration", variant, pair.consumer, hour, hour + 1)
            for step, name in enumerate(names):
                known = name in self.platform.registry.services
                time_ms = self.calendar.ms(hour + length * step / tries)
                judged = (pair.provider, pair.consumer, name if known else "unregistered")
                breach = ("no_agreement",) if known else ("unknown_service",)
                incident.events.append(
                    exchange(
                        f"{incident.mark}{step}",
                        time_ms,
                        judged,
                        outcome="denied",
                        breach=breach,
                        requested=name,
                    )
                )
            return incident
        incident = Incident("enumeration", variant, self._agency("enumeration"), hour, hour + 1)
        for step, name in enumerate(names):
            known = name in self.platform.registry.services
            self._security(
                incident, hour + length * step / tries, "access_denied" if known else "unknown_service", 2,
                source_ip="203.0.113.201", service=name,
            )  # fmt: skip
        return incident

    def _silence(self, variant: int) -> Incident:
        """Two providers stop for 6 to 10 hours of a working day, a security log for two days, one side's
        log.
        """
        rng, hour = self.rng, self._hour(working=True)
        if variant < 2:
            rates: dict[str, float] = {}
            for pair in self.platform.pairs:
                rates[pair.provider] = rates.get(pair.provider, 0.0) + pair.rate
            provider = rng.choice([one for one, rate in sorted(rates.items()) if rate > 100])
            span = rng.randint(6, 10)
            incident = Incident("silence", variant, provider, hour, hour + span)
            incident.away = (provider, hour, hour + span)
            return incident
        if variant == 2:
            agency = self._agency("silence")
            incident = Incident("silence", variant, agency, hour, hour + 50)
            incident.quiet = (agency, hour, hour + 50)
            return incident
        incident = Incident("silence", variant, self._agency("silence"), hour, hour + 1)
        self._security(incident, hour + 0.3, "log_gap", 4, service="tax.lookup-code", count=200)
        return incident
