"""The filter before the engine: it never denies what a rule would match, and spares what none would."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alerts.engine.prefilter import Prefilter
from alerts.fields import EXCHANGES
from alerts.rule import Bound, EventRule, Literals
from monitor.events.exchange import Exchange
from tests.alerts.engine.building import exchange_engine, info, rules, window
from tests.builders import exchange

PAIR = ("MPS", "MOH", "population.verify-identity")


def rule(*bounds: Bound, **values: str) -> EventRule:
    """A rule that requires literals and numbers."""
    literals = tuple(Literals(name, frozenset((value,))) for name, value in values.items())
    return EventRule(info("rule"), EXCHANGES, lambda _event: True, literals, bounds=bounds)


def wants(
    prefilter: Prefilter,
    one: Exchange,
    pair: tuple[str, str, str] = PAIR,
    breach: tuple[str, ...] = (),
) -> bool:
    """Whether a filter wants an exchange."""
    return prefilter.test_for(one.outcome, breach, pair, one.purpose)(one)


def wanted(given: EventRule, *breach: str, pair: tuple[str, str, str] = PAIR, **fields: Any) -> bool:
    """Whether a filter for one rule wants an exchange."""
    return wants(Prefilter([given]), exchange(**fields), pair, breach)


@pytest.mark.parametrize(
    ("given", "breach", "expected"),
    [
        (rule(outcome="denied"), (), False),
        (rule(outcome="ok"), (), True),
        (rule(breach="unsigned"), (), False),
        (rule(breach="unsigned"), ("case_missing", "unsigned"), True),
        (rule(outcome="ok", breach="unsigned"), (), False),
        (rule(purpose="tax"), (), False),
        (rule(purpose="health-insurance"), (), True),
        (rule(consumer="moh"), (), True),
        (rule(agency="moj"), (), False),
        (rule(provider="mps", service="land.look-up"), (), False),
        (rule(actor="o-1"), (), True),
        (rule(), (), True),
    ],
)
def test_required_literals_tell_what_is_wanted(
    given: EventRule, breach: tuple[str, ...], expected: bool
) -> None:
    """Of fields that it does not look at, anything may be."""
    assert wanted(given, *breach) == expected


@pytest.mark.parametrize(
    ("bound", "records", "expected"),
    [
        (Bound("records", "gt", 10), 10, False),
        (Bound("records", "gt", 10), 11, True),
        (Bound("records", "gte", 10), 10, True),
        (Bound("records", "lt", 10), 10, False),
        (Bound("records", "lte", 10), 10, True),
        (Bound("severity", "gt", 10), 0, True),
    ],
)
def test_required_numbers_tell_too(bound: Bound, records: int, expected: bool) -> None:
    """Those that an exchange has as they are."""
    assert wanted(rule(bound, outcome="ok"), records=records) == expected


def test_all_numbers_of_a_rule_must_fit_and_of_rules_any_one() -> None:
    """As the rules are."""
    both = rule(Bound("records", "gt", 10), Bound("response_bytes", "gt", 1000))
    assert not wanted(both, records=11, response_bytes=1000)
    assert wanted(both, records=11, response_bytes=1001)
    prefilter = Prefilter([both, rule(Bound("duration_ms", "gte", 500))])
    assert wants(prefilter, exchange(duration_ms=500))
    assert not wants(prefilter, exchange(duration_ms=499))


def test_rules_that_nobody_listens_to_want_nothing() -> None:
    """A rule that does not alert is wanted where another takes it in."""
    feeding = replace(rule(outcome="ok"), alerts=False)
    unheard = exchange_engine(rules(feeding))
    assert not wants(unheard.prefilter(), exchange())
    heard = exchange_engine(rules(feeding, window("burst", "rule", when={"gte": 2})))
    assert wants(heard.prefilter(), exchange())
