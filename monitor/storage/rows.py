"""Rows of a source, read by their keys within the transaction that changes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Select, Table, bindparam, select, tuple_

KEYS_PER_QUERY = 400  # SQLite and PostgreSQL both take that many four-part keys in one statement

_T = TypeVar("_T")


def portions(keys: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Keys in portions that one statement takes."""
    for start in range(0, len(keys), KEYS_PER_QUERY):
        yield keys[start : start + KEYS_PER_QUERY]


def rows_under(
    connection: Connection,
    table: Table,
    names: Sequence[str],
    keys: Iterable[Sequence[Any]],
    source: Mapping[str, Any],
) -> Iterator[RowMapping]:
    """The rows of `source` (columns and what they hold) whose columns `names` hold one of `keys`."""
    query = _query(table, tuple(names), tuple(source))
    of = {f"of_{name}": value for name, value in source.items()}
    for some in portions([tuple(key) for key in keys]):
        yield from connection.execute(query, {**of, "some_keys": some}).mappings()


@cache
def _query(table: Table, names: tuple[str, ...], source: tuple[str, ...]) -> Select[Any]:
    """Made once: making a statement takes several times as long as running it for a few rows."""
    columns = tuple_(*(table.c[name] for name in names))
    mine = [table.c[name] == bindparam(f"of_{name}") for name in source]
    return select(table).where(columns.in_(bindparam("some_keys", expanding=True)), *mine)
