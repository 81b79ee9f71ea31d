"""All that rules do in one partition: they see events, find, remember, and write it with what was counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy import Engine as Database

from alerts.engine.changes import EngineChanges
from alerts.engine.course import Course
from alerts.engine.engine import LATENESS_MS, Engine
from alerts.engine.metrics import EngineMetrics, Figures
from alerts.engine.plan import BaselineFactory
from alerts.engine.prefilter import Prefilter, Test
from alerts.engine.register import AgreementsInForce
from alerts.engine.store import EngineStore
from alerts.fields import EXCHANGES, SECURITY_EVENTS, ExchangeSeen
from alerts.incidents.clock import CLOCK_RULES
from alerts.incidents.metrics import IncidentMetrics
from alerts.incidents.model import Report
from alerts.incidents.sources import from_alert, from_security_event, with_registry
from alerts.incidents.store import open_incidents
from alerts.lifecycle.alert import Change, ChangeKind
from alerts.lifecycle.book import AlertBook
from alerts.metrics import AlertMetrics
from alerts.risk.store import add_detections
from alerts.rule import RuleSet
from monitor.events.exchange import Exchange
from monitor.events.fields import FIELD_LISTS
from monitor.events.pseudonym import WITHHELD, Pseudonyms
from monitor.events.security_event import SecurityEvent
from monitor.judging.book import Book
from monitor.judging.breach import Breach
from monitor.judging.terms import Breaches, Pair
from monitor.ledger.moment import EPOCH
from monitor.ledger.partition import Witnessed

# Event time between two looks at the clock by rules that only see part of the events.
NOTED_EVERY = timedelta(seconds=1)
# When nothing comes, time passes in steps of this many milliseconds: each is a transaction a partition.
TICK_MS = 5_000
WAYS = 65_536  # combinations of outcome, breaches, pair and purpose that are remembered
HIDDEN = 20_000  # officers whose pseudonyms are remembered: some 4 MB

_MILLISECOND = timedelta(milliseconds=1)
_joined = b"".join


@dataclass(slots=True)
class Taken:
    """What one transaction writes of a partition's rules, and what came of it (of the last try).

    `figures` are those that the engine counted since the transaction before.
    """

    engine: EngineChanges
    figures: Figures
    reports: Sequence[Report] = ()
    changes: list[Change] = field(default_factory=list)
    incidents_refused: int = 0


class Alike(NamedTuple):
    """What exchanges share that rules are narrowed to."""

    outcome: str
    breaches: Breaches
    pair: Pair
    purpose: str | None


# The same as fields of rules.
_ALIKE = frozenset({"outcome", "breach", "provider", "consumer", "agency", "service", "purpose"})


class Way(NamedTuple):
    """What is done with exchanges that are alike: all are shown to the engine where it `adds` them up, else
    those that pass the test that rules make of their numbers."""

    course: Course
    adds: bool
    test: Test


class Told(NamedTuple):
    """Whom a watch tells, after its transaction."""

    alerts: AlertMetrics
    incidents: IncidentMetrics
    engines: EngineMetrics
    changed: Callable[[], None]  # alerts have changed: whoever sends them need not wait


class Desk:
    """What all watches of a worker share: rules, registry, and the book that detections are entered in."""

    def __init__(
        self,
        database: Database,
        rules: RuleSet,
        book: Book,
        pseudonyms: Pseudonyms,
        told: Told,
        *,
        baselines: BaselineFactory | None = None,
    ) -> None:
        self.database = database
        self.judging = book
        self.pseudonyms = pseudonyms
        self.told = told
        self._baselines = baselines
        self.use(rules)

    def use(self, rules: RuleSet) -> None:
        """Go on with these rules; watches that are open keep theirs."""
        self.rules = rules
        self.alerts = AlertBook(
            rules, self.judging.registry, self.judging.zone, built_in=CLOCK_RULES.values()
        )

    def engine(self, source: str, lateness_ms: int) -> Engine:
        """An engine for a partition of a source, that remembers nothing yet."""
        return Engine(
            self.rules,
            source,
            lateness_ms=lateness_ms,
            register=AgreementsInForce.of(self.judging),
            baselines=self._baselines,
        )

    def risk_of(self, rule: str) -> int:
        """What a detection of a rule weighs."""
        return self.alerts.info(rule).risk_score


class PartitionWatch:
    """The rules of one partition. Opened, it remembers what the database holds.

    `later` is how much later than usual an event may come to still be taken into windows.
    """

    def __init__(
        self, desk: Desk, source: str, topic: str, partition: int, *, later: timedelta = timedelta(0)
    ) -> None:
        """Raises sqlalchemy.exc.DBAPIError."""
        self._lateness_ms = LATENESS_MS + later // _MILLISECOND
        self.engine = desk.engine(source, self._lateness_ms)
        self._desk = desk
        self._alerts = desk.alerts
        self._topic = topic
        self._partition = partition
        self._store = EngineStore(topic, partition)
        self._dirty = False
        with desk.database.begin() as connection:
            loaded = self._store.load(connection, desk.rules.fingerprints)
        if loaded is not None:
            self.engine.restore(loaded)
        self._figures = Figures.of(self.engine)
        desk.told.engines.watch(self.engine)

    @property
    def pending(self) -> bool:
        """Whether there is anything to write."""
        return self._dirty

    def tick(self, now: datetime) -> None:
        """Nothing came up to now, and all that came was seen: let time pass for the rules."""
        watermark = (now - EPOCH) // _MILLISECOND - self._lateness_ms
        known = self.engine.watermark_ms
        if known is None or watermark - known >= TICK_MS:
            self.engine.advance(watermark)
            self._dirty = True

    def take(self) -> Taken:
        """Hand over what is to be written."""
        self._dirty = False
        changes = self.engine.take()
        before, self._figures = self._figures, Figures.of(self.engine)
        return Taken(changes, self._figures.since(before))

    def write(self, connection: Connection, taken: Taken, now: datetime) -> None:
        """Write it, in the transaction that moves the offset; the same may be tried again.

        1. What the engine remembers.
        2. What was found: alerts, and the risk of agencies.
        3. Incidents that begin with it, which may wait for another worker and so come last.
        """
        self._store.write(connection, taken.engine)
        detections = taken.engine.detections
        taken.changes = self._alerts.write(connection, detections, now)
        registry = self._desk.judging.registry
        add_detections(
            connection,
            self._topic,
            self._partition,
            detections,
            weight=self._desk.risk_of,
            registered=registry.agencies,
        )
        zone = self._desk.judging.zone
        reports = [*taken.reports, *self._leaks(taken.changes)]
        if reports:
            known = (with_registry(report, registry, zone) for report in reports)
            opened = open_incidents(connection, known, zone=zone, now=now)
            taken.incidents_refused = opened.refused

    def committed(self, taken: Taken) -> None:
        """Count it in the metrics, and tell whoever sends alerts."""
        told = self._desk.told
        told.engines.count(taken.figures)
        told.alerts.found(taken.engine.detections, self._alerts)
        told.alerts.happened(taken.changes)
        if taken.incidents_refused:
            told.incidents.refused(taken.incidents_refused)
        if taken.changes:
            told.changed()

    def _leaks(self, changes: Iterable[Change]) -> list[Report]:
        reports = []
        for change in changes:
            if change.kind is ChangeKind.OPENED and change.alert.leak:
                alert = change.alert
                report = from_alert(
                    self._alerts.info(alert.rule),
                    alert.agency,
                    f"{alert.id}/{alert.episode}",
                    (alert.first_time - EPOCH) // _MILLISECOND,
                    services=[value for name, value in alert.group if name == "service"],
                    events=[one.event_id for one in alert.evidence],
                )
                if report is not None:
                    reports.append(report)
        return reports


class SecurityWatch(PartitionWatch):
    """Rules on security events; events that report an incident open one."""

    def __init__(self, desk: Desk, topic: str, partition: int, *, later: timedelta = timedelta(0)) -> None:
        super().__init__(desk, SECURITY_EVENTS.name, topic, partition, later=later)
        self._reports: list[Report] = []

    def observe(self, accepted: Iterable[tuple[SecurityEvent, int]]) -> None:
        """See events, in their order, each with its time in milliseconds since 1970."""
        self._dirty = True
        for event, time_ms in accepted:
            self.engine.observe(event, time_ms, event.id)
            report = from_security_event(event)
            if report is not None:
                self._reports.append(report)

    def take(self) -> Taken:
        """Hand over what is to be written."""
        taken = super().take()
        taken.reports, self._reports = self._reports, []
        return taken


class _Seen(ExchangeSeen):
    """One exchange after the other, in the same object; what few rules ask for is made when they do."""

    __slots__ = ()

    def __init__(self) -> None:
        pass

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]  # the same to whoever reads
        """What was asked for."""
        return tuple(FIELD_LISTS[_joined((self.exchange.fields,))] or ())


# One that came again is another event to rules than the first.
_AGAIN: Breaches = (Breach.DUPLICATE_ID,)


class ExchangeWatch(PartitionWatch):
    """Rules on exchanges: of those that no rule could match only the time is noted, now and then."""

    def __init__(self, desk: Desk, topic: str, partition: int, *, later: timedelta = timedelta(0)) -> None:
        super().__init__(desk, EXCHANGES.name, topic, partition, later=later)
        self._filter = self.engine.prefilter()
        self._ways: dict[tuple[str, Breaches, Pair, str | None], Way] = {}
        self._seen = _Seen()
        self._hidden: dict[bytes, str | None] = {}
        newest = self.engine.newest_ms
        self._note_at = datetime.min.replace(tzinfo=UTC)
        if newest is not None:
            self._note_at = EPOCH + newest * _MILLISECOND + NOTED_EVERY

    def observe(self, witnessed: Iterable[Witnessed]) -> None:
        """See exchanges, in their order, each with how it was judged."""
        self._dirty = True
        engine, ways, seen, hidden, note_at = self.engine, self._ways, self._seen, self._hidden, self._note_at
        for exchange, time, pair, breaches in witnessed:
            if time >= note_at:
                note_at = time + NOTED_EVERY
                engine.note_time((time - EPOCH) // _MILLISECOND)
            alike = (exchange.outcome, breaches, pair, exchange.purpose)
            course, adds, test = ways.get(alike) or self._way(exchange, Alike(*alike))
            telling = test(exchange)
            if adds or telling:
                time_ms = (time - EPOCH) // _MILLISECOND
                seen.exchange = exchange
                seen.time_ms = time_ms
                seen.provider, seen.consumer, seen.service = pair
                seen.breach = breaches
                actor = _joined((exchange.actor,))
                seen.actor = hidden[actor] if actor in hidden else self._hide(actor)
                seen.subject = self._pseudonym(_joined((exchange.subject,)))
                identity = exchange.id if breaches != _AGAIN else f"{exchange.id}#again"
                engine.observe_in(course, seen, time_ms, identity, adding_only=not telling)
        self._note_at = note_at

    def _way(self, exchange: Exchange, alike: Alike) -> Way:
        """What is done with exchanges like this one, remembered."""
        if len(self._ways) >= WAYS:
            self._ways.clear()
            self.engine.forget_courses()
        seen = self._seen
        seen.exchange, seen.breach = exchange, alike.breaches
        seen.provider, seen.consumer, seen.service = alike.pair
        course = self.engine.course(self._filter.possible(*alike), _ALIKE, seen)
        tried = Prefilter(one.node.event_rule for one in course.tried)
        way = self._ways[alike] = Way(course, course.adds, tried.test_for(*alike))
        return way

    def _hide(self, actor: bytes) -> str | None:
        """The pseudonym of an officer, who comes again and so is remembered."""
        if len(self._hidden) >= HIDDEN:
            self._hidden.clear()
        hidden = self._hidden[actor] = self._pseudonym(actor)
        return hidden

    def _pseudonym(self, raw: bytes) -> str | None:
        """The pseudonym of an officer or a citizen; None also for want of a key: many would be one then."""
        pseudonym = self._desk.pseudonyms.of_json(raw)
        return None if pseudonym == WITHHELD else pseudonym
