"""Risk in the database: detections are added within the transaction of their partition, and read over all."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, case, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from alerts.model import Detection
from alerts.risk.score import HALF_LIVES, Risk, Weighed
from alerts.risk.tables import risk
from monitor.judging.terms import UNREGISTERED
from monitor.storage.tables import from_microseconds

DAY_MS: Final = 86_400_000
# 2**53, as counts on events: a sum that large has lost its meaning, and must not overflow the column.
_LARGEST: Final = 2**53

_Key = tuple[int, str, str]


def add_detections(
    connection: Connection,
    topic: str,
    partition: int,
    detections: Iterable[Detection],
    *,
    weight: Callable[[str], int],
    registered: Container[str],
) -> None:
    """Add detections of a partition, in the transaction that also moves its offset.

    Rows are added to, not written whole: as the offset moves by compare-and-set in the same transaction, a
    detection is added exactly once, and a worker need not keep the rows in memory. `weight` gives a rule's
    risk score; rules without one are left out. Agencies that are not `registered` count under one name, so
    that rows are bounded by agencies, rules and days.
    """
    rows: dict[_Key, dict[str, Any]] = {}
    for detection in detections:
        weighs = weight(detection.rule)
        if weighs < 1 or detection.count < 1:
            continue
        agency = detection.agency if detection.agency in registered else UNREGISTERED
        key = (detection.last_ms // DAY_MS, agency, detection.rule)
        last = from_microseconds(detection.last_ms * 1000)
        row = rows.get(key)
        if row is None:
            rows[key] = {
                "day": key[0],
                "agency": agency,
                "rule": detection.rule,
                "topic": topic,
                "partition": partition,
                "weight": weighs,
                "count": min(detection.count, _LARGEST),
                "last_time": last,
            }
        else:
            row["count"] = min(row["count"] + detection.count, _LARGEST)
            row["last_time"] = max(row["last_time"], last)
    if not rows:
        return
    connection.execute(_adding(connection.dialect.name), [rows[key] for key in sorted(rows)])


@cache
def _adding(dialect_name: str) -> Any:
    """Made once: making the statement takes several times as long as running it."""
    dialect = postgresql if dialect_name == "postgresql" else sqlite
    statement = dialect.insert(risk)
    new, old = statement.excluded, risk.c
    total = old["count"] + new["count"]
    return statement.on_conflict_do_update(
        index_elements=list(risk.primary_key),
        set_={
            "count": case((total > _LARGEST, _LARGEST), else_=total),
            "last_time": case((new.last_time > old.last_time, new.last_time), else_=old.last_time),
            # A rule's score that was changed during a day: the larger holds for it, whichever came first.
            "weight": case((new.weight > old.weight, new.weight), else_=old.weight),
        },
    )


def read_risk(connection: Connection, now: datetime, half_life: timedelta) -> Risk:
    """All that still counts at `now`, summed over partitions."""
    total, last, weight = func.sum(risk.c["count"]), func.max(risk.c.last_time), func.max(risk.c.weight)
    query = (
        select(risk.c.agency, risk.c.rule, weight, total, last)
        .where(risk.c.day >= _oldest_day(now, half_life))
        .group_by(risk.c.day, risk.c.agency, risk.c.rule)
    )
    # PostgreSQL adds integers up to a decimal.
    rows = (
        Weighed(agency, rule, int(weighs), int(count), at)
        for agency, rule, weighs, count, at in connection.execute(query)
    )
    return Risk.of(rows, half_life)


def forget_risk(connection: Connection, now: datetime, half_life: timedelta) -> int:
    """Delete the rows of days that count no more; return how many. Any worker may, as often as it likes."""
    old = delete(risk).where(risk.c.day < _oldest_day(now, half_life))
    return connection.execute(old).rowcount


def _oldest_day(now: datetime, half_life: timedelta) -> int:
    since = now - HALF_LIVES * half_life - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(milliseconds=DAY_MS)
