"""`monitor migrate`: bring the database to this program's schema."""

from __future__ import annotations

import click

from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate as migrate_schema


@click.command()
def migrate() -> None:
    """Create the tables, or bring older ones up to date.

    Reads MONITOR_DATABASE_URL; writes the schema there; says which version it was and is. Back up first:
    a migration cannot be taken back.
    """
    settings = load_settings()
    engine = open_engine(settings.sqlalchemy_url)
    before, after = migrate_schema(engine)
    click.echo(f"schema {after} (unchanged)" if before == after else f"schema {before or 'none'} -> {after}")
