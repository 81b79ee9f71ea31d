"""Late calls that nothing can change any more: their sums stay, their rows go. And a source taken back.

A half older than MONITOR_MAX_EVENT_AGE is a dead letter, so that an hour of late calls that lies before it,
and that nobody has changed for a while, is final. History files hold older halves, each security server's in
files of their own: an hour with calls that came from one waits longer. Its cells move to another partition of
the same source, and its rows are deleted: the table holds no more than that time's.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, Select, and_, delete, exists, func, or_, select

from monitor.storage import tables
from monitor.storage.partition import PartitionStore
from monitor.storage.rows import portions
from monitor.xroad.figures_store import FiguresStore
from monitor.xroad.late import FROZEN, LATE, OPEN, rewrite, take_turn
from monitor.xroad.late_row import of_row, summed

# For which an hour must have been left alone: what came in time may be read late, and where a call came from
# a history file, those of other servers may be counted weeks after it.
UNCHANGED = timedelta(days=2)
UNCHANGED_FROM_FILES = timedelta(days=90)
MOST_CALLS = 20_000  # in one transaction: a second or so on either database


def freeze(connection: Connection, engine: Engine, max_event_age: timedelta, now: datetime) -> int:
    """Freeze an hour that is final, if there is one; return how many calls' rows went.

    To be called again while it deletes any. `max_event_age` is that of whoever reads records. Raises
    sqlalchemy.exc.DBAPIError.
    """
    late = tables.xroad_late
    query = _final_hours(max_event_age, now).limit(1)
    if connection.execute(query).first() is None:
        return 0
    take_turn(connection)
    hour = connection.execute(query).scalar()
    if hour is None:
        return 0
    # A call is in one cell, so an hour can be frozen in parts.
    rows = select(late).where(late.c.hour == hour).order_by(late.c.call).limit(MOST_CALLS)
    calls = [of_row(row) for row in connection.execute(rows).mappings()]
    cells, findings, figures = summed(calls)
    store = PartitionStore(engine, LATE, FROZEN)
    store.add(connection, cells, findings)
    FiguresStore(LATE, FROZEN).add(connection, [figures])
    for names in portions([call.name for call in calls]):
        connection.execute(delete(late).where(late.c.call.in_(names)))
    _rewrite(connection, engine, {call.key for call in calls})
    return len(calls)


def _final_hours(max_event_age: timedelta, now: datetime) -> Select[tuple[int]]:
    """The hours that are final.

    From hour to hour by the index, and in each only up to a row that keeps it open: files of many months may
    have left millions of rows.
    """
    late = tables.xroad_late.c
    # A day for clocks that were ahead, which halves may be.
    old = late.hour < int((now - max_event_age - timedelta(days=1)).timestamp())
    hours = select(func.min(late.hour).label("hour")).where(old).cte("hours", recursive=True)
    following = select(func.min(late.hour)).where(old, late.hour > hours.c.hour).correlate(hours)
    hours = hours.union_all(select(following.scalar_subquery()).where(hours.c.hour.is_not(None)))
    open_ = exists().where(
        late.hour == hours.c.hour,
        or_(
            late.changed_at >= now - UNCHANGED,
            and_(late.topic.startswith(tables.FILE_PREFIX), late.changed_at >= now - UNCHANGED_FROM_FILES),
        ),
    )
    return select(hours.c.hour).where(hours.c.hour.is_not(None), ~open_)


def retract(connection: Connection, engine: Engine, topic: str) -> int:
    """Delete the late calls whose first half came from a source, and correct their cells; return how many.

    Halves of the source that completed another's call stay with it. Raises sqlalchemy.exc.DBAPIError.
    """
    late = tables.xroad_late
    take_turn(connection)
    rows = connection.execute(select(late).where(late.c.topic == topic)).mappings()
    touched = {of_row(row).key for row in rows}
    gone = connection.execute(delete(late).where(late.c.topic == topic)).rowcount
    _rewrite(connection, engine, touched)
    return gone


def _rewrite(connection: Connection, engine: Engine, touched: set[tuple[int, str, str, str]]) -> None:
    rewrite(connection, PartitionStore(engine, LATE, OPEN), FiguresStore(LATE, OPEN), set(touched))
