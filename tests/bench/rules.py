"""How many security events a second one core takes through 200 rules of all kinds, commits included.

CPU time, not the clock's: others may use the machine. The rules are written by hand as alerts/sigma compiles
them; what people's rules cost beyond that is in their own conditions.
"""

from __future__ import annotations

import cProfile
import gc
import pstats
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from alerts.engine.engine import Engine
from alerts.fields import SECURITY_EVENTS
from alerts.model import Level, RuleInfo
from alerts.rule import (
    Absence,
    Baseline,
    Condition,
    Correlation,
    EventRule,
    Literals,
    MemoryRule,
    NewTerm,
    RuleSet,
)
from monitor.events.security_event import SecurityEvent
from streams.worker import GC_THRESHOLDS

BAR = 50_000  # events a second
EVENTS = 200_000
EVENTS_A_COMMIT = 5_000  # at a commit interval of 0.15 s and some 35 thousand events a second
RATE = 500  # events in a second of event time: a busy platform's
_START_MS = 1_793_584_800_000

# Kinds of events, the common ones first: half of all are sign-ins that succeed and match nothing.
_KINDS = [f"kind-{number}" for number in range(60)]
_AGENCIES = [f"AGENCY-{number}" for number in range(95)]
_SERVICES = [f"database-{number % 9}.service-{number}" for number in range(40)]


def _info(rule: str) -> RuleInfo:
    return RuleInfo(rule, rule, Level.MEDIUM)


def _is_kind(kind: str) -> Callable[[Any], bool]:
    return lambda event: event.kind.casefold() == kind


def _is_bad(kind: str) -> Callable[[Any], bool]:
    return lambda event: event.kind.casefold() == kind and event.severity == 5


def rule_set() -> RuleSet:
    """200 rules: 100 on single events and 100 with a memory of every kind."""
    events: list[EventRule] = []
    for number in range(100):
        kind = _KINDS[1 + number % 59]
        alerts = number >= 59  # the others feed those with a memory
        test = _is_bad(kind) if alerts else _is_kind(kind)
        literals = (Literals("kind", frozenset((kind,))),)
        events.append(
            EventRule(_info(f"event-{number}"), SECURITY_EVENTS, test, literals, ("service",), alerts)
        )
    memories = [_memory(number) for number in range(100)]
    prints = {each.info.id: "1" for each in (*events, *memories)}
    return RuleSet(tuple(events), tuple(memories), "1", prints)


def _memory(number: int) -> MemoryRule:
    info = _info(f"memory-{number}")
    part, other = f"event-{number % 59}", f"event-{(number + 7) % 59}"
    one: dict[str, Any] = {"info": info, "parts": (part,), "group_by": ("agency",), "fields": ({},)}
    two: dict[str, Any] = {**one, "parts": (part, other), "fields": ({}, {})}
    match number % 12:
        case 0 | 1:
            return Correlation(**one, timespan=600, condition=Condition((("gte", 4000),)))
        case 2:
            by_two = {**one, "group_by": ("actor", "service")}
            return Correlation(**by_two, timespan=3600, condition=Condition((("gte", 30),)))
        case 3 | 4:
            return Correlation(
                **{**one, "group_by": ("source_ip",)},
                timespan=600,
                type="value_count",
                value_field="actor",
                condition=Condition((("gte", 40),)),
            )
        case 5:
            sums = Condition((("gt", 100_000),))
            return Correlation(**one, timespan=3600, type="value_sum", value_field="count", condition=sums)
        case 6:
            low = Condition((("lt", 1),))
            return Correlation(**one, timespan=300, type="value_avg", value_field="count", condition=low)
        case 7:
            by_actor = {**two, "group_by": ("actor",)}
            return Correlation(**by_actor, timespan=300, type="temporal_ordered")
        case 8:
            return Absence(**{**two, "group_by": ("actor",)}, timespan=300)
        case 9:
            return Absence(**one, timespan=900, usual=5, history=4)
        case 10:
            by_actor = {**one, "group_by": ("agency",)}
            return NewTerm(**by_actor, timespan=30 * 86_400, value_field="source_ip")
        case _:
            return Baseline(**one, timespan=3600, floor=100)


