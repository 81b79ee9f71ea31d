"""Alerts under lock: whoever changes some locks them first, in one order, so that none waits in a ring."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    tuple_,
)

from alerts.lifecycle.alert import Alert, Change
from alerts.lifecycle.rows import alert_of, outbox_row, row_of
from alerts.lifecycle.tables import alerts, outbox, series
from monitor.storage.rows import portions, rows_under
from monitor.storage.upsert import insert_new, upsert


def lock(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    """Lock the alerts of these ids to the transaction's end; return the number of each one's last episode.

    An id without alerts gets its row, so that there is something to lock. On PostgreSQL two transactions take
    rows in order of id, first all new ones and then all; on SQLite a transaction has the file to itself.
    """
    last: dict[str, int] = {}
    while missing := sorted(set(ids) - last.keys()):  # again where one was pruned between the two steps
        for some in portions(missing):
            insert_new(connection, series, [{"id": one, "last_episode": 0} for one in some])
        for some in portions(missing):
            last.update((row[0], row[1]) for row in connection.execute(_lock_series, {"some_ids": some}))
    return last


def reachable(connection: Connection, since: Mapping[str, datetime]) -> dict[str, list[Alert]]:
    """The episodes of locked ids that a detection may reach which begins at `since`, and the open ones."""
    held: defaultdict[str, list[Alert]] = defaultdict(list)
    for some in portions(sorted(since)):
        given = {"some_ids": some, "earliest": min(since[one] for one in some)}
        for row in connection.execute(_reachable, given).mappings():
            held[row["id"]].append(alert_of(row))
    return held


def episodes(connection: Connection, keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], Alert]:
    """Some episodes, by id and number; those that are gone are left out."""
    rows = rows_under(connection, alerts, ("id", "episode"), sorted(keys), {})
    return {(row["id"], row["episode"]): alert_of(row) for row in rows}


def put(connection: Connection, changed: Sequence[Alert], changes: Sequence[Change]) -> None:
    """Write alerts that are locked, and note what happened to them."""
    upsert(connection, alerts, [row_of(one) for one in changed])
    if changes:
        connection.execute(_tell, [outbox_row(change) for change in changes])


def remove(connection: Connection, gone: Sequence[Alert]) -> None:
    """Delete episodes that are locked."""
    for some in portions(sorted((one.id, one.episode) for one in gone)):
        connection.execute(delete(alerts).where(tuple_(alerts.c.id, alerts.c.episode).in_(some)))


def locked_where(
    connection: Connection, condition: ColumnElement[bool], order: ColumnElement[datetime], limit: int
) -> list[Alert]:
    """Lock up to `limit` episodes that meet a condition, the first in an order, and read them.

    What another transaction changed while this one waited for the locks is judged as it is then.
    """
    column = alerts.c
    keys = connection.execute(
        select(column.id, column.episode).where(condition).order_by(order, column.id).limit(limit)
    ).all()
    if not keys:
        return []
    lock(connection, {one.id for one in keys})
    found: list[Alert] = []
    for some in portions(sorted((one.id, one.episode) for one in keys)):
        chosen = and_(tuple_(column.id, column.episode).in_(some), condition)
        query = select(alerts).where(chosen).order_by(column.id, column.episode)
        found.extend(alert_of(row) for row in connection.execute(query).mappings())
    return found


# Made once: making a statement takes several times as long as running it, and nearly each commit runs these.
_some_ids: BindParameter[Any] = bindparam("some_ids", expanding=True)
_lock_series = (
    select(series.c.id, series.c.last_episode)
    .where(series.c.id.in_(_some_ids))
    .order_by(series.c.id)
    .with_for_update()
)
_reachable = select(alerts).where(
    alerts.c.id.in_(_some_ids),
    or_(alerts.c.quiet_until >= bindparam("earliest"), alerts.c.state == "open"),
)
_tell = insert(outbox)
