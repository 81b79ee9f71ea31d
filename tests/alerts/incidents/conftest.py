"""The tests that need a database run on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from alerts.incidents.tables import incident_changes, incident_numbers, incident_sources, incidents
from alerts.lifecycle.tables import alerts, outbox, series
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.tables import metadata

TABLES = [incidents, incident_changes, incident_sources, incident_numbers, alerts, outbox, series]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with the tables of incidents and alerts."""
    url = (
        f"sqlite:///{tmp_path}/monitor.db"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgres_url"))
    )
    made = open_engine(load_settings(database_url=url).sqlalchemy_url)
    metadata.create_all(made, tables=TABLES)
    yield made
    made.dispose()
