"""The doctor's look at databases: SQLite files and a real PostgreSQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from monitor.settings import Settings, load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from streams.doctor import database
from streams.doctor.finding import Finding

PATIENCE = 0.2


def now() -> datetime:
    return datetime.now(UTC)


def migrated(url: str) -> Settings:
    """Settings for a database with this program's tables."""
    settings = load_settings(database_url=url)
    engine = open_engine(settings.sqlalchemy_url)
    migrate(engine)
    engine.dispose()
    return settings


def execute(settings: Settings, statement: str) -> None:
    engine = open_engine(settings.sqlalchemy_url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def told(settings: Settings, clock: Any = now) -> dict[str, Finding]:
    return {finding.name: finding for finding in database.check_database(settings, clock, PATIENCE)}


def states(found: dict[str, Finding]) -> dict[str, str]:
    return {name: str(finding.state) for name, finding in found.items() if finding.state != "ok"}


@pytest.fixture
def sqlite(tmp_path: Path) -> Settings:
    """A migrated SQLite database."""
    return migrated(f"sqlite:///{tmp_path}/monitor.db")


def test_a_right_sqlite_database_is_left_as_it_was(sqlite: Settings, tmp_path: Path) -> None:
    """All ok, and the row that was tried is gone."""
    assert states(told(sqlite)) == {}
    engine = open_engine(sqlite.sqlalchemy_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM offsets")).scalar_one() == 0
    engine.dispose()
    assert "MiB free in " + str(tmp_path) in told(sqlite)["database space"].what


@pytest.mark.parametrize(
    ("statement", "words", "remedy"),
    [
        ("DELETE FROM alembic_version", "is empty", "monitor migrate"),
        ("UPDATE alembic_version SET version_num = 'zzzz'", "newer", "Upgrade the program"),
    ],
)
def test_another_schema_is_told_with_the_way_out(
    sqlite: Settings, statement: str, words: str, remedy: str
) -> None:
    """Empty: migrate; unknown, thus newer: another program. Writing is not tried."""
    execute(
        sqlite,
        statement,
    )
    found = told(sqlite)
    assert found["database schema"].state == "problem"
    assert words in found["database schema"].what
    assert remedy in found["database schema"].remedy
    assert found["database writing"].state == "not checked"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """Something else lies there: it is not touched."""
    path = tmp_path / "letter.txt"
    path.write_bytes(b"To whom it may concern\n" * 100)
    found = told(load_settings(database_url=f"sqlite:///{path}"))
    assert found["database"].state == "problem"
    assert "not a database" in found["database"].what
    assert path.read_bytes().startswith(b"To whom")
    missing = told(load_settings(database_url=f"sqlite:///{tmp_path}/no/such.db"))["database"]
    assert f"Make the folder {tmp_path}/no" in missing.remedy


def test_a_lock_that_is_not_given_back_is_told(sqlite: Settings) -> None:
    """Another process in the middle of a transaction: a problem after a bounded wait."""
    engine = open_engine(sqlite.sqlalchemy_url)
    with engine.begin() as connection:
        connection.execute(text("SELECT 1"))
        found = told(sqlite)
    engine.dispose()
    assert found["database writing"].state == "problem"
    assert "held the database's lock for 0.2 s" in found["database writing"].what


def test_little_room_on_the_disk(sqlite: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning first, a problem when the end is near."""
    monkeypatch.setattr(database, "LOW_SPACE", 2**80)
    assert database.space(sqlite).state == "warning"
    monkeypatch.setattr(database, "NO_SPACE", 2**80)
    assert database.space(sqlite).state == "problem"


def test_postgresql_is_looked_at_for_what_endangers_it(postgres_url: str) -> None:
    """Schema and writing are right; the tests' server runs without fsync; its disk cannot be seen."""
    empty = told(load_settings(database_url=postgres_url))
    assert empty["database"].state == "ok"
    assert empty["database schema"].state == "problem"
    found = told(migrated(postgres_url))
    assert states(found) == {"database durability": "warning", "database space": "not checked"}
    assert "switched off: fsync and full_page_writes" in found["database durability"].what


def test_a_clock_that_is_apart(postgres_url: str) -> None:
    """By how much and in which direction."""
    settings = migrated(postgres_url)
    found = told(settings, lambda: now() - timedelta(seconds=90))["database clock"]
    assert found.state == "warning"
    assert "90 s ahead of this computer's" in found.what


def test_a_postgresql_that_may_only_be_read(postgres_url: str) -> None:
    """Read-only sessions, and a user without rights: each with who must do what."""
    settings = migrated(postgres_url)
    name = postgres_url.rpartition("/")[2]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
        found = told(settings)["database writing"]
        assert found.state == "problem"
        assert "read-only" in found.what
        connection.execute(b"SET default_transaction_read_only = off")
        connection.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'.encode())
        role = f"reader_{name}"
        connection.execute(f'CREATE ROLE "{role}" LOGIN'.encode())
        try:
            connection.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{role}"'.encode())
            reader = postgres_url.replace("//monitor@", f"//{role}@")
            found = told(load_settings(database_url=reader))["database writing"]
            connection.execute(
                f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{role}"'.encode()
            )
            unnumbered = told(load_settings(database_url=reader))["database writing"]
            connection.execute(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{role}"'.encode())
            granted = told(load_settings(database_url=reader))["database writing"]
        finally:
            connection.execute(f'DROP OWNED BY "{role}"'.encode())
            connection.execute(f'DROP ROLE "{role}"'.encode())
    assert found.state == "problem"
    assert re.match(r"this user lacks \d+ rights: INSERT on \w+, UPDATE on ", found.what)
    assert "GRANT" in found.remedy
    assert unnumbered.state == "problem"
    assert "USAGE on alert_events_number_seq" in unnumbered.what
    assert granted.state == "ok"


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (lambda url: url.rpartition("/")[0] + "/none", "Create the database"),
        (lambda _: "postgresql://monitor@127.0.0.1:1/none", "Start the server"),
        (lambda _: "postgresql://monitor:not-to-be-shown@no-such-host.invalid/none", "Correct the host"),
    ],
    ids=["no-database", "nobody-listens", "no-such-host"],
)
def test_a_postgresql_that_cannot_be_reached(postgres_server: str, change: Any, remedy: str) -> None:
    """Told apart by the driver's words; the rest is not checked, and no password is shown."""
    found = told(load_settings(database_url=change(postgres_server)))
    assert found["database"].state == "problem"
    assert remedy in found["database"].remedy, found["database"]
    assert set(states(found).values()) == {"problem", "not checked"}
    assert "not-to-be-shown" not in str(found)
