"""Each test of storage runs on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without tables."""
    url = (
        f"sqlite:///{tmp_path}/monitor.db"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgres_url"))
    )
    engine = open_engine(load_settings(database_url=url).sqlalchemy_url)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(empty: Engine) -> Engine:
    """A database at this program's schema."""
    migrate(empty)
    return empty
