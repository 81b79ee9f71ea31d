"""Attainment and error budget, from counts: never an average of ratios."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum
from typing import NamedTuple

from monitor.objectives.slo import Counted


class Figure(NamedTuple):
    """How an objective was kept over some time: exchanges, those that missed it, and how many might have.

    `allowed` is the sum of (1 - objective) x exchanges, each exchange under the objective in force then.
    """

    events: int
    bad: int
    allowed: float

    @property
    def attainment(self) -> float | None:
        """Share of good exchanges; None where there were none: neither kept nor missed."""
        return (self.events - self.bad) / self.events if self.events else None

    @property
    def budget_remaining(self) -> float | None:
        """What is left of the error budget: 1 is untouched, 0 used up, below 0 overdrawn; None without
        exchanges."""
        return 1 - self.bad / self.allowed if self.events else None


class Outcomes(NamedTuple):
    """What became of exchanges, by outcome class."""

    ok: int
    fault: int
    denied: int
    timeout: int

    @property
    def exchanges(self) -> int:
        """All of them."""
        return sum(self)

    def share(self, outcome: str) -> float | None:
        """The share of one class in all; None where there were none."""
        total = self.exchanges
        return int(getattr(self, outcome)) / total if total else None


def figure(parts: Iterable[tuple[Counted, float]]) -> Figure:
    """Put counts together that were judged by different objectives (shares between 0 and 1)."""
    held = list(parts)
    if len(held) == 1:  # nearly always: an agreement that did not change within the window
        ((events, bad), objective) = held[0]
        return Figure(events, bad, (1 - objective) * events)
    return Figure(
        sum(counted.events for counted, _ in held),
        sum(counted.bad for counted, _ in held),
        fsum((1 - objective) * counted.events for counted, objective in held),
    )
