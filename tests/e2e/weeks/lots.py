"""Chance: counts and factors drawn from one seeded generator."""

from __future__ import annotations

from math import exp, sqrt
from random import Random

_EXACT = 30.0  # above, the normal distribution is as good


def poisson(rng: Random, mean: float) -> int:
    """A count with this mean."""
    if mean <= 0:
        return 0
    if mean > _EXACT:
        return max(0, round(rng.gauss(mean, sqrt(mean))))
    limit, product, count = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def spread(rng: Random, sigma: float) -> float:
    """A factor around 1: log-normal with this standard deviation of the logarithm."""
    return exp(rng.gauss(0.0, sigma))
