"""The way from the database to states, duties and indicators, at one time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from monitor.calendar.working import WorkingDays
from monitor.duties.agencies import connect, default_list_review, freshness
from monitor.duties.agreements import expiry, review
from monitor.duties.answers import answer
from monitor.duties.connection import Standing, standings
from monitor.duties.facts import LONGEST_LOOK_BACK, FactsReader, LedgerFacts
from monitor.duties.item import DutyItem
from monitor.duties.rules import DutyRules
from monitor.duties.situation import Situation
from monitor.indicators.agencies import ByAgency, agency_indicators
from monitor.indicators.objectives import Met
from monitor.lifecycle.recorded import Recorded, read_lifecycle
from monitor.objectives.slo import agreed
from monitor.registry.registry import Registry

_IN_TURN = (connect, freshness, review, expiry, default_list_review, answer)
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """What stays the same from one assessment to the next."""

    registry: Registry
    rules: DutyRules
    calendar: WorkingDays
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Assessment:
    """How every agency stands at a time; `unread` counts lifecycle events beyond the bound on reading."""

    now: datetime
    standings: Mapping[str, Standing]
    items: Sequence[DutyItem]
    indicators: ByAgency
    unread: int


def duties(at: Situation) -> list[DutyItem]:
    """All duties, by kind; the order within a kind is fixed."""
    return [one for kind in _IN_TURN for one in kind(at)]


def situation(terms: Terms, events: Sequence[Recorded], facts: LedgerFacts, now: datetime) -> Situation:
    """Put together what happened up to `now`; events of later are left out."""
    past = sorted((each for each in events if each.time <= now), key=lambda each: each.time)
    standing = standings(
        terms.registry,
        past,
        facts.last_exchange,
        facts.observed_since,
        now,
        zone=terms.zone,
        dormant_after=timedelta(days=terms.rules.connection.dormant_after_days),
    )
    return Situation(terms.registry, standing, past, facts, now, terms.zone, terms.calendar, terms.rules)


def reader(terms: Terms) -> FactsReader:
    """Who reads the ledger for these terms; keep it, and reading again is quick."""
    window = timedelta(days=terms.rules.indicators.window_days)
    return FactsReader(terms.registry, terms.zone, window=window, look_back=look_back(terms))


def assess(
    connection: Connection,
    terms: Terms,
    now: datetime,
    objectives: Mapping[str, Met] | None = None,
    ledger: FactsReader | None = None,
) -> Assessment:
    """Read what happened, and work out where every agency stands. Raises sqlalchemy.exc.DBAPIError."""
    window = timedelta(days=terms.rules.indicators.window_days)
    facts = (ledger or reader(terms)).read(connection, now)
    # A day more: a request that was settled within the window is listed, also at its edge.
    read = read_lifecycle(connection, terms.registry, now, now - window - _A_DAY)
    at = situation(terms, read.events, facts, now)
    items = duties(at)
    return Assessment(now, at.standings, items, agency_indicators(at, items, objectives), read.unread)


def look_back(terms: Terms) -> timedelta:
    """How far back the ledger says something: as long as data may stay unchanged, or a connection unused."""
    services = terms.registry.services
    frequencies = [agreed(each, services[each.service]).frequency for each in terms.registry.agreements]
    longest = max((each for each in frequencies if each is not None), default=timedelta())
    dormant = timedelta(days=terms.rules.connection.dormant_after_days)
    return min(max(longest, dormant) + _A_DAY, LONGEST_LOOK_BACK)
