"""Checks of the database: reachable, right schema, writable, its clock, and what endangers its content."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from monitor.settings import Settings
from monitor.storage import tables
from monitor.storage.engine import open_engine
from monitor.storage.schema import SchemaError, check_schema, head
from streams.doctor.finding import Finding, brief, counted, listed, not_checked, ok, problem, warning

NAMES = (
    "database schema",
    "database writing",
    "database clock",
    "database durability",
    "database space",
)
# Beyond this, times written by a worker and times asked of the database cannot be compared.
MAX_SKEW = timedelta(seconds=5)
# A day of the national platform (2.8 million exchanges in 5 thousand pairs) adds some hundred megabytes.
LOW_SPACE, NO_SPACE = 2 * 1024**3, 200 * 1024**2
MIB = 1024**2
# No topic can be called so: the row could not be taken for a real one even if it were left behind.
_PROBE = "(doctor)"
_SEQUENCES = text(
    "SELECT sequence.relname FROM pg_class AS sequence "
    "JOIN pg_depend ON pg_depend.objid = sequence.oid AND pg_depend.deptype IN ('a', 'i') "
    "JOIN pg_class AS owner ON owner.oid = pg_depend.refobjid "
    "WHERE owner.relname = ANY(:tables) AND pg_table_is_visible(owner.oid) "
    "AND CASE sequence.relkind WHEN 'S' THEN NOT has_sequence_privilege(sequence.oid, 'USAGE') END "
    "ORDER BY sequence.relname"
)
_READ_ONLY = "The worker must write: give MONITOR_DATABASE_URL the address of the primary server."


def check_database(settings: Settings, now: Callable[[], datetime], patience: float) -> list[Finding]:
    """All checks of the database; `patience` in seconds is how long to wait for another writer's lock."""
    reached = reachable(settings)
    if reached.remedy:
        return unreached(reached)
    engine = open_engine(settings.sqlalchemy_url, read_only=True)
    writer = open_engine(settings.sqlalchemy_url)
    try:
        schema_is = schema(engine)
        # Not before the schema is ours: opening a file to write sets its journal mode.
        written = (
            not_checked("database writing", "the schema comes first")
            if schema_is.remedy
            else writing(writer, patience)
        )
        return [reached, schema_is, written, clock(engine, now), durability(engine), space(settings)]
    finally:
        engine.dispose()
        writer.dispose()


def unreached(finding: Finding) -> list[Finding]:
    """What is left to say of a database that cannot be asked."""
    return [finding, *(not_checked(name, "the database cannot be reached") for name in NAMES)]


def reachable(settings: Settings) -> Finding:
    """Whether the database answers; a SQLite file that is not there is not made."""
    name, url = "database", settings.sqlalchemy_url
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "").absolute()
        if not path.is_file():
            what = f"{path} {'is no file' if path.exists() else 'does not exist'}"
            if not path.parent.is_dir():
                return problem(name, what, f"Make the folder {path.parent}, then run `monitor migrate`.")
            return problem(name, what, "`monitor migrate` makes it; or correct MONITOR_DATABASE_URL.")
        where = f"SQLite, {path}"
    else:
        where = f"PostgreSQL at {url.host or 'a local socket'}:{url.port or 5432}/{url.database or ''}"
    engine = open_engine(url, read_only=True)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one()
                return ok(name, where)
            release = _setting(connection, "server_version").split()[0]
            encoding = _setting(connection, "server_encoding")
    except SQLAlchemyError as why:
        return problem(name, f"{where}: {brief(why)}", _connection_remedy(brief(why)))
    finally:
        engine.dispose()
    if encoding != "UTF8":
        return problem(
            name,
            f"{where} stores text as {encoding}, which cannot hold every name",
            "Make a database with ENCODING 'UTF8' TEMPLATE template0 and name it in MONITOR_DATABASE_URL.",
        )
    return ok(name, f"{where}, version {release}")


def schema(engine: Engine) -> Finding:
    """Whether the tables are those that this program knows."""
    try:
        check_schema(engine)
    except SchemaError as why:
        what, _, remedy = str(why).rpartition(": ")
        return problem("database schema", what, f"{remedy[:1].upper()}{remedy[1:]}.")
    return ok("database schema", f"version {head()}, as this program needs it")


def writing(engine: Engine, patience: float) -> Finding:
    """Whether a row can be written: tried in a transaction that is rolled back."""
    name = "database writing"
    now = datetime.now(UTC)
    row = {"topic": _PROBE, "partition": 0, "next_offset": 0, "events": 0, "updated_at": now}
    row |= {"id_generation": 0, "id_begins_at_offset": 0, "ids_shortened": 0}
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                if missing := _missing_rights(connection):
                    return problem(name, missing[0], missing[1])
            else:
                raw = connection.connection.driver_connection
                assert raw is not None  # noqa: S101  # a live connection has its driver's
                raw.execute(f"PRAGMA busy_timeout={int(patience * 1000)}")
            connection.execute(insert(tables.offsets), row)
            connection.rollback()
    except DBAPIError as why:
        if "locked" in brief(why):
            return problem(
                name,
                f"another process has held the database's lock for {patience:g} s",
                "A worker holds it for fractions of a second: look for a stopped process or an open shell.",
            )
        return problem(
            name,
            f"a row cannot be written: {brief(why)}",
            "Let this user write; check the disk and its quota.",
        )
    return ok(name, "a row was written and taken back")


