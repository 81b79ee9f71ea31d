"""How the weeks reach the rules: single events through the engine, hourly totals through the baselines."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple
from zlib import crc32

from alerts.baselines.kind import BaselineKind
from alerts.baselines.season import special_days
from alerts.engine.engine import Engine
from alerts.engine.register import RegisterLookup
from alerts.fields import EXCHANGES, SECURITY_EVENTS, ExchangeSeen
from alerts.model import Detection, Group
from alerts.rule import Baseline, EventRule, MemoryRule, RuleSet
from tests.e2e.weeks.calendar import HOUR_MS, ZONE, Calendar
from tests.e2e.weeks.events import Timed
from tests.e2e.weeks.incidents import Incident
from tests.e2e.weeks.platform import Pair
from tests.e2e.weeks.volumes import Volumes

TOTALLED = ("bulk-by-pair", "bulk-by-officer", "slow-harvest", "provider-silent")
"""Rules that take in every exchange: they are given totals of hours."""
PARTITIONS = 8
_BY_SYSTEMS = 0.6  # of a pair's calls: portals and gateways, each under one pseudonym
_PERSONS = 0.9  # different persons in one look-up of many


class Total(NamedTuple):
    """What a group adds up to in an hour, and in how many calls."""

    group: Group
    total: int
    agency: str
    events: int
    event_id: str = ""


def named(rule: EventRule | MemoryRule) -> str:
    """A rule's file, without folder and suffix."""
    return rule.info.source.rsplit("/", 1)[-1].split(".", 1)[0]


def without_totalled(rules: RuleSet) -> RuleSet:
    """The rules that are given single events."""
    return replace(rules, memories=tuple(one for one in rules.memories if named(one) not in TOTALLED))


class Totals:
    """The baselines over all exchanges, given the totals of hours.

    Providers are counted in PARTITIONS parts, as consumers' partitions see them; all other groups lie within
    one partition.
    """

    def __init__(self, rules: RuleSet, calendar: Calendar) -> None:
        self._calendar = calendar
        by_name = {named(one): one for one in rules.memories if isinstance(one, Baseline)}
        special = special_days()
        self._pairs, self._officers, self._harvest = (
            BaselineKind(by_name[name], ZONE, special) for name in TOTALLED[:3]
        )
        self._silent = [BaselineKind(by_name["provider-silent"], ZONE, special) for _ in range(PARTITIONS)]

    def hour(self, hour: int, volumes: Volumes, incidents: Sequence[Incident]) -> Iterator[Detection]:
        """Give one hour to all of them, what incidents add after what is usual; the history is only
        learned.
        """
        at = self._calendar.ms(hour) // HOUR_MS
        learning = hour < self._calendar.scored_from
        for kind, total in self._usual(hour, volumes):
            if learning:
                kind.prime(total.group, at, total.total, agency=total.agency, events=total.events)
            else:
                yield from _observe(kind, total, at)
        if learning:
            return
        for incident in incidents:
            for kind, total in self._added(hour, incident):
                yield from _observe(kind, total, at)
        end = self._calendar.ms(hour + 1)
        for kind in (self._pairs, self._officers, self._harvest, *self._silent):
            yield from kind.advance(end)

    def _usual(self, hour: int, volumes: Volumes) -> Iterator[tuple[BaselineKind, Total]]:
        answers: dict[tuple[int, str], int] = {}
        for pair, calls, records in volumes.pairs(hour):
            yield self._pairs, Total(_pair(pair), records, pair.consumer, calls)
            part = (crc32(pair.consumer.encode()) % PARTITIONS, pair.provider)
            answers[part] = answers.get(part, 0) + calls
            if pair.personal:
                yield from self._looked_up(pair.consumer, _system(pair), int(calls * _BY_SYSTEMS))
        for officer, look_ups, persons in volumes.officers(hour):
            yield from self._looked_up(officer.consumer, officer.name, look_ups, persons)
        for (part_number, provider), calls in answers.items():
            yield self._silent[part_number], Total((("provider", provider),), calls, provider, calls)

    def _added(self, hour: int, incident: Incident) -> Iterator[tuple[BaselineKind, Total]]:
        mark = f"{incident.mark}{hour}"
        for when, pair, calls in incident.pair_hours:
            if when == hour:
                yield self._pairs, Total(_pair(pair), calls, pair.consumer, calls, mark)
                yield from self._looked_up(pair.consumer, _system(pair), calls, event_id=mark)
        for when, officer, calls in incident.officer_hours:
            if when == hour:
                yield self._pairs, Total(_pair(officer.pair), calls, officer.consumer, calls, mark)
                yield from self._looked_up(officer.consumer, officer.name, calls, event_id=mark)

    def _looked_up(
        self, consumer: str, actor: str, look_ups: int, persons: int | None = None, event_id: str = ""
    ) -> Iterator[tuple[BaselineKind, Total]]:
        if not look_ups:
            return
        group = (("actor", actor), ("consumer", consumer))
        different = max(1, round(look_ups * _PERSONS)) if persons is None else persons
        yield self._officers, Total(group, look_ups, consumer, look_ups, event_id)
        yield self._harvest, Total(group, different, consumer, look_ups, event_id)


class Singles:
    """The engines over single events, one a source, as their topics have."""

    def __init__(self, rules: RuleSet, calendar: Calendar, register: RegisterLookup) -> None:
        def baseline(rule: Baseline) -> BaselineKind:
            return BaselineKind(rule, ZONE, special)

        self._calendar = calendar
        special = special_days()
        self._engines = {
            source.name: Engine(without_totalled(rules), source.name, register=register, baselines=baseline)
            for source in (EXCHANGES, SECURITY_EVENTS)
        }

    def hour(self, hour: int, events: Iterable[Timed]) -> Iterator[Detection]:
        """Give one hour's events to them, in order, and let event time move on."""
        exchanges, security = self._engines[EXCHANGES.name], self._engines[SECURITY_EVENTS.name]
        for time_ms, event in sorted(events, key=lambda one: one.time_ms):
            if isinstance(event, ExchangeSeen):
                exchanges.observe(event, time_ms, event.exchange.id)
            else:
                security.observe(event, time_ms, event.id)
        for engine in (exchanges, security):
            engine.advance(self._calendar.ms(hour + 1))
            yield from engine.take().detections


def _observe(kind: BaselineKind, total: Total, at: int) -> Collection[Detection]:
    return kind.observe_total(
        total.group, at, total.total, agency=total.agency, event_id=total.event_id, events=total.events
    )


def _system(pair: Pair) -> str:
    return f"system-{pair.service}"


def _pair(pair: Pair) -> Group:
    return (("consumer", pair.consumer), ("service", pair.service))
