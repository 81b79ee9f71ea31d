"""Rules and events for the engine's tests, written by hand: a test shows only what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from alerts.engine.engine import Engine
from alerts.engine.merging import totals
from alerts.fields import EXCHANGES, SECURITY_EVENTS, ExchangeSeen
from alerts.model import Detection, Level, RuleInfo
from alerts.rule import (
    Absence,
    Condition,
    Correlation,
    EventRule,
    Literals,
    MemoryRule,
    NewTerm,
    Operator,
    Register,
    RuleSet,
)
from monitor.events.security_event import SecurityEvent
from tests.builders import exchange

S = 1000  # a second, in the milliseconds of event times
START = 1_793_584_800_000  # some Monday
LATENESS = 60 * S


class Given(NamedTuple):
    """An event as the engine is given it."""

    event: Any
    time_ms: int
    event_id: str


def info(rule: str, *, agency: str = "agency", quiet: int = 1800) -> RuleInfo:
    """What is known of a rule in a test."""
    return RuleInfo(rule, f"The rule {rule}", Level.MEDIUM, agency=agency, quiet=quiet)


def of_kind(rule: str, kind: str, *, alerts: bool = False, group_by: tuple[str, ...] = ()) -> EventRule:
    """A rule that matches security events of a kind."""
    return EventRule(
        info(rule),
        SECURITY_EVENTS,
        lambda event: bool(event.kind == kind),
        (Literals("kind", frozenset((kind,))),),
        group_by,
        alerts,
    )


def window(
    rule: str,
    *parts: str,
    type: str = "event_count",
    when: Mapping[Operator, float] | None = None,
    span: int = 10,
    by: tuple[str, ...] = ("service",),
    of: str | None = None,
    percentile: float | None = None,
    fields: tuple[Mapping[str, str], ...] = (),
    alerts: bool = True,
) -> Correlation:
    """A correlation over `span` seconds, by service."""
    return Correlation(
        info(rule),
        parts,
        by,
        fields or tuple({} for _ in parts),
        span,
        alerts,
        type=type,  # type: ignore[arg-type]  # a test says it in words
        condition=Condition(tuple((when or {}).items())),
        value_field=of,
        percentile=percentile,
    )


def absent(rule: str, *parts: str, span: int = 10, usual: int = 1, history: int = 3) -> Absence:
    """Something that does not come within `span` seconds, by service."""
    fields: tuple[Mapping[str, str], ...] = tuple({} for _ in parts)
    return Absence(info(rule), parts, ("service",), fields, span, usual=usual, history=history)


def new_term(rule: str, part: str, *, of: str = "subject", span: int = 100, learning: int = 0) -> NewTerm:
    """A value that a service has not had for `span` seconds."""
    return NewTerm(info(rule), (part,), ("service",), ({},), span, value_field=of, learning=learning)


def register(rule: str, part: str, attribute: str = "none", of: str | None = None) -> Register:
    """A look-up by agency and service."""
    lookup = {"consumer": "agency", "service": "service"}
    return Register(
        info(rule), (part,), ("service",), ({},), 0, lookup=lookup, attribute=attribute, value_field=of
    )


def rules(*given: EventRule | MemoryRule) -> RuleSet:
    """A set of rules, each with its id as fingerprint."""
    events = tuple(each for each in given if isinstance(each, EventRule))
    memories = tuple(each for each in given if not isinstance(each, EventRule))
    return RuleSet(events, memories, "all", {each.info.id: f"print of {each.info.id}" for each in given})


def at(
    second: float,
    kind: str = "sign-in",
    event_id: str | None = None,
    *,
    service: str | None = "a.b",
    agency: str = "MOH",
    **fields: Any,
) -> Given:
    """A security event so many seconds after START."""
    time_ms = START + round(second * S)
    name = event_id or f"{kind}@{second:g}"
    event = SecurityEvent(
        id=name, time=time_ms, agency=agency, kind=kind, severity=1, service=service, **fields
    )
    return Given(event, time_ms, name)


def seen(second: float, *breach: str, fields: tuple[str, ...] = (), **changes: Any) -> Given:
    """An exchange so many seconds after START, as rules see it."""
    time_ms = START + round(second * S)
    one = exchange(time_ms, **{"id": f"x@{second:g}", **changes})
    pair = (one.provider, one.consumer, one.service)
    return Given(ExchangeSeen(one, time_ms, pair, breach, fields), time_ms, one.id)


def engine(given: RuleSet, source: str = "security-events", **settings: Any) -> Engine:
    """An engine with a lateness of a minute."""
    return Engine(given, source, **{"lateness_ms": LATENESS, **settings})


def exchange_engine(given: RuleSet, **settings: Any) -> Engine:
    """The same over exchanges."""
    return engine(given, EXCHANGES.name, **settings)


def found(one: Engine, events: Iterable[Given], *, until: float | None = None) -> list[Detection]:
    """What an engine finds in events, and up to a time in seconds after START; by rule, agency and group."""
    one.observe_many(events)
    if until is not None:
        one.advance(START + round(until * S))
    return totals(one.take().detections)


def figures(detections: Iterable[Detection]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """What must not depend on the order of events: everything but `facts`."""
    return {
        (one.rule, one.agency, one.group): (one.count, one.first_ms, one.last_ms, one.evidence)
        for one in totals(detections)
    }


def ids(detections: Iterable[Detection]) -> set[str]:
    """The events that detections name."""
    return {named.event_id for one in detections for named in one.evidence}
