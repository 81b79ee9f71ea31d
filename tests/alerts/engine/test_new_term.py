"""Values that a group has not had before."""

from __future__ import annotations

from alerts.engine.groups import Limits
from tests.alerts.engine.building import START, S, at, engine, found, new_term, of_kind, rules

P = of_kind("p", "p")


def test_a_new_value_is_found_at_once_and_once() -> None:
    """The value tells detections apart, and is told."""
    one = engine(rules(P, new_term("new", "p")))
    (detection,) = found(one, [at(0, "p", subject="s1"), at(1, "p", "again", subject="s1")])
    assert (detection.group, detection.count) == ((("service", "a.b"), ("subject", "s1")), 1)
    assert detection.facts == {"value": "s1", "timespan": 100}
    assert found(one, [at(2, "p", subject="s1")]) == []


def test_nothing_is_new_while_a_group_is_learned() -> None:
    """From the group's first event on."""
    one = engine(rules(P, new_term("new", "p", learning=30)))
    events = [at(0, "p", subject="s1"), at(29.999, "p", subject="s2"), at(30, "p", subject="s3")]
    assert [each.facts["value"] for each in found(one, events)] == ["s3"]


def test_a_value_is_new_again_when_it_was_not_seen_for_the_timespan() -> None:
    """What was seen meanwhile keeps it known; its last sight is known to a hundredth of the timespan."""
    one = engine(rules(P, new_term("new", "p")))
    found(one, [at(0, "p", subject="s1"), at(0, "p", "other", subject="s2")])
    assert found(one, [at(60, "p", subject="s2"), at(100, "p", subject="s1")]) == []
    (detection,) = found(one, [at(150, "p", subject="s2"), at(202, "p", subject="s1")])
    assert detection.facts["value"] == "s1"


def test_an_earlier_event_that_comes_late_is_not_new_again() -> None:
    """The first to arrive was reported; alerts do not wait for the watermark."""
    one = engine(rules(P, new_term("new", "p")))
    (detection,) = found(one, [at(9, "p", subject="s1")])
    assert detection.first_ms == START + 9 * S
    assert found(one, [at(5, "p", subject="s1")]) == []


def test_values_are_of_their_group() -> None:
    """What one service knows is new at another."""
    one = engine(rules(P, new_term("new", "p")))
    found(one, [at(0, "p", subject="s1")])
    assert len(found(one, [at(1, "p", subject="s1", service="a.c")])) == 1


def test_a_group_knows_so_many_values_and_no_more() -> None:
    """Those not seen for longest go, and are counted."""
    one = engine(rules(P, new_term("new", "p", span=100_000)), limits=Limits(entries=100))
    found(one, [at(number * 10, "p", subject=f"s{number}") for number in range(300)])
    assert one.entries_dropped >= 200
    assert found(one, [at(3000, "p", subject="s299")]) == []


def test_groups_are_forgotten_after_a_timespan() -> None:
    """With all that they knew."""
    one = engine(rules(P, new_term("new", "p")))
    found(one, [at(0, "p", subject="s1")], until=50)
    assert one.groups == {"new": 1}
    found(one, [], until=300)
    assert one.groups == {"new": 0}
