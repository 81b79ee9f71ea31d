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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from alerts.baselines.kind import BaselineKind
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
from streams.interpreter import GC_THRESHOLDS

BAR = 50_000  # events a second
EVENTS = 200_000
EVENTS_A_COMMIT = 5_000  # at a commit interval of 0.15 s and some 35 thousand events a second
EVENTS_FOR_SHARES = 50_000
ROUNDS = 5  # each with an engine that has seen nothing
RATE = 500  # events in a second of event time: a busy platform's
_TURNS = 1_000_000  # of the plain loop
_START_MS = 1_793_584_800_000

# Kinds of events, the common ones first: half of all are sign-ins that succeed and match nothing.
_KINDS = [f"kind-{number}" for number in range(60)]
_AGENCIES = [f"AGENCY-{number}" for number in range(95)]
_SERVICES = [f"database-{number % 9}.service-{number}" for number in range(40)]


Given = tuple[SecurityEvent, int, str]


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


def event_stream(count: int) -> list[Given]:
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


def make_engine(rules: RuleSet) -> Engine:
    """An engine with these rules."""
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    return Engine(rules, SECURITY_EVENTS.name, baselines=lambda rule: BaselineKind(rule, zone))


@dataclass(slots=True)
class Measured:
    """All events through one engine, with a commit after every EVENTS_A_COMMIT; seconds of CPU time."""

    engine: Engine
    events: int = 0
    seconds: float = 0.0
    committing: float = 0.0
    journal_bytes: int = 0
    states: int = 0
    state_bytes: int = 0
    counted: int = 0

    def go(self, events: Sequence[Given]) -> None:
        """Take events in."""
        for start in range(0, len(events), EVENTS_A_COMMIT):
            began = time.process_time()
            self.engine.observe_many(events[start : start + EVENTS_A_COMMIT])
            seen = time.process_time()
            changes = self.engine.take()
            done = time.process_time()
            self.seconds += done - began
            self.committing += done - seen
            self.journal_bytes += len(changes.journal or b"")
            self.states += len(changes.states)
            self.state_bytes += sum(len(row.state or b"") for row in changes.states)
            self.counted += sum(each.count for each in changes.detections)
        self.events += len(events)

    @property
    def microseconds(self) -> float:
        """For each event."""
        return self.seconds / self.events * 1e6


def plain_loop() -> float:
    """Nanoseconds of CPU time that a turn of a plain loop takes here and now: 60 to 70 on a quiet machine.

    A machine that others use too is slower in CPU time as well, as its caches and cores are shared.
    """
    kept: dict[int, tuple[int, int]] = {}
    began = time.process_time()
    for number in range(_TURNS):
        kept[number & 1023] = (number, number)
    return (time.process_time() - began) / _TURNS * 1e9


def shares(rules: RuleSet, events: Sequence[Given]) -> list[tuple[str, float]]:
    """What each kind of rule adds to an event, in microseconds, measured without the others."""

    def cost(memories: Sequence[MemoryRule]) -> float:
        measured = Measured(make_engine(replace(rules, memories=tuple(memories))))
        measured.go(events)
        return measured.microseconds

    by_kind: dict[str, list[MemoryRule]] = {}
    for rule in rules.memories:
        kind: str = rule.type if isinstance(rule, Correlation) else type(rule).__name__.casefold()
        by_kind.setdefault(kind, []).append(rule)
    alone = cost(())
    found = [(f"{len(rules.events)} on single events", alone)]
    for kind, memories in sorted(by_kind.items()):
        found.append((f"{len(memories)} {kind}", cost(memories) - alone))
    return found


def main(*, profile: bool = False) -> float:
    """Print events a second and where the time goes; return events a second, the median of ROUNDS."""
    rules, events = rule_set(), event_stream(EVENTS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)  # as the worker has it
    profiler = cProfile.Profile()
    rounds, paces = [], [plain_loop()]
    for _ in range(1 if profile else ROUNDS):
        measured = Measured(make_engine(rules))
        if profile:
            profiler.enable()
        measured.go(events)
        profiler.disable()
        rounds.append(EVENTS / measured.seconds)
        paces.append(plain_loop())
    rate, pace = median(rounds), median(paces)
    matches = sum(count for rule, count in measured.engine.matched.items() if rule.startswith("event"))
    lines = [
        f"200 rules, {EVENTS:,} security events: {rate:,.0f} a second on one core, the median of "
        f"{len(rounds)} rounds; {min(rounds):,.0f} to {max(rounds):,.0f} (bar {BAR:,})",
        f"  a turn of a plain loop took {pace:.0f} ns meanwhile; on a quiet machine 60 to 70",
        f"  {matches:,} matches, {sum(measured.engine.groups.values()):,} groups remembered, "
        f"{measured.counted:,} events in detections",
        f"  {measured.committing / measured.seconds:.0%} of the time at commits, where rules take in what "
        f"matched; they write {measured.journal_bytes / EVENTS:.0f} bytes of journal and "
        f"{measured.state_bytes / EVENTS:.0f} of states for each event",
    ]
    if not profile:
        lines.append(f"  microseconds for each event, of {measured.microseconds:.1f}:")
        lines += [f"    {cost:5.1f}  {what}" for what, cost in shares(rules, events[:EVENTS_FOR_SHARES])]
    print("\n".join(lines))  # noqa: T201
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
    return rate


if __name__ == "__main__":
    main(profile="--profile" in sys.argv)
