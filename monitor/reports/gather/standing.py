"""How agencies stood when a span ended: connections, duties and the indicators by which they are compared.

The parts are those of `monitor duties` and of the objectives' metrics, worked out for a fixed span: what was
exchanged is taken from its sums, and only what must be known from before it is read besides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import BigInteger, ColumnElement, Connection, func, select, type_coerce

from monitor.duties.assess import Terms, duties, look_back, situation
from monitor.duties.connection import Standing
from monitor.duties.facts import WITHOUT_AGREEMENT, LedgerFacts, Traffic
from monitor.duties.item import DutyItem
from monitor.indicators.agencies import ByAgency, agency_indicators
from monitor.indicators.objectives import met_by_provider
from monitor.judging.terms import UNREGISTERED, Pair
from monitor.lifecycle.recorded import read_lifecycle
from monitor.objectives.block import Layout
from monitor.objectives.figures import Figure
from monitor.objectives.reading import read_last_answers
from monitor.objectives.slo import SLOS, SYNCHRONISES, agreed
from monitor.objectives.windows import Span as HourSpan
from monitor.reports.gather.cells import Tallied
from monitor.reports.gather.findings import Breached, BreachKey
from monitor.reports.period import Span
from monitor.storage.tables import cells, from_microseconds

Kept = Mapping[tuple[str, str], Figure]
"""How each objective was kept, by agreement and slo; without exchanges its counts are 0."""

_NOTHING = Figure(0, 0, 0.0)
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stood:
    """How every agency stood at `at`; `unread` counts lifecycle events beyond the bound on reading."""

    at: datetime
    standings: Mapping[str, Standing]
    items: Sequence[DutyItem]
    indicators: ByAgency
    kept: Kept
    unread: int


def stood(
    connection: Connection,
    terms: Terms,
    layout: Layout,
    tallied: Tallied,
    breaches: Mapping[BreachKey, Breached],
    observed_since: datetime | None,
    at: datetime,
) -> Stood:
    """Work out how agencies stood at a moment, the end of what was summed. Raises DBAPIError."""
    window = timedelta(days=terms.rules.indicators.window_days)
    read = read_lifecycle(connection, terms.registry, at, min(at - window, _at(tallied.span.begins)) - _A_DAY)
    facts = _facts(connection, terms, tallied, breaches, observed_since)
    situated = situation(terms, read.events, facts, at)
    items = duties(situated)
    kept = kept_in(layout, tallied)
    indicators = agency_indicators(situated, items, met_by_provider(terms.registry, kept))
    return Stood(at, situated.standings, items, indicators, kept, read.unread)


def kept_in(layout: Layout, tallied: Tallied) -> dict[tuple[str, str], Figure]:
    """How each objective was kept that an agreement had at any time of the span."""
    registry, zone = layout.registry, tallied.span.zone
    first = datetime.fromtimestamp(tallied.span.begins, zone).date()
    last = datetime.fromtimestamp(max(tallied.span.ends - 1, tallied.span.begins), zone).date()
    found = {
        (one.id, slo): _NOTHING
        for one in registry.agreements
        if one.permits and one.start <= last and one.last_day >= first
        for slo in SLOS
        if agreed(one, registry.services[one.service]).objective(slo) is not None
    }
    if tallied.block is not None:
        found |= layout.figures(tallied.block)
    return found


def _facts(
    connection: Connection,
    terms: Terms,
    tallied: Tallied,
    breaches: Mapping[BreachKey, Breached],
    observed_since: datetime | None,
) -> LedgerFacts:
    if observed_since is None:
        return LedgerFacts()
    answered: dict[str, int] = {}
    exchanges: dict[str, int] = {}
    judged: dict[str, int] = {}
    for pair, counted in tallied.pairs.items():
        total = counted.exchanges
        exchanges[pair.consumer] = exchanges.get(pair.consumer, 0) + total
        if pair.service != UNREGISTERED:
            answered[pair.service] = answered.get(pair.service, 0) + counted.sums[0]
        if UNREGISTERED not in pair:
            judged[pair.consumer] = judged.get(pair.consumer, 0) + total
    without: dict[str, int] = {}
    for key, breached in breaches.items():
        if key.breach in WITHOUT_AGREEMENT:
            without[key.pair.consumer] = without.get(key.pair.consumer, 0) + breached.count
    last_exchange, last_answer = dict(tallied.last_exchange), dict(tallied.last_answer)
    _look_before(connection, terms, tallied.span, last_exchange, last_answer)
    return LedgerFacts(
        observed_since=observed_since,
        last_exchange={agency: from_microseconds(last) for agency, last in last_exchange.items()},
        last_answer={pair: from_microseconds(last) for pair, last in last_answer.items()},
        answered=answered,
        traffic={
            agency: Traffic(
                count, judged.get(agency, 0), max(judged.get(agency, 0) - without.get(agency, 0), 0)
            )
            for agency, count in exchanges.items()
        },
    )


def _traffic(exchanges: int, judged: int, without: int) -> Traffic:
    return Traffic(exchanges, judged, max(judged - without, 0))


def _look_before(
    connection: Connection,
    terms: Terms,
    span: Span,
    last_exchange: dict[str, int],
    last_answer: dict[Pair, int],
) -> None:
    """What happened before the span, as far back as a connection may rest, or data stay as it is."""
    canonical, services = terms.registry.canonical, terms.registry.services
    day = (_at(span.ends) - look_back(terms)).astimezone(span.zone).date()
    furthest = int(datetime.combine(day, time(0), span.zone).timestamp())
    synchronised = [name for name, service in services.items() if service.method in SYNCHRONISES]
    if furthest < span.begins and synchronised:
        before = HourSpan(furthest, span.begins)
        for provider, consumer, name, last in read_last_answers(connection, synchronised, before):
            pair = Pair(canonical.get(provider, provider), canonical.get(consumer, consumer), name)
            last_answer[pair] = max(last, last_answer.get(pair, 0))
    dormant = _at(span.ends) - timedelta(days=terms.rules.connection.dormant_after_days) - _A_DAY
    quiet = int(dormant.timestamp()) // 3600 * 3600
    if quiet < span.begins:
        for side in (cells.c.provider, cells.c.consumer):
            for agency, last in _last_by(connection, side, quiet, span.begins):
                code = canonical.get(agency, agency)
                last_exchange[code] = max(last, last_exchange.get(code, 0))


def _last_by(
    connection: Connection, side: ColumnElement[str], begins: int, ends: int
) -> list[tuple[str, int]]:
    query = (
        select(side, func.max(type_coerce(cells.c.last_time, BigInteger)))
        .where(cells.c.hour >= begins, cells.c.hour < ends)
        .group_by(side)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def _at(hour: int) -> datetime:
    return datetime.fromtimestamp(hour, UTC)
