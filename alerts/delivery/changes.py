"""The changes of alerts that a webhook has not taken yet, in SQL. The calls wait for the database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Engine, Row, Select, and_, delete, exists, func, or_, select

from alerts.delivery.store import register
from alerts.delivery.tables import webhook_deliveries
from alerts.lifecycle.alert import Change, ChangeKind
from alerts.lifecycle.events import body, instant
from alerts.lifecycle.rows import alert_of
from alerts.lifecycle.tables import alerts, outbox
from monitor.storage.engine import reading
from monitor.storage.upsert import upsert

PAGE = 50  # changes in memory at a time
MAX_AGE = timedelta(hours=24)  # what could not be delivered for so long is given up, and counted
EXPIRED_AT_ONCE = 500  # changes given up in one transaction; the rest follow
FORGET = timedelta(hours=72)  # a mark this old belongs to a change that is no longer looked at
_LOOKED_AT = timedelta(hours=48)
# A transaction may commit after one that began later and got a higher number; not by more than this.
_SETTLED = timedelta(minutes=10)


class Waiting(NamedTuple):
    """A change that is to be delivered: its number, its alert's id, its key (the same whenever it is sent),
    when it was, how often it was tried, and what is sent."""

    number: int
    alert: str
    key: str
    at: datetime
    attempts: int
    body: bytes


@dataclass(slots=True)
class ChangeStore:
    """One webhook's view of the changes. All calls raise sqlalchemy.exc.DBAPIError."""

    engine: Engine
    destination: str
    _done_to: int = 0  # every change up to this number is delivered or given up

    def register(self, now: datetime) -> datetime:
        """Since when the destination is known: from now on, if it is new."""
        return register(self.engine, self.destination, now)

    def waiting(self, now: datetime, since: datetime) -> list[Waiting]:
        """The oldest changes that are due, at most PAGE; of an alert none while an earlier one is not due."""
        due = or_(webhook_deliveries.c.next_at.is_(None), webhook_deliveries.c.next_at <= now)
        query = (
            self._not_done(outbox, webhook_deliveries.c.attempts)
            .where(due, ~self._behind_another(now), outbox.c.at > now - MAX_AGE, outbox.c.at >= since)
            .order_by(outbox.c.number)
            .limit(PAGE)
        )
        with reading(self.engine).connect() as connection:
            rows = connection.execute(query).all()
            return [
                Waiting(
                    row.number,
                    row.id,
                    f"{row.id}/{row.episode}/{row.number}",
                    row.at,
                    row.attempts or 0,
                    (row.body or _body(connection.execute(_alert(row)).mappings().first(), row)).encode(),
                )
                for row in rows
            ]

    def delivered(self, change: Waiting, now: datetime) -> None:
        """Note that it was accepted."""
        self._write([self._row(change.number, change.attempts + 1, now, done_at=now)])

    def postpone(self, change: Waiting, until: datetime) -> None:
        """Note that it was tried in vain."""
        self._write([self._row(change.number, change.attempts + 1, until)])

    def expire(self, now: datetime, since: datetime) -> int:
        """Give up what is too old; returns how many."""
        ages = and_(outbox.c.at <= now - MAX_AGE, outbox.c.at > now - _LOOKED_AT, outbox.c.at >= since)
        query = self._not_done(outbox.c.number, webhook_deliveries.c.attempts).where(ages)
        with reading(self.engine).connect() as connection:
            rows = connection.execute(query.order_by(outbox.c.number).limit(EXPIRED_AT_ONCE)).all()
        self._write([self._row(number, attempts or 0, now, now, expired=True) for number, attempts in rows])
        return len(rows)

    def undelivered(self, now: datetime, since: datetime) -> int:
        """How many changes it has not taken; and remembers up to where it has taken all."""
        self._done_to = 0
        wanted = and_(outbox.c.at > now - _LOOKED_AT, outbox.c.at >= since)
        query = self._not_done(func.count(), func.min(outbox.c.number)).where(wanted)
        settled = select(func.max(outbox.c.number)).where(outbox.c.at < now - _SETTLED)
        with reading(self.engine).connect() as connection:
            count, first = connection.execute(query).one()
            last: int = connection.execute(settled).scalar() or 0
        self._done_to = last if first is None else min(last, first - 1)
        return int(count)

    def forget(self, now: datetime) -> None:
        """Delete marks of changes that are no longer looked at."""
        mine = webhook_deliveries.c.destination == self.destination
        with self.engine.begin() as connection:
            connection.execute(
                delete(webhook_deliveries).where(mine, webhook_deliveries.c.done_at < now - FORGET)
            )

    def _not_done(self, *columns: Any) -> Select[Any]:
        mine: ColumnElement[bool] = and_(
            webhook_deliveries.c.destination == self.destination,
            webhook_deliveries.c.change == outbox.c.number,
        )
        joined = outbox.outerjoin(webhook_deliveries, mine)
        return (
            select(*columns)
            .select_from(joined)
            .where(outbox.c.number > self._done_to, webhook_deliveries.c.done_at.is_(None))
        )

    def _behind_another(self, now: datetime) -> ColumnElement[bool]:
        """Whether a change follows one of the same alert that was tried in vain and waits for its time."""
        before, tried = outbox.alias("before"), webhook_deliveries.alias("tried")
        # From the few that wait: a database that began with each change would look at all marks before it.
        first = (
            select(before.c.id, func.min(before.c.number).label("number"))
            .select_from(tried.join(before, before.c.number == tried.c.change))
            .where(
                tried.c.destination == self.destination,
                tried.c.done_at.is_(None),
                tried.c.next_at > now,
                before.c.at > now - MAX_AGE,
            )
            .group_by(before.c.id)
            .subquery()
        )
        return exists().where(first.c.id == outbox.c.id, first.c.number < outbox.c.number)

    def _row(
        self, number: int, attempts: int, next_at: datetime, done_at: datetime | None = None,
        *, expired: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        return {
            "destination": self.destination, "change": number, "attempts": attempts, "next_at": next_at,
            "done_at": done_at, "expired": expired,
        }  # fmt: skip

    def _write(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            with self.engine.begin() as connection:
                upsert(connection, webhook_deliveries, rows)


def _alert(row: Row[Any]) -> Select[Any]:
    return select(alerts).where(alerts.c.id == row.id, alerts.c.episode == row.episode)


def _body(found: Any, row: Row[Any]) -> str:
    """The message of a change whose own is no longer kept: with the alert as it is now, if it is."""
    if found is not None:
        return body(Change(ChangeKind(row.change), alert_of(found), row.at, row.note))
    alert = {"id": row.id, "episode": row.episode}
    said = {"change": row.change, "at": instant(row.at), "note": row.note, "alert": alert}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
