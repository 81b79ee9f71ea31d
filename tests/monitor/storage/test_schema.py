"""The schema: migrations make what the tables say, and a worker refuses any other."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, inspect, select, text

from monitor.storage import tables
from monitor.storage.schema import SchemaError, check_schema, current, head, migrate
from tests.builders import MOMENT


def test_migrations_make_what_the_tables_say(engine: Engine) -> None:
    """Column by column, index by index; also the keys, which the comparison leaves out."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, tables.metadata) == []
    found = inspect(engine)
    for table in tables.metadata.sorted_tables:
        expected = [column.name for column in table.primary_key]
        assert found.get_pk_constraint(table.name)["constrained_columns"] == expected, table.name
        nullable = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert nullable == {column.name: column.nullable for column in table.columns}, table.name


def test_migrating_twice_changes_nothing(empty: Engine) -> None:
    """The second time it says so."""
    assert migrate(empty) == (None, head())
    assert migrate(empty) == (head(), head())
    check_schema(empty)


def test_an_empty_database_is_to_be_migrated_first(empty: Engine) -> None:
    """The message names the command."""
    assert current(empty) is None
    with pytest.raises(SchemaError, match=r"empty.*monitor migrate"):
        check_schema(empty)


def test_an_older_schema_is_to_be_migrated(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both versions are named."""
    monkeypatch.setattr("monitor.storage.schema.head", lambda: "9999")
    with pytest.raises(SchemaError, match=f"at schema {head()} and schema 9999.*monitor migrate"):
        check_schema(engine)


def test_a_newer_schema_is_left_alone(engine: Engine) -> None:
    """Neither the worker nor a migration touches it: the program is what is old."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refused in (check_schema, migrate):
        with pytest.raises(SchemaError, match=r"9999, newer.*upgrade the program"):
            refused(engine)
    assert current(engine) == "9999"


@pytest.mark.parametrize(
    "moment",
    [
        MOMENT,
        MOMENT.replace(microsecond=1),
        MOMENT.replace(microsecond=999_999),
        MOMENT.replace(year=1),
        MOMENT.replace(year=9999),
    ],
)
def test_moments_are_kept_to_the_microsecond(engine: Engine, moment: object) -> None:
    """Through the database and back, over the whole calendar; in any zone it is the same moment."""
    row = {"topic": "t", "partition": 0, "next_offset": 0, "newest": moment, "updated_at": MOMENT}
    with engine.begin() as connection:
        connection.execute(insert(tables.offsets), {**row, "id_rotates_at": None})
        found = connection.execute(select(tables.offsets)).mappings().one()
    assert found["newest"] == moment
    assert found["newest"].tzinfo is not None
    assert found["id_rotates_at"] is None
