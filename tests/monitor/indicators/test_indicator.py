"""What every indicator keeps to: counts, coverage, a target, and no figure where there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.indicators.indicator import Indicator, combined, unscored

counts = st.lists(st.integers(0, 10**9), min_size=3, max_size=3).map(sorted)


def test_ratio_coverage_and_target_are_told_apart() -> None:
    """Four of five that could be scored, of ten that ought to be."""
    one = Indicator("x", 4, 5, 10, 0.8)
    assert (one.ratio, one.coverage, one.met) == (0.8, 0.5, True)


def test_without_a_denominator_there_is_no_ratio() -> None:
    """Not zero, not everything; and the coverage says why."""
    nothing = unscored("x", 3, 0.8)
    assert (nothing.ratio, nothing.met, nothing.scored) == (None, None, False)
    assert nothing.coverage == 0


def test_with_nothing_eligible_there_is_no_coverage() -> None:
    """It does not concern the agency."""
    nothing = unscored("x", 0, 0.8)
    assert (nothing.ratio, nothing.coverage, nothing.concerns) == (None, None, False)


@pytest.mark.parametrize("given", [(-1, 1, 1), (2, 1, 1), (1, 2, 1)])
def test_counts_that_cannot_be_are_refused(given: tuple[int, int, int]) -> None:
    """A numerator beyond its denominator would be a figure that nobody notices."""
    with pytest.raises(ValueError, match="x: "):
        Indicator("x", *given, target=0.8)


@pytest.mark.parametrize("target", [0, -0.1, 1.01])
def test_a_target_is_a_share(target: float) -> None:
    """80 is no target; 0.8 is."""
    with pytest.raises(ValueError, match="target"):
        Indicator("x", 1, 1, 1, target)


@pytest.mark.parametrize(
    ("numerator", "denominator", "target", "met"),
    [(7, 10, 0.7, True), (69, 100, 0.7, False), (3, 3, 1.0, True), (28, 100, 0.28, True), (0, 9, 0.1, False)],
)
def test_a_target_is_met_at_the_target(numerator: int, denominator: int, target: float, met: bool) -> None:
    """As people reckon it, not as floats are rounded."""
    assert Indicator("x", numerator, denominator, denominator, target).met is met


@given(st.lists(counts, min_size=1, max_size=20))
def test_together_counts_are_added(parts: list[list[int]]) -> None:
    """An agency that is not scored lowers the coverage of all, and nothing else."""
    indicators = [Indicator("x", each[0], each[1], each[2], 0.8) for each in parts]
    total = combined(indicators)
    sums = [sum(each[index] for each in parts) for index in range(3)]
    assert [total.numerator, total.denominator, total.eligible] == sums
    with_another = combined([*indicators, unscored("x", 1, 0.8)])
    assert with_another.ratio == total.ratio
    assert (with_another.coverage or 0) <= (total.coverage or 1)


def test_an_average_of_ratios_would_be_another_figure() -> None:
    """One of one and nothing of ninety-nine are one per cent."""
    assert combined([Indicator("x", 1, 1, 1, 0.8), Indicator("x", 0, 99, 99, 0.8)]).ratio == 0.01


def test_different_indicators_are_not_put_together() -> None:
    """Nor those of different targets, nor none."""
    one = Indicator("x", 1, 1, 1, 0.8)
    for other in (Indicator("y", 1, 1, 1, 0.8), Indicator("x", 1, 1, 1, 0.9)):
        with pytest.raises(ValueError, match="cannot be put together"):
            combined([one, other])
    with pytest.raises(ValueError, match="no indicator"):
        combined([])
