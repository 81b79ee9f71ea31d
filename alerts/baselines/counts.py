"""Bounds of counts that vary more than chance alone: exact tails of the negative binomial distribution.

A count with mean m and relative variance v beyond counting has variance m + v m². Written as a negative
binomial with size r = 1/v, both of its tails are regularised incomplete beta functions, which a continued
fraction gives to full precision where the tail is small (Abramowitz & Stegun 26.5.8 and 26.5.26).
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, erfc, exp, floor, lgamma, log, log1p, sqrt
from typing import Final

LARGE: Final = 100_000.0
"""Means above are scaled down to it: the spread beyond counting is then all that matters."""
# Means are rounded by 2 % and variances by 10 %, so that bounds can be remembered: one takes a millisecond.
_STEP: Final = log(1.02)
_VARIANCE_STEP: Final = log(1.1)
_TINY: Final = 1e-300
_PRECISE: Final = 1e-13
_ITERATIONS: Final = 5000  # of the continued fraction; a few dozen are usual


def tail(sensitivity: float) -> float:
    """Probability of a standard normal variable above `sensitivity`: what so many deviations stand for."""
    return max(0.5 * erfc(sensitivity / sqrt(2)), _TINY)


def beta_tail(a: float, b: float, x: float, y: float) -> float:
    """The regularised incomplete beta function I_x(a, b), given x and y = 1 - x, neither zero."""
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_tail(b, a, y, x)
    front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y)
    return exp(front) * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, evaluated from the front (Lentz's way)."""
    d = 1 / _not_zero(1 - (a + b) * x / (a + 1))
    c, value = 1.0, d
    for m in range(1, _ITERATIONS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for term in (even, odd):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            change = c * d
            value *= change
        if abs(change - 1) < _PRECISE:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def above(count: int, mean: float, variance: float) -> float:
    """Probability of more than `count`, for a mean and a relative variance beyond counting, both above 0."""
    if count < 0:
        return 1.0
    size = 1 / variance
    return beta_tail(count + 1, size, mean / (size + mean), size / (size + mean))


def below(count: int, mean: float, variance: float) -> float:
    """Probability of fewer than `count`."""
    if count <= 0:
        return 0.0
    size = 1 / variance
    return beta_tail(size, count, size / (size + mean), mean / (size + mean))


def log_empty(mean: float, variance: float) -> float:
    """Natural logarithm of the probability of none; 0 for a mean of 0."""
    return -log1p(variance * mean) / variance


def highest_usual(mean: float, variance: float, probability: float) -> int:
    """The least count that is exceeded with less than `probability`."""
    low, high = floor(mean) - 1, ceil(mean) + 1
    step = 1 + sqrt(mean + variance * mean * mean)
    while above(high, mean, variance) >= probability:
        low, high = high, high + ceil(step)
        step *= 1.5
    if above(low, mean, variance) < probability:
        low = -1  # a probability near one half, or a mean far below one
    while high - low > 1:
        middle = (low + high) // 2
        if above(middle, mean, variance) < probability:
            high = middle
        else:
            low = middle
    return high


def lowest_usual(mean: float, variance: float, probability: float) -> int:
    """The greatest count than which fewer come with less than `probability`; 0 where nothing is too few."""
    low, high = 0, ceil(mean) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if below(middle, mean, variance) < probability:
            low = middle
        else:
            high = middle
    return low


def upper_bound(mean: float, variance: float, unit: float, probability: float) -> float:
    """The total that is usual at the most, in the measure's unit; rounded in favour of the group.

    `unit` is what one count stands for: 1 for counts, the size-weighted mean of single values for sums.
    """
    counts = max(mean / unit, 0.01)
    scale = max(1.0, counts / LARGE)
    return (
        scale
        * unit
        * _highest(ceil(log(counts / scale) / _STEP), ceil(log(variance) / _VARIANCE_STEP), probability)
    )


def lower_bound(mean: float, variance: float, unit: float, probability: float) -> float:
    """The total that is usual at the least, in the measure's unit; rounded in favour of the group."""
    counts = max(mean / unit, 0.01)
    scale = max(1.0, counts / LARGE)
    return (
        scale
        * unit
        * _lowest(floor(log(counts / scale) / _STEP), ceil(log(variance) / _VARIANCE_STEP), probability)
    )


@lru_cache(maxsize=32_768)
def _highest(mean: int, variance: int, probability: float) -> int:
    return highest_usual(exp(mean * _STEP), exp(variance * _VARIANCE_STEP), probability)


@lru_cache(maxsize=32_768)
def _lowest(mean: int, variance: int, probability: float) -> int:
    return lowest_usual(exp(mean * _STEP), exp(variance * _VARIANCE_STEP), probability)
