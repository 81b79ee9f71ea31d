"""The table of public services by group of procedures, the worst on time first."""

from __future__ import annotations

from monitor.reports.layout.blocks import Missing, Table, Value
from monitor.reports.layout.sheaf import Sheaf
from monitor.reports.model import ProcedureGroup, ServiceQuality


def procedures(of: Sheaf, part: ServiceQuality) -> Table | None:
    """Every group, and all together where there are several; None where none are told.

    A share without a denominator is a dash, but that on time, which then says that it is not scored.
    """
    if not part.groups:
        return None
    rows = [_row(of, each) for each in part.groups]
    if len(rows) > 1:
        rows.append(_total(of, part))
    return of.table(
        "procedures",
        [
            ("column.procedures", "text", 2),
            ("figure.received", "count", 1),
            ("figure.completed", "count", 1),
            ("figure.on_time", "count", 1),
            ("column.decided", "count", 1),
            ("column.on_time_share", "percent", 1),
            ("column.handling", "points", 0.9),
            ("column.filed_online", "percent", 0.9),
            ("column.paid_online", "percent", 1),
            ("column.satisfied", "percent", 0.9),
        ],
        rows,
        marked=frozenset({len(part.groups)}),
        note=of.texts("procedures.note"),
    )


def _row(of: Sheaf, each: ProcedureGroup) -> tuple[Value, ...]:
    on_time = each.on_time
    return (
        of.texts.of(each.name, each.group),
        each.received,
        each.completed,
        on_time.numerator,
        on_time.denominator,
        on_time.ratio if on_time.scored else Missing(of.texts("not_scored")),
        each.mean_handling_days,
        each.filed_online.ratio,
        each.paid_online.ratio,
        each.satisfaction.ratio,
    )


def _total(of: Sheaf, part: ServiceQuality) -> tuple[Value, ...]:
    """Counts are added, never shares: each is that of the index."""
    found = {each.key: each.indicator for each in part.items}
    on_time = found["on_time"]
    return (
        of.texts("figure.total"),
        part.dossiers,
        sum(each.completed for each in part.groups),
        on_time.numerator,
        on_time.denominator,
        on_time.ratio if on_time.scored else Missing(of.texts("not_scored")),
        part.mean_handling_days,
        *(found[key].ratio for key in ("filed_online", "paid_online", "satisfaction")),
    )
