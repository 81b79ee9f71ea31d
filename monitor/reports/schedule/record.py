"""Notes what the schedule has made, and finds what it still has to make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from monitor.objectives.reading import read_first_hour
from monitor.reports.figures import Language
from monitor.reports.schedule.plan import ISSUES, Due, Issue, Schedule
from monitor.reports.tables import scheduled_reports
from monitor.storage.upsert import upsert

_made = scheduled_reports.c
Wanted = tuple[str | None, Language]
"""One report: an agency by its present code, None for the national one, and a language."""


class Made(NamedTuple):
    """When the schedule made a report, and its number; None where nothing had changed since the first."""

    at: datetime
    run: int | None


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What is due and not made yet."""

    due: Due
    reports: tuple[Wanted, ...]


def note(connection: Connection, period: str, issue: Issue, report: Wanted, made: Made) -> None:
    """Note that a report is made: its files are in their place. Raises sqlalchemy.exc.DBAPIError."""
    agency, language = report
    row = {
        "period": period,
        "agency": agency or "",
        "language": language,
        "issue": issue,
        "made_at": made.at,
        "run": made.run,
    }
    upsert(connection, scheduled_reports, [row])


def noted(connection: Connection, period: str, issue: Issue) -> dict[Wanted, Made]:
    """What the schedule has made of a period. Raises sqlalchemy.exc.DBAPIError."""
    query = select(_made.agency, _made.language, _made.made_at, _made.run).where(
        _made.period == period, _made.issue == issue
    )
    return {
        (row.agency or None, row.language): Made(row.made_at, row.run) for row in connection.execute(query)
    }


def last_made(connection: Connection) -> datetime | None:
    """When the schedule last made a report; None before the first."""
    moment: datetime | None = connection.execute(select(func.max(_made.made_at))).scalar_one()
    return moment


def outstanding(
    connection: Connection, schedule: Schedule, wanted: Iterable[Wanted], now: datetime
) -> Sequence[Outstanding]:
    """What is due and not made, the longest due first; nothing on periods before the ledger begins.

    A report is made again only where it was made before that was due: one that was caught up on later has
    the late data in it. Raises sqlalchemy.exc.DBAPIError.
    """
    begins = read_first_hour(connection)
    if begins is None:
        return ()
    wanted = tuple(wanted)
    found = []
    for kind in schedule.kinds:
        for issue in ISSUES:
            due = schedule.latest(kind, issue, now)
            if due is None or due.period.ends(schedule.zone) <= begins:
                continue
            reports = _missing(connection, due, wanted)
            if reports:
                found.append(Outstanding(due, reports))
    return sorted(found, key=lambda each: each.due.since)


def _missing(connection: Connection, due: Due, wanted: tuple[Wanted, ...]) -> tuple[Wanted, ...]:
    made = noted(connection, due.period.key, due.issue)
    missing = tuple(report for report in wanted if report not in made)
    if due.issue == "first" or not missing:
        return missing
    first = noted(connection, due.period.key, "first")
    return tuple(report for report in missing if report in first and first[report].at < due.since)
