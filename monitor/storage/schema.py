"""The schema's version: the worker refuses any but its own, and migrates only when told to."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from monitor.errors import MonitorError


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
        return MigrationContext.configure(connection).get_current_revision()


def check_schema(engine: Engine) -> None:
    """Raise SchemaError, saying what to do, unless the database is at this program's version."""
    found, needed = current(engine), head()
    if found == needed:
        return
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise SchemaError(
            f"the database is at schema {found}, newer than this program's {needed}: upgrade the program"
        )
    state = "empty" if found is None else f"at schema {found}"
    raise SchemaError(f"the database is {state} and schema {needed} is needed: run `monitor migrate`")


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Bring the database to this program's version; return the versions before and after.

    Raises SchemaError when the database is newer than the program.
    """
    before = current(engine)
    try:
        check_schema(engine)
    except SchemaError as mismatch:
        if "newer" in str(mismatch):
            raise
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, head()
