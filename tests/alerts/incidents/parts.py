"""Builders: right as they stand, so that a test shows only what it changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select

from alerts.incidents.clock import CLOCK_RULES, due_at
from alerts.incidents.clock_alerts import tell_of_clocks
from alerts.incidents.model import Incident, Report
from alerts.incidents.store import Opened, open_incidents, take_clock_detections
from alerts.incidents.words import Tier
from alerts.lifecycle.book import AlertBook
from alerts.lifecycle.tables import alerts
from alerts.model import Level, RuleInfo
from alerts.rule import EventRule, RuleSet
from monitor.events.security_event import SecurityEvent
from tests.builders import MOMENT, ZONE, made

HOUR = timedelta(hours=1)


def report(source: str = "leak_confirmed-event:MOH/1", **changes: Any) -> Report:
    """A confirmed leak at an agency, detected at MOMENT."""
    given: dict[str, Any] = {
        "agency": "MOH",
        "tier": Tier.SERIOUS,
        "detected_at": MOMENT,
        "kind": "leak_confirmed",
        "what": "Records were copied to a server outside.",
        "personal_data": "yes",
    }
    return Report(source=source, **{**given, **changes})


def incident(**changes: Any) -> Incident:
    """Its incident, open since MOMENT."""
    detected = changes.get("detected_at", MOMENT)
    given: dict[str, Any] = {
        "id": "INC-2026-0001",
        "due_at": due_at(detected),
        "running_since": detected,
        "opened_at": detected,
        "updated_at": detected,
    }
    facts = report(**{name: value for name, value in changes.items() if name in Report.__dataclass_fields__})
    fields = {name: getattr(facts, name) for name in Report.__dataclass_fields__}
    return Incident(**{**fields, **given, **changes})


def event(name: str = "E-1", **changes: Any) -> SecurityEvent:
    """A security event that confirms a leak, as the ledger hands it on."""
    given: dict[str, Any] = {"time": MOMENT, "agency": "MOH", "kind": "leak_confirmed", "severity": 5}
    return SecurityEvent(id=name, **{**given, **changes})


def rule(**changes: Any) -> RuleInfo:
    """A rule that is marked as one on leaks."""
    given = {"id": "leak-rule", "title": "Bulk export", "level": Level.HIGH, "leak": True, "risk_score": 70}
    return RuleInfo(**{**given, "title_vi": "Trích xuất dữ liệu hàng loạt", **changes})


def opening(engine: Engine, reports: Iterable[Report], now: datetime = MOMENT) -> Opened:
    """Open incidents in a transaction of their own."""
    with engine.begin() as connection:
        return open_incidents(connection, reports, zone=ZONE, now=now)


def book() -> AlertBook:
    """A book of alerts that knows the clock's rules."""
    from alerts.fields import SECURITY_EVENTS

    rules = [EventRule(info, SECURITY_EVENTS, matches=lambda _event: False) for info in CLOCK_RULES.values()]
    return AlertBook(RuleSet(tuple(rules), ()), made())


def tick(engine: Engine, now: datetime) -> None:
    """What the service does: thresholds become alerts, in one transaction."""
    with engine.begin() as connection:
        tell_of_clocks(connection, book(), take_clock_detections(connection, now), now)


def open_alerts(engine: Engine) -> int:
    """How many alerts are open."""
    with engine.begin() as connection:
        query = select(func.count()).select_from(alerts).where(alerts.c.state == "open")
        return int(connection.execute(query).scalar_one())
