"""Attainment and error budget from counts."""

from __future__ import annotations

from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.objectives.figures import Figure, Outcomes, figure
from monitor.objectives.slo import Counted, served, timely
from monitor.registry.model import Latency


def test_an_average_of_ratios_is_wrong_by_47_times_where_counts_are_right() -> None:
    """A single call at night that failed, and 93 by day that did not: two hours that no agreement forbids."""
    hours = [Counted(1, 1), Counted(93, 0)]
    from_counts = figure((hour, 0.99) for hour in hours)
    assert from_counts.attainment is not None
    averaged = mean(hour.bad / hour.events for hour in hours)
    assert averaged / (1 - from_counts.attainment) == pytest.approx(47)
    assert (from_counts.events, from_counts.bad) == (94, 1)


def test_the_budget_is_what_the_objective_leaves() -> None:
    """At 99 % of a thousand ten may fail: none, half, all, and twice of them."""
    remaining = [figure([(Counted(1000, bad), 0.99)]).budget_remaining for bad in (0, 5, 10, 20)]
    assert remaining == pytest.approx([1, 0.5, 0, -1])


def test_each_exchange_has_the_budget_of_the_objective_in_force_then() -> None:
    """A thousand at 99 % and a thousand at 99.9 % leave eleven, not what either objective leaves of all."""
    both = figure([(Counted(1000, 5), 0.99), (Counted(1000, 0), 0.999)])
    assert both.allowed == pytest.approx(11)
    assert both.budget_remaining == pytest.approx(1 - 5 / 11)


def test_without_exchanges_there_is_no_figure() -> None:
    """Neither a full score nor none."""
    nothing = Figure(0, 0, 0)
    assert nothing.attainment is None
    assert nothing.budget_remaining is None
    assert figure([]) == nothing
    assert Outcomes(0, 0, 0, 0).share("ok") is None


def test_a_denial_is_neither_good_nor_bad() -> None:
    """Outcome classes hold it; objectives do not."""
    assert served(ok=90, fault=3, timeout=2) == (95, 5)
    assert timely(ok=90, slow=7) == (90, 7)
    assert Outcomes(90, 3, 5, 2).share("denied") == 0.05
    assert Latency(limit_ms=500).ratio == 0.95


COUNTS = st.tuples(st.integers(1, 10**9), st.floats(0, 1)).map(lambda of: Counted(of[0], int(of[0] * of[1])))


@given(st.lists(st.tuples(COUNTS, st.floats(0.9, 0.9999)), min_size=1), st.randoms())
def test_the_order_of_parts_changes_nothing(parts: list[tuple[Counted, float]], random: object) -> None:
    """Sums of integers, and a float sum that is exact before it is rounded."""
    shuffled = list(parts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert figure(shuffled) == figure(parts)
    attained = figure(parts).attainment
    assert attained is not None
    assert 0 <= attained <= 1
