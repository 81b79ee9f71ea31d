"""What the ledger of exchanges says that duties and indicators need, read in two sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, case, cast, func, select, type_coerce

from monitor.judging.breach import Breach
from monitor.judging.terms import UNREGISTERED, Pair
from monitor.ledger.moment import EPOCH
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
_HOUR_S = 3600


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
    agency, as provider or as consumer; `last_answer` by pair, of hours in which any exchange was answered.
    `answered` counts answers by service and `traffic` exchanges by consumer, both within the window.
    """

    observed_since: datetime | None = None
    last_exchange: Mapping[str, datetime] = field(default_factory=dict)
    last_answer: Mapping[Pair, datetime] = field(default_factory=dict)
    answered: Mapping[str, int] = field(default_factory=dict)
    traffic: Mapping[str, Traffic] = field(default_factory=dict)


def read_facts(
    connection: Connection, registry: Registry, now: datetime, *, window: timedelta, look_back: timedelta
) -> LedgerFacts:
    """Read what was exchanged within `window` of `now`, and who exchanged last within `look_back`.

    Hours are whole: the first is that in which the span begins. It reads every cell of the span once.
    Raises sqlalchemy.exc.DBAPIError.
    """
    first = connection.execute(select(func.min(cells.c.hour))).scalar_one()
    if first is None:
        return LedgerFacts()
    counted_from = _hour(now - window)
    read_from = min(_hour(now - min(look_back, LONGEST_LOOK_BACK)), counted_from)
    last_exchange: dict[str, datetime] = {}
    last_answer: dict[Pair, datetime] = {}
    answered: defaultdict[str, int] = defaultdict(int)
    exchanges: defaultdict[str, int] = defaultdict(int)
    judged: defaultdict[str, int] = defaultdict(int)
    for pair, total, ok, last, last_ok in _sums(connection, registry, read_from, counted_from):
        for agency in (pair.provider, pair.consumer):
            last_exchange[agency] = max(last, last_exchange.get(agency, last))
        if last_ok is not None:
            last_answer[pair] = max(last_ok, last_answer.get(pair, last_ok))
        if pair.service != UNREGISTERED:
            answered[pair.service] += ok
        exchanges[pair.consumer] += total
        if UNREGISTERED not in pair:
            judged[pair.consumer] += total
    without = _without_agreement(connection, registry, counted_from)
    return LedgerFacts(
        observed_since=EPOCH + timedelta(seconds=first),
        last_exchange=last_exchange,
        last_answer=last_answer,
        answered=answered,
        traffic={
            agency: Traffic(total, judged[agency], max(judged[agency] - without.get(agency, 0), 0))
            for agency, total in exchanges.items()
        },
    )


def _sums(
    connection: Connection, registry: Registry, read_from: int, counted_from: int
) -> Iterable[tuple[Pair, int, int, datetime, datetime | None]]:
    c = cells.c
    counted = c.hour >= counted_from
    total = func.sum(case((counted, c.ok + c.fault + c.denied + c.timeout), else_=0))
    answers = func.sum(case((counted, c.ok), else_=0))
    last = func.max(type_coerce(c.last_time, BigInteger))
    last_answer = func.max(case((c.ok > 0, type_coerce(c.last_time, BigInteger))))
    query = (
        select(
            c.provider,
            c.consumer,
            c.service,
            cast(total, BigInteger),
            cast(answers, BigInteger),
            last,
            last_answer,
        )
        .where(c.hour >= read_from)
        .group_by(c.provider, c.consumer, c.service)
    )
    for provider, consumer, service, count, ok, last_us, last_ok_us in connection.execute(query):
        pair = Pair(_present(registry, provider), _present(registry, consumer), service)
        last_ok = None if last_ok_us is None else from_microseconds(last_ok_us)
        yield pair, count, ok, from_microseconds(last_us), last_ok


def _without_agreement(connection: Connection, registry: Registry, counted_from: int) -> dict[str, int]:
    """Exchanges by consumer that could be judged, and that no agreement permitted."""
    f = findings.c
    query = (
        select(f.consumer, cast(func.sum(f["count"]), BigInteger))
        .where(f.hour >= counted_from, f.breach.in_([str(breach) for breach in WITHOUT_AGREEMENT]))
        .group_by(f.consumer)
    )
    found: defaultdict[str, int] = defaultdict(int)
    for consumer, count in connection.execute(query):
        found[_present(registry, consumer)] += count
    return found


def _present(registry: Registry, code: str) -> str:
    """Cells carry the codes of their time: an agency that was merged since has another."""
    return registry.canonical.get(code, code)


def _hour(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds()) // _HOUR_S * _HOUR_S
