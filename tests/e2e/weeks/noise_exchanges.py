"""What goes wrong with exchanges on any day: refusals, repeats, sloppy clients, late desks, lapsed papers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tests.e2e.weeks.calendar import DAY_HOURS, Calendar, permits
from tests.e2e.weeks.events import Timed, exchange
from tests.e2e.weeks.lots import poisson
from tests.e2e.weeks.platform import Pair, Platform

_DENIED, _REPEATED = 0.003, 0.0008  # of all calls
_SLOPPY = 5  # pairs whose clients forget the purpose now and then
_FORGOTTEN = 0.004  # of their calls
_GATEWAY_RESTARTS_A_DAY = 0.3  # each sends some of its log again
_TESTS_A_DAY = 0.25  # answered test calls without an agreement
_RELEASES = 1  # that ask for too many fields for an hour, in the scored weeks
_POPULAR = 0.005  # of persons who are looked up on a day: four times or more, in one and the same case
_SECOND_OFFICER = 0.25  # that the next look-up of a case is another officer's
_COMMON_CASES_A_DAY = 0.1  # a missing person: many desks
_MISSPELT = ("population.verify-identiti", "tax.look-up-code")


@dataclass(slots=True)
class ExchangeNoise:
    """Individual exchanges that some rule on single events could see; all others are volumes."""

    platform: Platform
    calendar: Calendar
    rng: Random
    number: int = 0
    sloppy: set[Pair] = field(default_factory=set)
    lapsed: list[tuple[Pair, int, int]] = field(default_factory=list)
    releases: list[tuple[Pair, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng, hours, scored = self.rng, self.calendar.hours.stop, self.calendar.scored_from
        pairs = self.platform.pairs
        self.sloppy = set(rng.sample(pairs, _SLOPPY))
        for _ in range(2):
            start = rng.randrange(scored, hours)
            self.lapsed.append((rng.choice(pairs), start, start + 2 * DAY_HOURS))
        working = [hour for hour in range(scored, hours) if not self.calendar.is_off(hour)]
        self.releases = [(rng.choice(pairs), rng.choice(working)) for _ in range(_RELEASES)]

    def hour(self, hour: int) -> Iterator[Timed]:
        """Everything of one hour, in no order. Before the scored weeks, only what baselines learn from."""
        busy = self.calendar.busy(hour)
        scored = hour >= self.calendar.scored_from - DAY_HOURS
        for pair in self.platform.pairs:
            is_open = permits(pair.hours, self.calendar, hour)
            if is_open:
                for _ in range(poisson(self.rng, pair.rate * busy * _DENIED)):
                    yield self._one(pair, hour, outcome="denied")
                for _ in range(poisson(self.rng, pair.rate * busy * _REPEATED)):
                    yield self._one(pair, hour, breach=("duplicate_id",))
            if scored:
                yield from self._of_pair(pair, hour, busy, is_open)
        if scored:
            yield from self._of_platform(hour, busy)

    def _one(self, pair: Pair, hour: float, width: float = 1.0, **more: object) -> Timed:
        self.number += 1
        time_ms = self.calendar.ms(hour + self.rng.random() * width)
        names = (pair.provider, pair.consumer, pair.service)
        return exchange(f"n{self.number}", time_ms, names, **more)  # type: ignore[arg-type]

    def _officer(self, pair: Pair) -> str:
        return f"{pair.consumer}-{self.rng.randrange(40)}"

    def _of_pair(self, pair: Pair, hour: int, busy: float, is_open: bool) -> Iterator[Timed]:
        rng, rate = self.rng, pair.rate * busy
        if not is_open:
            local = hour % DAY_HOURS
            closing = pair.hours.until.hour if pair.hours else 0
            if closing <= local < closing + 2 and not self.calendar.is_free(self.calendar.day(hour)):
                late = min(rate * 0.02, 20.0) * (3 if busy > 1.2 else 1)
                for _ in range(poisson(rng, late)):
                    yield self._one(pair, hour, breach=("outside_hours",), actor=self._officer(pair))
            return
        if pair in self.sloppy:
            for _ in range(poisson(rng, min(rate * _FORGOTTEN, 60))):
                yield self._one(pair, hour, breach=("purpose_missing",))
        if pair.case_required:
            for _ in range(poisson(rng, 0.3 * busy)):
                person = f"p{rng.randrange(10**9)}"
                yield self._one(
                    pair, hour, breach=("case_missing",), actor=self._officer(pair), subject=person
                )
        if rng.random() < 0.02 * busy:
            yield self._one(pair, hour, breach=("unsigned",))
        if pair.shows_person:
            for _ in range(poisson(rng, rate * 0.7 * _POPULAR)):
                yield from self._case(pair, hour, _SECOND_OFFICER)

    def _case(self, pair: Pair, hour: int, second: float) -> Iterator[Timed]:
        """One person's case: looked up four times or more on a day, mostly by the same few."""
        rng = self.rng
        person, officer = f"p{rng.randrange(10**9)}", self._officer(pair)
        times = 4
        while rng.random() < 0.4:
            times += 1
        for _ in range(times):
            if rng.random() < second:
                officer = self._officer(pair)
            yield self._one(pair, hour, 6.0, actor=officer, subject=person)

    def _of_platform(self, hour: int, busy: float) -> Iterator[Timed]:
        rng, pairs = self.rng, self.platform.pairs
        rates = [pair.rate for pair in pairs]
        for breach in ("fields_exceeded", "purpose_not_permitted", "records_exceeded"):
            for _ in range(poisson(rng, 0.1 * busy)):
                yield self._one(rng.choice(pairs), hour, breach=(breach,))
        if rng.random() < _GATEWAY_RESTARTS_A_DAY / DAY_HOURS:
            pair, start = rng.choices(pairs, rates)[0], hour + rng.random()
            for _ in range(rng.randint(20, 300)):
                yield self._one(pair, start, 0.08, breach=("duplicate_id",))
        if rng.random() < _TESTS_A_DAY / DAY_HOURS * busy:
            yield self._stray(hour, "ok")
        for _ in range(poisson(rng, busy)):
            yield self._stray(hour, "denied")
        for _ in range(poisson(rng, 6 * busy)):
            pair = rng.choice(pairs[:2])
            names = (pair.provider, pair.consumer, "unregistered")
            self.number += 1
            time_ms = self.calendar.ms(hour + rng.random())
            yield exchange(
                f"n{self.number}", time_ms, names, outcome="denied", breach=("unknown_service",), 
                requested=rng.choice(_MISSPELT),
            )  # fmt: skip
        for pair, first, last in self.lapsed:
            if first <= hour < last:
                for _ in range(poisson(rng, min(pair.rate * busy, 30))):
                    yield self._one(pair, hour, breach=("agreement_expired",))
        for pair, when in self.releases:
            if when == hour:
                for _ in range(60):
                    yield self._one(pair, hour, breach=("fields_exceeded",))
        showing = [pair for pair in pairs if pair.shows_person]
        if rng.random() < _COMMON_CASES_A_DAY / DAY_HOURS * busy:
            pair, person = rng.choice(showing), f"p{rng.randrange(10**9)}"
            for _ in range(rng.randint(6, 12)):
                yield self._one(pair, hour, 5.0, actor=self._officer(pair), subject=person)

    def _stray(self, hour: int, outcome: str) -> Timed:
        one, other = self.rng.choice(self.platform.pairs), self.rng.choice(self.platform.pairs)
        self.number += 1
        names = (one.provider, other.consumer, one.service)
        time_ms = self.calendar.ms(hour + self.rng.random())
        return exchange(f"n{self.number}", time_ms, names, outcome=outcome, breach=("no_agreement",))  # type: ignore[arg-type]
