"""The rhythm of offices: how many exchanges an hour of the week sees, and when each one comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from math import log
from random import Random
from zoneinfo import ZoneInfo

# Relative to the busiest hour of a working day, local time; made up in the shape of office hours: a morning
# peak at 9, a dip at noon, a lower afternoon peak, and night-time synchronisation that never quite stops.
_WORKING_DAY = (
    0.08, 0.06, 0.06, 0.06, 0.07, 0.10, 0.22, 0.55, 0.90, 1.00, 0.97, 0.75,
    0.38, 0.62, 0.88, 0.90, 0.78, 0.45, 0.25, 0.20, 0.18, 0.15, 0.12, 0.10,
)  # fmt: skip
_DAY = (1.05, 1.0, 1.0, 0.98, 0.95, 0.35, 0.18)  # Monday first: some one-stop desks open on Saturday
_HOURS_A_WEEK = 168
_MEAN = sum(day * hour for day in _DAY for hour in _WORKING_DAY) / _HOURS_A_WEEK
_HOUR = 3600.0
_REFRESH = 10.0  # seconds of event time for which the weight is taken as constant

WEEK = tuple(day * hour / _MEAN for day in _DAY for hour in _WORKING_DAY)
"""Weight of each hour of the week, Monday 0:00 local time first; the mean is 1."""


def weight(time: float, zone: ZoneInfo) -> float:
    """How busy a moment (epoch seconds) is relative to the week's mean; linear between middles of hours."""
    local = datetime.fromtimestamp(time, zone)
    hours = local.weekday() * 24 + local.hour + (local.minute * 60 + local.second) / _HOUR - 0.5
    before = int(hours // 1)
    part = hours - before
    return (1 - part) * WEEK[before % _HOURS_A_WEEK] + part * WEEK[(before + 1) % _HOURS_A_WEEK]


def arrivals(start: float, rate: float, seed: int, zone: ZoneInfo | None) -> Iterator[float]:
    """Yield event times without end, epoch seconds rising from `start`, as a Poisson process.

    `rate` is events a second, the week's mean where `zone` gives the rhythm and steady where it is None.
    """
    time, mean_gap, refresh = start, 1 / rate, start
    random = Random(f"{seed}:arrivals").random
    while True:
        if time >= refresh and zone is not None:
            mean_gap = 1 / (rate * weight(time, zone))
            refresh = time + _REFRESH
        time -= log(1.0 - random()) * mean_gap
        yield time
