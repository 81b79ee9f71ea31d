"""Write whole rows: insert, and replace what stands under the same key or leave it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler

Row = dict[str, Any]
COPY_FROM = 200  # rows from which COPY to a temporary table beats executemany on PostgreSQL


def upsert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows, every column given, no key twice; sorted by key, so that writers never deadlock."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    ordered = sorted(rows, key=itemgetter(*keys))
    dialect = connection.dialect
    if dialect.name == "sqlite":
        sql, names = _positional(table)
        connection.exec_driver_sql(sql, _tuples(table, dialect, ordered, names))
    elif len(ordered) >= COPY_FROM:
        _copy(connection, table, ordered, keys)
    else:
        connection.execute(_statement(table, dialect.name), ordered)


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


@cache
def _positional(table: Table) -> tuple[str, list[str]]:
    """The statement for SQLite as text, and the columns in the order of its parameters.

    SQLAlchemy would look up every parameter of every row by its name, which takes longer than writing it.
    """
    names = [column.name for column in table.columns]
    compiled = _statement(table, "sqlite").compile(dialect=sqlite.dialect(), column_keys=names)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101  # statements on rows have no other
    return compiled.string, list(compiled.positiontup or ())


def _tuples(
    table: Table, dialect: Dialect, rows: Sequence[Row], names: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Rows as the driver takes them."""
    pick = itemgetter(*names)
    binders = [(at, bind) for at, name in enumerate(names) if (bind := _binder(table, name, dialect))]
    bound = []
    for row in rows:
        values = list(pick(row))
        for at, bind in binders:
            values[at] = bind(values[at])
        bound.append(tuple(values))
    return bound


def _binder(table: Table, name: str, dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes a column's value one of the driver's; None where it is one already."""
    return table.c[name].type.dialect_impl(dialect).bind_processor(dialect)


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows, but for those under whose key something stands."""
    connection.execute(_new_statement(table, connection.dialect.name), rows)


@cache
def _new_statement(table: Table, dialect_name: str) -> Any:
    dialect = postgresql if dialect_name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


def _copy(connection: Connection, table: Table, rows: Sequence[Row], keys: list[str]) -> None:
    names = [column.name for column in table.columns]
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
    # What the same transaction wrote to the table before must not be written again. No TRUNCATE: that would
    # change the catalog with each commit.
    connection.execute(text(f'DELETE FROM "new_{table.name}"'))  # noqa: S608  # a name of ours
    raw = connection.connection.driver_connection
    assert raw is not None  # noqa: S101  # a live connection has its driver's
    with raw.cursor() as cursor, cursor.copy(f'COPY "new_{table.name}" ({quoted}) FROM STDIN') as copy:
        for row in _tuples(table, connection.dialect, rows, names):
            copy.write_row(row)
    connection.execute(
        text(
            f'INSERT INTO "{table.name}" ({quoted}) SELECT {quoted} FROM "new_{table.name}" '  # noqa: S608  # names of ours
            f"ON CONFLICT ({quoted_keys}) DO UPDATE SET {others}"
        )
    )
