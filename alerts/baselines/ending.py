"""What is judged when an hour has ended: too little, nothing at all, or more and more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import log
from typing import Final, NamedTuple

from alerts.baselines import drift as drifts
from alerts.baselines import silence as silences
from alerts.baselines.counts import lower_bound, tail
from alerts.baselines.drift import Drift
from alerts.baselines.member import Member
from alerts.baselines.season import DAY_HOURS, Calendar, Season
from alerts.baselines.silence import Silence
from alerts.baselines.spread import median
from alerts.baselines.usual import Usual, usual_at_least, usual_on_average, usual_when_quiet
from alerts.rule import Baseline

SIBLINGS: Final = 8
"""Groups from which it can be told whether everybody does less or more; with fewer, nobody's own change
could be told from everybody's."""
ENOUGH: Final = 5.0  # counts expected of a group whose ratio of seen to expected says something


class Ended(NamedTuple):
    """A group in an hour that has ended; `seen` is None when there was no event.

    `over` is True when the group was judged in that hour before: it only tells how everybody does.
    """

    member: Member
    seen: int | None
    over: bool = False


class Verdict(NamedTuple):
    """A departure: since which hour, in figures, and what is learned of the hour instead of what was seen."""

    since: int
    facts: dict[str, float | int | str]
    learned: int


Judge = Callable[[int, Season, list[Ended]], Iterable[Verdict | None]]
"""Judges all groups in one hour, in their order, and notes what it must remember with each of them."""


def judge_of(rule: Baseline, calendar: Calendar) -> Judge:
    """The judge for a rule's direction. Raises KeyError for `above`, which is judged at once."""
    judges = {"below": _below, "silence": _silence, "drift": _drift}
    judge = judges[rule.direction]
    return lambda hour, season, ended: judge(rule, calendar, hour, season, ended)


def everybody(pairs: Iterable[tuple[float, Usual]]) -> float:
    """The median of seen by expected over groups, from (seen, usual) of each; 1 when too few can tell."""
    ratios = [seen / usual.mean for seen, usual in pairs if usual.mean >= ENOUGH * usual.unit]
    return median(ratios) if len(ratios) >= SIBLINGS else 1.0


def _below(
    rule: Baseline, calendar: Calendar, hour: int, season: Season, ended: list[Ended]
) -> Iterable[Verdict | None]:
    sums = rule.measure == "sum"
    usuals = [usual_at_least(one.member, calendar, season, sums) for one in ended]
    less = min(1.0, _everybody(ended, usuals))
    probability = tail(rule.sensitivity)
    for (_, seen, over), usual in zip(ended, usuals, strict=True):
        if over or usual is None or usual.mean <= 0 or less <= 0:
            yield None
            continue
        expected = usual.mean * less
        bound = min(lower_bound(expected, usual.variance, usual.unit, probability), expected - rule.floor)
        if (seen or 0) >= bound:
            yield None
            continue
        facts: dict[str, float | int | str] = {
            "expected": round(expected, 1),
            "lower_bound": round(bound, 1),
            "seen": seen or 0,
        }
        yield Verdict(hour, facts, int(bound))


def _silence(
    rule: Baseline, calendar: Calendar, hour: int, season: Season, ended: list[Ended]
) -> Iterable[Verdict | None]:
    sums = rule.measure == "sum"
    quiets = [usual_when_quiet(one.member, calendar, season, sums) for one in ended]
    less = min(1.0, _everybody(ended, [quiet[0] if quiet else None for quiet in quiets]))
    limit = log(tail(rule.sensitivity))
    for (member, seen, over), quiet in zip(ended, quiets, strict=True):
        if over:
            yield None
            continue
        if seen is not None:
            member.silence = Silence()
            yield None
            continue
        chance, expected = 0.0, 0.0
        if quiet is not None:
            usual, before = quiet
            expected = usual.mean * less
            chance = silences.log_probability_of_empty(expected, usual.variance, usual.unit, before)
        if chance < 0 or member.silence.hours:
            member.silence = silences.longer(member.silence, hour, expected, chance)
        run = member.silence
        if run.log_probability >= limit or run.expected < rule.floor:
            yield None
            continue
        yield Verdict(
            run.since,
            {
                "expected": round(run.expected, 1),
                "seen": 0,
                "empty_hours": hour - run.since + 1,
                "log10_probability": round(run.log_probability / log(10), 1),
            },
            0,
        )


def _drift(
    rule: Baseline, calendar: Calendar, hour: int, season: Season, ended: list[Ended]
) -> Iterable[Verdict | None]:
    sums = rule.measure == "sum"
    usuals = [usual_on_average(one.member, calendar, season, sums) for one in ended]
    more = max(1.0, _everybody(ended, usuals))
    interval = rule.sensitivity
    day_ends = season.slot % DAY_HOURS == DAY_HOURS - 1
    for (member, seen, over), usual in zip(ended, usuals, strict=True):
        if over:
            yield None
            continue
        total = seen or 0
        if usual is not None:
            member.drift = drifts.gather(member.drift, total, usual.mean * more)
            if day_ends:
                variance = member.daily_variance(calendar, season.week, usual.unit)
                member.drift = drifts.step(member.drift, hour, variance, usual.unit, interval)
        now: Drift = member.drift
        if now.sum <= interval or now.excess < rule.floor:
            yield None
            continue
        facts: dict[str, float | int | str] = {
            "expected": round(usual.mean * more, 1) if usual else 0,
            "seen": total,
            "excess": round(now.excess, 1),
            "cumulative_sum": round(now.sum, 1),
            "decision_interval": round(interval, 1),
        }
        yield Verdict(now.since, facts, total)


def _everybody(ended: list[Ended], usuals: list[Usual | None]) -> float:
    pairs = [
        (float(one.seen or 0), usual) for one, usual in zip(ended, usuals, strict=True) if usual is not None
    ]
    return everybody(pairs)