def clock(engine: Engine, now: Callable[[], datetime]) -> Finding:
    """How far the database server's clock is from this computer's."""
    name = "database clock"
    if engine.dialect.name == "sqlite":
        return ok(name, "SQLite uses this computer's")
    with engine.connect() as connection:
        before = now()
        theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        after = now()
    skew = theirs - (before + (after - before) / 2)
    if abs(skew) <= MAX_SKEW:
        return ok(name, "agrees with this computer's")
    ahead = "ahead of" if skew > timedelta(0) else "behind"
    return warning(
        name,
        f"the database's clock is {abs(skew).total_seconds():.0f} s {ahead} this computer's",
        "Let both computers keep time by NTP (for instance chrony), and look which of them does not.",
    )


def durability(engine: Engine) -> Finding:
    """Settings of the server with which committed figures can be lost or damaged."""
    name = "database durability"
    if engine.dialect.name == "sqlite":
        return ok(name, "a power cut may undo the last commits, which are then read from Kafka again")
    with engine.connect() as connection:
        off = [setting for setting in ("fsync", "full_page_writes") if _setting(connection, setting) != "on"]
    if off:
        return warning(
            name,
            f"switched off: {' and '.join(off)}; a power cut can destroy the database",
            "Set them to on in postgresql.conf and restart the server.",
        )
    # synchronous_commit may be off: commits that are lost take their offsets with them.
    return ok(name, "fsync and full_page_writes are on")


def space(settings: Settings) -> Finding:
    """How much room the disk of a SQLite file has."""
    name, url = "database space", settings.sqlalchemy_url
    if url.get_backend_name() != "sqlite":
        return not_checked(name, "PostgreSQL does not tell its disk's")
    path = Path(url.database or "").absolute()
    free = shutil.disk_usage(path.parent).free
    what = f"{free // MIB:,} MiB free in {path.parent}".replace(",", " ")
    remedy = "Make room, or move the file: stop the worker, copy it, change MONITOR_DATABASE_URL."
    if free < NO_SPACE:
        return problem(name, what, remedy)
    return warning(name, what, remedy) if free < LOW_SPACE else ok(name, what)


def _missing_rights(connection: Connection) -> tuple[str, str] | None:
    """What a PostgreSQL user may not do, and the remedy."""
    if connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one():
        return "the server is a standby, which is read-only", _READ_ONLY
    if _setting(connection, "transaction_read_only") == "on":
        return "sessions of this user are read-only (default_transaction_read_only)", _READ_ONLY
    query = text("SELECT has_table_privilege(:table, :right)")
    rights = ("SELECT", "INSERT", "UPDATE", "DELETE")
    lacking = [
        f"{right} on {table}"
        for table in sorted(tables.metadata.tables)
        for right in rights
        if not connection.execute(query, {"table": table, "right": right}).scalar_one()
    ]
    # Rows of some tables are numbered by a sequence of their own.
    lacking += [
        f"USAGE on {sequence}"
        for sequence in connection.execute(_SEQUENCES, {"tables": sorted(tables.metadata.tables)}).scalars()
    ]
    # Many rows at once go through a temporary table.
    if not connection.execute(
        text("SELECT has_database_privilege(current_database(), 'TEMPORARY')")
    ).scalar_one():
        lacking.append("TEMPORARY on the database")
    if not lacking:
        return None
    return (
        f"this user lacks {counted(len(lacking), 'right')}: {listed(lacking)}",
        "Let the owner grant them: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO …; "
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO …; GRANT TEMPORARY ON DATABASE … TO ….",
    )


def _setting(connection: Connection, name: str) -> str:
    return str(connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one())


def _connection_remedy(said: str) -> str:
    for sign, remedy in (
        (
            "password",
            "Correct the user or password: MONITOR_DATABASE_PASSWORD(_FILE) or MONITOR_DATABASE_URL.",
        ),
        ("pg_hba", "Let the server admit this user from this address: pg_hba.conf."),
        ("does not exist", "Create the database or user, or correct MONITOR_DATABASE_URL."),
        ("refused", "Start the server, or correct host and port in MONITOR_DATABASE_URL."),
        ("resolve", "Correct the host in MONITOR_DATABASE_URL, or the name service."),
        ("translate host", "Correct the host in MONITOR_DATABASE_URL, or the name service."),
        ("too many", "Free connections, or raise max_connections: a worker takes up to twelve."),
        ("not a database", "The file is something else: correct MONITOR_DATABASE_URL."),
        ("unable to open", "Let this user read and write the file and its folder."),
        ("timeout", "A firewall may drop the connection: check host and port in MONITOR_DATABASE_URL."),
    ):
        if sign in said:
            return remedy
    return "Check MONITOR_DATABASE_URL and the server's log."
