"""Runs the cases that rules carry: rules on events directly, rules with memory through the engine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from alerts.model import Detection
from alerts.rule import EventRule, MemoryRule, RuleSet
from alerts.sigma.events import Timed, case_events
from alerts.sigma.load import Loaded
from alerts.sigma.model import Case


class Runner(Protocol):
    """Gives events to an engine in their order, then lets event time pass; returns all that it detects."""

    def __call__(self, rules: RuleSet, events: Sequence[Timed], advance_to_ms: int) -> Sequence[Detection]:
        """`advance_to_ms` is the event time (milliseconds since 1970) that is reached in the end."""


class Outcome(NamedTuple):
    """How one case of a rule went; `failure` is empty where it went as expected."""

    rule: str
    case: str
    expect: str
    failure: str


def run_cases(loaded: Loaded, runner: Runner, only: Collection[str] | None = None) -> Iterator[Outcome]:
    """Run the cases of all rules, or of those with the ids `only`, in the order of the rules."""
    rules = loaded.rules
    for rule in (*rules.events, *rules.memories):
        key = rule.info.id
        if only is not None and key not in only:
            continue
        needed = subset(rules, key)
        sources = sorted({one.source.name for one in needed.events})
        for case in loaded.cases.get(key, ()):
            events = case_events(case, sources)
            if isinstance(rule, EventRule):
                failure = _on_events(rule, case, events)
            else:
                failure = _with_memory(rule, needed, case, events, runner)
            yield Outcome(key, case.name, case.expect, failure)


def subset(rules: RuleSet, key: str) -> RuleSet:
    """A rule, which alerts, and everything that it takes in. Raises KeyError for an unknown id."""
    memories = {rule.info.id: rule for rule in rules.memories}
    wanted: set[str] = set()
    stack = [rules.info(key).id]
    while stack:
        one = stack.pop()
        if one not in wanted:
            wanted.add(one)
            stack.extend(memories[one].parts if one in memories else ())
    return RuleSet(
        tuple(rule for rule in rules.events if rule.info.id in wanted),
        tuple(
            replace(rule, alerts=True) if rule.info.id == key else rule
            for rule in rules.memories
            if rule.info.id in wanted
        ),
        rules.fingerprint,
        {one: text for one, text in rules.fingerprints.items() if one in wanted},
    )


def _on_events(rule: EventRule, case: Case, events: Sequence[Timed]) -> str:
    matched = [each for each in events if rule.matches(each.event)]
    if case.expect == "match":
        return "" if matched else f"matched none of {_events(len(events))}"
    return f"matched the event of {_time(matched[0].time_ms)}" if matched else ""


def _with_memory(
    rule: MemoryRule, needed: RuleSet, case: Case, events: Sequence[Timed], runner: Runner
) -> str:
    end = events[-1].time_ms + case.advance * 1000
    found = [one for one in runner(needed, events, end) if one.rule == rule.info.id]
    if case.expect == "match":
        return "" if found else f"detected nothing in {_events(len(events))}"
    if not found:
        return ""
    first = min(found, key=lambda one: one.last_ms)
    group = ", ".join(f"{name} {value}" for name, value in first.group) or "all events"
    return f"detected something for {group} at {_time(first.last_ms)}"


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count:,} events"


def _time(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
