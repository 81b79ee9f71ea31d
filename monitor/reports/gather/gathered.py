"""What all reports on one period are built from, national and of every agency, read in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, func, select

from monitor.duties.assess import Terms
from monitor.errors import MonitorError, UsageProblem
from monitor.objectives.block import Layout
from monitor.registry.registry import Registry
from monitor.reports.gather.cells import Progress, Tallied, tally
from monitor.reports.gather.findings import Breached, BreachKey, read_findings
from monitor.reports.gather.source import Read, digest_of, read_source
from monitor.reports.gather.standing import Stood, stood
from monitor.reports.gather.xroad import XroadTallied, read_xroad
from monitor.reports.period import Period, Span
from monitor.storage.tables import cells

PASSES: Final = 3
"""How often the hours of the longest span are read: the period, the one before, and a year ago."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A period to compare with: what was exchanged and found in it, and how agencies stood at its end."""

    period: Period
    tallied: Tallied
    breaches: Mapping[BreachKey, Breached]
    stood: Stood | None


@dataclass(frozen=True, slots=True)
class Gathered:
    """All of one period; `until` is the moment up to which it was summed, its end where it is over."""

    period: Period
    terms: Terms
    layout: Layout
    made_at: datetime
    until: datetime
    source: Read
    tallied: Tallied
    breaches: Mapping[BreachKey, Breached]
    stood: Stood
    before: Compared | None
    year_ago: Compared | None
    ledger_digest: str
    xroad: XroadTallied

    @property
    def registry(self) -> Registry:
        """The registry, as it was when the report was made."""
        return self.terms.registry

    @property
    def to_date(self) -> bool:
        """Whether the period is still running."""
        return self.until < self.period.ends(self.terms.zone)


def check_period(period: Period, now: datetime, terms: Terms) -> None:
    """Raise UsageProblem for a period that has not begun."""
    begins = period.begins(terms.zone)
    if begins >= now:
        raise UsageProblem(
            f"--period {period.key}: it begins on {period.first_day}; reports are about what has happened"
        )


def gather(
    engine: Engine, terms: Terms, period: Period, now: datetime, progress: Progress | None = None
) -> Gathered:
    """Read everything at a moment (aware, UTC); `progress` is told of each hour read, `hours_to_read` in all.

    Raises UsageProblem for a period that has not begun, MonitorError for one of which the ledger knows
    nothing, and sqlalchemy.exc.DBAPIError.
    """
    check_period(period, now, terms)
    if engine.dialect.name == "postgresql":
        # All statements see the same moment; SQLite's read transactions always do.
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection, connection.begin():
        return _gather(connection, terms, period, now, progress or _unseen)


def _unseen(hours: int) -> None:
    """Nobody looks on."""
    del hours


def _gather(
    connection: Connection, terms: Terms, period: Period, now: datetime, progress: Progress
) -> Gathered:
    zone = terms.zone
    until = min(now, period.ends(zone))
    span = Span.of(period, zone, until)
    source = read_source(connection)
    _check_known(connection, source, period, span)
    layout = Layout(terms.registry)
    tallied = tally(connection, span, layout, progress)
    breaches = read_findings(connection, span, terms.registry)
    first = source.first_hour
    ago = period.year_ago

    def compared(other: Period, *, whole: bool) -> Compared | None:
        full = Span.of(other, zone)
        # Of a period that is still running as many hours are compared as it has had.
        cut = full.first_hours(span.hours) if until < period.ends(zone) else full
        return _compared(connection, terms, layout, other, cut, first, progress, whole=whole)

    return Gathered(
        period=period,
        terms=terms,
        layout=layout,
        made_at=now,
        until=until,
        source=source,
        tallied=tallied,
        breaches=breaches,
        stood=stood(connection, terms, layout, tallied, breaches, first, until),
        before=compared(period.previous, whole=True),
        year_ago=None if ago is None else compared(ago, whole=False),
        ledger_digest=digest_of(tallied),
        xroad=read_xroad(connection, span, terms.registry),
    )


def hours_to_read(period: Period, terms: Terms, now: datetime) -> int:
    """How many hours `gather` will tell of at the most, for a bar."""
    return PASSES * Span.of(period, terms.zone, min(now, period.ends(terms.zone))).hours


def _compared(
    connection: Connection,
    terms: Terms,
    layout: Layout,
    period: Period,
    span: Span,
    first: datetime | None,
    progress: Progress,
    *,
    whole: bool,
) -> Compared | None:
    """A period to compare with; None where the ledger does not reach back to it.

    A `whole` one also has percentiles and how agencies stood.
    """
    if first is None or first.timestamp() >= span.ends:
        return None
    tallied = tally(connection, span, layout, progress, latencies=whole)
    breaches = read_findings(connection, span, terms.registry)
    at = datetime.fromtimestamp(span.ends, UTC)
    standing = stood(connection, terms, layout, tallied, breaches, first, at) if whole else None
    return Compared(period, tallied, breaches, standing)


def _check_known(connection: Connection, source: Read, period: Period, span: Span) -> None:
    first = source.first_hour
    if first is None:
        raise MonitorError(f"there is nothing to report on {period.key}: the ledger is empty")
    if first.timestamp() >= span.ends:
        day = first.astimezone(span.zone).date()
        raise MonitorError(f"there is nothing to report on {period.key}: the ledger begins on {day}")
    last = connection.execute(select(func.max(cells.c.hour))).scalar_one()
    newest = max(datetime.fromtimestamp(last, UTC), source.newest or first)
    if newest.timestamp() < span.begins:
        shown = newest.astimezone(span.zone).strftime("%Y-%m-%d %H:%M")
        raise MonitorError(
            f"there is nothing to report on {period.key}: the newest event that was read is of {shown}"
        )


def bounds(span: Span) -> tuple[datetime, datetime]:
    """The moments (UTC) with which a span begins and ends."""
    begins = datetime.fromtimestamp(span.begins, UTC)
    return begins, begins + timedelta(seconds=span.ends - span.begins)
