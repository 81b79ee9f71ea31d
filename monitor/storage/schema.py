"""The schema's version: the worker refuses any but its own, and migrates only when told to."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from monitor.errors import MonitorError

# The advisory lock of a PostgreSQL database that its migrations share; the letters "monitor" as a number.
MIGRATION_LOCK = 0x6D6F6E69746F72
_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's code for a wait that lock_timeout ended


class SchemaError(MonitorError):
    """The database is at another schema version than this program."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def head() -> str:
    """The version that this program needs."""
    version = ScriptDirectory.from_config(_config()).get_current_head()
    assert version is not None  # noqa: S101  # the first migration always exists
    return version


def current(engine: Engine) -> str | None:
    """The version the database is at; None when it is empty."""
    with engine.connect() as connection:
        return _version(connection)


def check_schema(engine: Engine) -> None:
    """Raise SchemaError, saying what to do, unless the database is at this program's version."""
    found, needed = current(engine), head()
    if found == needed:
        return
    _refuse_newer(found)
    state = "empty" if found is None else f"at schema {found}"
    raise SchemaError(f"the database is {state} and schema {needed} is needed: run `monitor migrate`")


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Bring the database to this program's version; return the versions before and after.

    Of several at once, one does it, and the others find it done: on SQLite a transaction begins with the
    write lock, on PostgreSQL with an advisory lock, for which they wait as long as the engine's lock_timeout.
    Raises SchemaError when the database is newer than the program, or another migration takes longer.
    """
    config = _config()
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            _wait_for_turn(connection)
        before = _version(connection)
        _refuse_newer(before)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, head()


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(found: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise SchemaError(
            f"the database is at schema {found}, newer than this program's {head()}: upgrade the program"
        )


def _wait_for_turn(connection: Connection) -> None:
    try:
        # Held to the transaction's end, so that it goes even with a process that is killed.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    except OperationalError as why:
        if getattr(why.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise SchemaError("another `monitor migrate` is under way on this database: wait for it") from why
