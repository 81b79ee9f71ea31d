"""Write whole rows: insert, and replace what stands under the same key or leave it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql, sqlite

Row = dict[str, Any]
COPY_FROM = 200  # rows from which COPY to a temporary table beats executemany on PostgreSQL


def upsert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows, every column given, no key twice; sorted by key, so that writers never deadlock."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    ordered = sorted(rows, key=lambda row: tuple(row[key] for key in keys))
    if connection.dialect.name == "postgresql" and len(ordered) >= COPY_FROM:
        _copy(connection, table, ordered, keys)
        return
    connection.execute(_statement(table, connection.dialect.name), ordered)


@cache
def _statement(table: Table, dialect_name: str) -> Any:
    """Made once: making it costs more than running it for a few rows."""
    dialect = postgresql if dialect_name == "postgresql" else sqlite
    statement = dialect.insert(table)
    replaced = {
        column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key
    }
    keys = [column.name for column in table.primary_key]
    return statement.on_conflict_do_update(index_elements=keys, set_=replaced)


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows, but for those under whose key something stands."""
    connection.execute(_new_statement(table, connection.dialect.name), rows)


@cache
def _new_statement(table: Table, dialect_name: str) -> Any:
    dialect = postgresql if dialect_name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


def _copy(connection: Connection, table: Table, rows: Sequence[Row], keys: list[str]) -> None:
    names = [column.name for column in table.columns]
    binders = [column.type.bind_processor(connection.dialect) for column in table.columns]
    quoted = ", ".join(f'"{name}"' for name in names)
    others = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in keys)
    quoted_keys = ", ".join(f'"{key}"' for key in keys)
    # The temporary table lives as long as the connection; emptied with each transaction.
    connection.execute(
        text(
            f'CREATE TEMPORARY TABLE IF NOT EXISTS "new_{table.name}" '
            f'(LIKE "{table.name}") ON COMMIT DELETE ROWS'
        )
    )
    raw = connection.connection.driver_connection
    assert raw is not None  # noqa: S101  # a live connection has its driver's
    with raw.cursor() as cursor, cursor.copy(f'COPY "new_{table.name}" ({quoted}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(
                [bind(row[name]) if bind else row[name] for name, bind in zip(names, binders, strict=True)]
            )
    connection.execute(
        text(
            f'INSERT INTO "{table.name}" ({quoted}) SELECT {quoted} FROM "new_{table.name}" '  # noqa: S608  # names of ours
            f"ON CONFLICT ({quoted_keys}) DO UPDATE SET {others}"
        )
    )
