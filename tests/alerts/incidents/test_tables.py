"""The migration makes what the tables of incidents and risk say, on both databases."""

from __future__ import annotations

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Engine, inspect

from alerts.incidents.tables import incident_changes, incident_numbers, incident_sources, incidents
from alerts.risk.tables import risk
from monitor.storage.migrations.versions import v0006_incidents_and_risk as migration
from monitor.storage.tables import metadata

TABLES = [incidents, incident_changes, incident_sources, incident_numbers, risk]


def test_the_migration_makes_what_the_tables_say(engine: Engine) -> None:
    """Column by column, with types, keys and indexes."""
    metadata.drop_all(engine, tables=TABLES)
    metadata.create_all(engine, tables=TABLES)
    expected = shape(engine)
    metadata.drop_all(engine, tables=TABLES)
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        migration.upgrade()
    assert shape(engine) == expected


def shape(engine: Engine) -> object:
    """Everything the database knows of the tables."""
    found, known = inspect(engine), {}
    for table in TABLES:
        columns = [
            (one["name"], str(one["type"]), one["nullable"], one["default"], one.get("comment"))
            for one in found.get_columns(table.name)
        ]
        keys = found.get_pk_constraint(table.name)["constrained_columns"]
        indexes = [
            (one["name"] or "", one["column_names"], bool(one["unique"]))
            for one in found.get_indexes(table.name)
        ]
        known[table.name] = (columns, keys, sorted(indexes))
    return known
