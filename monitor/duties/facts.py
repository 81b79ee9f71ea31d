"""What the ledger of exchanges says that duties and indicators need, summed day by day and remembered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Connection, Select, case, cast, func, select, type_coerce

from monitor.judging.breach import Breach
from monitor.judging.terms import UNREGISTERED, Pair
from monitor.ledger.moment import EPOCH
from monitor.objectives.slo import SYNCHRONISES
from monitor.registry.registry import Registry
from monitor.storage.tables import cells, findings, from_microseconds

# The breaches that say that no agreement permitted an exchange. An exchange has one of them at the most.
WITHOUT_AGREEMENT = (
    Breach.NO_AGREEMENT,
    Breach.AGREEMENT_INACTIVE,
    Breach.AGREEMENT_EXPIRED,
    Breach.AGREEMENT_NOT_STARTED,
)
LONGEST_LOOK_BACK = timedelta(days=400)  # a year, and what comes late to it
REREAD = timedelta(hours=1)  # after this an old day is read again, one at each reading, for late events
_HOUR_S = 3600
_A_DAY = timedelta(days=1)


class Traffic(NamedTuple):
    """Exchanges of a consumer: all, those that could be judged, and those of them under an agreement.

    One of a provider or a service that the registry does not hold cannot be judged.
    """

    exchanges: int = 0
    judged: int = 0
    agreed: int = 0


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """What was exchanged lately, under present codes. Times are the newest of an hour that has any.

    `observed_since` is the hour with which the ledger begins, None while it is empty. `last_exchange` is by
    agency, as provider or as consumer; `last_answer` by pair, of synchronised services, from hours in which
    any exchange was answered. `answered` counts answers by service and `traffic` exchanges by consumer, both
    within the window.
    """

    observed_since: datetime | None = None
    last_exchange: Mapping[str, datetime] = field(default_factory=dict)
    last_answer: Mapping[Pair, datetime] = field(default_factory=dict)
    answered: Mapping[str, int] = field(default_factory=dict)
    traffic: Mapping[str, Traffic] = field(default_factory=dict)


@dataclass(slots=True)
class _Day:
    """The facts of one local day; times in microseconds since 1970."""

    last_exchange: dict[str, int] = field(default_factory=dict)
    last_answer: dict[Pair, int] = field(default_factory=dict)
    answered: Counter[str] = field(default_factory=Counter)
    exchanges: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    agreed: Counter[str] = field(default_factory=Counter)


class FactsReader:
    """Reads facts again and again; used by one thread at a time.

    A local day is read each time until it has been over for a day, and then remembered: what comes to it
    later still is seen when it is read again, after REREAD and in turn. What is remembered is bounded by the
    registry: figures by agency and by service, and times of synchronised pairs.
    """

    def __init__(
        self, registry: Registry, zone: ZoneInfo, *, window: timedelta, look_back: timedelta
    ) -> None:
        """Counts are of `window`, times of `look_back`, 400 days at the most; both begin with a local day."""
        self._registry = registry
        self._zone = zone
        self._window = window
        self._look_back = max(min(look_back, LONGEST_LOOK_BACK), window)
        self._days: dict[date, tuple[datetime, _Day]] = {}  # with the time of reading
        self._synchronised = {
            name for name, service in registry.services.items() if service.method in SYNCHRONISES
        }

    def read(self, connection: Connection, now: datetime) -> LedgerFacts:
        """The facts up to the end of the hour of `now`. Raises sqlalchemy.exc.DBAPIError."""
        first = connection.execute(select(func.min(cells.c.hour))).scalar_one()
        if first is None:
            return LedgerFacts()
        today = now.astimezone(self._zone).date()
        begins = max(self._day_of(now - self._look_back), self._day_of(_at(first)))
        self._days = {
            day: held for day, held in self._days.items() if begins <= day <= today and held[0] <= now
        }
        for day in list(self._to_read(begins, today, now)):
            self._days[day] = now, self._read_day(connection, day, now)
        return self._together(_at(first), self._day_of(now - self._window))

    def _to_read(self, begins: date, today: date, now: datetime) -> Iterator[date]:
        """Days that are not known or were not over for a day when they were read, and one read long ago."""
        settled: dict[date, datetime] = {}
        for back in range((today - begins).days + 1):
            day = today - back * _A_DAY
            held = self._days.get(day)
            if held is None or self._day_of(held[0]) < day + 2 * _A_DAY:
                yield day
            else:
                settled[day] = held[0]
        oldest = min(settled, key=lambda day: settled[day], default=None)
        if oldest is not None and now - settled[oldest] >= REREAD:
            yield oldest

    def _read_day(self, connection: Connection, day: date, now: datetime) -> _Day:
        begins, ends = _midnight(day, self._zone), _midnight(day + _A_DAY, self._zone)
        ends = min(ends, _hour(now) + _HOUR_S)
        found = _Day()
        canonical = self._registry.canonical  # cells carry codes of their time: an agency may have another
        for provider, consumer, service, total, ok, last, last_ok in connection.execute(_sums(begins, ends)):
            pair = Pair(canonical.get(provider, provider), canonical.get(consumer, consumer), service)
            for agency in (pair.provider, pair.consumer):
                found.last_exchange[agency] = max(last, found.last_exchange.get(agency, last))
            if last_ok is not None and service in self._synchronised:
                found.last_answer[pair] = max(last_ok, found.last_answer.get(pair, last_ok))
            if service != UNREGISTERED:
                found.answered[service] += ok
            found.exchanges[pair.consumer] += total
            if UNREGISTERED not in pair:
                found.judged[pair.consumer] += total
        found.agreed.update(found.judged)
        for consumer, count in connection.execute(_without_agreement(begins, ends)):
            found.agreed[canonical.get(consumer, consumer)] -= count
        return found

    def _together(self, observed_since: datetime, counted_from: date) -> LedgerFacts:
        total = _Day()
        for day, (_, each) in self._days.items():
            for agency, last in each.last_exchange.items():
                total.last_exchange[agency] = max(last, total.last_exchange.get(agency, last))
            for pair, last in each.last_answer.items():
                total.last_answer[pair] = max(last, total.last_answer.get(pair, last))
            if day >= counted_from:
                total.answered.update(each.answered)
                total.exchanges.update(each.exchanges)
                total.judged.update(each.judged)
                total.agreed.update(each.agreed)
        return LedgerFacts(
            observed_since=observed_since,
            last_exchange={agency: from_microseconds(last) for agency, last in total.last_exchange.items()},
            last_answer={pair: from_microseconds(last) for pair, last in total.last_answer.items()},
            answered=dict(total.answered),
            traffic={
                agency: Traffic(count, total.judged[agency], max(total.agreed[agency], 0))
                for agency, count in total.exchanges.items()
            },
        )

    def _day_of(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()


def _sums(begins: int, ends: int) -> Select[Any]:
    c = cells.c
    total = cast(func.sum(c.ok + c.fault + c.denied + c.timeout), BigInteger)
    last = func.max(type_coerce(c.last_time, BigInteger))
    last_answer = func.max(case((c.ok > 0, type_coerce(c.last_time, BigInteger))))
    pair = (c.provider, c.consumer, c.service)
    answers = cast(func.sum(c.ok), BigInteger)
    within = (c.hour >= begins, c.hour < ends)
    return select(*pair, total, answers, last, last_answer).where(*within).group_by(*pair)


def _without_agreement(begins: int, ends: int) -> Select[Any]:
    """Exchanges by consumer that could be judged, and that no agreement permitted."""
    f = findings.c
    return (
        select(f.consumer, cast(func.sum(f["count"]), BigInteger))
        .where(f.hour >= begins, f.hour < ends)
        .where(f.breach.in_([str(breach) for breach in WITHOUT_AGREEMENT]))
        .group_by(f.consumer)
    )


def _midnight(day: date, zone: ZoneInfo) -> int:
    """The hour with which a local day begins: in zones of whole hours, days begin with hours."""
    return int(datetime.combine(day, time(0), zone).timestamp())


def _hour(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds()) // _HOUR_S * _HOUR_S


def _at(hour: int) -> datetime:
    return EPOCH + timedelta(seconds=hour)
