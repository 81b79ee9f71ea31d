"""Taking a file back out of the ledger: everything that was counted from it, and that it was read."""

from __future__ import annotations

from sqlalchemy import Engine, delete

from monitor.backfill.identity import Known, known_files
from monitor.errors import UsageProblem
from monitor.storage import tables


def take_back(engine: Engine, topic: str) -> Known:
    """Delete all rows of a file in one transaction; a backfill of it that is under way is fenced by it.

    Raises UsageProblem when no such file was counted, sqlalchemy.exc.DBAPIError when the database failed.
    """
    known = next((each for each in known_files(engine) if each.topic == topic), None)
    if known is None or not topic.startswith(tables.FILE_PREFIX):
        raise UsageProblem(f"{topic}: no such file was counted; `monitor backfill --list` shows all")
    if known.kind == "xroad-records":
        raise UsageProblem(
            f"{topic}: halves of calls from it were joined with others', and cannot be taken apart again"
        )
    with engine.begin() as connection:
        for table in tables.metadata.sorted_tables:
            if "topic" in table.columns and "partition" in table.columns:
                connection.execute(delete(table).where(table.c.topic == topic))
    return known
