"""Which file this is: by what it holds, so that a name, a folder or gzip changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from monitor.backfill.batch import Place
from monitor.backfill.source import Source
from monitor.storage import tables
from monitor.storage.engine import reading
from monitor.storage.upsert import upsert

ALIKE_MARK = "~"  # behind the hash where other files begin alike, and before which of them it is
_DIGITS = 32  # of the hash of the first record: 128 bits
_FEW_DIGITS = 8  # tell files of one name apart
_READ = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Known:
    """A file as the database knows it: what was read of it, up to where, and the hash of all that."""

    topic: str
    head: str
    kind: str
    form: str
    name: str
    position: int
    digest: str
    next_offset: int
    left_out: int


def head_of(record: bytes) -> str:
    """What a file is looked up by: the hash of its first record."""
    return hashlib.sha256(record.strip()).hexdigest()[:_DIGITS]


def shortened(topic: str) -> str:
    """What tells a file from others of its name, short enough to stand in a name."""
    digits, mark, which = topic.removeprefix(tables.FILE_PREFIX).partition(ALIKE_MARK)
    return f"{digits[:_FEW_DIGITS]}{mark}{which}"


def known_files(engine: Engine, head: str | None = None) -> list[Known]:
    """The files that were counted, those read furthest first; with `head`, those that begin so."""
    files, offsets = tables.history_files.c, tables.offsets.c
    query = (
        select(tables.history_files, offsets.next_offset)
        .join(tables.offsets, (offsets.topic == files.topic) & (offsets.partition == files.partition))
        .order_by(files.position.desc(), files.topic)
    )
    if head is not None:
        query = query.where(files.head == head)
    with reading(engine).connect() as connection:
        return [
            Known(**{name: row[name] for name in Known.__dataclass_fields__})
            for row in connection.execute(query).mappings()
        ]


def continued(source: Source, known: Known) -> Place | None:
    """Read as far as was read before; None unless all of that stands there unchanged."""
    digest, missing, last = hashlib.sha256(), known.position, b""
    while missing:
        data = source.read(min(_READ, missing))
        if not data:
            return None
        digest.update(data)
        missing -= len(data)
        last = data[-1:]
    if digest.hexdigest() != known.digest:
        return None
    return Place(known.position, known.next_offset, digest, unbroken=last != b"\n")


def note(connection: Connection, known: Known, reached: Place, left_out: int, now: datetime) -> None:
    """Write how far a file was read, in the transaction that counts what was read."""
    row: dict[str, Any] = {
        "topic": known.topic,
        "partition": 0,
        "head": known.head,
        "kind": known.kind,
        "form": known.form,
        "name": known.name,
        "position": reached.position,
        "digest": reached.digest.hexdigest(),
        "left_out": known.left_out + left_out,
        "updated_at": now,
    }
    upsert(connection, tables.history_files, [row])
