"""What the tests of alerts are made of: rules, detections, and a book over a database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select

from alerts.fields import EXCHANGES
from alerts.lifecycle import store, upkeep
from alerts.lifecycle.alert import Alert, Change
from alerts.lifecycle.book import AlertBook
from alerts.lifecycle.rows import alert_of
from alerts.lifecycle.tables import alerts
from alerts.lifecycle.total import milliseconds
from alerts.model import Detection, Evidence, Level, RuleInfo
from alerts.rule import EventRule, RuleSet
from monitor.registry.registry import Registry
from tests.builders import MOMENT, made

NOW = MOMENT + timedelta(seconds=1)
QUIET = 1800
RULE = "denied-requests"
MINUTE = timedelta(minutes=1)
LONG_AFTER = timedelta(days=400)
START_MS = milliseconds(MOMENT)
FAR = datetime(2036, 1, 1, tzinfo=UTC)


def info(rule: str = RULE, **changes: Any) -> RuleInfo:
    """What is known of a rule; by default one whose alerts are over after half an hour."""
    given: dict[str, Any] = {
        "title": "Many denied requests",
        "title_vi": "Nhiều yêu cầu bị từ chối",
        "level": Level.MEDIUM,
        "risk_score": 45,
        "tags": ("attack.discovery", "attack.t1087"),
        "quiet": QUIET,
        "source": "discovery/denied.yml",
        "runbook": ("Ask the consumer's desk.",),
    }
    return RuleInfo(rule, **{**given, **changes})


def rule_set(*infos: RuleInfo) -> RuleSet:
    """Rules that match everything: only what is known of them matters here."""
    return RuleSet(tuple(EventRule(one, EXCHANGES, lambda _event: True) for one in infos or (info(),)), ())


def detection(
    minute: float = 0,
    *,
    until: float | None = None,
    count: int = 1,
    rule: str = RULE,
    service: str = "population.verify-identity",
    agency: str = "MOH",
    events: Iterable[str] = (),
    **facts: float | int | str,
) -> Detection:
    """A detection `minute` minutes after MOMENT, up to `until`."""
    first = START_MS + int(minute * 60_000)
    last = first if until is None else START_MS + int(until * 60_000)
    evidence = tuple(Evidence(first, event) for event in events)
    return Detection(rule, agency, (("service", service),), first, last, count, evidence, facts)


@dataclass
class Desk:
    """A book over a database, each call a transaction of its own."""

    engine: Engine
    rules: RuleSet = field(default_factory=rule_set)
    registry: Registry = field(default_factory=made)
    open_per_rule: int = 200

    def find(self, *detections: Detection, now: datetime = NOW) -> list[Change]:
        """Write detections."""
        with self.engine.begin() as connection:
            return self.book.write(connection, detections, now)

    @property
    def book(self) -> AlertBook:
        """The book of alerts."""
        return AlertBook(self.rules, self.registry, open_per_rule=self.open_per_rule)

    def quiet(self, minute: float, now: datetime = NOW + timedelta(days=1)) -> list[Change]:
        """Let event time reach `minute` minutes after MOMENT."""
        with self.engine.begin() as connection:
            return upkeep.resolve_quiet(connection, MOMENT + minute * MINUTE, now)

    def take(self, one: Alert, who: str = "soc", why: str = "looking", now: datetime = NOW) -> Change | None:
        """Acknowledge an alert."""
        with self.engine.begin() as connection:
            return upkeep.acknowledge(connection, one.id, who, why, now)

    def repeat(self, now: datetime) -> upkeep.Repeats:
        """What is due at a time."""
        with self.engine.begin() as connection:
            return upkeep.due_repeats(connection, now)

    def alerts(self) -> list[Alert]:
        """All alerts, in order of event time."""
        with self.engine.connect() as connection:
            return every(connection)

    def history(self, one: Alert) -> list[tuple[int, str]]:
        """Episode and change, in order."""
        with self.engine.connect() as connection:
            return [(past.episode, past.change) for past in store.history(connection, one.id)]


def every(connection: Connection) -> list[Alert]:
    """All alerts, in order of event time."""
    query = select(alerts).order_by(alerts.c.first_time, alerts.c.id)
    return [alert_of(row) for row in connection.execute(query).mappings()]


def kinds(changes: Iterable[Change]) -> list[tuple[str, int]]:
    """What happened, to which episode."""
    return [(str(change.kind), change.alert.episode) for change in changes]
