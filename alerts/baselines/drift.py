"""A slow rise: the one-sided cumulative sum of standardised residuals (Page 1954)."""

from __future__ import annotations

from math import exp
from typing import Final, NamedTuple

REFERENCE: Final = 0.75
"""Taken off at every step, in standard deviations: half of the rise that is to be found soonest, here 30 %
where hours vary by 20 % (1.5 deviations)."""
INTERVAL: Final = 2.0
"""The decision interval is this times the rule's sensitivity: 10 deviations by default.

Without any drift the sum of independent normal residuals then passes it once in 15 million steps, that is
for one group in 1700 years; a steady rise of 1.5 deviations passes it after 15 steps, one of 1 deviation
after 42 (`run_length`). Real hours of one day are alike, which is what the margin is for."""
LARGEST_RESIDUAL: Final = 3.0
"""One hour moves the sum by so much at the most: a single bulk hour is no drift."""
STEP_COUNTS: Final = 25.0
"""Hours are put together until so many counts are expected, so that a residual is near normal."""
OVERSHOOT: Final = 5.0
"""The sum stays within this above the interval, so that an end of the drift is seen within a day."""


class Drift(NamedTuple):
    """The sum, what it is made of since it last was zero, and the hours that wait to make a step.

    `excess` is seen less expected, in the measure's unit; `since` is the hour in which the sum left zero.
    """

    sum: float = 0.0
    excess: float = 0.0
    since: int = 0
    waiting_seen: float = 0.0
    waiting_expected: float = 0.0
    waiting_variance: float = 0.0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to remember."""
        return self.sum == 0 and self.waiting_expected == 0 and self.waiting_seen == 0


def step(
    drift: Drift, hour: int, seen: float, expected: float, variance: float, unit: float, interval: float
) -> Drift:
    """Take one hour in: what was seen, what was expected, and the relative variance beyond counting."""
    waiting_seen = drift.waiting_seen + seen
    waiting_expected = drift.waiting_expected + expected
    # Hours that are put together are taken to vary together: the cautious assumption.
    waiting_variance = max(drift.waiting_variance, variance)
    if waiting_expected < STEP_COUNTS * unit:
        return drift._replace(
            waiting_seen=waiting_seen, waiting_expected=waiting_expected, waiting_variance=waiting_variance
        )
    deviation: float = (unit * waiting_expected + waiting_variance * waiting_expected**2) ** 0.5
    residual = (waiting_seen - waiting_expected) / deviation
    residual = min(max(residual, -LARGEST_RESIDUAL), LARGEST_RESIDUAL)
    total = min(drift.sum + residual - REFERENCE, interval + OVERSHOOT)
    if total <= 0:
        return Drift()
    return Drift(
        sum=total,
        excess=drift.excess + waiting_seen - waiting_expected,
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
