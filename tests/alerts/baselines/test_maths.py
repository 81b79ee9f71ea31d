"""The small formulas: spread, shrinkage, drift, silence, and counting different values."""

from __future__ import annotations

from math import isclose, log
from random import Random
from statistics import median as plain_median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.baselines import drift, spread
from alerts.baselines.distinct import KEPT, Distinct
from alerts.baselines.drift import Drift
from alerts.baselines.shrink import share, shrunk
from alerts.baselines.silence import Silence, log_probability_of_empty, longer

NUMBERS = st.lists(st.integers(0, 10_000).map(float), min_size=1, max_size=30)


@given(NUMBERS)
def test_the_median_is_the_usual_one(values: list[float]) -> None:
    """As the standard library has it; with equal weights the weighted one is one of the two middle values."""
    assert spread.median(values) == plain_median(values)
    ordered = sorted(values)
    middle = {ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]}
    assert spread.weighted_median((value, 2) for value in values) in middle


def test_weights_count_as_often_as_they_say() -> None:
    """A value of weight three outweighs two others."""
    assert spread.weighted_median([(1.0, 1), (5.0, 3), (9.0, 1)]) == 5.0
    assert spread.weighted_median([(1.0, 3), (5.0, 1), (9.0, 1)]) == 1.0


@pytest.mark.parametrize("deviation", [0.25, 0.4, 0.6])
def test_the_relative_variance_is_found_whatever_the_size_of_hours(deviation: float) -> None:
    """Normal noise of a known deviation around very different means gives its square back."""
    random = Random(4)
    means = [random.choice((50, 400, 9_000)) for _ in range(4_000)]
    pairs = [
        (mean * max(0.01, random.gauss(1, deviation)), mean * max(0.01, random.gauss(1, deviation)))
        for mean in means
    ]
    assert isclose(spread.relative_variance(pairs, 1e-9), deviation**2, rel_tol=0.25)


def test_chance_alone_gives_the_least_variance_and_few_pairs_the_usual_one() -> None:
    """What counting gives is taken off; three pairs prove nothing; odd pairs do not move it."""
    random = Random(7)
    pairs = [(random.gauss(100, 10), random.gauss(100, 10)) for _ in range(500)]
    assert spread.relative_variance(pairs, 1.0) == spread.LEAST_VARIANCE
    assert spread.relative_variance([*pairs, *[(100.0, 5_000.0)] * 100], 1.0) == spread.LEAST_VARIANCE
    assert spread.relative_variance([], 1.0) == pytest.approx(spread.USUAL_VARIANCE)
    assert isclose(spread.relative_variance(pairs[:3], 1.0), spread.USUAL_VARIANCE * 12 / 15, rel_tol=0.3)


def test_means_bear_bursts() -> None:
    """One hour of a hundred times the usual hardly moves either."""
    assert spread.lower_mean([10, 10, 10, 10, 1000]) == 10
    assert spread.capped_mean([10, 10, 10, 1000], 1.0) == pytest.approx((30 + 33) / 4)


def test_a_new_group_is_like_its_parent_and_an_old_one_like_itself() -> None:
    """The weight of its own goes from nothing to all."""
    assert shrunk(100, 0, 10.0) == 10
    assert shrunk(100, 2, 10.0) == 55
    assert shrunk(100, 1e9, 10.0) == pytest.approx(100)
    assert shrunk(100, 1, None) == 100
    assert share(3, 12) == 0.25
    assert share(3, 0) is None


def _days(residuals: list[float], interval: float = 5.0) -> list[Drift]:
    """A sum over days with given residuals, where a day of 10 000 varies by 10 %."""
    state, states = Drift(), []
    for number, residual in enumerate(residuals):
        state = drift.gather(state, 10_000 * (1 + 0.1 * residual), 10_000)
        state = drift.step(state, number * 24 + 23, 0.01, 1e-9, interval)
        states.append(state)
    return states


def test_the_sum_adds_what_exceeds_the_reference_and_stays_above_zero() -> None:
    """By hand: 1.25 a day at two deviations, and back to nothing when it is over."""
    sums = [state.sum for state in _days([-2, 2, 2, 2, 0, -9, 0.5])]
    assert sums == pytest.approx([0, 1.25, 2.5, 3.75, 3.0, 0, 0], abs=1e-6)


