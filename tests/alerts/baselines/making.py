"""Builders for the tests of baselines: rules, hours of local weeks, simulated series, sums of detections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from alerts.baselines.kind import BaselineKind
from alerts.baselines.season import HOUR_MS, WEEK_HOURS
from alerts.engine.kind import Observation
from alerts.model import EVIDENCE, Detection, Evidence, Group, Level, RuleInfo
from alerts.rule import Baseline
from monitor.simulation.rhythm import WEEK

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MONDAY = 494_009  # 2026-05-11 00:00 in the zone, in hours since 1970; no holiday within twelve weeks
RATE = 32 * 3600  # exchanges an hour on the national platform, on average


def rule(direction: str = "above", **changes: Any) -> Baseline:
    """A baseline by consumer and service, with the defaults of the rule format."""
    given: dict[str, Any] = {
        "info": RuleInfo("rule-1", "Unusual volume", Level.HIGH, agency="consumer"),
        "parts": ("exchange",),
        "group_by": ("consumer", "service"),
        "fields": ({},),
        "timespan": 3600,
        "direction": direction,
    }
    return Baseline(**{**given, **changes})


def pair(consumer: str = "MOH", service: str = "population.verify") -> Group:
    """A group."""
    return (("consumer", consumer), ("service", service))


def at(week: int, day: int, hour: int) -> int:
    """An hour since 1970: of a week after MONDAY, a day (0 is Monday) and an hour in the zone."""
    return MONDAY + week * WEEK_HOURS + day * 24 + hour


def seen(
    hour: int,
    number: int = 0,
    *,
    group: Group | None = None,
    value: str | float | None = None,
    after: int = 0,
) -> Observation:
    """An event in an hour, `after` ms into it; events of an hour are told apart by `number`."""
    return Observation(group or pair(), hour * HOUR_MS + after, f"{hour}-{number:05}", "MOH", 0, value)


def close(kind: BaselineKind, hour: int) -> list[Detection]:
    """Tell that an hour is over."""
    return list(kind.advance((hour + 1) * HOUR_MS))


def feed(
    kind: BaselineKind, first: int, last: int, total: Callable[[int], int], group: Group | None = None
) -> list[Detection]:
    """Run hours (the last one excluded) with given totals through a kind, closing each."""
    found: list[Detection] = []
    for hour in range(first, last):
        found += kind.observe_total(group or pair(), hour, total(hour), agency="MOH", event_id=str(hour))
        found += close(kind, hour)
    return found


Summed = tuple[int, int, int, tuple[Evidence, ...], Mapping[str, float | int | str]]


def summed(detections: Iterable[Detection]) -> dict[Group, Summed]:
    """Detections added up by group, as the model says: count, first, last, evidence, latest facts."""
    sums: dict[Group, Summed] = {}
    for one in detections:
        count, first, last, evidence, facts = sums.get(one.group, (0, one.first_ms, -1, (), {}))
        named = tuple(sorted({*evidence, *one.evidence})[:EVIDENCE])
        latest = one.facts if one.last_ms > last else facts
        sums[one.group] = (count + one.count, min(first, one.first_ms), max(last, one.last_ms), named, latest)
    return sums


def office(level: float) -> Callable[[int], int]:
    """Totals with the rhythm of offices and nothing else; `level` is the mean of all hours."""
    return lambda hour: int(level * WEEK[(hour - MONDAY) % WEEK_HOURS] + 0.5)


class Platform:
    """A national platform's hourly totals: pairs of very different size, day and week rhythm, and noise.

    `spread` is the relative variance of an hour beyond chance (gamma), `days` the standard deviation of a
    pair's level from day to day (log-normal); `level` multiplies everything, by week.
    """

    def __init__(
        self,
        seed: int,
        *,
        pairs: int = 160,
        spread: float = 0.0,
        days: float = 0.0,
        level: Callable[[float], float] = lambda _week: 1.0,
    ) -> None:
        self._random = Random(seed)
        self._spread = spread
        self._days = days
        self._level = level
        parts = [1 / (rank + 1) for rank in range(pairs)]
        self._parts = [part / sum(parts) for part in parts]
        self.groups = [pair(f"C{rank}", f"service-{rank % 12}") for rank in range(pairs)]

    def hours(self, weeks: int) -> Iterator[tuple[int, list[tuple[Group, int]]]]:
        """Yield (hour, totals by group) for so many weeks from MONDAY."""
        random = self._random
        moods = [1.0] * len(self.groups)
        for passed in range(weeks * WEEK_HOURS):
            if passed % 24 == 0 and self._days:
                moods = [random.lognormvariate(0, self._days) for _ in self.groups]
            base = RATE * WEEK[passed % WEEK_HOURS] * self._level(passed / WEEK_HOURS)
            totals = []
            for rank, group in enumerate(self.groups):
                mean = base * self._parts[rank] * moods[rank]
                if self._spread:
                    mean *= random.gammavariate(1 / self._spread, self._spread)
                totals.append((group, by_chance(random, mean)))
            yield MONDAY + passed, totals


def by_chance(random: Random, mean: float) -> int:
    """A number that is Poisson distributed; a normal one from 50 on, which is as good here."""
    if mean > 50:
        return max(0, int(random.gauss(mean, mean**0.5) + 0.5))
    left, number = random.expovariate(1), 0
    while left < mean:
        left += random.expovariate(1)
        number += 1
    return number
