"""Names on exchanges that the registry did not hold when they were counted, with their volume."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, func, select

from monitor.storage import tables


class Gap(NamedTuple):
    """A name, and on how many exchanges it stood; `kind` is agency or service."""

    kind: str
    name: str
    exchanges: int
    last_time: datetime  # when the last of them was counted


def read_gaps(engine: Engine, since: datetime | None = None) -> list[Gap]:
    """All gaps, summed over partitions, the largest first; with `since` only those seen since then.

    Exchanges are those of all time, also with `since`. Raises sqlalchemy.exc.DBAPIError.
    """
    gaps = tables.gaps.c
    total, last = func.sum(gaps["count"]), func.max(gaps.last_time)
    query = select(gaps.kind, gaps.name, total, last).group_by(gaps.kind, gaps.name)
    query = query.order_by(total.desc(), gaps.kind, gaps.name)
    if since is not None:
        query = query.having(last >= since)
    with engine.connect() as connection:
        # PostgreSQL adds integers up to a decimal.
        return [Gap(kind, name, int(number), at) for kind, name, number, at in connection.execute(query)]
