"""How much a group's hours vary: robust figures that a few odd hours cannot move."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

LEAST_VARIANCE: Final = 0.04
"""Relative variance that every group is granted (a standard deviation of 20 %).

At the default sensitivity of 5 the upper bound of a busy hour is then 2.3 times its expectation: national
volume has once fallen by half, and coming back is a doubling that must not alarm every pair at once."""
USUAL_VARIANCE: Final = 0.1
"""Relative variance of a group of which nothing is known (a standard deviation of 32 %)."""
LEAST_DAILY_VARIANCE: Final = 0.01
USUAL_DAILY_VARIANCE: Final = 0.02
"""The same for the totals of whole days (standard deviations of 10 % and 14 %)."""
MOST_VARIANCE: Final = 4.0
_PRIOR_PAIRS: Final = 12  # pairs of hours that the usual variance counts for
_NORMAL_MEDIAN: Final = 0.45493642311957283  # median of the square of a standard normal variable
ASSUMED_SQUARES: Final = 2.0
"""Mean square of single values relative to their mean's square, where only their sum is known: that of an
exponential distribution."""


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two middle ones. Raises IndexError for none."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def weighted_median(points: Iterable[tuple[float, int]]) -> float:
    """The value at which half of the weight is reached; of (value, weight) pairs, at least one."""
    ordered = sorted(points)
    half = sum(weight for _, weight in ordered) / 2
    reached = 0
    for value, weight in ordered:
        reached += weight
        if reached > half:
            return value
    return ordered[-1][0]


def lower_mean(values: Sequence[float]) -> float:
    """The mean without the highest quarter: a burst does not make a quiet hour busy. Raises for no value."""
    ordered = sorted(values)
    kept = ordered[: len(ordered) - len(ordered) // 4]
    return sum(kept) / len(kept)


def capped_mean(values: Sequence[float], unit: float) -> float:
    """The mean of values, each taken as three times their median plus three units at the most."""
    cap = 3 * median(values) + 3 * unit
    return sum(min(value, cap) for value in values) / len(values)


def relative_variance(
    pairs: Sequence[tuple[float, float]],
    unit: float,
    usual: float = USUAL_VARIANCE,
    least: float = LEAST_VARIANCE,
) -> float:
    """Variance relative to the mean's square, beyond what counting alone gives, from pairs of like hours.

    Each pair are the same slot's totals in two successive weeks. The median of squared relative differences
    needs no centre, so that three weeks suffice, and bears nearly half of the pairs being odd: the scale
    estimate from pairwise differences of Shamos (1976) and Bickel & Lehmann (1979), scaled to the normal
    distribution. A total of mean m in units of `unit` varies by unit/m by counting alone; that is taken off.
    Few pairs are blended with `usual`. The result lies between `least` and MOST_VARIANCE.
    """
    told = [(a, b) for a, b in pairs if a + b >= 8 * unit]  # smaller ones show little but counting noise
    found = 0.0
    if told:
        squares = [2 * ((a - b) / (a + b)) ** 2 for a, b in told]
        counting = median([2 * unit / (a + b) for a, b in told])
        found = max(0.0, median(squares) / _NORMAL_MEDIAN - counting)
    blended = (len(told) * found + _PRIOR_PAIRS * usual) / (len(told) + _PRIOR_PAIRS)
    return min(max(blended, least), MOST_VARIANCE)


def assumed_squares(total: int, events: int) -> int:
    """The sum of the squares of that many values, where only their sum is known."""
    return int(ASSUMED_SQUARES * total * total / max(events, 1))
