"""The memory of one partition's engine in the database: read when the partition is taken over, and written
inside the transaction that moves its offset."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, and_, bindparam, delete, insert, select

from alerts.engine import tables
from alerts.engine.changes import EngineChanges, Loaded, Progress, StateRow
from alerts.model import Group
from monitor.errors import MonitorError
from monitor.storage.tables import from_microseconds, to_microseconds
from monitor.storage.upsert import Row, upsert

FORMAT = 3  # of states and steps; memory in another format is forgotten


class EngineStore:
    """The rows of one (topic, partition).

    It fences nothing: `write` belongs into the transaction in which the partition's offset was moved by
    compare-and-set before, and what a worker writes that lost the partition is rolled back with that.
    """

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self._oldest = 0  # rows of the journal before this are deleted

    def load(self, connection: Connection, fingerprints: Mapping[str, str]) -> Loaded | None:
        """What was written last; None where nothing was, or in another format.

        `fingerprints` are those of the rules that run now (RuleSet.fingerprints): rows of others, which are
        gone or were changed, are deleted. Raises MonitorError where a row cannot be read.
        """
        held = tables.progress
        row = connection.execute(select(held).where(self._mine(held))).mappings().first()
        if row is None:
            return None
        if row["format"] != FORMAT:
            for table in (tables.progress, tables.journal, tables.states):
                connection.execute(delete(table).where(self._mine(table)))
            return None
        try:
            progress = Progress(
                row["sequence"],
                _milliseconds(row["newest"]),
                _milliseconds(row["watermark"]),
                _milliseconds(row["advanced"]),
                msgspec.msgpack.decode(row["counters"], type=dict[str, int]),
            )
            return Loaded(
                progress, self._load_states(connection, fingerprints), self._load_journal(connection)
            )
        except (msgspec.MsgspecError, ValueError) as why:
            raise MonitorError(
                f"{self.topic}/{self.partition}: what detectors remembered cannot be read ({why}): "
                "empty detector_progress, detector_journal and detector_states for it, and they learn anew"
            ) from why

    def write(self, connection: Connection, changes: EngineChanges) -> None:
        """Write what an engine gave; writing the same again changes nothing."""
        rows = [self._state_row(each) for each in changes.states if each.state is not None]
        upsert(connection, tables.states, rows)
        gone = [
            {**self._of(), "gone_rule": each.rule, "gone_key": group_key(each.group)}
            for each in changes.states
            if each.state is None
        ]
        if gone:
            connection.execute(_forget_states, gone)
        if changes.journal is not None:
            sequence = changes.progress.sequence
            connection.execute(_add_steps, {**self._source(), "sequence": sequence, "steps": changes.journal})
        if changes.oldest > self._oldest:
            connection.execute(_forget_steps, {**self._of(), "oldest": changes.oldest})
            self._oldest = changes.oldest
        upsert(connection, tables.progress, [self._progress_row(changes.progress)])

    def _load_states(self, connection: Connection, fingerprints: Mapping[str, str]) -> list[StateRow]:
        states = tables.states
        known = select(states.c.rule, states.c.rule_fingerprint).where(self._mine(states)).distinct()
        for rule, fingerprint in connection.execute(known).all():
            if fingerprints.get(rule) != fingerprint:
                connection.execute(
                    delete(states).where(
                        self._mine(states),
                        states.c.rule == rule,
                        states.c.rule_fingerprint == fingerprint,
                    )
                )
        columns = (states.c.rule, states.c.rule_fingerprint, states.c.sequence, states.c.state)
        found = []
        for rule, fingerprint, sequence, packed in connection.execute(
            select(*columns).where(self._mine(states))
        ):
            group, state = _unpack.decode(packed)
            found.append(StateRow(rule, fingerprint, group, sequence, state))
        return found

    def _load_journal(self, connection: Connection) -> list[tuple[int, bytes]]:
        journal = tables.journal
        query = (
            select(journal.c.sequence, journal.c.steps)
            .where(self._mine(journal))
            .order_by(journal.c.sequence)
        )
        return [(sequence, bytes(steps)) for sequence, steps in connection.execute(query)]

    def _state_row(self, row: StateRow) -> Row:
        return {
            **self._source(),
            "rule": row.rule,
            "group_key": group_key(row.group),
            "rule_fingerprint": row.fingerprint,
            "sequence": row.sequence,
            "state": _packer.encode((row.group, row.state)),
        }

    def _progress_row(self, progress: Progress) -> Row:
        return {
            **self._source(),
            "format": FORMAT,
            "sequence": progress.sequence,
            "newest": _moment(progress.newest_ms),
            "watermark": _moment(progress.watermark_ms),
            "advanced": _moment(progress.advanced_ms),
            "counters": _packer.encode(dict(progress.counters)),
        }

    def _source(self) -> Row:
        return {"topic": self.topic, "partition": self.partition}

    def _of(self) -> Row:
        return {"of_topic": self.topic, "of_partition": self.partition}

    def _mine(self, table: Table) -> Any:
        return and_(table.c.topic == self.topic, table.c.partition == self.partition)


def group_key(group: Group) -> str:
    """The key of a group's row: a hash, as a group may be longer than a key should be."""
    return hashlib.blake2b(_packer.encode(group), digest_size=16).hexdigest()


def _milliseconds(time: datetime | None) -> int | None:
    return None if time is None else to_microseconds(time) // 1000


def _moment(time_ms: int | None) -> datetime | None:
    return None if time_ms is None else from_microseconds(time_ms * 1000)


def _of(table: Table) -> Any:
    return and_(table.c.topic == bindparam("of_topic"), table.c.partition == bindparam("of_partition"))


# Made once: making a statement takes several times as long as running it, and each commit runs these.
_add_steps = insert(tables.journal)
_forget_steps = delete(tables.journal).where(
    _of(tables.journal), tables.journal.c.sequence < bindparam("oldest")
)
_forget_states = delete(tables.states).where(
    _of(tables.states),
    tables.states.c.rule == bindparam("gone_rule"),
    tables.states.c.group_key == bindparam("gone_key"),
)
_packer = msgspec.msgpack.Encoder()
_unpack = msgspec.msgpack.Decoder(tuple[Group, bytes])
