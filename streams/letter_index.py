"""What the topic `dead-letters` holds, as rows without bodies in a temporary file: any number fits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, Self

from streams.dead_letters import Header, from_record, mark_of

State = Literal["waiting", "in doubt", "replayed", "cut"]

# A letter that was written again after a crash keeps its first place.
_SCHEMA = """
CREATE TABLE letter (
    id TEXT PRIMARY KEY, partition INTEGER, position INTEGER, set_aside INTEGER, topic TEXT, reason TEXT,
    detail TEXT, bytes INTEGER, truncated INTEGER, prefix BLOB
) WITHOUT ROWID;
CREATE TABLE mark (id TEXT PRIMARY KEY, mark TEXT) WITHOUT ROWID;
CREATE TABLE chosen (partition INTEGER, position INTEGER, PRIMARY KEY (partition, position)) WITHOUT ROWID;
CREATE VIEW seen AS
    SELECT letter.id, partition, position, set_aside, topic, reason, detail, bytes, prefix,
        CASE
            WHEN mark = 'replayed' THEN 'replayed'
            WHEN truncated THEN 'cut'
            WHEN mark = 'replaying' THEN 'in doubt'
            ELSE 'waiting'
        END AS state
    FROM letter LEFT JOIN mark ON mark.id = letter.id;
"""
_ADD_LETTER = "INSERT OR IGNORE INTO letter VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# Marks of one letter have one key, so they come in the order in which they were written; what was replayed
# once stays so.
_ADD_MARK = """
INSERT INTO mark VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET mark = excluded.mark WHERE mark.mark <> 'replayed'
"""


class Message(Protocol):
    """What is read of a message of the topic; kafka-python's ConsumerRecord has it."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[Header]


@dataclass(frozen=True, slots=True)
class Row:
    """A letter and the beginning of its body; `partition` and `position`: its place on `dead-letters`."""

    id: str
    partition: int
    position: int
    set_aside_ms: int
    topic: str
    reason: str
    detail: str
    size: int
    prefix: bytes
    state: State


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters: every condition that is given holds."""

    reason: str | None = None
    topic: str | None = None
    ids: tuple[str, ...] = ()
    since: datetime | None = None
    states: tuple[State, ...] = ()


class LetterIndex:
    """One row a letter, with the first `prefix_bytes` of its body; for one thread; to be closed."""

    def __init__(self, prefix_bytes: int = 0) -> None:
        self._prefix_bytes = prefix_bytes
        self._rows = sqlite3.connect("")  # no name: a temporary file, which goes when it is closed
        self._rows.executescript(_SCHEMA)
        self.strangers = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.close()

    def add(self, message: Message) -> None:
        """Take in a message of the topic; one that is neither a letter nor a mark is only counted."""
        mark = mark_of(message.headers)
        if mark is not None and message.key is not None:
            self._rows.execute(_ADD_MARK, (message.key.decode("utf-8", "replace"), mark))
            return
        letter = from_record(message.key, message.value, message.headers)
        if letter is None:
            self.strangers += 1
            return
        place = (message.partition, message.offset, message.timestamp)
        body = letter.value or b""
        told = (letter.topic, letter.reason, letter.detail, len(body), letter.truncated)
        self._rows.execute(_ADD_LETTER, (letter.id, *place, *told, body[: self._prefix_bytes]))

    def rows(self, wanted: Wanted, limit: int | None = None) -> Iterator[Row]:
        """The wanted letters in the order in which they were set aside; with a limit, the newest of them."""
        where, values = _conditions(wanted)
        newest = f"SELECT * FROM seen WHERE {where} ORDER BY set_aside DESC, position DESC LIMIT ?"  # noqa: S608
        found = self._rows.execute(
            f"SELECT * FROM ({newest}) ORDER BY set_aside, position",  # noqa: S608  # values are bound
            (*values, -1 if limit is None else limit),
        )
        return (Row(*row) for row in found)

    def count(self, wanted: Wanted) -> dict[tuple[str, str], int]:
        """How many letters are wanted, by source topic and reason."""
        where, values = _conditions(wanted)
        counting = f"SELECT topic, reason, count(*) FROM seen WHERE {where} GROUP BY 1, 2 ORDER BY 1, 2"  # noqa: S608
        return {(topic, reason): number for topic, reason, number in self._rows.execute(counting, values)}

    def choose(self, wanted: Wanted) -> None:
        """Choose the wanted letters, and no others, for `is_chosen`."""
        where, values = _conditions(wanted)
        self._rows.execute("DELETE FROM chosen")
        self._rows.execute(f"INSERT INTO chosen SELECT partition, position FROM seen WHERE {where}", values)  # noqa: S608

    def is_chosen(self, message: Message) -> bool:
        """Whether the message is a chosen letter, in the one place that counts."""
        asked = "SELECT 1 FROM chosen WHERE partition = ? AND position = ?"
        return self._rows.execute(asked, (message.partition, message.offset)).fetchone() is not None


def _conditions(wanted: Wanted) -> tuple[str, list[Any]]:
    parts: list[str] = ["1"]
    values: list[Any] = []
    for column, chosen in (("reason", wanted.reason), ("topic", wanted.topic)):
        if chosen is not None:
            parts.append(f"{column} = ?")
            values.append(chosen)
    for column, several in (("id", wanted.ids), ("state", wanted.states)):
        if several:
            parts.append(f"{column} IN ({', '.join('?' * len(several))})")
            values.extend(several)
    if wanted.since is not None:
        parts.append("set_aside >= ?")
        values.append(int(wanted.since.timestamp() * 1000))
    return " AND ".join(parts), values
