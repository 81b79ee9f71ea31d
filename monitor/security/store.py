"""One source partition of security events in the database: what is loaded, and its one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, func, select, tuple_

from monitor.events.security_event import SecurityEvent
from monitor.security.changes import CountKey, SecurityChanges, SecurityCount
from monitor.storage import tables
from monitor.storage.progress import Also, Progress, Resumption
from monitor.storage.rows import rows_under
from monitor.storage.upsert import Row, upsert

HOUR_S = 3600
CACHED_HOURS = 2  # counts of the newest hours stay in memory; older ones are read again when touched


@dataclass(slots=True)
class SecurityWritten:
    """What a committed transaction added, for the metrics."""

    counts: list[tuple[CountKey, SecurityCount]]
    ids_shortened: int
    withheld: int
    dropped: int


class SecurityStore:
    """Reads and writes the rows of one (topic, partition); used by one thread at a time."""

    def __init__(self, engine: Engine, topic: str, partition: int) -> None:
        self.engine = engine
        self.topic = topic
        self.partition = partition
        self._progress = Progress(topic, partition)
        self._newest_hour: int | None = None  # of the counts in the database
        self._counts: dict[CountKey, SecurityCount] = {}

    def load(self, window: timedelta, max_ids: int, now: datetime) -> Resumption:
        """Take the partition over: read its offset and ids, or note that it begins.

        `window` (event time) and `max_ids` bound the memory of ids. Raises sqlalchemy.exc.DBAPIError.
        """
        counts = tables.security_counts
        with self.engine.begin() as connection:
            resumption = self._progress.load(connection, window, max_ids, now)
            self._newest_hour = connection.execute(
                select(func.max(counts.c.hour)).where(self._progress.mine(counts))
            ).scalar_one()
        return resumption

    def write(self, changes: SecurityChanges, now: datetime, also: Sequence[Also] = ()) -> SecurityWritten:
        """Write what was counted and the next offset, in one transaction.

        1. Move the offset by compare-and-set: from here on no other worker can, until the end.
        2. Write the events; read the counts that are touched but not held in memory, and write them whole.
        3. Write rejections and gaps; append the ids.
        4. Call each of `also`, in their order, with the connection; what one raises undoes everything.
        5. Commit; only then does memory take over what was written.

        Raises Fenced when the partition belongs to another worker, DBAPIError when the database failed;
        then nothing was written (or, where the answer to COMMIT was lost, a second try is Fenced).
        """
        with self.engine.begin() as connection:
            self._progress.move(connection, changes, now)
            upsert(connection, tables.security_events, self._event_rows(changes))
            counts = self._merged(connection, changes.counts)
            rows = [self._count_row(key, count) for key, count in counts.items()]
            upsert(connection, tables.security_counts, rows)
            self._progress.write(connection, changes, now)
            for other in also:
                other(connection)
        shortened = self._progress.settle(changes)
        self._counts.update(counts)
        self._cool_down(changes)
        return SecurityWritten(list(changes.counts.items()), shortened, changes.withheld, changes.dropped)

    def _merged(
        self, connection: Connection, added: dict[CountKey, SecurityCount]
    ) -> dict[CountKey, SecurityCount]:
        unknown = [key for key in added if key not in self._counts and self._may_exist(key.hour)]
        stored = self._stored(connection, unknown)
        merged = {}
        for key, count in added.items():
            before = self._counts.get(key) or stored.get(key)
            merged[key] = before.plus(count) if before else count
        return merged

    def _stored(self, connection: Connection, keys: list[CountKey]) -> dict[CountKey, SecurityCount]:
        counts = tables.security_counts
        found = {}
        for row in rows_under(connection, counts, CountKey._fields, keys, self._progress.source):
            key = CountKey(row["hour"], row["agency"], row["kind"], row["severity"])
            found[key] = SecurityCount(row["count"], row["late"], row["duplicates"], row["last_time"])
        return found

    def _may_exist(self, hour: int) -> bool:
        return self._newest_hour is not None and hour <= self._newest_hour

    def _cool_down(self, changes: SecurityChanges) -> None:
        """Forget counts of all but the newest hours."""
        if not changes.counts:
            return
        self._newest_hour = max(self._newest_hour or 0, *(key.hour for key in changes.counts))
        oldest = self._newest_hour - (CACHED_HOURS - 1) * HOUR_S
        self._counts = {key: count for key, count in self._counts.items() if key.hour >= oldest}

    def _event_rows(self, changes: SecurityChanges) -> list[Row]:
        return [
            self._event_row(event, offset)
            for (event, _), offset in zip(changes.accepted, changes.offsets, strict=True)
        ]

    def _event_row(self, event: SecurityEvent, offset: int) -> Row:
        return {
            **self._progress.source,
            "source_offset": offset,
            "id": _storable(event.id),
            "time": event.time,
            "agency": event.agency,
            "kind": event.kind,
            "severity": event.severity,
            "actor": event.actor,
            "source_ip": event.source_ip,
            "service": _storable(event.service) if event.service else None,
            "subject": event.subject,
            "count": event.count,
            "bytes": event.bytes,
            "detail": json.dumps(event.detail, ensure_ascii=False) if event.detail else None,
        }

    def _count_row(self, key: CountKey, count: SecurityCount) -> Row:
        return {
            **self._progress.source,
            **key._asdict(),
            "count": count.count,
            "late": count.late,
            "duplicates": count.duplicates,
            "last_time": count.last_time,
        }


def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Delete events older than a time, at most `limit` of them, the oldest first; return how many.

    To be called again while it deletes as many as it may: a short transaction each time. Counts stay.
    """
    events = tables.security_events
    key = tuple_(events.c.topic, events.c.partition, events.c.source_offset)
    oldest = (
        select(events.c.topic, events.c.partition, events.c.source_offset)
        .where(events.c.time < before)
        .order_by(events.c.time)
        .limit(limit)
    )
    return connection.execute(delete(events).where(key.in_(oldest))).rowcount


def _storable(text: str) -> str:
    """PostgreSQL keeps no NUL in a text."""
    return text.replace("\0", "\ufffd")
