"""Refuses objectives for which an alert could never be due: they would promise a watch that nobody keeps."""

from __future__ import annotations

import math
from collections.abc import Iterator

from monitor.objectives.burning import MIN_BAD_EVENTS, REQUIRED, limit, never_burns, too_few_calls
from monitor.objectives.slo import AVAILABILITY, ERROR_RATE, LATENCY, SYNCHRONISES
from monitor.registry.model import Agreement, Objectives, Service
from monitor.registry.problems import Problem
from monitor.registry.records import Located, R, Records

_SHOWN = 10_000  # four decimals of a limit, rounded to the safe side


def check_objectives(records: Records) -> Iterator[Problem]:
    """Yield a problem for each objective, of a service or an agreement's own, that could never alert.

    What an agreement takes over from its service is checked with the service only: there it is right for
    other agreements, and an agreement with a handful of calls a day has no other way to be written.
    """
    services = {each.record.id: each.record for each in records.services.located}
    for offered in records.services.located:
        yield from _ratios(offered, offered.record.objectives)
        yield from _frequency_of(offered, offered.record)
    for each in records.agreements.located:
        yield from _ratios(each, each.record.objectives)
        yield from _calls(each)
        service = services.get(each.record.service)
        if service is not None:
            yield from _frequency_of(each, service)
        yield from _term(each)


def _ratios(each: Located[R], objectives: Objectives) -> Iterator[Problem]:
    ratio = objectives.latency.ratio if objectives.latency else None
    for slo, written, path in (
        (AVAILABILITY, objectives.availability, ("availability",)),
        (LATENCY, ratio, ("latency", "ratio")),
    ):
        if written is not None and never_burns(slo, written):
            above = math.ceil(limit(slo) * _SHOWN) / _SHOWN
            yield each.problem(f"{_never(slo, written)}; write one above {above:g}", "objectives", *path)
    allowed = objectives.errorRate
    if allowed is not None and never_burns(ERROR_RATE, 1 - allowed):
        below = math.floor((1 - limit(ERROR_RATE)) * _SHOWN) / _SHOWN
        yield each.problem(
            f"{_never(ERROR_RATE, allowed)}; write one below {below:g}", "objectives", "errorRate"
        )


def _never(slo: str, written: float) -> str:
    factor = REQUIRED[slo].factor
    return (
        f"{written:g} could never alert: {factor:g} times as many bad exchanges as it allows "
        "are more than there are exchanges"
    )


def _calls(each: Located[Agreement]) -> Iterator[Problem]:
    """An agreement's own objective, where its ceiling leaves too few calls to judge it by."""
    ceiling = each.record.ceilings.calls_per_day
    if not too_few_calls(ceiling):
        return
    for name in ("availability", "latency", "errorRate"):
        if getattr(each.record.objectives, name) is not None:
            yield each.problem(
                f"could never alert: it takes {MIN_BAD_EVENTS} bad exchanges, "
                f"and calls_per_day is {ceiling}; leave it out, or raise the ceiling",
                "objectives",
                name,
            )


def _frequency_of(each: Located[R], service: Service) -> Iterator[Problem]:
    """A longest age where no copy is made of the data."""
    record = each.record
    if isinstance(record, Service | Agreement) and record.objectives.frequency is not None:
        if service.method in SYNCHRONISES:
            return
        methods = ", ".join(sorted(SYNCHRONISES))
        yield each.problem(
            f"could never alert: {service.id} is a {service.method}, and only the data of "
            f"{methods} can be too old",
            "objectives",
            "frequency",
        )


def _term(each: Located[Agreement]) -> Iterator[Problem]:
    """A longest age that the agreement ends before."""
    one = each.record
    frequency = one.objectives.frequency
    days = (one.end - one.start).days + 1
    if frequency is not None and frequency.total_seconds() >= days * 86_400:
        yield each.problem(
            f"could never alert: the data may be {frequency.total_seconds() / 86_400:g} days old, "
            f"and the agreement is in force for {days} days",
            "objectives",
            "frequency",
        )
