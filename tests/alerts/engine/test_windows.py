"""Sliding windows: where they begin and end, what is counted in them, and what they forget."""

from __future__ import annotations

import pytest

from alerts.engine.groups import GROUP_WEIGHT, Limits
from alerts.engine.kind import Observation
from alerts.engine.window import PRUNED_AT_ONCE
from alerts.engine.windows import windows
from alerts.model import Evidence
from alerts.rule import Operator
from tests.alerts.engine.building import (
    LATENESS,
    START,
    Given,
    S,
    at,
    engine,
    found,
    ids,
    of_kind,
    rules,
    window,
)

P = of_kind("p", "p")
Q = of_kind("q", "q")


def times(*seconds: float, kind: str = "p", **fields: object) -> list[Given]:
    """Events at these seconds."""
    return [at(second, kind, **fields) for second in seconds]  # type: ignore[arg-type]


def test_a_count_fires_with_the_event_that_completes_it() -> None:
    """All events of the window are counted and named, and the figures are told."""
    one = engine(rules(P, window("burst", "p", when={"gte": 3})))
    assert found(one, times(0, 4)) == []
    (detection,) = found(one, times(8))
    assert (detection.rule, detection.agency, detection.group) == ("burst", "MOH", (("service", "a.b"),))
    assert (detection.count, detection.first_ms, detection.last_ms) == (3, START, START + 8 * S)
    assert detection.evidence[0] == Evidence(START, "p@0")
    assert detection.facts == {"threshold": 3, "seen": 3, "timespan": 10}


def test_each_event_is_counted_once() -> None:
    """What comes after the threshold was reached adds itself alone."""
    one = engine(rules(P, window("burst", "p", when={"gte": 3})))
    found(one, times(0, 4, 8))
    (detection,) = found(one, times(9))
    assert (detection.count, ids([detection])) == (1, {"p@9"})


def test_a_window_begins_after_its_length_before_its_end() -> None:
    """The event exactly a timespan earlier is outside; one a millisecond later is inside."""
    rule_set = rules(P, window("burst", "p", when={"gte": 2}))
    assert found(engine(rule_set), times(0, 10)) == []
    assert found(engine(rule_set), times(0.001, 10)) != []


def test_a_late_event_completes_the_window_that_it_lies_in() -> None:
    """It is tried with the windows that end after it."""
    one = engine(rules(P, window("burst", "p", when={"gte": 3})))
    assert found(one, times(20, 29, 60)) == []
    (detection,) = found(one, times(25))
    assert ids([detection]) == {"p@20", "p@25", "p@29"}


def test_an_event_before_the_watermark_is_too_late_for_windows() -> None:
    """It is counted as such; rules on single events still match."""
    alerting = of_kind("single", "p", alerts=True)
    one = engine(rules(P, alerting, window("burst", "p", when={"gte": 2})))
    found(one, times(100))
    assert [each.rule for each in found(one, times(39, 39.9))] == ["single"]
    assert one.too_late == 2
    assert {each.rule for each in found(one, times(40, 41))} == {"single", "burst"}


def test_agencies_of_one_group_get_a_detection_each() -> None:
    """Events are counted for the agency that they are about."""
    one = engine(rules(P, window("burst", "p", when={"gte": 3})))
    events = [*times(0, 1), *times(2, agency="MOJ")]
    assert {each.agency: each.count for each in found(one, events)} == {"MOH": 2, "MOJ": 1}


def test_an_event_without_a_field_of_the_group_is_in_no_group() -> None:
    """Events of nobody in particular are not thrown together."""
    one = engine(rules(P, window("burst", "p", when={"gte": 2})))
    assert found(one, times(0, 1, service=None)) == []
    assert one.ungrouped == 2


def test_an_event_of_two_parts_counts_once() -> None:
    """Two rules that match the same event do not make two of it."""
    same = of_kind("same", "p")
    one = engine(rules(P, same, window("burst", "p", "same", when={"gte": 3})))
    assert found(one, times(0, 1)) == []
    assert [each.count for each in found(one, times(2))] == [3]


def test_group_fields_may_have_other_names_in_each_part() -> None:
    """Sigma's aliases: the source of the one is the subject of the other."""
    pair = window(
        "pair", "p", "q", type="temporal", by=("who",), fields=({"who": "actor"}, {"who": "subject"})
    )
    one = engine(rules(P, Q, pair))
    events = [at(0, "p", actor="o-1"), at(1, "q", subject="o-2"), at(2, "q", subject="o-1")]
    assert [(each.group, each.count) for each in found(one, events)] == [((("who", "o-1"),), 2)]


