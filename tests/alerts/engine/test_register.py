"""Look-ups in the agreement in force."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.engine.register import AgreementsInForce, admits
from alerts.rule import RuleSet
from monitor.errors import UsageProblem
from tests.alerts.engine.building import at, engine, found, of_kind, register, rules, window
from tests.builders import agreement, book_of, ms

SERVICE = "population.verify-identity"
P = of_kind("p", "p")


def looked_up(rule_set: RuleSet, *agreements: Any) -> Any:
    """An engine that looks agreements up."""
    return engine(rule_set, register=AgreementsInForce.of(book_of(*agreements)))


def test_use_without_an_agreement_in_force_is_found() -> None:
    """That of another agency, or at another service, permits nothing."""
    rule_set = rules(P, register("without", "p"))
    one = looked_up(rule_set)
    assert found(one, [at(0, "p", service=SERVICE, agency="MOH")]) == []
    events = [at(1, "p", service=SERVICE, agency="MOJ"), at(2, "p", service="tax.look-up", agency="MOH")]
    assert sum(each.count for each in found(one, events)) == 2


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, False),
        ({"status": "suspended"}, True),
        ({"status": "draft"}, True),
        ({"end": "2026-10-31"}, True),
        ({"start": "2026-11-30"}, True),
    ],
)
def test_only_an_agreement_in_force_permits(changes: dict[str, Any], missing: bool) -> None:
    """On the event's own day."""
    one = looked_up(rules(P, register("without", "p")), agreement(**changes))
    assert bool(found(one, [at(0, "p", service=SERVICE)])) == missing


def test_days_are_local_ones() -> None:
    """An agreement that begins on a day begins at its midnight in the zone."""
    lookup = AgreementsInForce.of(book_of(agreement(start="2026-10-05")))
    midnight = ms(datetime(2026, 10, 4, 17, tzinfo=UTC))
    assert lookup.in_force("MOH", SERVICE, midnight - 1) is None
    assert lookup.in_force("MOH", SERVICE, midnight) is not None


def test_a_system_that_the_agreement_does_not_allow_is_found() -> None:
    """Where it allows some; without an agreement it is not this rule's matter."""
    rule_set = rules(P, register("system", "p", "allowed_systems", "detail.system"))
    one = looked_up(rule_set, agreement(allowed_systems=["gateway-1"]))

    def use(second: float, system: str | None, agency: str = "MOH") -> Any:
        detail = {"system": system} if system else None
        return at(second, "p", service=SERVICE, agency=agency, detail=detail)

    assert found(one, [use(0, "gateway-1"), use(1, None), use(2, "other", "MOJ")]) == []
    assert [each.count for each in found(one, [use(3, "other")])] == [1]


@pytest.mark.parametrize(
    ("allowed", "value", "admitted"),
    [
        (None, "x", True),
        ((), "x", True),
        (("a", "b"), "A", True),
        (("a", "b"), "c", False),
        (("a", "b"), ("a", "b"), True),
        (("a", "b"), ("a", "c"), False),
        (3, 3, True),
        (3, 4, False),
        (3, "secret", False),
        (False, "true", False),
        (False, "false", True),
        (True, True, True),
    ],
)
def test_what_an_agreement_admits(allowed: Any, value: Any, admitted: bool) -> None:
    """Lists what they name, numbers what does not exceed them, a no only a no; silence everything."""
    assert admits(allowed, value) == admitted


def test_windows_count_what_a_look_up_found() -> None:
    """With the event's own fields, as for any rule on events."""
    quiet = register("without", "p")
    rule_set = rules(P, quiet, window("often", "without", by=("actor",), when={"gte": 2}))
    one = looked_up(rule_set)
    events = [at(second, "p", service="tax.look-up", actor="o-1") for second in (0, 1)]
    assert {each.rule: each.count for each in found(one, events)} == {"without": 2, "often": 2}


def test_a_look_up_needs_a_register() -> None:
    """Said when the engine is made, not with the first event."""
    with pytest.raises(UsageProblem, match="no registry is given"):
        engine(rules(P, register("without", "p")))


def test_look_ups_have_no_memory() -> None:
    """Nothing of them is written."""
    one = looked_up(rules(P, register("without", "p")))
    one.observe(*at(0, "p", service="tax.look-up"))
    changes = one.take()
    assert len(changes.detections) == 1
    assert (changes.journal, changes.states) == (None, [])
