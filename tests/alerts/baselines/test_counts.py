"""Bounds of counts are exact tails of the negative binomial distribution."""

from __future__ import annotations

from fractions import Fraction
from math import comb, exp, isclose, lgamma, log
from statistics import NormalDist

import pytest

from alerts.baselines import counts


def _terms(mean: float, variance: float, up_to: int) -> list[float]:
    """Probabilities of 0, 1, 2 … by their definition."""
    size = 1 / variance
    return [
        exp(
            lgamma(k + size)
            - lgamma(size)
            - lgamma(k + 1)
            + size * log(size / (size + mean))
            + k * log(mean / (size + mean))
        )
        for k in range(up_to)
    ]


@pytest.mark.parametrize(
    ("mean", "variance"), [(0.05, 0.1), (0.8, 2.0), (3.0, 0.5), (40.0, 0.04), (700.0, 0.1)]
)
def test_both_tails_are_the_sums_of_their_probabilities(mean: float, variance: float) -> None:
    """Summed term by term, they agree to nine digits, also where the tail is as small as 1e-12."""
    terms = _terms(mean, variance, 20_000)
    for count in (0, 1, 2, int(mean / 3), int(mean), int(2 * mean) + 1, int(3 * mean) + 5):
        upper = sum(reversed(terms[count + 1 :]))
        if upper > 1e-12:
            assert isclose(counts.above(count, mean, variance), upper, rel_tol=1e-9)
        assert isclose(counts.below(count, mean, variance), sum(terms[:count]), rel_tol=1e-9, abs_tol=1e-300)


def test_a_whole_size_is_a_number_of_trials() -> None:
    """With size 3 and even odds, more than k failures before the third success: exactly, in fractions."""
    for count in range(12):
        failures = [Fraction(comb(k + 2, 2), 2 ** (k + 3)) for k in range(count + 1)]
        assert isclose(counts.above(count, 3.0, 1 / 3), float(1 - sum(failures)), rel_tol=1e-12)


@pytest.mark.parametrize("mean", [0.2, 5.0, 260.0, 90_000.0])
@pytest.mark.parametrize("probability", [1e-3, counts.tail(5), counts.tail(8)])
def test_the_bounds_are_the_tightest_ones(mean: float, probability: float) -> None:
    """One less would be passed more often than allowed."""
    high = counts.highest_usual(mean, 0.06, probability)
    assert counts.above(high, mean, 0.06) < probability <= counts.above(high - 1, mean, 0.06)
    low = counts.lowest_usual(mean, 0.06, probability)
    assert counts.below(low, mean, 0.06) < probability <= counts.below(low + 1, mean, 0.06)


def test_sensitivity_is_in_standard_deviations() -> None:
    """Five deviations stand for one hour in 3.5 million."""
    assert isclose(counts.tail(5), NormalDist().cdf(-5), rel_tol=1e-9)
    assert counts.tail(60) > 0


def test_a_busy_group_may_double_and_a_quiet_one_may_do_more() -> None:
    """At the least spread and the default sensitivity, the bound is 2.3 times a large mean."""
    large = counts.upper_bound(10_000, 0.04, 1.0, counts.tail(5)) / 10_000
    assert 2.2 < large < 2.6
    assert counts.upper_bound(2, 0.04, 1.0, counts.tail(5)) / 2 > 5


def test_remembered_bounds_are_near_the_exact_ones_and_never_tighter() -> None:
    """Rounding is in the group's favour, by 15 % above and a quarter below."""
    for mean in (0.3, 4.0, 77.0, 5_432.0):
        for variance in (0.04, 0.2, 1.3):
            exact = counts.highest_usual(mean, variance, 1e-6)
            assert exact <= counts.upper_bound(mean, variance, 1.0, 1e-6) <= exact * 1.15 + 1
            exact = counts.lowest_usual(mean, variance, 1e-6)
            assert exact * 0.75 - 1 <= counts.lower_bound(mean, variance, 1.0, 1e-6) <= exact


def test_sums_are_counted_in_their_unit_and_large_ones_scaled() -> None:
    """A thousand times the unit and the mean is a thousand times the bound; millions do not take long."""
    assert counts.upper_bound(5_000, 0.1, 1_000.0, 1e-6) == 1_000 * counts.upper_bound(5, 0.1, 1.0, 1e-6)
    huge = counts.upper_bound(1e13, 0.1, 1.0, 1e-6) / 1e13
    assert isclose(huge, counts.upper_bound(1e5, 0.1, 1.0, 1e-6) / 1e5, rel_tol=0.05)


def test_no_count_is_too_few_where_none_is_usual() -> None:
    """A small mean has no lower bound."""
    assert counts.lower_bound(3, 0.1, 1.0, counts.tail(5)) == 0


def test_the_chance_of_none_is_the_first_term() -> None:
    """Also where it is far below what a float holds."""
    assert isclose(counts.log_empty(7.0, 0.3), log(_terms(7.0, 0.3, 1)[0]), rel_tol=1e-12)
    assert counts.log_empty(1e9, 0.04) < -400
    assert counts.log_empty(0.0, 0.04) == 0
