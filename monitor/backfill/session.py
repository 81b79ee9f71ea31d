"""What a backfill needs to begin: the registry, the database at its version, and the kinds of history."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from monitor.backfill.kinds import Kind, kinds_of
from monitor.errors import MonitorError
from monitor.judging.book import Book
from monitor.registry.load import load_registry
from monitor.settings import Settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import check_schema


@contextmanager
def database(settings: Settings) -> Iterator[Engine]:
    """The database, at this program's version. Raises SchemaError, and MonitorError when it is away."""
    engine = open_engine(settings.sqlalchemy_url)
    try:
        check_schema(engine)
        yield engine
    except DBAPIError as why:
        raise MonitorError(f"the database: {str(why.orig).strip().partition(chr(10))[0]}") from why
    finally:
        engine.dispose()


@contextmanager
def session(settings: Settings, max_age: timedelta) -> Iterator[tuple[Engine, Mapping[str, Kind]]]:
    """Everything to count with. Raises RegistryProblems, SchemaError or MonitorError."""
    registry = load_registry(settings.registry)
    with database(settings) as engine, _few_collections():
        yield engine, kinds_of(settings, engine, Book(registry, settings.zone), max_age)


# Events are freed by reference counts, and what cannot be decoded leaves no rings: a collection walks what
# was counted since the last commit, and finds nothing.
_GC_THRESHOLDS = (100_000, 50, 1000)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Keep the collector from walking the registry over and over again."""
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(*_GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
