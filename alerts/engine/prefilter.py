"""Which exchanges are worth building an event for: most match no rule, and few fields tell."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from alerts.rule import Bound, EventRule
from monitor.events.exchange import Exchange

Test = Callable[[Exchange], bool]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
# The number fields that an exchange has as they are.
_NUMBERS = ("duration_ms", "records", "request_bytes", "response_bytes")


def _always(_exchange: Exchange) -> bool:
    return True


def _never(_exchange: Exchange) -> bool:
    return False


class Prefilter:
    """Tells of an exchange whether any rule could match it; never denies one that a rule would match.

    What a rule requires of outcome, breaches, names and purpose, and of numbers, is looked at; a rule that
    requires nothing of them makes every exchange wanted.
    """

    def __init__(self, rules: Iterable[EventRule]) -> None:
        self._rules = tuple(rules)

    def possible(
        self, outcome: str, breach: tuple[str, ...], pair: tuple[str, str, str], purpose: str | None
    ) -> list[EventRule]:
        """The rules that exchanges alike in these fields might match."""
        provider, consumer, service = (name.casefold() for name in pair)
        held: dict[str, frozenset[str]] = {
            "outcome": frozenset((outcome.casefold(),)),
            "breach": frozenset(each.casefold() for each in breach),
            "provider": frozenset((provider,)),
            "consumer": frozenset((consumer,)),
            "agency": frozenset((consumer,)),
            "service": frozenset((service,)),
            "purpose": frozenset(() if purpose is None else (purpose.casefold(),)),
        }
        return [
            rule
            for rule in self._rules
            if not any(each.field in held and not held[each.field] & each.values for each in rule.indexes)
        ]

    def test_for(
        self, outcome: str, breach: tuple[str, ...], pair: tuple[str, str, str], purpose: str | None
    ) -> Test:
        """What tells of exchanges alike in these fields whether any rule could match, by their numbers."""
        tests: list[tuple[Bound, ...]] = []
        for rule in self.possible(outcome, breach, pair, purpose):
            bounds = tuple(bound for bound in rule.bounds if bound.field in _NUMBERS)
            if not bounds:
                return _always
            if bounds not in tests:
                tests.append(bounds)
        return _any_of([_all_of(bounds) for bounds in tests]) if tests else _never


def _all_of(bounds: tuple[Bound, ...]) -> Test:
    tests = [(operator.attrgetter(each.field), _COMPARE[each.operator], each.limit) for each in bounds]
    if len(tests) == 1:
        ((read, compare, limit),) = tests
        return lambda exchange: compare(read(exchange), limit)
    if len(tests) == 2:  # from and to: written out they take a fifth of the time of a loop
        (read, compare, limit), (other, comparing, bound) = tests
        return lambda exchange: compare(read(exchange), limit) and comparing(other(exchange), bound)
    return lambda exchange: all(compare(read(exchange), limit) for read, compare, limit in tests)


def _any_of(tests: list[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda exchange: any(test(exchange) for test in tests)
