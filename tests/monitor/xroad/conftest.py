"""Databases with the tables that records of X-Road need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.settings import load_settings
from monitor.storage import tables
from monitor.storage.engine import open_engine
from tests.monitor.xroad.parts import OURS, memory


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty database of this test's own."""
    engine = memory(tmp_path / "monitor.db")
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        engine = memory(tmp_path / "monitor.db")
    else:
        url = str(request.getfixturevalue("postgres_url"))
        engine = open_engine(load_settings(database_url=url).sqlalchemy_url)
        tables.metadata.create_all(engine, tables=OURS)
    yield engine
    engine.dispose()
