"""Reads sums of cells from the database, over source partitions and over hours of one local day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, case, cast, func, select, type_coerce

from monitor.objectives.windows import Span
from monitor.storage.tables import cells, from_microseconds


class PairSum(NamedTuple):
    """What one pair exchanged in a span, under the names that its cells carry.

    `last_ok_us` (microseconds since 1970) is the newest time of a cell with an answer in it, or None.
    """

    provider: str
    consumer: str
    service: str
    ok: int
    fault: int
    denied: int
    timeout: int
    slow: int
    last_ok_us: int | None


_CELL = cells.c
_PAIR = (_CELL.provider, _CELL.consumer, _CELL.service)
_LAST_OK = func.max(case((_CELL.ok > 0, type_coerce(_CELL.last_time, BigInteger))))
# PostgreSQL sums to numeric, which comes back as Decimal; casting there costs less than converting here.
_SUMS = tuple(
    cast(func.sum(each), BigInteger)
    for each in (_CELL.ok, _CELL.fault, _CELL.denied, _CELL.timeout, _CELL.slow)
)


def read_span(connection: Connection, span: Span) -> Iterator[PairSum]:
    """The sums of every pair with cells in a span. Raises sqlalchemy.exc.DBAPIError."""
    query = (
        select(*_PAIR, *_SUMS, _LAST_OK)
        .where(_CELL.hour >= span.begins, _CELL.hour < span.ends)
        .group_by(*_PAIR)
    )
    return map(PairSum._make, connection.execute(query))


def read_last_answers(
    connection: Connection, services: Iterable[str], span: Span
) -> Iterator[tuple[str, str, str, int]]:
    """Provider, consumer, service and time (microseconds since 1970) of the last answer of each pair.

    The span may cover many days. Raises sqlalchemy.exc.DBAPIError.
    """
    query = (
        select(*_PAIR, func.max(type_coerce(_CELL.last_time, BigInteger)))
        .where(_CELL.hour >= span.begins, _CELL.hour < span.ends)
        .where(_CELL.service.in_(list(services)), _CELL.ok > 0)
        .group_by(*_PAIR)
    )
    for row in connection.execute(query):
        yield row[0], row[1], row[2], row[3]


def read_first_hour(connection: Connection) -> datetime | None:
    """The hour with which the ledger begins; None while it is empty. Raises sqlalchemy.exc.DBAPIError."""
    hour = connection.execute(select(func.min(_CELL.hour))).scalar_one()
    return None if hour is None else from_microseconds(hour * 1_000_000)
