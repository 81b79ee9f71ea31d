"""`above`: too much for this hour of the week, told at once."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from alerts.baselines.kind import REFRESH_MS, BaselineKind
from alerts.baselines.season import HOUR_MS
from alerts.engine.kind import UNCHANGED
from alerts.model import EVIDENCE, Detection
from tests.alerts.baselines.making import ZONE, at, close, feed, office, pair, rule, seen, summed


def _known(weeks: int = 4, level: float = 60, **changes: Any) -> BaselineKind:
    """A kind that knows so many weeks of one pair in office rhythm, and whose next hour is Monday 0:00."""
    kind = BaselineKind(rule(**changes), ZONE)
    assert not feed(kind, at(0, 0, 0), at(weeks, 0, 0), office(level))
    return kind


def _events(
    kind: BaselineKind, hour: int, count: int, first: int = 0, gap_ms: int = 1_000
) -> list[Detection]:
    found: list[Detection] = []
    for number in range(first, first + count):
        found += kind.apply(seen(hour, number, after=number * gap_ms))
    return found


def test_the_event_that_passes_the_bound_is_told_at_once_with_its_figures() -> None:
    """Monday 9:00 usually sees 160; the bound is where the first detection comes, not later."""
    kind = _known(level=60)
    hour = at(4, 0, 9)
    usual = office(60)(at(0, 0, 9))
    found = _events(kind, hour, 5 * usual)
    first = found[0]
    assert first.facts["seen"] == first.count == int(float(first.facts["upper_bound"])) + 1
    assert first.facts["expected"] == pytest.approx(usual, rel=0.02)
    assert 2 * usual < first.count < 4 * usual
    assert first.facts["history_weeks"] == 4
    assert (first.facts["slot"], first.facts["measure"]) == ("Monday 09:00", "count")
    assert (first.rule, first.agency, first.group) == ("rule-1", "MOH", pair())
    assert [one.event_id for one in first.evidence] == [f"{hour}-{number:05}" for number in range(EVIDENCE)]


def test_an_hour_is_told_in_parts_that_add_up_to_all_its_events() -> None:
    """At the bound, then every ten minutes of event time, and when it ends; the last one is final."""
    kind = _known(level=60)
    hour = at(4, 0, 9)
    found = _events(kind, hour, 1_800, gap_ms=2_000)
    gaps = [later.last_ms - one.last_ms for one, later in pairwise(found)]
    assert gaps
    assert all(REFRESH_MS <= gap < REFRESH_MS + 2_000 for gap in gaps)
    found += close(kind, hour)
    count, first_ms, last_ms, evidence, facts = summed(found)[pair()]
    assert (count, facts["seen"]) == (1_800, 1_800)
    assert (first_ms, last_ms) == (hour * HOUR_MS, (hour + 1) * HOUR_MS)
    assert len(evidence) == EVIDENCE
    assert not close(kind, hour + 1)


def test_the_same_volume_is_usual_at_one_hour_and_not_at_another() -> None:
    """What Monday morning does every week is far too much for Sunday night."""
    usual = office(60)(at(0, 0, 9))
    assert not _events(_known(), at(4, 0, 9), usual)
    assert _events(_known(), at(4, 6, 3), usual)


def test_nothing_is_too_much_before_enough_weeks_are_known() -> None:
    """Three weeks by default: a bulk in the third is passed over, the same in the fourth is not."""
    assert not _events(_known(weeks=2), at(2, 4, 9), 5_000)
    assert _events(_known(weeks=3), at(3, 0, 9), 5_000)


def test_a_single_early_event_does_not_arm_a_group() -> None:
    """A pair that was tried out once and goes live a month later is new, not anomalous."""
    kind = BaselineKind(rule(), ZONE)
    feed(kind, at(0, 0, 9), at(0, 0, 10), lambda _hour: 1)
    assert not _events(kind, at(5, 0, 9), 5_000)


def test_a_new_group_is_not_alarmed_by_its_existence() -> None:
    """Neither by its first hours nor in its first week, with or without a parent that is known."""
    for parent in ((), ("service",)):
        kind = _known(parent=parent)
        new = pair("MOJ")
        assert not feed(kind, at(4, 1, 8), at(5, 0, 0), office(30), new)


def test_a_new_group_is_armed_by_its_parent_after_its_first_full_week() -> None:
    """Its own level and the service's rhythm: its usual hours pass, five times that does not."""
    kind = _known(parent=("service",), level=300)
    new = pair("MOJ")
    assert not feed(kind, at(4, 0, 0), at(6, 1, 9), office(60), new)
    found = kind.observe_total(new, at(6, 1, 9), 6 * office(60)(at(0, 1, 9)), agency="MOJ")
    assert found
    alone = _known(level=300)
    feed(alone, at(4, 0, 0), at(6, 1, 9), office(60), new)
    assert not alone.observe_total(new, at(6, 1, 9), 6 * office(60)(at(0, 1, 9)), agency="MOJ")


def test_a_parent_outlives_a_restart_in_its_first_hour() -> None:
    """It has closed no hour then; what comes after must find it, or new groups would not be judged."""
    kind = BaselineKind(rule(parent=("service",)), ZONE)
    kind.observe_total(pair(), at(0, 0, 0), 10, agency="MOH", event_id="e")
    again = BaselineKind(rule(parent=("service",)), ZONE)
    packed = {group: kind.encode(group) for group in tuple(kind.touched())}
    again.restore({group: state for group, state in packed.items() if state is not None})
    close(again, at(0, 0, 0) - 1)
    assert not feed(again, at(0, 0, 0), at(4, 0, 0), office(300))
    new = pair("MOJ")
    assert not feed(again, at(4, 0, 0), at(6, 1, 9), office(60), new)
    assert again.observe_total(new, at(6, 1, 9), 6 * office(60)(at(0, 1, 9)), agency="MOJ")


