"""When an objective alerts, and which objectives never could.

The pairs of windows and factors are those of Google's SRE workbook, chapter "Alerting on SLOs": an alert is
due when in both windows of a pair the share of bad exchanges is more than `factor` times the share that the
objective allows, and at least MIN_BAD_EVENTS were bad in the long one. The rules in deploy/prometheus use the
same numbers.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from monitor.objectives.slo import AVAILABILITY, ERROR_RATE, LATENCY

MIN_BAD_EVENTS: Final = 5
"""Fewer bad exchanges than this prove nothing about an objective, whatever their share."""


class BurnRate(NamedTuple):
    """A pair of windows, and how many times faster than allowed bad exchanges must come in both."""

    factor: float
    long: timedelta
    short: timedelta


FAST = BurnRate(14.4, timedelta(hours=1), timedelta(minutes=5))
SLOW = BurnRate(6, timedelta(hours=6), timedelta(minutes=30))
BURN_RATES: Final = (
    FAST,
    SLOW,
    BurnRate(3, timedelta(days=1), timedelta(hours=2)),
    BurnRate(1, timedelta(days=3), timedelta(hours=6)),
)

REQUIRED: Final = {AVAILABILITY: FAST, ERROR_RATE: FAST, LATENCY: SLOW}
"""The pair that must be within reach. A service that answers nobody has to wake somebody within the hour.
One that answers everybody too slowly still works: six hours will do, and 90 % within the limit, which is
usual for synchronisation, stays a possible objective. The slower pairs are then within reach too."""


def never_burns(slo: str, objective: float) -> bool:
    """Whether even all exchanges being bad is no faster than the factor that must be within reach."""
    return REQUIRED[slo].factor * (1 - objective) >= 1


def limit(slo: str) -> float:
    """The objective above which the factor that must be within reach can be reached."""
    return 1 - 1 / REQUIRED[slo].factor


def too_few_calls(calls_per_day: int | None) -> bool:
    """Whether a ceiling allows fewer calls than must be bad.

    Both windows that can be required are shorter than a day, so that a day's calls are the most that they
    can hold; that two days' calls could meet around midnight is not counted on.
    """
    return calls_per_day is not None and calls_per_day < MIN_BAD_EVENTS
