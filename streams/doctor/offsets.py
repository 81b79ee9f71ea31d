"""Checks of the database's offsets against Kafka's: the same topic, nothing lost, how much is waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from monitor.settings import Settings
from monitor.storage import tables
from monitor.storage.engine import open_engine
from monitor.storage.progress import FROM_THE_BEGINNING
from streams.doctor.finding import Finding, counted, listed, not_checked, ok, problem, warning
from streams.doctor.sample import Bounds

NAMES = ("offsets", "lag")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the database says that a partition was read, and when it was said last."""

    next_offset: int
    at: datetime


def read_progress(settings: Settings) -> dict[int, Progress]:
    """The database's offsets for the topic of exchanges, by partition. Raises SQLAlchemyError."""
    engine = open_engine(settings.sqlalchemy_url, read_only=True)
    offsets = tables.offsets.c
    query = select(offsets.partition, offsets.next_offset, offsets.updated_at).where(
        offsets.topic == settings.topic("exchanges")
    )
    try:
        with engine.connect() as connection:
            return {
                row.partition: Progress(row.next_offset, row.updated_at) for row in connection.execute(query)
            }
    finally:
        engine.dispose()


def check_offsets(topic: str, progress: Mapping[int, Progress], bounds: Mapping[int, Bounds]) -> Finding:
    """Whether the database and the topic belong together, and nothing was deleted before it was read."""
    name = "offsets"
    gone = sorted(set(progress) - set(bounds))
    ahead = {
        number: each.next_offset - bounds[number].end
        for number, each in sorted(progress.items())
        if number in bounds and each.next_offset > bounds[number].end
    }
    if gone or ahead:
        told = [f"{topic}/{number} by {counted(by, 'record')}" for number, by in ahead.items()]
        told += [f"{topic}/{number}, which is not there" for number in gone]
        return problem(
            name,
            f"the database has read further than the topic goes: {listed(told)}. The topic was created anew, "
            "or the database belongs to another cluster; workers refuse to start",
            "Name the database that belongs to this topic in MONITOR_DATABASE_URL; or a new one, and run "
            "`monitor migrate`.",
        )
    lost = {
        number: bounds[number].first - each.next_offset
        for number, each in sorted(progress.items())
        if FROM_THE_BEGINNING < each.next_offset < bounds[number].first
    }
    if lost:
        told = [f"{topic}/{number} {by}" for number, by in lost.items()]
        return problem(
            name,
            f"{counted(sum(lost.values()), 'record')} were deleted before they were read: {listed(told)}",
            "Start the workers now, before more are deleted, and keep the topic longer (retention.ms). "
            "What is lost can be counted from the senders' files: `monitor backfill`.",
        )
    if not any(each.next_offset > FROM_THE_BEGINNING for each in progress.values()):
        return ok(name, "nothing was read yet")
    return ok(name, f"{counted(len(progress), 'partition')}, each within what the topic holds")


def check_lag(
    progress: Mapping[int, Progress], bounds: Mapping[int, Bounds], now: datetime, patience: timedelta
) -> Finding:
    """How many records wait; a warning when nothing was committed for `patience` while they did."""
    name = "lag"
    if any(number in bounds and each.next_offset > bounds[number].end for number, each in progress.items()):
        return not_checked(name, "the offsets come first")
    waiting = sum(
        max(each.end - max(progress[number].next_offset if number in progress else 0, each.first), 0)
        for number, each in bounds.items()
    )
    if not waiting:
        return ok(name, "every record is counted")
    what = f"{counted(waiting, 'record')} wait to be counted"
    last = max((each.at for each in progress.values()), default=None)
    if last is None:
        return warning(name, f"{what}, and none ever was", "Start a worker: `monitor worker`.")
    if now - last > patience:
        return warning(
            name,
            f"{what}, and the last commit was at {last:%Y-%m-%d %H:%M} UTC",
            "Start a worker, or read the log of the one that runs.",
        )
    return ok(name, f"{what}; the last commit was {(now - last).total_seconds():.0f} s ago")
