"""The schema: migrations make what the tables say, and a worker refuses any other."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, event, insert, inspect, select, text

import alerts
import monitor
from monitor.settings import load_settings
from monitor.storage import tables
from monitor.storage.engine import open_engine
from monitor.storage.schema import MIGRATION_LOCK, SchemaError, check_schema, current, head, migrate
from tests.builders import MOMENT


def load_all_tables() -> None:
    """Have every package declare its tables: the migrations make those of all."""
    for of in (alerts, monitor):
        for package in pkgutil.iter_modules(of.__path__, f"{of.__name__}."):
            name = f"{package.name}.tables"
            if package.ispkg and importlib.util.find_spec(name):
                importlib.import_module(name)


def test_migrations_make_what_the_tables_say(engine: Engine) -> None:
    """Column by column, index by index; also the keys, which the comparison leaves out."""
    load_all_tables()
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


def migrating(url: str) -> subprocess.Popen[str]:
    """A process that runs `monitor migrate`."""
    return subprocess.Popen(
        [sys.executable, "-c", "from monitor.cli import main; main()", "migrate"],
        env={**os.environ, "MONITOR_DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """How each ended, and what it said; none is left running."""
    try:
        outputs = [process.communicate(timeout=60) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return sorted((process.returncode, *output) for process, output in zip(processes, outputs, strict=True))


ONE_DOES_IT = [(0, f"schema {head()} (unchanged)\n", ""), (0, f"schema none -> {head()}\n", "")]


def test_of_two_migrations_at_once_one_does_it_and_one_finds_it_done(postgres_url: str) -> None:
    """Both begin while a third transaction holds the name of the first table, and go on at one moment."""
    with psycopg.connect(postgres_url) as holder, psycopg.connect(postgres_url, autocommit=True) as watcher:
        holder.execute("CREATE TABLE alembic_version (version_num text)")
        processes = [migrating(postgres_url) for _ in range(2)]
        waiting = """SELECT count(*) FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND datname = current_database()"""
        deadline = time.monotonic() + 60
        while watcher.execute(waiting).fetchone() != (2,):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        holder.rollback()
    assert told(processes) == ONE_DOES_IT


def test_of_two_migrations_of_a_file_one_does_it_and_one_finds_it_done(tmp_path: Path) -> None:
    """SQLite lets one write at a time."""
    url = f"sqlite:///{tmp_path}/monitor.db"
    assert told([migrating(url), migrating(url)]) == ONE_DOES_IT


def test_what_another_migrated_meanwhile_is_seen(empty: Engine) -> None:
    """Between any look at the database and the migration's own transaction: it reports what it did itself."""
    meanwhile: list[tuple[str | None, str]] = []
    other = open_engine(empty.url)

    @event.listens_for(empty, "checkin")
    def migrate_too(*_: object) -> None:
        if not meanwhile:
            meanwhile.append(migrate(other))

    own = migrate(empty)
    other.dispose()
    assert {own, *meanwhile} == {(None, head()), (head(), head())}


def test_a_migration_does_not_wait_for_another_without_end(postgres_url: str) -> None:
    """It gives up after the engine's lock_timeout, having changed nothing."""
    url = load_settings(database_url=postgres_url).sqlalchemy_url
    engine = create_engine(url, connect_args={"options": "-c lock_timeout=100"})
    with psycopg.connect(postgres_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        with pytest.raises(SchemaError, match="another `monitor migrate` is under way"):
            migrate(engine)
    assert current(engine) is None
    engine.dispose()


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
