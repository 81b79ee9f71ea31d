"""The score of risk: a decaying sum of what rules detected, in which repeats of one rule count ever less.

For each agency a, rule r and UTC day d of event time the table holds n, the events behind its detections
(an integer, summed over partitions), and t, the time of the last of them. At a moment T

    points(r, d) = weight(r) · (1 + log10(min(n, 100))) · 2 ** (-(T - t) / half-life)
    total(a)     = sum of points over rules and days
    score(a)     = 100 · (1 - e ** (-total / 100))

`weight` is the rule's risk score, 0 to 100. What was detected once counts once, ten times in a day twice, a
hundred times or more three times: one noisy rule cannot drown the others, and with a half-life of a day it
never comes to more than nine times its weight, however long and loud it is (3 today, and at midnight as much
of yesterday, half of it of the day before, and so on). The score runs from 0 (nothing) up to, but not
including, 100; one fresh detection of weight 85 shows as 57. Counts add up and last times are a maximum, so
neither the order of detections nor how they are spread over partitions changes it; a detection counts whole
on the day of its last event.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

FULL_SCORE: Final = 100.0
SCALE: Final = 100.0  # points at which the score is 63: the weight of the gravest single alert
COUNTS_UP_TO: Final = 100  # more of one rule and day than this change nothing
HALF_LIVES: Final = 10  # after which what was detected is forgotten: a thousandth is left


class Weighed(NamedTuple):
    """What one rule detected of one agency on one day."""

    agency: str
    rule: str
    weight: int
    events: int
    last: datetime


class Contribution(NamedTuple):
    """What one rule adds to an agency's total, in points."""

    rule: str
    points: float


def points(weighed: Weighed, at: datetime, half_life: timedelta) -> float:
    """Points of one rule and day at a moment; an event ahead of it counts as of now. 0 when long ago."""
    if weighed.events < 1 or weighed.weight < 1:
        return 0.0
    age = max(at - weighed.last, timedelta(0)) / half_life
    if age > HALF_LIVES:
        return 0.0
    repeats = 1 + math.log10(min(weighed.events, COUNTS_UP_TO))
    return float(weighed.weight * repeats * 2**-age)


def score_of(total: float) -> float:
    """Points as they are shown: 0 to 100, growing ever more slowly."""
    # Above 37 times SCALE floating point would round to 100.
    return min(-FULL_SCORE * math.expm1(-total / SCALE), math.nextafter(FULL_SCORE, 0))


@dataclass(frozen=True, slots=True)
class Risk:
    """What is known of all agencies, as it was read once; scores are worked out for any moment after.

    Nothing in it changes, so one thread can replace it while another reads it.
    """

    half_life: timedelta
    by_agency: Mapping[str, tuple[Weighed, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, weighed: Iterable[Weighed], half_life: timedelta) -> Risk:
        """From rows that are already summed over partitions."""
        found: dict[str, list[Weighed]] = {}
        for one in weighed:
            found.setdefault(one.agency, []).append(one)
        # Sorted, so that sums of floating point do not depend on the order in which rows were read.
        return cls(half_life, {agency: tuple(sorted(rows)) for agency, rows in sorted(found.items())})

    def score(self, agency: str, at: datetime) -> float:
        """The score of an agency, 0 to 100; 0 for one of which nothing is known."""
        return score_of(self._total(agency, at))

    def scores(self, at: datetime) -> dict[str, float]:
        """The scores of all agencies of which anything is known, by code."""
        return {agency: self.score(agency, at) for agency in self.by_agency}

    def explain(self, agency: str, at: datetime) -> list[Contribution]:
        """What each rule adds to an agency's total, in points, the most first.

        `score_of` their sum is the score. Rules that add nothing any more are left out.
        """
        by_rule: dict[str, list[float]] = {}
        for one in self.by_agency.get(agency, ()):
            by_rule.setdefault(one.rule, []).append(points(one, at, self.half_life))
        found = [Contribution(rule, math.fsum(days)) for rule, days in by_rule.items()]
        return sorted((one for one in found if one.points > 0), key=lambda one: (-one.points, one.rule))

    def _total(self, agency: str, at: datetime) -> float:
        return math.fsum(points(one, at, self.half_life) for one in self.by_agency.get(agency, ()))