def test_one_day_does_not_make_a_drift() -> None:
    """A day a hundred times too busy counts three deviations."""
    assert [state.sum for state in _days([900, 0])] == pytest.approx([2.25, 1.5])


def test_small_days_wait_until_something_can_be_told() -> None:
    """Steps are made of 25 expected events or more."""
    state = Drift()
    for number in range(3):
        state = drift.gather(state, 20, 10)
        assert (state.waiting_expected, state.sum) == (10 * (number + 1), 0)
        state = drift.step(state, number, 0.01, 1.0, 5.0)
    assert not state.waiting
    assert state.sum == pytest.approx(30 / (30 + 0.01 * 900) ** 0.5 - 0.75 if 30 / 39**0.5 < 3 else 2.25)
    assert state.excess == 30


@pytest.mark.parametrize("shift", [0.0, 0.25, 1.5, 3.0])
def test_run_lengths_are_those_of_simulated_residuals(shift: float) -> None:
    """Siegmund's figures, for a small interval where a simulation is quick."""
    random, interval, runs = Random(11), 2.5, 1_500
    total = 0
    for _ in range(runs):
        held = 0.0
        while held <= interval:
            held = max(0.0, held + random.gauss(shift, 1) - drift.REFERENCE)
            total += 1
    assert total / runs == pytest.approx(drift.run_length(shift, interval), rel=0.15, abs=0.6)


def test_the_default_interval_is_quiet_and_finds_a_third_more() -> None:
    """The figures that the module states."""
    assert drift.run_length(0, 5) > 9_000
    assert 7 < drift.run_length(1.5, 5) < 9
    assert drift.run_length(3, 5) < 3.5


def test_an_empty_hour_says_as_much_as_was_expected() -> None:
    """Nothing where nothing is expected; much where much always comes; what was empty before says little."""
    assert log_probability_of_empty(0, 0.1, 1, []) == 0
    assert log_probability_of_empty(1_000, 0.04, 1, [900, 1_100]) < log(1e-30)
    assert log_probability_of_empty(1_000, 0.04, 1, [900, 0, 1_100]) == pytest.approx(log(1.5 / 4))
    assert log_probability_of_empty(0.1, 0.04, 1, [0, 0, 1]) == pytest.approx(-0.1, abs=0.01)


def test_a_run_of_empty_hours_adds_up() -> None:
    """Hours in which nothing is expected lengthen it without making it stranger."""
    run = longer(longer(longer(Silence(), 100, 3.0, -2.0), 101, 0.0, 0.0), 102, 3.0, -2.0)
    assert run == Silence(100, 2, 6.0, -4.0)


@given(st.lists(st.integers(0, 300), max_size=400))
def test_few_different_values_are_counted_exactly(values: list[int]) -> None:
    """Whatever their order and however often they come."""
    held = Distinct()
    for value in values:
        held.add(str(value))
    assert held.count == len(set(values))
    assert held.exact


def test_many_different_values_are_estimated_within_their_error() -> None:
    """On average over twenty sets the error is near 4.4 %, and it is not one-sided."""
    errors = []
    for number in range(20):
        held = Distinct()
        for value in range(5_000):
            held.add(f"{number}-{value}")
        assert not held.exact
        errors.append(held.count / 5_000 - 1)
    assert (sum(error**2 for error in errors) / 20) ** 0.5 < 0.07
    assert abs(sum(errors) / 20) < 0.03


def test_the_count_of_values_never_falls_and_is_the_same_in_any_order_and_after_storing() -> None:
    """An alert at once needs the first, a restart the others."""
    values = [f"subject-{number % 1_500}" for number in range(3_000)]
    straight, counts = Distinct(), []
    for value in values:
        straight.add(value)
        counts.append(straight.count)
    assert counts == sorted(counts)
    assert counts[KEPT - 1 : KEPT + 1] == [KEPT, KEPT + 1] or counts[KEPT] > KEPT
    Random(3).shuffle(values)
    other = Distinct()
    for value in values[:1_000]:
        other.add(value)
    other = Distinct.decode(other.encode(), other.count)
    for value in values[1_000:]:
        other.add(value)
    assert (other.count, other.encode()) == (straight.count, straight.encode())
    with pytest.raises(ValueError, match="no row of hashes"):
        Distinct.decode(b"abc", 1)
