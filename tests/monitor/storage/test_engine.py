"""Engines: on SQLite one writer at a time, and readers beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from monitor.settings import load_settings
from monitor.storage import engine as module
from monitor.storage.engine import open_engine, reading


def test_who_only_reads_waits_for_no_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And sees what was committed before, while another writer would have to wait."""
    monkeypatch.setattr(module, "BUSY_TIMEOUT_MS", 50)
    engine = open_engine(load_settings(database_url=f"sqlite:///{tmp_path}/monitor.db").sqlalchemy_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE numbers (number INTEGER)"))
        connection.execute(text("INSERT INTO numbers VALUES (1)"))
    with engine.begin() as writer:
        writer.execute(text("INSERT INTO numbers VALUES (2)"))
        with reading(engine).connect() as reader:
            assert reader.execute(text("SELECT number FROM numbers")).scalars().all() == [1]
        with pytest.raises(OperationalError, match="locked"), engine.begin():
            pass
    with reading(engine).connect() as reader:
        assert reader.execute(text("SELECT number FROM numbers")).scalars().all() == [1, 2]
