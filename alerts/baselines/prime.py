"""Histories from the ledger: what a worker knows of the weeks before it first ran with baselines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from alerts.baselines.kind import BaselineKind
from alerts.baselines.season import HISTORY_WEEKS, WEEK_HOURS
from alerts.model import Group
from alerts.rule import Baseline
from monitor.storage.tables import cells

HOUR_S: Final = 3600
# Fields of an exchange that the ledger has sums of.
_SUMS: Final = ("records", "request_bytes", "response_bytes")


class PastHour(NamedTuple):
    """What one consumer and service did in one hour (hours since 1970, UTC): exchanges, and sums by field."""

    consumer: str
    service: str
    hour: int
    exchanges: int
    sums: Mapping[str, int]


def past_hours(
    connection: Connection, topic: str, partition: int, until_hour: int, weeks: int = HISTORY_WEEKS
) -> Iterator[PastHour]:
    """Read one partition's hours from the ledger, by time: the `weeks` before `until_hour`, itself excluded.

    `until_hour` must be an hour of which no event will be read again: that of the partition's newest event,
    or an earlier one.
    """
    columns = cells.c
    exchanges = func.sum(columns.ok + columns.fault + columns.denied + columns.timeout)
    query = (
        select(
            columns.hour,
            columns.consumer,
            columns.service,
            exchanges,
            *[func.sum(columns[name]) for name in _SUMS],
        )
        .where(
            columns.topic == topic,
            columns.partition == partition,
            columns.hour >= (until_hour - weeks * WEEK_HOURS) * HOUR_S,
            columns.hour < until_hour * HOUR_S,
        )
        .group_by(columns.hour, columns.consumer, columns.service)
        .order_by(columns.hour, columns.consumer, columns.service)
    )
    for hour, consumer, service, number, *sums in connection.execute(query):
        totals = {name: int(total) for name, total in zip(_SUMS, sums, strict=True)}
        yield PastHour(consumer, service, int(hour) // HOUR_S, int(number), totals)


def can_be_primed(rule: Baseline) -> bool:
    """Whether the ledger knows what a rule measures, if its parts match every exchange.

    That is so for counts, and for sums of records or bytes, by consumer, service or both. Whether the parts
    do match every exchange is for the caller to know: the ledger has no rules' matches.
    """
    if not rule.group_by or not set(rule.group_by) <= {"consumer", "agency", "service"}:
        return False
    return rule.measure == "count" or (rule.measure == "sum" and rule.value_field in _SUMS)


def prime(kind: BaselineKind, rule: Baseline, hours: Iterable[PastHour]) -> int:
    """Feed past hours, in order of time, to a kind that has no state yet; return how many totals it took.

    Raises ValueError for a rule that cannot be primed.
    """
    if not can_be_primed(rule):
        raise ValueError(f"{rule.info.title}: the ledger does not hold what it measures")
    taken = 0
    current: int | None = None
    totals: dict[Group, tuple[int, int, str]] = {}
    for past in hours:
        if past.hour != current:
            taken += _feed(kind, current, totals)
            current, totals = past.hour, {}
        fields = {"consumer": past.consumer, "agency": past.consumer, "service": past.service}
        group = tuple((name, fields[name]) for name in sorted(rule.group_by))
        total = past.exchanges if rule.measure == "count" else past.sums[rule.value_field or ""]
        before, number, _ = totals.get(group, (0, 0, ""))
        agency = fields.get(rule.info.agency, past.consumer)
        totals[group] = (before + total, number + past.exchanges, agency)
    return taken + _feed(kind, current, totals)


def _feed(kind: BaselineKind, hour: int | None, totals: Mapping[Group, tuple[int, int, str]]) -> int:
    if hour is None:
        return 0
    for group, (total, number, agency) in totals.items():
        kind.prime(group, hour, total, agency=agency, events=number)
    return len(totals)
