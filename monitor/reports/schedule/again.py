"""What has changed since the schedule first made a report, where nobody has signed one meanwhile."""

from __future__ import annotations

from sqlalchemy import Connection

from monitor.errors import UsageProblem
from monitor.reports import runs
from monitor.reports.changes import compare
from monitor.reports.model import Reissue, Report
from monitor.reports.schedule.record import noted


def since_first(connection: Connection, report: Report) -> Reissue | None:
    """The figures that differ from the first issue; None where that is not kept or cannot be read any more.

    Raises sqlalchemy.exc.DBAPIError.
    """
    first = noted(connection, report.period.key, "first").get((report.agency, report.language))
    if first is None or first.run is None:
        return None
    try:
        run, before = runs.load(connection, first.run)
    except UsageProblem:  # newer drafts have taken its place
        return None
    return compare(report, before, run.id, run.made_at)
