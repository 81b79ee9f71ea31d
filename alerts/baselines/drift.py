"""A slow rise: the one-sided cumulative sum of standardised residuals (Page 1954), a step a day.

Days and not hours are its steps, because the hours of one day rise and fall together.
"""

from __future__ import annotations

from math import exp
from typing import Final, NamedTuple

REFERENCE: Final = 0.75
"""Taken off at every step, in standard deviations: half of the rise that is to be found soonest, 1.5
deviations (where days vary by 10 %, that is 15 %).

The sum is compared with the rule's sensitivity, its decision interval. At the default of 5, and without any
drift, the sum of independent normal residuals passes it once in 9200 days for one group; a steady rise of 1.5
deviations passes it after 8 days, one of 3 after 3 days (`run_length`)."""
LARGEST_RESIDUAL: Final = 3.0
"""One day moves the sum by so much at the most: a single bulk hour is no drift."""
STEP_COUNTS: Final = 25.0
"""Days are put together until so many counts are expected, so that a residual is near normal."""
OVERSHOOT: Final = 1.5
"""The sum stays within this above the interval, so that an end of the drift is seen two days later."""


class Drift(NamedTuple):
    """The sum, what it is made of since it last was zero, and the hours that wait to make a step.

    `excess` is seen less expected, in the measure's unit; `since` is the hour in which the sum left zero.
    """

    sum: float = 0.0
    excess: float = 0.0
    since: int = 0
    waiting_seen: float = 0.0
    waiting_expected: float = 0.0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to remember."""
        return self.sum == 0 and not self.waiting

    @property
    def waiting(self) -> bool:
        """Whether hours wait for the end of their day."""
        return self.waiting_expected > 0 or self.waiting_seen > 0


def gather(drift: Drift, seen: float, expected: float) -> Drift:
    """Take one hour in: what was seen, and what was expected."""
    return drift._replace(
        waiting_seen=drift.waiting_seen + seen, waiting_expected=drift.waiting_expected + expected
    )


def step(drift: Drift, hour: int, variance: float, unit: float, interval: float) -> Drift:
    """Make a step of the hours that wait, at the end of a day; with too few counts expected, they wait on.

    `hour` is the day's last hour, `variance` the relative variance of a day's total beyond counting.
    """
    expected = drift.waiting_expected
    if expected < STEP_COUNTS * unit:
        return drift
    deviation: float = (unit * expected + variance * expected * expected) ** 0.5
    residual = (drift.waiting_seen - expected) / deviation
    residual = min(max(residual, -LARGEST_RESIDUAL), LARGEST_RESIDUAL)
    total = min(drift.sum + residual - REFERENCE, interval + OVERSHOOT)
    if total <= 0:
        return Drift()
    return Drift(
        sum=total,
        excess=drift.excess + drift.waiting_seen - expected,
        since=drift.since if drift.sum > 0 else hour,
    )


def run_length(shift: float, interval: float, reference: float = REFERENCE) -> float:
    """Mean number of steps until the sum passes `interval` when residuals have mean `shift` and variance 1.

    Siegmund's approximation (1985), with his correction of 1.166 for the overshoot.
    """
    slope = shift - reference
    limit = interval + 1.166
    if abs(slope) < 1e-9:
        return limit**2
    return (exp(-2 * slope * limit) + 2 * slope * limit - 1) / (2 * slope**2)
