"""What an Alertmanager is to be told, and what it has taken, in SQL. The calls wait for the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Engine, Select, and_, delete, exists, func, or_, select

from alerts.delivery.tables import deliveries, destinations
from alerts.lifecycle.alert import Alert
from alerts.lifecycle.rows import alert_of
from alerts.lifecycle.tables import alerts
from monitor.storage.engine import reading
from monitor.storage.upsert import Row, insert_new, upsert

PAGE = 100  # alerts in memory at a time
REPEAT_RESOLVED = timedelta(minutes=15)  # how long a resolution is repeated, once it was taken
# What came and went unseen longer ago than this is in the reports, and no news any more.
LOOK_BACK = timedelta(hours=24)
# A refused alert is tried again now and then: the other side may have been mended.
REFUSED_PAUSE = timedelta(hours=1)
# Quick rounds look at what changed lately; full ones at everything. Clocks and commits differ by less.
LATELY = timedelta(minutes=10)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # since when a destination runs that does not say
FORGET_RESOLVED = timedelta(hours=48)  # past the look-back, a mark has nothing to hold back any more
FORGET_OPENED = timedelta(days=90)


class Mark(NamedTuple):
    """What a destination has taken of one episode of an alert; None is not yet."""

    opened_sent_at: datetime | None = None
    resolved_sent_at: datetime | None = None
    refused_at: datetime | None = None


class Due(NamedTuple):
    """An alert that is to be sent, whether as `resolved`, what the destination has taken of it, and whether
    it is unknown there, or forgotten."""

    alert: Alert
    resolved: bool
    mark: Mark
    unknown: bool


@dataclass(frozen=True, slots=True)
class DeliveryStore:
    """One destination's view of the alerts. All calls raise sqlalchemy.exc.DBAPIError.

    An alert that was resolved before this destination saw it is shown as open first, for `shown`: an
    Alertmanager tells nobody of what it learns only as resolved, or as open for less than its group_wait.
    The same holds for what it has forgotten: `started` in the calls is since when it runs, and what it took
    before counts as not taken.
    """

    engine: Engine
    destination: str
    shown: timedelta

    def register(self, now: datetime) -> datetime:
        """Since when the destination is known: from now on, if it is new."""
        return register(self.engine, self.destination, now)

    def due(
        self, now: datetime, since: datetime, started: datetime = LONG_AGO, *, full: bool
    ) -> Iterator[list[Due]]:
        """What is to be sent, in pages of at most PAGE: everything that lasts or is repeated, or only what
        the destination has not taken yet. Each page is a transaction of its own."""
        after = ("", 0)
        while page := self._page(now, since, started, after, full=full):
            yield page
            if len(page) < PAGE:
                return
            after = (page[-1].alert.id, page[-1].alert.episode)

    def _page(
        self, now: datetime, since: datetime, started: datetime, after: tuple[str, int], *, full: bool
    ) -> list[Due]:
        wanted = self._unsent(now, since, started)
        if full:
            wanted = or_(
                wanted, alerts.c.state == "open", deliveries.c.resolved_sent_at > now - REPEAT_RESOLVED
            )
        else:
            changed_lately = or_(
                alerts.c.changed_at > now - LATELY,
                deliveries.c.opened_sent_at > now - self.shown - LATELY,
            )
            wanted = and_(wanted, changed_lately, self._no_longer_held(now, started))
        patient = or_(deliveries.c.refused_at.is_(None), deliveries.c.refused_at <= now - REFUSED_PAUSE)
        later = or_(alerts.c.id > after[0], and_(alerts.c.id == after[0], alerts.c.episode > after[1]))
        query = self._joined(alerts, *_MARK).where(wanted, patient, later, _latest())
        query = query.order_by(alerts.c.id, alerts.c.episode).limit(PAGE)
        with reading(self.engine).connect() as connection:
            rows = connection.execute(query).mappings().all()
        found = []
        for row in rows:
            mark = Mark(row["opened_sent_at"], row["resolved_sent_at"], row["refused_at"])
            alert, opened = alert_of(row), mark.opened_sent_at
            seen = opened is not None and started <= opened <= now - self.shown
            over = not alert.is_open and (seen or mark.resolved_sent_at is not None)
            found.append(Due(alert, over, mark, opened is None or opened < started))
        return found

    def undelivered(self, now: datetime, since: datetime, started: datetime = LONG_AGO) -> int:
        """How many alerts it has not taken as they are now, though it is time."""
        unsent = self._unsent(now, since, started)
        due = and_(unsent, self._no_longer_held(now, started), _latest())
        query = self._joined(func.count()).where(due)
        with reading(self.engine).connect() as connection:
            return int(connection.execute(query).scalar_one())

    def accepted(self, taken: Sequence[Due], now: datetime) -> None:
        """Note what it took, where that is news."""
        rows = []
        for due in taken:
            mark = due.mark
            if due.resolved and mark.resolved_sent_at is None:
                rows.append(self._row(due.alert, Mark(mark.opened_sent_at, now)))
            elif not due.resolved and (due.unknown or mark.resolved_sent_at is not None):
                rows.append(self._row(due.alert, Mark(now)))
            elif mark.refused_at is not None:
                rows.append(self._row(due.alert, mark._replace(refused_at=None)))
        self._write(rows)

    def refused(self, due: Due, reason: str, now: datetime) -> None:
        """Note that it did not take one, and why."""
        self._write([self._row(due.alert, due.mark._replace(refused_at=now), reason)])

    def forget(self, now: datetime) -> None:
        """Delete marks that hold nothing back any more."""
        old = or_(
            deliveries.c.resolved_sent_at < now - FORGET_RESOLVED,
            deliveries.c.opened_sent_at < now - FORGET_OPENED,
            and_(deliveries.c.opened_sent_at.is_(None), deliveries.c.refused_at < now - FORGET_RESOLVED),
        )
        with self.engine.begin() as connection:
            connection.execute(delete(deliveries).where(deliveries.c.destination == self.destination, old))

    def _unsent(self, now: datetime, since: datetime, started: datetime) -> ColumnElement[bool]:
        """What it has not taken as it is now."""
        opened, resolved = deliveries.c.opened_sent_at, deliveries.c.resolved_sent_at
        came_back = resolved.is_not(None)
        is_open = and_(alerts.c.state == "open", or_(_unknown(started), came_back))
        over = and_(
            alerts.c.state != "open",
            resolved.is_(None),
            # What it knows as open is resolved there, however long ago; what it does not is news for a day.
            or_(opened.is_not(None), alerts.c.resolved_at > max(since, now - LOOK_BACK)),
        )
        return or_(is_open, over)

    def _no_longer_held(self, now: datetime, started: datetime) -> ColumnElement[bool]:
        shown = deliveries.c.opened_sent_at <= now - self.shown
        return or_(alerts.c.state == "open", _unknown(started), shown)

    def _joined(self, *columns: Any) -> Select[Any]:
        mine = and_(
            deliveries.c.destination == self.destination,
            deliveries.c.alert_id == alerts.c.id,
            deliveries.c.episode == alerts.c.episode,
        )
        return select(*columns).select_from(alerts.outerjoin(deliveries, mine))

    def _row(self, alert: Alert, mark: Mark, reason: str | None = None) -> Row:
        key = {"destination": self.destination, "alert_id": alert.id, "episode": alert.episode}
        return {**key, **mark._asdict(), "refused": reason}

    def _write(self, rows: Iterable[Row]) -> None:
        if written := list(rows):
            with self.engine.begin() as connection:
                upsert(connection, deliveries, written)


def _unknown(started: datetime) -> ColumnElement[bool]:
    opened = deliveries.c.opened_sent_at
    return or_(opened.is_(None), opened < started)


_MARK = (deliveries.c.opened_sent_at, deliveries.c.resolved_sent_at, deliveries.c.refused_at)


def _latest() -> ColumnElement[bool]:
    """That no other episode of the alert speaks for it: an open one, else the one resolved last.

    Episodes have the same labels unless their rule was edited, so an old resolution would end what has begun
    again.
    """
    other = alerts.alias("other")
    later = or_(
        other.c.state == "open",
        other.c.resolved_at > alerts.c.resolved_at,
        and_(other.c.resolved_at == alerts.c.resolved_at, other.c.episode > alerts.c.episode),
    )
    speaks = exists().where(other.c.id == alerts.c.id, other.c.episode != alerts.c.episode, later)
    return or_(alerts.c.state == "open", ~speaks)


def register(engine: Engine, destination: str, now: datetime) -> datetime:
    """Since when a destination is known: from now on, if it is new. Raises sqlalchemy.exc.DBAPIError."""
    with engine.begin() as connection:
        insert_new(connection, destinations, [{"name": destination, "since": now}])
        query = select(destinations.c.since).where(destinations.c.name == destination)
        since: datetime = connection.execute(query).scalar_one()
        return since