def event_stream(count: int) -> list[tuple[SecurityEvent, int, str]]:
    """Events as they come: kinds and agencies skewed, most harmless, a tenth out of order by some seconds."""
    seeded = random.Random(7)  # reproducible figures
    kinds = seeded.choices(_KINDS, weights=[60.0] + [60 / (rank + 1) for rank in range(59)], k=count)
    agencies = seeded.choices(_AGENCIES, weights=[1 / (rank + 1) for rank in range(95)], k=count)
    severities = seeded.choices((1, 2, 3, 4, 5), weights=(70, 20, 7, 2, 1), k=count)
    found = []
    for number, (kind, agency, severity) in enumerate(zip(kinds, agencies, severities, strict=True)):
        time_ms = _START_MS + number * 1000 // RATE
        if seeded.random() < 0.1:
            time_ms -= seeded.randrange(30_000)
        event = SecurityEvent(
            id=f"01JD{number:010}",
            time=float(time_ms),
            agency=agency,
            kind=kind,
            severity=severity,
            actor=f"{seeded.randrange(4000):016x}",
            source_ip=f"10.1.{seeded.randrange(8)}.{seeded.randrange(200)}",
            service=seeded.choice(_SERVICES),
            count=seeded.randrange(20),
        )
        found.append((event, time_ms, event.id))
    return found


def make_engine() -> Engine:
    """An engine with these rules."""
    from alerts.baselines.kind import BaselineKind

    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    return Engine(rule_set(), SECURITY_EVENTS.name, baselines=lambda rule: BaselineKind(rule, zone))


class Run:
    """All events through one engine, with a commit after every EVENTS_A_COMMIT."""

    def __init__(self, events: list[tuple[SecurityEvent, int, str]]) -> None:
        self.events = events
        self.engine = make_engine()
        self.seconds = self.committing = 0.0
        self.journal = self.state_bytes = self.states = self.detections = 0

    def go(self) -> None:
        """Take all events in."""
        for start in range(0, len(self.events), EVENTS_A_COMMIT):
            began = time.process_time()
            self.engine.observe_many(self.events[start : start + EVENTS_A_COMMIT])
            seen = time.process_time()
            changes = self.engine.take()
            done = time.process_time()
            self.seconds += done - began
            self.committing += done - seen
            self.journal += len(changes.journal or b"")
            self.states += len(changes.states)
            self.state_bytes += sum(len(row.state or b"") for row in changes.states)
            self.detections += sum(each.count for each in changes.detections)


def main(*, profile: bool = False) -> float:
    """Print events a second and where the time goes; return events a second."""
    run = Run(event_stream(EVENTS))
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)  # as the worker has it
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    run.go()
    profiler.disable()
    rate = EVENTS / run.seconds
    matched = run.engine.matched
    print(f"200 rules, {EVENTS:,} security events: {rate:,.0f} a second on one core (bar {BAR:,})")  # noqa: T201
    print(  # noqa: T201
        f"  matches of single events {sum(count for rule, count in matched.items() if rule[0] == 'e'):,}, "
        f"groups {sum(run.engine.groups.values()):,}, counted in detections {run.detections:,}"
    )
    print(  # noqa: T201
        f"  commits {run.committing / run.seconds:.0%} of the time; journal {run.journal / EVENTS:.0f} and states "
        f"{run.state_bytes / EVENTS:.0f} bytes an event ({run.states:,} states)"
    )
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
    else:
        _print_shares(run)
    return rate


def _print_shares(run: Run) -> None:
    """What the events cost by kind of rule: the time of observing without rules of that kind, subtracted."""
    kinds = Counter(type(node.kind).__name__ for node in run.engine._memories)
    print("  rules with a memory: " + ", ".join(f"{count} {name}" for name, count in sorted(kinds.items())))  # noqa: T201


if __name__ == "__main__":
    main(profile="--profile" in sys.argv)
