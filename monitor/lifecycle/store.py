"""One source partition of lifecycle events in the database: what is loaded, and its one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, Engine, case, delete, func, select, tuple_, type_coerce

from monitor.events.lifecycle_event import REQUEST_KINDS
from monitor.lifecycle.changes import Accepted, LifecycleChanges
from monitor.lifecycle.recorded import CLOSING_KINDS
from monitor.storage import tables
from monitor.storage.progress import Also, Progress, Resumption
from monitor.storage.tables import to_microseconds
from monitor.storage.upsert import Row, upsert


@dataclass(slots=True)
class LifecycleWritten:
    """What a committed transaction added, for the metrics: events by agency and kind."""

    counts: dict[tuple[str, str], int]
    duplicates: int
    late: int
    ids_shortened: int


class LifecycleStore:
    """Reads and writes the rows of one (topic, partition); used by one thread at a time."""

    def __init__(self, engine: Engine, topic: str, partition: int) -> None:
        self.engine = engine
        self.topic = topic
        self.partition = partition
        self._progress = Progress(topic, partition)

    def load(self, window: timedelta, max_ids: int, now: datetime) -> Resumption:
        """Take the partition over: read its offset and ids, or note that it begins.

        `window` (event time) and `max_ids` bound the memory of ids. Raises sqlalchemy.exc.DBAPIError.
        """
        with self.engine.begin() as connection:
            return self._progress.load(connection, window, max_ids, now)

    def write(self, changes: LifecycleChanges, now: datetime, also: Sequence[Also] = ()) -> LifecycleWritten:
        """Write what came and the next offset, in one transaction.

        1. Move the offset by compare-and-set: from here on no other worker can, until the end.
        2. Write the events, rejections and gaps; append the ids.
        3. Call each of `also`, in their order, with the connection; what one raises undoes everything.
        4. Commit; only then does memory take over what was written.

        Raises Fenced when the partition belongs to another worker, DBAPIError when the database failed;
        then nothing was written (or, where the answer to COMMIT was lost, a second try is Fenced).
        """
        with self.engine.begin() as connection:
            self._progress.move(connection, changes, now)
            upsert(connection, tables.lifecycle_events, [self._row(one) for one in changes.accepted])
            self._progress.write(connection, changes, now)
            for other in also:
                other(connection)
        shortened = self._progress.settle(changes)
        counts = Counter((one.event.agency, str(one.event.kind)) for one in changes.accepted)
        return LifecycleWritten(dict(counts), changes.duplicates, changes.late, shortened)

    def _row(self, accepted: Accepted) -> Row:
        event = accepted.event
        return {
            **self._progress.source,
            "source_offset": accepted.offset,
            "id": _storable(event.id),
            "time": accepted.time,
            "agency": event.agency,
            "kind": event.kind,
            "agreement": _storable(event.agreement),
            "service": _storable(event.service),
            "request": _storable(event.request),
            "due": event.due,
            "limit": event.limit,
        }


def prune_requests(connection: Connection, before: datetime, limit: int) -> int:
    """Delete the events of requests that were settled, and last heard of, before a time; return how many.

    At most `limit` requests at a time: to be called again while it deletes any. Requests that are open stay
    for ever, and so does everything else: states are told by it. Raises sqlalchemy.exc.DBAPIError.
    """
    events = tables.lifecycle_events.c
    closing = case((events.kind.in_(CLOSING_KINDS), 1), else_=0)
    # A request goes as a whole: without its answer it would be open again.
    settled = (
        select(events.agency, events.request)
        .where(events.kind.in_(REQUEST_KINDS))
        .group_by(events.agency, events.request)
        .having(func.max(type_coerce(events.time, BigInteger)) < to_microseconds(before))
        .having(func.max(closing) == 1)
        .limit(limit)
    )
    whose = tuple_(events.agency, events.request)
    gone = delete(tables.lifecycle_events).where(events.kind.in_(REQUEST_KINDS), whose.in_(settled))
    return connection.execute(gone).rowcount


def _storable(text: str | None) -> str | None:
    """PostgreSQL keeps no NUL in a text."""
    return None if text is None else text.replace("\0", "\ufffd")
