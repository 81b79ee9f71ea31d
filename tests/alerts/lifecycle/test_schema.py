"""The migration of alerts makes what their tables say, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from alerts.lifecycle.tables import alerts, outbox, series
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from monitor.storage.tables import metadata


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_migration_makes_the_tables(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Column by column, key by key, index by index."""
    url = f"sqlite:///{tmp_path}/monitor.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_engine(load_settings(database_url=url).sqlalchemy_url)
    migrate(engine)
    found = inspect(engine)
    names = {table.name for table in (alerts, outbox, series)}
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, what, _parents: what != "table" or name in names,
                "include_object": lambda _one, name, what, *_: what != "table" or name in names,
            },
        )
        assert compare_metadata(context, metadata) == []
    for table in (alerts, outbox, series):
        keys = [column.name for column in table.primary_key]
        assert found.get_pk_constraint(table.name)["constrained_columns"] == keys
        nullable = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert nullable == {column.name: column.nullable for column in table.columns}
    engine.dispose()
