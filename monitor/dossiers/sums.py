"""What dossiers counted for over some days, by agency and group of procedures, summed over partitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection, func, or_, select

from monitor.dossiers.counts import LAPSES
from monitor.dossiers.tables import dossier_cells
from monitor.registry.registry import Registry

Sums = Counter[str]
"""Counts by measure."""
ByGroup = dict[str, Sums]
ByAgency = dict[str, ByGroup]


def read_sums(connection: Connection, registry: Registry, first: date, last: date, today: date) -> ByAgency:
    """Sum the local days from `first` to `last`; what lapses counts on days before `today` alone.

    Agencies are under their present codes; of those that the registry does not hold there is nothing.
    Raises sqlalchemy.exc.DBAPIError.
    """
    cells = dossier_cells.c
    query = (
        select(cells.agency, cells.procedures, cells.measure, func.sum(cells["count"]))
        .where(cells.day >= first, cells.day <= last)
        .where(or_(cells.measure.not_in(sorted(LAPSES)), cells.day < today))
        .group_by(cells.agency, cells.procedures, cells.measure)
    )
    found: ByAgency = {}
    for agency, group, measure, count in connection.execute(query):
        code = registry.canonical.get(agency)
        if code is not None and count:
            found.setdefault(code, {}).setdefault(group, Counter())[measure] += int(count)
    return found


def together(sums: Iterable[Sums]) -> Sums:
    """Their sum."""
    total: Sums = Counter()
    for each in sums:
        total.update(each)
    return total
