"""How far the worker had read when figures were summed, and digests of what went into them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from monitor.objectives.reading import read_first_hour
from monitor.reports.gather.cells import Tallied
from monitor.storage.tables import offsets


class Read(NamedTuple):
    """A digest of all offsets, the events behind them, the newest event time, and the ledger's first hour."""

    offsets: str
    events: int
    newest: datetime | None
    first_hour: datetime | None


def read_source(connection: Connection) -> Read:
    """How far everything was read. Raises sqlalchemy.exc.DBAPIError."""
    o = offsets.c
    query = select(o.topic, o.partition, o.next_offset, o.events, o.newest).order_by(o.topic, o.partition)
    rows = list(connection.execute(query))
    return Read(
        offsets=digest([[row[0], row[1], row[2]] for row in rows]),
        events=sum(row[3] for row in rows),
        newest=max((row[4] for row in rows if row[4] is not None), default=None),
        first_hour=read_first_hour(connection),
    )


def digest_of(tallied: Tallied) -> str:
    """A digest of everything that was summed: it changes with any count of any pair or day."""
    return digest(
        [
            [
                [*pair, counted.sums, counted.shortest, counted.longest]
                for pair, counted in sorted(tallied.pairs.items())
            ],
            [[day.isoformat(), counted.sums] for day, counted in sorted(tallied.days.items())],
            [
                [*pair, sorted(histogram.items())]
                for pair, histogram in sorted(tallied.latencies.items())
                if histogram
            ],
        ]
    )


def digest(value: object) -> str:
    """SHA-256, in hexadecimal, of plain values in JSON."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()
