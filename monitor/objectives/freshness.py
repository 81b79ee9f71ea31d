"""How old synchronised data is: the age of the last answer, against the longest age that is agreed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from monitor.judging.book import version_in_force
from monitor.objectives.block import Layout, Pair
from monitor.objectives.reading import PairSum, read_first_hour, read_last_answers
from monitor.objectives.slo import SYNCHRONISES, agreed
from monitor.objectives.windows import HOUR_S, Span
from monitor.registry.model import Agreement
from monitor.storage.engine import reading
from monitor.storage.tables import from_microseconds

FURTHEST: Final = timedelta(days=400)
"""How far back an answer is looked for where a longer age is agreed: a yearly package, and a month."""

_STEP_S: Final = 30 * 24 * HOUR_S  # of looking back, one at each refresh


class Freshness(NamedTuple):
    """The age of data against its limit.

    `last` is the time of the last successful exchange; where none is known, `none_since` is the time since
    which there certainly was none. Neither is there where nobody can tell yet, or nobody is connected.
    In an hour in which exchanges also failed `last` is the time of the last of them all, so an age can be
    told too low by less than an hour, never too high.
    """

    limit: timedelta
    last: datetime | None = None
    none_since: datetime | None = None

    def age(self, now: datetime) -> timedelta | None:
        """The age, or the least that it can be; zero for a time ahead of `now`, None where unknown."""
        since = self.last or self.none_since
        return None if since is None else max(now - since, timedelta(0))

    def stale(self, now: datetime) -> bool:
        """Whether the data is older than agreed."""
        age = self.age(now)
        return age is not None and age > self.limit


class Answers:
    """When each pair of a synchronised service was last answered; used by one thread at a time.

    Bounded by the registry: only registered consumers and services are remembered.
    """

    def __init__(self, layout: Layout, engine: Engine, zone: ZoneInfo) -> None:
        self._layout = layout
        self._registry = layout.registry
        self._engine = engine
        self._zone = zone
        self._synchronised = {
            name for name, service in self._registry.services.items() if service.method in SYNCHRONISES
        }
        self._last_us: dict[Pair, int] = {}
        self._looked_back_to: int | None = None  # epoch seconds

    def see(self, row: PairSum) -> None:
        """Take note of what was read."""
        if row.last_ok_us is not None and row.service in self._synchronised:
            self._note(row.provider, row.consumer, row.service, row.last_ok_us)

    def _note(self, provider: str, consumer: str, service: str, last_us: int) -> None:
        pair = self._layout.pair(provider, consumer, service)
        if pair is not None:
            self._last_us[pair] = max(last_us, self._last_us.get(pair, 0))

    def look_back(self, now: datetime, covered_from: int) -> datetime | None:
        """Look further back for answers that a longer age than the windows' is agreed for, by one step.

        `covered_from` (epoch seconds) is where `see` was given everything from. Returns the time since which
        every answer is known, which is no earlier than the ledger; None while the ledger is empty.
        Raises sqlalchemy.exc.DBAPIError.
        """
        done = min(covered_from, self._looked_back_to or covered_from)
        today = now.astimezone(self._zone).date()
        longest = max(
            (
                agreed(one, self._registry.services[one.service]).frequency or timedelta(0)
                for one in self._in_force(today)
                if (one.consumer, one.service) not in self._last_us
            ),
            default=timedelta(0),
        )
        wanted = int((now - min(longest, FURTHEST)).timestamp()) // HOUR_S * HOUR_S
        with reading(self._engine).connect() as connection:
            begins = read_first_hour(connection)
            if begins is not None and self._synchronised and max(wanted, int(begins.timestamp())) < done:
                step = Span(max(wanted, done - _STEP_S), done)
                for found in read_last_answers(connection, self._synchronised, step):
                    self._note(*found)
                done = step.begins
        self._looked_back_to = done
        return None if begins is None else max(begins, from_microseconds(done * 1_000_000))

    def of_agreements(self, today: date, known_since: datetime | None) -> dict[str, Freshness]:
        """By agreement, for those in force on a local day that set a longest age."""
        found = {}
        for one in self._in_force(today):
            limit = agreed(one, self._registry.services[one.service]).frequency
            if limit is not None:
                last = self._last(one.consumer, one.service)
                found[one.id] = Freshness(limit, last, None if last else self._none_since(one, known_since))
        return found

    def of_services(self, today: date, known_since: datetime | None) -> dict[tuple[str, str], Freshness]:
        """By provider and service, for services that set a longest age: of the newest copy anybody took.

        One that nobody took is late from when the first agreement in force let somebody take it.
        """
        lasts: dict[str, int] = {}
        for (_, name), last_us in self._last_us.items():
            lasts[name] = max(last_us, lasts.get(name, 0))
        waiting: dict[str, datetime] = {}
        for one in self._in_force(today):
            since = self._none_since(one, known_since)
            if since is not None:
                waiting[one.service] = min(since, waiting.get(one.service, since))
        found = {}
        for name in sorted(self._synchronised):
            service = self._registry.services[name]
            limit = service.objectives.frequency
            if limit is not None:
                last = from_microseconds(lasts[name]) if name in lasts else None
                found[service.provider, name] = Freshness(limit, last, None if last else waiting.get(name))
        return found

    def _in_force(self, today: date) -> list[Agreement]:
        """The versions on synchronised services that permit exchanges today."""
        pairs = {
            (one.consumer, one.service)
            for one in self._registry.agreements
            if one.service in self._synchronised
        }
        held = (version_in_force(self._registry.versions(*pair), today) for pair in sorted(pairs))
        return [one for one in held if one is not None and one.permits]

    def _last(self, consumer: str, service: str) -> datetime | None:
        last_us = self._last_us.get((consumer, service))
        return None if last_us is None else from_microseconds(last_us)

    def _none_since(self, one: Agreement, known_since: datetime | None) -> datetime | None:
        """Since when a pair without an answer had none: not before it was agreed, nor before the ledger.

        An agency that is not live has nothing to take or to give yet, and is not late.
        """
        agencies = self._registry.agencies
        live = all(agencies[code].connection.state == "live" for code in (one.provider, one.consumer))
        if known_since is None or not live:
            return None
        first = min(
            (
                version.start
                for version in self._registry.versions(one.consumer, one.service)
                if version.id == one.id and version.status != "draft"
            ),
            default=one.start,
        )
        return max(known_since, datetime.combine(first, time(0), self._zone))
