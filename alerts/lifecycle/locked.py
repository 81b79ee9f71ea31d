"""Alerts under lock: whoever changes some locks them first, in one order, so that none waits in a ring."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from alerts.lifecycle.alert import Alert, Change
from alerts.lifecycle.rows import alert_of, outbox_row, row_of
from alerts.lifecycle.tables import alerts, outbox, series
from monitor.storage.upsert import upsert

KEYS_PER_QUERY = 400  # what SQLite and PostgreSQL both take in one statement, with room

_T = TypeVar("_T")


def lock(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    """Lock the alerts of these ids to the transaction's end; return the number of each one's last episode.

    An id without alerts gets its row, so that there is something to lock. On PostgreSQL two transactions take
    rows in order of id, first all new ones and then all; on SQLite a transaction has the file to itself.
    """
    ordered = sorted(set(ids))
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    for some in portions(ordered):
        connection.execute(
            dialect.insert(series).on_conflict_do_nothing(), [{"id": one, "last_episode": 0} for one in some]
        )
    last: dict[str, int] = {}
    for some in portions(ordered):
        query = select(series.c.id, series.c.last_episode).where(series.c.id.in_(some))
        last.update(
            (row[0], row[1]) for row in connection.execute(query.order_by(series.c.id).with_for_update())
        )
    return last


def reachable(connection: Connection, since: Mapping[str, datetime]) -> dict[str, list[Alert]]:
    """The episodes of locked ids that a detection may reach which begins at `since`, and the open ones."""
    held: defaultdict[str, list[Alert]] = defaultdict(list)
    for some in portions(sorted(since)):
        earliest = min(since[one] for one in some)
        column = alerts.c
        query = select(alerts).where(
            column.id.in_(some), or_(column.quiet_until >= earliest, column.state == "open")
        )
        for row in connection.execute(query).mappings():
            held[row["id"]].append(alert_of(row))
    return held


def episodes(connection: Connection, keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], Alert]:
    """Some episodes, by id and number; those that are gone are left out."""
    found = {}
    for some in portions(sorted(keys)):
        query = select(alerts).where(tuple_(alerts.c.id, alerts.c.episode).in_(some))
        for row in connection.execute(query).mappings():
            found[row["id"], row["episode"]] = alert_of(row)
    return found


def put(connection: Connection, changed: Sequence[Alert], changes: Sequence[Change]) -> None:
    """Write alerts that are locked, and note what happened to them."""
    upsert(connection, alerts, [row_of(one) for one in changed])
    if changes:
        connection.execute(insert(outbox), [outbox_row(change) for change in changes])


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


def portions(keys: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Keys in portions that one statement takes."""
    for start in range(0, len(keys), KEYS_PER_QUERY):
        yield keys[start : start + KEYS_PER_QUERY]
