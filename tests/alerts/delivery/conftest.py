"""The tests that need a database run on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from alerts.delivery.tables import deliveries, destinations, webhook_deliveries
from alerts.lifecycle.tables import alerts, outbox, series
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.lease import leases
from monitor.storage.tables import metadata

TABLES = [series, alerts, outbox, deliveries, destinations, webhook_deliveries, leases]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with the tables of alerts and of their delivery."""
    url = (
        f"sqlite:///{tmp_path}/monitor.db"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgres_url"))
    )
    made = open_engine(load_settings(database_url=url).sqlalchemy_url)
    metadata.create_all(made, tables=TABLES)
    yield made
    made.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    """The same on SQLite alone, for tests of what does not depend on the database."""
    made = open_engine(load_settings(database_url=f"sqlite:///{tmp_path}/monitor.db").sqlalchemy_url)
    metadata.create_all(made, tables=TABLES)
    yield made
    made.dispose()