def test_the_floor_is_the_least_excess_that_is_told() -> None:
    """A quiet hour may be tenfold if that is still little."""
    hour = at(4, 6, 3)
    usual = office(60)(at(0, 6, 3))
    assert not _events(_known(floor=500), hour, usual + 500)
    assert _events(_known(floor=500), hour, usual + 502)


def test_what_was_too_much_is_not_learned_as_usual() -> None:
    """Every Monday morning tenfold: five weeks later the bound is near where it was."""
    kind = _known(weeks=6)
    usual = office(60)
    for week in range(6, 8):
        monday = at(week, 0, 9)
        feed(kind, at(week, 0, 0), monday, usual)
        assert feed(kind, monday, monday + 1, lambda hour: 10 * usual(hour))
        feed(kind, monday + 1, at(week + 1, 0, 0), usual)
    (first, *_) = _events(kind, at(8, 0, 9), 10 * usual(at(0, 0, 9)))
    assert first.facts["expected"] == pytest.approx(usual(at(0, 0, 9)), rel=0.05)


def test_holidays_teach_nothing_and_are_judged_by_working_days() -> None:
    """A holiday as busy as a working day is no bulk, five times that is; the Wednesday after is as before."""
    holiday = date(2026, 6, 10)  # the Wednesday of week 4
    kind = BaselineKind(rule(), ZONE, {holiday})
    assert not feed(kind, at(0, 0, 0), at(4, 2, 0), office(60))
    nine = at(4, 2, 9)
    assert not kind.observe_total(pair(), nine, office(60)(at(0, 2, 9)))
    assert kind.observe_total(pair(), nine, 5 * office(60)(at(0, 2, 9)))
    close(kind, nine)
    (one, *_) = kind.observe_total(pair(), at(5, 2, 9), 1_000)
    assert one.facts["expected"] == pytest.approx(office(60)(at(0, 2, 9)), rel=0.02)


def test_sums_allow_for_the_size_of_single_values() -> None:
    """The same sum is usual in large answers and strange in small ones."""
    bounds = []
    for size in (10, 200):
        kind = BaselineKind(rule(measure="sum", value_field="records"), ZONE)
        for hour in range(at(0, 0, 0), at(4, 0, 9)):
            for number in range(400 // size):
                kind.apply(seen(hour, number, value=size))
            close(kind, hour)
        found: list[Detection] = []
        for number in range(10_000 // size):
            found += kind.apply(seen(at(4, 0, 9), number, value=size))
        assert found[0].facts["measure"] == "sum of records"
        assert found[0].facts["expected"] == pytest.approx(400, rel=0.5)
        bounds.append(float(found[0].facts["upper_bound"]))
    assert bounds[0] * 1.5 < bounds[1]


def test_different_values_are_counted_once_and_estimates_are_said_to_be_some() -> None:
    """The same subject a thousand times is one; a thousand subjects are about a thousand."""
    kind = BaselineKind(rule(measure="distinct", value_field="subject"), ZONE)
    for hour in range(at(0, 0, 0), at(3, 0, 9)):
        for number in range(3):
            kind.apply(seen(hour, number, value=f"s-{number}"))
        close(kind, hour)
    hour = at(3, 0, 9)
    for number in range(1_000):
        assert not kind.apply(seen(hour, number, value="s-1"))
    found: list[Detection] = []
    for number in range(1_000):
        found += kind.apply(seen(hour, 1_000 + number, value=f"s-{number}", after=number))
    found += close(kind, hour)
    assert found[0].facts["seen"] == int(float(found[0].facts["upper_bound"])) + 1
    count, _, _, _, facts = summed(found)[pair()]
    assert (count, facts["estimated"], kind.counters.estimated) == (2_000, 1, 1)
    assert facts["seen"] == pytest.approx(1_000, rel=0.2)


@pytest.mark.parametrize("value", [None, "many", -1.0, float("nan"), float("inf")])
def test_a_value_that_is_no_amount_is_left_out_and_counted(value: str | float | None) -> None:
    """It is not an event of the hour either."""
    kind = BaselineKind(rule(measure="sum", value_field="records"), ZONE)
    assert kind.apply(seen(at(0, 0, 9), value=value)) is UNCHANGED
    assert kind.counters.unusable == 1
    assert not kind.touched()


def test_an_hour_that_is_over_takes_nothing_more() -> None:
    """It is counted, and nothing changes."""
    kind = _known()
    close(kind, at(4, 0, 9))
    before = kind.encode(pair())
    assert kind.apply(seen(at(4, 0, 9))) is UNCHANGED
    assert kind.encode(pair()) == before
    assert kind.counters.late == 1


def test_beyond_the_limit_the_least_active_groups_are_forgotten_and_counted() -> None:
    """Their stored states are to be deleted."""
    kind = BaselineKind(rule(), ZONE, max_groups=10)
    for number in range(15):
        kind.apply(seen(at(0, 0, number), group=pair(f"C{number:02}")))
        close(kind, at(0, 0, number))
    assert (len(kind), kind.groups_evicted) == (10, 5)
    gone = [group for group in tuple(kind.touched()) if kind.encode(group) is None]
    assert gone == [pair(f"C{number:02}") for number in range(5)]


def test_a_group_that_has_been_silent_for_months_is_forgotten() -> None:
    """Its row can be deleted."""
    kind = _known(parent=("service",))
    close(kind, at(20, 0, 0))
    assert len(kind) == 0
    assert {kind.encode(group) for group in tuple(kind.touched())} == {None}
