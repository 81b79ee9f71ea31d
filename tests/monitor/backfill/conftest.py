"""A database at this program's schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """SQLite: the store's own tests run on PostgreSQL too."""
    engine = open_engine(load_settings(database_url=f"sqlite:///{tmp_path}/monitor.db").sqlalchemy_url)
    migrate(engine)
    yield engine
    engine.dispose()
