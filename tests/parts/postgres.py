"""A real PostgreSQL on its own port and data folder, and a database of its own for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from deploy.stack.parts import postgres
from deploy.stack.parts.part import Missing
from tests.parts import missing_part

__all__ = ["Postgres", "fresh_database", "require_postgres"]

# Data that lives for a test run need not survive a power cut.
OPTIONS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200")


def require_postgres() -> None:
    """Skip (fail in CI) where PostgreSQL cannot be run."""
    try:
        postgres.postgres_programs()
    except Missing:
        missing_part("PostgreSQL", postgres.REMEDY)


class Postgres(postgres.Postgres):
    """A server on the loopback address with an empty data folder, which goes when it stops."""

    def __init__(self) -> None:
        super().__init__(options=OPTIONS)


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """A new empty database on the server, dropped at the end whoever is still connected; yields its URL."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())
    try:
        yield f"{server_url.rsplit('/', 1)[0]}/{name}"
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