@pytest.mark.parametrize(
    ("condition", "fires"),
    [({"lt": 2}, True), ({"lte": 0}, False), ({"eq": 1}, True), ({"neq": 1}, False)],
)
def test_other_conditions_wait_for_the_watermark(condition: dict[str, float], fires: bool) -> None:
    """More events could still make them false."""
    one = engine(rules(P, window("few", "p", when=condition)))  # type: ignore[arg-type]
    assert found(one, times(0)) == []
    assert found(one, [], until=0) == []
    assert bool(found(one, [], until=0.001)) == fires


def test_a_late_event_does_not_wait_for_a_later_one() -> None:
    """Its own window is decided when the watermark has passed it."""
    one = engine(rules(P, window("few", "p", when={"lt": 2}, span=2)))
    found(one, times(10, 5))
    assert ids(found(one, [], until=6)) == {"p@5"}


def test_an_average_is_taken_over_the_whole_window() -> None:
    """Also over events that come late."""
    rule = window("slow", "p", type="value_avg", of="count", when={"gt": 5})
    one = engine(rules(P, rule))
    events = [at(0, "p", count=3), at(2, "p", count=9), at(1, "p", count=6)]
    (detection,) = found(one, events, until=60)
    assert detection.facts["seen"] == 6
    assert detection.count == 3


def test_a_median_lies_between_the_two_in_the_middle() -> None:
    """As people calculate it."""
    rule = window("slow", "p", type="value_percentile", of="count", percentile=50, when={"gte": 4.5})
    one = engine(rules(P, rule))
    (detection,) = found(one, [at(second, "p", count=second + 3) for second in range(4)], until=60)
    assert detection.facts["seen"] == 4.5


def test_sums_are_exact() -> None:
    """Ten times a tenth is one, in whatever order."""
    rule = window("sum", "p", type="value_sum", of="detail.amount", when={"gte": 1})
    one = engine(rules(P, rule))
    events = [at(second, "p", detail={"amount": 0.1}) for second in range(10)]
    assert found(one, events[:9]) == []
    assert [each.facts["seen"] for each in found(one, events[9:])] == [1]


@pytest.mark.parametrize("amount", ["1", "1.0", "1e0"])
def test_a_text_that_is_a_number_is_one(amount: str) -> None:
    """As where a condition compares it: open fields hold whatever an event brings."""
    rule = window("sum", "p", type="value_sum", of="detail.amount", when={"gte": 2})
    events = [at(second, "p", detail={"amount": amount}) for second in range(2)]
    assert [each.facts["seen"] for each in found(engine(rules(P, rule)), events)] == [2]


@pytest.mark.parametrize("amount", [-5, float("nan"), float("inf"), 1e300, "many", "inf", "9" * 40, True])
def test_amounts_that_are_none_are_left_out(amount: object) -> None:
    """They neither add to a sum nor take from it."""
    rule = window("sum", "p", type="value_sum", of="detail.amount", when={"gte": 2})
    one = engine(rules(P, rule))
    events = [at(0, "p", detail={"amount": 1}), at(1, "p", detail={"amount": amount})]
    assert found(one, events) == []
    assert [each.count for each in found(one, [at(2, "p", detail={"amount": 1})])] == [2]


def test_parts_must_come_in_their_order() -> None:
    """The other order is nothing; an event does not follow itself."""
    ordered = window("ordered", "p", "q", type="temporal_ordered")
    assert found(engine(rules(P, Q, ordered)), [at(0, "q"), at(1, "p")]) == []
    assert found(engine(rules(P, Q, ordered)), [at(0, "p"), at(1, "q")]) != []
    same = of_kind("same", "p")
    twice = window("twice", "p", "same", type="temporal_ordered")
    one = engine(rules(P, same, twice))
    assert found(one, [at(0, "p")]) == []
    assert [each.count for each in found(one, [at(1, "p")])] == [2]


def test_a_rule_may_take_in_another_ones_matches() -> None:
    """A burst of p and then a q, where the burst was complete before the q."""
    burst = window("burst", "p", when={"gte": 3}, alerts=False)
    then = window("then", "burst", "q", type="temporal_ordered")
    one = engine(rules(P, Q, burst, then))
    assert found(one, [*times(0, 1), at(1.5, "q"), *times(2)]) == []
    (detection,) = found(one, [at(3, "q")])
    assert (detection.rule, ids([detection])) == ("then", {"q@1.5", "p@2", "q@3"})


