"""Empty hours: how improbable so many in a row are, given what usually comes."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import NamedTuple

from alerts.baselines.counts import log_empty


class Silence(NamedTuple):
    """A run of empty hours: when it began, how many of them usually are not empty, what was expected in all
    of them (in the measure's unit), and the natural logarithm of the probability of them all."""

    since: int = 0
    hours: int = 0
    expected: float = 0.0
    log_probability: float = 0.0


def longer(silence: Silence, hour: int, expected: float, log_probability: float) -> Silence:
    """The run with one more empty hour."""
    return Silence(
        silence.since if silence.since else hour,
        silence.hours + (log_probability < 0),
        silence.expected + expected,
        silence.log_probability + log_probability,
    )


def log_probability_of_empty(mean: float, variance: float, unit: float, before: Sequence[float]) -> float:
    """Natural logarithm of the probability that an hour is empty; 0 where emptiness says nothing.

    `before` are the totals of like hours. Where some of them were empty, their share is believed over the
    distribution if it is higher: it knows of closed desks, which no distribution of counts does. The share is
    (empty + 1/2) / (all + 1), so that few hours prove little. Hours are taken as independent.
    """
    if mean <= 0:
        return 0.0
    by_distribution = log_empty(mean / unit, variance)
    empty = sum(1 for total in before if total <= 0)
    if not empty:
        return by_distribution
    return max(by_distribution, log((empty + 0.5) / (len(before) + 1)))
