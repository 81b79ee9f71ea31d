"""One source partition of dossiers in the database: what is loaded, and its one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, Engine, delete, select, tuple_

from monitor.dossiers.changes import DossierChanges, DossierKey, Heard
from monitor.dossiers.counts import Counts
from monitor.dossiers.judge import QualityTerms, counts_of
from monitor.dossiers.rules import OTHER
from monitor.dossiers.state import Dossier, full, joined
from monitor.dossiers.tables import dossier_cells, dossiers
from monitor.registry.registry import Registry
from monitor.storage.progress import Also, Progress, Resumption
from monitor.storage.rows import portions, rows_under
from monitor.storage.upsert import Row, upsert

CellKey = tuple[date, str, str, str]
"""Local day, agency, group of procedures, measure."""


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """What stands in the cells for a dossier: the group of its procedure, and (day, measure, count)."""

    group: str
    parts: tuple[tuple[int, str, int], ...]


@dataclass(slots=True)
class DossiersWritten:
    """What a committed transaction added, for the metrics: events by agency and step.

    `full` are dossiers that have as many steps of a kind as are kept: more of them change nothing.
    """

    steps: dict[tuple[str, str], int]
    duplicates: int
    late: int
    ids_shortened: int
    full: int


class Stored(msgspec.Struct, frozen=True):
    """A dossier as it is in the database: the code that it stands under, and what was counted for it."""

    agency: str
    dossier: Dossier
    counted: Counted
    last_time: datetime


T = TypeVar("T")
_pack = msgspec.msgpack.Encoder().encode
_unpack_dossier = msgspec.msgpack.Decoder(Dossier).decode
_unpack_counted = msgspec.msgpack.Decoder(Counted).decode


class DossierStore:
    """Reads and writes the rows of one (topic, partition); used by one thread at a time.

    No dossier stays in memory after the transaction that touched it.
    """

    def __init__(
        self, engine: Engine, topic: str, partition: int, registry: Registry, terms: QualityTerms
    ) -> None:
        self.engine = engine
        self.topic = topic
        self.partition = partition
        self._terms = terms
        self._codes = {code: (code, *agency.previous_codes) for code, agency in registry.agencies.items()}
        self._progress = Progress(topic, partition)

    def load(self, window: timedelta, max_ids: int, now: datetime) -> Resumption:
        """Take the partition over: read its offset and ids, or note that it begins.

        `window` (event time) and `max_ids` bound the memory of ids. Raises sqlalchemy.exc.DBAPIError.
        """
        with self.engine.begin() as connection:
            return self._progress.load(connection, window, max_ids, now)

    def write(self, changes: DossierChanges, now: datetime, also: Sequence[Also] = ()) -> DossiersWritten:
        """Write what was heard and the next offset, in one transaction.

        1. Move the offset by compare-and-set: from here on no other worker can, until the end.
        2. Read the dossiers that were heard of, join what is new, and judge them again.
        3. Read the cells in which they count otherwise now; write dossiers and cells whole.
        4. Write rejections and gaps; append the ids.
        5. Call each of `also`, in their order, with the connection; what one raises undoes everything.
        6. Commit; only then does memory take over what was written.

        Raises Fenced when the partition belongs to another worker, DBAPIError when the database failed;
        then nothing was written (or, where the answer to COMMIT was lost, a second try is Fenced).
        """
        with self.engine.begin() as connection:
            self._progress.move(connection, changes, now)
            filled = self._write_dossiers(connection, changes.heard)
            self._progress.write(connection, changes, now)
            for other in also:
                other(connection)
        shortened = self._progress.settle(changes)
        return DossiersWritten(dict(changes.steps), changes.duplicates, changes.late, shortened, filled)

    def _write_dossiers(self, connection: Connection, heard: Mapping[DossierKey, Heard]) -> int:
        stored = self._stored(connection, heard)
        moved: Counter[CellKey] = Counter()
        rows: list[Row] = []
        filled = 0
        for key, new in heard.items():
            before = stored.get(key)
            dossier = joined(before.dossier, new.dossier) if before else new.dossier
            agency = before.agency if before else key.agency
            last = max(before.last_time, new.last_time) if before else new.last_time
            filled += full(dossier) and not (before and full(before.dossier))
            counted = self._counted(dossier)
            if before:
                _add(moved, agency, before.counted, -1)
            _add(moved, agency, counted, 1)
            rows.append(
                {
                    **self._progress.source,
                    "agency": agency,
                    "dossier": key.dossier,
                    "state": _pack(dossier),
                    "counted": _pack(counted),
                    "ended": int(dossier.completed is not None or dossier.withdrawn is not None),
                    "last_time": last,
                }
            )
        upsert(connection, dossiers, rows)
        self._move_cells(connection, {key: count for key, count in moved.items() if count})
        return filled

    def _counted(self, dossier: Dossier) -> Counted:
        procedure = dossier.receipt.procedure if dossier.receipt else ""
        counts: Counts = counts_of(dossier, self._terms)
        parts = tuple((day, measure, count) for (day, measure), count in sorted(counts.items()))
        return Counted(self._terms.rules.group(procedure) if procedure else OTHER, parts)

    def _stored(self, connection: Connection, heard: Iterable[DossierKey]) -> dict[DossierKey, Stored]:
        """What is known of dossiers, under whichever code their agency had when they began."""
        under = {(code, key.dossier): key for key in heard for code in self._codes.get(key.agency, ())}
        found: dict[DossierKey, Stored] = {}
        for row in rows_under(connection, dossiers, ("agency", "dossier"), under, self._progress.source):
            key = under[row["agency"], row["dossier"]]
            if key in found and row["agency"] != key.agency:
                continue  # the registry did not know then that both codes are one agency's
            found[key] = Stored(
                row["agency"],
                _unpack_dossier(row["state"]),
                _unpack_counted(row["counted"]),
                row["last_time"],
            )
        return found

    def _move_cells(self, connection: Connection, moved: Mapping[CellKey, int]) -> None:
        cells = dossier_cells.c
        columns = tuple_(cells.day, cells.agency, cells.procedures, cells.measure)
        before: dict[CellKey, int] = {}
        for chunk in portions(list(moved)):
            query = select(cells.day, cells.agency, cells.procedures, cells.measure, cells["count"])
            query = query.where(columns.in_(chunk), self._progress.mine(dossier_cells))
            before |= {(row[0], row[1], row[2], row[3]): row[4] for row in connection.execute(query)}
        upsert(
            connection,
            dossier_cells,
            [
                {
                    **self._progress.source,
                    "day": key[0],
                    "agency": key[1],
                    "procedures": key[2],
                    "measure": key[3],
                    "count": before.get(key, 0) + count,
                }
                for key, count in moved.items()
            ],
        )


def _add(moved: Counter[CellKey], agency: str, counted: Counted, sign: int) -> None:
    for day, measure, count in counted.parts:
        moved[date.fromordinal(day), agency, counted.group, measure] += sign * count


def prune_dossiers(connection: Connection, before: datetime, limit: int) -> int:
    """Delete dossiers that were last heard of before a time, ended or not; return how many.

    At most `limit` at a time: to be called again while it deletes as many. What they count for stays. They
    must be older than events are accepted (MONITOR_MAX_EVENT_AGE), or a step that comes again counts twice.
    Raises sqlalchemy.exc.DBAPIError.
    """
    key = tuple_(dossiers.c.topic, dossiers.c.partition, dossiers.c.agency, dossiers.c.dossier)
    oldest = (
        select(dossiers.c.topic, dossiers.c.partition, dossiers.c.agency, dossiers.c.dossier)
        .where(dossiers.c.ended.in_((0, 1)), dossiers.c.last_time < before)  # as the index has them
        .order_by(dossiers.c.last_time)
        .limit(limit)
    )
    return connection.execute(delete(dossiers).where(key.in_(oldest))).rowcount