def test_a_chained_rule_knows_the_group_and_the_agency() -> None:
    """Grouped by agency, which the rule below does not group by."""
    burst = window("burst", "p", when={"gte": 2}, alerts=False)
    many = window("many", "burst", type="value_count", of="service", by=("agency",), when={"gte": 2})
    one = engine(rules(P, burst, many))
    assert found(one, times(0, 1)) == []
    (detection,) = found(one, times(2, 3, service="a.c"))
    assert (detection.group, detection.facts["seen"]) == ((("agency", "MOH"),), 2)


def test_windows_that_are_over_leave_nothing_behind() -> None:
    """Groups are forgotten when no event can reach their windows any more."""
    one = engine(rules(P, window("burst", "p", when={"gte": 3}), window("few", "p", when={"lt": 2})))
    found(one, [at(second, "p", service=f"s.{second}") for second in range(50)])
    assert one.groups == {"burst": 50, "few": 50}
    found(one, [], until=30)
    assert one.groups == {"burst": 30, "few": 30}
    found(one, [], until=61)
    assert one.groups == {"burst": 0, "few": 0}


@pytest.mark.parametrize("when", [{"gte": 100}, {"gte": 5}, {"lt": 2}])
def test_a_group_that_never_falls_silent_forgets_what_is_outdated(when: dict[Operator, float]) -> None:
    """It holds what a window may still need, and little more, however long it goes on."""
    kind = windows(window("burst", "p", when=when), Limits())
    for second in range(3000):
        kind.apply(Observation((("service", "a.b"),), second * S, f"p@{second}", "MOH"))
        kind.advance(second * S - LATENESS)
    needed = (LATENESS + 10 * S) // S
    assert kind.weight <= needed + 2 * PRUNED_AT_ONCE + GROUP_WEIGHT


def test_a_million_values_do_not_fill_the_memory() -> None:
    """The least recently active groups go, and are counted; one that stays active stays."""
    kind = windows(window("burst", "p", by=("actor",), when={"gte": 10_000}), Limits(groups=1000))
    busy = (("actor", "busy"),)
    for number in range(1_000_000):
        kind.apply(Observation((("actor", f"o-{number}"),), START + number, "e", "MOH"))
        if number % 40 == 0:
            kind.apply(Observation(busy, START + number, f"b{number}", "MOH"))
        if number % 100_000 == 0:
            kind.evicted.clear()  # as the engine does after each observation
    assert 900 < len(kind) <= 1000
    assert kind.groups_evicted == 1_000_001 - len(kind)
    assert kind.encode(busy) is not None


def test_what_is_still_active_is_evicted_last() -> None:
    """A flood of others does not make a burst go unseen."""
    rule_set = rules(P, window("burst", "p", by=("actor",), when={"gte": 30}, span=60))
    one = engine(rule_set, limits=Limits(groups=100))
    events = []
    for number in range(30):
        events.append(at(number, "p", f"busy-{number}", actor="busy"))
        events += [
            at(number + 0.5, "p", f"{number}-{each}", actor=f"o-{number}-{each}") for each in range(60)
        ]
    assert [dict(each.group)["actor"] for each in found(one, events)] == ["busy"]


def test_a_group_holds_so_many_events_and_no_more() -> None:
    """The oldest are dropped and counted; a threshold above the bound raises it."""
    limits = Limits(entries=100)
    one = engine(rules(P, window("sum", "p", type="value_sum", of="count", when={"gte": 10_000}, span=600)))
    bounded = engine(
        rules(P, window("sum", "p", type="value_sum", of="count", when={"gte": 10_000}, span=600)),
        limits=limits,
    )
    events = [at(number / 10, "p", count=1) for number in range(500)]
    found(one, events)
    found(bounded, events)
    assert (one.entries_dropped, bounded.entries_dropped) == (0, 400)
    counting = engine(rules(P, window("burst", "p", when={"gte": 400}, span=600)), limits=limits)
    assert [each.count for each in found(counting, events)] == [500]


def test_values_of_groups_are_bounded_and_stay_apart() -> None:
    """Long ones are told by their hash."""
    one = engine(rules(of_kind("single", "p", alerts=True, group_by=("detail.path",))))
    events = [at(number, "p", detail={"path": "x" * 900 + str(number)}) for number in range(2)]
    groups = [dict(each.group)["detail.path"] for each in found(one, events)]
    assert len(set(groups)) == 2
    assert all(len(group) <= 200 for group in groups)
