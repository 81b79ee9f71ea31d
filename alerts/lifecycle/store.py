"""Alerts as they are read: by whoever sends them on, by pages and reports, and by the command line.

Times given and returned are UTC. All raise sqlalchemy.exc.DBAPIError.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, select

from alerts.lifecycle.alert import Alert, State
from alerts.lifecycle.rows import alert_of
from alerts.lifecycle.tables import alerts, outbox
from alerts.model import Level

PORTION = 500
HISTORY = 1000  # changes of one alert that are shown; one that repeats daily has fewer in its five years


class Wanted(NamedTuple):
    """Which alerts; what is None or empty leaves out none.

    `since` and `until` choose by time of events: those that have any from `since` to before `until`.
    """

    state: State | None = None
    agency: str | None = None
    least: Level | None = None  # this level and those above
    rule: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Past(NamedTuple):
    """One change in an alert's history."""

    episode: int
    change: str
    at: datetime
    desk: str | None
    note: str


def open_alerts(connection: Connection) -> list[Alert]:
    """Every alert that is open, in order of id; AlertBook bounds how many a rule can have."""
    return _read(connection, select(alerts).where(alerts.c.state == "open").order_by(alerts.c.id))


def resolved_since(connection: Connection, time: datetime) -> list[Alert]:
    """The alerts that were resolved at or after a time, earliest first; none where the id has an open one.

    Of several episodes of one id the newest: whoever tells others that an alert is over says so of the id.
    """
    other = alerts.alias()
    goes_on = select(other.c.id).where(other.c.id == alerts.c.id, other.c.state == "open").exists()
    query = select(alerts).where(alerts.c.resolved_at >= time, alerts.c.state == "resolved", ~goes_on)
    newest: dict[str, Alert] = {}
    for one in _read(connection, query.order_by(alerts.c.resolved_at, alerts.c.last_time)):
        newest.pop(one.id, None)
        newest[one.id] = one
    return list(newest.values())


def changed_since(connection: Connection, time: datetime, limit: int = 1000) -> list[Alert]:
    """The alerts to which anything happened at or after a time, more of the same too; earliest first."""
    changed = alerts.c.changed_at
    query = select(alerts).where(changed >= time).order_by(changed, alerts.c.id, alerts.c.episode)
    return _read(connection, query.limit(limit))


def find(connection: Connection, alert_id: str, episode: int | None = None) -> Alert | None:
    """An alert by its id: the episode of that number, or the open one, or else the newest."""
    query = select(alerts).where(alerts.c.id == alert_id)
    if episode is not None:
        query = query.where(alerts.c.episode == episode)
    found = _read(connection, query.order_by(alerts.c.state, alerts.c.last_time.desc()).limit(1))
    return found[0] if found else None


def ids_like(connection: Connection, beginning: str, limit: int = 10) -> list[str]:
    """The ids that begin like this; `beginning` is hexadecimal digits."""
    query = select(alerts.c.id).where(alerts.c.id >= beginning, alerts.c.id < beginning + "g").distinct()
    return list(connection.execute(query.order_by(alerts.c.id).limit(limit)).scalars())


def select_alerts(connection: Connection, wanted: Wanted, limit: int | None = None) -> list[Alert]:
    """The alerts that are wanted, the newest events first."""
    query = select(alerts).where(*_conditions(wanted))
    query = query.order_by(alerts.c.last_time.desc(), alerts.c.id, alerts.c.episode)
    return _read(connection, query if limit is None else query.limit(limit))


def most_serious(connection: Connection, limit: int) -> list[Alert]:
    """Open alerts: those that nobody has acknowledged first, then by level, the newest events first."""
    column = alerts.c
    query = select(alerts).where(column.state == "open")
    order = column.acknowledged_at.is_not(None), column.level.desc(), column.last_time.desc(), column.id
    return _read(connection, query.order_by(*order).limit(limit))


def stream_alerts(connection: Connection, wanted: Wanted) -> Iterator[Alert]:
    """The alerts that are wanted, the oldest events first, however many: a portion in memory at a time."""
    query = select(alerts).where(*_conditions(wanted))
    query = query.order_by(alerts.c.last_time, alerts.c.id, alerts.c.episode)
    for row in connection.execute(query, execution_options={"yield_per": PORTION}).mappings():
        yield alert_of(row)


def count_alerts(connection: Connection, wanted: Wanted) -> int:
    """How many alerts are wanted."""
    return int(
        connection.execute(select(func.count()).select_from(alerts).where(*_conditions(wanted))).scalar_one()
    )


def open_by_level(connection: Connection) -> dict[Level, int]:
    """How many alerts are open, of every level."""
    query = select(alerts.c.level, func.count()).where(alerts.c.state == "open").group_by(alerts.c.level)
    counts = {row[0]: int(row[1]) for row in connection.execute(query)}
    return {level: counts.get(int(level), 0) for level in Level}


def history(connection: Connection, alert_id: str, limit: int = HISTORY) -> list[Past]:
    """What happened to the alerts of an id, in order: the last `limit` changes."""
    column = outbox.c
    query = select(column.episode, column.change, column.at, column.desk, column.note)
    query = query.where(column.id == alert_id).order_by(column.number.desc()).limit(limit)
    return [Past(*row) for row in connection.execute(query)][::-1]


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    column = alerts.c
    chosen: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        chosen.append(column.state == wanted.state)
    if wanted.agency is not None:
        chosen.append(column.agency == wanted.agency)
    if wanted.least is not None:
        chosen.append(column.level >= int(wanted.least))
    if wanted.rule is not None:
        chosen.append(column.rule == wanted.rule)
    if wanted.since is not None:
        chosen.append(column.last_time >= wanted.since)
    if wanted.until is not None:
        chosen.append(column.first_time < wanted.until)
    return chosen


def _read(connection: Connection, query: Select[tuple[object, ...]]) -> list[Alert]:
    return [alert_of(row) for row in connection.execute(query).mappings()]
